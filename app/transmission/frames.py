"""What is around the documents of a parcel, and the parcel made again from it and from the versions, to the byte.

A parcel is a ZIP or a tar whose documents stand in it as they are (`app/channels`): all that is not one of them is kept, a few
kilobytes of messages, names and headings, and nothing of how it was written is needed to write it again. It is read here by its
form alone, whatever channel made it; a form that is not known, or a compressed document, gives no frame.
"""

import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Final

from app.files import stored_gzip, vault

GZIP: Final = "gzip"
MOST_AROUND: Final = 1 << 20
"""Bytes around the documents, at most: a parcel that has more of them is kept as it left."""
_CHUNK: Final = 1 << 20
_DIGEST: Final = re.compile("[0-9a-f]{64}")
_LOCAL: Final = 30
"""Bytes of a heading in a ZIP before the name (APPNOTE §4.3.7), the last four of which say how long it and its extra are."""


@dataclass(frozen=True)
class Frame:
    """What is around the documents: `parts` in their order, so many bytes of `around` or the SHA-256 of a version.

    `around` is compressed; `wrap` says how the whole is wrapped, « gzip » or empty.
    """

    wrap: str
    parts: tuple[int | str, ...]
    around: bytes


def frame_of(parcel: Path, versions: Collection[str], room: Path) -> Frame | None:
    """The frame of a parcel whose documents are some of these versions; None where there is none, or nothing would be won.

    `room` is where its content is unwrapped.
    """
    wrap, content = "", parcel
    if _begins(parcel, stored_gzip.MAGIC):
        wrap, content = GZIP, room / "content"
        if not stored_gzip.unwrap(parcel, content):
            return None
    parts: list[int | str] = []
    around = bytearray()
    position, size = 0, content.stat().st_size
    with content.open("rb") as source:
        for start, length in sorted(_documents(content)):
            if start < position or start + length > size:
                return None
            digest = _digest(source, start, length)
            if digest not in versions:
                continue
            if len(around) + start - position > MOST_AROUND:
                return None
            _keep(source, position, start, parts, around)
            parts.append(digest)
            position = start + length
        if not parts or len(around) + size - position > MOST_AROUND:
            return None
        _keep(source, position, size, parts, around)
    packed = zlib.compress(bytes(around), 9)
    return Frame(wrap, tuple(parts), packed) if 2 * len(packed) < size else None


def pieces(frame: Frame, collectivity_id: int) -> Iterator[bytes]:
    """The parcel made again, piece by piece; refuses `file-altered` and `file-missing` for a version that is not what it was.

    Whoever takes it compares its digest before he believes it.
    """
    content = _content(frame, collectivity_id)
    return stored_gzip.wrapped(content) if frame.wrap == GZIP else content


def _content(frame: Frame, collectivity_id: int) -> Iterator[bytes]:
    """What a frame that was altered in the base says that is no part gives nothing: the digest of the whole tells it."""
    store, scope = vault.store(), vault.scope(collectivity_id)
    around, position = _unpacked(frame.around), 0
    for part in frame.parts:
        if isinstance(part, str) and _DIGEST.fullmatch(part):
            yield from store.stream(scope, part)
        elif isinstance(part, int):
            yield around[position : position + part]
            position += part


def _unpacked(around: bytes) -> bytes:
    """Nothing of what was damaged in the base: the digest of what is then made again tells it."""
    try:
        return zlib.decompressobj().decompress(around, MOST_AROUND)
    except zlib.error:
        return b""


def _keep(source: IO[bytes], start: int, end: int, parts: list[int | str], around: bytearray) -> None:
    if start < end:
        source.seek(start)
        around += source.read(end - start)
        parts.append(end - start)


def _documents(content: Path) -> list[tuple[int, int]]:
    """Where each file of a ZIP or of a tar stands, and its size, when it stands there as it is; none in what is neither."""
    try:
        if _begins(content, b"PK\x03\x04"):
            return list(_in_zip(content))
        with tarfile.open(content, "r:") as tar:
            return [(entry.offset_data, entry.size) for entry in tar if entry.isreg() and entry.size]
    except (tarfile.TarError, zipfile.BadZipFile, struct.error, ValueError, NotImplementedError):
        return []


def _in_zip(content: Path) -> Iterator[tuple[int, int]]:
    with zipfile.ZipFile(content) as archive, content.open("rb") as source:
        for entry in archive.infolist():
            if entry.compress_type == zipfile.ZIP_STORED and entry.file_size:
                source.seek(entry.header_offset + _LOCAL - 4)
                name, extra = struct.unpack("<HH", source.read(4))
                yield entry.header_offset + _LOCAL + name + extra, entry.file_size


def _begins(path: Path, magic: bytes) -> bool:
    with path.open("rb") as source:
        return source.read(len(magic)) == magic


def _digest(source: IO[bytes], start: int, size: int) -> str:
    source.seek(start)
    digest = sha256()
    while size:
        chunk = source.read(min(_CHUNK, size))
        if not chunk:
            return ""
        digest.update(chunk)
        size -= len(chunk)
    return digest.hexdigest()
