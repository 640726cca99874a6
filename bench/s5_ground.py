"""The ground of S5: an authority, near or far away, and a worker, each a process of its own as in an installation."""

import contextlib
import gc
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from app import create_app
from app.core import outbox
from app.operations.helping import crew_of
from bench.ground import ROOT
from config import Settings
from demo import pki as test_pki
from tests.cluster import free_port
from tests.conftest import settings_for

THREADS = 2  # of a worker
SERVER = "import sys; from pathlib import Path; from demo import pki; pki.serve(Path(sys.argv[1]), '127.0.0.1', int(sys.argv[2])).wait()"
START = multiprocessing.get_context("spawn")


@contextmanager
def authority(folder: Path) -> Iterator[test_pki.TestPki]:
    """The test authority: timestamps, OCSP, lists."""
    port = free_port()
    pki = test_pki.make(folder, f"http://127.0.0.1:{port}")
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(folder), str(port)], cwd=ROOT)
    try:
        _answers(pki.base_url)
        yield pki
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def far_away(url: str, seconds: float) -> Iterator[str]:
    """The address at which the timestamps of `url` take so many seconds more."""
    port = free_port()
    process = START.Process(target=_delay, args=(url, port, seconds), daemon=True)
    process.start()
    try:
        _answers(f"http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.join(10)


def _delay(url: str, port: int, seconds: float) -> None:
    class Far(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(seconds)
            request = urllib.request.Request(url, body, {"Content-Type": self.headers["Content-Type"]})
            with urllib.request.urlopen(request) as reply:
                answer, kind = reply.read(), reply.headers["Content-Type"]
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    ThreadingHTTPServer(("127.0.0.1", port), Far).serve_forever()


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


def settings_of(home: Path, pki: test_pki.TestPki, tsa: str) -> Settings:
    """An installation on SQLite in `home` that asks `tsa` for the time."""
    url = f"sqlite:///{home / 'paraphe.db'}"
    return settings_for(url, home / "data", pki, 9, tsa_url=tsa, lease_seconds=600.0)


class Worker:
    """A worker process with its two threads; told which rows are ready, it says when it has done them."""

    def __init__(self, home: Path, pki: test_pki.TestPki, tsa: str) -> None:
        self.tsa = tsa
        self._pipe, there = START.Pipe()
        self._process = START.Process(target=_work, args=(there, home, pki.folder, pki.base_url, tsa))
        self._process.start()
        self.pid = self._process.pid
        self.used: float = self._pipe.recv()
        """Processor seconds, as it last said."""
        self._given = 0

    def give(self, row: int) -> None:
        """Have a row done."""
        self._given += 1
        self._pipe.send(row)

    def finish(self) -> None:
        """Wait until all that was given is done."""
        for _ in range(self._given):
            self.used = self._pipe.recv()
        self._given = 0

    def stop(self) -> None:
        """End the process, and its helpers with it: they see that they are alone."""
        self._process.terminate()
        self._process.join(10)


def _work(pipe: Connection, home: Path, folder: Path, base: str, tsa: str) -> None:
    settings = settings_of(home, test_pki.TestPki(folder, base), tsa)
    create_app(settings)
    crew_of(settings)
    from app.batches import signatures  # noqa: F401 - loaded now, not at the first row

    gc.collect()
    gc.freeze()  # as wsgi.py does
    speaking = threading.Lock()

    def do(row: int) -> None:
        outbox.run(row)
        with speaking:
            pipe.send(_used())

    pipe.send(time.process_time())
    with ThreadPoolExecutor(THREADS) as threads:
        while True:
            threads.submit(do, pipe.recv())


def _used() -> float:
    """Processor seconds of this process and of its helpers, while they live."""
    spent, tick = time.process_time(), os.sysconf("SC_CLK_TCK")
    for child in multiprocessing.active_children():
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(") ")[2].split()
            spent += (int(fields[11]) + int(fields[12])) / tick
    return spent


def profiled(work: Any) -> Any:
    """The processor profile of `work` in all the threads that it starts, as `pstats` gives it."""
    import cProfile
    import pstats

    profiles: list[cProfile.Profile] = []

    def begin(*_: object) -> None:
        profile = cProfile.Profile(time.thread_time)
        profiles.append(profile)
        profile.enable()

    threading.setprofile(begin)
    own = cProfile.Profile(time.thread_time)
    try:
        own.runcall(work)
    finally:
        threading.setprofile(None)  # type: ignore[arg-type]
    whole = pstats.Stats(own)
    for profile in profiles:
        profile.create_stats()
        whole.add(profile)  # type: ignore[arg-type]
    return whole
