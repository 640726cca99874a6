"""The page and the data of an invoice are compared, and only a plain contradiction raises an alarm."""

import re
from collections.abc import Mapping
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
# « 12.345 » is twelve thousand, or twelve and a third of euros.
_DOUBTFUL = re.compile(r"(?<![\d.,])\d{1,3}[.,]\d{3}(?![\d.,])")
LONGEST = 200
LONGEST_LINE = 500
_BLANKS = re.compile(r"(\s)\s+")
# A number is taken only where the page plainly gives it: « Facture n° X », « Avoir X », « Numéro de facture : X ».
_NO = r"n\s?[°ºo]\.?"
_SERIAL = r"[A-Z0-9][A-Z0-9/_.-]*\d[A-Z0-9/_.-]*"
_NUMBER = re.compile(
    rf"^\W*(?:(?:facture|avoir)\s*(?:{_NO}\s*:?\s*|:\s*|(?=[A-Z]*[-/]?\d))"
    rf"|(?:num[ée]ro|{_NO})\s*(?:de\s+)?(?:la\s+|l[’'])?(?:facture|avoir)\s*:?\s*)({_SERIAL})",
    re.IGNORECASE,
)
# Cut by a line break: the label ends a line and the number is alone on the next, or « N° X » stands under « Facture ».
_LABEL_ALONE = re.compile(
    rf"\W*(?:(?:facture|avoir)\s*{_NO}|(?:num[ée]ro|{_NO})\s*(?:de\s+)?(?:la\s+|l[’'])?(?:facture|avoir))\s*:?\s*",
    re.IGNORECASE,
)
_HEADING = re.compile(r"\W*(?:facture|avoir)\W*", re.IGNORECASE)
_NUMBERED = re.compile(rf"{_NO}\s*:?\s*({_SERIAL})", re.IGNORECASE)
_ALONE_NUMBER = re.compile(rf":?\s*({_SERIAL})", re.IGNORECASE)
_DAY = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}")
_CURRENCY = re.compile(r"\W*(?:€|EUR|en\s+euros)?\W*", re.IGNORECASE)


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

    return compare_text(read_text(path_pdf), reading.fields)


def compare_text(text: str, fields: Mapping[str, str]) -> list[Mismatch]:
    """The same, from the text of the pages and the facts of an invoice, whoever gives them."""
    lines = _lines(text)
    printed = {value for line in lines for value in _values(line) + _values(line, _PLAIN_AMOUNTS)}
    currency = fields.get("currency", "")
    mismatches = []
    for key, (label, pattern) in _LABELS.items():
        wanted = _decimal(fields.get(key, ""))
        if wanted is None or wanted in printed:
            continue
        other = _labelled(lines, pattern)
        if other is not None:
            mismatches.append(Mismatch(label, money(str(other[0]), currency), money(fields[key], currency)))
    number = _other_number(text, lines, fields.get("number", ""))
    if number:
        mismatches.append(Mismatch("Numéro de facture", number, fields["number"]))
    return mismatches


def totals_of(text: str) -> dict[str, tuple[Decimal, int]]:
    """The totals that the page labels, each where it labels one alone: HT, TVA, TTC, « payable »; and the rank of its line.

    Lines are counted without those that are blank.
    """
    lines = _lines(text)
    labelled = {key: _labelled(lines, pattern) for key, (_, pattern) in _LABELS.items()}
    return {key: value for key, value in labelled.items() if value is not None}


def labelled(text: str, pattern: re.Pattern[str]) -> tuple[Decimal, int] | None:
    """The same for another label."""
    return _labelled(_lines(text), pattern)


def number_of(text: str) -> tuple[str, int] | None:
    """The one number that the page gives to the invoice, and the rank of its line; None of none, or of several."""
    numbers = _numbers(_lines(text))
    return numbers.popitem() if len(numbers) == 1 else None


def flat(text: str) -> str:
    """The text of a page as it is looked through: no run of blanks in it, no line longer than any that is printed.

    Whoever writes the page writes what our patterns try: on some thousand blanks one of them would go on for hours.
    """
    lines: list[str] = []
    for whole in text.splitlines():
        line = _BLANKS.sub(r"\1", whole.strip())
        while len(line) > LONGEST_LINE:
            at = line.rfind(" ", 1, LONGEST_LINE)
            at = at if at > 0 else LONGEST_LINE
            lines.append(line[:at].rstrip())
            line = line[at:].lstrip()
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines)


def _lines(text: str) -> list[str]:
    return [line for line in flat(text).splitlines() if line]


def _numbers(lines: list[str]) -> dict[str, int]:
    return {
        number: position + (number not in line)
        for position, line in enumerate(lines)
        if (number := _number_at(line, lines[position + 1] if position + 1 < len(lines) else ""))
    }


def _labelled(lines: list[str], pattern: re.Pattern[str]) -> tuple[Decimal, int] | None:
    """The one amount after a label on its line, or alone on the next, and the rank of its line; None of several, or in doubt.

    A label may be cut by a line break, and a currency alone may stand between it and the amount.
    """
    amounts: dict[Decimal, int] = {}
    for position, line in enumerate(lines):
        after, below = lines[position + 1 : position + 4], position + 1
        if label := pattern.match(line):
            beside = line[label.end() :]
        elif after and pattern.fullmatch(f"{line} {after[0]}"):
            beside, after, below = "", after[1:], below + 1
        else:
            continue
        if len(after) > 1 and _CURRENCY.fullmatch(after[0]):
            after, below = after[1:], below + 1
        under = after[0] if after and _ALONE.fullmatch(after[0]) else ""
        values = _values(beside)
        if _DOUBTFUL.search(beside if values else under):
            return None
        amounts |= dict.fromkeys(values, position) if values else dict.fromkeys(_values(under), below)
    return amounts.popitem() if len(amounts) == 1 else None


def _other_number(text: str, lines: list[str], wanted: str) -> str:
    """The number that the page gives, when it gives one and the number of the data is nowhere on it."""
    if not wanted or _is_in(wanted, text):
        return ""
    others = list(_numbers(lines))
    return others[0] if len(others) == 1 else ""


def _is_in(wanted: str, text: str) -> bool:
    """Whether a number is on the page, were it cut by spaces or line breaks; « 118 » is not in « 1180 »."""
    if len(wanted) > LONGEST:
        return wanted in text  # no supplier's number: a pattern of it would be long to make
    signs = r"\s*".join(map(re.escape, re.sub(r"\s", "", wanted)))
    before, after = (r"(?<!\d)" if wanted[0].isdigit() else ""), (r"(?!\d)" if wanted[-1].isdigit() else "")
    return re.search(f"{before}{signs}{after}", text, re.IGNORECASE) is not None


def _number_at(line: str, after: str) -> str:
    """The number that a line gives, with the one after it; empty for none, and for what is a date."""
    match = _NUMBER.match(line)
    if match is None and _LABEL_ALONE.fullmatch(line):
        match = _ALONE_NUMBER.fullmatch(after)
    elif match is None and _HEADING.fullmatch(line):
        match = _NUMBERED.match(after)
    number = match[1].rstrip(".-/") if match else ""
    return "" if _DAY.fullmatch(number) else number


def _values(text: str, pattern: re.Pattern[str] = _AMOUNTS) -> list[Decimal]:
    return [value for text in pattern.findall(text) if (value := _decimal(text)) is not None]


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
