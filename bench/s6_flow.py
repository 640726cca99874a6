"""S6: a PES flow of 100 MB is taken in with little memory, and its pages open in less than two seconds of the server's time.

A deposit reads the file for the XML rules, for what will be signed, for its pages and for the schema; a page reads a row of
the index that was made then; an attachment is taken out of the kept file, whose fingerprint is verified on the way.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from flask.testing import FlaskClient

from app import create_app
from app.core import schema
from app.folders import deposit
from app.folders.keep import Incoming
from bench.ground import ROOT, SECRET
from bench.measure import Figure, goal
from bench.s3_pes import BORDEREAUX, SIZE, flow, small
from config import Settings
from demo.cast import PASSWORD
from demo.seed import actor_of, people

SECONDS, MEGABYTES, ROUNDS = 2.0, 60.0, 5
PLACES = {
    "first page": "",
    "page 25": "?feuille=25",
    "a bordereau": "?bordereau=777",
    "an attachment": "/flux/1500/contenu",
}


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


def _peak(action: Callable[[], object]) -> float:
    """Megabytes that the process needed above what it had."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _status("VmRSS")
    action()
    return _status("VmHWM") - before


def opened(room: Path, login: str, url: str = "") -> FlaskClient:
    """A browser without screen, logged in to a new installation of the commune, in this process alone; `url`: on this base."""
    settings = Settings(
        _env_file=None,
        secret_key=SECRET,
        data_dir=room / "data",
        database_url=url or f"sqlite:///{room / 'flow.db'}",
        secure_cookies=False,
    )
    app = create_app(settings)
    schema.upgrade()
    people()
    client = app.test_client()
    match = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/login").get_data(as_text=True))
    form = {"login": login, "password": PASSWORD, "csrf_token": match[1] if match else ""}
    if client.post("/login", data=form).status_code != 302:
        raise RuntimeError("login refused")
    return client


def measure(room: Path) -> None:
    """In a process of its own: print the megabytes and seconds of a deposit, then those of each place."""
    client, actor = opened(room, "g.trehorel"), actor_of("g.trehorel")
    first = deposit.deposit(actor, "pes", [Incoming(small(room / "small.xml"), "small.xml")]).folder_id
    for place in ("", "/flux/0/contenu"):
        client.get(f"/dossiers/{first}{place}")  # idle, as a process that has worked before
    whole = (room / "flow.xml").read_bytes().replace(b'<NomFic V="BANC"/>', b'<NomFic V="GRAND"/>', 1)
    (room / "flow.xml").write_bytes(whole)
    del whole
    numbers: list[int] = []
    began = time.perf_counter()
    taken = _peak(
        lambda: numbers.append(
            deposit.deposit(actor, "pes", [Incoming(room / "flow.xml", "flow.xml")]).folder_id
        )
    )
    print(taken, time.perf_counter() - began)
    for place in PLACES.values():
        times: list[float] = []

        def read(place: str = place, times: list[float] = times) -> None:
            for _ in range(ROUNDS):
                start = time.perf_counter()
                answer = client.get(f"/dossiers/{numbers[0]}{place}")
                times.append(time.perf_counter() - start)
                if answer.status_code != 200:
                    raise RuntimeError(f"{place}: {answer.status}")

        print(_peak(read), median(times))


def run() -> dict[str, Any]:
    """The goal's line: seconds and megabytes of the deposit and of each place."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        flow(Path(name) / "flow.xml", SIZE, BORDEREAUX)
        command = [
            sys.executable,
            "-c",
            f"from pathlib import Path; from bench.s6_flow import measure; measure(Path({name!r}))",
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = [tuple(map(float, line.split())) for line in done.stdout.splitlines()]
    (taken, seconds), places = lines[0], dict(zip(PLACES, lines[1:], strict=True))
    figures = [Figure("MB above the idle process, deposit", (taken,), MEGABYTES, note=f"{seconds:.1f} s")]
    for place, (grown, spent) in places.items():
        figures.append(Figure(f"seconds, {place}", (spent,), SECONDS))
        figures.append(Figure(f"MB above the idle process, {place}", (grown,), MEGABYTES))
    return goal("S6", figures, f"PES of {SIZE // 10**6} MB, {BORDEREAUX:,} bordereaux, read")


if __name__ == "__main__":
    print(run())
