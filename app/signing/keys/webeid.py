"""A key on a smart card or a token, reached by the page through the Web eID extension: what it is asked, what it may answer.

The messages are those of Web eID's extension, version 2 (github.com/web-eid/web-eid.js, « src/models/message »). A card
gives its certificate alone, signs a hash, and says with which algorithm it did.
"""

import hashlib
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.refusals import Refusal
from app.signing.ports import Prepared
from app.trust import algorithms

LARGEST_CERTIFICATE, LARGEST_SIGNATURE, MOST_ALGORITHMS = 16 * 1024, 2048, 64
ALGORITHM = ("cryptoAlgorithm", "hashFunction", "paddingScheme")


@dataclass(frozen=True)
class WebEidKey:
    """The public half of a card's key (DER); `chain` is empty, the issuers are looked for by `trust.issuers_of`."""

    certificate: bytes
    chain: tuple[bytes, ...] = ()
    name: str = "webeid"
    external: bool = True


def read_key(offer: Mapping[str, Any]) -> WebEidKey:
    """The key of the card that the page shows: `certificate` and `supportedSignatureAlgorithms` of Web eID's answer.

    Refuses `card-answer-invalid`, `card-algorithm-missing` when the card cannot sign as its key must, and what
    `algorithms.of` refuses.
    """
    certificate = _bytes(offer.get("certificate"), LARGEST_CERTIFICATE, "certificat")
    listed = offer.get("supportedSignatureAlgorithms")
    if not isinstance(listed, list) or len(listed) > MOST_ALGORITHMS:
        raise Refusal("card-answer-invalid", what="algorithmes")
    wanted = signature_algorithm(certificate)
    if wanted not in [_algorithm(entry) for entry in listed]:
        raise Refusal("card-algorithm-missing", wanted=_label(wanted))
    return WebEidKey(certificate)


def signature_algorithm(certificate: bytes) -> dict[str, str]:
    """How the key of this certificate signs, in Web eID's words: PKCS#1 v1.5 for RSA, no padding for a curve."""
    facts = algorithms.of(certificate)
    return {
        "cryptoAlgorithm": "RSA" if facts.curve is None else "ECC",
        "hashFunction": facts.digest.upper().replace("SHA", "SHA-"),
        "paddingScheme": "PKCS1.5" if facts.curve is None else "NONE",
    }


def question(prepared: Prepared, certificate: bytes) -> dict[str, Any]:
    """What the extension is asked for one document: the hash in base64, and the algorithm that it must answer with."""
    return {
        "hash": b64encode(hashlib.new(prepared.algorithm, prepared.attributes).digest()).decode(),
        "signatureAlgorithm": signature_algorithm(certificate),
    }


def read_signature(answer: Mapping[str, Any], certificate: bytes) -> bytes:
    """The signature value of Web eID's answer, r‖s for a curve, made with the algorithm that was asked.

    Refuses `card-answer-invalid`, and `card-algorithm-other` for another key, hash or padding (PSS above all: the
    signed attributes already say PKCS#1 v1.5).
    """
    signature = _bytes(answer.get("signature"), LARGEST_SIGNATURE, "signature")
    algorithm = _algorithm(answer.get("signatureAlgorithm"))
    if algorithm != signature_algorithm(certificate):
        raise Refusal("card-algorithm-other", said=_label(algorithm))
    return signature


def _algorithm(entry: Any) -> dict[str, str]:
    if not isinstance(entry, Mapping):
        raise Refusal("card-answer-invalid", what="algorithme")
    algorithm = {name: entry.get(name) for name in ALGORITHM}
    if not all(isinstance(value, str) and len(value) <= 16 for value in algorithm.values()):
        raise Refusal("card-answer-invalid", what="algorithme")
    return {name: str(value) for name, value in algorithm.items()}


def _label(algorithm: Mapping[str, str]) -> str:
    return " ".join(algorithm[name] for name in ALGORITHM if algorithm[name] != "NONE")


def _bytes(text: Any, most: int, label: str) -> bytes:
    if not isinstance(text, str) or not text or len(text) > most * 4 // 3 + 4:
        raise Refusal("card-answer-invalid", what=label)
    try:
        return b64decode(text, validate=True)
    except (NotBase64, ValueError) as error:
        raise Refusal("card-answer-invalid", what=label) from error
