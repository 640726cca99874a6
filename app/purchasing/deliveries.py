"""The verbs of the service that ordered: attest what came, and correct what it attested (*service fait*).

A delivery is what a person attests, not what a supplier claims: who, when, how much of which line, with the
delivery note or a photograph. None is ever changed: a correction is written beside it, with a reason.
"""

import tempfile
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.core.clock import PARIS, now, today
from app.core.db import Db, reading
from app.core.french import jour_long, spaces
from app.core.refusals import Refusal
from app.core.texts import plain
from app.core.transaction import use_case
from app.folders.access import authorize, lock, refuse_stranger
from app.folders.documents import add_document
from app.folders.facts import touch
from app.folders.keep import Incoming, Kept, keep_attachment
from app.folders.models import Document, Folder
from app.journal.chain import Event, append
from app.people.actor import Actor
from app.purchasing.balance import ZERO, OrderLine, lines_of
from app.purchasing.linking import FAMILY
from app.purchasing.models import OrderDelivery
from workflows.circuit import DONE
from workflows.fields import Field, parse
from workflows.vocabulary import Right, Role

LONGEST = 500
"""Characters of a note, and of a reason."""


@dataclass(frozen=True)
class Arrived:
    """What came on a day: by the rank of the order's lines how much, never below zero, and a word about it."""

    day: date | None
    quantities: Mapping[int, str]
    note: str = ""


def may_attest(actor: Actor, order: Folder) -> bool:
    """Whether the actor holds the desk that ordered, to deposit there or to decide."""
    rights = (Right.CREATE, Right.ACT)
    return any(order.emitter_desk_id in actor.desks_with(right, order.of_type) for right in rights)


def deliver(
    actor: Actor,
    folder_id: int,
    *,
    version: int,
    arrived: Arrived,
    files: Sequence[Incoming] = (),
    corrects: int | None = None,
    reason: str = "",
) -> int:
    """Attest what came of an order, or correct what was attested (`corrects`, with a `reason`); returns its number.

    A file, the delivery note or a photograph, is examined and kept as any other before anything is written. `version` is
    that of the order that the page showed: what was attested meanwhile is told, never added to in silence (`moved-on`).

    Refuses `order-not-signed`, `order-not-yours`, `delivery-day` for no day, one to come or one before the order was made,
    `delivery-line` for a rank that no line has,
    `delivery-quantity` for what is no quantity, `delivery-nothing`, `delivery-over` for more than was ordered without a word,
    `reason-needed` and `delivery-corrected` of a correction, `words-long`, and all that keeps a file out.
    """
    with reading(actor.collectivity_id) as db:
        order = authorize(db, actor, folder_id)
        _refuse_unready(actor, order)
        _counted(order, arrived, None, correcting=corrects is not None)
    kept: list[Kept] = []
    if files:
        with tempfile.TemporaryDirectory(prefix="paraphe-") as room:
            kept = [one for file in files for one in keep_attachment(actor.collectivity_id, file, Path(room))]
    return _write(actor, folder_id, version, arrived, kept, corrects, reason)


@use_case
def _write(
    db: Db,
    actor: Actor,
    folder_id: int,
    version: int,
    arrived: Arrived,
    kept: Sequence[Kept],
    corrects: int | None,
    reason: str,
) -> int:
    order = lock(db, actor, folder_id, version)
    refuse_stranger(db, actor, order)
    _refuse_unready(actor, order)
    standing = [one for one in deliveries_of(db, [order.id])[order.id] if one.id != corrects]
    former = db.get(OrderDelivery, corrects) if corrects is not None else None
    if corrects is not None:
        if former is None or former.folder_id != order.id:
            raise Refusal("not-found")
        if db.scalar(sa.select(OrderDelivery.id).where(OrderDelivery.corrects_id == corrects)) is not None:
            raise Refusal("delivery-corrected")
        if not plain(reason):
            raise Refusal("reason-needed")
    quantities = _counted(order, arrived, sums(standing), correcting=corrects is not None)
    note, reason = plain(arrived.note), plain(reason) if corrects is not None else ""
    for words in (note, reason):
        if len(words) > LONGEST:
            raise Refusal("words-long", most=LONGEST, got=len(words))
    versions = [
        add_document(db, order, actor, replace(one, role=_role(one)), position=_position(db, order) + rank)
        for rank, one in enumerate(kept)
    ]
    row = OrderDelivery(
        collectivity_id=order.collectivity_id,
        folder_id=order.id,
        day=arrived.day,
        quantities={str(rank): str(quantity) for rank, quantity in quantities.items()},
        note=note,
        reason=reason,
        corrects_id=corrects,
        document_id=versions[0].document_id if versions else former.document_id if former else None,
        user_id=actor.user_id,
        who=actor.name,
        at=now(),
    )
    db.add(row)
    db.flush()
    words = said(lines_of(order), quantities)
    facts: dict[str, Any] = {
        "day": (arrived.day or today()).isoformat(),
        "quantities": row.quantities,
        "words": spaces(f"{words}, reçu le {jour_long(arrived.day)}" + (f" : « {note} »" if note else "")),
    }
    name = "order.delivered"
    if corrects is not None:
        name = "order.delivery_corrected"
        facts |= {"corrects": corrects, "reason": reason}
        facts["words"] = spaces(f"{facts['words']}, au motif « {reason} »")
    append(db, order.collectivity_id, Event(name, actor.name, actor.user_id, order.id, facts))
    touch(order)
    return row.id


