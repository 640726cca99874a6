"""The folders on their way, and the circuits, that a change of who sits where would stop: where they stand, or at a step to come.

By the law of the circuit that each folder follows (its own version), of rights by type, of mandates, of software, and of
quorums: nobody acts twice on a step. Who stands in for somebody today is somebody where a folder stands; of a step to come,
only where the question is how things stand today, since an absence ends.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from app.circuits.library import in_force, parted
from app.core.clock import now
from app.core.db import Db, key_in
from app.core.grammar import plural
from app.core.questions import Query, Rows, read_together
from app.folders.asking import ADVICE
from app.folders.models import Folder, StepRun
from app.folders.passages import Passage, parts_of, standing
from app.folders.seats import Awaited, Seated, Sitting, awaited_at, seats_at, software_at
from app.operations.desks import closing
from app.people.covers import Away, away_query, by_person
from app.people.mandates import mandates
from app.people.models import Desk, Holder, User
from app.people.places import Places
from workflows.circuit import Step, WhoKind
from workflows.family import families, imposed
from workflows.handing import HANDED
from workflows.mandates import Mandate

MOST = 2_000
"""Folders on their way whose coming steps are looked at by a page, of those that name themselves who comes."""
MOST_SHOWN = 20
"""Folders named by their number; the others are counted."""
Change = Callable[[Sequence[Seated]], Sequence[Seated]]


@dataclass(frozen=True)
class Stranded:
    """A folder that would stop: at the step where it stands (`now`) or at one to come, and whether that step names somebody.

    `handed`: whether a part of the step, where it stands, may be handed to another desk (`workflows/handing.py`). `advice`: it is
    an opinion that was asked beside the step, and for which it waits.
    """

    folder_id: int
    step: str
    now: bool
    named: bool
    handed: bool = False
    advice: bool = False


@dataclass(frozen=True)
class Way:
    """A step that folders could not pass: its circuit as it is called, its own label, and what the circuit is kept under."""

    circuit: str
    step: str
    name: str


@dataclass(frozen=True)
class Lost:
    """What would stop: folders on their way, and steps of circuits that a folder sent from then on could not pass.

    Steps that name who is touched are none of these: no desk gives them to anybody. `blocked`: folders that nobody can move
    where they stand, before any change.
    """

    folders: tuple[Stranded, ...] = ()
    steps: tuple[Way, ...] = ()
    blocked: frozenset[int] = frozenset()

    def numbers(self, *, now: bool) -> tuple[int, ...]:
        """The folders that would stop where they stand, or at a step to come."""
        return tuple(sorted({one.folder_id for one in self.folders if one.now is now}))


@dataclass(frozen=True)
class Touched:
    """The desks that the change is about, and the people, each with his login; or whoever a step asks (`anybody`)."""

    desks: Collection[int]
    people: Mapping[int, str]
    anybody: bool = False


def lost(
    db: Db,
    collectivity_id: int,
    every: Places,
    touched: Touched,
    versions: Iterable[int],
    change: Change,
    there: Sequence[Rows] | None = None,
) -> Lost:
    """What would stop once `change` is made of who sits where; `versions`: those that folders on their way follow.

    `there`: the rows of `standing_at` the folders that wait for who is touched, where they were read with others.
    Three statements at most, and one for circuits that name other people too.
    """
    asked = _Asked(db, collectivity_id, every, touched)
    waiting = standing_at(collectivity_id, _waiting(collectivity_id, touched))
    now_there, software, away = _stand(db, read_together(db, *waiting) if there is None else there)
    standing = [stage for stage in now_there if asked.concerns(stage.parts)]
    coming = [stage for stage in _coming(db, collectivity_id, versions, asked) if asked.concerns(stage.parts)]
    ways = [way for way in _ways(db, collectivity_id, asked) if asked.concerns(way[-1].parts)]
    concerned = [*standing, *coming, *(stage for *_, stage in ways)]
    if not concerned:
        return Lost()
    parts = {part for stage in concerned for part in stage.parts}
    before = seats_at(
        db,
        collectivity_id,
        {*touched.desks, *(part.desk_id for part in parts if part.desk_id is not None)},
        {*touched.people, *(part.named_user_id for part in parts if part.named_user_id is not None)},
    )
    after = change(before)
    # Whoever is gone stands in for nobody either
    left = {
        number: [absence for absence in several if absence.law.by not in touched.people]
        for number, several in away.items()
    }

    def held(number: int) -> Sequence[Mandate]:
        return mandates(db, number)

    today = Sitting(before, software, away, held), Sitting(after, software, left, held)
    later = Sitting(before, software), Sitting(after, software)
    folders = [
        *(_of_folder(stage, touched, now=True) for stage in standing if _stops(stage, *today)),
        *(_of_folder(stage, touched, now=False) for stage in coming if _stops(stage, *later)),
    ]
    steps = [
        Way(label, stage.step.label, name)
        for name, label, stage in ways
        if stage.step is not None
        and not any(part.named_user_id in touched.people for part in stage.parts)
        and _stops(stage, *later, sure=False)
    ]
    blocked = {stage.folder_id for stage in standing if not stage.advice and not stage.passes(today[0])}
    return Lost(tuple(folders), tuple(dict.fromkeys(steps)), frozenset(blocked))


def _stops(stage: Passage, was: Sitting, would: Sitting, *, sure: bool = True) -> bool:
    return stage.passes(was, sure=sure) and not stage.passes(would, sure=sure)


def _of_folder(stage: Passage, touched: Touched, *, now: bool) -> Stranded:
    theirs = [
        part for part in stage.parts if part.desk_id in touched.desks or part.named_user_id in touched.people
    ]
    named = any(part.named_user_id in touched.people for part in stage.parts)
    if stage.advice or stage.step is None:
        return Stranded(stage.folder_id, ADVICE.label, now, named, advice=True)
    handed = now and stage.step.kind in HANDED and bool(theirs) and not _imposed(stage)
    return Stranded(stage.folder_id, stage.step.label, now, named, handed)


def _imposed(stage: Passage) -> bool:
    """Whether the law imposes the step where a folder stands."""
    if stage.step is None or stage.circuit is None:
        return False
    return stage.step.key in imposed(families()[stage.parts[0].family], stage.circuit)


def stopped(db: Db, collectivity_id: int, every: Places, versions: Iterable[int]) -> tuple[int, ...]:
    """The folders on their way by these versions of circuits that cannot end as people sit today, by number.

    At the step where they stand, or at one to come.
    """
    asked = _Asked(db, collectivity_id, every, Touched(every.keys(), {}, anybody=True))
    followed = list(versions)
    following = standing_at(collectivity_id, closing.following(collectivity_id, followed))
    standing, software, away = _stand(db, read_together(db, *following))
    stages = [*standing, *_coming(db, collectivity_id, followed, asked)]
    parts = {part for stage in stages for part in stage.parts}
    seats = seats_at(
        db,
        collectivity_id,
        {part.desk_id for part in parts if part.desk_id is not None},
        {part.named_user_id for part in parts if part.named_user_id is not None},
    )
    sitting = Sitting(seats, software, away, lambda number: mandates(db, number))
    return tuple(sorted({stage.folder_id for stage in stages if not stage.passes(sitting)}))


@dataclass(frozen=True)
class ToCome:
    """The coming steps of folders on their way that ask whom the folder itself names; `whole`: whether all were looked at."""

    stages: Sequence[Passage] = ()
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

    def stopped(self, sitting: Sitting) -> tuple[int, ...]:
        """The folders that nobody could move at one of these steps, as people sit."""
        return tuple(sorted({stage.folder_id for stage in self.stages if not stage.passes(sitting)}))


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

    def stage(self, folder: Folder, step: Step) -> Passage:
        """A coming step of a folder."""
        parts = dict.fromkeys(awaited_at(folder, step, *whom) for whom in self.of_folder(folder, step))
        return Passage(folder.id, tuple(parts), step.quorum.needed(len(parts)), step=step)

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


def _coming(db: Db, collectivity_id: int, versions: Iterable[int], asked: _Asked) -> Iterator[Passage]:
    """The steps that folders on their way have to pass after the one where they stand, which may ask the desks or the people."""
    for circuit, folder in closing.running(db, collectivity_id, versions, asked.may_name):
        for step in closing.left(circuit, folder):
            if asked.may_name(step) and not step.kind.automatic:
                yield asked.stage(folder, step)


def _waiting(collectivity_id: int, touched: Touched) -> Query:
    """The folders where a part is awaited of these desks or people, by the step, or an opinion for which it waits."""
    return sa.select(StepRun.folder_id).where(
        sa.text("step_run.state = 'active'"),
        StepRun.due_on >= date.min,  # by the index of what waits
        StepRun.collectivity_id == collectivity_id,
        sa.or_(StepRun.desk_id.in_(touched.desks), StepRun.named_user_id.in_(touched.people)),
    )


def standing_at(collectivity_id: int, folders: Query) -> tuple[Query, ...]:
    """What `lost` asks of where folders stand: their parts, the software in service in the collectivity, and who is away."""
    away = away_query(collectivity_id, now())
    return parts_of(collectivity_id, folders), software_at(collectivity_id), away


def _stand(
    db: Db, there: Sequence[Rows]
) -> tuple[list[Passage], list[tuple[int, Collection[str]]], dict[int, list[Away]]]:
    """Where folders stand, the software in service, and who is away, of the rows of `standing_at`."""
    parts, software, away = there
    return standing(db, parts), [(row.desk_id, row.rights) for row in software], by_person(away)


def _ways(db: Db, collectivity_id: int, asked: _Asked) -> Iterator[tuple[str, str, Passage]]:
    """The steps of the circuits that a folder sent now may take, each with its circuit's name and what it is called."""
    known = families()
    for name, circuit in in_force(db, collectivity_id).items():
        family, beside = parted(name)
        label = f"{known[family].plural}, {circuit.label}" if beside else known[family].plural
        for step in circuit.steps:
            whom = asked.of_circuit(step) if asked.may_name(step) and not step.kind.automatic else None
            if whom is not None:
                parts = dict.fromkeys(
                    Awaited(*part, step.kind, family, "", None, 0, step.reading) for part in whom
                )
                yield name, label, Passage(0, tuple(parts), step.quorum.needed(len(parts)), step=step)
