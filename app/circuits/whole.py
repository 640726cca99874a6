"""A circuit given whole, as the file of a collectivity says it: opened under its name, written, closed or open."""

from collections.abc import Collection

from app.circuits.closing import write_closed
from app.circuits.library import circuit_of, current, law_of_circuit, named_of, parted, write_version
from app.circuits.models import NamedCircuit
from app.circuits.named import named
from app.circuits.ready import ready
from app.core.clock import now
from app.core.db import Db
from app.core.refusals import Refusal
from app.people.actor import Actor
from app.people.desks import write_down
from workflows.circuit import Circuit
from workflows.own_types import slug


def write_circuit(
    db: Db, actor: Actor, name: str, circuit: Circuit, channels: Collection[str], *, closed: bool
) -> None:
    """Have the circuit of this name say exactly this, in the transaction of who has refused who may not.

    One that the collectivity has not named yet is opened under this very name, another says it by its next version.
    Whether rules of others take one that is kept for a type is asked at the end (`reserved.refuse_taken`): they may be
    written anew in the same transaction. Refuses `circuit-key`, `circuit-default` of a default one that is closed, and what
    `ready` and `close_circuit` refuse. `channels`: those that exist here.
    """
    (family_name, key), collectivity_id = parted(name), actor.collectivity_id
    law = law_of_circuit(name)
    if not key:
        if closed:
            raise Refusal("circuit-default")
    elif slug(key, "-") != key:
        raise Refusal("circuit-key", name=name)
    elif not any(other.key == key for other in named(db, collectivity_id, family_name)):
        db.add(
            NamedCircuit(
                collectivity_id=collectivity_id,
                family=law.name,
                key=key,
                label=circuit.label,
                opened_at=now(),
            )
        )
        db.flush()
        write_down(db, collectivity_id, "circuit.opened", actor, family=name, name=circuit.label)
    last = current(db, collectivity_id, name)
    before = circuit_of(db, last.id) if last is not None else (None if key else law.circuit)
    if circuit != before:
        write_version(db, actor, name, ready(db, collectivity_id, name, circuit.to_data(), channels))
    if (row := named_of(db, collectivity_id, name, locked=True)) is not None:
        write_closed(db, actor, row, name, closed=closed)
