"""What orders and their invoices are found by, what was delivered, and the lines of invoices."""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0117_orders", "0116_arrivals"
SLICE = 1000


def upgrade() -> None:
    op.create_table(
        "order_key",
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('order','invoice')", name="kind_known"),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"]),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"]),
        sa.PrimaryKeyConstraint("folder_id", "key"),
    )
    op.create_index("ix_order_key_key", "order_key", ["collectivity_id", "key", "folder_id"])
    op.create_table(
        "billed_lines",
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"]),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"]),
        sa.PrimaryKeyConstraint("folder_id"),
    )
    op.create_table(
        "order_delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("quantities", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("corrects_id", sa.Integer(), nullable=True),
        sa.Column("document_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"]),
        sa.ForeignKeyConstraint(["corrects_id"], ["order_delivery.id"]),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"]),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("corrects_id"),
    )
    op.create_index("ix_order_delivery_folder_id", "order_delivery", ["folder_id", "id"])
    _keys_of_folders()


def _keys_of_folders() -> None:
    """The keys of the orders and invoices that are there, as the first version of `app/purchasing/linking.py` makes them."""
    connection = op.get_bind()
    folder = sa.table(
        "folder",
        *(sa.column(name) for name in ("id", "collectivity_id", "family")),
        sa.column("fields", sa.JSON()),
    )
    keys = sa.table(
        "order_key", *(sa.column(name) for name in ("folder_id", "collectivity_id", "key", "kind"))
    )
    families = ("invoice", "purchase_order")
    query = sa.select(folder).where(folder.c.family.in_(families)).order_by(folder.c.id).limit(SLICE)
    last = 0
    while rows := connection.execute(query.where(folder.c.id > last)).all():
        last = rows[-1].id
        values = []
        for row in rows:
            order = row.family == "purchase_order"
            owner = {"folder_id": row.id, "collectivity_id": row.collectivity_id}
            owner["kind"] = "order" if order else "invoice"
            names = ("number", "engagement") if order else ("order_ref",)
            texts = [str(row.fields.get(name) or "") for name in names]
            if not order:
                texts += [part for part in re.split(r"[\s,;/|]+", texts[0]) if re.search(r"\d", part)]
            values += [
                {**owner, "key": key}
                for key in sorted({_strict(text) for text in texts})
                if 4 <= len(key) <= 100
            ]
        if values:
            connection.execute(sa.insert(keys), values)


def _strict(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    return re.sub(r"[^A-Z0-9]", "", "".join(c for c in plain if not unicodedata.combining(c)).upper())


def downgrade() -> None:
    op.drop_table("order_delivery")
    op.drop_table("billed_lines")
    op.drop_table("order_key")
