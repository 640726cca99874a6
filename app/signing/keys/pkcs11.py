"""A key that never leaves a security module (HSM, token): the seal, asked over PKCS#11 v2.40.

One session for each process, opened at the first use, hence after the fork; a session that was lost is opened again,
once for each signature. The PIN is kept in a `SecretStr` and handed to the module where it logs in, nowhere else.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

import pkcs11
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from pkcs11 import Attribute, Mechanism, ObjectClass, PKCS11Error
from pkcs11 import exceptions as said
from pydantic import SecretStr

from app.core.refusals import Refusal
from app.trust import algorithms

Answer = TypeVar("Answer")
WRONG_PIN = (said.PinIncorrect, said.PinInvalid, said.PinLenRange, said.PinExpired, said.PinLocked)
# DER of DigestInfo before the hash (RFC 8017 §9.2, note 1), which CKM_RSA_PKCS leaves to its caller
DIGEST_INFO = {
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}
PAUSES = (0.1, 0.3, 0.6, 1.0)  # seconds before a token that is not there is looked for again


@dataclass
class _Process:
    """What this process has of PKCS#11. A child of a fork has nothing of it (§6.6.1) and starts anew.

    `turn`: one caller at a time, because python-pkcs11 starts the module without locks of its own (C_Initialize
    with NULL, §5.4). `life`: grows when a module restarts: a handle of an earlier life may be another object's.
    `refused`: the PINs that a token refused, by their hash; none is shown twice, or the token would lock itself.
    """

    turn: Any = field(default_factory=RLock)
    life: int = 0
    started: set[str] = field(default_factory=set)
    refused: set[tuple[str, str, bytes]] = field(default_factory=set, repr=False)

    def module(self, path: str, *, restart: bool = False) -> Any:
        """The module at that path, started; the caller has the turn."""
        if restart or path not in self.started:
            # A parent's fork left the library thinking that it is started; the module itself knows better
            known = pkcs11._loaded.get(path)  # noqa: SLF001 - python-pkcs11 0.9 has no other way to ask without starting
            if known is not None:
                with suppress(PKCS11Error):
                    known.finalize()
                self.life += 1
        library = pkcs11.lib(path)
        self.started.add(path)
        return library


_process = _Process()


def _born() -> None:
    _process.turn, _process.started = RLock(), set()


os.register_at_fork(after_in_child=_born)


@dataclass
class _Line:
    """The session with one token and the handle of one key in it; nothing is opened before the first use."""

    module: Path
    token: str
    label: str
    pin: SecretStr
    _session: Any = field(default=None, repr=False)
    _key: Any = field(default=None, repr=False)
    _life: tuple[int, int] = (0, -1)

    def use(self, work: Callable[[Any, Any], Answer]) -> Answer:
        """What `work` does with the session and the key; once more on a new session when the first one was lost.

        A token that is not there is looked for again for two seconds. Refuses `token-pin-refused`, `token-key-missing`,
        and `token-silent` when the second time fails too.
        """
        with _process.turn, _translated(self.token):
            try:
                return work(*self._open())
            except WRONG_PIN:
                raise
            except PKCS11Error:
                self._session = None
            for pause in PAUSES:
                try:
                    return work(*self._open(restart=True))
                except said.NoSuchToken:
                    # Several processes that start a module together may each miss its tokens for a moment (SoftHSM)
                    time.sleep(pause)
            return work(*self._open(restart=True))

    def _open(self, *, restart: bool = False) -> tuple[Any, Any]:
        module = _process.module(str(self.module), restart=restart)
        life = (os.getpid(), _process.life)
        if self._session is None or self._life != life:
            self._session = self._log_in(module.get_token(token_label=self.token))
            self._key, self._life = self._private(self._session), life
        return self._session, self._key

    def _log_in(self, token: Any) -> Any:
        mark = hashlib.sha256(self.pin.get_secret_value().encode()).digest()
        attempt = (str(self.module), self.token, mark)
        if attempt in _process.refused:
            raise Refusal("token-pin-refused", token=self.token)
        try:
            return token.open(user_pin=self.pin.get_secret_value())
        except said.UserAlreadyLoggedIn:
            return (
                token.open()
            )  # another key of this process is logged in: the login is the process's (§6.7.4)
        except WRONG_PIN:
            _process.refused.add(attempt)
            raise

    def _private(self, session: Any) -> Any:
        wanted = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.LABEL: self.label}
        keys = list(session.get_objects(wanted))
        if len(keys) != 1:
            raise Refusal("token-key-missing", label=self.label, token=self.token)
        return keys[0]


@contextmanager
def _translated(token: str) -> Iterator[None]:
    """Say in French what a module answers by a number; a number never holds the PIN."""
    try:
        yield
    except WRONG_PIN as error:
        raise Refusal("token-pin-refused", token=token) from error
    except (said.NoSuchToken, said.MultipleTokensReturned) as error:
        raise Refusal("token-silent", why=f"jeton « {token} » introuvable") from error
    except PKCS11Error as error:
        raise Refusal("token-silent", why=type(error).__name__) from error


@dataclass(frozen=True)
class Pkcs11Key:
    """A key of a security module, its certificate and the certificates above it (DER, nearest first)."""

    certificate: bytes = field(repr=False)
    chain: tuple[bytes, ...] = field(repr=False)
    digest: str
    _line: _Line = field(repr=False, compare=False)
    name: str = "pkcs11"
    external: bool = False

    @classmethod
    def open(cls, module: Path, token: str, label: str, pin: SecretStr) -> "Pkcs11Key":
        """The key named `label` in the token named `token`, with the certificate of the same CKA_ID (else label).

        Refuses `token-silent`, `token-pin-refused`, `token-key-missing` unless there is exactly one key and one
        certificate, and the weak keys of `algorithms.of`.
        """
        line = _Line(module, token, label, pin)
        own, others = line.use(lambda session, key: _certificates(session, key, label))
        if own is None:
            raise Refusal("token-key-missing", label=label, token=token)
        certificate = own.public_bytes(Encoding.DER)
        above = tuple(issuer.public_bytes(Encoding.DER) for issuer in _above(own, others))
        return cls(certificate, above, algorithms.of(certificate).digest, line)

    def sign(self, tbs: bytes) -> bytes:
        """The signature of `tbs`, hashed with `digest`: PKCS#1 v1.5 for RSA, DER of (r, s) for an elliptic curve."""
        curve = algorithms.of(self.certificate).curve
        return self._line.use(lambda _, key: _signature(key, tbs, self.digest, curve))


