"""What goes on at the desks that somebody holds, and at those below where he decides: how many, how late, how long, since when.

Reserved families and types are in none of these figures, whoever reads them, and at a desk below are counted those alone on
which one decides above: a count tells too. Nor are drafts, which their own desk reads. Each desk gives its last rows alone, by
an index, so that the page costs the same in a town of ten years as in a new one.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.circuits.library import circuits_of, family_of
from app.core.clock import PARIS, today
from app.core.db import Db
from app.core.french import jour_long, mois
from app.folders.access import FOLDER, STEP, unrestricted
from app.folders.models import ASKED, READ_AS
from app.folders.opinions import held
from app.people.actor import Actor
from app.people.models import Desk
from workflows.circuit import Phase, StepKind
from workflows.family import typed_name
from workflows.rights import allows, parted_type, type_name
from workflows.vocabulary import Right

DIRECTS = (Right.ACT, Right.SIGN)
"""Who decides at a desk follows those below it, as he is told of what is late there."""
DESKS = 100
"""So many desks at most, in the order of the tree; the page says that there are more."""
DECISIONS, ENDED, DEPOSITED = 100, 100, 4_000
"""The last decisions and folders that ended that are looked at, of each desk; and those deposited, of all of them together."""
MONTHS = 6
CROSSED, VOLUMES = "types-par-mois", "Dossiers déposés par type et par mois"
"""The chart that has two entries: its name in addresses, and its title."""
TABLES = ("etapes", "retards", "mois", "types", CROSSED)
"""Every chart by its name in addresses."""
_MACHINES = tuple(one.value for one in StepKind if one.automatic)
_DAY = timedelta(days=1)
_HOURS = 0.25
"""Below so many days no step is called slow."""


@dataclass(frozen=True)
class Bar:
    """One line of a chart, which is its table too: a label, its value, and its words (« 6,4 j »)."""

    label: str
    value: float
    words: str
    marked: bool = False


@dataclass(frozen=True)
class Chart:
    """A chart, which is a table: its `name` in addresses, what its lines are and what is counted of them, and their bars.

    `note`: what is told where it has no line; `in_days`: its values are days, and no counts.
    """

    name: str
    title: str
    head: str
    unit: str
    bars: tuple[Bar, ...]
    note: str = ""
    in_days: bool = False


@dataclass(frozen=True)
class Crossing:
    """How many folders of a type were deposited in each month: a bar for each month of the page, in their order."""

    label: str
    bars: tuple[Bar, ...]

    @property
    def total(self) -> int:
        """In all these months together."""
        return sum(int(bar.value) for bar in self.bars)


@dataclass(frozen=True)
class Activity:
    """The figures of some desks: `in_hand` waits there, `late` of them; `more`: desks left out.

    `below`: desks below the reader's own are among them, whose folders he counts and does not read. `days` from the deposit to
    the end, None where nothing ended. `volumes`: types by months, each month that `months` has, each type that `types` has.
    `since`: where a desk has more than are looked at, the day before which the begun ones are not, though sent in these months.
    """

    desks: tuple[str, ...]
    in_hand: int
    late: int
    days: float | None
    steps: tuple[Bar, ...]
    late_by_desk: tuple[Bar, ...]
    months: tuple[Bar, ...]
    volumes: tuple[Crossing, ...]
    more: int = 0
    below: bool = False
    since: str = ""

    @property
    def slowest(self) -> Bar | None:
        """The step at which a decision takes longest."""
        return next((one for one in self.steps if one.marked), None)

    @property
    def types(self) -> tuple[Bar, ...]:
        """How many folders of each type were deposited in these months, those that have most first."""
        return tuple(Bar(volume.label, volume.total, str(volume.total)) for volume in self.volumes)

    @property
    def without_volume(self) -> str:
        """Why no deposit is counted, where none is."""
        return "Aucun dossier sur ces mois." if self.months else "Trop de dépôts pour être comptés ici."

    @property
    def charts(self) -> tuple[Chart, ...]:
        """The charts of the page but that of types by months, which has two entries."""
        return (
            Chart(
                "etapes",
                "Temps moyen par étape",
                "Étape",
                "Temps",
                self.steps,
                "Aucune décision encore.",
                in_days=True,
            ),
            Chart(
                "retards",
                "Dossiers en retard, par bureau où ils attendent",
                "Bureau",
                "Dossiers",
                self.late_by_desk,
            ),
            Chart(
                "mois",
                "Dossiers déposés par mois",
                "Mois",
                "Dossiers",
                self.months,
                self.without_volume,
            ),
            Chart(
                "types",
                "Dossiers déposés par type",
                "Type",
                "Dossiers",
                self.types,
                self.without_volume,
            ),
        )


@dataclass(frozen=True)
class _Followed:
    """The desks whose figures are read, by number, and the grants by which each of them is: None for one's own desk."""

    names: Mapping[int, str]
    grants: Mapping[int, Collection[str] | None]

    def counts(self, row: Any) -> bool:
        """Whether a folder is counted at a desk: `row` has its desk, its family and the version of its type."""
        law = family_of(typed_name(row.family, row.type_version_id))
        if law.discreet:
            return False
        grants = self.grants[row.desk_id]
        return grants is None or any(allows(grants, right, law.name, law.type_key) for right in DIRECTS)


