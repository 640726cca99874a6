"""Codes that are typed: of an application (TOTP, RFC 6238), and those of the drawer, for the day when all else is lost."""

import hmac
import secrets
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256

from app.core.security import secrets_known

DIGITS = 6
STEP = 30  # seconds that a code lasts (RFC 6238 §4.1)
WINDOW = 1  # steps before and after: clocks of telephones differ (RFC 6238 §5.2)
CODES = 10
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # 32 signs, none of which is taken for another one
_GROUPS, _GROUP = 7, 4
"""140 bits: nobody guesses one, so that a keyed hash is enough (ASVS 6.5.2, 11.5.1)."""
_GROUPS_BEFORE = 3
"""60 bits, of a drawing before migration 0050: what is kept of those is stretched by Argon2id, under a salt of the drawing."""
_NO_SALT = "00" * 16
_ISSUER = "Paraphe"


def new_secret() -> str:
    """Twenty octets in base32 (RFC 4226 §4, R6)."""
    import pyotp

    return pyotp.random_base32()


def address(key: str, login: str) -> str:
    """What the application reads: an `otpauth://` address with the account's name."""
    import pyotp

    return str(
        pyotp.TOTP(key, digits=DIGITS, interval=STEP).provisioning_uri(name=login, issuer_name=_ISSUER)
    )


def drawing(text: str) -> str:
    """The address as a QR code, an image that the page carries in itself (`data:image/svg+xml`)."""
    import segno

    return str(segno.make(text, error="m").svg_data_uri(scale=4, border=2, dark="#000", light="#fff"))


def step_of(key: str, typed: str, moment: datetime) -> int | None:
    """The step of 30 seconds whose code this is, the nearest first; None when it is none's. Spaces are forgiven."""
    import pyotp

    code = "".join(typed.split())
    if len(code) != DIGITS or not (code.isascii() and code.isdigit()):
        return None
    clock, right = pyotp.TOTP(key, digits=DIGITS, interval=STEP), None
    for step in _steps(int(moment.timestamp()) // STEP):
        if hmac.compare_digest(clock.at(step * STEP), code):
            right = step if right is None else right
    return right


def _steps(now: int) -> Iterator[int]:
    yield now
    for far in range(1, WINDOW + 1):
        yield now - far
        yield now + far


def new_recovery() -> list[str]:
    """Ten codes of seven groups of four signs, shown once."""
    return ["-".join(_group() for _ in range(_GROUPS)) for _ in range(CODES)]


def _group() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_GROUP))


def recovery_hash(typed: str) -> str | None:
    """What is kept of such a code: HMAC-SHA-256 under the installation's secret; None when it has not the shape of one."""
    known = recovery_hashes(typed)
    return known[0] if known else None


def recovery_hashes(typed: str) -> list[str]:
    """What may have been kept of such a code: under the secret of now, then under those that it replaced."""
    return _keyed(typed, _GROUPS)


def of_before(typed: str) -> bool:
    """Whether this has the shape of a shorter code, drawn before migration 0050."""
    return bool(_keyed(typed, _GROUPS_BEFORE))


def recovery_hashes_before(typed: str, salt: str | None) -> list[str]:
    """The same of a shorter code of before, stretched under the salt of its drawing (hexadecimal).

    It takes as long when there is no drawing of before (None), and then nobody keeps what it gives.
    """
    from argon2.low_level import Type, hash_secret_raw

    return [
        # The parameters of migration 0050, for ever (RFC 9106 §4, second recommended)
        hash_secret_raw(code.encode(), bytes.fromhex(salt or _NO_SALT), 3, 65536, 4, 32, Type.ID).hex()
        for code in _keyed(typed, _GROUPS_BEFORE)
    ]


def _keyed(typed: str, groups: int) -> list[str]:
    code = "".join(sign for sign in typed.upper() if sign in _LETTERS)
    if len(code) != groups * _GROUP or len(typed.strip()) > len(code) + groups + 1:
        return []
    return [hmac.new(key, b"recovery " + code.encode(), sha256).hexdigest() for key in secrets_known()]
