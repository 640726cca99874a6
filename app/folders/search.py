"""What a folder is searched by, and how each database finds it: the port of the search.

By any part of its key, which tells its title and facts without accents nor capitals: both databases keep an index of each
three signs that follow one another in it (`pg_trgm` on PostgreSQL, FTS5 on SQLite). And by the stems of its words, those
inside its documents and notes too (`FolderWords`): the full text of PostgreSQL, and FTS5. Key and stems are written by the
application, never by a query, so that both databases find the same.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from app.core.days import MONTHS, SHORT, form_of, form_without_year
from app.core.stems import STOP, forms, words_in
from app.core.texts import key_of
from app.folders.models import VECTOR
from workflows.own_types import OWN

FACTS = (
    "seller",
    "seller_siret",
    "siret",
    "other_party",
    "addressee",
    "issue_date",
    "due_date",
    "received_on",
    "decision_date",
    "written_on",
    "dated_on",
)
"""The facts of a folder that it is searched by, beside its title, its number, its amount and the own fields of its type."""
INDEXED = "fts_folder"
"""The index of SQLite (`migrations/versions/0058_reach_and_words.py`); triggers of the base keep it beside the key."""
_NUMBERED = re.compile(r"\bn[°º]\s*")
_BETWEEN = re.compile(r"(?<=\w)[-_/.,‐‑–—](?=[^\W_])")
_THOUSANDS = re.compile(
    r"(?<!\d)\d{1,3}(?:\s\d{3})+(?=,\d\d(?!\d)|\s*(?:€|eur(?:os?)?\b))|(?<!\d)\d{3}\s\d{3}\s\d{3}\s\d{5}(?!\d)"
)
"""« 1 234,56 », « 12 000 € », and a SIRET by groups: one word, whatever its spaces."""
_ALONE = re.compile(r"(?<!\S)(?<!\d\s)[1-9]\d{0,2}(?:\s\d{3})+(?!\S|\s\d)")
"""« 15 000 » by itself; « 2026 057 », « 12 34 » and figures beside others are words each."""
_DOTTED = re.compile(
    r"(?<![\w.,/-])\d{1,3}(?:\.\d{3})+(?:(?=\s*(?:€|eur(?:os?)?\b))|,\d\d(?=\s*(?:€|eur(?:os?)?\b)|(?![.,]?\w)))"
)
"""« 3.042,00 », « 3.042 € »: the same amount as « 3 042 »; « 3.042 » alone may be a reference, and stays as it is typed."""
_SIGNS_ALONE = ".,;:…!?()[]«»“”"
"""What is no word where it stands alone: « 12 mars 2026, voirie »."""
_EURO = re.compile(r"(?<=\d)\s*(?:€|eur(?:os?)?\b)")
_ANY = "\0"  # no key holds it
ESCAPE = "!"
"""The sign that escapes another in a pattern of `patterns`."""
_LITERAL = str.maketrans({one: ESCAPE + one for one in (ESCAPE, "%", "_")})
_RUN = re.compile(r"[a-z0-9 /.-]{3,}")
_TELLING = re.compile(r"[a-z0-9].?[a-z0-9]")
"""What three signs must have, two letters or figures, to be looked for.

