"""A clamd that speaks its real bytes (`INSTREAM`), and knows one program: the harmless one made to try scanners."""

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from app.operations.premises import EICAR

FOUND = "Eicar-Test-Signature"


class _Ask(socketserver.StreamRequestHandler):
    server: "Clamd"

    def handle(self) -> None:
        assert self.rfile.read(10) == b"zINSTREAM\0"
        data, size = b"", 0
        while length := struct.unpack("!I", self.rfile.read(4))[0]:
            piece = self.rfile.read(length)
            size += length
            if size > self.server.most:  # as clamd does: it says so and hangs up, whatever is still coming
                self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                return
            data = data[-len(EICAR) :] + piece
            self.server.infected |= EICAR in data
        if self.server.answer is not None:
            self.wfile.write(self.server.answer)
            return
        self.wfile.write(f"stream: {FOUND} FOUND\0".encode() if self.server.infected else b"stream: OK\0")
        self.server.infected = False


class Clamd(socketserver.TCPServer):
    """One asker at a time; `most`: bytes that it looks at; `answer`: what it says instead of the truth, None for the truth."""

    allow_reuse_address = True
    most = 1 << 30
    answer: bytes | None = None
    infected = False

    @property
    def url(self) -> str:
        """Where the settings reach it."""
        return f"tcp://127.0.0.1:{self.server_address[1]}"


@contextmanager
def clamd() -> Iterator[Clamd]:
    """One that answers until the block ends."""
    with Clamd(("127.0.0.1", 0), _Ask) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
