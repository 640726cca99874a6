"""What wakes the worker at a commit: PostgreSQL says it (LISTEN, NOTIFY), a SQLite file is asked whether it changed.

Whoever writes a row of the outbox does nothing for it: on PostgreSQL a trigger notifies within the transaction, so that
nothing is said of what is undone; on SQLite every commit writes to the log beside the file, and changes its
`PRAGMA data_version`.
"""

import select
import sqlite3
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import make_url

from app.core.db import Db
from app.core.transaction import use_case

CHANNEL = "paraphe_outbox"
"""The channel of PostgreSQL, as the migration `outbox_wakes` names it."""
LOOK = 0.05
"""Seconds between two looks at a SQLite file."""
POLL = 1.0
"""Seconds between two looks at the outbox while the server does not wake us."""
AGAIN = 15.0
"""Seconds between two tries to be woken again."""
CONNECT = 5
ALIVE: dict[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
"""After a minute without an answer the connection counts as lost: a server that vanished would be listened to for hours."""
HEARD = 2.0
"""Seconds in which what is said must be heard."""
log = structlog.get_logger()


class Waker(Protocol):
    """What a worker waits by; `pipe` is a descriptor that becomes readable when the wait is to end for another reason."""

    def wait(self, seconds: float, pipe: int) -> bool:
        """Wait so long at most; whether a row may have become due meanwhile."""

    def close(self) -> None:
        """Let go of the connection."""


def waker_of(database: str, listen: str = "") -> Waker:
    """The waker of a base; `listen`: the address to listen at, where that of the base leads through a pooler."""
    if database.startswith("sqlite"):
        return Changes(database)
    return Listener(listen or database)


class Changes:
    """Commits to a SQLite file, whichever process made them."""

    def __init__(self, url: str) -> None:
        path = make_url(url).database or ""
        self._file = sqlite3.connect(path, isolation_level=None)
        self._log, self._asked_at = Path(f"{path}-wal"), 0.0
        self._state = (self._written(), self._version())

    def _version(self) -> int:
        """What every commit of another connection changes; the question takes locks, as each read does."""
        self._asked_at = time.monotonic()
        try:
            return int(self._file.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.OperationalError:  # whoever looks at the outbox says what is wrong
            return 0

    def _written(self) -> tuple[int, int] | None:
        """When the log of writes was last written, and its size: nearly free, and nearly always enough.

        Two commits within one tick of the file system's clock may look alike, which the version tells a moment later.
        """
        try:
            status = self._log.stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_size

    def wait(self, seconds: float, pipe: int) -> bool:
        """Look every `LOOK` seconds, and ask every `POLL`."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([pipe], [], [], min(left, LOOK))[0]:
                break
            written, version = self._state
            late = time.monotonic() - self._asked_at > POLL
            if (latest := self._written()) != written or (late and self._version() != version):
                self._state = (latest, self._version())
                return True
        return False

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Listener:
    """Notifications of PostgreSQL, on a connection of its own; while it is lost, every second may be the one.

    A pooler that lends connections for a transaction takes LISTEN and delivers nothing: one's own word must come back
    before one believes it.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None
        self._try_at = 0.0

    def wait(self, seconds: float, pipe: int) -> bool:
        """Wait for a notification; without a connection, for `POLL` seconds at most, then anything may be due."""
        if self._connection is None and time.monotonic() >= self._try_at:
            self._listen()
            if self._connection is not None:
                return True  # what was committed before it listened was said to nobody
        if self._connection is None:
            ended = select.select([pipe], [], [], min(seconds, POLL))[0]
            return not ended
        readable, _, _ = select.select([pipe, self._connection.fileno()], [], [], seconds)
        return self._connection.fileno() in readable and self._notified()

    def _notified(self) -> bool:
        """Whether something was said; True as well when the connection is lost, for what was said then is unknown."""
        import psycopg

        try:
            self._connection.pgconn.consume_input()
        except psycopg.Error as fault:
            self._lose("wake.lost", repr(fault))
            return True
        notified = False
        # All of them: one that is left would be taken for news by a later wait.
        while self._connection.pgconn.notifies() is not None:
            notified = True
        return notified

    def _listen(self) -> None:
        self._try_at = time.monotonic() + AGAIN
        try:
            self._connection = heard(self._url)
        except Exception as fault:  # noqa: BLE001 - whatever is wrong with the server, the worker looks by itself
            self._lose("wake.lost", repr(fault))
            return
        if self._connection is None:
            self._lose(
                "wake.deaf", "LISTEN was taken and nothing comes: give PARAPHE_LISTEN_URL the server itself"
            )
        else:
            log.info("wake.listening")

    def _lose(self, event: str, why: str) -> None:
        log.warning(event, why=why, poll_seconds=POLL)
        self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            with suppress(Exception):
                self._connection.close()
            self._connection = None


def heard(url: str) -> Any:
    """A connection that listens, and on which a word that was said in the base came back; None when it did not come.

    Raises what psycopg raises when the server does not take the connection.
    """
    import psycopg

    server = url.replace("postgresql+psycopg://", "postgresql://")
    connection = psycopg.connect(server, autocommit=True, connect_timeout=CONNECT, **ALIVE)
    try:
        connection.execute(f"LISTEN {CHANNEL}")
        word, end = uuid.uuid4().hex, time.monotonic() + HEARD
        # By the address of the pages: that what they commit is heard here is the very question.
        say(word)
        while (left := end - time.monotonic()) > 0:
            if any(
                notification.payload == word
                for notification in connection.notifies(timeout=left, stop_after=1)
            ):
                return connection
    except BaseException:
        connection.close()
        raise
    connection.close()
    return None


@use_case
def say(db: Db, word: str) -> None:
    """Say a word on the channel, as a commit that writes a row does."""
    db.execute(sa.select(sa.func.pg_notify(CHANNEL, word)))
