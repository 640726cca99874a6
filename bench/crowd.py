"""Fills a database with folders in bulk: most of them past, a few on their way, and the same inbox whatever their number."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import db
from app.core.outbox import Outbox
from app.folders.models import Document, DocumentVersion, Folder, StepRun
from app.journal.chain import GENESIS, canonical, digest
from app.journal.models import ChainHead, JournalEntry
from bench.commune import STEPS, Commune, way

MOVERS = 600
"""Folders that wait for their first visa, for the goals that move them."""
WAITING = {"maire": 200, "conseil": 40, "adjoint": 40}
"""What the reader's inbox holds, at every size."""
BATCH = 2_000
BORN = datetime(2026, 1, 5, 8, tzinfo=UTC)
TABLES = (Folder, Document, DocumentVersion, StepRun, JournalEntry, Outbox)
Rows = dict[Any, list[dict[str, Any]]]


def amount(number: int) -> int:
    """In euros; every other folder also passes the general direction."""
    return 5000 if number % 2 else 500


def _waits(number: int, movers: int, waiting: Mapping[str, int]) -> tuple[int, str | None]:
    """How many visas the folder has had, and the desk that it waits for (None when its way is over)."""
    if number <= movers:
        return 0, "technique"
    rest = number - movers
    for desk, count in waiting.items():
        if rest <= count:
            return len(way(amount(number))) - 1, desk
        rest -= count
    return (1, "finances") if rest % 50 == 0 else (len(way(amount(number))), None)


