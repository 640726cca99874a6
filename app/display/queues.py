"""The read side: trays and counters; one statement for each (the follow-up list is in `following.py`).

Trays and counters cost the same whatever the past: each desk is one ordered index scan that stops at a page, or at a
thousand for a counter, and only what was found is looked up. States are literals in the SQL so that both databases use
the partial indexes; pages go on from a key, never an offset.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from app.circuits.models import FolderType, FolderTypeVersion
from app.core.clock import now, today
from app.core.db import NO_DATE, Db, UTCDateTime, key_in
from app.core.questions import Asked, Rows, read_beside
from app.display.listed import Mark, Shown, in_words, named_by_file, shown_by
from app.display.listed import marks as marked
from app.folders.access import (
    FOLDER,
    STEP,
    as_text,
    asking,
    asking_at,
    asking_in_person,
    asking_under,
    depositing_at,
    reading_at,
    scopes,
    unacted,
)
from app.folders.facts import due_of
from app.folders.models import ARRIVED, ASKED, HANDED, STEPS_PER_ROUND, Folder, StepRun
from app.folders.opinions import at_hand, held
from app.people.actor import Actor, Seat
from app.people.covers import in_absence
from workflows.circuit import Phase, StepKind
from workflows.family import place_of, restricted_families, typed_name
from workflows.mandates import Bound
from workflows.rights import parted_type, type_name
from workflows.vocabulary import Right

PAGE = 50
CAP = 1000
BEFORE: Any = sa.inspect(StepRun).local_table.alias("b")
LATELY = 300
"""So many of the last folders of a desk say what it deposits most."""
DRAFTS = 100
"""So many drafts of one person are counted behind the one that she fills in."""
TRAYS = ("todo", "late", "returned", "running", "done")
_PHASES = {"drafts": "draft", "returned": "rejected", "running": "running", "done": "done"}
_COLUMNS = "f.id, f.version, f.family, f.type_version_id, f.title, f.number, f.amount_cents, f.phase, f.place, f.depositor_name, f.updated_at, f.due_on AS folder_due, f.fields ->> 'currency' AS currency"
_LAST_VERSION = (
    "SELECT MAX(v.id) FROM folder_type t JOIN folder_type_version v ON v.type_id = t.id "
    "WHERE t.collectivity_id = :here AND t.key = w.own_type"
)
"""The last version of the type that a row of the counters is of; its name is read once by a process."""
# By the steps of the folder alone: as a plain word, the state would let PostgreSQL read all that waits, down the index of desks
_STEP_DUE = f"(SELECT MIN(s.due_on) FROM step_run s WHERE s.folder_id = f.id AND s.state || '' = 'active' AND s.slot NOT LIKE '{ASKED}%')"
"""The day of the step where a folder waits: of one that several desks share, the first of their days."""
_ASKED_BY = "(SELECT q.asked_by FROM asked_opinion q WHERE q.run_id = w.sid)"
"""Who asked the opinion that a row of the list is."""
_TYPES = {
    "entered_at": UTCDateTime(),
    "due_on": sa.Date(),
    "folder_due": sa.Date(),
    "updated_at": UTCDateTime(),
    "seen_at": UTCDateTime(),
}


# The version is a value asked of each that he hides, and no join: PostgreSQL may read all folders to join the few
_HIDDEN = (
    "s.folder_id {not_} IN (SELECT h.folder_id FROM reading h WHERE h.user_id = :me AND h.hidden_until IS NOT NULL "
    "AND h.hidden_until > :moment AND h.hidden_version = (SELECT k.version FROM folder k WHERE k.id = h.folder_id))"
)
"""The folders that the reader hides, whole in one question: there are few, and `marks.hidden_until` says the same of one."""
UNREAD, HIDDEN, HELD = "unread", "hidden", "held"
_KEPT = {
    "": _HIDDEN.format(not_="NOT"),
    UNREAD: (
        f"{_HIDDEN.format(not_='NOT')} AND (SELECT 1 FROM reading u WHERE u.folder_id = s.folder_id AND u.user_id = :me "
        "AND u.seen_at >= s.entered_at) IS NULL"
    ),
    HIDDEN: _HIDDEN.format(not_=""),
    HELD: _HIDDEN.format(not_="NOT"),
}
"""What a list keeps of what awaits the reader: all that he does not hide, of these what he has not read, what he hides.

