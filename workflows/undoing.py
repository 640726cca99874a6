"""What somebody has just done and takes back within some seconds: which act, by whom, and what closes it. Pure.

It was done at once and for good; taking it back is another move, which leads where the folder was. What was signed, published
or archived is never taken back, nor what started a machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from workflows.circuit import Circuit, Phase, StepKind, phase_of
from workflows.engine import Moved, Standing
from workflows.errors import Refusal
from workflows.vocabulary import Action

__all__ = ["THOUGHT", "Deed", "leaves_time", "refuse_late", "take_back"]

THOUGHT = frozenset({StepKind.VISA, StepKind.OPINION})
"""The kinds of steps whose act may be taken back: what is thought of a folder, and nothing that binds beyond it."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done last on a folder, by whom and when, and what has become of it since.

    `step`: the key of the step where it was done. `until`: when the time to take it back ends, None where there is none.
    `opened`: somebody else has opened the folder since. `left`: a letter of it went, or another work of it began.
    """

    step: str
    person: int | None
    at: datetime
    until: datetime | None
    opened: bool = False
    left: bool = False


def leaves_time(circuit: Circuit, moved: Moved) -> bool:
    """Whether a move that was just played may be taken back: its letters then wait as long as that lasts."""
    if moved.action is not Action.APPROVE or circuit.step(moved.left).kind not in THOUGHT:
        return False
    return moved.phase is not Phase.RUNNING or not circuit.step(moved.entered).kind.automatic


def refuse_late(deed: Deed, *, person: int | None, now: datetime) -> None:
    """Refuse what is not, or no more, to be taken back.

    `take-back-none` of another's, `take-back-late`, `take-back-opened`, `take-back-left`.
    """
    if person is None or deed.person != person or deed.until is None:
        raise Refusal("take-back-none")
    if not deed.at <= now < deed.until:
        raise Refusal("take-back-late", seconds=int((deed.until - deed.at).total_seconds()))
    if deed.opened:
        raise Refusal("take-back-opened")
    if deed.left:
        raise Refusal("take-back-left")


def take_back(
    circuit: Circuit, standing: Standing, deed: Deed, *, person: int | None, now: datetime
) -> Moved:
    """Lead the folder back to the step where it was before the deed, whose other parts stand as they stood.

    Refuses as `refuse_late`, and `take-back-none` where it does not stand behind that deed.
    """
    refuse_late(deed, person=person, now=now)
    step = next((step for step in circuit.steps if step.key == deed.step), None)
    if (
        step is None
        or step.kind not in THOUGHT
        or phase_of(standing.place) not in {Phase.RUNNING, Phase.DONE}
    ):
        raise Refusal("take-back-none")
    if phase_of(standing.place) is Phase.RUNNING:
        current = circuit.step(standing.place)
        behind = circuit.steps.index(current) >= circuit.steps.index(step)
        if not behind or _taken(standing.acted, current.key, step.key):
            raise Refusal("take-back-none")
        if current.kind.automatic:
            raise Refusal("take-back-left")
    return Moved(Action.TAKE_BACK, standing.place, step.key, None, 0, 0, closed=False, phase=Phase.RUNNING)


def _taken(acted: Mapping[str, int], place: str, before: str) -> bool:
    """Whether somebody has acted at the step that the deed opened."""
    return place != before and bool(acted)
