"""what finds an invoice of the same seller, day and total, one of works, and those that came on some days, among a million."""

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision, down_revision = "0128_alike_invoices", "0127_order_mail_returned"
WORKS = frozenset(
    "A4 A5 A6 A7 A8 A10 A11 A13 A14 A15 A16 A17 A18 A19 A20 A22 A23 A24 A25".split()  # noqa: SIM905 - a list of codes
)
SLICE = 500
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
FOLDER = sa.table(
    "folder",
    *map(sa.column, ("id", "collectivity_id", "family", "amount_cents")),
    sa.column("fields", JSON),
    sa.column("sources", JSON),
)
KEYS = sa.table("invoice_key", *map(sa.column, ("folder_id", "collectivity_id", "key", "kind")))


def upgrade() -> None:
    """Give each invoice the keys that it would be given now, besides those that it has."""
    connection = op.get_bind()
    query = sa.select(FOLDER).where(FOLDER.c.family == "invoice").order_by(FOLDER.c.id).limit(SLICE)
    last = 0
    while rows := connection.execute(query.where(FOLDER.c.id > last)).all():
        last = rows[-1].id
        fresh = [
            {"folder_id": row.id, "collectivity_id": row.collectivity_id, "key": key, "kind": kind}
            for row in rows
            for key, kind in dict(_keys(row)).items()
        ]
        if fresh:
            connection.execute(sa.insert(KEYS), fresh)


def _keys(row: Any) -> Iterator[tuple[str, str]]:
    """Of every value that a file or a person told: one too many costs a comparison, and goes when the invoice is touched."""
    frames, days = _told(row, "frame"), {str(day) for day in _told(row, "issue_date")}
    totals = {cents for text in _told(row, "total_ttc") if (cents := _cents(text))}
    if "381" in _told(row, "type_code") or any(cents < 0 for cents in totals):
        totals = {-abs(cents) for cents in totals}
    totals |= {row.amount_cents} - {None, 0}
    for day in _told(row, "received_on"):
        yield f"received {day}", "received"
    if not WORKS.isdisjoint(frames):
        yield "works", "works"
    for seller in _sellers(row):
        for day in days:
            for cents in totals:
                parts = ("alike", seller, day, str(cents))
                yield sha256("\n".join(parts).encode()).hexdigest()[:32], "alike"


def _told(row: Any, key: str) -> set[Any]:
    told = {one.get("values", {}).get(key) for one in row.sources.get("files", ())}
    return {text for text in (row.fields.get(key), *told) if text and isinstance(text, str)}


def _cents(text: str) -> int:
    try:
        return int(Decimal(text) * 100)
    except (InvalidOperation, ValueError, OverflowError):
        return 0


def _sellers(row: Any) -> set[str]:
    numbers = (
        re.sub(r"\D", "", text) for key in ("seller_siret", "seller_siren") for text in _told(row, key)
    )
    return {f"siren {digits[:9]}" for digits in numbers if len(digits) >= 9} | {
        f"name {name}" for text in _told(row, "seller") if (name := _strict(text))
    }


def _strict(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    return re.sub(r"[^A-Z0-9]", "", "".join(one for one in plain if not unicodedata.combining(one)).upper())


def downgrade() -> None:
    """The former release would take these keys away one invoice after the other; they go at once."""
    op.execute(sa.delete(KEYS).where(KEYS.c.kind.in_(["alike", "received", "works"])))
