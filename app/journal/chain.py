"""Write a line that binds all lines before it, and find the first that was altered, removed, added or moved."""

import hashlib
import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, Write, write
from app.core.prepared import Prepared
from app.core.transaction import NUMBER, finish, numbered, tells_number
from app.journal import origins
from app.journal.models import ChainHead, JournalEntry, Origin

GENESIS = "0" * 64
FARTHEST = 50_000
"""How far from its place a displaced line is still recognised as such; beyond, it is said to be modified."""
_entry: Any = JournalEntry.__table__
_head: Any = ChainHead.__table__
_origin: Any = Origin.__table__
# Built once: it is in every move.
_lock = (
    sa.select(_head.c.seq, _head.c.hash)
    .where(_head.c.collectivity_id == sa.bindparam("chain"))
    .with_for_update()
)
# What follows writes in any case: the number by which a lost commit is asked about costs no statement of its own.
_lock_alone = Prepared(_lock)
_lock_numbered = Prepared(_lock.add_columns(NUMBER.label("number")))


@dataclass(frozen=True)
class Event:
    """What is written: the event's name, who did it, on which folder, and the facts that prove it (JSON values)."""

    name: str
    who: str
    user_id: int | None
    folder_id: int | None
    facts: Mapping[str, Any]


def canonical(facts: Mapping[str, Any]) -> str:
    """The one JSON text of these facts: sorted keys, no spaces, UTF-8 kept."""
    # The text is what is hashed and what is kept: two writings of the same facts would be two hashes.
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def digest(previous: str, collectivity_id: int, seq: int, line: Mapping[str, Any]) -> str:
    """SHA-256 in hexadecimal of a line and of the hash before it."""
    parts = [
        previous,
        collectivity_id,
        seq,
        # The number and the collectivity are covered: a line that is moved, or lent to another journal, does
        # not hold.
        *(line[name] for name in ("folder_id", "at", "who", "user_id", "event", "facts")),
    ]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


def append(db: Db, collectivity_id: int, *events: Event, along: Sequence[Write] = ()) -> list[int]:
    """Write the lines in the caller's transaction, with what goes `along`; returns the numbers that these ask for.

    From where an act came (`address`, `client`) is kept beside its line, which covers a digest of it (`origins`).
    Call it last: it locks the head of the chain, and the other writers of the collectivity wait for the commit.
    """
    # Whatever is still to be written is written before the others are made to wait.
    finish(db)
    db.flush()
    connection = db.connection()
    run, numbers = connection.execute, tells_number(connection)
    # Locked before the time is read: lines are dated in the order of their numbers.
    head = (_lock_numbered if numbers else _lock_alone).rows(connection, {"chain": collectivity_id})
    if not head:
        # Two first lines at once: one fails on the key, and its verb is tried again (`use_case`).
        run(sa.insert(_head), {"collectivity_id": collectivity_id, "seq": 0, "hash": GENESIS})
        head = db.execute(_lock, {"chain": collectivity_id}).all()
    elif numbers:
        numbered(db, head[0][2])
    seq, previous = head[0][:2]
    moment, lines, places = now().isoformat(timespec="milliseconds"), [], []
    for event in events:
        seq += 1
        facts, place = origins.parted(event.facts)
        if place:
            places.append({"collectivity_id": collectivity_id, "seq": seq, **place})
        line = {
            "folder_id": event.folder_id,
            "at": moment,
            "who": event.who,
            "user_id": event.user_id,
            "event": event.name,
            "facts": canonical(facts),
        }
        hashed = digest(previous, collectivity_id, seq, line)
        lines.append(
            {**line, "collectivity_id": collectivity_id, "seq": seq, "previous": previous, "hash": hashed}
        )
        previous = hashed
    # The head is kept apart from the lines: lines cut off the end are then missed.
    last = Write(_head, [{"seq": seq, "hash": previous}], where="collectivity_id", value=collectivity_id)
    beside = [Write(_origin, places)] if places else []
    return write(db, [*along, Write(_entry, lines), *beside, last])


@dataclass(frozen=True)
class Break:
    """The first line that does not hold: its number in the chain and what is wrong with it, in French."""

    collectivity_id: int
    seq: int
    sentence: str


