"""The circuits of a collectivity as they were last published, by their names."""

from app.circuits.models import CircuitVersion
from app.circuits.set_up import CIRCUITS
from app.core.db import Db
from app.core.questions import ask

NAMED = "."
"""Between a family and the key of a circuit that a collectivity has named, in the name of that circuit."""


def latest(db: Db, collectivity_id: int) -> dict[str, CircuitVersion]:
    """The last version of each circuit that has one here, by its name; one statement."""
    return {row.family: row for (row,) in ask(db, CIRCUITS, collectivity_id)}
