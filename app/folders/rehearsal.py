"""A folder’s way before it is sent, or what is left of it: its steps, who would be asked, by when.

By the functions of the real run, and nothing is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from app.circuits.library import family_of
from app.core.clock import PARIS
from app.core.db import NO_DATE, Db
from app.core.refusals import Refusal
from app.folders.facts import due_of, fill
from app.folders.models import Folder
from app.folders.move import entering
from app.folders.publicity import signed_on
from app.folders.required import missing
from app.folders.route import know_emitter
from app.folders.rows import runs_of_round
from app.folders.seats import Slot, lacks_people, slots_of
from app.folders.telling import to_tell
from app.people.working_days import calendar_of
from workflows.circuit import DRAFT, Circuit, Phase, Step, StepKind
from workflows.deadlines import due_on
from workflows.engine import Moved, Standing, advance
from workflows.family import Family
from workflows.vocabulary import Action


@dataclass(frozen=True)
class Stage:
    """A step of the way: the day it is entered on, the last day on time (`NO_DATE` for none), who would be asked.

    `slots` are those who could act that day; `seats`, the same without their mandates; `told`, the desks that would be told of
    the folder there. `refusal`: why nobody can be told,
    and the folder would not be sent. `leaves`: the day on which the next step is entered, when each takes all its days.
    `asks`: the names of the fields that would be filled in there.
    """

    step: Step
    entered: date
    leaves: date
    due: date
    slots: tuple[Slot, ...] = ()
    seats: tuple[Slot, ...] = ()
    refusal: Refusal | None = None
    told: tuple[Slot, ...] = ()
    asks: tuple[str, ...] = ()

    @property
    def unsendable(self) -> bool:
        """Whether the folder would not be sent, for want of this desk or of people there (`seats.check_route`)."""
        return self.refusal is not None or lacks_people(self.step, self.seats)

    @property
    def stuck(self) -> bool:
        """Whether the folder would wait here for ever, sent or not: nobody's mandate covers it, for one."""
        return self.unsendable or lacks_people(self.step, self.slots)


@dataclass(frozen=True)
class Rehearsal:
    """The whole way: its stages, the day it ends on, the legal last day of the folder (`NO_DATE` for none).

    `refusal`: no step applies, and nothing would be sent. `aside`: the steps to which other values of the fields that are filled
    in on the way would lead, as the sending looks at them: one that lacks people keeps the folder from leaving.
    """

    stages: tuple[Stage, ...]
    ends: date
    due: date
    refusal: Refusal | None = None
    aside: tuple[Stage, ...] = ()


def imagined(collectivity_id: int, asked: Family, desk_id: int, facts: Mapping[str, Any]) -> Folder:
    """A folder that is nowhere, of this family or version of a type, with these facts, deposited by this desk."""
    folder = Folder(
        collectivity_id=collectivity_id,
        family=asked.name,
        type_version_id=asked.type_version,
        emitter_desk_id=desk_id,
        title="",
        depositor_name="",
        fields={},
        sources={},
        round=1,
    )
    fill(folder, asked, facts, title=None)
    return folder


def again(folder: Folder) -> Folder:
    """The same folder as it would be sent now, apart from the one that is kept."""
    return Folder(
        id=folder.id,
        collectivity_id=folder.collectivity_id,
        family=folder.family,
        type_version_id=folder.type_version_id,
        emitter_desk_id=folder.emitter_desk_id,
        title=folder.title,
        fields=folder.fields,
        sources=folder.sources,
        amount_cents=folder.amount_cents,
        round=folder.round + 1,
    )


def rehearse(
    db: Db, folder: Folder, circuit: Circuit, day: date, later: Mapping[str, Any] | None = None
) -> Rehearsal:
    """The way that this folder would take if it were sent on this day by this circuit; nothing is written.

    Each step is taken to last all its days, and none where it has none. `folder` is one of `imagined` or `again`: it is
    in no session. `later`: what would be filled in on the way, each at the first step that requires it.
    """
    folder.due_on = _due(folder, day)
    know_emitter(db, folder, circuit)
    sent = circuit.applicable(folder.facts)
    try:
        moved = advance(circuit, Standing(DRAFT, folder.facts), Action.SUBMIT)
    except Refusal as refusal:
        return Rehearsal((), day, folder.due_on, refusal)
    stages, ends = _walk(db, folder, circuit, moved, day, None, later or {}, sending=True)
    passed = {one.step.key for one in stages}
    aside = tuple(_stage(db, folder, step, day, None) for step in sent if step.key not in passed)
    return Rehearsal(stages, ends, folder.due_on, aside=aside)


