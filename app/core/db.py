"""Columns, naming and the engine: one model and one set of migrations for SQLite and PostgreSQL."""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import chain
from threading import Lock
from typing import Any

import sqlalchemy as sa
from pydantic_core import from_json
from sqlalchemy import JSON, Connection, DateTime, Dialect, Engine, ForeignKey, MetaData, create_engine, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    ORMExecuteState,
    Session,
    mapped_column,
    sessionmaker,
    with_loader_criteria,
)
from sqlalchemy.pool import StaticPool
from sqlalchemy.types import TypeDecorator

from app.core.prepared import Prepared
from app.core.refusals import Refusal
from app.core.texts import whole

NO_DATE = date(9999, 12, 31)
"""No deadline: a date so that an index sorts it last on both databases."""

LARGEST_KEY = 2**31 - 1
"""The largest row number that a key of either database can hold."""

REST = 5.0
"""Seconds after which a connection to a server is asked whether it still lives before it serves again."""

Db = Session


def key_in(text: str | None) -> int | None:
    """The row number that a text names, or None: what somebody typed is never sent to the database as it came.

    >>> key_in("12"), key_in("²"), key_in("99999999999")
    (12, None, None)
    """
    return whole(text, LARGEST_KEY)


class UTCDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC; a naive one is refused on the way in."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store UTC only."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without its zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give UTC back, whatever the database kept."""
        return None if value is None else value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)


Json = JSON().with_variant(JSONB(), "postgresql")
MissingJson = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""The same for what may not be there: None is no value, not the null of JSON."""


