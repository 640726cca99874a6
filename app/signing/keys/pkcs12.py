"""A key in a PKCS#12 file of the server: opened once, for the seal, the demonstration and the tests."""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from app.core.refusals import Refusal
from app.trust import algorithms


@dataclass(frozen=True)
class Pkcs12Key:
    """The key, its certificate and the certificates above it (DER, nearest first)."""

    certificate: bytes = field(repr=False)
    chain: tuple[bytes, ...] = field(repr=False)
    digest: str
    _key: algorithms.PrivateKey = field(repr=False, compare=False)
    name: str = "pkcs12"
    external: bool = False

    @classmethod
    def load(cls, path: Path, passphrase: bytes) -> "Pkcs12Key":
        """The key of that file, parsed once for each version of the file.

        Refuses `passphrase-wrong`, `key-file-unreadable`, `key-file-empty`, and the weak keys of `algorithms.of`.
        """
        try:
            status = path.stat()
        except OSError as error:
            raise Refusal("key-file-unreadable") from error
        return _load(path, passphrase, status.st_mtime_ns, status.st_size)

    def sign(self, tbs: bytes) -> bytes:
        """The signature of `tbs`, hashed with `digest`."""
        return algorithms.sign(self._key, tbs, self.digest)


@lru_cache(maxsize=16)
def _load(path: Path, passphrase: bytes, modified: int, size: int) -> Pkcs12Key:
    # OpenSSL checks the primes at every parsing: 29 ms for RSA-2048, 200 ms for RSA-4096, so the parsed key is kept
    del modified, size  # only there to reopen a file that was replaced
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Refusal("key-file-unreadable") from error
    try:
        bag = load_pkcs12(data, passphrase)
    except UnsupportedAlgorithm as error:
        raise Refusal("key-file-unreadable") from error
    except ValueError as error:
        key = "passphrase-wrong" if "password" in str(error).lower() else "key-file-unreadable"
        raise Refusal(key) from error
    if bag.cert is None or not isinstance(bag.key, RSAPrivateKey | EllipticCurvePrivateKey):
        raise Refusal("key-file-empty")
    certificate = bag.cert.certificate.public_bytes(Encoding.DER)
    chain = tuple(issuer.certificate.public_bytes(Encoding.DER) for issuer in bag.additional_certs)
    return Pkcs12Key(certificate, chain, algorithms.of(certificate).digest, bag.key)
