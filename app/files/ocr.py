"""The words of a picture, as Tesseract reads them in French, where this machine has it: a guess, never a value.

It runs inside the confined child that opened the file (`app.files.words`): one process of its own for a page, ended by the
same limits of memory and computing, which writes no file and is given no name.
"""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

PLACES = "/usr/local/bin:/usr/bin:/bin"
"""Where it is looked for: the child has no PATH."""
LANGUAGE = "fra"
DPI = 240
"""Fine enough for letters of 8 points, and for blocks side by side on a page that is a little turned: 1985 × 2807 of A4."""
LARGEST = 12_000_000
"""Points of the largest page that is drawn to be read."""
COLUMNS, WORD = 12, "5"
_ALONE = {"OMP_THREAD_LIMIT": "1", "LC_ALL": "C.UTF-8"}


def program() -> str | None:
    """Where Tesseract is, or None."""
    return shutil.which("tesseract", path=PLACES)


@lru_cache(maxsize=4)
def languages(path: str) -> frozenset[str]:
    """The languages that it reads; none where it does not answer."""
    try:
        listing = subprocess.run(  # noqa: S603 - found in the system's own folders
            [path, "--list-langs"], capture_output=True, text=True, timeout=10, check=True, env=_ALONE
        )
    except (OSError, subprocess.SubprocessError):
        return frozenset()
    return frozenset(line.strip() for line in listing.stdout.splitlines()[1:])


def ready() -> str | None:
    """Where Tesseract is, if it reads French; else None."""
    path = program()
    return path if path and LANGUAGE in languages(path) else None


@dataclass(frozen=True)
class Word:
    """A word, and where it stands, in points of the picture: from the left and the top."""

    text: str
    left: int
    top: int
    right: int
    bottom: int


def read(path: str, picture: bytes, seconds: float) -> list[list[Word]]:
    """The lines that are written on a picture (PNM, PNG, JPEG, TIFF), each as its words.

    None where nothing is, or where its time or its limits ended it.
    """
    try:
        done = subprocess.run(  # noqa: S603 - see above; the picture comes by its standard input
            [path, "stdin", "stdout", "-l", LANGUAGE, "--dpi", str(DPI), "-c", "tessedit_create_tsv=1"],
            input=picture,
            capture_output=True,
            timeout=seconds,
            check=True,
            env=_ALONE,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return list(_lines(done.stdout.decode("utf-8", "replace")))


def _lines(table: str) -> Iterator[list[Word]]:
    """The lines of the table that it writes: level, page, block, paragraph, line, word, left, top, width, height, trust, text."""
    place: list[str] = []
    line: list[Word] = []
    for row in table.splitlines()[1:]:
        cells = row.split("\t")
        if len(cells) != COLUMNS or cells[0] != WORD or not cells[-1].strip():
            continue
        if cells[1:5] != place:
            if line:
                yield line
            place, line = cells[1:5], []
        left, top, width, height = map(int, cells[6:10])
        line.append(Word(cells[-1].strip(), left, top, left + width, top + height))
    if line:
        yield line
