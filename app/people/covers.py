"""Who is away now and who stands in, read from the clock: nothing has to run for a cover to begin or to end.

`live` says in SQL what `workflows.absences.live` says of one absence.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any

import sqlalchemy as sa

from app.core.clock import PARIS, now, today
from app.core.db import OURS_ALREADY, Db
from app.core.french import instant
from app.core.grammar import de
from app.core.questions import Asked, Query
from app.core.refusals import Refusal
from app.people.actor import Actor, Cover, Seat
from app.people.models import Absence, Desk, Holder, User
from workflows import absences
from workflows.rights import NONE, Rights
from workflows.vocabulary import Right

_absence: Any = Absence.__table__
absence: Any = _absence.c
"""Its columns, for a statement about who is away."""
_cover: Any = User.__table__.alias("stands_in")
MIDDAY = time(12)


def live(moment: Any) -> sa.ColumnElement[bool]:
    """The condition on `absence` that it has begun at a moment and is not over."""
    return sa.and_(_absence.c.starts_at <= moment, _absence.c.ends_at > moment)


def covering(user: Any, moment: Any) -> Any:
    """Whether somebody stands in for anybody at a moment, as a column of a statement about people."""
    return sa.exists().where(_absence.c.cover_id == user, live(moment))


def away_in(collectivity_id: Any, moment: Any) -> sa.ColumnElement[bool]:
    """The condition on `absence` that it is of a collectivity, has begun at a moment and is not over."""
    return sa.and_(_absence.c.collectivity_id == collectivity_id, live(moment))


def last_end(user: Any, moment: Any) -> Any:
    """When the last of somebody's absences at a moment ends, as a column of a statement about people; NULL of who is there."""
    mine = sa.select(sa.func.max(_absence.c.ends_at)).where(_absence.c.user_id == user, live(moment))
    return mine.scalar_subquery()


def letters_wait_until(user: Any, moment: Any) -> Any:
    """The same for whoever wants no letter meanwhile: NULL too of who is away and gets his."""
    kept = sa.func.max(sa.case((_absence.c.letters, 1), else_=0)) == 0
    mine = sa.select(sa.func.max(_absence.c.ends_at)).where(_absence.c.user_id == user, live(moment))
    return mine.having(kept).scalar_subquery()


def standing_in(desks: Collection[int], moment: datetime) -> sa.Select[tuple[int]]:
    """The statement of those who stand in at a moment for somebody of these desks, there: what each may is for `lent_to`."""
    return (
        sa.select(_absence.c.cover_id)
        .join(Holder, Holder.user_id == _absence.c.user_id)
        .where(
            Holder.desk_id.in_(desks),
            _absence.c.cover_id.is_not(None),
            live(moment),
            sa.or_(_absence.c.desk_id.is_(None), _absence.c.desk_id == Holder.desk_id),
        )
    )


def law_of(row: Any) -> absences.Absence:
    """An absence as the law reads it."""
    return absences.Absence(
        row.user_id, row.cover_id, row.starts_at, row.ends_at, row.desk_id, tuple(row.types), row.acts
    )


def lent_to(db: Db, user_id: int, moment: datetime, *, lock: bool = False) -> tuple[Cover, ...]:
    """The desks where somebody stands in at this moment, each with what the seat of who is away lends him there.

    One where it lends nothing, as that of who only deposits there, is none of them.

    `lock`: nobody ends or changes these absences until the caller's transaction is over.
    """
    query = (
        sa.select(_absence, User.first_name, User.last_name, Desk.key, Desk.name, Holder.rights)
        .add_columns(Desk.id.label("place"))
        .select_from(_absence)
        .join(User, sa.and_(User.id == _absence.c.user_id, User.active.is_(True)))
        .join(Holder, Holder.user_id == User.id)
        .join(Desk, sa.and_(Desk.id == Holder.desk_id, Desk.closed_at.is_(None)))
        .where(
            _absence.c.cover_id == user_id,
            live(moment),
            sa.or_(_absence.c.desk_id.is_(None), _absence.c.desk_id == Desk.id),
        )
        .order_by(Desk.name, _absence.c.id)
    )
    if lock:
        query = query.with_for_update(read=True, of=_absence)
    return tuple(cover for row in db.execute(query) if (cover := _lent(row)).seat.reading)


