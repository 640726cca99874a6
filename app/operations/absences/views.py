"""The page of absences in words: who is away, what one may write, three weeks of everybody's."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from app.circuits.own_types import called
from app.core.clock import PARIS, now, today
from app.core.db import Db
from app.core.french import instant, jour, spaces
from app.operations.absences import planning
from app.people.actor import Actor
from app.people.branches import branch_of, only_in
from app.people.models import Absence, Desk, Holder, Secretary, User
from workflows import absences

DAYS = 21
FAR = 3650
"""How far the planning goes, in days."""
PAST = 10
"""Absences that are over, of oneself, as many as are shown."""


@dataclass(frozen=True)
class Line:
    """One absence in words; `state` is now, coming or over, `mine` where the reader may change it."""

    id: int
    revision: int
    person: str
    cover: str
    begins: str
    ends: str
    what: str
    state: str
    mine: bool


@dataclass(frozen=True)
class Cell:
    """Some days of a row of the planning: how many, and who stands in; `tone` is empty where the person is there."""

    days: int
    label: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Planning:
    """Three weeks: its days (number, whether it is worked, in words), a row for each absence, and what leads before and after."""

    days: Sequence[tuple[int, bool, str]]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    period: str
    before: str
    after: str


def lines(db: Db, actor: Actor, rows: Sequence[Absence]) -> list[Line]:
    """These absences, as the reader may act on them."""
    names = planning.names(
        db, {absence.user_id for absence in rows} | {absence.cover_id or 0 for absence in rows}
    )
    desks = {row.id: row.name for row in db.execute(sa.select(Desk.id, Desk.name))} if rows else {}
    types = called(db, actor.collectivity_id) if any(absence.types for absence in rows) else {}
    mine = {absence.user_id: planning.may_set(db, actor, absence.user_id) for absence in rows}
    moment = now()
    return [
        Line(
            absence.id,
            absence.revision,
            names.get(absence.user_id, "compte fermé"),
            names.get(absence.cover_id or 0, ""),
            instant(absence.starts_at),
            instant(absence.ends_at - absences.MINUTE),
            spaces(_what(absence, desks, types)),
            "over" if absence.ends_at <= moment else "now" if absence.starts_at <= moment else "coming",
            mine[absence.user_id],
        )
        for absence in rows
    ]


def _what(absence: Absence, desks: Mapping[int, str], types: Mapping[str, str]) -> str:
    """« lecture seule, bureau « Finances », Factures seulement »; empty for a cover of everything."""
    parts = [] if absence.acts or absence.cover_id is None else ["lecture seule"]
    if absence.desk_id is not None:
        parts.append(f"bureau « {desks.get(absence.desk_id, '')} »")
    if absence.types:
        parts.append(f"{', '.join(types.get(name, name) for name in absence.types)} seulement")
    return ", ".join(parts)


def over(db: Db, user_id: int) -> Sequence[Absence]:
    """The last absences of somebody that are over; cancelled ones are not told."""
    query = sa.select(Absence).where(
        Absence.user_id == user_id, Absence.ends_at <= now(), Absence.ends_at > Absence.starts_at
    )
    return db.scalars(query.order_by(Absence.ends_at.desc()).limit(PAST)).all()


def people_of(db: Db, actor: Actor) -> list[tuple[int, str]]:
    """Those whose absences the reader may write, himself first."""
    query = sa.select(User.id, User.first_name, User.last_name).where(
        User.collectivity_id == actor.collectivity_id, User.active.is_(True), User.id != actor.user_id
    )
    if not actor.administrator:
        named = User.id.in_(sa.select(Secretary.user_id).where(Secretary.secretary_id == actor.user_id))
        branch = branch_of(db, actor) if actor.delegated else None
        query = query.where(named if branch is None else sa.or_(named, only_in(branch)))
    rows = db.execute(query.order_by(sa.func.lower(User.last_name), User.first_name, User.id)).all()
    people = [(row.id, f"{row.first_name} {row.last_name}") for row in rows]
    return [(actor.user_id or 0, f"Moi, {actor.name}"), *people]


def desks_of(db: Db, user_id: int) -> list[tuple[int, str]]:
    """The open desks that somebody holds."""
    query = sa.select(Desk.id, Desk.name).join(Holder, Holder.desk_id == Desk.id)
    rows = db.execute(query.where(Holder.user_id == user_id, Desk.closed_at.is_(None)).order_by(Desk.name))
    return [(row.id, row.name) for row in rows]


def planned(
    rows: Collection[Absence], names: Mapping[int, str], first: date, works: Mapping[date, bool]
) -> Planning:
    """The planning of three weeks from a day on."""
    days = [first + timedelta(days=rank) for rank in range(DAYS)]
    shown = [(absence, span) for absence in rows if (span := _span(absence, days)) is not None]
    return Planning(
        [(day.day, works[day], jour(day)) for day in days],
        [(names.get(absence.user_id, ""), _cells(absence, span, names)) for absence, span in shown],
        f"{jour(days[0])} au {jour(days[-1])}",
        (first - timedelta(days=DAYS)).isoformat(),
        (first + timedelta(days=DAYS)).isoformat(),
    )


def _span(absence: Absence, days: Sequence[date]) -> tuple[int, int] | None:
    """The first and the last of these days on which somebody is away; None for none of them."""
    begins, ends = _day(absence.starts_at), _day(absence.ends_at - absences.MINUTE)
    if ends < days[0] or begins > days[-1]:
        return None
    return max((begins - days[0]).days, 0), min((ends - days[0]).days, len(days) - 1)


def _cells(absence: Absence, span: tuple[int, int], names: Mapping[int, str]) -> list[Cell]:
    first, last = span
    cover = names.get(absence.cover_id or 0, "")
    away = Cell(last - first + 1, cover or "Sans intérim", "info" if cover else "warn")
    cells = [Cell(first), away, Cell(DAYS - 1 - last)]
    return [cell for cell in cells if cell.days]


def _day(moment: datetime) -> date:
    return moment.astimezone(PARIS).date()


def monday(typed: str) -> date:
    """The Monday of the week of a day that is typed in an address; of this week for what is none."""
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        day = today()
    day = day if abs((day - today()).days) < FAR else today()
    return day - timedelta(days=day.weekday())
