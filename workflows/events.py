"""The words of movement: the actions one may play, the phases of a folder, and the news a move brings."""

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What can be done to a folder; the order is the order in which choices are offered."""

    SUBMIT = "submit"
    APPROVE = "approve"
    SIGN = "sign"
    SEAL = "seal"
    ACKNOWLEDGE = "acknowledge"
    REFUSE = "refuse"
    PUBLISH = "publish"
    ARCHIVE = "archive"
    REJECT = "reject"
    RECALL = "recall"
    WITHDRAW = "withdraw"


class Phase(StrEnum):
    """Where a folder stands, whatever its circuit: the four values that lists and indexes rely on."""

    DRAFT = "draft"
    RUNNING = "running"
    REJECTED = "rejected"
    DONE = "done"


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
