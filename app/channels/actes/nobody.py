"""Where no operator is set: acts wait, and a page says why; nothing leaves, and nothing is made up in its place."""

from pathlib import Path
from typing import Final

from app.channels.actes.transport import ActesTransport, Deposit, Followup, Match, Reply
from app.transmission.ports import Rejected, Unreachable

UNSET: Final = (
    "Aucun opérateur de télétransmission n’est réglé pour les actes : rien n’est envoyé ni relevé. Ce qui attend partira de "
    "lui-même ; demandez à qui tient l’installation d’en régler un (PARAPHE_ACTES_TRANSPORT)."
)


class NobodyCarries(ActesTransport):
    """The transport of an installation that has none: the channel holds what would leave by it, and says `UNSET`."""

    label = "Préfecture"
    simulated = False

    def send(self, deposit: Deposit, archive: Path) -> str:
        """Refuse with `Unreachable`: certainly nothing was taken."""
        raise Unreachable(UNSET)

    def find(self, deposit: Deposit) -> Match | None:
        """Nobody to ask; the channel then holds the act (`held`), so that nothing follows from it."""

    def poll(self, reference: str, back: str = "") -> Reply:
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
