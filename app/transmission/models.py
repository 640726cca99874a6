"""What left, where it stands, and what came back for it."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Db, Tenanted
from app.core.questions import OF, Question, ask

ON_PAPER = "papier"
"""The reference of a transmission that was made on paper while the convention was suspended."""


TO_LIGHTEN = "parcel IN ('', 'framed') AND state = 'acknowledged' AND package_sha256 IS NOT NULL"
"""Which sendings have a parcel that may be let go one day, in the words of their index, or it does not serve."""


class Transmission(Base, Tenanted):
    """One sending of a folder by a channel; unique for a folder, a round and a step, whatever the retries.

    `state` is ready, sending, sent, acknowledged, partial (a part was taken, the rest came back), refused or uncertain.
    `versions` lists the document versions that leave, as they were when it was opened: what is added to a document
    afterwards changes nothing of what was sent.
    `stage` is where the relay operator holds what it has not answered, in French, None once it was sent on; `stage_address`
    the page where somebody must confirm it.
    `parcel` is where its parcel's own bytes are: in the store as they left (empty, or « whole » and « doubtful » once it was
    looked at), or made again from its frame: « framed » until they have gone, then « light » (`lightening`).
    """

    __tablename__ = "transmission"
    __table_args__ = (
        sa.UniqueConstraint("folder_id", "round", "step"),
        # Those whose parcels are still to be looked at, the first that ended first: most are no more
        sa.Index(
            "ix_transmission_parcel",
            "ended_at",
            "id",
            sqlite_where=sa.text(TO_LIGHTEN),
            postgresql_where=sa.text(TO_LIGHTEN),
        ),
        sa.Index("ix_transmission_package_sha256", "package_sha256"),
        # Only what has an identifier: SQLite would take it to find a folder's sendings among all those of a collectivity
        sa.Index(
            "ix_transmission_identifier",
            "collectivity_id",
            "identifier",
            sqlite_where=sa.text("identifier IS NOT NULL"),
            postgresql_where=sa.text("identifier IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    round: Mapped[int]
    step: Mapped[str]
    channel: Mapped[str]
    simulated: Mapped[bool]
    state: Mapped[str]
    reference: Mapped[str | None]
    package_sha256: Mapped[str | None]
    package_name: Mapped[str | None]
    parcel: Mapped[str] = mapped_column(server_default="", default="")
    identifier: Mapped[str | None]
    received_on: Mapped[date | None]
    reason: Mapped[str | None]
    stage: Mapped[str | None]
    stage_address: Mapped[str | None]
    versions: Mapped[list[Any] | None]
    prepared_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class ParcelFrame(Base, Tenanted):
    """What is around the documents of a parcel that was sent: with the versions, it gives the very bytes again (`frames`).

    `parts`, in their order: so many bytes of `around`, or the SHA-256 of a version. `around` is compressed, `wrap` how the whole
    is wrapped: empty, or « gzip ».
    """

    __tablename__ = "parcel_frame"

    transmission_id: Mapped[int] = mapped_column(sa.ForeignKey("transmission.id"), primary_key=True)
    wrap: Mapped[str]
    parts: Mapped[list[Any]]
    around: Mapped[bytes]
    made_at: Mapped[datetime]


class ParcelDamage(Base, Tenanted):
    """A parcel of which a file is altered or missing, since the first look that saw it; none once a look finds it whole."""

    __tablename__ = "parcel_damage"

    transmission_id: Mapped[int] = mapped_column(sa.ForeignKey("transmission.id"), primary_key=True)
    seen_at: Mapped[datetime]


class Receipt(Base, Tenanted):
    """What the other side answered, byte for byte; the same answer twice is one row.

    `after` is None for an answer that ended its sending, or came before; else how one that came later stands to it
    (`afterwards`): « repeats », « contradicts » or « unread ». `reason`: what that later one says, in French.
    """

    __tablename__ = "receipt"
    __table_args__ = (
        sa.UniqueConstraint("transmission_id", "sha256"),
        sa.Index("ix_receipt_sha256", "sha256"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    transmission_id: Mapped[int] = mapped_column(sa.ForeignKey("transmission.id"))
    kind: Mapped[str]
    sha256: Mapped[str]
    filename: Mapped[str]
    identifier: Mapped[str | None]
    received_on: Mapped[date | None]
    after: Mapped[str | None]
    reason: Mapped[str | None] = mapped_column("words")
    created_at: Mapped[datetime]


SENDINGS = Question(
    (Transmission, Receipt),
    Transmission.folder_id == OF,
    ((Receipt, Receipt.transmission_id == Transmission.id),),
)
"""Each sending of a folder, beside each of the answers to it."""


def sendings_of(db: Db, folder_id: int) -> list[Transmission]:
    """The sendings of a folder, of whatever round, the first to the last."""
    return list(dict.fromkeys(row[0] for row in ask(db, SENDINGS, folder_id)))


def answers_of(db: Db, folder_id: int) -> list[tuple[Transmission, Receipt]]:
    """The answers to them, each with the sending that it is about."""
    return [(row, answer) for row, answer in ask(db, SENDINGS, folder_id) if answer is not None]


class RelaySilence(Base, Tenanted):
    """A time during which the way of a channel did not answer a collectivity; `ended_at` is None as long as it lasts.

    `refused`: it answers, and refuses our account, which waiting does not mend. `told_at` is when administrators were last
    told of it, `alerts` how many times; `why` the last fault, in French.
    """

    __tablename__ = "relay_silence"
    __table_args__ = (
        sa.Index(
            "ix_relay_silence_open",
            "collectivity_id",
            "channel",
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str]
    since: Mapped[datetime]
    last_at: Mapped[datetime]
    why: Mapped[str]
    refused: Mapped[bool]
    told_at: Mapped[datetime | None]
    alerts: Mapped[int] = mapped_column("told", server_default="0")
    ended_at: Mapped[datetime | None]
