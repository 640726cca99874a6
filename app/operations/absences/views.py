"""The page of absences in words: who is away, what one may write, three weeks of everybody's."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from app.circuits.own_types import called
from app.core import spreadsheet
from app.core.clock import PARIS, now, today
from app.core.db import Db
from app.core.french import instant, jour, spaces
from app.display.following import untold
from app.folders.models import StepRun
from app.operations.absences import planning
from app.operations.absences.planning import Wanted
from app.people import choosing
from app.people.actor import Actor
from app.people.branches import branch_of, only_in
from app.people.choosing import Offer
from app.people.covers import law_of
from app.people.mandates import mandates
from app.people.models import Absence, Desk, Holder, Secretary, User
from workflows import absences
from workflows.mandates import Mandate, words
from workflows.mandates import over as mandate_over
from workflows.rights import Rights
from workflows.vocabulary import Right

DAYS = 21
FAR = 3650
"""How far the planning goes, in days."""
YOU = "Vous"
SHORT, ROOM = 4, 6
"""A bar of fewer days than the first has its words beside it, on its right where the planning has as many as the second there."""
LATELY = timedelta(days=60)
"""How long after its end what was done in an absence is told."""
PAST = 10
"""Absences that are over, of oneself, as many as are shown."""


@dataclass(frozen=True)
class Line:
    """One absence in words; `state` is now, coming or over, `mine` where the reader may change it, `own` where he is away.

    The reader is « Vous » there, and never his own name.
    """

    id: int
    revision: int
    person: str
    cover: str
    begins: str
    ends: str
    what: str
    state: str
    mine: bool
    own: bool


@dataclass(frozen=True)
class Cell:
    """Some days of a row of the planning: how many, and who stands in; `tone` is empty of a day on which the person is there.

    `off`: that day is not worked. `short`: so few days that its words stand beside them. `late`: so near the end of the
    planning that they stand on the left.
    """

    days: int
    label: str = ""
    tone: str = ""
    off: bool = False
    short: bool = False
    late: bool = False


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
    limited = any(absence.types for absence in rows)
    types, closed = (called(db, actor.collectivity_id), untold(db, actor)) if limited else ({}, frozenset())
    mine = {absence.user_id: planning.may_set(db, actor, absence.user_id) for absence in rows}
    moment = now()
    return [
        Line(
            absence.id,
            absence.revision,
            _called(absence.user_id, actor, names) or "compte fermé",
            _called(absence.cover_id, actor, names, you="par vous"),
            instant(absence.starts_at),
            instant(absences.last_instant(absence.ends_at)),
            spaces(
                planning.limits_of(
                    absence, desks, types, closed if actor.user_id not in _parties(absence) else frozenset()
                )
            ),
            "over" if absence.ends_at <= moment else "now" if absence.starts_at <= moment else "coming",
            mine[absence.user_id],
            absence.user_id == actor.user_id,
        )
        for absence in rows
    ]


TABLE = (
    "Qui est absent",
    "Du",
    "Heure du début",
    "Au",
    "Heure de la fin",
    "Intérim",
    "Ce qui est confié",
    "Pour",
    "État",
)
"""The heads of the absences that are taken away; their hours are those of Paris."""
_STATES = {"now": "En cours", "coming": "À venir", "over": "Terminée"}


def table(db: Db, actor: Actor, rows: Sequence[Absence]) -> list[tuple[spreadsheet.Cell, ...]]:
    """These absences as lines of a table, the first that begins first: the reader by his name, whatever the page calls him."""
    ordered = sorted(rows, key=lambda absence: (absence.starts_at, absence.id))
    cells: list[tuple[spreadsheet.Cell, ...]] = []
    for absence, line in zip(ordered, lines(db, actor, ordered), strict=True):
        begins, ends = (
            moment.astimezone(PARIS) for moment in (absence.starts_at, absences.last_instant(absence.ends_at))
        )
        cells.append(
            (
                actor.name if line.own else line.person,
                begins.date(),
                f"{begins:%H:%M}",
                ends.date(),
                f"{ends:%H:%M}",
                actor.name if absence.cover_id == actor.user_id else line.cover,
                # Who reads alone is told by the next column; the page, which has none, says nothing of a cover of everything
                (line.what.removeprefix(planning.READS).removeprefix(", ") or "Tout") if line.cover else "",
                ("Agir" if absence.acts else "Lire seulement") if line.cover else "",
                _STATES[line.state],
            )
        )
    return cells


def _called(user_id: int | None, actor: Actor, names: Mapping[int, str], you: str = YOU) -> str:
    """The name of somebody, `you` of the reader; empty of nobody."""
    return you if user_id is not None and user_id == actor.user_id else names.get(user_id or 0, "")


def _parties(absence: Absence) -> set[int | None]:
    """Who is away and who stands in."""
    return {absence.user_id, absence.cover_id}


def types_told(db: Db, actor: Actor, rows: Collection[Absence]) -> dict[int, list[str]]:
    """The types to which each of these absences limits what is lent, as the page names them to the reader, by their number.

    None where one of them is not told to him.
    """
    if not any(absence.types for absence in rows):
        return {absence.id: [] for absence in rows}
    known, closed = called(db, actor.collectivity_id), untold(db, actor)
    return {
        absence.id: []
        if closed.intersection(absence.types)
        and (actor.user_id is None or actor.user_id not in _parties(absence))
        else [name for name in absence.types if name in known]
        for absence in rows
    }


def types_offered(db: Db, actor: Actor, chosen: Collection[str]) -> dict[str, str]:
    """The types that a cover may be limited to, by the names that rights give them: those told to the reader, and `chosen`."""
    closed = untold(db, actor).difference(chosen)
    return {name: label for name, label in called(db, actor.collectivity_id).items() if name not in closed}


def over(db: Db, user_id: int) -> Sequence[Absence]:
    """The last absences of somebody that are over; cancelled ones are not told."""
    query = sa.select(Absence).where(
        Absence.user_id == user_id, Absence.ends_at <= now(), Absence.ends_at > Absence.starts_at
    )
    return db.scalars(query.order_by(Absence.ends_at.desc()).limit(PAST)).all()


def decided_in(db: Db, absent: str, rows: Collection[Absence]) -> dict[int, int]:
    """How many folders who stood in decided on in each of these absences of somebody, by its number; none left out as zero.

    Of those that run, or are over for less than `LATELY`: whoever comes back looks at what was done meanwhile.
    """
    numbers = [row.id for row in rows if row.cover_id is not None and row.ends_at > now() - LATELY]
    if not numbers:
        return {}
    done = sa.and_(
        StepRun.user_id == Absence.cover_id,
        StepRun.absent == absent,
        StepRun.state.in_(["done", "rejected"]),
        StepRun.ended_at >= Absence.starts_at,
        StepRun.ended_at <= Absence.ends_at,
    )
    counted = sa.select(Absence.id, sa.func.count(StepRun.folder_id.distinct())).join(StepRun, done)
    counts = db.execute(counted.where(Absence.id.in_(numbers)).group_by(Absence.id))
    return {row[0]: row[1] for row in counts}


@dataclass(frozen=True)
class StoodIn:
    """An absence in which the reader stands in; `signing`: by what he signs meanwhile, or that he does not, in a sentence."""

    line: Line
    signing: str


def stood_in(db: Db, actor: Actor, rows: Sequence[Absence]) -> list[StoodIn]:
    """Those of these absences in which the reader stands in, with what becomes of the signatures."""
    own = [absence for absence in rows if absence.cover_id == actor.user_id]
    if not own or actor.user_id is None:
        return []
    seats: dict[int, list[tuple[int, Rights]]] = {}
    query = sa.select(Holder.user_id, Holder.desk_id, Holder.rights).join(Desk, Desk.id == Holder.desk_id)
    for row in db.execute(
        query.where(Holder.user_id.in_({absence.user_id for absence in own}), Desk.closed_at.is_(None))
    ):
        seats.setdefault(row.user_id, []).append((row.desk_id, Rights.read(row.rights)))
    signing = {
        absence.id
        for absence in own
        if lends_signing(law_of(absence), seats.get(absence.user_id, ())) and absence.acts
    }
    owned = mandates(db, actor.user_id) if signing else []
    return [
        StoodIn(
            line,
            spaces(_signing(standing(owned, law_of(absence)), line.person)) if line.id in signing else "",
        )
        for absence, line in zip(own, lines(db, actor, own), strict=True)
    ]


def lends_signing(law: absences.Absence, seats: Iterable[tuple[int, Rights]]) -> bool:
    """Whether an absence lends the right to sign, by the rights that the person has at each desk."""
    return any(
        Right.SIGN in absences.lent(rights, law.types) for desk, rights in seats if law.desk in {None, desk}
    )


def standing(owned: Iterable[Mandate], law: absences.Absence) -> list[Mandate]:
    """The mandates that stand on some day of an absence, from today on."""
    first, last = max(_day(law.starts), today()), _day(absences.last_instant(law.ends))
    return [mandate for mandate in owned if mandate.starts_on <= last and not mandate_over(mandate, first)]


def _signing(owned: Sequence[Mandate], absent: str) -> str:
    if not owned:
        return (
            f"Vous n’y signez rien : aucun mandat n’est à votre nom pendant ce temps, et ce qui est à signer attend {absent} "
            "(CGCT L2122-18, L2122-19)."
        )
    titles = ", ".join(dict.fromkeys(f"« {words(mandate)} »" for mandate in owned))
    return f"Vous n’y signez que par votre propre mandat et dans ses limites : {titles}."


def absent_offered(
    db: Db, actor: Actor, *, chosen: int | None = None, search: str = "", whole: bool = False
) -> Offer:
    """Those whose absences the reader may write beside his own."""
    within: sa.ColumnElement[bool] = sa.true()
    if not actor.administrator:
        within = User.id.in_(sa.select(Secretary.user_id).where(Secretary.secretary_id == actor.user_id))
        branch = branch_of(db, actor) if actor.delegated else None
        within = within if branch is None else sa.or_(within, only_in(branch))
    return choosing.people(
        db,
        actor.collectivity_id,
        chosen=chosen,
        search=search,
        whole=whole,
        within=within,
        but=[actor.user_id or 0],
        by_login=actor.administrator,
    )


def colleagues_offered(
    db: Db,
    actor: Actor,
    *,
    chosen: int | None = None,
    search: str = "",
    whole: bool = False,
    but: Collection[int] = (),
) -> Offer:
    """Those who may stand in, or be one's secretary."""
    return choosing.people(
        db,
        actor.collectivity_id,
        chosen=chosen,
        search=search,
        whole=whole,
        but=but,
        by_login=actor.administrator,
    )


