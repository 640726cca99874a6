"""Which bytes each revision of a PDF holds, as the tolerant readers that people use find them."""

import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader

from app.pdf.syntax import Ambiguous, Strict, Written

# A reader of PDFs that takes the long string of a signature at once, where pyHanko reads it one character at a time.
#
# It is the same string. The object is read strictly first (`app.pdf.syntax`), so that no two readers could differ on
# where the string begins and ends; pyHanko then reads the object with an empty string in its place, and is given the
# true one. What cannot be read strictly is left to pyHanko, whole.

HEAD, USUAL, MOST = 4096, 64 << 10, 4 << 20
"""Bytes of an object in which such a string begins; then those in which it usually ends, and at most."""
LONG = 512
_CONTENTS = b"/Contents"
_BEGUN = re.compile(_CONTENTS + rb"[ \t\r\n\f\0]*<[0-9A-Fa-f]{%d}" % LONG)
# Of one kind of sign, which is read ten times faster than pairs; whether they are pairs is asked apart
_HEXADECIMAL = re.compile(rb"<([0-9A-Fa-f]+)>")
# After an object pyHanko looks for what comes next
_NEXT = b"\n0"


class Reader(PdfFileReader):
    """PyHanko's reader, faster at signatures."""

    def _read_object(
        self, ref: Any, marker: Any, never_decrypt: bool = False, as_metadata_stream: bool = False
    ) -> Any:
        how = {"never_decrypt": never_decrypt, "as_metadata_stream": as_metadata_stream}
        taken = self._signature(marker) if isinstance(marker, int) else None
        if taken is None:
            return super()._read_object(ref, marker, **how)
        data, value = taken
        whole = self.stream
        self.stream = io.BytesIO(data)
        try:
            parsed = super()._read_object(ref, 0, **how)
        finally:
            self.stream = whole
        if not isinstance(
            parsed, generic.DictionaryObject
        ):  # encrypted, in a way that its trailer does not tell
            return super()._read_object(ref, marker, **how)
        name = generic.NameObject(_CONTENTS.decode())
        empty = parsed.raw_get(name)
        parsed[name] = full = generic.pdf_string(value)
        full.container_ref = empty.container_ref
        return parsed

    def _signature(self, at: int) -> tuple[bytes, bytes] | None:
        """The signature dictionary at a place without its string, and that string; None for any other object."""
        if at < 0 or "/Encrypt" in getattr(
            self, "trailer", ()
        ):  # while the trailer itself is read there is none
            return None
        self.stream.seek(at)
        data = self.stream.read(HEAD)
        if _BEGUN.search(data) is None:
            return None
        for more in (USUAL, MOST):
            data += self.stream.read(more)
            try:
                written = Strict(data, lambda *_: None).object(0)
            except Ambiguous:
                continue
            return _parted(data, written)
        return None


def _parted(data: bytes, written: Written) -> tuple[bytes, bytes] | None:
    contents = written.entries.get(_CONTENTS)
    hexadecimal = _HEXADECIMAL.fullmatch(contents.text) if contents is not None else None
    if contents is None or hexadecimal is None or len(hexadecimal[1]) % 2 or written.stream is not None:
        return None
    start, end = contents.start + 1, contents.end - 1
    return data[:start] + data[end : written.end] + _NEXT, bytes.fromhex(hexadecimal[1].decode())


HEADER = b"%PDF-"
SEARCHED = 1024  # bytes in which readers look for the header (ISO 32000-1 annex H, implementation note 13)
PIECE, MOST_RANGES, MOST_HOLE = 1 << 20, 500, 4 << 20
_RANGE = re.compile(rb"/ByteRange\s*\[\s*0\s+(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s*\]")
_HOLE = re.compile(rb"<[0-9A-Fa-f]*>")
# What a file of any origin makes pyHanko raise when it cannot be read as it says it is
BROKEN = (
    PdfError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    NotImplementedError,
    AssertionError,
    OSError,
)


