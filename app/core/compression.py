"""Pages are sent compressed, to whoever asked for them himself.

Where a stranger chooses what a page repeats, its size tells what else is in it (BREACH, CVE-2013-3587). So an answer that
another site asked for with somebody's cookie goes as it is, as do those to browsers that do not say who asks; and what a
page holds of a secret is masked anew each time (`security.masked`) or goes as it is (`keep_whole`).
"""

import zlib
from typing import Final

from flask import Flask, Response, g, request

SHORTEST: Final = 600
"""Bytes under which compressing gains less than a packet."""
LEVEL: Final = 5
_GZIP: Final = 16 + zlib.MAX_WBITS
_TEXTS: Final = frozenset(
    {
        "text/html",
        "text/plain",
        "text/csv",
        "application/json",
        "application/problem+json",
        "application/atom+xml",
    }
)
_WHOLE: Final = ("/static/", "/api/")
"""Files of the browser, which are compressed once, and what software is answered, which is short."""
_OURS: Final = frozenset({"same-origin", "none"})


def keep_whole() -> None:
    """Leave the present answer as it is: it shows a secret."""
    g.kept_whole = True


def install(app: Flask) -> None:
    """Compress the pages of this application and their JSON; register before any other that changes an answer."""

    @app.after_request
    def _compress(response: Response) -> Response:
        if response.mimetype not in _TEXTS or "Content-Encoding" in response.headers:
            return response
        if request.path.startswith(_WHOLE) or response.is_streamed or "ETag" in response.headers:
            return response
        response.vary.add("Accept-Encoding")
        if not request.accept_encodings.quality("gzip") or g.get("kept_whole") or not _asked_here(app):
            return response
        data = response.get_data()
        if len(data) < SHORTEST:
            return response
        packer = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP)
        response.set_data(packer.compress(data) + packer.flush())
        response.content_encoding = "gzip"
        return response


def _asked_here(app: Flask) -> bool:
    """Whether no other site can have chosen what is asked in somebody's name (W3C Fetch Metadata)."""
    if app.config["SESSION_COOKIE_NAME"] not in request.cookies:
        return True
    return request.headers.get("Sec-Fetch-Site") in _OURS
