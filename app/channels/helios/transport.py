"""Who carries flows to the public accountant: one port, for the simulated Treasury and for a relay operator."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from app.channels.helios.flow import Flow
from app.transmission.ports import Listed, Sender, Stage


@dataclass(frozen=True)
class Deposit:
    """A flow ready to leave: who sends it, its file's name for the other side, its SHA-256, since when it may be there."""

    flow: Flow
    sender: Sender
    filename: str
    sha256: str
    since: datetime


@dataclass(frozen=True)
class Match:
    """A flow that the other side knows: its reference, and whether it came from this very deposit."""

    reference: str
    ours: bool


@dataclass(frozen=True)
class Reply:
    """What came back: the acquit in its very bytes and its name, or the sentence of a refusal by the relay operator.

    `stage` is where the operator holds what has no answer.
    """

    acquit: bytes | None
    filename: str | None
    refusal: str | None = None
    stage: Stage | None = None


class HeliosTransport(Protocol):
    """A way to the Treasury. None of its verbs may be called inside a database transaction.

    A class that inherits it and through which the Treasury sends nothing of itself need not write how that is taken.
    """

    @property
    def label(self) -> str:
        """The French name that people read."""

    @property
    def simulated(self) -> bool:
        """True when no real Treasury is behind."""

    @property
    def relayed(self) -> bool:
        """True when an operator takes what is sent and passes it on later."""
        return False

    def send(self, deposit: Deposit, file: Path) -> str:
        """Deposit and return the reference.

        Refuses with `Rejected` (the reason in French, a name that already served included), `Unreachable` when
        certainly nothing was taken, and `Uncertain` when the answer was lost: `find` must then be asked first.
        """

    def find(self, deposit: Deposit) -> Match | None:
        """Look the flow up, by its file or by NomFic and CodCol, whatever its state."""

    def poll(self, sender: Sender, reference: str) -> Reply:
        """Ask for the acquit; refuses with LookupError a reference it never gave."""

    def returns(self, sender: Sender) -> Sequence[Listed]:
        """The files that the Treasury sent of itself (PES_Retour) and that nobody took yet; refuses with `Unreachable`."""
        del sender
        return ()

    def returned(self, sender: Sender, reference: str) -> bytes:
        """One of them, in its very bytes; refuses with `Unreachable`, and with LookupError what was never listed."""
        del sender
        raise LookupError(reference)

    def return_taken(self, sender: Sender, reference: str) -> None:
        """Say that it was taken, so that it is listed no more; a second time changes nothing. Refuses with `Unreachable`."""
        del sender, reference


def name_taken(name: str) -> str:
    """The refusal of a NomFic that already served."""
    return (
        f"Le nom de flux « {name} » a déjà servi, et un nom ne sert qu’une fois, même refusé. Exportez de nouveau le "
        "flux depuis le logiciel de finances : il recevra un autre nom."
    )
