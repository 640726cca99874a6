"""What came by itself, its files, and where it goes."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, MissingJson, Tenanted
from workflows.vocabulary import Worded


class Way(Worded):
    """By which way something came."""

    CHORUS = "chorus", "Chorus Pro"
    MAIL = "mail", "Boîte de courriel"
    SCAN = "scan", "Numériseur"


class State(Worded):
    """Where an arrival stands."""

    WAITING = "waiting", "À ouvrir"
    HELD = "held", "Expéditeur à reconnaître"
    REFUSED = "refused", "Refusée à l’examen"
    OPENED = "opened", "Ouverte"
    ASIDE = "aside", "Mise de côté"


class Arrival(Base, Tenanted):
    """Something that came, known by what its way calls it: the same twice is one row.

    `name` is who the journal says deposits the folder, `origin` what is told of where it came from. `kind` is the family, or
    the type, under which it is read; `facts` are those of its family that its way tells, `clues` what else the routing may
    look at. `reason` and `reason_facts`: the refusal that keeps it from being a folder. `desk_id`: where it was led.
    `to_send`: it is sent on its way as soon as it is opened. `tries`: how often it was given to be opened.
    `word`, `who`: why somebody put it aside, and who did. `remarks`: what is told of it on its page, each a sentence.
    """

    __tablename__ = "arrival"
    __table_args__ = (
        sa.UniqueConstraint("collectivity_id", "way", "identifier"),
        sa.CheckConstraint("way IN ('chorus','mail','scan')", name="way_known"),
        sa.CheckConstraint("state IN ('waiting','held','refused','opened','aside')", name="state_known"),
        sa.Index("ix_arrival_state", "collectivity_id", "state", "id"),
        sa.Index("ix_arrival_folder_id", "folder_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    way: Mapped[str]
    identifier: Mapped[str]
    name: Mapped[str]
    origin: Mapped[str]
    kind: Mapped[str]
    facts: Mapped[dict[str, Any]]
    clues: Mapped[dict[str, Any]]
    state: Mapped[str]
    reason: Mapped[str | None]
    reason_facts: Mapped[dict[str, Any]]
    remarks: Mapped[list[Any]]
    received_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    desk_id: Mapped[int | None] = mapped_column(sa.ForeignKey("desk.id"))
    folder_id: Mapped[int | None] = mapped_column(sa.ForeignKey("folder.id"))
    to_send: Mapped[bool]
    tries: Mapped[int]
    word: Mapped[str]
    who: Mapped[str]


class ArrivalFile(Base, Tenanted):
    """A file of an arrival, in its very bytes. `kind`: « file », or « evidence » for what only proves how it came (a mail).

    `fate`: empty, « refused » where the folder was opened without it (`reason`, `reason_facts`), « apart » where it is an
    arrival of its own.
    """

    __tablename__ = "arrival_file"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('file','evidence')", name="kind_known"),
        sa.CheckConstraint("fate IN ('','refused','apart')", name="fate_known"),
        sa.Index("ix_arrival_file_arrival_id", "arrival_id"),
        sa.Index("ix_arrival_file_sha256", "sha256"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    arrival_id: Mapped[int] = mapped_column(sa.ForeignKey("arrival.id"))
    position: Mapped[int]
    kind: Mapped[str]
    filename: Mapped[str]
    sha256: Mapped[str]
    size: Mapped[int] = mapped_column(sa.BigInteger)
    fate: Mapped[str]
    reason: Mapped[str | None]
    reason_facts: Mapped[dict[str, Any]]


class ArrivalRouting(Base, Tenanted):
    """Where arrivals go: `rows` in order, then `otherwise`, the sorting desk (`routing.Destination`), None until one is chosen.

    `revision` tells a form which table it showed.
    """

    __tablename__ = "arrival_routing"
    __table_args__ = (sa.UniqueConstraint("collectivity_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    rows: Mapped[list[Any]]
    otherwise: Mapped[dict[str, Any] | None] = mapped_column(MissingJson)
    revision: Mapped[int]


class Mailbox(Base, Tenanted):
    """A mailbox where invoices come, and what of it was read: what its numbers count from, and the last of them.

    `secret`: its password, sealed. `kind`: the type as which its mails come. `senders`: whose mails come in at once, everybody's
    where there are none. `removes`: a mail goes from it once it is kept here. `fault`: why it was not read, empty where it was.
    `missed`: the numbers of those that could not be read or kept, asked again at each look.
    """

    __tablename__ = "arrival_mailbox"
    __table_args__ = (sa.UniqueConstraint("collectivity_id", "host", "login", "folder"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str]
    kind: Mapped[str]
    scheme: Mapped[str]
    host: Mapped[str]
    port: Mapped[int]
    login: Mapped[str]
    secret: Mapped[str]
    folder: Mapped[str]
    senders: Mapped[list[Any]]
    removes: Mapped[bool]
    active: Mapped[bool]
    validity: Mapped[int] = mapped_column(sa.BigInteger)
    last: Mapped[int] = mapped_column(sa.BigInteger)
    missed: Mapped[list[Any]] = mapped_column(server_default="[]")
    fault: Mapped[str]
    looked_at: Mapped[datetime | None]
    revision: Mapped[int]


class Scanner(Base, Tenanted):
    """A folder where a scanner lays its files, below the one of the host and the SIREN of the collectivity.

    `kind`: the type as which they come. `split`: how a pile is cut (`app.files.piles`), empty where each file is one document.
    `seen`: what the last look saw there, by a digest of each name. `waits`: how many are
    not whole yet. `made`: the folder was there once. `fault`: why something was not taken, empty where all was.
    """

    __tablename__ = "arrival_scanner"
    __table_args__ = (sa.UniqueConstraint("collectivity_id", "folder"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    folder: Mapped[str]
    kind: Mapped[str]
    split: Mapped[str] = mapped_column(server_default="")
    active: Mapped[bool]
    made: Mapped[bool]
    seen: Mapped[dict[str, Any]]
    waits: Mapped[int]
    fault: Mapped[str]
    looked_at: Mapped[datetime | None]
    revision: Mapped[int]
