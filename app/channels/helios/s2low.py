"""Flows through S2LOW: deposited whole, looked up by their file's name, acquits fetched as they are."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from app.channels.helios.transport import Deposit, Found, Reply
from app.core.clock import PARIS
from app.transmission.ports import Rejected, Sender
from app.transmission.s2low.answers import CANCELLED, ERROR, fields_of, lost, refusal, stage_of
from app.transmission.s2low.client import Client, Upload
from app.transmission.s2low.listing import day, transactions
from app.transmission.s2low.settings import S2lowSettings, account_of

_API: Final = "/modules/helios/api"
# In every state that a flow of these days may be in, the likeliest first.
_STATUSES: Final = (1, 2, 3, 9, 7, 8, 4, 6, -1, 24, 13, 14, 0)
_ANSWERED: Final = frozenset({4, 6, 8})


class S2lowHelios:
    """The transport of flows through S2LOW."""

    relayed = True

    def __init__(self, settings: S2lowSettings) -> None:
        self._settings = settings

    @property
    def label(self) -> str:
        """The French name that people read."""
        return "S2LOW FACTICE (simulateur)" if self.simulated else "Comptable public, par S2LOW"

    @property
    def simulated(self) -> bool:
        """True when the address is a simulator's."""
        return self._settings.simulated

    def send(self, deposit: Deposit, file: Path) -> str:
        """Deposit the flow; the operator refuses the same file twice, and a NomFic that served."""
        upload = Upload("enveloppe", deposit.filename, "application/xml", file)
        raw = self._client(deposit.sender).post(f"{_API}/helios_importer_fichier.php", (), (upload,))
        if not raw.lstrip().startswith(b"<"):
            raise lost(raw)
        said = fields_of(raw, "import")
        if said.get("resultat") != "OK" or not said.get("id", "").isdigit():
            raise refusal(f"KO {said.get('message', '')}")
        return said["id"]

    def find(self, deposit: Deposit) -> Found | None:
        """Look among the flows since the eve of the deposit for the one that bears its file's name."""
        client = self._client(deposit.sender)
        since = day((deposit.since - timedelta(days=1)).astimezone(PARIS).date())
        for _, one in transactions(client, f"{_API}/list_pes_aller.php", _STATUSES, min_date=since):
            reference = str(one["id"])
            if client.name_of("/modules/helios/helios_download_file.php", id=reference) == deposit.filename:
                return Found(reference, ours=True)
        return None

    def poll(self, sender: Sender, reference: str) -> Reply:
        """Fetch the acquit when there is one; an error or a cancellation by the operator is a refusal."""
        if not reference.isdigit():
            raise LookupError(reference)
        client = self._client(sender)
        said = fields_of(
            client.get(f"{_API}/helios_transac_get_status.php", transaction=reference), "transaction"
        )
        if said.get("resultat") != "OK":
            words = said.get("message", "")
            if "invalide" in words:
                raise LookupError(reference)
            fault = refusal(f"KO {words}")
            return Reply(None, None, str(fault)) if isinstance(fault, Rejected) else _raise(fault)
        status = int(said.get("status") or 0)
        if status in {ERROR, CANCELLED}:
            verb = "refuse" if status == ERROR else "a annulé"
            return Reply(None, None, f"L’opérateur {verb} le flux : {said.get('message') or 'sans motif'}.")
        if status not in _ANSWERED:
            return Reply(None, None, stage=stage_of(status))
        acquit = client.maybe("/modules/helios/helios_download_acquit.php", id=reference)
        return Reply(acquit, f"acquit-{reference}.xml") if acquit else Reply(None, None)

    def _client(self, sender: Sender) -> Client:
        return Client(self._settings, account_of(self._settings, sender.siren))


def _raise(fault: Exception) -> Reply:
    raise fault
