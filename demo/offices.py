"""The simulated Préfecture and Treasury as their pages show them: what they received, and what they can be made to play."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import unquote

from app.channels.actes.channel import ActesChannel
from app.channels.helios.channel import HeliosChannel
from app.core.refusals import Refusal
from app.transmission.channels import open_channel
from demo.prefecture import simulator as actes
from demo.prefecture.simulator import SimulatedPrefecture
from demo.scenarios import LOST, NOW, ONLY_NEXT, SILENCE, TOMORROW, TWICE
from demo.treasury import simulator as helios
from demo.treasury.simulator import SimulatedTreasury, mandates


@dataclass(frozen=True)
class Office:
    """An office that may be simulated: the channel that leads there, its name, and what each of its buttons says."""

    channel: str
    name: str
    plays: Mapping[str, str]

    @property
    def simulator(self) -> SimulatedPrefecture | SimulatedTreasury:
        """The simulator in its place; refuses `simulator-absent` as soon as something else carries what is sent."""
        carrier = cast("ActesChannel | HeliosChannel", open_channel(self.channel)).transport
        if not isinstance(carrier, SimulatedPrefecture | SimulatedTreasury):
            raise Refusal(
                "simulator-absent", office=self.name, setting=f"PARAPHE_{self.channel.upper()}_TRANSPORT"
            )
        return carrier


PREFECTURE: Final = Office(
    "actes",
    "La préfecture",
    {
        NOW: "Rendre l’accusé maintenant",
        TOMORROW: "Rendre l’accusé demain à 8 h",
        actes.ANOMALY: "Anomalie de l’enveloppe",
        actes.REFUSAL: "Refuser l’acte",
        SILENCE: "Garder le silence",
        TWICE: "Rendre deux fois le même accusé",
        LOST: "Recevoir, et perdre la réponse au dépôt",
    },
)
TREASURY: Final = Office(
    "helios",
    "La trésorerie",
    {
        NOW: "Acquitter maintenant",
        TOMORROW: "Acquitter demain à 8 h",
        helios.PARTIAL: "Acquit partiel",
        helios.REJECTION: "Rejet total",
        helios.ATTACHMENT: "Refuser une pièce jointe",
        SILENCE: "Garder le silence",
        TWICE: "Couper l’acquit, puis le rendre",
        LOST: "Recevoir, et perdre la réponse au dépôt",
    },
)


SHARES: Final = {"100": "Tout payé", "50": "Payé à moitié"}
"""What a return may say of a flow: how much of each line is paid, with its words."""


def panel(office: Office) -> dict[str, Any] | None:
    """What the page lets somebody script: plays, the one prepared, failing connexions; None when nothing is simulated."""
    try:
        scenarios = office.simulator.scenarios
    except Refusal:
        return None
    prepared = scenarios.prepared()
    return {
        "plays": list(office.plays.items()),
        "waiting": [(key, label) for key, label in office.plays.items() if key not in ONLY_NEXT],
        "prepared": prepared.play if prepared else None,
        "outages": scenarios.outages(),
    }


def acts(folder: Path) -> list[dict[str, Any]]:
    """What the Préfecture received, the last first."""
    return [_act(path, folder) for path in _latest(folder, "numbers/*/*.json")]


def flows(folder: Path) -> list[dict[str, Any]]:
    """What the Treasury received, the last first."""
    return [_flow(path, folder) for path in _latest(folder, "names/*/*.json")]


def _latest(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern), key=lambda file: file.stat().st_mtime, reverse=True)


def _act(path: Path, folder: Path) -> dict[str, Any]:
    record = json.loads(path.read_bytes())
    return {
        **_standing(PREFECTURE, record, folder / "answers" / str(record["reference"]) / "answer.json"),
        "envelope": record["archive"],
        "number": path.stem,
        "siren": path.parent.name,
        # What was received before these were recorded has neither.
        "subject": record.get("subject", ""),
        "identifier": record.get("identifier", ""),
    }


def _flow(path: Path, folder: Path) -> dict[str, Any]:
    record = json.loads(path.read_bytes())
    reference = str(record["reference"])
    return {
        **_standing(TREASURY, record, folder / "answers" / f"{reference}.xml"),
        "name": unquote(path.stem),
        "code": unquote(path.parent.name),
        "filename": record["filename"],
        "mandates": _mandates(reference),
        "again": list(helios.AGAIN.items()),
        "shares": list(SHARES.items()),
    }


def _standing(office: Office, record: dict[str, Any], answer: Path) -> dict[str, Any]:
    """Where a deposit stands: since when it is there, since when it is answered, else what awaits it."""
    moment = datetime.fromtimestamp(answer.stat().st_mtime, UTC) if answer.is_file() else None
    return {
        "reference": str(record["reference"]),
        "received_at": datetime.fromisoformat(record["accepted_at"]),
        "answered_at": moment,
        "awaits": None if moment else _awaits(office, str(record["reference"])),
    }


def _awaits(office: Office, reference: str) -> str | None:
    try:
        scenario = office.simulator.scenarios.awaiting(reference)
    except Refusal:
        return None
    return office.plays[scenario.play] if scenario else None


def _mandates(reference: str) -> list[tuple[str, str]]:
    try:
        flow = cast("SimulatedTreasury", TREASURY.simulator).waiting(reference)
    except Refusal:
        return []
    return mandates(flow) if flow else []
