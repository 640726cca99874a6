"""A long document opens at once: what is looked at comes by ranges, the rest when somebody goes there."""

import os
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest
import sqlalchemy as sa
from pikepdf import Dictionary, Name, Stream
from playwright.sync_api import expect

from app.core.db import engine
from app.files import vault
from app.folders.models import DocumentVersion
from tests.browser.person import Person
from tests.browser.test_weight import Line
from tests.builders.house import House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
WIDE, HIGH = 240, 350


def scanned(path: Path, pages: int) -> int:
    """A file of so many scanned pages, 84 kB each, with the number of each in letters; its size in bytes."""
    with pikepdf.new() as pdf:
        font = pdf.make_indirect(
            Dictionary(
                Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, Encoding=Name.WinAnsiEncoding
            )
        )
        for n in range(1, pages + 1):
            seen = Stream(pdf, os.urandom(WIDE * HIGH))
            seen.update(
                {
                    "/Type": Name.XObject,
                    "/Subtype": Name.Image,
                    "/Width": WIDE,
                    "/Height": HIGH,
                    "/ColorSpace": Name.DeviceGray,
                    "/BitsPerComponent": 8,
                }
            )
            drawn = b"q 400 0 0 580 90 120 cm /I Do Q BT /F 24 Tf 100 780 Td (Feuille %d) Tj ET" % n
            page = Dictionary(
                Type=Name.Page,
                MediaBox=[0, 0, 595, 842],
                Contents=Stream(pdf, drawn),
                Resources=Dictionary(XObject=Dictionary(I=seen), Font=Dictionary(F=font)),
            )
            pdf.pages.append(pikepdf.Page(page))
        pdf.save(path, compress_streams=False, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    return path.stat().st_size


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
    size = scanned(tmp_path / "long.pdf", 150)
    folder_id = house.an_invoice(at="finance")
    lay(house, folder_id, tmp_path / "long.pdf")
    reader = person("g.trehorel")
    line = Line(reader)
    reader.folder(folder_id)
    expect(reader.page.locator(".vpage canvas").first).to_be_attached()
    expect(reader.page.get_by_text("Feuille 1", exact=True)).to_be_attached()
    reader.page.wait_for_load_state("networkidle")
    seen = {address: size for address, size in line.take().items() if "/documents/" in address}
    assert sum(seen.values()) < size / 3
    last = reader.page.locator(".vpage").last
    last.scroll_into_view_if_needed()
    expect(reader.page.get_by_text("Feuille 150", exact=True)).to_be_attached()
    assert sum(size for address, size in line.take().items() if "/documents/" in address) < size / 3


def test_a_session_that_ends_while_one_reads_is_opened_again_where_one_is_and_the_page_comes(
    house: House, person: Callable[..., Person], tmp_path: Path
) -> None:
    from tests.browser.test_kept import close_sessions, log_in_here

    scanned(tmp_path / "long.pdf", 150)
    folder_id = house.an_invoice(at="finance")
    lay(house, folder_id, tmp_path / "long.pdf")
    reader = person("g.trehorel")
    reader.folder(folder_id)
    expect(reader.page.get_by_text("Feuille 1", exact=True)).to_be_attached()
    reader.page.wait_for_load_state("networkidle")
    close_sessions(house, "g.trehorel")
    reader.page.locator(".vpage").last.scroll_into_view_if_needed()
    log_in_here(reader.page, "g.trehorel")
    expect(reader.page.get_by_text("Feuille 150", exact=True)).to_be_attached()
