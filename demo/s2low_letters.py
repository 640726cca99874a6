"""The part of S2LOW's face that speaks of acts already received: unread letters, their archives, replies, cancellations.

Behind it stands the office of the simulated Préfecture. As S2LOW does, it acknowledges letters by itself (3-2, 4-2), puts
aside a late anomaly or a receipt given once more, and lists an answered letter no more, but its replies instead.
"""

import json
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from werkzeug.wrappers import Request, Response

from app.channels import create_only
from app.channels.actes.archive import write_archive
from app.channels.actes.channel import ActesChannel
from app.channels.actes.classification import load_classification
from app.channels.actes.envelope import account_of, service_of, write_return_envelope
from app.channels.actes.exchanges import ACKNOWLEDGEMENTS, FORMS, read_exchange
from app.channels.actes.naming import return_envelope_name, serial_of
from app.channels.actes.receipt import read_receipt
from app.channels.actes.settings import ActesSettings
from app.core.clock import PARIS, now
from app.pdf.printed import stamp
from app.transmission.ports import Parcel, ParcelFile, Rejected, Sender
from demo.prefecture.office import LATE_ANOMALY, MARK, RECEIPT, load, page_of
from demo.prefecture.simulator import CONTACT, SimulatedPrefecture
from demo.s2low_bytes import as_json, as_text, parcel_file

_REPLIES: Final = {
    ("2-1", "4"): "2-2",
    ("2-1", "3"): "2-2",
    ("3-1", "4"): "3-4",
    ("3-1", "3"): "3-3",
    ("4-1", "4"): "4-4",
    ("4-1", "3"): "4-3",
}
_UNKNOWN: Final = "KO\nNuméro de transaction invalide."
_INDEX: Final = {"Location": "/modules/actes/index.php"}


