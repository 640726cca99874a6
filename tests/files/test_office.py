"""An office document becomes a PDF through LibreOffice, shut in: no macro, no network, no time to linger."""

import socket
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from app.core.refusals import Refusal
from app.files import office
from app.files.intake import examine
from app.files.office import OfficeConverter, alone
from app.files.pdf import read_text
from app.files.sentences import SENTENCES
from app.files.sniffing import sniff

NAMESPACES = " ".join(
    f'xmlns:{prefix}="{uri}"'
    for prefix, uri in {
        "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
        "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
        "draw": "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0",
        "svg": "urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0",
        "xlink": "http://www.w3.org/1999/xlink",
        "manifest": "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0",
    }.items()
)
ODT = "application/vnd.oasis.opendocument.text"


def odt(path: Path, body: str) -> Path:
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {NAMESPACES} office:version="1.3">'
        f"<office:body><office:text>{body}</office:text></office:body></office:document-content>"
    )
    manifest = (
        f'<?xml version="1.0" encoding="UTF-8"?><manifest:manifest {NAMESPACES} manifest:version="1.3">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{ODT}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", ODT)
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", manifest)
    return path


@pytest.fixture
def converter() -> OfficeConverter:
    found = OfficeConverter.find()
    assert found, "LibreOffice is part of the machine that runs the tests"
    return found


def test_a_letter_becomes_a_pdf_and_leaves_no_profile(converter: OfficeConverter, tmp_path: Path) -> None:
    source = odt(tmp_path / "upload", "<text:p>Kerlann-sur-Mer, le bon à payer</text:p>")
    workdir = tmp_path / "work"
    workdir.mkdir()
    seen = examine(
        source,
        "note.odt",
        role="attachment",
        to_be_signed=False,
        formats=(),
        office=converter,
        workdir=workdir,
    )
    assert (seen.kind, seen.media_type, seen.pages, seen.has_text) == ("office", ODT, 1, True)
    assert seen.notes == ("Converti en PDF, 1 page",)
    assert seen.converted is not None
    assert "Kerlann-sur-Mer, le bon à payer" in read_text(seen.converted)
    assert list(workdir.iterdir()) == [seen.converted]


def test_without_libreoffice_the_refusal_says_why(tmp_path: Path) -> None:
    source = odt(tmp_path / "upload", "<text:p>Bonjour</text:p>")
    with pytest.raises(Refusal) as caught:
        examine(
            source,
            "note.odt",
            role="attachment",
            to_be_signed=False,
            formats=(),
            office=None,
            workdir=tmp_path,
        )
    assert caught.value.key == "office-unavailable"
    assert SENTENCES["office-unavailable"][1].format(filename="note.odt") == (
        "« note.odt » ne peut pas être converti en PDF : LibreOffice n’est pas installé sur ce serveur. "
        "Rien n’a été déposé. Enregistrez-le en PDF depuis votre traitement de texte, puis déposez ce PDF."
    )


def test_a_document_that_libreoffice_cannot_read_is_refused_under_its_own_name(
    converter: OfficeConverter, tmp_path: Path
) -> None:
    source, workdir = tmp_path / "upload", tmp_path / "work"
    workdir.mkdir()
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("[Content_Types].xml", "rien")
        archive.writestr("word/document.xml", "rien")
    with pytest.raises(Refusal) as caught:
        examine(
            source, "a.docx", role="main", to_be_signed=True, formats=(), office=converter, workdir=workdir
        )
    assert (caught.value.key, caught.value.facts["filename"]) == ("office-failed", "a.docx")
    assert list(workdir.iterdir()) == []


def test_a_conversion_that_lasts_is_ended(converter: OfficeConverter, tmp_path: Path) -> None:
    source = odt(tmp_path / "note.odt", "<text:p>Bonjour</text:p>")
    workdir = tmp_path / "work"
    workdir.mkdir()
    with pytest.raises(Refusal) as caught:
        converter.convert(source, workdir, seconds=0)
    assert (caught.value.key, caught.value.facts["reason"]) == (
        "office-failed",
        "la conversion est trop longue",
    )
    assert list(workdir.iterdir()) == []


def test_conversions_are_few_at_once_and_each_is_held_by_the_kernel(
    converter: OfficeConverter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = odt(tmp_path / "note.odt", "<text:p>Bonjour</text:p>")
    monkeypatch.setattr(office, "QUEUE_SECONDS", 0)
    with office._turn(), office._turn(), pytest.raises(Refusal, match="office-busy"):
        converter.convert(source, tmp_path)
    monkeypatch.setattr(office, "MEMORY", 64 << 20)
    with pytest.raises(Refusal, match="office-failed"):
        converter.convert(source, tmp_path)


def test_a_conversion_has_a_network_of_its_own_where_there_is_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """ASVS 13.2.5: the kernel holds what a document would call; the dead proxy is only asked of LibreOffice."""
    way = alone()
    if subprocess.run(["unshare", "--user", "--net", "true"], check=False, capture_output=True).returncode:
        assert (
            way == []
        )  # this machine keeps user namespaces for itself: nothing is pretended, and the doctor says so
        return
    seen = [*way, "cat", "/proc/net/dev"]
    lines = subprocess.run(seen, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.split(":")[0].strip() for line in lines if ":" in line] == ["lo"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        call = f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 5)"
        assert subprocess.run([sys.executable, "-c", call], capture_output=True).returncode == 0
        assert (
            "unreachable"
            in subprocess.run([*way, sys.executable, "-c", call], capture_output=True, text=True).stderr
        )
    monkeypatch.setattr("shutil.which", lambda _name: None)
    assert alone() == []


def test_a_linked_picture_is_never_fetched(converter: OfficeConverter, tmp_path: Path) -> None:
    asked: list[str] = []

    class Trap(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_OPTIONS = do_PROPFIND = do_GET  # noqa: N815

        def log_message(self, *_parts: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Trap) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            link = f"http://127.0.0.1:{server.server_port}/espion.png"
            picture = (
                '<text:p><draw:frame draw:name="a" text:anchor-type="paragraph" svg:width="5cm" svg:height="5cm">'
                f'<draw:image xlink:href="{link}" xlink:type="simple" xlink:show="embed" xlink:actuate="onLoad"/>'
                "</draw:frame>Texte</text:p>"
            )
            made = converter.convert(odt(tmp_path / "note.odt", picture), tmp_path)
        finally:
            server.shutdown()
            thread.join()
    assert "Texte" in read_text(made)
    assert asked == []


def test_what_would_unpack_without_end_is_no_office_file(tmp_path: Path) -> None:
    """By the number of its files, and by what it says that they hold: neither reaches LibreOffice."""
    letter = {"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"}
    for name, more, kind in (
        ("sound", {}, "docx"),
        ("many", {f"word/media/{n}.png": b"" for n in range(5_000)}, "zip"),
        ("large", {f"word/media/{n}.bin": b"" for n in range(2)}, "zip"),
    ):
        path = tmp_path / f"{name}.docx"
        with zipfile.ZipFile(path, "w") as archive:
            for inside, data in {**letter, **more}.items():
                archive.writestr(inside, data)
        if name == "large":
            declares(path, 600 << 20)
        assert sniff(path) == kind, name


def declares(path: Path, size: int) -> None:
    """Have each entry of the central directory named *.bin say that it grows to `size` bytes (APPNOTE 4.3.12)."""
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        name = data[at + 46 : at + 46 + int.from_bytes(data[at + 28 : at + 30], "little")]
        if name.endswith(b".bin"):
            data[at + 24 : at + 28] = size.to_bytes(4, "little")
        at = data.find(b"PK\x01\x02", at + 1)
    path.write_bytes(bytes(data))
