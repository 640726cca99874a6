"""Folders that waited at a desk when the last mandate to sign there ended, or the first was recorded: who mends it is told, once.

Who enters a step where nobody may act is told at the move (`notices`). Here nothing moves: an administrator ends a mandate,
or its last day passes, or he records the first, without which nobody signs from then on, while folders wait.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core.clock import now, today
from app.core.db import Db, reading
from app.core.outbox import Outbox, post
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.models import Folder, StepRun
from app.folders.move import present
from app.folders.notices import NOBODY, nobody_may_act
from app.folders.seats import lacks_people, parts_awaited, slots_of
from app.people.models import MandateRow
from workflows.circuit import Phase, StepKind
from workflows.mandates import Mandate

RECENT = timedelta(days=7)
"""How far back an end is looked for: a worker that was stopped meanwhile tells it when it comes back."""
PRODUCT = "Paraphe"
MOST = 500
"""Folders looked at before a mandate ends, or before the first is recorded."""


class Watch:
    """What the watchdog calls; it looks at the folders as a mandate is recorded or has ended, and once when it starts."""

    def __init__(self) -> None:
        self._seen: Sequence[tuple[int, int, bool]] = ()

    def __call__(self) -> None:
        """Tell of the folders that nobody may sign any more."""
        changed = _changed()
        if changed == self._seen:
            return
        for here in sorted({collectivity_id for _, collectivity_id, _ in changed}):
            look(here)
        self._seen = changed


def _changed() -> Sequence[tuple[int, int, bool]]:
    """The mandates that were recorded or came to their end these days, each with its collectivity, and whether it has ended."""
    recorded = MandateRow.created_at >= now() - RECENT
    by_hand = MandateRow.ended_at >= now() - RECENT
    by_day = sa.and_(MandateRow.ends_on < today(), MandateRow.ends_on >= today() - RECENT)
    query = sa.select(MandateRow.id, MandateRow.collectivity_id, MandateRow.ended_at, MandateRow.ends_on)
    rows = query.where(sa.or_(recorded, by_hand, by_day)).order_by(MandateRow.id)
    with reading() as db:
        return [
            (
                row.id,
                row.collectivity_id,
                row.ended_at is not None or (row.ends_on is not None and row.ends_on < today()),
            )
            for row in db.execute(rows)
        ]


def look(collectivity_id: int) -> int:
    """Tell of the folders of a collectivity that wait for a signature which nobody may make; returns how many are new."""
    with reading(collectivity_id) as db:
        waiting = list(db.scalars(_waiting(collectivity_id)))
    return sum(_tell(collectivity_id, folder_id) for folder_id in waiting)


def _waiting(collectivity_id: int) -> Any:
    """The folders of a collectivity that wait for a signature, as a statement."""
    query = sa.select(StepRun.folder_id).where(
        StepRun.collectivity_id == collectivity_id,
        StepRun.kind == StepKind.SIGN.value,
        sa.text("state = 'active'"),
    )
    return query.distinct().order_by(StepRun.folder_id)


def left_without(
    db: Db, collectivity_id: int, ended: Collection[int] = (), first: Mandate | None = None
) -> int:
    """How many of 500 folders that wait for a signature could be signed by nobody, were these mandates to end.

    `first`: were this one, besides, the first that is recorded.
    """
    waiting = list(db.scalars(_waiting(collectivity_id).limit(MOST)))
    present_parts = parts_awaited(db, collectivity_id, waiting)
    later_parts = parts_awaited(db, collectivity_id, waiting, ended=ended, first=first)
    return sum(
        any(
            part.persons and not later.persons for part, later in zip(parts, later_parts[number], strict=True)
        )
        for number, parts in present_parts.items()
    )


@use_case
def _tell(db: Db, collectivity_id: int, folder_id: int) -> bool:
    """The letters about one folder, unless they were written since it came to its step."""
    db.info["collectivity_id"] = collectivity_id
    folder = db.get_one(Folder, folder_id, with_for_update=True)
    if folder.phase != Phase.RUNNING:
        return False
    here = present(db, folder)
    if here.step is None or here.step.kind is not StepKind.SIGN:
        return False
    try:
        slots = slots_of(db, folder, here.step)
    except Refusal:  # a desk that the circuit names is gone: that is told where the folder is opened
        return False
    if not lacks_people(here.step, slots, here.standing.acted):
        return False
    since = sa.select(sa.func.max(StepRun.entered_at)).where(
        StepRun.folder_id == folder.id, StepRun.step == here.step.key
    )
    told = sa.select(Outbox.id).where(
        Outbox.folder_id == folder.id,
        Outbox.key.like(f"{NOBODY}-{folder.id}-%"),
        Outbox.created_at >= since.scalar_subquery(),
    )
    if db.scalar(told.limit(1)) is not None:
        return False
    awaited = tuple(slot for slot in slots if slot.key not in here.standing.acted)
    post(db, folder.collectivity_id, nobody_may_act(db, folder, awaited, PRODUCT))
    return True
