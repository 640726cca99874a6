"""A timestamp authority of a collectivity: it passes the test authority's tokens on, counts who asks, and may play a fault."""

import base64
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from asn1crypto import tsp

from demo.pki import TestPki


@dataclass
class Authority:
    """Where it answers, the accounts that asked, and how it is to answer: "", "nonce", "silent", "page" or "account:word"."""

    url: str = ""
    host: str = ""
    asked: list[str] = field(default_factory=list)
    play: str = ""


@contextmanager
def authority(pki: TestPki) -> Iterator[Authority]:
    """One that answers while the block lasts."""
    service, over = Authority(), threading.Event()

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            account = self.headers.get("Authorization", "").removeprefix("Basic ")
            service.asked.append(base64.b64decode(account).decode())
            if service.play == "silent":
                over.wait()
            elif service.play == "page":
                self._answer(200, "text/html", b"<h1>Bienvenue</h1>")
            elif ":" in service.play and service.play != service.asked[-1]:
                self._answer(401, "text/plain", b"")
            else:
                self._answer(200, "application/timestamp-reply", self._token(sent))

        def _token(self, sent: bytes) -> bytes:
            if service.play == "nonce":
                wanted = tsp.TimeStampReq.load(sent)
                wanted["nonce"] = wanted["nonce"].native + 1
                sent = wanted.dump(force=True)
            kind = {"Content-Type": "application/timestamp-query"}
            with urllib.request.urlopen(urllib.request.Request(pki.tsa_url, sent, kind)) as answer:
                return bytes(answer.read())

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        service.host = f"127.0.0.1:{server.server_port}"
        service.url = f"http://{service.host}/tsa"
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield service
        finally:
            over.set()
            server.shutdown()
            serving.join()
