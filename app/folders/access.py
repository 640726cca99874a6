"""The one `authorize`, and the one definition of what an actor reads and is asked: conditions on `folder` and `step_run`.

Pages, JSON, files, trays, counters, the search and letters all use these conditions; none says the rule again. Lists
that are written as text take them as text (`as_text`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

from app.circuits.library import catalogue
from app.circuits.models import FolderType, FolderTypeVersion
from app.core.clock import today
from app.core.db import OURS_ALREADY, Db
from app.core.prepared import Prepared
from app.core.questions import gathered, keep, kept, put_in_hand
from app.core.refusals import Refusal
from app.folders.models import WRITERS, Folder, StepRun
from app.people.actor import Actor, Cover, Seat
from app.people.models import User
from workflows.circuit import WITHDRAWN, Phase, StepKind
from workflows.family import restricted_families
from workflows.mandates import Bound, How, scope
from workflows.rights import Rights, parted_type
from workflows.vocabulary import Right

Condition = sa.ColumnElement[bool]
ENGAGING = (StepKind.SIGN, StepKind.SEAL)
"""What engages the collectivity: at a desk, the right to sign is not enough once a mandate is recorded (decision 0015)."""
READER = "who reads what this session tells"
AUTHORISED = "may be read"
_ASKED: Any = sa.bindparam("folders", expanding=True)
_FOLDERS: Any = sa.inspect(Folder).local_table
FOLDER: Any = _FOLDERS.alias("f")
STEP: Any = sa.inspect(StepRun).local_table.alias("s")
# An alias makes its columns when they are first asked for, under no lock: two threads would each have their own
_COLUMNS = FOLDER.c, STEP.c
_TEXT = DefaultDialect(paramstyle="named")
_TEXT.supports_native_boolean = True  # « NOT s.restricted », as both databases read it

# Built once, and naming its collectivity itself: this statement is in every verb.
_locked = (
    sa.select(Folder)
    .where(Folder.id == sa.bindparam("folder"), Folder.collectivity_id == sa.bindparam("here"))
    .with_for_update()
    # Read again under the lock: the session may hold the folder as it was before somebody else moved it.
    .execution_options(populate_existing=True, **{OURS_ALREADY: True})
)


_FOLDER_COLUMNS = tuple(one.key for one in sa.inspect(Folder).column_attrs)
_locked_columns = Prepared(
    sa.select(*(_FOLDERS.c[name] for name in _FOLDER_COLUMNS))
    .where(_FOLDERS.c.id == sa.bindparam("folder"), _FOLDERS.c.collectivity_id == sa.bindparam("here"))
    .with_for_update()
)
"""The same where the session has not the folder yet, which is then made of its columns."""


def may_read(db: Db, actor: Actor, folder: Folder) -> bool:
    """A folder is read by the desk that deposits it, and by the desks and persons it has reached; by nobody else.

    One whose type opens its reading to everybody is read by every person of the collectivity too, while it is on its way and
    once it has ended (`open_to_all`). A draft is seen by its own desk alone. An administrator who holds none of these desks
    reads nothing else. A restricted family is read by those alone who may act on this very folder: deposit it, or do what the
    step that came there asks, by their seat and, for a signature, by a mandate that covers it today. Whoever acted keeps
    reading. Who stands in for somebody reads what is awaited at the desk now, of the types of his cover, and nothing of the
    past (`reading_under`).
    """
    query = sa.select(sa.literal(1)).where(_FOLDERS.c.id == folder.id, readable_by(actor))
    return db.execute(query).first() is not None


def readable_by(
    actor: Actor, folders: Any = _FOLDERS, steps: Any = STEP, *, opened: bool = True, apart: bool = False
) -> Condition:
    """The condition on `folder` of what an actor may read: the law of `may_read`, which asks it of one folder.

    `opened`: what its type alone opens to him counts. `apart`: each desk and each person by which he reads is asked by its own
    index, which costs less where many folders are asked one after the other.
    """
    deposited = [
        depositing_at(seat, folders) & (folders.c.emitter_desk_id == seat.desk_id) for seat in actor.seats
    ]
    ways = _reaching(actor, steps) if apart else [reaching(actor, steps)]
    sent = sa.or_(sa.false(), *(_reached(way, folders, steps, apart=apart) for way in ways))
    if opened and actor.user_id is not None:
        sent = sa.or_(open_to_all(folders), sent)
    # round > 0: a draft that was never sent has reached nobody.
    return sa.and_(
        folders.c.collectivity_id == actor.collectivity_id,
        sa.or_(*deposited, sa.and_(folders.c.round > 0, sent)),
    )


def _reached(way: Condition, folders: Any, steps: Any, *, apart: bool) -> Condition:
    """The condition on the folders that have reached the actor in this way."""
    # A value, and no EXISTS: PostgreSQL makes a set of an EXISTS, for which it reads the steps of everybody
    found: Any = sa.select(sa.literal_column("1")).where(steps.c.folder_id == folders.c.id, way)
    if not apart:
        # In the order of the folder's own steps: SQLite would look through all that the reader's desk has ever seen
        found = found.order_by(steps.c.id)
    return found.limit(1).correlate(folders).scalar_subquery().is_not(None)  # type: ignore[no-any-return]


def open_to_all(folders: Any = FOLDER) -> Condition:
    """The condition on the folders, once sent, that every person of their collectivity reads; software reads its desk's alone.

    One that came back is its desk's as a draft is, until it is sent again, and what was given up stays so.
    """
    under_way = folders.c.phase.in_([Phase.RUNNING.value, Phase.DONE.value])
    return sa.and_(folders.c.read_by_all, under_way, folders.c.place != WITHDRAWN)


def has_part(db: Db, actor: Actor, folder: Folder) -> bool:
    """Whether the actor reads the folder by his desks or by himself, whatever its type opens."""
    query = sa.select(sa.literal(1)).where(_FOLDERS.c.id == folder.id, readable_by(actor, opened=False))
    return db.execute(query).first() is not None


def looks_on(db: Db, actor: Actor, folder: Folder) -> bool:
    """Whether the actor reads the folder for its type alone: neither his desks nor he have any part in it.

    Whoever does reads what was sent, and does nothing there, administrators included (`lock`).
    """
    if not folder.read_by_all or actor.user_id is None:
        return False
    return not has_part(db, actor, folder) and may_read(db, actor, folder)


def refuse_onlooker(db: Db, actor: Actor, folder: Folder) -> None:
    """Refuse (`looks-on`) what would change a folder, or be left beside it, to whoever reads it for its type alone."""
    if looks_on(db, actor, folder):
        raise Refusal("looks-on")


def depositing_at(seat: Seat, folders: Any = FOLDER) -> Condition:
    """The condition on the folders that a desk deposits, as its holder reads them."""
    # `reading`, not `rights`: whoever held the desk until it was closed reads on what came to it.
    if Right.CREATE.value in seat.reading.grants:
        return sa.true()
    if Right.CREATE in seat.reading:
        return sa.or_(unrestricted(folders), of_types(seat.reading, Right.CREATE, folders))
    return unrestricted(folders)


def unrestricted(rows: Any) -> Condition:
    """The condition on `folder` or on `step_run` that whoever holds the desk reads it: neither family nor type closes it."""
    closed = restricted_families()
    by_type: Condition = sa.not_(rows.c.restricted)
    return sa.and_(rows.c.family.not_in(closed), by_type) if closed else by_type


def of_types(rights: Rights, right: Right, rows: Any) -> Condition:
    """The condition on `folder` or on `step_run` that a right is held on folders of their type."""
    types = rights.types(right)
    return sa.true() if types is None else _named_types(types, rows)


def _named_types(types: Collection[str], rows: Any) -> Condition:
    """The condition on the rows of folders of these types, as a right names them."""
    columns = getattr(rows, "c", rows)
    named = [parted_type(one) for one in types]
    whole = [family for family, own_type in named if not own_type]
    found: list[Condition] = [columns.family.in_(whole)] if whole else []
    if own := [one for one in named if one[1]]:
        found += [sa.and_(columns.family == family, _made(own_type, columns)) for family, own_type in own]
    # false(): an OR of nothing is no condition at all, and would let everybody in.
    return sa.or_(sa.false(), *found)


def _made(own_type: str, columns: Any) -> Condition:
    """The condition on the rows of folders made with a version of this own type, of whichever collectivity they are."""
    if hasattr(columns, "own_type"):
        return columns.own_type == own_type  # type: ignore[no-any-return]
    versions = (
        sa.select(FolderTypeVersion.id)
        .join(FolderType, FolderType.id == FolderTypeVersion.type_id)
        .where(FolderType.key == own_type)
    )
    return columns.type_version_id.in_(versions)  # type: ignore[no-any-return]


def emitted_with(actor: Actor, right: Right) -> Condition:
    """The condition on `Folder` that the actor holds a right on it at the desk that deposits it."""
    return with_right(actor, right, Folder.emitter_desk_id, Folder)


def with_right(actor: Actor, right: Right, desk: Any, rows: Any) -> Condition:
    """The condition on `rows` that the actor holds a right, on folders of their type, at the desk that a column names."""
    whole = [seat.desk_id for seat in actor.seats if right.value in seat.rights.grants]
    some = [seat for seat in actor.seats if right in seat.rights and seat.desk_id not in whole]
    found = [sa.and_(desk == seat.desk_id, of_types(seat.rights, right, rows)) for seat in some]
    return sa.or_(desk.in_(whole), *found) if found else desk.in_(whole)


def reaching(actor: Actor, steps: Any = STEP) -> Condition:
    """The condition on the steps by which the actor reads their folder."""
    # false() here and below: without it an actor with no desk would have an empty OR, which is no
    # condition.
    return sa.or_(sa.false(), *_reaching(actor, steps))


def _reaching(actor: Actor, steps: Any) -> list[Condition]:
    at_desks = [
        sa.and_(steps.c.desk_id == seat.desk_id, reading_at(actor, seat, steps)) for seat in actor.seats
    ]
    if actor.user_id is None:
        return at_desks
    named = sa.and_(steps.c.named_user_id == actor.user_id, named_reading(actor, steps))
    under = [
        sa.and_(steps.c.desk_id == one.seat.desk_id, reading_under(actor, one, steps)) for one in actor.covers
    ]
    return [*at_desks, *under, named, steps.c.user_id == actor.user_id]


def reading_at(actor: Actor, seat: Seat, steps: Any = STEP) -> Condition:
    """The condition on the steps that reached a desk, by which its holder reads their folder."""
    return _read_or(_asking_by(actor, seat.reading, steps), steps)


def named_reading(actor: Actor, steps: Any = STEP) -> Condition:
    """The condition on the steps that name the actor, by which he reads their folder."""
    return _read_or(asking_in_person(actor, steps), steps)


def asking(actor: Actor, steps: Any = STEP) -> Condition:
    """The condition on the steps at which the actor may act, as long as they are awaited: what he is asked.

    Nobody is asked at another desk of a step on which he has acted.
    """
    at_desks = [
        sa.and_(steps.c.desk_id == seat.desk_id, asking_at(actor, seat, steps)) for seat in actor.seats
    ]
    if actor.user_id is None:
        return sa.or_(sa.false(), *at_desks)
    under = [
        sa.and_(steps.c.desk_id == one.seat.desk_id, asking_under(actor, one, steps)) for one in actor.covers
    ]
    named = sa.and_(steps.c.named_user_id == actor.user_id, asking_in_person(actor, steps))
    return sa.and_(sa.or_(*at_desks, *under, named), unacted(actor.user_id, steps))


def unacted(person: Any, steps: Any = STEP) -> Condition:
    """The condition on the steps of which a person has done no part: nobody acts twice on one (`already-acted`).

    `person`: his number, or the SQL that gives it.
    """
    other = sa.inspect(StepRun).local_table.alias("o")
    # A value, and no EXISTS: PostgreSQL makes a set of an EXISTS, for which it reads all that the person has ever done
    done: Any = sa.select(sa.literal_column("1")).where(
        other.c.folder_id == steps.c.folder_id,
        other.c.pass_number == steps.c.pass_number,
        # The state is a literal, and IS NOT NULL is said, because the partial index of who acted is declared
        # so.
        other.c.state == sa.literal_column("'done'"),
        other.c.user_id == person,
        other.c.user_id.is_not(None),
    )
    return done.limit(1).correlate(steps).scalar_subquery().is_(None)  # type: ignore[no-any-return]


def asking_at(actor: Actor, seat: Seat, steps: Any = STEP) -> Condition:
    """The condition on the steps of a desk at which its holder may act: by the right held there and by mandate."""
    return _asking_by(actor, seat.rights, steps)


def asking_under(actor: Actor, cover: Cover, steps: Any = STEP) -> Condition:
    """The condition on the steps of a desk at which the actor may act in somebody's absence.

    By what the cover lends there; he signs by a mandate of his own, even where none is asked of who sits at the desk. Never
    on a folder that he created, wrote or sent (`wrote`), nor twice on a step (decision 0031).
    """
    lent = cover.seat.rights
    if not lent:
        return sa.false()
    deposited = _FOLDERS.alias("d")
    own = sa.exists().where(deposited.c.id == steps.c.folder_id, wrote(actor.user_id, deposited))
    able = _asking_by(actor, lent, steps, mandated=True)
    return sa.and_(able, ~own.correlate(steps), unacted(actor.user_id, steps))


def wrote(person: int | None, folders: Any = FOLDER) -> Condition:
    """The condition on `folder` that somebody created it, wrote its draft or sent it: `Folder.writers` of both databases."""
    # As text, which is the same for both but for the spaces: « [3, 14] » is « ,3,14, »
    numbers: Any = sa.cast(folders.c.sources.op("->")(sa.literal_column(f"'{WRITERS}'")), sa.Text)
    for mark, plain in ((" ", ""), ("[", ","), ("]", ",")):
        numbers = sa.func.replace(numbers, mark, plain)
    return sa.or_(folders.c.depositor_user_id == person, numbers.like(f"%,{person},%"))


def reading_under(actor: Actor, cover: Cover, steps: Any = STEP) -> Condition:
    """The condition on the steps of a desk by which the actor reads their folder in somebody's absence.

    While the folder waits there, and no longer: of a restricted family, or type, what he may act on, or what he would with
    the rights that a cover to read lends.
    """
    able = _asking_by(actor, cover.seat.reading, steps, mandated=True)
    of_cover = _named_types(cover.types, steps) if cover.types else sa.true()
    return sa.and_(steps.c.state == "active", of_cover, _read_or(able, steps))


def _asking_by(actor: Actor, rights: Rights, steps: Any, *, mandated: bool = False) -> Condition:
    """The condition on the steps of a desk that these rights, held there, would let the actor act on.

    `mandated`: a signature asks a mandate though none was ever recorded.
    """
    able = kinds_with(rights)
    engaging = [kind for kind in able if kind in ENGAGING]
    if not (actor.by_mandate or mandated) or not engaging:
        return _kinds(rights, steps)
    others = [kind for kind in able if kind not in ENGAGING]
    covered = sa.or_(sa.false(), *(_inside(one, steps) for one in scopes(actor)))
    signed = sa.and_(_of_kinds(rights, engaging, steps), covered)
    return sa.or_(_of_kinds(rights, others, steps), signed) if others else signed


def asking_in_person(actor: Actor, steps: Any = STEP) -> Condition:
    """The condition on the steps that name the actor at which he may act; he signs them in his own capacity."""
    return _kinds(_held(actor), steps)


def scopes(actor: Actor) -> tuple[tuple[Bound, ...], ...]:
    """What the actor's mandates let him sign today."""
    named = [one.name for one in catalogue().values() if one.named_substitution]
    found = (scope(one, today(), named) for one in actor.mandates)
    return tuple(one for one in found if one is not None)


