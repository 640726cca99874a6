"""A deposit by API is made once: the caller's key is kept with the folder it made."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Db, reading
from app.core.transaction import use_case
from app.people.actor import Actor


class DepositKey(Base):
    """The key of a deposit, unique for its application."""

    __tablename__ = "deposit_key"

    application_id: Mapped[int] = mapped_column(sa.ForeignKey("application.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))


def folder_of(actor: Actor, key: str) -> int | None:
    """The folder that this key made, or None."""
    with reading() as db:
        found: int | None = db.scalar(_one(actor, key))
        return found


@use_case
def remember(db: Db, actor: Actor, key: str, folder_id: int) -> int:
    """Keep the key; of two deposits made at once with it, both callers are given the first."""
    known: int | None = db.scalar(_one(actor, key))
    if known is None:
        db.add(DepositKey(application_id=actor.application_id or 0, key=key, folder_id=folder_id))
        db.flush()  # a rival that committed first makes this fail here, and the verb is tried again
        return folder_id
    return known


def _one(actor: Actor, key: str) -> Any:
    return sa.select(DepositKey.folder_id).where(
        DepositKey.application_id == actor.application_id, DepositKey.key == key
    )
