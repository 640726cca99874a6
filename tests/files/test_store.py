"""Bytes are kept under their own SHA-256, once, and never served when they no longer match it."""

import datetime as dt
import errno
import hashlib
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.core.refusals import Refusal
from app.files import store as store_module
from app.files.store import Store, open_store

COMMUNE, NEIGHBOUR = "212909998", "212900013"


@pytest.fixture
def coffer(tmp_path: Path) -> Path:
    return tmp_path / "coffer"


@pytest.fixture
def store(coffer: Path) -> Store:
    return open_store(f"file:{coffer}")


def kept(coffer: Path) -> list[Path]:
    return [one for one in coffer.rglob("*") if one.is_file()]


def test_a_file_is_found_again_by_its_digest(store: Store, tmp_path: Path) -> None:
    data = os.urandom(3_500_000)
    path = tmp_path / "a.pdf"
    path.write_bytes(data)
    stored = store.put_file(COMMUNE, path)
    assert (stored.sha256, stored.size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert store.read(COMMUNE, stored.sha256) == data
    assert b"".join(store.stream(COMMUNE, stored.sha256, chunk=65536)) == data
    store.fetch(COMMUNE, stored.sha256, tmp_path / "copy.pdf")
    assert (tmp_path / "copy.pdf").read_bytes() == data


def test_the_same_bytes_are_kept_once(store: Store, coffer: Path) -> None:
    first, second = store.put_bytes(COMMUNE, b"acte"), store.put_bytes(COMMUNE, b"acte")
    assert first == second
    assert len(kept(coffer)) == 1


def test_an_empty_file_has_a_name_too(store: Store) -> None:
    stored = store.put_bytes(COMMUNE, b"")
    assert (stored.size, store.read(COMMUNE, stored.sha256)) == (0, b"")


def test_one_commune_never_reads_the_files_of_another(store: Store) -> None:
    stored = store.put_bytes(COMMUNE, b"acte")
    assert store.exists(COMMUNE, stored.sha256)
    assert not store.exists(NEIGHBOUR, stored.sha256)
    with pytest.raises(Refusal) as caught:
        store.read(NEIGHBOUR, stored.sha256)
    assert caught.value.key == "file-missing"


@pytest.mark.parametrize("scope", ["..", "a/b", "", ".staging", "a" * 65])
def test_a_scope_is_a_plain_word(store: Store, coffer: Path, scope: str) -> None:
    with pytest.raises(ValueError, match="plain word"):
        store.put_bytes(scope, b"x")
    assert kept(coffer) == []


def test_altered_bytes_are_never_served(store: Store, coffer: Path, tmp_path: Path) -> None:
    stored = store.put_bytes(COMMUNE, b"bon a payer 100 euros")
    (path,) = kept(coffer)
    path.chmod(0o600)
    path.write_bytes(b"bon a payer 900 euros")
    for read in (
        lambda: store.read(COMMUNE, stored.sha256),
        lambda: store.fetch(COMMUNE, stored.sha256, tmp_path / "copy"),
        lambda: store.put_bytes(COMMUNE, b"bon a payer 100 euros"),
    ):
        with pytest.raises(Refusal) as caught:
            read()
        assert caught.value.key == "file-altered"
    assert not (tmp_path / "copy").exists()
    assert path.read_bytes() == b"bon a payer 900 euros"  # never overwritten, even to heal it


def test_a_stream_holds_its_end_back_until_it_is_verified(store: Store, coffer: Path) -> None:
    data = bytes(3_000_000)
    stored = store.put_bytes(COMMUNE, data)
    (path,) = kept(coffer)
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(10)
        file.write(b"!")
    received: list[bytes] = []
    with pytest.raises(Refusal):
        received.extend(store.stream(COMMUNE, stored.sha256))
    assert sum(len(piece) for piece in received) < len(data)


def test_kept_files_are_read_only_and_no_temporary_file_stays(store: Store, coffer: Path) -> None:
    store.put_bytes(COMMUNE, b"acte")
    (path,) = kept(coffer)
    assert path.stat().st_mode & 0o777 == 0o440
    assert list((coffer / ".staging").iterdir()) == []


def test_file_and_folders_are_on_the_disk_before_the_answer(
    store: Store, coffer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, bool]] = []
    true_fsync = os.fsync
    final = hashlib.sha256(b"acte").hexdigest()

    def watched(handle: int) -> None:
        synced.append(
            (str(Path(f"/proc/self/fd/{handle}").readlink()), (coffer / COMMUNE / final[:2] / final).exists())
        )
        true_fsync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    store.put_bytes(COMMUNE, b"acte")
    (first, named), *others = synced
    assert first.startswith(str(coffer / ".staging"))
    assert not named  # the bytes are safe before the name shows them
    assert [path for path, _ in others] == [
        str(coffer / COMMUNE / final[:2]),
        str(coffer / COMMUNE),
        str(coffer),
    ]