def kinds_with(rights: Iterable[Right]) -> tuple[StepKind, ...]:
    """The kinds of steps that whoever holds these rights at a desk may act on there."""
    held = frozenset(rights)
    return tuple(kind for kind in StepKind if kind.right in held)


def as_text(condition: Condition, table: Any = STEP) -> str:
    """A condition on `f` (`folder`) or `s` (`step_run`) as SQL for both databases, its values written in it.

    They are numbers, and words of the house: never what somebody typed.
    """
    whole: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(table).where(condition)
    return str(whole.compile(dialect=_TEXT, compile_kwargs={"literal_binds": True})).partition("WHERE ")[2]


def read_by(db: Db, actor: Actor) -> None:
    """Say who reads what this session tells: other folders are named to him as far as he may read them (`readable_among`)."""
    db.info[READER] = actor


def reader_of(db: Db) -> Actor | None:
    """Who reads what this session tells; None where nobody does: a file that leaves, a job."""
    return db.info.get(READER)


def readable_among(db: Db, folder_ids: Collection[int]) -> frozenset[int]:
    """Those of these folders that the reader of this session may read, and may be named to him; none where nobody reads.

    Whoever was authorised on the session, or locked a folder in it, is its reader.
    """
    reader = reader_of(db)
    if reader is None or not folder_ids:
        return frozenset()
    return frozenset(
        db.scalars(sa.select(_FOLDERS.c.id).where(_FOLDERS.c.id.in_(folder_ids), readable_by(reader)))
    )


