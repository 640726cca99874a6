"""One command starts the pages and the background work, and stops them together."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.builders.house import House, token_in
from tests.builders.process import environment, start, until
from tests.cluster import free_port
from tests.mailserver import MailServer

READER = "g.trehorel@kerlann-sur-mer.example"


class Served:
    """The product, served by its own command."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.process, self.url, self.log = process, f"http://127.0.0.1:{port}", log

    def status(self, path: str) -> int:
        """What a page answers, or 0 when nobody does."""
        try:
            return requests.get(self.url + path, timeout=10).status_code
        except requests.ConnectionError:
            return 0

    def family(self) -> dict[int, str]:
        """Every process that descends from the command, with its command line."""
        parents, lines = {}, {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                stat = (entry / "stat").read_text()
                lines[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
        known = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in known} - known:
            known |= more
        return {pid: lines.get(pid, "") for pid in known}


@pytest.fixture
def served(house: House, tmp_path: Path) -> Iterator[Served]:
    """`flask --app wsgi serve`, ready."""
    port = free_port()
    queue = (
        house.settings.database_url
        if "postgresql" in house.settings.database_url
        else f"sqlite:///{tmp_path / 'queue.db'}"
    )
    env = environment(house.settings, queue_url=queue, public_url=f"http://127.0.0.1:{port}")
    log = tmp_path / "serve.log"
    process = start(env, log, "serve", "--port", str(port), "--workers", "1")
    running = Served(process, port, log)
    until(
        lambda: running.status("/health/ready") == 200 or process.poll() is not None,
        90,
        "the product is ready",
    )
    family = running.family()
    yield running
    for pid in family:
        if Path(f"/proc/{pid}").exists() and pid in running.family():
            os.kill(pid, signal.SIGKILL)
    if process.poll() is None:
        process.kill()
        process.wait(10)


def alive(family: dict[int, str]) -> list[str]:
    """Which of these processes are still there, zombies included."""
    return [line for pid, line in family.items() if line and Path(f"/proc/{pid}").exists()]


def test_pages_and_background_work_run_by_one_command_and_stop_together_when_asked(
    served: Served, mail: MailServer
) -> None:
    family = served.family()
    lines = " ".join(family.values())
    assert "gunicorn" in lines
    assert "flask --app wsgi worker" in lines

    with requests.Session() as browser:
        page = browser.get(f"{served.url}/mot-de-passe-oublie", timeout=10)
        asked = {"login": "g.trehorel", "csrf_token": token_in(page.text)}
        assert browser.post(f"{served.url}/mot-de-passe-oublie", data=asked, timeout=10).status_code == 200
    until(lambda: mail.to(READER), 10, "the worker sends what a page asked for")

    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(30) == 143, served.log.read_text()
    assert alive(family) == []
    assert served.status("/login") == 0
    assert "Traceback" not in served.log.read_text()


def test_when_one_falls_all_stop_and_the_system_is_told(served: Served) -> None:
    family = served.family()
    (worker,) = [pid for pid, line in family.items() if line.rstrip().endswith("-m flask --app wsgi worker")]
    os.kill(worker, signal.SIGKILL)
    assert served.process.wait(30) != 0, served.log.read_text()
    assert alive(family) == []
