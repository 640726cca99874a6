"""Turns a circuit into one shared machine and plays an action on it; only this room knows `transitions`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import cast

from transitions import EventData, Machine, MachineError, State

from workflows.circuit import (
    DONE,
    DRAFT,
    RECALLED,
    REJECTED,
    WITHDRAWN,
    Circuit,
    Facts,
    Step,
    StepKind,
)
from workflows.errors import Refusal
from workflows.vocabulary import Action

_STARTS = (DRAFT, REJECTED, RECALLED)
_DECIDED = frozenset({StepKind.VISA, StepKind.SIGN, StepKind.SEAL})  # the others record or await a fact
_ACTIONS = frozenset(map(str, Action))
_VERSIONS = 512  # machines kept at once, about 15 kB each

Guard = Callable[[Facts], bool]


@dataclass(slots=True)
class Token:
    """What moves through the machine: a place and the facts that conditions read."""

    state: str
    facts: Facts


def play(circuit: Circuit, place: str, event: str, facts: Facts) -> str:
    """The place where `event` leads a folder with these facts from `place`.

    Refuses `action-unknown`, `action-impossible-here`, `no-step-applies`.
    """
    if event not in _ACTIONS:
        raise Refusal("action-unknown", action=event)
    machine = compiled(circuit)
    played, token = machine.events.get(event), Token(place, facts)
    if played is None or place not in machine.states:
        raise Refusal("action-impossible-here", action=event, place=place)
    try:
        moved = played.trigger(token)  # never registered with the machine: nothing to leak
    except MachineError as error:
        raise Refusal("action-impossible-here", action=event, place=place) from error
    if not moved:
        key = "no-step-applies" if event == Action.SUBMIT else "action-impossible-here"
        raise Refusal(key, action=event, place=place)
    return token.state


@lru_cache(maxsize=_VERSIONS)  # a circuit's hash is its digest: one machine per version
def compiled(circuit: Circuit) -> Machine:
    """The one machine of this circuit version, shared by all its folders and never changed afterwards."""
    places = (*_STARTS, *(step.key for step in circuit.steps))
    machine = Machine(
        model=None,
        states=[*map(State, places), State(WITHDRAWN, final=True), State(DONE, final=True)],
        initial=DRAFT,
        auto_transitions=False,
        send_event=True,
    )
    for action, source, target, guard in _transitions(circuit):
        machine.add_transition(
            action.value, source, target, conditions=partial(_asks, guard) if guard else None
        )
    return machine


def _asks(guard: Guard, event: EventData) -> bool:
    return guard(cast("Token", event.model).facts)


def _transitions(circuit: Circuit) -> Iterator[tuple[Action, str, str, Guard | None]]:
    """Every move the circuit allows; of two with the same source, the first whose guard holds is taken."""
    for start in _STARTS:
        yield from _onward(circuit, start, Action.SUBMIT)
        yield Action.WITHDRAW, start, WITHDRAWN, None
    carriers: list[Step] = []
    for step in circuit.steps:
        yield from _onward(circuit, step.key, step.kind.action)
        if step.kind is StepKind.TRANSMIT:
            carriers.append(step)
            yield Action.REFUSE, step.key, REJECTED, None
            continue
        if step.kind in _DECIDED:
            yield Action.REJECT, step.key, REJECTED, None
        yield Action.RECALL, step.key, RECALLED, partial(_kept_home, tuple(carriers)) if carriers else None


def _onward(circuit: Circuit, place: str, action: Action) -> Iterator[tuple[Action, str, str, Guard | None]]:
    for step in circuit.following(place):
        if step is not None:
            yield action, place, step.key, step.applies if step.when else None
        elif place not in _STARTS:  # a folder that goes through no step at all is not done: it never left
            yield action, place, DONE, None


def _kept_home(carriers: tuple[Step, ...], facts: Facts) -> bool:
    """No transmission lies behind the folder: what has left the house cannot be taken back."""
    return not any(step.applies(facts) for step in carriers)
