"""The scanner of the settings: asked of each deposited file, by the protocol of clamd, before anything reads it.

`INSTREAM` of clamd(8): the bytes in pieces, each after its length in four octets, an empty one at the end; then one line. Only
« stream: OK » is a clean file. Whatever else is answered, or not, is a file that nobody looked at, and is told as such.
"""

import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from urllib.parse import urlsplit

from app.core import security_log
from app.core.refusals import Refusal

PIECE = 65536
LONGEST_ANSWER = 4096
PORT = 3310
_LIMITS = "Heuristics.Limits.Exceeded"
"""How clamd names a file that it did not look at to its end (`AlertExceedsMax yes`)."""
_TOO_LARGE = "INSTREAM size limit exceeded"
UNSEEN = "L’antivirus n’a pas répondu : ce fichier n’a pas été examiné."
UNSEEN_LARGE = "Ce fichier est trop lourd pour l’antivirus de ce serveur : il n’a pas été examiné."


class SilentError(OSError):
    """Nobody looked at the file; the words say why."""


class TooLargeError(SilentError):
    """The scanner does not look at so many bytes, or not to their end."""


class Scanner:
    """A clamd at `unix:/path` or `tcp://host:port`, that has so many seconds for each file."""

    def __init__(self, url: str, seconds: float) -> None:
        self._url, self._seconds = url, seconds

    def named(self, pieces: Iterable[bytes]) -> str | None:
        """The name that the scanner gives to what it found in these bytes; None when it looked, and found nothing.

        Refuses with `SilentError` when it did not say, in time, either the one or the other.
        """
        until = time.monotonic() + self._seconds
        try:
            with self._connected() as line:
                return _understood(_scan_reply(line, pieces, until))
        except SilentError:
            raise
        except OSError as error:
            raise SilentError(str(error) or type(error).__name__) from error

    def _connected(self) -> socket.socket:
        parts = urlsplit(self._url)
        if parts.scheme == "tcp":
            return socket.create_connection((parts.hostname or "", parts.port or PORT), timeout=self._seconds)
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(self._seconds)
        try:
            line.connect(parts.path)
        except OSError:
            line.close()
            raise
        return line


def _nobody() -> Mapping[str, object]:
    return {}


@dataclass(frozen=True)
class _Chosen:
    scanner: Scanner | None = None
    required: bool = True
    whose: Callable[[], Mapping[str, object]] = _nobody


_chosen = {"now": _Chosen()}


def configure(
    url: str, *, required: bool, seconds: float, whose: Callable[[], Mapping[str, object]] = _nobody
) -> None:
    """Say who looks at deposited files (nobody when the address is empty), and whether a file goes on without him.

    `whose`: who deposits, for the security log.
    """
    _chosen["now"] = _Chosen(Scanner(url, seconds) if url else None, required, whose)


def is_set() -> bool:
    """Whether somebody looks at files here."""
    return _chosen["now"].scanner is not None


def looked_at(path: Path, filename: str) -> str | None:
    """Have a deposited file looked at; what is to be said of it when nobody could, else None.

    Refuses `file-infected`, and unless the settings let it go on `antivirus-silent`, `antivirus-too-large`.
    """
    chosen = _chosen["now"]
    if chosen.scanner is None:
        return None
    try:
        with path.open("rb") as stream:
            name = chosen.scanner.named(iter(lambda: stream.read(PIECE), b""))
    except SilentError as silent:
        security_log.log.warning("antivirus.silent", what=str(silent)[:200], **chosen.whose())
        if not chosen.required:
            return UNSEEN_LARGE if isinstance(silent, TooLargeError) else UNSEEN
        key = "antivirus-too-large" if isinstance(silent, TooLargeError) else "antivirus-silent"
        raise Refusal(key, filename=filename) from silent
    if name is not None:
        with path.open("rb") as stream:
            digest = file_digest(stream, "sha256").hexdigest()
        security_log.log.warning("file.infected", what=name, sha256=digest, **chosen.whose())
        raise Refusal("file-infected", filename=filename, what=name)
    return None


def unseen_of(notes: Iterable[str]) -> list[str]:
    """Of what is noted of a file, that nobody looked at it: it goes for each copy made from it too."""
    return [note for note in notes if note in {UNSEEN, UNSEEN_LARGE}]


def _scan_reply(line: socket.socket, pieces: Iterable[bytes], until: float) -> str:
    with suppress(BrokenPipeError, ConnectionResetError):  # it answers before it was told all, and says why
        _send(line, b"zINSTREAM\0", until)
        for piece in _framed(pieces):
            _send(line, piece, until)
        _send(line, struct.pack("!I", 0), until)
    answer = b""
    while not answer.endswith(b"\0") and len(answer) < LONGEST_ANSWER:
        _patience(line, until)
        more = line.recv(LONGEST_ANSWER)
        if not more:
            break
        answer += more
    return answer.rstrip(b"\0\n").decode("utf-8", "replace").strip()


def _framed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        yield struct.pack("!I", len(piece)) + piece


def _send(line: socket.socket, data: bytes, until: float) -> None:
    _patience(line, until)
    line.sendall(data)


def _patience(line: socket.socket, until: float) -> None:
    left = until - time.monotonic()
    if left <= 0:
        raise SilentError("pas de réponse à temps")
    line.settimeout(left)


def _understood(answer: str) -> str | None:
    if answer == "stream: OK":
        return None
    if _TOO_LARGE in answer or answer.startswith(f"stream: {_LIMITS}"):
        raise TooLargeError(answer)
    name = answer.removeprefix("stream: ").removesuffix(" FOUND")
    if not name or answer != f"stream: {name} FOUND":
        raise SilentError(answer or "réponse vide")
    return "".join(sign for sign in name if sign.isprintable())[:100]
