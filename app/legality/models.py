"""The letters of the Préfecture, and the acts whose transmission was cancelled."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Tenanted


class StateLetter(Base, Tenanted):
    """One message that the Préfecture sent of itself, kept in its very bytes; the same reference twice is one row.

    `folder_id` is the act's folder, None when no act here bears its identifier; `code` None when it could not be read.
    `dated_on` is the letter's own date, `received_on` the day it came, which clocks run from. `files` lists its documents:
    name, sha256, size, media type. `trouble` says in French what could not be read of it, None when all was.
    `acknowledged_at`: when its automatic receipt (3-2, 4-2) left; `closed_at`: when it was answered or put aside.
    """

    __tablename__ = "state_letter"
    __table_args__ = (
        sa.UniqueConstraint("collectivity_id", "reference"),
        sa.Index("ix_state_letter_folder_id", "folder_id"),
        sa.Index("ix_state_letter_sha256", "sha256"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int | None] = mapped_column(sa.ForeignKey("folder.id"))
    reference: Mapped[str]
    code: Mapped[str | None]
    identifier: Mapped[str | None]
    dated_on: Mapped[date | None]
    received_on: Mapped[date]
    received_at: Mapped[datetime]
    due_on: Mapped[date | None]
    text: Mapped[str | None] = mapped_column("words")
    sha256: Mapped[str]
    size: Mapped[int]
    filename: Mapped[str]
    files: Mapped[list[Any]]
    conforming: Mapped[bool]
    trouble: Mapped[str | None]
    simulated: Mapped[bool]
    acknowledged_at: Mapped[datetime | None]
    acknowledgement: Mapped[str | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]


class ActCancellation(Base, Tenanted):
    """An act whose transmission the Préfecture cancelled (6-2): its number stays consumed, its receipt is kept."""

    __tablename__ = "act_cancellation"

    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"), primary_key=True)
    request_folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    identifier: Mapped[str]
    number: Mapped[str]
    motive: Mapped[str]
    cancelled_on: Mapped[date | None]
    recorded_at: Mapped[datetime]
