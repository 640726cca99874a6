"""What runs here, given to whoever uses it over a network (GNU AGPL, version 3, section 13): the very files, in one archive.

What is given is named by kind and by place: nothing of the data, of the settings or of a key that somebody left beside the
code is ever in it.
"""

import gzip
import os
import tarfile
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from app.core import version

HOME = Path(__file__).resolve().parents[3]
PLACES = ("app", "workflows", "migrations", "LICENSES")
BESIDE = ("demo",)  # where it is: the container has none
ALONE = ("config.py", "wsgi.py", "requirements.txt", "README.md", "CHANGELOG.md", "LICENSE", "REUSE.toml")
KINDS = frozenset(
    {".py", ".html", ".txt", ".yaml", ".js", ".mjs", ".css", ".svg", ".woff2", ".ttf"}
    | {".pfb", ".bcmap", ".wasm", ".xsd", ".xml", ".json", ".mako", ".md"}
)
NAMELESS = frozenset({"HEAD", "SHA256SUMS", "LICENSE"})


def files() -> Iterator[Path]:
    """The files of the running version, sorted, relative to its folder."""
    for name in ALONE:
        if (HOME / name).is_file():
            yield Path(name)
    for place in (*PLACES, *BESIDE):
        for path in sorted((HOME / place).rglob("*")):
            inside = path.relative_to(HOME)
            hidden = any(part.startswith((".", "__pycache__")) for part in inside.parts)
            listed = path.suffix in KINDS or path.name in NAMELESS or path.name.startswith("LICEN")
            if listed and not hidden and path.is_file() and not path.is_symlink():
                yield inside


def archive(folder: Path) -> Path:
    """The archive, made once for these very files and kept in `folder`; the same files give the same bytes.

    The files of a running process do not change under it: they are read once.
    """
    place = folder / _digest()[:16] / f"paraphe-{version.public_version()}.tar.gz"
    if not place.is_file():
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=place.parent, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(_packed(list(files())))
        Path(name).replace(place)
    return place


@lru_cache(maxsize=1)
def _digest() -> str:
    known = sha256()
    for path in files():
        known.update(f"{path}\0".encode() + sha256((HOME / path).read_bytes()).digest())
    return known.hexdigest()


def _packed(chosen: list[Path]) -> bytes:
    out = BytesIO()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for path in chosen:
            data = (HOME / path).read_bytes()
            entry = tarfile.TarInfo(f"paraphe-{version.public_version()}/{path.as_posix()}")
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, BytesIO(data))
    return out.getvalue()
