"""« Suivi »: any folder that one may read, found by type, state and words, at a cost that does not follow the past.

Who reads few folders has them all looked at. Who reads many has his newest read in order until a page is full, or, where
what is asked is rare, the few that an index gives: the folders in hand, or those that have the words. No condition comes
after a limit, and the right to read is that of `app/folders/access.py`, asked of each.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from app.core.db import NO_DATE, Db, UTCDateTime, key_in
from app.folders.access import (
    FOLDER,
    STEP,
    as_text,
    depositing_at,
    named_reading,
    readable_as_text,
    reading_at,
    reading_under,
)
from app.folders.models import ASKED
from app.folders.search import indexable, matching, patterns
from app.people.actor import Actor
from workflows.family import typed_name
from workflows.rights import parted_type

PAGE = 50
MOST_WORDS = 6
FEW = 1_000
"""Whoever has been reached this many times at most has all that reached him looked at."""
MATCHES = 1_000
"""So many folders that an index of words gives are looked at, at most; where there are more, one's own are read in order."""
SAMPLE, COMMON = 300, 15
"""Words that this many have, of the last folders of the collectivity, are found soonest by reading one's own in order."""
IN_HAND = ("draft", "running", "rejected")
_COLUMNS = (
    "f.id, f.title, f.number, f.family, f.type_version_id, f.amount_cents, f.phase, f.place, f.due_on, "
    "f.circuit_version_id"
)
_AWAITED = (
    f"FROM step_run s WHERE s.folder_id = f.id AND s.state = 'active' AND s.slot NOT LIKE '{ASKED}%' "
    "ORDER BY s.id LIMIT 1"
)


_OF_TYPE = {
    "s": "s.own_type = :own_type",
    "f": (
        "f.type_version_id IN (SELECT v.id FROM folder_type t JOIN folder_type_version v ON v.type_id = t.id "
        "WHERE t.collectivity_id = :here AND t.key = :own_type)"
    ),
}


@dataclass(frozen=True)
class Found:
    """A folder in the follow-up list, with the step where it waits and since when; whom for: `seats.parts_awaited`."""

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

    @property
    def in_force(self) -> str:
        """The name under which `family_of` gives what the folder asks (`Folder.in_force`)."""
        return typed_name(self.family, self.type_version)


@dataclass(frozen=True)
class _Asked:
    """What is asked, and whose folders: the conditions, as text, with their binds."""

    actor: Actor
    sqlite: bool
    patterns: Sequence[str] = ()
    family: str = ""
    own_type: str = ""
    phase: str = ""
    last: int | None = None
    binds: Mapping[str, Any] = field(default_factory=dict)

    def here(self, table: str) -> str:
        """Of the reader's collectivity; `+` keeps SQLite from reading all that it has by this column."""
        return f"{'+' if self.sqlite else ''}{table}.collectivity_id = :here"

    def of_folder(self) -> str:
        """The conditions on `f` that no list of numbers answers: state and words."""
        parts = [f"f.phase = '{self.phase}'"] if self.phase else []
        parts += [f"f.title_key LIKE :word{n} ESCAPE '!'" for n in range(len(self.patterns))]
        return "".join(f" AND {one}" for one in parts)

    def page(self, table: str, number: str) -> str:
        """The conditions that an index of numbers answers: type, and where the page begins."""
        parts = [f"{table}.family = :family"] if self.family else []
        parts += [_OF_TYPE[table]] if self.own_type else []
        parts += [f"{number} < :last"] if self.last is not None else []
        return "".join(f" AND {one}" for one in parts)


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
            scans = scans.replace(":family", f":family_{rank}_").replace(":own_type", f":own_type_{rank}_")
            found.append(f"SELECT * FROM (SELECT {rank} AS rank_of FROM ({scans}) w LIMIT 1) AS k{rank}")
        binds |= {f"family_{rank}_": asked.family, f"own_type_{rank}_": asked.own_type}
        binds |= {key: value for key, value in asked.binds.items() if key not in {"family", "own_type"}}
    if not found:
        return frozenset()
    return frozenset(every[number] for number in _run(db, " UNION ALL ".join(found), binds).scalars())


