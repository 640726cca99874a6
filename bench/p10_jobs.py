"""P10: the worker does at least 1.5 times procrastinate's jobs, and a letter reaches its server within 100 ms of the commit.

Both on one PostgreSQL with fsync, each with one worker of two threads, in turn: so many jobs are asked for in one
transaction, and the clock runs from its beginning until the last is done. A job is empty, or it writes a letter from its
row and its reader (the same code for both) and gives it to the same SMTP server, which keeps what it accepts: none may be
missing and none may come twice. The peer's task opens a connection of its own, as one writes such a task.
"""

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from email.message import EmailMessage
from functools import partial
from typing import Any

import psycopg

from app.core import outbox
from app.core.outbox import News
from app.core.transaction import use_case
from bench import peer_procrastinate as peer
from bench.ground import ROOT, ground
from bench.measure import ROUNDS, Figure, goal, ratios, steady
from bench.rest import backends, processor
from tests.mailserver import MailServer

EMPTY, LETTERS, SINGLE = 600, 120, 30
RATE_BAR, DELAY_BAR = 1.5, 100.0
PATIENCE = 120.0
WORKER = """
from wsgi import app
from app.core.outbox import handles

handles("empty", quick=True)(lambda row: None)
app.test_cli_runner().invoke(args=["worker"], catch_exceptions=False)
"""


class _Catcher(MailServer):
    """Remembers when each letter was accepted."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[float] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the library's name
        answer = await super().handle_DATA(server, session, envelope)
        self.moments.append(time.perf_counter())
        return str(answer)

    def clear(self) -> None:
        super().clear()
        self.moments.clear()


@use_case
def _post(db: Any, collectivity_id: int, news: list[News]) -> None:
    outbox.post(db, collectivity_id, news)


class _Ours:
    """Jobs asked of the product's outbox; their keys are never used twice."""

    def __init__(self, url: str) -> None:
        self.url, self._number = url, 0

    def ask(self, kind: str, count: int) -> None:
        """Write so many rows in one transaction."""
        ground().point(self.url)
        first = self._number
        self._number += count
        numbers = range(first, first + count)
        _post(ground().commune.id, [News(kind, f"p10-{number}", peer.PAYLOAD) for number in numbers])

    def left(self) -> str:
        """The question that answers whether something is left to do."""
        return "SELECT 1 FROM outbox WHERE state <> 'done' LIMIT 1"


def _done(url: str, question: str) -> Callable[[], bool]:
    connection = psycopg.connect(url, autocommit=True)
    return lambda: connection.execute(question).fetchone() is None


def _until(true: Callable[[], bool], event: str) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise RuntimeError(f"{event}: not within {PATIENCE:.0f} s")
        time.sleep(0.005)


@contextmanager
def _process(script: str, environment: dict[str, str], *arguments: str) -> Iterator[int]:
    command = [sys.executable, "-c", script, *arguments]
    log = ground().home / f"p10-{arguments[0] if arguments else 'ours'}.log"
    with log.open("wb") as out:
        running = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
    try:
        yield running.pid
    finally:
        if running.poll() is not None:
            raise RuntimeError(f"a worker ended by itself: {log.read_text()[-2000:]}")
        running.send_signal(signal.SIGTERM)
        running.wait(60)


def _timed(ask: Callable[[], None], done: Callable[[], bool]) -> float:
    begun = time.perf_counter()
    ask()
    _until(done, "the jobs are done")
    return time.perf_counter() - begun


def _once_each(letters: list[EmailMessage], count: int) -> None:
    names = [str(letter["Message-ID"]) for letter in letters]
    if len(names) != count or len(set(names)) != count:
        raise RuntimeError(f"{count} letters asked, {len(names)} accepted, {len(set(names))} different")


def _delays(ask: Callable[[], None], catcher: _Catcher) -> list[float]:
    """Milliseconds from the commit to the server's « accepted », each time with a worker at rest."""
    delays = []
    for number in range(SINGLE):
        catcher.clear()
        time.sleep(0.3 + 0.017 * (number % 7))  # never in step with what polls
        ask()
        committed = time.perf_counter()
        _until(lambda: bool(catcher.moments), "the letter is accepted")
        delays.append((catcher.moments[0] - committed) * 1000)
    time.sleep(0.3)
    return delays


