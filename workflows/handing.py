"""A part of a step handed to another desk: which parts may be, and to whom. Pure: it reads no clock and no database.

What the law has decided by somebody stays his: the part of a person who is named, a signature, which a mandate gives, and a
step that the circuit cannot do without.
"""

from collections.abc import Collection
from dataclasses import dataclass

from workflows.circuit import Step, StepKind
from workflows.errors import Refusal

__all__ = ["HANDED", "Receiver", "may_be_handed", "may_be_replaced", "refuse_receiver"]

HANDED = frozenset({StepKind.VISA, StepKind.OPINION})
"""The kinds of steps whose parts may be handed on: what is thought of a folder, and nothing that binds beyond it."""
_DESK = "desk:"


@dataclass(frozen=True, slots=True)
class Receiver:
    """A desk to which a part would be handed: its name, and who could act there on this folder.

    `held_before`: it had this step already since the folder was sent; `adviser`: its opinion is awaited beside the step; `emits`:
    the folder is its own deposit; `depositors`: who wrote or sent the folder; `in_circle`: whether a folder whose reading is
    restricted may come to it.
    """

    desk: str
    people: frozenset[int]
    takes_part: bool = False
    held_before: bool = False
    adviser: bool = False
    emits: bool = False
    depositors: frozenset[int] = frozenset()
    in_circle: bool = True


def may_be_handed(step: Step, slot: str, imposed: Collection[str]) -> bool:
    """Whether a part of a step is a desk's, and left to it; `imposed`: the keys of the steps that the law asks for."""
    return step.kind in HANDED and slot.startswith(_DESK) and step.key not in imposed


def may_be_replaced(step: Step, slot: str, imposed: Collection[str]) -> bool:
    """Whether who administers may put a desk in the place of who has a part: the same, and the part of one person too.

    He was named to do it, and somebody absent does not do it.
    """
    return step.kind in HANDED and slot.partition(":")[0] in {"desk", "person"} and step.key not in imposed


def refuse_receiver(receiver: Receiver, acted: Collection[int | None], giver: int | None) -> None:
    """Refuse a desk that may not have the part.

    `handing-outside`: it may not read the folder; `handing-taking-part`; `handing-asked`: it would answer itself;
    `handing-back`: it had it already, and a part goes round to nobody; `handing-own-deposit`: it deposits the folder, or somebody
    who did could act there, and nobody is made to decide of his own deposit; `handing-nobody`: nobody there could act, who has
    not acted at this step and is not who hands it.
    """
    if not receiver.in_circle:
        raise Refusal("handing-outside", desk=receiver.desk)
    if receiver.takes_part:
        raise Refusal("handing-taking-part", desk=receiver.desk)
    if receiver.held_before:
        raise Refusal("handing-back", desk=receiver.desk)
    if receiver.adviser:
        raise Refusal("handing-asked", desk=receiver.desk)
    if receiver.emits or receiver.people & receiver.depositors:
        raise Refusal("handing-own-deposit", desk=receiver.desk)
    if not receiver.people - {*acted, giver}:
        raise Refusal("handing-nobody", desk=receiver.desk)
