"""What is kept of a flow beside its file: its pages, attachments, bordereaux and accounts, so that a page reads a slice."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Tenanted


class FlowIndex(Base, Tenanted):
    """The reading of the deposited flow of a folder, made of the bytes that `sha256` names.

    `summary` holds its counts, totals and findings (app/pes/index.py). It can be made again from the file at any time.
    """

    __tablename__ = "pes_flow"

    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"), primary_key=True)
    sha256: Mapped[str]
    pages: Mapped[int]
    summary: Mapped[dict[str, Any]]
    made_at: Mapped[datetime]


class FlowName(Base, Tenanted):
    """The folder to which the name of a flow belongs: NomFic and CodCol are never used twice (PES v2, Hélios)."""

    __tablename__ = "pes_name"
    __table_args__ = (sa.UniqueConstraint("collectivity_id", "body_code", "file_name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    body_code: Mapped[str]
    file_name: Mapped[str]
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))


class FlowPage(Base, Tenanted):
    """One page of the reading, compressed (`flow.page_content`)."""

    __tablename__ = "pes_page"

    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes]


class FlowSlip(Base, Tenanted):
    """A bordereau, and the page where it begins; `key` is what makes it unique: its series, then its number.

    `pieces` are the numbers of its mandats or titres, None for a reading of before they were kept.
    """

    __tablename__ = "pes_slip"
    __table_args__ = (sa.Index("ix_pes_slip_key", "collectivity_id", "key"),)

    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"), primary_key=True)
    rank: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str]
    key: Mapped[str]
    page: Mapped[int]
    pieces: Mapped[list[Any] | None]

    @property
    def series(self) -> str:
        """What its number, and those of its pieces, are unique in (`workflows/flows/keys.py`)."""
        return self.key.removesuffix(f" {self.number}")


class FlowAnswer(Base, Tenanted):
    """What an acquit said of a bordereau (« slip ») or an attachment: kept for ever, whatever becomes of the folder.

    `later`: that acquit came after another had answered the same flow; what both say stays. `sha256` names the reading that
    was answered; `faults` are triples (piece, line, words). `series` is empty for an
    attachment, whose number is its IdUnique.
    """

    __tablename__ = "pes_answer"
    __table_args__ = (
        sa.Index("ix_pes_answer_series", "collectivity_id", "series", "number"),
        sa.Index("ix_pes_answer_folder_id", "folder_id", "round"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    round: Mapped[int]
    sha256: Mapped[str]
    kind: Mapped[str]
    series: Mapped[str]
    number: Mapped[str]
    accepted: Mapped[bool]
    pieces: Mapped[list[Any]]
    faults: Mapped[list[Any]]
    simulated: Mapped[bool]
    later: Mapped[bool] = mapped_column(server_default=sa.false())
    answered_on: Mapped[date]


class FlowAttachment(Base, Tenanted):
    """A file carried by the flow: the bytes of its element in the deposited file, start tag included."""

    __tablename__ = "pes_attachment"

    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"), primary_key=True)
    rank: Mapped[int] = mapped_column(primary_key=True)
    unique_id: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    media: Mapped[str]
    first_byte: Mapped[int]
    last_byte: Mapped[int]


class FlowAccount(Base, Tenanted):
    """An account that a flow pays for a third party: the SHA-256 of its IBAN, and what may be shown of it."""

    __tablename__ = "pes_account"
    __table_args__ = (
        sa.Index("ix_pes_account_third", "collectivity_id", "third"),
        sa.Index("ix_pes_account_folder_id", "folder_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    third: Mapped[str]
    name: Mapped[str]
    digest: Mapped[str]
    masked: Mapped[str]
    piece: Mapped[str]
    page: Mapped[int]


class TreasuryReturn(Base, Tenanted):
    """A file that the Treasury sent of itself (PES_Retour), kept in its very bytes; the same bytes twice are one row.

    `standing`: « read », or why nothing of it is taken into account: « unread », « aside » (no XML: `.ocr`), « nobody » (its
    SIRET is that of no collectivity here), « other » (that of another one here); `trouble` says it in French, or of a file
    that is read what was left out of it. `written_on` is the day that the file gives to what it says. `clients`: it also says
    what is left to recover by client, as of `clients_on`, for the budget `clients_of` (CodColl and CodBud); None and empty in
    a file that came before that was read.
    """

    __tablename__ = "treasury_return"
    __table_args__ = (
        sa.UniqueConstraint("collectivity_id", "sha256"),
        sa.Index("ix_treasury_return_sha256", "sha256"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str]
    name: Mapped[str]
    listed_on: Mapped[str]
    received_at: Mapped[datetime]
    sha256: Mapped[str]
    size: Mapped[int]
    standing: Mapped[str]
    trouble: Mapped[str | None]
    siret: Mapped[str]
    budget: Mapped[str]
    written_on: Mapped[date | None]
    pieces: Mapped[int]
    clients: Mapped[bool]
    clients_on: Mapped[date | None]
    clients_of: Mapped[str] = mapped_column(server_default="")
    simulated: Mapped[bool]


class ReturnedPiece(Base, Tenanted):
    """What a file of the Treasury says of a mandat or titre; amounts in cents, numbers without leading zeros.

    `series` is that of `workflows/flows/keys.py`. `paid`, `payments` and `paid_on`: what was really paid or encashed, in how
    many times, and the last day. `lines` are those of the file (`returned.ReturnedLine`, as a list); `states` the day of each
    state that is dated.
    """

    __tablename__ = "returned_piece"
    __table_args__ = (
        sa.Index("ix_returned_piece_key", "collectivity_id", "series", "slip", "number"),
        sa.Index("ix_returned_piece_return_id", "return_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(sa.ForeignKey("treasury_return.id"))
    domain: Mapped[str]
    series: Mapped[str]
    slip: Mapped[str]
    number: Mapped[str]
    state: Mapped[str]
    states: Mapped[dict[str, Any]]
    reason: Mapped[str]
    due: Mapped[int] = mapped_column(sa.BigInteger)
    paid: Mapped[int] = mapped_column(sa.BigInteger)
    payments: Mapped[int]
    paid_on: Mapped[date | None]
    lines: Mapped[list[Any]]


class ReturnedClient(Base, Tenanted):
    """What a file says is left to recover of a client for a local product, in cents (`returned.Outstanding`).

    Of the last file of each budget alone (`intake.last_of`); its page says so of the others.
    """

    __tablename__ = "returned_client"
    __table_args__ = (sa.Index("ix_returned_client_return_id", "return_id", "client"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(sa.ForeignKey("treasury_return.id"))
    client: Mapped[str]
    product: Mapped[str]
    cents: Mapped[int] = mapped_column(sa.BigInteger)
    costs: Mapped[int] = mapped_column(sa.BigInteger)