def activity(db: Db, actor: Actor) -> Activity:
    """The figures of the desks that the actor holds, and of all those below where he visas or signs."""
    followed, more = _followed(db, actor)
    names = followed.names
    if not names:
        return Activity((), 0, 0, None, (), (), (), (), more)
    active = [row for row in _active(db, names) if followed.counts(row)]
    late = [row for row in active if row.due_on < today()]
    waiting = {desk: len({row.folder_id for row in late if row.desk_id == desk}) for desk in names}
    decided, ended = (
        [row for row in rows if followed.counts(row)] for rows in (_decided(db, names), _ended(db, names))
    )
    months, volumes, since = _volumes(_deposited(db, names), followed)
    return Activity(
        tuple(names.values()),
        len({row.folder_id for row in active}),
        len({row.folder_id for row in late}),
        _mean([(row.done_at - row.submitted_at) / _DAY for row in ended]),
        _steps(db, decided),
        tuple(
            Bar(name, waiting[desk], str(waiting[desk]))
            for desk, name in sorted(names.items(), key=lambda one: (-waiting[one[0]], one[1]))
        ),
        months,
        volumes,
        more,
        any(grants is not None for grants in followed.grants.values()),
        since,
    )


def _followed(db: Db, actor: Actor) -> tuple[_Followed, int]:
    """The desks in service whose figures the actor reads, parents before children; and how many are left out."""
    query = sa.select(Desk.id, Desk.parent_id, Desk.name).where(
        Desk.collectivity_id == actor.collectivity_id, Desk.closed_at.is_(None)
    )
    rows = db.execute(query.order_by(Desk.name, Desk.id)).all()
    below: dict[int | None, list[int]] = defaultdict(list)
    for row in rows:
        below[row.parent_id].append(row.id)
    own = {seat.desk_id for seat in actor.seats}
    wanted: dict[int, set[str] | None] = {seat.desk_id: None for seat in actor.seats}
    for seat in actor.seats:
        if not any(right in seat.rights for right in DIRECTS):
            continue
        ahead, seen = list(below[seat.desk_id]), set[int]()
        while ahead:
            desk = ahead.pop(0)
            if desk in seen:
                continue
            seen.add(desk)
            if desk not in own:
                wanted[desk] = (wanted.get(desk) or set()) | {*seat.rights.grants}
            ahead += below[desk]
    names = {row.id: row.name for row in rows}
    every = [desk for desk in wanted if desk in names]
    few = {desk: names[desk] for desk in every[:DESKS]}
    return _Followed(few, {desk: wanted[desk] for desk in few}), max(len(every) - DESKS, 0)


