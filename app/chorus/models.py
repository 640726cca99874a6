"""What Paraphe knows of Chorus Pro: how far it was read, each invoice there with its files, and what is said of it there."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.chorus.answers import moment_of
from app.core.db import Base, Tenanted

OF_WORKS, PAID_BY_CARD = "FACTURE_TRAVAUX", "A2"
"""The kind of an invoice of a contract of works, and the frame of what was paid by card."""


class ChorusAccount(Base, Tenanted):
    """How far the invoices of a collectivity were read: before `since`, all that changed was listed, of every structure.

    `structures`: those that are fetched (number, SIRET, name, and up to when each was listed), asked again after a day, at
    `structures_at`; `password_ends`: the last day of the technical password. `calls`: how many were made on `calls_on`.
    """

    __tablename__ = "chorus_account"
    __table_args__ = (sa.UniqueConstraint("collectivity_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    since: Mapped[datetime | None]
    structures: Mapped[list[Any]]
    structures_at: Mapped[datetime | None]
    password_ends: Mapped[date | None]
    calls_on: Mapped[date | None]
    calls: Mapped[int]


class ChorusRound(Base, Tenanted):
    """A round of fetching: how many invoices were listed, how many of them were new; why it did not go to its end."""

    __tablename__ = "chorus_round"
    __table_args__ = (sa.Index("ix_chorus_round_began_at", "collectivity_id", "began_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    listed: Mapped[int]
    fresh: Mapped[int]
    fault: Mapped[str]


class ChorusInvoice(Base, Tenanted):
    """An invoice of Chorus Pro, known by its number there (`cpro_id`, idFacture).

    `state`: `seen` (to fetch), `fetched`, `past` (dealt with elsewhere when it was first seen), `shut` (it cannot be fetched,
    `trouble` says why). `status`, `since`: as a list says them; `history`: each status with its hour and comment, the first to
    the last; `available_on`: the day of its first « mise à disposition ». `frame`: A1 to A25. `completions`: what the supplier
    added afterwards. `turn`: how often it was given to be looked at. `folder_version`: up to which state of the folder its
    statuses were drawn.
    """

    __tablename__ = "chorus_invoice"
    __table_args__ = (
        sa.UniqueConstraint("collectivity_id", "cpro_id"),
        sa.CheckConstraint("state IN ('seen','fetched','past','shut')", name="state_known"),
        sa.Index("ix_chorus_invoice_state", "collectivity_id", "state", "id"),
        sa.Index("ix_chorus_invoice_status", "collectivity_id", "status", "folder_id"),
        sa.Index("ix_chorus_invoice_folder_id", "folder_id"),
        sa.Index("ix_chorus_invoice_arrival_id", "arrival_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    cpro_id: Mapped[int] = mapped_column(sa.BigInteger)
    structure: Mapped[int] = mapped_column(sa.BigInteger)
    kind: Mapped[str]
    number: Mapped[str]
    seller: Mapped[str]
    service: Mapped[str]
    service_name: Mapped[str]
    total: Mapped[str]
    frame: Mapped[str]
    buyer_siret: Mapped[str]
    status: Mapped[str]
    since: Mapped[str]
    history: Mapped[list[Any]]
    available_on: Mapped[date | None]
    completions: Mapped[list[Any]]
    state: Mapped[str]
    trouble: Mapped[str]
    turn: Mapped[int]
    simulated: Mapped[bool]
    arrival_id: Mapped[int | None] = mapped_column(sa.ForeignKey("arrival.id"))
    folder_id: Mapped[int | None] = mapped_column(sa.ForeignKey("folder.id"))
    folder_version: Mapped[int]
    first_at: Mapped[datetime]
    fetched_at: Mapped[datetime | None]

    @property
    def works(self) -> bool:
        """Whether it is of a contract of works, whose statuses are several persons' and stay on Chorus Pro."""
        return self.kind == OF_WORKS

    @property
    def paid_already(self) -> bool:
        """Whether it justifies what was paid by card (frame A2): it is never mandated."""
        return self.frame == PAID_BY_CARD

    @property
    def standing(self) -> tuple[str, datetime | None]:
        """The status that it is known to have there, and since when: what a list said, or the history if that is later."""
        listed = moment_of(self.since)
        last = self.history[-1] if self.history else {"status": self.status, "at": self.since}
        moment = moment_of(str(last["at"]))
        # The history tells minutes, a list milliseconds: of the same minute, the history was read after the list
        if listed is not None and (moment is None or listed.replace(second=0, microsecond=0) > moment):
            return self.status, listed
        return str(last["status"]), moment


class ChorusPiece(Base, Tenanted):
    """A file of an invoice in its very bytes; `later`: it came once the folder was made, and is no document of it."""

    __tablename__ = "chorus_piece"
    __table_args__ = (
        sa.UniqueConstraint("invoice_id", "sha256"),
        sa.Index("ix_chorus_piece_sha256", "sha256"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    invoice_id: Mapped[int] = mapped_column(sa.ForeignKey("chorus_invoice.id"))
    filename: Mapped[str]
    sha256: Mapped[str]
    size: Mapped[int] = mapped_column(sa.BigInteger)
    later: Mapped[bool]
    came_at: Mapped[datetime]


class ChorusStatus(Base, Tenanted):
    """A status that an invoice is to have on Chorus Pro: `waiting`, `sent`, `refused` there, or `dropped` (never to be said).

    `cause`: what asked for it, once for each invoice. `motive`, `mandate`: what goes with it. `trouble`: why it was not taken;
    while it waits, that it was given and not answered (`statuses.ASKED`).
    """

    __tablename__ = "chorus_status"
    __table_args__ = (
        sa.UniqueConstraint("invoice_id", "cause"),
        sa.CheckConstraint("state IN ('waiting','sent','refused','dropped')", name="state_known"),
        sa.Index("ix_chorus_status_state", "collectivity_id", "state", "id"),
        sa.Index("ix_chorus_status_status", "collectivity_id", "status", "invoice_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    invoice_id: Mapped[int] = mapped_column(sa.ForeignKey("chorus_invoice.id"))
    status: Mapped[str]
    cause: Mapped[str]
    motive: Mapped[str]
    mandate: Mapped[str]
    who: Mapped[str]
    asked_at: Mapped[datetime]
    state: Mapped[str]
    trouble: Mapped[str]
    settled_at: Mapped[datetime | None]
