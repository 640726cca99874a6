"""The bytes added after a signature that a tolerant viewer would read and our analysis would not.

A viewer that finds a file damaged looks for objects by itself, from the first byte to the last, and the last one wins
(« incremental saving », « shadow » and « sneaky » attacks of the published families). An update is believed here only when
reading it that way gives what its cross-reference section gives.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from asn1crypto.parser import peek
from pyhanko.pdf_utils.xref import XRefSectionType

from app.pdf.revisions import Opened
from app.pdf.updates import unambiguous

BLANK = b" \t\r\n\f\0"
MOST_ADDED = 64 << 20  # bytes added after a signature that are looked at
_OBJECT = re.compile(rb"(?<![0-9])(\d{1,10})[ \t\r\n\f\0]+(\d{1,5})[ \t\r\n\f\0]+obj")
_END = re.compile(rb"startxref[ \t\r\n\f\0]+(\d{1,15})[ \t\r\n\f\0]+%%EOF")
_TRAILER = re.compile(rb"(?<![A-Za-z/(])trailer(?![A-Za-z])")
_TABLE = re.compile(
    rb"xref[ \t]*(?:\r\n|\r|\n)(?:\d+ \d+[ \t]*(?:\r\n|\r|\n)(?:\d{10} \d{5} [nf](?: \r| \n|\r\n))*)+[ \t\r\n]*trailer"
)
_SUBSECTION = re.compile(rb"^(\d{1,10}) (\d{1,10})[ \t]*\r?$", re.MULTILINE)
_ACTS = re.compile(rb"obj|xref|trailer|stream|%PDF")
HEAD, WINDOW = 64 << 10, 1024
NAMED = b"/Linearized"
_COMMENT, _ESCAPE = re.compile(rb"%[^\r\n]*"), re.compile(rb"#([0-9A-Fa-f]{2})")
_NUMBER = re.compile(rb"(?<![0-9.])\+?(\d{1,15})(?![0-9])")
_FIRST = re.compile(rb"\d[ \t\r\n\f\0]+\d+[ \t\r\n\f\0]*obj")
_LENGTH = re.compile(rb"/L[ \t\r\n\f\0]+(\d{1,12})(?=[ \t\r\n\f\0]*[/>])")
_HOLE = re.compile(rb"<[0-9A-Fa-f]*>")
AFTER_END = (
    "le fichier continue après la fin de sa dernière révision : des objets ajoutés là, que la signature ne couvre pas, "
    "s’affichent dans des lecteurs"
)
AFTER_END_IDLE = "des octets qui ne sont pas du PDF ont été ajoutés après la fin du document : ils n’ont pas pu être analysés"
UNLISTED = (
    "des objets ajoutés ne figurent dans aucune table du fichier : des lecteurs les affichent, d’autres non"
)
MALFORMED = "ce qui a été ajouté après la signature est mal formé : des lecteurs le reconstruisent chacun à leur façon"
TOO_MUCH = "ce qui a été ajouté après la signature est trop volumineux pour être analysé"
HOLE = "la partie du fichier que la signature ne couvre pas contient autre chose que la signature"
TWO_READINGS = (
    "le fichier se dit « linéarisé » à sa longueur d’aujourd’hui : "
    "des lecteurs y lisent une autre table que celle qui est signée"
)
LINEARISED = "le fichier se dit « linéarisé » sans l’être : des lecteurs peuvent y lire une autre table que celle qui est signée"
PADDING = "la place gardée pour la signature contient autre chose que la signature"
UNLOCKED = "le chiffrement du document a été ajouté, retiré ou changé"
BEFORE = "des octets qui précèdent le document pourraient être lus comme une partie de lui"
FOREIGN = "des octets étrangers précèdent le document : la signature ne les couvre pas"
OFFSETS = "des octets précèdent le document, et des lecteurs n’y trouvent pas ce que la signature couvre"


@dataclass
class Strays:
    """Why a signature is not valid (`altered`), or not surely so (`doubts`): French clauses, without a full stop."""

    altered: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def strays(document: Opened, section: int, byte_range: tuple[int, ...]) -> Strays:
    """What stands in the file outside a signature and outside what was analysed.

    `section`: pyHanko's number of the revision that the signature signs; `byte_range`: what it covers, from the start
    of the document (ISO 32000-2 §12.8.1).
    """
    strays = Strays()
    stream = document.reader.stream
    size = stream.seek(0, os.SEEK_END)
    if len(byte_range) != 4 or byte_range[0] != 0 or min(byte_range) < 0:
        strays.altered.append(HOLE)
        return strays
    _, before, start, length = byte_range
    if not 2 <= start - before <= MOST_ADDED or start + length > size:
        strays.altered.append(HOLE)
        return strays
    stream.seek(before)
    _hole(stream.read(start - before), strays)
    _junk(document, strays)
    _trailers(document, section, strays)
    signed = start + length
    if linearised_now(stream, size) and (signed < size or not document.base):
        strays.altered.append(TWO_READINGS)
    elif signed < size and not _linearised_truly(document, signed):
        strays.doubts.append(LINEARISED)
    if size - signed > MOST_ADDED:
        strays.doubts.append(TOO_MUCH)
    elif size > signed:
        stream.seek(signed)
        _added(document, section, signed, stream.read(size - signed), strays)
    return strays


def _linearised_truly(document: Opened, signed: int) -> bool:
    """Whether a file that says to be linearised is: whatever number it says, one reader or another may take for the length.

    Its first object ends right before the table that the end of its first revision names, and its /L is that end
    (ISO 32000-1 annex F.2), among what is signed. True of a file that says nothing of the kind.
    """
    stream = document.reader.stream
    stream.seek(0)
    head = stream.read(HEAD)
    plain = _unescaped(_COMMENT.sub(b" ", head))
    begins = _FIRST.search(plain)
    if begins is None:
        return False  # comments, or something else, for longer than anybody writes
    if NAMED not in plain[begins.end() :].split(b"endobj", 1)[0]:
        return True
    length = _LENGTH.findall(plain[begins.end() :].split(b"endobj", 1)[0])
    end = head.find(b"endobj") + len(b"endobj")
    first = document.reader.xrefs.get_startxref_for_revision(document.base)
    if document.base != 1 or len(length) != 1 or int(length[0]) > signed or head[end:first].strip(BLANK):
        return False
    stream.seek(max(0, int(length[0]) - WINDOW))
    finish = list(_END.finditer(stream.read(min(WINDOW, int(length[0])))))
    stream.seek(int(length[0]) - 1 if not finish else max(0, int(length[0]) - WINDOW) + finish[-1].end())
    rest = stream.read(int(length[0]) - stream.tell()) if finish else b"?"
    return bool(finish) and int(finish[-1][1]) == first and not rest.strip(BLANK)


def _unescaped(written: bytes) -> bytes:
    """Bytes in which each sign of a name that may be written as an escape (ISO 32000-2 §7.3.5) stands as itself."""
    return _ESCAPE.sub(lambda match: bytes((int(match[1], 16),)), written)


def linearised_now(stream: Any, size: int) -> bool:
    """Whether readers take a file of `size` bytes for a linearised one: they then begin with its first table, not its last.

    Its first object says so, with the length of the file (ISO 32000-1 annex F.2, /L); comments of any length may come
    before it, and names may be written with escapes.
    """
    stream.seek(0)
    head = stream.read(HEAD)
    if NAMED not in _unescaped(head):
        return False
    for header in _OBJECT.finditer(head):
        written = _COMMENT.sub(b" ", head[header.end() : header.end() + WINDOW])
        names = _unescaped(written)
        if NAMED in names and any(int(number) == size for number in _NUMBER.findall(names)):
            return True
    return False


def _hole(hole: bytes, strays: Strays) -> None:
    """The bytes that no signature covers hold one DER object in hexadecimal, and zeros (ISO 32000-2 §12.8.1)."""
    if not _HOLE.fullmatch(hole):
        strays.altered.append(HOLE)
        return
    container = bytes.fromhex((hole[1:-1] + b"0" * (len(hole) % 2)).decode("ascii"))
    try:
        used = peek(container)
    except ValueError:
        return  # no DER: whoever reads the signature says so
    if container[used:].strip(b"\0"):
        strays.doubts.append(PADDING)


def _trailers(document: Opened, section: int, strays: Strays) -> None:
    """Each trailer says again how the file is encrypted; viewers read the last one only (ISO 32000-2 §7.5.5)."""
    every = document.reader.trailer._trailer_revisions  # noqa: SLF001 - newest first; the whole hides what one leaves out
    ways = {
        str(trailer.raw_get("/Encrypt")) if "/Encrypt" in trailer else ""
        for trailer in every[: len(every) - section]
    }
    if len(ways) > 1:
        strays.altered.append(UNLOCKED)
    if any("/Root" not in trailer for trailer in every[: len(every) - section - 1]):
        strays.doubts.append(MALFORMED)


def _junk(document: Opened, strays: Strays) -> None:
    """Bytes before the header: blanks are nothing, mail headers are not of the document, objects might be."""
    if not document.junk:
        return
    if not document.relative:
        strays.doubts.append(OFFSETS)
    if document.before.strip(BLANK):
        strays.doubts.append(BEFORE if _ACTS.search(document.before) else FOREIGN)


def _added(document: Opened, section: int, signed: int, tail: bytes, strays: Strays) -> None:
    if not tail.strip(BLANK):
        return
    xrefs = document.reader.xrefs
    later = range(section + 1, xrefs.total_revisions)
    ends = list(_END.finditer(tail))
    starts = [xrefs.get_startxref_for_revision(number) for number in later]
    last = max((match.end() for match in ends if starts and int(match[1]) == starts[-1]), default=0)
    rest = tail[last:].strip(BLANK)
    if rest:
        # Words of the format are what a reader that rebuilds the file looks for.
        acts = bool(_ACTS.search(rest))
        (strays.altered if acts else strays.doubts).append(AFTER_END if acts else AFTER_END_IDLE)
    tail = tail[:last]
    if [int(match[1]) for match in _END.finditer(tail)] != starts:
        strays.doubts.append(MALFORMED)
    expected: dict[int, tuple[int, int]] = {}
    tables, window = 0, signed
    for number in later:
        info = xrefs.get_xref_container_info(number)
        tables += info.xref_section_type in (XRefSectionType.STANDARD, XRefSectionType.HYBRID_MAIN)
        table = tail[max(0, info.declared_startxref - signed) : max(0, info.end_location - signed) + 16]
        if not _plain(document, number, table) or not _sound(
            document, number, window, signed, tail, expected
        ):
            strays.doubts.append(MALFORMED)
        window = max(window, info.end_location)
    if len(_TRAILER.findall(tail)) > tables or not unambiguous(document, section, signed, tail):
        strays.doubts.append(MALFORMED)
    # As a reader that rebuilds the file finds objects: each must be where a table says.
    for header in _OBJECT.finditer(tail):
        if expected.get(signed + header.start()) != (int(header[1]), int(header[2])):
            strays.doubts.append(UNLISTED)
            break
    strays.doubts[:] = dict.fromkeys(strays.doubts)


def _sound(
    document: Opened,
    number: int,
    window: int,
    signed: int,
    tail: bytes,
    expected: dict[int, tuple[int, int]],
) -> bool:
    """Whether a section is where it says, is written as it must be, and places its objects between its predecessor and it."""
    xrefs = document.reader.xrefs
    info = xrefs.get_xref_container_info(number)
    stream = info.xref_section_type == XRefSectionType.STREAM
    # pyHanko counts a table from after its keyword
    start = info.start_location - (0 if stream else len(b"xref\n"))
    if start < window or info.declared_startxref != start:
        return False
    if stream:
        if not _OBJECT.match(tail, start - signed):
            return False
    elif not _TABLE.match(tail, start - signed):
        return False
    for section, place in _entries(xrefs.get_xref_data(number)):
        (identity, generation), offset = section, place
        if window <= offset < info.end_location:
            header = _OBJECT.match(tail, offset - signed)
            if header is None or (int(header[1]), int(header[2])) != (identity, generation):
                return False
            expected[offset] = (identity, generation)
        elif offset != _earlier(document, identity, generation, number - 1):
            # A table may name again what was there before, where it was, and nothing else.
            return False
    if info.stream_ref is not None:
        expected[start] = (info.stream_ref.idnum, info.stream_ref.generation)
    return True


def _plain(document: Opened, number: int, table: bytes) -> bool:
    """Whether a section names each object once, within its size, in the widths that every reader knows (§7.5.4, §7.5.8)."""
    info = document.reader.xrefs.get_xref_container_info(number)
    data = document.reader.xrefs.get_xref_data(number)
    named = [identity for identity, _ in data.explicit_refs_in_revision]
    if named and max(named) >= info.size:
        return False
    if info.stream_ref is not None:
        stream: Any = document.reader.get_object(info.stream_ref)  # type: ignore[no-untyped-call]
        widths = stream.raw_get("/W")
        if len(widths) != 3 or not all(0 <= int(width) <= 8 for width in widths):
            return False
    packed: Any = document.reader.xrefs
    for reference in packed.object_streams_used_in(number):
        object_stream: Any = reference.get_object()
        numbers = object_stream.data[: int(object_stream["/First"])].split()[::2]
        if len(numbers) != len(set(map(int, numbers))):
            return False
    if not table.startswith(b"xref"):
        return True
    ranges = [
        (int(match[1]), int(match[2]))
        for match in _SUBSECTION.finditer(table[: max(0, table.find(b"trailer"))])
    ]
    ranges.sort()
    return all(first + count <= after for (first, count), (after, _) in pairwise(ranges))


def _entries(data: Any) -> Iterator[tuple[tuple[int, int], int]]:
    for table in (data, data.hybrid.xref_data if data.hybrid is not None else None):
        for identity, (generation, offset) in table.standard_xrefs.items() if table is not None else ():
            yield (identity, generation), offset


def _earlier(document: Opened, identity: int, generation: int, revision: int) -> Any:
    from pyhanko.pdf_utils.generic import Reference

    reader = document.reader
    return reader.xrefs.get_historical_ref(Reference(identity, generation, reader), revision)
