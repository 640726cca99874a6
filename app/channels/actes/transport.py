"""Who carries acts to the Préfecture: one port, for the simulated Préfecture and a relay operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

from app.channels.actes.act import Act, Piece
from app.channels.actes.envelope import Account
from app.transmission.ports import Stage, Unreachable


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
class Match:
    """A number that the other side knows: its reference, and whether it came from this very deposit."""

    reference: str
    ours: bool


@dataclass(frozen=True)
class Reply:
    """What came back: the message in its very bytes and its name; both None as long as nothing came.

    `refusal` is the sentence of a relay operator that refused the act by itself, without any message; `stage` is where it
    holds what has no answer.
    """

    message: bytes | None
    message_name: str | None
    refusal: str | None = None
    stage: Stage | None = None


@dataclass(frozen=True)
class Letter:
    """What the Préfecture wrote of itself about an act (2-1, 3-1, 4-1, 5-1, or a 1-3 that came late).

    `reference` is the other side's own number of it, the same at each call; `files` are the documents that came with the
    message, (name, bytes), in the order received. `trouble` says in French what could not be read of it: `files` then hold
    the archive too, as it came. When not even a message was found, `message` is that archive, and `about` all that the relay
    operator says of it.
    """

    reference: str
    message: bytes
    message_name: str
    files: tuple[tuple[str, bytes], ...]
    trouble: str | None = None
    about: About | None = None


@dataclass(frozen=True)
class About:
    """What a relay operator says of a letter beside its archive: its message (« 3-1 ») and the act's identifier."""

    code: str | None
    identifier: str | None


class Interrupted(Unreachable):
    """The letters were listed and not all of them given; `letters` are those that were, which must be kept all the same."""

    def __init__(self, letters: Sequence[Letter], why: Unreachable) -> None:
        super().__init__(str(why))
        self.letters, self.why = letters, why


@dataclass(frozen=True)
class Followup:
    """A message of the collectivity about an act that the Préfecture has: reply, acknowledgement or cancellation.

    `code` is 2-2, 3-2, 3-3, 3-4, 4-2, 4-3, 4-4 or 6-1; `identifier` the act's (IDActe); `letter` the reference of the
    letter that it answers and `letter_date` that letter's `DateCourrierPref`, both None for 6-1; `deposit` the reference
    of the act's own deposit, which 6-1 cancels. `pieces` are the documents in the order of the archive, typed. The
    archive's name does not change when the same message is made again.
    """

    code: str
    identifier: str
    account: Account
    letter: str | None
    letter_date: date | None
    deposit: str | None
    pieces: tuple[Piece, ...]
    archive_name: str


class ActesTransport(Protocol):
    """A way to the Préfecture. None of its verbs may be called inside a database transaction.

    A class that inherits it need not write what it never has: stamped copies, slips, letters.
    """

    @property
    def label(self) -> str:
        """The French name that people read."""

    @property
    def simulated(self) -> bool:
        """True when no real Préfecture is behind."""

    @property
    def relayed(self) -> bool:
        """True when an operator takes what is sent and passes it on later."""
        return False

    def send(self, deposit: Deposit, archive: Path) -> str:
        """Deposit and return the reference.

        Refuses with `Rejected` (the reason in French, A02 included), `Unreachable` when certainly nothing was
        taken, and `Uncertain` when the answer was lost: `find` must then be asked before any resend.
        """

    def find(self, deposit: Deposit) -> Match | None:
        """Look up the act's number for this account, whatever the state and age of the transaction."""

    def poll(self, reference: str, back: str = "") -> Reply:
        """Ask for the Préfecture's answer; refuses with LookupError a reference it never gave.

        `back` is the page of ours that a confirmation at a relay operator leads back to.
        """

    @property
    def stamps(self) -> bool:
        """Whether it makes stamped copies of its own."""
        return False

    def stamped(self, reference: str, original_sha256: str) -> bytes | None:
        """Its stamped copy of the act, a PDF; None while it has none, and for what is the very original.

        Refuses with `Unreachable`, `Uncertain` or `Rejected`, and with LookupError a reference it never gave.
        """
        del reference, original_sha256
        return None

    def slip(self, reference: str) -> bytes | None:
        """Its own acknowledgement slip of the act, a PDF; None while it has none. Refuses as `stamped` does."""
        del reference
        return None

    def letters(self, account: Account) -> Sequence[Letter]:
        """What the Préfecture wrote to this account and nobody has `taken` yet, oldest first.

        Refuses with `Unreachable`, which is `Interrupted` once they were listed. A letter that is not taken comes back at the
        next call, in the same bytes.
        """
        del account
        return ()

    def taken(self, account: Account, reference: str) -> None:
        """Say that a letter is stored on our side and needs not come back; a second time changes nothing."""
        del account, reference

    def follow(self, followup: Followup, archive: Path) -> str:
        """Send a message about an act and return its reference, for `poll` to ask its receipt (3-5, 4-5, 6-2).

        Refuses as `send` does. An operator that acknowledges letters by itself (3-2, 4-2) sends nothing more for them and
        returns the letter's reference.
        """

    def followed(self, followup: Followup) -> str | None:
        """The reference of this very message if the other side already has it; asked before any resend."""

    def classification(self, siren: str) -> bytes:
        """Fetch the message 7-2 in force for this collectivity, in its very bytes; asks for the whole of it.

        Refuses with `Unreachable` or `Uncertain` when nobody answers, and `Rejected` when the account has none.
        """