class Base(DeclarativeBase):
    """The tables of the house, with every constraint named by convention (SQLite alters by name)."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UTCDateTime, dict[str, Any]: Json, list[Any]: Json}  # noqa: RUF012


class Tenanted:
    """A row that belongs to one collectivity; sessions opened for another never see it (`keep_apart`)."""

    collectivity_id: Mapped[int] = mapped_column(ForeignKey("collectivity.id"))


def keep_by(*triggers: str) -> None:
    """Name triggers that a SQLite base must have, to be told by `check` where one is lost."""
    known = Base.metadata.info.get("triggers sqlite", ())
    Base.metadata.info["triggers sqlite"] = (*known, *triggers)


def make_engine(url: str) -> Engine:
    """An engine with the durability that a proof needs: SQLite in WAL with full sync, PostgreSQL as configured."""
    # Parameters hidden here too: an incident would else log the row that it failed on.
    if not url.startswith("sqlite"):
        from app.core.cursors import PlainCursor  # an installation on SQLite does without its library

        server = create_engine(
            url.replace("postgresql://", "postgresql+psycopg://"),
            connect_args={"cursor_factory": PlainCursor},
            json_deserializer=from_json,  # a tenth of the time of that of Python, which looks for an encoding first
            pool_size=8,
            max_overflow=8,
            hide_parameters=True,
        )
        _ask_after_a_rest(server)
        _compile_nothing(server)
        _know_the_life(server)
        return server
    # What a statement carries (a folder's words, the hash of a password) is never in an error, so never in a log
    engine = create_engine(url, connect_args={"timeout": 30, "isolation_level": None}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        # FULL: what a page said to be done outlives a power cut.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A deferred transaction that turns to writing gets "locked" at once; an immediate one waits its turn.
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def alone(url: str) -> Iterator[Connection]:
    """A connection to a SQLite file that nobody else has open, or may open before it ends; nothing is written through it.

    Refuses `base-in-use`: another process serves from it.
    """
    dispose()  # ours too

    def taken() -> sqlite3.Connection:
        connection = sqlite3.connect(make_url(url).database or "", timeout=1, isolation_level=None)
        # Before anything is read: the index that processes share is then not used, and one who shares it is found
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            connection.close()
            raise Refusal("base-in-use") from error
        return connection

    engine = create_engine("sqlite://", creator=taken, poolclass=StaticPool, hide_parameters=True)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _compile_nothing(engine: Engine) -> None:
    """Have PostgreSQL run its plans as they are: it compiles those that look long, and ours read few rows.

    Measured on the counters of a desk among 100,000 folders: 0.96 s, nearly all of it to compile parts never run.
    """

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.autocommit = True  # the setting would not outlive the first transaction that is undone
        connection.execute("SET jit = off")
        connection.autocommit = False


LIFE = "life"
"""In what a connection knows of itself: in which life of its server it was made."""


def _know_the_life(engine: Engine) -> None:
    """Note, once for each connection, what changes when its server crashes or another takes its place.

    After either, the number of a transaction may be given again, and says nothing of the former one. PostgreSQL throws
    its statistics away when it recovers from a crash, and keeps them over a restart; a standby begins a new timeline.
    """

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, record: Any) -> None:
        connection.autocommit = True
        try:
            row = connection.execute(
                "SELECT (SELECT stats_reset FROM pg_stat_bgwriter)::text, left(pg_walfile_name(pg_current_wal_lsn()), 8)"
            ).fetchone()
            record.info[LIFE] = tuple(row) if row and all(row) else None
        except (
            engine.dialect.loaded_dbapi.Error
        ):  # a server that only reads, or that hides them: nothing is concluded
            record.info[LIFE] = None
        connection.autocommit = False


def _ask_after_a_rest(engine: Engine) -> None:
    """Ask a connection whether its server is still there, unless it has just served: the question costs a statement."""

    @event.listens_for(engine, "checkin")
    def _served(_connection: Any, record: Any) -> None:
        record.info["served_at"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _ask(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("served_at", 0.0) > REST:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise DisconnectionError from error  # the pool throws it away and takes another


_engines: dict[str, Engine] = {}
_by_itself: dict[str, Engine] = {}
_readers: dict[str, sessionmaker[Session]] = {}
_writers: dict[str, sessionmaker[Session]] = {}
_current: dict[str, str] = {}
_turns: dict[str, Lock] = {}


def configure(url: str) -> Engine:
    """Point the process at its database; the same URL gives the same engine."""
    if url not in _engines:
        _engines[url] = make_engine(url)
        server = _engines[url].dialect.name == "postgresql"
        how = {"isolation_level": "AUTOCOMMIT"} if server else {"writes": True}
        _by_itself[url] = _engines[url].execution_options(**how)
        # A page may put on an object what it alone shows: no query of a reader may send that to the base.
        _readers[url] = sessionmaker(_engines[url], expire_on_commit=False, autoflush=False)
        _writers[url] = sessionmaker(_engines[url].execution_options(writes=True), expire_on_commit=False)
    _current["url"] = url
    return _engines[url]


def by_itself() -> Engine:
    """The engine of one statement that is a transaction by itself: one around it would cost a server exchanges."""
    return _by_itself[_current["url"]]


@contextmanager
def set_aside(url: str) -> Iterator[None]:
    """Let this process work on another database meanwhile, which it forgets afterwards."""
    ours = _current["url"]
    configure(url)
    try:
        yield
    finally:
        configure(ours)
        dispose()


def engine() -> Engine:
    """The engine of this process."""
    return _engines[_current["url"]]


def unreachable(error: Exception) -> bool:
    """Whether an error is of a server that does not answer, is starting, or has cut the connection (SQLSTATE 08, 57P)."""
    if isinstance(error, DisconnectionError | PoolTimeout):
        return True
    if not isinstance(error, DBAPIError) or engine().dialect.name == "sqlite":
        return False
    state = getattr(error.orig, "sqlstate", None)
    # A connection that was never made has no SQLSTATE.
    refused = isinstance(error, OperationalError) and state is None
    return error.connection_invalidated or refused or str(state).startswith(("08", "57P"))


def writing() -> Session:
    """A session to write with; only core/transaction.py opens one."""
    return _writers[_current["url"]]()


TURN = 30.0
"""Seconds that a thread waits for its turn to write, as SQLite would (`busy_timeout`): then SQLite says that it is busy."""


@contextmanager
def turn_to_write() -> Iterator[None]:
    """On SQLite, which has one writer, the threads of a process write one after the other; elsewhere as many as come.

    SQLite would let them wait too, but by looking again after longer and longer rests, up to a tenth of a second, that last
    beyond the end of what they wait for.
    """
    url = _current["url"]
    if not url.startswith("sqlite"):
        yield
        return
    turn = _turns.setdefault(url, Lock())
    taken = turn.acquire(timeout=TURN)
    try:
        yield
    finally:
        if taken:
            turn.release()


def dispose() -> None:
    """Close every connection (after a fork, and between tests), and forget the databases that are no longer this process's."""
    _turns.clear()  # whoever had one before a fork will not give it back here
    for url, engine in list(_engines.items()):
        engine.dispose()
        if url != _current.get("url"):
            for cache in (_engines, _by_itself, _readers, _writers):
                del cache[url]


@contextmanager
def reading(collectivity_id: int | None = None) -> Iterator[Session]:
    """A session to read with; what it would write is thrown away when it closes."""
    with _readers[_current["url"]]() as db:
        if collectivity_id is not None:
            db.info["collectivity_id"] = collectivity_id
        yield db


# Every query sees one collectivity: a session opened for one never returns, changes or deletes another's rows.

OURS_ALREADY = "ours_already"
"""The execution option of a statement that compares the collectivity itself, built once because every move runs it."""


class ForeignRowError(RuntimeError):
    """A verb tried to write a row of another collectivity: a fault of the program, never shown as a refusal."""


def keep_apart() -> None:
    """Stand between every session of the process and the database."""
    for name, listener in (("do_orm_execute", _only_ours), ("before_flush", _write_ours)):
        if not event.contains(Session, name, listener):
            event.listen(Session, name, listener)


def _only_ours(state: ORMExecuteState) -> None:
    """Add the collectivity to every ORM statement of a session that has one; tables read by Core name it themselves."""
    collectivity_id = state.session.info.get("collectivity_id")
    if (
        collectivity_id is None
        or not state.is_orm_statement
        or state.execution_options.get(OURS_ALREADY)
        # These load more of a row that the session has already, and so has been kept apart before.
        or state.is_column_load
        or state.is_relationship_load
    ):
        return
    state.statement = state.statement.options(_ours(collectivity_id))


