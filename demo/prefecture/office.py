"""The legality office of the Préfecture FACTICE: it writes letters about acts, and takes what is answered to them.

Under the folder of the simulated Préfecture, every file created once, whole and flushed:

    letters/<siren>/<key>/       a letter: its message, its document, letter.json
    asked/<siren>/<key>.json     a letter that somebody asked for, by the button or a test
    taken/<siren>/<reference>    the letters that the sender stored
    followups/<siren>/<n>.json   what was sent about an act, by the serial of its archive
    cancelled/<siren>/<act>.json the acts whose cancellation was accepted

Beside its letters it may write an anomaly 1-3 that comes late, and give the receipt 1-2 of an act once more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.channels import create_only
from app.channels.actes.archive import BadArchive, digest, read_archive
from app.channels.actes.classification import Classification
from app.channels.actes.envelope import Account, read_envelope
from app.channels.actes.exchanges import (
    ACKNOWLEDGEMENTS,
    LETTERS,
    RECEIPTS,
    REPLIES,
    Exchange,
    read_exchange,
    write_exchange,
)
from app.channels.actes.naming import ENVELOPE, IDENTIFIER, document_name, message_name, read_name, serial_of
from app.channels.actes.settings import ActesSettings
from app.channels.actes.transport import Followup, Letter
from app.channels.actes.xmltree import Malformed, complaint, parse
from app.core.clock import PARIS
from app.transmission.ports import Rejected
from demo.prefecture import answers

if TYPE_CHECKING:
    from lxml.etree import _Element

MARK: Final = "FACTICE : réponse du simulateur de Paraphe, sans aucune valeur juridique"
RECEIPT: Final = "1-2"
LATE_ANOMALY: Final = "1-3"
_WORDS: Final = {
    "3-1": f"Merci de transmettre les statuts et le budget prévisionnel. ({MARK})",
    "4-1": f"Le quorum n'est pas mentionné dans la délibération. ({MARK})",
    "5-1": f"Incompétence de l'auteur de l'acte. ({MARK})",
}
_TITLES: Final = {
    "2-1": "Courrier simple",
    "3-1": "Demande de pièces complémentaires",
    "4-1": "Lettre d'observations",
    "5-1": "Déféré au tribunal administratif",
}


@dataclass(frozen=True)
class KnownAct:
    """An act that this Préfecture acknowledged: its number, identifier and own element, its receipt's name and bytes."""

    number: str
    identifier: str
    element: _Element
    receipt: tuple[str, bytes]


