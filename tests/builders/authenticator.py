"""A passkey without a screen: a P-256 key that answers as WebAuthn Level 3 says, for the verbs; Chromium's own is in tests/browser."""

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def text(octets: bytes) -> str:
    """In base64url, without padding."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def octets(text: str) -> bytes:
    """The octets again."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Authenticator:
    """One key for one site; `verified`: whether it recognises its holder; `origin`: the page that asks."""

    def __init__(self, origin: str = "http://localhost") -> None:
        self.origin, self.count, self.verified = origin, 0, True
        self.number = os.urandom(32)
        self._key = ec.generate_private_key(ec.SECP256R1())

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _data(self, host: str, flags: int) -> bytes:
        self.count += 1
        flags |= PRESENT | (VERIFIED if self.verified else 0)
        return sha256(host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def create(self, question: dict[str, Any]) -> str:
        """The answer to `navigator.credentials.create`, as the page sends it."""
        options = question["options"]
        point = self._key.public_key().public_numbers()
        key = cbor2.dumps(
            {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        )
        named = bytes(16) + len(self.number).to_bytes(2, "big") + self.number + key
        data = self._data(options["rp"]["id"], ATTESTED) + named
        attested = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {
            "clientDataJSON": text(self._client("webauthn.create", options["challenge"])),
            "attestationObject": text(attested),
            "transports": ["internal"],
        }
        return self._answer(question["token"], response)

    def get(self, question: dict[str, Any]) -> str:
        """The answer to `navigator.credentials.get`, as the page sends it."""
        options = question["options"]
        client = self._client("webauthn.get", options["challenge"])
        data = self._data(options["rpId"], 0)
        made = self._key.sign(data + sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": text(client),
            "authenticatorData": text(data),
            "signature": text(made),
            "userHandle": None,
        }
        return self._answer(question["token"], response)

    def _answer(self, token: str, response: dict[str, Any]) -> str:
        number = text(self.number)
        credential = {
            "id": number,
            "rawId": number,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
        }
        return json.dumps({"token": token, "credential": credential})
