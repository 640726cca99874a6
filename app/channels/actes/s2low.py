"""Acts through S2LOW: deposited field by field, looked up by their number, receipts read back as they are.

What comes and goes about an act that the Préfecture has is in `s2low_letters`.

A reference is « SIREN/number »: it says whose certificate may ask for it.
"""

import hashlib
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from app.channels.actes.envelope import Account
from app.channels.actes.message import transliterate
from app.channels.actes.naming import ARCHIVE, ENVELOPE
from app.channels.actes.s2low_files import ACTES, filename, files, posted, upload
from app.channels.actes.s2low_letters import Letters
from app.channels.actes.transport import Deposit, Followup, Letter, Match, Reply
from app.core.clock import PARIS, now
from app.transmission.ports import AccountRefused, Rejected, Stage
from app.transmission.s2low.answers import (
    ACKNOWLEDGED,
    CANCELLED,
    ERROR,
    REPLY_ACKNOWLEDGED,
    created,
    decode,
    stage_of,
    status_of,
    unexpected,
)
from app.transmission.s2low.client import Client
from app.transmission.s2low.listing import day, transactions
from app.transmission.s2low.settings import S2lowSettings, account_of

_BEFORE_ANSWER: Final = (1, 2, 3, 17, 18)
_STATUSES: Final = (*_BEFORE_ANSWER, 4, -1, 0, 5, 6, 12, 13, 14, 16, 19, 20, 22)
_FILE_LATE: Final = Stage("Accusé annoncé par l’opérateur, qui ne le donne pas encore", left=True)
_RECEIVED: Final = ACKNOWLEDGED | {REPLY_ACKNOWLEDGED}