def _open_to(steps: bool) -> Any:
    """The condition that no folder is closed by itself, or by the one that it was born from."""
    born = FOLDER.c.sources[READ_AS].as_string()
    plain = sa.and_(unrestricted(FOLDER), sa.or_(born.is_(None), born == ""))
    return sa.and_(plain, unrestricted(STEP)) if steps else plain


def _active(db: Db, desks: Collection[int]) -> Sequence[Any]:
    """What waits for somebody at these desks: desk, folder, its type, the day by which it is due."""
    query = (
        sa.select(STEP.c.desk_id, STEP.c.folder_id, STEP.c.due_on, FOLDER.c.family, FOLDER.c.type_version_id)
        .join(FOLDER, FOLDER.c.id == STEP.c.folder_id)
        .where(
            STEP.c.desk_id.in_(desks),
            sa.text("s.state = 'active'"),
            sa.or_(STEP.c.slot.startswith(ASKED), sa.text(f"{held('s.folder_id')} IS NULL")),
            STEP.c.kind.not_in(_MACHINES),
            _open_to(steps=True),
        )
    )
    return db.execute(query).all()


def _of_each(desks: Iterable[int], last: Any) -> Any:
    """The last rows of each desk, as one statement; `last` gives the statement of a desk, with its order and its limit."""
    return sa.union_all(*(sa.select(last(desk).subquery()) for desk in desks))


def _decided(db: Db, desks: Collection[int]) -> Sequence[Any]:
    """The last decisions of people at each desk: step, version of the circuit, when it came there and when it was decided."""

    def last(desk: int) -> Any:
        return (
            sa.select(
                STEP.c.desk_id,
                FOLDER.c.family,
                FOLDER.c.type_version_id,
                FOLDER.c.circuit_version_id,
                STEP.c.step,
                STEP.c.entered_at,
                STEP.c.ended_at,
            )
            .join(FOLDER, FOLDER.c.id == STEP.c.folder_id)
            .where(
                STEP.c.desk_id == desk,
                sa.text("s.state = 'done'"),
                STEP.c.slot.not_like(f"{ASKED}%"),
                STEP.c.kind.not_in(_MACHINES),
                _open_to(steps=True),
            )
            .order_by(STEP.c.folder_id.desc())
            .limit(DECISIONS)
        )

    return db.execute(_of_each(desks, last)).all()


def _ended(db: Db, desks: Collection[int]) -> Sequence[Any]:
    """The last folders that ended of those that each desk deposited: when they were last sent, and when they ended."""

    def last(desk: int) -> Any:
        return (
            sa.select(
                FOLDER.c.emitter_desk_id.label("desk_id"),
                FOLDER.c.family,
                FOLDER.c.type_version_id,
                FOLDER.c.submitted_at,
                FOLDER.c.done_at,
            )
            .where(
                FOLDER.c.emitter_desk_id == desk,
                FOLDER.c.phase == Phase.DONE.value,
                FOLDER.c.place != "withdrawn",
                FOLDER.c.submitted_at.is_not(None),
                FOLDER.c.done_at.is_not(None),
                _open_to(steps=False),
            )
            .order_by(FOLDER.c.id.desc())
            .limit(ENDED)
        )

    return db.execute(_of_each(desks, last)).all()


def _deposited(db: Db, desks: Collection[int]) -> Mapping[int, Sequence[Any]]:
    """The last folders that each desk deposited and sent: when, of which type; the newest first."""

    def last(desk: int) -> Any:
        return (
            sa.select(
                FOLDER.c.emitter_desk_id.label("desk_id"),
                FOLDER.c.created_at,
                sa.func.coalesce(FOLDER.c.submitted_at, FOLDER.c.created_at).label("deposited_at"),
                FOLDER.c.family,
                FOLDER.c.type_version_id,
            )
            .where(FOLDER.c.emitter_desk_id == desk, FOLDER.c.round > 0, _open_to(steps=False))
            .order_by(FOLDER.c.id.desc())
            .limit(_share(len(desks)))
        )

    rows: dict[int, list[Any]] = defaultdict(list)
    for row in db.execute(_of_each(desks, last)):
        rows[row.desk_id].append(row)
    return rows


