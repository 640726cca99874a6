"""The mark of a letter, by which a report about it is known: the row of the outbox, the address, and our signature of both."""

import hashlib
import hmac
import re
from dataclasses import dataclass

from app.core.security import secrets_known

HEADER = "X-Paraphe-Letter"
"""Where a letter bears its mark; a server gives it back in the headers that a report returns, and as `ENVID` (RFC 3461)."""
_SHAPE = re.compile(r"([1-9]\d{0,17})-([0-9a-f]{16})-([0-9a-f]{32})", re.ASCII)


@dataclass(frozen=True)
class Letter:
    """What a mark says: the number of the row, and what the address was, as `of_address` says it."""

    row_id: int
    address: str


def of_address(address: str) -> str:
    """What tells an address from another, without saying it."""
    return hashlib.sha256(address.lower().encode()).hexdigest()[:16]


def mark(row_id: int, address: str) -> str:
    """The mark of a letter of the outbox to an address."""
    body = f"{row_id}-{of_address(address)}"
    return f"{body}-{_signature(body, secrets_known()[0])}"


def letter_of(text: str) -> Letter | None:
    """The letter whose mark this is; None for what we never made, by any secret of ours."""
    shape = _SHAPE.fullmatch(text.strip())
    if shape is None:
        return None
    number, address, signature = shape.groups()
    body = f"{number}-{address}"
    # By every key: a report may come after the one that signed was replaced.
    ours = any(hmac.compare_digest(_signature(body, key), signature) for key in secrets_known())
    return Letter(int(number), address) if ours else None


def _signature(body: str, key: bytes) -> str:
    return hmac.new(key, f"letter {body}".encode(), hashlib.sha256).hexdigest()[:32]
