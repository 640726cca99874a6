"""The signatures of a PES flow, judged: the Treasury's profile asks more than a right digest, and says who signed what."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from app.core.refusals import Refusal
from app.signing import bounds
from app.signing.formats.pes_layout import layout
from app.signing.formats.xades_read import PesSignature, read_pes
from app.signing.judge import FAILED, Seen, judge
from app.signing.trust import Trust
from app.signing.verdict import Link, Verdict

SECONDS_EACH = 0.05
LEVEL = "XAdES-EPES (PES v2)"
# What the certificate lacks, in the words of EN 319 102-1; whatever is not here is the chain's general failure.
SUBS = {
    "certificate-issuer-unknown": "NO_CERTIFICATE_CHAIN_FOUND",
    "certificate-authentication-only": "CHAIN_CONSTRAINTS_FAILURE",
    "certificate-is-authority": "CHAIN_CONSTRAINTS_FAILURE",
    "certificate-chain-invalid": "CERTIFICATE_CHAIN_GENERAL_FAILURE",
    "certificate-issuer-revoked": "REVOKED_CA_NO_POE",
    "revocation-unknown": "TRY_LATER",
}


def verify_pes(path: Path, content: Path | None, trust: Trust, moment: datetime) -> list[Verdict]:
    """Judge every signature of a flow, in its order; a bordereau that should be signed and is not has its verdict too.

    The profile has no timestamp: the time is the signer's own word, and the certificate is judged at `moment`.
    Refuses `content-unexpected`, and what `read_pes` refuses.
    """
    if content is not None:
        raise Refusal("content-unexpected")
    # The structure first, within a stranger's bounds; then the time that its signatures honestly need.
    bounds.allow(SECONDS_EACH * (20 + len(layout(path).bordereaux)))
    return [_judged(one, trust, moment) for one in read_pes(path, trust, moment)]


def _judged(one: PesSignature, trust: Trust, moment: datetime) -> Verdict:
    facts, problem = one.certificate, one.problem
    link = (
        Link(facts.subject, facts.issuer, facts.serial, facts.not_after.isoformat(), facts.fingerprint_sha256)
        if facts
        else None
    )
    dated = problem in {"certificate-expired", "certificate-not-yet-valid"}
    said = judge(
        Seen(
            where=f"{one.element} {one.target}".strip(),
            name=one.name or "signataire illisible",
            level=LEVEL,
            capacity=one.capacity or None,
            serial=one.serial,
            fingerprint_sha256=one.fingerprint_sha256,
            chain=(link,) if link else (),
            claimed_at=one.signed_at,
            intact=one.intact,
            valid=one.valid,
            covered=f"Bordereau « {one.target} ». {one.covers}" if one.mode == "bordereau" else one.covers,
            changes="Rien de ce que la signature couvre n’a changé."
            if one.intact
            else "Ce qui est signé a changé.",
            sub=None if problem is None or dated else SUBS.get(problem, "CERTIFICATE_CHAIN_GENERAL_FAILURE"),
            revoked_at=moment if problem == "certificate-revoked" else None,
            not_after=facts.not_after if facts else None,
            asked=trust.fetch,
        ),
        moment,
    )
    if not one.faults:
        return said
    # The profile's own demands: ETSI has no finer word for a signature that is whole and is not the one that was asked.
    return replace(
        said,
        indication=FAILED,
        sub_indication=said.sub_indication if said.indication == FAILED else "SIG_CONSTRAINTS_FAILURE",
        reason=f"Non valable : {' ; '.join(one.faults)}.",
    )
