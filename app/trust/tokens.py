"""How large the tokens of a timestamp authority are: learnt from each, so that the place kept for the next one fits.

What stays empty of a place is kept with the file for ever and read at each verification: of the 12 kB that a token may
take, a public authority uses 3 to 8, and always nearly as many.
"""

import contextlib
import hashlib
import secrets
from pathlib import Path

MARGIN = 1024
"""Bytes beyond the largest token seen: longer numbers and names; a longer chain does not fit, and is learnt."""


def room(folder: Path, urls: tuple[str, ...], most: int) -> int:
    """Bytes to keep for a token of these authorities; `most` until one of them has given a token here."""
    known = [size for url in urls if (size := _known(folder, url))]
    return min(most, max(known) + MARGIN) if known else most


def seen(folder: Path, url: str, size: int) -> None:
    """Remember that this authority gave a token of so many bytes; a folder that cannot be written is learnt nothing."""
    if size <= _known(folder, url):
        return
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = folder / f"{secrets.token_hex(8)}.fresh"
        fresh.write_text(str(size), encoding="ascii")
        fresh.replace(folder / _name(url))


def _known(folder: Path, url: str) -> int:
    try:
        return int((folder / _name(url)).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def _name(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:32]
