"""The one verb of the law: advance a folder by one action. Pure: it reads no clock and no database."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from workflows.circuit import Circuit, Facts, Phase, Step, StepKind, phase_of
from workflows.errors import Refusal
from workflows.machine import play
from workflows.vocabulary import Action, Outcome

__all__ = [
    "Action",
    "Asker",
    "Moved",
    "Standing",
    "advance",
    "check_slots",
    "choices",
    "filled",
    "in_turn",
    "opinion_awaited",
]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a folder stands: all that the law needs to know of it.

    `slots` are those expected to act at the current step; `acted` maps a slot to the person who acted for it
    in this pass; `signed` is true as soon as one signature was made since the folder was last submitted. `awaited`: the desks,
    by name, whose opinion was asked at this step, which ends for nobody before they have answered (`workflows.asking`).
    """

    place: str
    facts: Facts
    slots: tuple[str, ...] = ()
    acted: Mapping[str, int] = field(default_factory=dict)
    signed: bool = False
    awaited: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """One action was played: the folder left a place for another, or stays until its quorum is reached.

    `step_left` is the key of the step the folder has left, if it stood at one; `closed` says that this step
    was completed, as opposed to rejected, refused or recalled. `counted` and `needed` are persons.
    """

    action: Action
    left: str
    entered: str
    step_left: str | None
    counted: int
    needed: int
    closed: bool
    phase: Phase


@dataclass(frozen=True, slots=True)
class Asker:
    """Who is asking, seen from one folder.

    `slots` are the slots of the current step that this person holds with the right the step needs; a person
    signs, an application never does, and the system alone completes what is automatic.
    """

    person: int | None
    slots: frozenset[str] = frozenset()
    is_emitter: bool = False
    kind: Literal["person", "application", "system"] = "person"


def advance(
    circuit: Circuit,
    standing: Standing,
    action: Action,
    *,
    person: int | None = None,
    slot: str | None = None,
) -> Moved:
    """Play `action`: the folder leaves its step once the quorum of distinct persons is reached, or stays.

    Refuses `action-impossible-here`, `no-step-applies`, `already-signed` (recall), and for an act made by
    somebody `person-required`, `slot-unknown`, `slot-taken`, `already-acted`, `quorum-impossible`, `opinion-awaited`: while an
    opinion that the step waits for is open nobody decides there, but rejects or takes back as ever.
    Rights are not asked here: `choices` says what one may do.
    """
    left = standing.place
    entered = play(circuit, left, action, standing.facts)
    action = Action(action)  # compared by identity below: a bare "approve" would slip past the quorum
    if phase_of(left) is not Phase.RUNNING:
        return Moved(action, left, entered, None, 0, 0, closed=False, phase=phase_of(entered))
    step = circuit.step(left)
    if action is Action.RECALL and standing.signed:
        raise Refusal("already-signed", step=step.key)
    completes = action.outcome is Outcome.DONE
    persons = set(standing.acted.values())
    if action.outcome is not None and not step.kind.automatic:
        actor = _actor(standing, person, slot)
        if completes:
            if standing.awaited:
                raise opinion_awaited(step, standing.awaited)
            check_slots(step, len(standing.slots))
            persons.add(actor)
    needed = _needed(step, len(standing.slots))
    closed = completes and len(persons) >= needed
    if completes and not closed:
        return Moved(action, left, left, None, len(persons), needed, closed=False, phase=Phase.RUNNING)
    return Moved(
        action, left, entered, step.key, len(persons), needed, closed=closed, phase=phase_of(entered)
    )


def check_slots(step: Step, n: int) -> None:
    """Refuse `quorum-impossible` when `n` slots are too few for the step ever to be completed."""
    needed = _needed(step, n)
    if n < needed:
        raise Refusal("quorum-impossible", step=step.label, needed=needed, slots=n)


def filled(parts: Sequence[Collection[int]]) -> int:
    """How many parts different people can take at once, each part told by who may take it: nobody acts twice on a step.

    A maximum matching.

    >>> filled([{1}, {1, 2}]), filled([{1}, {1}])
    (2, 1)
    """
    taken: dict[int, int] = {}

    def place(part: int, tried: set[int]) -> bool:
        for person in parts[part]:
            if person in tried:
                continue
            tried.add(person)
            if person not in taken or place(taken[person], tried):
                taken[person] = part
                return True
        return False

    return sum(place(part, set()) for part in range(len(parts)))


def choices(circuit: Circuit, standing: Standing, asker: Asker) -> tuple[Action, ...]:
    """What this asker may do now, in the order of `Action`; `advance` accepts each of them."""
    slot = min(asker.slots.intersection(standing.slots).difference(standing.acted), default=None)
    entitled = _entitled(circuit, standing, asker, slot)
    return tuple(
        action
        for action in Action
        if action in entitled and _accepts(circuit, standing, action, asker.person, slot)
    )


def in_turn(circuit: Circuit, standing: Standing, asker: Asker) -> bool:
    """Whether it is for this asker to do what the step asks, though it may still wait for an opinion that was asked."""
    if phase_of(standing.place) is not Phase.RUNNING:
        return False
    action = circuit.step(standing.place).kind.action
    return action in choices(circuit, replace(standing, awaited=()), asker)


def opinion_awaited(step: Step, desks: Sequence[str]) -> Refusal:
    """Why a step does not end yet, to be raised: « … attend l’avis demandé à « A », « B » et « C » »."""
    *others, last = [f"« {desk} »" for desk in desks]
    return Refusal(
        "opinion-awaited", step=step.label, awaited=f"{', '.join(others)} et {last}" if others else last
    )


def _needed(step: Step, slots: int) -> int:
    return 0 if step.kind.automatic else step.quorum.needed(slots)


def _actor(standing: Standing, person: int | None, slot: str | None) -> int:
    """The person who acts for this slot now, or the reason why they may not."""
    if person is None:
        raise Refusal("person-required")
    if person in standing.acted.values():
        raise Refusal("already-acted", person=person)
    if slot is None or slot not in standing.slots:
        raise Refusal("slot-unknown", slot=slot)
    if slot in standing.acted:
        raise Refusal("slot-taken", slot=slot)
    return person


def _entitled(circuit: Circuit, standing: Standing, asker: Asker, slot: str | None) -> frozenset[Action]:
    """What the asker's quality opens, before the law of the place is asked."""
    opened: set[Action] = set()
    if asker.is_emitter:
        opened |= {Action.SUBMIT, Action.RECALL, Action.WITHDRAW}
    if phase_of(standing.place) is Phase.RUNNING:
        step = circuit.step(standing.place)
        if step.kind.automatic and asker.kind == "system":
            opened |= {step.kind.action, Action.REFUSE, Action.REJECT}
        elif slot is not None and asker.kind != "system":
            if step.kind is not StepKind.OPINION:
                opened.add(Action.REJECT)
            # a signature is made by a person, never by an application in their name
            if step.kind is not StepKind.SIGN or asker.kind == "person":
                opened.add(step.kind.action)
    return frozenset(opened)


def _accepts(
    circuit: Circuit, standing: Standing, action: Action, person: int | None, slot: str | None
) -> bool:
    try:
        advance(circuit, standing, action, person=person, slot=slot)
    except Refusal:
        return False
    return True
