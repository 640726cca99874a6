"""« Suivi »: any folder that one may read, found by type, state and what is asked, at a cost that does not follow the past.

Who reads few folders has them all looked at. Who reads many has his newest read in order until a page is full, or, where
what is asked is rare, the few that an index gives: the folders in hand, or those that have the words, the amount or the
person. No condition comes after a limit, and the right to read is that of `app/folders/access.py`, asked of each.

A folder is found by words that its key has (any part of one), or that its words have (`FolderWords`), or that a note of it
for few has with those, where the reader is one of the few; or by the person whom they name, who deposited or decided it.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.circuits.library import catalogue
from app.circuits.own_types import currents, in_force
from app.core.clock import PARIS, now, today
from app.core.db import NO_DATE, Db, UTCDateTime, key_in
from app.core.texts import whole
from app.display.asking import (
    DECISION,
    DEPOSIT,
    NOTHING,
    REJECTION,
    SIGNATURE,
    VISA,
    People,
    Query,
    people_asked,
    understood,
)
from app.folders.access import FOLDER, reading_as_text
from app.folders.deposit import depositing
from app.folders.models import ASKED, DEPOSITED_AT
from app.folders.notes import lent
from app.folders.opinions import held
from app.folders.search import INDEXED, Word, indexable, signs_of, standing, worded
from app.people.actor import Actor
from workflows.family import typed_name
from workflows.rights import parted_type, type_name

PAGE = 50
PARTS = ("title", "documents", "notes")
"""The parts of what is searched of a folder, as `FolderWords` has them."""
MOST_COUNTED = 100
"""A search tells how many it finds up to so many: of what the reader may read alone, however it is looked for."""
FEW = 1_000
"""Whoever has been reached this many times at most has all that reached him looked at."""
MOST_NOTES = 500
"""Of the notes for few that have one of the words, so many are looked at, the last first."""
MATCHES = 1_000
"""So many folders that an index of words gives are looked at, at most; where there are more, one's own are read in order."""
PRICED = 5_000
"""So many folders of an amount are looked at by their numbers, the newest first: two milliseconds and no word read."""
SAMPLE, COMMON = 300, 15
"""Words that this many have, of the last folders of the collectivity, are found soonest by reading one's own in order."""
IN_HAND = ("draft", "running", "rejected")
PRESSING, NEWEST, OLDEST = "echeance", "depot", "anciens"
"""The orders of « Suivi », by the word of the address; the two last by number, which is the order in which folders were begun."""
ORDERS = {
    PRESSING: "Les plus pressés d’abord",
    NEWEST: "Les plus récents d’abord",
    OLDEST: "Les plus anciens d’abord",
}
_DEPOSITED = DEPOSITED_AT.format("f.")
_DECIDED = "p.state IN ('done', 'rejected')"
"""Of a part of a step: somebody decided there, and did not take it back, nor hand it on."""
# An opinion that was asked beside a step has the kind of this step, and is neither its visa nor its signature
_ITS_OWN = f"p.state = 'done' AND p.slot NOT LIKE '{ASKED}%'"
_DECIDED_SO = {
    VISA: f"{_ITS_OWN} AND p.kind = 'visa'",
    # On paper, who stated it is not who signed
    SIGNATURE: (
        f"{_ITS_OWN} AND p.kind = 'sign' AND NOT EXISTS (SELECT 1 FROM paper_signature h WHERE h.step_run_id = p.id)"
    ),
    # What was sent back to a step is no rejection
    REJECTION: "p.state = 'rejected' AND p.sent_to IS NULL",
}
"""The same, of what somebody did who is asked by his act; any decision where it is not here."""
_COLUMNS = (
    "f.id, f.title, f.number, f.family, f.type_version_id, f.amount_cents, f.phase, f.place, f.due_on, "
    "f.circuit_version_id, f.fields ->> 'currency' AS currency"
)
_AWAITED = (
    f"FROM step_run s WHERE s.folder_id = f.id AND s.state = 'active' AND s.slot NOT LIKE '{ASKED}%' "
    "ORDER BY s.id LIMIT 1"
)


_STEP_DAY = f"COALESCE((SELECT s.due_on {_AWAITED}), '{NO_DATE}')"
_DAY = (
    f"CASE WHEN d.step_day < d.due_on AND (d.due_on >= '{NO_DATE}' OR d.step_day < :today) "
    "THEN d.step_day ELSE d.due_on END"
)
"""The day by which a folder `d` in hand is told to press (`views.deadlines`): its own, or its step's where that one is told."""


_OF_TYPE = {
    "s": "s.own_type = :own_type",
    "f": (
        "f.type_version_id IN (SELECT v.id FROM folder_type t JOIN folder_type_version v ON v.type_id = t.id "
        "WHERE t.collectivity_id = :here AND t.key = :own_type)"
    ),
}


@dataclass(frozen=True)
class Found:
    """A folder in the follow-up list, with the step where it waits and since when; `seats.parts_awaited` says who is awaited.

    `step_due`: the day of that step, which may come before the folder's own. `key`: where the next page begins after it.
    `held`: it waits for an opinion asked beside the step.
    """

    id: int
    title: str
    family: str
    amount_cents: int | None
    phase: str
    place: str
    due_on: date
    kind: str | None
    since: datetime | None
    circuit: int | None
    number: str = ""
    type_version: int | None = None
    step_due: date = NO_DATE
    currency: str = ""
    held: bool = False
    key: str = ""

    @property
    def in_force(self) -> str:
        """The name under which `family_of` gives what the folder asks (`Folder.in_force`)."""
        return typed_name(self.family, self.type_version)


