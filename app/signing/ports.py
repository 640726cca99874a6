"""What every signature format and every key provider agree on: plain facts, no key, no file, no network."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Prepared:
    """A document that waits for one signature, and the very bytes that the key has to sign.

    `attributes`: DER of the signed attributes (RFC 5652 §5.4), the bytes to be signed. `digest`: hash of the
    document outside the hole. `start`, `end`: byte offsets of the hole, brackets included. `algorithm`: name of
    the hash, « sha256 », « sha384 » or « sha512 ».
    """

    field: str
    attributes: bytes
    digest: bytes
    start: int
    end: int
    algorithm: str


@dataclass(frozen=True)
class Box:
    """A rectangle on a page as it is shown: PDF points, origin at the bottom left of the displayed page.

    `page` counts from 0; the page's rotation and a crop box away from the origin are already undone.
    """

    page: int
    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        """Width in points as shown."""
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        """Height in points as shown."""
        return self.y2 - self.y1


@dataclass(frozen=True)
class FieldPlan:
    """A signature field to create before the first signature; without a box it does not show.

    `lock`: the fields that may still be signed after it, every other one being locked by its signature, so that none
    locks them all (ISO 32000-2 §12.7.5.5); None locks nothing.
    """

    name: str
    box: Box | None
    lock: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Stamp:
    """What the visible signature says, one string for each line; `picture`: a PNG that decorates it, never alone."""

    lines: tuple[str, ...]
    picture: bytes | None = None


@dataclass(frozen=True)
class SignatureFacts:
    """What a freshly embedded signature proves, read back from the file.

    `level`: « B-B » or « B-T » (ETSI EN 319 142-1). `signature_sha256`: hash of the signature value, for the
    journal. `earlier`: how many signatures were already there.
    """

    field: str
    level: str
    signed_at: datetime | None
    timestamped_at: datetime | None
    fingerprint_sha256: str
    signature_sha256: str
    earlier: int


class KeyProvider(Protocol):
    """Where a private key lives. `external` keys sign elsewhere (a browser, a card) and have no `sign` here."""

    @property
    def name(self) -> str:
        """The provider's key in settings and rows."""

    @property
    def external(self) -> bool:
        """True when the signature comes back by another request."""


class ServerKey(KeyProvider, Protocol):
    """A key that this server can use by itself (seal, demonstration, tests)."""

    @property
    def certificate(self) -> bytes:
        """DER of the holder's certificate."""

    @property
    def chain(self) -> Sequence[bytes]:
        """DER of the issuing certificates, nearest first."""

    def sign(self, tbs: bytes) -> bytes:
        """The signature of `tbs`, hashed as `algorithms.of(certificate)` says."""


class ExternalKey(KeyProvider, Protocol):
    """The public half of a key that signs elsewhere; the signature comes back by another request."""

    @property
    def certificate(self) -> bytes:
        """DER of the holder's certificate."""

    @property
    def chain(self) -> Sequence[bytes]:
        """DER of the issuing certificates, nearest first; empty when the holder's side does not know them."""