def verify(db: Db, collectivity_id: int) -> tuple[int, Break | None]:
    """Recompute the whole chain; how many lines hold, and the first that does not: itself, else by its address.

    Give it a session that has read nothing yet: it sees one moment of the journal, whoever writes meanwhile.
    """
    one_moment(db)
    previous, expected = GENESIS, 1
    beside = origins.Beside(origins.erasures(db, collectivity_id))
    # Closed at the first fault: rows that are read as they come would hold the connection.
    with closing(entries(db, collectivity_id)) as lines:
        for row in lines:
            if broken := _fault(row, previous, expected):
                return expected - 1, Break(collectivity_id, expected, broken)
            beside.see(row)
            previous, expected = row.hash, expected + 1
    query = sa.select(_head.c.seq, _head.c.hash).where(_head.c.collectivity_id == collectivity_id)
    head = db.execute(query).one_or_none() or (0, GENESIS)
    if head[0] > expected - 1:
        return expected - 1, Break(
            collectivity_id, expected, f"il manque les lignes {expected} à {head[0]}, à la fin du journal"
        )
    if head[0] < expected - 1:
        return head[0], Break(
            collectivity_id, head[0] + 1, f"la ligne {head[0] + 1} a été ajoutée après la tête de chaîne"
        )
    if head[1] != previous:
        return expected - 1, Break(
            collectivity_id, expected - 1, "la tête de chaîne ne correspond pas à la dernière ligne"
        )
    # Last: an address that was altered is told for ever, and hides no line that was
    if wrong := beside.wrong or origins.stray(db, collectivity_id):
        return min(wrong[0], expected) - 1, Break(collectivity_id, *wrong)
    return expected - 1, None


LEAP = timedelta(seconds=2)
"""What several machines whose clocks are kept may differ by; beyond, a clock went backwards."""


def clock_back(db: Db, collectivity_id: int) -> Iterator[str]:
    """Each line that is dated well before the one that it follows, in French: its order is sure, its date is not."""
    latest, holder = None, 0
    query = sa.select(_entry.c.seq, _entry.c.at).where(_entry.c.collectivity_id == collectivity_id)
    with db.execute(query.order_by(_entry.c.seq).execution_options(yield_per=1000)) as rows:
        for row in rows:
            try:
                moment = datetime.fromisoformat(row.at)
            except ValueError:
                continue  # an altered line, which `verify` names
            if latest is not None and latest - moment > LEAP:
                yield (
                    f"l’horloge a reculé de {(latest - moment).total_seconds():.0f} s entre les écritures n° {holder} "
                    f"({latest.isoformat(timespec='seconds')}) et n° {row.seq} ({moment.isoformat(timespec='seconds')})"
                )
            latest, holder = moment, row.seq


def one_moment(db: Db) -> None:
    """Let a session that has read nothing yet see one moment of the journal, whoever writes meanwhile."""
    if db.get_bind().dialect.name == "postgresql":  # SQLite reads one moment of itself anyway
        db.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def lock(db: Db, collectivity_id: int) -> None:
    """Make the other writers of a journal wait from now on, for what must be read and written as one."""
    db.connection().execute(_lock, {"chain": collectivity_id})


def entries(db: Db, collectivity_id: int, after: int = 0) -> Generator[Any, None, None]:
    """The lines after that one in the order of their numbers, each with its origin (`salt` is None where there is none).

    The rows are read as they come, whatever the length of the journal.
    """
    beside = sa.and_(_origin.c.collectivity_id == _entry.c.collectivity_id, _origin.c.seq == _entry.c.seq)
    query = (
        sa.select(_entry, _origin.c.salt, _origin.c.address, _origin.c.client)
        .join_from(_entry, _origin, beside, isouter=True)
        .where(_entry.c.collectivity_id == collectivity_id, *([_entry.c.seq > after] if after else []))
        .order_by(_entry.c.seq, _entry.c.id)
    )
    with db.execute(query.execution_options(yield_per=1000)) as rows:
        yield from rows


def _around(seq: int) -> Iterator[int]:
    """The numbers that a displaced line may have had, nearest first."""
    for distance in range(1, FARTHEST):
        yield from (number for number in (seq + distance, seq - distance) if number > 0)


def _fault(row: Any, previous: str, expected: int) -> str | None:
    if row.seq > expected:
        alone = row.seq == expected + 1
        return f"la ligne {expected} manque" if alone else f"les lignes {expected} à {row.seq - 1} manquent"
    if row.seq < expected:
        return f"la ligne {row.seq} est en double"
    line = {name: getattr(row, name) for name in ("folder_id", "at", "who", "user_id", "event", "facts")}
    if digest(row.previous, row.collectivity_id, row.seq, line) != row.hash:
        before = next(
            (n for n in _around(row.seq) if digest(row.previous, row.collectivity_id, n, line) == row.hash), 0
        )
        fault = (
            f"porte le contenu de la ligne {before} : des lignes ont été déplacées"
            if before
            else "a été modifiée"
        )
        return f"la ligne {row.seq} (« {row.event} », {row.at}) {fault}"
    # After its own hash: a line that was altered is named, not the one that follows it.
    if row.previous != previous:
        return f"la ligne {row.seq} (« {row.event} », {row.at}) ne suit pas la précédente : ajoutée, déplacée ou réécrite"
    return None