@dataclass(frozen=True)
class _Asked:
    """What is asked, and whose folders: the conditions, as text, with their binds."""

    actor: Actor
    sqlite: bool
    query: Query = NOTHING
    people: People | None = None
    noted: Mapping[tuple[Word, ...], Collection[int]] = field(default_factory=dict)
    prefixes: Mapping[tuple[Word, ...], str] = field(default_factory=dict)
    family: str = ""
    own_type: str = ""
    phase: str = ""
    more: str = ""
    in_hand: bool = False
    last: int | None = None
    binds: Mapping[str, Any] = field(default_factory=dict)
    oldest: bool = False

    @property
    def readings(self) -> list[tuple[tuple[Word, ...], bool]]:
        """What the words may mean: all of them words, or some of them the name of a person (true)."""
        words = self.query.words
        return [(words, False)] + ([(self.people.rest, True)] if self.people is not None else [])

    @property
    def way(self) -> str:
        """In which way numbers are read: the newest first, unless the oldest are asked for."""
        return "ASC" if self.oldest else "DESC"

    def reads(self) -> bool:
        """Whether the reader has anything by which folders reach him."""
        return bool(self.actor.seats or self.actor.covers or self.actor.user_id is not None)

    def here(self, table: str) -> str:
        """Of the reader's collectivity; `+` keeps SQLite from reading all that it has by this column."""
        return f"{'+' if self.sqlite else ''}{table}.collectivity_id = :here"

    def of_folder(self) -> str:
        """The conditions on `f` that no list of numbers answers: state and words."""
        parts = [f"f.phase = '{self.phase}'"] if self.phase else []
        parts += [self.amounts()] if self.query.amounts else []
        parts += [self.more] if self.more else []
        if self.query.words:
            meant = " OR ".join(f"({self.meant(words, by_name)})" for words, by_name in self.readings)
            parts.append(f"({meant})")
        return "".join(f" AND {one}" for one in parts)

    def amounts(self) -> str:
        """The condition on the amount of `f`: what is asked is in euros, and what is not cannot be compared with it."""
        return f"{self.bounds()} AND COALESCE(f.fields ->> 'currency', '') IN ('', 'EUR')"

    def bounds(self) -> str:
        """The same of the figure alone, whatever its currency, which an index answers by itself."""
        return " AND ".join(f"f.amount_cents {one.sign} {one.cents}" for one in self.query.amounts)

    def dates(self) -> str:
        """The condition on the key of `f`: each month or period that is asked has a date of its own, or of its title."""
        return " AND ".join(self._of_word(n, "f") for n, one in enumerate(self.query.words) if one.is_date)

    def handled(self) -> str:
        """The condition that `f` was deposited, or decided on by somebody, in each of the days that are asked."""
        return " AND ".join(self._handled_in(one) for one in self.query.days)

    def _handled_in(self, word: Word) -> str:
        then = f"{self.within(word, 'p.ended_at')} AND p.user_id IS NOT NULL"
        decided = f"SELECT 1 FROM step_run p WHERE p.folder_id = f.id AND {then} AND {_DECIDED} LIMIT 1"
        return f"({self.within(word, _DEPOSITED)} OR ({decided}) IS NOT NULL)"

    def within(self, word: Word, column: str) -> str:
        """The condition that an instant is in the days of this word, in Paris."""
        assert word.days is not None  # noqa: S101 - asked of a date alone
        first, last = word.days
        return _between(column, first, last + timedelta(days=1), sqlite=self.sqlite)

    def _of_word(self, rank: int, table: str) -> str:
        """The condition that a key has this word."""
        word = self.query.words[rank]
        parts = [f"{table}.title_key LIKE :{name} ESCAPE '!'" for name in _parts(rank, word)]
        if not word.check:
            return f"({' OR '.join(parts)})"
        # Not the column itself: the index is asked for the parts alone, and what it gives is looked at
        check = f"({table}.title_key || '') {'REGEXP' if self.sqlite else '~'} :check{rank}_"
        return f"(({' OR '.join(parts)}) AND {check})"

    def meant(self, words: Sequence[Word], by_name: bool) -> str:
        """The condition on `f` of one of the readings: it has the words, or the others where it was handled in their days."""
        ways = self._having(words, self.dates() if self.query.of_keys else "")
        if self.query.days:
            ways = f"({ways} OR {self._having(texts_only(words), self.handled())})"
        return " AND ".join(one for one in (ways, self.acted() if by_name else "") if one)

    def _having(self, words: Sequence[Word], also: str) -> str:
        """The condition that it has these words, and another; empty for none of both."""
        found = f"({' OR '.join(self._found_by(words))})" if words else ""
        both = " AND ".join(one for one in (found, also) if one)
        return f"({both})" if both else ""

    def _found_by(self, words: Sequence[Word]) -> list[str]:
        found = [self.in_key(words)]
        condition, _ = standing(words, "w.title || w.documents || w.notes", self.prefix(words))
        if condition:
            # A value, and no EXISTS, as in `access.readable_by`: PostgreSQL would make a set of it first.
            found.append(
                f"(SELECT 1 FROM folder_words w WHERE w.folder_id = f.id AND {condition}) IS NOT NULL"
            )
        if noted := self.noted.get(tuple(words)):
            # Written in the statement: these are numbers that the base gave, never what somebody typed.
            found.append(f"f.id IN ({', '.join(map(str, noted))})")
        return found

    def in_key(self, words: Sequence[Word], table: str = "f") -> str:
        """The condition that the key of a folder has all of these words."""
        ranks = (self.query.words.index(one) for one in words)
        return " AND ".join(self._of_word(n, table) for n in ranks)

    def stands(self, part: str) -> str:
        """Whether one of the words is in a part of `f` and its `w`: title and facts, documents, or notes."""
        # A month, or a period, is asked of titles and facts alone
        parts = [
            standing([one], f"w.{part}", f"at{rank}_")[0]
            for rank, one in enumerate(self.query.words)
            if not one.is_date
        ]
        return f"({' OR '.join(one for one in (*parts, self.beside(part)) if one)})"

    def beside(self, part: str) -> str:
        """The same, of what `w` does not have: the key, and the notes for few."""
        noted = sorted({number for numbers in self.noted.values() for number in numbers})
        if part == "title" and self.query.words:
            return " OR ".join(self._of_word(n, "f") for n in range(len(self.query.words)))
        return f"f.id IN ({', '.join(map(str, noted))})" if part == "notes" and noted else "1 = 0"

    def prefix(self, words: Sequence[Word]) -> str:
        """What begins the names of the binds of these words."""
        return self.prefixes[tuple(words)]

    def acted(self) -> str:
        """The condition that the person who is named deposited `f`, or decided on it; that he did so, where one act is asked."""
        assert self.people is not None  # noqa: S101 - asked of a reading by name alone
        numbers, act = ", ".join(map(str, self.people.numbers)), self.people.act
        so = f"p.user_id IN ({numbers}) AND {_DECIDED_SO.get(act, _DECIDED)}"
        decided = f"(SELECT 1 FROM step_run p WHERE p.folder_id = f.id AND {so} LIMIT 1) IS NOT NULL"
        deposited = f"f.depositor_user_id IN ({numbers})"
        if act:
            return f"({deposited if act == DEPOSIT else decided})"
        return f"({deposited} OR {decided})"

    def page(self, table: str, number: str) -> str:
        """The conditions that an index of numbers answers: type, and where the page begins."""
        parts = [f"{table}.family = :family"] if self.family else []
        parts += [_OF_TYPE[table]] if self.own_type else []
        parts += [f"{number} {'>' if self.oldest else '<'} :last"] if self.last is not None else []
        return "".join(f" AND {one}" for one in parts)


