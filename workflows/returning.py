"""A folder sent back to an earlier step of its round, instead of to who deposited it: to which steps, by whom. Pure.

From the step that it comes back to on, each is asked anew. What was signed, or has left, is never decided again: that is a new
round, and begins by a rejection.
"""

from collections.abc import Collection
from dataclasses import replace

from workflows.circuit import Circuit, Phase, Step, StepKind, phase_of
from workflows.engine import Moved, Standing, advance
from workflows.errors import Refusal
from workflows.vocabulary import Action

__all__ = ["AGAIN", "behind", "send_back"]

AGAIN = frozenset({StepKind.VISA, StepKind.OPINION})
"""The kinds of steps that may be asked again in a round: what is thought of a folder, and nothing that binds beyond it."""


def behind(circuit: Circuit, standing: Standing, entered: Collection[str]) -> tuple[Step, ...]:
    """The steps to which the folder may be sent back from where it stands, in order.

    `entered`: the keys of the steps of the way that led there since it was last sent. None where nobody decides, as at a seal:
    what cannot be done there goes back to who deposited. None lies behind a signature of this
    round, one of several at the present step included, nor behind a transmission, a publication or an archiving; none is a step
    that the folder's facts ask for no more.
    """
    if phase_of(standing.place) is not Phase.RUNNING:
        return ()
    current = circuit.step(standing.place)
    if current.kind.automatic or (current.kind not in AGAIN and standing.acted):
        return ()
    steps: list[Step] = []
    for step in reversed(circuit.steps[: circuit.steps.index(current)]):
        if step.key not in entered:
            continue
        if step.kind not in AGAIN:
            break
        if step.applies(standing.facts):
            steps.append(step)
    return tuple(reversed(steps))


def send_back(
    circuit: Circuit,
    standing: Standing,
    to: str,
    entered: Collection[str],
    *,
    person: int | None = None,
    slot: str | None = None,
) -> Moved:
    """Send the folder back to the step of key `to`: whoever may reject it may. Refuses as a rejection, and `not-behind`."""
    moved = advance(circuit, standing, Action.REJECT, person=person, slot=slot)
    if to not in {step.key for step in behind(circuit, standing, entered)}:
        raise Refusal("not-behind")
    return replace(moved, action=Action.SEND_BACK, entered=to, phase=Phase.RUNNING)
