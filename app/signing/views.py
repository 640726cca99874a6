"""A signature as the folder's page tells it, in one line and its details."""

from dataclasses import dataclass

from app.core.french import instant_preuve, jour_long
from app.core.grammar import de
from app.signing.models import PaperSignature
from app.signing.paper.sheet import NO_ELECTRONIC, told
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


def judged(one: Verdict, url: str, account: str = "") -> SignatureView:
    """A verdict as a line of the page; `url`: where all that is known of it is shown.

    `account`: who signed here with a certificate in another name.
    """
    at = one.timestamped_at or one.claimed_at
    said = one.capacity or ""
    name = in_both_names(account, one.name) if account else one.name
    return SignatureView(name, "", instant_preuve(at), one.reason, TONES[one.verdict], url, declared=said)


def by_hand(row: PaperSignature) -> SignatureView:
    """A signature on paper as a line of the page, which says that the file holds no electronic one."""
    words = f"{told(row)}. {NO_ELECTRONIC}"
    return SignatureView(row.name, row.capacity, jour_long(row.signed_on), words, "info")


def address(folder_id: int, document_id: int, number: int) -> str:
    """Where all that is known of the signatures of a version is shown (`app/signing/verdicts/web.py`)."""
    return f"/dossiers/{folder_id}/documents/{document_id}/{number}/signatures"
