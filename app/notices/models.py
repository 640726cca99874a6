"""What an address refused for good, at the sending or later."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Tenanted


class Bounce(Base, Tenanted):
    """A letter that did not reach a person, once, whatever is read again; `folder_id` of one that was about a folder.

    Of one that told several folders, each has its own. `key` is the letter's in the outbox, with how it failed. `returned`: it
    was taken, and came back later; otherwise the server refused the address at once. `permanent`: the address itself serves no
    more, as far as the server says.
    `reply`: what the server said, without any address.
    """

    __tablename__ = "bounce"
    __table_args__ = (sa.Index("ix_bounce_user_id", "user_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"))
    folder_id: Mapped[int | None]
    key: Mapped[str] = mapped_column(unique=True)
    at: Mapped[datetime]
    returned: Mapped[bool]
    permanent: Mapped[bool]
    reply: Mapped[str]
