"""What somebody who searches asks: words, an amount, a person; as it is typed in the one field.

« enrobé goélands > 10 000 » asks two words and an amount. A name asks two things: the words, wherever they stand, or what
this person deposited or decided.
"""

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain, islice, permutations, takewhile

import sqlalchemy as sa

from app.core.clock import today
from app.core.days import MONTHS, RANKS, SHORT
from app.core.db import Db
from app.core.french import euros
from app.core.texts import key_of
from app.folders.search import (
    Word,
    dated,
    dated_between,
    figures_without_year,
    in_words,
    without_year,
    words_of,
)
from app.people.models import User

LONGEST = 300
"""Signs of what is asked; what is beyond is not read."""
MOST_WORDS = 6
MOST_ORDERS = 24
"""In which what was typed is read again, without its amounts."""
MOST_PEOPLE = 50
DEPOSIT, DECISION, VISA, SIGNATURE, REJECTION = "déposé", "décidé", "visé", "signé", "rejeté"
"""What somebody may have done to a folder, by the word that the page says of it."""
_GROUPS = r"\d{1,3}(?:\s\d{3}(?!\d))+(?:[.,]\d{1,2})?|\d{1,3}(?:\.\d{3}(?!\d))+(?:,\d{1,2})?"
_NUMBER = rf"({_GROUPS}|\d{{1,12}}(?:[.,]\d{{1,2}})?)(?![.,/]?\d|-\d\d?-(?:19|20)\d\d|(?!eur(?:os?)?\b)\w)"
"""« 10 000 », « 1.234,56 », « 10,5 »; never the beginning of another number, of a date or of a word."""
_EURO = r"\s*(?:€|eur(?:os?)?\b)"
_SIGN = re.compile(rf"(>=|<=|≥|≤|>|<)\s*{_NUMBER}(?:{_EURO})?", re.IGNORECASE)
_VERB = r"\b(?:d[ée]pos|envoy|d[ée]cid|vis|sign|rejet)[ée]e?s?"
_BY_ITSELF = rf"(?=\s*(?:$|[,;)\0<>≥≤]|\b(?:plus|moins)\s+de\s|{_VERB}\s+(?:le|en|par|hier|entre)\b))"
"""What stands after an amount without « € »: « moins de 18 ans » and « plus de 10 mars 2026 » are words, or a day."""
_SAID = re.compile(rf"\b(plus|moins)\s+de\s+{_NUMBER}(?:{_EURO}|{_BY_ITSELF})", re.IGNORECASE)
_COMPARED = re.compile(r"[<>≥≤]=?")
_BETWEEN = re.compile(
    rf"\bentre\s+(?!(?:19|20)\d\d\s+et\s+(?:19|20)\d\d{_BY_ITSELF}){_NUMBER}(?:{_EURO})?\s+et\s+"
    rf"{_NUMBER}(?:{_EURO}|{_BY_ITSELF})",
    re.IGNORECASE,
)
"""« entre 100 et 200 € », « entre 5 000 et 6 000 »; « entre 2024 et 2026 », two years, is words."""
_NAME = rf"({'|'.join(dict.fromkeys((*MONTHS, *SHORT, *RANKS)))})\b\.?"
_YEAR, _NUMBERED = r"((?:19|20)\d\d)\b", r"\b(1er|[0-3]?\d)"
_WEEKDAY = r"(?:\b(lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche)\s+)?"
_ACTED = rf"(?:{_VERB}\s+)?"
"""« déposé le 12 mars 2026 », « signés en mars 2026 »: a day that is typed is that of all that is done to a folder."""
_ASIDE = re.compile(rf"\s*({_VERB})\s", re.IGNORECASE)
_BY = re.compile(rf"({_VERB})\s+par\s+(?=[^\W\d_])", re.IGNORECASE)
"""« visé par Gwenola »: before a name, what he or she did."""
_ACTS = {
    "depose": DEPOSIT,
    "envoye": DEPOSIT,
    "decide": DECISION,
    "vise": VISA,
    "signe": SIGNATURE,
    "rejete": REJECTION,
}
_OF = rf"{_ACTED}(?:\b(?:de|en|du|le)\s+|\bd['’])?"
_DATE = re.compile(rf"{_OF}(?:{_WEEKDAY}{_NUMBERED}\s+)?\b{_NAME}\s+{_YEAR}", re.IGNORECASE)
"""« mars 2026 », « 12 mars 2026 », « jeudi 12 févr. 2026 »; « 2026 mars » asks the two words."""
_FIGURES = re.compile(
    rf"{_ACTED}(?<![\w/.-])(?:le\s+)?([0-3]?\d)([/.-])([01]?\d)\2{_YEAR}(?![/-]|\.\d)", re.IGNORECASE
)
"""« 2/3/2026 », « 02.03.2026 », « 2-3-2026 »: a word, which is found as « 2 mars 2026 » is (`Word.in_texts`)."""
_ANOTHER = r"(?:et|ou|au|à)\s+(?:le\s+)?\d"
_BARE = re.compile(
    rf"({_OF}{_WEEKDAY})(?<![\w/.,-]){_NUMBERED}\s{_NAME}"
    rf"(?!\.?(?:\s+(?:\d|{_ANOTHER})|[\w/-]))",
    re.IGNORECASE,
)
"""« 12 mars », « déposé le 12 mars », where no year nor another number follows."""
_BARE_FIGURES = re.compile(
    rf"{_ACTED}(?<![\w/.,-])(?:le\s+)?([0-3]\d)/([01]\d)(?![\w/-]|[.,]\d|\s+{_ANOTHER})",
    re.IGNORECASE,
)
"""« 12/03 »; « 1/2 » is a part of something, and « 12/34 » a number."""
_ANOTHER_BEFORE = re.compile(rf"(?:\d|1er|\b{_NAME})\s*(?:\b(?:et|ou|au|à)\b|[,–-])\s*$", re.IGNORECASE)
"""What makes a day one of several, or the end of a period, which words say: « les 12 et 13 mars », « du 12 au 14 mars »."""
_FEASTS = frozenset(((19, 3), (1, 5), (8, 5), (18, 6), (14, 7), (15, 8), (1, 11), (11, 11), (25, 12)))
"""Days by which feasts and streets are named whatever the year: words, but after « le », « déposé le » or a day of the week."""
_STREET = re.compile(
    r"\b(?:rue|place|avenue|av\.?|boulevard|bd|all[ée]e|quai|cours|square|impasse|esplanade|pont|[ée]cole|salle|stade)\s+du\s+$",
    re.IGNORECASE,
)
_AGO = {"avant-hier": 2, "hier": 1}
_NEAR = re.compile(
    rf"{_ACTED}(?:\bd['’]|(?<![\w'’\"«/.-]))(aujourd['’]hui|avant-hier|hier)(?![\w'’\"»/-])", re.IGNORECASE
)
"""« aujourd’hui », « déposé hier »; between quotation marks they are words."""
_SLASHED = rf"\b([0-3]?\d)[/.-]([01]?\d)[/.-]{_YEAR}"
_FIRST = rf"(?:{_WEEKDAY}{_NUMBERED}(?:\s+{_NAME}(?:\s+{_YEAR})?)?|\b{_NAME}(?:\s+{_YEAR})?|{_SLASHED})"
_LAST = rf"(?:(?:{_WEEKDAY}{_NUMBERED}\s+)?\b{_NAME}\s+{_YEAR}|{_SLASHED})(?!/|[.-]\d)"
_PERIODS = [
    re.compile(rf"{_ACTED}\b{begins}\s*(?:le\s+)?{_FIRST}\s+{goes_on}\s+(?:le\s+)?{_LAST}", re.IGNORECASE)
    for begins, goes_on in ((r"entre\b", "et"), (r"(?:d[eu]\b|d['’])", "(?:à|a|au)"))
]
"""« entre mars et mai 2026 », « du 15 décembre 2025 au 3 mars 2026 », « entre le 1/9/2026 et le 30/9/2026 »."""
_ENDS_IN_MONTH, _BEGINS_WITH_YEAR = re.compile(rf"\b{_NAME}$", re.IGNORECASE), re.compile(_YEAR)
_HAS_MONTH, _IS_DAY = re.compile(rf"\b{_NAME}", re.IGNORECASE), re.compile(_NUMBERED, re.IGNORECASE)
_LEAP = 9
"""So many years have a 29 February that is past, around 1900 or 2100 too."""
_CUT = "\0"
"""Where something was taken out of what was typed: what stands before and after it is not read as one."""


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
    """What is asked; nothing at all where the field is empty.

    `plain`: the same as typed, whose dates would be words; `unbound`: what was typed beside the amounts; `spelt`: each of the
    words, a date as it was typed; `aside`: the verbs that were typed before a date, which hide nothing of that day.
    `act`: what is asked that somebody did, « visé par », and `verb` its word; `by`: the words behind it, where the name is.
    """

    typed: str = ""
    words: tuple[Word, ...] = ()
    amounts: tuple[Amount, ...] = ()
    plain: str = ""
    unbound: str = ""
    spelt: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()
    act: str = ""
    verb: Word | None = None
    by: tuple[Word, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words or self.amounts)

    @property
    def dates(self) -> tuple[Word, ...]:
        """Those of the words that are a day by the name of its month, a month, or a period."""
        return tuple(one for one in self.words if one.by_name)

    @property
    def of_keys(self) -> tuple[Word, ...]:
        """Those of them that titles and facts alone have: months and periods."""
        return tuple(one for one in self.words if one.is_date)

    @property
    def days(self) -> tuple[Word, ...]:
        """Those of the words that are a day, in figures too, a month, or a period."""
        return tuple(one for one in self.words if one.days)

    @property
    def may_be_words(self) -> bool:
        """Whether what was read as a date is searched as words by what is typed otherwise (`plain`)."""
        return self.plain != self.typed

    @property
    def without_amount(self) -> str:
        """What was typed without the amounts; in another order where what stood around one would be read otherwise.

        Nothing where the first orders, the dates after the words and then before them, are all read otherwise.
        """
        last = len(self.words) - len(self.dates)
        words, dates = self.spelt[:last], self.spelt[last:]
        orders = (
            " ".join(order)
            for first in (words, words[::-1])
            for order in islice(permutations([*dates, *first]), MOST_ORDERS // 2)
        )
        every = chain([self.unbound, " ".join([*words, *dates])], orders)
        return next((one for one in islice(every, 1 + MOST_ORDERS) if understood(one).asks_as(self)), "")

    def asks_as(self, other: "Query") -> bool:
        """Whether it asks the words and the dates of another, of the same person, and no amount."""
        mine, others = ({(one.typed, one.by_name) for one in query.words} for query in (self, other))
        return (mine, self.act, self.by) == (others, other.act, other.by) and not self.amounts


NOTHING = Query()


@dataclass(frozen=True)
class People:
    """Those whom some of the words name: their numbers and names, and the words that are left to be found.

    `act`: what they did of what is found by them, one of the words above; empty for a deposit or a decision.
    """

    numbers: tuple[int, ...]
    names: tuple[str, ...]
    rest: tuple[Word, ...]
    act: str = ""


def understood(typed: str) -> Query:
    """What was typed, as it is understood, its first `LONGEST` signs.

    >>> found = understood("enrobé > 10 000")
    >>> [one.typed for one in found.words], found.amounts
    (['enrobé'], (Amount(sign='>', cents=1000000),))
    """
    typed = typed[:LONGEST]
    cut, amounts, compared = _amounts_in(typed.replace(_CUT, " "))
    left, dates, aside = _dates_in(cut)
    # Two spaces where an amount was: « 500 > 3 500 » has two numbers, which are none by its thousands
    unbound = "  ".join(" ".join(part.split()) for part in cut.split(_CUT) if part.strip())
    del dates[MOST_WORDS:]
    words = words_of(left, MOST_WORDS - len(dates))
    plain = " ".join([_undated(unbound), *compared]) if dates else typed
    act, verb, by = _act_in(left, words)
    return Query(
        " ".join(typed.split()),
        (*words, *(word for word, _ in dates)),
        tuple(amounts),
        " ".join(plain.split()),
        unbound,
        (*(word.typed for word in words), *(spelt for _, spelt in dates)),
        tuple(dict.fromkeys(aside)),
        act,
        verb,
        by,
    )


def _act_in(left: str, words: Sequence[Word]) -> tuple[str, Word | None, tuple[Word, ...]]:
    """What was asked that somebody did, the word that says it, and the words where the name is to be; nothing for none.

    >>> query = understood("bail signée par Gaud Le Bras")
    >>> query.act, [one.typed for one in query.by]
    ('signé', ['gaud', 'bras'])
    """
    found = _BY.search(left)
    if found is None:
        return "", None, ()
    typed = found[1].lower()
    verb = next((one for one in words if one.typed == typed), None)
    behind = _BY.split(left[found.end() :], maxsplit=1)[0]
    by = tuple(one for one in words_of(behind, MOST_WORDS) if one in words)
    if verb is None or not by:
        return "", None, ()
    return next(act for begins, act in _ACTS.items() if key_of(typed).startswith(begins)), verb, by


def _amounts_in(typed: str) -> tuple[str, list[Amount], list[str]]:
    """What is left of what was typed, cut where an amount was compared; these amounts, and each as it was typed."""
    amounts: list[Amount] = []
    compared: list[str] = []

    def bound(match: re.Match[str], *bounds: Amount) -> str:
        amounts.extend(bounds)
        # By its sign wherever it is put: without one, what would stand after it may make words of it
        compared.append(match[0] if match[0][-1] in "€rsRS" or _COMPARED.match(match[0]) else f"{match[0]} €")
        return _CUT

    def signed(match: re.Match[str]) -> str:
        return bound(match, Amount(match[1].replace("≥", ">=").replace("≤", "<="), _cents(match[2])))

    def said(match: re.Match[str]) -> str:
        return bound(match, Amount(">" if match[1].lower() == "plus" else "<", _cents(match[2])))

    def between(match: re.Match[str]) -> str:
        least, most = sorted((_cents(match[1]), _cents(match[2])))
        return bound(match, Amount(">=", least), Amount("<=", most))

    return _SIGN.sub(signed, _SAID.sub(said, _BETWEEN.sub(between, typed))), amounts, compared


def _dates_in(cut: str) -> tuple[str, list[tuple[Word, str]], list[str]]:
    """What is left of what was typed without its dates but days in figures, which are words; these dates, as they were typed.

    And the verbs before them, which ask nothing.
    """
    dates: list[tuple[Word, str]] = []
    aside: list[str] = []

    def period(match: re.Match[str]) -> str:
        return _taken(dates, aside, match, _period(match.groups()))

    def day(match: re.Match[str]) -> str:
        _, number, name, year = match.groups()
        return _taken(dates, aside, match, _dated(number, RANKS[key_of(name)], year))

    def figures(match: re.Match[str]) -> str:
        number, _, month, year = match.groups()
        found = _dated(number, int(month), year)
        return _leaving(aside, match, f" {int(number):02}/{int(month):02}/{year} ") if found else match[0]

    def bare(match: re.Match[str]) -> str:
        lead, _, number, name = match.groups()
        before, month = match.string[: match.start()], RANKS[key_of(name)]
        named = (_number(number), month) in _FEASTS and lead.strip().lower() in {"", "du", "de"}
        if named or _ANOTHER_BEFORE.search(before) or _STREET.search(before + lead):
            return match[0]
        return _taken(dates, aside, match, [without_year(one) for one in _nearest(_number(number), month)])

    def bare_figures(match: re.Match[str]) -> str:
        if _ANOTHER_BEFORE.search(match.string[: match.start()]):
            return match[0]
        number, month = map(int, match.groups())
        return _taken(dates, aside, match, [figures_without_year(one) for one in _nearest(number, month)])

    def near(match: re.Match[str]) -> str:
        day = today() - timedelta(days=_AGO.get(match[1].lower(), 0))
        return _taken(dates, aside, match, [dated(day.day, day.month, day.year)])

    left = cut
    for one in _PERIODS:
        left = one.sub(period, left)
    left = _BARE.sub(bare, _DATE.sub(day, left))
    left = _BARE_FIGURES.sub(bare_figures, _FIGURES.sub(figures, left))
    return _NEAR.sub(near, left).replace(_CUT, " "), dates, aside


def _taken(
    dates: list[tuple[Word, str]], aside: list[str], match: re.Match[str], found: Sequence[Word]
) -> str:
    """What is left of what was read as these dates, which are kept with it: all of it where they are none."""
    dates += [(word, match[0]) for word in found]
    return _leaving(aside, match, _CUT) if found else match[0]


def _leaving(aside: list[str], match: re.Match[str], left: str) -> str:
    """What is left of a date that was read; the verb before it is kept among those that ask nothing."""
    aside += [verb[1]] if (verb := _ASIDE.match(match[0])) else []
    return left


def _dated(day: str | None, month: int, year: str) -> list[Word]:
    """A day or a month that was typed; none where there is no such day: « 31 février 2026 » is words."""
    number = _number(day)
    try:
        date(int(year), month, 1 if number is None else number)
    except ValueError:
        return []
    return [dated(number, month, int(year))]


def _nearest(day: int | None, month: int) -> list[date]:
    """The last such day that is past, or today; none where no year has it.

    >>> _nearest(31, 2), [(today() - one).days < 366 for one in _nearest(12, 3)]
    ([], [True])
    """
    last = today()
    for year in range(last.year, last.year - _LEAP, -1):
        try:
            found = date(year, month, day or 0)
        except ValueError:
            continue
        if found <= last:
            return [found]
    return []


def _period(typed: Sequence[str | None]) -> list[Word]:
    """What is between two ends, by the groups of `_PERIODS`; none where one is no date, or is without a month.

    What the first does not say is as the last says it; a month that comes after the last one's is of the year before:
    « entre novembre et février 2026 ».
    """
    number, name, year, alone, year_alone, *slashed = typed[1:9]
    first = slashed if slashed[0] else [number, name or alone, year or year_alone]
    last = typed[13:] if typed[13] else typed[10:13]
    if not (last[1] and last[2] and (first[1] or last[0])):
        return []
    ends_in = _month(last[1])
    begins_in = _month(first[1]) if first[1] else ends_in
    begins = int(first[2] or int(last[2]) - (begins_in > ends_in)), begins_in, _number(first[0])
    ends = int(last[2]), ends_in, _number(last[0])
    begins, ends = sorted((begins, ends), key=lambda end: (*end[:2], end[2] or 0))
    try:
        days = date(*begins[:2], begins[2] or 1), date(*ends[:2], ends[2] or monthrange(*ends[:2])[1])
    except ValueError:
        return []
    sides = (f"{'le ' if day else ''}{in_words(day, month, year)}" for year, month, day in (begins, ends))
    return [dated_between(f"entre {' et '.join(sides)}", *days)]


def _number(day: str | None) -> int | None:
    return int(day.lower().removesuffix("er")) if day else None


def _month(typed: str) -> int:
    return int(typed) if typed.isdigit() else RANKS[key_of(typed)]


def _undated(typed: str) -> str:
    """The same words in an order where none of them is a date, nor an amount; a day that is told from today, as a quotation.

    >>> " ".join(_undated("mars 2031 2032 12 avril").split()), " ".join(_undated("déposé hier 12/03").split())
    ('2031 2032 mars avril 12', '"hier" 12-03')
    """

    def turned(match: re.Match[str]) -> str:
        weekday, number, name, year = match.groups()
        return f" {year} {name} {number or ''} {weekday or ''} "

    def bare(match: re.Match[str]) -> str:
        _, weekday, number, name = match.groups()
        return f" {name} {number} {weekday or ''} "

    turned_round = _DATE.sub(turned, _BARE_FIGURES.sub(r" \1-\2 ", _COMPARED.sub(" ", typed)))
    turned_round = _NEAR.sub(r' "\1" ', _BARE.sub(bare, turned_round))
    done: list[str] = []
    months: list[str] = []
    for word in turned_round.split():  # a year that is taken out from behind a month may leave another there
        ends_in_month = _ENDS_IN_MONTH.search(word)
        if months and _BEGINS_WITH_YEAR.match(word):
            cut = 4 if ends_in_month else len(word)  # « mars 2031-avril 2032 »
            done.append(word[:cut])
            months += [word[cut:]] if word[cut:] else []
        elif ends_in_month:
            months.append(word)
        else:
            done += [*months, word]
            months = []
    plain = " ".join([*done, *months])
    # The end of a period is in figures, which are a day by themselves
    if any(one.search(plain) for one in _PERIODS):
        plain = re.sub(_SLASHED, r"\1_\2_\3", plain)
    if not _BARE.search(plain):
        return plain
    # A number that a month follows: the months before all, and the numbers before the years
    words = plain.split()
    named = [word for word in words if _HAS_MONTH.search(word)]
    numbers = [word for word in words if _IS_DAY.fullmatch(word)]
    return " ".join([*named, *numbers, *(word for word in words if word not in {*named, *numbers})])


def _cents(number: str) -> int:
    plain = re.sub(r"\s", "", number)
    if re.fullmatch(r"\d+(?:\.\d{3})+(?:,\d+)?", plain):  # « 1.234,56 », « 1.234 »
        plain = plain.replace(".", "")
    return int(Decimal(plain.replace(",", ".")) * 100)


def people_asked(db: Db, collectivity_id: int, query: Query) -> People | None:
    """Those whom a search names: by the words behind « visé par » for what they did so, else by any of its words."""
    named = people_named(db, collectivity_id, query.by, at_once=True) if query.act else None
    if named is None:
        return people_named(db, collectivity_id, query.words) if query.words else None
    used = {query.verb, *query.by} - set(named.rest)
    return replace(named, rest=tuple(one for one in query.words if one not in used), act=query.act)


def people_named(
    db: Db, collectivity_id: int, words: Sequence[Word], *, at_once: bool = False
) -> People | None:
    """The people of the collectivity whom the most of these words name by first or last name; None where none does.

    `at_once`: whom the first of the words name, and as many as may be of those behind it.
    """
    keys = {key_of(one.typed): one for one in words if len(one.typed) > 2 and one.typed.isalpha()}
    if not keys:
        return None
    having = [User.search_key.contains(key, autoescape=True) for key in keys]
    query = sa.select(User.id, User.first_name, User.last_name).where(
        User.collectivity_id == collectivity_id, sa.or_(*having)
    )
    # Whom the most of the words name come first: fifty others may have one of them
    rank = sum((sa.case((one, 1), else_=0) for one in having), sa.literal(0))
    found = []
    for number, first, last in db.execute(query.order_by(rank.desc(), User.id).limit(MOST_PEOPLE)):
        matched = frozenset(re.split(r"[\s'-]+", key_of(f"{first} {last}"))) & keys.keys()
        if matched:
            found.append((matched, number, f"{first} {last}"))
    if not found:
        return None

    def rank_of(matched: frozenset[str]) -> tuple[int, int, list[str]]:
        leading = len(list(takewhile(matched.__contains__, keys))) if at_once else 0
        return leading, len(matched), sorted(matched)

    most = max((matched for matched, _, _ in found), key=rank_of)
    if at_once and not rank_of(most)[0]:
        return None
    chosen = [(number, name) for matched, number, name in found if matched >= most]
    used = {keys[key] for key in most}
    rest = tuple(one for one in words if one not in used)
    return People(tuple(n for n, _ in chosen), tuple(name for _, name in chosen), rest)