What waits for an opinion before it is his to decide is in a list of its own (`HELD`), or hidden, and in no other.
"""


def _kept(part: str, only: str) -> str:
    """The condition that a part of a step is for such a list, whatever its reader hides; empty for what he hides."""
    if only == HIDDEN:
        return ""
    if only == HELD:
        return f" AND {part}.slot NOT LIKE '{ASKED}%' AND {held(f'{part}.folder_id')} IS NOT NULL"
    return f" AND {at_hand(part)}"


@dataclass(frozen=True)
class Line:
    """One folder in a list; `key` is where the next page goes on from; `marks` and `listed` come with `told`.

    `due_on`: the day by which the list is in order, which is that of the step where the folder is awaited; `folder_due` is
    the folder's own, the one that its page and the API call its deadline. `absent`: in whose absence it awaits the
    reader, empty where it awaits himself. `asked`: it awaits an opinion that was asked of a desk of the reader's beside its step,
    by whom (`asked_by`); `held`: its step waits for an opinion that was asked, of whichever desk.
    `arrived_at`: when a draft came by itself, and from where (`origin`: a mailbox and its sender, a scanner and its file).
    """

    id: int
    version: int
    family: str
    title: str
    number: str
    amount_cents: int | None
    phase: str
    place: str
    depositor_name: str
    due_on: date
    entered_at: datetime | None
    kind: str | None
    step: str | None
    read: bool
    key: str
    folder_due: date = NO_DATE
    marks: tuple[Mark, ...] = ()
    type_version: int | None = None
    listed: tuple[Shown, ...] = ()
    absent: str = ""
    asked: bool = False
    asked_by: str = ""
    held: bool = False
    arrived_at: datetime | None = None
    origin: str = ""
    currency: str = ""

    @property
    def in_force(self) -> str:
        """The name under which `family_of` gives what the folder asks (`Folder.in_force`)."""
        return typed_name(self.family, self.type_version)


@dataclass(frozen=True)
class Counters:
    """How many folders are in each tray, each capped at a thousand, and in `todo` by family.

    `types`: those of `todo` that are of a type of the collectivity's own: the name that rights give it (`type_name`), the name
    in force of its last version, and how many.
    """

    todo: int
    late: int
    returned: int
    running: int
    done: int
    families: tuple[tuple[str, int], ...] = ()
    drafts: int = 0
    types: tuple[tuple[str, str, int], ...] = ()


def shown(count: int) -> str:
    """A counter as it is printed: « 999+ » beyond."""
    return "999+" if count >= CAP else str(count)


def _branches(
    actor: Actor,
    columns: str,
    *,
    limit: int,
    after: bool,
    kind: tuple[str, str],
    late: bool,
    once: bool = True,
    only: str = "",
) -> list[str]:
    """One ordered index scan for each desk, stopped at the page, and one for steps that name the person.

    `kind`: the family and the own type that are asked for, empty for all. `once`: each folder by one part alone (`_first_part`).
    `only`: a key of `_KEPT`.
    """
    # A row compared with a row is one range of the index on both databases; written with OR it would read from the start.
    # The id ends the key: two folders due and entered at the same instant would else hide one another between pages.
    where = " AND (s.due_on, s.entered_at, s.id) > (:due, :entered, :last)" if after else ""
    where += " AND s.family = :family" if kind[0] else ""
    where += " AND s.own_type = :own_type" if kind[1] else ""
    where += " AND s.due_on < :today" if late else ""
    # Software has no row of `reading`: it hides nothing, and nothing is new to it.
    where += f" AND {_KEPT[only]}" if actor.user_id is not None else ""
    where += _kept("s", only)
    where += f" AND {_none_to_answer(actor)}" if only == HELD else ""
    order = f"ORDER BY s.due_on, s.entered_at, s.id LIMIT {limit}" if limit else ""
    # The outer SELECT is for SQLite, where a part of a UNION may be neither ordered nor cut by itself
    asked = _asked_by(actor)
    first = f" AND {_first_part(actor, late=late, only=only)}" if once and len(asked) > 1 else ""
    return [
        f"SELECT * FROM (SELECT {columns} FROM step_run s WHERE {one}{where}{first} {order}) AS {name}"
        for name, one in asked.items()
    ]


def _asked_by(actor: Actor, steps: Any = STEP) -> dict[str, str]:
    """What an actor is asked, by desk, by cover and by name: the conditions of `access.asking`, one for each index scan."""
    at = f"{steps.name}.desk_id = "
    active = f" AND {steps.name}.state = 'active'"
    # Whose it is goes by a bind: the text of the counters serves everybody with the same rights
    free = _and(unacted(sa.literal_column(":me"), steps), steps) if actor.user_id is not None else ""
    asked = {
        f"d{n}": f"{at}:desk{n}{active}{_and(asking_at(actor, seat, steps), steps)}{free}"
        for n, seat in enumerate(actor.seats)
    }
    asked |= {
        f"c{n}": f"{at}:cover{n}{active}{_and(asking_under(actor, cover, steps), steps)}"
        for n, cover in enumerate(actor.covers)
        # A cover that only lets read lends no right: nothing is asked under it.
        if cover.seat.rights
    }
    if actor.user_id is not None:
        # IS NOT NULL says nothing more than the equality, but it is what the partial index is declared with
        named = f"{steps.name}.named_user_id = :me AND {steps.name}.named_user_id IS NOT NULL{active}"
        asked["mine"] = f"{named}{_and(asking_in_person(actor, steps), steps)}{free}"
    return asked


def _first_part(actor: Actor, *, late: bool, only: str) -> str:
    """That no earlier part of the folder awaits the actor: a folder is in the list once, whatever he holds of its step.

    A value, and no EXISTS, which PostgreSQL would answer by all that awaits the actor. An opinion that is asked beside a step
    comes after the parts of the step.
    """
    before = " OR ".join(f"({one})" for one in _asked_by(actor, BEFORE).values())
    past = " AND b.due_on < :today" if late else ""
    return (
        f"(SELECT 1 FROM step_run b WHERE b.folder_id = s.folder_id AND b.id < s.id{past}{_kept('b', only)} AND ({before}) LIMIT 1)"
        " IS NULL"
    )


def _none_to_answer(actor: Actor) -> str:
    """That the actor is to give none of the opinions for which a folder waits: he would find it in `todo`, by what he answers."""
    any_part = " OR ".join(f"({one})" for one in _asked_by(actor, BEFORE).values())
    return (
        "(SELECT 1 FROM asked_opinion a WHERE a.folder_id = s.folder_id AND COALESCE(a.asked_by_id, -1) <> :me "
        f"AND (SELECT 1 FROM step_run b WHERE b.id = a.run_id AND ({any_part})) IS NOT NULL LIMIT 1) IS NULL"
    )


def _ours(db: Db) -> str:
    """The collectivity's own folders; `+` keeps SQLite from reading them all by this column and sorting them after."""
    return f"{'+' if db.get_bind().dialect.name == 'sqlite' else ''}f.collectivity_id = :here"


def _binds(actor: Actor, **more: Any) -> dict[str, Any]:
    desks = {f"desk{n}": seat.desk_id for n, seat in enumerate(actor.seats)}
    desks |= {f"cover{n}": one.seat.desk_id for n, one in enumerate(actor.covers)}
    return {**desks, "me": actor.user_id or 0, "today": today(), "moment": now(), **more}


def _typed(sql: str, binds: dict[str, Any], columns: dict[str, Any] | None = None) -> Any:
    kinds: dict[str, Any] = {
        "today": sa.Date(),
        "due": sa.Date(),
        "entered": UTCDateTime(),
        "moment": UTCDateTime(),
    }
    # A text statement knows no types: without these SQLite would be given moments in another form than it
    # keeps.
    parameters = [
        sa.bindparam(name, type_=kinds[name]) for name in binds if name in kinds and f":{name}" in sql
    ]
    statement = sa.text(sql).bindparams(*parameters)
    return statement.columns(**columns) if columns else statement


