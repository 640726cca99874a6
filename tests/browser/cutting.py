"""A network that loses answers: what a browser posts reaches the server, and the connection falls before the answer comes."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Cutting:
    """A port in front of a server; `lose` says of which requests, and how many, the answers are lost."""

    def __init__(self, behind: int) -> None:
        self._behind = behind
        self._listens = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listens.getsockname()[1]}"
        self._start, self._left = b"", 0
        self.lost = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(self, start: str, times: int) -> None:
        """Lose the answers of the next so many requests that begin so (« POST /deposer »)."""
        self._start, self._left, self.lost = start.encode(), times, 0

    def close(self) -> None:
        self._listens.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listens.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self._behind))
        cuts = threading.Event()

        def up() -> None:
            with contextlib.suppress(OSError):
                while data := client.recv(65536):
                    if self._left and data.startswith(self._start):
                        cuts.set()
                    server.sendall(data)

        threading.Thread(target=up, daemon=True).start()
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if cuts.is_set():
                    self.lost, self._left = self.lost + 1, self._left - 1
                    break
                client.sendall(data)
        for one in (client, server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@contextmanager
def cutting(url: str) -> Iterator[Cutting]:
    """Such a port, for as long as the test lasts."""
    made = Cutting(int(url.rpartition(":")[2]))
    try:
        yield made
    finally:
        made.close()