def texts_only(words: Sequence[Word]) -> tuple[Word, ...]:
    """Those that are no day at all."""
    return tuple(one for one in words if not one.days)


def any_of(db: Db, actor: Actor, names: Collection[str]) -> frozenset[str]:
    """Those of these families and types of which the actor may read a folder, by one statement.

    Who may read none of one is not told that it is in use.
    """
    every, binds = sorted(names), dict[str, Any]()
    found: list[str] = []
    for rank, name in enumerate(every):
        asked = _asked(db, actor, family=name)
        scans = " UNION ALL ".join(_branches(asked, limit=1))
        if scans:
            # The names end in « _ »: `family_1` would else be found inside `family_10`, by the replacing as
            # by `_used`.
            scans = scans.replace(":family", f":family_{rank}_").replace(":own_type", f":own_type_{rank}_")
            found.append(f"SELECT * FROM (SELECT {rank} AS rank_of FROM ({scans}) w LIMIT 1) AS k{rank}")
        binds |= {f"family_{rank}_": asked.family, f"own_type_{rank}_": asked.own_type}
        binds |= {key: value for key, value in asked.binds.items() if key not in {"family", "own_type"}}
    if not found:
        return frozenset()
    return frozenset(every[number] for number in _run(db, " UNION ALL ".join(found), binds).scalars())


def offered(db: Db, actor: Actor) -> list[tuple[str, str, str]]:
    """The families and types that one may ask for, each with its words for one folder and for several.

    Of a closed reading, those of which one reads or deposits some.
    """
    known = catalogue()
    every = [
        *((one.name, one.label, one.plural, one) for one in known.values()),
        *(
            (
                type_name(one.row.family, one.row.key),
                one.definition.label,
                one.definition.label,
                in_force(one),
            )
            for one in currents(db, actor.collectivity_id)
            if one.row.family in known
        ),
    ]
    closed = {name for name, _, _, one in every if one.discreet and not depositing(actor, one)}
    closed -= any_of(db, actor, closed)
    return [(name, label, several) for name, label, several, _ in every if name not in closed]


def untold(db: Db, actor: Actor) -> frozenset[str]:
    """The own types of a closed reading whose name tells something to the actor: he neither reads nor deposits any of theirs.

    Who administers the collectivity knows all its types.
    """
    if actor.administrator:
        return frozenset()
    closed = {
        type_name(version.row.family, version.row.key)
        for version in currents(db, actor.collectivity_id)
        if version.row.family in catalogue()
        and (law := in_force(version)).discreet
        and not depositing(actor, law)
    }
    return frozenset(closed - any_of(db, actor, closed)) if closed else frozenset()


def openly(actor: Actor) -> frozenset[str]:
    """The families of `offered` that one may ask for whatever there is to read, which asks the base nothing."""
    return frozenset(
        family.name for family in catalogue().values() if not family.discreet or depositing(actor, family)
    )


def first_year(db: Db, actor: Actor) -> int:
    """The year of the first deposit of the collectivity, or this one."""
    # `id > 0`: what the partial index is declared with
    query = sa.select(sa.func.min(sa.func.coalesce(FOLDER.c.submitted_at, FOLDER.c.created_at)))
    first = db.scalar(query.where(FOLDER.c.collectivity_id == actor.collectivity_id, sa.text("f.id > 0")))
    return int((first or now()).astimezone(PARIS).year)


def orders_of(phase: str) -> list[str]:
    """The orders in which the folders of a state may stand, the usual one first: what is under way has a deadline to keep."""
    return [PRESSING, NEWEST, OLDEST] if phase == "running" else [NEWEST, OLDEST]


def order_of(phase: str, order: str) -> str:
    """The order that is asked for, or the usual one of the state where it has no such order."""
    every = orders_of(phase)
    return order if order in every else every[0]


def follow(
    db: Db,
    actor: Actor,
    *,
    words: str = "",
    family: str = "",
    phase: str = "",
    order: str = "",
    after: str | None = None,
) -> list[Found]:
    """The folders that the actor may read and that match, in this order; one more than a page when there is a next one.

    `family`: of this family, or of this type made from it (`type_name`). `order`: as `order_of`; `after`: the key of the last
    folder of the page before.
    """
    order = order_of(phase, order)
    query = understood(words)
    if order == PRESSING:
        return _pressing(db, _asked(db, actor, query=query, family=family, phase=phase), after)
    asked = _asked(db, actor, query=query, family=family, phase=phase, after=after)
    asked = replace(asked, oldest=order == OLDEST)
    sql = _newest(db, asked).statement()
    rows = _listed(db, sql, asked.binds) if sql else []
    # `_listed` gives every page newest first.
    if asked.oldest:
        rows.reverse()
    return [replace(row, key=str(row.id)) for row in rows]


def _pressing(db: Db, asked: _Asked, after: str | None) -> list[Found]:
    """A page of what is in hand, by the day that lists tell of it; its rights are asked in that order, until the page is full."""
    if not asked.reads():
        return []
    day, last = _key(after)
    binds = {**asked.binds, "today": today().isoformat(), "day": day, "last": last}
    few = _reads_few(db, asked)
    if few:
        which = f"({_in_order(asked, FEW + 1)}) w CROSS JOIN folder f WHERE f.id = w.id"
    else:
        # The condition of the index again: SQLite does not see that it follows
        which = f"folder f WHERE f.collectivity_id = :here AND f.phase <> 'done'{asked.of_folder()}{asked.page('f', 'f.id')}"
    days = f"SELECT f.id, COALESCE(f.due_on, '{NO_DATE}') AS due_on, {_STEP_DAY} AS step_day FROM {which}"
    keyed = f"SELECT d.id, {_DAY} AS day FROM ({days}) d"
    sql = (
        f"SELECT k.id, k.day FROM ({keyed}) k WHERE k.day > :day OR (k.day = :day AND k.id > :last) "
        "ORDER BY k.day, k.id"
    )
    # Elsewhere no limit: the right to read is asked after, and a list that was cut before would end too soon.
    if few:
        sql += f" LIMIT {PAGE + 1}"
    keys = {row.id: f"{row.day}.{row.id}" for row in _run(db, sql, binds)}
    numbers = list(keys) if few else _readable_among(db, asked, list(keys), PAGE + 1)
    rows = {row.id: row for row in found(db, numbers)}
    return [replace(rows[number], key=keys[number]) for number in numbers]


