"""Where tries are counted: one small file that every process of this machine shares, beside the data and outside the base.

A count is written at each try. In the base it would wait for other writers and be synced to the disk; here a power cut
forgets a minute of counts, which is no harm. Names and addresses are kept as digests, and leave with their minute.
"""

import os
import sqlite3
import threading
import time
from contextlib import suppress
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from limits.storage import Storage

PATIENCE = 5.0  # seconds, far beyond a count
SWEEP = 500  # tries between two removals of what has expired
_TABLE = "CREATE TABLE IF NOT EXISTS tries (key BLOB PRIMARY KEY, count INTEGER NOT NULL, ends REAL NOT NULL) WITHOUT ROWID"
_COUNT = """INSERT INTO tries VALUES (:key, :more, :ends) ON CONFLICT (key) DO UPDATE SET
count = CASE WHEN ends <= :now THEN :more ELSE count + :more END, ends = CASE WHEN ends <= :now THEN :ends ELSE ends END
RETURNING count"""


class FileStorage(Storage):
    """Counters in `sqlite:///file`, for the `limits` library; each thread of each process has its own connection."""

    STORAGE_SCHEME = ["sqlite"]  # noqa: RUF012 - the library's own way

    def __init__(self, uri: str = "", wrap_exceptions: bool = False, **options: Any) -> None:
        del options
        self._path = urlsplit(uri).path.removeprefix("/")
        self._mine = threading.local()
        self._counted = 0
        super().__init__(uri, wrap_exceptions=wrap_exceptions)

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the library takes for a store that fails."""
        return sqlite3.Error

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count `amount` more under this key, whose count ends `expiry` seconds after its first; returns the count."""
        now = time.time()
        self._counted += 1
        if self._counted % SWEEP == 0:
            self._do("DELETE FROM tries WHERE ends <= :now", now=now)
        row = self._do(_COUNT, key=_digest(key), more=amount, now=now, ends=now + expiry)
        return int(row[0])

    def get(self, key: str) -> int:
        """The count of a key; 0 once it has ended."""
        row = self._do(
            "SELECT count FROM tries WHERE key = :key AND ends > :now", key=_digest(key), now=time.time()
        )
        return int(row[0]) if row else 0

    def get_expiry(self, key: str) -> float:
        """When the count of a key ends, in seconds since 1970."""
        row = self._do("SELECT ends FROM tries WHERE key = :key", key=_digest(key))
        return float(row[0]) if row else time.time()

    def check(self) -> bool:
        """Whether the file answers."""
        try:
            self._do("SELECT 1")
        except sqlite3.Error:
            return False
        return True

    def reset(self) -> int | None:
        """Forget every count."""
        self._do("DELETE FROM tries")
        return None

    def clear(self, key: str) -> None:
        """Forget the count of a key."""
        self._do("DELETE FROM tries WHERE key = :key", key=_digest(key))

    def _do(self, statement: str, **values: Any) -> Any:
        rows = self._connection().execute(statement, values).fetchall()
        return rows[0] if rows else None

    def _connection(self) -> sqlite3.Connection:
        """The connection of the thread that asks; one that was opened before a fork belongs to the parent."""
        if getattr(self._mine, "process", None) != os.getpid():
            with suppress(
                FileExistsError
            ):  # opened only when new: closing it would let go SQLite's locks in this process
                os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            opened = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None)
            for pragma in ("journal_mode=WAL", "synchronous=OFF"):
                opened.execute(f"PRAGMA {pragma}")
            opened.execute(_TABLE)
            self._mine.connection, self._mine.process = opened, os.getpid()
        connection: sqlite3.Connection = self._mine.connection
        return connection


def _digest(key: str) -> bytes:
    return sha256(key.encode()).digest()[:16]
