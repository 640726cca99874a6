"""A key that never leaves the person's browser: what the page is asked, and what it may answer."""

import hashlib
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.refusals import Refusal
from app.signing.ports import Prepared
from app.trust import algorithms

LARGEST_CERTIFICATE, LONGEST_CHAIN = 16 * 1024, 8
LARGEST_SIGNATURE = 2048  # bytes; RSA 16384 bits


@dataclass(frozen=True)
class BrowserKey:
    """The public half of a key opened in the page (DER); nothing here can sign."""

    certificate: bytes
    chain: tuple[bytes, ...]
    name: str = "browser"
    external: bool = True


def read_key(offer: Mapping[str, Any]) -> BrowserKey:
    """The key that the page offers: `certificate` and `chain` in base64 of DER.

    Refuses `browser-answer-invalid`, `certificate-unreadable`, and the weak or unknown keys of `algorithms.of`.
    """
    chain = offer.get("chain", [])
    if not isinstance(chain, Sequence) or isinstance(chain, str) or len(chain) > LONGEST_CHAIN:
        raise Refusal("browser-answer-invalid", what="chaîne de certificats")
    certificate = _bytes(offer.get("certificate"), LARGEST_CERTIFICATE, "certificat")
    algorithms.of(certificate)
    return BrowserKey(
        certificate, tuple(_bytes(der, LARGEST_CERTIFICATE, "chaîne de certificats") for der in chain)
    )


def question(prepared: Prepared, certificate: bytes) -> dict[str, Any]:
    """What the page needs to sign one document: the bytes for WebCrypto, their hash for a card, the algorithm."""
    return {
        "tbs": b64encode(prepared.attributes).decode(),
        "hash": b64encode(hashlib.new(prepared.algorithm, prepared.attributes).digest()).decode(),
        "algorithm": web_crypto(certificate),
    }


def web_crypto(certificate: bytes) -> dict[str, str]:
    """The names that WebCrypto gives to the key's algorithm (W3C Web Cryptography API §20, §23)."""
    facts = algorithms.of(certificate)
    digest = facts.digest.upper().replace("SHA", "SHA-")
    if facts.curve is None:
        return {"name": "RSASSA-PKCS1-v1_5", "hash": digest}
    return {"name": "ECDSA", "namedCurve": facts.curve, "hash": digest}


def read_signature(text: Any) -> bytes:
    """The signature value that the page answers in base64; refuses `browser-answer-invalid`."""
    return _bytes(text, LARGEST_SIGNATURE, "signature")


def _bytes(text: Any, most: int, label: str) -> bytes:
    if not isinstance(text, str) or len(text) > most * 4 // 3 + 4:
        raise Refusal("browser-answer-invalid", what=label)
    try:
        value = b64decode(text, validate=True)
    except (NotBase64, ValueError) as error:
        raise Refusal("browser-answer-invalid", what=label) from error
    if not value:
        raise Refusal("browser-answer-invalid", what=label)
    return value
