"""A simulated Treasury: it reads the flow, keeps what it received, and answers real acquits, all marked FACTICE.

Every file is created once, whole and flushed, and never changed: a kill at any moment loses no accepted flow, and
processes may share the folder. The record in names/ is the acceptance; what precedes it may be done again.

    flows/<sha256>.xml           what was received
    ids/<number>.json            the references given, growing
    names/<CodCol>/<NomFic>.json the names consumed, for ever
    answers/<reference>.xml      the acquit
    answers/<reference>-002.xml  what it was made to say afterwards, the second time

    returns/<SIREN>/             what it sends of itself (`demo/treasury/returns.py`)

    taken/<SHA-256 of what>.json the bordereaux, pieces and attachments taken in charge, by the reference of the first

A flow is taken in charge as a whole, unless a scenario (`demo/scenarios.py`) says otherwise of it; but what was
taken once is a duplicate for ever (ERREUR_DOUBLON_BORDEREAU, _PIECE, _PJ), as for Hélios.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from app.channels import create_only
from app.channels.helios.flow import Flow, Slip, Unreadable, read_flow
from app.channels.helios.settings import HeliosSettings
from app.channels.helios.transport import Deposit, HeliosTransport, Match, Reply, name_taken
from app.core.clock import PARIS
from app.transmission.ports import Listed, Rejected, Sender, Uncertain, Unreachable
from demo.scenarios import LOST, NOW, TWICE, Scenario, Scenarios
from demo.treasury.answers import Answer, Fault, write_acquit
from demo.treasury.returns import Box, write_return
from workflows.flows.keys import series

PARTIAL: Final = "partial"
REJECTION: Final = "rejection"
ATTACHMENT: Final = "attachment"
PLAYS: Final = frozenset({PARTIAL, REJECTION, ATTACHMENT})
"""Beside those of every simulator: one mandat, the whole flow or its first attachment is refused."""
AGAIN: Final = {NOW: "Tout acquitter", PARTIAL: "Acquit partiel", REJECTION: "Rejet total"}
"""What it may be made to say of a flow that it has acquitted, with the words of each."""
MARK: Final = "FACTICE : acquit du simulateur de Paraphe, sans aucune valeur"
RETURN_MARK: Final = "FACTICE : retour du simulateur de Paraphe, sans aucune valeur"
MOST_AGAIN: Final = 1000
_SIGNED: Final = "HELIOS FACTICE"
_WORDS: Final = {"5": "mandat", "6": "titre"}


class SimulatedTreasury(HeliosTransport):
    """The transport of tests and demonstrations; nothing leaves the machine."""

    label = "Trésorerie FACTICE (simulateur)"
    simulated = True

    def __init__(self, settings: HeliosSettings, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock
        self._root = settings.folder
        self.scenarios = Scenarios(settings.folder, PLAYS, clock)

    def send(self, deposit: Deposit, file: Path) -> str:
        """Read the flow, consume its name; refuses with `Rejected`."""
        self.scenarios.connect()
        try:
            flow = read_flow(file)
        except Unreadable as error:
            raise Rejected(
                "La trésorerie factice ne peut pas lire ce flux. Exportez-le de nouveau."
            ) from error
        if flow.empty:
            raise Rejected("Le flux ne contient ni bordereau ni pièce. Exportez-le de nouveau.")
        create_only(self._root / "flows" / f"{deposit.sha256}.xml", file)
        if self._record(flow) is not None:
            raise Rejected(name_taken(flow.name))
        reference, moment = self._next_reference(flow), self._clock()
        record = {
            "reference": reference,
            "filename": deposit.filename,
            "sha256": deposit.sha256,
            "accepted_at": moment.isoformat(),
            "due_at": (moment + timedelta(seconds=self._settings.delay_seconds)).isoformat(),
            "mark": MARK,
        }
        if not create_only(self._name_path(flow.code, flow.name), _json(record)):
            raise Rejected(name_taken(flow.name))
        scenario = self.scenarios.claim(str(reference))
        if scenario is not None and scenario.play == LOST:
            self.scenarios.played(str(reference))
            raise Uncertain("La trésorerie factice n’a pas répondu.")
        return str(reference)

    def find(self, deposit: Deposit) -> Match | None:
        """Look up NomFic and CodCol among those consumed."""
        self.scenarios.connect()
        record = self._record(deposit.flow)
        if record is None:
            return None
        return Match(str(record["reference"]), record["filename"] == deposit.filename)

    def poll(self, sender: Sender, reference: str) -> Reply:
        """Answer when the delay has passed, for ever in the same bytes; refuses with LookupError."""
        del sender  # one Treasury for everybody
        self.scenarios.connect()
        record = self._deposited(reference)
        if record is None:
            raise LookupError(reference)
        path = self._acquit_path(reference)
        if not path.exists():
            scenario = self.scenarios.awaiting(reference)
            accepted, due = (datetime.fromisoformat(record[key]) for key in ("accepted_at", "due_at"))
            moment = scenario.due(accepted) if scenario else due
            if moment is None or self._clock() < moment:
                return Reply(None, None)
            flow, day = self._flow(record), moment.astimezone(PARIS).date()
            answers = [self._judged(judged, reference) for judged in _answer(flow, scenario)]
            create_only(path, write_acquit(flow, day, answers, _SIGNED, MARK))
            if self.scenarios.played(reference) and scenario is not None and scenario.play == TWICE:
                raise Unreachable(
                    "La connexion est tombée pendant l’acquit FACTICE : il sera rendu une seconde fois."
                )
        *_, last = path, *self._again(reference)
        return Reply(last.read_bytes(), f"acquit-factice-{last.stem}.xml")

    def say_again(self, reference: str, play: str, about: str = "") -> None:
        """Acquit once more a flow that was acquitted, this way: what is written is answered from now on.

        Refuses LookupError a flow that is not there or waits for its first acquit.
        """
        record = self._deposited(reference)
        if record is None or not self._acquit_path(reference).exists():
            raise LookupError(reference)
        moment = self._clock()
        answers = [judged.answer for judged in _answer(self._flow(record), Scenario(play, moment, about))]
        remark = f"{MARK}, n° {len(self._again(reference)) + 2}"
        raw = write_acquit(self._flow(record), moment.astimezone(PARIS).date(), answers, _SIGNED, remark)
        for rank in range(len(self._again(reference)) + 2, MOST_AGAIN):
            if create_only(self._root / "answers" / f"{reference}-{rank:03}.xml", raw):
                return

    def returns(self, sender: Sender) -> Sequence[Listed]:
        """What it sent of itself to this collectivity and that waits."""
        return Box(self._root, sender.siren).waiting()

    def returned(self, sender: Sender, reference: str) -> bytes:
        """One of these files; refuses with `Unreachable` one that it never sent."""
        try:
            return Box(self._root, sender.siren).content(reference)
        except LookupError:
            raise Unreachable(f"La trésorerie factice n’a pas de retour {reference}.") from None

    def return_taken(self, sender: Sender, reference: str) -> None:
        """It waits no more; refuses with `Unreachable` one that it never sent."""
        try:
            Box(self._root, sender.siren).take(reference)
        except LookupError:
            raise Unreachable(f"La trésorerie factice n’a pas de retour {reference}.") from None

    def send_return(self, reference: str, share: int = 100) -> str:
        """Send of itself that each line of a flow is paid, `share` per cent of it, to the SIREN of its budget; its name.

        Refuses LookupError a flow that is not there or waits for its acquit: nothing is paid before it is taken in charge.
        """
        record = self._deposited(reference)
        if record is None or not self._acquit_path(reference).exists():
            raise LookupError(reference)
        moment, flow = self._clock().astimezone(PARIS), self._flow(record)
        file = self._root / "flows" / f"{record['sha256']}.xml"
        name, raw = write_return(flow, file, moment, RETURN_MARK, share)
        Box(self._root, flow.siret[:9]).put(name, raw, moment)
        return name

    def _again(self, reference: str) -> list[Path]:
        return sorted((self._root / "answers").glob(f"{reference}-*.xml"))

    def waiting(self, reference: str) -> Flow | None:
        """The flow received under this reference as long as its acquit is not written; else None."""
        record = None if self._acquit_path(reference).exists() else self._deposited(reference)
        return self._flow(record) if record else None

    def _judged(self, judged: _Judged, reference: str) -> Answer:
        """The answer to one thing, a duplicate if an earlier flow brought it; what is taken in charge is remembered."""
        if judged.answer.fault is not None:
            return judged.answer
        for key, duplicate in judged.things:
            taken = _load(self._taken_path(key))
            if taken is not None and taken["by"] != judged.place(reference):
                return replace(judged.answer, fault=duplicate)
        for key, _ in judged.things:
            create_only(self._taken_path(key), _json({"by": judged.place(reference), "key": key}))
        return judged.answer

    def _taken_path(self, key: str) -> Path:
        return self._root / "taken" / f"{hashlib.sha256(key.encode()).hexdigest()}.json"

    def _deposited(self, reference: str) -> dict[str, Any] | None:
        """What was recorded when the deposit of this reference was accepted."""
        ticket = _load(self._root / "ids" / f"{reference}.json") if reference.isdigit() else None
        record = _load(self._name_path(ticket["code"], ticket["name"])) if ticket else None
        return record if record and str(record["reference"]) == reference else None

    def _flow(self, record: dict[str, Any]) -> Flow:
        return read_flow(self._root / "flows" / f"{record['sha256']}.xml")

    def _acquit_path(self, reference: str) -> Path:
        return self._root / "answers" / f"{reference}.xml"

    def _next_reference(self, flow: Flow) -> int:
        folder = self._root / "ids"
        taken = max((int(path.stem) for path in folder.glob("[0-9]*.json")), default=0)
        while True:
            taken += 1
            if create_only(folder / f"{taken}.json", _json({"code": flow.code, "name": flow.name})):
                return taken

    def _record(self, flow: Flow) -> dict[str, Any] | None:
        return _load(self._name_path(flow.code, flow.name))

    def _name_path(self, code: str, name: str) -> Path:
        return self._root / "names" / (quote(code, safe="") or "000") / f"{quote(name, safe='')}.json"


def mandates(flow: Flow) -> list[tuple[str, str]]:
    """What a partial acquit may refuse: each piece with its bordereau, as (what to tell, French label)."""
    return [
        (
            f"{rank}-{place}",
            f"Bordereau {slip.number} de {slip.year}, {_WORDS.get(slip.domain, 'pièce')} {piece}",
        )
        for rank, slip in enumerate(flow.slips)
        for place, piece in enumerate(slip.pieces)
    ]


@dataclass(frozen=True)
class _Judged:
    """What is said of the `rank`-th thing of a flow; `things` are those that it brings, each with its fault as a duplicate."""

    answer: Answer
    rank: int = 0
    things: tuple[tuple[str, Fault], ...] = ()

    def place(self, reference: str) -> str:
        """Where it stands: the same thing twice in one flow is a duplicate too."""
        return f"{reference} {self.answer.domain} {self.rank}"


def _answer(flow: Flow, scenario: Scenario | None) -> Iterator[_Judged]:
    """What the Treasury says of a flow, from the flow and the scenario alone."""
    play = scenario.play if scenario else ""
    if play == REJECTION:
        yield _Judged(Answer("0", (), Fault("ERREUR_CODE_COLLECTIVITE_BUDGET", f"Budget inconnu ({MARK})")))
        return
    refused = _refused(flow, scenario.about if scenario else "") if play == PARTIAL else (-1, "")
    for rank, slip in enumerate(flow.slips):
        fault = None
        if rank == refused[0]:
            fault = Fault("ERREUR_AUTRE", f"1971 - Compte fonction présent à tort ({MARK})", refused[1], "1")
        answer = Answer(slip.domain, (("NumBord", slip.number), ("ExerciceBord", slip.year)), fault)
        yield _Judged(answer, rank, tuple(_brought(flow, slip)))
    for rank, attachment in enumerate(flow.attachments):
        known = Fault("ERREUR_DOUBLON_PJ", f"1984 - PJ déjà intégrée ({MARK})")
        answer = Answer("4", (("IdUnique", attachment),), known if not rank and play == ATTACHMENT else None)
        yield _Judged(answer, rank, ((f"attachment {attachment}", known),))
    for market in flow.markets:
        yield _Judged(Answer("11", (("IdMarche", market),)))


def _brought(flow: Flow, slip: Slip) -> Iterator[tuple[str, Fault]]:
    where = series(flow.code, flow.budget, slip.domain, slip.year, slip.kind)
    twice = f"Bordereau déjà intégré ({MARK})"
    yield f"slip {where} {slip.number}", Fault("ERREUR_DOUBLON_BORDEREAU", twice)
    for piece in slip.pieces:
        yield f"piece {where} {piece}", Fault("ERREUR_DOUBLON_PIECE", f"Pièce déjà intégrée ({MARK})", piece)


def _refused(flow: Flow, about: str) -> tuple[int, str]:
    """The bordereau and the piece that a partial acquit refuses: those told, else the last one's first."""
    chosen = [key for key, _ in mandates(flow)]
    if about in chosen:
        rank, place = map(int, about.split("-"))
    else:
        rank, place = len(flow.slips) - 1, 0
    pieces = flow.slips[rank].pieces if flow.slips else ()
    return rank, pieces[place] if pieces else ""


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"


def _load(path: Path) -> dict[str, Any] | None:
    try:
        loaded: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return loaded
