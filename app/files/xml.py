"""XML is read without DOCTYPE, entity, network or surprise of encoding, or it is refused."""

import codecs
import io
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from app.core.refusals import Refusal

if TYPE_CHECKING:
    from lxml import etree

MAX_BYTES = 100 * 1024 * 1024
MAX_DEPTH = 100
MAX_ATTRIBUTES = 1000  # of one element: each costs memory to every reader that comes after
PROLOG = 1 << 20
PIECE = 1 << 16
LONGEST_SHOWN = 1_000_000
"""Bytes of the longest XML that a page shows as its text."""
# Encodings in which « <!DOCTYPE » cannot hide from the scan below (UTF-7 and EBCDIC can hide it).
_ENCODINGS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "latin-1",
    "latin1": "latin-1",
    "iso-8859-15": "iso-8859-15",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
}
_UTF16 = {"utf-16": "", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}
_DECLARED = re.compile(r"""<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["']""")


@dataclass(frozen=True)
class XmlFacts:
    """What one reading of an XML taught: its root (`{namespace}name`), encoding, number of elements."""

    root: str
    encoding: str
    elements: int


def check_xml(stream: IO[bytes], filename: str, *, long_texts: bool = False) -> XmlFacts:
    """Read the whole of an open XML file, twice, by pieces, and keep nothing of it.

    `long_texts`: one of its texts may have more than ten million signs, as a file that it carries in base64.

    Refuses xml-too-large, xml-encoding, xml-doctype (before any parsing), xml-malformed, xml-too-deep, xml-too-many-attributes.
    Source: XML 1.0 §2.8 (prolog), §4.3.3 and appendix F (encodings).
    """
    from lxml import etree

    encoding = _before_parsing(stream, filename)
    stream.seek(0)
    counting: Any = _Counting(filename)
    parser: Any = etree.XMLParser(target=counting, **_SAFE | {"huge_tree": long_texts})
    try:
        while piece := stream.read(PIECE):
            parser.feed(piece)
        parser.close()
    except etree.XMLSyntaxError as error:
        raise _malformed(error, filename) from error
    return XmlFacts(counting.root, encoding, counting.elements)


def parse_xml(data: bytes, filename: str, *, long_texts: bool = False) -> "etree._Element":
    """The root element of an XML that passes `check_xml`; refuses what it refuses."""
    from lxml import etree

    check_xml(io.BytesIO(data), filename, long_texts=long_texts)
    return etree.fromstring(data, etree.XMLParser(**_SAFE | {"huge_tree": long_texts}))


def shown_text(data: bytes, filename: str) -> str:
    """The whole text of an XML as a page shows it to who signs it (`spelled`).

    Refuses `xml-not-shown` and what comes before any parsing in `check_xml`.
    """
    if len(data) > LONGEST_SHOWN:
        raise Refusal("xml-not-shown", filename=filename, limit=f"{LONGEST_SHOWN // 1_000_000} Mo")
    text = data.decode(_before_parsing(io.BytesIO(data), filename)).removeprefix("\ufeff")
    return spelled(text)


def spelled(text: str) -> str:
    r"""A text with its hidden characters written by their number: nobody signs what could not be seen.

    Those are the ones that show nothing, or turn the order of their neighbours (Unicode category Cf, UTS #39 §5.4).

    >>> spelled("10\u202e00 €")
    '10[U+202E]00 €'
    """
    if text.isprintable():
        return text
    return "".join(
        f"[U+{ord(character):04X}]" if unicodedata.category(character) == "Cf" else character
        for character in text
    )


_SAFE: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "attribute_defaults": False,
    "huge_tree": False,
    "recover": False,
}


class _Counting:
    """Counts elements and depth, and keeps no tree."""

    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.root = ""
        self.elements = 0
        self.depth = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.root = self.root or tag
        self.elements += 1
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Refusal("xml-too-deep", filename=self.filename, limit=MAX_DEPTH)
        if len(attributes) > MAX_ATTRIBUTES:
            raise Refusal("xml-too-many-attributes", filename=self.filename, limit=MAX_ATTRIBUTES)

    def end(self, _tag: str) -> None:
        self.depth -= 1

    def data(self, _text: str) -> None:
        """Text is not kept."""

    def doctype(self, *_parts: object) -> None:
        """Second lock behind the scan of the prolog."""
        raise Refusal("xml-doctype", filename=self.filename)

    def close(self) -> None:
        """Nothing was built."""


def _before_parsing(stream: IO[bytes], filename: str) -> str:
    if stream.seek(0, io.SEEK_END) > MAX_BYTES:
        raise Refusal("xml-too-large", filename=filename, limit=f"{MAX_BYTES // 1024 // 1024} Mo")
    stream.seek(0)
    piece = stream.read(PROLOG)
    encoding = _encoding(piece, filename)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        head = decoder.decode(piece)
        while piece := stream.read(PIECE):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise Refusal("xml-encoding", filename=filename, declared=encoding.upper()) from error
    _refuse_doctype(head.removeprefix("\ufeff"), filename)
    return encoding


def _encoding(data: bytes, filename: str) -> str:
    """The one encoding on which the first bytes and the declaration agree."""
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise Refusal("xml-encoding", filename=filename, declared="UTF-32")
    wide = ""
    if data.startswith((codecs.BOM_UTF16_LE, b"<\x00")):
        wide = "utf-16-le"
    elif data.startswith((codecs.BOM_UTF16_BE, b"\x00<")):
        wide = "utf-16-be"
    match = _DECLARED.match(data[:1024].decode(wide or "latin-1", "replace").lstrip("\ufeffï»¿"))
    declared = match[1] if match else ""
    name = declared.lower()
    if wide:
        if declared and _UTF16.get(name) not in {"", wide}:
            raise Refusal("xml-encoding", filename=filename, declared=declared)
        return wide
    known = _ENCODINGS.get(name or "utf-8")
    if known is None or (data.startswith(codecs.BOM_UTF8) and known != "utf-8"):
        raise Refusal("xml-encoding", filename=filename, declared=declared)
    return known


def _refuse_doctype(text: str, filename: str) -> None:
    """Walk the prolog: white space, instructions and comments, then the root element and nothing else."""
    position = 0
    while True:
        while position < len(text) and text[position] in " \t\r\n":
            position += 1
        rest = text[position : position + 16]
        if rest[:9].upper() == "<!DOCTYPE":
            raise Refusal("xml-doctype", filename=filename)
        closing = "-->" if rest.startswith("<!--") else "?>" if rest.startswith("<?") else ""
        if not closing:
            if rest.startswith("<") and not rest.startswith("<!"):
                return
            raise Refusal("xml-malformed", filename=filename, line=text.count("\n", 0, position) + 1)
        end = text.find(closing, position + len(closing))
        if end < 0:
            raise Refusal("xml-malformed", filename=filename, line=text.count("\n", 0, position) + 1)
        position = end + len(closing)


def _malformed(error: "etree.XMLSyntaxError", filename: str) -> Refusal:
    message = (error.msg or "").lower()
    if "depth" in message:
        return Refusal("xml-too-deep", filename=filename, limit=MAX_DEPTH)
    return Refusal("xml-malformed", filename=filename, line=error.lineno or 1)