def _share(desks: int) -> int:
    return max(DEPOSITED // desks, ENDED)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _steps(db: Db, rows: Sequence[Any]) -> tuple[Bar, ...]:
    """The mean days that a decision takes at each step, by its name, the longest first and marked."""
    circuits = circuits_of(db, {row.circuit_version_id for row in rows if row.circuit_version_id})
    names = {number: {step.key: step.label for step in circuit.steps} for number, circuit in circuits.items()}
    durations: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        label = names.get(row.circuit_version_id, {}).get(row.step)
        if label is not None and row.ended_at is not None:
            durations[label].append((row.ended_at - row.entered_at) / _DAY)
    means = sorted(((sum(every) / len(every), label) for label, every in durations.items()), reverse=True)
    return tuple(
        Bar(label, mean, days_of(mean), marked=rank == 0 and len(means) > 1 and mean >= _HOURS)
        for rank, (mean, label) in enumerate(means)
    )


def days_of(days: float) -> str:
    """« 6,4 j »; « 3 h » and « 20 min » of what takes less than a day."""
    if days >= 1:
        return f"{days:.1f} j".replace(".", ",")
    hours = days * 24
    if hours >= 1:
        return f"{hours:.0f} h"
    return f"{hours * 60:.0f} min" if hours * 60 >= 1 else "moins d’une minute"


def _volumes(
    rows: Mapping[int, Sequence[Any]], followed: _Followed
) -> tuple[tuple[Bar, ...], tuple[Crossing, ...], str]:
    """How many were deposited in each of the last months that are whole here, and of each type in each of these months.

    And the day before which those that were begun may be missing, sent in these months; empty where none is.

    A month of which a desk's older rows were not read would be told too small: it is left out, with those before it.
    """
    limit = _share(len(followed.names))
    months = [_month(today(), back) for back in reversed(range(MONTHS))]
    # By what they were begun, as the index has them: what is older and was sent later may be missing, and the page says so
    cut = [_day(every[-1].created_at) for every in rows.values() if len(every) >= limit]
    since = max(cut, default=date.min)
    months = [one for one in months if one > since]
    counts: dict[str, dict[date, int]] = defaultdict(lambda: dict.fromkeys(months, 0))
    versions: dict[str, int] = {}
    for every in rows.values():
        for row in every:
            month = _day(row.deposited_at).replace(day=1)
            if month in months and followed.counts(row):
                own_type = family_of(typed_name(row.family, row.type_version_id)).type_key
                name = type_name(row.family, own_type)
                counts[name][month] += 1
                versions[name] = max(versions.get(name, 0), row.type_version_id or 0)
    # A type that was given another name is one, by the last that its folders have here
    labels = {
        name: family_of(typed_name(parted_type(name)[0], version or None)).label
        for name, version in versions.items()
    }
    by_type = [Crossing(labels[name], _by_month(own)) for name, own in counts.items()]
    together = {month: sum(own[month] for own in counts.values()) for month in months}
    crossed = tuple(sorted(by_type, key=lambda type_: (-type_.total, type_.label)))
    return _by_month(together), crossed, jour_long(since) if cut else ""


def _by_month(counts: Mapping[date, int]) -> tuple[Bar, ...]:
    return tuple(Bar(mois(month), count, str(count)) for month, count in counts.items())


def _day(moment: datetime) -> date:
    return moment.astimezone(PARIS).date()


def _month(day: date, back: int) -> date:
    months = day.year * 12 + day.month - 1 - back
    return date(months // 12, months % 12 + 1, 1)
