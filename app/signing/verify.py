"""What the signatures of a PDF are: judged one by one (`verify`), or read as facts for whoever signs next (`read`)."""

import asyncio
import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel

from app.core.clock import now
from app.core.refusals import Refusal
from app.signing.signers import UNREADABLE
from app.signing.trust import Trust, facts
from app.signing.verdict import Verdict

# pyHanko logs a traceback for each authority it does not know; our verdict says it in one line
logging.getLogger("pyhanko.sign.validation").setLevel(logging.CRITICAL)

Timestamp = Literal["none", "trusted", "untrusted", "invalid"]


@dataclass(frozen=True)
class Reading:
    """One signature as read from the file, before it is judged.

    `holds`: intact, of its certificate, and nothing but permitted changes after it. `trusted`: its certificate was
    vouched for at the time that is proven. `problem`: ETSI EN 319 102-1 sub-indication when it was not.
    """

    field: str
    name: str
    capacity: str | None = None
    serial: str = ""
    fingerprint_sha256: str = ""
    signature_sha256: str = ""
    signed_at: datetime | None = None
    timestamped_at: datetime | None = None
    timestamp: Timestamp = "none"
    pades: bool = False
    intact: bool = False
    valid: bool = False
    holds: bool = False
    covers_whole: bool = False
    trusted: bool = False
    problem: str | None = None
    revoked_at: datetime | None = None
    expired_at: datetime | None = None


@dataclass(frozen=True)
class EarlierSignature:
    """A signature that a document already bears at deposit; `holds` says only that nothing broke it since."""

    field: str
    name: str
    signed_at: datetime | None
    holds: bool
    covers_whole: bool
    serial: str


def verify(path: Path, trust: Trust, moment: datetime) -> list[Verdict]:
    """Judge every person's signature of a PDF, oldest first, as known at `moment` (ETSI EN 319 102-1 §5).

    A trusted timestamp moves the judgement of the certificate back to its time. With `trust.fetch` false only what the
    file proves by itself is better than « indéterminé ». Refuses `pdf-damaged`, `document-locked`.
    """
    from app.signing.pdf_signatures import verify_pdf

    return verify_pdf(path, trust, moment)


def earlier_signatures(path: Path) -> list[EarlierSignature]:
    """The signatures of a PDF without any question of trust, oldest first; refuses `document-unreadable`."""
    nobody = Trust((), (), fetch=False)
    return [
        EarlierSignature(one.field, one.name, one.signed_at, one.holds, one.covers_whole, one.serial)
        for one in read(path, nobody, now(), fetch=False)
    ]


def read(path: Path, trust: Trust, moment: datetime, *, fetch: bool) -> list[Reading]:
    """Read every person's signature, oldest first; with `fetch` false no host is asked. Refuses `document-unreadable`."""
    with path.open("rb") as stream:
        try:
            return asyncio.run(_read_all(PdfFileReader(stream, strict=False), trust, moment, fetch=fetch))
        except UNREADABLE as error:
            raise Refusal("document-unreadable", why=str(error)) from error


async def _read_all(reader: PdfFileReader, trust: Trust, moment: datetime, *, fetch: bool) -> list[Reading]:
    found: list[tuple[int, Reading]] = []
    for name, value, widget in enumerate_sig_fields(reader, filled_status=True):
        try:
            signature = EmbeddedPdfSignature(reader, widget, name)
            if signature.sig_object_type != "/Sig":
                continue  # a document timestamp is nobody's signature
            reading = await _read_one(signature, trust, moment, fetch=fetch)
            found.append((signature.signed_revision, reading))
        except UNREADABLE:
            when = reader.xrefs.get_last_change(value.container_ref) if value.container_ref else 0
            found.append((when, Reading(field=name, name="signataire illisible", problem="FORMAT_FAILURE")))
    return [reading for _, reading in sorted(found, key=lambda pair: pair[0])]


async def _read_one(
    signature: EmbeddedPdfSignature, trust: Trust, moment: datetime, *, fetch: bool
) -> Reading:
    said = facts(signature.signer_cert.dump())
    token = next(extract_tst_data_iter(signature.signer_info, signed=False), None)
    at = token["encap_content_info"]["content"].parsed["gen_time"].native if token is not None else None
    status = await _validate(signature, trust, moment, at or moment, fetch=fetch)
    timestamp = _timestamp(status)
    if at is not None and timestamp != "trusted":
        # Nothing proves the hour that the token claims: the certificate is judged as of today
        status = await _validate(signature, trust, moment, moment, fetch=fetch)
    problem = status.trust_problem_indic.standard_name if status.trust_problem_indic else None
    if fetch and problem == "CERTIFICATE_CHAIN_GENERAL_FAILURE":
        # pyHanko says the same of a bad chain and of a silent authority: only the first fails without revocation too
        offline = await _validate(signature, trust, moment, at or moment, fetch=False)
        problem = "TRY_LATER" if offline.trusted else problem
    details = status.revocation_details
    return Reading(
        field=signature.field_name,
        name=said.common_name,
        capacity=_text(signature.sig_object.get("/Reason")),
        serial=said.serial,
        fingerprint_sha256=said.fingerprint_sha256,
        signature_sha256=hashlib.sha256(signature.signer_info["signature"].native).hexdigest(),
        signed_at=status.signer_reported_dt,
        timestamped_at=at if timestamp == "trusted" else None,
        timestamp=timestamp,
        pades=signature.sig_object.get("/SubFilter") == SigSeedSubFilter.PADES.value,
        intact=status.intact,
        valid=status.valid,
        holds=bool(status.intact and status.valid and status.docmdp_ok),
        covers_whole=status.coverage == SignatureCoverageLevel.ENTIRE_FILE,
        trusted=status.trusted,
        problem=problem,
        revoked_at=details.revocation_date if details else None,
        expired_at=said.not_after if said.not_after < (at or moment) else None,
    )


async def _validate(
    signature: EmbeddedPdfSignature, trust: Trust, moment: datetime, at: datetime, *, fetch: bool
) -> PdfSignatureStatus:
    return await async_validate_pdf_signature(
        signature,
        signer_validation_context=trust.context(at, fetch=fetch),
        ts_validation_context=trust.tsa_context(moment, fetch=fetch),
    )


def _timestamp(status: PdfSignatureStatus) -> Timestamp:
    token = status.timestamp_validity
    if token is None:
        return "none"
    if not (token.intact and token.valid):
        return "invalid"
    return "trusted" if token.trusted else "untrusted"


def _text(value: Any) -> str | None:
    return str(value) if value is not None else None
