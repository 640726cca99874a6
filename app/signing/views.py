"""A signature as the folder's page tells it, in one line and its details."""

from dataclasses import dataclass
from datetime import datetime

from app.core.clock import PARIS
from app.core.french import instant_preuve, jour_long
from app.core.grammar import de
from app.signing.models import PaperSignature
from app.signing.paper.sheet import NO_ELECTRONIC, described
from app.verification.verdict import Verdict

TONES = {"valide": "ok", "invalide": "danger", "indéterminé": "warn"}


@dataclass(frozen=True)
class SignatureView:
    """A signature as the page tells it: its verdict when it was judged, else what the record of its making proves.

    `capacity`: what we recorded. `declared`: what the signer's own file says of it, which nothing proves. `ask_url`: no
    signature, but where the page may have the document's signatures judged. `url`: all that is known.
    `certificate`: by whom it was issued, its number and its end.
    """

    name: str
    capacity: str
    at: str
    verdict: str
    tone: str
    url: str = ""
    ask_url: str = ""
    declared: str = ""
    certificate: str = ""


def in_both_names(name: str, holder: str) -> str:
    """Who signed, and the name on the certificate when it is another."""
    return f"{name}, certificat au nom {de(holder)}" if holder else name


def judged(verdict: Verdict, url: str, account: str = "") -> SignatureView:
    """A verdict as a line of the page; `url`: where all that is known of it is shown.

    `account`: who signed here with a certificate in another name.
    """
    at = verdict.timestamped_at or verdict.claimed_at
    reason = verdict.capacity or ""
    name = in_both_names(account, verdict.name) if account else verdict.name
    return SignatureView(
        name,
        "",
        instant_preuve(at),
        verdict.reason,
        TONES[verdict.verdict],
        url,
        declared=reason,
        certificate=_certificate(verdict),
    )


def _certificate(verdict: Verdict) -> str:
    """« Certificat émis par « AC », numéro 5A310C, jusqu’au 14 juin 2028 »; empty where the file holds none."""
    if not verdict.chain:
        return ""
    own = verdict.chain[0]
    last = jour_long(datetime.fromisoformat(own.not_after).astimezone(PARIS).date())
    return f"Certificat émis par « {own.issuer} », numéro {own.serial}, jusqu’au {last}"


def by_hand(row: PaperSignature) -> SignatureView:
    """A signature on paper as a line of the page, which says that the file holds no electronic one."""
    sentence = f"{described(row)}. {NO_ELECTRONIC}"
    return SignatureView(row.name, row.capacity, jour_long(row.signed_on), sentence, "info")


def address(folder_id: int, document_id: int, number: int) -> str:
    """Where all that is known of the signatures of a version is shown (`app/signing/verdicts/web.py`)."""
    return f"/dossiers/{folder_id}/documents/{document_id}/{number}/signatures"
