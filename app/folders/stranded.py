"""Folders that waited at a desk when the last mandate to sign there ended, or the first was recorded: who mends it is told, once.

Who enters a step where nobody may act is told at the move (`notices`). Here nothing moves: an administrator ends a mandate,
or its last day passes, or he records the first, without which nobody signs from then on, while folders wait.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from app.core.clock import PARIS, now, today
from app.core.db import NO_DATE, Db, reading
from app.core.outbox import Outbox, post
from app.core.questions import read_together
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.models import Folder, StepRun
from app.folders.move import present
from app.folders.notices import NOBODY, lacking_words, nobody_may_act
from app.folders.passages import Passage, parts_of, standing
from app.folders.seats import Seated, Sitting, lacks_people, seats_at, slots_of, stuck_at
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


def lacking_since(db: Db, folder: Folder, moment: datetime) -> str:
    """The desks where a folder waits, since then at least, at a step that can never end as things stand; empty when it does not.

    The question of who tells it (`move`, `_tell`), asked again before it is told.
    """
    here = present(db, folder) if folder.phase == Phase.RUNNING else None
    if here is None or here.step is None:
        return ""
    slots, acted = slots_of(db, folder, here.step), here.standing.acted
    first = sa.select(sa.func.min(StepRun.entered_at, type_=StepRun.entered_at.type)).where(
        StepRun.id.in_([run.id for run in here.runs])
    )
    if (db.scalar(first) or moment) > moment or not stuck_at(db, folder, here.step, slots, acted):
        return ""
    return lacking_words(tuple(slot for slot in slots if slot.key not in acted))


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
    """The letters about one folder, unless they were written since nobody may sign it."""
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
    since = _since(db, folder)
    letters = sa.select(Outbox.id).where(
        Outbox.folder_id == folder.id,
        Outbox.key.like(f"{NOBODY}-{folder.id}-%"),
        Outbox.created_at >= since,
    )
    if db.scalar(letters.limit(1)) is not None:
        return False
    awaited = tuple(slot for slot in slots if slot.key not in here.standing.acted)
    # A folder that no move has made older since the last letters would have their keys
    key = f"-{since:%Y%m%d%H%M%S%f}"
    news = [replace(one, key=one.key + key) for one in nobody_may_act(db, folder, awaited, PRODUCT)]
    post(db, folder.collectivity_id, news)
    return True


def _since(db: Db, folder: Folder) -> datetime:
    """Since when nobody may end the signature for which a folder waits, as people sit today.

    That is the last end or recording of a mandate before which somebody could; when the folder came there, if nobody ever
    could.
    """
    signed, seats, away = _signing(db, folder.collectivity_id, [folder.id])
    every = mandates(db)
    recorded = {
        row.id: row
        for row in db.execute(
            sa.select(MandateRow.id, MandateRow.created_at, MandateRow.ended_at).where(
                MandateRow.collectivity_id == folder.collectivity_id
            )
        )
    }
    entered = max(one.entered_at for one in signed)

    def sitting(moment: datetime) -> Sitting:
        """Who could sign just before a moment."""
        known = [one for one in every if recorded[one.id].created_at < moment]
        stood = [_stood(one) for one in known if _stands(one, moment, recorded)]
        return Sitting(
            [
                replace(
                    seat,
                    mandates=[one for one in stood if one.person == seat.user_id] if known else None,
                )
                for seat in seats
            ],
            away=away,
            held=lambda number: [one for one in stood if one.person == number],
        )

    moments = {moment for one in every for moment in _changes(one, recorded[one.id])}
    for moment in sorted((one for one in moments if entered < one <= now()), reverse=True):
        before = sitting(moment)
        if all(one.passes(before) for one in signed):
            return moment
    return entered


def _changes(mandate: Mandate, row: Any) -> Iterator[datetime]:
    """The moments at which a mandate takes the signature from somebody: recorded, ended, or the day after its last."""
    yield row.created_at
    if row.ended_at is not None:
        yield row.ended_at
    if mandate.ends_on is not None and mandate.ends_on < NO_DATE:
        yield datetime.combine(mandate.ends_on + timedelta(days=1), time.min, PARIS)


def _stands(mandate: Mandate, moment: datetime, rows: Mapping[int, Any]) -> bool:
    """Whether a mandate stood just before a moment, and the office that it comes from."""
    day = (moment - timedelta(microseconds=1)).astimezone(PARIS).date()
    ended_at = rows[mandate.id].ended_at
    if mandate.starts_on > day or (ended_at is not None and ended_at < moment):
        return False
    if mandate.ends_on is not None and mandate.ends_on < day:
        return False
    giver = mandate.given_by
    return giver is None or _stands(giver, moment, rows)


def _stood(mandate: Mandate) -> Mandate:
    """The same mandate as if nothing had ended it: what is left to judge is its scope."""
    return replace(mandate, ended=False, ends_on=None, given_by=None)
