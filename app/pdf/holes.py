"""A reader of PDFs that takes the long string of a signature at once, where pyHanko reads it one character at a time.

It is the same string. The object is read strictly first (`app.pdf.syntax`), so that no two readers could differ on where
the string begins and ends; pyHanko then reads the object with an empty string in its place, and is given the true one.
What cannot be read strictly is left to pyHanko, whole.
"""

import io
import re
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from app.pdf.syntax import Ambiguous, Strict, Written

HEAD, USUAL, MOST = 4096, 64 << 10, 4 << 20
"""Bytes of an object in which such a string begins; then those in which it usually ends, and at most."""
LONG = 512
_CONTENTS = b"/Contents"
_BEGUN = re.compile(_CONTENTS + rb"[ \t\r\n\f\0]*<[0-9A-Fa-f]{%d}" % LONG)
_HEXADECIMAL = re.compile(rb"<((?:[0-9A-Fa-f]{2})+)>")
# After an object pyHanko looks for what comes next
_NEXT = b"\n0"


class Reader(PdfFileReader):
    """PyHanko's reader, faster at signatures."""

    def _read_object(
        self, ref: Any, marker: Any, never_decrypt: bool = False, as_metadata_stream: bool = False
    ) -> Any:
        how = {"never_decrypt": never_decrypt, "as_metadata_stream": as_metadata_stream}
        taken = self._signature(marker) if isinstance(marker, int) else None
        if taken is None:
            return super()._read_object(ref, marker, **how)
        data, value = taken
        whole = self.stream
        self.stream = io.BytesIO(data)
        try:
            found = super()._read_object(ref, 0, **how)
        finally:
            self.stream = whole
        if not isinstance(
            found, generic.DictionaryObject
        ):  # encrypted, in a way that its trailer does not tell
            return super()._read_object(ref, marker, **how)
        name = generic.NameObject(_CONTENTS.decode())
        empty = found.raw_get(name)
        found[name] = full = generic.pdf_string(value)
        full.container_ref = empty.container_ref
        return found

    def _signature(self, at: int) -> tuple[bytes, bytes] | None:
        """The signature dictionary at a place without its string, and that string; None for any other object."""
        if at < 0 or "/Encrypt" in getattr(
            self, "trailer", ()
        ):  # while the trailer itself is read there is none
            return None
        self.stream.seek(at)
        data = self.stream.read(HEAD)
        if _BEGUN.search(data) is None:
            return None
        for more in (USUAL, MOST):
            data += self.stream.read(more)
            try:
                written = Strict(data, lambda *_: None).object(0)
            except Ambiguous:
                continue
            return _parted(data, written)
        return None


def _parted(data: bytes, written: Written) -> tuple[bytes, bytes] | None:
    said = written.entries.get(_CONTENTS)
    hexadecimal = _HEXADECIMAL.fullmatch(said.text) if said is not None else None
    if said is None or hexadecimal is None or written.stream is not None:
        return None
    start, end = said.start + 1, said.end - 1
    return data[:start] + data[end : written.end] + _NEXT, bytes.fromhex(hexadecimal[1].decode())
