"""Bytes that were deposited are handed over whole, to the one who asks, and never run by a browser."""

import os
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core.db import engine
from app.files import vault
from app.files.store import BLOCK
from app.folders.models import DocumentVersion
from tests.builders.house import House

pytestmark = pytest.mark.in_turn

G = "g.trehorel"
DANGEROUS = (
    "text/html",
    "application/xhtml+xml",
    "image/svg+xml",
    "text/xml",
    "application/xml",
    "application/javascript",
    "text/css",
    "multipart/x-mixed-replace",
    "application/x-shockwave-flash",
    "text/plain",
    "image/gif",
    "",
)


def address_of(house: House, folder_id: int) -> str:
    (version,) = house.versions(folder_id)[:1]
    return f"/dossiers/{folder_id}/documents/{version.document_id}/{version.number}"


def called(version_id: int, **values: str) -> None:
    with engine().begin() as connection:
        connection.execute(
            sa.update(DocumentVersion).where(DocumentVersion.id == version_id).values(**values)
        )


def test_only_a_pdf_and_two_kinds_of_images_open_in_the_page_all_else_is_downloaded(house: House) -> None:
    folder_id = house.an_invoice(at="draft")
    client, address = house.client(G), address_of(house, folder_id)
    for kind in (*DANGEROUS, "application/pdf", "image/png", "image/jpeg"):
        called(house.versions(folder_id)[0].id, media_type=kind, filename="facture.html")
        for question in ("", "?telecharger=1"):
            answer = client.get(address + question)
            assert answer.get_data()
            inline = kind not in DANGEROUS and not question
            assert answer.mimetype == (kind if inline else "application/octet-stream"), kind
            assert answer.headers["Content-Disposition"].startswith("inline;" if inline else "attachment;"), (
                kind
            )
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_private_bytes_are_kept_by_no_cache_not_even_the_browser_s_own(house: House) -> None:
    """A desk's computer is shared: what one person read must not be found there by the next one."""
    folder_id = house.an_invoice(at="draft")
    client, address = house.client(G), address_of(house, folder_id)
    etag = f'"{house.versions(folder_id)[0].sha256}"'
    whole = house.bytes_of(house.versions(folder_id)[0])
    for headers, seen in (
        ({}, whole),
        ({"If-None-Match": etag}, whole),
        ({"Range": "bytes=0-9"}, whole[:10]),
    ):
        for one in (address, f"{address}?telecharger=1"):
            answer = client.get(one, headers=headers)
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.get_data() == seen


@pytest.mark.parametrize(
    "name",
    [
        'a"; filename="b.html',
        "a\\b.pdf",
        "é😀.pdf",
        "😀",
        "a;b=c.pdf",
        "../../etc/passwd",
        "x" * 200 + ".pdf",
    ],
)
def test_no_name_of_a_file_says_anything_else_in_the_header_that_carries_it(house: House, name: str) -> None:
    folder_id = house.an_invoice(at="draft")
    called(house.versions(folder_id)[0].id, filename=name)
    answer = house.client(G).get(address_of(house, folder_id))
    assert answer.status_code == 200
    assert answer.get_data()
    head = answer.headers["Content-Disposition"]
    assert head.count('"') == 2
    assert head.startswith("inline; filename=")
    assert head.isascii()


LONG = 3 * BLOCK + 77


@pytest.fixture
def long_file(house: House) -> tuple[FlaskClient, str, bytes, Callable[[], bytes | None]]:
    """A version of three blocks and a little, as a deposit of before the blocks left it: its reader, address and bytes."""
    folder_id = house.an_invoice(at="draft")
    version, data = house.versions(folder_id)[0], os.urandom(LONG)
    stored = vault.store().put_bytes(vault.scope(version.collectivity_id), data)
    called(version.id, sha256=stored.sha256, size=stored.size)

    def blocks() -> bytes | None:
        with engine().connect() as connection:
            return connection.scalar(
                sa.select(DocumentVersion.blocks).where(DocumentVersion.id == version.id)
            )

    return house.client(G), address_of(house, folder_id), data, blocks


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-9", 0, 10),
        (f"bytes={BLOCK - 1}-{BLOCK}", BLOCK - 1, BLOCK + 1),
        (f"bytes={BLOCK}-{2 * BLOCK - 1}", BLOCK, 2 * BLOCK),
        ("bytes=5-", 5, LONG),
        ("bytes=-100", LONG - 100, LONG),
        (f"bytes={LONG - 1}-{LONG + 999}", LONG - 1, LONG),
        ("bytes=10-999999999999999999999999", 10, LONG),
    ],
)
def test_a_range_of_a_document_is_sent_alone(
    long_file: tuple[FlaskClient, str, bytes, object], asked: str, start: int, end: int
) -> None:
    client, address, data, _ = long_file
    answer = client.get(address, headers={"Range": asked})
    assert (answer.status_code, answer.get_data() == data[start:end]) == (206, True)
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{LONG}"
    assert answer.headers["Content-Length"] == str(end - start)
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Range": "bytes=20-29,0-9"},
        {"Range": "bytes=0-9,5-29"},
        {"Range": "bytes=0-9,-5"},
        {"Range": f"bytes=0-9,20-{BLOCK + 20}"},
        {"Range": f"bytes=0-9,{LONG}-{LONG + 9}"},
        {"Range": "bytes=" + ",".join(f"{2 * n}-{2 * n}" for n in range(257))},
        {"Range": "bytes=0-9,20-29", "If-Range": '"another"'},
        {"Range": "lines=0-9"},
        {"Range": "bytes=9-5"},
        {"Range": "bytes=abc"},
        {"Range": "bytes=0-"},
        {"Range": f"bytes=-{LONG + 5}"},
        {"Range": "bytes=0-9", "If-Range": '"another"'},
        {"Range": "bytes=0-9", "If-Range": "Sat, 28 Nov 2026 10:00:00 GMT"},
    ],
)
def test_what_cannot_be_sent_in_part_is_sent_whole(
    long_file: tuple[FlaskClient, str, bytes, object], headers: dict[str, str]
) -> None:
    """RFC 9110 §13.1.5, §14.2: ranges without order, too many or too long, an unknown unit, a range that says nothing, bytes that have changed."""
    client, address, data, _ = long_file
    answer = client.get(address, headers=headers)
    assert (answer.status_code, answer.get_data() == data) == (200, True)
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert "Content-Range" not in answer.headers


