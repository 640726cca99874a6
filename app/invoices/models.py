"""By what an invoice is known again: its seller and number in the forms in which they may come back, and its bytes."""

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
