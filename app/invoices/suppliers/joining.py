"""Two entries of the directory that are one supplier, joined by a person and parted again."""

from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db
from app.core.refusals import Refusal
from app.core.texts import plain
from app.core.transaction import use_case
from app.invoices.models import Supplier, SupplierSeen
from app.invoices.suppliers.directory import line_of
from app.journal.chain import Event, append
from app.people.actor import Actor, require
from workflows.vocabulary import Right

LONGEST = 200
"""Signs of a reason."""
_supplier: Any = Supplier.__table__
_naming: Any = SupplierSeen.__table__


@use_case
def join(db: Db, actor: Actor, number: int, other: int, reason: str) -> None:
    """Show what names `other` under the entry `number` from now on; both keep their SIREN, and the accounts theirs.

    An account that is known for the SIREN of one is not known for that of the other: it is verified as before (INV-21).
    Refuses `supplier-none`, `supplier-itself`, `supplier-joined` for one that others were joined with, `supplier-reason`.
    """
    require(actor, Right.ADMINISTER)
    reason = _reason(reason)
    if number == other:
        raise Refusal("supplier-itself")
    rows = _locked(db, actor, [number, other])
    # Each of them is one that the actor sees
    into, joined = (line_of(db, actor, key) for key in (number, other))
    if joined.joined:
        raise Refusal("supplier-joined", name=joined.name)
    rows[other].into_id, rows[other].reason, rows[other].at = number, reason, now()
    rows[other].user_id, rows[other].who = actor.user_id, actor.name
    db.execute(sa.update(_naming).where(_naming.c.supplier_id == other).values(supplier_id=number))
    facts = {
        "joined": rows[other].key,
        "with": rows[number].key,
        "names": [joined.name, into.name],
        "reason": reason,
    }
    append(db, actor.collectivity_id, Event("supplier.joined", actor.name, actor.user_id, None, facts))


@use_case
def part(db: Db, actor: Actor, number: int, other: int, reason: str) -> None:
    """Take `other` out of the entry with which it was joined. Refuses `supplier-none`, `supplier-apart`, `supplier-reason`."""
    require(actor, Right.ADMINISTER)
    reason = _reason(reason)
    rows = _locked(db, actor, [number, other])
    line_of(db, actor, number)
    if rows[other].into_id != number:
        raise Refusal("supplier-apart")
    rows[other].into_id, rows[other].reason, rows[other].at = None, "", None
    rows[other].user_id, rows[other].who = None, ""
    db.execute(sa.update(_naming).where(_naming.c.own_id == other).values(supplier_id=other))
    facts = {"parted": rows[other].key, "from": rows[number].key, "reason": reason}
    append(db, actor.collectivity_id, Event("supplier.parted", actor.name, actor.user_id, None, facts))


def _locked(db: Db, actor: Actor, numbers: list[int]) -> dict[int, Supplier]:
    """The rows of entries, which nobody else changes meanwhile, in one order."""
    query = (
        sa.select(Supplier)
        .where(Supplier.id.in_(numbers), Supplier.collectivity_id == actor.collectivity_id)
        .order_by(Supplier.id)
        .with_for_update()
    )
    rows = {row.id: row for row in db.scalars(query)}
    if len(rows) != len(set(numbers)):
        raise Refusal("supplier-none")
    return rows


def _reason(text: str) -> str:
    reason = plain(text)
    if not reason or len(reason) > LONGEST:
        raise Refusal("supplier-reason")
    return reason
