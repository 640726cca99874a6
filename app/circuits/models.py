"""A published version of a circuit, which a running folder keeps; and the one that is being written."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Tenanted


class CircuitVersion(Base, Tenanted):
    """One version of a family's circuit in a collectivity; `definition` has the schema of the families' YAML."""

    __tablename__ = "circuit_version"
    __table_args__ = (sa.UniqueConstraint("collectivity_id", "family", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    family: Mapped[str]
    number: Mapped[int]
    label: Mapped[str]
    definition: Mapped[dict[str, Any]]
    published_at: Mapped[datetime]
    published_by: Mapped[str]


class CircuitDraft(Base, Tenanted):
    """What is being written of a family's next version: one for a collectivity, kept until it is published or given up.

    `definition` has the schema of the families' YAML and may hold what no circuit may (a step without anybody, a text
    where a number is wanted). `version` grows at each change: a page posts the one that it showed. `based_on` is the
    number of the version that was in force when it was begun, 0 for the family's own circuit.
    """

    __tablename__ = "circuit_draft"
    __table_args__ = (sa.UniqueConstraint("collectivity_id", "family"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    family: Mapped[str]
    definition: Mapped[dict[str, Any]]
    version: Mapped[int]
    based_on: Mapped[int]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
    changed_by_id: Mapped[int | None]
