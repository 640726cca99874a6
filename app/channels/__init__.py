"""The carriers, one folder each (app/transmission/settings.py finds them), and how they write files: whole, or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


def create_only(target: Path, source: bytes | Path) -> bool:
    """Write `target` whole and durable, or not at all; False, and nothing changed, if it already exists.

    A kill at any moment leaves either no `target` or the complete one, never a part of it; a leftover of a
    killed process has a name that begins with a dot and ends with « .part ».
    """
    _make_folder(target.parent)
    part = target.parent / f".{target.name}.{uuid4().hex}.part"
    try:
        with part.open("xb") as out:
            if isinstance(source, bytes):
                out.write(source)
            else:
                with source.open("rb") as read:
                    shutil.copyfileobj(read, out, 1024 * 1024)
            out.flush()
            os.fsync(out.fileno())
        created = publish(part, target)
    finally:
        part.unlink(missing_ok=True)
    _fsync_folder(target.parent)
    return created


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a path to write; on success it takes the place of `target`, on failure nothing is left of it."""
    part = target.parent / f".{target.name}.{uuid4().hex}.part"
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def publish(part: Path, target: Path) -> bool:
    """Give a whole file its name, on a disk without hard links too; False, and nothing changed, if the name is taken."""
    try:
        os.link(part, target)
    except FileExistsError:
        return False
    except OSError:
        # Network shares often refuse hard links: a rename is still whole-or-nothing, and whoever writes
        # under the same name at the same instant writes the same bytes, or has refused a second writer.
        if target.exists():
            return False
        part.rename(target)
    return True


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _fsync_folder(folder.parent)


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        # Some network shares cannot flush a folder; the file itself was flushed.
        return
    finally:
        os.close(handle)
