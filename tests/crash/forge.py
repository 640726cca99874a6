"""A process that has loaded the product, and forks one victim for each order; the victim dies alone, by SIGKILL.

An order is one line of JSON: what a person or the worker does, and where it is killed. The answer is one line: whether it died, what it had time to say, how many boundaries it passed, how many seconds it took.
"""

import json
import os
import select
import signal
import socket
import sys
import threading
import time
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest

from tests.builders.warm import copied_from
from tests.crash import boundaries

PATIENCE = 60.0


class Victim:
    """One person at a browser without screen, or the worker, in a process of its own."""

    def __init__(self, app: Any, pki: tuple[str, str], order: dict[str, Any]) -> None:
        self.app, self.pki, self.order = app, pki, order

    def play(self) -> Any:
        return getattr(self, self.order["play"])(*self.order.get("with", ()))

    def _browser(self) -> Any:
        client = self.app.test_client()
        client.set_cookie("paraphe", self.order["cookie"])
        return client

    def _post(self, path: str, **typed: object) -> str:
        answer = self._browser().post(path, data={"csrf_token": self.order["csrf"], **typed})
        assert answer.status_code == 302, (answer.status_code, answer.get_data(as_text=True)[-2000:])
        return str(answer.headers["Location"])

    def deposit(self, family: str, path: str) -> int:
        with Path(path).open("rb") as source:
            location = self._post("/deposer", family=family, files=(source, Path(path).name))
        return int(location.split("/dossiers/")[1].split("/")[0])

    def submit(self, folder_id: int, version: int, facts: dict[str, str]) -> None:
        location = self._post(f"/dossiers/{folder_id}/brouillon", version=version, action="submit", **facts)
        assert location.endswith(f"/dossiers/{folder_id}")

    def decide(self, folder_id: int, verb: str, version: int, facts: dict[str, str]) -> None:
        self._post(f"/dossiers/{folder_id}/{verb}", version=version, **facts)

    def sign(self, folder_id: int, version: int, label: str) -> None:
        """Both requests of the signing page, with the key that the page would open in between."""
        from app.signing.keys.pkcs12 import Pkcs12Key
        from demo.pki import TestPki

        pki = TestPki(Path(self.pki[0]), self.pki[1])
        key = Pkcs12Key.load(pki.p12(label), pki.passphrase)
        offer = {
            "version": version,
            "certificate": b64encode(key.certificate).decode(),
            "chain": [b64encode(one).decode() for one in key.chain],
        }
        browser, headers = self._browser(), {"X-CSRFToken": self.order["csrf"], "Accept": "application/json"}
        asked = browser.post(f"/dossiers/{folder_id}/signature/preparer", json=offer, headers=headers)
        assert asked.status_code == 200, asked.get_data(as_text=True)
        (item,) = asked.get_json()["items"]
        made = {"id": "main", "signature": b64encode(key.sign(b64decode(item["tbs"]))).decode()}
        told = browser.post(
            f"/dossiers/{folder_id}/signature/terminer",
            json={"session": asked.get_json()["session"], "signatures": [made]},
            headers=headers,
        )
        assert told.status_code == 200, told.get_data(as_text=True)

    def embed(self, folder_id: int, request: str) -> None:
        """The last request of the signing page, once the trust service has signed."""
        told = self._browser().post(
            f"/dossiers/{folder_id}/signature/distance/terminer",
            json={"session": request},
            headers={"X-CSRFToken": self.order["csrf"], "Accept": "application/json"},
        )
        assert told.status_code == 200, told.get_data(as_text=True)

    def arrive(self, collectivity_id: int, identifier: str, path: str) -> bool:
        """What fetches from outside does of one thing, before it says there that it was taken."""
        from app.arrivals.models import Way
        from app.arrivals.receiving import receive
        from app.folders.keep import Incoming

        files = [Incoming(Path(path), Path(path).name)]
        return receive(collectivity_id, Way.CHORUS, identifier, files, origin=f"Facture {identifier}").new

    def collect(self, number: int) -> int:
        """One look at a mailbox."""
        from app.arrivals.mail import boxes, fetching
        from app.arrivals.models import Mailbox
        from app.core.db import reading

        with reading() as db:
            box = boxes.plain(db.get_one(Mailbox, number))
        return fetching.read(box, self.app.config["PARAPHE"])

    def scan(self, number: int, later: float) -> int:
        """One look at the folder of a scanner, so many seconds from now."""
        from datetime import timedelta

        from app.arrivals.models import Scanner
        from app.arrivals.scans import sources, watching
        from app.core.clock import now
        from app.core.db import reading

        with reading() as db:
            source = sources.plain(db.get_one(Scanner, number))
        return watching.take(source, self.app.config["PARAPHE"], now() + timedelta(seconds=later))

    def work(self) -> int:
        """What the worker and its watchdog do: every row that is due, until nothing waits any more."""
        import sqlalchemy as sa

        from app.core import outbox
        from app.core.db import reading

        waiting = sa.select(sa.func.count()).where(outbox.Outbox.state.in_(["pending", "running"]))
        until, count, never = time.monotonic() + PATIENCE, 0, threading.Event()
        while time.monotonic() < until:
            count += outbox.drain()
            with reading() as db:
                if not db.scalar(waiting):
                    return count
            never.wait(0.01)  # a lease or a poll is due in a moment
        raise TimeoutError("the worker still has something to do")


def _live(app: Any, pki: tuple[str, str], order: dict[str, Any], speak: int) -> None:
    """The whole life of a victim, after the fork."""
    try:
        passed = boundaries.watch(order.get("kill") or {})
        said = {"said": Victim(app, pki, order).play(), "passed": passed.count}
    except BaseException as error:
        said = {"fault": f"{type(error).__name__}: {error}"}
    os.write(speak, json.dumps(said).encode())
    os._exit(0)


def _obey(app: Any, pki: tuple[str, str], order: dict[str, Any]) -> dict[str, Any]:
    hear, speak = os.pipe()
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.close(hear)
        _live(app, pki, order, speak)
    os.close(speak)
    after = (order.get("kill") or {}).get("seconds")
    # The pipe closes when the victim ends; a kill at a random instant comes from outside, wherever the victim is.
    if not select.select([hear], [], [], PATIENCE if after is None else after)[0]:
        os.kill(pid, signal.SIGKILL)
    heard = b"".join(iter(lambda: os.read(hear, 65536), b""))
    os.close(hear)
    _, status = os.waitpid(pid, 0)
    died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    return {"died": died, "seconds": time.monotonic() - began, **(json.loads(heard) if heard else {})}


def main(where: str) -> None:
    """Obey whoever listens there, until nobody does any more."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(f"\0{where}")
        orders, answers = connection.makefile("r"), connection.makefile("w")
    asked = json.loads(orders.readline())
    from app import create_app
    from config import Settings
    from tests.builders.hours import leave_at_any_hour

    app = create_app(Settings(_env_file=None, **asked["settings"]))
    boundaries.load()
    leave_at_any_hour(pytest.MonkeyPatch())
    copied_from(asked["confined"])
    # The counter of requests (limits.storage.MemoryStorage) forgets in a thread that lives ten milliseconds, or more on a busy machine
    for other in set(threading.enumerate()) - {threading.current_thread()}:
        other.join(PATIENCE)
    assert threading.active_count() == 1, f"a fork copies one thread only, and not {threading.enumerate()}"
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in orders:
        print(json.dumps(_obey(app, asked["pki"], json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
