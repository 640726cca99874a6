"""Acts through S2LOW: deposited field by field, looked up by their number, receipts read back as they are.

A reference is « SIREN/number »: it says whose certificate may ask for it.
"""

import hashlib
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from app.channels.actes.act import Piece
from app.channels.actes.message import transliterate
from app.channels.actes.naming import ARCHIVE, ENVELOPE, serial_of
from app.channels.actes.transport import Deposit, Found, Reply
from app.transmission.ports import Unreachable
from app.transmission.s2low.answers import ACKNOWLEDGED, CANCELLED, ERROR, created, decode, status_of
from app.transmission.s2low.client import Client, Upload
from app.transmission.s2low.listing import day, transactions
from app.transmission.s2low.settings import S2lowSettings, account_of

_ACTES: Final = "/modules/actes"
_BEFORE_ANSWER: Final = (1, 2, 3, 17, 18)
_STATUSES: Final = (*_BEFORE_ANSWER, 4, -1, 0, 5, 6, 12, 13, 14, 16, 19, 20, 22)
_MEDIA: Final = {"pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg", "xml": "text/xml"}


class S2lowActes:
    """The transport of acts through S2LOW."""

    def __init__(self, settings: S2lowSettings) -> None:
        self._settings = settings

    @property
    def label(self) -> str:
        """The French name that people read."""
        return "S2LOW FACTICE (simulateur)" if self.simulated else "Préfecture, par S2LOW"

    @property
    def simulated(self) -> bool:
        """True when the address is a simulator's."""
        return self._settings.simulated

    def send(self, deposit: Deposit, archive: Path) -> str:
        """Deposit the act's fields and files; the operator makes the archive itself."""
        del archive
        siren = deposit.account.siren
        uploads = [self._upload(deposit, deposit.main, "acte_pdf_file", 1)]
        fields = [*_fields(deposit), ("type_acte", deposit.main.type_code or "")]
        # The lists of files and types are read side by side: both come from one ordered list.
        for rank, piece in enumerate(deposit.annexes, 2):
            uploads.append(self._upload(deposit, piece, "acte_attachments[]", rank))
            fields.append(("type_pj[]", piece.type_code or ""))
        raw = self._client(siren).post(f"{_ACTES}/actes_transac_create.php", fields, uploads)
        return f"{siren}/{created(raw)}"

    def find(self, deposit: Deposit) -> Found | None:
        """Look for the act's number among the transactions since the eve of its archive.

        It is ours when its file bears our name; before the answer, when S2LOW does not tell the names yet, when date
        and subject are the same too. An older use of the number is refused by S2LOW itself at the deposit.
        """
        siren, act = deposit.account.siren, deposit.act
        client = self._client(siren)
        since = day(_day(deposit) - timedelta(days=1))
        listed = transactions(client, f"{_ACTES}/api/list_actes.php", _STATUSES, min_submission_date=since)
        other = None
        for status, one in listed:
            if str(one.get("number")) != act.number or str(one.get("type", "1")) != "1":
                continue
            reference = f"{siren}/{one['id']}"
            if status in _BEFORE_ANSWER:
                ours = str(one.get("date", "")) == str(act.decided_on) and _same(
                    one.get("subject"), act.subject
                )
            else:
                ours = self._posted(client, str(one["id"])) == _filename(deposit, deposit.main, 1)
            if ours:
                return Found(reference, ours=True)
            other = other or Found(reference, ours=False)
        return other

    def poll(self, reference: str) -> Reply:
        """The receipt or the anomaly in the Préfecture's bytes; a refusal by the operator alone is a sentence."""
        siren, _, number = reference.partition("/")
        if not number.isdigit():
            raise LookupError(reference)
        client = self._client(siren)
        said = status_of(client.get(f"{_ACTES}/actes_transac_get_status.php", transaction=number))
        if said.code in ACKNOWLEDGED:
            # Later states no longer bring the receipt with them.
            receipt = said.rest if said.rest.lstrip().startswith(b"<") else None
            receipt = receipt or client.maybe(f"{_ACTES}/actes_transac_get_ARActe.php", id=number)
            return Reply(receipt, f"AR-{number}.xml") if receipt else Reply(None, None)
        if said.code == ERROR and b"<" in said.rest:
            return Reply(said.rest, f"anomalie-{number}.xml")
        if said.code in {ERROR, CANCELLED}:
            verb = "refuse" if said.code == ERROR else "a annulé"
            words = " ".join(decode(said.rest).split()).rstrip(".") or "sans motif"
            return Reply(None, None, f"L’opérateur {verb} l’acte : {words}.")
        return Reply(None, None)

    def stamped(self, reference: str, original_sha256: str) -> bytes | None:
        """The copy that S2LOW stamps, or None when it hands the unstamped file back under 200."""
        siren, _, number = reference.partition("/")
        client = self._client(siren)
        listed = client.get(f"{_ACTES}/actes_transac_get_files_list.php", transaction=number)
        act = _files(listed)[1:2]
        if not act:
            return None
        copy = client.get(f"{_ACTES}/actes_download_file.php", file=act[0].get("id"), tampon="true")
        same = hashlib.sha256(copy).hexdigest() == original_sha256
        return None if same or not copy.startswith(b"%PDF-") else copy

    def _posted(self, client: Client, number: str) -> str:
        """The name that we gave to the act's file."""
        listed = _files(client.get(f"{_ACTES}/actes_transac_get_files_list.php", transaction=number))
        return str(listed[1].get("posted_filename", "")) if len(listed) > 1 else ""

    @staticmethod
    def _upload(deposit: Deposit, piece: Piece, field: str, rank: int) -> Upload:
        if piece.path is None:
            raise LookupError(piece.title)
        return Upload(field, _filename(deposit, piece, rank), _MEDIA[piece.kind], piece.path)

    def _client(self, siren: str) -> Client:
        return Client(self._settings, account_of(self._settings, siren))


def _fields(deposit: Deposit) -> list[tuple[str, str]]:
    act = deposit.act
    return [
        ("api", "1"),
        ("nature_code", str(act.nature)),
        *((f"classif{level}", str(code)) for level, code in enumerate(act.matters, 1)),
        ("number", act.number),
        ("decision_date", str(act.decided_on)),
        ("subject", transliterate(act.subject)),
        ("document_papier", "1" if act.paper else "0"),
        ("en_attente", "0"),
    ]


def _filename(deposit: Deposit, piece: Piece, rank: int) -> str:
    """Drawn from the archive's serial, which is the parcel's own: `find` recognises it."""
    return f"{serial_of(deposit.archive_name)}-{rank}.{piece.kind}"


def _day(deposit: Deposit) -> date:
    outer = ARCHIVE.fullmatch(deposit.archive_name)
    inner = ENVELOPE.fullmatch(f"{outer['envelope']}.xml") if outer else None
    if inner is None:
        raise LookupError(deposit.archive_name)
    return date.fromisoformat(inner["day"])


def _same(listed: object, subject: str) -> bool:
    return " ".join(str(listed).split()) == " ".join(transliterate(subject).split())


def _files(raw: bytes) -> list[dict[str, object]]:
    try:
        listed = json.loads(raw)
    except ValueError:
        if raw.startswith(b"KO"):
            return []  # « Pas d'acquittement recu »: it does not tell yet
        raise Unreachable(f"Réponse inattendue de S2LOW : « {decode(raw)[:200]} »") from None
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
