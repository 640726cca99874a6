"""The store on S3 keeps the same promises as the one on a folder, against a server that speaks S3."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Event

import boto3
import pytest
from moto.server import ThreadedMotoServer

from app.core.clock import now
from app.core.refusals import Refusal
from app.files import vault
from app.files.store import Store, open_store
from app.transmission import lightening
from tests.builders.house import House
from tests.transmission.test_lightening import all_the_way, given, left

MONTH = timedelta(days=30)
COMMUNE, NEIGHBOUR = "212909998", "212900013"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> object:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    found = boto3.resource("s3", endpoint_url=endpoint, region_name="us-east-1").Bucket("paraphe")
    found.create()
    return found


@pytest.fixture
def store(endpoint: str, bucket: object) -> Iterator[Store]:
    yield open_store(f"s3://paraphe/documents?endpoint={endpoint}&region=us-east-1")
    bucket.objects.all().delete()  # type: ignore[attr-defined]


def test_a_file_is_found_again_under_its_prefix(store: Store, bucket: object, tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF" + bytes(6_000_000))
    stored = store.put_file(COMMUNE, path)
    assert store.read(COMMUNE, stored.sha256) == path.read_bytes()
    store.fetch(COMMUNE, stored.sha256, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == path.read_bytes()
    keys = [one.key for one in bucket.objects.all()]  # type: ignore[attr-defined]
    assert keys == [f"documents/{COMMUNE}/{stored.sha256[:2]}/{stored.sha256}"]


def test_the_same_bytes_are_kept_once_and_stay_sealed(store: Store, bucket: object) -> None:
    stored = store.put_bytes(COMMUNE, b"acte")
    assert store.put_bytes(COMMUNE, b"acte") == stored
    assert store.exists(COMMUNE, stored.sha256)
    assert not store.exists(NEIGHBOUR, stored.sha256)
    assert list(store.objects()) == [(COMMUNE, stored.sha256, 4)]
    assert len(list(bucket.objects.all())) == 1  # type: ignore[attr-defined]


def test_altered_bytes_are_neither_served_nor_overwritten(store: Store, bucket: object) -> None:
    stored = store.put_bytes(COMMUNE, b"acte")
    key = f"documents/{COMMUNE}/{stored.sha256[:2]}/{stored.sha256}"
    bucket.Object(key).put(Body=b"faux")  # type: ignore[attr-defined]
    for attempt in (lambda: store.read(COMMUNE, stored.sha256), lambda: store.put_bytes(COMMUNE, b"acte")):
        with pytest.raises(Refusal) as caught:
            attempt()
        assert caught.value.key == "file-altered"
    assert bucket.Object(key).get()["Body"].read() == b"faux"  # type: ignore[attr-defined]


def test_the_probe_proves_that_nothing_can_be_overwritten(store: Store, bucket: object) -> None:
    store.probe()
    assert list(bucket.objects.all()) == []  # type: ignore[attr-defined]


def test_a_missing_bucket_is_told_as_a_store_that_does_not_answer(endpoint: str, bucket: object) -> None:
    away = open_store(f"s3://absent?endpoint={endpoint}")
    with pytest.raises(Refusal) as caught:
        away.probe()
    assert caught.value.key in {"store-unavailable", "file-missing"}


def test_a_sweep_finds_what_is_old_and_removes_it(store: Store, bucket: object) -> None:
    kept, orphan = store.put_bytes(COMMUNE, b"named"), store.put_bytes(COMMUNE, b"orphan")
    bucket.Object("documents/readme.txt").put(Body=b"not ours")  # type: ignore[attr-defined]
    later = now() + timedelta(days=40)
    assert set(store.old(now(), MONTH)) == set()
    assert set(store.old(later, MONTH)) == {(COMMUNE, kept.sha256, 5), (COMMUNE, orphan.sha256, 6)}
    assert not store.forget(COMMUNE, orphan.sha256, now(), MONTH), "it is young"
    assert store.forget(COMMUNE, orphan.sha256, later, MONTH)
    assert not store.forget(COMMUNE, orphan.sha256, later, MONTH), "it is gone"
    assert (store.exists(COMMUNE, kept.sha256), store.exists(COMMUNE, orphan.sha256)) == (True, False)
    assert len(list(bucket.objects.all())) == 2, "no mark is left"  # type: ignore[attr-defined]


def test_what_is_deposited_again_is_young_again(store: Store, bucket: object) -> None:
    stored = store.put_bytes(COMMUNE, b"acte")
    (first,) = (one.last_modified for one in bucket.objects.all())  # type: ignore[attr-defined]
    store.fresh = timedelta(0)
    while now() < first + timedelta(seconds=1):  # S3 counts in seconds
        time.sleep(0.05)
    store.put_bytes(COMMUNE, b"acte")
    assert not store.forget(COMMUNE, stored.sha256, first + timedelta(seconds=1), timedelta(0))
    assert store.read(COMMUNE, stored.sha256) == b"acte"
    later = now() + timedelta(days=2)
    assert store.sweep(later) == 1, "its mark"
    assert store.read(COMMUNE, stored.sha256) == b"acte"


def test_a_deposit_waits_for_the_sweep_that_is_removing_the_same_bytes(store: Store, bucket: object) -> None:
    """Whoever deposits sees the sweep's mark: he waits, and puts again what it has taken."""
    store.fresh = timedelta(0)
    stored = store.put_bytes(COMMUNE, b"acte")
    key = f"{COMMUNE}/{stored.sha256[:2]}/{stored.sha256}"
    mark = bucket.Object(f"documents/.swept/{key}")  # type: ignore[attr-defined]
    mark.put(Body=b"")
    with ThreadPoolExecutor(1) as beside:
        deposit = beside.submit(store.put_bytes, COMMUNE, b"acte")
        with pytest.raises(TimeoutError):
            deposit.result(0.5)
        bucket.Object(f"documents/{key}").delete()  # type: ignore[attr-defined]
        mark.delete()
        assert deposit.result(10) == stored
    assert store.read(COMMUNE, stored.sha256) == b"acte"


