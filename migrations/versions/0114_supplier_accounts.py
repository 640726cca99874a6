"""The bank accounts of suppliers that somebody accepted, put aside or listed; invoices are known again by theirs."""

import re
import unicodedata
from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0114_supplier_accounts", "0113_carried"
SLICE = 1000


def upgrade() -> None:
    op.create_table(
        "supplier_account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("siren", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("iban", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('confirmed','refused')", name="state_known"),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"]),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("collectivity_id", "seller", "iban"),
    )
    op.create_index("ix_supplier_account_iban", "supplier_account", ["collectivity_id", "iban"])
    op.create_index("ix_supplier_account_name", "supplier_account", ["collectivity_id", "name", "id"])
    _accounts_of_invoices()


def _accounts_of_invoices() -> None:
    """The key of the account that each invoice tells, as the first version of `app/invoices/keys.py` makes it."""
    connection = op.get_bind()
    folder = sa.table(
        "folder",
        *(sa.column(name) for name in ("id", "collectivity_id", "family")),
        sa.column("fields", sa.JSON()),
    )
    keys = sa.table(
        "invoice_key", *(sa.column(name) for name in ("folder_id", "collectivity_id", "key", "kind"))
    )
    query = sa.select(folder).where(folder.c.family == "invoice").order_by(folder.c.id).limit(SLICE)
    last = 0
    while rows := connection.execute(query.where(folder.c.id > last)).all():
        last = rows[-1].id
        accounts = {
            (row.id, row.collectivity_id): sha256(f"account\n{iban}".encode()).hexdigest()[:32]
            for row in rows
            if (iban := _strict(str(row.fields.get("iban") or "")))
        }
        if accounts:
            values = [
                {"folder_id": number, "collectivity_id": here, "key": key, "kind": "account"}
                for (number, here), key in accounts.items()
            ]
            connection.execute(sa.insert(keys), values)


def _strict(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    return re.sub(r"[^A-Z0-9]", "", "".join(c for c in plain if not unicodedata.combining(c)).upper())


def downgrade() -> None:
    op.execute("DELETE FROM invoice_key WHERE kind = 'account'")
    op.drop_table("supplier_account")