def test_bytes_that_do_not_reach_the_disk_have_no_name_and_are_told_as_a_store_that_does_not_answer(
    store: Store, coffer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(Refusal) as caught:
            store.put_bytes(COMMUNE, b"acte")
    assert caught.value.key == "store-unavailable"
    assert kept(coffer) == []
    assert store.put_bytes(COMMUNE, b"acte").size == len(b"acte")


def test_a_file_that_cannot_be_read_to_its_end_leaves_nothing(
    store: Store, coffer: Path, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        store.put_file(COMMUNE, tmp_path / "absent.pdf")
    with pytest.raises(IsADirectoryError):
        store.put_file(COMMUNE, tmp_path)
    assert kept(coffer) == []


def test_twenty_hands_depositing_the_same_file_make_one(store: Store, coffer: Path) -> None:
    results = []
    hands = [
        threading.Thread(target=lambda: results.append(store.put_bytes(COMMUNE, bytes(500_000))))
        for _ in range(20)
    ]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    assert len(results) == 20
    assert len(set(results)) == 1
    assert len(kept(coffer)) == 1


def test_what_a_crash_left_is_swept_after_a_day(store: Store, coffer: Path) -> None:
    left = coffer / ".staging" / "half"
    left.write_bytes(b"x")
    written = dt.datetime.fromtimestamp(left.stat().st_mtime, dt.UTC)
    assert store.sweep(written + dt.timedelta(hours=23)) == 0
    assert store.sweep(written + dt.timedelta(hours=25)) == 1
    assert not left.exists()


def test_what_another_account_put_there_is_not_forgotten(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deposit of the same bytes could not mark them as used again."""
    stored, later = store.put_bytes(COMMUNE, b"acte"), dt.datetime.now(dt.UTC) + dt.timedelta(days=2)
    with monkeypatch.context() as patched:
        patched.setattr(os, "geteuid", lambda: 54_321)
        assert not store.forget(COMMUNE, stored.sha256, later, dt.timedelta(days=1))
    assert store.read(COMMUNE, stored.sha256) == b"acte"
    assert store.forget(COMMUNE, stored.sha256, later, dt.timedelta(days=1))
    assert not store.exists(COMMUNE, stored.sha256)


def test_the_probe_writes_reads_back_and_removes(store: Store, coffer: Path) -> None:
    store.probe()
    assert kept(coffer) == []


def test_the_probe_refuses_a_folder_that_is_gone(store: Store, coffer: Path) -> None:
    (coffer / ".staging").rmdir()
    coffer.rmdir()
    coffer.write_text("not a folder")
    with pytest.raises(Refusal) as caught:
        store.probe()
    assert caught.value.key == "store-away"


def test_a_setting_that_names_no_store_is_refused() -> None:
    for url in ("", "ftp://host/a", "s3:///prefix", "s3://bucket?secret=x"):
        with pytest.raises(ValueError, match="store"):
            open_store(url)


def test_nothing_is_written_in_the_place_of_a_share_that_went_away(store: Store, coffer: Path) -> None:
    stored = store.put_bytes(COMMUNE, b"acte")
    share = coffer.rename(
        coffer.with_name("partage")
    )  # what a mount point shows once its share is unmounted:
    for left in (lambda: None, coffer.mkdir):  # nothing, or an empty folder
        left()
        for tried in (
            lambda: store.put_bytes(COMMUNE, b"un autre acte"),
            lambda: store.put_bytes(COMMUNE, b"acte"),
            lambda: store.read(COMMUNE, stored.sha256),  # not lost: away
            lambda: store.exists(COMMUNE, stored.sha256),
            store.answers,
            store.probe,
        ):
            with pytest.raises(Refusal) as caught:
                tried()
            assert caught.value.key == "store-away"
        assert list(coffer.rglob("*")) == []
        if coffer.exists():
            coffer.rmdir()
    share.rename(coffer)
    assert store.read(COMMUNE, stored.sha256) == b"acte"
    assert store.put_bytes(COMMUNE, b"un autre acte").size == len(b"un autre acte")


def test_a_share_that_goes_away_under_the_last_bytes_is_told_as_away(
    store: Store, coffer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = store_module._stage

    def then_gone(*given: Any) -> None:
        stage(*given)
        coffer.rename(coffer.with_name("partage"))

    monkeypatch.setattr(store_module, "_stage", then_gone)
    with pytest.raises(Refusal) as caught:
        store.put_bytes(COMMUNE, b"acte")
    assert caught.value.key == "store-away"
    assert not coffer.exists()


def test_another_folder_of_the_same_disk_is_not_the_share(
    store: Store, coffer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a bind mount had hidden, once it is unmounted: a folder of the same disk, even with all that a store has."""
    stored = store.put_bytes(COMMUNE, b"acte")
    share = coffer.rename(coffer.with_name("partage"))
    (coffer / ".staging").mkdir(parents=True)
    assert store.put_bytes(COMMUNE, b"un autre acte"), "made anew on the same mount, as by a restoration"
    monkeypatch.setattr(store_module, "mount_of", lambda _folder: Path("/"))
    monkeypatch.setattr(store, "_mount", coffer)
    for tried in (
        lambda: store.put_bytes(COMMUNE, b"encore un"),
        lambda: store.read(COMMUNE, stored.sha256),
    ):
        with pytest.raises(Refusal) as caught:
            tried()
        assert caught.value.key == "store-away"
    shutil.rmtree(coffer)
    share.rename(coffer)
    assert store.read(COMMUNE, stored.sha256) == b"acte", "the share is back"


def test_a_source_that_cannot_be_read_is_not_told_as_a_store_that_does_not_answer(
    store: Store, coffer: Path
) -> None:
    for error in (OSError(errno.EIO, "Input/output error"), FileNotFoundError("source")):

        def broken(error: OSError = error) -> Iterator[bytes]:
            yield b"the first bytes"
            raise error

        with pytest.raises(type(error)) as caught:
            store._put(COMMUNE, broken())
        assert caught.value is error
    assert kept(coffer) == []
    assert list((coffer / ".staging").iterdir()) == []
