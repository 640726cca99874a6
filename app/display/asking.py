"""What somebody who searches asks: words, an amount, a person; as it is typed in the one field.

« enrobé goélands > 10 000 » asks two words and an amount. A name asks two things: the words, wherever they stand, or what
this person deposited or decided.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from app.core.db import Db
from app.core.french import euros
from app.core.texts import key_of
from app.folders.search import Word, words_of
from app.people.models import User

MOST_WORDS = 6
MOST_PEOPLE = 50
_NUMBER = r"(\d{1,3}(?:\s\d{3})+(?:[.,]\d{1,2})?|\d{1,12}(?:[.,]\d{1,2})?)"
_EURO = r"\s*(?:€|euros?\b)"
_SIGN = re.compile(rf"(>=|<=|≥|≤|>|<)\s*{_NUMBER}(?:{_EURO})?")
_SAID = re.compile(rf"\b(plus|moins) de\s+{_NUMBER}{_EURO}", re.IGNORECASE)
_BETWEEN = re.compile(rf"\bentre\s+{_NUMBER}(?:{_EURO})?\s+et\s+{_NUMBER}{_EURO}", re.IGNORECASE)


@dataclass(frozen=True)
class Amount:
    """A bound of the amount, in cents: `sign` is one of > >= < <=."""

    sign: str
    cents: int

    @property
    def words(self) -> str:
        """« plus de 10 000,00 € »."""
        said = {">": "plus de", ">=": "au moins", "<": "moins de", "<=": "au plus"}[self.sign]
        return f"{said} {euros(Decimal(self.cents) / 100)}"


@dataclass(frozen=True)
class Query:
    """What is asked; nothing at all where the field is empty."""

    typed: str = ""
    words: tuple[Word, ...] = ()
    amounts: tuple[Amount, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words or self.amounts)

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

    def signed(match: re.Match[str]) -> str:
        amounts.append(Amount(match[1].replace("≥", ">=").replace("≤", "<="), _cents(match[2])))
        return " "

    def said(match: re.Match[str]) -> str:
        amounts.append(Amount(">" if match[1].lower() == "plus" else "<", _cents(match[2])))
        return " "

    def between(match: re.Match[str]) -> str:
        amounts.extend((Amount(">=", _cents(match[1])), Amount("<=", _cents(match[2]))))
        return " "

    left = _SIGN.sub(signed, _SAID.sub(said, _BETWEEN.sub(between, typed)))
    return Query(" ".join(typed.split()), tuple(words_of(left, MOST_WORDS)), tuple(amounts))


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
