"""Two functions of the libraries that read signatures, answering the same in a fraction of the time; put in place once.

pyHanko 0.38 reads a hexadecimal string one character at a time: the container of a timestamped signature has thirty
thousand, a third of what it takes to read a signed file again. asn1crypto 1.5 prepares every word of a name for comparison
(RFC 4518 §2) each time that two certificates are compared, and a chain compares the same few names a hundred times.
"""

import binascii
import io
from functools import lru_cache
from typing import IO, Any

from asn1crypto import x509
from pyhanko.pdf_utils import generic

PIECES = (
    128,
    1 << 14,
)  # bytes read at first, then at each go: most strings are identifiers, some are containers
LONGEST_NAME, NAMES = 256, 2048
_hexadecimal = generic.read_hex_string_from_stream
_prepared = x509.NameTypeAndValue._ldap_string_prep  # noqa: SLF001 - asn1crypto gives no other door to it


def hexadecimal(stream: IO[bytes]) -> Any:
    """The string that starts here (ISO 32000-2 §7.3.4.3), the stream left after it; pyHanko reads what is not plain."""
    start = stream.tell()
    stream.read(1)
    parts, size = [], PIECES[0]
    while piece := stream.read(size):
        part, end, after = piece.partition(b">")
        parts.append(part)
        if end:
            stream.seek(-len(after), io.SEEK_CUR)
            break
        size = PIECES[1]
    else:
        return _again(stream, start)
    try:
        return generic.pdf_string(binascii.unhexlify(b"".join(parts)))
    except ValueError:  # an odd count, white space, another sign
        return _again(stream, start)


def _again(stream: IO[bytes], start: int) -> Any:
    stream.seek(start)
    return _hexadecimal(stream)


@lru_cache(maxsize=NAMES)
def _known(word: str) -> str:
    return str(_prepared(None, word))


def name(self: x509.NameTypeAndValue, word: str) -> str:
    """A word of a name, prepared for comparison; what may not stand in a name is refused each time (ValueError)."""
    return _known(word) if len(word) <= LONGEST_NAME else str(_prepared(self, word))


def install() -> None:
    """Have the libraries use them in this process."""
    generic.read_hex_string_from_stream = hexadecimal
    x509.NameTypeAndValue._ldap_string_prep = name  # noqa: SLF001
