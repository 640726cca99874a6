"""Circuits that are kept for one type of the collectivity: they read its own fields, and its rules alone take them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from app.circuits import set_up, tables
from app.circuits.written import NAMED, latest
from app.core.db import Db
from app.core.questions import ask
from app.core.refusals import Refusal
from workflows.circuit import Circuit
from workflows.condition import Test, tests_of
from workflows.family import Family, families
from workflows.loader import load
from workflows.own_types import Definition, joined
from workflows.rule_table import Table


def only_as(db: Db, collectivity_id: int, law: Family, key: str) -> Family:
    """The version in force of the type of this key, as a family; the family of law where it makes no such type."""
    if not key:
        return law
    for row, last in ask(db, set_up.TYPES, collectivity_id):
        if (row.key, row.family) == (key, law.name) and last is not None:
            return joined(law, key, last.id, Definition.from_data(last.definition))
    return law


def types_of(db: Db, collectivity_id: int, law: Family) -> dict[str, Definition]:
    """The published types that a family makes, by key, each as its last version says; one statement."""
    return {
        row.key: Definition.from_data(last.definition)
        for row, last in ask(db, set_up.TYPES, collectivity_id)
        if row.family == law.name and last is not None
    }


def worded(family: Family, types: Mapping[str, Definition]) -> Family:
    """The same family with the fields of all these types after its own: to call each by its name, whichever type has it."""
    others = {field.key: field.as_field() for kind in types.values() for field in kind.fields}
    mine = {field.key for field in family.fields}
    return replace(
        family, fields=(*family.fields, *(field for key, field in others.items() if key not in mine))
    )


def refuse_taken(db: Db, collectivity_id: int, name: str, circuit: Circuit) -> None:
    """Refuse to keep for one type a circuit that rules in force of another, or of the family, take (`circuit-taken`).

    And one that requires on its way what the rules that take it read when the folder leaves (`circuit-late`).
    """
    if not circuit.only_for:
        return
    namings = tables.naming(db, collectivity_id).get(name, ())
    others = sorted(
        {naming.kind for naming in namings if not naming.drafted and naming.kind != circuit.only_for}
    )
    if others:
        labels = _labels(db, collectivity_id, others)
        raise Refusal(
            "circuit-taken", circuit=circuit.label, kinds=", ".join(f"« {label} »" for label in labels)
        )
    rules = tables.in_force(db, collectivity_id, circuit.only_for)
    if rules is None or name not in rules.table.circuits:
        return
    definition = types_of(db, collectivity_id, families()[name.partition(NAMED)[0]]).get(circuit.only_for)
    late = late_rules(rules.table, [circuit], definition.mandatory if definition is not None else ())
    if late:
        names = {field.key: field.label for field in definition.fields} if definition is not None else {}
        raise Refusal("circuit-late", details=" ".join(late_sentence(rule, names) for rule in late))


@dataclass(frozen=True)
class Late:
    """A rule that reads, when a folder leaves, what a step is only to ask: its rank from 1, its key, the field, the step."""

    rank: int
    row: str
    field: str
    step: str
    circuit: str


def late_rules(table: Table, circuits: Collection[Circuit], mandatory: Collection[str]) -> list[Late]:
    """What rules would decide on nothing.

    `circuits`: those that they take; `mandatory`: the keys of the fields that no folder leaves without.
    """
    required: dict[str, tuple[str, str]] = {}
    for circuit in circuits:
        for step in circuit.steps:
            for key in step.requires:
                required.setdefault(key, (step.label, circuit.label))
    return [
        Late(rank, row.key, key, *required[key])
        for rank, row in enumerate(table.rows, start=1)
        for key in sorted(row.when.fields & required.keys() - set(mandatory))
    ]


def late_sentence(late: Late, names: Mapping[str, str]) -> str:
    """The same in a sentence, with what to do; `names`: the fields by key."""
    return (
        f"La règle {late.rank} dépend de « {names.get(late.field, late.field)} », qui n’est demandé qu’à l’étape « {late.step} » "
        f"du circuit « {late.circuit} » : à l’envoi, il serait vide. Rendez ce champ obligatoire à l’envoi, retirez-le de "
        "cette étape, ou ne le lisez pas dans la règle."
    )


def asked_at(db: Db, collectivity_id: int, key: str) -> dict[str, list[str]]:
    """By own field of the type of this key, where the circuits in force that are kept for it require it, in words."""
    places: dict[str, list[str]] = {}
    for circuit in _kept_for(db, collectivity_id, key).values():
        for step in circuit.steps:
            for name in step.requires:
                places.setdefault(name, []).append(
                    f"à l’étape « {step.label} » du circuit « {circuit.label} »"
                )
    return places


def _kept_for(db: Db, collectivity_id: int, key: str) -> dict[str, Circuit]:
    """The last version of each open circuit that is kept for the type of this key, by its name."""
    named = ask(db, set_up.NAMED, collectivity_id)
    closed = {
        f"{circuit.family}{NAMED}{circuit.key}" for (circuit,) in named if circuit.closed_at is not None
    }
    return {
        name: load(version.definition)
        for name, version in latest(db, collectivity_id).items()
        if version.definition.get("type") == key and name not in closed
    }


def _labels(db: Db, collectivity_id: int, kinds: list[str]) -> list[str]:
    own = {
        row.key: str(last.definition["label"])
        for row, last in ask(db, set_up.TYPES, collectivity_id)
        if last is not None
    }
    return [families()[kind].label if kind in families() else own.get(kind, kind) for kind in kinds]


@dataclass(frozen=True)
class Reader:
    """Who reads the own fields of a type, in words (« règle 2 »), and the comparisons that it makes of them.

    `circuit`: the name of the one whose step it is, empty of a rule; `key`: that of the step, or of the rule.
    """

    label: str
    tests: tuple[Test, ...]
    circuit: str
    key: str


@dataclass(frozen=True)
class Loss:
    """What a version of a type takes away, in words (« « Lieu » »), and who reads it."""

    what: str
    reader: Reader


def readers(db: Db, collectivity_id: int, key: str, label: str) -> Iterator[Reader]:
    """What is in force and reads the fields of the type of this key: its rules, and the circuits that are kept for it."""
    rules = tables.in_force(db, collectivity_id, key)
    for rank, row in enumerate(rules.table.rows if rules is not None else (), start=1):
        yield Reader(f"règle {rank} de « {label} »", tuple(tests_of(row.when)), "", row.key)
    for name, version in latest(db, collectivity_id).items():
        if version.definition.get("type") != key:
            continue
        circuit = load(version.definition)
        for step in circuit.steps:
            named = [Test(who.value, "present") for who in step.who if who.value in circuit.own_fields]
            named += [Test(required, "present") for required in step.requires]
            read = [*(tests_of(step.when) if step.when is not None else ()), *named]
            label_of_step = f"étape « {step.label} » du circuit « {circuit.label} »"
            yield Reader(label_of_step, tuple(read), name, step.key)


def refuse_unread(db: Db, collectivity_id: int, key: str, was: Definition, definition: Definition) -> None:
    """Refuse a version of a type that takes away, or makes of another kind, what its rules or its circuits read.

    They would never hold again, and folders would go another way unsaid (`type-ruled`): a field, its kind, a choice. And one
    that no folder is deposited without any more, while it is asked at a step and read before (`type-late`).
    """
    lost = losses(db, collectivity_id, key, was, definition)
    if lost:
        fields = dict.fromkeys(loss.what for loss in lost)
        users = dict.fromkeys(loss.reader.label for loss in lost)
        raise Refusal("type-ruled", fields=", ".join(fields), users=" ; ".join(users))
    _refuse_late(db, collectivity_id, key, was, definition)


def losses(db: Db, collectivity_id: int, key: str, was: Definition, definition: Definition) -> list[Loss]:
    """What rules and circuits in force read of a type, and a version would take away or make of another kind; each once."""
    fields = {field.key: field for field in definition.fields}
    lost: dict[str, str] = {}
    choices: dict[tuple[str, str], str] = {}
    for field in was.fields:
        after = fields.get(field.key)
        if after is None or after.kind != field.kind:
            lost[field.key] = f"« {field.label} »"
        else:
            left = {value for value, _ in after.choices}
            gone = ((value, label) for value, label in field.choices if value not in left)
            choices |= {(field.key, value): f"« {label} » de « {field.label} »" for value, label in gone}
    by_reader: dict[tuple[str, str], Loss] = {}
    for reader in readers(db, collectivity_id, key, was.label) if lost or choices else ():
        for test in reader.tests:
            values = test.value if isinstance(test.value, tuple) else (test.value,)
            broken = [lost.get(test.field), *(choices.get((test.field, str(value))) for value in values)]
            for what in filter(None, broken):
                by_reader.setdefault((what, reader.label), Loss(what, reader))
    return list(by_reader.values())


def _refuse_late(db: Db, collectivity_id: int, key: str, was: Definition, definition: Definition) -> None:
    """Refuse what would have rules or circuits in force decide on a field that is only asked later, and did not before."""
    freed = (was.mandatory - definition.mandatory) & {field.key for field in definition.fields}
    if not freed:
        return
    names = {field.key: field.label for field in was.fields}
    circuits = _kept_for(db, collectivity_id, key)
    sentences = [
        f"L’étape « {step.label} » du circuit « {circuit.label} » lit « {names[name]} », qui n’est demandé qu’à l’étape "
        f"« {asking.label} »."
        for circuit in circuits.values()
        for step, name, asking in circuit.late_reads(definition.mandatory)
        if name in freed
    ]
    rules = tables.in_force(db, collectivity_id, key)
    if rules is not None:
        taken = [circuit for name, circuit in circuits.items() if name in rules.table.circuits]
        sentences += [
            late_sentence(late, names)
            for late in late_rules(rules.table, taken, definition.mandatory)
            if late.field in freed
        ]
    if sentences:
        raise Refusal("type-late", details=" ".join(sentences))
