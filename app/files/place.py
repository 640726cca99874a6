"""A folder that a collectivity chose on the machine: always under its own SIREN, entered without following any link.

`<root of the settings>/<SIREN>/<what it chose>`: two collectivities cannot have one folder, whatever they write. Whoever takes
files away, or brings them, may write there too, and could put a link in the place of a folder: none is followed (CWE-59).
"""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

MOST_NAMES: Final = 4
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class PlaceError(OSError):
    """The folder is not there, or what stands in its place is no folder; nothing was written."""


def names_of(text: str) -> tuple[str, ...] | None:
    """The names of « finances/factures »; None for what is no such path: absolute, `..`, hidden, other signs, too deep."""
    names = tuple(text.split("/"))
    return names if len(names) <= MOST_NAMES and all(map(_NAME.fullmatch, names)) else None


@contextmanager
def entered(root: Path, siren: str, names: tuple[str, ...], *, make: bool = False) -> Iterator[Path]:
    """A path to the very folder that was entered, whatever is put in its place meanwhile; raises `PlaceError`.

    `make`: make what is not there. Below the root no link is followed.
    """
    folder = _root(root, make=make)
    try:
        for name in (siren, *names):
            below = _below(folder, name, make=make)
            os.close(folder)
            folder = below
        yield Path(f"/proc/self/fd/{folder}")
    finally:
        os.close(folder)


@contextmanager
def below(folder: Path, name: str) -> Iterator[Path]:
    """The same of one folder right below one that was entered, made where it is not there."""
    above = os.open(folder, _FOLDER)
    try:
        entered_below = _below(above, name, make=True)
    finally:
        os.close(above)
    try:
        yield Path(f"/proc/self/fd/{entered_below}")
    finally:
        os.close(entered_below)


def _root(root: Path, *, make: bool) -> int:
    try:
        if make:
            root.mkdir(parents=True, exist_ok=True)
        return os.open(root, _FOLDER)
    except OSError as error:
        raise PlaceError(error.errno, error.strerror or "") from error


def _below(folder: int, name: str, *, make: bool) -> int:
    try:
        if make:
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=folder)
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except OSError as error:
        raise PlaceError(error.errno, error.strerror or "") from error


def tried(root: Path, siren: str, names: tuple[str, ...]) -> str | None:
    """Write a file of no meaning in the folder, made where it is not there, read it and take it away; what failed, or None."""
    name, data = f".essai-{secrets.token_hex(8)}", secrets.token_bytes(64)
    try:
        with entered(root, siren, names, make=True) as folder:
            file = folder / name
            try:
                with file.open("xb") as out:
                    out.write(data)
                    out.flush()
                    os.fsync(out.fileno())
                if file.read_bytes() != data:
                    return "ce qui y est écrit ne s’y relit pas"
            finally:
                file.unlink(missing_ok=True)
    except OSError as error:
        return error.strerror or type(error).__name__
    return None
