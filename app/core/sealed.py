"""Secrets that the database must keep readable: encrypted with a key drawn from the installation's own secret."""

from base64 import urlsafe_b64encode
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.core.refusals import Refusal
from app.core.security import secret

_ABOUT = b"paraphe secrets at rest"


@lru_cache(maxsize=4)
def _box(key: bytes) -> Fernet:
    drawn = HKDF(algorithm=SHA256(), length=32, salt=None, info=_ABOUT).derive(key)  # RFC 5869
    return Fernet(urlsafe_b64encode(drawn))


def seal(text: str) -> str:
    """What the database keeps of a secret (Fernet: AES-128-CBC and HMAC-SHA-256)."""
    return _box(secret()).encrypt(text.encode()).decode()


def unseal(kept: str) -> str:
    """The secret again; refuses `secret-unreadable` what another `PARAPHE_SECRET_KEY` sealed."""
    try:
        return _box(secret()).decrypt(kept.encode()).decode()
    except InvalidToken as error:
        raise Refusal("secret-unreadable") from error
