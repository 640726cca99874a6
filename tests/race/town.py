"""A town hall at work: the product served by real processes and threads, and people who click at the same instant."""

import json
import os
import re
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
import sqlalchemy as sa

from app.core.clock import today
from app.core.db import reading
from app.folders import deposit, sending
from app.folders.keep import Incoming, Kept, keep_main
from app.folders.models import StepRun
from app.folders.sockets import ReadFacts
from app.journal.chain import verify
from app.signing.models import SignatureProof
from app.signing.ports import ServerKey
from demo.cast import PASSWORD
from tests.browser.serving import starter
from tests.builders.house import ACT, House, token_in
from tests.cluster import free_port
from workflows.family import family

PATIENCE = 60.0


def environment(settings: Any) -> dict[str, str]:
    """The settings as the environment of a process of the installation."""
    found = dict(os.environ)
    for name, value in settings:
        plain = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        if plain is not None:
            found[f"PARAPHE_{name.upper()}"] = json.dumps(plain) if isinstance(plain, tuple) else str(plain)
    return found


class Served:
    """gunicorn: processes of several threads, as an installation runs it."""

    def __init__(self, settings: Any, *, workers: int = 2, threads: int = 4, port: int | None = None) -> None:
        self.port = port or free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        command = [
            "gunicorn", "--workers", str(workers), "--threads", str(threads), "--worker-class", "gthread",
            "--bind", f"127.0.0.1:{self.port}", "--log-level", "error", "--keep-alive", "120", "--no-control-socket", "wsgi:app",
        ]  # fmt: skip
        self._log = settings.data_dir / "web.log"
        self.process = starter().start(command, environment(settings), self._log)

    def wait(self) -> None:
        """Until it answers; a process that ended instead fails the test."""
        never, until = threading.Event(), time.monotonic() + PATIENCE
        while time.monotonic() < until:
            assert not self.process.ended(), self._log.read_text()[-3000:]
            try:
                if requests.get(f"{self.base}/health/live", timeout=5).ok:
                    return
            except (requests.ConnectionError, requests.Timeout):
                never.wait(0.1)
        raise TimeoutError(f"gunicorn does not answer: {self._log.read_text()[-3000:]}")

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.ended(PATIENCE), self._log.read_text()[-3000:]


class Browser:
    """One tab: its own connection, the person's own session."""

    def __init__(self, base: str, cookies: Any = None, token: str = "") -> None:
        self.base, self.token, self.web = base, token, requests.Session()
        if cookies is not None:
            self.web.cookies.update(cookies)

    def log_in(self, login: str) -> "Browser":
        page = self.web.get(f"{self.base}/login", timeout=PATIENCE).text
        self.web.post(
            f"{self.base}/login",
            data={"login": login, "password": PASSWORD, "csrf_token": token_in(page)},
            timeout=PATIENCE,
        )
        self.token = token_in(self.web.get(f"{self.base}/compte", timeout=PATIENCE).text)
        return self

    def tab(self) -> "Browser":
        """Another tab of the same session."""
        return Browser(self.base, self.web.cookies, self.token)

    def post(self, path: str, **typed: object) -> requests.Response:
        """What a form sends; the page that follows is not fetched."""
        return self.web.post(
            f"{self.base}{path}",
            data={"csrf_token": self.token, **typed},
            allow_redirects=False,
            timeout=PATIENCE,
        )

    def get(self, path: str) -> requests.Response:
        return self.web.get(f"{self.base}{path}", allow_redirects=False, timeout=PATIENCE)

    def json(self, path: str, body: object) -> requests.Response:
        """What the signing page sends."""
        headers = {"X-CSRFToken": self.token, "Accept": "application/json"}
        return self.web.post(f"{self.base}{path}", json=body, headers=headers, timeout=PATIENCE)

    def prepare(self, folder_id: int, version: int, key: ServerKey) -> "Asked":
        """The first request of the signing page, and the signature that the key makes of it."""
        offer = {
            "version": version,
            "certificate": b64encode(key.certificate).decode(),
            "chain": [b64encode(one).decode() for one in key.chain],
        }
        answer = self.json(f"/dossiers/{folder_id}/signature/preparer", offer)
        assert answer.status_code == 200, answer.text
        (item,) = answer.json()["items"]
        made = {"id": "main", "signature": b64encode(key.sign(b64decode(item["tbs"]))).decode()}
        return Asked(folder_id, {"session": answer.json()["session"], "signatures": [made]})


class Asked:
    """A signature made in the page, and not yet sent."""

    def __init__(self, folder_id: int, body: dict[str, Any]) -> None:
        self.path, self.body = f"/dossiers/{folder_id}/signature/terminer", body

    def send(self, tab: Browser) -> requests.Response:
        return tab.json(self.path, self.body)


