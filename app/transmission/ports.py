"""What the post room and its carriers promise one another: parcels go out, answers come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from workflows.family import Problem

SIMULATED: Final = b"du simulateur de Paraphe"
"""What every answer of a simulator holds: before a real operator, it decides nothing."""

FileRole = Literal["main", "signature", "attachment", "original", "data"]


@dataclass(frozen=True)
class Sender:
    """The collectivity that sends, as the State knows it: department « 029 », district « 1 », nature « 31 »."""

    collectivity_id: int
    siren: str
    name: str
    department: str
    district: str
    nature: str
    email: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class ParcelFile:
    """One file of a parcel, on disk, with the hexadecimal SHA-256 that its bytes must still have."""

    role: FileRole
    title: str
    filename: str
    media_type: str
    sha256: str
    path: Path
    document_id: int
    type_code: str | None


@dataclass(frozen=True)
class Parcel:
    """All that a carrier knows of a folder; `key` is the idempotency key, stable for one (folder, round).

    `corrections`: the facts that somebody typed in place of what a file says, with both values, the reason and the ruling.
    `cautions`: what was to be looked at and nobody ruled on, and what somebody ruled on, with the ruling.
    `kind`: the collectivity's own type of the folder (`type`, `type_label`, `retention_years`); empty where it has none.
    """

    key: str
    folder_id: int
    family: str
    title: str
    facts: Mapping[str, Any]
    files: tuple[ParcelFile, ...]
    sender: Sender
    signatures: tuple[Mapping[str, Any], ...]
    link: str
    prepared_at: datetime
    corrections: tuple[Mapping[str, Any], ...] = ()
    cautions: tuple[Mapping[str, Any], ...] = ()
    kind: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Package:
    """What travels: one file, its name for the other side, and its hexadecimal SHA-256."""

    path: Path
    filename: str
    sha256: str


class AnswerKind(StrEnum):
    """Where a delivery stands for the other side; of a `PARTIAL` one, a part was taken and the rest comes back."""

    PENDING = "pending"
    ACKNOWLEDGED = "acknowledged"
    PARTIAL = "partial"
    REFUSED = "refused"


@dataclass(frozen=True)
class Fault:
    """What the other side holds against a piece of a part, and against a line of it, where it names them."""

    piece: str
    line: str
    text: str


@dataclass(frozen=True)
class Part:
    """One part of a parcel that the other side judged by itself: a bordereau (« slip ») or an attachment of a flow.

    It is known by its number in its `series`; `pieces` are the numbers of its own pieces.
    """

    kind: Literal["slip", "attachment"]
    series: str
    number: str
    accepted: bool
    pieces: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Stage:
    """Where a relay operator holds a delivery that has no answer yet, in French; `address` is where somebody must confirm it.

    `left`: the operator has sent it on, and it is the answer that is awaited.
    """

    sentence: str
    address: str | None = None
    left: bool = False


@dataclass(frozen=True)
class Answer:
    """What the other side said, in the very bytes it said it in; a `simulated` answer has no legal value.

    `parts` are empty where it judged the parcel as a whole.
    `stage` says more of a pending one, None when it left and is simply awaited.
    """

    kind: AnswerKind
    raw: bytes | None
    filename: str | None
    identifier: str | None
    received_on: date | None
    reason: str | None
    simulated: bool
    parts: tuple[Part, ...] = ()
    stage: Stage | None = None


@dataclass(frozen=True)
class Listed:
    """A file that the other side sent of itself and that waits there: its reference, its name, when it came as it says it."""

    reference: str
    name: str
    date: str


class Uncertain(Exception):  # noqa: N818 - a state of knowledge, named so in the post room
    """Accepted or not, nobody knows: the delivery must be looked up before any resend."""


class Unreachable(Exception):  # noqa: N818
    """Certainly not sent: the same delivery may be tried again later."""


class AccountRefused(Unreachable):
    """Certainly not sent, and not by a fault of the line: the relay operator does not know us any more.

    Its login page, a refused account, a certificate that is missing or past: waiting mends nothing, an administrator does.
    """


class Rejected(Exception):  # noqa: N818
    """Refused for good in this state: `reason` is the French sentence; resending as is changes nothing."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Channel(Protocol):
    """A carrier: checks, packs, finds, sends and asks for the answer; it never touches the database.

    A class that inherits it writes the verbs that every carrier has, and of the others those in which it has something to say.
    """

    @property
    def name(self) -> str:
        """The folder name of the channel, as the circuits write it."""

    @property
    def label(self) -> str:
        """The French name that people read."""

    @property
    def simulated(self) -> bool:
        """True when nothing leaves for a real administration."""

    def check(self, parcel: Parcel) -> list[Problem]:
        """List every rule that the parcel breaks; an empty list means that it may leave."""

    def package(self, parcel: Parcel, folder: Path) -> Package:
        """Write the package in `folder`, the same bytes for the same parcel; refuses with `Rejected`."""

    def find(self, parcel: Parcel) -> str | None:
        """Return the reference of this very parcel if the other side already has it."""

    def send(self, parcel: Parcel, package: Package) -> str:
        """Deliver once and return the reference; refuses with `Rejected`, `Uncertain` or `Unreachable`."""

    def poll(self, parcel: Parcel, reference: str) -> Answer:
        """Ask where the delivery stands; the same answer always comes back in the same bytes."""

    @property
    def relayed(self) -> bool:
        """True when an operator takes what is sent and passes it on later, so that « sent » is not « transmitted »."""
        return False

    @property
    def unset(self) -> str | None:
        """Why nobody is asked anything, no operator being set; None where one is, or none is needed."""
        return None

    def edition(self, siren: str) -> str:
        """Changes when this sender’s parcel would be judged otherwise; empty when nothing is judged before departure."""
        del siren
        return ""

    def rehearse(self, parcel: Parcel) -> list[Problem]:
        """List every rule that the parcel breaks, of those that can be known without asking the other side."""
        del parcel
        return []

    def hold_reason(self, parcel: Parcel) -> str | None:
        """Why nothing of this sender may leave by this carrier for now, in French; None when it may."""
        del parcel
        return self.unset
