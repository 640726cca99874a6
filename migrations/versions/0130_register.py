"""what finds the invoices that are mandated, those to mandate and those that are rejected on Chorus Pro, among a million."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision, down_revision = "0130_register", "0129_final_at"
SLICE = 500
FOLDER = sa.table(
    "folder",
    *map(sa.column, ("id", "collectivity_id", "family")),
    sa.column("sources", sa.JSON().with_variant(JSONB(), "postgresql")),
)
KEYS = sa.table("invoice_key", *map(sa.column, ("folder_id", "collectivity_id", "key", "kind")))
INDEXES = (
    ("ix_chorus_invoice_status", "chorus_invoice", ["collectivity_id", "status", "folder_id"]),
    ("ix_chorus_status_status", "chorus_status", ["collectivity_id", "status", "invoice_id"]),
)


def upgrade() -> None:
    """Index the statuses of Chorus Pro, and give each invoice whose mandate is known the key of those."""
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns)
    connection = op.get_bind()
    query = sa.select(FOLDER).where(FOLDER.c.family == "invoice").order_by(FOLDER.c.id).limit(SLICE)
    last = 0
    while rows := connection.execute(query.where(FOLDER.c.id > last)).all():
        last = rows[-1].id
        mandated = [
            {
                "folder_id": row.id,
                "collectivity_id": row.collectivity_id,
                "key": "mandated",
                "kind": "mandated",
            }
            for row in rows
            if _mandated(row.sources)
        ]
        if mandated:
            connection.execute(sa.insert(KEYS), mandated)


def _mandated(sources: Any) -> bool:
    mandate = sources.get("mandate") if isinstance(sources, dict) else None
    return isinstance(mandate, dict) and bool(mandate.get("number"))


def downgrade() -> None:
    """Take the indexes and the keys away."""
    op.execute(sa.delete(KEYS).where(KEYS.c.kind == "mandated"))
    for name, table, _columns in INDEXES:
        op.drop_index(name, table_name=table)