def todo(
    db: Db,
    actor: Actor,
    *,
    tray: str = "todo",
    family: str | None = None,
    after: str | None = None,
    size: int = PAGE + 1,
    only: str = "",
) -> list[Line]:
    """The folders that await one of the actor's desks, each once, due first; one row more than a page when there is a next one.

    `family`: of this family, or of this type made from it (`type_name`). `size`: how many rows at most, for whoever acts on
    more than a page. `only`: `UNREAD`, `HIDDEN` or `HELD`, empty for all that the reader does not hide.
    """
    if not _acts(actor):
        return []
    kind = parted_type(family or "")
    sql = _todo_sql(actor, tray=tray, kind=kind, after=bool(after), size=size, only=only)
    binds = _binds(actor, here=actor.collectivity_id, **_after(after))
    binds |= dict(zip(("family", "own_type"), kind, strict=True))
    statement = _typed(sql, binds, _TYPES)
    return _todo_lines(
        actor, db.execute(statement, {name: value for name, value in binds.items() if f":{name}" in sql})
    )


def _todo_sql(actor: Actor, *, tray: str, kind: tuple[str, str], after: bool, size: int, only: str) -> str:
    """The statement of `todo`, which depends on nothing else than the rights of the actor and what is asked of it."""
    columns = (
        "s.id AS sid, s.folder_id, s.due_on, s.entered_at, s.kind, s.step, s.desk_id, s.own_type, s.slot"
    )
    late = tray == "late"
    scans = _branches(actor, columns, limit=size, after=after, kind=kind, late=late, only=only)
    # UNION, not UNION ALL: two covers at one desk find the same row.
    return (
        # CROSS JOIN: SQLite keeps the order written. Left to choose, it reads every folder of the collectivity first.
        f"SELECT w.sid, w.due_on, w.entered_at, w.kind, w.step, w.desk_id, w.own_type, w.slot, r.seen_at, {held('f.id')} AS held, {_ASKED_BY} AS asked_by, {_COLUMNS} FROM ({' UNION '.join(scans)}) w "
        "CROSS JOIN folder f LEFT JOIN reading r ON r.folder_id = f.id AND r.user_id = :me "
        f"WHERE f.id = w.folder_id AND f.collectivity_id = :here ORDER BY w.due_on, w.entered_at, w.sid LIMIT {size}"
    )


def _todo_lines(actor: Actor, rows: Iterable[Any]) -> list[Line]:
    return [
        replace(
            _line(row, f"{row.due_on.isoformat()}_{row.entered_at.isoformat()}_{row.sid}"),
            read=row.seen_at is not None and row.seen_at >= row.entered_at,
            absent=_absent(actor, row),
            asked=row.slot.startswith(ASKED),
            asked_by=row.asked_by or "",
            held=bool(row.held) and not row.slot.startswith(ASKED),
        )
        for row in rows
    ]


def _absent(actor: Actor, row: Any) -> str:
    """In whose absence a folder of the list awaits the actor; empty where it awaits himself."""
    if not actor.covers:
        return ""
    cover = actor.cover_at(row.desk_id, StepKind(row.kind).right, (row.family, row.own_type))
    return cover.absent if cover is not None else ""


def _line(row: Any, key: str) -> Line:
    return Line(
        row.id,
        row.version,
        row.family,
        row.title,
        row.number,
        row.amount_cents,
        row.phase,
        row.place,
        row.depositor_name,
        row.due_on,
        row.entered_at,
        row.kind,
        row.step,
        True,
        key,
        row.folder_due,
        type_version=row.type_version_id,
        currency=row.currency or "",
    )


def is_key(after: str, tray: str) -> bool:
    """Whether a text is the key of a page of this tray: software that sends another is told, not led to the first page."""
    return (_parted(after) if tray in {"todo", "late", HELD} else key_in(after)) is not None


def _parted(key: str) -> dict[str, Any] | None:
    """The binds of a page key, whose « + » may have come as a space; None for what is none."""
    try:
        due, entered, last = key.replace(" ", "+").split("_")
        moment = datetime.fromisoformat(entered).astimezone(UTC)
        binds = {"due": date.fromisoformat(due), "entered": moment, "last": key_in(last)}
    except (ValueError, OverflowError):
        return None
    return binds if binds["last"] else None


def _after(key: str | None) -> dict[str, Any]:
    """The binds of a page key; on a page, one that was tampered with starts again from the first."""
    first = {"due": date.min, "entered": datetime.min.replace(tzinfo=UTC), "last": 0}
    return _parted(key or "") or first


def _emitted(actor: Actor, phase: str, *, limit: int, more: str = "", depositing: bool = False) -> list[str]:
    """The folders that each desk deposits and that are in one phase, newest first; no folder is in two of them.

    `depositing`: of the desks where the actor may deposit, alone.
    """
    return [
        f"SELECT * FROM (SELECT f.id FROM folder f WHERE f.emitter_desk_id = :desk{n} AND f.phase = '{phase}'{_creating(seat)}{more} ORDER BY f.id DESC LIMIT {limit}) AS e{n}"
        for n, seat in enumerate(actor.seats)
        if not depositing or Right.CREATE in seat.rights
    ]


def _decided(actor: Actor, *, limit: int, more: str = "", but: str = "") -> list[str]:
    """The ended folders that each desk has decided on, and the actor for somebody absent, newest first.

    `but`: a condition that leaves out those that the caller has already.

    The folder is asked for each step found: as a join, PostgreSQL may read all ended folders to look for the desk's few.
    It is asked a yes or no, which PostgreSQL takes for one in two: of an equality it would expect one in two hundred.
    """
    ended = f"(SELECT f.phase = 'done'{but} FROM folder f WHERE f.id = s.folder_id)"
    ways = {
        f"d{n}": f"s.desk_id = :desk{n} AND s.state = 'done'{_and(reading_at(actor, seat))}"
        for n, seat in enumerate(actor.seats)
    }
    if actor.user_id is not None:
        # Not all that he has ever done, which is what his desks have: the few that he has by nothing else
        ways["covered"] = "s.user_id = :me AND s.absent IS NOT NULL AND s.state = 'done'"
    # DISTINCT: a desk may have decided at several steps of one folder.
    return [
        f"SELECT * FROM (SELECT DISTINCT s.folder_id AS id FROM step_run s WHERE {way} AND {ended}{more} ORDER BY s.folder_id DESC LIMIT {limit}) AS {name}"
        for name, way in ways.items()
    ]