def follow(
    db: Db, actor: Actor, *, words: str = "", family: str = "", phase: str = "", after: str | None = None
) -> list[Found]:
    """The folders that the actor may read and that match, newest first; one more than a page when there is a next one.

    `family`: of this family, or of this type made from it (`type_name`).
    """
    asked = _asked(db, actor, words=words, family=family, phase=phase, after=after)
    sql, binds = _numbers(db, asked)
    if not sql:
        return []
    statement = (
        f"SELECT {_COLUMNS}, (SELECT s.kind {_AWAITED}) AS kind, (SELECT s.entered_at {_AWAITED}) AS since "
        f"FROM ({sql}) w CROSS JOIN folder f WHERE f.id = w.id ORDER BY f.id DESC"
    )
    typed = sa.text(statement).columns(due_on=sa.Date(), since=UTCDateTime())
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
        )
        for row in db.execute(typed, _used(statement, binds))
    ]


def _asked(
    db: Db, actor: Actor, *, words: str = "", family: str = "", phase: str = "", after: str | None = None
) -> _Asked:
    last, found = key_in(after), patterns(words, MOST_WORDS)
    binds: dict[str, Any] = {f"desk{n}": seat.desk_id for n, seat in enumerate(actor.seats)}
    binds |= {f"cover{n}": one.seat.desk_id for n, one in enumerate(actor.covers)}
    family, own_type = parted_type(family)
    binds |= {"me": actor.user_id or 0, "here": actor.collectivity_id, "last": last}
    binds |= {"family": family, "own_type": own_type}
    binds |= {f"word{n}": one for n, one in enumerate(found)}
    sqlite = db.get_bind().dialect.name == "sqlite"
    return _Asked(
        actor, sqlite, found, family, own_type, phase if phase in (*IN_HAND, "done") else "", last, binds
    )


def _numbers(db: Db, asked: _Asked) -> tuple[str, Mapping[str, Any]]:
    """The statement of the numbers of one page, newest first, and its binds; empty where nothing can be found."""
    scans = _branches(asked, limit=PAGE + 1)
    if not scans:
        return "", {}
    in_order = f"SELECT id FROM ({' UNION '.join(scans)}) u ORDER BY id DESC LIMIT {PAGE + 1}"
    if not (asked.patterns or asked.phase in IN_HAND) or _reads_few(db, asked):
        return in_order, asked.binds
    if asked.phase in IN_HAND:
        # The condition of the index again: SQLite does not see that it follows
        driver = f"folder f WHERE f.collectivity_id = :here AND f.phase <> 'done'{asked.of_folder()}{asked.page('f', 'f.id')}"
        return (
            f"SELECT f.id FROM {driver} AND {_readable(asked)} ORDER BY f.id DESC LIMIT {PAGE + 1}",
            asked.binds,
        )
    ids = None if not indexable(asked.patterns) or _common(db, asked) else _matches(db, asked)
    if ids is None:
        return in_order, asked.binds
    if not ids:
        return "", {}
    listed = ", ".join(map(str, ids))
    return (
        f"SELECT f.id FROM folder f WHERE f.id IN ({listed}) AND {_readable(asked)} ORDER BY f.id DESC LIMIT {PAGE + 1}",
        asked.binds,
    )


def _readable(asked: _Asked) -> str:
    """`access.readable_by` on `f`, where each folder is asked by its number."""
    text = readable_as_text(asked.actor)
    return f"({text.replace('f.collectivity_id', '+f.collectivity_id') if asked.sqlite else text})"


