"""Where no operator is set: flows wait, and a page says why; nothing leaves, and nothing is made up in its place."""

from pathlib import Path
from typing import Final

from app.channels.helios.transport import Deposit, HeliosTransport, Match, Reply
from app.transmission.ports import Sender, Unreachable

UNSET: Final = (
    "Aucun opérateur de télétransmission n’est réglé pour les flux comptables : rien n’est envoyé ni relevé. "
    "Ce qui attend partira de lui-même ; demandez à qui tient l’installation d’en régler un (PARAPHE_HELIOS_TRANSPORT)."
)


class NobodyCarries(HeliosTransport):
    """The transport of an installation that has none: the channel holds what would leave by it, and says `UNSET`."""

    label = "Comptable public"
    simulated = False

    def send(self, deposit: Deposit, file: Path) -> str:
        """Refuse with `Unreachable`: certainly nothing was taken."""
        raise Unreachable(UNSET)

    def find(self, deposit: Deposit) -> Match | None:
        """Nobody to ask; the channel then holds the flow (`held`), so that nothing follows from it."""

    def poll(self, sender: Sender, reference: str) -> Reply:
        """Refuse with `Unreachable`."""
        raise Unreachable(UNSET)