@dataclass(frozen=True)
class InText:
    """By what an actor reads, as text (`as_text`), empty where it is all: `readable` of a folder, asked of many (`readable_by`).

    By seat, what it deposits and what came there, as `depositing_at` and `reading_at`; by cover, as `reading_under`; `named`,
    as `named_reading`; `opened`, as `open_to_all`.
    """

    readable: str
    deposited: tuple[str, ...]
    reached: tuple[str, ...]
    covered: tuple[str, ...]
    named: str
    opened: str


def reading_as_text(actor: Actor) -> InText:
    """By what an actor reads: written once for his rights and the day, since to write it costs as much as to ask it."""
    return _in_text(replace(actor, **_APART), today(), restricted_families())


def _held(actor: Actor) -> Rights:
    return Rights.read(word for seat in actor.seats for word in seat.rights.grants)


def _kinds(rights: Rights, steps: Any) -> Condition:
    able = kinds_with(rights)
    if len(able) == len(StepKind) and all(rights.types(kind.right) is None for kind in able):
        return sa.true()
    return _of_kinds(rights, able, steps) if able else sa.false()


def _of_kinds(rights: Rights, kinds: Iterable[StepKind], steps: Any) -> Condition:
    """The condition on the steps of these kinds, of folders on which the rights that they ask are held."""
    by_types: dict[tuple[str, ...] | None, list[str]] = {}
    for kind in kinds:
        by_types.setdefault(rights.types(kind.right), []).append(kind.value)
    found: list[Condition] = []
    for types, values in by_types.items():
        of_kind: Condition = steps.c.kind.in_(values)
        found.append(of_kind if types is None else sa.and_(of_kind, _named_types(types, steps)))
    return sa.or_(*found) if len(found) > 1 else found[0]


