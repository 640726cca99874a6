"""A published version of a circuit; a running folder keeps the one it began with."""

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
