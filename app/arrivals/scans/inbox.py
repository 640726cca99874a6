"""A folder where a scanner lays its files: which are whole, and how each moves, by the very folders that were entered.

A file goes from the folder to « en cours », where nobody writes over it, and from there to « traités » or « refusés » once
what it brings is committed: killed between any two, it is still in one of the first two, and is found again.
"""

import fcntl
import hashlib
import os
import signal
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from app.core.texts import cleaned
from app.files import place

TAKING, TAKEN, REFUSED = "en cours", "traités", "refusés"
REST: Final = 10.0
"""Seconds for which a file has not changed before it is taken for whole."""
UNFINISHED: Final = 600.0
"""The same, of a PDF that lacks its end: a scanner waits for its next page."""
MOST: Final = 200
"""Files taken at one look; the others wait for the next."""
LONGEST_NAME: Final = 255
LONGEST_ENDING: Final = 12
_ENDING: Final = 2048
_CHUNK: Final = 1 << 20
_PARTIAL: Final = (".tmp", ".part", ".partial", ".filepart", ".crdownload")
_SYSTEM: Final = frozenset({"thumbs.db", "desktop.ini"})


class UnquietError(OSError):
    """Somebody still writes in the file."""


@dataclass(frozen=True)
class Inbox:
    """The folder and the three of ours in it, each a path to what was entered."""

    folder: Path
    taking: Path
    taken: Path
    refused: Path


@dataclass(frozen=True)
class Listed:
    """What lies in the folder: `whole` to be taken, `strange` no files at all, `waits` not yet whole; `folders` are not entered.

    `seen` is what the next look compares with.
    """

    whole: tuple[str, ...]
    strange: tuple[str, ...]
    waits: int
    folders: tuple[str, ...]
    seen: Mapping[str, Any]


@dataclass(frozen=True)
class Copy:
    """The bytes of a file as they were copied: their digest, their number, when they were written (ns)."""

    sha256: str
    size: int
    modified: int


@contextmanager
def opened(root: Path, siren: str, folder: str, *, make: bool = False) -> Iterator[Inbox | None]:
    """The folder and ours, for one process at a time: None while another one has it. Raises `place.PlaceError`.

    `make`: make what is not there; else a folder that is away is told, never made anew on the disk under its share.
    """
    with ExitStack() as rooms:
        entered = rooms.enter_context(place.entered(root, siren, (folder,), make=make))
        taking, taken, refused = (
            rooms.enter_context(place.below(entered, name)) for name in (TAKING, TAKEN, REFUSED)
        )
        yield Inbox(entered, taking, taken, refused) if _alone(taking) else None


def _alone(folder: Path) -> bool:
    try:
        fcntl.flock(int(folder.name), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a share that knows no locks: two that take one file keep it once all the same
        return True
    return True


def shown(name: str) -> str:
    """The name of a file, in letters."""
    return cleaned(os.fsencode(name).decode("utf-8", "replace"))


def listed(inbox: Inbox, seen: Mapping[str, Any], moment: datetime) -> Listed:
    """What lies in the folder, compared with what the last look saw: whole is what neither grew nor changed since."""
    whole: list[str] = []
    strange, folders, waits, now_seen = [], [], 0, {}
    with os.scandir(inbox.folder) as entries:
        ordered = sorted(entries, key=lambda one: one.name)
    for entry in ordered:
        if entry.name.startswith(".") or entry.name.lower() in _SYSTEM:
            continue
        if entry.is_dir(follow_symlinks=False):
            if entry.name not in {TAKING, TAKEN, REFUSED}:
                folders.append(shown(entry.name))
            continue
        if not entry.is_file(follow_symlinks=False):
            strange.append(entry.name)
            continue
        if entry.name.lower().endswith(_PARTIAL) or len(whole) == MOST:
            waits += 1
            continue
        try:
            about = entry.stat(follow_symlinks=False)
        except FileNotFoundError:  # renamed meanwhile
            continue
        mark, state = _mark(entry.name), [about.st_size, about.st_mtime_ns]
        before = seen.get(mark)
        since = before[2] if before and before[:2] == state else moment.timestamp()
        now_seen[mark] = [*state, since]
        rested = moment.timestamp() - since
        if rested >= UNFINISHED or (rested >= REST and _ended(inbox.folder / entry.name)):
            whole.append(entry.name)
        else:
            waits += 1
    return Listed(tuple(whole), tuple(strange), waits, tuple(folders), now_seen)


def _mark(name: str) -> str:
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:16]


def _ended(path: Path) -> bool:
    """Whether a file has its end, as far as its kind says one: a PDF does. One that may not be read is told when it is taken."""
    try:
        file = _open(path)
    except OSError:
        return True
    with os.fdopen(file, "rb") as data:
        if not data.read(1024).lstrip().startswith(b"%PDF-"):
            return True
        data.seek(max(os.fstat(data.fileno()).st_size - _ENDING, 0))
        return b"%%EOF" in data.read(_ENDING)


def _open(path: Path) -> int:
    """The very file of this name: no link is followed, and no pipe is waited for."""
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def claim(inbox: Inbox, name: str) -> None:
    """Put a file where nobody writes over it; one of this name that is there already is taken first."""
    if not os.path.lexists(inbox.taking / name):
        (inbox.folder / name).rename(inbox.taking / name)


def claimed(inbox: Inbox) -> list[str]:
    """The files that are being taken, or were when somebody died."""
    return sorted(entry.name for entry in os.scandir(inbox.taking))


def size_of(path: Path) -> tuple[int, int, bool]:
    """How large a file is, when it was written (ns), and whether it is one."""
    about = path.lstat()
    return about.st_size, about.st_mtime_ns, stat.S_ISREG(about.st_mode)


def copied(source: Path, target: Path, moment: datetime) -> Copy:
    """Copy a file that rests; raises `UnquietError` of one that somebody writes in, and `OSError`."""
    with os.fdopen(_open(source), "rb") as data, target.open("wb") as out:
        before = os.fstat(data.fileno())
        if 0 <= moment.timestamp() - before.st_mtime < REST / 2 or _written(data.fileno()):
            raise UnquietError
        digest, size = hashlib.sha256(), 0
        while piece := data.read(_CHUNK):
            digest.update(piece)
            size += out.write(piece)
        after = os.fstat(data.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or size != after.st_size:
        raise UnquietError
    return Copy(digest.hexdigest(), size, after.st_mtime_ns)


def _written(file: int) -> bool:
    """Whether somebody has the file open to write in it, where the system says so: it gives no lease on it then."""
    try:
        fcntl.fcntl(
            file, fcntl.F_SETSIG, signal.SIGURG
        )  # who opens it at this moment is told of by a signal that ends nobody
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:  # another's file, or a share that gives no lease
        return False
    with suppress(OSError):
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def file_away(source: Path, folder: Path, mark: str) -> str:
    """Move a file to one of ours under its name and a mark, the same for the same file; the name that it has there."""
    ending = source.suffix if len(source.suffix) < LONGEST_ENDING else ""
    room = LONGEST_NAME - len(os.fsencode(f" {mark}{ending}"))
    stem = os.fsencode(source.name.removesuffix(ending))[:room].decode("utf-8", "surrogateescape")
    name = f"{stem} {mark}{ending}"
    with suppress(FileNotFoundError):  # another process has moved it
        source.rename(folder / name)
    return name
