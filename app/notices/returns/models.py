"""How far the mailbox of returned letters was read."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class ReturnBox(Base):
    """A mailbox, known by a mark of its address, and what of it was read: what its numbers count from, and the last of them.

    `unclaimed`: how many messages stayed there that are no news of a letter of ours; `fault`: why it was not read, empty where
    it was.
    """

    __tablename__ = "return_box"

    box: Mapped[str] = mapped_column(primary_key=True)
    validity: Mapped[int] = mapped_column(sa.BigInteger)
    last: Mapped[int] = mapped_column(sa.BigInteger)
    unclaimed: Mapped[int]
    fault: Mapped[str]
    looked_at: Mapped[datetime]
