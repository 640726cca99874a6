"""A batch of one person, and what becomes of each of its folders."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Tenanted

OPEN = ("waiting", "prepared", "signed")
"""The states of an item on which something is still to be done."""
BACK = {
    "approve": "Votre visa est annulé : le dossier vous attend de nouveau.",
    "hand": "Ce que vous aviez confié vous revient : le dossier vous attend de nouveau.",
}
"""By the kind of its batch, why an item is refused that was taken back by who had done it: no failure."""
BACK_BEFORE = {"Votre visa est repris : le dossier vous attend de nouveau.": BACK["approve"]}
"""What older rows have in its place."""


class Batch(Base, Tenanted):
    """Folders that one person approves, rejects, signs or hands on together; `kind` is approve, reject, sign or hand.

    `desk`: to which desk they are handed, by its key; empty until it is chosen, and in the other kinds.

    Nothing is done before `started_at`. `turn` counts how often it was taken up; `session_id` and `address` are those of
    whoever took it up last, and `holder` names the page that signs, so that of two tabs one goes on;
    `seen_at` is when that page last asked for something.
    """

    __tablename__ = "batch"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('approve','reject','sign','hand')", name="kind_known"),
        sa.Index(
            "ix_batch_unfinished",
            "user_id",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"))
    kind: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    session_id: Mapped[int | None]
    address: Mapped[str] = mapped_column(default="")
    holder: Mapped[str | None]
    seen_at: Mapped[datetime | None]
    turn: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    desk: Mapped[str] = mapped_column(default="")


class BatchItem(Base, Tenanted):
    """One folder of a batch, as the list showed it (`folder_version`), and what became of it.

    `state`: waiting → prepared (its bytes are in the page) → signed (its signatures are here, the worker embeds them) →
    done, or refused with its `reason`; `left_out` when it was never to be acted on. `carrier` is the outbox row at work.
    `final_at`: until when what was done may be taken back. `wording`: of one that is signed, the mention that the page said
    whose button it was, and in which alone it is signed; empty where it had none to say. `absent`: the same, in whose absence.
    """

    __tablename__ = "batch_item"
    __table_args__ = (
        sa.CheckConstraint(
            "state IN ('waiting','prepared','signed','done','refused','left_out')", name="state_known"
        ),
        sa.UniqueConstraint("batch_id", "folder_id"),
        sa.Index("ix_batch_item_batch_id_state", "batch_id", "state", "position"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(sa.ForeignKey("batch.id"))
    position: Mapped[int]
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    folder_version: Mapped[int]
    family: Mapped[str]
    title: Mapped[str]
    number: Mapped[str]
    amount_cents: Mapped[int | None] = mapped_column(sa.BigInteger)
    opened: Mapped[bool]
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    signature_session: Mapped[str | None]
    signatures: Mapped[list[Any] | None]
    carrier: Mapped[str | None]
    changed_at: Mapped[datetime]
    final_at: Mapped[datetime | None]
    wording: Mapped[str | None]
    absent: Mapped[str | None]