class _Writer:
    """Makes the rows of one folder after the other, chained as the journal chains them."""

    def __init__(self, commune: Commune, movers: int, waiting: Mapping[str, int], after: int) -> None:
        self._commune, self._movers, self._waiting, self._after = commune, movers, waiting, after
        query = sa.select(ChainHead.seq, ChainHead.hash).where(ChainHead.collectivity_id == commune.id)
        with db.reading() as session:  # its people and rights have their lines already
            self._seq, self._hash = session.execute(query).one_or_none() or (0, GENESIS)
        self._depositor = commune.actors["g.trehorel"]
        self._emitters = [commune.desks[key] for key in ("comptabilite", "secretariat", "technique", "maire")]

    @property
    def head(self) -> dict[str, Any]:
        """The head of the chain, once everything is written."""
        return {"collectivity_id": self._commune.id, "seq": self._seq, "hash": self._hash}

    def folder(self, number: int, rows: Rows) -> None:
        """Add the rows of the folder of this number."""
        visas, desk = _waits(number - self._after, self._movers, self._waiting)
        passed = way(amount(number))
        born = BORN + timedelta(minutes=number)
        scope = {"collectivity_id": self._commune.id, "folder_id": number}
        place = "done" if desk is None else passed[visas][0]
        rows[Folder].append(self._row(number, born, place, visas + 1))
        rows[Document].append(
            {
                **scope,
                "id": number,
                "role": "main",
                "title": "Facture",
                "position": 0,
                "type_code": None,
                "removed_at": None,
            }
        )
        rows[DocumentVersion].append(self._version(number, born))
        self._line(rows, number, "folder.submit", born, {"left": "draft", "entered": "service_done"})
        for rank, step in enumerate(passed[:visas]):
            rows[StepRun].append(self._step(number, step, rank, born, done=True))
            self._line(
                rows, number, "folder.approve", born, {"left": step[0], "round": 1, "version": rank + 2}
            )
        if desk is not None:
            rows[StepRun].append(
                {**self._step(number, passed[visas], visas, born), "desk_id": self._commune.desks[desk]}
            )
        rows[Outbox].append(self._letter(number, born))

    def _row(self, number: int, born: datetime, place: str, version: int) -> dict[str, Any]:
        facts = {"total_ttc": f"{amount(number)}.00", "number": f"F{number}", "seller": "Voiles du Ponant"}
        return {
            "id": number,
            "collectivity_id": self._commune.id,
            "family": "invoice",
            "title": f"Voiles du Ponant, facture F{number}",
            "title_key": f"voiles du ponant, facture f{number}",
            "number": f"F{number}",
            "circuit_version_id": self._commune.version_id,
            "place": place,
            "phase": "done" if place == "done" else "running",
            "round": 1,
            "version": version,
            "emitter_desk_id": self._emitters[number % len(self._emitters)],
            "depositor_user_id": self._depositor.user_id,
            "depositor_name": self._depositor.name,
            "fields": facts,
            "sources": {"said": "lu dans la facture", "read": sorted(facts)},
            "amount_cents": amount(number) * 100,
            "due_on": date(2026, 12, 1) + timedelta(days=number % 60),
            "created_at": born,
            "updated_at": born,
            "submitted_at": born,
            "done_at": born if place == "done" else None,
        }

    def _version(self, number: int, born: datetime) -> dict[str, Any]:
        return {
            "collectivity_id": self._commune.id,
            "document_id": number,
            "number": 1,
            "round": 0,
            "sha256": hashlib.sha256(str(number).encode()).hexdigest(),
            "size": 50_000,
            "media_type": "application/pdf",
            "filename": f"F{number}.pdf",
            "pages": 2,
            "origin": "deposited",
            "note": {},
            "created_at": born,
            "created_by": self._depositor.name,
        }

    def _step(
        self, number: int, step: tuple[str, str, str], rank: int, born: datetime, *, done: bool = False
    ) -> dict[str, Any]:
        key, desk, login = step
        who = self._commune.actors[login]
        position = [step[0] for step in STEPS].index(key)
        moment = born + timedelta(hours=rank)
        return {
            "collectivity_id": self._commune.id,
            "folder_id": number,
            "family": "invoice",
            "step": key,
            "kind": "visa",
            "pass_number": 1000 + position,
            "slot": f"desk:{desk}",
            "desk_id": self._commune.desks[desk],
            "named_user_id": None,
            "state": "done" if done else "active",
            "due_on": date(2026, 12, 1) + timedelta(days=number % 60),
            "entered_at": moment,
            "ended_at": moment + timedelta(hours=1) if done else None,
            "user_id": who.user_id if done else None,
            "who": who.name if done else None,
            "capacity": who.capacity if done else None,
            "comment": None,
        }

    def _letter(self, number: int, born: datetime) -> dict[str, Any]:
        return {
            "collectivity_id": self._commune.id,
            "kind": "mail",
            "key": f"your_turn-{number}-1",
            "folder_id": number,
            "recipient": None,
            "payload": {"event": "your_turn", "folder_id": number},
            "state": "done",
            "attempts": 1,
            "available_at": born,
            "created_at": born,
            "done_at": born,
        }

    def _line(self, rows: Rows, number: int, event: str, at: datetime, facts: dict[str, Any]) -> None:
        self._seq += 1
        line = {
            "folder_id": number,
            "at": at.isoformat(timespec="milliseconds"),
            "who": self._depositor.name,
            "user_id": self._depositor.user_id,
            "event": event,
            "facts": canonical(facts),
        }
        hashed = digest(self._hash, self._commune.id, self._seq, line)
        rows[JournalEntry].append(
            {
                **line,
                "collectivity_id": self._commune.id,
                "seq": self._seq,
                "previous": self._hash,
                "hash": hashed,
            }
        )
        self._hash = hashed


def _batches(writer: _Writer, first: int, last: int) -> Iterator[Rows]:
    for start in range(first, last + 1, BATCH):
        rows: Rows = {table: [] for table in TABLES}
        for number in range(start, min(start + BATCH, last + 1)):
            writer.folder(number, rows)
        yield rows


def fill(commune: Commune, folders: int, *, movers: int, waiting: Mapping[str, int], after: int = 0) -> None:
    """Write so many folders into the present database, with their documents, steps, journal and letters.

    Their numbers follow `after`, which other communes of the base have.
    """
    writer = _Writer(commune, movers, waiting, after)
    engine = db.engine().execution_options(writes=True)
    for rows in _batches(writer, after + 1, after + folders):
        with engine.begin() as connection:
            for table in TABLES:
                connection.execute(sa.insert(table), rows[table])
    with engine.begin() as connection:
        connection.execute(sa.delete(ChainHead).where(ChainHead.collectivity_id == commune.id))
        connection.execute(sa.insert(ChainHead), writer.head)
        if connection.dialect.name == "postgresql":
            for table in ("folder", "document"):
                connection.exec_driver_sql(f"SELECT setval('{table}_id_seq', {after + folders})")


def tidy() -> None:
    """Give PostgreSQL the statistics that its own housekeeping makes in time; the product asks none of SQLite."""
    engine = db.engine()
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