PostgreSQL reads no other sign.
"""
_SIGNS = 3
_SEVERAL = 6
"""So many months are each a part of a key that an index knows; those of a longer period are read by their years."""
_YEARS = 20
"""So many years are; those of a longer period are read by their decades."""
_ANOTHER = "(?:(?: ?[,&–-] ?(?:et )?| (?:et|au|ou) )(?:le )?[0-3]?[0-9](?:er)?)*"
"""Between a day and its month, the other days of a title: « les 2 et 3 mars 2026 », « du 12 au 14 mars 2026 »."""
_PADDED = re.compile(r"([0-3]\d)/([01]\d)/((?:19|20)\d\d)")
"""« 02/03/2026 », as a document has it."""
_ITS_YEAR = "[.]? ?(?:19|20)[0-9][0-9]"
"""What comes after a month that has a year."""
_DAY = "(?<![0-9])0?(?:{})"
"""Any sign may stand before the first figure of a day but a figure, which makes it another day."""


def key_of_folder(title: str, number: str, facts: Mapping[str, Any], cents: int | None) -> str:
    """The search key of a folder: its title and number, who it is about, its SIRET, its amount in euros, its dates.

    A date is there as it is kept and as it is written in French.

    >>> key_of_folder("Élagage", "F1", {"seller": "Roué", "issue_date": "2026-03-12"}, -123456)
    'elagage f1 1234.56 roue 2026-03-12 12/03/2026'
    """
    return key_of(_told(title, number, facts, cents, _in_french))


def told_of(title: str, number: str, facts: Mapping[str, Any], cents: int | None) -> str:
    """What the words of a folder are taken from: the same, as it is written, and each date with the name of its month.

    Its number is said to be one, since « 2026-03-12 » may be.

    >>> told_of("Élagage", "F1", {"seller": "Roué", "issue_date": "2026-03-12"}, -123456)
    'Élagage n° F1 1234.56 Roué 2026-03-12 12/03/2026 12 mars 2026'
    """
    number = f"n° {number}" if number else ""
    return _told(title, number, facts, cents, lambda value: f"{_in_french(value)} {_by_month(value)}".strip())


def _told(
    title: str, number: str, facts: Mapping[str, Any], cents: int | None, date_as: Callable[[str], str]
) -> str:
    parts = [title, number]
    if cents is not None:
        parts.append(f"{abs(cents) // 100}.{abs(cents) % 100:02d}")
    for name in (*FACTS, *(one for one in facts if one.startswith(OWN))):
        for value in _texts(facts.get(name)):
            parts += [value, date_as(value)]
    return " ".join(one for one in parts if one)


def _texts(value: object) -> Iterator[str]:
    """A fact as texts: its own, or those of the cells of a table."""
    if isinstance(value, list):
        for line in value:
            if isinstance(line, Mapping):
                yield from (str(cell).strip() for cell in line.values())
    else:
        yield str(value or "").strip()


def _in_french(value: str) -> str:
    day = _day(value)
    return f"{day:%d/%m/%Y}" if day is not None else ""


def _by_month(value: str) -> str:
    day = _day(value)
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}" if day is not None else ""


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value) if len(value) == len("2026-03-12") else None
    except ValueError:
        return None


@dataclass(frozen=True)
class Word:
    """One word that is searched: as it was typed, the part of a key that it is, and the forms of each word inside it.

    `tokens` are none for what the index of words does not have (« de », « 7 »): it is looked for in the key alone.
    `dated`: of a day or of a period, parts of which a key that has it has one, `pattern` the first, so that an index gives
    them; `check`: the regular expression, which both databases read alike, that says whether the key has it. `in_texts`: of a
    day, which documents and notes have too, however they write it. `days`: the first and the last day of it, in which a folder
    may also have been deposited, or decided on. `grouped`: of a number, as it was typed by its thousands, which a key may have
    too.
    """

    typed: str
    pattern: str
    tokens: tuple[tuple[str, ...], ...]
    dated: tuple[str, ...] = ()
    check: str = ""
    in_texts: bool = False
    days: tuple[date, date] | None = None
    grouped: str = ""

    @property
    def spaced(self) -> str:
        """What a key that has this number by its thousands is LIKE; empty for what was not typed by them."""
        return f"%{_pattern(self.grouped)}%" if self.grouped else ""

    @property
    def is_date(self) -> bool:
        """Whether it is a month or a period, which a title or a fact alone has."""
        return bool(self.dated) and not self.in_texts

    @property
    def by_name(self) -> bool:
        """Whether it is a day by the name of its month, a month, or a period."""
        return bool(self.dated) and not _PADDED.fullmatch(self.typed)


def patterns(text: str, most: int) -> list[str]:
    """What a key must be LIKE (ESCAPE `!`), one pattern for each word, `most` of them: all must match.

    A number, a date or an amount is found as it is printed: « n° 2026-057 » finds 2026_057, whatever separates its parts.

    >>> patterns("N° 2026-057 Élie 1 234,56 €", 6)
    ['%2026_057%', '%elie%', '%1234_56%']
    """
    return [one.pattern for one in words_of(text, most, alone=False)]


def words_of(text: str, most: int, *, alone: bool = True) -> list[Word]:
    """The words of what was typed, `most` of them; those that every text has only where there is no other.

    `alone`: a number by its thousands is one word without a sign of money too, as the index of words has it.

    >>> [one.typed for one in words_of("le bail de l’école", 6)]
    ['bail', 'l’école']
    >>> [one.typed for one in words_of("12 000 EUR", 6)], [one.typed for one in words_of("3.042 eur", 6)]
    (['12000'], ['3042'])
    >>> [[one.typed for one in words_of(typed, 6)] for typed in ("15 000", "2026 057", "12 34", "12 15 000")]
    [['15000'], ['2026', '057'], ['12', '34'], ['12', '15', '000']]
    """
    dotted: dict[str, str] = {}
    grouped: dict[str, str] = {}

    def undotted(match: re.Match[str]) -> str:
        one = match[0].replace(".", "")
        dotted[one] = match[0]
        return one

    def ungrouped(match: re.Match[str]) -> str:
        one = re.sub(r"\s", "", match[0])
        grouped[one] = " ".join(match[0].split())
        return one

    joined = _THOUSANDS.sub(ungrouped, _NUMBERED.sub("", text.lower()))
    if alone:
        joined = _ALONE.sub(ungrouped, joined)
    words = _EURO.sub("", _DOTTED.sub(undotted, joined)).split()
    telling = [one for one in words if one.strip(_SIGNS_ALONE) and key_of(one) not in STOP] or words

    def read(one: str) -> Word:
        whole, comma, cents = one.partition(",")
        if one in dotted:
            return _amount(_word(one), dotted[one])
        return _number(_word(one), grouped[whole] + comma + cents) if whole in grouped else _word(one)

    return [read(one) for one in telling[:most]]


def dated(day: int | None, month: int, year: int) -> Word:
    """A day, or a whole month, as dates of a key are written, or as a title says it; a day as texts have it too.

    >>> dated(None, 3, 2026).dated, dated(12, 3, 2026).tokens
    (('%/03/2026%', '%/3/2026%', '%mars 2026%'), (('§20260312',),))
    >>> [bool(re.search(dated(2, 3, 2026).check, key)) for key in ("pv_2 mars 2026", "pv 12 mars 2026", "2 et 3 mars 2026")]
    [True, False, True]
    """
    typed = in_words(day, month, year)
    if day is None:
        whole = date(year, month, 1), date(year, month, monthrange(year, month)[1])
        return replace(_dated(typed, [(year, month, None)]), days=whole)
    return replace(_word(f"{day:02d}/{month:02d}/{year}"), typed=typed)


def without_year(day: date) -> Word:
    """A day that was typed without its year: this one, and the same where a title has no year beside it.

    >>> check = without_year(date(2026, 3, 12)).check
    >>> [bool(re.search(check, key)) for key in ("reunion du 12 mars", "12/03/2026", "12 mars 2025", "12 mars, 2 mai 2025")]
    [True, True, False, True]
    """
    one = dated(day.day, day.month, day.year)
    numbers = [f"{day.day}er", "1"] if day.day == 1 else [f"{day.day}"]
    parts = [f"%{number} {name}%" for number in numbers for name in _names(day.month)]
    alone = f"{_DAY.format(day.day)}(?:er)? (?:{'|'.join(_shortened(day.month))})(?!{_ITS_YEAR}|[a-z])"
    tokens = ((form_of(day), form_without_year(day.month, day.day)),)
    return replace(one, tokens=tokens, dated=(*one.dated, *parts), check=f"{one.check}|{alone}")


def figures_without_year(day: date) -> Word:
    """The same in figures, found in documents and notes too with its year; a number of a key that is as it was typed.

    >>> check = figures_without_year(date(2026, 3, 12)).check
    >>> [bool(re.search(check, key)) for key in ("lot 12-03", "12 mars 2026", "12/03/2025", "2026-12-03", "2/12/03")]
    [True, True, False, False, False]
    """
    one = _word(f"{day:%d/%m/%Y}")
    alone = f"(?<![0-9])(?<![0-9][-/._]){day:%d}[-/.]{day:%m}(?![0-9]|[-/._][0-9])"
    parts = [f"%{day:%d}{sign}{day:%m}%" for sign in "/-."]
    return replace(one, pattern=parts[0], dated=(*parts, *one.dated), check=f"{one.check}|{alone}")


@lru_cache(maxsize=256)
def dated_between(typed: str, first: date, last: date) -> Word:
    """Any date from a day to another.

    >>> dated_between("", date(2026, 3, 15), date(2026, 5, 31)).dated[:4]
    ('%/03/2026%', '%/3/2026%', '%mars 2026%', '%/04/2026%')
    >>> dated_between("", date(2020, 3, 15), date(2021, 12, 31)).dated
    ('%/2020%', '% 2020%', '%/2021%', '% 2021%')
    """
    months: list[tuple[int, int, range | None]] = []
    for rank in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
        year, month = rank // 12, rank % 12 + 1
        whole = range(1, monthrange(year, month)[1] + 1)
        days = range(
            first.day if (year, month) == (first.year, first.month) else 1,
            last.day + 1 if (year, month) == (last.year, last.month) else whole.stop,
        )
        months.append((year, month, None if days == whole else days))
    return replace(_dated(typed, months), days=(first, last))


def in_words(day: int | None, month: int, year: int) -> str:
    """A day or a month as a sentence has it.

    >>> in_words(1, 3, 2026), in_words(None, 3, 2026)
    ('1er mars 2026', 'mars 2026')
    """
    number = "" if day is None else f"{'1er' if day == 1 else day} "
    return f"{number}{MONTHS[month - 1]} {year}"


def _dated(typed: str, months: Sequence[tuple[int, int, range | None]], days: Sequence[str] = ()) -> Word:
    """Any date of these months, each a year, its rank in it and its days, or all of them.

    `days`: the parts of a key that is dated by figures, where they are fewer than those of the months.
    """
    years = list(dict.fromkeys(year for year, _, _ in months))
    if len(years) > _YEARS:
        decades = dict.fromkeys(year // 10 for year in years)
        parts = [part for decade in decades for part in (f"%/{decade}%", f"% {decade}%")]
        return Word(typed, parts[0], (), tuple(parts), _check(months))
    if len(months) > _SEVERAL:
        parts = [part for year in years for part in (f"%/{year}%", f"% {year}%")]
    else:
        parts = [*days]
        for year, month, _ in months:
            if not days:
                parts += dict.fromkeys((f"%/{month:02d}/{year}%", f"%/{month}/{year}%"))
            whole, *short = _names(month)
            parts += [f"%{whole} {year}%", *(f"%{one}{dot} {year}%" for one in short for dot in ("", "."))]
    # Any of the months, and any of the years: which goes with which, the key says
    ranks = dict.fromkeys(month for _, month, _ in months)
    tokens = (
        tuple(dict.fromkeys(form for month in ranks for one in _spelt(month) for form in forms(one))),
        tuple(str(year) for year in years),
    )
    return Word(typed, parts[0], tokens, tuple(parts), _check(months))


def _check(months: Sequence[tuple[int, int, range | None]]) -> str:
    """Which dates of a key are of these months, said once for all the years of which the same months are asked."""
    alike: dict[tuple[tuple[int, range | None], ...], list[int]] = {}
    for year, of_year in groupby(months, key=itemgetter(0)):
        alike.setdefault(tuple((month, days) for _, month, days in of_year), []).append(year)
    every = []
    for asked, years in alike.items():
        dates = []
        for month, days in asked:
            number, name = f"/0?{month}/", f"(?:{'|'.join(_shortened(month))}) "
            if days is None:
                dates += [number, f"(?<![a-z]){name}"]
                continue
            day = _DAY.format("|".join(map(str, days)))
            dates += [f"{day}{number}", f"{day}(?:er)?{_ANOTHER} {name}"]
        every.append(f"(?:{'|'.join(dates)})(?:{'|'.join(map(str, years))})(?![0-9])")
    return "|".join(every)


def _names(month: int) -> list[str]:
    """The name of a month as keys have it, and what it is shortened to."""
    return list(dict.fromkeys(key_of(one) for one in _spelt(month)))


def _spelt(month: int) -> list[str]:
    return [MONTHS[month - 1], *(one for one, rank in SHORT.items() if rank == month)]


def _shortened(month: int) -> list[str]:
    whole, *short = _names(month)
    return [whole, *(f"{one}[.]?" for one in short)]


def _pattern(typed: str) -> str:
    """The part of a key that it is, as LIKE has it: any sign between the parts of a number."""
    return _BETWEEN.sub(_ANY, key_of(typed)).translate(_LITERAL).replace(_ANY, "_")


def _word(typed: str) -> Word:
    tokens = tuple(one for part in words_in(typed) if (one := forms(part)))
    word = Word(typed, f"%{_pattern(typed)}%", tokens)
    figures = _PADDED.fullmatch(typed)
    return _however_written(word, *map(int, figures.groups())) if figures else word


def _number(word: Word, grouped: str) -> Word:
    """A number that was typed by its thousands, which a key may have by them too; the SIREN that a SIRET by groups begins with.

    >>> words_of("15 000", 6)[0].spaced, words_of("552 100 554", 6)[0].tokens
    ('%15 000%', (('552100554', '552'), ('552100554', '100'), ('552100554', '554')))
    """
    groups = grouped.split(" ")
    if [len(one) for one in groups] != [3, 3, 3]:
        return replace(word, grouped=grouped)
    whole, *_ = word.tokens
    return replace(word, grouped=grouped, tokens=tuple((*whole, *forms(one)) for one in groups))


def _amount(word: Word, dotted: str) -> Word:
    """An amount, found in a text that has its thousands by points too, where each group is a word.

    >>> words_of("3.042,00 €", 6)[0].pattern, words_of("12.345.678,90", 6)[0].tokens
    ('%3042_00%', (('12345678', '12'), ('12345678', '345'), ('12345678', '678'), ('90',)))
    """
    whole, *cents = word.tokens
    groups = [forms(one) for one in words_in(dotted.partition(",")[0])]
    return replace(word, tokens=(*((*whole, *one) for one in groups), *cents))


def _however_written(word: Word, day: int, month: int, year: int) -> Word:
    """A word that is a day, which a title may write without its zeros or by the name of its month; as it is, where there is none.

    >>> word = words_of("24/09/2026", 6)[0]
    >>> word.tokens, [bool(re.search(word.check, key)) for key in ("du 24.9.2026", "24/9/2026", "24 sept. 2026", "4/9/2026")]
    ((('§20260924',),), [True, True, True, False])
    """
    try:
        whole = date(year, month, day)
    except ValueError:
        return word
    days = [f"%{day:02d}/{month:02d}/{year}%", f"%{day}/{month}/{year}%"]
    if day < 10:  # and « 2/03/2026 »
        days[0] = f"%{day}/{month:02d}/{year}%"
    one = _dated(word.typed, [(year, month, range(day, day + 1))], days)
    # However its parts are separated, in a number too
    signed = dict.fromkeys(
        f"%{number}_{rank}_{year}%" for number in (day, f"{day:02}") for rank in (month, f"{month:02}")
    )
    parts = tuple(dict.fromkeys((word.pattern, *signed, *one.dated)))
    as_typed = (
        f"{word.pattern.strip('%').replace('_', '.')}|{_DAY.format(day)}[-/._]0?{month}[-/._]{year}(?![0-9])"
    )
    return replace(
        word,
        tokens=((form_of(whole),),),
        dated=parts,
        check=f"{one.check}|{as_typed}",
        in_texts=True,
        days=(whole, whole),
    )


def worded(words: Sequence[Word], dialect: str) -> tuple[str, str, dict[str, str]] | None:
    """The table of the index of words, the condition that has each of these words found there, and its binds.

    SQLite's gives the number of the folder `f`, PostgreSQL's is of the rows `w` themselves. None where the index of words has
    none of them.
    """
    every = [one for word in words for one in word.tokens]
    if not every:
        return None
    if dialect == "sqlite":
        asked = " AND ".join(f"({' OR '.join(_quoted(form) for form in one)})" for one in every)
        return "fts_words", "fts_words MATCH :stems AND f.id = fts_words.rowid", {"stems": asked}
    asked = " & ".join(f"({' | '.join(_quoted(form, chr(39)) for form in one)})" for one in every)
    vector = re.sub(r"\b(title|documents|notes)\b", r"w.\1", VECTOR).replace("::text", "")
    return "folder_words w", f"{vector} @@ CAST(:stems AS tsquery)", {"stems": asked}


def _quoted(form: str, mark: str = '"') -> str:
    return f"{mark}{form}{mark}"  # letters and figures alone, and what begins the form of a day


def standing(words: Sequence[Word], part: str, prefix: str = "form") -> tuple[str, dict[str, str]]:
    """The condition that a text of forms (`joined`) has each of these words, and its binds; `part` is the text, in SQL."""
    binds: dict[str, str] = {}
    conditions = []
    for one in (one for word in words for one in word.tokens):
        names = [f"{prefix}{len(binds) + rank}_" for rank in range(len(one))]
        binds |= {name: f"% {form} %" for name, form in zip(names, one, strict=True)}
        conditions.append(f"({' OR '.join(f'{part} LIKE :{name}' for name in names)})")
    return " AND ".join(conditions), binds


def indexable(asked: Sequence[str]) -> bool:
    """Whether an index answers one of these patterns: three signs that follow one another, of which two letters or figures."""
    return next(_trigrams(asked), None) is not None


def matching(asked: Sequence[str], dialect: str, index: str = INDEXED) -> tuple[str, str, dict[str, str]]:
    """A table to read before `f` (`folder`) where there is one, the condition on both, and its binds: the port of the search.

    The conditions on the key are in it: what the index gives is looked at again. `index` is SQLite's, of the table that
    is called `f`.
    """
    binds = {f"word{rank}": pattern for rank, pattern in enumerate(asked)}
    condition = " AND ".join(f"f.title_key LIKE :{name} ESCAPE '{ESCAPE}'" for name in binds)
    if dialect != "sqlite":
        return "", condition, binds
    binds["signs"] = _all_signs(asked)
    return (
        f"{index} CROSS JOIN",
        f"{index} MATCH :signs AND f.id = {index}.rowid AND {condition}",
        binds,
    )


def signs_of(words: Sequence[Word]) -> str:
    """What the index of SQLite must match for these words: the signs of each, or of one of the parts of a date."""
    every = []
    for word in words:
        parts = [_all_signs([part]) for part in word.dated or (word.pattern, word.spaced) if part]
        if all(parts):
            every.append(" OR ".join(f"({one})" for one in dict.fromkeys(parts)))
    return " AND ".join(f"({one})" for one in every)


def _all_signs(asked: Sequence[str]) -> str:
    return " AND ".join(f'"{one}"' for one in dict.fromkeys(_trigrams(asked)))


def _trigrams(asked: Sequence[str]) -> Iterator[str]:
    for pattern in asked:
        for run in _RUN.findall(pattern):
            every = (run[at : at + _SIGNS] for at in range(len(run) - _SIGNS + 1))
            yield from (one for one in every if _TELLING.search(one))
