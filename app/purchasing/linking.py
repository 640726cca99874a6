"""Which invoices are of which order: an invoice names an order by its number, else by the number of its engagement."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core.db import Db
from app.core.questions import Asked, Rows, keep, once, read_beside
from app.folders.models import Document, DocumentVersion, Folder
from app.invoices.keys import SIREN, sellers_of, strict
from app.purchasing.models import BilledLines, OrderKey
from workflows.condition import Facts, values

ORDER: Final = "order"
INVOICE: Final = "invoice"
FAMILY: Final = "purchase_order"
"""The family of the folders that are orders."""
SHORTEST, LONGEST = 4, 100
"""Signs of a number that may be told from another one by itself."""
MOST = 5_000
"""Invoices of the orders of a page that are read, the latest."""
_key: Any = OrderKey.__table__
_later = aliased(DocumentVersion)
_PARTS = re.compile(r"[\s,;/|]+")
_orders_of_keys = sa.select(Folder).where(
    Folder.id.in_(
        sa.select(_key.c.folder_id).where(
            _key.c.collectivity_id == sa.bindparam("here"),
            _key.c.key.in_(sa.bindparam("order_keys", expanding=True)),
            _key.c.kind == ORDER,
        )
    ),
    Folder.collectivity_id + 0 == sa.bindparam("here"),  # or SQLite begins with all the folders that it has
)


def keys_of(facts: Facts, kind: str) -> frozenset[str]:
    """The keys of an order, or those that an invoice names; every value of a disputed fact counts.

    What a supplier writes (BT-13) may hold several numbers: the whole is looked for, and each of its parts that has a figure.
    """
    if kind == ORDER:
        texts = [str(text or "") for field in ("number", "engagement") for text in values(facts, field)]
    else:
        whole = [str(text) for text in values(facts, "order_ref") if text]
        if not whole:
            return frozenset()
        parts = (part for text in whole for part in _PARTS.split(text) if re.search(r"\d", part))
        texts = [*whole, *parts]
    return frozenset(key for text in texts if SHORTEST <= len(key := strict(text)) <= LONGEST)


def index(db: Db, folder: Folder) -> None:
    """Keep the keys of an order, or of an invoice, as its facts now are, in the caller's transaction."""
    kind = ORDER if folder.family == FAMILY else INVOICE
    wanted = keys_of(folder.facts, kind)
    known = set(db.scalars(sa.select(_key.c.key).where(_key.c.folder_id == folder.id)))
    if gone := known - wanted:
        db.execute(sa.delete(_key).where(_key.c.folder_id == folder.id, _key.c.key.in_(gone)))
    owner = {"folder_id": folder.id, "collectivity_id": folder.collectivity_id, "kind": kind}
    if fresh := sorted(wanted - known):
        db.execute(sa.insert(_key), [{**owner, "key": key} for key in fresh])


def take(db: Db, folder: Folder, version: DocumentVersion, lines: Any) -> None:
    """Keep the lines of an invoice, read in its main document, in the caller's transaction."""
    row = db.get(BilledLines, folder.id)
    if row is None:
        row = BilledLines(folder_id=folder.id, collectivity_id=folder.collectivity_id)
        db.add(row)
    row.sha256, row.lines = version.sha256, list(lines)


def lines_of(db: Db, folder_ids: Collection[int]) -> Mapping[int, list[dict[str, str]]]:
    """The lines of each of these invoices whose current main document says any; of a former file nothing is told."""
    main = (
        sa.select(Document.folder_id)
        .join(DocumentVersion, DocumentVersion.document_id == Document.id)
        .where(
            Document.role == "main",
            Document.folder_id == BilledLines.folder_id,
            DocumentVersion.sha256 == BilledLines.sha256,
            ~sa.exists().where(
                _later.document_id == Document.id,
                _later.number > DocumentVersion.number,
                _later.origin.in_(["deposited", "converted"]),
            ),
        )
    )
    query = sa.select(BilledLines.folder_id, BilledLines.lines).where(
        BilledLines.folder_id.in_(folder_ids), sa.exists(main)
    )
    return {number: lines for number, lines in db.execute(query) if lines} if folder_ids else {}


