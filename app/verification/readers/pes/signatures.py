"""The signatures of a PES flow: the Treasury's profile asks more than a right digest, and says who signed what."""

from base64 import b64decode
from datetime import datetime
from pathlib import Path

from app.core.clock import PARIS
from app.core.refusals import Refusal
from app.trust.certificates import Trust
from app.verification import bounds
from app.verification.readers.pes.layout import layout
from app.verification.readers.pes.proof import PesSignature, read_pes
from app.verification.reading import Evidence, SignatureReading
from app.verification.verdict import Link

SECONDS_EACH = 0.05
LEVEL = "XAdES-EPES (PES v2)"
# What the certificate lacks, in the words of EN 319 102-1; whatever is not here is the chain's general failure.
SUBS = {
    "certificate-issuer-missing": "NO_CERTIFICATE_CHAIN_FOUND",
    "certificate-issuer-unknown": "NO_CERTIFICATE_CHAIN_FOUND",
    "certificate-authentication-only": "CHAIN_CONSTRAINTS_FAILURE",
    "certificate-other-use": "CHAIN_CONSTRAINTS_FAILURE",
    "certificate-is-authority": "CHAIN_CONSTRAINTS_FAILURE",
    "certificate-chain-invalid": "CERTIFICATE_CHAIN_GENERAL_FAILURE",
    "certificate-issuer-revoked": "REVOKED_CA_NO_POE",
    "revocation-unknown": "TRY_LATER",
}


def read_flow(path: Path, content: Path | None, trust: Trust, moment: datetime) -> list[SignatureReading]:
    """Every signature of a flow, in its order; a bordereau that should be signed and is not is there too.

    The profile has no timestamp: the time is the signer's own word, and the certificate is judged at `moment`.
    Refuses `content-unexpected`, and what `read_pes` refuses.
    """
    if content is not None:
        raise Refusal("content-unexpected")
    # The structure first, within a stranger's bounds; then the time that its signatures honestly need.
    bounds.allow(SECONDS_EACH * 20, beyond=SECONDS_EACH * len(layout(path).bordereaux))
    return [_reading(signature, online=trust.fetch) for signature in read_pes(path, trust, moment)]


def _reading(signature: PesSignature, *, online: bool) -> SignatureReading:
    facts, problem = signature.certificate, signature.problem
    dated = problem in {"certificate-expired", "certificate-not-yet-valid"}
    return SignatureReading(
        where=f"{signature.element} {signature.target}".strip(),
        name=signature.name or "signataire illisible",
        level=LEVEL,
        capacity=signature.capacity or None,
        serial=signature.serial,
        fingerprint_sha256=signature.fingerprint_sha256,
        signature_sha256=signature.signature_sha256,
        chain=(
            Link(
                facts.common_name,
                facts.issuer_name,
                facts.serial,
                facts.not_after.isoformat(),
                facts.fingerprint_sha256,
            ),
        )
        if facts
        else (),
        claimed_at=signature.signed_at,
        readable=bool(signature.der),
        intact=signature.intact,
        valid=signature.valid,
        faults=signature.faults,
        unsure=signature.doubts,
        covered=f"Bordereau « {signature.target} ». {signature.covers}"
        if signature.mode == "bordereau"
        else signature.covers,
        what="bordereau" if signature.mode == "bordereau" else "flux",
        changes="Rien de ce que la signature couvre n’a changé."
        if signature.intact
        else "Ce qui est signé a changé.",
        sub=None if problem is None or dated else SUBS.get(problem, "CERTIFICATE_CHAIN_GENERAL_FAILURE"),
        lost_issuer=facts.issuer_name if facts and problem == "certificate-issuer-missing" else "",
        revoked_at=_revoked_at(signature) if problem == "certificate-revoked" else None,
        not_before=facts.not_before if facts else None,
        not_after=facts.not_after if facts else None,
        online=online,
        evidence=_evidence(signature),
    )


def _evidence(signature: PesSignature) -> Evidence | None:
    if not signature.der:
        return None
    attributes = {
        "policy": signature.policy,
        "role": signature.capacity,
        "place": tuple(part for part in signature.declared[1:] if part),
    }
    return Evidence(
        value=b64decode(signature.value),
        signed=signature.signed,
        algorithm="sha256",
        document=signature.digest,
        certificate=signature.der,
        attributes={name: value for name, value in attributes.items() if value},
    )


def _revoked_at(signature: PesSignature) -> datetime:
    """The day that the refusal names (`trust.check_certificate`), as it began in Paris."""
    return datetime.strptime(dict(signature.problem_facts)["date"], "%d/%m/%Y").replace(tzinfo=PARIS)