def _acts(actor: Actor) -> bool:
    """Whether there is anything that the actor can have decided: at a desk, or as a person, whichever desk he did it for."""
    return bool(actor.seats) or actor.user_id is not None


def _under_way(actor: Actor, *, limit: int, more: str = "", but: str = "") -> str:
    """The folders under way on which a desk of the actor has decided, or he has acted, newest first, `but` those that the caller has.

    He sent one back to a step, handed it to another desk, or decided in somebody's absence: it stays his to follow, and what he
    took back does not.

    By what is under way in the collectivity, whose index holds nothing of the past: a desk has decided on ten thousand that
    ended for each that has not. The state is no plain word: by it PostgreSQL would read all that the desk has ever decided.
    """
    at_desks = " OR ".join(
        f"(s.desk_id = :desk{n}{_and(reading_at(actor, seat))})" for n, seat in enumerate(actor.seats)
    )
    ways = [f"s.state || '' = 'done' AND ({at_desks})"] if at_desks else []
    if actor.user_id is not None:
        ways.append("s.user_id = :me AND s.state || '' <> 'cancelled'")
    acted = f"SELECT 1 FROM step_run s WHERE s.folder_id = f.id AND ({' OR '.join(ways)}) LIMIT 1"
    return (
        "SELECT * FROM (SELECT f.id FROM folder f WHERE f.collectivity_id = :here AND f.phase <> 'done' AND f.phase = 'running'"
        f"{but}{more} AND ({acted}) IS NOT NULL ORDER BY f.id DESC LIMIT {limit}) AS under_way"
    )


def others(
    db: Db,
    actor: Actor,
    tray: str,
    *,
    family: str | None = None,
    after: str | None = None,
    size: int = PAGE + 1,
) -> list[Line]:
    """The trays of what is elsewhere, newest first: came back (`returned`), on its way (`running`), ended (`done`).

    A desk finds there what it deposits, and in `running` and `done` also what it has decided on; a person, in `running`, what he
    has acted on, and in `done` what he has decided in somebody's absence.
    """
    last = key_in(after)
    more = " AND {0} < :last" if last else ""
    more += " AND {1}.family = :family" if family else ""
    sql = _others_sql(actor, tray, size=size, more=more)
    if not sql:
        return []
    binds = {**_binds(actor, here=actor.collectivity_id), "last": last, "family": family}
    statement = _typed(sql, binds, _TYPES)
    rows = db.execute(statement, {name: value for name, value in binds.items() if f":{name}" in sql})
    return [_line(row, str(row.id)) for row in rows]


def returned(db: Db, actor: Actor, *, size: int) -> list[Line]:
    """What came back to the desks where the actor deposits, `size` of them at most, newest first."""
    sql = _others_sql(actor, "returned", size=size, depositing=True)
    if not sql:
        return []
    binds = _binds(actor, here=actor.collectivity_id)
    named = {name: value for name, value in binds.items() if f":{name}" in sql}
    return [_line(row, str(row.id)) for row in db.execute(_typed(sql, binds, _TYPES), named)]


def turns(db: Db, actor: Actor, numbers: Collection[int]) -> dict[int, str]:
    """Of these folders, those that await the actor by now, as `todo` has them, each with the kind of its step.

    What a desk deposited or decided on is under way for it even when it comes back to it: its row says which list it is in.
    """
    query = sa.select(STEP.c.folder_id, STEP.c.kind).where(
        STEP.c.folder_id.in_(numbers),
        STEP.c.state == "active",
        ~STEP.c.slot.startswith(ASKED),
        asking(actor),
        sa.text(f"{held(f'{STEP.name}.folder_id')} IS NULL"),
    )
    return {row.folder_id: row.kind for row in db.execute(query)} if numbers else {}


def _others_sql(actor: Actor, tray: str, *, size: int, more: str = "", depositing: bool = False) -> str:
    """The statement of `others`, empty for a tray where the actor can have nothing, as most are of who holds no desk.

    `more`: a condition on the number of the folder and on its row, `{0}` and `{1}`.
    """
    scans = _emitted(actor, _PHASES[tray], limit=size, more=more.format("f.id", "f"), depositing=depositing)
    if tray == "done":
        scans += _decided(actor, limit=size, more=more.format("s.folder_id", "s"))
    elif tray == "running" and _acts(actor):
        scans.append(_under_way(actor, limit=size, more=more.format("f.id", "f")))
    if not scans:
        return ""
    return (
        f"SELECT {_COLUMNS}, COALESCE({_STEP_DUE}, f.due_on) AS due_on, f.submitted_at AS entered_at, NULL AS kind, NULL AS step "
        f"FROM ({' UNION '.join(scans)}) w CROSS JOIN folder f "
        f"WHERE f.id = w.id AND f.collectivity_id = :here ORDER BY f.id DESC LIMIT {size}"
    )


def with_deadlines(db: Db, lines: Sequence[Line]) -> list[Line]:
    """Drafts with the day by which each is to end where that runs before it is sent, as that of an invoice does."""
    folders = db.scalars(sa.select(Folder).where(Folder.id.in_([line.id for line in lines])))
    days = {folder.id: due_of(folder, None) for folder in folders}
    return [replace(line, folder_due=days[line.id]) for line in lines if line.id in days]


