"""The real processes of an installation, gunicorn and the worker, killed while people work: every folder ends, once."""

import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest
import requests

from app import create_app
from tests.browser.serving import Process, starter
from tests.builders.house import CERTIFICATES, House
from tests.cluster import free_port
from tests.crash.sound import finished
from tests.crash.walk import DEPOSITORS, SEED, VISAS, Walk
from tests.race.town import Browser, Served, environment

pytestmark = pytest.mark.crash
PATIENCE = 90.0
KILLS = 6
IDLE = 40
OUTAGES = (  # a server that dies: before it answers, while it answers, in the middle of the body
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
)


class Machine:
    """The web and the worker of one installation; what dies is started again, as systemd would."""

    def __init__(self, house: House, served: Served) -> None:
        self.house, self.served, self.deaths = house, served, 0
        self._log, self._turn = house.settings.data_dir / "worker.log", threading.Lock()
        self._worker = self._start()

    def _start(self) -> Process:
        command = ["flask", "--app", "wsgi", "worker"]
        return starter().start(command, environment(self.house.settings), self._log)

    def kill_worker(self) -> None:
        with self._turn:
            self._worker.kill()
            assert self._worker.ended(10)
            self._worker, self.deaths = self._start(), self.deaths + 1

    def kill_web(self) -> None:
        """Kill what serves, once there is something that does; its master, which serves nothing, starts another."""
        master = self.served.process.pid
        until = monotonic() + 30
        while not (children := Path(f"/proc/{master}/task/{master}/children").read_text().split()):
            assert monotonic() < until, "the master started nothing again"
            sleep(0.01)
        for pid in children:
            os.kill(int(pid), signal.SIGKILL)
            self.deaths += 1

    def stop(self) -> None:
        self._worker.terminate()
        assert self._worker.ended(30)
        self.served.stop()


@pytest.fixture
def machine(house: House) -> Iterator[Machine]:
    port = free_port()
    changed = {"lease_seconds": 1.0, "attempts_limit": 20}
    settings = house.settings.model_copy(update={**changed, "public_url": f"http://127.0.0.1:{port}"})
    served = Served(settings, workers=1, port=port)
    app = create_app(settings)
    made = Machine(House(app, settings, house.pki, house.mail), served)
    try:
        served.wait()
        yield made
    finally:
        made.stop()


class Clerk:
    """Somebody who works on through the outages: looks where the folder is, does what is to do, and looks again."""

    def __init__(self, machine: Machine) -> None:
        self.machine, self.house = machine, machine.house
        self._browsers: dict[str, Browser] = {}

    def browser(self, login: str) -> Browser:
        if login not in self._browsers:
            self._browsers[login] = Browser(self.machine.served.base).log_in(login)
        return self._browsers[login]

    def work(self, journey: str, number: str) -> int:
        """One folder from deposit to its end; an outage is looked at again, never blindly repeated."""
        seen, never, until, idle = Found(journey), threading.Event(), monotonic() + PATIENCE, 0
        while monotonic() < until:
            place = seen.place(self.house)
            if place == "done" and not self.house.pending():
                return seen.folder_id
            try:
                act = self._act(journey, number, place, seen.folder_id)
                if act is None:
                    idle += 1
                    if idle % IDLE == 0:
                        self.machine.kill_worker()  # a start is a round of the watchdog, which comes each minute by itself
                    never.wait(0.1)
                elif act().status_code >= 500:
                    never.wait(0.1)
            except OUTAGES:
                never.wait(0.1)  # the server is being started again
        raise TimeoutError(f"{journey} stays at {seen.place(self.house)}")

    def _act(
        self, journey: str, number: str, place: str, folder_id: int
    ) -> Callable[[], requests.Response] | None:
        login, path = DEPOSITORS[journey]
        version = self.house.folder(folder_id).version if folder_id else 0
        if place == "":
            return lambda: self._deposit(login, journey, path)
        if place == "draft":
            facts = Walk.facts(self.house, journey, number)
            return lambda: self.browser(login).post(
                f"/dossiers/{folder_id}/brouillon", version=version, action="submit", **facts
            )
        if place in VISAS:
            return lambda: self.browser(VISAS[place]).post(
                f"/dossiers/{folder_id}/viser", version=version, comment=""
            )
        if place in {"bon_a_payer", "signatures"}:
            signed = len(self.house.versions(folder_id)) > 1
            return lambda: self._sign("b.cadiou" if signed else "a.kervadec", folder_id, version)
        if place == "publication":
            return lambda: self.browser(login).post(
                f"/dossiers/{folder_id}/publier", version=version, means="online"
            )
        return None

    def _deposit(self, login: str, journey: str, path: Path) -> requests.Response:
        tab = self.browser(login)
        with path.open("rb") as source:
            return tab.web.post(
                f"{tab.base}/deposer",
                data={"csrf_token": tab.token, "family": journey},
                files={"files": (path.name, source)},
                allow_redirects=False,
                timeout=30,
            )

    def _sign(self, login: str, folder_id: int, version: int) -> requests.Response:
        tab = self.browser(login)
        return tab.prepare(folder_id, version, self.house.key(CERTIFICATES[login])).send(tab)


class Found:
    """The folder of a clerk, found again in the database as in the list of drafts."""

    def __init__(self, journey: str) -> None:
        self.journey, self.folder_id = journey, 0

    def place(self, house: House) -> str:
        self.folder_id = self.folder_id or Walk.newest(self.journey)
        return house.folder(self.folder_id).place if self.folder_id else ""


def test_web_and_worker_killed_while_people_work_every_folder_ends_once(machine: Machine) -> None:
    seed = f"{SEED}-processes-{machine.house.settings.database_url.split(':')[0]}"
    sys.stdout.write(f"PARAPHE_CRASH_SEED={SEED} ({seed})\n")
    chance, over = random.Random(seed), threading.Event()

    def reap() -> None:
        for number in range(KILLS):
            if over.wait(chance.uniform(0.3, 1.5)):
                return
            (machine.kill_worker if number % 2 else machine.kill_web)()

    reaper = threading.Thread(target=reap)
    reaper.start()
    try:
        folders = [Clerk(machine).work(journey, "2026-901") for journey in ("invoice", "deliberation")]
    finally:
        over.set()
        reaper.join()
    assert machine.deaths >= 2
    for folder_id in folders:
        finished(machine.house, folder_id)
