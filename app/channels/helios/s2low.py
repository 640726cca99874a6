"""Flows through S2LOW: deposited whole, looked up by their file's name, acquits and returns fetched as they are."""

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from app.channels.helios.transport import Deposit, Match, Reply
from app.core.clock import PARIS
from app.transmission.ports import Listed, Rejected, Sender
from app.transmission.s2low.answers import (
    CANCELLED,
    ERROR,
    fields_of,
    lost,
    refusal,
    rows_of,
    stage_of,
    unexpected,
)
from app.transmission.s2low.client import Client, Upload
from app.transmission.s2low.listing import day, transactions
from app.transmission.s2low.settings import S2lowSettings, account_of

_API: Final = "/modules/helios/api"
# In every state that a flow of these days may be in, the likeliest first.
_STATUSES: Final = (1, 2, 3, 9, 7, 8, 4, 6, -1, 24, 13, 14, 0)
_ANSWERED: Final = frozenset({4, 6, 8})
_NOT_GIVEN: Final = re.compile(rb"\s*(?:<\?xml[^>]*\?>)?\s*<get_retour>")


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
        # The file may be taken all the same: it is looked up, never sent again blindly.
        if not raw.lstrip().startswith(b"<"):
            raise lost(raw)
        fields = fields_of(raw, "import")
        if fields.get("resultat") != "OK" or not fields.get("id", "").isdigit():
            raise refusal(f"KO {fields.get('message', '')}")
        return fields["id"]

    def find(self, deposit: Deposit) -> Match | None:
        """Look among the flows since the eve of the deposit for the one that bears its file's name."""
        client = self._client(deposit.sender)
        since = day((deposit.since - timedelta(days=1)).astimezone(PARIS).date())
        for _, row in transactions(client, f"{_API}/list_pes_aller.php", _STATUSES, min_date=since):
            reference = str(row["id"])
            if client.name_of("/modules/helios/helios_download_file.php", id=reference) == deposit.filename:
                return Match(reference, ours=True)
        return None

    def poll(self, sender: Sender, reference: str) -> Reply:
        """Fetch the acquit when there is one; an error or a cancellation by the operator is a refusal."""
        if not reference.isdigit():
            raise LookupError(reference)
        client = self._client(sender)
        fields = fields_of(
            client.get(f"{_API}/helios_transac_get_status.php", transaction=reference), "transaction"
        )
        if fields.get("resultat") != "OK":
            message = fields.get("message", "")
            if "invalide" in message:
                raise LookupError(reference)
            fault = refusal(f"KO {message}")
            return Reply(None, None, str(fault)) if isinstance(fault, Rejected) else _raise(fault)
        status = int(fields.get("status") or 0)
        if status in {ERROR, CANCELLED}:
            verb = "refuse" if status == ERROR else "a annulé"
            return Reply(None, None, f"L’opérateur {verb} le flux : {fields.get('message') or 'sans motif'}.")
        if status not in _ANSWERED:
            return Reply(None, None, stage=stage_of(status))
        acquit = client.maybe("/modules/helios/helios_download_acquit.php", id=reference)
        return Reply(acquit, f"acquit-{reference}.xml") if acquit else Reply(None, None)

    def returns(self, sender: Sender) -> Sequence[Listed]:
        """Its unread PES_Retour (`liste/pes_retour`), the oldest first."""
        raw = self._client(sender).get(f"{_API}/helios_get_list.php")
        result, rows = rows_of(raw, "liste", "pes_retour")
        if result.get("resultat") != "OK":
            raise unexpected(f"KO {result.get('message', '')}".encode())
        listed = [Listed(row.get("id", ""), row.get("nom", ""), row.get("date", "")) for row in rows]
        if not all(entry.reference.isdecimal() for entry in listed):
            raise unexpected(raw)
        return sorted(listed, key=lambda entry: int(entry.reference))

    def returned(self, sender: Sender, reference: str) -> bytes:
        """The file; where the operator does not give it, it says why in its own XML (`get_retour`)."""
        raw = self._client(sender).get(f"{_API}/helios_get_retour.php", id=reference)
        if not raw or _NOT_GIVEN.match(raw):
            message = fields_of(raw, "get_retour").get("message", "") if raw else ""
            raise unexpected(
                f"KO {message}".encode(), f"S2LOW ne donne pas le retour {reference} de la trésorerie"
            )
        return raw

    def return_taken(self, sender: Sender, reference: str) -> None:
        """Mark it as read (`change`)."""
        raw = self._client(sender).get(f"{_API}/helios_change_status.php", id=reference)
        fields = fields_of(raw, "change")
        if fields.get("resultat") != "OK":
            raise unexpected(f"KO {fields.get('message', '')}".encode())

    def _client(self, sender: Sender) -> Client:
        return Client(self._settings, account_of(self._settings, sender.siren))


def _raise(fault: Exception) -> Reply:
    raise fault
