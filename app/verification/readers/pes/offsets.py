"""Bytes of a flow by offset, a quarter of a megabyte at a time."""

from collections.abc import Iterator, Sequence
from typing import IO, Any

from app.verification.readers.pes.layout import Mark, Target

BLOCK = 1 << 18
SEAM = b"<!---->"
"""What stands for a signature that is left out: comments are no part of a canonical form, and nothing joins across."""


def blocks(stream: IO[bytes], start: int, end: int) -> Iterator[bytes]:
    """The bytes from `start` to `end`, in order; the stream is left at `end`."""
    stream.seek(start)
    left = end - start
    while left > 0 and (block := stream.read(min(BLOCK, left))):
        left -= len(block)
        yield block


def copy(before: IO[bytes], after: IO[bytes], length: int | None, digest: Any) -> None:
    """Copy that many bytes, or all that is left, and hash them."""
    left = length
    while left is None or left > 0:
        block = before.read(BLOCK if left is None else min(BLOCK, left))
        if not block:
            break
        digest.update(block)
        after.write(block)
        left = None if left is None else left - len(block)


def element(stream: IO[bytes], target: Target, without: Sequence[Mark] = ()) -> Iterator[bytes]:
    """The bytes of one element, the signatures in `without` left out."""
    at = target.start
    for mark in without:
        yield from blocks(stream, at, mark.start)
        yield SEAM
        at = tag_end(stream, mark.close)
    yield from blocks(stream, at, tag_end(stream, target.close))


def tag_end(stream: IO[bytes], at: int) -> int:
    """The byte after the end tag that begins at `at`; -1 when there is none, as after an empty element."""
    stream.seek(at)
    read = stream.read(256)  # an end tag has a name, perhaps spaces, and no quotes
    closing = read.find(b">")
    return at + closing + 1 if read.startswith(b"</") and closing > 0 else -1
