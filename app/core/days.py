"""The days that a text has, with their year, in figures or by the name of their month, and their forms in an index of words.

A text is read at each deposit, and may be hostile: each of its signs is looked at a bounded number of times.
"""

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date

from app.core.texts import key_of

MONTHS = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()  # noqa: SIM905 - as they are read
SHORT = {
    "janv": 1,
    "févr": 2,
    "fév": 2,
    "avr": 4,
    "juil": 7,
    "juill": 7,
    "sept": 9,
    "oct": 10,
    "nov": 11,
    "déc": 12,
}
"""The months as they are shortened, with a full stop or without."""
RANKS = {key_of(name): rank for rank, name in enumerate(MONTHS, 1)} | {
    key_of(name): SHORT[name] for name in SHORT
}
"""Of each month, by its key, which one of the year it is."""
# Each begins with the last figure of the day, or the first of the year: what has no such figure is passed over ten times as fast
_YEAR = "((?:19|20)[0-9]{2})(?![0-9])"
_FIGURES = re.compile(rf"[0-9]( ?/ ?|[-._])([01]?[0-9])\1{_YEAR}")
"""« 12/03/2026 », « 12.3.2026 »."""
_NAMED = re.compile(
    rf"[0-9][\s_eEᵉ-](?:[eE]?[rRʳ])?[\s_-]*+([jfmasondJFMASOND][^\W\d_]{{2,8}}+)[.\s_-]++{_YEAR}"
)
"""« 12 mars 2026 », « 1er déc. 2026 », « 12-mars-2026 »; what stands between is looked at in what has them all (`_GAPS`)."""
_GAPS = re.compile(r"(?: ?(?:er|ᵉʳ))?(?:\s+|[-_])\0\.?(?:(?:\s+|[-_])|(?<=\.))", re.IGNORECASE)
_YEAR_FIRST = re.compile(r"(?:19|20)[0-9]{2}([-_])[01][0-9]\1[0-3][0-9](?![0-9]|[/.][0-9])")
"""« 2026-03-12 », « 2026_03_12 »."""
_WEEKDAY = r"(?:(?:lun|mar|mercre|jeu|vendre|same)di\s|dimanche\s)?"
_BEFORE = re.compile(
    rf"(?<![0-9])(?<![0-9][-._/,])((?:[0-3]?[0-9](?:er)?,\s?)*[0-3]?[0-9](?:er)?)"
    rf"(?:-|\s(?:et|ou|au|à|&)\s(?:le\s)?{_WEEKDAY})$",
    re.IGNORECASE,
)
"""The other days that a month is named for: « les 2, 3 et », « du jeudi 12 au vendredi », « 12- »."""
_LINKS = ("-", "et", "ou", "au", " à", " &", "et le", "ou le", "di", "che")
_AROUND = 60
"""Signs in which they stand, and what says that a number follows."""
_NUMBER, _JOINED = re.compile("[0-9]+"), re.compile("[0-9][-._/]$")
_COPY = re.compile(r"(?:-[1-9]|_[0-9]{1,2})(?![^\W_]|[-_./][0-9])")
"""What a second file of one name ends with: « 12_03_2026_2.pdf », « 2026-03-12-2 »."""
_NUMBERED = re.compile(
    r"\b(?:n[°ºo]|num[ée]ro|r[ée]f(?:[ée]rence)?)(?:\s(?:de\s|d['’])?[^\W\d_]{4,})?[\s.:]*$", re.IGNORECASE
)
"""« n° 2026-03-12 », « N° de facture : 2026-03-12 »: how a commune, or a seller, counts by the month."""
_NTH = re.compile(r"\bn[°ºo]\s?$", re.IGNORECASE)
_WITHOUT_YEAR = re.compile(
    r"(?<![0-9])([0-3]?[0-9])(?: ?(?:er|ᵉʳ))?\s+([^\W\d_]{3,9}+)(?![.]?[\s_-]*(?:19|20)[0-9]{2})",
    re.IGNORECASE,
)


