"""The store on S3 keeps the same promises as the one on a folder, against a server that speaks S3."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from app.core.refusals import Refusal
from app.files.store import Store, open_store

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
