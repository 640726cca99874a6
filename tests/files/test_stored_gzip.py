"""A gzip that any reader opens, and that the same content gives again to the byte, without the library that compresses."""

import gzip
import subprocess
import zlib
from pathlib import Path

import pytest

from app.files.stored_gzip import BLOCK, StoredGzip, unwrap, wrapped

SIZES = (0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK + 7)


def content(size: int) -> bytes:
    return (b"Kerlann-sur-Mer. " * (size // 17 + 1))[:size]


@pytest.mark.parametrize("size", SIZES)
def test_it_is_read_by_others_and_unwrapped_here(size: int, tmp_path: Path) -> None:
    data, packed, back = content(size), tmp_path / "a.gz", tmp_path / "back"
    packed.write_bytes(b"".join(wrapped([data])))
    assert gzip.decompress(packed.read_bytes()) == data
    assert subprocess.run(["gzip", "-dc", packed], check=True, capture_output=True).stdout == data
    assert unwrap(packed, back)
    assert back.read_bytes() == data
    assert packed.stat().st_size == size + 18 + 5 * max(1, -(-size // BLOCK))


@pytest.mark.parametrize("size", SIZES)
def test_however_it_is_written_the_bytes_are_the_same(size: int, tmp_path: Path) -> None:
    data, packed = content(size), tmp_path / "a.gz"
    with packed.open("wb") as out:
        with StoredGzip(out) as file:
            for start in range(0, size, 1000):
                file.write(data[start : start + 1000])
            assert file.tell() == size
        assert not out.closed
    pieces = [data[start : start + 70_001] for start in range(0, size, 70_001)]
    assert packed.read_bytes() == b"".join(wrapped([data])) == b"".join(wrapped(pieces))


def test_what_was_written_otherwise_is_not_unwrapped(tmp_path: Path) -> None:
    data, back = content(3 * BLOCK), tmp_path / "back"
    ours = b"".join(wrapped([data]))
    other = zlib.compressobj(0, zlib.DEFLATED, 31)
    for packed in (
        gzip.compress(data, mtime=0),
        other.compress(data) + other.flush(),
        ours[:-1],
        ours + b"\0",
        ours[: BLOCK + 3],
        ours[:10],
        b"",
        ours.replace(b"\x00\xff", b"\x00\x03", 1),
    ):
        (tmp_path / "a.gz").write_bytes(packed)
        if packed != ours:
            assert not unwrap(tmp_path / "a.gz", back)
