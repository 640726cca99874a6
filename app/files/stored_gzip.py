"""Gzip without compression: the same bytes for the same content, whatever library or version of zlib reads or writes them.

Blocks are stored (RFC 1951 §3.2.4) and cut here, at the largest size that they may have: zlib cuts its own otherwise from one
version to the next, so that a compressed file is not made again to the byte years later. The heading (RFC 1952 §2.3) names
no file, no hour and no system.
"""

import io
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Final

BLOCK: Final = 0xFFFF
"""Bytes of a stored block, at most."""
MAGIC: Final = b"\x1f\x8b"
_HEAD: Final = MAGIC + b"\x08\x00" + bytes(4) + b"\x00\xff"
_ENDS: Final = 8


class _Cutting:
    """Cuts what it is given into blocks; the last one is told apart, and may be empty."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._check = self.size = 0

    def take(self, data: bytes) -> Iterator[bytes]:
        self._check, self.size = zlib.crc32(data, self._check), self.size + len(data)
        self._waiting += data
        first = 0
        while len(self._waiting) - first > BLOCK:
            yield _heading(0, BLOCK)
            yield bytes(self._waiting[first : first + BLOCK])
            first += BLOCK
        del self._waiting[:first]

    def end(self) -> Iterator[bytes]:
        yield _heading(1, len(self._waiting))
        yield bytes(self._waiting)
        yield struct.pack("<LL", self._check, self.size & 0xFFFFFFFF)


def _heading(last: int, size: int) -> bytes:
    return struct.pack("<BHH", last, size, size ^ BLOCK)


def wrapped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The gzip of these pieces; however they were cut, the same content gives the same bytes."""
    cutting = _Cutting()
    yield _HEAD
    for piece in pieces:
        yield from cutting.take(piece)
    yield from cutting.end()


class StoredGzip(io.BufferedIOBase):
    """A file to write to, whose gzip goes to `out`; closed, it is whole, and `out` stays open."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out, self._cutting = out, _Cutting()
        self._out.write(_HEAD)

    def writable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """How many bytes were written to it."""
        return self._cutting.size

    def write(self, data: Any) -> int:
        """Take these bytes."""
        content = bytes(data)
        self._out.writelines(self._cutting.take(content))
        return len(content)

    def close(self) -> None:
        """Write the last block and the check, once."""
        if not self.closed:
            self._out.writelines(self._cutting.end())
        super().close()


def unwrap(source: Path, target: Path) -> bool:
    """Write the content of a gzip that was made here; False, and whatever target, for a compressed one or another's."""
    with source.open("rb") as packed, target.open("wb") as out:
        if packed.read(len(_HEAD)) != _HEAD:
            return False
        last = 0
        while not last:
            heading = packed.read(5)
            if len(heading) != 5:
                return False
            last, size, _ = struct.unpack("<BHH", heading)
            if heading != _heading(last, size) or last not in {0, 1} or (not last and size != BLOCK):
                return False
            if out.write(packed.read(size)) != size:
                return False
        return len(packed.read(_ENDS + 1)) == _ENDS