def _readable_among(db: Db, asked: _Asked, ids: Sequence[int], most: int) -> list[int]:
    """Those of these folders that the actor may read, in their order, `most` at most; no more are asked for than it takes."""
    # Portions double, so that whoever reads few of these folders costs few statements.
    readable, may, start, portion = list[int](), _readable(asked), 0, most + most // 4
    while start < len(ids) and len(readable) < most:
        part = ids[start : start + portion]
        sql = f"SELECT f.id FROM folder f WHERE f.id IN ({', '.join(map(str, part))}) AND {may}"
        may_be_read = set(_run(db, sql, asked.binds).scalars())
        readable += [number for number in part if number in may_be_read]
        start, portion = start + portion, 2 * portion
    return readable[:most]


def _key(after: str | None) -> tuple[str, int]:
    """The day and the number that a page key says; before all of them for what is none."""
    day, _, number = (after or "").partition(".")
    try:
        return date.fromisoformat(day).isoformat(), key_in(number) or 0
    except ValueError:
        return f"{date.min}", 0


def count(db: Db, actor: Actor, *, family: str = "", phase: str = "", most: int) -> int:
    """How many folders `follow` finds, page after page, `most` at most."""
    total, after = 0, None
    while total < most:
        asked = _asked(db, actor, family=family, phase=phase, after=after)
        numbers = _newest(db, asked, most).read(db, asked.binds)
        total += len(numbers)
        if len(numbers) <= PAGE:
            break
        after = str(numbers[-1])
    return min(total, most)


def numbers(
    db: Db,
    actor: Actor,
    family: str,
    more: str,
    values: Mapping[str, Any],
    *,
    most: int,
    before: int | None = None,
    rare: bool = False,
    typed: str = "",
) -> list[int] | None:
    """The newest folders of a family, `most` at most, that the actor may read and of which `more` is true, said of `f` as SQL.

    `rare`: few folders have it, and an index of theirs gives them: None for whoever reads many, who is to use that one.
    `typed`: what is searched of them, as it is for `matches`; the index of words is read first where few folders have them.
    """
    query = understood(typed) if typed else NOTHING
    asked = replace(_asked(db, actor, query=query, family=family, more=more), last=before)
    asked = replace(asked, binds={**asked.binds, **values, "last": before})
    few = _reads_few(db, asked) if rare or query else True
    if rare and not few:
        return None
    if query and not few and _indexable(asked) and not _common(db, replace(asked, more="")):
        priced = _priced(db, asked)
        ids = priced if priced is not None else _matches(db, asked)
        if ids is not None:
            return _readable_of(db, asked, ids, most, asked.of_folder() if ids is priced else _what(asked))
    return list(_run(db, _in_order(asked, most), asked.binds).scalars()) if asked.reads() else []


@dataclass(frozen=True)
class Match:
    """A folder that a search finds: what its facets count, and where at least one of the words is.

    `begun`: it was never sent, so that `deposited_at` is when its draft was begun.
    """

    id: int
    family: str
    type_version: int | None
    phase: str
    deposited_at: datetime
    begun: bool
    in_title: bool
    in_documents: bool
    in_notes: bool

    @property
    def in_force(self) -> str:
        """The name under which `family_of` gives what the folder asks."""
        return typed_name(self.family, self.type_version)


@dataclass(frozen=True)
class Matches:
    """What a search finds, newest first: all of it where `whole`, else a page at least and what comes after it is not read.

    `people`: whom some of the words name.
    """

    rows: Sequence[Match]
    whole: bool
    people: People | None = None


def matches(
    db: Db,
    actor: Actor,
    query: Query,
    *,
    only: "Only | None" = None,
    after: str | None = None,
    page: int = PAGE,
) -> Matches:
    """The folders that the actor may read and that a search finds; of those alone that the facets chosen allow (`only`).

    All of them as far as they are `MOST_COUNTED`; a page (`page`, `PAGE` at most) where there are more, and one beyond it.
    """
    asked = _searched(db, actor, query, only, after)
    numbers = _newest(db, asked, MOST_COUNTED + 1).read(db, asked.binds)
    if not numbers:
        return Matches((), whole=True, people=asked.people)
    # Whatever index gave them: a total that hung on everybody's folders would tell of those that one may not read
    whole = len(numbers) <= MOST_COUNTED
    shown = ", ".join(map(str, numbers if whole else numbers[: page + 1]))
    flags = ", ".join(f"{asked.stands(part)} AS in_{part}" for part in PARTS)
    statement = (
        f"SELECT f.id, f.family, f.type_version_id, f.phase, {_DEPOSITED} AS deposited_at, "
        f"f.submitted_at IS NULL AS begun, {flags} FROM folder f "
        f"LEFT JOIN folder_words w ON w.folder_id = f.id WHERE f.id IN ({shown}) ORDER BY f.id DESC"
    )
    typed = sa.text(statement).columns(
        deposited_at=UTCDateTime(), begun=sa.Boolean(), **{f"in_{part}": sa.Boolean() for part in PARTS}
    )
    rows = [Match(*row) for row in db.execute(typed, _used(statement, asked.binds))]
    return Matches(rows, whole, asked.people)


def match_numbers(
    db: Db, actor: Actor, query: Query, *, only: "Only | None" = None, after: str | None = None
) -> tuple[list[int], bool]:
    """The numbers of what `matches` finds, newest first, and whether they are all: `MOST_COUNTED`, and one beyond."""
    asked = _searched(db, actor, query, only, after)
    numbers = _newest(db, asked, MOST_COUNTED + 1).read(db, asked.binds)
    return numbers, len(numbers) <= MOST_COUNTED


