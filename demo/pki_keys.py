"""Certomancer's cryptography for keys that we made ourselves: each is read once, and never proved prime again."""

from functools import lru_cache

from asn1crypto import algos, keys, pem
from certomancer import crypto_utils
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)


class KnownKeys(crypto_utils.PycaCryptographyBackend):
    """The same answers as Certomancer's own, without reading an RSA key anew (80 ms) for each CRL, receipt and timestamp."""

    def load_private_key(
        self, key_bytes: bytes, password: bytes | None
    ) -> tuple[keys.PrivateKeyInfo, keys.PublicKeyInfo]:
        """A key and its public part, as Certomancer reads them."""
        return _loaded(key_bytes, password)

    def generic_sign(
        self, private_key: keys.PrivateKeyInfo, tbs_bytes: bytes, sd_algo: algos.SignedDigestAlgorithm
    ) -> bytes:
        """The signature of these bytes; what the test PKI does not use is left to Certomancer."""
        key, kind = _private(private_key.dump()), sd_algo.signature_algo
        if isinstance(key, rsa.RSAPrivateKey) and kind == "rsassa_pkcs1v15":
            return key.sign(tbs_bytes, padding.PKCS1v15(), _hash(sd_algo))
        if isinstance(key, ec.EllipticCurvePrivateKey) and kind == "ecdsa":
            return key.sign(tbs_bytes, ec.ECDSA(_hash(sd_algo)))
        return super().generic_sign(private_key, tbs_bytes, sd_algo)


def use_known_keys() -> None:
    """From here Certomancer keeps in this process the keys that it has read."""
    if not isinstance(crypto_utils.CRYPTO_BACKEND, KnownKeys):
        crypto_utils.CRYPTO_BACKEND = KnownKeys()


def _hash(sd_algo: algos.SignedDigestAlgorithm) -> hashes.HashAlgorithm:
    algorithm: hashes.HashAlgorithm = getattr(hashes, sd_algo.hash_algo.upper())()
    return algorithm


@lru_cache(maxsize=256)
def _loaded(key_bytes: bytes, password: bytes | None) -> tuple[keys.PrivateKeyInfo, keys.PublicKeyInfo]:
    load = load_pem_private_key if pem.detect(key_bytes) else load_der_private_key
    key = load(key_bytes, password, unsafe_skip_rsa_key_validation=True)
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return keys.PrivateKeyInfo.load(private), keys.PublicKeyInfo.load(public)


@lru_cache(maxsize=256)
def _private(der: bytes) -> PrivateKeyTypes:
    return load_der_private_key(der, password=None, unsafe_skip_rsa_key_validation=True)
