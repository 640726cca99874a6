"""The one place that commits: a verb is one transaction, wholly written or not at all."""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from app.core.db import LIFE, Db, by_itself, engine, turn_to_write, unreachable, writing
from app.core.prepared import Prepared
from app.core.refusals import OutcomeUnknown, Refusal

P = ParamSpec("P")
R = TypeVar("R")
Life = tuple[str, ...] | None

TRIES = 3
PATIENCE = 5.0
"""Seconds that a server which was lost at the commit is given to come back and say what became of it."""
NUMBER: Any = sa.literal_column("pg_current_xact_id()::text")
"""The number of a transaction that writes, as a column of what a verb reads anyway just before it writes (`numbered`)."""
log = structlog.get_logger()
_inside: ContextVar[str | None] = ContextVar("use_case", default=None)
_commits: ContextVar[list[str] | None] = ContextVar("commits", default=None)


def running() -> str | None:
    """The verb whose transaction is open here, if any: what takes long asks before it begins."""
    return _inside.get()


def begin_work() -> None:
    """From here on, `wrote` answers for this piece of work, and for the threads that it starts in copies of its context."""
    _commits.set([])


def wrote() -> bool:
    """Whether a verb of this piece of work was committed: whoever reports a crash does not say that nothing was."""
    return bool(_commits.get())


def after_commit(db: Db, news: Callable[[], None]) -> None:
    """Do `news` once the transaction stands; it is forgotten if the transaction does not."""
    db.info.setdefault("after_commit", []).append(news)


def before_commit(db: Db, work: Callable[[], None]) -> None:
    """Do `work` once the verb has written its own, in its transaction: what is written once for all that it has changed."""
    db.info.setdefault("before_commit", []).append(work)


def finish(db: Db) -> None:
    """Do what waits for the end of the verb: before it locks the head of the journal, for which others wait, or at its end."""
    while works := db.info.pop("before_commit", []):
        for work in works:
            work()


def use_case(verb: Callable[Concatenate[Db, P], R]) -> Callable[P, R]:
    """Open the transaction of a verb, and try it again after a deadlock, a busy SQLite or a lost race on a unique row.

    The verb takes plain values and an `Actor`, and returns plain facts. A verb never calls a verb: the inner one
    would commit half of the outer one. Nothing inside waits for the network.
    A server that is lost while it commits is asked afterwards what became of it: what was written is not written again.
    Refuses `busy`, nothing was written; raises `OutcomeUnknown` where the server did not come back to say.
    """

    @wraps(verb)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if _inside.get() is not None:
            raise RuntimeError(f"{verb.__name__} was called inside {_inside.get()}")
        token = _inside.set(verb.__name__)
        try:
            for attempt in range(1, TRIES + 1):
                try:
                    result, news = _once(verb, *args, **kwargs)
                    break
                except (IntegrityError, OperationalError) as error:
                    if attempt == TRIES:
                        raise Refusal("busy") from error
                    log.warning(
                        "transaction.again", verb=verb.__name__, attempt=attempt, error=type(error).__name__
                    )
        finally:
            _inside.reset(token)
        done = _commits.get()
        if done is not None:
            done.append(verb.__name__)
        # The verb is over (`_inside`): what is told now may open a transaction of its own.
        for callback in news:
            callback()
        return result

    return run


def at_once(statement: Prepared, values: Mapping[str, Any]) -> Sequence[Any]:
    """Run one statement that is a transaction by itself, in one exchange with a server; the rows that it returns.

    For what bears to be run twice: whoever calls it tries again when the server is lost, whatever had become of it.
    """
    with turn_to_write(), by_itself().begin() as connection:
        return statement.rows(connection, values)


def _once(
    verb: Callable[Concatenate[Db, P], R], *args: P.args, **kwargs: P.kwargs
) -> tuple[R, list[Callable[[], None]]]:
    """One attempt; the news is told by the caller, once the commit stands."""
    with turn_to_write(), writing() as db:
        # Verbs name their actor as they like: he is known by his collectivity, which the session is then held
        # to.
        actor = next(
            (argument for argument in (*args, *kwargs.values()) if hasattr(argument, "collectivity_id")), None
        )
        if actor is not None:
            db.info["collectivity_id"] = actor.collectivity_id
        lost: DBAPIError | None = None
        with db.begin() as whole:
            result = verb(db, *args, **kwargs)
            finish(db)
            # Before the number is asked: PostgreSQL gives one to a transaction once it writes.
            db.flush()
            number = _number(db)
            try:
                whole.commit()
            except DBAPIError as error:
                if number is None or not unreachable(error):
                    raise
                lost = error
        if lost is not None and number is not None and not _committed(*number, verb.__name__):
            raise lost
        return result, db.info.get("after_commit", [])


def tells_number(connection: sa.Connection) -> bool:
    """Whether the server tells the number of a transaction: SQLite has none, PostgreSQL does since its release 13."""
    return connection.dialect.name == "postgresql" and (connection.dialect.server_version_info or ()) >= (13,)


def numbered(db: Db, number: str) -> None:
    """Keep the number of the transaction, which a statement of the verb has read (`NUMBER`): it is not asked again."""
    db.info["number"] = number


def _number(db: Db) -> tuple[str, Life] | None:
    """The number of this transaction and the life of its server; None where the outcome of a commit is never in doubt.

    SQLite answers a commit itself; what wrote nothing has no number.
    """
    connection = db.connection()
    if not tells_number(connection):
        return None
    number = db.info.get("number")
    if number is None:
        number = connection.exec_driver_sql("SELECT pg_current_xact_id_if_assigned()::text").scalar()
    return (number, connection.info.get(LIFE)) if number else None


def _committed(number: str, life: Life, verb: str) -> bool:
    """What became of a transaction whose server was lost at its commit; `OutcomeUnknown` when nobody says.

    After a crash or a failover (`db.LIFE`) the numbers say nothing of ours: it may have been given to another.
    """
    ends = time.monotonic() + PATIENCE
    for attempt in itertools.count(1):
        state, there = None, life
        with suppress(DBAPIError), engine().connect() as connection:
            there = connection.info.get(LIFE)
            state = connection.exec_driver_sql("SELECT pg_xact_status(%s::xid8)", (number,)).scalar()
        if life is None or there != life:
            break
        if state in {"committed", "aborted"}:
            log.warning("transaction.lost", verb=verb, outcome=state, attempt=attempt)
            return bool(state == "committed")
        if time.monotonic() > ends:
            break
        time.sleep(0.2)
    log.error("transaction.lost", verb=verb, outcome="unknown")
    raise OutcomeUnknown