def _searched(db: Db, actor: Actor, query: Query, only: "Only | None", after: str | None) -> _Asked:
    asked = _asked(db, actor, query=query, after=after)
    if only is None:
        return asked
    in_hand = bool(only.phases) and set(only.phases) <= set(IN_HAND)
    return replace(asked, more=only.condition(asked), in_hand=in_hand, binds={**asked.binds, **only.binds()})


def found(db: Db, numbers: Sequence[int]) -> list[Found]:
    """The folders of these numbers, which the reader was found to read, as lists tell them, newest first."""
    listed = ", ".join(map(str, numbers))
    return _listed(db, f"SELECT f.id FROM folder f WHERE f.id IN ({listed})", {}) if numbers else []


@dataclass(frozen=True)
class Only:
    """What the facets of a search keep: types (`type_name`), states, the parts where a word must be, and years of deposit."""

    types: Sequence[str] = ()
    phases: Sequence[str] = ()
    parts: Sequence[str] = ()
    years: Sequence[str] = ()

    def condition(self, asked: _Asked) -> str:
        """The condition on `f`; empty for all. A value that nothing can have finds nothing."""
        types = []
        for rank, name in enumerate(self.types):
            own = (
                f" AND {_OF_TYPE['f'].replace(':own_type', f':only_type{rank}_')}"
                if parted_type(name)[1]
                else ""
            )
            types.append(f"(f.family = :only_family{rank}_{own})")
        # They enter the statement as literals, so only words of ours do.
        phases = [f"f.phase = '{one}'" for one in self.phases if one in (*IN_HAND, "done")]
        parts = [
            f"((SELECT {asked.stands(one)} FROM folder_words w WHERE w.folder_id = f.id) IS TRUE OR ({asked.beside(one)}))"
            for one in self.parts
            if one in PARTS
        ]
        years = [_deposited_in(year, sqlite=asked.sqlite) for year in self.years]
        facets = ((self.types, types), (self.phases, phases), (self.parts, parts), (self.years, years))
        return " AND ".join(f"({' OR '.join(allowed) or '1 = 0'})" for ticked, allowed in facets if ticked)

    def binds(self) -> dict[str, str]:
        """The binds of the condition."""
        named = [parted_type(one) for one in self.types]
        return {
            **{f"only_family{rank}_": family for rank, (family, _) in enumerate(named)},
            **{f"only_type{rank}_": own for rank, (_, own) in enumerate(named)},
        }


def _deposited_in(year: str, *, sqlite: bool) -> str:
    """The condition on `f` that it was deposited in this year of Paris, its bounds written as the database stores instants."""
    number = whole(year, 9998)
    if not number or number < 2:  # year 1 of Paris begins before the calendar of UTC
        return "1 = 0"
    return _between(_DEPOSITED, date(number, 1, 1), date(number + 1, 1, 1), sqlite=sqlite)


def _between(column: str, first: date, after: date, *, sqlite: bool) -> str:
    """The condition that an instant is from this day of Paris on and before the other, as the database writes instants."""
    ends = [
        datetime(one.year, one.month, one.day, tzinfo=PARIS)
        .astimezone(UTC)
        .replace(tzinfo=None)
        .isoformat(" ")
        for one in (first, after)
    ]
    since, before = [f"'{one}'" if sqlite else f"'{one}+00'" for one in ends]
    return f"({column} >= {since} AND {column} < {before})"


def _listed(db: Db, sql: str, binds: Mapping[str, Any]) -> list[Found]:
    """The folders of these numbers (a statement), as lists tell them, newest first."""
    statement = (
        f"SELECT {_COLUMNS}, (SELECT s.kind {_AWAITED}) AS kind, (SELECT s.entered_at {_AWAITED}) AS since, "
        f"(SELECT s.due_on {_AWAITED}) AS step_due, {held('f.id')} AS held "
        f"FROM ({sql}) w CROSS JOIN folder f WHERE f.id = w.id ORDER BY f.id DESC"
    )
    typed = sa.text(statement).columns(due_on=sa.Date(), step_due=sa.Date(), since=UTCDateTime())
    return [
        Found(
            row.id,
            row.title,
            row.family,
            row.amount_cents,
            row.phase,
            row.place,
            row.due_on or NO_DATE,
            row.kind,
            row.since,
            row.circuit_version_id,
            row.number,
            row.type_version_id,
            row.step_due or NO_DATE,
            row.currency or "",
            bool(row.held),
        )
        for row in db.execute(typed, _used(statement, binds))
    ]


def _asked(
    db: Db,
    actor: Actor,
    *,
    query: Query | None = None,
    family: str = "",
    phase: str = "",
    more: str = "",
    after: str | None = None,
) -> _Asked:
    last, query = key_in(after), query or NOTHING
    binds: dict[str, Any] = {f"desk{n}": seat.desk_id for n, seat in enumerate(actor.seats)}
    binds |= {f"cover{n}": one.seat.desk_id for n, one in enumerate(actor.covers)}
    family, own_type = parted_type(family)
    binds |= {"me": actor.user_id or 0, "here": actor.collectivity_id, "last": last}
    binds |= {"family": family, "own_type": own_type}
    for n, one in enumerate(query.words):
        binds |= {**_parts(n, one), f"check{n}_": one.check}
        binds |= standing([one], "", f"at{n}_")[1]
    people = people_asked(db, actor.collectivity_id, query)
    noted, prefixes = {}, dict[tuple[Word, ...], str]()
    for every in (query.words, people.rest if people is not None else ()):
        for words in (every, texts_only(every)):
            if words and words not in prefixes:
                prefixes[words] = f"form{len(prefixes)}_"
                binds |= standing(words, "", prefixes[words])[1]
                noted[words] = _noted(db, actor, words)
    return _Asked(
        actor,
        db.get_bind().dialect.name == "sqlite",
        query,
        people,
        noted,
        prefixes,
        family,
        own_type,
        # It enters the statement as a literal (`of_folder`): what is no state asks for none.
        phase if phase in (*IN_HAND, "done") else "",
        more,
        phase in IN_HAND,
        last,
        binds,
    )


def _parts(rank: int, word: Word) -> dict[str, str]:
    """The parts of a key of which it must have one, by the names of their binds."""
    if not word.dated:
        return {f"word{rank}": word.pattern} | ({f"word{rank}_": word.spaced} if word.spaced else {})
    return {f"dated{rank}_{n}_": part for n, part in enumerate(word.dated)}