@lru_cache(maxsize=1024)
def _ours(collectivity_id: int) -> Any:
    """The criterion of a collectivity; building it costs as much as a small statement, so it is kept."""
    return with_loader_criteria(
        Tenanted, lambda row: row.collectivity_id == collectivity_id, include_aliases=True
    )


def _write_ours(session: Session, _context: Any, _instances: Any) -> None:
    """Refuse to write or delete a row that belongs to somebody else."""
    collectivity_id = session.info.get("collectivity_id")
    if collectivity_id is None:
        return
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, Tenanted):
            if row.collectivity_id is None:
                row.collectivity_id = collectivity_id
            elif row.collectivity_id != collectivity_id:
                raise ForeignRowError(f"{type(row).__name__} of collectivity {row.collectivity_id}")


# Rows of several tables written at one go: one statement where the database takes it, else one after the other.

TOGETHER = 30
"""Rows in one statement at most; beyond, each table has its own."""

_Shape = tuple[Any, tuple[str, ...], str]


@dataclass(frozen=True)
class Write:
    """Rows to add to a table, or the values of one that changes: the row whose column `where` is `value`.

    `numbers` asks for the `id` of each row added.
    """

    table: Any
    rows: Sequence[Mapping[str, Any]]
    where: str = ""
    value: Any = None
    numbers: bool = False

    def shape(self, row: Mapping[str, Any]) -> _Shape:
        """What the statement of one row depends on: all but its values."""
        return (self.table, tuple(row), self.where)

    def values(self, row: Mapping[str, Any]) -> Iterator[Any]:
        """The values of one row, in the order of the names that its statement gives them (`_names`)."""
        yield from row.values()
        if self.where:
            yield self.value


def write(db: Db, writes: Sequence[Write]) -> list[int]:
    """Write all of them in order, in the caller's transaction; returns the numbers that were asked for.

    No write may read what another of them writes, nor touch a row that another touches.
    """
    rows = [(write, row) for write in writes for row in write.rows]
    if not rows:
        return []
    connection = db.connection()
    # SQLite takes no INSERT or UPDATE inside a WITH.
    if connection.dialect.name != "postgresql" or len(rows) > TOGETHER:
        return [number for write in writes if write.rows for number in _alone(connection, write)]
    statement, names = _together(tuple(write.shape(row) for write, row in rows))
    values = chain.from_iterable(write.values(row) for write, row in rows)
    numbers = statement.rows(connection, dict(zip(names, values, strict=True)))
    added = [write for write, _row in rows if not write.where]
    # The numbers come in the order of the additions, which `_together` has the server keep.
    return [number for write, (number,) in zip(added, numbers, strict=True) if write.numbers]


def _alone(connection: sa.Connection, write: Write) -> list[int]:
    if write.where:
        shape = write.shape(write.rows[0])
        values = dict(zip(_names(shape, "w"), write.values(write.rows[0]), strict=True))
        connection.execute(_change(shape, "w"), values)
        return []
    done = connection.execute(_addition(write.table, write.numbers), [dict(row) for row in write.rows])
    return list(done.scalars()) if write.numbers else []


@lru_cache(maxsize=64)
def _addition(table: Any, numbers: bool) -> Any:
    return sa.insert(table).returning(table.c.id) if numbers else sa.insert(table)


@lru_cache(maxsize=64)
def _change(shape: _Shape, prefix: str) -> Any:
    table, names, where = shape
    return (
        sa.update(table)
        .where(table.c[where] == sa.bindparam(f"{prefix}_where"))
        .values(_named(names, prefix))
    )


def _names(shape: _Shape, prefix: str) -> tuple[str, ...]:
    """The names of the values of one row, which the statement of this shape binds."""
    _table, names, where = shape
    return tuple(f"{prefix}_{name}" for name in (*names, *(("where",) if where else ())))


def _named(names: Sequence[str], prefix: str) -> dict[str, Any]:
    return {name: sa.bindparam(f"{prefix}_{name}") for name in names}


@lru_cache(maxsize=256)
def _together(shapes: tuple[_Shape, ...]) -> tuple[Prepared, tuple[str, ...]]:
    """The statement of these shapes, built once, and the names of its values: each row is a term of a WITH.

    The last word reads every row added, which has the server add them in this order: it takes unread terms backwards.
    """
    changes = [_change(shape, f"w{n}") for n, shape in enumerate(shapes) if shape[2]]
    added = [
        _addition(table, numbers=True).values(_named(names, f"w{n}")).cte(f"w{n}")
        for n, (table, names, where) in enumerate(shapes)
        if not where
    ]
    *others, last = (
        changes if not added else [*changes, sa.union_all(*(sa.select(addition.c.id) for addition in added))]
    )
    whole = last.add_cte(*(change.cte(f"change{n}") for n, change in enumerate(others)))
    names = chain.from_iterable(_names(shape, f"w{n}") for n, shape in enumerate(shapes))
    return Prepared(whole), tuple(names)
