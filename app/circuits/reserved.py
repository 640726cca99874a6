"""Circuits that are kept for one type of the collectivity: they read its own fields, and its rules alone take them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import sqlalchemy as sa

from app.circuits import tables
from app.circuits.models import FolderType, FolderTypeVersion
from app.circuits.written import latest
from app.core.db import Db
from app.core.refusals import Refusal
from workflows.circuit import Circuit
from workflows.condition import Test, tests_of
from workflows.family import Family, families
from workflows.loader import load
from workflows.own_types import UNCOMPARED, Definition, joined


def only_as(db: Db, collectivity_id: int, law: Family, key: str) -> Family:
    """The version in force of the type of this key, as a family; the family of law where it makes no such type.

    Without the fields that no condition reads.
    """
    if not key:
        return law
    query = (
        sa.select(FolderTypeVersion.id, FolderTypeVersion.definition)
        .join(FolderType, FolderType.id == FolderTypeVersion.type_id)
        .where(
            FolderType.collectivity_id == collectivity_id,
            FolderType.key == key,
            FolderType.family == law.name,
        )
        .order_by(FolderTypeVersion.number.desc())
        .limit(1)
    )
    row = db.execute(query).first()
    if row is None:
        return law
    made = joined(law, key, row.id, Definition.from_data(row.definition))
    return replace(made, fields=tuple(one for one in made.fields if one.type not in UNCOMPARED))


def types_of(db: Db, collectivity_id: int, law: Family) -> dict[str, Definition]:
    """The published types that a family makes, by key, each as its last version says; one statement."""
    query = (
        sa.select(FolderType.key, FolderTypeVersion.definition)
        .join(FolderTypeVersion, FolderTypeVersion.type_id == FolderType.id)
        .where(FolderType.collectivity_id == collectivity_id, FolderType.family == law.name)
        .order_by(FolderTypeVersion.number)
    )
    return {key: Definition.from_data(data) for key, data in db.execute(query)}


def worded(family: Family, types: Mapping[str, Definition]) -> Family:
    """The same family with the fields of all these types after its own: to call each by its name, whichever type has it."""
    others = {one.key: one.as_field() for kind in types.values() for one in kind.fields}
    mine = {one.key for one in family.fields}
    return replace(family, fields=(*family.fields, *(one for key, one in others.items() if key not in mine)))


def refuse_taken(db: Db, collectivity_id: int, name: str, circuit: Circuit) -> None:
    """Refuse to keep for one type a circuit that rules in force of another, or of the family, take (`circuit-taken`)."""
    if not circuit.only_for:
        return
    namings = tables.naming(db, collectivity_id).get(name, ())
    others = sorted({one.kind for one in namings if not one.drafted and one.kind != circuit.only_for})
    if others:
        labels = _labels(db, collectivity_id, others)
        raise Refusal("circuit-taken", circuit=circuit.label, kinds=", ".join(f"« {one} »" for one in labels))


def _labels(db: Db, collectivity_id: int, kinds: list[str]) -> list[str]:
    query = (
        sa.select(FolderType.key, FolderTypeVersion.definition)
        .join(FolderTypeVersion, FolderTypeVersion.type_id == FolderType.id)
        .where(FolderType.collectivity_id == collectivity_id, FolderType.key.in_(kinds))
        .order_by(FolderTypeVersion.number)
    )
    own = {key: str(data["label"]) for key, data in db.execute(query)}
    return [families()[one].label if one in families() else own.get(one, one) for one in kinds]


@dataclass(frozen=True)
class Reader:
    """Who reads the own fields of a type, in words (« règle 2 »), and the comparisons that it makes of them."""

    words: str
    tests: tuple[Test, ...]


def readers(db: Db, collectivity_id: int, key: str, label: str) -> Iterator[Reader]:
    """What is in force and reads the fields of the type of this key: its rules, and the circuits that are kept for it."""
    rules = tables.in_force(db, collectivity_id, key)
    for rank, row in enumerate(rules.table.rows if rules is not None else (), start=1):
        yield Reader(f"règle {rank} de « {label} »", tuple(tests_of(row.when)))
    for version in latest(db, collectivity_id).values():
        if version.definition.get("type") != key:
            continue
        circuit = load(version.definition)
        for step in circuit.steps:
            named = [Test(who.value, "present") for who in step.who if who.value in circuit.own_fields]
            read = [*(tests_of(step.when) if step.when is not None else ()), *named]
            yield Reader(f"étape « {step.label} » du circuit « {circuit.label} »", tuple(read))


def refuse_unread(db: Db, collectivity_id: int, key: str, was: Definition, definition: Definition) -> None:
    """Refuse a version of a type that takes away, or makes of another kind, what its rules or its circuits read.

    They would never hold again, and folders would go another way unsaid (`type-ruled`): a field, its kind, a choice.
    """
    fields = {one.key: one for one in definition.fields}
    lost: dict[str, str] = {}
    choices: dict[tuple[str, str], str] = {}
    for one in was.fields:
        after = fields.get(one.key)
        if after is None or after.kind != one.kind:
            lost[one.key] = f"« {one.label} »"
        else:
            left = {value for value, _ in after.choices}
            gone = ((value, words) for value, words in one.choices if value not in left)
            choices |= {(one.key, value): f"« {words} » de « {one.label} »" for value, words in gone}
    if not lost and not choices:
        return
    told: dict[str, None] = {}
    users: dict[str, None] = {}
    for reader in readers(db, collectivity_id, key, was.label):
        for test in reader.tests:
            values = test.value if isinstance(test.value, tuple) else (test.value,)
            broken = [lost.get(test.field), *(choices.get((test.field, str(value))) for value in values)]
            for words in filter(None, broken):
                told[words] = users[reader.words] = None
    if told:
        raise Refusal("type-ruled", fields=", ".join(told), users=" ; ".join(users))
