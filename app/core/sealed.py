"""Secrets that the database must keep readable: encrypted with a key drawn from the installation's own secret."""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.core.refusals import Refusal
from app.core.security import secret, secrets_known

_ABOUT = b"paraphe secrets at rest"
_MARK = "g1."
"""How what AES-256-GCM sealed begins; without it, it is of a release that used Fernet."""
_NONCE = 12


@lru_cache(maxsize=8)
def _drawn(key: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_ABOUT).derive(key)  # RFC 5869


def seal(text: str) -> str:
    """What the database keeps of a secret (AES-256-GCM, a new nonce of 96 bits each time; NIST SP 800-38D)."""
    nonce = os.urandom(_NONCE)
    closed = AESGCM(_drawn(secret())).encrypt(nonce, text.encode(), _ABOUT)
    return _MARK + urlsafe_b64encode(nonce + closed).decode()


def unseal(sealed: str) -> str:
    """The secret again; refuses `secret-unreadable` what no `PARAPHE_SECRET_KEY`, of now or former, has sealed."""
    for key in secrets_known():
        try:
            return _opened(_drawn(key), sealed)
        except (InvalidTag, InvalidToken, ValueError):
            continue
    raise Refusal("secret-unreadable")


def fresh(sealed: str) -> bool:
    """Whether the key of now sealed it, in the manner of now: nothing else is needed to read it."""
    if not sealed.startswith(_MARK):
        return False
    try:
        _opened(_drawn(secret()), sealed)
    except (InvalidTag, ValueError):
        return False
    return True


def _opened(key: bytes, sealed: str) -> str:
    if not sealed.startswith(_MARK):
        return Fernet(urlsafe_b64encode(key)).decrypt(sealed.encode()).decode()
    raw = urlsafe_b64decode(sealed.removeprefix(_MARK))
    return AESGCM(key).decrypt(raw[:_NONCE], raw[_NONCE:], _ABOUT).decode()
