"""A copy made while folders move comes back elsewhere, whole and silent; what is cut, altered or killed is never taken for one."""

import errno
import io
import os
import shlex
import signal
import sqlite3
import tempfile
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app import create_app
from app.core import db, outbox
from app.core.db import engine, reading
from app.core.hold import Hold
from app.core.refusals import Refusal
from app.files import vault
from app.folders.models import Folder
from app.journal.models import JournalEntry
from app.operations.keeping import archive, rows
from app.operations.keeping.backup import ASIDE, HANDOVERS, _folders, backup
from app.operations.keeping.move import move
from app.operations.keeping.restore import MARK, restore, survey
from app.people import desks
from app.transmission.lightening import lighten
from app.transmission.sent import differences
from config import Settings
from tests.batches.town import Hand
from tests.builders.house import House
from tests.builders.memory import DISK, MEMORY, memory
from tests.builders.process import ask, environment, start, until
from tests.cluster import Cluster, free_port
from tests.transmission.test_lightening import a_week_later, given, left, settled


@dataclass
class Elsewhere:
    """A place without anything, on the other kind of database."""

    settings: Settings

    def open(self) -> None:
        create_app(self.settings)

    def documents(self) -> list[Path]:
        return list((self.settings.data_dir / "documents").glob("*/??/*"))


@pytest.fixture
def elsewhere(house: House, tmp_path: Path, cluster: Cluster) -> Iterator[Elsewhere]:
    """SQLite for what comes from PostgreSQL, and PostgreSQL for what comes from SQLite."""
    data, name = tmp_path / "ailleurs", f"elsewhere_{os.getpid()}"
    lite = house.settings.database_url.startswith("sqlite")
    url = cluster.create(name) if lite else f"sqlite:///{tmp_path / 'ailleurs.db'}"
    names = ("actes_folder", "helios_folder", "actes_classification_folder")
    places = {one: data / one for one in names}
    places["handover_aside"] = data / ASIDE
    changed = {"data_dir": data, "database_url": url, "store_url": f"file:{data / 'documents'}", **places}
    # Where there is a second disk, one of the folders is on it
    with tempfile.TemporaryDirectory(dir=DISK if tmp_path.is_relative_to(MEMORY) else memory()) as other:
        changed["handover_folder"] = Path(other) / "finances"
        yield Elsewhere(house.settings.model_copy(update=changed))
    db.dispose()
    if lite:
        cluster.drop(name)


def refused(doing: object, *arguments: object) -> str:
    with pytest.raises(Refusal) as caught:
        doing(*arguments)  # type: ignore[operator]
    return caught.value.key


def entries() -> list[tuple[int, str, str]]:
    query = sa.select(JournalEntry.seq, JournalEntry.event, JournalEntry.hash)
    with reading() as session:
        return [tuple(one) for one in session.execute(query.order_by(JournalEntry.seq))]