@dataclass(frozen=True)
class DesksOffered:
    """The desks at which the reader may have somebody stand in for another; `all_of_them`: at those to come too."""

    desks: Sequence[tuple[int, str]] = ()
    all_of_them: bool = True


def desks_offered(db: Db, actor: Actor, user_id: int) -> DesksOffered:
    """The open desks of somebody, as far as the reader may lend them; none to who may not write his absences."""
    if not planning.may_set(db, actor, user_id):
        return DesksOffered()
    within = planning.lendable(db, actor, user_id)
    query = sa.select(Desk.id, Desk.name).join(Holder, Holder.desk_id == Desk.id)
    rows = db.execute(query.where(Holder.user_id == user_id, Desk.closed_at.is_(None)).order_by(Desk.name))
    desks = [(row.id, row.name) for row in rows if within is None or row.id in within]
    return DesksOffered(desks, all_of_them=within is None)


def proposed(db: Db, actor: Actor, wanted: Wanted) -> Wanted:
    """The same with a desk, the first, where the reader may not lend all those of the person: what the page then shows."""
    offered = desks_offered(db, actor, wanted.user_id)
    if wanted.desk_id is not None or offered.all_of_them or not offered.desks:
        return wanted
    return replace(wanted, desk_id=offered.desks[0][0])