FINAL = "(n.final_at IS NULL OR n.final_at <= :moment OR n.user_id = :me)"
"""Of a note `n`: its author takes it back no more, as nobody has read it, or it is the reader's own."""


def _noted(db: Db, actor: Actor, words: tuple[Word, ...]) -> list[int]:
    """The folders of which notes for few, that the actor reads, have some of these words, and their own words the others."""
    mine = [f"n.reach = 'alone' AND n.user_id = {actor.user_id}"] if actor.user_id is not None else []
    if actor.desk_ids:
        mine.append(f"n.reach = 'desk' AND n.desk_id IN ({', '.join(map(str, sorted(actor.desk_ids)))})")
    # Of the desks where somebody is stood in for, those of what waits there now; who may act on it is asked of each
    covered = sorted({one.seat.desk_id for one in actor.covers} - actor.desk_ids)
    if covered:
        waits = "s.folder_id = n.folder_id AND s.desk_id = n.desk_id AND s.state = 'active'"
        mine.append(
            f"n.reach = 'desk' AND n.desk_id IN ({', '.join(map(str, covered))}) "
            f"AND (SELECT 1 FROM step_run s WHERE {waits} LIMIT 1) IS NOT NULL"
        )
    any_word = [condition for one in words if (condition := standing([one], "n.stems")[0])]
    if not mine or not any_word:
        return []
    binds: dict[str, Any] = {"here": actor.collectivity_id, "me": actor.user_id or 0, "moment": now()}
    conditions = []
    for rank, one in enumerate(words):
        condition, more = standing([one], "n.stems", f"note{rank}_")
        binds |= more
        conditions += [f"({condition})"] if condition else []
    columns = "n.folder_id, n.desk_id, n.stems, w.title || w.documents || w.notes AS beside"
    scans = " UNION ALL ".join(
        f"SELECT * FROM (SELECT n.id, {columns} FROM folder_note n LEFT JOIN folder_words w ON w.folder_id = n.folder_id "
        f"WHERE {one} AND n.collectivity_id = :here AND ({' OR '.join(conditions)}) AND {FINAL} "
        f"ORDER BY n.id DESC LIMIT {MOST_NOTES}) AS m{rank}"
        for rank, one in enumerate(mine)
    )
    rows = _run(db, scans, binds).all()
    theirs = lent(db, actor, {row.folder_id for row in rows if row.desk_id in covered})
    texts: dict[int, str] = {}
    for row in rows:
        if row.desk_id in covered and row.desk_id not in theirs.get(row.folder_id, ()):
            continue
        texts[row.folder_id] = texts.get(row.folder_id, row.beside or " ") + row.stems
    every = [token for one in words for token in one.tokens]
    return sorted(
        number
        for number, text in texts.items()
        if all(any(f" {form} " in text for form in token) for token in every)
    )


@dataclass(frozen=True)
class _Newest:
    """The newest folders that are found: the statement of their numbers, or these."""

    sql: str = ""
    numbers: Sequence[int] = ()

    def statement(self) -> str:
        """The statement of the numbers, where there are any."""
        if self.sql or not self.numbers:
            return self.sql
        return f"SELECT f.id FROM folder f WHERE f.id IN ({', '.join(map(str, self.numbers))})"

    def read(self, db: Db, binds: Mapping[str, Any]) -> list[int]:
        """The numbers, newest first."""
        return list(_run(db, self.sql, binds).scalars()) if self.sql else list(self.numbers)


def _newest(db: Db, asked: _Asked, most: int = PAGE + 1) -> _Newest:
    """The numbers of the newest, `most` of them."""
    if not asked.reads():
        return _Newest()
    if not (asked.query or asked.in_hand) or _reads_few(db, asked):
        return _Newest(_in_order(asked, most))
    if asked.in_hand:
        # The condition of the index again: SQLite does not see that it follows
        driver = f"folder f WHERE f.collectivity_id = :here AND f.phase <> 'done'{asked.of_folder()}{asked.page('f', 'f.id')}"
        return _Newest(
            f"SELECT f.id FROM {driver} AND {_readable(asked)} ORDER BY f.id {asked.way} LIMIT {most}"
        )
    numbers = None
    if _indexable(asked) and not _common(db, asked):
        numbers = _newest_priced(db, asked, most)
        if numbers is None and (ids := _matches(db, asked)) is not None:
            numbers = _readable_of(db, asked, ids, most, _what(asked))
    return _Newest(_in_order(asked, most)) if numbers is None else _Newest(numbers=numbers)


def _newest_priced(db: Db, asked: _Asked, most: int) -> list[int] | None:
    """The newest of those that have the amount; None where few of many have the words, which are then asked first."""
    priced = _priced(db, asked)
    if priced is None or (len(priced) > MATCHES and asked.people is not None):
        return None
    # Most of what has an amount has a common word too: the last ones are looked at before the index of words is
    looked = priced if len(priced) <= MATCHES else priced[: 2 * most]
    numbers = _readable_of(db, asked, looked, most, asked.of_folder())
    return numbers if len(looked) == len(priced) or len(numbers) == most else None


def _priced(db: Db, asked: _Asked) -> list[int] | None:
    """The folders of the collectivity that have the amount, newest first; None for more than `PRICED`, or where none is asked.

    Those of another currency too: whoever looks at one of them asks the rest of `of_folder`.
    """
    if not asked.query.amounts:
        return None
    also = asked.page("f", "f.id") + (f" AND f.phase = '{asked.phase}'" if asked.phase else "")
    scan = _of_all(f" AND {asked.bounds()}{also}{f' AND {asked.more}' if asked.more else ''}")
    ids = _run(db, f"{scan} LIMIT {PRICED + 1}", asked.binds).scalars().all()
    return sorted(ids, reverse=True) if len(ids) <= PRICED else None


def _readable_of(db: Db, asked: _Asked, ids: Sequence[int], most: int, what: str = "") -> list[int]:
    """Those of these folders that the actor may read, newest first, `most` at most; no more are asked for than it takes.

    `what`: another condition on `f`, with its AND.
    """
    newest, readable = sorted(ids, reverse=True), list[int]()
    may = _readable(asked) if ids else ""
    portion = most + most // 4  # a draft of another desk among them is read by few
    for start in range(0, len(newest), portion):
        listed = ", ".join(map(str, newest[start : start + portion]))
        sql = f"SELECT f.id FROM folder f WHERE f.id IN ({listed}){what} AND {may} ORDER BY f.id DESC LIMIT {most}"
        readable += _run(db, sql, asked.binds).scalars()
        if len(readable) >= most:
            break
    return readable[:most]


