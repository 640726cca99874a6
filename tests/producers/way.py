"""One file from deposit to verdict: what each door answered, in a row."""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from app.core.clock import now
from app.core.refusals import Refusal
from app.folders import deposit, sending
from app.folders.keep import Incoming
from app.trust.certificates import Trust
from app.verification import kinds
from tests.builders.house import House

K = "k.morizur"
CLICK = "à la signature"
"""Where nothing may stop that passed deposit."""


@dataclass(frozen=True)
class Row:
    """`stopped`: where and why it went no farther, empty when it was signed; `offered`: a copy was, and was accepted.

    `earlier`: signatures that it brought; `valid`, `sound`: ours by our verifier, and all that Poppler finds valid.
    """

    producer: str
    name: str
    stopped: str = ""
    offered: bool = False
    earlier: int = 0
    valid: bool = False
    sound: int = 0
    seconds: float = 0.0


def travel(house: House, trust: Trust, producer: str, path: Path, room: Path) -> Row:
    """Deposit a file, accept the copy when one is offered, send it, sign it twice in its way, and have it judged."""
    began = time.monotonic()
    name = path.name if path.suffix == ".pdf" else f"{path.name}.pdf"
    try:
        folder_id = deposit.deposit(house.actor(K), "other", [Incoming(path, name)]).folder_id
    except Refusal as refusal:
        return Row(producer, path.name, f"au dépôt : {refusal.key}", seconds=time.monotonic() - began)
    house.save(folder_id, K, {"subject": path.stem})
    (first,) = house.versions(folder_id)
    offered = bool(first.note.get("repair"))
    earlier = len(first.note.get("signatures", []))
    stopped = ""
    try:
        if offered:
            deposit.accept_repair(house.actor(K), folder_id, first.document_id)
        sending.send(house.actor(K), folder_id, version=house.folder(folder_id).version)
        if house.folder(folder_id).place == "direction":
            house.approve(folder_id, "s.rivoal")
    except Refusal as refusal:
        stopped = f"à l’envoi : {refusal.key}"
    if not stopped:
        try:
            house.sign(folder_id, "a.kervadec")
        except Exception as error:
            stopped = f"{CLICK} : {getattr(error, 'key', repr(error))}"
    if stopped:
        return Row(producer, path.name, stopped, offered, earlier, seconds=time.monotonic() - began)
    signed = room / f"{folder_id}.pdf"
    signed.write_bytes(house.bytes_of(house.versions(folder_id)[-1]))
    verdicts = kinds.of(signed).judge(signed, None, trust, now())
    told = subprocess.run(["pdfsig", "-nocert", str(signed)], capture_output=True, text=True).stdout
    return Row(
        producer,
        path.name,
        "",
        offered,
        earlier,
        bool(verdicts) and verdicts[-1].verdict == "valide",
        told.count("Signature is Valid."),
        time.monotonic() - began,
    )
