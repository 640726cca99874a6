"""A wire to PostgreSQL that can be cut: the server is there or not, and an answer may be lost on its way."""

import contextlib
import socket
import threading
from enum import Enum


class Cut(Enum):
    """What happens to the commit of what writes `about`: nothing, lost before the server has it, or its answer lost after."""

    NEVER = 0
    BEFORE = 1
    AFTER = 2


class Wire:
    """Carries what a client says to a server of 127.0.0.1 and back; `open` says whether a new client is let in."""

    def __init__(self, port: int, about: bytes) -> None:
        self.server, self.about = port, about
        self.cut = Cut.NEVER
        self.open = self.opens_again = True
        self.cuts = 0
        self._links: list[socket.socket] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """Cut everything."""
        self.open = False
        self._door.close()
        self.drop()

    def drop(self) -> None:
        """Cut whoever is connected, as a server does that stops."""
        for link in self._links:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
        self._links.clear()

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            if not self.open:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self.server))
            self._links += [client, server]
            lost = threading.Event()
            threading.Thread(target=self._carry, args=(client, server, lost, True), daemon=True).start()
            threading.Thread(target=self._carry, args=(server, client, lost, False), daemon=True).start()

    def _carry(self, giver: socket.socket, taker: socket.socket, lost: threading.Event, asks: bool) -> None:
        armed = False
        with contextlib.suppress(OSError):
            while said := giver.recv(65536):
                armed = armed or (asks and self.cut is not Cut.NEVER and self.about in said)
                if armed and b"COMMIT" in said:
                    before, self.cut = self.cut is Cut.BEFORE, Cut.NEVER
                    self.cuts, self.open = self.cuts + 1, self.opens_again
                    if before:
                        break
                    lost.set()
                if not asks and lost.is_set():
                    break  # the server has committed and said so
                taker.sendall(said)
        for end in (giver, taker):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
