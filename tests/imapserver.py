"""A small IMAP server for the tests, in real bytes (RFC 3501, and the UIDPLUS of RFC 4315): one account, one mailbox."""

import re
import socketserver
import threading
from collections.abc import Callable, Iterable


class ImapServer:
    """Its `messages` by number, those that are `deleted`; `expunging` says whether it takes one away alone.

    `breaks_at`: the command at which it hangs up, once, before it does it.
    """

    def __init__(self, password: str) -> None:
        self.password, self.validity = password, 7
        self.messages: dict[int, bytes] = {}
        self.deleted: set[int] = set()
        self.seen: list[str] = []
        self.expunging, self.breaks_at = True, ""
        self._next = 1
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def receive(self, message: bytes) -> int:
        """A message that comes; its number."""
        self.messages[self._next] = message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        self._next += 1
        return self._next - 1

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, words: str) -> tuple[list[bytes], str]:
        """What it says to a command: the lines before its last, and how that one begins."""
        self.seen.append(words)
        for shape, do in self._commands:
            if command := re.fullmatch(shape, words):
                lines = do(*command.groups())
                return ([], "NO") if lines is None else (lines, "OK")
        return [], "BAD"

    @property
    def _commands(self) -> tuple[tuple[str, Callable[..., list[bytes] | None]], ...]:
        return (
            ("CAPABILITY", self._capabilities),
            (r'LOGIN "?\S+?"? "?(\S+?)"?', lambda code: [] if code == self.password else None),
            ("SELECT .+", self._selected),
            (r"UID SEARCH UID (\d+):\*", self._from),
            ("UID SEARCH ALL UNDELETED", lambda: _listed({*self.messages} - self.deleted)),
            (r"UID FETCH (\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", self._part),
            (r"UID STORE (\d+) \+FLAGS\.SILENT \(\\Deleted\)", lambda one: self.deleted.add(int(one)) or []),
            (
                r"UID EXPUNGE (\d+)",
                lambda one: self.messages.pop(int(one)) and [] if self.expunging else None,
            ),
            ("LOGOUT", lambda: [b"* BYE"]),
        )

    def _capabilities(self) -> list[bytes]:
        return [b"* CAPABILITY IMAP4rev1" + (b" UIDPLUS" if self.expunging else b"")]

    def _selected(self) -> list[bytes]:
        return [f"* {len(self.messages)} EXISTS".encode(), f"* OK [UIDVALIDITY {self.validity}] so".encode()]

    def _from(self, first: str) -> list[bytes]:
        every = sorted(self.messages)  # « n:* » names the last one, however great n is
        return _listed({one for one in every if one >= int(first)} | {*every[-1:]})

    def _part(self, number: str, most: str) -> list[bytes]:
        part = self.messages[int(number)][: int(most)]
        return [f"* 1 FETCH (UID {number} BODY[]<0> {{{len(part)}}}\r\n".encode() + part + b")"]

    def _handler(server) -> type[socketserver.StreamRequestHandler]:  # noqa: N805 - the handler has a self of its own
        class Session(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"* OK ready\r\n")
                for line in self.rfile:
                    tag, _, words = line.decode().rstrip("\r\n").partition(" ")
                    if server.breaks_at and words.startswith(server.breaks_at):
                        server.breaks_at = ""
                        return
                    lines, ending = server.answer(words)
                    self.wfile.write(b"".join(one + b"\r\n" for one in lines))
                    self.wfile.write(f"{tag} {ending} done\r\n".encode())

        return Session


def _listed(numbers: Iterable[int]) -> list[bytes]:
    return [" ".join(["* SEARCH", *map(str, sorted(numbers))]).encode()]
