"""What an order and its invoices are found by, what was delivered, and the lines that an invoice bills."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Tenanted


class OrderKey(Base, Tenanted):
    """A number by which an order is called (`kind` « order »), or which an invoice names (« invoice »).

    `key`: as `app/purchasing/linking.py` writes it. A folder that shares one with an order of its collectivity is of it.
    """

    __tablename__ = "order_key"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('order','invoice')", name="kind_known"),
        sa.Index("ix_order_key_key", "collectivity_id", "key", "folder_id"),
    )

    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]


class BilledLines(Base, Tenanted):
    """The lines of an invoice, as the data of its main document say them (`app/invoices/lines.py`)."""

    __tablename__ = "billed_lines"

    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"), primary_key=True)
    sha256: Mapped[str]
    lines: Mapped[list[Any]] = mapped_column(sa.JSON)


class OrderDelivery(Base, Tenanted):
    """What came of an order on a day, by the rank of its lines from 0, and who attested it (*service fait*).

    It is never changed: a correction is another one, of which `corrects_id` names the one that it takes the place of, with its
    `reason`. `document_id`: the delivery note or the photograph, a document of the folder.
    """

    __tablename__ = "order_delivery"
    __table_args__ = (
        sa.UniqueConstraint("corrects_id"),
        sa.Index("ix_order_delivery_folder_id", "folder_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    day: Mapped[date]
    quantities: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    note: Mapped[str]
    reason: Mapped[str]
    corrects_id: Mapped[int | None] = mapped_column(sa.ForeignKey("order_delivery.id"))
    document_id: Mapped[int | None] = mapped_column(sa.ForeignKey("document.id"))
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    who: Mapped[str]
    at: Mapped[datetime]


class OrderMail(Base, Tenanted):
    """A sending of a signed order to its supplier: to which address, asked by whom, and what the mail server answered.

    `state`: « waiting », « giving » from just before it is given to the server, then « sent », « refused », or « unsure » where
    nobody knows whether it was taken; a person then sends it again, or does not. `key` is that of its row of the outbox.
    `returned`, `returned_at`: what a server said of a letter that was taken, and came back; empty of one that did not.
    """

    __tablename__ = "order_mail"
    __table_args__ = (
        sa.CheckConstraint("state IN ('waiting','giving','sent','refused','unsure')", name="state_known"),
        sa.Index("ix_order_mail_folder_id", "folder_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    key: Mapped[str] = mapped_column(unique=True)
    address: Mapped[str]
    state: Mapped[str]
    answer: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    who: Mapped[str]
    asked_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    returned: Mapped[str] = mapped_column(server_default="")
    returned_at: Mapped[datetime | None]
