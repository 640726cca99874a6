"""SHA-256 of the exclusive canonical form of one element (W3C Exclusive XML Canonicalization 1.0, without comments).

The element is given as bytes of the file, in blocks. libxml2 canonicalises it by pieces of a quarter of a megabyte, so
that memory does not grow with the element: a piece is closed and opened again with the tags that enclose it, and what
those tags give is taken off. In a document without DOCTYPE, pieces canonicalised in the context of their ancestors and
put end to end are the canonical form of the whole.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from uuid import uuid4
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from lxml import etree

from app.core.refusals import Refusal
from app.verification.readers.pes.skim import WINDOW, stretches

PIECE = 1 << 18
DEEPEST_TAGS = 1 << 16  # bytes of the start tags around a piece, which are read again with each
TAG = re.compile(rb"<(?:[^\"'>]|\"[^\"]*\"|'[^']*')*>")
NAME = re.compile(rb"<([^\s/>]+)")
PLAIN = bytes({9, 10, *range(32, 127)} - {*b"<>&"})  # characters of a text that are their own canonical form
WRAP = uuid4().urn  # a namespace that no document has declared


def digest(blocks: Iterable[bytes], context: Mapping[str, str], encoding: str) -> bytes:
    """The SHA-256 of one element without DOCTYPE, given as raw bytes in `encoding`; 32 bytes.

    `context`: the namespaces in scope above the element, by prefix, « » for the default one. Refuses `pes-unreadable`,
    and `pes-too-complex` when the tags around a piece are too large.
    """
    canonical = _Canonical(context, encoding)
    try:
        for block in blocks:
            canonical.feed(block)
        return canonical.finish()
    except (etree.XMLSyntaxError, expat.ExpatError, ValueError, LookupError) as error:
        raise Refusal("pes-unreadable", why=str(error)) from error


@lru_cache(maxsize=64)
def _wrapper(context: tuple[tuple[str, str], ...], encoding: str) -> tuple[bytes, bytes, int]:
    """What stands for the ancestors: a start tag after an XML declaration, an end tag, the former's canonical length."""
    prefix = "p"
    while prefix in dict(context):
        prefix += "p"
    # Every namespace in scope is declared again: which of them the element uses is only known once it is read
    names = "".join(f" xmlns{':' if alias else ''}{alias}={quoteattr(uri)}" for alias, uri in context)
    # The prefix is used by the wrapper alone, so exclusive canonicalisation leaves all others to the element
    text = f'<?xml version="1.0" encoding="{encoding}"?><{prefix}:w xmlns:{prefix}="{WRAP}"{names}>'
    head, tail = text.encode("ascii", "xmlcharrefreplace"), f"</{prefix}:w>".encode()
    return head, tail, len(_canonical(head + tail)) - len(tail)


def _canonical(document: bytes) -> bytes:
    return etree.tostring(
        etree.fromstring(document, _parser()), method="c14n", exclusive=True, with_comments=False
    )


@lru_cache(maxsize=1)
def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)


@dataclass
class _Open:
    """An element that is open: the byte of its start tag, and the tag itself once a cut has set it apart."""

    at: int
    tag: bytes | None = None