def coming(db: Db, folder: Folder, circuit: Circuit, day: date, *, at_once: bool = False) -> Rehearsal:
    """What is left of the way of a running folder by this circuit, after the step where it stands; nothing is written.

    That step is taken to end when its days do, or on this day where they are over or it has none, or it ends `at_once`.
    """
    step = circuit.step(folder.place)
    entered = [run.entered_at for run in runs_of_round(db, folder) if run.state == "active"]
    if step.days and entered and not at_once:
        began = min(entered).astimezone(PARIS).date()
        day = max(day, due_on(began, step.days, calendar_of(db, folder.collectivity_id)))
    signed = day if step.kind in {StepKind.SIGN, StepKind.SEAL} else signed_on(db, folder)
    moved = _passed(circuit, folder, Stage(step, day, day, folder.due_on))
    stages, ends = _walk(db, folder, circuit, moved, day, signed, {})
    return Rehearsal(stages, ends, folder.due_on)


def _walk(
    db: Db,
    folder: Folder,
    circuit: Circuit,
    moved: Moved,
    day: date,
    signed: date | None,
    later: Mapping[str, Any],
    *,
    sending: bool = False,
) -> tuple[tuple[Stage, ...], date]:
    """The stages from a move on, and the day on which the last one ends; `sending`: that move is the sending.

    What `later` says is filled in as its step is passed; where it says nothing, the folder is read and not written.
    """
    stages: list[Stage] = []
    informed: set[str] = set()
    while moved.phase is Phase.RUNNING:
        stage = _stage(db, folder, circuit.step(moved.entered), day, signed)
        desks = to_tell(db, folder, circuit.told_at(stage.step, first=sending and not stages))
        told = tuple(one for one in desks if one.key not in informed)
        stage = replace(stage, told=told, asks=tuple(one.label for one in missing(folder, stage.step)))
        informed.update(one.key for one in stage.told)
        stages.append(stage)
        day = stage.leaves
        if stage.step.kind in {StepKind.SIGN, StepKind.SEAL}:
            signed = day
        if filled := {one.key: later[one.key] for one in missing(folder, stage.step) if one.key in later}:
            fill(folder, family_of(folder.in_force), {**folder.fields, **filled}, title=None)
        moved = _passed(circuit, folder, stage)
    return tuple(stages), day


def _due(folder: Folder, day: date) -> date:
    """The legal last day; none for a clock that starts beyond the calendar, a fact that the family refuses at sending."""
    try:
        return due_of(folder, day)
    except OverflowError:
        return NO_DATE


def _stage(db: Db, folder: Folder, step: Step, day: date, signed: date | None) -> Stage:
    leaves = due_on(day, step.days, calendar_of(db, folder.collectivity_id)) if step.days else day
    try:
        slots, due = entering(db, folder, step, day, signed)
    except Refusal as refusal:
        return Stage(step, day, leaves, folder.due_on, refusal=refusal)
    seats = slots_of(db, folder, step, seats_alone=True) if step.kind is StepKind.SIGN else slots
    return Stage(step, day, leaves, due, slots, seats)


def _passed(circuit: Circuit, folder: Folder, stage: Stage) -> Moved:
    """The move that closes a step, as if enough people had acted on it."""
    step = stage.step
    if step.kind.automatic:
        return advance(circuit, Standing(step.key, folder.facts), step.kind.action)
    parts = max(len(stage.slots), len(step.who), 1)
    needed = step.quorum.needed(parts)
    names = [f"part {rank}" for rank in range(max(parts, needed))]
    acted = {name: rank for rank, name in enumerate(names[: step.quorum.needed(len(names)) - 1], start=1)}
    free = names[len(acted)]
    standing = Standing(step.key, folder.facts, tuple(names), acted)
    return advance(circuit, standing, step.kind.action, person=len(acted) + 1, slot=free)
