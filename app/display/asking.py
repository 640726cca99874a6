"""What somebody who searches asks: words, an amount, a person; as it is typed in the one field.

« enrobé goélands > 10 000 » asks two words and an amount. A name asks two things: the words, wherever they stand, or what
this person deposited or decided.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import sqlalchemy as sa

from app.core.db import Db
from app.core.french import euros
from app.core.texts import key_of
from app.folders.search import MONTHS, Word, dated, dated_between, words_of
from app.people.models import User

MOST_WORDS = 6
MOST_PEOPLE = 50
MOST_MONTHS = 24
"""From a month to another; more are not understood as such."""
_NUMBER = r"(\d{1,3}(?:\s\d{3})+(?:[.,]\d{1,2})?|\d{1,12}(?:[.,]\d{1,2})?)"
_EURO = r"\s*(?:€|euros?\b)"
_SIGN = re.compile(rf"(>=|<=|≥|≤|>|<)\s*{_NUMBER}(?:{_EURO})?")
_SAID = re.compile(rf"\b(plus|moins) de\s+{_NUMBER}{_EURO}", re.IGNORECASE)
_MONTHS = {key_of(name): rank for rank, name in enumerate(MONTHS, 1)}
_OF, _DAY = r"(?:\b(?:de|en|du)\s+|\bd['’])?", r"(?:\b(1er|[0-3]?\d)\s+)?"
_MONTH, _YEAR = rf"({'|'.join(dict.fromkeys((*MONTHS, *_MONTHS)))})", r"((?:19|20)\d\d)"
_DATE = re.compile(rf"{_OF}{_DAY}\b{_MONTH}\s+{_YEAR}\b", re.IGNORECASE)
"""« mars 2026 », « 12 mars 2026 »; « 2026 mars » asks the two words."""
_PERIOD = re.compile(rf"\bentre\s+{_MONTH}(?:\s+{_YEAR})?\s+et\s+{_MONTH}\s+{_YEAR}\b", re.IGNORECASE)
"""« entre mars et mai 2026 », « entre décembre 2025 et mars 2026 »."""
_COMPARED = re.compile(r"[<>≥≤]=?")
_BETWEEN = re.compile(rf"\bentre\s+{_NUMBER}(?:{_EURO})?\s+et\s+{_NUMBER}{_EURO}", re.IGNORECASE)


@dataclass(frozen=True)
class Amount:
    """A bound of the amount in euros, in cents: `sign` is one of > >= < <=. What is in another currency is not compared."""

    sign: str
    cents: int

    @property
    def words(self) -> str:
        """« plus de 10 000,00 € »."""
        said = {">": "plus de", ">=": "au moins", "<": "moins de", "<=": "au plus"}[self.sign]
        return f"{said} {euros(Decimal(self.cents) / 100)}"


@dataclass(frozen=True)
class Query:
    """What is asked; nothing at all where the field is empty. `plain`: the same as typed, whose dates would be words."""

    typed: str = ""
    words: tuple[Word, ...] = ()
    amounts: tuple[Amount, ...] = ()
    plain: str = ""

    def __bool__(self) -> bool:
        return bool(self.words or self.amounts)

    @property
    def dates(self) -> tuple[Word, ...]:
        """Those of the words that are a day, a month, or what is between two months."""
        return tuple(one for one in self.words if one.dated)

    @property
    def without_amount(self) -> str:
        """The same words, as they would be typed alone."""
        return " ".join(one.typed for one in self.words)


NOTHING = Query()


@dataclass(frozen=True)
class People:
    """Those whom some of the words name: their numbers and names, and the words that are left to be found."""

    numbers: tuple[int, ...]
    names: tuple[str, ...]
    rest: tuple[Word, ...]


def understood(typed: str) -> Query:
    """What was typed, as it is understood.

    >>> found = understood("enrobé > 10 000")
    >>> [one.typed for one in found.words], found.amounts
    (['enrobé'], (Amount(sign='>', cents=1000000),))
    """
    amounts: list[Amount] = []
    compared: list[str] = []

    def bound(match: re.Match[str], *bounds: Amount) -> str:
        amounts.extend(bounds)
        compared.append(match[0])
        return " "

    def signed(match: re.Match[str]) -> str:
        return bound(match, Amount(match[1].replace("≥", ">=").replace("≤", "<="), _cents(match[2])))

    def said(match: re.Match[str]) -> str:
        return bound(match, Amount(">" if match[1].lower() == "plus" else "<", _cents(match[2])))

    def between(match: re.Match[str]) -> str:
        return bound(match, Amount(">=", _cents(match[1])), Amount("<=", _cents(match[2])))

    dates: list[Word] = []

    def period(match: re.Match[str]) -> str:
        first, last = _MONTHS[key_of(match[1])], _MONTHS[key_of(match[3])]
        year = int(match[4])
        # « entre novembre et février 2026 » begins the year before
        ends = sorted([(int(match[2] or year - (first > last)), first), (year, last)])
        if (ends[1][0] - ends[0][0]) * 12 + ends[1][1] - ends[0][1] >= MOST_MONTHS:
            return match[0]
        dates.append(dated_between(*ends))
        return " "

    def day(match: re.Match[str]) -> str:
        number, month, year = (
            int(match[1].removesuffix("er")) if match[1] else None,
            _MONTHS[key_of(match[2])],
            int(match[3]),
        )
        try:
            date(year, month, 1 if number is None else number)
        except ValueError:  # « 31 février 2026 » is words
            return match[0]
        dates.append(dated(number, month, year))
        return " "

    unbound = _SIGN.sub(signed, _SAID.sub(said, _BETWEEN.sub(between, typed)))
    left = _DATE.sub(day, _PERIOD.sub(period, unbound))
    words = words_of(left, MOST_WORDS - len(dates[:MOST_WORDS])) if len(dates) < MOST_WORDS else []
    plain = " ".join([_undated(unbound), *compared]) if dates else typed
    return Query(
        " ".join(typed.split()), (*words, *dates[:MOST_WORDS]), tuple(amounts), " ".join(plain.split())
    )


def _undated(typed: str) -> str:
    """The same words in an order where none of them is a date, nor an amount.

    >>> " ".join(_undated("mars 2031 2032").split())
    '2031 2032 mars'
    """
    before, after = "", _COMPARED.sub(" ", typed)
    while after != before:  # a year that is taken out from behind a month may leave another there
        before, after = after, _DATE.sub(lambda match: f" {match[3]} {match[2]} {match[1] or ''} ", after)
    return after


def _cents(number: str) -> int:
    return int(Decimal(re.sub(r"\s", "", number).replace(",", ".")) * 100)


def people_named(db: Db, collectivity_id: int, words: Sequence[Word]) -> People | None:
    """The people of the collectivity whom the most of these words name by first or last name; None where none does."""
    keys = {key_of(one.typed): one for one in words if len(one.typed) > 2 and one.typed.isalpha()}
    if not keys:
        return None
    named = sa.or_(*(User.search_key.contains(key, autoescape=True) for key in keys))
    query = sa.select(User.id, User.first_name, User.last_name).where(
        User.collectivity_id == collectivity_id, named
    )
    found = []
    for number, first, last in db.execute(query.order_by(User.id).limit(MOST_PEOPLE)):
        matched = frozenset(re.split(r"[\s'-]+", key_of(f"{first} {last}"))) & keys.keys()
        if matched:
            found.append((matched, number, f"{first} {last}"))
    if not found:
        return None
    most = max((matched for matched, _, _ in found), key=lambda one: (len(one), sorted(one)))
    chosen = [(number, name) for matched, number, name in found if matched >= most]
    used = {keys[key] for key in most}
    rest = tuple(one for one in words if one not in used)
    return People(tuple(n for n, _ in chosen), tuple(name for _, name in chosen), rest)
