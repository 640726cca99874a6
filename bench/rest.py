"""What a worker at rest costs: `python -m bench.rest postgresql 180`, processor of the worker and of its server's backends."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from bench.ground import ROOT, ground

WARMING = 75
"""Seconds before the count begins: the first round and the first sweep are over."""
TICK = os.sysconf("SC_CLK_TCK")


def processor(pids: set[int]) -> dict[int, float]:
    """The seconds of computing that each process has had; one that is gone is left out."""
    seconds = {}
    for pid in pids:
        path = Path(f"/proc/{pid}/stat")
        if path.exists():
            fields = path.read_text().rpartition(")")[2].split()
            seconds[pid] = (int(fields[11]) + int(fields[12])) / TICK
    return seconds


def backends(url: str) -> tuple[set[int], int]:
    """The backends of the base, and how many transactions it has ended; asked by one that is not counted."""
    if url.startswith("sqlite"):
        return set(), 0
    with psycopg.connect(url) as connection:
        pids = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
        row = connection.execute(
            "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    return {pid for (pid,) in pids}, int(row[0]) if row else 0


def main(kind: str, seconds: int) -> None:
    """Start a worker that has nothing to do, and count."""
    url = ground().empty(kind, "rest")
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
    environment = ground().environment(url)
    quiet = subprocess.DEVNULL
    worker = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=quiet, stderr=quiet)
    try:
        time.sleep(WARMING)
        there, begun = backends(url)
        before = processor({worker.pid, *there})
        time.sleep(seconds)
        later, ended = backends(url)
        after = processor({worker.pid, *there, *later})
        own = after[worker.pid] - before[worker.pid]
        others = sum(spent - before.get(pid, 0.0) for pid, spent in after.items() if pid != worker.pid)
        hour = 3600 / seconds
        print(
            f"{kind}, {seconds} s at rest: worker {own:.2f} s, backends {others:.2f} s, so {(own + others) * hour:.1f} s an "
            f"hour; {(ended - begun) * 60 / seconds:.0f} transactions a minute; load {os.getloadavg()[0]:.1f}"
        )
    finally:
        worker.terminate()
        worker.wait(60)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
