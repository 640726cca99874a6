"""Publish a version, find the current one, and read a frozen one back as the law understands it."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
import yaml

from app.circuits import own_types
from app.circuits.models import CircuitVersion, NamedCircuit
from app.circuits.set_up import CIRCUITS, JOINT
from app.circuits.set_up import NAMED as OPENED
from app.circuits.written import NAMED, latest
from app.core.clock import now
from app.core.db import Db
from app.core.questions import answered, ask, once
from app.core.refusals import Refusal
from app.journal.chain import Event, append
from app.people.actor import Actor
from workflows.circuit import Circuit
from workflows.condition import Facts
from workflows.family import Family, check_circuit, families, family, faults_of
from workflows.joining import joined
from workflows.loader import MAX_REQUIRED, MAX_STEPS, MAX_WHO, load

_frozen: dict[int, Circuit] = {}
FRESH = "circuits written here"
OURS = "Paraphe, circuit d’origine"


def catalogue() -> dict[str, Family]:
    """The families of documents that the house knows, by name."""
    return families()


def family_of(name: str) -> Family:
    """The family in force under that name, a type's too (`Folder.in_force`), or `family-unknown`."""
    return family(name)


def law_of(name: str) -> Family:
    """The family of law of that name, or `family-unknown`: what an address says is never a type, which has an owner."""
    law = catalogue().get(name)
    if law is None:
        raise Refusal("family-unknown", name=name)
    return law


def law_of_circuit(name: str) -> Family:
    """The family of law whose folders a circuit is for; refuses `family-unknown`."""
    return law_of(parted(name)[0])


def circuit_name(family_name: str, key: str = "") -> str:
    """The name under which a circuit is kept: its family's for the default one, « invoice.voirie-courte » for another."""
    return f"{family_name}{NAMED}{key}" if key else family_name


def parted(name: str) -> tuple[str, str]:
    """The family and the key that the name of a circuit says; the key is empty for the default one."""
    family_name, _, key = name.partition(NAMED)
    return family_name, key


def named_of(db: Db, collectivity_id: int, name: str, *, locked: bool = False) -> NamedCircuit | None:
    """The row of a circuit that the collectivity has named, None for the default one; refuses `circuit-unknown`."""
    family_name, key = parted(name)
    if not key:
        return None
    if locked:
        query = sa.select(NamedCircuit).where(
            NamedCircuit.collectivity_id == collectivity_id,
            NamedCircuit.family == family_name,
            NamedCircuit.key == key,
        )
        row = db.scalar(query.with_for_update())
    else:
        every = ask(db, OPENED, collectivity_id)
        row = next((named for (named,) in every if (named.family, named.key) == (family_name, key)), None)
    if row is None:
        raise Refusal("circuit-unknown")
    return row


def circuit_of(db: Db, version_id: int) -> Circuit:
    """The circuit of a version; versions never change, so the process keeps each one it has read."""
    # A version written in this transaction is not kept: rolled back, SQLite gives its number to another circuit.
    if fresh := db.info.get(FRESH, {}).get(version_id):
        return fresh  # type: ignore[no-any-return]
    if version_id not in _frozen:
        definition = db.scalar(sa.select(CircuitVersion.definition).where(CircuitVersion.id == version_id))
        if definition is None:
            raise Refusal("circuit-unknown")
        _frozen[version_id] = load(definition)
    return _frozen[version_id]


def circuits_of(db: Db, version_ids: Collection[int]) -> dict[int, Circuit]:
    """The circuits of these versions, by one statement for all that the process has not read yet."""
    fresh = db.info.get(FRESH, {})
    missing = [number for number in version_ids if number not in _frozen and number not in fresh]
    if missing:
        rows = sa.select(CircuitVersion.id, CircuitVersion.definition).where(CircuitVersion.id.in_(missing))
        _frozen.update((row.id, load(row.definition)) for row in db.execute(rows))
    return {number: circuit_of(db, number) for number in version_ids}


def forget() -> None:
    """Forget what was read (another database answers now: tests, restore)."""
    _frozen.clear()
    own_types.forget()


def current(db: Db, collectivity_id: int, name: str) -> CircuitVersion | None:
    """The version in force of the circuit of this name; None of a default one as long as it is the family's own."""
    if JOINT not in name and answered(db, CIRCUITS, collectivity_id):
        return latest(db, collectivity_id).get(name)
    query = (
        sa.select(CircuitVersion)
        .where(
            CircuitVersion.collectivity_id == collectivity_id,
            CircuitVersion.family == name,
            CircuitVersion.number > 0,
        )
        .order_by(CircuitVersion.number.desc())
        .limit(1)
    )
    return once(db, ("circuit", collectivity_id, name), lambda: db.scalar(query))