def _role(kept: Kept) -> str:
    return Role.DELIVERY if kept.role == "attachment" else kept.role


def _position(db: Db, order: Folder) -> int:
    query = sa.select(sa.func.max(Document.position)).where(Document.folder_id == order.id)
    return (db.scalar(query) or 0) + 1


def _refuse_unready(actor: Actor, order: Folder) -> None:
    if order.family != FAMILY:
        raise Refusal("not-an-order")
    if order.place != DONE:
        raise Refusal("order-not-signed")
    if not may_attest(actor, order):
        raise Refusal("order-not-yours")


def _counted(
    order: Folder, arrived: Arrived, before: Mapping[int, Decimal] | None, *, correcting: bool
) -> dict[int, Decimal]:
    """What came, by line, as numbers; what is typed wrong is refused.

    `before`: what came earlier, with which it may be more than was ordered; None to look at the numbers alone.
    """
    made = order.created_at.astimezone(PARIS).date()
    if arrived.day is None or not made <= arrived.day <= today():
        raise Refusal("delivery-day")
    quantities: dict[int, Decimal] = {}
    over: list[str] = []
    lines = lines_of(order)
    if unknown := set(arrived.quantities) - {line.rank for line in lines}:
        raise Refusal("delivery-line", rank=min(unknown), last=len(lines) - 1)
    for line in lines:
        typed = str(arrived.quantities.get(line.rank) or "").strip() or "0"
        try:
            quantity = Decimal(str(parse(Field("quantity", line.designation, "decimal"), typed)))
        except ValueError:
            raise Refusal("delivery-quantity", line=line.designation) from None
        if quantity < 0:
            raise Refusal("delivery-quantity", line=line.designation)
        if quantity:
            quantities[line.rank] = quantity
        if before is not None and quantity and quantity + before.get(line.rank, ZERO) > line.quantity:
            left = max(line.quantity - before.get(line.rank, ZERO), ZERO)
            over.append(f"« {line.designation} » : {line.of(quantity)}, il en reste {line.of(left)} à livrer")
    if not quantities and not correcting:
        raise Refusal("delivery-nothing")
    if over and not plain(arrived.note):
        raise Refusal("delivery-over", lines=" ; ".join(over))
    return quantities


def deliveries_of(db: Db, orders: Collection[int]) -> Mapping[int, list[OrderDelivery]]:
    """By order, the deliveries that stand, the first noted first; those that were corrected count no more."""
    found: dict[int, list[OrderDelivery]] = defaultdict(list)
    for row in every_delivery(db, orders):
        found[row.folder_id].append(row)
    for number, rows in found.items():
        replaced = {row.corrects_id for row in rows}
        found[number] = [row for row in rows if row.id not in replaced]
    return found


def every_delivery(db: Db, orders: Collection[int]) -> Sequence[OrderDelivery]:
    """All that was ever attested of these orders, the first first."""
    query = sa.select(OrderDelivery).where(OrderDelivery.folder_id.in_(orders)).order_by(OrderDelivery.id)
    return db.scalars(query).all() if orders else []


def sums(deliveries: Sequence[OrderDelivery]) -> dict[int, Decimal]:
    """What came in all, by the rank of the order's lines."""
    total: dict[int, Decimal] = {}
    for one in deliveries:
        for rank, quantity in one.quantities.items():
            total[int(rank)] = total.get(int(rank), ZERO) + Decimal(quantity)
    return total


def said(lines: Sequence[OrderLine], quantities: Mapping[int, Decimal]) -> str:
    """« 40 t × Gravillons 6/10, 1 × Transport »; « rien » when nothing of it is left."""
    parts = [
        f"{line.of(quantities[line.rank])} × {line.designation}"
        for line in lines
        if quantities.get(line.rank)
    ]
    return ", ".join(parts) or "rien"


def day_of(text: str) -> date | None:
    """A day as forms and software write it, « 2026-11-27 »; None for what is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
