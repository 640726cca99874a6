"""What a mail server answered of an order, in French: its code alone is kept of words that are its own, in English mostly."""

import re
from typing import Final

_CODE: Final = r"(?P<{}>[245]\d\d)\b[ -]*"
_ENHANCED: Final = r"(?P<enhanced>[245]\.\d{1,3}\.\d{1,3})\b[ -]*"
_TOLD: Final = re.compile(
    f"(?:{_CODE.format('first')})?(?:{_ENHANCED}(?:{_CODE.format('second')})?)?", re.ASCII
)
"""« 550 », « 550 5.1.1 » as servers answer at once, « 5.1.1 550 » as those of a letter that came back."""
_BY_DETAIL: Final = {
    ("1", None): "l’adresse n’existe pas",
    ("2", "2"): "la boîte est pleine",
    ("2", None): "la boîte ne reçoit pas",
    ("3", "4"): "le courriel est trop lourd",
    ("4", None): "le serveur du fournisseur ne répond pas",
    ("7", None): "le serveur du fournisseur refuse nos courriels",
}
"""By subject and detail of an enhanced code (RFC 3463 §3): what it means for who reads."""
_BY_CODE: Final = {
    "550": "l’adresse est refusée",
    "552": "la boîte est pleine, ou le courriel trop lourd",
    "553": "l’adresse est mal écrite",
}
"""By the code alone (RFC 5321 §4.2.3), where nothing closer is said."""
_BY_CLASS: Final = {"4": "le serveur demande d’attendre", "5": "le serveur refuse le courriel"}


def in_french(answer: str) -> str:
    """« l’adresse n’existe pas (réponse 550 5.1.1) »; words that bear no code are ours, and stay as they are."""
    told = _TOLD.match(answer)
    code, enhanced = (told["first"] or told["second"], told["enhanced"]) if told else (None, None)
    if not code and not enhanced:
        return f"« {answer} »" if answer else ""
    codes = " ".join(part for part in (code, enhanced) if part)
    return f"{_meaning(code or '', enhanced)} (réponse {codes})".lstrip()


def _meaning(code: str, enhanced: str | None) -> str:
    """Nothing of what was taken."""
    family = (code or enhanced or "")[0]
    if family == "2":
        return ""
    closer = None
    if enhanced is not None:
        _, subject, detail = enhanced.split(".")
        closer = _BY_DETAIL.get((subject, detail))
        if closer is None and family == "5":  # what is put off, « 451 4.7.1 », is not refused
            closer = _BY_DETAIL.get((subject, None))
    return closer or _BY_CODE.get(code) or _BY_CLASS[family]
