"""Bytes that were deposited are handed over whole, to the one who asks, and never run by a browser."""

import pytest
import sqlalchemy as sa

from app.core.db import engine
from app.folders.models import DocumentVersion
from tests.builders.house import House

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
    for headers in ({}, {"If-None-Match": etag}, {"Range": "bytes=0-9"}):
        for one in (address, f"{address}?telecharger=1"):
            answer = client.get(one, headers=headers)
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.get_data() == house.bytes_of(house.versions(folder_id)[0])


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
