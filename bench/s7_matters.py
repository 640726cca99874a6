"""S7: a matter is found by words in the whole classification in less than 200 ms of the server's time.

Asked over HTTP of the page where a draft's matter is chosen, session, rights and favourites included: for words that find
one matter, a branch, nothing and everything, then with the classification read anew from its file each time.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from app.channels.actes.classification import load_classification
from app.folders import deposit
from app.folders.favourites import star
from app.folders.keep import Incoming
from bench.ground import ROOT
from bench.measure import Figure, goal
from bench.s6_flow import opened
from demo.seed import actor_of

MILLISECONDS, ROUNDS, TURNS = 200.0, 5, 10
TYPES, MATTERS = 115, 291
CLERK = "k.morizur"
ACT = ROOT / "tests" / "assets" / "acts" / "deliberation-2026-057-subvention.pdf"
SEARCHES = {"one matter": "subv asso", "a branch": "finances locales", "nothing": "zzz", "everything": ""}
ANEW = "one matter, classification read anew"


def measure(room: Path) -> None:
    """In a process of its own: print the milliseconds of each round of each search, a line for each."""
    whole = load_classification()
    counted = sum(len(nature.types) for nature in whole.natures), len(whole.matters)
    if counted != (TYPES, MATTERS):
        raise RuntimeError(f"not the whole classification: {counted}")
    client, actor = opened(room, CLERK), actor_of(CLERK)
    url = f"/dossiers/{deposit.deposit(actor, 'deliberation', [Incoming(ACT, ACT.name)]).folder_id}/matiere"
    star(actor, "matter", "7.5.2", kept=True)

    def ask(text: str, *, first: Callable[[], object] = lambda: None) -> list[float]:
        rounds = []
        for _ in range(ROUNDS):
            times = []
            for _ in range(TURNS):
                start = time.perf_counter()
                first()
                answer = client.get(url, query_string={"q": text})
                times.append(1000 * (time.perf_counter() - start))
                if answer.status_code != 200:
                    raise RuntimeError(answer.status)
            rounds.append(median(times))
        return rounds

    client.get(url)  # idle, as a process that has worked before
    for text in SEARCHES.values():
        print(*ask(text))
    print(*ask(SEARCHES["one matter"], first=load_classification.cache_clear))


def run() -> dict[str, Any]:
    """The goal's line: the server's milliseconds of each search."""
    with tempfile.TemporaryDirectory() as name:
        command = f"from pathlib import Path; from bench.s7_matters import measure; measure(Path({name!r}))"
        done = subprocess.run(
            [sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=True
        )
    lines = [tuple(map(float, line.split())) for line in done.stdout.splitlines()]
    figures = [
        Figure(f"ms, {label}", line, MILLISECONDS)
        for label, line in zip([*SEARCHES, ANEW], lines, strict=True)
    ]
    return goal("S7", figures, f"a matter searched by words among {MATTERS}, {TYPES} types of pieces")


if __name__ == "__main__":
    print(run())
