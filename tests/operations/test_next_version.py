"""A version takes the place of another while people work: nobody is refused, nothing is lost, nothing is done twice."""

import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa

from app.core import outbox
from app.core.db import reading
from app.core.outbox import News
from app.core.transaction import use_case
from tests.builders.house import House
from tests.builders.process import ROOT, command, environment, until
from tests.cluster import free_port
from tests.mailserver import MailServer

PRODUCT = ("app", "workflows", "migrations", "demo", "config.py", "wsgi.py")
# What the next version brings: a column that the present one does not know, a page, and a kind of work of its own
MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9999_next", "{head}"


def upgrade() -> None:
    op.add_column("folder", sa.Column("colour", sa.String()))
    op.create_table("novelty", sa.Column("id", sa.Integer(), primary_key=True))


def downgrade() -> None:
    op.drop_table("novelty")
    op.drop_column("folder", "colour")
"""
ANY_HOUR = """
from app.notices import digests, letter

for room in (digests, letter):
    room.quiet_until = lambda calendar, moment, zone: None
"""
NOVELTY = """
from pathlib import Path

from app.core import outbox
from app.core.http import PUBLIC, guard


@outbox.handles("novelty")
def _novelty(row):
    with Path(row.payload["path"]).open("a") as file:
        file.write("done\\n")


@app.get("/nouveau")
@guard(PUBLIC)
def novelty():
    return "nouvelle version"
"""


@use_case
def post(db, collectivity_id: int, news: News) -> None:
    outbox.post(db, collectivity_id, [news])


@contextmanager
def serving(folder: Path, env: dict[str, str], port: int, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`flask --app wsgi serve` of the version in this folder, once it is ready; killed if it is still there at the end."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command("serve", "--port", str(port), "--workers", "1"),
            cwd=folder,
            env=env,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        until(lambda: status(port, "/health/ready") == 200 or process.poll() is not None, 90, "it is ready")
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def status(port: int, path: str) -> int:
    """What a page answers, or 0 when nobody does."""
    try:
        return requests.get(f"http://127.0.0.1:{port}{path}", timeout=30).status_code
    except requests.ConnectionError:
        return 0


def this_version(folder: Path) -> Path:
    """The product in a folder of its own, whose letters leave at any hour: a run by night sees what a run by day sees."""
    for name in PRODUCT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    with (folder / "wsgi.py").open("a") as file:
        file.write(ANY_HOUR)
    return folder


def next_version(folder: Path) -> Path:
    """The product as its next version could be, in a folder of its own."""
    this_version(folder)
    head = (ROOT / "migrations" / "HEAD").read_text().strip()
    (folder / "migrations/versions/9999_next.py").write_text(MIGRATION.format(head=head))
    (folder / "migrations/HEAD").write_text("9999_next\n")
    with (folder / "wsgi.py").open("a") as file:
        file.write(NOVELTY)
    return folder


class Reader:
    """Somebody who reads a page through the proxy, again and again; `answers` has the status of each."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self._port, self._done = 0, threading.Event()
        self._reading = threading.Lock()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def turn(self, port: int) -> None:
        """The proxy serves this port from now on, or none (0); no page of the former one is under way any more."""
        with self._reading:
            self._port = port

    def leave(self) -> None:
        """Read no more."""
        self._done.set()
        self._thread.join()

    def _read(self) -> None:
        while not self._done.wait(0.05):
            with self._reading:
                if self._port:
                    self.answers.append(status(self._port, "/login"))


@pytest.fixture
def reader(house: House) -> Iterator[Reader]:
    """Somebody reads a page of the version that serves."""
    someone = Reader()
    yield someone
    someone.leave()


def test_a_newer_version_takes_over_without_a_cut(
    house: House, mail: MailServer, tmp_path: Path, reader: Reader
) -> None:
    here = house.actor("a.kervadec").collectivity_id
    ports = [free_port(), free_port()]
    env = environment(house.settings, public_url=f"http://127.0.0.1:{ports[0]}")
    older, newer, written = (
        this_version(tmp_path / "this"),
        next_version(tmp_path / "next"),
        tmp_path / "novelty.txt",
    )
    folder = house.an_invoice(at="service_done")
    with serving(older, env, ports[0], tmp_path / "old.log") as old:
        reader.turn(ports[0])

        # 1. The base first, while the present version serves
        upgraded = subprocess.run(
            command("upgrade"), cwd=newer, env=env, capture_output=True, text=True, timeout=120
        )
        assert upgraded.returncode == 0, upgraded.stderr
        assert "9999_next" in upgraded.stdout

        # What the next version asks for meanwhile waits, and the present one goes on with its own work
        post(here, News("novelty", "nouveau-1", {"path": str(written)}))
        until(lambda: "plus récente" in (row("nouveau-1").last_error or ""), 90, "the older worker leaves it")
        assert row("nouveau-1").state == "pending"
        version = house.folder(folder).version
        house.approve(folder, "r.pellenec")
        assert house.folder(folder).version > version

        # 2. The newer one beside it, 3. the proxy turned to it, 4. the older one stopped
        with serving(newer, env, ports[1], tmp_path / "new.log") as new:
            assert (status(ports[1], "/nouveau"), status(ports[0], "/nouveau")) == (200, 404)
            reader.turn(ports[1])
            old.send_signal(signal.SIGTERM)
            assert old.wait(40) == 143, (tmp_path / "old.log").read_text()
            until(lambda: row("nouveau-1").state == "done", 90, "the newer worker does it")
            assert written.read_text() == "done\n"
            until(lambda: not unsent(), 60, "every letter has left")
            reader.turn(0)
            new.send_signal(signal.SIGTERM)
            assert new.wait(40) == 143, (tmp_path / "new.log").read_text()
    assert len(reader.answers) > 10
    assert set(reader.answers) == {200}
    letters = [one["Message-ID"] for one in mail.letters]
    assert len(letters) == len(set(letters)) > 0
    for name in ("old.log", "new.log"):
        assert not re.search("Traceback|incident", (tmp_path / name).read_text())


def row(key: str) -> outbox.Outbox:
    with reading() as db:
        return db.scalars(sa.select(outbox.Outbox).where(outbox.Outbox.key == key)).one()


def unsent() -> list[str]:
    """The keys of what has not left yet."""
    with reading() as db:
        return list(db.scalars(sa.select(outbox.Outbox.key).where(outbox.Outbox.state != "done")))
