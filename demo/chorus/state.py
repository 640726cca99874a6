"""What the simulated Chorus Pro knows, in one file: pages and worker are different processes, and each call is a transaction.

Tables: `account`, the technical accounts, with the structure for which each receives; `invoice`, each with what a list says of
it; `piece`, their files, as the pivot carries them; `passed`, the history of their statuses; `play`, what is to befall the next
calls; `service`, the services of a structure, `barred` to the account; `call`, the calls, counted by path.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from demo.papers import SIRET

CLIENT, SECRET = "application-factice", "secret-factice"
LOGIN, PASSWORD = "TECH_1_212909998@factice.example", "mot-de-passe-factice"
STRUCTURE: Final = 25784152
FIRST: Final = 9100001
SERVICES: Final = (
    (7001, STRUCTURE, "TECHNIQUE", "SERVICES TECHNIQUES"),
    (7002, STRUCTURE, "ESPACES_VERTS", "ESPACES VERTS"),
)
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS account (login TEXT PRIMARY KEY, password TEXT, structure INTEGER, siret TEXT, name TEXT, ends TEXT);
CREATE TABLE IF NOT EXISTS invoice (id INTEGER PRIMARY KEY, structure INTEGER, kind TEXT, data TEXT, again TEXT, status TEXT,
  since TEXT, taken INTEGER DEFAULT 0, mandate TEXT DEFAULT '');
CREATE INDEX IF NOT EXISTS by_since ON invoice (structure, kind, since);
CREATE TABLE IF NOT EXISTS piece (invoice INTEGER, rank INTEGER, name TEXT, category TEXT, type TEXT, zipped INTEGER, data BLOB);
CREATE INDEX IF NOT EXISTS by_invoice ON piece (invoice, rank);
CREATE TABLE IF NOT EXISTS passed (id INTEGER PRIMARY KEY AUTOINCREMENT, invoice INTEGER, status TEXT, at TEXT, comment TEXT,
  who TEXT);
CREATE INDEX IF NOT EXISTS history ON passed (invoice, id);
CREATE TABLE IF NOT EXISTS play (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, times INTEGER);
CREATE TABLE IF NOT EXISTS service (id INTEGER PRIMARY KEY, structure INTEGER, code TEXT, name TEXT, barred INTEGER);
CREATE TABLE IF NOT EXISTS call (path TEXT PRIMARY KEY, count INTEGER);
"""


@dataclass(frozen=True)
class File:
    """A file of an invoice; `main`: it is the invoice itself; `zipped`: the pivot carries it in a zip of one file."""

    name: str
    category: str
    data: bytes
    main: bool = False
    zipped: bool = True


@dataclass(frozen=True)
class Invoice:
    """An invoice as it stands."""

    id: int
    structure: int
    kind: str
    data: dict[str, Any]
    again: str
    status: str
    since: str
    taken: bool
    mandate: str


class State:
    """The file, opened for each transaction."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "chorus.db"

    @contextmanager
    def written(self) -> Iterator[sqlite3.Connection]:
        """A transaction that nobody shares."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._path, timeout=60, isolation_level=None)) as line:
            if not line.execute("SELECT 1 FROM sqlite_master WHERE name = 'service'").fetchone():
                line.executescript(f"PRAGMA journal_mode = WAL;{_TABLES}")
            line.execute("PRAGMA synchronous = OFF")
            line.execute("BEGIN IMMEDIATE")
            line.execute(
                "INSERT OR IGNORE INTO account VALUES (?,?,?,?,?,?)",
                (LOGIN, PASSWORD, STRUCTURE, SIRET, "COMMUNE DE KERLANN-SUR-MER", ""),
            )
            line.executemany("INSERT OR IGNORE INTO service VALUES (?,?,?,?,0)", SERVICES)
            try:
                yield line
            except BaseException:
                line.execute("ROLLBACK")
                raise
            line.execute("COMMIT")


def invoice_of(line: sqlite3.Connection, number: int) -> Invoice | None:
    """The invoice of this number."""
    row = line.execute(f"{_INVOICE} WHERE id = ?", (number,)).fetchone()
    return None if row is None else _invoice(row)


_INVOICE: Final = "SELECT id, structure, kind, data, again, status, since, taken, mandate FROM invoice"


def invoices(line: sqlite3.Connection, where: str = "1", values: tuple[Any, ...] = ()) -> list[Invoice]:
    """The invoices of a condition."""
    return [_invoice(row) for row in line.execute(f"{_INVOICE} WHERE {where}", values)]


def _invoice(row: tuple[Any, ...]) -> Invoice:
    return Invoice(row[0], row[1], row[2], json.loads(row[3]), row[4], row[5], row[6], bool(row[7]), row[8])


def pass_to(
    line: sqlite3.Connection, number: int, status: str, moment: datetime, comment: str = "", who: str = ""
) -> None:
    """Give an invoice a status, now."""
    line.execute(
        "INSERT INTO passed (invoice, status, at, comment, who) VALUES (?,?,?,?,?)",
        (number, status, moment.isoformat(), comment, who),
    )
    line.execute(
        "UPDATE invoice SET status = ?, since = ? WHERE id = ?",
        (status, moment.isoformat(timespec="milliseconds"), number),
    )
