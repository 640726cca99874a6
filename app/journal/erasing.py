"""Let the addresses of a journal go after so many days: their rows leave, a line says so, and the chain stays (decision 0025)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, reading
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.journal.models import JournalEntry, Origin
from app.journal.origins import ERASED

BATCH = 1000
"""Addresses that go in one transaction, under one line."""
BY = "Paraphe"
_entry: Any = JournalEntry.__table__
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
    while count := _erase(collectivity_id, days):
        yield count


@use_case
def _erase(db: Db, collectivity_id: int, days: int) -> int:
    db.info["collectivity_id"] = collectivity_id
    upto = _reach(db, collectivity_id, now() - timedelta(days=days))
    if not upto:
        return 0
    gone = (
        sa.delete(Origin)
        .where(Origin.collectivity_id == collectivity_id, Origin.seq <= upto)
        .returning(Origin.id)
        .execution_options(synchronize_session=False)
    )
    count = len(db.execute(gone).all())
    if count:  # else another worker took them meanwhile, and told it
        append(
            db,
            collectivity_id,
            Event(ERASED, BY, None, None, {"upto": upto, "days": days, "count": count}),
        )
    return count


def _reach(db: Db, collectivity_id: int, before: datetime) -> int:
    """The last line of the next batch whose address is due, 0 without any.

    Lines go in their order, and none before its own date is due: a clock that was wrong makes them wait, never leave early.
    """
    query = (
        sa.select(_origin.c.seq, _entry.c.at)
        .join_from(
            _origin,
            _entry,
            sa.and_(_entry.c.collectivity_id == _origin.c.collectivity_id, _entry.c.seq == _origin.c.seq),
        )
        .where(_origin.c.collectivity_id == collectivity_id)
        .order_by(_origin.c.seq)
        .limit(BATCH)
    )
    upto = 0
    for seq, at in db.execute(query):
        try:
            due = datetime.fromisoformat(at) <= before
        except (ValueError, TypeError):  # an altered line, which `verify` names
            due = False
        if not due:
            break
        upto = seq
    return upto
