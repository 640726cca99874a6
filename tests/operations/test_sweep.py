"""The daily sweep takes away what is over, and never a file that a row names, whatever the row."""

import os
import tempfile
import threading
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core import heartbeat, jobs, outbox
from app.core.clock import now
from app.core.db import engine, reading
from app.core.outbox import News, Outbox
from app.core.transaction import use_case
from app.files import vault
from app.files.store import Store
from app.folders import words
from app.folders.documents import JUDGE
from app.folders.models import DocumentVersion
from app.folders.once import DepositKey
from app.journal import chain
from app.operations import sweep as sweeping
from app.operations.sweep import sweep
from app.people import desks, login
from app.people.models import Challenge, LoginSession, PasswordReset
from app.signing.models import SignatureSession
from app.transmission.models import Receipt, Transmission
from demo.cast import PASSWORD
from tests.api.software import Software
from tests.builders.house import House
from workflows.vocabulary import Right

DAYS = 30
ADDRESSES = 365


class Coffer:
    """The folder of the store, where a test makes a file older than it is."""

    def __init__(self, house: House) -> None:
        self.folder = house.settings.data_dir / "documents"
        self.scope = vault.scope(house.actor("a.kervadec").collectivity_id)

    def put(self, data: bytes, days: float = 0) -> str:
        digest = vault.store().put_bytes(self.scope, data).sha256
        self.age(digest, days)
        return digest

    def age(self, digest: str, days: float) -> None:
        then = (now() - timedelta(days=days)).timestamp()
        os.utime(self.path(digest), (then, then))

    def path(self, digest: str) -> Path:
        return self.folder / self.scope / digest[:2] / digest

    def all(self) -> set[str]:
        return {one.name for one in self.folder.glob(f"{self.scope}/*/*")}

    def age_all(self, days: float = 400) -> None:
        for one in self.all():
            self.age(one, days)


@pytest.fixture
def coffer(house: House) -> Coffer:
    return Coffer(house)


def rows(model, *where) -> int:
    with reading() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(model).where(*where)) or 0


def change(model, **values) -> None:
    with engine().begin() as connection:
        connection.execute(sa.update(model.__table__).values(**values))


