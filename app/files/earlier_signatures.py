"""The signatures that a deposited PDF already carries are listed, and judged on their bytes alone."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.core.texts import cleaned
from app.files.pdf import EarlierSignature

NO_NAME = "un signataire sans nom"
UNJUDGED = "La signature n’a pas pu être lue."


def read(path: Path, *, draws: bool = True) -> tuple[EarlierSignature, ...]:
    """Every earlier signature, oldest first; one that cannot be read counts as invalid and still shows.

    What was added after each passes the gate that the verifier has (`app.pdf.gate`), the pages drawn when `draws`.
    Whether its certificate is trusted is not asked here. Source: ETSI EN 319 142-1 §6; ISO 32000-1 §12.8.
    """
    from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

    from app.pdf.gate import Gate
    from app.pdf.revisions import opened

    with path.open("rb") as file:
        document = opened(file)
        try:
            embedded: list[EmbeddedPdfSignature] = list(document.reader.embedded_signatures)
            for signature in embedded:
                signature.signed_revision = max(signature.signed_revision, document.base)
        except Exception:  # noqa: BLE001 (a malformed signature dictionary hides the others from pyHanko)
            return (EarlierSignature(NO_NAME, valid_structure=False, docmdp=None),)
        gate = Gate(document, draws=draws)
        try:
            return _all(embedded, gate)
        finally:
            gate.close()


def _all(embedded: list[Any], gate: Any) -> tuple[EarlierSignature, ...]:
    """The newest first, whose visible stamps the others bear; told oldest first."""
    from app.pdf.changes import Signer

    judged = [_judged(signature) for signature in embedded]
    signers = {
        str(signature.field_name): Signer(earlier.name, _standing(earlier), timestamp=_alone(signature))
        for signature, earlier in zip(embedded, judged, strict=True)
    }
    for rank in reversed(range(len(embedded))):
        signature, earlier = embedded[rank], judged[rank]
        if earlier.since == UNJUDGED:
            continue
        try:
            finding = gate.judge(
                signature.signed_revision, signature.byte_range, signers, refused=not earlier.valid_structure
            )
        except Exception:  # noqa: BLE001 (whatever a forged file breaks, its signature is not a valid one)
            judged[rank] = replace(earlier, valid_structure=False)
            continue
        sound = earlier.valid_structure and not finding.altered
        judged[rank] = replace(
            earlier,
            valid_structure=sound,
            altered=finding.altered,
            doubts=finding.doubts,
            since=finding.since if sound else earlier.since,
        )
        signers[str(signature.field_name)] = Signer(
            earlier.name, _standing(judged[rank]), timestamp=_alone(signature)
        )
    return tuple(judged)


def _standing(earlier: EarlierSignature) -> Any:
    """Nobody's authority is known here: what somebody issued to himself is all that can be told apart."""
    return "broken" if not earlier.valid_structure else "intact" if earlier.self_issued else "valid"


def readable_signatures(path: Path) -> tuple[EarlierSignature, ...] | None:
    """The signatures of a PDF as `read` tells them without drawing it, or None when the file cannot be opened as one."""
    from pyhanko.pdf_utils.misc import PdfError

    try:
        return read(path, draws=False)
    except (PdfError, OSError, ValueError, TypeError, LookupError, AssertionError, RecursionError):
        return None


def _judged(signature: Any) -> EarlierSignature:
    from pyhanko.sign.validation.generic_cms import validate_sig_integrity

    certifies, sound, since = None, False, UNJUDGED
    try:
        certifies = signature.docmdp_level.value if _certifies(signature) else None
        signature.compute_integrity_info()
        intact, valid = validate_sig_integrity(
            signature.signer_info,
            signature.signer_cert,
            expected_content_type=signature.signed_data["encap_content_info"]["content_type"].native,
            actual_digest=_of_token(signature) if _alone(signature) else signature.compute_digest(),
        )
        changed_lawfully = signature.summarise_integrity_info()["docmdp_ok"]
        sound, since = bool(intact and valid and changed_lawfully), ""
    except Exception:  # noqa: BLE001 (whatever a forged signature breaks, it is not a valid one)
        sound = False
    moment, proved = _when(signature)
    issuer, itself = _issuer(signature)
    return EarlierSignature(
        _name(signature), sound, certifies, moment, proved, since=since, issuer=issuer, self_issued=itself
    )


def _issuer(signature: Any) -> tuple[str, bool]:
    """The authority that the certificate names, and whether it is the signer's own."""
    try:
        certificate = signature.signer_cert
        named = certificate.issuer.native
        known = named.get("common_name") or named.get("organization_name") or ""
        return cleaned(str(known)), certificate.issuer == certificate.subject
    except Exception:  # noqa: BLE001 (a certificate that cannot be read names nobody)
        return "", False


def _alone(signature: Any) -> bool:
    """True of a timestamp of the whole document (ISO 32000-2 §12.8.5), which signs a token and not the file."""
    return bool(signature.sig_object_type == "/DocTimeStamp")


def _of_token(signature: Any) -> bytes:
    """The digest of the token that a document timestamp signs; ValueError when the token is of another file (RFC 3161 §2.4.2)."""
    content = signature.signed_data["encap_content_info"]["content"]
    if content.parsed["message_imprint"]["hashed_message"].native != signature.compute_digest():
        raise ValueError("the token stamps other bytes")
    return hashlib.new(signature.signer_info["digest_algorithm"]["algorithm"].native, bytes(content)).digest()


def _certifies(signature: Any) -> bool:
    references = signature.sig_object.get("/Reference", ())
    return any(reference.get_object().get("/TransformMethod") == "/DocMDP" for reference in references)


def _name(signature: Any) -> str:
    try:
        subject = signature.signer_cert.subject.native
        name = (
            subject.get("common_name")
            or subject.get("organization_name")
            or signature.sig_object.get("/Name")
        )
    except Exception:  # noqa: BLE001 (a certificate that cannot be read names nobody)
        name = None
    return cleaned(str(name or NO_NAME))


def _when(signature: Any) -> tuple[str | None, bool]:
    """The timestamp's time when there is one, else the time that the signer's own machine wrote."""
    from pyhanko.sign.validation.generic_cms import extract_tst_data_iter

    try:
        stamps = extract_tst_data_iter(signature.signer_info, signed=False)
        token = signature.signed_data if _alone(signature) else next(stamps, None)
        if token is not None:
            return token["encap_content_info"]["content"].parsed["gen_time"].native.isoformat(), True
        claimed = signature.self_reported_timestamp
        return (claimed.isoformat() if claimed else None), False
    except Exception:  # noqa: BLE001 (a forged time is no time)
        return None, False
