"""Which keys may sign, with which hash, and whether a signature really is theirs."""

from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from app.core.refusals import Refusal

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey
PublicKey = RSAPublicKey | EllipticCurvePublicKey

MINIMUM_RSA_BITS = 2048  # ANSSI, Guide des mécanismes cryptographiques, RègleFact-1: 2048 until 2030
CURVES = {
    "secp256r1": ("P-256", "sha256"),
    "secp384r1": ("P-384", "sha384"),
    "secp521r1": ("P-521", "sha512"),
}
HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@dataclass(frozen=True)
class KeyFacts:
    """How a key signs: « RSA » or « EC », its curve by its WebCrypto name, the hash, the longest signature in bytes."""

    kind: str
    bits: int
    curve: str | None
    digest: str
    signature_size: int


@lru_cache(maxsize=256)
def _certificate(certificate: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(certificate)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Refusal("certificate-unreadable") from error


def public_key(certificate: bytes) -> PublicKey:
    """The public key of a DER certificate; refuses `certificate-unreadable` and `key-kind-unknown`."""
    try:
        key = _certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Refusal("key-kind-unknown", kind="inconnue") from error
    if isinstance(key, RSAPublicKey | EllipticCurvePublicKey):
        return key
    raise Refusal("key-kind-unknown", kind=type(key).__name__.removesuffix("PublicKey"))


def of(certificate: bytes) -> KeyFacts:
    """How the key of a DER certificate signs; refuses `key-weak` under RSA 2048 bits or outside P-256, P-384, P-521."""
    key = public_key(certificate)
    if isinstance(key, RSAPublicKey):
        if key.key_size < MINIMUM_RSA_BITS:
            raise Refusal("key-weak", strength=f"RSA {key.key_size} bits")
        return KeyFacts("RSA", key.key_size, None, "sha256", (key.key_size + 7) // 8)
    if key.curve.name not in CURVES:
        raise Refusal("key-weak", strength=f"courbe {key.curve.name}")
    curve, digest = CURVES[key.curve.name]
    # DER of two integers: sign byte, tag and length for each, and the outer header
    return KeyFacts("EC", key.key_size, curve, digest, 2 * ((key.key_size + 7) // 8 + 3) + 3)


def sign(key: PrivateKey, tbs: bytes, digest: str) -> bytes:
    """The signature of `tbs`: PKCS#1 v1.5 for RSA, DER of (r, s) for an elliptic curve."""
    algorithm = HASHES[digest]
    if isinstance(key, RSAPrivateKey):
        return key.sign(tbs, PKCS1v15(), algorithm)
    return key.sign(tbs, ECDSA(algorithm))


def _from_raw(key: PublicKey, signature: bytes) -> bytes:
    if isinstance(key, RSAPublicKey):
        return signature
    half = (key.key_size + 7) // 8
    if len(signature) != 2 * half:
        return signature
    return encode_dss_signature(int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))


def _verifies(key: PublicKey, signature: bytes, tbs: bytes, digest: str) -> bool:
    try:
        if isinstance(key, RSAPublicKey):
            key.verify(signature, tbs, PKCS1v15(), HASHES[digest])
        else:
            key.verify(signature, tbs, ECDSA(HASHES[digest]))
    except InvalidSignature:
        return False
    return True


def check_signature(certificate: bytes, signature: bytes, tbs: bytes, digest: str) -> bytes:
    """The signature in DER once it is proven to be that of `tbs` by the key of `certificate`.

    Refuses `hash-not-allowed` outside SHA-256, SHA-384 and SHA-512, and `signature-not-yours` when it is of another
    key or of other bytes (ETSI EN 319 102-1 §5.2.7).
    """
    if digest not in HASHES:
        raise Refusal("hash-not-allowed", digest=digest)
    key = public_key(certificate)
    # WebCrypto and cards return raw r‖s where CMS wants DER (RFC 5753 §2.1.1). A DER signature can have the length
    # of a raw one by chance, so both readings are tried and the proof decides.
    for candidate in dict.fromkeys((signature, _from_raw(key, signature))):
        if _verifies(key, candidate, tbs, digest):
            return candidate
    raise Refusal("signature-not-yours")
