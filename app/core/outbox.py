"""News written with the change: one row per recipient or effect, leased, retried, parked, never forgotten.

A row is at-least-once: its handler may run again after a kill, so each effect carries the row's `key`, which is stable
(Message-ID, file name, number of an act), and looks before it repeats. Whatever makes a row due wakes the worker by the
database itself (`app/core/waking.py`): there is no message beside it that could be lost.
"""

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from app.core import heartbeat, hold, logs
from app.core.clock import now
from app.core.db import Base, Db, Tenanted, Write, reading, write
from app.core.faults import words_of
from app.core.prepared import Prepared
from app.core.refusals import OutcomeUnknown, Refusal
from app.core.texts import cleaned
from app.core.transaction import after_commit, at_once, use_case

log = structlog.get_logger()
UNSETTLED, LONGEST_UNSETTLED = 0.5, 5.0
"""Seconds before what became of a row is written again, doubled at each try, and the longest of these waits."""
MANY = 20
"""Rows of a quick kind that are taken at once."""
LONGEST_WAIT = 3600.0  # seconds between two tries
DOUBLINGS = 30
PATIENCE = timedelta(hours=1)
"""How long a row of a kind that nobody handles here waits for another version's worker."""
PASSING = 5.0
"""Seconds between two looks at such a row."""
AHEAD = timedelta(days=1)
"""By how much a lease may end too late: what ends later was written by a clock that was wrong, and by nobody who lives."""


