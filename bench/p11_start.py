"""P11: the first answer of /login against bare Flask's, and the memory of two web workers and the job worker."""

import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from bench.ground import ground
from bench.measure import Figure, goal, seconds
from tests.cluster import free_port

ROOT = Path(__file__).resolve().parents[1]
BARE = "from flask import Flask; app = Flask('x'); app.add_url_rule('/login', view_func=lambda: 'bonjour'); assert app.test_client().get('/login').status_code == 200"
OURS = "from wsgi import app; assert app.test_client().get('/login').status_code == 200"


def _environment(room: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PARAPHE_SECRET_KEY": "x" * 40,
        "PARAPHE_DATA_DIR": str(room),
        "PARAPHE_SECURE_COOKIES": "false",
    }


def _memory(pids: list[int]) -> float:
    """Proportional set size in MiB: what the processes really take, shared pages shared out."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in found for one in _children(int(child)))]


def run() -> dict[str, Any]:
    """Whole processes, five rounds; memory in MiB after pages were served."""
    here = ground()
    environment = _environment(here.home / "p11")
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "upgrade"],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
    )
    ratios = []
    for _ in range(5):
        spent = [
            seconds(
                lambda script=script: subprocess.run(
                    [sys.executable, "-c", script], cwd=ROOT, env=environment, check=True, capture_output=True
                )
            )
            for script in (OURS, BARE)
        ]
        ratios.append(spent[0] / spent[1])
    port = free_port()
    serving = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "serve", "--port", str(port)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port)
        for _ in range(100):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/login").read()
        memory = _memory([one for one in _children(serving.pid) if one != serving.pid])
    finally:
        serving.terminate()
        serving.wait(30)
    figures = [
        Figure("first answer", tuple(ratios), 5.0),
        Figure("memory", (memory,), 300.0, words="MiB, web and worker"),
    ]
    return goal(
        "P11",
        figures,
        "process time over bare Flask's; proportional memory of two web workers and the job worker",
    )


def _wait(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live").read()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the server did not answer within a minute")
