"""A step added on the way of one folder: an opinion anywhere to come, a visa only before what it decides is done; nothing else.

Pure: it reads no clock and no database.
"""

from collections.abc import Sequence

from workflows.circuit import Step, StepKind
from workflows.errors import Refusal

__all__ = ["ADDED", "DECIDED", "refuse_added"]

ADDED = (StepKind.OPINION, StepKind.VISA)
"""What may be added to the way of one folder. A signature or a sending is of the circuit, that the collectivity publishes."""
DECIDED = frozenset({StepKind.SIGN, StepKind.SEAL, StepKind.TRANSMIT, StepKind.PUBLISH, StepKind.ARCHIVE})
"""After the first step of these kinds a visa has nothing left to decide: the act is made."""


def refuse_added(kind: StepKind, before: Sequence[Step]) -> None:
    """Refuse `visa-too-late` for a visa added after the steps `before`, passed or to come, one of which makes the act."""
    engaging = next((step for step in before if step.kind in DECIDED), None)
    if kind is StepKind.VISA and engaging is not None:
        raise Refusal("visa-too-late", step=engaging.label)
