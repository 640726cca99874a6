"""CAdES signatures beside a file of any kind: one `.p7s` for each signatory, the file itself never touched.

Levels B-B and B-T (ETSI EN 319 122-1 §6.3); the content is read from disk, whatever its size.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from asn1crypto import algos, cms, core, x509
from pyhanko.sign.ades import cades_asn1  # noqa: F401 - teaches asn1crypto the attribute « mime_type »
from pyhanko.sign.general import as_signing_certificate_v2

from app.signing.formats import container
from app.signing.formats.beside import Embedder, hash_of
from app.signing.ports import Prepared
from app.trust import algorithms
from app.trust.timestamp import TimestampClient
from app.verification.readers.cms.signatures import read_p7s

MEDIA_TYPE = "application/octet-stream"
MIME_TYPE = "mime_type"


def prepare(
    source: Path,
    target: Path,
    *,
    certificate: bytes,
    chain: Sequence[bytes],
    field: str,
    now: datetime,
    media_type: str = MEDIA_TYPE,
) -> Prepared:
    """Say what the key signs of `source`, and write it at `target`, where the container will take its place.

    The signed attributes hold the hash of the file, the signing time `now`, the certificate and the media type
    (EN 319 122-1 §5.1, §5.2, §6.3 for a detached signature). `digest` is the hash of the file; the hole is all of
    `target`. Refuses the keys of `algorithms.of`; then `target` does not exist.
    """
    del chain  # the container is as long as it has to be: no room is reserved
    algorithm = algorithms.of(certificate).digest
    digest = hash_of(source, algorithm)
    attributes = _attributes(certificate, digest, algorithm, now, media_type)
    target.write_bytes(attributes)
    return Prepared(field, attributes, digest, 0, len(attributes), algorithm)


def _attributes(certificate: bytes, digest: bytes, algorithm: str, now: datetime, media_type: str) -> bytes:
    own = x509.Certificate.load(certificate)
    mechanism = container.signer(certificate).get_signature_mechanism_for_digest(algorithm)
    protection = cms.CMSAlgorithmProtection(
        {
            "digest_algorithm": algos.DigestAlgorithm({"algorithm": algorithm}),
            "signature_algorithm": mechanism,
        }
    )
    moment = cms.Time({"utc_time": core.UTCTime(now.replace(microsecond=0))})
    values = {
        "content_type": "data",
        "message_digest": digest,
        "signing_time": moment,
        "signing_certificate_v2": as_signing_certificate_v2(own, algorithm),
        "cms_algorithm_protection": protection,
        MIME_TYPE: media_type,
    }
    attributes = [cms.CMSAttribute({"type": kind, "values": [value]}) for kind, value in values.items()]
    return bytes(cms.CMSAttributes(attributes).dump())


def _waits(waiting: bytes, prepared: Prepared, _certificate: bytes, digest: bytes) -> bool:
    announced = cms.CMSAttributes.load(prepared.attributes, strict=True)
    digests = [
        bytes(attribute["values"][0].native)
        for attribute in announced
        if attribute["type"].native == "message_digest"
    ]
    return waiting == prepared.attributes and digests == [digest]


def _embed(
    _waiting: bytes,
    prepared: Prepared,
    certificate: bytes,
    chain: Sequence[bytes],
    proven: bytes,
    timestamper: TimestampClient | None,
) -> bytes:
    return container.build(certificate, chain, prepared.attributes, proven, prepared.algorithm, timestamper)


_embedder = Embedder(_waits, _embed, read_p7s)
complete, check = _embedder.complete, _embedder.check