class Outbox(Base, Tenanted):
    """One thing to do outside the database; `state` is pending, running, done or parked.

    `owner` is drawn each time that the row is taken: whoever has it, and nobody else, ends the row or extends its lease.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        sa.Index(
            "ix_outbox_due",
            "available_at",
            "id",
            sqlite_where=sa.text("state IN ('pending','running')"),
            postgresql_where=sa.text("state IN ('pending','running')"),
        ),
        sa.Index(
            "ix_outbox_parked",
            "collectivity_id",
            "kind",
            sqlite_where=sa.text("state = 'parked'"),
            postgresql_where=sa.text("state = 'parked'"),
        ),
        sa.Index("ix_outbox_folder_id", "folder_id"),
        # What was done last of a kind: an outage is told by nothing being done any more
        sa.Index(
            "ix_outbox_done",
            "collectivity_id",
            "kind",
            "done_at",
            sqlite_where=sa.text("state = 'done' AND last_error IS NULL"),
            postgresql_where=sa.text("state = 'done' AND last_error IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    folder_id: Mapped[int | None]
    recipient: Mapped[str | None]
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(server_default="pending")
    attempts: Mapped[int] = mapped_column(server_default="0")
    available_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    owner: Mapped[str | None]
    last_error: Mapped[str | None]
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    request: Mapped[str | None]


Base.metadata.info["triggers postgresql"] = ("outbox_wakes",)


@dataclass(frozen=True)
class News:
    """A row to write: `kind` names the handler, `key` is the idempotency key, unique for ever.

    It goes after `delay` seconds, or at the hour `not_before` where there is one.
    """

    kind: str
    key: str
    payload: Mapping[str, Any]
    folder_id: int | None = None
    recipient: str | None = None
    delay: float = 0.0
    not_before: datetime | None = None


@dataclass(frozen=True)
class Row:
    """A claimed row, as its handler sees it; `attempt` counts from 1, `request` is the number of the request that caused it.

    `owner` is that of this taking: a later one of the same row has another, even where its attempt has the same number.
    """

    id: int
    kind: str
    key: str
    collectivity_id: int
    folder_id: int | None
    recipient: str | None
    payload: Mapping[str, Any]
    attempt: int
    created_at: datetime
    request: str | None
    owner: str


class Taking(NamedTuple):
    """One taking of a row: its number, the owner that was drawn then, the number of its attempt."""

    id: int
    owner: str
    attempt: int


class Later(Exception):  # noqa: N818 - an answer of the handler, not a fault
    """Nothing failed, but it is too early (a receipt that has not come): look again after `seconds`; `why` is shown."""

    def __init__(self, seconds: float, why: str | None = None) -> None:
        super().__init__(seconds)
        self.seconds, self.why = seconds, why


class Hopeless(Exception):  # noqa: N818 - an answer of the handler
    """Trying again would change nothing: park the row now and show it to the administrator."""


class Needless(Exception):  # noqa: N818 - an answer of the handler
    """Nothing is left to do (the reader may not read any more): the row is done, and says why nothing went out."""


Handler = Callable[[Row], None]
_handlers: dict[str, Handler] = {}
_policy = {"lease": 120.0, "attempts": 8, "backoff": 20.0}
_lasting: dict[str, int] = {}
_indoors: set[str] = set()
_passing: set[str] = set()
_quick: set[str] = set()
_rest: dict[str, Callable[[], None]] = {}
_leased: dict[int, "_Lease"] = {}
"""The leases that this process has, by row: each is of a row that waits for a thread, or that a thread does."""
# A forked child does none of its parent's rows: it must not keep their leases alive.
os.register_at_fork(after_in_child=_leased.clear)
_rows: Any = Outbox.__table__
_as_row = [
    *_rows.c["id", "kind", "key", "collectivity_id", "folder_id"],
    *_rows.c["recipient", "payload", "attempts", "created_at", "request", "owner"],
]


def policy(*, lease: float, attempts: int, backoff: float) -> None:
    """Set the lease in seconds, the number of tries, and the first wait in seconds (doubled at each try)."""
    _policy.update(lease=lease, attempts=attempts, backoff=backoff)


def lasts(kind: str, days: float) -> None:
    """Let rows of a kind be tried for about so many days before they are parked: hourly, once the waits are that long.

    Tries are counted, not days: a rest of ours takes none away, and what is put back to work has them all again.
    """
    _lasting[kind] = int(days * 86400 / LONGEST_WAIT)


def _tries(kind: str) -> int:
    """How often a row of this kind is tried."""
    return int(_policy["attempts"]) + _lasting.get(kind, 0)


def handles(
    kind: str, *, indoors: bool = False, quick: bool = False, passing: bool = False
) -> Callable[[Handler], Handler]:
    """Declare the handler of a kind of row; the last application made in the process decides.

    `indoors`: it sends nothing in the commune's name, and is done while a restoration is held too; what it has sent is
    rows of other kinds, which wait. `quick`: it takes milliseconds, so that a worker takes many of its rows at once; of
    the others it takes each when it is free for it, and leaves the rest to other workers.

    `passing`: nobody looks at a row of it once it is done, and its key is of a moment or of a row that is written once, so
    that none like it is ever asked again: it goes after a time (`forget_done`).
    """

    def declare(handler: Handler) -> Handler:
        _handlers[kind] = handler
        (_indoors.add if indoors else _indoors.discard)(kind)
        (_quick.add if quick else _quick.discard)(kind)
        (_passing.add if passing else _passing.discard)(kind)
        return handler

    return declare


def at_rest(name: str, do: Callable[[], None]) -> None:
    """Let `do` be called each time that nothing is due any more: what was opened for many rows is closed then."""
    _rest[name] = do


_rounds: dict[str, Callable[[], None]] = {}


def each_round(name: str, look: Callable[[], None]) -> None:
    """Let `look` pass at each round of the watchdog, once a minute; it must be quick and know by itself what is due."""
    _rounds[name] = look


def _free() -> sa.ColumnElement[bool]:
    """The condition of what may be done now: everything but while a restoration is held, then what stays indoors."""
    return sa.or_(hold.none_lasts, Outbox.kind.in_(sorted(_indoors)))


def kinds() -> frozenset[str]:
    """The kinds that somebody handles."""
    return frozenset(_handlers)


class Letters:
    """News on its way to the outbox: the rows to write with the change."""

    def __init__(self, collectivity_id: int, news: Iterable[News]) -> None:
        moment, request = now(), logs.request_number()
        rows = [
            {
                "collectivity_id": collectivity_id,
                "kind": message.kind,
                "key": message.key,
                "payload": dict(message.payload),
                "folder_id": message.folder_id,
                "recipient": message.recipient,
                "attempts": 0,
                "state": "pending",
                "available_at": message.not_before or moment + timedelta(seconds=message.delay),
                "created_at": moment,
                "request": request,
            }
            for message in news
        ]
        self.write = Write(_rows, rows)


def post(db: Db, collectivity_id: int, news: Iterable[News]) -> None:
    """Write the rows in the present transaction; the worker wakes once it stands."""
    write(db, [Letters(collectivity_id, news).write])


@dataclass
class _Lease:
    """The lease of one row: whose it is, and since when it is sure, on the clock that other workers read too."""

    owner: str
    attempt: int
    since: datetime


def _alive() -> sa.ColumnElement[bool]:
    """The rows of the index of what is due; said in these very words, or the index does not serve."""
    return sa.text("state IN ('pending','running')")  # type: ignore[return-value]


def _take(db: Db, moment: datetime, most: int, *which: Any) -> list[Row]:
    """Lease the oldest rows that are due and nobody has, in one statement, correct on both databases.

    On PostgreSQL a row that another worker takes at this moment is passed over; on SQLite its transaction is over first.
    """
    due = (
        sa.select(_rows.c.id)
        .where(_alive(), _rows.c.available_at <= moment, _free(), *which)
        .order_by(_rows.c.available_at, _rows.c.id)
        .limit(most)
        .with_for_update(skip_locked=True)
        .cte("due")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    taken = (
        sa.update(_rows)
        .where(_rows.c.id.in_(sa.select(due.c.id)))
        .values(
            state="running",
            attempts=_rows.c.attempts + 1,
            lease_until=moment + timedelta(seconds=_policy["lease"]),
            owner=secrets.token_hex(8),
        )
        .returning(*_as_row)
    )
    # RETURNING promises no order.
    rows = sorted((Row(*row) for row in db.connection().execute(taken)), key=lambda row: row.id)
    leases = {row.id: _Lease(row.owner, row.attempt, moment) for row in rows}
    after_commit(
        db, lambda: _leased.update(leases)
    )  # a lease that was not written, or may not be, is not kept alive
    return rows


def _waits() -> Any:
    return _rows.c.state == "pending"


def _interrupted(moment: datetime) -> Any:
    """Rows whose worker died: none of this process, which may have been stopped, or cut off, for longer than a lease."""
    late = moment + timedelta(seconds=_policy["lease"]) + AHEAD
    over = sa.or_(_rows.c.lease_until < moment, _rows.c.lease_until > late)
    return sa.and_(_rows.c.state == "running", over, _rows.c.id.not_in(list(_leased)))


def _long() -> Any:
    return _rows.c.kind.not_in(sorted(_quick))


def is_quick(kind: str) -> bool:
    """Whether rows of this kind take milliseconds."""
    return kind in _quick


@use_case
def claim(db: Db, row_id: int) -> Row | None:
    """Take this row if it is due, nobody has it and no restoration holds it."""
    moment = now()
    rows = _take(db, moment, 1, _rows.c.id == row_id, sa.or_(_waits(), _interrupted(moment)))
    return rows[0] if rows else None


@use_case
def take(db: Db, *, quick_only: bool = False, long_first: bool = False) -> list[Row]:
    """Take what waits longest: one row, and those of its kind that are due too when the kind is quick, `MANY` at most.

    `quick_only`: nobody is free for a row that may take long. `long_first`: it is the turn of a row that may take long,
    if one is due, whatever waits since before it.
    """
    moment = now()
    if long_first and (rows := _take(db, moment, 1, _waits(), _long())):
        return rows
    which = [_rows.c.kind.in_(sorted(_quick))] if quick_only else []
    rows = _take(db, moment, 1, _waits(), *which)
    if rows and rows[0].kind in _quick:
        rows += _take(db, moment, MANY - 1, _waits(), _rows.c.kind == rows[0].kind)
    return rows


def long_waits() -> bool:
    """Whether a row that may take long is due, or one whose worker died: quick rows must leave a thread free for it."""
    moment = now()
    waiting = sa.or_(sa.and_(_waits(), _long()), _interrupted(moment))
    query = sa.select(_rows.c.id).where(_alive(), _rows.c.available_at <= moment, _free(), waiting).limit(1)
    with reading() as db:
        return db.scalar(query) is not None


@use_case
def take_of(db: Db, kind: str) -> Row | None:
    """Take the oldest row of a kind that is due and nobody has, left by a dead worker or not."""
    moment = now()
    rows = _take(db, moment, 1, _rows.c.kind == kind, sa.or_(_waits(), _interrupted(moment)))
    return rows[0] if rows else None


@use_case
def take_interrupted(db: Db) -> Row | None:
    """Take a row whose worker died or lost its lease: alone, for if it is the one that kills, it costs no other a try."""
    moment = now()
    rows = _take(db, moment, 1, _interrupted(moment))
    return rows[0] if rows else None


@use_case
def give_back(db: Db, rows: Sequence[Row]) -> None:
    """Let others take at once what was taken here and not begun; no try is used up.

    Should the database be away, the leases of these rows are kept no more, and run out.
    """
    forget(rows)
    mine = sa.update(_rows).where(_ours(rows), _rows.c.state == "running")
    db.connection().execute(
        mine.values(
            state="pending",
            attempts=_rows.c.attempts - 1,
            lease_until=None,
            owner=None,
            available_at=_rows.c.available_at,  # said again, so that the database wakes whoever waits
        )
    )


def forget(rows: Iterable[Row]) -> None:
    """Keep the leases of these rows no more."""
    for row in rows:
        lease_of = _leased.get(row.id)
        if lease_of is not None and lease_of.owner == row.owner:
            del _leased[row.id]


def _ours(taken: Iterable[Row | Taking]) -> sa.ColumnElement[bool]:
    """These rows, as far as nobody else has taken them since.

    The attempt is asked too: a worker of a version that knows no owner takes a row and leaves the owner of before.
    """
    known = [(row.id, row.owner, row.attempt) for row in taken]
    return sa.tuple_(_rows.c.id, _rows.c.owner, _rows.c.attempts).in_(known)


_END = (
    sa.update(_rows)
    .where(
        _rows.c.id == sa.bindparam("row_id"),
        _rows.c.owner == sa.bindparam("owned_by"),
        _rows.c.attempts == sa.bindparam("attempt"),
        _rows.c.state == "running",
    )
    .values(lease_until=None, owner=None, last_error=sa.bindparam("error"))
    .returning(_rows.c.id)
)
_ENDS = {
    "done": Prepared(_END.values(state="done", done_at=sa.bindparam("moment"))),
    "parked": Prepared(_END.values(state="parked")),
    "pending": Prepared(
        _END.values(
            state="pending",
            available_at=sa.bindparam("moment"),
            attempts=_rows.c.attempts - sa.bindparam("uncounted"),
        )
    ),
}
"""The end of an attempt, by the state that it leaves: each letter has one, so that it is built once."""


def settle(row: Row, state: str, error: str | None = None, wait: float = 0.0, *, counts: bool = True) -> bool:
    """Write the end of an attempt; False when the lease was lost to another worker, whose word then counts."""
    # What a server answered may hold anything; a row that could not say its fault would stay leased.
    binds: dict[str, Any] = {"row_id": row.id, "owned_by": row.owner, "attempt": row.attempt}
    binds["error"] = error and cleaned(error)
    if state == "done":
        binds |= {"moment": now()}
    if state == "pending":
        binds |= {"moment": now() + timedelta(seconds=wait), "uncounted": 0 if counts else 1}
    return bool(at_once(_ENDS[state], binds))


def _end(row: Row, state: str, error: str | None = None, wait: float = 0.0, *, counts: bool = True) -> None:
    """Settle, and again as long as the database is away: what was done outside is not to be done twice for that.

    The lease may run out meanwhile: this process does not take its own row again, and renews it once the database is back.
    """
    pause = UNSETTLED
    while True:
        try:
            settle(row, state, error, wait, counts=counts)
        except (SQLAlchemyError, Refusal, OutcomeUnknown) as fault:
            log.warning("outbox.unsettled", row=row.id, kind=row.kind, state=state, error=repr(fault))
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_UNSETTLED)
        else:
            return


@use_case
def renew(db: Db, taken: Sequence[Row | Taking]) -> frozenset[int]:
    """Keep the leases of these rows, each by its owner; the numbers of those that are still ours."""
    moment = now()
    renewal = (
        sa.update(_rows)
        .where(_ours(taken), _rows.c.state == "running")
        .values(lease_until=moment + timedelta(seconds=_policy["lease"]))
        .returning(_rows.c.id)
    )
    mine = frozenset(db.connection().execute(renewal).scalars())
    known = [(_leased.get(row.id), row.owner) for row in taken if row.id in mine]
    renewed = [lease_of for lease_of, owner in known if lease_of is not None and lease_of.owner == owner]

    def note() -> None:
        for lease_of in renewed:
            lease_of.since = moment

    # Once it stands: a renewal that is undone makes no lease sure.
    after_commit(db, note)
    return mine


@use_case
def retry(db: Db, collectivity_id: int, row_id: int) -> bool:
    """Put a parked or waiting row back to work at once; False when it is not there to retry."""
    changed = db.execute(
        sa.update(Outbox)
        .where(
            Outbox.id == row_id,
            Outbox.collectivity_id == collectivity_id,
            Outbox.state.in_(["parked", "pending"]),
        )
        # The number of the attempt comes back, which is why each taking draws an owner (decision 0005).
        .values(state="pending", attempts=0, available_at=now(), lease_until=None)
        .returning(Outbox.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    return changed is not None


@use_case
def retry_all(db: Db, kind: str, collectivity_id: int | None = None, *which: sa.ColumnElement[bool]) -> int:
    """Put every parked row of a kind back to work, of one collectivity or of all, those that `which` names; how many."""
    rows = [Outbox.kind == kind, Outbox.state == "parked", *which]
    if collectivity_id is not None:
        rows.append(Outbox.collectivity_id == collectivity_id)
    values = {"state": "pending", "attempts": 0, "available_at": now(), "lease_until": None}
    query = sa.update(Outbox).where(*rows).values(**values).returning(Outbox.id)
    return len(db.scalars(query.execution_options(synchronize_session=False)).all())


@dataclass(frozen=True)
class Stopped:
    """Rows of a kind that fail while none is done: how many, and since when."""

    count: int
    since: datetime


FAILURES = 3
"""Tries after which a row tells of an outage, rather than of a busy minute."""


def stopped(db: Db, kind: str) -> Stopped | None:
    """Whether nothing of this kind is done any more, in the collectivity of the session, while some fail again and again.

    One that fails alone, among others that are done after it was asked, is its own affair.
    """
    failing = (
        sa.text("state IN ('pending','running')"),
        Outbox.kind == kind,
        Outbox.attempts >= FAILURES,
        Outbox.last_error.is_not(None),
    )
    count, since = db.execute(
        sa.select(sa.func.count(Outbox.id), sa.func.min(Outbox.created_at)).where(*failing)
    ).one()
    if not count:
        return None
    # The condition of its index, as it is written there: a bound value proves nothing to the planner
    done = sa.select(Outbox.id).where(
        Outbox.kind == kind, sa.text("state = 'done' AND last_error IS NULL"), Outbox.done_at > since
    )
    return None if db.scalar(done.limit(1)) is not None else Stopped(count, since)


@use_case
def forget_done(db: Db, collectivity_id: int, before: datetime, most: int) -> int:
    """Remove rows of a collectivity whose kind is `passing` and that were done before then, `most` of them; how many went."""
    old = [
        sa.select(Outbox.id)
        .where(
            Outbox.collectivity_id == collectivity_id,
            Outbox.kind == kind,
            # The condition of the partial index `ix_outbox_done`, as it is written there.
            sa.text("state = 'done' AND last_error IS NULL"),
            Outbox.done_at < before,
        )
        .limit(most)
        for kind in sorted(_passing)
    ]
    numbers = [number for query in old for number in db.scalars(query)][:most]
    gone = sa.delete(Outbox).where(Outbox.id.in_(numbers))
    db.execute(gone.execution_options(synchronize_session=False))
    return len(numbers)


def hasten(db: Db, row_id: int) -> None:
    """Let a waiting row be done now, in the present transaction; the worker wakes once it stands."""
    waiting = sa.update(Outbox).where(Outbox.id == row_id, Outbox.state == "pending")
    db.execute(waiting.values(available_at=now()).execution_options(synchronize_session=False))


def resume(db: Db, collectivity_id: int, delay: float, *which: sa.ColumnElement[bool]) -> int:
    """Put parked rows of a collectivity back to work after so many seconds, in the present transaction; how many."""
    rows = sa.update(Outbox).where(
        Outbox.collectivity_id == collectivity_id, sa.text("state = 'parked'"), *which
    )
    ready = now() + timedelta(seconds=delay)
    again = rows.values(state="pending", attempts=0, available_at=ready, lease_until=None).returning(
        Outbox.id
    )
    return len(db.scalars(again.execution_options(synchronize_session=False)).all())


def abandon(
    db: Db, collectivity_id: int, why: str, *which: sa.ColumnElement[bool], parked: bool = False
) -> int:
    """End waiting rows of a collectivity as `Needless` would, in the present transaction: nothing of them will leave; how many.

    `parked`: those too whose tries are over. One that a worker has at this moment is its own affair: its handler looks again.
    """
    states = "state IN ('pending','parked')" if parked else "state = 'pending'"
    rows = sa.update(Outbox).where(Outbox.collectivity_id == collectivity_id, sa.text(states), *which)
    done = rows.values(state="done", last_error=why, done_at=now(), lease_until=None)
    ended = db.execute(done.execution_options(synchronize_session=False))
    return int(ended.rowcount)  # type: ignore[attr-defined]


def run(row_id: int) -> None:
    """Do one row: claim, act outside any transaction, settle. A row that is not due is left alone."""
    if row := claim(row_id):
        with beating():
            do(row)
        rest()


def do(row: Row) -> None:
    """Do a row that was taken; left alone when it was taken so long ago that another worker has it by now."""
    known = _leased.get(row.id)
    mine = known if known is not None and known.owner == row.owner else None
    # A clock that went back makes nothing sure either.
    sure = mine is not None and timedelta(0) <= now() - mine.since < timedelta(seconds=lease() / 2)
    try:
        # This process may have been stopped for a while, or the machine asleep: a letter is not to leave twice for that.
        if not sure and not renew([row]):
            log.warning("outbox.lost", row=row.id, kind=row.kind)
            return
        with logs.following(row.request):
            _do(row)
    finally:
        # However it ended: a lease that nobody works under any more would be renewed for ever. Another thread may have
        # taken the row since its end was written: that lease is another.
        if mine is not None and _leased.get(row.id) is mine:
            del _leased[row.id]


def _do(row: Row) -> None:
    handler = _handlers.get(row.kind)
    if handler is None:
        # While a version takes the place of another, the newer one may write kinds that the older does not know yet
        if now() - row.created_at < PATIENCE:
            why = f"personne ne traite encore « {row.kind} » ; une version plus récente peut le faire"
            _end(row, "pending", why, PASSING, counts=False)
        else:
            _end(row, "parked", f"personne ne traite « {row.kind} »")
        return
    # Only a row whose worker is killed each time comes here: every other failure is parked below.
    if row.attempt > _tries(row.kind):
        _end(row, "parked", "interrompu à chaque essai : le travail de fond s’est arrêté avant la fin")
        return
    try:
        handler(row)
    except Later as later:
        _end(row, "pending", later.why, later.seconds, counts=False)  # waiting is not failing
    except Needless as reason:
        _end(row, "done", str(reason))
    except Hopeless as fault:
        _end(row, "parked", str(fault) or type(fault).__name__)
    except Exception as fault:  # noqa: BLE001 - whatever went wrong is kept on the row and shown, never swallowed
        log.warning("outbox.failed", row=row.id, kind=row.kind, attempt=row.attempt, error=repr(fault))
        wait = min(_policy["backoff"] * 2 ** min(row.attempt - 1, DOUBLINGS), LONGEST_WAIT)
        _end(
            row,
            "parked" if row.attempt >= _tries(row.kind) else "pending",
            words_of(fault) or f"{type(fault).__name__} : {fault}"[:500],
            wait,
        )
    else:
        _end(row, "done")


def rest() -> None:
    """Nothing is due any more: close what was opened for many rows."""
    for name, close in _rest.items():
        try:
            close()
        except Exception as fault:  # noqa: BLE001 - the work is done
            log.warning("outbox.rest", name=name, error=repr(fault))


def beat() -> bool:
    """Renew every lease that this process has; False after a fault, which is logged: the next beat is to come soon."""
    # A copy: another thread may take or end rows meanwhile.
    taken = [Taking(row_id, lease.owner, lease.attempt) for row_id, lease in list(_leased.items())]
    try:
        mine = renew(taken) if taken else frozenset()
        for taking in taken:
            known = _leased.get(taking.id)
            # Another worker has it: what is under way here will settle nothing.
            if taking.id not in mine and known is not None and known.owner == taking.owner:
                del _leased[taking.id]
    except Exception as fault:  # noqa: BLE001 - a missed beat is not a failure of the work
        log.warning("lease.not_renewed", error=repr(fault))
        return False
    return True


def lease() -> float:
    """Seconds for which a row is taken."""
    return _policy["lease"]


def beat_every() -> float:
    """Seconds between two beats: three in a lease."""
    return lease() / 3


@contextmanager
def beating() -> Iterator[None]:
    """Keep the leases of this process from a thread while the body works: one for all of its rows."""
    stop = threading.Event()

    def pump() -> None:
        while not stop.wait(beat_every()):
            beat()

    thread = threading.Thread(target=pump, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def due() -> list[int]:
    """The rows to do now, whatever their age. While a restoration is held, those that stay indoors."""
    moment = now()
    with reading() as db:
        query = (
            sa.select(Outbox.id)
            .where(
                _alive(),
                Outbox.available_at <= moment,
                _free(),
                sa.or_(_waits(), _interrupted(moment)),
            )
            .order_by(Outbox.available_at, Outbox.id)
            .limit(500)
        )
        return list(db.scalars(query))


def next_due(moment: datetime) -> float | None:
    """How many seconds after a moment the next row that waits for its hour is due; None when none waits.

    Asked of the moment before the last look at what is due: no row has its hour between the two.
    """
    query = (
        sa.select(_rows.c.available_at)
        .where(_alive(), _rows.c.available_at > moment, _waits())
        .order_by(_rows.c.available_at)
        .limit(1)
    )
    with reading() as db:
        first = db.scalar(query)
    return None if first is None else (first - moment).total_seconds()


def watch() -> None:
    """The round of each minute: say that the worker lives, and let others look at what is due to them.

    While a restoration is held nobody looks: they ask operators, whose answers are another installation's.
    """
    # First: a look that takes long must not make the worker seem dead.
    heartbeat.beat(heartbeat.WORKER, now())
    looks = {} if hold.held() else _rounds
    for name, look in looks.items():
        try:
            look()
        except Exception as fault:  # noqa: BLE001 - one that fails must not keep the others' work from starting
            log.warning("round.failed", round=name, error=repr(fault))


def drain() -> int:
    """Do every due row in this process, until none is left; returns how many were done."""
    count = 0
    with beating():
        while rows := take() or _alone():
            try:
                for row in rows:
                    do(row)
                    count += 1
            finally:
                # After a fault, what was taken and not begun is kept alive no more: its lease runs out.
                forget(rows)
    if count:
        rest()
    return count


def _alone() -> list[Row]:
    row = take_interrupted()
    return [] if row is None else [row]
