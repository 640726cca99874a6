"""What somebody typed for a setting, read as its kind says; refused in French, never corrected in silence."""

from collections.abc import Callable
from urllib.parse import urlsplit

from app.core.grammar import milliers
from app.core.refusals import Refusal
from app.core.texts import line_of, strange, whole
from app.people.desks import address_of
from app.people.own_settings.registry import Kind, Setting

MOST_LINES = 4


def read(setting: Setting, text: str) -> str | int:
    """The value that this text says.

    Refuses `setting-empty`, `setting-long`, `setting-short`, `setting-number`, `setting-bounds`, `setting-address`,
    `setting-lines`, `setting-choice`, `email-invalid`, `text-unreadable`, and what the setting's own `usual` refuses.
    """
    if sign := strange(text):
        raise Refusal("text-unreadable", sign=sign)
    if setting.kind is Kind.LINES:
        text = _lines(setting, text)
    elif setting.kind is Kind.TEXT:
        text = line_of(text)
    else:
        text = text.strip()
    if not text:
        raise Refusal("setting-empty", label=setting.label)
    if setting.kind in _CLOSED:
        return _CLOSED[setting.kind](setting, text)
    if len(text) > setting.most:
        raise Refusal("setting-long", label=setting.label, most=setting.most, count=len(text))
    if len(text) < setting.least:
        raise Refusal("setting-short", label=setting.label, least=setting.least)
    if setting.kind is Kind.ADDRESS:
        return address_of(text)
    if setting.kind is Kind.URL and not _whole(text):
        raise Refusal("setting-address", label=setting.label)
    return setting.usual(text) if setting.usual is not None else text


def _choice(setting: Setting, text: str) -> str:
    if text not in dict(setting.choices):
        raise Refusal(
            "setting-choice", label=setting.label, text=text[:40], names=", ".join(dict(setting.choices))
        )
    return text


def _lines(setting: Setting, text: str) -> str:
    lines = [line_of(line) for line in text.strip().splitlines()]
    if len(lines) > MOST_LINES:
        raise Refusal("setting-lines", label=setting.label, most=MOST_LINES, count=len(lines))
    return "\n".join(lines)


def _number(setting: Setting, text: str) -> int:
    if setting.nought and text.strip().casefold() in {setting.nought, "0"}:
        return 0
    number = whole("".join(text.split()))  # « 3 012 », as it is written and shown
    if number is None:
        raise Refusal("setting-number", label=setting.label, text=text[:20])
    least, most = setting.bounds()
    if not least <= number <= most:
        why = ", la valeur de l’installation" if setting.stricter else ""
        ends = {"least": milliers(least), "most": milliers(most)}
        raise Refusal("setting-bounds", label=setting.label, unit=setting.unit, why=why, **ends)
    return number


_CLOSED: dict[Kind, Callable[[Setting, str], str | int]] = {Kind.NUMBER: _number, Kind.CHOICE: _choice}


def _whole(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and text.isprintable()
