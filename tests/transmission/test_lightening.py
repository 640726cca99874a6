"""A parcel's own bytes go once it was made again to the byte, and only then; whoever asks is given the very parcel that left."""

import gzip
import io
import os
import tarfile
import threading
import zipfile
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.channels.actes import archive
from app.core import outbox
from app.core.clock import now
from app.core.db import engine, reading
from app.core.losses import losses
from app.core.refusals import Refusal
from app.files import vault
from app.files.store import Store
from app.folders.models import Folder
from app.operations.doctor import examine
from app.operations.findings import Finding
from app.operations.keeping.backup import backup
from app.transmission import lightening, sent
from app.transmission.lightening import Tally, lighten
from app.transmission.models import TO_LIGHTEN, ParcelFrame, Transmission
from app.transmission.sent import Sent
from tests.builders.house import House
from tests.legality.town import page
from tests.operations.test_store_ratio import aged

pytestmark = pytest.mark.in_turn
DAYS = 30
A = "a.kervadec"


def left(folder_id: int) -> Sent:
    """The parcel that left of a folder."""
    with reading() as db:
        return sent.parcels_of(db, folder_id)[-1]


def row(folder_id: int) -> Transmission:
    with reading() as db:
        return db.scalars(sa.select(Transmission).where(Transmission.folder_id == folder_id)).one()


def change(model: type, **values: object) -> None:
    with engine().begin() as connection:
        connection.execute(sa.update(model.__table__).values(**values))  # type: ignore[attr-defined]


def settled(house: House, days: float = DAYS + 1) -> None:
    """As if what was acknowledged had been so many days ago."""
    change(Transmission, ended_at=now() - timedelta(days=days))
    aged(house, now() - timedelta(days=days))


def a_week_later() -> None:
    change(ParcelFrame, made_at=now() - lightening.LATER - timedelta(minutes=1))


def all_the_way(house: House) -> Tally:
    settled(house)
    lighten(DAYS)
    a_week_later()
    return lighten(DAYS)


def in_store(parcel: Sent) -> bool:
    return vault.store().exists(vault.scope(parcel.collectivity_id), parcel.sha256)


def given(parcel: Sent, room: Path) -> bytes:
    target = room / "given"
    sent.fetch(parcel, target)
    data = target.read_bytes()
    target.unlink()
    return data


def refused(parcel: Sent, room: Path) -> str:
    with pytest.raises(Refusal) as caught:
        sent.fetch(parcel, room / "given")
    assert list(room.glob("*given*")) == []
    return caught.value.key


def place(house: House, parcel: Sent, digest: str) -> Path:
    folder = house.settings.data_dir / "documents" / vault.scope(parcel.collectivity_id)
    return folder / digest[:2] / digest


def altered(path: Path) -> Callable[[], None]:
    """One byte of it is another on the disk; what puts it right."""
    before = path.read_bytes()
    path.chmod(0o640)
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    then = (now() - timedelta(days=100)).timestamp()
    os.utime(path, (then, then))

    def right() -> None:
        path.write_bytes(before)
        os.utime(path, (then, then))

    return right


def a_version(folder_id: int) -> str:
    """The SHA-256 of a version that stands in the parcel."""
    with reading() as db:
        frame = db.get_one(ParcelFrame, row(folder_id).id)
        return next(part for part in frame.parts if isinstance(part, str))


