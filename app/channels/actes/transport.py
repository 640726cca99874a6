"""Who carries acts to the Préfecture: one port, for the simulated Préfecture today and a relay operator tomorrow."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.channels.actes.act import Act, Piece
from app.channels.actes.envelope import Account


@dataclass(frozen=True)
class Deposit:
    """An act ready to leave: all that a relay operator asks for, whether it takes the archive or the fields.

    `main` and `annexes` are in the order of the archive, each with its type code: the lists of files and types
    that a relay operator reads side by side are both made from them.
    """

    act: Act
    account: Account
    main: Piece
    annexes: tuple[Piece, ...]
    archive_name: str


@dataclass(frozen=True)
class Found:
    """A number that the other side knows: its reference, and whether it came from this very deposit."""

    reference: str
    ours: bool


@dataclass(frozen=True)
class Reply:
    """What came back: the message in its very bytes and its name; both None as long as nothing came."""

    message: bytes | None
    message_name: str | None


class ActesTransport(Protocol):
    """A way to the Préfecture. None of its verbs may be called inside a database transaction."""

    @property
    def label(self) -> str:
        """The French name that people read."""

    @property
    def simulated(self) -> bool:
        """True when no real Préfecture is behind."""

    def send(self, deposit: Deposit, archive: Path) -> str:
        """Deposit and return the reference.

        Refuses with `Rejected` (the reason in French, A02 included), `Unreachable` when certainly nothing was
        taken, and `Uncertain` when the answer was lost: `find` must then be asked before any resend.
        """

    def find(self, deposit: Deposit) -> Found | None:
        """Look up the act's number for this account, whatever the state and age of the transaction."""

    def poll(self, reference: str) -> Reply:
        """Ask for the Préfecture's answer; refuses with LookupError a reference it never gave."""
