"""Whether what follows a signature is written so that every reader reads the same: else nobody knows what is shown.

`app.pdf.syntax` reads the bytes, and leaves no choice; this compares what they say with what pyHanko understood.
"""

import re
from collections.abc import Collection, Iterable
from typing import Any

from pyhanko.pdf_utils.generic import DictionaryObject, IndirectObject, Reference, StreamObject
from pyhanko.pdf_utils.xref import ObjStreamRef

from app.pdf.revisions import BROKEN, Opened
from app.pdf.syntax import Ambiguous, Section, Strict, Written
from app.pdf.tree import parts

MOST_REACHED = 2000  # objects that an annotation added may lead to, each read again
MOST_BYTES = 32 << 20
PIECE, LONGEST_REFERENCE, MOST_DIGITS = 4 << 20, 400, 10
FEW = 20  # numbers, each tried wherever a digit stands
_BLANK = rb"(?:[ \t\r\n\f\0]|%[^\r\n]{0,100}[\r\n])"
_GENERATION = _BLANK + rb"+\d{1,5}" + _BLANK + rb"*R(?![A-Za-z])"
_ANY = re.compile(rb"(?<![0-9])\d{1,10}" + _GENERATION)


def unambiguous(document: Opened, section: int, signed: int, tail: bytes) -> bool:
    """Whether `tail`, the file after its first `signed` bytes, is nothing but the updates that pyHanko has read.

    `section`: pyHanko's number of the last section before it. Each update is where its place says, continues the one
    before, keeps the catalogue, and names each of its objects once; each object ends where it says.
    """
    try:
        return _updates(document, section, signed, tail)
    except (*BROKEN, Ambiguous, RecursionError):
        return False


def _updates(document: Opened, section: int, signed: int, tail: bytes) -> bool:
    reader = document.reader
    xrefs, stream = reader.xrefs, reader.stream
    stream.seek(signed - 1)
    if stream.read(1) not in b"\r\n" and tail[:1] not in {b"\r", b"\n"}:
        return False  # the end of file's own line goes on
    last = xrefs.total_revisions - 1
    sections = Strict(tail, lambda number, generation: _number(reader, number, generation, last)).sections()
    if len(sections) != last - section:
        return False
    trailers = reader.trailer._trailer_revisions  # noqa: SLF001 - newest first
    root = trailers[last - section].raw_get("/Root")
    most = max(xrefs.get_xref_container_info(number).size for number in range(section + 1))
    for number, update in enumerate(sections, section + 1):
        size = _size(update, xrefs.get_startxref_for_revision(number - 1), (root.idnum, root.generation))
        named = {identity for identity, _ in xrefs.get_xref_data(number).explicit_refs_in_revision}
        if update.start + signed != update.declared or update.declared != xrefs.get_startxref_for_revision(
            number
        ):
            return False
        if (
            size < most
            or max(named, default=0) >= size
            or not _table_matches(document, number, update, signed)
        ):
            return False
        most = size
    return True


def _size(section: Section, before: int, root: tuple[int, int]) -> int:
    """The size that a trailer says, when it continues the section that is `before` and keeps the catalogue."""
    values = {key: section.trailer[key] for key in (b"/Size", b"/Prev", b"/Root")}  # LookupError: not told
    size = values[b"/Size"].whole
    if size is None or values[b"/Prev"].whole != before or values[b"/Root"].reference != root:
        raise Ambiguous
    # A hybrid file has two tables, and each reader follows one of them.
    if b"/XRefStm" in section.trailer:
        raise Ambiguous
    return size


def _table_matches(document: Opened, number: int, section: Section, signed: int) -> bool:
    """Whether the table of a section names exactly the objects that stand in it, and what its object streams hold."""
    data = document.reader.xrefs.get_xref_data(number)
    places = {(written.number, written.generation): written.start + signed for written in section.objects}
    if len(places) != len(section.objects) or data.hybrid is not None:
        return False
    listed = {(identity, generation): at for identity, (generation, at) in data.standard_xrefs.items()}
    if section.rows is None:
        table = section.objects[-1]
        if not _stream_table(document, table):
            return False
        # A cross-reference stream need not name itself.
        listed.setdefault((table.number, table.generation), table.start + signed)
    elif listed != {
        (identity, generation): at
        for identity, (at, generation, kind) in section.rows.items()
        if kind == b"n"
    }:
        return False
    return all(listed.get(key) == at for key, at in places.items()) and _packed(document, data, section)