class OfficeFace:
    """The addresses of S2LOW about what follows a receipt, for the one collectivity of its certificates."""

    def __init__(self, actes: ActesSettings, authority: Sender) -> None:
        self.actes, self.authority = actes, authority
        self.stage: int | None = None
        """The state in which everything deposited is held from now on, as an operator holds it; None to send it on."""

    @property
    def _prefecture(self) -> SimulatedPrefecture:
        return SimulatedPrefecture(self.actes, load_classification(self.actes.classification_file), now)

    def _actes_transac_post_confirm_api(self, request: Request) -> Response:
        """An agent confirms: what was held is sent on, and he is led back."""
        self.stage = None
        marks = {"%%ERROR%%": "0", "%%MESSAGE%%": "OK"}
        back = request.args.get("url_return", "")
        for mark, value in marks.items():
            back = back.replace(mark, value)
        return Response("", 302, {"Location": back})

    def _actes_create_pdf(self, request: Request) -> Response:
        """The slip of an act that was acknowledged: a page that names it."""
        reference = request.args.get("trans_id", "")
        number, (status, _) = self._ticket(reference).get("number"), self._state(reference) or (0, None)
        if number is None or status != 4:
            return Response("", 302, _INDEX)
        return Response(
            page_of("Bordereau d'acquittement", str(number), MARK, now().date()), mimetype="application/pdf"
        )

    def _list_document_prefecture(self, request: Request) -> Response:
        del request
        rows = []
        for letter in self._prefecture.letters(account_of(self.authority)):
            number, code = self._about(letter.reference)
            if code in {LATE_ANOMALY, RECEIPT}:
                continue
            read = read_exchange(letter.message)
            if code in ACKNOWLEDGEMENTS:
                facts = {"code": ACKNOWLEDGEMENTS[code], "letter_date": str(read.dated_on)}
                self._post(f"s2low-ar-{letter.reference}", facts | {"identifier": read.identifier}, ())
            rows.append(
                {
                    "id": int(letter.reference),
                    "type": code[0],
                    "number": number,
                    "unique_id": read.identifier,
                    "related_transaction_id": self._act(number),
                    "last_status_id": _received(code),
                }
            )
        return as_json(rows, indent=1)

    def _document_prefecture_mark_as_read(self, request: Request) -> Response:
        self._prefecture.taken(account_of(self.authority), request.args.get("transaction_id", ""))
        return as_json({"result": "ok"}, separators=(",", ":"))

    def _actes_transac_get_document(self, request: Request) -> Response:
        reference = request.args.get("id", "")
        if unique := request.args.get("unique_id"):
            reference = str(self._act(unique.split("-")[3]) or "")
        ticket = self._ticket(reference)
        if not ticket:
            return as_text(_UNKNOWN)
        if "number" not in ticket:
            return Response("", 302, {"Location": f"actes_download_file.php?env={reference}"})
        return as_text("".join(f"{line}\n" for line in self._exchanges(ticket["number"])))

    def _actes_download_file(self, request: Request) -> Response:
        if "file" in request.args:
            return self._document(request.args["file"], stamped="tampon" in request.args)
        reference = request.args.get("env", "")
        ticket, siren = self._ticket(reference), self.authority.siren
        if "letter" in ticket:
            return Response(self._letter(reference), mimetype="application/gzip")
        record = load(self.actes.folder / "followups" / siren / f"{ticket.get('followup')}.json")
        if record is None:
            return Response("", 302, _INDEX)
        archive = self.actes.folder / "archives" / f"{record['sha256']}.tar.gz"
        return Response(archive.read_bytes(), mimetype="application/gzip")

    def _document(self, key: str, *, stamped: bool) -> Response:
        """A document of an act, by the identifier of its list: its own reference, then its rank in the archive."""
        reference, rank = key[:-1], key[-1:]
        number, (status, _) = self._ticket(reference).get("number"), self._state(reference) or (0, None)
        record = load(self.actes.folder / "numbers" / self.authority.siren / f"{number}.json")
        if record is None or status != 4:
            return Response("", 302, _INDEX)
        with tarfile.open(self.actes.folder / "archives" / f"{record['sha256']}.tar.gz") as archive:
            member = archive.extractfile(archive.getmembers()[1 + int(rank)])
            content = member.read() if member else b""
        if stamped and content.startswith(b"%PDF-"):
            content = _stamped(content, f"Reçu en préfecture le {now().astimezone(PARIS):%d/%m/%Y}")
        return Response(content, mimetype="application/octet-stream")

    def _actes_transac_reponse_create(self, request: Request) -> Response:
        form, main = request.form, request.files.get("acte_pdf_file")
        # `api` in the query and in the form do not bring the same words.
        done, refused = (
            ("OK : id généré : {}\n", "KO : {}") if "api" in request.args else ("OK\n{}\n\n", "KO\n{}")
        )
        if "letter" not in self._ticket(form.get("id", "")) or main is None:
            return as_text(refused.format("Envoi de fichier illégal."))
        _, question = self._about(form["id"])
        code = _REPLIES.get((question, form.get("type_envoie", "")))
        if code is None:
            return as_text(refused.format("Vous devez choisir un type de réponse"))
        annexes, types = request.files.getlist("acte_attachments[]"), form.getlist("type_pj[]")
        if "type_acte" not in form or len(types) != len(annexes):
            return as_text(refused.format("Erreur lors de la réception du fichier : typologie absente"))
        read = read_exchange((self._folder(form["id"]) / self._index(form["id"])["message"]).read_bytes())
        facts = {"code": code, "identifier": read.identifier, "letter_date": str(read.dated_on)}
        with tempfile.TemporaryDirectory() as room:
            files = [parcel_file(Path(room), "main", main, form["type_acte"])]
            if FORMS[code].files == "many":
                files += [
                    parcel_file(Path(room), "attachment", annex, kind)
                    for annex, kind in zip(annexes, types, strict=True)
                ]
            try:
                reference = self._post(f"s2low-{uuid4().hex}", facts | {"letter": form["id"]}, tuple(files))
            except Rejected as error:
                return as_text(refused.format(error.reason))
        return as_text(done.format(reference))

    def _actes_transac_cancel(self, request: Request) -> Response:
        reference = request.form.get("id", "")
        number = self._ticket(reference).get("number")
        if number is None:
            return as_text("KO\nErreur d'initialisation de la transaction.")
        if any(line.startswith("6-3-") for line in self._exchanges(number)):
            return as_text("KO\nUne demande d'annulation est déjà en cours pour cette transaction.")
        status, receipt = self._state(reference) or (0, None)
        if status != 4:
            return as_text(
                "KO\nImpossible d'annuler une transaction qui n'est pas en état « Acquittement reçu »."
            )
        facts = {"code": "6-1", "identifier": read_receipt(receipt or b"").identifier, "deposit": reference}
        try:
            return as_text(f"OK\n{self._post(f's2low-{uuid4().hex}', facts, ())}\n\n")
        except Rejected as error:
            return as_text(f"KO\n{error.reason}")

    def _post(self, key: str, facts: dict[str, Any], files: tuple[ParcelFile, ...]) -> str:
        """Send it in an envelope of the operator's own, and remember the names that its sender gave."""
        parcel = Parcel(key, 0, "", "", {"followup": facts}, files, self.authority, (), "", now())
        channel = ActesChannel(self.actes, self._prefecture, now)
        with tempfile.TemporaryDirectory() as room:
            package = channel.package(parcel, Path(room))
            record = {
                "letter": facts.get("letter"),
                "posted": [file.filename for file in files],
                "types": [file.type_code for file in files],
            }
            create_only(
                self._posted_path(f"reply-{serial_of(package.filename)}"), json.dumps(record).encode()
            )
            return channel.send(parcel, package)

    def _exchanges(self, number: str) -> Iterator[str]:
        sent = [
            followup | {"told": load(self._posted_path(f"reply-{serial_of(followup['archive'])}")) or {}}
            for followup in self._prefecture.office.followups(self.authority.siren)
            if followup["identifier"].split("-")[3] == number
        ]
        letters = self.actes.folder / "letters" / self.authority.siren
        indexes = [load(path) or {} for path in letters.glob(f"{number}-[2-5]-1/letter.json")]
        for index in sorted(indexes, key=lambda entry: int(entry["reference"])):
            replies = [reply for reply in sent if reply["told"].get("letter") == str(index["reference"])]
            for reply in replies or [index]:
                yield f"{index['code'][0]}-{self._status(reply['reference'])}-{reply['reference']}"
        for reply in sent:
            if reply["code"] == "6-1":
                yield f"6-{self._status(reply['reference'])}-{reply['reference']}"

    def _status(self, reference: int) -> int:
        status, _ = self._state(str(reference)) or (-1, None)
        return status

    def _state(self, reference: str) -> tuple[int, bytes | None] | None:
        """Where a transaction of any kind stands, and the message of that state."""
        ticket, prefecture = self._ticket(reference), self._prefecture
        if "letter" in ticket:
            return _received(ticket["letter"][-3:]), None
        try:
            reply = prefecture.poll(reference)
        except LookupError:
            return None
        if self.stage is not None:
            return self.stage, None
        cancelled = load(
            self.actes.folder / "cancelled" / self.authority.siren / f"{ticket.get('number')}.json"
        )
        if cancelled and prefecture.office.receipt(self.authority.siren, cancelled["serial"]):
            return 0, None
        if reply.message is None:
            return 3, None
        return (-1 if b"Anomalie" in reply.message[:400] else 4), reply.message

    def _letter(self, reference: str) -> bytes:
        """The archive of a letter: its envelope, its message and its documents, in the order of their names."""
        account, index, folder = account_of(self.authority), self._index(reference), self._folder(reference)
        message = (folder / index["message"]).read_bytes()
        day = read_exchange(message).dated_on or now().date()
        envelope = return_envelope_name(
            self.actes.application, service_of(account), account.siren, day, int(reference)
        )
        announced = write_return_envelope(account, CONTACT, (index["message"],), self.actes.schema_folder)
        entries: dict[str, bytes | Path] = {envelope: announced, index["message"]: message}
        entries |= {name: folder / name for name in index["files"]}
        with tempfile.TemporaryDirectory() as room:
            target = Path(room) / "letter.tar.gz"
            write_archive(target, sorted(entries.items()), 0)
            return target.read_bytes()

    def _about(self, reference: str) -> tuple[str, str]:
        """The number of the act that a letter is about, and its code."""
        key = self._ticket(reference)["letter"]
        return key[:-4], key[-3:]

    def _folder(self, reference: str) -> Path:
        return self.actes.folder / "letters" / self.authority.siren / str(self._ticket(reference)["letter"])

    def _index(self, reference: str) -> dict[str, Any]:
        return load(self._folder(reference) / "letter.json") or {}

    def _act(self, number: str) -> int | None:
        record = load(self.actes.folder / "numbers" / self.authority.siren / f"{number}.json")
        return int(record["reference"]) if record else None

    def _ticket(self, reference: str) -> dict[str, Any]:
        """What a reference was given for; nothing when it never was."""
        return (load(self.actes.folder / "ids" / f"{reference}.json") or {}) if reference.isdigit() else {}

    def _posted(self, reference: str) -> dict[str, Any]:
        ticket = self._ticket(reference)
        name = ticket.get("number") or f"reply-{ticket.get('followup')}"
        return load(self._posted_path(name)) or {"posted": [], "types": []}

    def _posted_path(self, name: str) -> Path:
        return self.actes.folder / "posted" / self.authority.siren / f"{name}.json"


def _stamped(content: bytes, text: str) -> bytes:
    with tempfile.TemporaryDirectory() as room:
        source, target = Path(room) / "act.pdf", Path(room) / "copy.pdf"
        source.write_bytes(content)
        return stamp(source, target, [text], simulated=True).read_bytes()


def _received(code: str) -> int:
    """8: received and acknowledged; 21: received, and there is nothing to acknowledge."""
    return 8 if code in ACKNOWLEDGEMENTS else 21