def _late_sql(actor: Actor, *, size: int) -> str:
    """What the desks where the actor deposits have sent and that is late at the step where it waits, latest first.

    Nothing that is late because it awaits the actor himself, which another list counts; `n`: how many there are in all.
    """
    # No limit: no index has the step's day, so all that these desks have under way is looked at.
    scans = [
        f"SELECT f.id, {_STEP_DUE} AS due_on FROM folder f WHERE f.emitter_desk_id = :desk{n} AND f.phase = 'running'{_creating(seat)}"
        for n, seat in enumerate(actor.seats)
        if Right.CREATE in seat.rights
    ]
    awaited = _branches(actor, "s.folder_id", limit=CAP, after=False, kind=("", ""), late=True, once=False)
    return (
        f"SELECT {_COLUMNS}, w.due_on, f.submitted_at AS entered_at, NULL AS kind, NULL AS step, COUNT(*) OVER () AS n "
        f"FROM ({' UNION ALL '.join(scans)}) w CROSS JOIN folder f "
        f"WHERE w.due_on < :today AND w.id NOT IN (SELECT a.folder_id FROM ({' UNION ALL '.join(awaited)}) a) "
        f"AND f.id = w.id AND f.collectivity_id = :here ORDER BY w.due_on, f.id LIMIT {size}"
    )


def late_deposits(db: Db, actor: Actor) -> int:
    """How many folders the actor's desks have sent that are late where they wait for somebody else, a thousand at most."""
    rows = _late_rows(db, actor, 1)
    return min(rows[0].n, CAP) if rows else 0


def late_deposited(db: Db, actor: Actor, *, size: int) -> list[Line]:
    """These folders, `size` of them at most, latest first."""
    return [_line(row, str(row.id)) for row in _late_rows(db, actor, size)]


def _late_rows(db: Db, actor: Actor, size: int) -> Sequence[Any]:
    if not actor.may_create:
        return []
    sql = _late_sql(actor, size=size)
    binds = _binds(actor, here=actor.collectivity_id)
    named = {name: value for name, value in binds.items() if f":{name}" in sql}
    return db.execute(_typed(sql, binds, _TYPES), named).all()


def lately_deposited(db: Db, actor: Actor) -> Counter[tuple[str, str]]:
    """How many of the last folders of the actor's desks are of each family, and of each own type of it (empty for none)."""
    desks = actor.desks_with(Right.CREATE)
    last = [
        sa.select(Folder.id).where(Folder.emitter_desk_id == desk).order_by(Folder.id.desc()).limit(LATELY)
        for desk in sorted(desks)
    ]
    if not last:
        return Counter()
    # The sub-select is for SQLite, as in `_branches`.
    numbers = sa.union_all(*(sa.select(one.subquery().c.id) for one in last)).subquery()
    query = (
        sa.select(Folder.family, FolderType.key, sa.func.count())
        .select_from(numbers)
        .join(Folder, Folder.id == numbers.c.id)
        .outerjoin(FolderTypeVersion, FolderTypeVersion.id == Folder.type_version_id)
        .outerjoin(FolderType, FolderType.id == FolderTypeVersion.type_id)
        .group_by(Folder.family, FolderType.key)
    )
    return Counter({(row[0], row[1] or ""): row[2] for row in db.execute(query)})


def drafts_after(db: Db, actor: Actor, folder: Folder) -> list[int]:
    """The other drafts of the actor that were never sent, a hundred at most, as « Brouillons » has them: those below it first.

    His are those that he deposited, and what came by itself to a desk where he deposits.
    """
    query = sa.select(Folder.id).where(
        Folder.emitter_desk_id.in_(actor.desks_with(Right.CREATE)),
        Folder.phase == Phase.DRAFT,
        Folder.round == 0,
        sa.or_(Folder.depositor_user_id == actor.user_id, Folder.depositor_user_id.is_(None)),
        Folder.id != folder.id,
    )
    return list(db.scalars(query.order_by(Folder.id > folder.id, Folder.id.desc()).limit(DRAFTS)))


@dataclass(frozen=True)
class LastAct:
    """What was decided last on a folder, by whom and when; `sent_back`: it was sent back by that to the step where it stands.

    `handed`: it decided nothing, and handed the part to another desk. `why`: the reason of a return, as it was written.
    """

    kind: str
    who: str
    at: datetime
    sent_back: bool = False
    handed: bool = False
    why: str = ""


# A part that is done but of the second half of a round's passages was put aside when the folder was sent
# back.
_decided_last = sa.text(
    f"step_run.user_id IS NOT NULL AND step_run.slot NOT LIKE '{ASKED}%' AND ("
    f"step_run.state = 'done' AND step_run.pass_number % {STEPS_PER_ROUND} < {STEPS_PER_ROUND // 2} "
    f"OR step_run.state = 'passed' AND step_run.slot LIKE '{HANDED}%' "
    "OR step_run.state = 'rejected' AND step_run.sent_to IS NOT NULL)"
)
_LINES: Any = sa.bindparam("lines", expanding=True)
# By the hour: the parts of a step are numbered in the order of its desks, whoever acts first
_ranked = (
    sa.select(
        StepRun.id,
        sa.func.row_number()
        .over(partition_by=StepRun.folder_id, order_by=(StepRun.ended_at.desc(), StepRun.id.desc()))
        .label("rank"),
    )
    .where(StepRun.folder_id.in_(_LINES), _decided_last)
    .subquery("ranked")
)
_folders_told: Any = (
    sa.select(
        Folder,
        StepRun.kind,
        StepRun.who,
        StepRun.absent,
        StepRun.ended_at,
        StepRun.sent_to,
        StepRun.state,
        StepRun.comment,
    )
    .outerjoin(
        StepRun,
        sa.and_(
            StepRun.folder_id == Folder.id,
            StepRun.id.in_(sa.select(_ranked.c.id).where(_ranked.c.rank == 1)),
            # A return of a former round, or of a folder that went back to who deposited since, is not why it is where it stands
            sa.or_(
                StepRun.sent_to.is_(None),
                sa.and_(
                    StepRun.sent_to == Folder.place, StepRun.pass_number >= Folder.round * STEPS_PER_ROUND
                ),
            ),
        ),
    )
    # `+ 0`: the folders are named by number, and SQLite would begin with all that the collectivity has.
    .where(Folder.id.in_(_LINES), Folder.collectivity_id + 0 == sa.bindparam("here"))
)
"""The folders of a list, each beside the last decision of a person on it, or the return or the handing that came after."""


