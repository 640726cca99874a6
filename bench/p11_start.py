"""P11: the first answer of /login takes at most 5 times bare Flask's, and the whole installation at most 300 MiB."""

import itertools
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.ground import ROOT, ground
from bench.measure import Figure, Operations, goal, milliseconds, ratios, side_by_side, steady
from tests.cluster import free_port

TURNS, START_BAR, MEMORY_BAR, PAGES = 3, 5.0, 300.0, 200
BARE = (
    "from flask import Flask; app = Flask('bare'); app.add_url_rule('/login', view_func=lambda: 'bonjour'); "
    "assert app.test_client().get('/login').status_code == 200"
)
OURS = "from wsgi import app; assert app.test_client().get('/login').status_code == 200"


def _answers(script: str, environment: dict[str, str]) -> Operations:
    """A new process each time, from its start to its end: one answer."""
    command = [sys.executable, "-c", script]
    for _ in itertools.count():
        yield partial(subprocess.run, command, cwd=ROOT, env=environment, check=True, capture_output=True)


def _compiled(environment: dict[str, str], home: Path) -> dict[str, str]:
    """The environment of processes that keep compiled bytecode, as an installation does (docs/operations.md), apart from this tree."""
    chosen = {**environment, "PYTHONPYCACHEPREFIX": str(home / "bytecode")}
    chosen.pop("PYTHONDONTWRITEBYTECODE", None)
    return chosen


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(descendant for child in children for descendant in _family(int(child)))]


def _memory(pids: list[int], line: str) -> float:
    """In MiB: `Pss` shares what several processes map, `Rss` counts it for each of them."""
    rows = [row.split() for pid in pids for row in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()]
    return sum(int(row[1]) for row in rows if row[0] == f"{line}:") / 1024


@contextmanager
def _installation(environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Two web workers and the job worker, started by the one command of the product; gives its process and its port."""
    port = free_port()
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "serve", "--port", str(port), "--workers", "2"]
    quiet = subprocess.DEVNULL
    serving = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=quiet, stderr=quiet)
    try:
        yield serving.pid, port
    finally:
        serving.terminate()
        serving.wait(60)


def _visit(port: int) -> None:
    """Wait until it answers, then read pages as browsers do, so that both workers have worked."""
    until = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live").read()
            break
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
    for _ in range(PAGES):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/login").read()


def _measure(candidates: dict[str, Operations]) -> list[Figure]:
    rounds = side_by_side(candidates, turns=TURNS)
    note = f"{milliseconds(rounds, 'ours')} against {milliseconds(rounds, 'bare')}"
    return [Figure("first answer", ratios(rounds, "ours", "bare"), START_BAR, note=note)]


def run() -> dict[str, Any]:
    """The goal's line."""
    place = ground()
    environment = _compiled(place.environment(place.of_size("sqlite", 1_000)), place.home)
    candidates = {"ours": _answers(OURS, environment), "bare": _answers(BARE, environment)}
    for operations in candidates.values():
        next(operations)()  # the first start compiles to bytecode
    start = steady(partial(_measure, candidates))
    with _installation(environment) as (pid, port):
        _visit(port)
        time.sleep(2.0)  # the worker makes its first round
        pids = _family(pid)
        shared, whole = _memory(pids, "Pss"), _memory(pids, "Rss")
    figures = [
        *start,
        Figure(
            "MiB (PSS) of all processes",
            (shared,),
            MEMORY_BAR,
            note=f"{len(pids)} processes, RSS {whole:.0f}",
        ),
    ]
    return goal(
        "P11", figures, "new process to answer over bare Flask's; 2 web workers + job worker after 200 pages"
    )


if __name__ == "__main__":
    print(run())