@pytest.mark.both_databases
@pytest.mark.parametrize("kind", ["handover", "actes"])
def test_a_settled_parcel_is_made_again_to_the_byte_and_its_own_bytes_go(
    house: House, tmp_path: Path, kind: str
) -> None:
    folder_id = house.an_invoice(at="done") if kind == "handover" else house.a_deliberation(at="publication")
    parcel = left(folder_id)
    bytes_sent = given(parcel, tmp_path)
    assert sha256(bytes_sent).hexdigest() == parcel.sha256
    settled(house, DAYS - 1)
    assert lighten(DAYS) == Tally()
    settled(house)
    assert lighten(DAYS) == Tally(framed=1)
    assert (row(folder_id).parcel, in_store(parcel)) == ("framed", True)
    assert lighten(DAYS) == Tally(framed=1)  # both are there for a week
    assert in_store(parcel)
    a_week_later()
    assert lighten(DAYS) == Tally(light=1, size=len(bytes_sent))
    assert (row(folder_id).parcel, in_store(parcel)) == ("light", False)
    assert given(parcel, tmp_path) == bytes_sent
    with reading() as db:
        frame = db.get_one(ParcelFrame, parcel.id)
    assert 0 < len(frame.around) < 4096
    assert lighten(DAYS) == Tally()
    with reading() as db:
        assert list(sent.differences(db, parcel.collectivity_id)) == []


def test_the_archive_of_an_act_is_read_by_whoever_reads_a_tar_gz(house: House, tmp_path: Path) -> None:
    parcel = left(house.a_deliberation(at="publication"))
    data = given(parcel, tmp_path)
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(data))) as tar:
        names = tar.getnames()
    assert len(names) >= 3
    assert sum(name.endswith(".xml") for name in names) == 2


@pytest.mark.parametrize("state", ["ready", "sending", "sent", "uncertain", "refused", "partial"])
def test_what_was_not_acknowledged_keeps_its_parcel(house: House, state: str) -> None:
    parcel = left(house.an_invoice(at="done"))
    settled(house)
    change(Transmission, state=state)
    assert lighten(DAYS) == Tally()
    assert (row(parcel.folder_id).parcel, in_store(parcel)) == ("", True)


def test_a_flow_is_its_own_version_and_stays_as_it_is(house: House, tmp_path: Path) -> None:
    folder_id = house.a_flow()
    house.sign(folder_id, A)
    house.drain()
    parcel = left(folder_id)
    digests = {one.sha256 for one in house.versions(folder_id)}
    assert parcel.sha256 in digests  # kept once: bytes have one place under their digest
    change(Transmission, state="acknowledged")
    settled(house)
    assert lighten(DAYS) == Tally(whole=1)
    assert in_store(parcel)
    assert lighten(DAYS) == Tally()


def test_a_compressed_archive_of_before_stays_as_it_left(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compressed(raw: io.BufferedWriter) -> gzip.GzipFile:
        return gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0)

    monkeypatch.setattr(archive, "StoredGzip", compressed)
    parcel = left(house.a_deliberation(at="publication"))
    before = given(parcel, tmp_path)
    assert all_the_way(house).light == 0
    assert (row(parcel.folder_id).parcel, in_store(parcel)) == ("whole", True)
    assert given(parcel, tmp_path) == before


def test_bytes_that_something_else_names_stay(house: House, tmp_path: Path) -> None:
    parcel = left(house.an_invoice(at="done"))
    settled(house)
    lighten(DAYS)
    with engine().begin() as connection:  # deposited since as a document of another folder
        other = sa.text("UPDATE receipt SET sha256 = :digest")
        connection.execute(other, {"digest": parcel.sha256})
    a_week_later()
    assert lighten(DAYS) == Tally(whole=1)
    assert in_store(parcel)


def test_bytes_deposited_again_just_now_stay_until_their_row_is_written(house: House, tmp_path: Path) -> None:
    parcel = left(house.an_invoice(at="done"))
    data = given(parcel, tmp_path)
    settled(house)
    lighten(DAYS)
    a_week_later()
    vault.store().put_bytes(vault.scope(parcel.collectivity_id), data)
    assert lighten(DAYS) == Tally(framed=1)
    assert in_store(parcel)
    settled(house)
    assert lighten(DAYS).light == 1


