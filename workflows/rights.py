"""Who may do what: the five rights of the house, the one each kind of step asks for, and who is asking."""

from dataclasses import dataclass
from typing import Literal

from workflows.vocabulary import Right, StepKind

__all__ = ["Asker", "Right", "right_for"]


_NEEDED = {
    StepKind.VISA: Right.ACT,
    StepKind.SIGN: Right.SIGN,
    StepKind.SEAL: Right.SIGN,  # a seal engages the collectivity as a signature does
    StepKind.TRANSMIT: Right.ACT,
    StepKind.PUBLISH: Right.ACT,
    StepKind.ARCHIVE: Right.ARCHIVE,
}


def right_for(kind: StepKind) -> Right:
    """The right that a step of this kind asks of those who act on it, or restart it when it is automatic."""
    return _NEEDED[kind]


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
