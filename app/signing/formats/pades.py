"""PAdES signatures in two steps: prepare leaves a hole and says what to sign, complete proves the answer and fills it."""

import dataclasses
import errno
import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import IO

import structlog
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import PdfSignatureMetadata
from pyhanko.sign.signers.pdf_byterange import PreparedByteRangeDigest

from app.core.refusals import Refusal
from app.signing.formats import container
from app.signing.formats.container import demand, failed
from app.signing.formats.revision import CHUNK, is_prefix, write
from app.signing.ports import FieldPlan, Prepared, ServerKey, SignatureFacts, Stamp
from app.trust import algorithms
from app.trust.certificates import Trust, facts
from app.trust.timestamp import TimestampClient
from app.verification.readers.pdf import read_pdf

log = structlog.get_logger()
BROKEN = (
    PdfError,
    SigningError,
    ValueError,
    TypeError,
    LookupError,
    NotImplementedError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    RecursionError,
)


def prepare(
    source: Path,
    target: Path,
    *,
    certificate: bytes,
    chain: Sequence[bytes],
    field: str,
    fields: Sequence[FieldPlan],
    stamp: Stamp | None,
    reason: str | None,
    location: str | None,
    now: datetime,
    timestamped: bool = True,
    token_room: int = container.TOKEN,
    fresh: bool = False,
) -> Prepared:
    """Write at `target` the bytes of `source` and one more revision with a hole for the signature of `field`.

    Every field of `fields` that is not there yet is created in that same revision, so that later signatures only
    fill fields (ISO 32000-2 §12.8.2.2). `fresh`: their names are proposals, all changed alike when the document has one
    of them already; `Prepared.field` says the true one. `certificate` and `chain` in DER, `now` goes to /M. The signed attributes
    hold no signing time (ETSI EN 319 142-1 §5.3). Refuses `document-not-signable`, `document-certified`,
    `field-unknown`, `field-already-signed`, `stamp-outside-page`, `stamp-too-large`, `stamp-glyph-missing` and the keys of
    `algorithms.of`; then `target` does not exist.
    """
    algorithm = algorithms.of(certificate).digest
    signer = container.signer(certificate)
    meta = _metadata(certificate, field, reason, location)
    room = 2 * container.room(certificate, chain, token=token_room if timestamped else 0)
    try:
        with target.open("w+b") as after:
            hole = write(
                source,
                after,
                signer,
                meta,
                field=field,
                fields=fields,
                fresh=fresh,
                stamp=stamp,
                room=room,
                now=now,
            )
        attributes = container.signed_attributes(certificate, hole.digest, algorithm)
    except BaseException as error:
        target.unlink(missing_ok=True)
        # EINVAL: an offset of the document leads before its beginning; any other fault of the disk stays one
        if isinstance(error, BROKEN) or (isinstance(error, OSError) and error.errno == errno.EINVAL):
            log.warning(
                "signing.not_signable", error=repr(error)[:200]
            )  # the library's words are for the operator
            raise Refusal("document-not-signable") from error
        raise
    return Prepared(
        field=hole.field,
        attributes=attributes,
        digest=hole.digest,
        start=hole.start,
        end=hole.end,
        algorithm=algorithm,
    )


def _metadata(
    certificate: bytes, field: str, reason: str | None, location: str | None
) -> PdfSignatureMetadata:
    return PdfSignatureMetadata(
        field_name=field,
        md_algorithm=algorithms.of(certificate).digest,
        subfilter=SigSeedSubFilter.PADES,
        reason=reason,
        location=location,
        name=_common_name(certificate),
    )


@lru_cache(maxsize=container.KEPT)
def _common_name(certificate: bytes) -> str:
    return facts(certificate).common_name


def complete(
    target: Path,
    prepared: Prepared,
    *,
    certificate: bytes,
    chain: Sequence[bytes],
    signature: bytes,
    timestamper: TimestampClient | None,
) -> None:
    """Fill the hole of a prepared document with a signature that is proven first.

    `signature`: DER or raw r‖s for an elliptic curve, PKCS#1 v1.5 for RSA, over `prepared.attributes`. It is checked
    with our attributes, our certificate and our file, never with what the signer sent along. Refuses
    `signature-not-yours`, `hash-not-allowed`, `prepared-file-changed` (or prepared for another certificate),
    `timestamp-silent`, `signature-too-large`; then nothing is written. Whoever keeps the file forces it to disk.
    """
    proven = algorithms.check_signature(certificate, signature, prepared.attributes, prepared.algorithm)
    # What was kept since is not believed: it is made again from the certificate and the hash.
    if prepared.attributes != container.signed_attributes(certificate, prepared.digest, prepared.algorithm):
        raise Refusal("prepared-file-changed")
    with target.open("r+b") as stream:
        if _outside_hole(stream, prepared) != prepared.digest:
            raise Refusal("prepared-file-changed")
        _fill(stream, prepared, certificate, chain, proven, timestamper)