@dataclass(frozen=True)
class Opened:
    """A PDF that was opened, and the bytes `before` its header.

    `relative`: its offsets count from the header, as readers that search for it do; else from the first byte.
    """

    reader: PdfFileReader
    before: bytes = b""
    relative: bool = True

    @property
    def junk(self) -> int:
        """How many bytes stand before the header."""
        return len(self.before)

    @property
    def base(self) -> int:
        """The cross-reference section that ends the first revision."""
        return first(self.reader)

    @property
    def count(self) -> int:
        """How many revisions there are."""
        return int(self.reader.xrefs.total_revisions) - self.base

    def number(self, section: int) -> int:
        """The revision, from 1, of one of pyHanko's sections."""
        return max(section - self.base, 0) + 1


def opened(stream: IO[bytes]) -> Opened:
    """A PDF read as tolerant readers read it: up to 1019 bytes may stand before its header.

    Raises one of `BROKEN` when it is no PDF, or none that can be read.
    """
    stream.seek(0)
    head = stream.read(SEARCHED)
    junk = head.find(HEADER)
    if junk <= 0:
        return Opened(Reader(stream, strict=False))
    try:
        reader: PdfFileReader = Reader(_From(stream, junk), strict=False)
        _ = reader.root["/Pages"]
        return Opened(reader, head[:junk])
    except BROKEN:
        reader = Reader(_Headed(stream), strict=False)
        reader.stream = stream
        return Opened(reader, head[:junk], relative=False)


def first(reader: PdfFileReader) -> int:
    """The cross-reference section that ends the first revision: 0, or 1 in a linearised file.

    A linearised file has its second section before its first one, and neither is whole alone (ISO 32000-1 annex F). It
    says so in its first object.
    """
    if reader.xrefs.total_revisions < 2:
        return 0
    reader.stream.seek(0)
    if b"/Linearized" not in reader.stream.read(SEARCHED):
        return 0
    starts = [reader.xrefs.get_xref_container_info(number).start_location for number in (0, 1)]
    return int(starts[1] < starts[0])


def signed_ranges(document: Opened) -> Iterator[tuple[tuple[int, int, int, int], bytes]]:
    """What the file's bytes say to be signed, wherever they stand: the range, and the container in its hole.

    Containers of nothing but zeros, and ranges whose hole is not in hexadecimal (those of a file within the file), are
    left out.
    """
    stream = document.reader.stream
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    ranges, rest = set(), b""
    while piece := stream.read(PIECE):
        ranges |= {tuple(map(int, match.groups())) for match in _RANGE.finditer(rest + piece)}
        # A range may lie across two pieces.
        rest = (rest + piece)[-200:]
    for before, start, length in sorted(ranges)[:MOST_RANGES]:
        if not 2 < start - before <= MOST_HOLE or start + length > size:
            continue
        stream.seek(before)
        hole = stream.read(start - before)
        if _HOLE.fullmatch(hole) and hole[1:-1].strip(b"0"):
            # A last digit that lacks counts as zero.
            yield (0, before, start, length), bytes.fromhex((hole[1:-1] + b"0" * (len(hole) % 2)).decode())


class _From(io.RawIOBase):
    """A file as it is from one of its bytes on."""

    def __init__(self, stream: IO[bytes], start: int) -> None:
        super().__init__()
        self._stream, self._start = stream, start
        stream.seek(start)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._stream.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(size)

    def tell(self) -> int:
        return self._stream.tell() - self._start

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_SET:
            if offset < 0:
                raise ValueError("before the header")
            offset += self._start
        return self._stream.seek(offset, whence) - self._start


class _Headed(_From):
    """A file whose first bytes are taken for a header, so that pyHanko reads the rest."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream, 0)

    def read(self, size: int = -1) -> bytes:
        at = self._stream.tell()
        block = self._stream.read(size)
        header = b"%PDF-1.7\n"[at:]
        return (header + block[len(header) :])[: len(block)]