class S2lowActes:
    """The transport of acts through S2LOW."""

    relayed = True

    def __init__(self, settings: S2lowSettings) -> None:
        self._settings = settings
        self._letters = Letters(self._client)

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
        uploads = [upload(deposit.archive_name, deposit.main, "acte_pdf_file", 1)]
        fields = [*_fields(deposit), ("type_acte", deposit.main.type_code or "")]
        # The lists of files and types are read side by side: both come from one ordered list.
        for rank, piece in enumerate(deposit.annexes, 2):
            uploads.append(upload(deposit.archive_name, piece, "acte_attachments[]", rank))
            fields.append(("type_pj[]", piece.type_code or ""))
        raw = self._client(siren).post(f"{ACTES}/actes_transac_create.php", fields, uploads)
        return f"{siren}/{created(raw)}"

    def find(self, deposit: Deposit) -> Match | None:
        """Look for the act's number among the transactions since the eve of its archive.

        It is ours when its file bears our name; before the answer, when S2LOW does not tell the names yet, when date
        and subject are the same too. An older use of the number is refused by S2LOW itself at the deposit.
        """
        siren, act = deposit.account.siren, deposit.act
        client = self._client(siren)
        since = day(_day(deposit) - timedelta(days=1))
        listed = transactions(
            client, f"{ACTES}/api/list_actes.php", _STATUSES, min_submission_date=since, min_date=since
        )
        other = None
        for status, row in listed:
            if str(row.get("number")) != act.number or str(row.get("type", "1")) != "1":
                continue
            reference = f"{siren}/{row['id']}"
            if status in _BEFORE_ANSWER:
                ours = str(row.get("date", "")) == str(act.decided_on) and _same(
                    row.get("subject"), act.subject
                )
            else:
                names = posted(client, str(row["id"]))
                ours = names[:1] == [filename(deposit.archive_name, deposit.main, 1)]
            if ours:
                return Match(reference, ours=True)
            other = other or Match(reference, ours=False)
        return other

    def poll(self, reference: str, back: str = "") -> Reply:
        """The receipt (1-2, 3-5, 4-5 or 6-2) or the anomaly in the Préfecture's bytes.

        A refusal by the operator alone is a sentence.
        """
        siren, _, number = reference.partition("/")
        if not number.isdigit():
            raise LookupError(reference)
        client = self._client(siren)
        status = status_of(client.get(f"{ACTES}/actes_transac_get_status.php", transaction=number))
        if status.code in _RECEIVED:
            # Later states no longer bring the receipt with them.
            receipt = status.rest if status.rest.lstrip().startswith(b"<") else None
            receipt = receipt or client.maybe(f"{ACTES}/actes_transac_get_ARActe.php", id=number)
            return Reply(receipt, f"AR-{number}.xml") if receipt else Reply(None, None, stage=_FILE_LATE)
        if status.code == ERROR and b"<" in status.rest:
            return Reply(status.rest, f"anomalie-{number}.xml")
        if status.code in {ERROR, CANCELLED}:
            verb = "refuse" if status.code == ERROR else "a annulé"
            reason = " ".join(decode(status.rest).split()).rstrip(".") or "sans motif"
            return Reply(None, None, f"L’opérateur {verb} l’envoi : {reason}.")
        return Reply(None, None, stage=stage_of(status.code, self._confirmation(number, back)))

    def _confirmation(self, number: str, back: str) -> str:
        """Where an agent confirms, with his own certificate, what the technical account may not send on."""
        home = f"{back}?erreur=%%ERROR%%&message=%%MESSAGE%%"
        query = urlencode({"id": number, "url_return": home})
        return f"{self._settings.url.rstrip('/')}{ACTES}/actes_transac_post_confirm_api.php?{query}"

    stamps = True

    def stamped(self, reference: str, original_sha256: str) -> bytes | None:
        """The copy that S2LOW stamps, or None when it hands the unstamped file back under 200."""
        siren, _, number = reference.partition("/")
        if not number.isdigit():
            raise LookupError(reference)
        client = self._client(siren)
        listed = client.get(f"{ACTES}/actes_transac_get_files_list.php", transaction=number)
        act = files(listed)[1:2]
        if not act:
            return None
        copy = client.get(f"{ACTES}/actes_download_file.php", file=act[0].get("id"), tampon="true")
        same = hashlib.sha256(copy).hexdigest() == original_sha256
        return None if same or not copy.startswith(b"%PDF-") else copy

    def slip(self, reference: str) -> bytes | None:
        """The slip that S2LOW writes of a transaction that was acknowledged."""
        _, _, number = reference.partition("/")
        if not number.isdigit():
            raise LookupError(reference)
        client = self._client(reference.partition("/")[0])
        slip = client.maybe(f"{ACTES}/actes_create_pdf.php", trans_id=number)
        return slip if slip and slip.startswith(b"%PDF-") else None

    def letters(self, account: Account) -> Sequence[Letter]:
        """What the Préfecture wrote and the operator holds as unread."""
        return self._letters.letters(account)

    def taken(self, account: Account, reference: str) -> None:
        """Mark it as read at the operator's."""
        self._letters.taken(account, reference)

    def follow(self, followup: Followup, archive: Path) -> str:
        """Post a reply or a cancellation; the operator makes the archive itself."""
        del archive
        return self._letters.follow(followup)

    def followed(self, followup: Followup) -> str | None:
        """Look for this very message among the exchanges of the act."""
        return self._letters.followed(followup)

    def classification(self, siren: str) -> bytes:
        """The last message 7-2 that the operator received for this collectivity.

        It is asked to have a new one come on one day of the week, which differs from one collectivity to the next, and when
        it has none: the answer comes to the operator later. Refuses with `Rejected` while there is none.
        """
        client = self._client(siren)
        raw = client.get(f"{ACTES}/actes_classification_fetch.php", api=1)
        none = raw.lstrip().startswith(b"KO")
        if none and isinstance(fault := unexpected(raw), AccountRefused):
            raise fault  # nothing was asked for, since nobody was let in
        if none or now().astimezone(PARIS).weekday() == int(siren) % 7:
            # Too soon after another is a « KO » that changes nothing: what is there serves.
            client.get(f"{ACTES}/actes_classification_request.php", api=1)
        if none:
            raise Rejected("L’opérateur n’a pas encore la classification : elle vient d’être demandée.")
        return raw

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


def _day(deposit: Deposit) -> date:
    outer = ARCHIVE.fullmatch(deposit.archive_name)
    inner = ENVELOPE.fullmatch(f"{outer['envelope']}.xml") if outer else None
    if inner is None:
        raise LookupError(deposit.archive_name)
    return date.fromisoformat(inner["day"])


def _same(listed: object, subject: str) -> bool:
    return " ".join(str(listed).split()) == " ".join(transliterate(subject).split())
