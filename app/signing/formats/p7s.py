"""A `.p7s` beside a file: its name, and what it says of the file (RFC 5652; ETSI EN 319 122-1)."""

import asyncio
import hashlib
import unicodedata
from datetime import datetime
from pathlib import Path

from asn1crypto import cms, pem
from pyhanko.sign.validation.generic_cms import async_validate_detached_cms, extract_tst_data_iter
from pyhanko.sign.validation.status import StandardCMSSignatureStatus

from app.core.refusals import Refusal
from app.signing.formats.revision import CHUNK
from app.signing.signers import UNREADABLE
from app.signing.trust import Trust, facts
from app.signing.verify import Reading, Timestamp

LARGEST = 5 * 1024 * 1024  # bytes of a .p7s; ours have about ten thousand
LONGEST_NAME = 60  # of a document or of a person, in a file name
LETTERS = str.maketrans(
    {"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"}
)


def signature_name(document: str, rank: int, signer: str, suffix: str = ".p7s") -> str:
    """The name of the n-th signature beside a document: letters, digits, hyphens and underscores, for any disk or mail.

    >>> signature_name("Délibération n° 12.xml", 2, "Gwenaël C’HOADEG")
    'Deliberation-n-12-xml-2-Gwenael-C-HOADEG.p7s'
    """
    return f"{_plain(document) or 'document'}-{rank}-{_plain(signer) or 'signataire'}{suffix}"


def _plain(text: str) -> str:
    """ASCII that reads as the text does; what is no letter or digit becomes one hyphen."""
    flat = unicodedata.normalize("NFKD", text.translate(LETTERS).replace("°", " "))
    kept = "".join(one for one in flat if not unicodedata.combining(one))
    words = "".join(one if one.isascii() and (one.isalnum() or one == "_") else " " for one in kept).split()
    return "-".join(words)[:LONGEST_NAME].strip("-")


def read_p7s(
    content: Path, p7s: Path, trust: Trust, moment: datetime, *, fetch: bool | None = None
) -> Reading:
    """What a `.p7s` (DER or PEM, one signatory) says of a file, as `verify.read` does for a PDF; judged by nobody yet.

    `field` is the name of the `.p7s`. A trusted timestamp moves the judgement of the certificate back to its time.
    `fetch` says whether authorities are asked, as `trust.fetch` when it is None. Refuses `p7s-unreadable`.
    """
    signed = _signed_data(p7s)
    asks = trust.fetch if fetch is None else fetch
    try:
        return asyncio.run(_read(content, p7s.name, signed, trust, moment, fetch=asks))
    except UNREADABLE as error:
        raise Refusal("p7s-unreadable", name=p7s.name, why=str(error)) from error


def _signed_data(p7s: Path) -> cms.SignedData:
    if p7s.stat().st_size > LARGEST:
        raise Refusal("p7s-unreadable", name=p7s.name, why="il est trop grand")
    data = p7s.read_bytes()
    try:
        found = cms.ContentInfo.load(pem.unarmor(data)[2] if pem.detect(data) else data, strict=True)
        if found["content_type"].native != "signed_data":
            raise Refusal("p7s-unreadable", name=p7s.name, why="il ne contient pas de signature")
        signed = found["content"]
        _ = signed.native  # asn1crypto parses as late as it can: a broken container has to fail here
        count = len(signed["signer_infos"])
    except UNREADABLE as error:
        raise Refusal("p7s-unreadable", name=p7s.name, why=str(error)) from error
    if count != 1:
        raise Refusal("p7s-unreadable", name=p7s.name, why=f"il contient {count} signatures au lieu d’une")
    return signed


async def _read(
    content: Path, name: str, signed: cms.SignedData, trust: Trust, moment: datetime, *, fetch: bool
) -> Reading:
    info = signed["signer_infos"][0]
    token = next(extract_tst_data_iter(info, signed=False), None)
    at = token["encap_content_info"]["content"].parsed["gen_time"].native if token is not None else None
    status = await _validate(content, signed, trust, moment, at or moment, fetch=fetch)
    timestamp = _timestamp(status)
    if at is not None and timestamp != "trusted":
        # Nothing proves the hour that the token claims: the certificate is judged as of today
        status = await _validate(content, signed, trust, moment, moment, fetch=fetch)
    problem = status.trust_problem_indic.standard_name if status.trust_problem_indic else None
    if fetch and problem == "CERTIFICATE_CHAIN_GENERAL_FAILURE":
        # pyHanko says the same of a bad chain and of a silent authority: only the first fails without revocation too
        offline = await _validate(content, signed, trust, moment, at or moment, fetch=False)
        problem = "TRY_LATER" if offline.trusted else problem
    said = facts(status.signing_cert.dump())
    details = status.revocation_details
    return Reading(
        field=name,
        name=said.common_name,
        serial=said.serial,
        fingerprint_sha256=said.fingerprint_sha256,
        signature_sha256=hashlib.sha256(info["signature"].native).hexdigest(),
        signed_at=status.signer_reported_dt,
        timestamped_at=at if timestamp == "trusted" else None,
        timestamp=timestamp,
        intact=status.intact,
        valid=status.valid,
        holds=bool(status.intact and status.valid),
        covers_whole=status.intact,
        trusted=status.trusted,
        problem=problem,
        revoked_at=details.revocation_date if details else None,
        expired_at=said.not_after if said.not_after < (at or moment) else None,
    )


def _timestamp(status: StandardCMSSignatureStatus) -> Timestamp:
    token = status.timestamp_validity
    if token is None:
        return "none"
    if not (token.intact and token.valid):
        return "invalid"
    return "trusted" if token.trusted else "untrusted"


async def _validate(
    content: Path, signed: cms.SignedData, trust: Trust, moment: datetime, at: datetime, *, fetch: bool
) -> StandardCMSSignatureStatus:
    with content.open("rb") as stream:
        return await async_validate_detached_cms(
            stream,
            signed,
            signer_validation_context=trust.context(at, fetch=fetch),
            ts_validation_context=trust.tsa_context(moment, fetch=fetch),
            chunk_size=CHUNK,
        )
