"""The archive of @CTES: a flat tar.gz, the same bytes for the same content, opened with suspicion."""

import hashlib
import io
import tarfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from app.channels import replacing
from app.channels.actes.settings import MEBIBYTE
from app.files.stored_gzip import StoredGzip

MAX_MEMBERS: Final = 1000
MAX_XML: Final = 64 * MEBIBYTE
# PDF and images hardly shrink: an archive that grows more than this is a bomb, not an act.
MAX_GROWTH: Final = 20
HEAD: Final = 1024
_CHUNK: Final = 1024 * 1024


@dataclass(frozen=True)
class Member:
    """One file of an archive: its size in bytes, its first bytes, its SHA-256, and its content if it was kept."""

    name: str
    size: int
    sha256: str
    head: bytes
    content: bytes | None


class BadArchive(Exception):  # noqa: N818 - said of a document
    """The archive may not be opened: `rule` is E01 or A11, and the message says why in French."""

    def __init__(self, rule: str, sentence: str) -> None:
        super().__init__(sentence)
        self.rule = rule
        self.sentence = sentence


def write_archive(target: Path, entries: Iterable[tuple[str, bytes | Path]], moment: int) -> str:
    """Write the archive and return its SHA-256; `moment` (seconds since 1970) is the date of every member.

    The same entries, order and moment give the same bytes: no name, no clock and no owner of this machine enters, and no
    zlib: nothing is compressed, so that it can be made again from its documents years later (decision 0044).
    """
    with (
        replacing(target) as part,
        part.open("wb") as raw,
        StoredGzip(raw) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, content in entries:
            _add(tar, name, content, moment)
    return digest(target)


def read_archive(path: Path, max_bytes: int) -> tuple[Member, ...]:
    """Open an archive of an act as the State does; refuses with `BadArchive` what is too big, nested, linked or no tar.gz.

    The content of XML files alone is kept. What comes from the State is opened otherwise: see `received`.
    """
    if path.stat().st_size > max_bytes:
        raise BadArchive(
            "A11", f"L’archive dépasse {max_bytes // MEBIBYTE} Mio : réduisez ou retirez des annexes."
        )
    members: list[Member] = []
    room = max_bytes * MAX_GROWTH
    try:
        with tarfile.open(path, "r:gz") as tar:
            for info in tar:
                _refuse_odd(info, {member.name for member in members})
                room -= info.size
                if room < 0 or len(members) >= MAX_MEMBERS:
                    raise BadArchive("A11", "L’archive contient trop de fichiers ou se décompresse sans fin.")
                members.append(_read(cast("IO[bytes]", tar.extractfile(info)), info))
            _to_the_end(cast("IO[bytes]", tar.fileobj), room)
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise BadArchive(
            "E01", "L’archive est illisible : ce n’est pas un fichier tar.gz complet."
        ) from error
    return tuple(members)


def digest(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _add(tar: tarfile.TarFile, name: str, content: bytes | Path, moment: int) -> None:
    info = tarfile.TarInfo(name)
    info.mtime, info.mode = moment, 0o644
    if isinstance(content, bytes):
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
        return
    with content.open("rb") as source:
        info.size = content.stat().st_size
        tar.addfile(info, source)


def _refuse_odd(info: tarfile.TarInfo, names: set[str]) -> None:
    if not info.isreg() or info.issparse():
        raise BadArchive("E01", f"L’archive contient « {info.name} », qui n’est pas un fichier ordinaire.")
    if "/" in info.name or "\\" in info.name or info.name in {"", ".", ".."}:
        raise BadArchive("E01", f"L’archive n’est pas plate : « {info.name} » est rangé dans un dossier.")
    if info.name in names:
        raise BadArchive("E01", f"L’archive contient deux fois « {info.name} ».")


def _to_the_end(packed: IO[bytes], room: int) -> None:
    """Read what follows the last file: only then is the check of the gzip compared, and a cut seen."""
    while chunk := packed.read(_CHUNK):
        room -= len(chunk)
        if room < 0:
            raise BadArchive("A11", "L’archive contient trop de fichiers ou se décompresse sans fin.")


def _read(source: IO[bytes], info: tarfile.TarInfo) -> Member:
    counted, content, head = hashlib.sha256(), bytearray(), b""
    keep = info.name.endswith(".xml") and info.size <= MAX_XML
    while chunk := source.read(_CHUNK):
        head = head or chunk[:HEAD]
        counted.update(chunk)
        if keep:
            content += chunk
    return Member(info.name, info.size, counted.hexdigest(), head, bytes(content) if keep else None)
