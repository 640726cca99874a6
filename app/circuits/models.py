"""Published versions of circuits and of types of folders, which a folder keeps; and the circuit that is being written."""

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


class FolderType(Base, Tenanted):
    """A type of folders that a collectivity makes from a family; `draft` is what the next version would say.

    `key`, by which software names it, and `family` never change. `revision` grows at each change: a page posts the one it
    showed. `closed_at`: since when nobody deposits it any more.
    """

    __tablename__ = "folder_type"
    __table_args__ = (sa.UniqueConstraint("collectivity_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    family: Mapped[str]
    draft: Mapped[dict[str, Any]]
    revision: Mapped[int]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class FolderTypeVersion(Base, Tenanted):
    """One published version of a type, never changed; `definition` is a `workflows.own_types.Definition`."""

    __tablename__ = "folder_type_version"
    __table_args__ = (
        sa.UniqueConstraint("type_id", "number"),
        sa.Index("ix_folder_type_version_collectivity_id", "collectivity_id", "type_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    type_id: Mapped[int] = mapped_column(sa.ForeignKey("folder_type.id"))
    number: Mapped[int]
    definition: Mapped[dict[str, Any]]
    published_at: Mapped[datetime]
    published_by: Mapped[str]
