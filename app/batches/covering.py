"""In whose absence folders of a batch await its person, and in whose he has acted on them, by what the base keeps of each."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from app.batches.models import BACK, BACK_BEFORE, Batch, BatchItem
from app.core.db import Db
from app.core.grammar import de
from app.folders.access import STEP, asking
from app.folders.models import ASKED, Folder, StepRun
from app.folders.move import cover_of, present
from app.people.actor import Actor
from workflows.circuit import StepKind


def awaiting(db: Db, actor: Actor, folders: Collection[int]) -> dict[int, str]:
    """In whose absence each of these folders awaits the actor, as his list says; nothing of what awaits himself.

    One statement, and some for a folder of which he may take several parts: none for who stands in for nobody.
    """
    if not actor.covers or not folders:
        return {}
    columns = (STEP.c.folder_id, STEP.c.kind, STEP.c.desk_id, STEP.c.family, STEP.c.own_type)
    query = sa.select(*columns).where(
        STEP.c.folder_id.in_(folders),
        STEP.c.state == "active",
        ~STEP.c.slot.startswith(ASKED),
        asking(actor),
    )
    names: dict[int, set[str]] = {}
    for row in db.execute(query):
        cover = actor.cover_at(row.desk_id, StepKind(row.kind).right, (row.family, row.own_type))
        names.setdefault(row.folder_id, set()).add(cover.absent if cover is not None else "")
    awaited = {number: next(iter(some)) for number, some in names.items() if len(some) == 1}
    several = names.keys() - awaited.keys()
    for folder in db.scalars(sa.select(Folder).where(Folder.id.in_(several))) if several else ():
        under = cover_of(db, actor, folder, present(db, folder))
        awaited[folder.id] = under.absent if under is not None else ""
    return {number: name for number, name in awaited.items() if name}


def _acted(*columns: Any) -> sa.Select[Any]:
    """The items of batches on which their person has acted in somebody's absence: the part that he ended meanwhile.

    Any other act on the folder in between would have changed it, and its item would be refused.
    """
    return (
        sa.select(*columns)
        .select_from(BatchItem)
        .join(Batch, Batch.id == BatchItem.batch_id)
        .join(StepRun, StepRun.folder_id == BatchItem.folder_id)
        .where(
            StepRun.user_id == Batch.user_id,
            StepRun.absent.is_not(None),
            ~StepRun.slot.startswith(ASKED),
            StepRun.ended_at >= Batch.started_at,
            StepRun.ended_at <= BatchItem.changed_at,
        )
    )


def acted(db: Db, batch_id: int) -> dict[int, str]:
    """In whose absence each folder of a batch was acted on, what was taken back since too; nothing of the others."""
    back = sa.and_(BatchItem.state == "refused", BatchItem.reason.in_([*BACK.values(), *BACK_BEFORE]))
    rows = db.execute(
        _acted(BatchItem.folder_id, StepRun.absent).where(
            BatchItem.batch_id == batch_id, sa.or_(BatchItem.state == "done", back)
        )
    )
    return {row.folder_id: row.absent for row in rows}


def counted(db: Db, batches: Collection[int]) -> dict[int, Counter[str]]:
    """For each of these batches, on how many folders its person acted in whose absence: those that are done."""
    counts: dict[int, Counter[str]] = {number: Counter() for number in batches}
    number = sa.func.count(sa.distinct(BatchItem.id)).label("number")
    query = _acted(BatchItem.batch_id, StepRun.absent, number).where(
        BatchItem.batch_id.in_(batches), BatchItem.state == "done"
    )
    for row in db.execute(query.group_by(BatchItem.batch_id, StepRun.absent)) if batches else ():
        counts[row.batch_id][row.absent] = row.number
    return counts


def phrase(counts: Mapping[str, int]) -> str:
    """« 46 en l’absence de Ronan Pellenec »; empty where nobody was away."""
    return ", ".join(f"{count} en l’absence {de(name)}" for name, count in sorted(counts.items()))


def tally(names: Iterable[str]) -> Counter[str]:
    """On how many folders in whose absence; those without a name are of the person himself."""
    return Counter(name for name in names if name)
