"""The product served for real: gunicorn and the worker in processes of their own, beside the test that looks at them."""

import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from config import Settings

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


class Serving:
    """The web server and the worker of one installation."""

    def __init__(self, settings: Settings, log: Path, port: int) -> None:
        self._log, self._environment, self._port = log, environment(settings), port
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

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
            "--no-control-socket",
            "wsgi:app",
        ]
        self._run("web", web)
        self.start_worker()
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            dead = [one for one in self._processes.values() if one.poll() is not None]
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
        with self._log.open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )

    def start_worker(self) -> None:
        """Start the worker, as the system does when it has died."""
        self._run("worker", ["flask", "--app", "wsgi", "worker"])

    def kill_worker(self) -> None:
        """Kill it where it stands (SIGKILL)."""
        self._processes["worker"].kill()
        self._processes["worker"].wait(10)

    def pids(self) -> dict[str, int]:
        """The processes that live, by name."""
        return {name: one.pid for name, one in self._processes.items() if one.poll() is None}

    def stop(self) -> None:
        """Stop both, and wait until they are gone: what is under way is finished first."""
        for one in self._processes.values():
            one.terminate()
        for one in self._processes.values():
            try:
                one.wait(10)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()
        self._processes.clear()

    def log(self) -> str:
        """What the processes said."""
        return self._log.read_text(errors="replace")
