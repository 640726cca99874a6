"""CAdES signatures beside a file of any kind: one `.p7s` for each signatory, the file itself never touched.

Levels B-B and B-T (ETSI EN 319 122-1 §6.3); the content is read from disk, whatever its size.
"""

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from asn1crypto import algos, cms, core, x509
from pyhanko.sign.ades import cades_asn1  # noqa: F401 - teaches asn1crypto the attribute « mime_type »
from pyhanko.sign.general import as_signing_certificate_v2

from app.core.refusals import Refusal
from app.signing.formats import container
from app.signing.ports import Prepared, ServerKey, SignatureFacts
from app.trust import algorithms
from app.trust.certificates import Trust, facts
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
    timestamped: bool = True,
) -> Prepared:
    """Say what the key signs of `source`, and write it at `target`, where the container will take its place.

    The signed attributes hold the hash of the file, the signing time `now`, the certificate and the media type
    (EN 319 122-1 §5.1, §5.2, §6.3 for a detached signature). `digest` is the hash of the file; the hole is all of
    `target`. Refuses the keys of `algorithms.of`; then `target` does not exist.
    """
    del chain, timestamped  # the container is as long as it has to be: no room is reserved
    algorithm = algorithms.of(certificate).digest
    digest = _hash(source, algorithm)
    attributes = _attributes(certificate, digest, algorithm, now, media_type)
    target.write_bytes(attributes)
    return Prepared(field, attributes, digest, 0, len(attributes), algorithm)


def _hash(path: Path, algorithm: str) -> bytes:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).digest()


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
    made = [cms.CMSAttribute({"type": kind, "values": [value]}) for kind, value in values.items()]
    return bytes(cms.CMSAttributes(made).dump())


def complete(
    target: Path,
    prepared: Prepared,
    *,
    source: Path,
    certificate: bytes,
    chain: Sequence[bytes],
    signature: bytes,
    timestamper: TimestampClient | None,
) -> None:
    """Write at `target` the container of a signature that is proven first, then force it to disk.

    `signature`: DER or raw r‖s for an elliptic curve, PKCS#1 v1.5 for RSA, over `prepared.attributes`. It is checked
    with our attributes, our certificate and the file as it is now. Refuses `signature-not-yours`, `hash-not-allowed`,
    `prepared-file-changed`, `timestamp-silent`; then nothing is written.
    """
    proven = algorithms.check_signature(certificate, signature, prepared.attributes, prepared.algorithm)
    announced = cms.CMSAttributes.load(prepared.attributes, strict=True)
    said = [bytes(one["values"][0].native) for one in announced if one["type"].native == "message_digest"]
    waiting = target.read_bytes() if target.stat().st_size == prepared.end else b""
    same = waiting == prepared.attributes and said == [prepared.digest]
    if not same or _hash(source, prepared.algorithm) != prepared.digest:
        raise Refusal("prepared-file-changed")
    signed = container.build(certificate, chain, prepared.attributes, proven, prepared.algorithm, timestamper)
    # Written beside and renamed: whoever looks sees what waited, or the whole container
    beside = target.with_name(target.name + ".part")
    with beside.open("wb") as stream:
        stream.write(signed)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(target)


def seal(
    source: Path,
    target: Path,
    *,
    key: ServerKey,
    field: str,
    now: datetime,
    timestamper: TimestampClient | None,
    media_type: str = MEDIA_TYPE,
) -> Prepared:
    """Sign with a key of this server, through the same two steps as everybody; on refusal `target` does not exist."""
    prepared = prepare(
        source,
        target,
        certificate=key.certificate,
        chain=key.chain,
        field=field,
        now=now,
        media_type=media_type,
    )
    try:
        complete(
            target,
            prepared,
            source=source,
            certificate=key.certificate,
            chain=key.chain,
            signature=key.sign(prepared.attributes),
            timestamper=timestamper,
        )
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return prepared


def check(
    target: Path,
    *,
    source: Path,
    field: str,
    certificate: bytes,
    trust: Trust,
    timestamped: bool,
    moment: datetime,
) -> SignatureFacts:
    """Read the `.p7s` back and prove that it is the signature of `source` that was asked for.

    It must be intact, valid, trusted, by `certificate`, at level B-T when `timestamped` else B-B. Revocation is the
    business of `trust.check_certificate`; no host is asked here. Refuses `signature-not-valid-after-embedding`.
    """
    try:
        found, *others = read_p7s(target, source, dataclasses.replace(trust, fetch=False), moment)
    except Refusal as error:
        raise _failed(str(error)) from error
    demands = {
        "elle n’est pas seule dans son fichier": not others,
        "elle n’est pas celle de ce fichier": found.intact,
        "elle n’est pas valable": found.holds,
        "elle est d’un autre certificat": found.fingerprint_sha256 == facts(certificate).fingerprint_sha256,
        "son certificat n’est pas reconnu": found.vouched,
        "son horodatage n’est pas celui attendu": found.timestamp == ("trusted" if timestamped else "none"),
    }
    for why, met in demands.items():
        if not met:
            raise _failed(why)
    return SignatureFacts(
        field=field,
        level="B-T" if timestamped else "B-B",
        signed_at=found.claimed_at,
        timestamped_at=found.timestamped_at,
        fingerprint_sha256=found.fingerprint_sha256,
        signature_sha256=found.signature_sha256,
        earlier=0,
    )


def _failed(why: str) -> Refusal:
    return Refusal("signature-not-valid-after-embedding", why=why)