def _read_or(able: Condition, steps: Any) -> Condition:
    """What any holder of the desk reads, or of a restricted family, or type, what he may act on."""
    return sa.or_(unrestricted(steps), able)


KEPT = {"family": "family", "matter": "matter", "weight_cents": "amount_cents"}
"""Under which name `step_run` keeps each fact that a bound of a mandate compares."""
IN_SQL: Mapping[How, Callable[[Any, tuple[Any, ...]], Condition]] = {
    How.AMONG: lambda column, values: column.in_(values),
    How.NOT_AMONG: lambda column, values: column.not_in(values),
    # As `_HOLDS` of the law: 7.5 holds 7.5.2 and not 7.50, hence the dot before the `%`.
    How.WITHIN: lambda column, values: sa.or_(
        column.is_(None), column.in_(values), *(column.like(f"{one}.%") for one in values)
    ),
    How.AT_MOST: lambda column, values: column <= values[0],
}
"""Each comparison of `workflows.mandates`, on a column; which bounds a mandate has is said there alone."""


def _inside(bounds: Iterable[Bound], steps: Any) -> Condition:
    """The condition on the steps whose act is inside these bounds."""
    return sa.and_(sa.true(), *(IN_SQL[one.how](steps.c[KEPT[one.fact]], one.values) for one in bounds))