def _signature(key: Any, tbs: bytes, digest: str, curve: str | None) -> bytes:
    """Hashed here, signed there: the raw mechanisms are those that every module has (SoftHSM has no CKM_ECDSA_SHA256)."""
    hashed = hashlib.new(digest, tbs).digest()
    if curve is None:
        return bytes(key.sign(DIGEST_INFO[digest] + hashed, mechanism=Mechanism.RSA_PKCS))
    raw = bytes(key.sign(hashed, mechanism=Mechanism.ECDSA))
    half = len(raw) // 2
    return encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))


def _certificates(
    session: Any, key: Any, label: str
) -> tuple[x509.Certificate | None, tuple[x509.Certificate, ...]]:
    """The key's certificate, None unless exactly one is its own, and all that the token holds."""
    try:
        identity = bytes(key[Attribute.ID])
    except said.AttributeTypeInvalid:
        identity = b""
    certificates: list[tuple[bytes, str, x509.Certificate]] = []
    for entry in session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE}):
        with suppress(ValueError):
            parsed = x509.load_der_x509_certificate(bytes(entry[Attribute.VALUE]))
            certificates.append((bytes(entry[Attribute.ID]), str(entry[Attribute.LABEL]), parsed))
    own = [certificate for ident, _, certificate in certificates if identity and ident == identity]
    own = own or [certificate for _, name, certificate in certificates if name == label]
    return (own[0] if len(own) == 1 else None), tuple(certificate for _, _, certificate in certificates)


def _above(leaf: x509.Certificate, others: tuple[x509.Certificate, ...]) -> Iterator[x509.Certificate]:
    """The issuers of `leaf` among `others`, nearest first, the root included when it is there."""
    below, left = leaf, [other for other in others if other != leaf]
    while below.issuer != below.subject:
        issuer = next((candidate for candidate in left if _issued(below, candidate)), None)
        if issuer is None:
            return
        yield issuer
        left.remove(issuer)
        below = issuer


def _issued(below: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        below.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
