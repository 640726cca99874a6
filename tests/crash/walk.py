"""A folder on its way, each stage played by a process that may be killed: what people and the worker do, and do again."""

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.core.clock import today
from app.core.db import reading
from app.folders.models import Folder
from app.signing.models import SignatureProof
from tests.browser.serving import starter
from tests.builders.house import ACT, CERTIFICATES, INVOICE, House
from tests.builders.warm import address

SEED = os.environ.get("PARAPHE_CRASH_SEED", "20261125")
VISAS = {"service_done": "r.pellenec", "finance": "n.abgrallec", "direction": "s.rivoal"}
DEPOSITORS = {"invoice": ("g.trehorel", INVOICE), "deliberation": ("k.morizur", ACT)}
Kill = dict[str, Any]


def plain(settings: Any) -> dict[str, Any]:
    """The settings as JSON, secrets included: for a process of the test's own."""
    found = {}
    for name, value in settings:
        shown = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        found[name] = str(shown) if isinstance(shown, Path) else shown
    return found


class Forge:
    """The process that forks victims (tests/crash/forge.py), and the people whose browsers they hold."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._browsers: dict[str, tuple[str, str]] = {}
        where, log = f"paraphe-forge-{os.getpid()}", house.settings.data_dir / "forge.log"
        self._log = log
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(f"\0{where}")
            listening.listen(1)
            listening.settimeout(60)
            self._process = starter().start(["tests.crash.forge", where], dict(os.environ), log)
            connection, _ = listening.accept()
        with connection:
            connection.settimeout(None)
            self._orders, self._answers = connection.makefile("w"), connection.makefile("r")
        pki = (str(house.pki.folder), house.pki.base_url)
        assert self._ask({"settings": plain(house.settings), "pki": pki, "confined": address()}) == {
            "ready": True
        }

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        print(json.dumps(order), file=self._orders, flush=True)
        line = self._answers.readline()
        assert line, f"the forge has ended: {self._log.read_text(errors='replace')[-2000:]}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _browser(self, login: str) -> tuple[str, str]:
        """The cookie and the form token of a person, who logged in once."""
        if login not in self._browsers:
            client = self.house.client(login)
            token, cookie = self.house.csrf(client), client.get_cookie("paraphe")
            assert cookie is not None
            self._browsers[login] = (cookie.value, token)
        return self._browsers[login]

    def play(
        self, play: str, *given: object, login: str | None = None, kill: Kill | None = None
    ) -> dict[str, Any]:
        """Play in a process of its own; what it said is there when it lived to say it. A fault that is no kill fails the test."""
        cookie, csrf = self._browser(login) if login else ("", "")
        answer = self._ask({"play": play, "with": given, "cookie": cookie, "csrf": csrf, "kill": kill})
        assert "fault" not in answer, answer
        assert answer["died"] or "said" in answer, answer
        return answer

    def close(self) -> None:
        """End the forge; its victims are dead already."""
        for stream in (self._orders, self._answers):
            stream.close()
        assert self._process.ended(60)  # at once, when the machine lets it


@dataclass
class Walk:
    """One folder and what it still has to pass; `stage` is read from the database, as a person reads a page."""

    forge: Forge
    journey: str
    number: str
    folder_id: int = 0
    after: int = 0
    kills: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        with reading() as db:
            self.after = db.scalar(sa.select(sa.func.max(Folder.id))) or 0

    def stage(self) -> str:
        """What is to be done now: a place of the circuit, the worker's part while something waits, a signatory's own part."""
        if not self.folder_id:
            self.folder_id = self.found()
        if not self.folder_id:
            return "deposit"
        if self.forge.house.pending():
            return f"work:{self._folder().place}"
        place = self._folder().place
        if place == "signatures":
            return "sign:" + ("b.cadiou" if self.signed_by("Armel Kervadec") else "a.kervadec")
        return "sign:a.kervadec" if place == "bon_a_payer" else place

    def found(self) -> int:
        """The folder of this walk, as its depositor finds it: a killed deposit left one, or none (0)."""
        return self.newest(self.journey, self.after)

    @staticmethod
    def newest(family: str, after: int = 0) -> int:
        """The newest folder of a family, or 0."""
        with reading() as db:
            return (
                db.scalar(sa.select(sa.func.max(Folder.id)).where(Folder.family == family, Folder.id > after))
                or 0
            )

    def _folder(self) -> Folder:
        return self.forge.house.folder(self.folder_id)

    def signed_by(self, name: str) -> bool:
        """Whether this person's proof is there."""
        query = sa.select(SignatureProof.id).where(
            SignatureProof.folder_id == self.folder_id, SignatureProof.name == name
        )
        with reading() as db:
            return db.scalar(query) is not None

    def play(self, stage: str, kill: Kill | None = None) -> dict[str, Any]:
        """Do what the stage asks, perhaps killed on the way."""
        depositor, path = DEPOSITORS[self.journey]
        version = self._folder().version if self.folder_id else 0
        kind, _, rest = stage.partition(":")
        if kind == "deposit":
            return self.forge.play("deposit", self.journey, str(path), login=depositor, kill=kill)
        if kind == "draft":
            return self.forge.play(
                "submit",
                self.folder_id,
                version,
                self.facts(self.forge.house, self.journey, self.number),
                login=depositor,
                kill=kill,
            )
        if kind == "work":
            return self.forge.play("work", kill=kill)
        if self.journey == "invoice":
            self.forge.house.another(
                self.folder_id
            )  # each walk takes the same file: else it is held (INV-20)
        if kind == "sign":
            return self.forge.play("sign", self.folder_id, version, CERTIFICATES[rest], login=rest, kill=kill)
        if kind == "publication":
            facts = {"means": "online"}
            return self.forge.play(
                "decide", self.folder_id, "publier", version, facts, login=depositor, kill=kill
            )
        return self.forge.play(
            "decide", self.folder_id, "viser", version, {"comment": ""}, login=VISAS[kind], kill=kill
        )

    @staticmethod
    def facts(house: House, journey: str, number: str) -> dict[str, str]:
        """What the depositor types, the rest being read in the file."""
        if journey == "invoice":
            return {"received_on": (today() - timedelta(days=3)).isoformat(), "proof_of_service": "technique"}
        return {
            "number": number,
            "decision_date": "2026-09-24",
            "subject": "Subvention au Cercle nautique",
            "nature": "1",
            "matter": "7.5.2",
            "sitting_secretary": str(house.actor("b.cadiou").user_id),
        }

    def to(self, wanted: str) -> None:
        """Go on unharmed until a stage (or `done`) is reached; forty turns are more than any journey has."""
        for _ in range(40):
            stage = self.stage()
            if stage == wanted:
                return
            assert stage != "done", f"{wanted} was never reached"
            self.play(stage)
        raise AssertionError(f"stuck at {self.stage()} before {wanted}")

    def stages(self) -> Iterator[str]:
        """Every stage as it comes, the last being the one before `done`."""
        while (stage := self.stage()) != "done":
            yield stage
