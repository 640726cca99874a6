"""A long document opens at once: what is looked at comes by ranges, the rest when somebody goes there."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from app.core.db import engine
from app.files import vault
from app.folders.models import DocumentVersion
from tests.browser.person import Person
from tests.browser.test_weight import Line
from tests.builders.house import House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
WIDE, HIGH = 240, 350
PAGES = int(os.environ.get("LONG_PAGES", "150"))
"""600 make 50 MB: with `LONG_LINE`, a line of 8 Mbit/s, the seconds until the first page are printed (docs/measures.md)."""
AT_ONCE = 800_000
"""Bytes that the first page of such a scan may need, beside what tells its pages: most of half of the two seconds.

It takes 385,000 in all on a quiet machine; a busy browser gives up later what it has begun to read, 638,000 were seen.
"""


def scanned(path: Path, pages: int) -> int:
    """A file as scanners write it, each page after its image of 84 kB, with its number in letters; its size in bytes."""
    out, places = bytearray(b"%PDF-1.7\n"), list[int]()

    def add(body: bytes) -> int:
        places.append(len(out))
        out.extend(b"%d 0 obj\n%s\nendobj\n" % (len(places), body))
        return len(places)

    add(b"<</Type/Catalog/Pages 2 0 R>>")
    kids = b" ".join(b"%d 0 R" % (6 + 3 * n) for n in range(pages))
    add(b"<</Type/Pages/Count %d/Kids[%s]>>" % (pages, kids))
    add(b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>")
    image = b"<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 8/Length %d>>"
    for n in range(1, pages + 1):
        head = image % (WIDE, HIGH, WIDE * HIGH)
        seen = add(head + b"stream\n" + os.urandom(WIDE * HIGH) + b"\nendstream")
        drawn = b"q 400 0 0 580 90 120 cm /I Do Q BT /F 24 Tf 100 780 Td (Feuille %d) Tj ET" % n
        content = add(b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn))
        known = b"/Resources<</XObject<</I %d 0 R>>/Font<</F 3 0 R>>>>" % seen
        add(b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R%s>>" % (content, known))
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, len(out))
    out.extend(b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1) + table + end)
    path.write_bytes(out)
    return len(out)


def lay(house: House, folder_id: int, path: Path) -> None:
    """Put a file in the place of a folder's document."""
    version = house.versions(folder_id)[0]
    stored = vault.store().put_file(vault.scope(version.collectivity_id), path)
    with engine().begin() as connection:
        connection.execute(
            sa.update(DocumentVersion)
            .where(DocumentVersion.id == version.id)
            .values(sha256=stored.sha256, size=stored.size)
        )


def test_a_long_document_is_read_from_its_first_page_and_at_another_without_the_rest(
    house: House, person: Callable[..., Person], tmp_path: Path
) -> None:
    size = scanned(tmp_path / "long.pdf", PAGES)
    folder_id = house.an_invoice(at="finance")
    lay(house, folder_id, tmp_path / "long.pdf")
    reader = person("g.trehorel")
    line = Line(reader)
    for _ in range(4 if "LONG_LINE" in os.environ else 1):
        if "LONG_LINE" in os.environ:
            line.slow()
        reader.folder(folder_id)
        expect(reader.page.locator(".vpage canvas").first).to_be_attached()
        seconds = reader.page.evaluate("performance.now()") / 1000
        expect(reader.page.get_by_text("Feuille 1", exact=True)).to_be_attached()
        reader.page.wait_for_load_state("networkidle")
        seen = sum(passed for address, passed in line.take().items() if "/documents/" in address)
        sys.stderr.write(f"{seen:,} of {size:,} bytes, the first page after {seconds:.2f} s\n")
    assert 100_000 < seen < AT_ONCE + 1_500 * PAGES
    last = reader.page.locator(".vpage").last
    last.scroll_into_view_if_needed()
    expect(reader.page.get_by_text(f"Feuille {PAGES}", exact=True)).to_be_attached()
    assert sum(size for address, size in line.take().items() if "/documents/" in address) < size / 3


def test_a_session_that_ends_while_one_reads_is_opened_again_where_one_is_and_the_page_comes(
    house: House, person: Callable[..., Person], tmp_path: Path
) -> None:
    from tests.browser.test_kept import close_sessions, log_in_here

    scanned(tmp_path / "long.pdf", PAGES)
    folder_id = house.an_invoice(at="finance")
    lay(house, folder_id, tmp_path / "long.pdf")
    reader = person("g.trehorel")
    reader.folder(folder_id)
    expect(reader.page.get_by_text("Feuille 1", exact=True)).to_be_attached()
    reader.page.wait_for_load_state("networkidle")
    close_sessions(house, "g.trehorel")
    reader.page.locator(".vpage").last.scroll_into_view_if_needed()
    log_in_here(reader.page, "g.trehorel")
    expect(reader.page.get_by_text(f"Feuille {PAGES}", exact=True)).to_be_attached()
