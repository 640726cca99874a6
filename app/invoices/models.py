"""By what an invoice is known again: its seller and number in the forms in which they may come back, and its bytes."""

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
