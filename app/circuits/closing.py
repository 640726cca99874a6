"""A circuit that is taken no more, or again: never one that a rule names."""

from app.circuits.library import law_of_circuit, named_of
from app.circuits.models import NamedCircuit
from app.circuits.named import refuse_twice
from app.circuits.rules import use_of
from app.core.clock import now
from app.core.db import Db
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.people.actor import Actor, require
from app.people.desks import write_down
from workflows.vocabulary import Right


@use_case
def close_circuit(db: Db, actor: Actor, name: str, *, closed: bool) -> None:
    """Let no folder take a circuit any more, or let it again; those on their way keep theirs. Nothing when it is so already.

    Refuses `circuit-unknown`, `circuit-default` of the default one of a family, `circuit-used` of one that rules name, in
    force or being written, and `circuit-twice` to open again one whose name another has taken.
    """
    require(actor, Right.ADMINISTER)
    law_of_circuit(name)
    row = named_of(db, actor.collectivity_id, name, locked=True)
    if row is None:
        raise Refusal("circuit-default")
    write_closed(db, actor, row, name, closed=closed)


def write_closed(db: Db, actor: Actor, row: NamedCircuit, name: str, *, closed: bool) -> None:
    """What `close_circuit` writes, in the transaction of who has refused who may not and has locked the circuit."""
    if closed == (row.closed_at is not None):
        return
    if closed and (named_by := use_of(db, actor.collectivity_id, name).named):
        raise Refusal("circuit-used", circuit=row.label, users=" ; ".join(named_by))
    if not closed:
        refuse_twice(db, actor.collectivity_id, name, row.label)
    row.closed_at = now() if closed else None
    event = "circuit.closed" if closed else "circuit.reopened"
    write_down(db, actor.collectivity_id, event, actor, family=name, name=row.label)
