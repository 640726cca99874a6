"""By what an invoice is known again, the accounts of suppliers, and the directory of those that invoices and orders name."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Tenanted


class InvoiceKey(Base, Tenanted):
    """One of the keys of a folder's invoice; folders that share one are compared. `kind` is one of `app/invoices/keys.py`."""

    __tablename__ = "invoice_key"
    __table_args__ = (sa.Index("ix_invoice_key_key", "collectivity_id", "key", "folder_id"),)

    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]


class SupplierAccount(Base, Tenanted):
    """What the commune decided of a bank account of a supplier, or listed: `confirmed` or `refused`, by whom and when.

    `seller`: the key by which it is known (`app/invoices/keys.py`), with its name and SIREN as they are shown. `source`: `list`
    for one of a file of known accounts, `folder` for what two persons decided on an invoice, that of `folder_id`, `office` for
    what an administrator put aside.
    """

    __tablename__ = "supplier_account"
    __table_args__ = (
        sa.UniqueConstraint("collectivity_id", "seller", "iban"),
        sa.CheckConstraint("state IN ('confirmed','refused')", name="state_known"),
        sa.Index("ix_supplier_account_iban", "collectivity_id", "iban"),
        sa.Index("ix_supplier_account_name", "collectivity_id", "name", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    seller: Mapped[str]
    siren: Mapped[str | None]
    name: Mapped[str]
    iban: Mapped[str]
    state: Mapped[str]
    source: Mapped[str]
    folder_id: Mapped[int | None] = mapped_column(sa.ForeignKey("folder.id"))
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    who: Mapped[str]
    at: Mapped[datetime]


class Supplier(Base, Tenanted):
    """A supplier of the directory, built by use: one for each SIREN, VAT number or name that an invoice or an order tells.

    `key`: by which it is known (`app/invoices/suppliers/keeping.py`). `name`: the latest; `sort`: the same, as lists are sorted
    and searched. `latest_id`: the latest folder that names it. `into_id`: the entry with which a person joined it: `who`, on
    `at`, for `reason`.
    """

    __tablename__ = "supplier"
    __table_args__ = (
        sa.UniqueConstraint("collectivity_id", "key"),
        # Those of lists alone: what a word is looked for in is read from it, and no row beside
        sa.Index(
            "ix_supplier_sort",
            "collectivity_id",
            "sort",
            "id",
            sqlite_where=sa.text("into_id IS NULL"),
            postgresql_where=sa.text("into_id IS NULL"),
        ),
        sa.Index("ix_supplier_latest_id", "collectivity_id", "latest_id", "id"),
        # Few were joined with another: of all of them, a word that is looked for among these would read every supplier
        sa.Index(
            "ix_supplier_into_id",
            "into_id",
            sqlite_where=sa.text("into_id IS NOT NULL"),
            postgresql_where=sa.text("into_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    siren: Mapped[str | None]
    vat: Mapped[str | None]
    name: Mapped[str]
    sort: Mapped[str]
    latest_id: Mapped[int]
    into_id: Mapped[int | None] = mapped_column(sa.ForeignKey("supplier.id"))
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    who: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime | None]


class SupplierSeen(Base, Tenanted):
    """The supplier that an invoice or an order names, as it names it.

    `own_id`: its own entry; `supplier_id`: the one with which that was joined, else the same. `plain`: the words of the name
    that tell it from another (`app/invoices/known.py`).
    """

    __tablename__ = "supplier_seen"
    __table_args__ = (
        sa.Index("ix_supplier_seen_supplier_id", "supplier_id", "folder_id"),
        sa.Index("ix_supplier_seen_own_id", "own_id"),
        sa.Index("ix_supplier_seen_plain", "collectivity_id", "plain", "folder_id"),
    )

    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"), primary_key=True)
    own_id: Mapped[int] = mapped_column(sa.ForeignKey("supplier.id"))
    supplier_id: Mapped[int] = mapped_column(sa.ForeignKey("supplier.id"))
    name: Mapped[str]
    plain: Mapped[str]
    siret: Mapped[str]