def test_a_parcel_that_the_journal_does_not_know_stays_and_is_not_given(house: House, tmp_path: Path) -> None:
    parcel = left(house.an_invoice(at="done"))
    other = (
        vault.store().put_bytes(vault.scope(parcel.collectivity_id), given(parcel, tmp_path) + b"x").sha256
    )
    change(Transmission, package_sha256=other)
    settled(house)
    assert lighten(DAYS) == Tally(whole=1)
    assert refused(left(parcel.folder_id), tmp_path) == "parcel-untold"


def test_an_altered_version_keeps_the_parcel_until_it_is_put_right(house: House, tmp_path: Path) -> None:
    folder_id = house.an_invoice(at="done")
    parcel = left(folder_id)
    bytes_sent = given(parcel, tmp_path)
    settled(house)
    main = house.versions(folder_id)[-1].sha256
    right = altered(place(house, parcel, main))
    assert lighten(DAYS) == Tally(damaged=1)  # before its frame is written
    assert (row(folder_id).parcel, in_store(parcel)) == ("", True)
    right()
    assert lighten(DAYS) == Tally(framed=1)
    a_week_later()
    right = altered(place(house, parcel, main))
    assert lighten(DAYS) == Tally(damaged=1)  # before its bytes go
    assert in_store(parcel)
    assert given(parcel, tmp_path) == bytes_sent
    right()
    assert lighten(DAYS).light == 1
    right = altered(place(house, parcel, main))
    assert refused(parcel, tmp_path) == "file-altered"
    with reading() as db:
        (told,) = sent.differences(db, parcel.collectivity_id)
    assert "ne se refait plus à l’octet de ses documents" in told
    right()
    assert given(parcel, tmp_path) == bytes_sent


def examined(house: House) -> Finding:
    (finding,) = examine(house.settings.model_copy(update={"parcel_days": DAYS}), ["envois acquittés"])
    return finding


def test_an_altered_parcel_gives_no_frame_and_stays_to_be_looked_at(house: House, tmp_path: Path) -> None:
    parcel = left(house.an_invoice(at="done"))
    bytes_sent = given(parcel, tmp_path)
    settled(house)
    right = altered(place(house, parcel, parcel.sha256))
    assert lighten(DAYS) == Tally(damaged=1)
    assert (row(parcel.folder_id).parcel, refused(parcel, tmp_path)) == ("", "file-altered")
    with reading() as db:
        (told,) = sent.differences(db, parcel.collectivity_id)
    assert "manque au dépôt, ou y est altéré" in told
    # The doctor tells it by what the look has written, once however often it is seen, and no more once it is put right
    seen = "un envoi a un fichier altéré ou manquant, depuis"
    assert seen in examined(house).sentence
    lighten(DAYS)
    assert (examined(house).ok, seen in examined(house).sentence) == (False, True)
    right()
    assert lighten(DAYS) == Tally(framed=1)
    assert examined(house).ok
    altered(place(house, parcel, parcel.sha256))
    assert given(parcel, tmp_path) == bytes_sent  # made again already
    a_week_later()
    assert lighten(DAYS).light == 1
    assert given(parcel, tmp_path) == bytes_sent


def test_a_frame_altered_in_the_base_gives_nothing_and_lets_nothing_go(house: House, tmp_path: Path) -> None:
    parcel = left(house.an_invoice(at="done"))
    bytes_sent = given(parcel, tmp_path)
    settled(house)
    lighten(DAYS)
    with reading() as db:
        parts = db.get_one(ParcelFrame, parcel.id).parts
    change(ParcelFrame, parts=[parts[0] - 1, *parts[1:]])
    a_week_later()
    assert lighten(DAYS) == Tally(whole=1)
    assert given(parcel, tmp_path) == bytes_sent
    other = left(house.an_invoice(at="done"))
    all_the_way(house)
    change(ParcelFrame, around=b"of another time")
    assert refused(other, tmp_path) == "parcel-differs"
    with reading() as db:
        (told,) = sent.differences(db, parcel.collectivity_id)
    assert "ne se refait plus à l’octet de ses documents" in told