class Town:
    """One installation, its servers, and what a test reads of it afterwards."""

    def __init__(self, house: House, served: Served) -> None:
        self.house, self.served = house, served
        self._tabs: dict[str, Browser] = {}
        self._act: list[Kept] = []
        self._acts = 0

    def tab(self, login: str) -> Browser:
        """A new tab of a person, who logged in once."""
        if login not in self._tabs:
            self._tabs[login] = Browser(self.served.base).log_in(login)
        return self._tabs[login].tab()

    def an_invoice(self, at: str = "finance") -> tuple[int, int]:
        """A folder and its version, waiting for the finance desk or for the mayor's signature."""
        folder_id = self.house.a_quick_invoice()
        if at == "bon_a_payer":
            self.house.approve(folder_id, "n.abgrallec")
        return folder_id, self.house.folder(folder_id).version

    def a_deliberation(self) -> int:
        """A deliberation that waits for its two signatures, from a file examined once."""
        actor = self.house.actor("k.morizur")
        if not self._act:
            self._act, _ = keep_main(
                actor.collectivity_id, family("deliberation"), Incoming(ACT, ACT.name), ACT.parent
            )
        self._acts += 1
        facts = {
            "number": f"2026-{self._acts:03d}", "decision_date": "2026-09-24", "subject": "Subvention", "nature": "1", "matter": "7.5.2",
            "sitting_secretary": str(self.house.actor("b.cadiou").user_id),
        }  # fmt: skip
        folder_id = deposit.create(actor, "deliberation", min(actor.desk_ids), self._act, facts)
        sending.submit(actor, folder_id, version=1)
        self.house.approve(folder_id, "s.rivoal")
        return folder_id

    def a_kept_invoice(self) -> tuple[list[Kept], ReadFacts]:
        """The files of an invoice, examined and stored once, and what was read in them."""
        if self.house._kept is None:
            self.house.a_quick_invoice()
        assert self.house._kept is not None
        kept, read = self.house._kept
        assert read is not None
        return kept, read

    def a_draft(self) -> int:
        """An invoice that is still with its depositor."""
        kept, read = self.a_kept_invoice()
        actor = self.house.actor("g.trehorel")
        facts = {**read.fields, "received_on": today().isoformat(), "proof_of_service": "technique"}
        return deposit.create(actor, "invoice", min(actor.desk_ids), kept, facts)

    # what a test looks at

    def runs(self, folder_id: int, step: str) -> list[str]:
        """The states of a step's parts."""
        with reading() as db:
            return sorted(
                db.scalars(
                    sa.select(StepRun.state).where(StepRun.folder_id == folder_id, StepRun.step == step)
                )
            )

    def proofs(self, folder_id: int) -> int:
        with reading() as db:
            return db.scalar(sa.select(sa.func.count()).where(SignatureProof.folder_id == folder_id)) or 0

    def decided_once(self, folder_id: int, version: int, place: str, event: str) -> None:
        """The folder moved once, to that place, and the journal says it once."""
        folder = self.house.folder(folder_id)
        assert (folder.version, folder.place) == (version + 1, place)
        # The click that lost left its line too (`signature.refused`), which moves nothing
        beside = {"folder.opened", "signature.refused"}
        moves = [one for one in self.house.journal(folder_id) if one not in beside]
        assert moves[-1] == event
        assert len(moves) == version, (
            moves
        )  # one for each version but one: sending makes two, the fields and the move

    def chain_holds(self) -> None:
        with reading() as db:
            count, broken = verify(db, self.house.actor("a.kervadec").collectivity_id)
        assert broken is None, broken
        assert count


def at_once(*clicks: Callable[[], Any]) -> list[Any]:
    """Do these at the same instant, each in its own thread; their results in the same order."""
    gate = threading.Barrier(len(clicks))

    def one(click: Callable[[], Any]) -> Any:
        gate.wait(PATIENCE)
        return click()

    with ThreadPoolExecutor(len(clicks)) as threads:
        return [done.result(PATIENCE * 2) for done in [threads.submit(one, click) for click in clicks]]


def told(refused: requests.Response) -> str:
    """The French sentence of a refusal, from the page or from the problem (RFC 9457)."""
    if "json" in refused.headers["Content-Type"]:
        return str(refused.json()["detail"])
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", refused.text))


def one_wins(answers: Sequence[requests.Response], won: int = 302) -> requests.Response:
    """Exactly one succeeded; the answer of the one who came too late, which says in French that nothing was done."""
    winners = [one for one in answers if one.status_code == won]
    losers = [one for one in answers if one.status_code in {403, 409}]
    assert (len(winners), len(losers)) == (1, len(answers) - 1), [
        (one.status_code, told(one)[-300:]) for one in answers
    ]
    assert all(
        re.search(
            r"n’a pas été (enregistré|signé|repris)|Rien (de plus )?n’a été (enregistré|signé)|rien de plus n’a été fait",
            told(one),
        )
        for one in losers
    ), [told(one) for one in losers]
    return losers[0]