class _Canonical:
    """Cuts the element into pieces where nothing can change by it: before a start tag, or inside a text."""

    def __init__(self, context: Mapping[str, str], encoding: str) -> None:
        self.head, self.tail, self.prefix = _wrapper(tuple(sorted(context.items())), encoding)
        self.encoding = encoding
        self.hash = hashlib.sha256()
        self.before = b""  # the start tags of what is open where the piece begins
        self.buffer, self.base = bytearray(), 0  # what is not yet hashed, and the byte where it begins
        self.parser: expat.XMLParserType | None = None
        self.stack: list[_Open] = []
        self.literal, self.left_out = False, 0

    def feed(self, block: bytes) -> None:
        """Some more of the element; an element that fits in one piece is parsed once, by libxml2 alone."""
        if self.parser is None and len(self.buffer) + len(block) > PIECE:
            block = bytes(self.buffer) + block
            self.buffer.clear()
            self.parser = self._begin()
        if self.parser is None:
            self.buffer += block
        else:
            self._advance(self.parser, block)

    def finish(self) -> bytes:
        """The hash, once the element is complete."""
        self._emit(len(self.buffer), [])
        return self.hash.digest()

    def _begin(self) -> expat.XMLParserType:
        self.parser = parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = lambda _: self.stack.pop()
        # A CDATA section is never cut: opened again, its content would be read as marks.
        parser.StartCdataSectionHandler = lambda: setattr(self, "literal", True)
        parser.EndCdataSectionHandler = lambda: setattr(self, "literal", False)
        parser.Parse(self.head, False)
        self.stack.clear()  # the wrapper is not the element's
        return parser

    def _advance(self, parser: expat.XMLParserType, block: bytes) -> None:
        done = 0
        for start, end in stretches(block):
            self._parse(parser, block[done : start + WINDOW])
            done = start + WINDOW
            text, at = block[done:end], self._at()
            # All is read and an element is open, so what comes is text
            inside = self.stack and not self.literal and at == self.base + len(self.buffer)
            # Only characters that are their own canonical form: they are hashed without being parsed.
            if inside and not text.translate(None, PLAIN):
                self._cut(at)
                self.hash.update(text)
                self.left_out += len(text)
                self.base += len(text)
                done = end
        self._parse(parser, block[done:])

    def _parse(self, parser: expat.XMLParserType, part: bytes) -> None:
        self.buffer += part
        parser.Parse(part, False)
        # Texts are listened to only when the piece is long enough: nothing else is asked of them
        parser.CharacterDataHandler = self._text if len(self.buffer) > PIECE else None

    def _at(self) -> int:
        assert self.parser is not None  # noqa: S101  # handlers are its own
        return self.parser.CurrentByteIndex - len(self.head) + self.left_out

    def _start(self, _name: str, _attributes: dict[str, str]) -> None:
        at = self._at()
        if at - self.base > PIECE:
            self._cut(at)
        self.stack.append(_Open(at))

    def _text(self, _text: str) -> None:
        at = self._at()
        if not self.literal and at - self.base > PIECE // 2:
            self._cut(at)

    def _cut(self, at: int) -> None:
        """Hash what comes before byte `at`, and keep the tags that are open there."""
        # A tag is taken from the buffer before its bytes leave it: once hashed, nobody could say what was open
        for element in self.stack:
            if element.tag is None and (match := TAG.match(self.buffer, element.at - self.base)):
                element.tag = match.group(0)
        tags = [element.tag or b"" for element in self.stack]
        self._emit(at - self.base, tags)
        before = b"".join(tags)
        if len(before) > DEEPEST_TAGS:
            raise Refusal("pes-too-complex", what="des balises démesurées")
        if before != self.before:
            closing = self._closing(tags)
            self.before = before
            # What the repeated tags give is measured and not computed: which declarations the canonical form keeps of
            # them is libxml2's to say. An empty piece gives them and their closing alone, so the difference is theirs.
            self.prefix = len(self._canonical(closing)) - self._length(closing)
        del self.buffer[: at - self.base]
        self.base = at

    def _emit(self, length: int, tags: list[bytes]) -> None:
        closing = self._closing(tags)
        whole = self._canonical(bytes(self.buffer[:length]) + closing)
        self.hash.update(memoryview(whole)[self.prefix : len(whole) - self._length(closing)])

    def _canonical(self, raw: bytes) -> bytes:
        return _canonical(b"".join((self.head, self.before, raw, self.tail)))

    def _length(self, closing: bytes) -> int:
        """The length of closing tags in canonical form, which is UTF-8, the wrapper's included."""
        # A closing tag has nothing that canonicalisation changes but its encoding: « é » is one byte in a Latin-1 flow
        return len(closing.decode(self.encoding).encode()) + len(self.tail)

    @staticmethod
    def _closing(tags: list[bytes]) -> bytes:
        names = [match.group(1) for tag in reversed(tags) if (match := NAME.match(tag))]
        return b"".join(b"</" + name + b">" for name in names)
