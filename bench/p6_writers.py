"""P6: four processes that give visas in one collectivity keep at least 0.6 of the rate of four in a collectivity each.

In one collectivity each move waits for the head of its journal; in four, none waits for another. PostgreSQL with fsync,
four processes on the machine's cores, the same number of visas each, both ways in turn. Afterwards every journal is read
again from its first line: a chain that does not hold, or a deadlock that a verb did not survive, ends the bench.
"""

import json
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import Any

from app import create_app
from app.core import db
from app.journal.chain import verify
from bench.commune import Commune
from bench.crowd import fill, tidy
from bench.ground import ROOT, ground
from bench.measure import ATTEMPTS, ROUNDS, Figure, goal, steady
from bench.moves import visas
from config import Settings

WRITERS, FOLDERS, BAR = 4, 12, 0.6
NEEDED = FOLDERS * (ATTEMPTS * ROUNDS + 1)
"""Folders of each writer: those of every round, and those that warm it."""


class Writer:
    """A process with folders of its own, in the commune of this rank."""

    def __init__(self, url: str, rank: int, first: int) -> None:
        command = [sys.executable, "-m", "bench.p6_writers", url, str(rank), str(first)]
        pipe, environment = subprocess.PIPE, ground().environment(url)
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True
        )

    def start(self) -> None:
        """Let it move its next folders to their end."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def moves(self) -> int:
        """Wait for it, and say how many visas it gave."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a writer of P6 ended with {self._process.wait()}: its words are above")
        return int(json.loads(line))

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(30)


def _rate(writers: list[Writer]) -> float:
    begun = time.perf_counter()
    for writer in writers:
        writer.start()
    moves = sum(writer.moves() for writer in writers)
    return moves / (time.perf_counter() - begun)


def _base(name: str, communes: int) -> str:
    """A base of so many communes, with the folders of every writer."""
    url = ground().empty("postgresql", name)
    each = NEEDED * WRITERS // communes
    for rank in range(communes):
        commune = Commune(rank)
        commune.settle()
        fill(commune, each, movers=each, waiting={}, after=rank * each)
    tidy()
    return url


def _check(url: str, communes: int) -> None:
    """Read every journal of a base from its first line; raises where one does not hold."""
    db.configure(url)
    for rank in range(communes):
        commune = Commune(rank)
        commune.meet()
        with db.reading() as session:
            _, fault = verify(session, commune.id)
        if fault is not None:
            raise RuntimeError(f"the journal of commune {rank}: {fault.sentence}")


def run() -> dict[str, Any]:
    """The goal's line."""
    urls = {"one": _base("p6_one", 1), "four": _base("p6_four", WRITERS)}
    with ExitStack() as stack:
        crews: dict[str, list[Writer]] = {name: [] for name in urls}
        for name, url in urls.items():
            for rank in range(WRITERS):
                writer = Writer(url, rank if name == "four" else 0, 1 + rank * NEEDED)
                stack.callback(writer.stop)
                crews[name].append(writer)
        for crew in crews.values():
            _rate(crew)

        def measure() -> list[Figure]:
            rounds = [{name: _rate(crew) for name, crew in crews.items()} for _ in range(ROUNDS)]
            figures = tuple(rates["one"] / rates["four"] for rates in rounds)
            middle = sorted(rounds, key=lambda rates: rates["one"])[ROUNDS // 2]
            note = f"{middle['one']:.0f} visas a second against {middle['four']:.0f}"
            return [Figure("one collectivity", figures, BAR, at_least=True, note=note)]

        figures = steady(measure)
    _check(urls["one"], 1)
    _check(urls["four"], WRITERS)
    return goal("P6", figures, f"{WRITERS} writers in one collectivity, of the rate of {WRITERS} in one each")


def main(url: str, rank: int, first: int) -> None:
    """Be a writer: at each line that comes, move the next folders to their end and say how many visas that took."""
    create_app(Settings(_env_file=None))
    commune = Commune(rank)
    commune.meet()
    next_folder = first
    for _ in sys.stdin:
        count = 0
        for operation in visas(commune, url, range(next_folder, next_folder + FOLDERS)):
            operation()
            count += 1
        next_folder += FOLDERS
        print(count, flush=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    else:
        print(run())
