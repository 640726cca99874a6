"""A folder is made once of what may come twice: who brings it keeps its mark in the transaction of the folder it made.

A deposit by API is known by the key of the caller; other ways in bring a mark of their own (`MadeOnce`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import Base, Db, Tenanted
from app.core.refusals import Refusal
from app.folders.models import Folder
from app.people.actor import Actor


class MadeOnce(Protocol):
    """What tells whether a folder was made of this already."""

    def made_by(self, db: Db, actor: Actor) -> int | None:
        """The folder that it made, or None."""

    def remember(self, db: Db, actor: Actor, folder: Folder) -> None:
        """Keep that it made this folder; a rival that kept it first makes this fail, and the verb, tried again, finds it."""


class DepositKey(Base, Tenanted):
    """The key of a deposit, unique for its application; `digest` is the SHA-256 of what was sent with it.

    It is empty for a key older than the digests: such a key still answers with its folder.
    """

    __tablename__ = "deposit_key"

    application_id: Mapped[int] = mapped_column(sa.ForeignKey("application.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    created_at: Mapped[datetime]


@dataclass(frozen=True)
class Once:
    """The caller's key and the SHA-256, in hexadecimal, of what is sent with it."""

    key: str
    digest: str

    def made_by(self, db: Db, actor: Actor) -> int | None:
        """The folder that this key made, or None; refuses a key that came with something else (`key-reused`)."""
        query = sa.select(DepositKey.folder_id, DepositKey.digest).where(
            DepositKey.application_id == actor.application_id, DepositKey.key == self.key
        )
        row = db.execute(query).one_or_none()
        if row is not None and row.digest not in {self.digest, ""}:
            raise Refusal("key-reused")
        return row.folder_id if row is not None else None

    def remember(self, db: Db, actor: Actor, folder: Folder) -> None:
        """Keep the key."""
        row = DepositKey(
            application_id=actor.application_id or 0,
            key=self.key,
            digest=self.digest,
            folder_id=folder.id,
            collectivity_id=actor.collectivity_id,
            created_at=now(),
        )
        db.add(row)
        db.flush()  # the rival is met here, before the journal
