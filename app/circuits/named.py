"""Circuits that a collectivity has beside the default one of a family: opened, listed, closed."""

from dataclasses import dataclass

import sqlalchemy as sa

from app.circuits import set_up
from app.circuits.checking import wrong_label
from app.circuits.library import (
    circuit_name,
    circuit_of,
    current,
    law_of,
    law_of_circuit,
    named_of,
    parted,
)
from app.circuits.models import CircuitDraft, CircuitVersion, NamedCircuit
from app.core.clock import now
from app.core.db import Db
from app.core.questions import ask
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.people.actor import Actor, require
from app.people.desks import write_down
from workflows.circuit import Circuit
from workflows.own_types import alike, slug
from workflows.vocabulary import Right

MOST = 50
"""Circuits that a collectivity may have for one family, those that are closed apart."""


def named(db: Db, collectivity_id: int, family_name: str | None = None) -> list[NamedCircuit]:
    """The circuits that a collectivity has named, by label; those of one family, or of all."""
    every = [row for (row,) in ask(db, set_up.NAMED, collectivity_id)]
    mine = (row for row in every if family_name is None or row.family == family_name)
    return sorted(mine, key=lambda row: (row.label.casefold(), row.id))


@use_case
def open_circuit(db: Db, actor: Actor, family_name: str, label: str, like: str) -> str:
    """Open a circuit of a family, its first draft with the steps of another of its circuits; the name that it is kept under.

    `like`: the name of the circuit whose steps it begins with, as they are in force. No folder follows it before it is
    published and a rule takes it. Refuses `circuit-like` where none is chosen, `family-unknown`, `circuit-unknown`,
    `circuit-name`, `circuit-twice`, `circuit-many`.
    """
    require(actor, Right.ADMINISTER)
    if not like:
        raise Refusal("circuit-like")
    law, collectivity_id = law_of(family_name), actor.collectivity_id
    if parted(like)[0] != law.name:
        raise Refusal("circuit-unknown")
    named_of(db, collectivity_id, like)
    label = " ".join(label.split())
    if sentence := wrong_label(label, "au circuit", "du circuit"):
        raise Refusal("circuit-name", details=sentence)
    mine = named(db, collectivity_id, law.name)
    if sum(row.closed_at is None for row in mine) >= MOST:
        raise Refusal("circuit-many", most=MOST)
    key = _key(label, {row.key for row in mine})
    name = circuit_name(law.name, key)
    refuse_twice(db, collectivity_id, name, label)
    version, moment = current(db, collectivity_id, like), now()
    steps = circuit_of(db, version.id) if version else law.circuit
    db.add(
        NamedCircuit(
            collectivity_id=collectivity_id,
            family=law.name,
            key=key,
            label=label,
            opened_at=moment,
            copied_from=like,
            copied_number=version.number if version else 0,
        )
    )
    db.add(
        CircuitDraft(
            collectivity_id=collectivity_id,
            family=name,
            definition={**steps.to_data(), "label": label},
            version=1,
            based_on=0,
            changed_at=moment,
            changed_by=actor.name,
            changed_by_id=actor.user_id,
        )
    )
    db.flush()
    write_down(db, collectivity_id, "circuit.opened", actor, family=name, name=label)
    return name


@dataclass(frozen=True)
class Copied:
    """The version whose steps a circuit began with: how that circuit is called, its number, 0 for the origin."""

    label: str
    number: int
    circuit: Circuit


def copied(db: Db, own: NamedCircuit | None) -> Copied | None:
    """What a circuit was copied from; None where nothing says it."""
    if own is None or own.copied_from is None or own.copied_number is None:
        return None
    if not own.copied_number:
        circuit = law_of_circuit(own.copied_from).circuit
        return Copied(circuit.label, 0, circuit)
    query = sa.select(CircuitVersion.id, CircuitVersion.label).where(
        CircuitVersion.collectivity_id == own.collectivity_id,
        CircuitVersion.family == own.copied_from,
        CircuitVersion.number == own.copied_number,
    )
    row = db.execute(query).first()
    return None if row is None else Copied(row.label, own.copied_number, circuit_of(db, row.id))


def _key(label: str, taken: set[str]) -> str:
    """« voirie-courte », « voirie-courte-2 » when another has it."""
    stem = slug(label, "-") or "circuit"
    return next(
        key
        for number in range(1, len(taken) + 2)
        if (key := stem if number == 1 else f"{stem}-{number}") not in taken
    )


def refuse_twice(db: Db, collectivity_id: int, name: str, label: str) -> None:
    """Refuse a label by which a circuit could not be told from another open one of its family (`circuit-twice`)."""
    family_name, key = parted(name)
    taken = {
        alike(row.label)
        for row in named(db, collectivity_id, family_name)
        if row.key != key and row.closed_at is None
    }
    if key:
        version = current(db, collectivity_id, family_name)
        taken.add(alike(version.label if version else law_of(family_name).circuit.label))
    if alike(label) in taken:
        raise Refusal("circuit-twice", label=label)
