"""The rules of a type: which circuit its folders take, written gesture by gesture as a draft, then published by versions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.circuits import own_types, set_up, tables
from app.circuits.checking import Desks, Problem, condition_problems, desks_of, named_in
from app.circuits.drafting import moved, unpublished
from app.circuits.gestures import Definition, Gesture, Parts, played
from app.circuits.library import catalogue, circuit_name, circuit_of
from app.circuits.models import NamedCircuit, RuleTableDraft, RuleTableVersion
from app.circuits.named import named
from app.circuits.reserved import late_rules, late_sentence, only_as
from app.circuits.tables import InForce, table_of
from app.circuits.written import latest
from app.core.clock import now
from app.core.db import Db
from app.core.questions import ask, once
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.people.accounts import refuse_former
from app.people.actor import Actor, require
from app.people.desks import write_down
from workflows.circuit import Circuit
from workflows.condition import read
from workflows.emitting import FIELDS
from workflows.family import Family
from workflows.fields import UNCOMPARED
from workflows.own_types import joined
from workflows.rule_table import MAX_ROWS, Table, sketched
from workflows.vocabulary import Right

ROWS = Parts("rows", {"when": None, "circuit": ""}, MAX_ROWS, "row", "rules-long", "row-gone")


@dataclass(frozen=True)
class Kind:
    """What a table of rules is for: a family, or a type of the collectivity, by the name under which one deposits.

    `family` is the family in force, with what a row may look at beside its fields. `fields`: the keys of all its fields, read by
    conditions or not.
    """

    name: str
    label: str
    law: Family
    family: Family
    fields: frozenset[str]

    @property
    def typed(self) -> bool:
        """Whether it is a type of the collectivity."""
        return self.name != self.law.name


def _kind(name: str, law: Family, family: Family) -> Kind:
    compared = (field for field in family.fields if field.type not in UNCOMPARED)
    every = frozenset(field.key for field in family.fields)
    return Kind(name, family.label, law, replace(family, fields=(*FIELDS, *compared)), every)


def kinds(db: Db, collectivity_id: int) -> list[Kind]:
    """All that may have rules: the families, then the published types; one statement."""
    laws = catalogue()
    own = [
        _kind(
            version.row.key,
            laws[version.row.family],
            joined(laws[version.row.family], version.row.key, version.version_id, version.definition),
        )
        for version in own_types.currents(db, collectivity_id)
        if version.row.family in laws
    ]
    return [*(_kind(law.name, law, law) for law in laws.values()), *own]


def kind_of(db: Db, collectivity_id: int, name: str) -> Kind:
    """The family or the type of this name; refuses `rules-absent`."""
    law = catalogue().get(name)
    if law is not None:
        return _kind(name, law, law)
    kind = next((kind for kind in kinds(db, collectivity_id) if kind.name == name), None)
    if kind is None:
        raise Refusal("rules-absent")
    return kind


@dataclass(frozen=True)
class RulesDraft:
    """What is being written of the rules of a type; `version` is 0 as long as nobody has changed anything.

    `in_force` is the number of its version in force, 0 where it has none: folders then follow `followed` all the same, the
    rules of the family for a type, or the default circuit.
    """

    kind: Kind
    definition: Definition
    version: int
    based_on: int
    in_force: int
    followed: Table
    changed_at: datetime | None = None
    changed_by: str = ""
    changed_by_id: int | None = None

    @property
    def begun(self) -> bool:
        """Whether somebody has changed something since the version in force."""
        return self.version > 0

    @property
    def table(self) -> Table:
        """What can be read of it."""
        return sketched(self.definition)

    @property
    def same(self) -> bool:
        """Whether there is nothing to publish."""
        return self.definition == self.followed.to_data() and (self.in_force > 0 or not self.kind.typed)

    def after(self, gestures: Sequence[Gesture], otherwise: str | None = None) -> Definition:
        """The definition once these gestures are played on it, written nowhere."""
        definition = self.definition
        for gesture in gestures:
            definition = played(definition, gesture, ROWS)
        return definition if otherwise is None else {**definition, "otherwise": otherwise}


def draft_of(db: Db, collectivity_id: int, name: str) -> RulesDraft:
    """What is being written of the rules of a type, or what is in force; refuses `rules-absent`."""
    return _read(db, collectivity_id, kind_of(db, collectivity_id, name), _row(db, collectivity_id, name))


def drafts(db: Db, collectivity_id: int) -> dict[str, RuleTableDraft]:
    """The rules that are being written in a collectivity, by kind."""
    return {row.kind: row for (row,) in ask(db, set_up.RULE_DRAFTS, collectivity_id)}


def _row(db: Db, collectivity_id: int, name: str, *, locked: bool = False) -> RuleTableDraft | None:
    if not locked:
        return drafts(db, collectivity_id).get(name)
    query = sa.select(RuleTableDraft).where(
        RuleTableDraft.collectivity_id == collectivity_id, RuleTableDraft.kind == name
    )
    return db.scalar(query.with_for_update())


def _read(db: Db, collectivity_id: int, kind: Kind, row: RuleTableDraft | None) -> RulesDraft:
    version = tables.in_force(db, collectivity_id, kind.name, kind.law.name)
    followed = version.table if version is not None else Table((), kind.law.name)
    number = version.number if version is not None and version.kind == kind.name else 0
    if row is None:
        return RulesDraft(kind, followed.to_data(), 0, number, number, followed)
    return RulesDraft(
        kind,
        row.definition,
        row.version,
        row.based_on,
        number,
        followed,
        row.changed_at,
        row.changed_by,
        row.changed_by_id,
    )


@dataclass(frozen=True)
class Takeable:
    """The circuits of a family, by name: how each is called, and why a rule may not take it; empty where it may.

    `reserved`: those of them that are kept for the type, as they are in force.
    """

    labels: Mapping[str, str]
    refused: Mapping[str, str]
    reserved: Mapping[str, Circuit] = field(default_factory=dict)

    @property
    def offered(self) -> list[tuple[str, str]]:
        """Those that a rule may take, to choose from."""
        return [(name, label) for name, label in self.labels.items() if not self.refused[name]]


def takeable(db: Db, collectivity_id: int, kind: Kind) -> Takeable:
    """The circuits of a family as the rules of a kind take them: the default one, those that were named; two statements.

    One that is kept for a type is taken by the rules of that type alone.
    """
    law, written = kind.law, latest(db, collectivity_id)
    default = written.get(law.name)
    labels = {law.name: default.label if default is not None else law.circuit.label}
    refused = {law.name: ""}
    circuits: dict[str, Circuit] = {}
    for row in named(db, collectivity_id, law.name):
        name = circuit_name(law.name, row.key)
        labels[name] = row.label
        if row.closed_at is not None:
            refused[name] = f"Le circuit « {row.label} » est fermé : choisissez-en un autre, ou rouvrez-le."
        elif name not in written:
            refused[name] = f"Le circuit « {row.label} » n’est pas publié : publiez-le d’abord."
        else:
            circuit = circuit_of(db, written[name].id)
            refused[name] = _kept_for_another(db, kind, circuit)
            if circuit.only_for == kind.name:
                circuits[name] = circuit
    return Takeable(labels, refused, circuits)


def _kept_for_another(db: Db, kind: Kind, circuit: Circuit) -> str:
    """Why the rules of a kind may not take a circuit that is kept for a type; empty where they may."""
    if not circuit.only_for:
        return ""
    if circuit.only_for != kind.name:
        family = only_as(db, db.info["collectivity_id"], kind.law, circuit.only_for)
        return (
            f"Le circuit « {circuit.label} » est réservé au type « {family.label} » : choisissez-en un autre."
        )
    gone = sorted(circuit.own_fields - kind.fields)
    if gone:
        named = ", ".join(f"« {key} »" for key in gone)
        return f"Le circuit « {circuit.label} » lit {named}, que ce type n’a plus : changez-le d’abord."
    return ""


def problems(kind: Kind, definition: Mapping[str, Any], desks: Desks, ways: Takeable) -> list[Problem]:
    """All that keeps a table from being published, in the order of its rows; none for one that may be."""
    obstacles: list[Problem] = []
    for row in definition["rows"]:
        obstacles += _of_row(kind, row, desks, ways)
    obstacles += _late(kind, definition, ways)
    if sentence := _wrong_circuit(definition["otherwise"], ways):
        obstacles.append(Problem(None, "otherwise", sentence))
    return obstacles


def _of_row(kind: Kind, row: Mapping[str, Any], desks: Desks, ways: Takeable) -> Iterator[Problem]:
    key, when = row["key"], row["when"]
    if sentence := _wrong_circuit(row["circuit"], ways):
        yield Problem(key, "circuit", sentence)
    if when is None:
        sentence = "Donnez une condition : une règle qui prend tous les dossiers est la dernière ligne."
        yield Problem(key, "", sentence)
        return
    obstacles = list(condition_problems(kind.family, key, when, desks))
    yield from obstacles
    faults: list[str] = []
    condition = read(when, faults.append)
    if not obstacles:
        yield from (Problem(key, "", f"La condition est à revoir : {fault}") for fault in faults)
    if condition is not None and not faults and condition.never:
        yield Problem(
            key, "cond_field_0", "Ces conditions se contredisent : la règle ne prendrait aucun dossier."
        )


def _late(kind: Kind, definition: Mapping[str, Any], ways: Takeable) -> Iterator[Problem]:
    """The rows that read what a circuit of the table is only to ask on the way."""
    table = sketched(definition)
    mandatory = {field.key for field in kind.family.fields if field.required_from == "submit"}
    names = {field.key: field.label for field in kind.family.fields}
    taken = [circuit for name, circuit in ways.reserved.items() if name in table.circuits]
    for late in late_rules(table, taken, mandatory):
        yield Problem(late.row, "cond_field_0", late_sentence(late, names))


def _wrong_circuit(name: str, ways: Takeable) -> str:
    return ways.refused.get(name, "Choisissez le circuit que prennent ces dossiers.")


@use_case
def change(
    db: Db, actor: Actor, name: str, shown: int, gestures: Sequence[Gesture], otherwise: str | None = None
) -> int:
    """Play gestures on the draft of the rules of a type, begun where there is none; the version that it has then.

    `shown`: the version of the draft that the page showed; another one is refused (`draft-moved`, `draft-gone`).
    `otherwise`: the circuit of all other cases. Refuses `rules-absent`, `row-gone`, `rules-long`. Gestures that change
    nothing write nothing.
    """
    draft, row = _for_change(db, actor, name, shown)
    definition = draft.after(gestures, otherwise)
    if definition == draft.definition:
        return draft.version
    if row is None:
        row = RuleTableDraft(
            collectivity_id=actor.collectivity_id, kind=name, based_on=draft.in_force, version=0
        )
        db.add(row)
    row.definition, row.version = definition, draft.version + 1
    row.changed_at, row.changed_by, row.changed_by_id = now(), actor.name, actor.user_id
    db.flush()  # of two who begin at the same moment, the second meets the draft of the first
    return row.version


@use_case
def give_up(db: Db, actor: Actor, name: str, shown: int) -> None:
    """Remove the draft: what is in force stays. Refuses as `change`."""
    _, row = _for_change(db, actor, name, shown)
    if row is not None:
        _remove(db, actor, name)


@use_case
def publish_rules(db: Db, actor: Actor, name: str, shown: int, over: int) -> int:
    """Publish the draft as a new version, and return its number. Folders on their way keep their circuit.

    `over`: the number of the version in force that the page compared it with; another one is refused (`circuit-moved`).
    Refuses `identity-needed`, `rules-absent`,
    `publish-moved` and `publish-gone` of a draft that is not the one which the page showed,
    `rules-unready` with all that `problems` tells, `rules-same`.
    """
    refuse_former(db, actor)
    draft, row = _for_change(db, actor, name, None)
    if shown != draft.version:
        raise unpublished(draft, actor)
    if draft.in_force != over:
        raise Refusal("circuit-moved", number=draft.in_force)
    if draft.same:
        raise Refusal("rules-same")
    table = _ready(db, actor, draft.kind, draft.definition)
    if row is not None:
        _remove(db, actor, name)
    return _write(db, actor, draft, table)


def write_rules(db: Db, actor: Actor, name: str, definition: Mapping[str, Any]) -> None:
    """Have the rules of a family or a type say exactly this, in the transaction of who has refused who may not.

    What is being written of them stays. Refuses `rules-absent`, and `rules-unready` with all that `problems` tells.
    """
    collectivity_id, kind = actor.collectivity_id, kind_of(db, actor.collectivity_id, name)
    draft = _read(db, collectivity_id, kind, _row(db, collectivity_id, name, locked=True))
    _write(db, actor, draft, _ready(db, actor, kind, definition))


@use_case
def restore(db: Db, actor: Actor, name: str, number: int, over: int) -> int:
    """Publish the rows of a former version again, under a new number, which is returned.

    They are checked by the circuits, the fields and the desks of today. A draft that is being written stays. Refuses as
    `publish_rules`, and `rules-absent` of a version that is not there.
    """
    refuse_former(db, actor)
    draft, _ = _for_change(db, actor, name, None)
    if draft.in_force != over:
        raise Refusal("circuit-moved", number=draft.in_force)
    query = sa.select(RuleTableVersion.definition).where(
        RuleTableVersion.collectivity_id == actor.collectivity_id,
        RuleTableVersion.kind == name,
        RuleTableVersion.number == number,
    )
    definition = db.scalar(query)
    if definition is None:
        raise Refusal("rules-absent")
    if definition == draft.followed.to_data():
        raise Refusal("rules-same")
    return _write(db, actor, draft, _ready(db, actor, draft.kind, definition), again=number)


def _for_change(
    db: Db, actor: Actor, name: str, shown: int | None
) -> tuple[RulesDraft, RuleTableDraft | None]:
    require(actor, Right.ADMINISTER)
    kind = kind_of(db, actor.collectivity_id, name)
    row = _row(db, actor.collectivity_id, name, locked=True)
    draft = _read(db, actor.collectivity_id, kind, row)
    if shown is not None and shown != draft.version:
        raise moved(draft, actor)
    return draft, row


def _ready(db: Db, actor: Actor, kind: Kind, definition: Mapping[str, Any]) -> Table:
    """The table, its circuits locked: none of them is closed while it is published."""
    mine = sa.select(NamedCircuit).where(
        NamedCircuit.collectivity_id == actor.collectivity_id, NamedCircuit.family == kind.law.name
    )
    locked = mine.order_by(NamedCircuit.id).with_for_update().execution_options(populate_existing=True)
    db.scalars(locked).all()
    ways = takeable(db, actor.collectivity_id, kind)
    desks = desks_of(db, actor.collectivity_id, named_in(definition))
    if obstacles := problems(kind, definition, desks, ways):
        raise Refusal("rules-unready", details=" ".join(obstacle.sentence for obstacle in obstacles))
    return table_of(definition)


def _write(db: Db, actor: Actor, draft: RulesDraft, table: Table, *, again: int | None = None) -> int:
    number = draft.in_force + 1
    version = RuleTableVersion(
        collectivity_id=actor.collectivity_id,
        kind=draft.kind.name,
        number=number,
        definition=table.to_data(),
        published_at=now(),
        published_by=actor.name,
    )
    db.add(version)
    db.flush()
    facts: dict[str, Any] = {"kind": draft.kind.name, "number": number, "definition": version.definition}
    if again is not None:
        facts["again"] = again
    summary = f"{draft.kind.label}, version {number}"
    write_down(db, actor.collectivity_id, "rules.published", actor, **facts, words=summary)
    return number


def _remove(db: Db, actor: Actor, name: str) -> None:
    mine = sa.and_(RuleTableDraft.collectivity_id == actor.collectivity_id, RuleTableDraft.kind == name)
    db.execute(sa.delete(RuleTableDraft).where(mine).execution_options(synchronize_session=False))


def versions(db: Db, collectivity_id: int, name: str) -> list[RuleTableVersion]:
    """Every version of the rules of a type, the last first."""
    query = (
        sa.select(RuleTableVersion)
        .where(RuleTableVersion.collectivity_id == collectivity_id, RuleTableVersion.kind == name)
        .order_by(RuleTableVersion.number.desc())
    )
    return once(db, ("rule versions", collectivity_id, name), lambda: list(db.scalars(query)))


def in_force(db: Db, collectivity_id: int) -> dict[str, InForce]:
    """The rules in force of a collectivity, by kind."""
    return tables.every(db, collectivity_id)


@dataclass(frozen=True)
class Use:
    """What names a circuit, in words: `rules` in force (« règle 2 de « Facture » »), `drafts` of rules that are being written.

    `usual`: folders follow it without any rule, since it is the default one of a family that has none in force.
    """

    rules: Sequence[str] = ()
    drafts: Sequence[str] = ()
    usual: bool = False

    @property
    def named(self) -> Sequence[str]:
        """All that names it, in force or not: what keeps it from being closed."""
        return [*self.rules, *self.drafts]

    @property
    def taken(self) -> bool:
        """Whether a folder that is sent now may take it."""
        return self.usual or bool(self.rules)


def uses(db: Db, collectivity_id: int) -> dict[str, Use]:
    """What names each circuit, by its name; one that is not there is named by nothing."""
    labels = {kind.name: kind.label for kind in kinds(db, collectivity_id)}
    ruled = in_force(db, collectivity_id)
    by_name = {name: Use(usual=True) for name in catalogue() if name not in ruled}
    for name, namings in tables.naming(db, collectivity_id).items():
        by_name[name] = Use(
            [_user(naming, labels.get(naming.kind, naming.kind)) for naming in namings if not naming.drafted],
            [_user(naming, labels.get(naming.kind, naming.kind)) for naming in namings if naming.drafted],
            name in by_name,
        )
    return by_name


def use_of(db: Db, collectivity_id: int, name: str) -> Use:
    """What names one circuit."""
    return uses(db, collectivity_id).get(name, Use())


def _user(naming: tables.Naming, label: str) -> str:
    if naming.drafted:
        return f"brouillon des règles de « {label} »"
    ranks = [f"règle {rank}" if rank else "autres cas" for rank in naming.ranks]
    return f"{', '.join(ranks)} de « {label} »"
