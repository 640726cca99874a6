"""Whether every reader of a PDF finds the same objects in it: asked at deposit, before anybody looks at the file or signs it.

Readers agree on a file whose tables are written as the norm says. On others each has its own way: the first or the last
of two entries, the table at the start or the one at the end, what the table says or what it finds by itself. Whoever
writes such a file chooses what each person sees (« Shadow Attacks », NDSS 2021). `strays` asks the same of what was added
after a signature; what one of them learns to refuse, look whether the other must.
"""

import mmap
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

from pyhanko.pdf_utils.reader import PdfFileReader

from app.pdf.revisions import BROKEN, first

WORD = b"obj"
TRAILER_KEYS = (b"Root", b"Prev", b"Size", b"Encrypt")
LONGEST_HEADER = 40  # bytes before « obj » in which its number and its generation are looked for
_HEADER = re.compile(rb"(?<![0-9])(\d{1,10})[ \t\r\n\f\0]+(\d{1,5})[ \t\r\n\f\0]+$")
# A reference to another generation than the first
_LATER = re.compile(rb"(?<![0-9.])(\d{1,10})[ \t\r\n\f\0]+([1-9]\d{0,4})[ \t\r\n\f\0]+R(?![A-Za-z])")
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_BLANKS = re.compile(rb"[ \t\r\n\f\0]*")
_SUBSECTION = re.compile(rb"^[ \t]*(\d{1,10}) (\d{1,10})[ \t]*\r?$", re.MULTILINE)
_COMMENT = re.compile(rb"%[^\r\n]*")
_LINEARISED = re.compile(rb"/Linearized(?![A-Za-z0-9])")


def read_alike(path: Path) -> bool:
    """Whether the tables of a file that bears no signature leave no choice to a reader.

    Each table names an object once and where its header is, in the widths that every reader knows; no object stands in
    the file outside of them; a file that says to be linearised is (ISO 32000-2 §7.5.4, §7.5.8, annex F). A hybrid file
    has two tables by nature (§7.5.8.4): False. What cannot be read is False too.
    """
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            reader = PdfFileReader(stream, strict=False)
            return _linearised_or_not(reader, data) and _listed(reader, data)
        except (*BROKEN, RecursionError):
            return False


def _listed(reader: PdfFileReader, data: mmap.mmap) -> bool:
    """Whether the objects of the file are those that its tables name, each once in a table, and no other."""
    xrefs: Any = reader.xrefs
    known: dict[int, tuple[int, int]] = {}
    for number in range(xrefs.total_revisions):
        section, info = xrefs.get_xref_data(number), xrefs.get_xref_container_info(number)
        if section.hybrid is not None or not _once(reader, number, info, data):
            return False
        for identity, (generation, offset) in section.standard_xrefs.items():
            known[_BLANKS.match(data, offset).end()] = (identity, generation)  # type: ignore[union-attr]
        if info.stream_ref is not None:
            start = _BLANKS.match(data, info.declared_startxref).end()  # type: ignore[union-attr]
            known[start] = (info.stream_ref.idnum, info.stream_ref.generation)
    return _headers(data) == known and _references(reader, data, known)


def _headers(data: mmap.mmap) -> dict[int, tuple[int, int]]:
    """Every « n g obj » of the file's bytes, wherever it stands: what a reader that looks by itself takes for an object."""
    headers: dict[int, tuple[int, int]] = {}
    place = data.find(WORD)
    while place >= 0:
        before = max(0, place - LONGEST_HEADER)
        header = _HEADER.search(data[before:place])
        if header is not None:
            # Readers pass over blanks before an object: a table may give the place of the first of them.
            headers[before + header.start()] = (int(header[1]), int(header[2]))
        place = data.find(WORD, place + len(WORD))
    return headers


