"""A proxy in https before the product, as well or as badly set as a test asks."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

HOST = "127.0.0.2"  # another name of this machine, which the product does not take for itself


class Quiet(WSGIRequestHandler):
    def log(self, *_args: object, **_more: object) -> None:
        """Say nothing."""


@contextmanager
def served(app: Any, certificate: Path, **ways: Any) -> Iterator[str]:
    """The address in https of this application, behind a proxy that goes these `ways` (see `proxied`)."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    with _running(server), proxied(server.server_port, certificate, **ways) as url:
        yield url


@contextmanager
def plain(app: Any) -> Iterator[int]:
    """The port on which this application is served in http, at the same host, with no proxy before it."""
    server = make_server(HOST, 0, app, threaded=True, request_handler=Quiet)
    with _running(server):
        yield server.server_port


@contextmanager
def proxied(
    behind: int, certificate: Path, *, buffers: bool = True, writes: str = "address", secure: bool = True
) -> Iterator[str]:
    """`buffers`: it keeps a body until its end. `writes` of X-Forwarded-For: `address`, `appends` to what came, `after another` proxy
    that wrote one, `nothing`; or it `strips` the header.
    """

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # a connection is kept, as those of Apache and nginx are

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            data = self.rfile.read(length) if buffers else b""
            onward = HTTPConnection("127.0.0.1", behind, timeout=20)
            onward.putrequest(self.command, self.path, skip_accept_encoding=True)
            for name, value in self._headers().items():
                onward.putheader(name, value)
            onward.endheaders()
            while len(data) < length and not buffers:
                piece = self.rfile.read1(65536)
                onward.send(piece)
                length -= len(piece)
            if data:
                onward.send(data)
            answer = onward.getresponse()
            body = answer.read()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.getheader("Content-Type", ""))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            onward.close()

        def do_GET(self) -> None:
            self.do_POST()

        def _headers(self) -> dict[str, str]:
            kept = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            came, here = kept.get("X-Forwarded-For", ""), self.client_address[0]
            if forwarded := _forwarded(writes, came, here):
                kept["X-Forwarded-For"] = forwarded
            else:
                kept.pop("X-Forwarded-For", None)
            if secure:
                kept["X-Forwarded-Proto"] = "https"
            return kept

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((HOST, 0), Proxy)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that refuses our certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with _running(server):
        yield f"https://{HOST}:{server.server_port}"


def _forwarded(writes: str, came: str, here: str) -> str:
    return {
        "address": here,
        "appends": f"{came}, {here}" if came else here,
        "after another": f"198.51.100.7, {here}",
        "nothing": came,
        "strips": "",
    }[writes]


@contextmanager
def _running(server: Any) -> Iterator[None]:
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
