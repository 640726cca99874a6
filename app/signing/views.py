"""A signature as the folder's page tells it, in one line and its details."""

from dataclasses import dataclass

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
    """

    name: str
    capacity: str
    at: str
    verdict: str
    tone: str
    url: str = ""
    ask_url: str = ""
    declared: str = ""


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
        name, "", instant_preuve(at), verdict.reason, TONES[verdict.verdict], url, declared=reason
    )


def by_hand(row: PaperSignature) -> SignatureView:
    """A signature on paper as a line of the page, which says that the file holds no electronic one."""
    sentence = f"{described(row)}. {NO_ELECTRONIC}"
    return SignatureView(row.name, row.capacity, jour_long(row.signed_on), sentence, "info")


def address(folder_id: int, document_id: int, number: int) -> str:
    """Where all that is known of the signatures of a version is shown (`app/signing/verdicts/web.py`)."""
    return f"/dossiers/{folder_id}/documents/{document_id}/{number}/signatures"