def refuse_over(
    db: Db,
    actor: Actor,
    under: Cover,
    right: Right,
    of_type: tuple[str, str],
    moment: datetime | None = None,
) -> None:
    """Refuse an act under a cover that ended, or was narrowed, between the page and the click (`cover-over`).

    The absence is locked: nobody ends it before this act is told. `of_type`: of the folder; `moment`: now unless said.
    """
    lent = lent_to(db, actor.user_id or 0, moment or now(), lock=True)
    if not any(
        cover.number == under.number
        and cover.seat.desk_id == under.seat.desk_id
        and cover.seat.gives(right, of_type)
        for cover in lent
    ):
        raise Refusal("cover-over", absent=under.absent)


def _lent(row: Any) -> Cover:
    rights = absences.lent(Rights.read(row.rights), row.types)
    seat = Seat(row.place, row.key, row.name, *((rights, NONE) if row.acts else (NONE, rights)))
    return Cover(row.id, row.user_id, f"{row.first_name} {row.last_name}", seat, tuple(row.types))


@dataclass(frozen=True)
class Away:
    """One absence of somebody, with the name and address of who stands in, empty for nobody; `letters`: he gets his own."""

    number: int
    law: absences.Absence
    letters: bool = False
    cover_name: str = ""
    cover_email: str = ""

    @property
    def until(self) -> str:
        """« mer. 2 déc., 8 h 00 »: its last minute, as it was typed."""
        return instant(self.law.ends - absences.MINUTE)


_away = (
    sa.select(_absence, _cover.c.first_name, _cover.c.last_name, _cover.c.email)
    .outerjoin(_cover, sa.and_(_cover.c.id == _absence.c.cover_id, _cover.c.active.is_(True)))
    .where(_absence.c.collectivity_id == sa.bindparam("here"), live(sa.bindparam("moment")))
    .order_by(_absence.c.id)
    .execution_options(**{OURS_ALREADY: True})
)


ANYBODY_AWAY = sa.exists().where(away_in(sa.bindparam("here"), sa.bindparam("moment")))
"""Whether anybody of a collectivity is away at a moment, as a column of a statement that is asked anyway."""


def away_at(db: Db, collectivity_id: int, moment: datetime) -> dict[int, list[Away]]:
    """The absences of a collectivity at a moment, by the person who is away; one look in an index where nobody is."""
    return by_person(db.execute(_away, {"here": collectivity_id, "moment": moment}))


def away_query(collectivity_id: int, moment: datetime) -> Query:
    """What `by_person` reads, for a page that asks more by the same statement."""
    return _away.params(here=collectivity_id, moment=moment)


def away_asked(collectivity_id: int, moment: datetime) -> Asked:
    """The same, to be asked beside other rows (`read_beside`)."""
    return _away, {"here": collectivity_id, "moment": moment}


def by_person(rows: Iterable[Any]) -> dict[int, list[Away]]:
    """The absences of these rows, in the order in which they were recorded, by the person who is away."""
    away: dict[int, list[Away]] = {}
    for row in sorted(rows, key=lambda one: one.id):
        away.setdefault(row.user_id, []).append(away_of(row))
    return away


def away_of(row: Any) -> Away:
    """An absence of a row of `absence`, with the names of who stands in; an account that was closed stands in for nobody."""
    law = law_of(row)
    if row.first_name is None:
        return Away(row.id, replace(law, by=None), row.letters)
    return Away(row.id, law, row.letters, f"{row.first_name} {row.last_name}", row.email)


def moment_on(day: date | None) -> datetime:
    """The moment by which a day is judged: now for today, else its midday."""
    return now() if day is None or day == today() else datetime.combine(day, MIDDAY, PARIS)


def until(several: Iterable[Away]) -> datetime | None:
    """The last minute of the last of somebody's absences at this moment; None where there is none."""
    return max((away.law.ends - absences.MINUTE for away in several), default=None)


def facts_of(under: Cover | None) -> dict[str, Any]:
    """What the journal keeps of the cover under which something was done: in whose absence, and the absence; nothing of none."""
    return {"absent": under.absent, "cover": under.number} if under is not None else {}


def in_absence(who: str, absent: str | None) -> str:
    """« Gaud Le Bras, en l’absence d’Armel Kervadec »; the name alone where nobody was away.

    >>> in_absence("Gaud Le Bras", "Armel Kervadec"), in_absence("Gaud Le Bras", None)
    ('Gaud Le Bras, en l’absence d’Armel Kervadec', 'Gaud Le Bras')
    """
    return f"{who}, en l’absence {de(absent)}" if absent else who