def test_a_range_of_bytes_that_are_still_these_is_sent_and_one_beyond_their_end_refused(
    long_file: tuple[FlaskClient, str, bytes, object],
) -> None:
    client, address, data, _ = long_file
    tag = client.head(address).headers["ETag"]
    answer = client.get(address, headers={"Range": "bytes=3-4", "If-Range": tag})
    assert (answer.status_code, answer.get_data()) == (206, data[3:5])
    beyond = client.get(address, headers={"Range": f"bytes={LONG}-"})
    assert (beyond.status_code, beyond.get_data()) == (416, b"")
    assert beyond.headers["Content-Range"] == f"bytes */{LONG}"


def test_several_ranges_are_sent_together_and_none_of_an_altered_block(
    house: House, long_file: tuple[FlaskClient, str, bytes, object]
) -> None:
    """RFC 9110 §14.6, as a browser asks for the pages of a long scan; each part says what it is."""
    client, address, data, _ = long_file
    ranges = [(0, 10), (20, 30), (BLOCK - 5, BLOCK + 5), (LONG - 3, LONG)]
    asked = {"Range": "bytes=" + ",".join(f"{start}-{end - 1}" for start, end in ranges)}
    answer = client.get(address, headers=asked)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (206, "no-store")
    whole = answer.get_data()
    assert answer.headers["Content-Length"] == str(len(whole))
    told = message_from_bytes(f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode() + whole)
    assert [part["Content-Range"] for part in told.get_payload()] == [
        f"bytes {start}-{end - 1}/{LONG}" for start, end in ranges
    ]
    assert all(part.get_content_type() == "application/pdf" for part in told.get_payload())
    assert all(b"\r\n\r\n" + data[start:end] + b"\r\n--" in whole for start, end in ranges)
    alter(house, client.head(address).headers["ETag"], 5)
    refused = client.get(address, headers=asked)
    assert refused.status_code != 206
    assert "ne correspond" in refused.get_data(as_text=True)


def test_a_question_about_a_document_reads_none_of_it(
    house: House, long_file: tuple[FlaskClient, str, bytes, object]
) -> None:
    client, address, _, _ = long_file
    alter(house, client.head(address).headers["ETag"], 0)
    answer = client.head(address, headers={"Range": "bytes=0-9"})
    assert (answer.status_code, answer.get_data()) == (200, b"")
    assert answer.headers["Content-Length"] == str(LONG)


def alter(house: House, tag: str, at: int) -> None:
    """Change one byte of a kept file, as a disk or a hand would."""
    digest = tag.strip('"')
    (path,) = Path(house.settings.data_dir / "documents").glob(f"c*/{digest[:2]}/{digest}")
    path.chmod(0o640)
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))


def test_the_blocks_of_a_deposit_are_learnt_as_it_is_kept_or_at_its_first_reading(
    house: House, long_file: tuple[FlaskClient, str, bytes, Callable[[], bytes | None]]
) -> None:
    client, address, data, blocks = long_file
    assert blocks() is None
    assert client.get(address, headers={"Range": "bytes=0-9"}).get_data() == data[:10]
    seen = blocks()
    assert seen is not None
    assert len(seen) == 4 * 32
    # The same bytes deposited today come with them.
    assert vault.store().blocks_known(client.head(address).headers["ETag"].strip('"')) == seen


def test_a_file_that_was_cut_is_told_as_altered_and_not_as_an_outage(
    house: House, long_file: tuple[FlaskClient, str, bytes, object]
) -> None:
    client, address, _, _ = long_file
    digest = client.head(address).headers["ETag"].strip('"')
    client.get(address, headers={"Range": "bytes=0-9"})
    (path,) = Path(house.settings.data_dir / "documents").glob(f"c*/{digest[:2]}/{digest}")
    path.chmod(0o640)
    with path.open("r+b") as file:
        file.truncate(BLOCK)
    refused = client.get(address, headers={"Range": f"bytes={BLOCK}-{BLOCK + 1}"})
    assert "ne correspond" in refused.get_data(as_text=True)
    assert refused.status_code != 503


@pytest.mark.parametrize("known", [True, False])
def test_no_altered_block_is_ever_sent_and_the_others_of_a_file_whose_blocks_are_known_are(
    house: House, long_file: tuple[FlaskClient, str, bytes, object], known: bool
) -> None:
    client, address, data, _ = long_file
    tag = client.head(address).headers["ETag"]
    if known:
        client.get(address, headers={"Range": "bytes=0-9"})
    alter(house, tag, BLOCK + 5)
    refused = client.get(address, headers={"Range": f"bytes={BLOCK}-{BLOCK + 1}"})
    assert refused.status_code >= 400
    assert "ne correspond" in refused.get_data(as_text=True)
    before = client.get(address, headers={"Range": "bytes=0-9"})
    assert before.status_code == (206 if known else refused.status_code)
    assert not known or before.get_data() == data[:10]
