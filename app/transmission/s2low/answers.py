"""The answers of S2LOW, read on their bytes: two shapes of success, mixed encodings, entities, XML glued to a sentence."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Any, Final

from app.transmission.ports import AccountRefused, Rejected, Stage, Uncertain, Unreachable

ACKNOWLEDGED: Final = frozenset({4, 5, 12, 13, 14, 19, 20, 22})
TO_CONFIRM: Final = 17
_WAITING: Final = {
    1: "Déposé chez l’opérateur, pas encore transmis",
    2: "En attente d’envoi chez l’opérateur, pas encore transmis",
    7: "En traitement chez le destinataire",
    9: "Retenu par un créneau ou un quota de l’opérateur, pas encore transmis",
    TO_CONFIRM: "À confirmer chez l’opérateur, pas encore transmis",
    18: "À signer chez l’opérateur, pas encore transmis",
    24: "Transmis, sans réponse encore",
}
_SENT: Final = 3
_LEFT: Final = frozenset({7, 24})
ERROR, CANCELLED, REFUSED = -1, 0, 6
REPLY_ACKNOWLEDGED = 11

_CREATED: Final = re.compile(r"OK\s*(?::\s*id généré\s*:\s*|\n\s*)(\d+)\s*")
_REFUSAL: Final = re.compile(r"KO\s*:?\s*(.*)", re.DOTALL)
# « La connexion n'a pas pu ?tre ?tablie », under 200, is how release 6 refuses an account; its accents may be mended one day.
_ACCOUNT: Final = re.compile(
    r"authentification|acc[eè]s refus|droit|connexion n.a pas pu|n.est pas archiviste", re.IGNORECASE
)


def stage_of(code: int, address: str | None = None) -> Stage | None:
    """Where a transaction that has no answer waits; None when it was sent on. One to confirm is confirmed at `address`."""
    if code == _SENT:
        return None
    sentence = _WAITING.get(code, f"État {code} chez l’opérateur, que Paraphe ne connaît pas")
    return Stage(sentence, address if code == TO_CONFIRM else None, left=code in _LEFT)


@dataclass(frozen=True)
class Status:
    """Where a transaction stands, and what came with it: the XML of that status, the sentence behind it."""

    code: int
    rest: bytes


def decode(raw: bytes) -> str:
    """The text of an answer: UTF-8 if it is, else ISO-8859-1 as Windows writes it; entities undone."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    return html.unescape(text)


def created(raw: bytes) -> str:
    """The number of what was created; refuses with `Rejected` what the operator refuses.

    What is no answer, an empty one under 200 for example, is `Uncertain`: the deposit may be there.
    """
    text = decode(raw).strip()
    if match := _CREATED.fullmatch(text):
        return match[1]
    raise refusal(text) if _REFUSAL.match(text) else lost(raw)


def lost(raw: bytes) -> Exception:
    """An answer to a deposit that says neither yes nor no: nobody knows, but after a « KO » it was not taken."""
    fault = unexpected(raw)
    if isinstance(fault, AccountRefused) or _REFUSAL.match(decode(raw).strip()):
        return fault
    return Uncertain(str(fault))


def refusal(text: str) -> Exception:
    """A « KO » as it must be acted on: the account is the administrator's, the rest is the depositor's."""
    match = _REFUSAL.match(text.strip())
    if match is None:
        return Unreachable(f"Réponse inattendue de S2LOW : « {text[:200]} »")
    reason = " ".join(match[1].split()) or "refus sans motif"
    if _ACCOUNT.search(reason):
        return AccountRefused(f"S2LOW refuse le compte technique : {reason}")
    return Rejected(f"L’opérateur de télétransmission refuse le dépôt : {reason.rstrip('.')}.")


def unexpected(raw: bytes, opening: str = "Réponse inattendue de S2LOW") -> Unreachable:
    """What an answer that is none means: our account refused, in words where data was awaited, or a fault over there."""
    text = decode(raw).strip()
    fault = refusal(text)
    if isinstance(fault, AccountRefused):
        return fault
    return Unreachable(f"{opening} : « {' '.join(text[:200].split())} »")


def status_of(raw: bytes) -> Status:
    """The status in an answer « OK, status, XML »; refuses with LookupError a number that S2LOW does not know."""
    first, _, rest = raw.partition(b"\n")
    if first.strip() != b"OK":
        text = decode(raw)
        if "transaction invalide" in text:
            raise LookupError(text)
        fault = refusal(text)
        raise fault if isinstance(fault, Unreachable) else Unreachable(str(fault))
    second, _, rest = rest.partition(b"\n")
    if not re.fullmatch(rb"\s*-?\d+\s*", second):
        raise unexpected(raw)
    return Status(int(second), rest)


def fields_of(raw: bytes, root: str) -> dict[str, str]:
    """The elements of a small XML answer (`import`, `transaction`); text in its place is never a refusal of the deposit."""
    return _texts(_top(raw, root))


def rows_of(raw: bytes, root: str, row: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    """The elements of an XML answer, and those of each `row` in it; refuses with `Unreachable` what is none."""
    top = _top(raw, root)
    return _texts(top), [_texts(element) for element in top.iterchildren(row)]


def _texts(top: Any) -> dict[str, str]:
    from lxml import etree

    elements = top.iterchildren(tag=etree.Element)
    return {
        etree.QName(element).localname: html.unescape((element.text or "").strip()) for element in elements
    }


def _top(raw: bytes, root: str) -> Any:
    """The root of a small XML answer."""
    from lxml import etree

    if not raw.lstrip().startswith(b"<"):
        raise unexpected(raw)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        top = etree.fromstring(raw.strip(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreachable(f"Réponse illisible de S2LOW : {error}") from error
    if etree.QName(top).localname != root:
        raise Unreachable(f"Réponse inattendue de S2LOW : <{etree.QName(top).localname}>")
    return top


def transactions_of(raw: bytes) -> list[dict[str, Any]]:
    """The transactions of a list in JSON; refuses with `Unreachable` what is none."""
    try:
        answer = json.loads(decode_json(raw))
        listed = answer["transactions"]
    except (ValueError, KeyError, TypeError) as error:
        raise unexpected(raw) from error
    return [transaction for transaction in listed if isinstance(transaction, dict)]


def decode_json(raw: bytes) -> str:
    """JSON is not HTML: entities stay, and the encoding is guessed as for the rest."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")
