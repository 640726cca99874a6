"""Whether every byte of an ASiC container is in a file that its directory names: what one tool shows, all of them show.

A ZIP says twice what it holds: before each file (for those who read it as it comes) and in the directory at its end
(for the others). A file hidden from one of them would be shown by the other, signed by nobody.
Source: PKWARE APPNOTE.TXT 6.3.10 §4.3 (layout), §4.4 (fields), §4.6.9 (names in Unicode); EN 319 162-1 §A.1.
"""

import re
import unicodedata
import zlib
from dataclasses import dataclass
from struct import Struct, unpack_from
from typing import IO

from app.core.refusals import Refusal

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
DESCRIPTOR = b"PK\x07\x08"
ANY = re.compile(rb"PK(?:\x01\x02|\x03\x04|\x05\x05|\x05\x06|\x06\x06|\x06\x07|\x06\x08|\x07\x08)")
OF_END = Struct("<4s4H2LH")
OF_CENTRAL = Struct("<4s6H3L5H2L")
OF_LOCAL = Struct("<4s5H3L2H")
STORED, DEFLATED = 0, 8
ENCRYPTED, DESCRIBED, MASKED = 0x1, 0x8, 0x2040  # bits 0, 3, and 6 with 13 (§4.4.4)
ZIP64, UNICODE_NAME = 0x0001, 0x7075
FULL = 0xFFFFFFFF
UNIX, REGULAR, DIRECTORY = 3, 0o100000, 0o040000
LONGEST_COMMENT, MOST_FILES = 65535, 500
LARGEST_DIRECTORY = 2 * 1024 * 1024
LONGEST_DESCRIPTOR = 24
PIECE = 1 << 20


@dataclass(frozen=True)
class _Named:
    """One file as the directory at the end says it is."""

    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int


def account(stream: IO[bytes], *, most: int) -> None:
    """Refuse a ZIP unless each of its bytes is in a file that its directory names, and both say the same of it.

    `most`: how many bytes its files may hold. Refuses `container-unsound` with why, and `file-too-complex`.
    """
    size = stream.seek(0, 2)
    start, end, count = _end(stream, size)
    if count > MOST_FILES or end - start > LARGEST_DIRECTORY:
        raise Refusal("file-too-complex")
    files = sorted(_directory(_read(stream, start, end - start), count), key=lambda file: file.offset)
    if sum(file.size for file in files) > most:
        raise Refusal("file-too-complex")
    _names([file.name for file in files])
    if files[0].offset != 0:
        raise unsound("des octets précèdent son premier fichier")
    for named, after in zip(files, [*(file.offset for file in files[1:]), start], strict=True):
        _file(stream, named, after)


def unsound(why: str) -> Refusal:
    """A container whose bytes tools read differently."""
    return Refusal("container-unsound", why=why)


def _read(stream: IO[bytes], at: int, length: int) -> bytes:
    stream.seek(at)
    block = stream.read(max(length, 0))
    if len(block) != length:
        raise unsound("il est coupé")
    return block


def _end(stream: IO[bytes], size: int) -> tuple[int, int, int]:
    """Where the directory starts and ends and how many files it names, by the one end record that there is (§4.3.16)."""
    tail = _read(stream, at := max(0, size - OF_END.size - LONGEST_COMMENT), size - at)
    ends = [
        match.start()
        for match in re.finditer(re.escape(END), tail[: len(tail) - OF_END.size + len(END)])
        if OF_END.unpack_from(tail, match.start())[-1] == len(tail) - match.start() - OF_END.size
    ]
    if len(ends) != 1:
        raise unsound("il a deux fins, dont l’une est cachée" if ends else "des octets suivent sa fin")
    (position,) = ends
    _, disk, first, disk_entries, count, length, start, _ = OF_END.unpack_from(tail, position)
    if ANY.search(tail, position + OF_END.size):
        raise unsound("son commentaire contient un autre conteneur")
    if disk or first or disk_entries != count or FULL in {length, start}:
        raise unsound("il est en plusieurs morceaux, ou de forme ZIP64")
    if start + length != at + position:
        raise unsound("son répertoire n’est pas juste avant sa fin")
    return start, at + position, count


def _directory(data: bytes, count: int) -> list[_Named]:
    """The files of the directory, which holds nothing else (§4.3.12)."""
    files, at = [], 0
    for _ in range(count):
        if len(data) < at + OF_CENTRAL.size or not data.startswith(CENTRAL, at):
            raise unsound("son répertoire est mal formé")
        (
            _,
            maker,
            _,
            flags,
            method,
            _,
            _,
            crc,
            packed,
            size,
            named,
            extra,
            comment,
            disk,
            _,
            attributes,
            offset,
        ) = OF_CENTRAL.unpack_from(data, at)
        at += OF_CENTRAL.size
        name, more = data[at : at + named], data[at + named : at + named + extra]
        at += named + extra + comment
        mode = (attributes >> 16) & 0o170000 if maker >> 8 == UNIX else 0
        if flags & (ENCRYPTED | MASKED) or method not in {STORED, DEFLATED}:
            raise unsound("l’un de ses fichiers est chiffré, ou comprimé autrement que l’ASiC le permet")
        if disk or FULL in {packed, size, offset} or mode not in {0, REGULAR, DIRECTORY}:
            raise unsound("l’un de ses fichiers est un lien, ou est ailleurs")
        folder = name.endswith(b"/")
        if (mode == DIRECTORY and not folder) or (mode == REGULAR and folder) or (folder and size):
            raise unsound("l’un de ses dossiers contient des octets")
        _same_name(name, more)
        files.append(_Named(name, flags, method, crc, packed, size, offset))
    if at != len(data) or not files:
        raise unsound("son répertoire est mal formé")
    return files


