"""The worker's part of a batch: one folder, one transaction, one result; taken up again, it repeats nothing."""

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from app.batches.gesture import end_if_over
from app.batches.models import Batch, BatchItem
from app.batches.reasons import reason_of
from app.core.clock import now
from app.core.db import Db, reading
from app.core.outbox import Needless, Row
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.access import lock
from app.folders.handing import hand_locked
from app.folders.move import Said, move
from app.people.login import returning
from app.signing import copies
from workflows.vocabulary import Action

AGAIN = frozenset({"busy"})
"""What is no answer about the folder: the outbox tries again later."""
ACTIONS = {"approve": Action.APPROVE, "reject": Action.REJECT}


@dataclass(frozen=True)
class Order:
    """Who asked for a batch, in which session, and at which turn: facts that the worker carries between transactions."""

    batch_id: int
    collectivity_id: int
    user_id: int
    session_id: int | None
    address: str
    kind: str
    reason: str
    desk: str
    turn: int


def order_of(db: Db, batch_id: int) -> Order:
    """The batch as it was last taken up."""
    batch = db.get_one(Batch, batch_id)
    return Order(
        batch.id,
        batch.collectivity_id,
        batch.user_id,
        batch.session_id,
        batch.address,
        batch.kind,
        batch.reason,
        batch.desk,
        batch.turn,
    )


def carry_decisions(row: Row) -> None:
    """Do to each folder that waits what its batch does, in turn; a row of an earlier turn leaves it to the present one."""
    with reading(row.collectivity_id) as db:
        order = order_of(db, row.payload["batch_id"])
        query = sa.select(BatchItem.id).where(
            BatchItem.batch_id == order.batch_id, BatchItem.state == "waiting"
        )
        waiting = list(db.scalars(query.order_by(BatchItem.position)))
    if order.turn != row.payload["turn"]:
        raise Needless("ce lot a été repris ou abandonné")
    for item_id in waiting:
        try:
            decide(order, item_id)
        except Refusal as refusal:
            if refusal.key in AGAIN:
                raise
            if refusal.key == "session-closed":
                raise Needless("la session qui a demandé ce lot s’est fermée") from refusal
            refuse(order, item_id, refusal.key, refusal.facts)
    finish(order)


@use_case
def decide(db: Db, order: Order, item_id: int) -> None:
    """Play the batch's decision on one folder, with the rights held now; its result is in the same transaction.

    Refuses what the same decision alone would refuse; does nothing for an item that is over or another turn's.
    """
    batch = db.get_one(Batch, order.batch_id)
    item = locked(db, item_id, "waiting")
    if item is None or batch.turn != order.turn:
        return
    actor = returning(db, order.user_id, order.session_id, order.address)
    folder = lock(db, actor, item.folder_id, item.folder_version)
    item.state, item.changed_at = "done", now()
    facts = {"batch": order.batch_id}
    if order.kind == "hand":
        hand_locked(db, actor, folder, desk=order.desk, reason=order.reason, facts=facts)
    else:
        move(db, folder, ACTIONS[order.kind], actor, Said(order.reason, facts=facts))
    item.changed_at, item.final_at = folder.updated_at, folder.final_at


@use_case
def refuse(db: Db, order: Order, item_id: int, key: str, facts: dict[str, object]) -> None:
    """Note why one folder was not acted on; nothing changes once its result is known."""
    item = locked(db, item_id, "waiting", "prepared", "signed")
    if item is None:
        return
    item.reason = reason_of(db, order.collectivity_id, order.user_id, item.folder_id, key, facts)
    if item.signature_session:
        copies.end(db, item.signature_session)
    item.state, item.changed_at, item.signatures = "refused", now(), None


@use_case
def finish(db: Db, order: Order) -> None:
    """Write the end of the batch, when it is the end."""
    end_if_over(db, db.get_one(Batch, order.batch_id, with_for_update=True))


def locked(db: Db, item_id: int, *states: str) -> BatchItem | None:
    """The item, locked until the verb ends, or None when it is no longer in one of these states."""
    return all_locked(db, [item_id], *states).get(item_id)


def all_locked(db: Db, item_ids: Iterable[int], *states: str) -> dict[int, BatchItem]:
    """Those of these items that are still in one of these states, by number, locked until the verb ends."""
    query = sa.select(BatchItem).where(BatchItem.id.in_(item_ids)).order_by(BatchItem.id).with_for_update()
    items = db.scalars(query.execution_options(populate_existing=True))
    return {item.id: item for item in items if item.state in states}