def _in_order(asked: _Asked, most: int) -> str:
    """The statement of the newest folders of what the reader's desks and he have reached, read until there are so many."""
    scans = _branches(asked, limit=most)
    return f"SELECT id FROM ({' UNION '.join(scans)}) u ORDER BY id {asked.way} LIMIT {most}"


def _indexable(asked: _Asked) -> bool:
    """Whether indexes answer each of the readings."""
    if not asked.query.words:
        return True  # the amount alone
    return all(not words or indexable([one.pattern for one in words]) for words, _ in asked.readings)


def _readable(asked: _Asked) -> str:
    """`access.readable_by` on `f`, where each folder is asked by its number."""
    # As in `here`: SQLite would begin with the index of the collectivity, though the numbers are given.
    text = reading_as_text(asked.actor).readable
    return f"({text.replace('f.collectivity_id', '+f.collectivity_id') if asked.sqlite else text})"


def _branches(asked: _Asked, *, limit: int) -> list[str]:
    """One ordered scan of an index for each desk and person by which one reads, stopped at `limit`; all conditions in it."""
    actor, reading, branches = asked.actor, reading_as_text(asked.actor), []
    for n, (deposited, reached) in enumerate(zip(reading.deposited, reading.reached, strict=True)):
        may = _and(deposited)
        where = f"f.emitter_desk_id = :desk{n} AND {asked.here('f')}{may}{asked.page('f', 'f.id')}{asked.of_folder()}"
        branches.append(f"SELECT f.id FROM folder f WHERE {where} ORDER BY f.id {asked.way} LIMIT {limit}")
        branches.append(_reached(asked, f"s.desk_id = :desk{n}", reached, limit))
    for n, covered in enumerate(reading.covered):
        branches.append(_reached(asked, f"s.desk_id = :cover{n}", covered, limit))
    if actor.user_id is not None:
        # Without the `+` of `here`: the partial index of what everybody reads begins with the collectivity.
        everybody = f"f.collectivity_id = :here AND {reading.opened} AND f.round > 0"
        where = f"{everybody}{asked.page('f', 'f.id')}{asked.of_folder()}"
        branches.append(f"SELECT f.id FROM folder f WHERE {where} ORDER BY f.id {asked.way} LIMIT {limit}")
        # IS NOT NULL says nothing more than the equality, but it is what the partial indexes are declared with
        for column, condition in (("named_user_id", reading.named), ("user_id", "")):
            who = f"s.{column} = :me AND s.{column} IS NOT NULL"
            branches.append(_reached(asked, who, condition, limit))
    # The outer SELECT is for SQLite, where a part of a UNION may be neither ordered nor cut by itself
    return [f"SELECT * FROM ({one}) AS b{n}" for n, one in enumerate(branches)]


def _reached(asked: _Asked, who: str, may: str, limit: int) -> str:
    # A value for each step found, and no join: PostgreSQL may read all folders to look for the few of a desk
    folder = f"(SELECT f.round > 0 AND f.collectivity_id = :here{asked.of_folder()} FROM folder f WHERE f.id = s.folder_id)"
    where = f"{who}{asked.page('s', 's.folder_id')}{_and(may)} AND {folder}"
    return f"SELECT DISTINCT s.folder_id AS id FROM step_run s WHERE {where} ORDER BY s.folder_id {asked.way} LIMIT {limit}"


def _reads_few(db: Db, asked: _Asked) -> bool:
    """Whether all that has reached the reader may be looked at."""
    who = [f"folder t WHERE t.emitter_desk_id = :desk{n}" for n, _ in enumerate(asked.actor.seats)]
    who += [f"step_run t WHERE t.desk_id = :desk{n}" for n, _ in enumerate(asked.actor.seats)]
    who += [f"step_run t WHERE t.desk_id = :cover{n}" for n, _ in enumerate(asked.actor.covers)]
    if asked.actor.user_id is not None:
        who += ["folder t WHERE t.collectivity_id = :here AND t.read_by_all"]
        who += [
            f"step_run t WHERE t.{one} = :me AND t.{one} IS NOT NULL" for one in ("named_user_id", "user_id")
        ]
    # Each count stops just beyond FEW: the question costs the same whatever the past.
    counts = [
        f"(SELECT COUNT(*) FROM (SELECT 1 FROM {one} LIMIT {FEW + 1}) AS c{n})" for n, one in enumerate(who)
    ]
    return int(_run(db, f"SELECT {' + '.join(counts)}", asked.binds).scalar_one()) <= FEW


def _common(db: Db, asked: _Asked) -> bool:
    """Whether reading one's own in order soon fills a page: the last folders of the collectivity have what is asked.

    So many that they fill it; or many, and many of those deposited halfway too: what some of the last ones alone have would
    be looked for through all the others.
    """
    columns = "f.id, f.title_key, f.amount_cents, f.fields, f.depositor_user_id, f.phase, f.family, "
    columns += "f.type_version_id, f.submitted_at, f.created_at"
    # The conditions are written of `f`, the table; here they are asked of the sample, which is `l`.
    what = re.sub(r"\bf\.", "l.", asked.of_folder())
    ends = (
        f"(SELECT e.id FROM folder e WHERE e.collectivity_id = :here ORDER BY e.id {way} LIMIT 1)"
        for way in ("ASC", "DESC")
    )
    page = " AND f.id < :last" if asked.last is not None else ""
    for among, enough in ((page, max(PAGE + 1, COMMON)), (f" AND f.id <= ({' + '.join(ends)}) / 2", COMMON)):
        last = f"SELECT {columns} FROM folder f WHERE f.collectivity_id = :here{among} ORDER BY f.id DESC LIMIT {SAMPLE}"
        sql = f"SELECT COUNT(*) FROM (SELECT 1 FROM ({last}) AS l WHERE 1 = 1{what} LIMIT {enough}) AS c"
        count = int(_run(db, sql, asked.binds).scalar_one())
        if count >= enough:
            return True
        if count < COMMON:
            return False
    return False