def _names(names: list[bytes]) -> None:
    """Refuse names that are the same file for one tool or another, or that none can write (§4.4.17)."""
    plain = [name.decode("utf-8", "replace") for name in names]
    if any(re.search(r"[\x00-\x1f\x7f\\:]|^/|(?:^|/)\.{0,2}/|(?:^|/)\.{1,2}$", name) for name in plain):
        raise unsound("l’un de ses fichiers a un nom que les logiciels ne lisent pas de la même façon")
    # As file systems fold them: capitals, accents written in two ways, dots and spaces at the end.
    folded = [unicodedata.normalize("NFKC", name).casefold().rstrip("/ .") for name in plain]
    files = {name for name, raw in zip(folded, plain, strict=True) if not raw.endswith("/")}
    within = {name[: match.start()] for name in folded for match in re.finditer("/", name)}
    if len(set(folded)) != len(folded) or "" in folded or files & within:
        raise unsound("deux fichiers y portent le même nom")


def _same_name(name: bytes, extra: bytes) -> None:
    """Refuse a second name in Unicode that is another one: some tools show it instead (§4.6.9)."""
    for kind, value in _fields(extra):
        # A version and a checksum come before the name.
        if kind == UNICODE_NAME and value[5:] != name:
            raise unsound("l’un de ses fichiers porte deux noms")


def _fields(extra: bytes) -> list[tuple[int, bytes]]:
    fields, at = [], 0
    while at + 4 <= len(extra):
        kind, length = unpack_from("<HH", extra, at)
        fields.append((kind, extra[at + 4 : at + 4 + length]))
        at += 4 + length
    return fields


def _file(stream: IO[bytes], named: _Named, after: int) -> None:
    """Refuse a file that is not, from its own header to the next one at `after`, what the directory says it is."""
    head = _read(stream, named.offset, OF_LOCAL.size)
    mark, _, flags, method, _, _, crc, packed, size, length, extra = OF_LOCAL.unpack(head)
    if mark != LOCAL:
        raise unsound("l’un de ses fichiers n’est pas où le répertoire le dit")
    name = _read(stream, named.offset + OF_LOCAL.size, length)
    fields = _read(stream, named.offset + OF_LOCAL.size + length, extra)
    _same_name(name, fields)
    sizes = next((value for kind, value in _fields(fields) if kind == ZIP64 and len(value) == 16), b"")
    if sizes and size == packed == FULL:
        size, packed = unpack_from("<QQ", sizes)
    described = bool(flags & DESCRIBED)
    right = (named.crc, named.packed, named.size)
    alike = all(
        value == own or (described and value == 0)
        for value, own in zip((crc, packed, size), right, strict=True)
    )
    if (name, flags, method) != (named.name, named.flags, named.method) or not alike:
        raise unsound("l’un de ses fichiers est dit autrement dans le répertoire")
    start = named.offset + OF_LOCAL.size + length + extra
    if start + named.packed > after:
        raise unsound("deux de ses fichiers se chevauchent")
    gap = after - start - named.packed
    rest = _read(stream, start + named.packed, min(gap, LONGEST_DESCRIPTOR + 1))
    if rest not in (_descriptors(named) if described else {b""}):
        raise unsound("des octets sont entre deux de ses fichiers")
    _content(stream, named, start, described=described)


def _descriptors(named: _Named) -> set[bytes]:
    """What may follow a file whose header was written before its size was known (§4.3.9)."""
    short = Struct("<3L").pack(named.crc, named.packed, named.size)
    long = Struct("<LQQ").pack(named.crc, named.packed, named.size)
    return {mark + form for mark in (b"", DESCRIPTOR) for form in (short, long)}


def _content(stream: IO[bytes], named: _Named, start: int, *, described: bool) -> None:
    """Refuse bytes that are not all of the file's content, or that end sooner for who reads them as they come."""
    stream.seek(start)
    unpack = zlib.decompressobj(-zlib.MAX_WBITS) if named.method == DEFLATED else None
    left, size, crc, before = named.packed, 0, 0, b""
    while left:
        piece = stream.read(min(left, PIECE))
        if not piece:
            raise unsound("il est coupé")
        left -= len(piece)
        # Stored bytes whose size comes after them: who reads as it comes stops at the first mark.
        if unpack is None and described and ANY.search(before + piece):
            raise unsound("la fin de l’un de ses fichiers n’est pas sûre")
        # A mark may lie across two pieces.
        before = piece[-3:]
        while piece:
            # By pieces: what unpacks to far more than was said stops there.
            plain = piece if unpack is None else unpack.decompress(piece, PIECE)
            piece = b"" if unpack is None else unpack.unconsumed_tail
            size, crc = size + len(plain), zlib.crc32(plain, crc)
            if size > named.size:
                raise unsound("l’un de ses fichiers n’a pas la longueur qui est dite")
    if (size, crc) != (named.size, named.crc) or (
        unpack is not None and (not unpack.eof or unpack.unused_data)
    ):
        raise unsound("l’un de ses fichiers n’est pas celui que le répertoire décrit")