def _branches(asked: _Asked, *, limit: int) -> list[str]:
    """One ordered scan of an index for each desk and person by which one reads, stopped at `limit`; all conditions in it."""
    actor, branches = asked.actor, []
    for n, seat in enumerate(actor.seats):
        may = _and(depositing_at(seat), FOLDER)
        where = f"f.emitter_desk_id = :desk{n} AND {asked.here('f')}{may}{asked.page('f', 'f.id')}{asked.of_folder()}"
        branches.append(f"SELECT f.id FROM folder f WHERE {where} ORDER BY f.id DESC LIMIT {limit}")
        branches.append(_reached(asked, f"s.desk_id = :desk{n}", reading_at(actor, seat), limit))
    for n, cover in enumerate(actor.covers):
        branches.append(_reached(asked, f"s.desk_id = :cover{n}", reading_under(actor, cover), limit))
    if actor.user_id is not None:
        # IS NOT NULL says nothing more than the equality, but it is what the partial indexes are declared with
        for column, condition in (("named_user_id", named_reading(actor)), ("user_id", sa.true())):
            who = f"s.{column} = :me AND s.{column} IS NOT NULL"
            branches.append(_reached(asked, who, condition, limit))
    # The outer SELECT is for SQLite, where a part of a UNION may be neither ordered nor cut by itself
    return [f"SELECT * FROM ({one}) AS b{n}" for n, one in enumerate(branches)]


def _reached(asked: _Asked, who: str, may: sa.ColumnElement[bool], limit: int) -> str:
    # A value for each step found, and no join: PostgreSQL may read all folders to look for the few of a desk
    folder = f"(SELECT f.round > 0 AND f.collectivity_id = :here{asked.of_folder()} FROM folder f WHERE f.id = s.folder_id)"
    where = f"{who}{asked.page('s', 's.folder_id')}{_and(may)} AND {folder}"
    return f"SELECT DISTINCT s.folder_id AS id FROM step_run s WHERE {where} ORDER BY s.folder_id DESC LIMIT {limit}"


def _reads_few(db: Db, asked: _Asked) -> bool:
    """Whether all that has reached the reader may be looked at."""
    who = [f"folder t WHERE t.emitter_desk_id = :desk{n}" for n, _ in enumerate(asked.actor.seats)]
    who += [f"step_run t WHERE t.desk_id = :desk{n}" for n, _ in enumerate(asked.actor.seats)]
    who += [f"step_run t WHERE t.desk_id = :cover{n}" for n, _ in enumerate(asked.actor.covers)]
    if asked.actor.user_id is not None:
        who += [
            f"step_run t WHERE t.{one} = :me AND t.{one} IS NOT NULL" for one in ("named_user_id", "user_id")
        ]
    counts = [
        f"(SELECT COUNT(*) FROM (SELECT 1 FROM {one} LIMIT {FEW + 1}) AS c{n})" for n, one in enumerate(who)
    ]
    return int(_run(db, f"SELECT {' + '.join(counts)}", asked.binds).scalar_one()) <= FEW


def _common(db: Db, asked: _Asked) -> bool:
    """Whether many of the last folders of the collectivity have these words."""
    last = (
        f"SELECT f.title_key FROM folder f WHERE f.collectivity_id = :here ORDER BY f.id DESC LIMIT {SAMPLE}"
    )
    words = " AND ".join(f"l.title_key LIKE :word{n} ESCAPE '!'" for n in range(len(asked.patterns)))
    return (
        int(_run(db, f"SELECT COUNT(*) FROM ({last}) AS l WHERE {words}", asked.binds).scalar_one()) >= COMMON
    )


def _matches(db: Db, asked: _Asked) -> list[int] | None:
    """The folders of the collectivity that match, or None where they are more than may be looked at."""
    dialect = "sqlite" if asked.sqlite else "postgresql"
    beside, condition, binds = matching(asked.patterns, dialect)
    phase = f" AND f.phase = '{asked.phase}'" if asked.phase else ""
    where = f"{condition} AND {asked.here('f')}{phase}{asked.page('f', 'f.id')}"
    sql = f"SELECT f.id FROM {beside} folder f WHERE {where} LIMIT {MATCHES + 1}"
    found = list(_run(db, sql, {**asked.binds, **binds}).scalars())
    return found if len(found) <= MATCHES else None


def _run(db: Db, sql: str, binds: Mapping[str, Any]) -> Any:
    return db.execute(sa.text(sql), _used(sql, binds))


def _used(sql: str, binds: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in binds.items() if f":{name}" in sql}


def _and(condition: sa.ColumnElement[bool], table: Any = STEP) -> str:
    """A condition of `app.folders.access` after those that an index answers; empty for who may all."""
    return "" if isinstance(condition, sa.True_) else f" AND ({as_text(condition, table)})"
