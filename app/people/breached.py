"""Passwords of known breaches, in a file of the operator: searched by bisection on the disk, without network or memory.

The file is the one of « Have I Been Pwned » ordered by hash (`haveibeenpwned-downloader`): one SHA-1 in hexadecimal a line,
with or without « :count », in their order. It is some forty gigabytes, of which some thirty short reads are made.
"""

import hashlib
import re
from pathlib import Path
from typing import IO

import structlog

log = structlog.get_logger()
DIGEST = 40
LONGEST_LINE = 80
"""Bytes: a digest, a count and the end of a line; what is longer is no such file."""
LOOKED_AT = 200
"""Lines that `sample` reads, spread over the whole file."""
_LINE = re.compile(rb"[0-9A-Fa-f]{40}(:[0-9]+)?\r?\n?")
_file: dict[str, Path | None] = {"path": None}


class StrangeFileError(ValueError):
    """The file is not what its setting says; the message says what was met, in French."""


def configure(path: Path | None) -> None:
    """Say which file is asked, if any."""
    _file["path"] = path


def known(password: str) -> bool:
    """Whether this password is one of the file.

    A file that cannot be read stops nobody who changes a password: the log tells it, and `doctor`.
    """
    path = _file["path"]
    if path is None:
        return False
    wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
    try:
        with path.open("rb") as file:
            return _contains(file, wanted)
    except (OSError, StrangeFileError) as fault:
        log.warning("passwords.unlisted", reason=str(fault))
        return False


def sample(path: Path) -> int:
    """About how many passwords the file holds; `StrangeFileError` when it is no list of digests in their order, OSError."""
    before, size = b"", path.stat().st_size
    if not size:
        raise StrangeFileError("il est vide")
    with path.open("rb") as file:
        for rank in range(LOOKED_AT):
            _start, digest = _next_line(file, size * rank // LOOKED_AT)
            if digest is None:
                break
            if digest < before:
                raise StrangeFileError("ses lignes ne sont pas dans l’ordre des empreintes")
            before = digest
        file.seek(0)
        return size // len(file.readline(LONGEST_LINE))


def _contains(file: IO[bytes], wanted: bytes) -> bool:
    """Bisection by bytes: the line that is wanted, if there is one, begins between `low` and `high`."""
    low, high = 0, file.seek(0, 2)
    while low < high:
        middle = (low + high) // 2
        start, digest = _next_line(file, middle)
        if digest is None or start >= high or digest > wanted:
            high = middle
        elif digest < wanted:
            low = file.tell()
        else:
            return True
    return False


def _next_line(file: IO[bytes], place: int) -> tuple[int, bytes | None]:
    """Where the first line begins that begins at this byte or after, and its digest; the file stands behind it."""
    file.seek(max(place - 1, 0))
    if place and not file.readline(LONGEST_LINE + 1).endswith(b"\n") and file.read(1):
        raise StrangeFileError("une de ses lignes est trop longue")
    start, line = file.tell(), file.readline(LONGEST_LINE + 1)
    if not line:
        return start, None
    if not _LINE.fullmatch(line):
        raise StrangeFileError("une de ses lignes n’est pas une empreinte SHA-1 (40 chiffres hexadécimaux)")
    return start, line[:DIGEST].upper()
