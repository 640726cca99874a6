"""A timestamp authority that answers over HTTP with the clock that a test gives it, signed by nobody we believe."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

from asn1crypto import keys, pem, tsp, x509
from pyhanko.sign.timestamps import DummyTimeStamper

from app.core.clock import now
from demo.pki import TestPki


@contextmanager
def authority_in_advance(pki: TestPki, by: timedelta) -> Iterator[str]:
    """Its address, while it answers with a clock that is `by` ahead of ours (behind when negative)."""
    armored = (pki.folder / "keys" / "a_kervadec.pem").read_bytes()  # the stand-in signs with RSA only
    key = keys.PrivateKeyInfo.load(pem.unarmor(armored)[2])
    certificate = x509.Certificate.load(pki.certificate("a_kervadec"))

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            stamper = DummyTimeStamper(certificate, key, fixed_dt=now() + by)
            asked = tsp.TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"])))
            body = stamper.request_tsa_response(asked).dump()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            serving.join()
