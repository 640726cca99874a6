"""Folders that waited at a desk when the last mandate to sign there ended, or the first was recorded: who mends it is told, once.

Who enters a step where nobody may act is told at the move (`notices`). Here nothing moves: an administrator ends a mandate,
or its last day passes, or he records the first, without which nobody signs from then on, while folders wait.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core.clock import now, today
from app.core.db import Db, reading
from app.core.outbox import Outbox, post
from app.core.questions import read_together
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.models import Folder, StepRun
from app.folders.move import present
from app.folders.notices import NOBODY, nobody_may_act
from app.folders.passages import Passage, parts_of, standing
from app.folders.seats import Seated, Sitting, lacks_people, seats_at, slots_of
from app.people.covers import Away, away_query, by_person
from app.people.mandates import mandates
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
    """How many of 500 folders that wait for a signature could not leave their step any more, were these mandates to end.

    `first`: were this one, besides, the first that is recorded. By the quorum of each step: nobody signs twice there.
    """
    waiting = list(db.scalars(_waiting(collectivity_id).limit(MOST)))
    if not waiting:
        return 0

    def later(held: Sequence[Mandate] | None, number: int) -> Sequence[Mandate] | None:
        if first is not None:
            return [first] if number == first.person else []
        return held if held is None else [one for one in held if one.id not in ended]

    signed, seats, away = _signing(db, collectivity_id, waiting)
    was = Sitting(seats, away=away, held=lambda number: mandates(db, number))
    would = Sitting(
        [replace(seat, mandates=later(seat.mandates, seat.user_id)) for seat in seats],
        away=away,
        held=lambda number: later(mandates(db, number), number) or (),
    )
    return sum(one.passes(was) and not one.passes(would) for one in signed)


def _signing(
    db: Db, collectivity_id: int, folders: Collection[int]
) -> tuple[list[Passage], list[Seated], dict[int, list[Away]]]:
    """The signatures for which these folders wait, who sits where they are asked, and who is away."""
    rows, away = read_together(db, parts_of(collectivity_id, folders), away_query(collectivity_id, now()))
    signed = [one for one in standing(db, rows) if one.parts[0].kind is StepKind.SIGN]
    parts = [part for one in signed for part in one.parts]
    seats = seats_at(
        db,
        collectivity_id,
        {part.desk_id for part in parts if part.desk_id is not None},
        {part.named_user_id for part in parts if part.named_user_id is not None},
    )
    return signed, seats, by_person(away)


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
