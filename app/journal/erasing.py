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
from app.journal.models import Origin

BATCH = 1000
"""Addresses that go in one transaction, under one line."""
BY = "Paraphe"
_origin: Any = Origin.__table__


def erase_old(days: int) -> int:
    """Erase the addresses of every journal that are more than so many days old; how many went. None goes when it is 0.

    Killed anywhere, what was erased has its line, and the rest goes next time.
    """
    if not days:
        return 0
    with reading() as db:
        places = sorted(db.scalars(sa.select(_origin.c.collectivity_id).distinct()))
    return sum(count for one in places for count in _batches(one, days))


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
    gone = sa.delete(Origin).where(
        Origin.collectivity_id == collectivity_id, Origin.seq.in_([row.seq for row in there])
    )
    db.execute(gone.execution_options(synchronize_session=False))
    told = {name: value for name, value in facts.items() if value or name not in origins.DOUBTFUL}
    append(db, collectivity_id, Event(origins.ERASED, BY, None, None, told))
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
                break
            else:
                batch, undated = [*batch, *undated, *mine], []
            if len(batch) >= BATCH:
                break
    return batch
