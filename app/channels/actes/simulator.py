"""A Préfecture FACTICE in a folder: it opens the real archive, applies every rule, and answers in valid messages.

Every file is created once, whole and flushed, and never changed: a kill at any moment loses no accepted act, and
processes may share the folder. The record in numbers/ is the acceptance; what precedes it may be done again.

    archives/<sha256>.tar.gz     what was received
    ids/<number>.json            the references given, growing
    numbers/<siren>/<act>.json   the act numbers consumed, for ever
    answers/<reference>/         the answer and its return envelope

Acts whose number ends with _KO are refused by a message 1-3 and with _ANO by an anomaly of the envelope; _LENT never
gets its answer; _MUET is accepted and the sender hears nothing. What follows a receipt is in `simulated_office`.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from app.channels import create_only
from app.channels.actes import answers
from app.channels.actes.act import identifier_of
from app.channels.actes.archive import digest
from app.channels.actes.classification import SHIPPED, Classification, read_classification
from app.channels.actes.envelope import Account, Contact, service_of, write_return_envelope
from app.channels.actes.inspection import Inspected, Refused, inspect
from app.channels.actes.naming import message_name, return_envelope_name, serial_of
from app.channels.actes.rules import Bench, judge, number_taken
from app.channels.actes.settings import ActesSettings
from app.channels.actes.simulated_office import MARK, KnownAct, SimulatedOffice, load
from app.channels.actes.transport import Deposit, Followup, Found, Letter, Reply
from app.core.clock import PARIS
from app.transmission.ports import Rejected, Uncertain

CONTACT: Final = Contact(
    "Préfecture FACTICE (simulateur, sans valeur juridique)", None, "factice@prefecture.example.org"
)


class SimulatedPrefecture:
    """The transport of tests and demonstrations; nothing leaves the machine."""

    label = "Préfecture FACTICE (simulateur)"
    simulated = True

    def __init__(
        self, settings: ActesSettings, classification: Classification, clock: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._classification = classification
        self._clock = clock
        self._root = settings.folder
        self.office = SimulatedOffice(settings, classification, clock, self._known, self._ticket)

    def send(self, deposit: Deposit, archive: Path) -> str:
        """Open the archive, apply every rule, consume the number; refuses with `Rejected`."""
        seen = self._opened(archive, deposit.archive_name, deposit.account)
        now = self._clock()
        bench = Bench(self._in_force(), now.astimezone(PARIS).date(), self._settings.max_archive_bytes)
        # A classification out of date is the Préfecture's own refusal: it comes later, by a message 1-3.
        problems = [p for p in judge(seen.act, seen.main, seen.annexes, bench) if p.rule != "A07"]
        if problems := [*seen.problems, *problems]:
            raise Rejected(" ".join(problem.sentence for problem in problems))
        sha256 = digest(archive)
        create_only(self._root / "archives" / f"{sha256}.tar.gz", archive)
        siren, number = seen.envelope.account.siren, seen.act.number
        if self._record(siren, number) is not None:
            raise Rejected(number_taken(number).sentence)
        reference = self._ticket({"siren": siren, "number": number})
        record = {
            "reference": reference,
            "archive": deposit.archive_name,
            "sha256": sha256,
            "accepted_at": now.isoformat(),
            "due_at": (now + timedelta(seconds=self._settings.delay_seconds)).isoformat(),
            "mark": MARK,
        }
        if not create_only(self._number_path(siren, number), _json(record)):
            raise Rejected(number_taken(number).sentence)
        if number.endswith("_MUET"):
            raise Uncertain("La préfecture factice n’a pas répondu.")
        return str(reference)

    def find(self, deposit: Deposit) -> Found | None:
        """Look up the number among those consumed."""
        record = self._record(deposit.account.siren, deposit.act.number)
        if record is None:
            return None
        # The day in the name may differ: a parcel packed again after midnight is still the same one.
        ours = serial_of(record["archive"]) == serial_of(deposit.archive_name)
        return Found(str(record["reference"]), ours)

    def poll(self, reference: str) -> Reply:
        """Answer when the delay has passed, for ever in the same bytes; refuses with LookupError."""
        ticket = load(self._root / "ids" / f"{reference}.json") if reference.isdigit() else None
        if ticket is not None and "followup" in ticket:
            told = self.office.receipt(ticket["siren"], ticket["followup"])
            return Reply(told[1], told[0]) if told else Reply(None, None)
        record = self._record(ticket["siren"], ticket["number"]) if ticket and "number" in ticket else None
        if ticket is None or record is None or str(record["reference"]) != reference:
            raise LookupError(reference)
        due = datetime.fromisoformat(record["due_at"])
        if self._clock() < due or ticket["number"].endswith("_LENT"):
            return Reply(None, None)
        return self._answer(reference, record, due.astimezone(PARIS).date())

    def letters(self, account: Account) -> Sequence[Letter]:
        """What its legality office wrote and the sender has not taken."""
        return self.office.letters(account)

    def taken(self, account: Account, reference: str) -> None:
        """Do not give this letter again."""
        self.office.taken(account, reference)

    def follow(self, followup: Followup, archive: Path) -> str:
        """Take a reply, an acknowledgement or a cancellation; refuses with `Rejected`."""
        return self.office.follow(followup, archive)

    def followed(self, followup: Followup) -> str | None:
        """The reference of this very message."""
        return self.office.followed(followup)

    def _known(self, siren: str, wanted: Callable[[str], object]) -> Iterator[KnownAct]:
        """The acts of a collectivity, among those whose number is wanted, that have their receipt."""
        for path in sorted((self._root / "numbers" / siren).glob("[!.]*.json")):
            record = load(path) if wanted(path.stem) else None
            if record is None or self._clock() < datetime.fromisoformat(record["due_at"]):
                continue
            archive = self._root / "archives" / f"{record['sha256']}.tar.gz"
            seen = self._opened(archive, record["archive"], None)
            silent = path.stem.endswith(("_LENT", "_KO", "_ANO"))
            account = seen.envelope.account
            if silent or seen.act.classified_on != self._in_force().dated:
                continue
            identifier = identifier_of(seen.act, account.department, account.siren) or ""
            moment = datetime.fromisoformat(record["due_at"])
            yield KnownAct(path.stem, identifier, seen.act_element, moment)

    def classification(self, siren: str) -> bytes:
        """The file `classification.xml` of its folder, else the classification that it was given."""
        del siren  # one Préfecture, one classification
        return self._classification_path().read_bytes()

    def _classification_path(self) -> Path:
        own = self._root / "classification.xml"
        return own if own.is_file() else self._settings.classification_file or SHIPPED

    def _in_force(self) -> Classification:
        own = self._root / "classification.xml"
        return read_classification(own.read_bytes()) if own.is_file() else self._classification

    def _answer(self, reference: str, record: dict[str, Any], day: date) -> Reply:
        folder = self._root / "answers" / reference
        index = load(folder / "answer.json")
        if index is None:
            archive = self._root / "archives" / f"{record['sha256']}.tar.gz"
            seen = self._opened(archive, record["archive"], None)
            name, message = self._message(seen, int(reference), day)
            account = seen.envelope.account
            envelope = return_envelope_name(
                self._settings.application, service_of(account), account.siren, day, int(reference)
            )
            content = write_return_envelope(account, CONTACT, (name,), self._settings.schema_folder)
            create_only(folder / name, message)
            create_only(folder / envelope, content)
            create_only(folder / "answer.json", _json({"message": name, "envelope": envelope}))
            index = {"message": name}
        return Reply((folder / index["message"]).read_bytes(), index["message"])

    def _message(self, seen: Inspected, reference: int, day: date) -> tuple[str, bytes]:
        """The name and bytes of the answer to an act; everything in it comes from the archive and the day."""
        account, schema, current = (
            seen.envelope.account,
            self._settings.schema_folder,
            self._in_force().dated,
        )
        if seen.act.number.endswith("_ANO"):
            detail = f"PREF-VERIF-02 : SIREN non enregistré ({MARK})"
            return f"ANO_{seen.envelope_name}", answers.write_envelope_anomaly(
                seen.envelope_element, "005", detail, day, MARK, schema
            )
        if seen.act.number.endswith("_KO") or seen.act.classified_on != current:
            detail = f"ODT-VERIF-01 : date de classification dépassée ({MARK})"
            # The real ones carry neither date, nor number, nor nature in their name.
            name = f"{account.department}-{account.siren}----1-3_{reference}.xml"
            return name, answers.write_anomaly(seen.act_element, "002", detail, day, current, MARK, schema)
        identifier = identifier_of(seen.act, account.department, account.siren) or ""
        return message_name(identifier, "1-2", reference), answers.write_receipt(
            seen.act_element, identifier, day, current, MARK, schema
        )

    def _opened(self, archive: Path, name: str, account: Account | None) -> Inspected:
        settings = self._settings
        try:
            return inspect(archive, name, account, settings.max_archive_bytes, settings.schema_folder)
        except Refused as refused:
            raise Rejected(" ".join(problem.sentence for problem in refused.problems)) from refused

    def _ticket(self, about: dict[str, str]) -> int:
        """A new reference, growing, that names what it was given for."""
        folder = self._root / "ids"
        taken = max((int(path.stem) for path in folder.glob("[0-9]*.json")), default=0)
        while True:
            taken += 1
            if create_only(folder / f"{taken}.json", _json(about)):
                return taken

    def _record(self, siren: str, number: str) -> dict[str, Any] | None:
        return load(self._number_path(siren, number))

    def _number_path(self, siren: str, number: str) -> Path:
        return self._root / "numbers" / siren / f"{number}.json"


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"
