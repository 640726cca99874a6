"""The product's part of S4: 200 documents of 50 kB sealed from their folders, while others look at their inbox.

Each seal is all that the worker does for one: the folder's rights and place, the certificate and its revocation, the
bytes from the store, prepare, sign, embed, read again and prove, keep with fsync, the move with its journal, letters
and proof, and the row of the outbox that asked for it. Stock pyHanko only signs the file.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from flask.testing import FlaskClient
from pyhanko.sign import signers

from app.core import db
from bench.commune import READER
from bench.ground import ROOT, browser, ground
from bench.measure import ROUNDS, Figure, steady
from bench.s1_signature import _stock
from bench.s4_ground import Seal, document, environment_of, seal_in, settings_of, waiting

SIZE, SEALS, STOCK, PAGES, WARMING = 50_000, 40, 8, 60, 5
RATE_BAR, PAGE_BAR = 3.0, 3.0
WORKER = """
import json, sys, time
import sqlalchemy as sa
import wsgi
from app.core import outbox
from app.core.db import reading

print("ready", flush=True)
for line in sys.stdin:
    rows = json.loads(line)
    start = time.perf_counter()
    for row in rows:
        outbox.run(row)
    taken = time.perf_counter() - start
    with reading() as db:
        query = sa.select(outbox.Outbox.last_error).where(outbox.Outbox.id.in_(rows), outbox.Outbox.state != "done")
        print(json.dumps([taken, [str(one) for one in db.scalars(query)]]), flush=True)
"""


class _Worker:
    """A process that does rows of the outbox, as the worker of an installation does."""

    def __init__(self, process: "subprocess.Popen[str]", rows: list[int]) -> None:
        self._process, self._rows = process, rows
        if self._out.readline() != "ready\n":
            raise RuntimeError("the worker did not start")

    @property
    def _out(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout

    def start(self, count: int) -> None:
        """Let it seal so many folders; `seconds` waits for them."""
        assert self._process.stdin is not None
        mine, self._rows = self._rows[:count], self._rows[count:]
        if len(mine) < count:
            raise RuntimeError("no folder waits any more")
        self._process.stdin.write(json.dumps(mine) + "\n")
        self._process.stdin.flush()

    def seconds(self) -> float:
        """How long they took; raises when one was not sealed."""
        taken, faults = json.loads(self._out.readline())
        if faults:
            raise RuntimeError(f"not sealed: {faults}")
        return float(taken)

    def add(self, rows: list[int]) -> None:
        """More folders wait."""
        self._rows = rows


@contextmanager
def _worker(environment: dict[str, str], rows: list[int]) -> Iterator[_Worker]:
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER], cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True
    )
    try:
        yield _Worker(process, rows)
    finally:
        process.terminate()
        process.wait(30)


def _page(client: FlaskClient) -> float:
    start = time.perf_counter()
    if client.get("/a-traiter").status_code != 200:
        raise RuntimeError("the inbox does not answer")
    return time.perf_counter() - start


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def _stock_seconds(room: Path, seal: Seal) -> float:
    """Stock pyHanko's bare loop: seconds for each of a few files."""
    signer = signers.SimpleSigner.load_pkcs12(str(seal.file), passphrase=seal.passphrase)
    start = time.perf_counter()
    for rank in range(STOCK):
        _stock(signer, room / "stock.pdf", room / f"stock-{rank}.pdf")
    return (time.perf_counter() - start) / STOCK


def _round(worker: _Worker, client: FlaskClient, room: Path, seal: Seal) -> dict[str, float]:
    stock = _stock_seconds(room, seal)
    worker.start(SEALS)
    alone = worker.seconds() / SEALS
    idle = [_page(client) for _ in range(PAGES)]
    worker.start(SEALS)
    busy = [_page(client) for _ in range(PAGES)]
    worker.seconds()
    return {"stock": stock, "product": alone, "idle": _p95(idle), "busy": _p95(busy)}


def _measure(worker: _Worker, client: FlaskClient, room: Path, seal: Seal, more: Any) -> list[Figure]:
    worker.add(more())
    worker.start(WARMING)
    worker.seconds()
    rounds = [_round(worker, client, room, seal) for _ in range(ROUNDS)]

    def medians(*names: str) -> str:
        first, second = (statistics.median(each[name] for each in rounds) * 1000 for name in names)
        return f"{first:.1f} ms against {second:.1f} ms"

    return [
        Figure(
            f"product, {ROUNDS * SEALS} seals, rate over stock pyHanko's bare loop",
            tuple(times["stock"] / times["product"] for times in rounds),
            RATE_BAR,
            at_least=True,
            note=medians("product", "stock"),
        ),
        Figure(
            "À traiter meanwhile, p95 over idle",
            tuple(times["busy"] / times["idle"] for times in rounds),
            PAGE_BAR,
            note=medians("busy", "idle"),
        ),
    ]


def figures() -> list[Figure]:
    """The two figures, on SQLite with fsync."""
    place = ground()
    with tempfile.TemporaryDirectory(dir=place.home) as name, seal_in(Path(name) / "pki") as seal:
        room, url = Path(name), place.peopled("sqlite", "s4_seals", folders=1_000)
        settings = settings_of(place, url, seal)
        document(room / "stock.pdf", SIZE)

        def more() -> list[int]:
            db.configure(url)
            return waiting(settings, place.commune, 2 * ROUNDS * SEALS + WARMING, SIZE, room)

        with _worker(environment_of(place, url, seal), []) as worker:
            client = browser(place.web(url), READER)
            for _ in range(10):
                _page(client)
            return steady(partial(_measure, worker, client, room, seal, more))


if __name__ == "__main__":
    for figure in figures():
        print(figure.sentence())
