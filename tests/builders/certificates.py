"""Certificates that nobody vouches for, with the names that a test wants on them."""

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from app.core.clock import now

OIDS = {
    "common_name": NameOID.COMMON_NAME,
    "surname": NameOID.SURNAME,
    "given_name": NameOID.GIVEN_NAME,
    "pseudonym": NameOID.PSEUDONYM,
}


def named(**names: str) -> bytes:
    """A self-signed certificate (DER) whose subject has these attributes."""
    key = generate_private_key(SECP256R1())
    subject = x509.Name([x509.NameAttribute(OIDS[name], value) for name, value in names.items()])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.DER)
