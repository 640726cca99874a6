"""Where no operator is set: acts wait, and a page says why; nothing leaves, and nothing is made up in its place."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from app.channels.actes.envelope import Account
from app.channels.actes.transport import Deposit, Followup, Found, Letter, Reply
from app.transmission.ports import Rejected, Unreachable

UNSET: Final = (
    "Aucun opérateur de télétransmission n’est réglé pour les actes : rien n’est envoyé ni relevé. Ce qui attend partira de "
    "lui-même ; demandez à qui tient l’installation d’en régler un (PARAPHE_ACTES_TRANSPORT)."
)


class NobodyCarries:
    """The transport of an installation that has none: the channel holds what would leave by it, and says `UNSET`."""

    label = "Préfecture"
    simulated = False
    relayed = False
    stamps = False

    def send(self, deposit: Deposit, archive: Path) -> str:
        """Refuse with `Unreachable`: certainly nothing was taken."""
        raise Unreachable(UNSET)

    def find(self, deposit: Deposit) -> Found | None:
        """Nobody to ask; the channel then holds the act (`held`), so that nothing follows from it."""

    def poll(self, reference: str, back: str = "") -> Reply:
        """Refuse with `Unreachable`."""
        raise Unreachable(UNSET)

    def stamped(self, reference: str, original_sha256: str) -> bytes | None:
        """Refuse with `Unreachable`."""
        raise Unreachable(UNSET)

    def slip(self, reference: str) -> bytes | None:
        """Refuse with `Unreachable`."""
        raise Unreachable(UNSET)

    def letters(self, account: Account) -> Sequence[Letter]:
        """None can come by nobody."""
        return ()

    def taken(self, account: Account, reference: str) -> None:
        """Refuse with `Unreachable`."""
        raise Unreachable(UNSET)

    def follow(self, followup: Followup, archive: Path) -> str:
        """Refuse with `Unreachable`: certainly nothing was taken."""
        raise Unreachable(UNSET)

    def followed(self, followup: Followup) -> str | None:
        """Refuse with `Unreachable`."""
        raise Unreachable(UNSET)

    def classification(self, siren: str) -> bytes:
        """Refuse with `Rejected`: the one in force stays."""
        raise Rejected(UNSET)