def test_the_mark_of_a_sweep_that_never_ends_refuses_the_deposit_and_loses_nothing(
    store: Store, bucket: object
) -> None:
    store.fresh, store.wait = timedelta(0), 0.2
    stored = store.put_bytes(COMMUNE, b"acte")
    key = f"{COMMUNE}/{stored.sha256[:2]}/{stored.sha256}"
    bucket.Object(f"documents/.swept/{key}").put(Body=b"")  # type: ignore[attr-defined]
    with pytest.raises(Refusal) as caught:
        store.put_bytes(COMMUNE, b"acte")
    assert caught.value.key == "store-unavailable"
    assert store.read(COMMUNE, stored.sha256) == b"acte"


def test_deposits_and_sweeps_of_the_same_bytes_at_once_lose_nothing(store: Store) -> None:
    store.fresh, data, over = timedelta(0), b"the same bytes", Event()
    digest = store.put_bytes(COMMUNE, data).sha256

    def forget() -> None:
        while not over.is_set():
            store.forget(COMMUNE, digest, now(), timedelta(seconds=2))

    with ThreadPoolExecutor(1) as beside:
        sweeping = beside.submit(forget)
        try:
            until = time.monotonic() + 5
            while time.monotonic() < until:
                store.put_bytes(COMMUNE, data)
                assert store.read(COMMUNE, digest) == data
        finally:
            over.set()
        sweeping.result(30)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_parcel_that_was_sent_is_made_again_from_a_bucket_and_its_bytes_leave_it(
    house: House, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault, "store", lambda: store)
    monkeypatch.setattr(lightening, "GRACE", timedelta(minutes=-1))  # a bucket keeps its own hours
    parcel = left(house.an_invoice(at="done"))
    before = given(parcel, tmp_path)
    assert all_the_way(house).light == 1
    assert not store.exists(vault.scope(parcel.collectivity_id), parcel.sha256)
    assert given(parcel, tmp_path) == before
