"""Published versions of circuits and of types of folders, which a folder keeps; and the circuits that are being written."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Tenanted


class CircuitVersion(Base, Tenanted):
    """One version of a circuit of a collectivity; `definition` has the schema of the families' YAML.

    `family` is the name of the circuit (`library.circuit_name`): that of the family for its default one,
    « invoice.voirie-courte » for one that the collectivity has named.
    `number` counts from 1; below zero it is that of a version which one folder alone follows, its coming steps having been
    changed (`folders.models.CircuitChange`): no other folder ever takes it.
    """

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
    """What is being written of a circuit's next version: one for each, kept until it is published or given up.

    `definition` has the schema of the families' YAML and may hold what no circuit may (a step without anybody, a text
    where a number is wanted). `version` grows at each change: a page posts the one that it showed. `based_on` is the
    number of the version that was in force when it was begun, 0 for the family's own circuit. `family` is the name of the
    circuit, as in its versions.
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


class NamedCircuit(Base, Tenanted):
    """A circuit that a collectivity has beside the default one of a family: « Voirie courte ».

    `family` is that of the law; with `key` it makes the name under which versions and draft are kept. Both stay. `label` is
    how it is called: as its last version says, before the first as it was opened. `closed_at`: since when it is taken no more.
    `copied_from`, `copied_number`: the name of the circuit whose steps it began with, and the number of its version then, 0 for
    the origin of a default one; None of one that a file declared.
    """

    __tablename__ = "named_circuit"
    __table_args__ = (sa.UniqueConstraint("collectivity_id", "family", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    family: Mapped[str]
    key: Mapped[str]
    label: Mapped[str]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    copied_from: Mapped[str | None]
    copied_number: Mapped[int | None]


class RuleTableVersion(Base, Tenanted):
    """One published version of the rules of a type, never changed: which circuit its folders take.

    `kind` is the family, or the key of the type of the collectivity; `definition` is a `workflows.rule_table.Table`.
    """

    __tablename__ = "rule_table_version"
    __table_args__ = (sa.UniqueConstraint("collectivity_id", "kind", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    number: Mapped[int]
    definition: Mapped[dict[str, Any]]
    published_at: Mapped[datetime]
    published_by: Mapped[str]


class RuleTableDraft(Base, Tenanted):
    """What is being written of the next version of a table of rules: one for a type, kept until it is published or given up.

    `definition` may hold what no table may (a row without condition, a circuit that is not chosen yet). `version` and
    `based_on` as in a draft of a circuit.
    """

    __tablename__ = "rule_table_draft"
    __table_args__ = (sa.UniqueConstraint("collectivity_id", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
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
