"""May this circuit be published? One answer, whoever publishes: the page, its text, the file of a collectivity."""

from collections.abc import Collection, Mapping
from typing import Any

from app.circuits.checking import desks_of, hold_desks, named_in, problems
from app.circuits.library import law_of_circuit, parted
from app.circuits.named import refuse_twice
from app.circuits.reserved import only_as
from app.core.db import Db
from app.core.refusals import Refusal
from workflows.circuit import Circuit
from workflows.loader import load


def ready(
    db: Db,
    collectivity_id: int,
    name: str,
    definition: Mapping[str, Any],
    channels: Collection[str],
    *,
    unseated: bool = False,
) -> Circuit:
    """The circuit of this name that the definition says, its desks held till the end of the transaction.

    `channels`: those that exist here. Refuses `circuit-typed` of a default one that is kept for a type, `circuit-unready`
    with all that `problems` tells, and `circuit-twice`. Whether rules of others take one that is kept for a type is for the
    caller to ask (`reserved.refuse_taken`): the file of a collectivity writes them in the same transaction. `unseated`: that
    nobody at a desk may act yet is let go, as at a start, where desks are opened before anybody sits there.
    """
    kind = str(definition.get("type") or "")
    if kind and not parted(name)[1]:
        raise Refusal("circuit-typed", type=kind)
    naming = named_in(definition)
    hold_desks(db, collectivity_id, naming.desks)
    family = only_as(db, collectivity_id, law_of_circuit(name), kind)
    obstacles = [
        problem
        for problem in problems(family, definition, desks_of(db, collectivity_id, naming), channels)
        if not (unseated and problem.desk is not None)
    ]
    if obstacles:
        raise Refusal("circuit-unready", details=" ".join(obstacle.sentence for obstacle in obstacles))
    circuit = load(definition)
    refuse_twice(db, collectivity_id, name, circuit.label)
    return circuit