def told(db: Db, lines: Sequence[Line]) -> tuple[list[Line], dict[int, LastAct]]:
    """What else a list says of its folders, in one statement, and one for what is to be looked at in them, however many they are.

    The same lines, each with what is to be looked at in it and what its type shows in lists, and the last
    decision made by a person on each folder, by folder: one that was sent back to a step, and not decided on since, has that
    return, one that was handed since has that, and one just sent has none. Desks and people that a type shows are
    named by a statement more for each.
    """
    return told_beside(db, lines)[:2]


def told_beside(
    db: Db, lines: Sequence[Line], *beside: Asked
) -> tuple[list[Line], dict[int, LastAct], list[Rows]]:
    """The same, and the rows of what else is asked, by the first of these statements."""
    if not lines:
        return [], {}, read_beside(db, *beside)
    ids = [one.id for one in lines]
    place = db.info["collectivity_id"]
    read, *others = read_beside(db, (_folders_told, {"lines": ids, "here": place}), *beside)
    rows = {row.Folder.id: row for row in read}
    folders = {number: row.Folder for number, row in rows.items()}
    marks_by_id = marked(db, list(folders.values()))
    shown = {one.id: (fields, folders[one.id].fields) for one in lines if (fields := shown_by(one.in_force))}
    words = in_words(db, folders[ids[0]].collectivity_id, shown) if shown else {}
    names = named_by_file(db, ((one.id, one.phase, one.title, one.in_force) for one in lines))
    return (
        [
            replace(
                one,
                title=names.get(one.id, one.title),
                marks=marks_by_id.get(one.id, ()),
                listed=words.get(one.id, ()),
                **(_of_draft(folders[one.id]) if one.phase == Phase.DRAFT else {}),
            )
            for one in lines
        ],
        {
            number: LastAct(
                row.kind,
                in_absence(row.who or "", row.absent),
                row.ended_at,
                sent_back=row.sent_to is not None,
                handed=row.state == "passed",
                why=(row.comment or "") if row.sent_to is not None else "",
            )
            for number, row in rows.items()
            if row.kind is not None
        },
        others,
    )


def _of_draft(folder: Folder) -> dict[str, Any]:
    """What a list says of a draft: the deadline that runs already, and when it came by itself."""
    arrived = folder.sources.get(ARRIVED)
    return {
        "folder_due": due_of(folder, None),
        "arrived_at": datetime.fromisoformat(arrived["at"]) if arrived else None,
        "origin": arrived["origin"] if arrived else "",
    }


def _and(condition: sa.ColumnElement[bool], table: Any = STEP) -> str:
    """A condition of `app.folders.access` after those that an index answers; empty for who may all."""
    return "" if isinstance(condition, sa.True_) else f" AND ({as_text(condition, table)})"


def _creating(seat: Seat) -> str:
    """What keeps folders of restricted families from who may not deposit at their desk; empty for who may."""
    return _and(depositing_at(seat), FOLDER)


def _deposited(actor: Actor) -> str:
    """The condition on `f` of what a desk of the actor deposits, as he may read it (`may_read`)."""
    return " OR ".join(
        f"(f.emitter_desk_id = :desk{n}{_creating(seat)})" for n, seat in enumerate(actor.seats)
    )


def _asker(actor: Actor) -> Actor:
    """All of an actor that decides how the counters are asked; whose they are, and at which desks, goes by the binds."""
    return Actor(
        kind="",
        collectivity_id=0,
        name="",
        # What is asked under a cover is never one's own deposit: whose it is, is in the statement
        user_id=None if actor.user_id is None else actor.user_id if actor.covers else 0,
        seats=tuple(Seat(0, "", "", seat.rights) for seat in actor.seats),
        covers=actor.covers,
        by_mandate=actor.by_mandate,
        mandates=actor.mandates,
    )


@lru_cache(maxsize=500)
def _counting(
    actor: Actor, _covered: tuple[tuple[Bound, ...], ...], _closed: tuple[str, ...]
) -> tuple[sa.TextClause | None, tuple[str, ...]]:
    """The statement of the counters and the names of its binds; None for who is asked nothing and deposits nothing.

    Every page counts, and writing the statement took three quarters of it. It is kept by all that its conditions are made
    of: an `_asker`, what his mandates cover today (`_covered`), and the restricted families (`_closed`).
    """
    sql = _counters_sql(actor)
    binds = _binds(actor, here=0)
    return (_typed(sql, binds) if sql else None), tuple(name for name in binds if f":{name}" in sql)


def _counters_sql(actor: Actor) -> str:
    """The rows of the counters: `what`, `family`, `n`, `late`, `own_type`, `last_version`; empty for who is asked nothing."""
    scans = _branches(
        actor,
        "s.folder_id, s.family, s.own_type, s.due_on",
        limit=CAP,
        after=False,
        kind=("", ""),
        late=False,
        # Every part comes: the GROUP BY below makes one folder of them, late by the soonest of their days.
        once=False,
    )
    if not scans:
        return ""
    parts = [
        "SELECT 'todo' AS what, w.family AS family, COUNT(*) AS n, SUM(CASE WHEN w.due_on < :today THEN 1 ELSE 0 END) AS late, "
        f"w.own_type AS own_type, ({_LAST_VERSION}) AS last_version "
        f"FROM (SELECT a.folder_id, a.family, a.own_type, MIN(a.due_on) AS due_on FROM ({' UNION ALL '.join(scans)}) a "
        "GROUP BY a.folder_id, a.family, a.own_type) w GROUP BY w.family, w.own_type"
    ]
    # The last one to be asked, and not at all where what the desks deposit fills the counter.
    but = f" AND NOT ({_deposited(actor)})" if actor.seats else ""
    for tray, phase in _PHASES.items():
        found = _emitted(actor, phase, limit=CAP)
        if tray == "running" and _acts(actor):
            found.append(_under_way(actor, limit=CAP, but=but))
        elif tray == "done" and _acts(actor):
            found.append(f"SELECT id FROM ({' UNION '.join(_decided(actor, limit=CAP, but=but))}) AS d")
        if found:
            # UNION ALL: no folder has two desks that deposit it, and `but` keeps from the last branch what
            # these have.
            parts.append(
                f"SELECT '{tray}', NULL, COUNT(*), 0, NULL, NULL FROM (SELECT id FROM ({' UNION ALL '.join(found)}) AS u_{tray} LIMIT {CAP}) AS c_{tray}"
            )
    return " UNION ALL ".join(parts)


