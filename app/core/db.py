"""Columns, naming and the engine: one model and one set of migrations for SQLite and PostgreSQL."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, Connection, DateTime, Dialect, Engine, ForeignKey, MetaData, create_engine, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from sqlalchemy.pool import StaticPool
from sqlalchemy.types import TypeDecorator

from app.core.refusals import Refusal

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
    if not text or not (text.isascii() and text.isdigit()) or len(text) > len(str(LARGEST_KEY)):
        return None
    return int(text) if int(text) <= LARGEST_KEY else None


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
    """A row that belongs to one collectivity; sessions opened for another never see it (core/tenancy.py)."""

    collectivity_id: Mapped[int] = mapped_column(ForeignKey("collectivity.id"))


def make_engine(url: str) -> Engine:
    """An engine with the durability that a proof needs: SQLite in WAL with full sync, PostgreSQL as configured."""
    if not url.startswith("sqlite"):
        server = create_engine(
            url.replace("postgresql://", "postgresql+psycopg://"),
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
_readers: dict[str, sessionmaker[Session]] = {}
_writers: dict[str, sessionmaker[Session]] = {}
_current: dict[str, str] = {}


def configure(url: str) -> Engine:
    """Point the process at its database; the same URL gives the same engine."""
    if url not in _engines:
        _engines[url] = make_engine(url)
        _readers[url] = sessionmaker(_engines[url], expire_on_commit=False, autoflush=False)
        _writers[url] = sessionmaker(_engines[url].execution_options(writes=True), expire_on_commit=False)
    _current["url"] = url
    return _engines[url]


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
    refused = isinstance(error, OperationalError) and state is None
    return error.connection_invalidated or refused or str(state).startswith(("08", "57P"))


def writing() -> Session:
    """A session to write with; only core/transaction.py opens one."""
    return _writers[_current["url"]]()


def dispose() -> None:
    """Close every connection (after a fork, and between tests), and forget the databases that are no longer this process's."""
    for url, one in list(_engines.items()):
        one.dispose()
        if url != _current.get("url"):
            for kept in (_engines, _readers, _writers):
                del kept[url]


@contextmanager
def reading(collectivity_id: int | None = None) -> Iterator[Session]:
    """A session to read with; what it would write is thrown away when it closes."""
    with _readers[_current["url"]]() as db:
        if collectivity_id is not None:
            db.info["collectivity_id"] = collectivity_id
        yield db