def _packed(document: Opened, data: Any, section: Section) -> bool:
    """Whether the object streams of a section hold what its table says to be there, and nothing else."""
    packed = {(identity, where.obj_stream_id): where for identity, where in data.xrefs_in_objstm.items()}
    holders = {written.number for written in section.objects if _type(written) == b"/ObjStm"}
    if not {holder for _, holder in packed} <= holders:
        return False
    for holder in holders:
        own = {identity: where.ix_in_stream for (identity, at), where in packed.items() if at == holder}
        if _members(document, holder) != own:
            return False
    return True


def _type(written: Written) -> bytes:
    kind = written.entries.get(b"/Type")
    return kind.text if kind is not None else b""


def _stream_table(document: Opened, table: Written) -> bool:
    """Whether a cross-reference stream has the widths that every reader knows, as many lines as it says, each once (§7.5.8)."""
    if len(table.filters()) > 1:
        return False
    reader: Any = document.reader
    stream = reader.get_object(Reference(table.number, table.generation, reader))
    widths = [int(width) for width in stream.raw_get("/W")]
    if len(widths) != 3 or not all(0 <= width <= 8 for width in widths):
        return False
    index = [int(part) for part in stream["/Index"]] if "/Index" in stream else [0, int(stream["/Size"])]
    numbers = [
        number
        for first, count in zip(index[::2], index[1::2], strict=True)
        # Bounded: the count is the file's own word.
        for number in range(first, first + min(count, 1_000_000))
    ]
    data, line = stream.data, sum(widths)
    if len(set(numbers)) != len(numbers) or len(data) != len(numbers) * line or not widths[1]:
        return False
    return not widths[0] or all(
        int.from_bytes(data[at : at + widths[0]], "big") in {0, 1, 2} for at in range(0, len(data), line)
    )


def _members(document: Opened, holder: int) -> dict[int, int]:
    """The objects of an object stream with their ranks; each read strictly, in order, and nothing between (§7.5.7)."""
    reader: Any = document.reader
    stream = reader.get_object(Reference(holder, 0, reader))
    # Another stream would hold members that only some readers look for.
    if "/Extends" in stream:
        raise Ambiguous
    return {number: rank for rank, number in enumerate(_bodies(stream))}


def _bodies(stream: Any) -> dict[int, tuple[int, int]]:
    data, first, count = stream.data, int(stream["/First"]), int(stream["/N"])
    head = data[:first].split()
    if len(head) != 2 * count or not all(part.isdigit() for part in head):
        raise Ambiguous
    numbers, offsets = [int(part) for part in head[::2]], [int(part) for part in head[1::2]]
    ends = [*offsets[1:], len(data) - first]
    bodies: dict[int, tuple[int, int]] = {}
    strict = Strict(data, lambda *_: None)
    for number, offset, end in zip(numbers, offsets, ends, strict=True):
        body = strict.value(first + offset + _blanks(data[first + offset : first + end]))
        if number in bodies or body.end > first + end or data[body.end : first + end].strip(b" \t\r\n\f\0"):
            raise Ambiguous
        bodies[number] = (first + offset, first + end)
    return bodies


def _blanks(data: bytes) -> int:
    return len(data) - len(data.lstrip(b" \t\r\n\f\0"))


def _number(reader: Any, number: int, generation: int, revision: int) -> int | None:
    value = reader.get_historical_resolver(revision).get_object(Reference(number, generation, reader))
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else None


def announces(handler: Any, numbers: Collection[int]) -> bool:
    """Whether the bytes of a revision refer to one of these, even where a key stands twice and pyHanko keeps one of them.

    Oftener than it does: what looks like a reference in a string or a drawing is one here.
    """
    reader = handler.reader
    refers = _reference(numbers) if len(numbers) <= FEW else _ANY
    end = max(
        reader.xrefs.get_xref_container_info(revision).end_location
        for revision in range(handler.revision + 1)
    )
    stream, rest = reader.stream, b""
    stream.seek(0)
    while stream.tell() < end:
        piece = rest + bytes(stream.read(min(PIECE, end - stream.tell())))
        if _refers(piece, refers, numbers):
            return True
        rest = piece[-LONGEST_REFERENCE:]
    for section in range(handler.revision + 1):
        for reference in reader.xrefs.object_streams_used_in(section):
            packed: Any = handler.get_object(Reference(reference.idnum, 0, handler))
            if _refers(packed.data, refers, numbers):
                return True
    return False