_APART: Mapping[str, Any] = {
    "name": "",
    "capacity": "",
    "login": "",
    "first_name": "",
    "last_name": "",
    "collectivity_name": "",
    "theme": "",
    "session_id": None,
    "address": "",
    "ends_idle_at": None,
    "idle_minutes": 0,
    "shown_name": "",
}
"""What of an actor says nothing of his rights."""


@lru_cache(maxsize=64)
def _in_text(actor: Actor, day: date, closed: tuple[str, ...]) -> InText:
    del day, closed  # read again by what it is made of

    def text(condition: Condition, table: Any = STEP) -> str:
        return "" if isinstance(condition, sa.True_) else as_text(condition, table)

    return InText(
        as_text(readable_by(actor, FOLDER, apart=True), FOLDER),
        tuple(text(depositing_at(seat), FOLDER) for seat in actor.seats),
        tuple(text(reading_at(actor, seat)) for seat in actor.seats),
        tuple(text(reading_under(actor, cover)) for cover in actor.covers),
        text(named_reading(actor)),
        as_text(open_to_all(), FOLDER),
    )


@lru_cache(maxsize=64)
def _authorizing(actor: Actor, day: date, closed: tuple[str, ...], *, several: bool = False) -> Any:
    """The statement of `authorize` for an actor with these rights on this day: writing it costs ten times its answer."""
    del day, closed  # read again by what it is made of
    which = Folder.id.in_(_ASKED) if several else Folder.id == sa.bindparam("folder")
    query = sa.select(Folder, readable_by(actor).label("readable")).where(
        which, Folder.collectivity_id == actor.collectivity_id
    )
    return query.execution_options(**{OURS_ALREADY: True})


