"""News written with the change: one row per recipient or effect, leased, retried, parked, never forgotten.

A row is at-least-once: its handler may run again after a kill, so each effect carries the row's `key`, which is stable
(Message-ID, file name, number of an act), and looks before it repeats.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core import heartbeat, hold, jobs, logs
from app.core.clock import now
from app.core.db import Base, Db, Tenanted, Write, reading, write
from app.core.faults import words_of
from app.core.texts import cleaned
from app.core.transaction import after_commit, use_case

LONGEST_WAIT = 3600.0  # seconds between two tries
DOUBLINGS = 30
PATIENCE = timedelta(hours=1)
"""How long a row of a kind that nobody handles here waits for another version's worker."""
PASSING = 5.0
"""Seconds between two looks at such a row."""


class Outbox(Base, Tenanted):
    """One thing to do outside the database; `state` is pending, running, done or parked."""

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
    last_error: Mapped[str | None]
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    request: Mapped[str | None]


@dataclass(frozen=True)
class News:
    """A row to write: `kind` names the handler, `key` is the idempotency key, unique for ever."""

    kind: str
    key: str
    payload: Mapping[str, Any]
    folder_id: int | None = None
    recipient: str | None = None
    delay: float = 0.0


@dataclass(frozen=True)
class Row:
    """A claimed row, as its handler sees it; `attempt` counts from 1, `request` is the number of the request that caused it."""

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
_rows: Any = Outbox.__table__
_as_row = [
    *_rows.c["id", "kind", "key", "collectivity_id", "folder_id"],
    *_rows.c["recipient", "payload", "attempts", "created_at", "request"],
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


def handles(kind: str, *, indoors: bool = False) -> Callable[[Handler], Handler]:
    """Declare the handler of a kind of row; the last application made in the process decides.

    `indoors`: it sends nothing in the commune's name, and is done while a restoration is held too; what it has sent is
    rows of other kinds, which wait.
    """

    def declare(handler: Handler) -> Handler:
        _handlers[kind] = handler
        (_indoors.add if indoors else _indoors.discard)(kind)
        return handler

    return declare


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
    """News on its way to the outbox: the rows to write with the change, then the worker to wake."""

    def __init__(self, collectivity_id: int, news: Iterable[News]) -> None:
        moment, request, self._news = now(), logs.request_number(), tuple(news)
        rows = [
            {
                "collectivity_id": collectivity_id,
                "kind": one.kind,
                "key": one.key,
                "payload": dict(one.payload),
                "folder_id": one.folder_id,
                "recipient": one.recipient,
                "attempts": 0,
                "state": "pending",
                "available_at": moment + timedelta(seconds=one.delay),
                "created_at": moment,
                "request": request,
            }
            for one in self._news
        ]
        self.write = Write(_rows, rows, numbers=True)

    def announce(self, db: Db, numbers: Sequence[int]) -> None:
        """Wake the worker for the rows of these numbers, once the transaction stands."""
        delays = [(number, one.delay) for number, one in zip(numbers, self._news, strict=True)]
        if delays:
            after_commit(db, lambda: jobs.wake(delays))


def post(db: Db, collectivity_id: int, news: Iterable[News]) -> None:
    """Write the rows in the present transaction, and wake the worker once it stands."""
    letters = Letters(collectivity_id, news)
    letters.announce(db, write(db, [letters.write]))


@use_case
def claim(db: Db, row_id: int) -> Row | None:
    """Take the row if it is due, nobody has it and no restoration holds it: one compare-and-set, correct on both databases."""
    moment = now()
    taken = db.execute(
        sa.update(Outbox)
        .where(
            Outbox.id == row_id,
            Outbox.available_at <= moment,
            _free(),
            sa.or_(
                Outbox.state == "pending", sa.and_(Outbox.state == "running", Outbox.lease_until < moment)
            ),
        )
        .values(
            state="running",
            attempts=Outbox.attempts + 1,
            lease_until=moment + timedelta(seconds=_policy["lease"]),
        )
        .returning(*_as_row)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    return Row(*taken) if taken else None


@use_case
def settle(
    db: Db, row: Row, state: str, error: str | None = None, wait: float = 0.0, *, counts: bool = True
) -> bool:
    """Write the end of an attempt; False when the lease was lost to another worker, whose word then counts."""
    moment = now()
    # What a server answered may hold anything; a row that could not say its fault would stay leased.
    fields: dict[str, Any] = {"state": state, "lease_until": None, "last_error": error and cleaned(error)}
    if state == "done":
        fields["done_at"] = moment
    if state == "pending":
        fields["available_at"] = moment + timedelta(seconds=wait)
        after_commit(db, lambda: jobs.wake([(row.id, wait)]))
    if not counts:
        fields["attempts"] = Outbox.attempts - 1
    changed = db.execute(
        sa.update(Outbox)
        .where(Outbox.id == row.id, Outbox.attempts == row.attempt, Outbox.state == "running")
        .values(**fields)
        .returning(Outbox.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    return changed is not None


@use_case
def renew(db: Db, row: Row) -> None:
    """Keep the lease of a long effect."""
    db.execute(
        sa.update(Outbox)
        .where(Outbox.id == row.id, Outbox.attempts == row.attempt, Outbox.state == "running")
        .values(lease_until=now() + timedelta(seconds=_policy["lease"]))
        .execution_options(synchronize_session=False)
    )


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
        .values(state="pending", attempts=0, available_at=now(), lease_until=None)
        .returning(Outbox.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if changed:
        after_commit(db, lambda: jobs.wake([(row_id, 0.0)]))
    return changed is not None


@use_case
def retry_all(db: Db, kind: str, collectivity_id: int | None = None) -> int:
    """Put every parked row of a kind back to work, of one collectivity or of all; how many."""
    rows = [Outbox.kind == kind, Outbox.state == "parked"]
    if collectivity_id is not None:
        rows.append(Outbox.collectivity_id == collectivity_id)
    values = {"state": "pending", "attempts": 0, "available_at": now(), "lease_until": None}
    query = sa.update(Outbox).where(*rows).values(**values).returning(Outbox.id)
    numbers = db.scalars(query.execution_options(synchronize_session=False)).all()
    after_commit(db, lambda: jobs.wake([(number, 0.0) for number in numbers]))
    return len(numbers)


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
    done = sa.select(Outbox.id).where(
        Outbox.kind == kind, Outbox.state == "done", Outbox.last_error.is_(None), Outbox.done_at > since
    )
    return None if db.scalar(done.limit(1)) is not None else Stopped(count, since)


def hasten(db: Db, row_id: int) -> None:
    """Let a waiting row be done now, in the present transaction; the worker is woken once it stands."""
    waiting = sa.update(Outbox).where(Outbox.id == row_id, Outbox.state == "pending")
    db.execute(waiting.values(available_at=now()).execution_options(synchronize_session=False))
    after_commit(db, lambda: jobs.wake([(row_id, 0.0)]))


def run(row_id: int) -> None:
    """Do one row: claim, act outside any transaction, settle. A row that is not due is left alone."""
    if row := claim(row_id):
        with logs.following(row.request):
            _do(row)


def _do(row: Row) -> None:
    handler = _handlers.get(row.kind)
    if handler is None:
        # While a version takes the place of another, the newer one may write kinds that the older does not know yet
        if now() - row.created_at < PATIENCE:
            why = f"personne ne traite encore « {row.kind} » ; une version plus récente peut le faire"
            settle(row, "pending", why, PASSING, counts=False)
        else:
            settle(row, "parked", f"personne ne traite « {row.kind} »")
        return
    if row.attempt > _tries(row.kind):
        settle(row, "parked", "interrompu à chaque essai : le travail de fond s’est arrêté avant la fin")
        return
    try:
        with jobs.heart(_policy["lease"] / 3, lambda: renew(row)):
            handler(row)
    except Later as later:
        settle(row, "pending", later.why, later.seconds, counts=False)  # waiting is not failing
    except Needless as reason:
        settle(row, "done", str(reason))
    except Hopeless as fault:
        settle(row, "parked", str(fault) or type(fault).__name__)
    except Exception as fault:  # noqa: BLE001 - whatever went wrong is kept on the row and shown, never swallowed
        jobs.log.warning("outbox.failed", row=row.id, kind=row.kind, attempt=row.attempt, error=repr(fault))
        wait = min(_policy["backoff"] * 2 ** min(row.attempt - 1, DOUBLINGS), LONGEST_WAIT)
        settle(
            row,
            "parked" if row.attempt >= _tries(row.kind) else "pending",
            words_of(fault) or f"{type(fault).__name__} : {fault}"[:500],
            wait,
        )
    else:
        settle(row, "done")


def due() -> list[int]:
    """The rows to do now, whatever their age: the watchdog forgets none. While a restoration is held, those that stay indoors."""
    moment = now()
    with reading() as db:
        query = (
            sa.select(Outbox.id)
            .where(
                sa.text("state IN ('pending','running')"),
                Outbox.available_at <= moment,
                _free(),
                sa.or_(Outbox.state == "pending", Outbox.lease_until < moment),
            )
            .order_by(Outbox.available_at, Outbox.id)
            .limit(500)
        )
        return list(db.scalars(query))


def relay() -> int:
    """Wake the worker for every due row; what a killed process left behind starts again here."""
    rows = due()
    jobs.wake([(row_id, 0.0) for row_id in rows])
    return len(rows)


def watch() -> None:
    """The watchdog's round: say that the worker lives, let others look at what is due to them, and wake whatever is due.

    While a restoration is held nobody looks: they ask operators, whose answers are another installation's.
    """
    heartbeat.beat("worker", now())
    looks = {} if hold.held() else _rounds
    for name, look in looks.items():
        try:
            look()
        except Exception as fault:  # noqa: BLE001 - one that fails must not keep the others' work from starting
            jobs.log.warning("round.failed", round=name, error=repr(fault))
    relay()


def drain() -> int:
    """Do every due row in this process, until none is left; returns how many were done."""
    count = 0
    while rows := due():
        for row_id in rows:
            run(row_id)
            count += 1
    return count


jobs.carries(run=run, watch=watch)
