"""`python -m bench.upgrade REVISION sqlite|postgresql [folders]`: the base of an older version, upgraded by this one and killed on its way.

The tree of the revision is unpacked in a room of its own, with its own libraries where it pins others than those that are
here, and makes the folders by its own verbs. This version upgrades the base, killed (SIGKILL) as soon as the base says a new
revision, again and again, until nothing is left to do. Then the schema, the journal and the state beside it are verified by
their commands, every folder and every version of a document is opened by one of three persons, and some folders go on. The exit code is 1 when a
single thing is not as it was.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import sqlalchemy as sa

from app import create_app
from app.core import db
from app.core.db import make_engine
from app.folders.models import Document, DocumentVersion, Folder
from bench.ground import ROOT
from demo import pki as test_pki
from tests.builders.house import House
from tests.cluster import Cluster, free_port
from tests.conftest import SECRET, settings_for
from tests.mailserver import MailServer

PEOPLE = ("a.kervadec", "k.morizur", "g.trehorel")
LISTS = (
    "/a-traiter",
    "/suivi",
    "/a-traiter?bannette=done",
    "/a-traiter?bannette=late",
    "/compte",
    "/prefecture",
)
GO_ON = 5
"""Folders of each kind that go on after the upgrade."""
MOST_KILLS = 60


def main(revision: str, kind: str, count: int = 300) -> int:
    """Make, upgrade, kill, verify, read; what was seen is printed."""
    home = Path(tempfile.mkdtemp(prefix="paraphe-upgrade-"))
    if os.geteuid() == 0:
        home.chmod(0o755)
    cluster = Cluster(fsync=True) if kind == "postgresql" else None
    try:
        url = cluster.create("old") if cluster else f"sqlite:///{home / 'old.db'}"
        port = free_port()
        began = time.monotonic()
        print(f"{revision} on {kind}: {_prepare(revision, url, home, port, count)}", end="")
        print(f"made in {time.monotonic() - began:.0f} s, revision {_revision(url)}", flush=True)
        before = _counts(url)
        faults = _upgraded(url, home)
        if _counts(url) != before:
            faults.append(f"rows before {before}, after {_counts(url)}")
        faults += _verified(url, home)
        faults += _read(url, home, port)
        for fault in faults:
            print("FAULT:", fault)
        return 1 if faults else 0
    finally:
        db.dispose()
        if cluster:
            cluster.stop()
        shutil.rmtree(home, ignore_errors=True)


def _prepare(revision: str, url: str, home: Path, port: int, count: int) -> str:
    tree = home / "tree"
    tree.mkdir()
    archive = subprocess.run(["git", "archive", revision], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x"], cwd=tree, input=archive, check=True)
    shutil.copy(ROOT / "bench" / "folders_of_before.py", tree)
    command = [_python(tree), "folders_of_before.py", url, str(home), str(port), str(count)]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stdout[-500:] + done.stderr[-3000:])
    return next(line for line in done.stdout.splitlines() if " folders, " in line) + "\n"


def _python(tree: Path) -> str:
    """The interpreter that has what the tree pins: ours, or one made for it."""
    pins = [
        line.split(" ")[0].split("==")
        for name in ("requirements.txt", "requirements-demo.txt", "requirements-dev.txt")
        for line in (tree / name).read_text().splitlines()
        if "==" in line and not line.startswith("#")
    ]
    if all(_installed(name.partition("[")[0]) == wanted for name, wanted in pins):
        print("its libraries are those that are here")
        return sys.executable
    subprocess.run([sys.executable, "-m", "venv", ".venv"], cwd=tree, check=True)
    python = str(tree / ".venv" / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", "-r", "requirements-dev.txt"], cwd=tree, check=True)
    return python


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _revision(url: str) -> str:
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            return str(connection.scalar(sa.text("SELECT version_num FROM alembic_version")))
    finally:
        engine.dispose()


def _counts(url: str) -> dict[str, int]:
    engine = make_engine(url)
    with engine.connect() as connection:
        state = {
            table: connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) or 0
            for table in ("folder", "document_version", "journal_entry", "step_run", "signature_proof")
        }
    engine.dispose()
    return state


def _environment(url: str, home: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PARAPHE_SECRET_KEY": SECRET,
        "PARAPHE_DATABASE_URL": url,
        "PARAPHE_DATA_DIR": str(home / "data"),
        "PARAPHE_PUBLIC_URL": "http://127.0.0.1:5000",
    }


def _flask(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]


def _upgraded(url: str, home: Path) -> list[str]:
    """Upgrade, killed each time as soon as the base has moved on by a few revisions and a little more."""
    draw, met, before = random.Random(12), [], _revision(url)
    for _ in range(MOST_KILLS):
        started, last = time.monotonic(), _revision(url)
        process = subprocess.Popen(
            _flask("upgrade"),
            cwd=ROOT,
            env=_environment(url, home),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        left = draw.choice((0, 1, 1, 2))  # revisions that it may reach before it is killed
        while process.poll() is None:
            now = _revision(url)
            if now != last:
                last, left = now, left - 1
            if left < 0:
                time.sleep(draw.random() * 0.05)
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.002)
        output = process.communicate()[0].decode(errors="replace")
        if process.returncode == 0:
            taken = time.monotonic() - started
            print(
                f"killed {len(met)} times, at {' '.join(met)}; the last upgrade took {taken:.1f} s: {_revision(url)}"
            )
            return [] if met else [f"never killed between {before} and {_revision(url)}"]
        if process.returncode != -signal.SIGKILL:
            return [f"the upgrade ended by itself with {process.returncode}: {output[-500:]}"]
        met.append(_revision(url)[:4])
    return [f"not upgraded after {MOST_KILLS} kills: {met}"]


def _verified(url: str, home: Path) -> list[str]:
    faults = []
    for command in (["check-schema"], ["journal", "verify"], ["journal", "verify", "--state"]):
        done = subprocess.run(
            _flask(*command), cwd=ROOT, env=_environment(url, home), capture_output=True, text=True
        )
        print(
            f"{' '.join(command)}: exit {done.returncode}, {(done.stdout or done.stderr).strip()[-200:]}",
            flush=True,
        )
        if done.returncode:
            faults.append(" ".join(command))
    return faults


def _read(url: str, home: Path, port: int) -> list[str]:
    """Open every folder and every version of its documents as the person who may, then let folders of each kind go on."""
    authority, mail = test_pki.TestPki(home / "pki", f"http://127.0.0.1:{port}"), MailServer()
    serving = test_pki.serve(authority.folder, "127.0.0.1", port)
    mail.start()
    settings = settings_for(url, home / "data", authority, mail.port)
    house, faults, answers = House(create_app(settings), settings, authority, mail), [], Counter[int]()
    house.drain()
    with db.reading() as session:
        folders = [*session.execute(sa.select(Folder.id, Folder.place, Folder.family))]
        query = sa.select(Document.folder_id, Document.id, DocumentVersion.number)
        files = [*session.execute(query.join(DocumentVersion, DocumentVersion.document_id == Document.id))]
    unread = {f"/dossiers/{folder.id}" for folder in folders} | {
        f"/dossiers/{folder}/documents/{document}/{number}" for folder, document, number in files
    }
    for who in PEOPLE:
        client = house.client(who)
        for page in (*LISTS, *sorted(unread)):
            status = client.get(page).status_code
            answers[status] += 1
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                faults.append(f"{page} as {who}: {status}")
            if status == HTTPStatus.OK:
                unread.discard(page)
    faults += [f"nobody could open {page}" for page in sorted(unread)]
    print(
        f"{len(folders)} folders, {len(files)} versions of documents: pages opened {dict(answers)}",
        flush=True,
    )
    faults += _gone_on(house, folders)
    mail.stop()
    serving.close()
    return faults


def _gone_on(house: House, folders: list[sa.Row[tuple[int, str, str]]]) -> list[str]:
    """What waits for a signature is signed, what waits for a visa approved, and each leaves where it was."""
    faults, gone = [], 0
    for place, who, verb in (
        ("bon_a_payer", "a.kervadec", house.sign),
        ("service_done", "r.pellenec", house.approve),
        ("finance", "n.abgrallec", house.approve),
        ("signatures", "a.kervadec", house.sign),
    ):
        for row in [folder for folder in folders if folder.place == place][:GO_ON]:
            before = house.folder(row.id).version
            if verb == house.sign and row.family == "invoice":
                house.another(row.id)
            verb(row.id, who)
            house.drain()
            gone += house.folder(row.id).version > before
            if house.folder(row.id).version <= before:
                faults.append(f"folder {row.id} stayed at {place}")
    print(f"{gone} folders went on")
    return faults


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:4])))