def _fill(
    stream: IO[bytes],
    prepared: Prepared,
    certificate: bytes,
    chain: Sequence[bytes],
    proven: bytes,
    timestamper: TimestampClient | None,
) -> None:
    signed = container.build(certificate, chain, prepared.attributes, proven, prepared.algorithm, timestamper)
    if 2 * len(signed) > prepared.end - prepared.start - 2:
        raise Refusal("signature-too-large")
    PreparedByteRangeDigest(prepared.digest, prepared.start, prepared.end).fill_with_cms(stream, signed)


def _outside_hole(stream: IO[bytes], prepared: Prepared) -> bytes:
    """Hash of the file outside an empty hole; anything but zeros in the hole changes the answer."""
    digest = hashlib.new(prepared.algorithm)
    stream.seek(0)
    left = prepared.start
    while left and (chunk := stream.read(min(CHUNK, left))):
        digest.update(chunk)
        left -= len(chunk)
    hole = stream.read(prepared.end - prepared.start)
    if hole != b"<" + b"0" * (prepared.end - prepared.start - 2) + b">":
        return b""
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
    return digest.digest()


def seal(
    source: Path,
    target: Path,
    *,
    key: ServerKey,
    field: str,
    fields: Sequence[FieldPlan],
    stamp: Stamp | None,
    now: datetime,
    timestamper: TimestampClient | None,
    reason: str | None = None,
    location: str | None = None,
    fresh: bool = False,
) -> Prepared:
    """Sign with a key of this server, through the same two steps as everybody; on refusal `target` does not exist."""
    prepared = prepare(
        source,
        target,
        certificate=key.certificate,
        chain=key.chain,
        field=field,
        fields=fields,
        stamp=stamp,
        reason=reason,
        location=location,
        now=now,
        timestamped=timestamper is not None,
        fresh=fresh,
    )
    try:
        signature = key.sign(prepared.attributes)
        proven = algorithms.check_signature(
            key.certificate, signature, prepared.attributes, prepared.algorithm
        )
        # Nobody had the file since it was hashed: it is not hashed again, as it is when a signature comes from elsewhere
        with target.open("r+b") as stream:
            _fill(stream, prepared, key.certificate, key.chain, proven, timestamper)
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
    since: Collection[str] = (),
) -> SignatureFacts:
    """Read the signature back from the file and prove that it is the one that was asked for.

    It must be intact, valid, trusted, by `certificate`, in `field`, over the entire file, at level B-T when
    `timestamped` else B-B; `source` must be an exact prefix; every earlier signature that held must still hold
    (difference analysis), and so must those of `since`, made after `source`. Revocation is the business of
    `trust.check_certificate`; no host is asked here.
    Refuses `signature-not-valid-after-embedding`.
    """
    with source.open("rb") as before, target.open("rb") as after:
        if not is_prefix(before, after):
            raise failed("la version précédente n’est pas conservée")
    silent = dataclasses.replace(trust, fetch=False)
    try:
        readings = read_pdf(target, None, silent, moment)
    except Refusal as error:
        raise failed("le fichier signé ne se relit pas") from error
    ours = [reading for reading in readings if reading.where == field]
    # Ours is the last one: nothing may stand after it in the file that it covers whole.
    if len(ours) != 1 or ours[0] is not readings[-1]:
        raise failed(f"la signature n’est pas dans l’emplacement « {field} »")
    own = {
        "elle n’est pas intacte": ours[0].holds,
        "elle ne couvre pas tout le fichier": ours[0].covers_whole,
        "elle n’est pas au format PAdES": ours[0].baseline,
    }
    facts = demand(ours[0], field, certificate, own, timestamped=timestamped, earlier=len(readings) - 1)
    broken = {reading.where for reading in readings[:-1] if not reading.holds}
    if broken:
        # One that did not hold before ours is not our doing.
        broken &= {
            reading.where for reading in read_pdf(source, None, silent, moment) if reading.holds
        } | set(since)
    if broken:
        raise failed(
            f"une signature antérieure ne tiendrait plus : {', '.join(sorted(broken))}",
            earlier=bool(broken - set(since)),
        )
    return facts
