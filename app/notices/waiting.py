"""What waits for a person, counted as « À traiter » counts it, and what is late for long at the desks below his."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core.clock import today
from app.core.db import NO_DATE, Db
from app.folders.access import STEP, asking, of_types, unrestricted
from app.folders.models import ASKED
from app.folders.opinions import at_hand, held, released
from app.notices import arrived, back
from app.notices.escalation import OfType, delays_of, late_for_long
from app.people.actor import Actor, Seat
from app.people.models import Desk, Holder, User
from app.people.own_settings.registry import Own
from workflows.vocabulary import Right

DECIDES = (Right.ACT, Right.SIGN)
"""Who decides at a desk is told of what waits too long below it."""
_DESK: Any = sa.inspect(Desk).local_table
_HOLDER: Any = sa.inspect(Holder).local_table.alias("decides")
_USER: Any = sa.inspect(User).local_table.alias("who_decides")
MOST = 1000
"""Folders counted: beyond, a letter says so."""


@dataclass(frozen=True)
class Awaiting:
    """A folder that waits for a person: its type, the day of its step, when it came there, and whether letters tell neither.

    It came back to who decides when the last opinion for which its step waited was over.
    """

    number: int
    of_type: OfType
    due_on: date
    came_at: datetime
    closed: bool

    @property
    def presses(self) -> bool:
        """Whether it is late, or due today."""
        return self.due_on <= today()


SOON = timedelta(days=5)


@dataclass(frozen=True)
class Waiting:
    """What waits for a person, what he hides in « À traiter » too.

    Of these are neither `returned`, which came back to be corrected, nor `arrived`, which came by itself and waits to be sent.

    Folders, and of those that are of no restricted family or type how many are late, how many due on the day, how many within
    `SOON` after it, and the first day by which one is due, None where none has a day or where the deadline of a restricted one
    might be before.
    """

    folders: int
    late: int = 0
    due_today: int = 0
    soonest: date | None = None
    returned: int = 0
    arrived: int = 0
    soon: int = 0


def awaiting(db: Db, actor: Actor) -> list[Awaiting]:
    """What waits for a person now, a thousand folders at most."""
    desks = actor.desk_ids | {cover.seat.desk_id for cover in actor.covers}
    his = sa.or_(STEP.c.desk_id.in_(desks), STEP.c.named_user_id == actor.user_id)
    query = (
        sa.select(
            *STEP.c["folder_id", "family", "own_type"],
            sa.func.min(STEP.c.due_on).label("due_on"),
            sa.func.max(STEP.c.entered_at).label("entered_at"),
            sa.func.max(sa.case((unrestricted(STEP), 0), else_=1)).label("closed"),
            sa.func.max(sa.case((STEP.c.slot.startswith(ASKED), 0), else_=1)).label("decides"),
        )
        .where(STEP.c.state == "active", his, asking(actor), _at_hand(actor))
        .group_by(*STEP.c["folder_id", "family", "own_type"])
        .limit(MOST)
    )
    rows = db.execute(query).all()
    over = released(db, [row.folder_id for row in rows if row.decides])
    return [
        Awaiting(
            row.folder_id,
            (row.family, row.own_type),
            row.due_on,
            max(row.entered_at, over.get(row.folder_id, row.entered_at)),
            bool(row.closed),
        )
        for row in rows
    ]


def _at_hand(actor: Actor) -> sa.ColumnElement[bool]:
    """That what waits is not kept by an opinion that was asked, and is not one that the actor asked himself."""
    return sa.text(at_hand("s")).bindparams(me=actor.user_id or 0)  # type: ignore[return-value]


def counted(folders: Sequence[Awaiting], returned: int, came: int) -> Waiting:
    """How much waits, of these."""
    days = [folder.due_on for folder in folders if folder.due_on < NO_DATE and not folder.closed]
    closed = any(folder.closed for folder in folders)
    return Waiting(
        len(folders),
        sum(day < today() for day in days),
        sum(day == today() for day in days),
        None if closed else min(days, default=None),
        returned,
        came,
        sum(today() < day <= today() + SOON for day in days),
    )


def waiting(db: Db, actor: Actor) -> Waiting:
    """All that waits for a person now."""
    back_again, came = back.returned(db, actor, MOST), arrived.drafts(db, actor, MOST)
    return counted(awaiting(db, actor), len(back_again), len(came))


@dataclass(frozen=True)
class Stuck:
    """A desk below one's own, and how many folders are late there by more than these `days`, which their types let pass.

    `followed`: the reader's own seat is above it, so that « Chiffres » counts it for him; not where he stands in alone.
    """

    desk: str
    folders: int
    days: int
    followed: bool


def stuck_below(db: Db, actor: Actor, own: Own, tells: Callable[[OfType], bool]) -> list[Stuck]:
    """The desks below those where the actor decides, or stands in for who does, and where he does not decide himself.

    Right below, or below a desk where nobody decides (`vacant`). Of each, how many folders of the types on which he decides are
    late for long, by the delay of their types, of those types that the letter `tells`.
    """
    seats = [*actor.seats, *(cover.seat for cover in actor.covers)]
    leading = [seat for seat in seats if any(right in seat.rights for right in DECIDES)]
    below = _below(actor.collectivity_id, {seat.desk_id for seat in leading})
    above = [_deciding(seat, below) for seat in leading]
    if not above:
        return []
    delays = delays_of(db, actor.collectivity_id, own)
    his = [seat.desk_id for seat in actor.seats if any(right in seat.rights for right in DECIDES)]
    query = (
        sa.select(
            Desk.id,
            Desk.name,
            *STEP.c["family", "own_type"],
            sa.func.count(STEP.c.folder_id.distinct()).label("folders"),
            sa.func.max(sa.case((below.c.seat_id.in_(his), 1), else_=0)).label("followed"),
        )
        .join(below, below.c.desk_id == Desk.id)
        .join(STEP, STEP.c.desk_id == Desk.id)
        .where(
            sa.or_(*above),
            Desk.id.not_in(his),
            STEP.c.state == "active",
            late_for_long(STEP, delays, own),
            sa.or_(STEP.c.slot.startswith(ASKED), sa.text(f"{held('s.folder_id')} IS NULL")),
            unrestricted(STEP),
        )
        .group_by(Desk.id, Desk.name, *STEP.c["family", "own_type"])
        .order_by(Desk.name, Desk.id)
    )
    # By desk in their order, then by delay
    counts: dict[int, dict[int, int]] = {}
    names: dict[int, str] = {}
    followed: set[int] = set()
    for row in db.execute(query):
        of_type = (row.family, row.own_type)
        if tells(of_type):
            followed |= {row.id} if row.followed else set()
            names[row.id], by_delay, days = row.name, counts.setdefault(row.id, {}), delays.of(of_type)
            by_delay[days] = by_delay.get(days, 0) + row.folders
    return [
        Stuck(names[desk], folders, days, desk in followed)
        for desk, by_delay in counts.items()
        for days, folders in sorted(by_delay.items())
    ]


def vacant(desk_id: Any) -> Any:
    """The condition that nobody decides at a desk: who is told of what is late below it sits higher."""
    # For every type (« act »), or for some (« act:… »): no other right begins so
    rights = sa.cast(_HOLDER.c.rights, sa.Text)
    decides = sa.or_(*(rights.contains(f'"{right.value}') for right in DECIDES))
    held_by: Any = sa.select(sa.literal_column("1")).where(
        _HOLDER.c.desk_id == desk_id, _USER.c.id == _HOLDER.c.user_id, _USER.c.active, decides
    )
    return ~held_by.correlate_except(_HOLDER, _USER).exists()


def _below(collectivity_id: int, seats: Collection[int]) -> Any:
    """Each desk that has one of these right above it, or above none but desks where nobody decides: `desk_id`, `seat_id`."""
    first, next_one = _DESK.alias("right_below"), _DESK.alias("lower")
    below = (
        sa.select(first.c.id.label("desk_id"), first.c.parent_id.label("seat_id"))
        .where(first.c.collectivity_id == collectivity_id, first.c.parent_id.in_(seats))
        .cte("below", recursive=True)
    )
    # A set: desks that stand in a circle end it
    return below.union(
        sa.select(next_one.c.id, below.c.seat_id).where(
            next_one.c.collectivity_id == collectivity_id,
            next_one.c.parent_id == below.c.desk_id,
            vacant(below.c.desk_id),
        )
    )


def _deciding(seat: Seat, below: Any) -> sa.ColumnElement[bool]:
    """The condition that a step is at a desk below a seat, of a type on which it decides."""
    types = [of_types(seat.rights, right, STEP) for right in DECIDES if right in seat.rights]
    return sa.and_(below.c.seat_id == seat.desk_id, sa.or_(*types))