def days_in(text: str) -> Iterator[tuple[tuple[int, int], str]]:
    """Where a text has a day with its year, in figures or by the name of its month, and the form of that day.

    A day that no calendar has is none, nor is a part of a longer number, by the same sign; the number of a copy may follow it.

    >>> list(days_in("du 12/03/2026 au 1.4.2026, n° 31/02/2026, 20 % de 12, 2026"))
    [((3, 13), '§20260312'), ((17, 25), '§20260401')]
    >>> [form for _, form in days_in("BC 2026-03-12-2024, 2025_01_02_2026, v. 10.11.2024.3, 12-03-2026-778, 12/03/2026/4")]
    []
    >>> [form for _, form in days_in("12/03/2026-13/03/2026, le 12/03/2026.")]
    ['§20260312', '§20260313', '§20260312']
    >>> list(days_in("le 1er Févr. 2026, 12-mars-2026, 112 mars 2026, 12 marsouins 2026, 31 avril 2026"))
    [((3, 17), '§20260201'), ((19, 31), '§20260312')]
    >>> [form for _, form in days_in("les 2, 3 et 4 mars 2026, article 1.12 mars 2026, 2026-12 mars 2026, n° 5 mai 2026")]
    ['§20260304', '§20260302', '§20260303']
    >>> [form for _, form in days_in("12_03_2026_2.pdf, 2026-03-13-2, 2026-03-14T10:00")]
    ['§20260312', '§20260313', '§20260314']
    >>> [form for _, form in days_in("12.03.2026.2, 12-03-2026-2-1, 12_03_2026_2e, N° de commande : 2026-03-12, n° 2-3-2026-2")]
    []
    """
    yield from _in_figures(text)
    yield from _by_month(text)
    for match in _YEAR_FIRST.finditer(text):
        begin, end = match.span()
        if _whole(text, begin, end, match[1]) and not _numbered(text, begin):
            yield from _spot(begin, end, match[0][:4], int(match[0][5:7]), match[0][8:])


def _in_figures(text: str) -> Iterator[tuple[tuple[int, int], str]]:
    for match in _FIGURES.finditer(text):
        begin, end = _first_figure(text, match.start()), match.end()
        if _whole(text, begin, end, match[1].strip()):
            yield from _spot(begin, end, match[3], int(match[2]), text[begin : match.start() + 1])


def _by_month(text: str) -> Iterator[tuple[tuple[int, int], str]]:
    for match in _NAMED.finditer(text):
        month = RANKS.get(key_of(match[1]))
        gaps = f"{text[match.start() + 1 : match.start(1)]}\0{text[match.end(1) : match.start(2)]}"
        if month is None or not _GAPS.fullmatch(gaps):
            continue
        begin, end = _first_figure(text, match.start()), match.end()
        # A date of its own, as most are, is not looked around
        several = text[max(begin - 6, 0) : begin].rstrip().lower().endswith(_LINKS)
        others = _BEFORE.search(text, max(begin - _AROUND, 0), begin) if several else None
        # « 1.12 mars 2026 », « 2026-12 mars 2026 »; « bulletin n° 12 mars 2026 »
        if (others is None and _JOINED.match(text, max(begin - 2, 0), begin)) or _NTH.search(
            text, max(begin - 4, 0), begin
        ):
            continue
        yield from _spot(begin, end, match[2], month, text[begin : match.start() + 1])
        for other in _NUMBER.finditer(text, *others.span(1)) if others else ():
            yield from _spot(other.start(), end, match[2], month, other[0])


def _first_figure(text: str, last: int) -> int:
    """Where a number begins that ends there, of which two figures are looked at, and the one that makes it no day."""
    begin = last
    while begin and last - begin < 2 and text[begin - 1].isdecimal():
        begin -= 1
    return begin


def _whole(text: str, begin: int, end: int, sign: str) -> bool:
    """Whether this is no part of a longer number, which its sign joins to the rest: « 2026-03-12-2024 », « 10.11.2024.3 »."""
    before, after = text[max(begin - 2, 0) : begin], text[end : end + 2]
    if before[-1:].isdecimal() or (before[-1:] == sign and before[:1].isdecimal()):
        return False
    if after[:1] != sign or not after[1:].isdecimal():
        return True
    return _COPY.match(text, end) is not None and not _numbered(text, begin)


def _numbered(text: str, begin: int) -> bool:
    """Whether what begins there is said to be a number: « délibération n° 2026-03-12 »."""
    return _NUMBERED.search(text, max(begin - _AROUND, 0), begin) is not None


def _spot(begin: int, end: int, year: str, month: int, day: str) -> list[tuple[tuple[int, int], str]]:
    """The form of a day, where it stands; none of what no calendar has."""
    try:
        return [((begin, end), form_of(date(int(year), month, int(day) if len(day) <= len("31") else 0)))]
    except ValueError:
        return []


def form_of(day: date) -> str:
    """The form of a day that a text has, however written: one, since its parts stand apart in many texts. No word begins so.

    >>> form_of(date(2026, 3, 12))
    '§20260312'
    """
    return f"§{day.year:04d}{day.month:02d}{day.day:02d}"  # `%Y%m%d` takes several times as long


def days_without_year(text: str) -> Iterator[str]:
    """The forms of the days that a title has by the name of their month, without a year beside it.

    >>> list(days_without_year("Réunions du 12 mars et du 1er déc. : 2 mai 2026, 12 marsouins"))
    ['§0312', '§1201']
    """
    for match in _WITHOUT_YEAR.finditer(text):
        month, day = RANKS.get(key_of(match[2])), int(match[1])
        if month is not None and 0 < day <= monthrange(2024, month)[1]:
            yield form_without_year(month, day)


def form_without_year(month: int, day: int) -> str:
    """The form of a day that a title has without its year.

    >>> form_without_year(3, 12)
    '§0312'
    """
    return f"§{month:02d}{day:02d}"
