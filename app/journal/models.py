"""The lines of the journal, from where their acts came, and the head of each collectivity's chain."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Tenanted


class JournalEntry(Base, Tenanted):
    """One event; `facts` is canonical JSON text, so that what was hashed is what is kept."""

    __tablename__ = "journal_entry"
    __table_args__ = (
        sa.UniqueConstraint("collectivity_id", "seq"),
        sa.Index("ix_journal_entry_folder_id_id", "folder_id", "id"),
        # What was done in one person's name, the last first
        sa.Index("ix_journal_entry_user_id_id", "user_id", "id"),
        # What no folder shows: the journal of who may do what, a few lines among millions
        sa.Index(
            "ix_journal_entry_apart",
            "collectivity_id",
            "seq",
            sqlite_where=sa.text("folder_id IS NULL"),
            postgresql_where=sa.text("folder_id IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int]
    folder_id: Mapped[int | None]
    at: Mapped[str]
    who: Mapped[str]
    user_id: Mapped[int | None]
    event: Mapped[str]
    facts: Mapped[str]
    previous: Mapped[str]
    hash: Mapped[str]


class Origin(Base, Tenanted):
    """From where the act of a line came, kept beside it: the line's hash covers a salted digest of it, and it may go.

    With the row goes the salt, and what is left in the chain answers no guess.
    """

    __tablename__ = "journal_origin"
    __table_args__ = (sa.UniqueConstraint("collectivity_id", "seq"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int]
    salt: Mapped[str]
    address: Mapped[str]
    client: Mapped[str]


class ChainHead(Base):
    """The last line of a collectivity's chain; its row is the queue of those who write, so it is locked last."""

    __tablename__ = "chain_head"

    collectivity_id: Mapped[int] = mapped_column(sa.ForeignKey("collectivity.id"), primary_key=True)
    seq: Mapped[int]
    hash: Mapped[str]
