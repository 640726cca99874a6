"""What somebody typed for a setting, read as its kind says; refused in French, never corrected in silence."""

from collections.abc import Callable
from urllib.parse import urlsplit

from app.core.refusals import Refusal
from app.core.texts import strange
from app.people.desks import address_of
from app.people.own_settings.registry import Kind, Setting

MOST_LINES = 4
_MOST_DIGITS = 9


def read(one: Setting, text: str) -> str | int:
    """The value that this text says.

    Refuses `setting-empty`, `setting-long`, `setting-short`, `setting-number`, `setting-bounds`, `setting-address`,
    `setting-lines`, `setting-choice`, `email-invalid`, `text-unreadable`, and what the setting's own `usual` refuses.
    """
    if sign := strange(text):
        raise Refusal("text-unreadable", sign=sign)
    if one.kind is Kind.LINES:
        text = _lines(one, text)
    elif one.kind is Kind.TEXT:
        text = " ".join(text.split())
    else:
        text = text.strip()
    if not text:
        raise Refusal("setting-empty", label=one.label)
    if one.kind in _CLOSED:
        return _CLOSED[one.kind](one, text)
    if len(text) > one.most:
        raise Refusal("setting-long", label=one.label, most=one.most, count=len(text))
    if len(text) < one.least:
        raise Refusal("setting-short", label=one.label, least=one.least)
    if one.kind is Kind.ADDRESS:
        return address_of(text)
    if one.kind is Kind.URL and not _whole(text):
        raise Refusal("setting-address", label=one.label)
    return one.usual(text) if one.usual is not None else text


def _choice(one: Setting, text: str) -> str:
    if text not in dict(one.choices):
        raise Refusal("setting-choice", label=one.label, text=text[:40], names=", ".join(dict(one.choices)))
    return text


def _lines(one: Setting, text: str) -> str:
    lines = [" ".join(line.split()) for line in text.strip().splitlines()]
    if len(lines) > MOST_LINES:
        raise Refusal("setting-lines", label=one.label, most=MOST_LINES, count=len(lines))
    return "\n".join(lines)


def _number(one: Setting, text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > _MOST_DIGITS:
        raise Refusal("setting-number", label=one.label, text=text[:20])
    least, most = one.bounds()
    if not least <= int(text) <= most:
        why = ", la valeur de l’installation" if one.stricter else ""
        raise Refusal("setting-bounds", label=one.label, least=least, most=most, unit=one.unit, why=why)
    return int(text)


_CLOSED: dict[Kind, Callable[[Setting, str], str | int]] = {Kind.NUMBER: _number, Kind.CHOICE: _choice}


def _whole(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and text.isprintable()
