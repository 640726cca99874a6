"""Let the addresses of a journal go after so many days: their rows leave, a line says so, and the chain stays (decision 0025)."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, reading
from app.core.transaction import use_case
from app.journal import origins
from app.journal.chain import Event, append, entries, lock
from app.journal.models import JournalEntry, Origin

BATCH = 1000
"""Addresses that go in one transaction, under one line."""
BY = "Paraphe"
SHORTEST = timedelta(days=14)
"""How far back a line is looked for at least, by which a clock is believed: over a holiday nobody writes any."""
AHEAD = timedelta(days=1)
"""Beyond this, a date to come is that of a clock that was wrong."""
_entry: Any = JournalEntry.__table__
_origin: Any = Origin.__table__


def erase_old(days: int) -> int:
    """Erase the addresses of every journal that are more than so many days old; how many went. None goes when it is 0.

    Killed anywhere, what was erased has its line, and the rest goes next time. None goes while the clock is not `believed`.
    """
    if not days or not believed(days):
        return 0
    with reading() as db:
        places = sorted(db.scalars(sa.select(_origin.c.collectivity_id).distinct()))
    return sum(count for place in places for count in _batches(place, days))


def believed(days: int) -> bool:
    """Whether this clock may say what is so many days old: some line is dated between a quarter and a half of them ago.

    A clock that leapt has no line there until it has run for a quarter of the days; one that is ahead by less than a half
    passes, so that no address goes before the half of its days for one leap.
    """
    # Without it a clock that leaps ahead would take away in one night what nothing brings back.
    with reading() as db:
        return bool(db.scalar(sa.select(_of_then(now(), timedelta(days=days)))))


def _of_then(moment: datetime, age: timedelta) -> sa.ColumnElement[bool]:
    """Whether some line is dated between a quarter and a half of that age before a moment."""
    first, last = (
        bound.isoformat(timespec="milliseconds")
        for bound in (moment - max(age / 2, SHORTEST), moment - age / 4)
    )
    return sa.exists().where(_entry.c.at >= first, _entry.c.at <= last)


def waits(days: int, swept: datetime | None) -> list[str]:
    """What makes addresses wait that a right clock would let go, in French; nothing where all is well or none is due.

    `swept`: when the worker last swept.
    """
    if not days:
        return []
    moment, age, faults = now(), timedelta(days=days), list[str]()
    to_come = (moment + AHEAD).isoformat(timespec="milliseconds")
    wrong = sa.select(sa.func.min(_entry.c.seq)).where(_entry.c.at > to_come).scalar_subquery()
    with reading() as db:
        credible, seq = db.execute(sa.select(_of_then(moment, age), wrong)).one()
        places = [] if credible else sorted(db.scalars(sa.select(_origin.c.collectivity_id).distinct()))
        if any(_due(db, place, moment, age) for place in places):
            faults.append(
                "des adresses échues du journal attendent : aucune écriture n’est datée d’entre un quart et la moitié de "
                "PARAPHE_JOURNAL_ADDRESS_DAYS avant l’heure de ce serveur. Vérifiez son horloge ; si elle est juste, elles "
                "s’effaceront après ce quart"
            )
    if seq is not None:
        faults.append(
            f"l’écriture n° {seq} du journal est datée d’un jour à venir : l’horloge de ce serveur a été en avance, ou "
            "retarde. Vérifiez-la ; l’adresse d’une telle écriture s’efface avec celle de la suivante"
        )
    if swept is not None and swept - moment > AHEAD:
        faults.append("le dernier balayage est daté d’un jour à venir : vérifiez l’horloge de ce serveur")
    return faults


def _batches(collectivity_id: int, days: int) -> Iterator[int]:
    while (count := _erase(collectivity_id, days)) is not None:
        yield count


@use_case
def _erase(db: Db, collectivity_id: int, days: int) -> int | None:
    """How many addresses went with the next batch; None when no line is due."""
    db.info["collectivity_id"] = collectivity_id
    lock(db, collectivity_id)  # another worker's batch, and its line, are whole before this one looks
    batch = _due(db, collectivity_id, now(), timedelta(days=days))
    if not batch:
        return None
    there = [row for row in batch if row.salt is not None]
    facts = {
        "upto": batch[-1].seq,
        "days": days,
        "count": len(there),
        # What is wrong now could be told by nobody afterwards
        "altered": [
            row.seq
            for row in there
            if origins.digest(row.salt, row.address, row.client) != origins.covered(row.facts)
        ],
        "missing": [row.seq for row in batch if row.salt is None],
    }
    # The salt goes with the address: what the chain keeps of it then answers no guess.
    gone = sa.delete(Origin).where(
        Origin.collectivity_id == collectivity_id, Origin.seq.in_([row.seq for row in there])
    )
    db.execute(gone.execution_options(synchronize_session=False))
    # Where nothing was wrong neither fact is written, as in the lines of before they existed.
    recorded = {name: value for name, value in facts.items() if value or name not in origins.DOUBTFUL}
    append(db, collectivity_id, Event(origins.ERASED, BY, None, None, recorded))
    return len(there)


def _due(db: Db, collectivity_id: int, moment: datetime, age: timedelta) -> list[Any]:
    """The lines of the next batch that cover an address and are due, whether it is still there or not.

    They go in their order, and none before its own date is due: a clock that was wrong makes them wait, never leave early.
    One that is dated after `moment`, or not at all, is as old as the next line that is dated.
    """
    known = origins.erasures(db, collectivity_id)
    batch: list[Any] = []
    undated: list[Any] = []
    with closing(entries(db, collectivity_id, after=known[-1].upto if known else 0)) as lines:
        for row in lines:
            mine = [row] if origins.covered(row.facts) else []
            at = origins.moment_of(row.at)
            if at is None or at > moment:
                undated += mine
            elif (mine or undated) and moment - at < age:
                # One that is not due keeps all after it: an erasing says one bound, and all below it are
                # gone.
                break
            else:
                batch, undated = [*batch, *undated, *mine], []
            if len(batch) >= BATCH:
                break
    return batch