def authorize_ahead(db: Db, actor: Actor, folder_ids: Sequence[int]) -> list[Folder]:
    """Ask at one go what `authorize` asks of several folders, in a session that keeps the answers (`gather`) for it.

    Returns those that are there, readable or not: it is `authorize` that refuses.
    """
    alone = replace(actor, **_APART)
    query = _authorizing(alone, today(), restricted_families(), several=True)
    rows = {row[0].id: row for row in db.execute(query, {"folders": list(folder_ids)})}
    for number in folder_ids:
        keep(db, (AUTHORISED, alone, number), (rows.get(number),))
    return [row[0] for row in rows.values()]


def authorize(db: Db, actor: Actor, folder_id: int) -> Folder:
    """The folder, if the actor may read it.

    A number never given, a folder of another collectivity and one of other desks are refused alike (`not-found`): who
    may not read a folder is not told that it exists (decision 0008).
    """
    # What says nothing of rights is left out: all of his sessions and pages meet one statement.
    alone = replace(actor, **_APART)
    known = kept(db, (AUTHORISED, alone, folder_id)) if gathered(db) else None
    if known is None:
        query = _authorizing(alone, today(), restricted_families())
        known = (db.execute(query, {"folder": folder_id}).first(),)
    (row,) = known
    if row is None or not row.readable:
        raise Refusal("not-found")
    folder: Folder = row[0]
    read_by(db, actor)
    return folder