def _references(reader: PdfFileReader, data: mmap.mmap, known: dict[int, tuple[int, int]]) -> bool:
    """Whether every generation that a reference names is one that an object has: some readers take any, some none."""
    objects = set(known.values())
    written = [data[start : _body(data, start)] for start in known]
    xrefs: Any = reader.xrefs
    for number in range(xrefs.total_revisions):
        written += [packed.get_object().data for packed in xrefs.object_streams_used_in(number)]
    named = {(int(match[1]), int(match[2])) for part in written for match in _LATER.finditer(part)}
    return named <= objects


def _body(data: mmap.mmap, start: int) -> int:
    """Where an object ends, or where its stream begins."""
    end = data.find(b"endobj", start)
    stream = data.find(b"stream", start, end if end > 0 else len(data))
    return stream if stream > 0 else end if end > 0 else len(data)


def _once(reader: PdfFileReader, number: int, info: Any, data: mmap.mmap) -> bool:
    """Whether a section names an object once, below its size."""
    xrefs: Any = reader.xrefs
    named = [identity for identity, _ in xrefs.get_xref_data(number).explicit_refs_in_revision]
    if named and max(named) >= info.size:
        return False
    for packed in xrefs.object_streams_used_in(number):
        stream: Any = packed.get_object()
        numbered = _COMMENT.sub(b" ", stream.data[: int(stream["/First"])])
        numbers = [int(number) for number in numbered.split()[::2]]
        if len(numbers) != len(set(numbers)):
            return False
    if info.stream_ref is not None:
        # Read as it is written: no table need name it, and a later save may have freed it
        start = info.declared_startxref
        dictionary = _unescaped(data[start : data.find(b"stream", start)])
        widths = _whole(b"W", dictionary)
        index = _whole(b"Index", dictionary) or [0, int(info.size)]
        ranges = sorted(zip(index[::2], index[1::2], strict=True))
        return len(widths) == 3 and all(0 <= width <= 8 for width in widths) and _apart(ranges)
    end = data.find(b"trailer", info.declared_startxref)
    written = data[info.declared_startxref : end] if end > 0 else b""
    trailer = _unescaped(data[end : max(end, data.find(b"startxref", end))])
    if any(len(re.findall(rb"/%s(?![A-Za-z])" % name, trailer)) > 1 for name in TRAILER_KEYS):
        return False
    return _apart(sorted((int(match[1]), int(match[2])) for match in _SUBSECTION.finditer(written)))


def _whole(name: bytes, written: bytes) -> list[int]:
    """The whole numbers of an array of a dictionary, as it is written; none when it is not there, or twice."""
    arrays = re.findall(rb"/%s[ \t\r\n\f\0]*\[([0-9 \t\r\n\f\0]*)\]" % name, written)
    return [int(number) for number in arrays[0].split()] if len(arrays) == 1 else []


def _apart(ranges: list[tuple[int, int]]) -> bool:
    return all(start + count <= after for (start, count), (after, _) in pairwise(ranges))


def _linearised_or_not(reader: PdfFileReader, data: mmap.mmap) -> bool:
    """Whether the table that a reader of linearised files begins with is the one that all the others begin with.

    It stands right after the first object, which says that the file is linearised (ISO 32000-1 annex F.3).
    """
    end = data.find(b"endobj")
    written = _unescaped(data[: max(end, 0)])
    if not _LINEARISED.search(written):
        return True
    if not first(
        reader
    ):  # a later save left the word and took away the meaning: its length is no longer the file's
        return not _says(written, len(data))
    xrefs: Any = reader.xrefs
    start = _BLANKS.match(data, end + len(b"endobj")).end()  # type: ignore[union-attr]
    return bool(xrefs.get_xref_container_info(1).declared_startxref == start)


def _unescaped(written: bytes) -> bytes:
    """Names as they read, whatever their escapes (§7.3.5)."""
    return _ESCAPE.sub(lambda escape: bytes((int(escape[1], 16),)), written)


def _says(written: bytes, length: int) -> bool:
    return any(int(number) == length for number in re.findall(rb"(?<![0-9.])\d{1,15}(?![0-9.])", written))
