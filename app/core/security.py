"""Random tokens kept only as hashes, and the headers that leave a hostile page nothing to do."""

import hashlib
import hmac
import secrets
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from flask import Flask, Response, request
from flask.sessions import SecureCookieSessionInterface
from pydantic import SecretStr

from app.core.refusals import Refusal

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
)

_secret: dict[str, bytes] = {}
_former: list[bytes] = []

SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}
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


class Cookies(SecureCookieSessionInterface):
    """Flask's own cookie of a session, signed by HMAC-SHA-256 (its default is SHA-1)."""

    digest_method = staticmethod(hashlib.sha256)


def configure(secret: str, former: Sequence[str] = ()) -> None:
    """Give the process the secret that derived tokens come from, and those that it replaced."""
    _secret["key"] = secret.encode()
    _former[:] = [older.encode() for older in former]


def secret() -> bytes:
    """The installation's secret, from which keys are drawn; never shown, never kept."""
    return _secret["key"]


def secrets_known() -> list[bytes]:
    """The installation's secret, then those that it replaced: what one of those made is still read, never made again."""
    return [_secret["key"], *_former]


def derived_token(nonce: str) -> str:
    """The token of a nonce: what a mail needs can be kept in the database without keeping the token itself."""
    return hmac.new(_secret["key"], nonce.encode(), hashlib.sha256).hexdigest()


def browser_key(user_id: int) -> str:
    """The key by which this account's pages seal what they keep in a browser (256 bits), always the same one, `masked`."""
    about = f"storage of the browser of {user_id}".encode()
    return masked(hmac.new(_secret["key"], about, hashlib.sha256).digest())


def masked(data: bytes) -> str:
    """These bytes under a mask drawn anew each time (base64 for addresses: the mask, then each byte XOR its own).

    What a page holds of a secret is never twice the same, so that the size of the compressed page tells nothing of it
    (BREACH, CVE-2013-3587).
    """
    mask = secrets.token_bytes(len(data))
    return urlsafe_b64encode(mask + _xor(mask, data)).decode()


def unmasked(text: str) -> bytes:
    """What `masked` hid; ValueError for anything that it cannot have made."""
    raw = b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    if len(raw) % 2:
        raise ValueError("a mask is as long as what it hides")
    half = len(raw) // 2
    return _xor(raw[:half], raw[half:])


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left) ^ int.from_bytes(right)).to_bytes(len(left))


def token_hash(token: str) -> str:
    """What the database keeps of a token: its SHA-256 in hexadecimal (a 256-bit secret needs no salt)."""
    return hashlib.sha256(token.encode()).hexdigest()


def cookie_name(name: str, *, secure: bool) -> str:
    """The name of a cookie of ours; in https with the prefix that no neighbouring site may write (RFC 6265bis §4.1.3.2)."""
    return f"__Host-{name}" if secure else name


def refuse_other_sites(app: Flask, public_url: str) -> None:
    """Refuse `from-elsewhere` to a form that another site sends with somebody's cookie, beside the token that it lacks.

    A browser says where a request comes from: Sec-Fetch-Site (W3C Fetch Metadata) or Origin (RFC 6454). Software that
    sends neither is held by the token alone; one without our cookie acts for nobody.
    """
    ours = urlsplit(public_url).netloc.lower()

    @app.before_request
    def _from_here() -> None:
        if request.method in SAFE or app.config["SESSION_COOKIE_NAME"] not in request.cookies:
            return
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        if site is not None:
            foreign = site not in {"same-origin", "none"}
        else:
            foreign = origin is not None and urlsplit(origin).netloc.lower() not in {
                ours,
                request.host.lower(),
            }
        if foreign:
            raise Refusal("from-elsewhere")


def protect(app: Flask) -> None:
    """Put the headers on every answer; pages of the product are never kept by a shared cache."""

    @app.after_request
    def _headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.endpoint != "static" or response.status_code >= 400:
            response.headers.setdefault("Cache-Control", "no-store")
        if request.is_secure:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        return response


def settings_mark(settings: Iterable[tuple[str, object]]) -> str:
    """What tells the settings of this installation from any others, and nothing of what they are.

    What was tried under other settings says nothing of these.
    """
    values = {name: _bare(value) for name, value in settings if name != "former_secret_keys"}
    text = repr(sorted(values.items(), key=lambda pair: pair[0]))
    return hmac.new(secret(), text.encode(), "sha256").hexdigest()[:32]


def _bare(value: object) -> str:
    return str(value.get_secret_value()) if isinstance(value, SecretStr) else str(value)
