"""Random tokens kept only as hashes, and the headers that leave a hostile page nothing to do."""

import hashlib
import hmac
import secrets

from flask import Flask, Response, request

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
)

_secret: dict[str, bytes] = {}

HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def new_token() -> str:
    """A secret of 256 bits, safe in a URL."""
    return secrets.token_urlsafe(32)


def configure(secret: str) -> None:
    """Give the process the secret that derived tokens come from."""
    _secret["key"] = secret.encode()


def derived_token(nonce: str) -> str:
    """The token of a nonce: what a mail needs can be kept in the database without keeping the token itself."""
    return hmac.new(_secret["key"], nonce.encode(), hashlib.sha256).hexdigest()


def token_hash(token: str) -> str:
    """What the database keeps of a token: its SHA-256 in hexadecimal (a 256-bit secret needs no salt)."""
    return hashlib.sha256(token.encode()).hexdigest()


def protect(app: Flask) -> None:
    """Put the headers on every answer; pages of the product are never kept by a shared cache."""

    @app.after_request
    def _headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.endpoint != "static" or response.status_code >= 400:
            response.headers.setdefault("Cache-Control", "no-store")
        if request.is_secure:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        return response