def _summary(delays: list[float]) -> str:
    ordered = sorted(delays)
    return f"median {statistics.median(ordered):.1f}, p95 {ordered[int(0.95 * len(ordered))]:.1f} ms"


class _Match:
    """Both engines at work, and what they are measured by."""

    def __init__(self, ours: _Ours, theirs: "peer.Peer", catcher: _Catcher, workers: dict[str, int]) -> None:
        self._ours, self._theirs, self._catcher = ours, theirs, catcher
        self._workers, self._spent = workers, dict[tuple[str, str], list[float]]()
        self._done = {side: _done(side.url, side.left()) for side in (ours, theirs)}

    def _round(self, kind: str, count: int, turn: int) -> dict[str, float]:
        taken = {}
        for name, side in (
            (("ours", self._ours), ("peer", self._theirs)),
            (("peer", self._theirs), ("ours", self._ours)),
        )[turn % 2]:
            self._catcher.clear()
            before = self._processor(name, side.url)
            taken[name] = _timed(partial(side.ask, kind, count), self._done[side])
            spent = (self._processor(name, side.url) - before) * 1000 / count
            self._spent.setdefault((name, kind), []).append(spent)
            if kind == peer.MAIL:
                _once_each(self._catcher.letters, count)
        return taken

    def _processor(self, name: str, url: str) -> float:
        """Seconds of computing of a worker and of the backends of its base, which a loaded machine changes little."""
        return sum(processor({self._workers[name], *backends(url)[0]}).values())

    def _cost(self, kind: str) -> str:
        ours, theirs = (statistics.median(self._spent[name, kind]) for name in ("ours", "peer"))
        return f"processor of worker and base {ours:.1f} against {theirs:.1f} ms a job"

    def rates(self) -> list[Figure]:
        """How many times as many jobs ours does, for each kind of job."""
        figures = []
        for kind, count, label in (("empty", EMPTY, "empty jobs"), (peer.MAIL, LETTERS, "letters")):
            rounds = [self._round(kind, count, turn) for turn in range(ROUNDS)]
            rate = {name: [count / times[name] for times in rounds] for name in ("ours", "peer")}
            note = " against ".join(
                f"{statistics.median(values):.0f} [{min(values):.0f}..{max(values):.0f}]"
                for values in rate.values()
            )
            note = f"{note} a second, {self._cost(kind)}"
            figures.append(Figure(label, ratios(rounds, "peer", "ours"), RATE_BAR, at_least=True, note=note))
        return figures

    def delay(self) -> Figure:
        """From commit to server, ours; the peer's is told beside."""
        delays = {}
        for name, side in (("ours", self._ours), ("peer", self._theirs)):
            delays[name] = _delays(partial(side.ask, peer.MAIL, 1), self._catcher)
            _until(self._done[side], "the letter's row is done")
        note = f"{_summary(delays['ours'])}; procrastinate {_summary(delays['peer'])}; load {os.getloadavg()[0]:.1f}"
        return Figure("commit to SMTP, ms", (statistics.median(delays["ours"]),), DELAY_BAR, note=note)


def _warm(match: _Match) -> None:
    for kind in ("empty", peer.MAIL):
        match._round(kind, 20, 0)


def run() -> dict[str, Any]:
    """The goal's line."""
    place = ground()
    url = place.empty("postgresql", "p10")
    place.commune.settle()
    catcher = _Catcher()
    environment = {
        **place.environment(url),
        "PARAPHE_MAIL_URL": f"smtp://127.0.0.1:{catcher.port}",
        peer.URL: place.cluster.create("p10_peer"),
    }
    with ExitStack() as stack:
        catcher.start()
        stack.callback(catcher.stop)
        theirs = peer.Peer(environment[peer.URL], place.commune.id)
        stack.callback(theirs.close)
        workers = {
            "ours": stack.enter_context(_process(WORKER, environment)),
            "peer": stack.enter_context(_process(peer.WORKER, environment, "peer")),
        }
        match = _Match(_Ours(url), theirs, catcher, workers)
        _warm(match)
        figures = [*steady(match.rates), *steady(lambda: [match.delay()])]
    return goal(
        "P10",
        figures,
        "jobs a second over procrastinate's, same PostgreSQL, same letters; then letters one by one",
    )


if __name__ == "__main__":
    print(run())