def test_a_fresh_orphan_stays_an_old_one_goes_and_what_a_row_names_is_kept(
    house: House, coffer: Coffer
) -> None:
    folder_id = house.a_deliberation(at="done")
    named = coffer.all()
    coffer.age_all()
    old, fresh = coffer.put(b"old orphan", DAYS + 1), coffer.put(b"fresh orphan", DAYS - 1)
    swept = sweep(DAYS, ADDRESSES)
    assert (swept.documents, swept.size, swept.doubtful) == (1, len(b"old orphan"), 0)
    assert coffer.all() == named | {fresh}
    assert old not in coffer.all()
    assert [len(house.bytes_of(one)) for one in house.versions(folder_id)]
    assert sweep(DAYS, ADDRESSES) == sweeping.Swept(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def test_whatever_the_column_a_digest_written_in_a_row_keeps_the_file(house: House, coffer: Coffer) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    house.prepare(folder_id, "a.kervadec")
    house.a_deliberation(at="done")
    coffer.age_all()
    known = {
        "note": coffer.put(b"repaired", 90),
        "prepared": coffer.put(b"prepared", 90),
        "receipt": coffer.put(b"receipt", 90),
        "package": coffer.put(b"package", 90),
        "payload": coffer.put(b"payload", 90),
    }
    with reading() as db:
        first = db.scalar(sa.select(sa.func.min(DocumentVersion.id)))
    with engine().begin() as connection:
        note = {"repair": {"sha256": known["note"], "size": 8}, "facts": []}
        connection.execute(sa.update(DocumentVersion).where(DocumentVersion.id == first).values(note=note))
        connection.execute(sa.update(SignatureSession).values(prepared_sha256=known["prepared"]))
        connection.execute(sa.update(Receipt).values(sha256=known["receipt"]))
        connection.execute(sa.update(Transmission).values(package_sha256=known["package"]))
        row = sa.select(sa.func.min(outbox.Outbox.id)).scalar_subquery()
        deep = {"list": [{"digest": known["payload"]}]}
        connection.execute(sa.update(outbox.Outbox).where(outbox.Outbox.id == row).values(payload=deep))
    sweep(DAYS, ADDRESSES)
    assert set(known.values()) <= coffer.all()


def test_a_deposit_of_the_same_bytes_makes_an_old_orphan_young_again(house: House, coffer: Coffer) -> None:
    house.an_invoice(at="draft")
    coffer.age_all()
    digest = coffer.put(b"left by a crash", 90)
    assert digest in {one for _, one, _ in vault.store().old(now(), timedelta(days=DAYS))}
    vault.store().put_bytes(coffer.scope, b"left by a crash")  # deposited again, its row not yet written
    assert not vault.store().forget(coffer.scope, digest, now(), timedelta(days=DAYS))
    assert sweep(DAYS, ADDRESSES).documents == 0
    assert vault.store().read(coffer.scope, digest) == b"left by a crash"


def test_a_deposit_and_a_sweep_of_the_same_bytes_at_once_lose_nothing(house: House, coffer: Coffer) -> None:
    data, over = b"the same bytes", threading.Event()
    digest = sha256(data).hexdigest()

    def forget() -> None:
        while not over.is_set():
            vault.store().forget(coffer.scope, digest, now(), timedelta(days=DAYS))

    sweeper = threading.Thread(target=forget)
    sweeper.start()
    try:
        for _ in range(200):
            vault.store().put_bytes(coffer.scope, data)
            assert vault.store().read(coffer.scope, digest) == data
            coffer.age(digest, 90)
    finally:
        over.set()
        sweeper.join()


def test_a_base_that_does_not_know_the_documents_takes_none_away(house: House, coffer: Coffer) -> None:
    for n in range(3):
        coffer.put(b"of another base %d" % n, 90)
    swept = sweep(DAYS, ADDRESSES)
    assert (swept.documents, swept.doubtful) == (0, 3)
    assert len(coffer.all()) == 3


def test_documents_are_looked_at_by_batches_and_what_one_sweep_leaves_goes_with_the_next(
    house: House, coffer: Coffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        house.a_deliberation(at="done")
    named = coffer.all()
    orphans = {coffer.put(b"orphan %d" % n, 90) for n in range(4)}
    coffer.age_all()
    monkeypatch.setattr(sweeping, "BATCH", 2)
    monkeypatch.setattr(sweeping, "MOST", 3)
    assert [sweep(DAYS, ADDRESSES).documents for _ in range(3)] == [3, 1, 0]
    assert coffer.all() == named
    assert orphans.isdisjoint(coffer.all())


def test_a_sweep_that_is_killed_loses_nothing_and_the_next_takes_up(
    house: House, coffer: Coffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.a_deliberation(at="done")
    named = coffer.all()
    for n in range(3):
        coffer.put(b"orphan %d" % n, 90)
    coffer.age_all()
    forget, times = Store.forget, iter(range(9))

    def killed(store: Store, *where: object) -> bool:
        if next(times) == 1:
            raise KeyboardInterrupt
        return forget(store, *where)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Store, "forget", killed)
        with pytest.raises(KeyboardInterrupt):
            sweep(DAYS, ADDRESSES)
    assert len(coffer.all() - named) == 2
    assert sweep(DAYS, ADDRESSES).documents == 2
    assert coffer.all() == named


def test_the_worker_reads_the_whole_base_once_a_week(house: House, coffer: Coffer) -> None:
    house.a_deliberation(at="done")
    minute = sweeping.watch(DAYS, ADDRESSES)
    minute()
    coffer.age_all()
    orphan = coffer.put(b"orphan", 90)
    beat_of_yesterday()
    minute()
    assert orphan in coffer.all()
    change(heartbeat.Heartbeat, beat_at=now() - timedelta(days=8))
    minute()
    assert orphan not in coffer.all()


def test_zero_days_never_looks_at_the_documents(house: House, coffer: Coffer) -> None:
    house.an_invoice(at="draft")
    coffer.age_all()
    kept = coffer.all() | {coffer.put(b"orphan", 900)}
    assert sweep(0, 0).documents == 0
    assert coffer.all() == kept


def test_sessions_links_and_keys_go_once_they_are_over(house: House) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    house.prepare(folder_id, "a.kervadec")
    house.sign(folder_id, "a.kervadec")
    client = house.client("g.trehorel")
    client.post("/compte/protection/application", data={"csrf_token": house.csrf(client)})
    desks.ask_reset("g.trehorel")
    accounting = Software(house, "comptabilite", [Right.CREATE])
    assert accounting.deposit(key="commande-1").status_code == 201
    house.drain()
    done_rows = rows(outbox.Outbox)
    nothing = sweep(DAYS, ADDRESSES)
    assert (nothing.signatures, nothing.logins, nothing.links, nothing.keys) == (0, 0, 0, 0)

    change(SignatureSession, expires_at=now() - timedelta(hours=25))
    change(Challenge, expires_at=now() - timedelta(hours=25))
    change(LoginSession, expires_at=now() - timedelta(hours=25))
    change(PasswordReset, expires_at=now() - timedelta(hours=25))
    change(DepositKey, created_at=now() - timedelta(days=31))
    swept = sweep(DAYS, ADDRESSES)
    assert (swept.signatures, swept.logins, swept.links, swept.keys) == (1, 1, 1, 1)
    assert rows(SignatureSession) == rows(SignatureSession, SignatureSession.state == "done") == 1
    assert rows(Challenge) == rows(LoginSession) == rows(PasswordReset) == rows(DepositKey) == 0
    assert rows(outbox.Outbox) == done_rows
    assert client.get("/a-traiter").status_code == 302
    assert house.client("g.trehorel").get("/a-traiter").status_code == 200


@use_case
def look_at(db, versions: list[DocumentVersion]) -> None:
    """Have the signatures in these files judged, as a deposit asks for a file that brings some."""
    told = [News(JUDGE, f"{JUDGE}-{one.id}", {"version_id": one.id}) for one in versions]
    outbox.post(db, versions[0].collectivity_id, told)


def test_what_was_done_of_passing_work_goes_and_letters_and_sendings_stay(house: House) -> None:
    folder_id = house.a_deliberation(at="done")
    look_at(house.versions(folder_id))
    house.drain()
    kept = rows(Outbox, Outbox.kind.in_(["mail", "step.transmit"]))
    looks = rows(Outbox, Outbox.kind == JUDGE, Outbox.state == "done")
    texts = rows(Outbox, Outbox.kind == words.READ, Outbox.state == "done")
    assert looks == 3
    assert sweep(DAYS, ADDRESSES).done == 0
    with engine().begin() as connection:
        connection.execute(sa.update(Outbox.__table__).values(done_at=now() - timedelta(days=31)))
        first = sa.select(sa.func.min(Outbox.id)).where(Outbox.kind == JUDGE).scalar_subquery()
        waits = {"state": "pending", "done_at": None}
        connection.execute(sa.update(Outbox.__table__).where(Outbox.id == first).values(waits))
    here = house.actor("a.kervadec").collectivity_id
    assert outbox.forget_done(here, now() - timedelta(days=30), 1) == 1
    assert sweep(DAYS, ADDRESSES).done == 1 + texts
    assert rows(Outbox, Outbox.kind == JUDGE, Outbox.state == "pending") == 1  # still to be done
    assert rows(Outbox, Outbox.kind.in_(["mail", "step.transmit"])) == kept


def test_a_link_asked_after_a_sweep_is_sent(house: House) -> None:
    for _ in range(2):  # SQLite gives the number of the last row again
        desks.ask_reset("g.trehorel")
        change(PasswordReset, expires_at=now() - timedelta(hours=25))
        assert sweep(DAYS, ADDRESSES).links == 1
    house.drain()
    assert rows(outbox.Outbox, outbox.Outbox.kind == "mail") == 2


def test_the_command_says_what_it_took_away(house: House, coffer: Coffer) -> None:
    house.an_invoice(at="draft")
    coffer.age_all()
    coffer.put(b"x" * 2048, 90)
    said = house.app.test_cli_runner().invoke(args=["sweep"])
    assert said.exit_code == 0, said.output
    assert "Documents que rien ne nomme : 1 (2\u202fKo)" in said.output.replace("\u00a0", "\u202f")
    again = house.app.test_cli_runner().invoke(args=["sweep"])
    assert "Documents que rien ne nomme : 0" in again.output


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_a_killed_process_left_among_the_temporary_files_goes_after_a_day(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    rooms = {name: tmp_path / "tmp" / name for name in ("paraphe-sign-old", "paraphe-sign-young", "else-old")}
    for room in (*rooms.values(), tmp_path / "kept"):
        room.mkdir(parents=True)
        (room / "source").write_bytes(b"an act")
    (tmp_path / "tmp" / "paraphe-link").symlink_to(tmp_path / "kept")
    yesterday = (now() - timedelta(hours=25)).timestamp()
    for room in (rooms["paraphe-sign-old"], rooms["else-old"], tmp_path / "kept"):
        os.utime(room, (yesterday, yesterday))
    said = house.app.test_cli_runner().invoke(args=["sweep"])
    assert "Dossiers temporaires laissés par un arrêt brutal : 1\n" in said.output
    assert [name for name, room in rooms.items() if room.exists()] == ["paraphe-sign-young", "else-old"]
    assert (tmp_path / "kept" / "source").exists()


@pytest.fixture
def used(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of four months ago: without any, the clock may have leapt, and no address goes."""
    with monkeypatch.context() as then:
        then.setattr(chain, "now", lambda: now() - timedelta(days=120))
        _write(house.actor("a.kervadec").collectivity_id)


@use_case
def _write(db, collectivity_id: int) -> None:
    chain.append(db, collectivity_id, chain.Event("login.closed", "Armel Kervadec", None, None, {}))


def test_the_address_of_a_signature_that_was_made_goes_at_its_term(house: House, used: None) -> None:
    house.an_invoice(at="done")
    made = SignatureSession.state == "done", SignatureSession.address != ""
    change(SignatureSession, address="203.0.113.7")
    sweep(DAYS, ADDRESSES)
    assert rows(SignatureSession, *made) == 1
    change(SignatureSession, created_at=now() - timedelta(days=ADDRESSES + 1))
    sweep(DAYS, 0)
    assert rows(SignatureSession, *made) == 1
    sweep(DAYS, ADDRESSES)
    assert rows(SignatureSession, *made) == 0


def test_the_address_that_a_letter_tells_goes_at_its_term(house: House, used: None) -> None:
    for browser in ("Firefox sous Windows", "Safari sous macOS"):  # the second is told
        login.open_session(
            "a.kervadec", PASSWORD, hours=1, address="203.0.113.7", client=browser, known=False
        )
    told = Outbox.payload["address"].as_string() != ""
    before = rows(Outbox, told)
    assert before
    sweep(DAYS, ADDRESSES)
    assert rows(Outbox, told) == before
    change(Outbox, created_at=now() - timedelta(days=ADDRESSES + 1))
    sweep(DAYS, ADDRESSES)
    assert rows(Outbox, told) == 0
    assert rows(Outbox, Outbox.payload["event"].as_string() == "new_device")  # the letter is kept


def test_the_worker_sweeps_once_a_day_and_goes_on_when_a_sweep_fails(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def failing(days: int, addresses: int, *, whole: bool) -> None:
        calls.append((days, addresses))
        raise OSError("the disk is away")

    monkeypatch.setattr(sweeping, "sweep", failing)
    minute = sweeping.watch(DAYS, ADDRESSES)
    for _ in range(3):
        minute()
    assert calls == [(DAYS, ADDRESSES)]
    assert heartbeat.last("worker")
    beat_of_yesterday()
    minute()
    assert calls == [(DAYS, ADDRESSES)] * 2


@use_case
def beat_of_yesterday(db) -> None:
    db.execute(
        sa.update(heartbeat.Heartbeat)
        .where(heartbeat.Heartbeat.name == "sweep")
        .values(beat_at=now() - timedelta(hours=25))
    )


def test_the_real_worker_sweeps(house: House, coffer: Coffer) -> None:
    def one_round(self: jobs.Worker) -> None:
        self._watch()

    house.an_invoice(at="draft")
    coffer.age_all()
    orphan = coffer.put(b"orphan", 90)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs.Worker, "run", one_round)
        done = house.app.test_cli_runner().invoke(args=["worker"])
    assert done.exit_code == 0, done.output
    assert orphan not in coffer.all()
