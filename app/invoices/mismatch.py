"""The page and the data of an invoice are compared, and only a plain contradiction raises an alarm."""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from app.invoices.reading import Reading
from app.invoices.rows import money

_AMOUNT = r"-?\d{1,3}(?:[ .\u00a0\u202f'’]\d{3})+(?:[.,]\d{2})?(?!\d)|-?\d+(?:[.,]\d{2})?(?!\d)"
_AMOUNTS = re.compile(_AMOUNT)
# « 5 100,00 » may be five times 100,00: to say that a value is on the page, every reading counts.
_PLAIN_AMOUNTS = re.compile(r"\d+(?:[.,]\d{2})?(?!\d)")
_ALONE = re.compile(rf"(?:{_AMOUNT})\s*(?:€|EUR)?")
_EXCLUDED = r"(?:total|montant)\s+(?:net\s+)?h\.?\s?t\.?"
_INCLUDED = r"(?:total|montant)\s+(?:g[ée]n[ée]ral\s+)?t\.?\s?t\.?\s?c\.?"
_LABELS = {
    "total_ttc": ("Total TTC", re.compile(rf"^\W*{_INCLUDED}(?!\w)", re.IGNORECASE)),
    "total_ht": ("Total HT", re.compile(rf"^\W*{_EXCLUDED}(?!\w)", re.IGNORECASE)),
    "total_vat": (
        "TVA",
        re.compile(r"^\W*(?:total\s+(?:tva|taxes)|montant\s+(?:de\s+la\s+)?tva)(?!\w)", re.IGNORECASE),
    ),
    "payable": ("Net à payer", re.compile(r"^\W*(?:net|solde|reste)\s+[àa]\s+payer(?!\w)", re.IGNORECASE)),
}
# A number is taken only where the page plainly gives it: « Facture n° X », « Avoir X ».
_NUMBER = re.compile(
    r"^\W*(?:facture|avoir)\s*(?:n\s?[°ºo]\.?\s*:?\s*|:\s*|(?=[A-Z]*[-/]?\d))"
    r"([A-Z0-9][A-Z0-9/_.-]*\d[A-Z0-9/_.-]*)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Mismatch:
    """One thing that the page and the data say differently; both values are ready to be shown."""

    label: str
    page_value: str
    xml_value: str


def compare(path_pdf: Path, reading: Reading) -> list[Mismatch]:
    """What the page contradicts: the value of the data is nowhere on it, and another stands in its place.

    A page without text, or without a labelled total, contradicts nothing. Signs are not compared: many credit
    notes print negative amounts where EN 16931 wants positive ones.
    """
    from app.files.pdf import read_text

    return compare_text(read_text(path_pdf), reading)


def compare_text(text: str, reading: Reading) -> list[Mismatch]:
    """The same, from the text of the pages."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    printed = {value for line in lines for value in _values(line) + _values(line, _PLAIN_AMOUNTS)}
    currency = reading.fields.get("currency", "")
    found = []
    for key, (label, pattern) in _LABELS.items():
        wanted = _decimal(reading.fields.get(key, ""))
        if wanted is None or wanted in printed:
            continue
        other = _labelled(lines, pattern)
        if other is not None:
            found.append(Mismatch(label, money(str(other), currency), money(reading.fields[key], currency)))
    number = _other_number(text, lines, reading.fields.get("number", ""))
    if number:
        found.append(Mismatch("Numéro de facture", number, reading.fields["number"]))
    return found


def _labelled(lines: list[str], pattern: re.Pattern[str]) -> Decimal | None:
    """The one amount after a label on its line, or alone on the next; nothing when there are several."""
    seen: set[Decimal] = set()
    for position, line in enumerate(lines):
        label = pattern.match(line)
        if not label:
            continue
        after = lines[position + 1] if position + 1 < len(lines) else ""
        seen.update(_values(line[label.end() :]) or (_values(after) if _ALONE.fullmatch(after) else ()))
    return seen.pop() if len(seen) == 1 else None


def _other_number(text: str, lines: list[str], wanted: str) -> str:
    squeezed = re.sub(r"\s", "", text).casefold()
    if not wanted or re.sub(r"\s", "", wanted).casefold() in squeezed:
        return ""
    others = {found[1].rstrip(".-/") for line in lines if (found := _NUMBER.match(line))}
    return others.pop() if len(others) == 1 else ""


def _values(text: str, pattern: re.Pattern[str] = _AMOUNTS) -> list[Decimal]:
    return [value for one in pattern.findall(text) if (value := _decimal(one)) is not None]


def _decimal(text: str) -> Decimal | None:
    """The size of an amount in French, English or XML form: a separator before two last digits is decimal."""
    plain = re.sub(r"[ \u00a0\u202f'’]", "", text).lstrip("-+")
    ended = re.search(r"[.,](\d{1,2})$", plain)
    whole, cents = (plain[: ended.start()], ended[1]) if ended else (plain, "")
    digits = re.sub(r"[.,]", "", whole) if ended or not re.fullmatch(r"\d+\.\d{3,}", plain) else plain
    try:
        return abs(Decimal(f"{digits}.{cents}" if ended else digits)).quantize(Decimal("0.01"))
    except InvalidOperation:
        return None