def in_force(db: Db, collectivity_id: int) -> dict[str, Circuit]:
    """The circuits that a folder sent now may follow, by their names: those of the families, those that were named.

    The latter as long as they are open, once published. Two statements.
    """
    written, every = latest(db, collectivity_id), ask(db, OPENED, collectivity_id)
    opened = (row for (row,) in every if row.closed_at is None and row.family in families())
    own = sorted(circuit_name(row.family, row.key) for row in opened)
    return {
        name: circuit_of(db, written[name].id) if name in written else law.circuit
        for name, law in families().items()
    } | {name: circuit_of(db, written[name].id) for name in own if name in written}


def freeze(db: Db, collectivity_id: int, name: str) -> CircuitVersion:
    """The current version of a circuit; of a default one, made from the family's own the first time a folder needs it.

    A version of ours that skips a stage which the family has come to ask gives way to the next; one that an administrator
    wrote is his to write again (`circuit-outdated`). Refuses `circuit-unknown` of one that was named and never published.
    """
    version = current(db, collectivity_id, name)
    law = law_of_circuit(name)
    if version is None:
        if parted(name)[1]:
            raise Refusal("circuit-unknown")
        return _write(db, collectivity_id, name, 1, law.circuit, OURS)
    try:
        check_circuit(law, circuit_of(db, version.id))
    except Refusal as refusal:
        if version.published_by != OURS:
            raise Refusal("circuit-outdated", family=law.label, **refusal.facts) from refusal
        version = _write(db, collectivity_id, name, version.number + 1, law.circuit, OURS)
        facts = {"family": name, "number": version.number, "digest": law.circuit.digest}
        append(db, collectivity_id, Event("circuit.published", OURS, None, None, facts))
    return version


def freeze_joint(db: Db, collectivity_id: int, names: Sequence[str], facts: Facts) -> CircuitVersion:
    """The version of the circuit that folders with these facts follow where none of these contains the others.

    Refuses as `freeze`, and `circuit-disputed` where the law, or the length of circuits, does not let them be joined.
    """
    law = law_of_circuit(names[0])
    circuit = joined([circuit_of(db, freeze(db, collectivity_id, name).id) for name in names], facts)
    if why := unjoined(law, circuit):
        raise Refusal("circuit-disputed", circuits=circuit.label, details=why)
    name = JOINT.join(names)
    last = current(db, collectivity_id, name)
    if last is not None and circuit_of(db, last.id) == circuit:
        return last
    return _write(db, collectivity_id, name, last.number + 1 if last else 1, circuit, OURS)


def unjoined(law: Family, circuit: Circuit) -> str:
    """Why circuits that were joined may not be followed together, in sentences; empty where they may."""
    if len(circuit.steps) > MAX_STEPS:
        return f"Réunis, ils auraient {len(circuit.steps)} étapes, {MAX_STEPS} au plus."
    informed = max(len(desks) for desks in (circuit.told, *(step.told for step in circuit.steps)))
    if informed > MAX_WHO:
        return f"Réunis, ils informeraient {informed} bureaux à la fois, {MAX_WHO} au plus."
    required = max((len(step.requires) for step in circuit.steps), default=0)
    if required > MAX_REQUIRED:
        return f"Réunis, ils exigeraient {required} champs à une étape, {MAX_REQUIRED} au plus."
    return " ".join(fault.sentence for fault in faults_of(law, circuit))


def write_version(db: Db, actor: Actor, name: str, circuit: Circuit, *, again: int | None = None) -> int:
    """Write a checked circuit as the next version, with its line in the journal; its number.

    `again`: the former version whose steps these are. One that was named is called from now on as this version says.
    """
    last = current(db, actor.collectivity_id, name)
    number = (last.number if last else 0) + 1
    version = _write(db, actor.collectivity_id, name, number, circuit, actor.name)
    if (own := named_of(db, actor.collectivity_id, name)) is not None:
        own.label = circuit.label
    facts: dict[str, Any] = {"family": name, "number": number, "digest": circuit.digest}
    if again is not None:
        facts["again"] = again
    append(db, actor.collectivity_id, Event("circuit.published", actor.name, actor.user_id, None, facts))
    return version.number


def of_folder(db: Db, base_id: int, change_id: int, circuit: Circuit, who: str) -> int:
    """Write the version that one folder alone follows from its change of this number on; the number of its row.

    It bears the name of the circuit whose version of the row `base_id` the folder began with. The circuit was judged by
    the caller; the versions of the collectivity and their numbers are not touched.
    """
    base = db.get_one(CircuitVersion, base_id)
    return _write(db, base.collectivity_id, base.family, -change_id, circuit, who).id


def _write(
    db: Db, collectivity_id: int, name: str, number: int, circuit: Circuit, who: str
) -> CircuitVersion:
    version = CircuitVersion(
        collectivity_id=collectivity_id,
        family=name,
        number=number,
        label=circuit.label,
        definition=circuit.to_data(),
        published_at=now(),
        published_by=who,
    )
    db.add(version)
    db.flush()  # its number is written on the folder in the same transaction
    db.info.setdefault(FRESH, {})[version.id] = circuit
    return version


def as_yaml(data: Any) -> str:
    """A circuit as an administrator reads and edits it."""
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=100)
