"""A visa or an opinion that nobody gives, passed by who administers, with a reason: which may be, by whom. Pure.

It is never told as given. What the law asks for is not passed, nor what binds beyond the folder, and somebody decides all the
same: the last look of all is nobody's to leave out.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from workflows.circuit import Circuit, Phase, Step, StepKind, phase_of
from workflows.engine import Moved, Standing
from workflows.errors import Refusal
from workflows.family import Family, imposed
from workflows.machine import play
from workflows.vocabulary import Action

__all__ = ["PASSED", "Passer", "locked_by", "pass_over", "refuse_passed"]

PASSED = frozenset({StepKind.VISA, StepKind.OPINION})
"""The kinds of steps that may be passed: what is thought of a folder, and nothing that binds beyond it."""
_DECIDED = frozenset({StepKind.VISA, StepKind.SIGN})


@dataclass(frozen=True, slots=True)
class Passer:
    """Who would pass a step: his number, whether the folder is his own deposit, whether the step awaits him."""

    person: int | None
    depositor: bool = False
    in_turn: bool = False


def refuse_passed(
    family: Family,
    circuit: Circuit,
    standing: Standing,
    passer: Passer,
    *,
    decided: Collection[str],
    passed: Collection[str],
) -> None:
    """Refuse a step that is not to be passed, where the folder stands, or not by this person.

    `decided`: the keys of the steps where somebody put a visa or signed since the folder was last sent; `passed`: of those that
    were passed. `passing-fixed` of a step that is neither a visa nor an opinion; `passing-locked` where the family cannot do
    without it, beside what was passed already; `passing-alone` where nobody would have decided before the folder leaves or ends;
    `passing-own`; `passing-acted` of who has done another part of the step; `passing-yours`.
    """
    if phase_of(standing.place) is not Phase.RUNNING:
        raise Refusal("passing-fixed", step="")
    step = circuit.step(standing.place)
    if step.kind not in PASSED:
        raise Refusal("passing-fixed", step=step.label)
    left = replace(circuit, steps=tuple(other for other in circuit.steps if other.key not in passed))
    law = imposed(family, left)
    if step.key in law:
        raise Refusal("passing-locked", step=step.label, by=locked_by(law[step.key]))
    if step.kind is StepKind.VISA and not decided and not _decided_yet(circuit, standing, step):
        raise Refusal("passing-alone", step=step.label)
    if passer.depositor:
        raise Refusal("passing-own")
    if passer.person in standing.acted.values():
        raise Refusal("passing-acted")
    if passer.in_turn:
        raise Refusal("passing-yours")


def locked_by(article: str) -> str:
    """« la loi (CGCT L2131-1) », or the type of the folder where no article is named."""
    return f"la loi ({article})" if article else "le type de ce dossier"


def _decided_yet(circuit: Circuit, standing: Standing, step: Step) -> bool:
    """Whether somebody is sure to decide after the step, before a machine sends or seals, or the folder is made known."""
    unsure = circuit.unsure(standing.facts)
    for coming in circuit.applicable(standing.facts, step.key):
        if coming.kind in _DECIDED and coming.key not in unsure:
            return True
        if coming.kind.automatic or coming.kind in {StepKind.PUBLISH, StepKind.ARCHIVE}:
            return False
    return False


def pass_over(circuit: Circuit, standing: Standing) -> Moved:
    """Lead the folder where it goes once the step where it stands is done, whatever its quorum.

    The caller has asked `refuse_passed`; refuses as a move does.
    """
    step = circuit.step(standing.place)
    entered = play(circuit, step.key, step.kind.action, standing.facts)
    return Moved(Action.WAIVE, step.key, entered, step.key, 0, 0, closed=True, phase=phase_of(entered))