@pytest.mark.parametrize("parts", [[None], ["x"], [1, {}], 5, "null"])
def test_what_is_no_frame_at_all_in_the_base_keeps_neither_the_others_nor_the_verification_from_their_end(
    house: House, tmp_path: Path, parts: object
) -> None:
    whole, gone = left(house.an_invoice(at="done")), left(house.an_invoice(at="done"))
    settled(house)
    lighten(DAYS)
    a_week_later()
    with engine().begin() as connection:
        altered_frame = sa.update(ParcelFrame.__table__).values(parts=parts)  # type: ignore[arg-type]
        connection.execute(altered_frame.where(ParcelFrame.transmission_id == whole.id))
    assert (lighten(DAYS).whole, row(gone.folder_id).parcel) == (1, "light")
    change(ParcelFrame, parts=parts)
    assert given(whole, tmp_path)
    assert refused(gone, tmp_path) == "parcel-differs"
    with reading() as db:
        (told,) = sent.differences(db, gone.collectivity_id)
    assert f"dossier n° {gone.folder_id}" in told


@pytest.mark.both_databases
@pytest.mark.parametrize("where", ["before the frame", "after the frame", "before it goes", "after it went"])
def test_a_kill_anywhere_loses_nothing_and_the_next_look_goes_on(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    parcel = left(house.a_deliberation(at="publication"))
    bytes_sent = given(parcel, tmp_path)
    settled(house)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    target, name = {
        "before the frame": (lightening, "_write_frame"),
        "after the frame": (Tally, "add"),
        "before it goes": (Store, "forget"),
        "after it went": (lightening, "_mark"),
    }[where]
    if where in {"before it goes", "after it went"}:
        lighten(DAYS)
        a_week_later()
    with monkeypatch.context() as patch:
        patch.setattr(target, name, killed)
        with pytest.raises(KeyboardInterrupt):
            lighten(DAYS)
    assert in_store(parcel) == (where != "after it went")
    assert given(parcel, tmp_path) == bytes_sent
    copied = backup(house.settings, tmp_path / "copie")
    assert copied.lost == []
    lighten(DAYS)
    a_week_later()
    assert row(parcel.folder_id).parcel in {"framed", "light"}
    lighten(DAYS)
    assert (row(parcel.folder_id).parcel, in_store(parcel)) == ("light", False)
    assert given(parcel, tmp_path) == bytes_sent


@pytest.mark.both_databases
def test_workers_at_once_do_it_once(house: House, tmp_path: Path) -> None:
    parcels = [left(house.an_invoice(at="done")) for _ in range(3)]
    before = [given(parcel, tmp_path) for parcel in parcels]
    settled(house)
    faults: list[BaseException] = []

    def worker() -> None:
        try:
            lighten(DAYS)
        except BaseException as fault:
            faults.append(fault)

    for _ in range(2):
        workers = [threading.Thread(target=worker) for _ in range(3)]
        for one in workers:
            one.start()
        for one in workers:
            one.join()
        a_week_later()
    lighten(DAYS)
    assert faults == []
    assert [row(parcel.folder_id).parcel for parcel in parcels] == ["light"] * 3
    assert [given(parcel, tmp_path) for parcel in parcels] == before
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(ParcelFrame)) == 3


