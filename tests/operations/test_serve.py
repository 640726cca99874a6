"""One command starts the pages and the background work, and stops them together."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa

from app.core.clock import today
from app.core.db import reading
from app.operations import processes
from app.people import applications
from app.people.models import Application
from tests.builders.house import House, token_in
from tests.builders.process import ROOT, ask, environment, start, until
from tests.cluster import free_port
from tests.mailserver import MailServer
from workflows.vocabulary import Right

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
    env = environment(house.settings, public_url=f"http://127.0.0.1:{port}")
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
        if Path(f"/proc/{pid}").exists() and family[pid] == line_of(
            pid
        ):  # orphans too, and never another's number
            os.kill(pid, signal.SIGKILL)
    if process.poll() is None:
        process.kill()
        process.wait(10)


def line_of(pid: int) -> str:
    """The command line of a process that may be gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def alive(family: dict[int, str]) -> list[str]:
    """Which of these processes are still there, zombies included."""
    return [line for pid, line in family.items() if line and Path(f"/proc/{pid}").exists()]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_pages_are_served_by_a_socket_that_no_other_account_enters_and_on_no_port(
    house: House, tmp_path: Path
) -> None:
    """ASVS 12.3.3: what the proxy of the machine says to the product goes over no network."""
    home = tmp_path / "run"
    home.mkdir()
    path = home / "web.sock"
    options = ("serve", "--socket", str(path), "--workers", "1")
    refused = ask(environment(house.settings), *options)
    assert (refused.returncode, "PARAPHE_TRUSTED_PROXIES=1" in refused.stderr) == (1, True)
    env = environment(house.settings, trusted_proxies=1)
    away = ask(env, "serve", "--socket", str(tmp_path / "nulle-part" / "web.sock"))
    assert (away.returncode, "n’existe pas" in away.stderr) == (1, True)

    def asked(where: str, **headers: str) -> tuple[int, str]:
        with socket.socket(socket.AF_UNIX) as way:
            way.connect(str(path))
            lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
            way.sendall(f"GET {where} HTTP/1.1\r\nHost: paraphe\r\nConnection: close\r\n{lines}\r\n".encode())
            answer = b"".join(iter(lambda: way.recv(65536), b"")).decode()
        return int(answer.split()[1]), answer

    process = start(env, tmp_path / "serve.log", *options)
    try:
        until(lambda: path.exists() or process.poll() is not None, 90, "the socket is there")
        through = {"X_Forwarded_For": "192.0.2.9", "X_Forwarded_Proto": "https"}
        until(lambda: asked("/health/ready", **through)[0] == 200, 60, "the product is ready")
        assert stat.S_IMODE(path.stat().st_mode) & stat.S_IRWXO == 0
        assert asked("/login", **through)[0] == 200
        assert asked("/metrics")[0] == 200  # who enters by the socket without the proxy is of the machine
        assert asked("/metrics", **through)[0] != 200
        said = (tmp_path / "serve.log").read_text()
        assert (f"Listening at: unix:{path}" in said, "Listening at: http" in said) == (True, False)
    finally:
        process.terminate()
        process.wait(60)


def test_pages_and_background_work_run_by_one_command_and_stop_together_when_asked(
    house: House, served: Served, mail: MailServer
) -> None:
    family = served.family()
    lines = " ".join(family.values())
    assert "gunicorn" in lines
    assert "flask --app wsgi worker" in lines

    with requests.Session() as browser:
        page = browser.get(f"{served.url}/mot-de-passe-oublie", timeout=10)
        asked = {"login": "g.trehorel", "csrf_token": token_in(page.text)}
        assert browser.post(f"{served.url}/mot-de-passe-oublie", data=asked, timeout=10).status_code == 200
    until(lambda: mail.to(READER), 60, "the worker sends what a page asked for")
    wrong = {"Authorization": "Bearer un-jeton-faux"}
    assert requests.get(f"{served.url}/api/v1/folders", headers=wrong, timeout=10).status_code == 401
    token = applications.create_application(
        house.actor("k.morizur").collectivity_id, "Finances", "comptabilite", [Right.CREATE]
    )
    for path, status in (("/me", 200), ("/folders/999", 404)):
        right = {"Authorization": f"Bearer {token}"}
        assert requests.get(f"{served.url}/api/v1{path}", headers=right, timeout=10).status_code == status

    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(30) == 143, served.log.read_text()
    # Python's own tracker ends once its pipe is closed
    until(lambda: not alive(family), 30, "all stopped")
    assert served.status("/login") == 0
    with reading() as db:  # what the web worker had counted, and not written yet
        (row,) = db.execute(sa.select(Application.calls_on, Application.calls, Application.refused))
    assert row == (today(), 2, 1)
    lines = served.log.read_text().splitlines()
    assert "Traceback" not in "\n".join(lines)
    security = [one for one in lines if '"kind": "security"' in one]
    assert security
    assert all(json.loads(one)["at"] for one in security)  # a collector reads each line as it is


