"""The circuits of a collectivity as they were last published, by their names."""

import sqlalchemy as sa

from app.circuits.models import CircuitVersion
from app.core.db import Db
from app.core.questions import once

JOINT = "+"
"""Between the names of circuits that folders in dispute follow together, in the name of the versions of that circuit."""
NAMED = "."
"""Between a family and the key of a circuit that a collectivity has named, in the name of that circuit."""


def latest(db: Db, collectivity_id: int) -> dict[str, CircuitVersion]:
    """The last version of each circuit that has one here, by its name; one statement.

    Those that disputes joined, and those that one folder follows, are no circuits of the collectivity.
    """
    mine = (
        CircuitVersion.collectivity_id == collectivity_id,
        CircuitVersion.number > 0,
        CircuitVersion.family.not_like(f"%{JOINT}%"),
    )
    numbers = sa.select(sa.func.max(CircuitVersion.number)).where(*mine).group_by(CircuitVersion.family)
    every = sa.select(CircuitVersion).where(*mine, CircuitVersion.number.in_(numbers))
    rows = once(
        db,
        ("circuits", collectivity_id),
        lambda: list(db.scalars(every.order_by(CircuitVersion.number))),
    )
    return {row.family: row for row in rows}
