"""Debian's Chromium, and its WebCrypto in a thread of its own: what the signing page does with a key, nothing else of it."""

import os
import shutil
from base64 import b64decode, b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from asn1crypto import pem
from playwright.sync_api import sync_playwright

from app.signing.keys import browser
from app.signing.ports import Prepared

SIGN = """async ([key, algorithm, tbs]) => {
  const bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const held = await crypto.subtle.importKey("pkcs8", bytes(key), algorithm, false, ["sign"]);
  const made = new Uint8Array(await crypto.subtle.sign(algorithm, held, bytes(tbs)));
  return btoa(String.fromCharCode(...made));
}"""


NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
"""Without a window first: the same engine for a third less of the processor."""


def executable() -> str:
    """The path of the browser that this machine has; says what to type where there is none."""
    path = next((path for name in NAMES if (path := shutil.which(name))), None)
    assert path, "Chromium n’est pas installé : apt-get install chromium-headless-shell (ou chromium)"
    return path


def options() -> list[str]:
    """What it is started with: its sandbox refuses to run as root."""
    return ["--no-sandbox"] if os.geteuid() == 0 else []


class Chromium:
    """One browser for several keys; `sign` answers what WebCrypto does: PKCS#1 v1.5 for RSA, r‖s for a curve."""

    def __init__(self) -> None:
        # Playwright keeps the asyncio loop of its thread, and our own code starts loops: they do not share one
        self._thread = ThreadPoolExecutor(1)
        self._thread.submit(self._open).result(60)

    def _open(self) -> None:
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(executable_path=executable(), args=options())
        self._page = self._browser.new_page()
        # WebCrypto is for secure origins only; nothing is listening there
        self._page.route(
            "**/*", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html")
        )
        self._page.goto("http://localhost:1/")

    def sign(self, key: Path, certificate: bytes, tbs: bytes) -> bytes:
        """The signature of `tbs` by a PKCS#8 key in PEM, hashed as the page is asked to (`keys.browser.question`)."""
        asked: dict[str, Any] = browser.question(Prepared("", tbs, b"", 0, 0, "sha256"), certificate)
        secret = b64encode(pem.unarmor(key.read_bytes())[2]).decode()
        said = [secret, asked["algorithm"], asked["tbs"]]
        made = self._thread.submit(lambda: self._page.evaluate(SIGN, said)).result(60)
        return b64decode(made)

    def close(self) -> None:
        def end() -> None:
            self._browser.close()
            self._playwright.stop()

        self._thread.submit(end).result(60)
        self._thread.shutdown()
