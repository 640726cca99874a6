"""A Préfecture FACTICE in a folder: it opens the real archive, applies every rule, and answers in valid messages.

Every file is created once, whole and flushed, and never changed: a kill at any moment loses no accepted act, and
processes may share the folder. The record in numbers/ is the acceptance; what precedes it may be done again.

    archives/<sha256>.tar.gz     what was received
    ids/<number>.json            the references given, growing
    numbers/<siren>/<act>.json   the act numbers consumed, for ever
    answers/<reference>/         the answer and its return envelope

An act gets its receipt, unless a scenario (`demo/scenarios.py`) says otherwise of it. What follows a receipt is in
`office.py`.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from app.channels import create_only
from app.channels.actes.act import identifier_of
from app.channels.actes.archive import digest
from app.channels.actes.classification import SHIPPED, Classification, read_classification
from app.channels.actes.envelope import Account, Contact, service_of, write_return_envelope
from app.channels.actes.inspection import Inspected, Refused, inspect
from app.channels.actes.naming import message_name, return_envelope_name, serial_of
from app.channels.actes.receipt import read_receipt
from app.channels.actes.rules import Bench, judge, number_taken
from app.channels.actes.settings import ActesSettings
from app.channels.actes.transport import ActesTransport, Deposit, Followup, Letter, Match, Reply
from app.core.clock import PARIS
from app.transmission.ports import Rejected, Uncertain
from demo.prefecture import answers
from demo.prefecture.office import MARK, RECEIPT, KnownAct, SimulatedOffice, load
from demo.scenarios import LOST, TWICE, Scenario, Scenarios

ANOMALY: Final = "anomaly"
REFUSAL: Final = "refusal"
PLAYS: Final = frozenset({ANOMALY, REFUSAL})
"""Beside those of every simulator: an anomaly of the envelope, and a message 1-3 that refuses the act."""
CONTACT: Final = Contact(
    "Préfecture FACTICE (simulateur, sans valeur juridique)", None, "factice@prefecture.example.org"
)


class SimulatedPrefecture(ActesTransport):
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
        self.scenarios = Scenarios(settings.folder, PLAYS, clock)
        self.office = SimulatedOffice(settings, classification, clock, self._known, self._ticket)

    def send(self, deposit: Deposit, archive: Path) -> str:
        """Open the archive, apply every rule, consume the number; refuses with `Rejected`."""
        self.scenarios.connect()
        inspected = self._opened(archive, deposit.archive_name, deposit.account)
        now = self._clock()
        bench = Bench(self._in_force(), now.astimezone(PARIS).date(), self._settings.max_archive_bytes)
        # A classification out of date is the Préfecture's own refusal: it comes later, by a message 1-3.
        problems = [
            p for p in judge(inspected.act, inspected.main, inspected.annexes, bench) if p.key != "A07"
        ]
        if problems := [*inspected.problems, *problems]:
            raise Rejected(" ".join(problem.sentence for problem in problems))
        sha256 = digest(archive)
        create_only(self._root / "archives" / f"{sha256}.tar.gz", archive)
        siren, number = inspected.envelope.account.siren, inspected.act.number
        if self._record(siren, number) is not None:
            raise Rejected(number_taken(number).sentence)
        reference = self._ticket({"siren": siren, "number": number})
        record = {
            "reference": reference,
            "archive": deposit.archive_name,
            "sha256": sha256,
            "subject": inspected.act.subject,
            "identifier": _identifier(inspected),
            "accepted_at": now.isoformat(),
            "due_at": (now + timedelta(seconds=self._settings.delay_seconds)).isoformat(),
            "mark": MARK,
        }
        if not create_only(self._number_path(siren, number), _json(record)):
            raise Rejected(number_taken(number).sentence)
        scenario = self.scenarios.claim(str(reference))
        if scenario is not None and scenario.play == LOST:
            self.scenarios.played(str(reference))
            raise Uncertain("La préfecture factice n’a pas répondu.")
        return str(reference)

    def find(self, deposit: Deposit) -> Match | None:
        """Look up the number among those consumed."""
        self.scenarios.connect()
        record = self._record(deposit.account.siren, deposit.act.number)
        if record is None:
            return None
        # The day in the name may differ: a parcel packed again after midnight is still the same one.
        ours = serial_of(record["archive"]) == serial_of(deposit.archive_name)
        return Match(str(record["reference"]), ours)

    def poll(self, reference: str, back: str = "") -> Reply:
        """Answer when the delay has passed, for ever in the same bytes; refuses with LookupError."""
        del back
        self.scenarios.connect()
        ticket = self._ticket_of(reference)
        if ticket is not None and "followup" in ticket:
            receipt = self.office.receipt(ticket["siren"], ticket["followup"])
            return Reply(receipt[1], receipt[0]) if receipt else Reply(None, None)
        record = self._deposited(reference)
        if record is None:
            raise LookupError(reference)
        return self._reply(record)

    def waiting(self, reference: str) -> bool:
        """Whether the act received under this reference has no answer yet."""
        return self._deposited(reference) is not None and not self._answer_path(reference).is_file()

    def letters(self, account: Account) -> Sequence[Letter]:
        """What its legality office wrote and the sender has not taken."""
        self.scenarios.connect()
        return self.office.letters(account)

    def taken(self, account: Account, reference: str) -> None:
        """Do not give this letter again."""
        self.office.taken(account, reference)

    def follow(self, followup: Followup, archive: Path) -> str:
        """Take a reply, an acknowledgement or a cancellation; refuses with `Rejected`."""
        self.scenarios.connect()
        return self.office.follow(followup, archive)

    def followed(self, followup: Followup) -> str | None:
        """The reference of this very message."""
        self.scenarios.connect()
        return self.office.followed(followup)

    def _known(self, siren: str, wanted: Callable[[str], object]) -> Iterator[KnownAct]:
        """The acts of a collectivity, among those whose number is wanted, that have their receipt."""
        for path in sorted((self._root / "numbers" / siren).glob("[!.]*.json")):
            record = load(path) if wanted(path.stem) else None
            reply = self._reply(record) if record else None
            if record is None or reply is None or reply.message is None or reply.message_name is None:
                continue
            read = read_receipt(reply.message)
            if read.code == RECEIPT:
                element, receipt = self._received(record).act_element, (reply.message_name, reply.message)
                yield KnownAct(path.stem, read.identifier or "", element, receipt)

    def classification(self, siren: str) -> bytes:
        """The file `classification.xml` of its folder, else the classification that it was given."""
        del siren  # one Préfecture, one classification
        self.scenarios.connect()
        return self._classification_path().read_bytes()

    def _classification_path(self) -> Path:
        own = self._root / "classification.xml"
        return own if own.is_file() else self._settings.classification_file or SHIPPED

    def _in_force(self) -> Classification:
        own = self._root / "classification.xml"
        return read_classification(own.read_bytes()) if own.is_file() else self._classification

    def _reply(self, record: dict[str, Any]) -> Reply:
        """The answer to an act: made when it is due, then for ever the same."""
        reference = str(record["reference"])
        path = self._answer_path(reference)
        index = load(path)
        if index is None:
            scenario = self.scenarios.awaiting(reference)
            accepted, due = (datetime.fromisoformat(record[key]) for key in ("accepted_at", "due_at"))
            moment = scenario.due(accepted) if scenario else due
            if moment is None or self._clock() < moment:
                return Reply(None, None)
            index = self._answer(record, moment.astimezone(PARIS).date(), scenario)
        return Reply((path.parent / index["message"]).read_bytes(), index["message"])

    def _answer(self, record: dict[str, Any], day: date, scenario: Scenario | None) -> dict[str, Any]:
        """Write what is answered, and return what stands: another process may have answered first."""
        reference = str(record["reference"])
        path, inspected = self._answer_path(reference), self._received(record)
        name, message = self._message(inspected, int(reference), day, scenario.play if scenario else "")
        account = inspected.envelope.account
        envelope = return_envelope_name(
            self._settings.application, service_of(account), account.siren, day, int(reference)
        )
        content = write_return_envelope(account, CONTACT, (name,), self._settings.schema_folder)
        create_only(path.parent / name, message)
        create_only(path.parent / envelope, content)
        create_only(path, _json({"message": name, "envelope": envelope}))
        if scenario is not None and scenario.play == TWICE:
            self.office.ask(account.siren, inspected.act.number, RECEIPT)
        self.scenarios.played(reference)
        return load(path) or {"message": name}

    def _message(self, inspected: Inspected, reference: int, day: date, play: str) -> tuple[str, bytes]:
        """The name and bytes of the answer to an act, from the archive, the day and what is played."""
        account, schema, current = (
            inspected.envelope.account,
            self._settings.schema_folder,
            self._in_force().dated,
        )
        if play == ANOMALY:
            detail = f"PREF-VERIF-02 : SIREN non enregistré ({MARK})"
            return f"ANO_{inspected.envelope_name}", answers.write_envelope_anomaly(
                inspected.envelope_element, "005", detail, day, MARK, schema
            )
        if play == REFUSAL or inspected.act.classified_on != current:
            detail = f"ODT-VERIF-01 : date de classification dépassée ({MARK})"
            # The real ones carry neither date, nor number, nor nature in their name.
            name = f"{account.department}-{account.siren}----1-3_{reference}.xml"
            return name, answers.write_anomaly(
                inspected.act_element, "002", detail, day, current, MARK, schema
            )
        identifier = _identifier(inspected)
        return message_name(identifier, RECEIPT, reference), answers.write_receipt(
            inspected.act_element, identifier, day, current, MARK, schema
        )

    def _received(self, record: dict[str, Any]) -> Inspected:
        """An accepted archive, opened again."""
        return self._opened(self._root / "archives" / f"{record['sha256']}.tar.gz", record["archive"], None)

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

    def _ticket_of(self, reference: str) -> dict[str, Any] | None:
        return load(self._root / "ids" / f"{reference}.json") if reference.isdigit() else None

    def _deposited(self, reference: str) -> dict[str, Any] | None:
        """What was recorded when the act of this reference was accepted."""
        ticket = self._ticket_of(reference)
        record = self._record(ticket["siren"], ticket["number"]) if ticket and "number" in ticket else None
        return record if record and str(record["reference"]) == reference else None

    def _answer_path(self, reference: str) -> Path:
        return self._root / "answers" / reference / "answer.json"

    def _record(self, siren: str, number: str) -> dict[str, Any] | None:
        return load(self._number_path(siren, number))

    def _number_path(self, siren: str, number: str) -> Path:
        return self._root / "numbers" / siren / f"{number}.json"


def _identifier(inspected: Inspected) -> str:
    account = inspected.envelope.account
    return identifier_of(inspected.act, account.department, account.siren) or ""


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"
