"""A file that two readers take apart in two ways is not taken as it is: its copy, which all read alike, is offered."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.files.intake import REPAIR_NOTE, examine
from app.pdf.alike import read_alike
from app.signing.dry_run import dry_run
from tests.assets import make_hostile

ASSETS = Path(make_hostile.__file__).parent
HEAD = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
FREE = b"0000000000 65535 f \n"
FONT = b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
OWED, ASKED = b"PAYER 100 EUR", b"PAYER 999000 EUR"


def stream(content: bytes, words: bytes = b"") -> bytes:
    return b"<< %b /Length %d >>\nstream\n%b\nendstream" % (words, len(content), content)


def text(words: bytes) -> bytes:
    return stream(b"BT /F1 24 Tf 60 700 Td (%b) Tj ET" % words)


def page(contents: bytes, parent: int = 2) -> bytes:
    return b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 595 842] /Resources %b /Contents %b >>" % (
        parent,
        FONT,
        contents,
    )


def objects(contents: bytes = b"4 0 R") -> dict[int, bytes]:
    return {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: page(contents),
        4: text(OWED),
        5: text(ASKED),
    }


def line(place: int) -> bytes:
    return b"%010d 00000 n \n" % place


def body(parts: dict[int, bytes], start: bytes = HEAD) -> tuple[bytes, dict[int, int]]:
    out, places = start, {}
    for number, written in parts.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, written)
    return out, places


def ended(out: bytes, table: bytes, trailer: bytes = b"/Size 6 /Root 1 0 R") -> bytes:
    return out + table + b"trailer\n<< %b >>\nstartxref\n%d\n%%%%EOF\n" % (trailer, len(out))


def table(places: dict[int, int]) -> bytes:
    return b"xref\n0 %d\n" % (len(places) + 1) + FREE + b"".join(line(places[n]) for n in sorted(places))


def plain(contents: bytes = b"4 0 R") -> bytes:
    out, places = body(objects(contents))
    return ended(out, table(places))


def second_of_four(out: bytes) -> tuple[bytes, int]:
    return out + b"4 0 obj\n%b\nendobj\n" % text(ASKED), len(out)


def two_entries() -> bytes:
    out, places = body(objects())
    out, other = second_of_four(out)
    return ended(out, table(places) + b"4 1\n" + line(other))


def unlisted() -> bytes:
    out, places = body(objects())
    out, _ = second_of_four(out)
    return ended(out, table(places))


def in_a_stream_of_another() -> bytes:
    parts = objects()
    parts[5] = stream(b"endstream\nendobj\n4 0 obj\n%b\nendobj" % text(ASKED))
    out, places = body(parts)
    return ended(out, table(places))


def hybrid() -> bytes:
    out, places = body(objects(b"[4 0 R 6 0 R]"))
    hidden, cover = (
        len(out),
        stream(b"1 g 50 690 400 40 re f 0 g BT /F1 24 Tf 60 700 Td (PAYER 999000 EUR) Tj ET"),
    )
    out += b"6 0 obj\n%b\nendobj\n" % cover
    second = len(out)
    rows = b"\x01" + hidden.to_bytes(3, "big") + b"\x00"
    words = b"/Type /XRef /Size 8 /W [1 3 1] /Index [6 1] /Root 1 0 R"
    out += b"7 0 obj\n%b\nendobj\n" % stream(rows, words)
    return ended(out, table(places), b"/Size 8 /Root 1 0 R /XRefStm %d" % second)


def rows_twice() -> bytes:
    out, places = body(objects())
    out, other = second_of_four(out)
    rows = b"".join(b"\x01" + places[n].to_bytes(3, "big") + b"\0" for n in range(1, 6))
    rows += b"\x01" + other.to_bytes(3, "big") + b"\0"
    words = b"/Type /XRef /Size 9 /W [1 3 1] /Index [1 5 4 1] /Root 1 0 R"
    return out + b"8 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF\n" % (stream(rows, words), len(out))


def its_own_entry_missing() -> bytes:
    out, places = body(objects())
    rows = b"".join(b"\x01" + places[n].to_bytes(3, "big") + b"\0" for n in range(1, 6))
    words = b"/Type /XRef /Size 7 /W [1 3 1] /Index [1 5] /Root 1 0 R"
    return out + b"6 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF\n" % (stream(rows, words), len(out))


def a_larger_size() -> bytes:
    out, places = body(objects())
    return ended(out, table(places), b"/Size 60 /Root 1 0 R")


def no_such_generation() -> bytes:
    return plain(b"[4 0 R 5 3 R]")


def root_twice() -> bytes:
    parts = objects() | {
        6: b"<< /Type /Catalog /Pages 7 0 R >>",
        7: b"<< /Type /Pages /Kids [8 0 R] /Count 1 >>",
    }
    out, places = body(parts | {8: page(b"5 0 R", 7)})
    return ended(out, table(places), b"/Size 9 /Root 1 0 R /#52oot 6 0 R")


def beyond_its_size() -> bytes:
    out, places = body(objects())
    return ended(out, table(places), b"/Size 4 /Root 1 0 R")


def linearised_already() -> bytes:
    """Its first table and its last one name two catalogues; its first object says to begin with the first one."""
    first = b"9 0 obj\n<< /Linearized 1 /L %010d /O 13 /E 900 /N 1 /T 900 >>\nendobj\n"
    parts = objects() | {
        11: b"<< /Type /Catalog /Pages 12 0 R >>",
        12: b"<< /Type /Pages /Kids [13 0 R] /Count 1 >>",
        13: page(b"5 0 R", 12),
    }

    def written(length: int, places: dict[int, int]) -> bytes:
        start = HEAD + first % length
        early = b"xref\n0 1\n" + FREE + b"9 1\n" + line(len(HEAD)) + b"11 3\n"
        early += b"".join(line(places.get(n, 0)) for n in (11, 12, 13))
        early += b"trailer\n<< /Size 14 /Root 11 0 R >>\nstartxref\n0\n%%EOF\n"
        out, places_now = body(parts, start + early)
        places.update(places_now)
        late = b"xref\n0 6\n" + FREE + b"".join(line(places[n]) for n in range(1, 6))
        late += b"9 1\n" + line(len(HEAD)) + b"11 3\n" + b"".join(line(places[n]) for n in (11, 12, 13))
        return ended(out, late, b"/Size 14 /Root 1 0 R")

    places: dict[int, int] = {}
    length = len(written(0, places))
    return written(length, places)


TWO_READINGS = {
    "an object named twice by a table": two_entries,
    "an object that no table names": unlisted,
    "an object within a stream of another": in_a_stream_of_another,
    "an object that one of two tables names": hybrid,
    "an object named twice by a table in a stream": rows_twice,
    "a reference to a generation that no object has": no_such_generation,
    "two catalogues in a trailer": root_twice,
    "objects beyond the size that is told": beyond_its_size,
    "two catalogues, by the first table and by the last": linearised_already,
}
HONEST = sorted(
    [*(ASSETS / "acts").glob("*.pdf"), *(ASSETS / "invoices").glob("*.pdf"), *(ASSETS / "pdf").glob("*.pdf")]
)


@pytest.mark.parametrize("name", TWO_READINGS)
def test_a_file_that_readers_take_apart_in_two_ways_is_offered_rewritten(name: str, tmp_path: Path) -> None:
    path = tmp_path / "facture.pdf"
    path.write_bytes(TWO_READINGS[name]())
    assert not read_alike(path)
    seen = examine(path, path.name, role="main", to_be_signed=True, formats=(), office=None, workdir=tmp_path)
    assert seen.repaired is not None
    assert seen.offer == REPAIR_NOTE
    assert read_alike(seen.repaired)


@pytest.mark.parametrize("written", [plain, its_own_entry_missing, a_larger_size])
def test_a_file_as_it_should_be_written_or_of_a_harmless_fault_is_taken_as_it_is(
    written: Callable[[], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "facture.pdf"
    path.write_bytes(written())
    assert read_alike(path)
    seen = examine(path, path.name, role="main", to_be_signed=True, formats=(), office=None, workdir=tmp_path)
    assert seen.repaired is None
    assert not dry_run(path).why


@pytest.mark.parametrize("path", HONEST, ids=[one.name for one in HONEST])
def test_files_of_real_producers_are_read_alike(path: Path) -> None:
    """But for the one with two tables by nature, which some readers read without its second one."""
    assert read_alike(path) == (path.name != "pdfjs-annotation-border-styles.pdf")
