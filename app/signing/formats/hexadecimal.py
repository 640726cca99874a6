"""The hexadecimal strings of a PDF read by the block: pyHanko 0.38 reads them one sign at a time.

A signature with a timestamp is one such string of 27,000 signs, read again at each verification: it took longer than
the whole proof of the signature. To import this module is to read them so in the whole process.
"""

import binascii
import re
from typing import IO, Any

from pyhanko.pdf_utils import generic

FIRST, BLOCK = 128, 1 << 16  # an identity of a file is 32 signs, a signature thousands
DIGITS = re.compile(rb"[0-9A-Fa-f]*")
_sign_by_sign = generic.read_hex_string_from_stream


def read_hex_string(stream: IO[bytes]) -> Any:
    """The string that begins here (ISO 32000-2 §7.3.4.3), the stream being left after it.

    What is not plain digits up to « > » (spaces, comments, faults, the end of the file) is left to pyHanko, from its start.
    """
    start, pieces, size = stream.tell(), [], FIRST
    stream.read(1)
    while block := stream.read(size):
        digits, closed, _ = block.partition(b">")
        if not DIGITS.fullmatch(digits):
            break
        pieces.append(digits)
        if closed:
            whole = b"".join(pieces)
            stream.seek(start + len(whole) + 2)
            return generic.pdf_string(binascii.unhexlify(whole + b"0" * (len(whole) % 2)))
        size = BLOCK
    stream.seek(start)
    return _sign_by_sign(stream)


generic.read_hex_string_from_stream = read_hex_string