class SimulatedOffice:
    """What happens to acts after their receipt.

    `known` lists those of a SIREN whose number is wanted, `number_of` gives a new reference.
    """

    def __init__(
        self,
        settings: ActesSettings,
        classification: Classification,
        clock: Callable[[], datetime],
        known: Callable[[str, Callable[[str], object]], Iterator[KnownAct]],
        number_of: Callable[[dict[str, str]], int],
    ) -> None:
        self._settings = settings
        self._classification = classification
        self._clock = clock
        self._known = known
        self._number_of = number_of
        self._root = settings.folder

    def ask(self, siren: str, number: str, code: str) -> None:
        """Have a letter of this code written about an acknowledged act; asked twice, it is written once."""
        if code not in {*LETTERS, LATE_ANOMALY, RECEIPT}:
            raise ValueError(code)
        record = {"number": number, "code": code}
        create_only(self._root / "asked" / siren / f"{number}-{code}.json", _json(record))

    def letters(self, account: Account) -> Sequence[Letter]:
        """The letters that are due and not taken, oldest first; always in the same bytes."""
        entries = []
        siren = account.siren
        for act in self._known(siren, lambda number: self._due(siren, number)):
            for code in self._due(account.siren, act.number):
                folder = self._root / "letters" / account.siren / f"{act.number}-{code}"
                index = load(folder / "letter.json") or self._write(folder, act, code, account)
                if not (self._root / "taken" / account.siren / str(index["reference"])).exists():
                    entries.append(index | {"folder": folder})
        entries.sort(key=lambda entry: int(entry["reference"]))
        return [
            Letter(
                str(entry["reference"]),
                (entry["folder"] / entry["message"]).read_bytes(),
                entry["message"],
                tuple((name, (entry["folder"] / name).read_bytes()) for name in entry["files"]),
            )
            for entry in entries
        ]

    def taken(self, account: Account, reference: str) -> None:
        """Do not give it again."""
        if reference.isdigit():
            create_only(self._root / "taken" / account.siren / reference, b"")

    def followed(self, followup: Followup) -> str | None:
        """The reference under which this very message was accepted."""
        record = load(self._followup_path(followup.account.siren, followup.archive_name))
        return str(record["reference"]) if record else None

    def follow(self, followup: Followup, archive: Path) -> str:
        """Open the archive, hold it against what this office knows of the act, accept it once; refuses with `Rejected`."""
        siren = followup.account.siren
        if known := self.followed(followup):
            raise Rejected(f"Cet envoi est déjà reçu, sous la référence {known}.")
        exchange = self._opened(archive, followup)
        about = exchange.identifier.split("-")[3]
        acts = self._known(siren, lambda number: number == about)
        act = next((candidate for candidate in acts if candidate.identifier == exchange.identifier), None)
        if act is None:
            raise Rejected("Cet acte n’a pas d’accusé de cette préfecture : rien ne peut y répondre (W01).")
        path = self._followup_path(siren, followup.archive_name)
        if exchange.code == "6-1":
            self._cancel(siren, act.number, path.stem)
        else:
            self._answers_a_letter(siren, act.number, exchange)
        sha256 = digest(archive)
        create_only(self._root / "archives" / f"{sha256}.tar.gz", archive)
        moment = self._clock()
        reference = self._number_of({"siren": siren, "followup": path.stem})
        record = {
            "reference": reference,
            "archive": followup.archive_name,
            "sha256": sha256,
            "code": exchange.code,
            "identifier": exchange.identifier,
            "letter_date": exchange.dated_on.isoformat() if exchange.dated_on else None,
            "due_at": (moment + timedelta(seconds=self._settings.delay_seconds)).isoformat(),
            "mark": MARK,
        }
        if not create_only(path, _json(record)):
            raise Rejected("Cet envoi est déjà reçu.")
        return str(reference)

    def receipt(self, siren: str, serial: str) -> tuple[str, bytes] | None:
        """The name and bytes of the receipt of an accepted message, None while there is none."""
        record = load(self._root / "followups" / siren / f"{serial}.json")
        if record is None or record["code"] not in RECEIPTS:
            return None
        due = datetime.fromisoformat(record["due_at"])
        if self._clock() < due:
            return None
        code = RECEIPTS[record["code"]]
        dated = date.fromisoformat(record["letter_date"]) if record["letter_date"] else None
        exchange = Exchange(code, record["identifier"], dated, due.astimezone(PARIS).date())
        name = message_name(record["identifier"], code, int(record["reference"]))
        return name, write_exchange(exchange, MARK, self._settings.schema_folder)

    def followups(self, siren: str) -> list[dict[str, Any]]:
        """Everything that was accepted about this collectivity's acts, in the order of reception."""
        followups = [load(path) or {} for path in (self._root / "followups" / siren).glob("[!.]*.json")]
        return sorted(followups, key=lambda followup: int(followup["reference"]))

    def _due(self, siren: str, number: str) -> list[str]:
        """The letters asked for about an act, in the order of their codes."""
        requests = [
            load(path) or {} for path in (self._root / "asked" / siren).glob(f"{number}-[0-9]-[0-9].json")
        ]
        return sorted(request["code"] for request in requests)

    def _write(self, folder: Path, act: KnownAct, code: str, account: Account) -> dict[str, Any]:
        reference = self._number_of({"siren": account.siren, "letter": folder.name})
        today, schema = self._clock().astimezone(PARIS).date(), self._settings.schema_folder
        files: tuple[str, ...] = ()
        if code == RECEIPT:
            name, message = act.receipt
        elif code == LATE_ANOMALY:
            name = f"{account.department}-{account.siren}----1-3_{reference}.xml"
            detail = f"ODT-VERIF-01 : anomalie tardive ({MARK})"
            dated = self._classification.dated
            message = answers.write_anomaly(act.element, "002", detail, today, dated, MARK, schema)
        else:
            name = message_name(act.identifier, code, reference)
            files = (document_name(None, act.identifier, reference - 1, "pdf", code),)
            exchange = Exchange(code, act.identifier, today, free_text=_WORDS.get(code), files=files)
            message = write_exchange(exchange, MARK, schema)
            create_only(
                folder / files[0], page_of(_TITLES[code], act.identifier, _WORDS.get(code, MARK), today)
            )
        create_only(folder / name, message)
        index = {"reference": reference, "message": name, "files": list(files), "code": code}
        create_only(folder / "letter.json", _json(index))
        return load(folder / "letter.json") or index

    def _opened(self, archive: Path, followup: Followup) -> Exchange:
        """What the archive says, once every rule on its form is kept."""
        try:
            members = {
                member.name: member for member in read_archive(archive, self._settings.max_archive_bytes)
            }
            (envelope,) = [member for name, member in members.items() if ENVELOPE.fullmatch(name)]
            announced = read_envelope(parse(envelope.content or b"").getroot())
            (form,) = announced.forms
            tree = parse(members[form].content or b"")
        except (BadArchive, Malformed, ValueError, KeyError) as error:
            raise Rejected(f"L’archive ne peut pas être lue ({error}).") from error
        if fault := complaint(tree, self._settings.schema_folder):
            raise Rejected(f"« {form} » ne respecte pas le schéma ({fault}).")
        read = read_exchange(members[form].content or b"", self._settings.schema_folder)
        if announced.account != followup.account or read.code != followup.code:
            raise Rejected("L’archive ne dit pas ce que l’envoi annonce (E03, X05).")
        if read.identifier is None or not IDENTIFIER.fullmatch(read.identifier):
            raise Rejected("L’archive ne dit pas ce que l’envoi annonce (E03, X05).")
        if set(read.files) != set(members) - {envelope.name, form}:
            raise Rejected("Les documents de l’archive ne sont pas ceux que le message nomme (X04).")
        for name in read.files:
            parts = read_name(name)
            if parts is None or parts.code != read.code or parts.type_code is None:
                raise Rejected(f"« {name} » n’est pas le nom d’une pièce typée de cette réponse (X04, A10).")
        return Exchange(read.code, read.identifier, read.dated_on, files=read.files)

    def _cancel(self, siren: str, number: str, serial: str) -> None:
        path = self._root / "cancelled" / siren / f"{number}.json"
        if not create_only(path, _json({"serial": serial})) and (load(path) or {}).get("serial") != serial:
            raise Rejected("Une annulation de cet acte est déjà demandée (W01).")

    def _answers_a_letter(self, siren: str, number: str, exchange: Exchange) -> None:
        """W03: nothing is answered to a letter that was not written, nor under another date than its own."""
        for code in (
            letter for letter in LETTERS if exchange.code in (*REPLIES[letter], ACKNOWLEDGEMENTS.get(letter))
        ):
            folder = self._root / "letters" / siren / f"{number}-{code}"
            index = load(folder / "letter.json")
            if (
                index
                and read_exchange((folder / index["message"]).read_bytes()).dated_on == exchange.dated_on
            ):
                return
        raise Rejected("Aucun courrier de cette préfecture n’attend cette réponse (W03).")

    def _followup_path(self, siren: str, archive: str) -> Path:
        return self._root / "followups" / siren / f"{serial_of(archive)}.json"


def load(path: Path) -> dict[str, Any] | None:
    """The record of a file, None when there is none."""
    try:
        loaded: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return loaded


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"


def page_of(title: str, identifier: str, text: str, today: date) -> bytes:
    """A letter or a slip as a page, marked for what it is."""
    from fpdf import FPDF

    page = FPDF(format="A4")
    page.add_page()
    for line, size in (
        (f"FACTICE - {title}", 16),
        (f"Acte {identifier}", 11),
        (f"Le {today:%d/%m/%Y}", 11),
        (text, 11),
    ):
        page.set_font("Helvetica", size=size)
        page.multi_cell(
            0, 8, line.encode("latin-1", "replace").decode("latin-1"), new_x="LMARGIN", new_y="NEXT"
        )
    return bytes(page.output())