def test_a_base_of_a_former_version_is_not_served_before_it_is_upgraded(house: House, tmp_path: Path) -> None:
    env = environment(house.settings, data_dir=tmp_path, database_url=f"sqlite:///{tmp_path / 'neuve.db'}")
    refused = ask(env, "serve", "--port", str(free_port()))
    assert refused.returncode == 1
    assert "lancez « flask --app wsgi upgrade »" in refused.stderr


def test_web_workers_are_copies_of_one_application_that_holds_no_connection_open(house: House) -> None:
    """What a worker inherits is memory: a connection that two processes use would mix their transactions."""
    script = (
        "import runpy, threading\n"
        "from app.operations.processes import FORKS\n"
        "from wsgi import app\n"
        "from app.core import db\n"
        "told = runpy.run_path(str(FORKS))\n"
        "print(told['preload_app'], threading.active_count(), db.engine().pool.checkedin())\n"
        "db.engine().connect().close()\n"
        "opened = db.engine().pool.checkedin()\n"
        "told['pre_fork'](None, None)\n"
        "print(opened, db.engine().pool.checkedin())\n"
    )
    env = environment(house.settings)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.stdout.split() == ["True", "1", "0", "1", "0"], done.stdout + done.stderr


def test_a_web_worker_that_falls_is_replaced_and_both_read_the_database(served: Served) -> None:
    def workers() -> list[int]:
        lines = served.family()
        parents = [pid for pid, line in lines.items() if "-m gunicorn" in line]
        return sorted(parents)[1:]

    (first,) = workers()
    os.kill(first, signal.SIGKILL)
    until(lambda: workers() not in ([], [first]), 30, "another one takes its place")
    until(lambda: served.status("/health/ready") == 200, 30, "it answers")
    assert served.process.poll() is None


@pytest.mark.in_turn
def test_when_one_falls_all_stop_and_the_system_is_told(served: Served) -> None:
    family = served.family()
    (worker,) = [pid for pid, line in family.items() if line.rstrip().endswith("-m flask --app wsgi worker")]
    os.kill(worker, signal.SIGKILL)
    assert served.process.wait(30) != 0, served.log.read_text()
    # What the worker had set apart dies with it, or as soon as it looks; Python's own tracker once its pipe is closed
    until(lambda: not alive(family), 30, "all stopped")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_set_apart_dies_with_a_caller_that_is_killed(house: House, tmp_path: Path) -> None:
    script = tmp_path / "caller.py"
    script.write_text(
        "import os, sys, time\n"
        "from app.operations import helping\n"
        "from config import Settings\n"
        "def work(settings):\n"
        "    print(os.getpid(), flush=True)\n"
        "    time.sleep(300)\n"
        "if __name__ == '__main__':\n"
        "    helping.apart(Settings(), work, 'paraphe-essai').join()\n"
    )
    env = {**environment(house.settings), "PYTHONPATH": str(ROOT)}
    caller = subprocess.Popen([sys.executable, script], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
    assert caller.stdout is not None
    with caller.stdout as lines:
        apart = int(lines.readline())
        line = line_of(apart)
        assert "multiprocessing" in line
        caller.kill()
        caller.wait(10)
        until(lambda: line_of(apart) != line, 30, "it is gone")


@pytest.mark.in_turn
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "with those around it"])
def test_when_the_one_who_watches_is_killed_nobody_goes_on_alone(served: Served, alone: bool) -> None:
    family = served.family()
    assert (
        len(alive(family)) >= 5
    )  # the one who watches, one beside each command, gunicorn and its worker, the worker
    if alone:
        served.process.kill()
    else:
        os.killpg(served.process.pid, signal.SIGKILL)
    served.process.wait(10)
    until(
        lambda: not [pid for pid, line in family.items() if line and line_of(pid) == line], 30, "all stopped"
    )
    assert served.status("/login") == 0


def test_a_command_waits_for_what_it_needs(tmp_path: Path) -> None:
    port = free_port()
    said = tmp_path / "said"
    script = (
        f'exec {sys.executable} -P {processes.__file__} tied "$PPID" "{port}" {sys.executable} -c "print(1)"'
    )
    with said.open("wb") as out:
        command = subprocess.Popen(script, shell=True, stdout=out)
    with pytest.raises(subprocess.TimeoutExpired):
        command.wait(1.5)
    with socket.create_server(("127.0.0.1", port)):
        assert command.wait(20) == 0
    assert said.read_text() == "1\n"
