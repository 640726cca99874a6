"""A simulated Treasury: it reads the flow, keeps what it received, and answers real acquits, all marked FACTICE.

Every file is created once, whole and flushed, and never changed: a kill at any moment loses no accepted flow, and
processes may share the folder. The record in names/ is the acceptance; what precedes it may be done again.

    flows/<sha256>.xml           what was received
    ids/<number>.json            the references given, growing
    names/<CodCol>/<NomFic>.json the names consumed, for ever
    answers/<reference>.xml      the acquit

Flows whose NomFic ends with _KO are refused as a whole, with _PARTIEL in the first mandat of their last bordereau, with
_PJ in their first attachment; _LENT never gets its acquit; _MUET is accepted and the sender hears nothing.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from app.channels import create_only
from app.channels.helios.answers import Fault, Said, write_acquit
from app.channels.helios.flow import Flow, Unreadable, read_flow
from app.channels.helios.settings import HeliosSettings
from app.channels.helios.transport import Deposit, Found, Reply
from app.core.clock import PARIS
from app.transmission.ports import Rejected, Sender, Uncertain

MARK: Final = "FACTICE : acquit du simulateur de Paraphe, sans aucune valeur"
_SIGNED: Final = "HELIOS FACTICE"


class SimulatedTreasury:
    """The transport of tests and demonstrations; nothing leaves the machine."""

    label = "Trésorerie FACTICE (simulateur)"
    simulated = True

    def __init__(self, settings: HeliosSettings, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock
        self._root = settings.folder

    def send(self, deposit: Deposit, file: Path) -> str:
        """Read the flow, consume its name; refuses with `Rejected`."""
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
        if flow.name.endswith("_MUET"):
            raise Uncertain("La trésorerie factice n’a pas répondu.")
        return str(reference)

    def find(self, deposit: Deposit) -> Found | None:
        """Look up NomFic and CodCol among those consumed."""
        record = self._record(deposit.flow)
        if record is None:
            return None
        return Found(str(record["reference"]), record["filename"] == deposit.filename)

    def poll(self, sender: Sender, reference: str) -> Reply:
        """Answer when the delay has passed, for ever in the same bytes; refuses with LookupError."""
        del sender  # one Treasury for everybody
        ticket = _load(self._root / "ids" / f"{reference}.json") if reference.isdigit() else None
        record = _load(self._name_path(ticket["code"], ticket["name"])) if ticket else None
        if ticket is None or record is None or str(record["reference"]) != reference:
            raise LookupError(reference)
        due = datetime.fromisoformat(record["due_at"])
        if self._clock() < due or ticket["name"].endswith("_LENT"):
            return Reply(None, None)
        path = self._root / "answers" / f"{reference}.xml"
        if not path.exists():
            flow = read_flow(self._root / "flows" / f"{record['sha256']}.xml")
            day = due.astimezone(PARIS).date()
            create_only(path, write_acquit(flow, day, _answer(flow), _SIGNED, MARK))
        return Reply(path.read_bytes(), f"acquit-factice-{reference}.xml")

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


def name_taken(name: str) -> str:
    """The refusal of a NomFic that already served."""
    return (
        f"Le nom de flux « {name} » a déjà servi, et un nom ne sert qu’une fois, même refusé. Exportez de nouveau le "
        "flux depuis le logiciel de finances : il recevra un autre nom."
    )


def _answer(flow: Flow) -> Iterator[Said]:
    """What the Treasury says of a flow, from the flow alone."""
    if flow.name.endswith("_KO"):
        yield Said("0", (), Fault("ERREUR_CODE_COLLECTIVITE_BUDGET", f"Budget inconnu ({MARK})"))
        return
    last = flow.slips[-1] if flow.slips else None
    for slip in flow.slips:
        fault = None
        if slip is last and flow.name.endswith("_PARTIEL"):
            piece = slip.pieces[0] if slip.pieces else ""
            fault = Fault("ERREUR_AUTRE", f"1971 - Compte fonction présent à tort ({MARK})", piece, "1")
        yield Said(slip.domain, (("NumBord", slip.number), ("ExerciceBord", slip.year)), fault)
    for rank, attachment in enumerate(flow.attachments):
        known = not rank and flow.name.endswith("_PJ")
        fault = Fault("ERREUR_DOUBLON_PJ", f"1984 - PJ déjà intégrée ({MARK})") if known else None
        yield Said("4", (("IdUnique", attachment),), fault)
    if flow.markets and not flow.slips and not flow.attachments:
        yield Said("0")


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"


def _load(path: Path) -> dict[str, Any] | None:
    try:
        loaded: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return loaded