def _what(asked: _Asked) -> str:
    """What is still to be asked of each folder that `_matches` gives."""
    return asked.of_folder() + asked.page("f", "f.id") if asked.query.days else ""


def _matches(db: Db, asked: _Asked) -> list[int] | None:
    """The folders of the collectivity that match, or None where they are more than may be looked at.

    Of a day that is asked, what was handled then is among them whatever else is asked: what is read of them asks it (`_what`).
    """
    dialect = "sqlite" if asked.sqlite else "postgresql"
    plain = texts_only(asked.query.words)
    handled = _handled(db, asked, MATCHES if plain else PRICED)
    if handled is None and not plain:
        return None
    page, scans = asked.page("f", "f.id"), []
    page += f" AND f.phase = '{asked.phase}'" if asked.phase else ""
    page += f" AND {asked.more}" if asked.more else ""
    amounts = f" AND {asked.amounts()}" if asked.query.amounts else ""
    if asked.query.of_keys:
        # Where too much was handled in these days, the other words are looked for, and the days asked of what has them
        amounts += f" AND ({asked.dates()}{'' if handled is not None else f' OR {asked.handled()}'})"
    binds = dict(asked.binds)
    # The words of everybody are in one index of SQLite: whose folder each is stands in this one, and no row is read for it
    ours = f"folder f{' INDEXED BY ix_folder_collectivity_id_id' if asked.sqlite else ''}"
    # The indexes of words of PostgreSQL have the collectivity too, and compare it with a number as wide as itself alone
    here = "collectivity_id = :here" if asked.sqlite else "collectivity_id = CAST(:here AS integer)"
    for rank, (every, by_name) in enumerate(asked.readings):
        words = every if handled is not None else texts_only(every)
        also = f"{amounts}{page} AND {asked.acted()}" if by_name else f"{amounts}{page}"
        if not words:
            scans += _of_people(asked, f"{amounts}{page}") if by_name else [_of_all(f"{amounts}{page}")]
            continue
        beside, condition = "", asked.in_key(words)
        if asked.sqlite:
            beside = f"{INDEXED} CROSS JOIN"
            condition = f"{INDEXED} MATCH :signs{rank} AND f.id = {INDEXED}.rowid AND {condition}"
            binds[f"signs{rank}"] = signs_of(words)
        scans.append(f"SELECT f.id FROM {beside} {ours} WHERE {condition} AND f.{here}{also}")
        full = worded(words, dialect)
        if full is not None:
            table, found, more = full
            binds[f"stems{rank}"] = more["stems"]
            found = found.replace(":stems", f":stems{rank}")
            if asked.sqlite or also:
                mine = "f" if asked.sqlite else "f.id = w.folder_id AND w"
                scans.append(
                    f"SELECT f.id FROM {table} CROSS JOIN {ours} WHERE {found} AND {mine}.{here}{also}"
                )
            else:
                scans.append(f"SELECT w.folder_id AS id FROM {table} WHERE {found} AND w.{here}")
        if noted := asked.noted.get(tuple(words)):
            scans.append(
                f"SELECT f.id FROM folder f WHERE f.id IN ({', '.join(map(str, noted))}) AND {asked.here('f')}{also}"
            )
    sql = " UNION ALL ".join(
        f"SELECT * FROM (SELECT {rank} AS part, x.id FROM ({one} LIMIT {MATCHES + 1}) AS x) AS m{rank}"
        for rank, one in enumerate(scans)
    )
    rows = _run(db, sql, binds).all()
    # Of a part that was cut nobody knows what is missing: what it gave may not pass for all.
    if any(count > MATCHES for count in Counter(row.part for row in rows).values()):
        return None
    return sorted({row.id for row in rows} | set(handled or ()))


def _handled(db: Db, asked: _Asked, most: int) -> list[int] | None:
    """The folders that were deposited, or decided on, in the days that are asked; None where they are more than `most`."""
    numbers: set[int] = set()
    for one in asked.query.days:
        # `id > 0` and IS NOT NULL: what the partial indexes are declared with
        deposited = (
            f"folder f WHERE f.id > 0 AND f.collectivity_id = :here AND {asked.within(one, _DEPOSITED)}"
        )
        decided = "step_run s WHERE s.id > 0 AND s.user_id IS NOT NULL AND s.collectivity_id = :here"
        decided += f" AND {asked.within(one, 's.ended_at')}"
        for column, where in (("f.id", deposited), ("s.folder_id", decided)):
            found = _run(db, f"SELECT {column} FROM {where} LIMIT {most + 1}", asked.binds).scalars().all()
            numbers |= set(found)
            if len(found) > most or len(numbers) > most:
                return None
    return sorted(numbers)


def _of_all(where: str) -> str:
    return f"SELECT f.id FROM folder f WHERE f.collectivity_id = :here{where}"


def _of_people(asked: _Asked, where: str) -> list[str]:
    """What the people who are named decided on, and what they deposited, each by its index; one of them where an act is asked."""
    numbers = ", ".join(map(str, asked.people.numbers)) if asked.people is not None else "NULL"
    act = asked.people.act if asked.people is not None else ""
    # IS NOT NULL: what the partial index is declared with.
    decided = f"step_run p CROSS JOIN folder f WHERE p.user_id IN ({numbers}) AND p.user_id IS NOT NULL"
    decided += f" AND {_DECIDED_SO.get(act, _DECIDED)} AND f.id = p.folder_id"
    every = {
        DECISION: f"SELECT DISTINCT f.id FROM {decided} AND {asked.here('f')}{where}",
        DEPOSIT: f"SELECT f.id FROM folder f WHERE f.depositor_user_id IN ({numbers}) AND {asked.here('f')}{where}",
    }
    return [one for name, one in every.items() if not act or (name == DEPOSIT) is (act == DEPOSIT)]


def _run(db: Db, sql: str, binds: Mapping[str, Any]) -> Any:
    text = sa.text(sql)
    if ":moment" in sql:
        text = text.bindparams(sa.bindparam("moment", type_=UTCDateTime()))
    return db.execute(text, _used(sql, binds))


def _used(sql: str, binds: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in binds.items() if f":{name}" in sql}


def _and(condition: str) -> str:
    """A condition of `reading_as_text` after those that an index answers; empty for who may all."""
    return f" AND ({condition})" if condition else ""
