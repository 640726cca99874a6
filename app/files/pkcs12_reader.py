"""The copy of a process that opens one untrusted PKCS#12: its cost is chosen by who wrote the file (RFC 7292 §5, iterations).

Asked by `app.files.pkcs12`, in the room of `app.files.confined`.
"""

from base64 import b64decode
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

# What begins a PKCS#12: a SEQUENCE (RFC 7292 §4), whose fault is then that of its passphrase
_SEQUENCE = b"\x30"


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """Open `data` (base64) with `passphrase`: `key`, `certificate` and `chain` in PEM, empty where there is none.

    `why` says what stands against it: « passphrase » or « unreadable », else nothing.
    """
    data, passphrase = b64decode(question["data"]), str(question["passphrase"]).encode()
    try:
        key, certificate, chain = pkcs12.load_key_and_certificates(data, passphrase or None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return {"why": "passphrase" if data[:1] == _SEQUENCE else "unreadable"}
    return {
        "why": "",
        "key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode() if key else "",
        "certificate": certificate.public_bytes(Encoding.PEM).decode() if certificate else "",
        "chain": "".join(issuer.public_bytes(Encoding.PEM).decode() for issuer in chain),
    }