def planned(
    rows: Collection[Absence],
    actor: Actor,
    names: Mapping[int, str],
    first: date,
    works: Mapping[date, bool],
) -> Planning:
    """The planning of three weeks from a day on."""
    days = [first + timedelta(days=rank) for rank in range(DAYS)]
    shown = [(absence, span) for absence in rows if (span := _span(absence, days)) is not None]
    return Planning(
        [(day.day, works[day], jour(day)) for day in days],
        [
            (
                _called(absence.user_id, actor, names),
                _cells(span, _called(absence.cover_id, actor, names), [works[day] for day in days]),
            )
            for absence, span in shown
        ],
        f"{jour(days[0])} au {jour(days[-1])}",
        (first - timedelta(days=DAYS)).isoformat(),
        (first + timedelta(days=DAYS)).isoformat(),
    )


def _span(absence: Absence, days: Sequence[date]) -> tuple[int, int] | None:
    """The first and the last of these days on which somebody is away; None for none of them."""
    begins, ends = _day(absence.starts_at), _day(absences.last_instant(absence.ends_at))
    if ends < days[0] or begins > days[-1]:
        return None
    return max((begins - days[0]).days, 0), min((ends - days[0]).days, len(days) - 1)


def _cells(span: tuple[int, int], cover: str, worked: Sequence[bool]) -> list[Cell]:
    """The row of an absence: one cell for all its days, one for each other day, so that each day has the same width."""
    first, last = span
    there = [Cell(1, off=not works) for works in worked]
    label, tone = (cover, "info") if cover else ("Sans intérim", "warn")
    count = last - first + 1
    away = Cell(count, label, tone, short=count < SHORT, late=count < SHORT and last >= DAYS - ROOM)
    return [*there[:first], away, *there[last + 1 :]]


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
