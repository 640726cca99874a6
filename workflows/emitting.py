"""The desk that deposits, as rules and conditions of steps look at it: beside the facts of every family, asked of nobody."""

from workflows.condition import Disputed, Facts
from workflows.fields import Field

EMITTER, BRANCH = "emitter_desk", "emitter_branch"
FIELDS = (
    Field(EMITTER, "Bureau qui dépose", "desk", "submit"),
    Field(BRANCH, "Branche du bureau qui dépose", "desk", "submit"),
)
"""What a condition may look at beside the facts: the desk that deposits, and its branch, itself and all those above it."""
Path = tuple[str, ...]
"""The keys of a desk and of those above it, itself first."""


def deposited(facts: Facts, path: Path) -> Facts:
    """The facts as conditions try them: with the desk that deposits, and its branch."""
    known = {**facts, EMITTER: path[0] if path else None, BRANCH: path}
    return Disputed(known, facts.others) if isinstance(facts, Disputed) else known