def lock(db: Db, actor: Actor, folder_id: int, version: int | None, *, onlookers: bool = False) -> Folder:
    """The folder, locked until the verb ends; refuses a page that shows an older state (`moved-on`).

    Whether the actor may do the verb is asked by the verb itself; strangers are told by `refuse_stranger`. Who reads the
    folder for its type alone does none (`looks-on`), unless the verb is one for `onlookers` too: it changes nothing there, or
    is by who administers and reads nothing.
    """
    folder = _lock(db, folder_id, actor.collectivity_id)
    if folder is None:
        raise Refusal("not-found")
    read_by(db, actor)
    if not onlookers:
        refuse_onlooker(db, actor, folder)
    if version is not None and folder.version != version:
        # First: « it has moved » may not describe a folder to whoever does not read it (decision 0008).
        refuse_stranger(db, actor, folder)
        raise Refusal("moved-on", folder_id=folder_id, title="Ce dossier a avancé")
    return folder


def _lock(db: Db, number: int, here: int) -> Folder | None:
    binds = {"folder": number, "here": here}
    if db.identity_key(Folder, number) in db.identity_map:
        return db.scalar(_locked, binds)
    db.flush()  # as before any query of the session
    rows = _locked_columns.rows(db.connection(), binds)
    return put_in_hand(db, Folder, dict(zip(_FOLDER_COLUMNS, rows[0], strict=True))) if rows else None


def refuse_stranger(db: Db, actor: Actor, folder: Folder) -> None:
    """Say `not-found` to whoever may not even read the folder, before anything else is said of it."""
    # Jobs are nobody's reader: the system has no desk, and what it may do is asked by its verb.
    if actor.kind != "system" and not may_read(db, actor, folder):
        raise Refusal("not-found")


def refuse_own(db: Db, actor: Actor, folder: Folder, *, person: str = "", desk: str = "") -> None:
    """Refuse (`heir-own`) that who administers give a folder to himself, or to a desk where he sits: he has no part in it."""
    sits = {seat.key for seat in (*actor.seats, *(cover.seat for cover in actor.covers))}
    himself = bool(person) and person == db.scalar(sa.select(User.login).where(User.id == actor.user_id))
    if (desk in sits or himself) and not has_part(db, actor, folder):
        raise Refusal("heir-own")


def reads_all(db: Db, actor: Actor, numbers: Collection[int]) -> bool:
    """Whether the actor reads every one of these folders."""
    query = sa.select(sa.func.count()).where(_FOLDERS.c.id.in_(numbers), readable_by(actor))
    return not numbers or db.scalar(query.select_from(_FOLDERS)) == len(set(numbers))


def lock_editable(db: Db, actor: Actor, folder_id: int, version: int | None = None) -> Folder:
    """The folder, locked, if it is a draft (or came back) and the actor's desk deposits it."""
    folder = lock(db, actor, folder_id, version)
    if folder.emitter_desk_id not in actor.desks_with(Right.CREATE, folder.of_type):
        refuse_stranger(db, actor, folder)
        raise Refusal("not-emitter")
    if folder.phase not in {Phase.DRAFT, Phase.REJECTED}:
        raise Refusal("not-editable")
    # Whoever writes a draft deposits it too, and may not decide on it in somebody's absence (decision 0031).
    if actor.user_id is not None and actor.user_id not in folder.writers:
        folder.sources = {
            **folder.sources,
            WRITERS: sorted({*folder.sources.get(WRITERS, ()), actor.user_id}),
        }
    return folder
