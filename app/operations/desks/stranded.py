"""The folders on their way, and the circuits, that a change of who sits where would stop: where they stand, or at a step to come.

By the law of the circuit that each folder follows (its own version), of rights by type, of mandates, and of quorums: nobody
acts twice on a step.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.circuits.library import in_force, parted
from app.core.db import Db, key_in
from app.core.grammar import plural
from app.core.questions import Query
from app.folders.models import ASKED, Folder, StepRun
from app.folders.seats import Awaited, Seated, Sitting, awaited_at, seats_at, software_at
from app.operations.desks import closing
from app.people.models import Desk, Holder, User
from app.people.places import Places
from workflows.circuit import Circuit, Step, WhoKind
from workflows.engine import filled
from workflows.family import families, imposed
from workflows.handing import HANDED

MOST = 2_000
"""Folders on their way whose coming steps are looked at by a page, of those that name themselves who comes."""
MOST_SHOWN = 20
"""Folders named by their number; the others are counted."""
Change = Callable[[Sequence[Seated]], Sequence[Seated]]


@dataclass(frozen=True)
class Stranded:
    """A folder that would stop: at the step where it stands (`now`) or at one to come, and whether that step names somebody.

    `handed`: whether a part of the step, where it stands, may be handed to another desk (`workflows/handing.py`).
    """

    folder_id: int
    step: str
    now: bool
    named: bool
    handed: bool = False


@dataclass(frozen=True)
class Way:
    """A step that folders could not pass: its circuit as it is called, its own label, and what the circuit is kept under."""

    circuit: str
    step: str
    name: str


@dataclass(frozen=True)
class Lost:
    """What would stop: folders on their way, and steps of circuits that a folder sent from then on could not pass.

    Steps that name who is touched are none of these: no desk gives them to anybody.
    """

    folders: tuple[Stranded, ...] = ()
    steps: tuple[Way, ...] = ()

    def numbers(self, *, now: bool) -> tuple[int, ...]:
        """The folders that would stop where they stand, or at a step to come."""
        return tuple(sorted({one.folder_id for one in self.folders if one.now is now}))


@dataclass(frozen=True)
class Touched:
    """The desks that the change is about, and the people, each with his login; or whoever a step asks (`anybody`)."""

    desks: Collection[int]
    people: Mapping[int, str]
    anybody: bool = False


@dataclass(frozen=True)
class _Stage:
    """A step of a folder, the parts that it awaits, who has acted there, and how many it needs in all."""

    folder_id: int
    step: Step
    parts: tuple[Awaited, ...]
    needed: int
    now: bool = False
    acted: frozenset[int | None] = frozenset()
    handed: bool = False

    def passes(self, sitting: Sitting, *, sure: bool) -> bool:
        """Whether enough people may act; `sure`: mandates are asked of the act itself, else of any."""
        able = [
            (sitting.may(part, sure=sure) - self.acted)
            # Software is somebody at each part, and nobody elsewhere
            | ({-rank} if sitting.by_software(part, reading=self.step.reading) else set())
            for rank, part in enumerate(self.parts, 1)
        ]
        return filled(able) + len(self.acted) >= self.needed


def lost(
    db: Db,
    collectivity_id: int,
    every: Places,
    touched: Touched,
    versions: Iterable[int],
    change: Change,
) -> Lost:
    """What would stop once `change` is made of who sits where; `versions`: those that folders on their way follow.

    Three statements at most, and one for circuits that name other people too; none where no circuit asks the desks.
    """
    asked = _Asked(db, collectivity_id, every, touched)
    stages = list(_coming(db, collectivity_id, versions, asked))
    ways = list(_ways(db, collectivity_id, asked))
    concerned = [stage for stage in (*stages, *(stage for *_, stage in ways)) if asked.concerns(stage.parts)]
    if not concerned:
        return Lost()
    parts = {part for stage in concerned for part in stage.parts}
    before = seats_at(
        db,
        collectivity_id,
        {*touched.desks, *(part.desk_id for part in parts if part.desk_id is not None)},
        {*touched.people, *(part.named_user_id for part in parts if part.named_user_id is not None)},
    )
    was, would = Sitting(before), Sitting(change(before))

    def stops(stage: _Stage, *, sure: bool = True) -> bool:
        return stage.passes(was, sure=sure) and not stage.passes(would, sure=sure)

    folders = [
        Stranded(
            one.folder_id,
            one.step.label,
            one.now,
            any(part.named_user_id in touched.people for part in one.parts),
            one.handed
            and any(
                part.desk_id in touched.desks or part.named_user_id in touched.people for part in one.parts
            ),
        )
        for one in stages
        if asked.concerns(one.parts) and stops(one)
    ]
    steps = [
        Way(label, one.step.label, name)
        for name, label, one in ways
        if asked.concerns(one.parts)
        and not any(part.named_user_id in touched.people for part in one.parts)
        and stops(one, sure=False)
    ]
    return Lost(tuple(folders), tuple(dict.fromkeys(steps)))


def stopped(db: Db, collectivity_id: int, every: Places, versions: Iterable[int]) -> tuple[int, ...]:
    """The folders on their way by these versions of circuits that cannot end as people sit today, by number.

    At the step where they stand, or at one to come.
    """
    asked = _Asked(db, collectivity_id, every, Touched(every.keys(), {}, anybody=True))
    stages = [stage for stage in _coming(db, collectivity_id, versions, asked) if asked.concerns(stage.parts)]
    parts = {part for stage in stages for part in stage.parts}
    seats = seats_at(
        db,
        collectivity_id,
        {part.desk_id for part in parts if part.desk_id is not None},
        {part.named_user_id for part in parts if part.named_user_id is not None},
    )
    sitting = Sitting(seats)
    return tuple(sorted({stage.folder_id for stage in stages if not stage.passes(sitting, sure=True)}))


@dataclass(frozen=True)
class ToCome:
    """The coming steps of folders on their way that ask whom the folder itself names; `whole`: whether all were looked at."""

    stages: Sequence[_Stage] = ()
    whole: bool = True

    def seats(self, collectivity_id: int) -> Query:
        """Who sits at the open desks that these steps ask, and where the people sit whom they name."""
        parts = [part for stage in self.stages for part in stage.parts]
        there = sa.or_(
            Holder.desk_id.in_({part.desk_id for part in parts if part.desk_id}),
            Holder.user_id.in_({part.named_user_id for part in parts if part.named_user_id}),
        )
        return (
            sa.select(Holder.desk_id, Holder.user_id, Holder.rights)
            .join(Desk, Desk.id == Holder.desk_id)
            .join(User, User.id == Holder.user_id)
            .where(
                Desk.collectivity_id == collectivity_id,
                Desk.closed_at.is_(None),
                User.active.is_(True),
                there,
            )
        )

    def software(self, collectivity_id: int) -> Query:
        """The software at these desks."""
        parts = (part for stage in self.stages for part in stage.parts)
        return software_at(collectivity_id, {part.desk_id for part in parts if part.desk_id})

    def stopped(self, sitting: Sequence[Any], software: Sequence[Any]) -> tuple[int, ...]:
        """The folders that nobody could move at one of these steps, by the rows of `seats` and of `software`.

        By rights, whatever the mandates.
        """
        seats = Sitting(
            (Seated(row.desk_id, row.user_id, "", row.rights, None) for row in sitting),
            ((row.desk_id, row.rights) for row in software),
        )
        return tuple(sorted({one.folder_id for one in self.stages if not one.passes(seats, sure=True)}))


def to_come(db: Db, collectivity_id: int, every: Places, versions: Iterable[int]) -> ToCome:
    """What folders on their way by these versions of circuits have to pass that they name themselves; one statement.

    Where they stand is `folders.blocked`'s, what circuits ask of desks the desks' own.
    """
    asked = _Asked(db, collectivity_id, every, Touched(every.keys(), {}, anybody=True))
    folders = list(closing.running(db, collectivity_id, versions, by_folder, most=MOST + 1))
    stages = [
        asked.stage(folder, step)
        for circuit, folder in folders[:MOST]
        for step in closing.left(circuit, folder)
        if by_folder(step)
    ]
    return ToCome(stages, len(folders) <= MOST)


def by_folder(step: Step) -> bool:
    """Whether a step asks whom the folder itself names, a desk chosen at its deposit or a superior."""
    kinds = {WhoKind.ROLE, WhoKind.CHOSEN, WhoKind.SUPERIOR}
    return not step.kind.automatic and any(who.kind in kinds for who in step.who)


def sentence(folders: Sequence[Stranded]) -> str:
    """« 3 dossiers en cours s’arrêteraient, à une étape à venir : n° 4, 5 et 6. »; empty for none."""
    here, later = (
        tuple(sorted({one.folder_id for one in folders if one.now is now})) for now in (True, False)
    )
    later = tuple(number for number in later if number not in here)
    if not here and not later:
        return ""
    told = [
        f"{plural(len(numbers), 'dossier')} en cours {'s’arrêteraient' if len(numbers) > 1 else 's’arrêterait'} {where} : "
        f"n° {', '.join(map(str, numbers[:MOST_SHOWN]))}"
        + (f" et {plural(len(numbers) - MOST_SHOWN, 'autre')}" if len(numbers) > MOST_SHOWN else "")
        for numbers, where in ((here, "à l’étape d’aujourd’hui"), (later, "à une étape à venir"))
        if numbers
    ]
    return " ; ".join(told) + "."


class _Asked:
    """Which parts the steps of circuits have, at which desks and for which people."""

    def __init__(self, db: Db, collectivity_id: int, every: Places, touched: Touched) -> None:
        self.db, self.collectivity_id, self.touched = db, collectivity_id, touched
        self._parents = {place.id: place.parent_id for place in every.values()}
        self._numbers = {place.key: place.id for place in every.values()}
        self._keys = {every[number].key for number in touched.desks if number in every}
        self._logins = {login: number for number, login in touched.people.items()}

    def may_name(self, step: Step) -> bool:
        """Whether a step asks the desks or the people, or whoever a folder says."""
        return any(
            self.touched.anybody or who.value in self._keys
            if who.kind is WhoKind.DESK
            else who.value in self._logins
            if who.kind is WhoKind.PERSON and not self.touched.anybody
            else True
            for who in step.who
        )

    def concerns(self, parts: Iterable[Awaited]) -> bool:
        """Whether one of these parts is of the desks or the people."""
        return any(
            self.touched.anybody
            or (
                part.desk_id in self.touched.desks
                if part.named_user_id is None
                else part.named_user_id in self.touched.people
            )
            for part in parts
        )

    def of_folder(self, folder: Folder, step: Step) -> Iterator[tuple[int | None, int | None]]:
        """The desk, or the person, of each part that a step of a folder will have; 0 for what is not there."""
        for who in step.who:
            value = str(folder.fields.get(who.value) or "")
            if who.kind is WhoKind.SUPERIOR:
                yield closing.superior(folder.emitter_desk_id, int(who.value), self._parents) or 0, None
            elif who.kind is WhoKind.CHOSEN:
                yield self._numbers.get(value, 0), None
            elif who.kind is WhoKind.ROLE:
                yield None, key_in(value) or 0
            else:
                yield self._there(who.kind, who.value)

    def stage(self, folder: Folder, step: Step) -> _Stage:
        """A coming step of a folder."""
        parts = dict.fromkeys(awaited_at(folder, step, *whom) for whom in self.of_folder(folder, step))
        return _Stage(folder.id, step, tuple(parts), step.quorum.needed(len(parts)))

    def of_circuit(self, step: Step) -> Sequence[tuple[int | None, int | None]] | None:
        """The same of a circuit that no folder follows yet; None where a folder will say it."""
        if any(who.kind not in {WhoKind.DESK, WhoKind.PERSON} for who in step.who):
            return None
        return [self._there(who.kind, who.value) for who in step.who]

    def _there(self, kind: WhoKind, value: str) -> tuple[int | None, int | None]:
        if kind is WhoKind.DESK:
            return self._numbers.get(value, 0), None
        if value not in self._logins:
            query = sa.select(User.id).where(
                User.collectivity_id == self.collectivity_id, User.login == value, User.active.is_(True)
            )
            self._logins[value] = self.db.scalar(query) or 0
        return None, self._logins[value]


def _coming(db: Db, collectivity_id: int, versions: Iterable[int], asked: _Asked) -> Iterator[_Stage]:
    """The steps where folders on their way stand, and those that they have to pass, which may ask the desks or the people."""
    standing: dict[int, Circuit] = {}
    for circuit, folder in closing.running(db, collectivity_id, versions, asked.may_name):
        here = next((step for step in circuit.steps if step.key == folder.place), None)
        if here is not None and asked.may_name(here):
            standing[folder.id] = circuit
        for step in closing.left(circuit, folder):
            if asked.may_name(step) and not step.kind.automatic:
                yield asked.stage(folder, step)
    yield from _standing(db, collectivity_id, standing)


def _standing(db: Db, collectivity_id: int, circuits: Mapping[int, Circuit]) -> Iterator[_Stage]:
    """The steps where these folders stand, with who has acted on them in this round."""
    if not circuits:
        return
    query = sa.select(StepRun).where(
        StepRun.collectivity_id == collectivity_id,
        StepRun.folder_id.in_(circuits),
        StepRun.state.in_(("active", "done")),
        ~StepRun.slot.startswith(ASKED),
    )
    laws: dict[tuple[str, int], Collection[str]] = {}
    runs: dict[int, list[StepRun]] = defaultdict(list)
    for run in db.scalars(query.order_by(StepRun.folder_id, StepRun.id)):
        runs[run.folder_id].append(run)
    for folder_id, every in runs.items():
        awaited = [run for run in every if run.state == "active" and (run.desk_id or run.named_user_id)]
        if not awaited:
            continue
        at = (awaited[0].step, awaited[0].pass_number)
        step = next((step for step in circuits[folder_id].steps if step.key == at[0]), None)
        done = [run for run in every if run.state == "done" and (run.step, run.pass_number) == at]
        if step is not None:
            parts = tuple(Awaited.of(run) for run in awaited)
            needed = step.quorum.needed(len(awaited) + len(done))
            family, circuit = awaited[0].family, circuits[folder_id]
            if (version := (family, id(circuit))) not in laws:
                laws[version] = imposed(families()[family], circuit)
            handed = step.kind in HANDED and step.key not in laws[version]
            yield _Stage(folder_id, step, parts, needed, True, frozenset(run.user_id for run in done), handed)


def _ways(db: Db, collectivity_id: int, asked: _Asked) -> Iterator[tuple[str, str, _Stage]]:
    """The steps of the circuits that a folder sent now may take, each with its circuit's name and what it is called."""
    known = families()
    for name, circuit in in_force(db, collectivity_id).items():
        family, beside = parted(name)
        label = f"{known[family].plural}, {circuit.label}" if beside else known[family].plural
        for step in circuit.steps:
            whom = asked.of_circuit(step) if asked.may_name(step) and not step.kind.automatic else None
            if whom is not None:
                parts = dict.fromkeys(Awaited(*one, step.kind, family, "", None, 0) for one in whom)
                yield name, label, _Stage(0, step, tuple(parts), step.quorum.needed(len(parts)))