def test_the_worker_looks_at_some_each_minute_and_at_all_each_day(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    parcels = [left(house.an_invoice(at="done")) for _ in range(3)]
    settled(house)
    monkeypatch.setattr(lightening, "SECONDS", -1.0)
    monkeypatch.setattr(lightening, "BATCH", 2)
    watch = lightening.Watch(DAYS)

    def states() -> list[str]:
        return [row(parcel.folder_id).parcel for parcel in parcels]

    for done in range(1, 4):
        watch()
        assert states() == ["framed"] * done + [""] * (3 - done)
    watch()
    a_week_later()
    watch()
    assert states() == ["framed"] * 3  # its day is not over
    lightening.Watch(0)()
    assert states() == ["framed"] * 3
    lightening.Watch(DAYS)()
    assert states() == ["light", "framed", "framed"]


def test_the_worker_of_the_house_does_it(house: House) -> None:
    parcel = left(house.an_invoice(at="done"))
    settled(house)
    outbox.watch()
    assert row(parcel.folder_id).parcel == "framed"


@pytest.mark.both_databases
def test_those_to_look_at_are_found_by_their_index(house: House) -> None:
    query = f"SELECT id FROM transmission WHERE {TO_LIGHTEN} AND ended_at < '2026-01-01' ORDER BY ended_at, id LIMIT 9"
    with engine().begin() as connection:
        lite = connection.dialect.name == "sqlite"
        if not lite:
            connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
        plan = connection.execute(sa.text(f"EXPLAIN {'QUERY PLAN ' if lite else ''}{query}")).all()
    assert "ix_transmission_parcel" in str(plan)


def test_a_downgrade_says_which_parcels_it_would_lose(house: House) -> None:
    house.an_invoice(at="done")
    assert not any("parcel" in what for what in losses("0130_register"))
    all_the_way(house)
    assert "la table parcel_frame (1 ligne)" in losses("0130_register")


def test_who_reads_the_folder_is_given_the_very_parcel(house: House, tmp_path: Path) -> None:
    folder_id = house.an_invoice(at="done")
    parcel = left(folder_id)
    bytes_sent, address = given(parcel, tmp_path), f"/dossiers/{folder_id}/envois/{parcel.id}"
    assert f'href="{address}"' in page(house, A, f"/dossiers/{folder_id}?onglet=circuit")
    for _ in range(2):
        answer = house.client(A).get(address)
        assert (answer.status_code, answer.data) == (200, bytes_sent)
        assert parcel.name in answer.headers["Content-Disposition"]
        assert int(answer.headers["Content-Length"]) == len(bytes_sent)
        assert zipfile.ZipFile(io.BytesIO(answer.data)).testzip() is None
        all_the_way(house)
    assert not in_store(parcel)
    for login in (
        "m.kerzerho",
        "t.lescoat",
        "g.trehorel",
        "k.morizur",
    ):  # who may read the folder, and nobody else
        client = house.client(login)
        assert client.get(address).status_code == client.get(f"/dossiers/{folder_id}").status_code
    assert house.client().get(address).status_code in {302, 401}
    assert house.client(A).get(f"/dossiers/{folder_id}/envois/{parcel.id + 999}").status_code == 404
    other = house.an_invoice()
    assert house.client(A).get(f"/dossiers/{other}/envois/{parcel.id}").status_code == 404
    altered(place(house, parcel, a_version(folder_id)))
    answer = house.client(A).get(address)
    assert answer.status_code == 500
    assert "altéré" in answer.get_data(as_text=True)
    assert bytes_sent[:4] not in answer.data


def test_who_reads_a_folder_for_its_type_alone_is_not_given_what_was_written_for_who_receives_it(
    house: House, tmp_path: Path
) -> None:
    """Its manifest has all the facts, who appealed against an act included, which the page keeps from him."""
    folder_id = house.an_invoice(at="bon_a_payer")
    table = Folder.__table__
    fields = {**house.folder(folder_id).fields, "appeals": [{"who": "Mona Kergoat"}]}
    with engine().begin() as connection:
        here = sa.update(table).where(table.c.id == folder_id)  # type: ignore[arg-type]
        connection.execute(here.values(read_by_all=True, fields=fields))
    house.sign(folder_id, A)
    house.drain()
    parcel = left(folder_id)
    assert b"Mona Kergoat" in given(parcel, tmp_path)
    address = f"/dossiers/{folder_id}/envois/{parcel.id}"
    answer = house.client("k.morizur").get(address)
    assert (answer.status_code, b"Kergoat" in answer.data) == (403, False)
    assert address not in page(house, "k.morizur", f"/dossiers/{folder_id}?onglet=circuit")
    assert house.client(A).get(address).status_code == 200


def test_a_parcel_is_not_called_what_left(house: House) -> None:
    """S2LOW makes the archive of an act anew of its pieces; one that is rejected before it goes, or simulated, went nowhere."""
    folder_id = house.an_invoice(at="done")
    change(Transmission, state="refused", sent_at=None, simulated=True)
    shown = page(house, A, f"/dossiers/{folder_id}?onglet=circuit")
    assert "Télécharger l’envoi tel qu’il a été préparé, à l’octet" in shown
    assert "ce qui est parti" not in shown
    told = house.app.test_cli_runner().invoke(args=["parcels", "list", str(folder_id)]).output
    assert "n’est pas parti (FACTICE), gardé en entier" in told.replace("\u00a0", " ")


def test_the_command_gives_it_and_says_its_digest(house: House, tmp_path: Path) -> None:
    folder_id = house.a_deliberation(at="publication")
    parcel, target = left(folder_id), tmp_path / "rendu"
    bytes_sent = given(parcel, tmp_path)
    all_the_way(house)

    def run(*words: object) -> tuple[int, str]:
        done = house.app.test_cli_runner().invoke(args=["parcels", *map(str, words)])
        return done.exit_code, done.output.replace("\u00a0", " ")

    code, listed = run("list", folder_id)
    assert code == 0
    assert f"{parcel.name}  SHA-256 {parcel.sha256}" in listed
    assert "refait de ses documents" in listed
    code, told = run("give", folder_id, parcel.id, target)
    assert (code, target.read_bytes(), target.stat().st_mode & 0o777) == (0, bytes_sent, 0o600)
    assert f"SHA-256 {parcel.sha256}" in told
    assert run("give", folder_id, parcel.id, target)[0] == 1  # it is never written over
    assert run("list", folder_id + 99) == (0, "Rien n’est parti de ce dossier.\n")
    code, told = run("give", folder_id + 99, parcel.id, tmp_path / "autre")
    assert code != 0
    assert "Rien n’est parti de ce dossier par cet envoi" in told
    altered(place(house, parcel, a_version(folder_id)))
    code, told = run("give", folder_id, parcel.id, tmp_path / "autre")
    assert code != 0
    assert not (tmp_path / "autre").exists()
    verified = house.app.test_cli_runner().invoke(args=["journal", "verify", "--state"])
    assert verified.exit_code != 0
    assert f"dossier n° {folder_id} : l’envoi « {parcel.name} » ne se refait plus" in verified.output


def test_nobody_else_reads_a_parcel_while_the_command_writes_it(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parcel, target = left(house.an_invoice(at="done")), tmp_path / "rendu"
    fetch, closed = sent.fetch, []

    def watched(parcel: Sent, path: Path) -> None:
        closed.append(path.parent.stat().st_mode & 0o077 == 0)
        fetch(parcel, path)

    tmp_path.chmod(0o755)
    monkeypatch.setattr(sent, "fetch", watched)
    words = ["parcels", "give", str(parcel.folder_id), str(parcel.id), str(target)]
    assert house.app.test_cli_runner().invoke(args=words).exit_code == 0
    assert closed == [True]
    assert not list(tmp_path.glob(".paraphe-*"))
    assert target.is_file()


def test_the_sweep_says_what_it_did(house: House) -> None:
    parcel = left(house.an_invoice(at="done"))
    settled(house)

    def swept() -> str:
        return house.app.test_cli_runner().invoke(args=["sweep"]).output.replace("\u00a0", " ")

    assert "dont les octets partent une semaine après : 1" in swept()
    a_week_later()
    assert "Envois acquittés depuis plus de 30 jours, désormais refaits de leurs documents : 1 (" in swept()
    assert not in_store(parcel)
    aged(house, now() - timedelta(days=400))
    assert "Documents que rien ne nomme : 0 " in swept()
