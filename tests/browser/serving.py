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
        self._processes: list[subprocess.Popen[bytes]] = []

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
        for command in (web, ["flask", "--app", "wsgi", "worker"]):
            with self._log.open("ab") as log:
                self._processes.append(
                    subprocess.Popen(
                        [sys.executable, "-m", *command],
                        cwd=ROOT,
                        env=self._environment,
                        stdout=log,
                        stderr=log,
                    )
                )
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            dead = [one for one in self._processes if one.poll() is not None]
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

    def stop(self) -> None:
        """Stop both, and wait until they are gone: what is under way is finished first."""
        for one in self._processes:
            one.terminate()
        for one in self._processes:
            try:
                one.wait(10)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()
        self._processes.clear()

    def log(self) -> str:
        """What the processes said."""
        return self._log.read_text(errors="replace")
