"""What waits for a person, counted as « À traiter » counts it, and what is late for long at the desks below his."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from app.core.clock import today
from app.core.db import NO_DATE, Db
from app.folders.access import STEP, asking, of_types, unrestricted
from app.notices import back
from app.people.actor import Actor, Seat
from app.people.models import Desk
from app.people.own_settings.registry import Kind, Own, Setting, value_in
from app.people.working_days import calendar_in
from workflows.deadlines import late_by_more
from workflows.vocabulary import Right

ESCALATION = "mail_escalation"
DECIDES = (Right.ACT, Right.SIGN)
"""Who decides at a desk is told of what waits too long below it."""
MOST = 1000
"""Folders counted: beyond, a letter says so."""


def escalation(group: str) -> Setting:
    """After how many working days of lateness the desk above is told."""
    return Setting(
        ESCALATION,
        group,
        "Retard dit au bureau supérieur",
        "Après ce nombre de jours ouvrés de retard, le courriel des rappels dit aux titulaires du bureau supérieur combien de "
        "dossiers attendent dans le bureau, et rien d’eux. Les dossiers réservés n’y sont pas comptés.",
        "courriels qui disent à chacun ce qui l’attend",
        Kind.NUMBER,
        lambda: 0,
        least=1,
        most=60,
        unit="jours ouvrés",
        default="jamais",
    )


@dataclass(frozen=True)
class Waiting:
    """What waits for a person, counted as « À traiter » counts it; `returned` came back to be corrected, and is not of these.

    Folders, and of those that are of no restricted family or type how many are late, how many due on the day, and the first
    day by which one is due, None where none has a day or where the deadline of a restricted one might be before. `presses`:
    whether anything is late or due on the day. `fresh`: how many came, or came back, since a moment.
    """

    folders: int
    late: int = 0
    due_today: int = 0
    soonest: date | None = None
    fresh: int = 0
    presses: bool = False
    returned: int = 0


def waiting(db: Db, actor: Actor, since: datetime | None = None) -> Waiting:
    """What waits for a person now, a thousand folders at most."""
    desks = actor.desk_ids | {cover.seat.desk_id for cover in actor.covers}
    his = sa.or_(STEP.c.desk_id.in_(desks), STEP.c.named_user_id == actor.user_id)
    query = (
        sa.select(
            STEP.c.folder_id,
            sa.func.min(STEP.c.due_on).label("due_on"),
            sa.func.max(STEP.c.entered_at).label("entered_at"),
            sa.func.max(sa.case((unrestricted(STEP), 0), else_=1)).label("closed"),
        )
        .where(STEP.c.state == "active", his, asking(actor))
        .group_by(STEP.c.folder_id)
        .limit(MOST)
    )
    rows = db.execute(query).all()
    days = [row.due_on for row in rows if row.due_on < NO_DATE and not row.closed]
    closed = [row.due_on for row in rows if row.closed]
    returned = back.moments(db, actor, MOST)
    came = [*(row.entered_at for row in rows), *returned]
    return Waiting(
        len(rows),
        sum(day < today() for day in days),
        sum(day == today() for day in days),
        None if closed else min(days, default=None),
        sum(1 for moment in came if since is not None and moment >= since),
        any(day <= today() for day in (*days, *closed)),
        len(returned),
    )


@dataclass(frozen=True)
class Stuck:
    """A desk below one's own, and how many folders are late there for longer than the collectivity lets pass in silence."""

    desk: str
    folders: int


def far(own: Own) -> date:
    """The day before which what was due is told to the desk above; the first of days where nothing is."""
    days = int(value_in(own, ESCALATION).value or 0)
    return late_by_more(days, today(), calendar_in(own)) if days else date.min


def stuck_below(db: Db, actor: Actor, own: Own) -> list[Stuck]:
    """The desks below those where the actor decides, or stands in for who does, and where he does not decide himself.

    Of each, how many folders of the types on which he decides are late for long.
    """
    seats = [*actor.seats, *(cover.seat for cover in actor.covers)]
    above = [_deciding(seat) for seat in seats if any(right in seat.rights for right in DECIDES)]
    his = [seat.desk_id for seat in actor.seats if any(right in seat.rights for right in DECIDES)]
    query = (
        sa.select(Desk.name, sa.func.count(STEP.c.folder_id.distinct()).label("folders"))
        .join(STEP, STEP.c.desk_id == Desk.id)
        .where(
            sa.or_(sa.false(), *above),
            Desk.id.not_in(his),
            STEP.c.state == "active",
            STEP.c.due_on < far(own),
            unrestricted(STEP),
        )
        .group_by(Desk.id, Desk.name)
        .order_by(Desk.name)
    )
    return [Stuck(row.name, row.folders) for row in db.execute(query)] if above else []


def _deciding(seat: Seat) -> sa.ColumnElement[bool]:
    """The condition that a step is at a desk right below a seat, of a type on which it decides."""
    types = [of_types(seat.rights, right, STEP) for right in DECIDES if right in seat.rights]
    return sa.and_(Desk.parent_id == seat.desk_id, sa.or_(*types))