def _reference(numbers: Iterable[int]) -> re.Pattern[bytes]:
    """A reference to one of these, with the digits before it still to be looked at.

    A pattern that begins with the digits themselves is looked for thirty times faster than one that begins with any.
    """
    written = (b"%d" % number for number in sorted(numbers))
    # The first digit, that no other than a zero comes before, and the rest
    return re.compile(
        b"(?:%s)" % b"|".join(b"%c(?<![1-9]%c)%s" % (digits[0], digits[0], digits[1:]) for digits in written)
        + _GENERATION
    )


def _refers(data: bytes, refers: re.Pattern[bytes], numbers: Collection[int]) -> bool:
    """Whether one of these is referred to: only zeros before its digits, ten in all."""
    for match in refers.finditer(data):
        digits = match[0][: len(match[0]) - len(match[0].lstrip(b"0123456789"))]
        before = data[max(0, match.start() - MOST_DIGITS) : match.start()]
        zeros = len(before) - len(before.rstrip(b"0"))
        alone = zeros + len(digits) <= MOST_DIGITS and not before[: len(before) - zeros][-1:].isdigit()
        if alone and int(digits) in numbers:
            return True
    return False


class Plainly:
    """Whether objects, wherever in the file they stand, are written so that every reader reads the same."""

    def __init__(self, handler: Any) -> None:
        self._handler, self._reader, self._revision = handler, handler.reader, int(handler.revision)
        self._known: dict[tuple[int, int], bool] = {}
        self._packed: dict[int, bool] = {}

    def __call__(self, value: Any, besides: Iterable[str]) -> bool:
        """Of a value and of all that it leads to, but by the keys of `besides`."""
        waiting, visited, left = [value], set[tuple[int, int]](), frozenset(besides)
        while waiting:
            node = waiting.pop()
            if isinstance(node, IndirectObject):
                key = (node.idnum, node.generation)
                if key in visited:
                    continue
                visited.add(key)
                if len(visited) > MOST_REACHED or not self.object(*key):
                    return False
                node = node.get_object()  # type: ignore[no-untyped-call]
            waiting.extend(parts(node, left))
        return True

    def object(self, number: int, generation: int) -> bool:
        """Of one object."""
        key = number, generation
        if key not in self._known:
            try:
                self._known[key] = self._object(*key)
            except (*BROKEN, Ambiguous, RecursionError):
                self._known[key] = False
        return self._known[key]

    def _object(self, number: int, generation: int) -> bool:
        where = self._reader.xrefs.get_historical_ref(
            Reference(number, generation, self._reader), self._revision
        )
        if where is None:
            return True  # nothing, for every reader
        if isinstance(where, ObjStreamRef):
            holder = where.obj_stream_id
            if holder not in self._packed:
                stream: Any = self._handler.get_object(Reference(holder, 0, self._handler))
                self._packed[holder] = bool(_bodies(stream)) and self.object(holder, 0)
            return self._packed[holder]
        data = self._read(where, number, generation)
        written = Strict(data, self._length).object(0)
        value = self._handler.get_object(Reference(number, generation, self._handler))
        if isinstance(value, StreamObject):
            written.filters()
            return written.stream is not None
        return written.stream is None and isinstance(value, DictionaryObject) == (
            written.value.entries is not None
        )

    def _length(self, number: int, generation: int) -> int | None:
        return _number(self._reader, number, generation, self._revision)

    def _read(self, where: int, number: int, generation: int) -> bytes:
        """The bytes of an object: to as far as its stream can go, by the length that pyHanko has read."""
        value = self._handler.get_object(Reference(number, generation, self._handler))
        more = int(value["/Length"]) if isinstance(value, StreamObject) and "/Length" in value else 0
        if not 0 <= more <= MOST_BYTES:
            raise Ambiguous
        stream = self._reader.stream
        stream.seek(where)
        room = 4 << 10
        data = bytes(stream.read(room + more))
        while b"endobj" not in data[more:] and room < MOST_BYTES:
            room *= 4
            stream.seek(where)
            data = bytes(stream.read(room + more))
        return data
