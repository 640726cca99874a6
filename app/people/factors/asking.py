"""The questions put to a browser: drawn on the server, good once, for five minutes, and for what was shown then."""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db
from app.core.security import new_token, token_hash
from app.people.models import Challenge, Factor

LIVES = timedelta(minutes=5)


def factors_of(db: Db, person_id: int | None) -> list[Factor]:
    """The factors that a person has, the oldest first."""
    query = sa.select(Factor).where(Factor.person_id == person_id, Factor.removed_at.is_(None))
    return list(db.scalars(query.order_by(Factor.id)))


def passkeys_of(db: Db, person_id: int | None) -> list[Factor]:
    """Those that are keys."""
    return [factor for factor in factors_of(db, person_id) if factor.kind == "passkey"]


def drawn(nonce: bytes, documents: Sequence[str] | None) -> bytes:
    """What a key signs: the nonce, or SHA-256(nonce ‖ the digests of what is shown, sorted, 32 octets each)."""
    if documents is None:
        return nonce
    return sha256(nonce + b"".join(bytes.fromhex(digest) for digest in sorted(documents))).digest()


def ask(
    db: Db,
    purpose: str,
    *,
    person_id: int | None = None,
    session_id: int | None = None,
    documents: Sequence[str] | None = None,
    secret: str | None = None,
    password_seen: str | None = None,
    days: int | None = None,
) -> tuple[str, bytes]:
    """A new question: the token by which its answer names it, and what a key has to sign. Old ones are forgotten."""
    moment = now()
    db.execute(sa.delete(Challenge).where(Challenge.expires_at < moment - LIVES))
    token, nonce = new_token(), secrets.token_bytes(32)
    value = drawn(nonce, documents)
    db.add(
        Challenge(
            token_hash=token_hash(token),
            purpose=purpose,
            value=urlsafe_b64encode(value).decode(),
            nonce=nonce.hex(),
            person_id=person_id,
            session_id=session_id,
            documents=None if documents is None else sorted(documents),
            secret=secret,
            password_seen=password_seen,
            days=days,
            expires_at=moment + LIVES,
        )
    )
    return token, value


def open_one(db: Db, token: str, purpose: str) -> Challenge | None:
    """The question of this token, while it may still be answered."""
    query = sa.select(Challenge).where(
        Challenge.token_hash == token_hash(token),
        Challenge.purpose == purpose,
        Challenge.used_at.is_(None),
        Challenge.expires_at > now(),
    )
    return db.scalar(query)


def spend(db: Db, challenge_id: int) -> bool:
    """Take the answer of a question: once, whatever arrives at the same moment."""
    query = sa.update(Challenge).where(Challenge.id == challenge_id, Challenge.used_at.is_(None))
    # Of an UPDATE, the driver's result has the count of rows
    return bool(db.execute(query.values(used_at=now())).rowcount)  # type: ignore[attr-defined]


def value_of(challenge: Challenge) -> bytes:
    """What its key has to sign."""
    return urlsafe_b64decode(challenge.value)
