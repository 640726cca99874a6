"""The files of the browser: named by what they hold, kept for a year, compressed once, and asked without any cookie.

Their address holds the digest of all of them (`/static/<version>/js/app.js`), so that a script finds beside it those of its
own version. A page of another version still gets an answer: the present file, asked again each time.
"""

import gzip
import secrets
from collections.abc import Callable
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path
from typing import Any, Final

import structlog
from flask import Flask, Response, abort, g, request, url_for
from werkzeug.security import safe_join

log = structlog.get_logger()
HOME: Final = Path(__file__).resolve().parents[1] / "static"
SUMS: Final = "vendor/SHA256SUMS"
YEAR: Final = 31536000
SHORTEST: Final = 200
"""Bytes under which a file is sent as it is."""
DEAREST: Final = 300_000
"""Bytes above which brotli's best work, 2 s for the reader of PDF, is not worth the tenth that it gains."""
_TEXTS: Final = frozenset({".css", ".js", ".svg"})


class Assets:
    """The files under `home`, as they were when the process started; what is compressed is kept in `folder` for the next one."""

    def __init__(self, home: Path, folder: Path) -> None:
        self._home, self._folder = home, folder
        self._digests = dict(_listed(home))
        whole = "".join(f"{digest}  {name}\n" for name, digest in sorted(self._digests.items()))
        self.version = sha256(whole.encode()).hexdigest()[:16]

    def answer(self, name: str, version: str) -> Response:
        """A file in the shape that the caller reads best; 404 for what is not there.

        For ever where its address says what it holds (RFC 8246); else the caller asks each time whether it has changed.
        """
        path = safe_join(str(self._home), name)
        if path is None or not Path(path).is_file():
            abort(404)
        data = Path(path).read_bytes()
        digest = sha256(data).hexdigest()
        way = _way(name, len(data))
        if way:
            data = self._compressed(data, digest, way)
        response = Response(data, mimetype=guess_type(name)[0] or "application/octet-stream")
        response.set_etag(f"{digest}{way and '-'}{way}")
        if Path(name).suffix in _TEXTS:
            response.vary.add("Accept-Encoding")
        if way:
            response.content_encoding = way
        # A file that is being replaced under a process that still runs is not what its address says.
        lasts = version == self.version and digest == self._digests.get(name)
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if lasts else "no-cache"
        return response.make_conditional(request)  # type: ignore[return-value]

    def _compressed(self, data: bytes, digest: str, way: str) -> bytes:
        """The same bytes compressed, made at their first use and kept under what they hold."""
        place = self._folder / f"{digest}.{way}"
        try:
            return place.read_bytes()
        except OSError:
            compressed = _WAYS[way](data)
        staged = place.with_name(f"{place.name}.{secrets.token_hex(8)}")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            staged.write_bytes(compressed)
            staged.replace(place)
        except OSError as error:
            log.warning("assets.not_kept", error=str(error))
        return compressed


def _listed(home: Path) -> list[tuple[str, str]]:
    """Each file and its digest: those of others by the list that came with them, ours by reading them."""
    sums = (home / SUMS).read_text(encoding="utf-8").splitlines()
    others = [(f"vendor/{name}", digest) for digest, _, name in (line.partition("  ") for line in sums)]
    ours = [path for place in (home, home / "js") for path in place.iterdir() if path.is_file()]
    return others + [
        (path.relative_to(home).as_posix(), sha256(path.read_bytes()).hexdigest()) for path in ours
    ]


def _way(name: str, size: int) -> str:
    """How a file is sent to this caller: `br`, `gzip`, or as it is."""
    if size < SHORTEST or Path(name).suffix not in _TEXTS:
        return ""
    return next((way for way in _WAYS if request.accept_encodings.quality(way) > 0), "")


def _brotli(data: bytes) -> bytes:
    import brotli

    return bytes(brotli.compress(data, quality=11 if len(data) <= DEAREST else 9))


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, 9, mtime=0)


_WAYS: Final[dict[str, Callable[[bytes], bytes]]] = {"br": _brotli, "gzip": _gzip}


def serve(app: Flask, folder: Path) -> None:
    """Serve the files of the browser under `/static`, and let `url_for("static", filename=…)` name those of this version."""
    assets = Assets(HOME, folder)

    def static(filename: str, version: str = "") -> Response:
        return assets.answer(filename, version)

    app.add_url_rule("/static/<path:filename>", "static", static)
    app.add_url_rule("/static/<string(length=16):version>/<path:filename>", "static", static)

    def drawings() -> str:
        """The address of the file of all icons: a page has a hundred of them, and it is written once."""
        if "drawings" not in g:
            g.drawings = url_for("static", filename="vendor/icons.svg")
        return str(g.drawings)

    app.jinja_env.globals["drawings"] = drawings

    @app.url_defaults
    def _named(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values.setdefault("version", assets.version)