def counters(db: Db, actor: Actor) -> Counters:
    """The counters of the trays and the families of what awaits, in one statement."""
    covered = scopes(actor) if actor.by_mandate else ()
    statement, names = _counting(_asker(actor), covered, restricted_families())
    if statement is None:
        return Counters(0, 0, 0, 0, 0)
    binds = _binds(actor, here=actor.collectivity_id)
    return _counted(db.execute(statement, {name: binds[name] for name in names}).all())


def _counted(rows: Sequence[Any]) -> Counters:
    todo_rows = [row for row in rows if row.what == "todo"]
    by_family: Counter[str] = Counter()
    for row in todo_rows:
        by_family[row.family] += int(row.n)
    count = {row.what: int(row.n) for row in rows if row.what != "todo"}
    return Counters(
        # Each scan stops at CAP, but there is one for each desk.
        min(sum(row.n for row in todo_rows), CAP),
        int(sum(row.late for row in todo_rows)),
        count.get("returned", 0),
        count.get("running", 0),
        count.get("done", 0),
        tuple(sorted(by_family.items(), key=lambda item: place_of(item[0]))),
        count.get("drafts", 0),
        tuple(
            (type_name(row.family, row.own_type), typed_name(row.family, row.last_version), int(row.n))
            for row in sorted(todo_rows, key=lambda row: (place_of(row.family), row.own_type or ""))
            if row.own_type and row.last_version is not None
        ),
    )


@dataclass(frozen=True)
class Marks:
    """Of what awaits a person: how many folders he has not read, how many he hides, and how many wait for an opinion before.

    Each is capped at a thousand.
    """

    unread: int = 0
    hidden: int = 0
    held: int = 0


@lru_cache(maxsize=500)
def _marking(
    actor: Actor, _covered: tuple[tuple[Bound, ...], ...], _closed: tuple[str, ...]
) -> tuple[sa.TextClause | None, tuple[str, ...]]:
    """The statement of `marks` and the names of its binds, kept as that of the counters is."""
    sql = _marks_sql(actor)
    binds = _binds(actor, here=0)
    return (_typed(sql, binds) if sql else None), tuple(name for name in binds if f":{name}" in sql)


def _marks_sql(actor: Actor) -> str:
    parts = []
    for only in (UNREAD, HIDDEN, HELD):
        columns, kind = "s.folder_id, s.due_on, s.entered_at, s.id", ("", "")
        scans = _branches(actor, columns, limit=CAP, after=False, kind=kind, late=False, only=only)
        if scans:
            parts.append(
                f"SELECT '{only}' AS what, COUNT(DISTINCT a.folder_id) AS n FROM ({' UNION ALL '.join(scans)}) a"
            )
    return " UNION ALL ".join(parts)


def marks(db: Db, actor: Actor) -> Marks:
    """What a person has not read, what he hides, and what waits for an opinion before it is his; in one statement."""
    if actor.user_id is None:
        return Marks()
    covered = scopes(actor) if actor.by_mandate else ()
    statement, names = _marking(_asker(actor), covered, restricted_families())
    if statement is None:
        return Marks()
    binds = _binds(actor, here=actor.collectivity_id)
    return _marked(db.execute(statement, {name: binds[name] for name in names}))


def _marked(rows: Iterable[Any]) -> Marks:
    count = {row.what: min(row.n, CAP) for row in rows}
    return Marks(*(count.get(name, 0) for name in (UNREAD, HIDDEN, HELD)))


@dataclass(frozen=True)
class Page:
    """What « À traiter » asks of its folders: the rows of a tray, the counters, and what a depositor's home names.

    `returned`: what came back to the desks where the reader deposits, newest first; `late`: what they sent and that is late
    where it waits, latest first, and `late_count` how many there are, all of which `counted.late` counts too; `held`: what is
    the reader's to decide once an opinion is given, due first.
    """

    lines: list[Line]
    counted: Counters
    marked: Marks
    returned: list[Line]
    late: list[Line]
    held: list[Line]
    late_count: int = 0


@dataclass(frozen=True)
class _Wanted:
    """What of a page is read: no rows for `size` 0, and of the home so many folders of each kind (`home`)."""

    tray: str
    by_family: bool
    by_type: bool
    after: bool
    only: str
    size: int
    home: int
    held: bool
    late: int


_LISTED = (
    *(
        "sid",
        "due_on",
        "entered_at",
        "kind",
        "step",
        "desk_id",
        "own_type",
        "slot",
        "seen_at",
        "held",
        "asked_by",
        "id",
    ),
    *("version", "family", "type_version_id", "title", "number", "amount_cents", "phase", "place"),
    *("depositor_name", "updated_at", "folder_due", "currency"),
)
"""The columns of the rows of a list."""
_COUNTED = ("n", "late", "last_version")
"""Those of the counters beside them: `what` they are, their family and their type."""
_ROWS, _HELD, _RETURNED, _LATE = "rows", "rows held", "home returned", "home late"


