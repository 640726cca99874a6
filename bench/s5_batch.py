"""S5: fifty documents signed in one click, stamped and timestamped (B-T): near what the authority itself takes for fifty tokens.

Counted from the first preparation to the last result written: prepare, sign with the person's key, keep, embed, check, move,
journal, each in its own transaction, by the two threads of a worker. Then with 200 ms more for each answer of the authority.
"""

import hashlib
import itertools
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app import create_app
from app.batches import gesture, signatures
from app.batches.models import BatchItem
from app.core import outbox, schema
from app.core.db import reading
from app.demo import pki as test_pki
from app.demo.cast import PASSWORD
from app.demo.seed import people
from app.people.actor import Actor
from app.people.login import open_session, person
from app.signing.enrol import enrol
from app.signing.keys.browser import BrowserKey
from app.signing.timestamp import TimestampClient
from app.signing.trust import facts
from bench.ground import ROOT
from bench.measure import Figure, goal
from tests.builders.house import House
from tests.cluster import free_port
from tests.conftest import settings_for

COUNT, ROUNDS, THREADS = 50, 3, 2
LATENCY = 0.2
OWN_TIME, WAITS = 1.6, 3.0
SERVER = "import sys; from pathlib import Path; from app.demo import pki; pki.serve(Path(sys.argv[1]), '127.0.0.1', int(sys.argv[2])).wait()"
_numbers = itertools.count()


class Far(BaseHTTPRequestHandler):
    """The timestamp authority, `delay` seconds farther away."""

    delay = 0.0
    url = ""

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        request = urllib.request.Request(self.url, asked, {"Content-Type": self.headers["Content-Type"]})
        with urllib.request.urlopen(request) as found:
            answer, kind = found.read(), found.headers["Content-Type"]
        time.sleep(self.delay)
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _authority(folder: Path) -> Iterator[tuple[test_pki.TestPki, str]]:
    """The test authority in a process of its own, and the address of its timestamps through `Far`."""
    port = free_port()
    made = test_pki.make(folder, f"http://127.0.0.1:{port}")
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(folder), str(port)], cwd=ROOT)
    far = ThreadingHTTPServer(("127.0.0.1", free_port()), Far)
    threading.Thread(target=far.serve_forever, daemon=True).start()
    Far.url = made.tsa_url
    try:
        _answers(made.base_url)
        yield made, f"http://127.0.0.1:{far.server_port}/"
    finally:
        far.shutdown()
        process.terminate()
        process.wait(10)


def _answers(url: str) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(url).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return


class Evening:
    """The mayor, with folders that wait and a key."""

    def __init__(self, home: Path, pki: test_pki.TestPki, tsa: str) -> None:
        url = f"sqlite:///{home / 'paraphe.db'}"
        settings = settings_for(url, home / "data", pki, 9, tsa_url=tsa, lease_seconds=600.0)
        self.house = House(create_app(settings), settings, pki, None)  # type: ignore[arg-type]
        schema.upgrade()
        people()
        self.key = self.house.key("a_kervadec")
        self.public = BrowserKey(self.key.certificate, tuple(self.key.chain))
        mayor = self.house.actor("a.kervadec")
        enrol(mayor, mayor.user_id or 0, facts(self.key.certificate), self.key.certificate)
        token = open_session("a.kervadec", PASSWORD, hours=12, address="", client="bench")
        with reading() as db:
            found = person(db, token, "")
        assert found is not None
        self.mayor: Actor = found

    def batch(self, count: int) -> int:
        """Folders that wait for the mayor, gathered in a batch."""
        folders = [self.house.a_quick_invoice() for _ in range(count)]
        for one in folders:
            self.house.approve(one, "n.abgrallec")
        shown = {one: self.house.folder(one).version for one in folders}
        return gesture.propose(self.mayor, "sign", shown)

    def sign(self, number: int) -> float:
        """Sign it as page and worker do; seconds from the click to the last result."""
        begun = time.perf_counter()
        holder = gesture.take_up(self.mayor, number)
        with ThreadPoolExecutor(THREADS) as worker:
            running = []
            while offers := signatures.prepare_next(self.mayor, number, holder, self.public):
                answers = [
                    signatures.Answer(
                        one.item_id, one.session, [self.key.sign(part.attributes) for part in one.prepared]
                    )
                    for one in offers
                ]
                signatures.receive(self.mayor, number, answers)
                running += [worker.submit(outbox.run, row) for row in _rows()]
            for one in running:
                one.result()
        taken = time.perf_counter() - begun
        with reading() as db:
            states = db.scalars(sa.select(BatchItem.state).where(BatchItem.batch_id == number)).all()
        assert set(states) == {"done"}, states
        return taken


def _rows() -> list[int]:
    with reading() as db:
        query = sa.select(outbox.Outbox.id).where(
            outbox.Outbox.kind == gesture.SIGN, outbox.Outbox.state == "pending"
        )
        return list(db.scalars(query))


def _tokens(url: str) -> float:
    """Seconds that the authority takes for as many tokens, asked one after the other."""
    client, begun = TimestampClient(url, timeout=30), time.perf_counter()
    for _ in range(COUNT):
        client.token(hashlib.sha256(str(next(_numbers)).encode()).digest(), "sha256")
    return time.perf_counter() - begun


def run() -> dict[str, Any]:
    """The goal's line: our time over the authority's own, and what a far authority adds, in latencies."""
    with tempfile.TemporaryDirectory() as name, _authority(Path(name) / "pki") as (pki, tsa):
        evening = Evening(Path(name), pki, tsa)
        evening.sign(evening.batch(2))
        rounds = []
        for _ in range(ROUNDS):
            Far.delay = 0.0
            own, near = _tokens(tsa), evening.sign(evening.batch(COUNT))
            Far.delay = LATENCY
            far = evening.sign(evening.batch(COUNT))
            rounds.append((own, near, far))
    figures = [
        Figure("batch / the authority’s own time", tuple(near / own for own, near, _ in rounds), OWN_TIME),
        Figure(
            "what 200 ms more add, in latencies",
            tuple(max(far - near, 0.001) / LATENCY for _, near, far in rounds),
            WAITS,
        ),
    ]
    own, near, far = (sorted(column)[ROUNDS // 2] for column in zip(*rounds, strict=True))
    how = f"{COUNT} invoices, visible stamp, B-T, SQLite, tokens alone {own:.2f} s, batch {near:.2f} s, far {far:.2f} s"
    return goal("S5", figures, how)


if __name__ == "__main__":
    print(run())