def test_a_copy_made_while_folders_move_comes_back_elsewhere_and_says_nothing(
    house: House, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    house.an_invoice(at="done")
    received = house.settings.data_dir / "autorites-vues" / "a.der"
    received.parent.mkdir(exist_ok=True)
    received.write_bytes(b"an authority")
    ago, pickup = house.client("a.kervadec"), house.settings.handover_folder
    desks.ask_reset("a.kervadec")
    ends, faults = threading.Event(), []

    def move() -> None:
        try:
            while not ends.is_set():
                house.a_quick_invoice()
        except Exception as fault:
            faults.append(fault)

    movers = [threading.Thread(target=move) for _ in range(2)]
    for one in movers:
        one.start()
    copies = [tmp_path / f"copie-{rank}" for rank in (1, 2)]
    made = []
    for one in copies:
        so_far = len(entries())
        until(lambda: faults or len(entries()) > so_far + 5, 30, "folders move")
        made.append(backup(house.settings, one))
    ends.set()
    for one in movers:
        one.join()
    assert faults == []
    assert not any(one.lost for one in made)
    assert made[0].rows < made[1].rows
    assert [one.stat().st_mode & 0o777 for one in copies] == [0o600, 0o600]
    assert sorted(tmp_path.glob("*.partial")) == []
    (bundle,) = pickup.glob("*/*.zip")
    waiting, before = house.pending(), entries()
    assert waiting

    elsewhere.open()
    back = restore(elsewhere.settings, copies[1])
    assert back.aside == 1, "the software may have taken it: it is not there to be taken again"
    laid = elsewhere.settings.data_dir / ASIDE / bundle.relative_to(pickup)
    assert laid.read_bytes() == bundle.read_bytes()
    live = elsewhere.settings.handover_folder
    assert {one.parent.name for one in live.rglob("*") if one.is_file()} == {".receipts"}
    assert (back.outline.rows, back.sound) == (made[1].rows, True)
    assert (elsewhere.settings.data_dir / "autorites-vues" / "a.der").read_bytes() == b"an authority"
    after = entries()
    assert after[-1][1] == "collectivity.restored"
    assert after[:-1] == before[: len(after) - 1], "the chain is the one that was copied"
    with reading() as session:
        names = set(session.scalars(sa.text("SELECT sha256 FROM document_version")))
    scope = vault.scope(house.actor("a.kervadec").collectivity_id)
    assert all(vault.store().read(scope, one) for one in names)

    house.mail.clear()
    folder_id, visaed = house.a_quick_invoice(), house.a_quick_invoice()
    page = House(create_app(elsewhere.settings), elsewhere.settings, house.pki, house.mail)
    finances = Hand(page, "n.abgrallec")
    finances.post(f"/lots/{finances.propose('approve', [visaed])}/commencer")
    outbox.drain()
    outbox.watch()
    assert page.folder(visaed).place == "bon_a_payer", "a batch waits for nobody: its session would be over"
    assert house.mail.letters == []
    with reading() as session:
        # The copy's own hour is told to the second: jobs of before the copy may bear the same
        held_since = sa.select(sa.func.max(Hold.since)).scalar_subquery()
        done = sa.select(outbox.Outbox.kind).where(outbox.Outbox.done_at >= held_since)
        assert set(session.scalars(done)) <= {
            "batch.decide",
            "version.judge",
            "folder.words",
            "invoice.rules",
        }
    assert house.pending() > 1, "what is to leave is kept, and waits"
    cookies = ago.get("/a-traiter").request.headers["Cookie"]
    gone = page.app.test_client().get("/a-traiter", headers={"Cookie": cookies})
    assert (gone.status_code, "/login" in gone.location) == (302, True), (
        "a session of before may have been closed"
    )
    with reading() as session:
        links = session.execute(sa.text("SELECT count(*), count(used_at) FROM password_reset")).one()
    assert links == (1, 1)
    said = page.client("a.kervadec").get("/a-traiter").get_data(as_text=True)
    assert "rien ne part, ni courriel ni transmission" in said
    runner = page.app.test_cli_runner()
    empty = runner.invoke(args=["resume", "--words", "  "])
    assert (empty.exit_code, "il faut dire pourquoi" in empty.output) == (1, True)
    with engine().begin() as connection:  # the place that was copied had been restored itself, and was held
        old = back.outline.at - timedelta(days=9)
        connection.execute(sa.insert(Hold.__table__).values(since=old, copied_at=old))
    done = runner.invoke(args=["resume", "--words", "l’ancien serveur est éteint", "--set-aside"])
    assert done.exit_code == 0, done.output
    with reading() as session:
        holds = session.scalars(sa.select(Hold.resumed_words)).all()
        parked = session.scalars(sa.select(outbox.Outbox).where(outbox.Outbox.state == "parked")).all()
    assert holds == ["l’ancien serveur est éteint"] * 2
    assert parked
    assert all("mis de côté" in str(one.last_error) for one in parked)
    assert entries()[-1][1] == "collectivity.resumed"
    page.drain()
    assert house.mail.letters, "what came after the restoration leaves"
    with reading() as session:
        assert session.get(Folder, folder_id).place == "finance"
    assert list(live.glob("*/*.zip")) == []
    outbox.retry_all("mail")
    page.drain()
    with reading() as session:
        (link,) = session.scalars(sa.select(outbox.Outbox).where(outbox.Outbox.key.like("reset-%")))
    assert (link.state, link.last_error) == (
        "done",
        "le lien ne sert plus : un autre a été donné depuis, ou se demande",
    )
    assert runner.invoke(args=["journal", "verify"]).exit_code == 0


def test_a_parcel_whose_own_bytes_went_comes_back_with_a_copy_and_is_given_to_the_byte(
    house: House, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    parcels = [left(house.an_invoice(at="done")), left(house.a_deliberation(at="publication"))]
    before = [given(parcel, tmp_path) for parcel in parcels]
    settled(house)
    lighten(30)
    copied = backup(house.settings, tmp_path / "semaine")  # both are there
    assert copied.lost == []
    a_week_later()
    assert lighten(30).light == 2
    copied = backup(house.settings, tmp_path / "copie")
    assert copied.lost == []
    elsewhere.open()
    restored = restore(elsewhere.settings, tmp_path / "copie")
    assert restored.sound
    assert {path.name for path in elsewhere.documents()}.isdisjoint(parcel.sha256 for parcel in parcels)
    assert [given(parcel, tmp_path) for parcel in parcels] == before
    with reading() as session:
        assert list(differences(session, parcels[0].collectivity_id)) == []


def flipped(data: bytes, where: int) -> bytes:
    """One byte is another, from there on: not one of those that only fill a block."""
    where = next(one for one in range(where, len(data)) if data[one])
    return data[:where] + bytes([data[where] ^ 0x55]) + data[where + 1 :]


def test_what_is_cut_altered_or_not_empty_is_refused_and_changes_nothing(
    house: House, elsewhere: Elsewhere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.an_invoice(at="bon_a_payer")
    copy = tmp_path / "copie"

    def no_link(*_: object) -> None:
        raise PermissionError(errno.EPERM, "no hard links on this share")

    with monkeypatch.context() as share:
        share.setattr(os, "link", no_link)
        made = house.app.test_cli_runner().invoke(args=["backup", str(copy)])
    assert (made.exit_code, made.output.startswith("Sauvegarde faite : ")) == (0, True), made.output
    assert refused(backup, house.settings, copy) == "backup-there"
    whole, bad = copy.read_bytes(), tmp_path / "mauvaise"
    size = len(whole)
    hurt = {
        "empty": b"",
        "other": b"%PDF-1.7 " * 4000,
        **{f"cut at {part} %": whole[: size * part // 100] for part in (1, 20, 50, 80, 97)},
        **{f"flipped at {part} %": flipped(whole, size * part // 100) for part in (2, 25, 50, 75, 90)},
        "without its manifest": whole[: whole.rindex(b"manifest.json")],
    }
    elsewhere.open()
    for how, data in hurt.items():
        bad.write_bytes(data)
        assert refused(restore, elsewhere.settings, bad) == "copy-broken", how
    assert elsewhere.documents() == []
    with engine().connect() as connection:
        assert rows.forms(connection) == []

    runner = create_app(elsewhere.settings).test_cli_runner()
    said = runner.invoke(args=["restore", "--check", str(bad)])
    assert (said.exit_code, "Cette sauvegarde ne peut pas être remise" in said.output) == (1, True)
    fine = runner.invoke(args=["restore", "--check", str(copy)])
    assert (fine.exit_code, "lue en entier" in fine.output) == (0, True), fine.output
    vault.store().put_bytes("c1", b"somebody else's")
    assert refused(restore, elsewhere.settings, copy) == "restore-store-filled"
    elsewhere.documents()[0].unlink()
    create_app(house.settings)
    assert refused(restore, house.settings, copy) == "restore-base-filled"

    lost, altered = sorted((house.settings.data_dir / "documents").glob("c*/??/*"))[:2]
    lost.unlink()
    altered.chmod(0o600)
    altered.write_bytes(b"altered")
    done = house.app.test_cli_runner().invoke(args=["backup", str(tmp_path / "incomplete")])
    assert done.exit_code == 3, done.output
    assert altered.name in done.output
    read = house.app.test_cli_runner().invoke(args=["restore", "--check", str(tmp_path / "incomplete")])
    assert (read.exit_code, "lue en entier" in read.output) == (3, True), read.output
    assert altered.name in read.output
    assert lost.name in read.output


def test_a_copy_or_a_restoration_that_is_killed_leaves_nothing_that_looks_whole(
    house: House, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    house.an_invoice(at="finance")
    received = house.settings.data_dir / "autorites-vues" / "a.der"
    received.parent.mkdir(exist_ok=True)
    received.write_bytes(b"an authority")
    copy, secret = tmp_path / "copie", tmp_path / "secret"
    secret.write_text("une longue phrase\n")
    cipher = f"openssl enc -aes-256-ctr -pbkdf2 -pass file:{secret}"
    slow = f"sh -c {shlex.quote('touch begun; sleep 60')}"
    env = environment(house.settings)
    killed = start(
        env,
        tmp_path / "log",
        "backup",
        str(copy),
        "--encrypt",
        slow.replace("begun", str(tmp_path / "begun")),
    )
    until((tmp_path / "begun").exists, 30, "the copy begins")
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert not copy.exists()
    assert refused(backup, house.settings, copy) == "backup-begun"
    copy.with_name("copie.partial").unlink()
    assert refused(backup, house.settings, copy, ["false"]) == "backup-command"
    assert refused(backup, house.settings, copy, ["no-such-command"]) == "backup-command-unknown"
    assert list(tmp_path.glob("copie*")) == []
    made = ask(env, "backup", str(copy), "--encrypt", cipher)
    assert made.returncode == 0, made.stderr
    assert b"paraphe" not in copy.read_bytes()

    elsewhere.open()
    open_it = f"{cipher} -d"
    assert refused(survey, copy) == "copy-broken"
    wrong = tmp_path / "wrong"
    wrong.write_text("une autre\n")
    assert refused(survey, copy, shlex.split(open_it.replace(str(secret), str(wrong)))) in {
        "copy-broken",
        "backup-command",
    }
    # The third reading is the one of the rows: it is stopped in its middle
    count = tmp_path / "count"
    stops = f"echo x >> {count}; if [ $(wc -l < {count}) = 3 ]; then {open_it} | head -c 60000; touch {tmp_path}/third; sleep 60; else {open_it}; fi"
    there = environment(elsewhere.settings)
    killed = start(there, tmp_path / "log2", "restore", str(copy), "--decrypt", f"sh -c {shlex.quote(stops)}")
    until((tmp_path / "third").exists, 60, "the rows are being read")
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    with engine().connect() as connection:
        assert rows.filled(connection) == []
    assert elsewhere.documents()
    other = tmp_path / "autre"
    create_app(house.settings)
    backup(house.settings, other)
    elsewhere.open()
    assert refused(restore, elsewhere.settings, other) == "restore-store-filled"
    in_the_way = elsewhere.settings.data_dir / "autorites-vues" / "a.der"
    in_the_way.unlink()
    in_the_way.mkdir()
    assert refused(restore, elsewhere.settings, copy, shlex.split(open_it)) == "restore-unwritten"
    in_the_way.rmdir()
    again = ask(there, "restore", str(copy), "--decrypt", open_it)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "intact" in again.stdout
    assert "flask --app wsgi resume" in again.stdout
    assert not (elsewhere.settings.data_dir / MARK).exists()


class Software(io.BytesIO):
    """Where a copy is written, while the commune's software takes a hand-over away."""

    def __init__(self, takes: Path) -> None:
        super().__init__()
        self._takes = takes

    def write(self, data: object) -> int:
        self._takes.unlink(missing_ok=True)
        return super().write(data)  # type: ignore[arg-type]


def test_a_hand_over_that_is_taken_away_meanwhile_is_no_fault_of_the_copy(tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip", "c.zip"):
        (tmp_path / name).write_bytes(b"PK")
    writer = archive.Writer(Software(takes=tmp_path / "b.zip"))
    assert _folders(writer, {HANDOVERS: tmp_path, ASIDE: tmp_path / "absent"}) == 2
    assert list(writer.members) == ["folders/remises/a.zip", "folders/remises/c.zip"]


def test_a_name_that_leads_out_of_its_folder_is_no_name_of_a_copy(tmp_path: Path) -> None:
    for name in (
        "folders/remises/../../etc/passwd",
        "folders/remises//x",
        "/etc/passwd",
        "documents/c1/zz",
        "tables/x y/000001.jsonl.z",
    ):
        with (tmp_path / "bad").open("wb") as file:
            writer = archive.Writer(file)
            writer.put(name, zlib.compress(b"[]\n"))
            writer.close()
        assert refused(list, archive.members(tmp_path / "bad", ())) == "copy-broken", name


def test_a_base_goes_from_sqlite_to_postgresql_alone_whole_and_leaves_its_source(
    house: House, elsewhere: Elsewhere
) -> None:
    source, target = house.settings.database_url, elsewhere.settings.database_url
    if not source.startswith("sqlite"):
        assert refused(move, source, target) == "move-not-sqlite"
        return
    folder_id = house.an_invoice(at="bon_a_payer")
    before, file = entries(), source.removeprefix("sqlite:///")
    assert refused(move, source, "mysql://x/y") == "move-target"
    assert refused(move, source, f"postgresql://paraphe@127.0.0.1:{free_port()}/x") == "move-target"
    create_app(house.settings)
    with engine().connect() as connection:
        wanted = rows.tallies(connection)
    other = sqlite3.connect(file)  # a service that still has it open
    other.execute("SELECT count(*) FROM folder").fetchone()
    assert refused(move, source, target) == "base-in-use"
    (title,) = other.execute("SELECT title FROM folder WHERE id = ?", (folder_id,)).fetchone()
    with other:
        other.execute("UPDATE folder SET title = ? WHERE id = ?", (f"{title}\0", folder_id))
    other.close()
    assert refused(move, source, target) == "copy-unfit"
    create_app(house.settings)
    other = sqlite3.connect(file)
    with other:
        other.execute("UPDATE folder SET title = ? WHERE id = ?", (title, folder_id))
    other.close()
    done = house.app.test_cli_runner().invoke(args=["move-to", target])
    assert done.exit_code == 0, done.output
    assert "comptes et empreintes sont les mêmes" in done.output
    assert "intact" in done.output
    elsewhere.open()
    after = entries()
    assert (after[:-1], after[-1][1]) == (before, "collectivity.moved")
    # The documents stay where they are: the base alone has moved
    settings = elsewhere.settings.model_copy(update={"store_url": house.settings.store_url})
    there = House(create_app(settings), settings, house.pki, house.mail)
    assert there.folder(folder_id).place == "bon_a_payer"
    assert there.a_quick_invoice() > folder_id, "numbers go on"
    create_app(house.settings)
    assert refused(move, source, target) == "move-target-filled"
    create_app(house.settings)
    with engine().connect() as connection:
        assert rows.tallies(connection) == wanted