def page(
    db: Db,
    actor: Actor,
    *,
    tray: str = "todo",
    family: str | None = None,
    after: str | None = None,
    only: str = "",
    listed: bool = True,
    home: int = 0,
    held: bool = False,
    late: int = 0,
) -> Page:
    """What `todo` or `others`, `counters` and `marks` give of a page, by one statement for all.

    `listed`: not the rows, which the page takes otherwise; `home`: so many folders that came back to the desks where the actor
    deposits; `late`: so many of those that they sent and that are late, and as many more as the list has rows; `held`: what
    waits for an opinion too, a page of it at most.
    """
    kind = parted_type(family or "") if tray in {"todo", "late"} else (family or "", "")
    asks = tray in {"todo", "late"}
    last = None if asks else key_in(after)
    wanted = _Wanted(
        tray,
        bool(kind[0]),
        bool(kind[1]),
        bool(after) if asks else bool(last),
        only if asks else "",
        PAGE + 1 if listed else 0,
        home if actor.may_create else 0,
        held,
        late if actor.may_create else 0,
    )
    covered = scopes(actor) if actor.by_mandate else ()
    statement, names = _paging(_asker(actor), covered, restricted_families(), wanted)
    if statement is None:
        return Page([], Counters(0, 0, 0, 0, 0), Marks(), [], [], [])
    binds = _binds(actor, here=actor.collectivity_id, **_after(after if asks else None))
    binds |= dict(zip(("family", "own_type"), kind, strict=True))
    binds |= {} if asks else {"last": last}
    rows = db.execute(statement, {name: binds[name] for name in names}).all()
    parts: dict[str, list[Any]] = {}
    for row in rows:
        parts.setdefault(row.what, []).append(row)
    lines, back, late_rows, held_rows = (parts.pop(name, []) for name in (_ROWS, _RETURNED, _LATE, _HELD))
    marks_read = [row for name in (UNREAD, HIDDEN, HELD) for row in parts.pop(name, [])]
    counted, late_count = (
        _counted([row for each in parts.values() for row in each]),
        max([row.n for row in late_rows], default=0),
    )
    # A UNION ALL promises no order among its rows: each list is put in its own again.
    return Page(
        _in_order_of_days(actor, lines)
        if asks
        else [_line(row, str(row.id)) for row in sorted(lines, key=lambda row: -row.id)],
        replace(counted, late=min(counted.late + late_count, CAP)),
        _marked(marks_read),
        [_line(row, str(row.id)) for row in sorted(back, key=lambda row: -row.id)],
        [_line(row, str(row.id)) for row in sorted(late_rows, key=lambda row: (row.due_on, row.id))]
        if late
        else [],
        _in_order_of_days(actor, held_rows),
        late_count,
    )


def _in_order_of_days(actor: Actor, rows: Iterable[Any]) -> list[Line]:
    return _todo_lines(actor, sorted(rows, key=lambda row: (row.due_on, row.entered_at, row.sid)))


@lru_cache(maxsize=500)
def _paging(
    actor: Actor, _covered: tuple[tuple[Bound, ...], ...], _closed: tuple[str, ...], wanted: _Wanted
) -> tuple[Any, tuple[str, ...]]:
    """The statement of `page` and the names of its binds, kept as that of the counters is; None where nothing is asked.

    The rows come first: their columns have the types that the others take.
    """
    parts = []
    asks = wanted.tray in {"todo", "late"}
    if wanted.size and asks and _acts(actor):
        kind = ("family" if wanted.by_family else "", "own_type" if wanted.by_type else "")
        sql = _todo_sql(
            actor, tray=wanted.tray, kind=kind, after=wanted.after, size=wanted.size, only=wanted.only
        )
        parts.append(_part(_ROWS, sql, _LISTED))
    if wanted.held and _acts(actor):
        sql = _todo_sql(actor, tray="todo", kind=("", ""), after=False, size=PAGE, only=HELD)
        parts.append(_part(_HELD, sql, _LISTED))
    no_step = tuple(name for name in _LISTED if name not in _OF_STEP)
    more = f"{' AND {0} < :last' if wanted.after else ''}{' AND {1}.family = :family' if wanted.by_family else ''}"
    if wanted.size and not asks and (sql := _others_sql(actor, wanted.tray, size=wanted.size, more=more)):
        parts.append(_part(_ROWS, sql, no_step))
    if any(Right.CREATE in seat.rights for seat in actor.seats):
        if wanted.home:
            back = _others_sql(actor, "returned", size=wanted.home, depositing=True)
            parts.append(_part(_RETURNED, back, no_step))
        # One row tells how many there are
        late = _late_sql(actor, size=wanted.late + PAGE if wanted.late else 1)
        parts.append(_part(_LATE, late, (*no_step, "n")))
    if sql := _counters_sql(actor):
        parts.append(_part("", sql, ("what", "family", "own_type", "n", "late", "last_version")))
    if wanted.tray == "todo" and actor.user_id is not None and (sql := _marks_sql(actor)):
        parts.append(_part("", sql, ("what", "n")))
    sql = " UNION ALL ".join(parts)
    binds = _binds(actor, here=0, due=None, entered=None, last=0, family="", own_type="")
    return (_typed(sql, binds, _TYPES) if parts else None), tuple(name for name in binds if f":{name}" in sql)


_OF_STEP = frozenset({"sid", "desk_id", "own_type", "slot", "seen_at", "held", "asked_by"})
"""The columns that only what awaits the reader has."""


def _part(what: str, sql: str, names: Sequence[str]) -> str:
    """The rows of a statement as one part of the whole: of each column of the page, its value or nothing."""
    # The rows come first and have no value here: PostgreSQL would take a bare NULL for text, which no count
    # can join.
    empty = {"n": "0", "late": "0", "last_version": "CAST(NULL AS INTEGER)"}
    columns = ", ".join(
        f"{f'z.{name}' if name in names else empty.get(name, 'NULL')} AS {name}"
        for name in (*_LISTED, *_COUNTED)
    )
    kind = "z.what" if "what" in names else f"'{what}'"
    return f"SELECT {kind} AS what, {columns} FROM ({sql}) z"


def place_in_list(db: Db, actor: Actor, folder_id: int) -> tuple[int, int, int | None, int | None] | None:
    """Where a folder stands among the first page of what awaits: rank, total, the one before, the one after."""
    rows = [line.id for line in todo(db, actor)]
    if folder_id not in rows:
        return None
    rank = rows.index(folder_id)
    before = rows[rank - 1] if rank else None
    after = rows[rank + 1] if rank + 1 < len(rows) else None
    return rank + 1, len(rows), before, after
