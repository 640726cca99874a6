"""The product served for real: gunicorn and the worker in processes of their own, beside the test that looks at them."""

import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
import urllib.request
from functools import lru_cache
from pathlib import Path

from config import Settings
from tests.builders.warm import address
from tests.crash.boundaries import MODULES

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 40  # seconds for a process to answer on a loaded machine


def environment(settings: Settings) -> dict[str, str]:
    """The settings as an administrator writes them: environment variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PARAPHE_")}
    for name, value in settings.model_dump().items():
        said = getattr(value, "get_secret_value", lambda value=value: value)()
        if said is None or said == "":
            continue
        kept[f"PARAPHE_{name.upper()}"] = ",".join(said) if isinstance(said, tuple) else str(said)
    return kept


class Process:
    """A process that was started for a test, which is no child of it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._handle = os.pidfd_open(pid)

    def ended(self, seconds: float = 0.0) -> bool:
        """Whether it has ended, or does so within this time."""
        return bool(select.select([self._handle], [], [], seconds)[0])

    def terminate(self) -> None:
        """Ask it to stop (SIGTERM)."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it where it stands (SIGKILL)."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, number)


class Starter:
    """Starts `python -m …` from a process that has loaded what this one has loaded of the product (`starter.py`)."""

    def __init__(self) -> None:
        loaded = sorted(name for name in sys.modules if name.startswith(("app.", "demo.", "workflows.")))
        more = (
            "gunicorn.app.wsgiapp",
            "gunicorn.workers.gthread",
            "flask.cli",
            "flask_limiter.commands",
            "webauthn",
            "config",
            *MODULES,
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.browser.starter", address(), *loaded, *more],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin
        assert self._process.stdout
        self._asks, self._says = self._process.stdin, self._process.stdout
        assert self._says.readline() == "ready\n"
        atexit.register(self._process.kill)

    def start(self, argv: list[str], env: dict[str, str], log: Path) -> Process:
        """A new process that runs this."""
        print(json.dumps({"argv": argv, "env": env, "log": str(log)}), file=self._asks, flush=True)
        return Process(int(self._says.readline()))


@lru_cache(maxsize=1)
def starter() -> Starter:
    """The one of this process of the tests."""
    return Starter()


class Serving:
    """The web server and the worker of one installation."""

    def __init__(self, settings: Settings, log: Path, port: int) -> None:
        self._log, self._environment, self._port = log, environment(settings), port
        self._processes: dict[str, Process] = {}

    def start(self) -> None:
        """Start both, and wait until pages are answered and the worker lives."""
        web = [
            "gunicorn",
            "--bind",
            f"127.0.0.1:{self._port}",
            "--worker-class",
            "gthread",
            "--threads",
            "8",
            # No proxy stands between: a connection at rest is not closed under a request that is on its way
            "--keep-alive",
            "75",
            "--no-control-socket",
            "wsgi:app",
        ]
        self._run("web", web)
        self.start_worker()
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            dead = [one for one in self._processes.values() if one.ended()]
            assert not dead, self._log.read_text()[-3000:]
            try:
                with urllib.request.urlopen(
                    f"http://127.0.0.1:{self._port}/health/live", timeout=5
                ) as answer:
                    assert answer.status == 200
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self._log.read_text()[-3000:])

    def _run(self, name: str, command: list[str]) -> None:
        self._processes[name] = starter().start(command, self._environment, self._log)

    def start_worker(self) -> None:
        """Start the worker, as the system does when it has died."""
        self._run("worker", ["flask", "--app", "wsgi", "worker"])

    def kill_worker(self) -> None:
        """Kill it where it stands (SIGKILL)."""
        self._processes["worker"].kill()
        assert self._processes["worker"].ended(10)

    def pids(self) -> dict[str, int]:
        """The processes that live, by name."""
        return {name: one.pid for name, one in self._processes.items() if not one.ended()}

    def stop(self) -> None:
        """Stop both, and wait until they are gone: what is under way is finished first."""
        for one in self._processes.values():
            one.terminate()
        for one in self._processes.values():
            if not one.ended(10):
                one.kill()
                one.ended(10)
        self._processes.clear()

    def log(self) -> str:
        """What the processes said."""
        return self._log.read_text(errors="replace")