def orders_of(db: Db, invoice: Folder) -> Sequence[Folder]:
    """The orders that an invoice names: none, one, or several when it does not say which one."""
    keys = keys_of(invoice.facts, INVOICE)
    if not keys:
        return []
    return once(db, ("orders of", invoice.id), lambda: orders_together(db, [invoice])[invoice.id])


def keep_orders(db: Db, invoice: Folder, rows: Sequence[Rows]) -> None:
    """Keep the orders of an invoice, of what `asked_of_orders` has read, for `orders_of`."""
    keep_orders_of(db, invoice, orders_among([invoice], rows)[invoice.id])


def keep_orders_of(db: Db, invoice: Folder, orders: Sequence[Folder]) -> None:
    """Keep the orders of an invoice for `orders_of`."""
    keep(db, ("orders of", invoice.id), orders)


def orders_together(db: Db, invoices: Sequence[Folder]) -> Mapping[int, Sequence[Folder]]:
    """The same for invoices of one collectivity, by one statement."""
    return orders_among(invoices, read_beside(db, *asked_of_orders(invoices)))


def orders_among(invoices: Sequence[Folder], rows: Sequence[Rows]) -> Mapping[int, Sequence[Folder]]:
    """The orders that each of these invoices names, of what `asked_of_orders` has read."""
    orders = [order for each in rows for (order,) in each]
    return {invoice.id: chosen(invoice, orders) for invoice in invoices}


def asked_of_orders(invoices: Sequence[Folder]) -> list[Asked]:
    """What is read to find the orders that invoices of one collectivity name; nothing where they name none."""
    keys = {key for invoice in invoices for key in keys_of(invoice.facts, INVOICE)}
    if not keys:
        return []
    return [(_orders_of_keys, {"here": invoices[0].collectivity_id, "order_keys": sorted(keys)})]


def chosen(invoice: Folder, orders: Iterable[Folder]) -> list[Folder]:
    """Of the orders that share a key with an invoice, those that it may be of.

    Its number before its engagement, which several orders may have; of several, that of the same supplier.
    """
    keys = keys_of(invoice.facts, INVOICE)
    named = sorted(
        (order for order in orders if keys & keys_of(order.facts, ORDER)), key=lambda order: order.id
    )
    by_number = [order for order in named if strict(order.number) in keys]
    candidates = by_number or named
    if len(candidates) > 1:
        same = [order for order in candidates if same_seller(invoice, order)]
        candidates = same or candidates
    return candidates


def same_seller(invoice: Folder, order: Folder) -> bool:
    """Whether an invoice and an order tell the same SIREN; True where one of them tells none."""
    told, known = (_sirens(folder.facts) for folder in (invoice, order))
    return not told or not known or bool(told & known)


def _sirens(facts: Facts) -> set[str]:
    return {
        seller for seller in sellers_of(facts) if seller.startswith("siren ") and len(seller) == 6 + SIREN
    }


def invoices_of(db: Db, here: int, orders: Sequence[Folder]) -> Mapping[int, list[Folder]]:
    """By order, the invoices that are of it alone, the first deposited first."""
    keys = {key for order in orders for key in keys_of(order.facts, ORDER)}
    if not keys:
        return {}
    having = sa.select(_key.c.folder_id).where(_key.c.collectivity_id == here, _key.c.key.in_(keys))
    query = sa.select(Folder).where(Folder.id.in_(having)).order_by(Folder.id.desc()).limit(MOST)
    every = db.scalars(query).all()
    known = {order.id: order for order in (*orders, *(one for one in every if one.family == FAMILY))}
    by_key: dict[str, list[Folder]] = defaultdict(list)
    for order in known.values():
        for key in keys_of(order.facts, ORDER):
            by_key[key].append(order)
    found: dict[int, list[Folder]] = {order.id: [] for order in orders}
    for invoice in reversed([one for one in every if one.family != FAMILY]):
        named = {order.id: order for key in keys_of(invoice.facts, INVOICE) for order in by_key.get(key, ())}
        of = chosen(invoice, named.values())
        if len(of) == 1 and of[0].id in found:
            found[of[0].id].append(invoice)
    return found
