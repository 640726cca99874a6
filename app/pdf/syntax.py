"""What a revision's bytes say, read as strictly as no two readers differ: whatever leaves them a choice raises `Ambiguous`.

pyHanko, pdfium, poppler and pdf.js each mend what is badly written in their own way: of a key that stands twice one keeps
the first and another the last (ISO 32000-2 §7.3.7 leaves it undefined), where a stream's length lies one believes it and
another looks for its end. An update of a signed file is believed when there is nothing in it to mend.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

MOST_TOKENS, DEEPEST = 400_000, 100
_WS = rb"[ \t\r\n\f\0]"
_STOP = rb"(?=[ \t\r\n\f\0()<>\[\]{}/%]|\Z)"
_BLANKS = re.compile(_WS + rb"*")
_TOKEN = re.compile(
    rb"(?P<name>/[^ \t\r\n\f\0()<>\[\]{}/%]*)"
    rb"|(?P<ref>(?:0|[1-9]\d{0,9})" + _WS + rb"+(?:0|[1-9]\d{0,4})" + _WS + rb"+R" + _STOP + rb")"
    rb"|(?P<number>[+-]?(?:\d{1,20}(?:\.\d*)?|\.\d+)" + _STOP + rb")"
    rb"|(?P<open><<)|(?P<close>>>)"
    rb"|(?P<hex><[0-9A-Fa-f \t\r\n\f\0]*>)"
    rb"|(?P<first>\[)|(?P<last>\])|(?P<text>\()"
    rb"|(?P<word>(?:true|false|null)" + _STOP + rb")"
)
_IN_TEXT = re.compile(rb"\\.|[()]", re.DOTALL)
_HEADER = re.compile(rb"(0|[1-9]\d{0,9})" + _WS + rb"+(0|[1-9]\d{0,4})" + _WS + rb"+obj" + _STOP)
_STREAM = re.compile(_WS + rb"*stream(?:\r\n|\n)")
_END_OF_STREAM = re.compile(rb"(?:\r\n|\r|\n)?endstream" + _WS + rb"+endobj" + _STOP)
_END = re.compile(_WS + rb"*endobj" + _STOP)
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})?")
_REMARK = re.compile(rb"%(?![^\r\n]*(?:obj|xref|trailer|stream|PDF|EOF))[^\r\n]*[\r\n]")
_HEAD = re.compile(rb"xref[ \t]*(?:\r\n|\r|\n)")
_PART = re.compile(rb"(0|[1-9]\d{0,9}) (0|[1-9]\d{0,9})[ \t]*(?:\r\n|\r|\n)")
_ROW = re.compile(rb"(\d{10}) (\d{5}) ([nf])(?: \r| \n|\r\n)")
_TRAILER = re.compile(rb"trailer(?=" + _WS + rb"*<<)")
_FINISH = re.compile(rb"startxref" + _WS + rb"+(\d{1,15})" + _WS + rb"+%%EOF(?=[\r\n]|\Z)")
_REFERENCE = re.compile(rb"(\d+)\s+(\d+)\s+R")
# What may tell a stream's filter in another way than /Filter does: a file elsewhere, and its own keys (table 5)
_ELSEWHERE = frozenset({b"/F", b"/FFilter", b"/FDecodeParms"})


class Ambiguous(Exception):  # noqa: N818 (an answer)
    """Bytes that two readers may take for two things."""


@dataclass(frozen=True)
class Value:
    """A value as it is written, from `start` to `end`; of a dictionary, its own entries by their unescaped names."""

    start: int
    end: int
    text: bytes
    entries: dict[bytes, "Value"] | None = None

    @property
    def whole(self) -> int | None:
        """The number that it is, None for anything else; a sign or a point is anything else."""
        return int(self.text) if self.text.isdigit() and len(self.text) <= 15 else None

    @property
    def reference(self) -> tuple[int, int] | None:
        """The number and generation of the object that it names."""
        match = _REFERENCE.fullmatch(self.text)
        return (int(match[1]), int(match[2])) if match else None


@dataclass(frozen=True)
class Written:
    """An object, from its header at `start` to the end of its `endobj`; `stream`: where its data lies, None without."""

    number: int
    generation: int
    value: Value
    start: int
    end: int
    stream: tuple[int, int] | None = None

    @property
    def entries(self) -> dict[bytes, Value]:
        """Of a dictionary or a stream, its keys; of anything else, none."""
        return self.value.entries or {}

    def filters(self) -> list[bytes]:
        """The names of its filters, in order. Raises `Ambiguous` when they are not written there."""
        if self.entries.keys() & _ELSEWHERE:
            raise Ambiguous
        entry = self.entries.get(b"/Filter")
        if entry is None or entry.text == b"null":
            return []
        names = entry.text.strip(b"[]").split()
        if not all(name.startswith(b"/") and name.count(b"/") == 1 for name in names):
            raise Ambiguous
        return names


@dataclass
class Section:
    """A revision as its bytes give it: its objects, the lines of its table (none for a stream), its trailer, its place."""

    start: int = -1
    objects: list[Written] = field(default_factory=list)
    rows: dict[int, tuple[int, int, bytes]] | None = None
    trailer: dict[bytes, Value] = field(default_factory=dict)
    declared: int = -1
    end: int = -1


class Strict:
    """A reader of `data`; `length` gives the number that an object outside of it holds (an indirect /Length)."""

    def __init__(self, data: bytes, length: Callable[[int, int], int | None]) -> None:
        self.data, self._length, self._tokens = data, length, 0

    def sections(self) -> list[Section]:
        """All of the data as updates, one after the other, with nothing else between (ISO 32000-2 §7.5.6)."""
        sections, at = [], self._gap(0)
        while at < len(self.data):
            sections.append(self._section(at))
            at = self._gap(sections[-1].end)
        return sections

    def _gap(self, at: int) -> int:
        """After blanks, and after comments that look like nothing else."""
        while True:
            at = self._after(_BLANKS, at).end()
            remark = _REMARK.match(self.data, at)
            if remark is None:
                return at
            at = remark.end()

    def _section(self, at: int) -> Section:
        section = Section()
        while header := _HEADER.match(self.data, at):
            section.objects.append(self.object(header.start()))
            at = self._gap(section.objects[-1].end)
        if _HEAD.match(self.data, at):
            section.start = at
            section.rows, at = self._rows(at)
            at = self._after(_TRAILER, at).end()
            trailer = self.value(self._after(_BLANKS, at).end())
            section.trailer, at = trailer.entries or {}, trailer.end
        elif section.objects and section.objects[-1].entries.get(b"/Type", _NONE).text == b"/XRef":
            section.start, section.trailer = section.objects[-1].start, section.objects[-1].entries
        finish = self._after(_FINISH, self._gap(at))
        section.declared, section.end = int(finish[1]), finish.end()
        return section

    def _rows(self, at: int) -> tuple[dict[int, tuple[int, int, bytes]], int]:
        """A table names each object once, in parts of as many lines as they say (ISO 32000-2 §7.5.4)."""
        at = self._after(_HEAD, at).end()
        rows: dict[int, tuple[int, int, bytes]] = {}
        while part := _PART.match(self.data, at):
            at = part.end()
            for number in range(int(part[1]), int(part[1]) + int(part[2])):
                row = self._after(_ROW, at)
                if number in rows:
                    raise Ambiguous
                rows[number] = (int(row[1]), int(row[2]), row[3])
                at = row.end()
        return rows, self._after(_BLANKS, at).end()

    def object(self, at: int) -> Written:
        """The object whose header is at a place, to its `endobj`."""
        header = self._after(_HEADER, at)
        value = self.value(self._after(_BLANKS, header.end()).end())
        number, generation = int(header[1]), int(header[2])
        begun = _STREAM.match(self.data, value.end)
        if begun is None:
            return Written(number, generation, value, at, self._after(_END, value.end).end())
        length = self._stream_length(value)
        end = begun.end() + length
        finish = self._after(_END_OF_STREAM, end)
        within = self.data[begun.end() : end]
        # A reader that looks for the end instead of counting would stop there.
        if b"endstream" in within or b"endobj" in within:
            raise Ambiguous
        return Written(number, generation, value, at, finish.end(), (begun.end(), end))

    def _stream_length(self, value: Value) -> int:
        entry = (value.entries or {}).get(b"/Length", _NONE)
        length = entry.whole
        if entry.reference is not None:
            length = self._length(*entry.reference)
        if length is None or length > len(self.data):
            raise Ambiguous
        return length

    def value(self, at: int) -> Value:
        """One value, with everything in it: no key twice, no name that needed no escape, no comment."""
        start, above = at, list[_Level]()
        while True:
            self._tokens += 1
            token = self._after(_TOKEN, at)
            if self._tokens > MOST_TOKENS or len(above) > DEEPEST:
                raise Ambiguous
            kind, value = str(token.lastgroup), None
            begun, at = token.start(), token.end()
            if kind in {"open", "first"}:
                above.append(_Level(begun, kind))
            elif kind in {"close", "last"}:
                value = above.pop().closed(kind, at, self.data) if above else None
                if value is None:
                    raise Ambiguous
            else:
                at = self._text(at) if kind == "text" else at
                text = _unescaped(token[0]) if kind == "name" else self.data[begun:at]
                value = Value(begun, at, text)
            if value is not None and not above:
                return Value(start, at, value.text, value.entries)
            if value is not None:
                above[-1].add(value, name=kind == "name")
            at = self._after(_BLANKS, at).end()

    def _text(self, at: int) -> int:
        depth = 1
        for match in _IN_TEXT.finditer(self.data, at):
            depth += {b"(": 1, b")": -1}.get(match[0], 0)
            if not depth:
                return match.end()
        raise Ambiguous

    def _after(self, pattern: re.Pattern[bytes], at: int) -> re.Match[bytes]:
        match = pattern.match(self.data, at)
        if match is None:
            raise Ambiguous
        return match


_NONE = Value(0, 0, b"")


@dataclass
class _Level:
    """A dictionary or an array that is being read."""

    start: int
    kind: str
    entries: dict[bytes, Value] = field(default_factory=dict)
    key: bytes | None = None

    def add(self, value: Value, *, name: bool) -> None:
        if self.kind != "open":
            return
        if self.key is not None:
            self.entries[self.key], self.key = value, None
        elif name and value.text not in self.entries:
            self.key = value.text
        else:
            raise Ambiguous

    def closed(self, kind: str, end: int, data: bytes) -> Value:
        if (self.kind, kind) not in {("open", "close"), ("first", "last")} or self.key is not None:
            raise Ambiguous
        entries = self.entries if kind == "close" else None
        return Value(self.start, end, data[self.start : end], entries)


def _unescaped(name: bytes) -> bytes:
    """A name as it is meant; an escape of a letter or a digit serves only to hide it (ISO 32000-2 §7.3.5)."""

    def meant(match: re.Match[bytes]) -> bytes:
        byte = bytes.fromhex(match[1].decode()) if match[1] else b""
        if not byte or byte.isalnum() or byte == b"\0":
            raise Ambiguous
        return byte

    return _ESCAPE.sub(meant, name) if b"#" in name else name
