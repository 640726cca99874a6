"""The batches that a person has begun, newest first: when, how many folders, and what became of them."""

from collections import Counter
from dataclasses import dataclass

import sqlalchemy as sa

from app.batches.gesture import at_work
from app.batches.models import OPEN, Batch, BatchItem
from app.batches.progress import VERBS, folders, when_of
from app.core.db import Db
from app.people.actor import Actor

SHOWN = 30
NAMES = {"approve": "Visa", "reject": "Rejet", "sign": "Signature"}


@dataclass(frozen=True)
class Past:
    """One batch in the list: « Signature de 37 dossiers », its moments, and its result in words; `tone`: ok, warn or info."""

    id: int
    title: str
    when: str
    result: str
    tone: str


def history(db: Db, actor: Actor, before: int | None = None) -> tuple[list[Past], int | None]:
    """Thirty batches of this person, those begun before this number if one is given; and where the next thirty start."""
    query = sa.select(Batch).where(Batch.user_id == actor.user_id, Batch.started_at.is_not(None))
    if before is not None:
        query = query.where(Batch.id < before)
    batches = list(db.scalars(query.order_by(Batch.id.desc()).limit(SHOWN + 1)))
    shown = batches[:SHOWN]
    counts: dict[int, Counter[str]] = {batch.id: Counter() for batch in shown}
    states = sa.select(BatchItem.batch_id, BatchItem.state, sa.func.count()).where(
        BatchItem.batch_id.in_(counts), BatchItem.state != "left_out"
    )
    for batch_id, state, count in db.execute(states.group_by(BatchItem.batch_id, BatchItem.state)):
        counts[batch_id][state] = count
    return [_past(db, batch, counts[batch.id]) for batch in shown], (
        shown[-1].id if len(batches) > SHOWN else None
    )


def _past(db: Db, batch: Batch, count: Counter[str]) -> Past:
    past, size = VERBS[batch.kind][1], sum(count.values())
    title = f"{NAMES[batch.kind]} de {folders(size)}"
    result = f"{count['done']} {past}{'s' if count['done'] > 1 else ''} sur {size}"
    left = sum(count[state] for state in OPEN)
    if batch.ended_at is None:
        running = at_work(db, batch)
        state = "en cours" if running else "interrompu"
        rest = f"{left} {'restent' if left > 1 else 'reste'}"
        return Past(
            batch.id, title, when_of(batch), f"{state} : {result}, {rest}", "info" if running else "warn"
        )
    return Past(batch.id, title, when_of(batch), result, "ok" if count["done"] == size else "warn")
