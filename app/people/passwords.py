"""Passwords: Argon2id, a few at a time in each process, and never while a transaction is open.

A hash takes a tenth of a second and 64 MiB on purpose. Inside a transaction it would hold every other writer of an SQLite
base for as long, and a handful of wrong passwords a second would stop the house.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.core.refusals import Refusal
from app.core.security import new_token
from app.core.transaction import running
from app.people import breached

AT_ONCE = 2
"""Hashes that one process computes at once; `serve` gives four threads to each, so that others read meanwhile."""
WAITING = 1
"""Who may wait besides; the next one is told at once (`passwords-busy`), and holds no thread."""
PATIENCE = 2.0
"""Seconds that he waits."""
MINIMUM = 12
FEWEST_GUESSES = 10**9
"""What a password must resist: below, it is found in lists, names and runs of keys long before it is searched."""
_LOOKED_AT = 72  # characters: the library takes no more, and what follows only makes a password better

SHORTEST_WORD = 2
OURS = ("paraphe", "parapheur", "mairie", "commune")
_PARTS = re.compile(r"[^\w]+|_")
_places, _turns = BoundedSemaphore(AT_ONCE + WAITING), BoundedSemaphore(AT_ONCE)


@lru_cache(maxsize=1)
def hasher() -> PasswordHasher:
    """Argon2id with the library's own parameters (RFC 9106, low-memory profile)."""
    return PasswordHasher()


@lru_cache(maxsize=1)
def _nobody() -> str:
    """A hash that no password opens, so that an unknown login takes the same time as a wrong password."""
    return hasher().hash(new_token())


@contextmanager
def turn() -> Iterator[None]:
    """A place among the few that hash at once, never inside a transaction; refuses `passwords-busy` when all are taken."""
    if verb := running():
        raise RuntimeError(f"a password is hashed inside the transaction of {verb}")
    if not _places.acquire(blocking=False):
        raise Refusal("passwords-busy")
    try:
        if not _turns.acquire(timeout=PATIENCE):
            raise Refusal("passwords-busy")
        try:
            yield
        finally:
            _turns.release()
    finally:
        _places.release()


def matches(stored: str | None, password: str) -> bool:
    """Whether this is the password; it takes as long when nothing is stored. Refuses `passwords-busy`."""
    with turn():
        try:
            return hasher().verify(stored or _nobody(), password) and bool(stored)
        except (VerificationError, InvalidHashError):
            return False


def refuse_guessable(password: str, particulars: Iterable[str]) -> None:
    """Refuse `password-guessable`: one of a list, a run of keys, or made of these words (a person's own, the commune's).

    Nobody is asked: the lists are the library's (zxcvbn, Dan Lowe Wheeler, USENIX Security 2016). For what a person
    chooses; a password that we draw needs no such look.
    """
    from zxcvbn import zxcvbn

    own = [part for word in particulars for part in (word, *_PARTS.split(word)) if len(part) > SHORTEST_WORD]
    if zxcvbn(password[:_LOOKED_AT], user_inputs=own)["guesses"] < FEWEST_GUESSES:
        raise Refusal("password-guessable")


def hashed(password: str, *, chosen_by: Iterable[str] | None = None) -> str:
    """What is kept of a password. Refuses `password-weak` under twelve characters, and `passwords-busy`.

    `chosen_by`: the words of the person who chose it; refuses then what is guessed (`refuse_guessable`), and
    `password-breached` what stands in the operator's file of stolen ones.
    """
    if len(password) < MINIMUM:
        raise Refusal("password-weak")
    if chosen_by is not None:
        refuse_guessable(password, (*chosen_by, *OURS))
        if breached.known(password):
            raise Refusal("password-breached")
    return _hash(password)


def renewed(stored: str, password: str) -> str | None:
    """What to keep instead, of a password that was just verified, where it was hashed with other parameters."""
    return _hash(password) if hasher().check_needs_rehash(stored) else None


def _hash(password: str) -> str:
    with turn():
        return hasher().hash(password)
