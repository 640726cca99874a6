"""The signature of a webhook: HMAC-SHA256 over the timestamp and the body, checked in constant time.

    X-Paraphe-Timestamp: 1795600000                     seconds since 1970
    X-Paraphe-Signature: v1=<64 hexadecimal digits>     of  b"1795600000." + body

The receiver recomputes it with the shared secret, refuses a timestamp more than five minutes away, and answers 2xx once
the ZIP is safe on its side. `Idempotency-Key` is the same for every delivery of one folder and round.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

TIMESTAMP: Final = "X-Paraphe-Timestamp"
SIGNATURE: Final = "X-Paraphe-Signature"
IDEMPOTENCY: Final = "Idempotency-Key"
TOLERANCE: Final = 300
_LONGEST: Final = 16
_VERSION: Final = "v1="
_CHUNK: Final = 1024 * 1024


def sign(secret: bytes, timestamp: int, body: Iterable[bytes]) -> str:
    """The value of the signature header for a body given in pieces."""
    code = hmac.new(secret, f"{timestamp}.".encode(), hashlib.sha256)
    for piece in body:
        code.update(piece)
    return _VERSION + code.hexdigest()


def verify(secret: bytes, timestamp: str, body: bytes, signature: str, now: int) -> bool:
    """True when the sender holds the secret, the body is the one it signed, and it did so less than five minutes ago.

    `timestamp` and `signature` are the values of the two headers, `now` is in seconds since 1970.
    """
    if (
        not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < _LONGEST)
        or abs(now - int(timestamp)) > TOLERANCE
    ):
        return False
    return hmac.compare_digest(sign(secret, int(timestamp), [body]).encode(), signature.encode())


def pieces(path: Path) -> Iterator[bytes]:
    """The bytes of a file, a mebibyte at a time."""
    with path.open("rb") as source:
        while piece := source.read(_CHUNK):
            yield piece
