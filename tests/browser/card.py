"""Web eID's extension, emulated with the shapes of its real messages: it listens in the page, a Python key signs."""

from base64 import b64decode, b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
from playwright.sync_api import Page

from app.trust.algorithms import HASHES
from demo.pki import TestPki

# The acknowledgement comes from the page's side, as from a content script; the rest from the other side of the bridge.
EXTENSION = """
window.addEventListener("message", async ({ source, origin, data }) => {
  if (source !== window || !/^web-eid:(status|get-signing-certificate|sign)$/.test(data?.action)) return;
  window.postMessage({ action: `${data.action}-ack` }, origin);
  const answer = await window.webEidNative(data);
  if (answer) window.postMessage(answer, origin);
});
"""


class Card:
    """A card in its reader. `fails` gives, for an action, the code of the failure that the extension answers."""

    def __init__(self, page: Page, pki: TestPki, label: str) -> None:
        bag = load_pkcs12(pki.p12(label).read_bytes(), pki.passphrase)
        self.key, self.certificate = bag.key, pki.certificate(label)
        self.curve = isinstance(self.key, EllipticCurvePrivateKey)
        self.fails: dict[str, str] = {}
        self.silent: set[str] = set()
        self.pss = False
        self.asked: list[dict[str, Any]] = []
        page.expose_function("webEidNative", self.answer)
        page.add_init_script(EXTENSION)

    def answer(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """What the extension answers, or None when it stays silent."""
        self.asked.append(message)
        action = message["action"].removeprefix("web-eid:")
        if action in self.silent:
            return None
        if action in self.fails:
            error = {"code": self.fails[action], "message": "…", "name": "Error", "stack": ""}
            return {"action": f"{message['action']}-failure", "error": error}
        said = {"status": self.status, "get-signing-certificate": self.show, "sign": self.sign}[action](
            message
        )
        return {"action": f"{message['action']}-success", **said}

    def status(self, message: dict[str, Any]) -> dict[str, Any]:
        return {"library": message["libraryVersion"], "extension": "2.3.1", "nativeApp": "2.6.0+0"}

    def algorithm(self, hash_function: str) -> dict[str, str]:
        padding = "NONE" if self.curve else "PSS" if self.pss else "PKCS1.5"
        return {
            "cryptoAlgorithm": "ECC" if self.curve else "RSA",
            "hashFunction": hash_function,
            "paddingScheme": padding,
        }

    def show(self, message: dict[str, Any]) -> dict[str, Any]:
        names = ("SHA-224", "SHA-256", "SHA-384", "SHA-512", "SHA3-256")
        listed = [
            {**self.algorithm(one), **({} if self.curve else {"paddingScheme": "PKCS1.5"})} for one in names
        ]
        return {
            "certificate": b64encode(self.certificate).decode(),
            "supportedSignatureAlgorithms": listed,
        }

    def sign(self, message: dict[str, Any]) -> dict[str, Any]:
        hash_function = message["hashFunction"]
        assert b64decode(message["certificate"]) == self.certificate
        digest, algorithm = b64decode(message["hash"]), HASHES[hash_function.lower().replace("-", "")]
        if self.curve:
            r, s = decode_dss_signature(self.key.sign(digest, ECDSA(Prehashed(algorithm))))
            size = self.key.key_size // 8
            signature = r.to_bytes(size) + s.to_bytes(size)
        else:
            padding = PSS(MGF1(algorithm), algorithm.digest_size) if self.pss else PKCS1v15()
            signature = self.key.sign(digest, padding, Prehashed(algorithm))
        return {
            "signature": b64encode(signature).decode(),
            "signatureAlgorithm": self.algorithm(hash_function),
        }
