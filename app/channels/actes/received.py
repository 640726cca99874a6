"""What the Préfecture's letters come in, opened as tools make it: any order, any folder, several compressions.

Ours is written strictly and held to the rules (`archive`); what is received is read as far as it can be, and what cannot
be is told, never dropped in silence. Nothing is ever written under a name of the archive, no link leaves it, and no more
than `room` bytes are taken out of it.
"""

import bz2
import gzip
import hashlib
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any, Final, cast

from app.channels.actes.archive import HEAD, MAX_MEMBERS, BadArchive, Member

_CHUNK: Final = 1024 * 1024
_LAYERS: Final = 3
"""How many compressions may lie one in the other: a tar.gz that was gzipped again is still a letter."""
_APPLE: Final = b"\x00\x05\x16\x07"
"""What macOS puts beside each file (« ._name »): no part of the letter."""
_KINDS: Final = (
    (b"\x1f\x8b", ".tar.gz"),
    (b"BZh", ".tar.bz2"),
    (b"\xfd7zXZ\x00", ".tar.xz"),
    (b"\x5d\x00\x00", ".tar.lzma"),
    (b"PK\x03\x04", ".zip"),
    (b"7z\xbc\xaf\x27\x1c", ".7z"),
    (b"Rar!", ".rar"),
    (b"\x28\xb5\x2f\xfd", ".tar.zst"),
    (b"\x1f\x9d", ".tar.Z"),
)
_FAULTS: Final = (
    tarfile.TarError,
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,  # zipfile says so of a password
)
_EMPTY: Final = "elle ne contient aucun fichier"


@dataclass(frozen=True)
class Unpacked:
    """The files of an archive, each under its bare name, and in French what could not be taken out of it, if anything."""

    members: tuple[Member, ...]
    missing: str | None


def start(raw: bytes) -> bytes:
    """Its first bytes, without the mark and the blanks that may stand before a message."""
    return raw[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()


def suffix_of(raw: bytes) -> str:
    """The ending of a file's name that fits its first bytes: « .tar.gz », « .7z »; « .bin » for what is unknown."""
    if _is_tar(raw):
        return ".tar"
    if start(raw)[:1] == b"<":
        return ".xml"
    return next((suffix for magic, suffix in _KINDS if raw.startswith(magic)), ".bin")


def is_words(raw: bytes) -> bool:
    """True for what is no archive and no message but a sentence or a page, such as an error of the server's."""
    head = start(raw)
    if head[:1] == b"<":
        return not head.startswith((b"<?xml", b"<actes", b"<Actes"))
    return suffix_of(raw) == ".bin" and all(byte >= 32 or byte in b"\t\r\n" for byte in raw[:4096])


def unpack(raw: bytes, room: int) -> Unpacked:
    """Open it; refuses with `BadArchive`, in French, what nothing can be read of.

    A message that came bare is an archive of one file. A link to another file of the archive is that file.
    """
    if suffix_of(raw) == ".xml":
        return Unpacked((_member("message.xml", raw),), None)
    plain, cut = _expanded(raw, room)
    opened = _of_zip if plain.startswith(b"PK\x03\x04") else _of_tar
    members, missing = _gather(opened(io.BytesIO(plain)), room)
    missing = cut or missing
    if not members:
        raise BadArchive("E01", f"L’archive ne peut pas être ouverte : {missing or _EMPTY}.")
    return Unpacked(members, missing)


def _expanded(raw: bytes, room: int) -> tuple[bytes, str | None]:
    """What the compressions hold, and why it is not all of it, if so."""
    cut = None
    for layer in range(_LAYERS):
        opened = _decompressor(raw)
        if opened is None:
            break
        with opened:
            inner, problem = _read_all(opened, room)
        if layer and not inner:
            break  # what looks like one more compression is the archive itself
        raw, cut = inner, cut or problem
    return raw, cut


def _decompressor(raw: bytes) -> IO[bytes] | None:
    source = io.BytesIO(raw)
    if raw.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=source, mode="rb"))
    if raw.startswith(b"BZh"):
        return cast("IO[bytes]", bz2.BZ2File(source))
    if raw.startswith((b"\xfd7zXZ\x00", b"\x5d\x00\x00")):
        return cast("IO[bytes]", lzma.LZMAFile(source))
    return None


def _read_all(source: Any, room: int) -> tuple[bytes, str | None]:
    """What can be read, and why it stopped before the end, if it did; one that is cut gives what it has first."""
    read = bytearray()
    try:
        while chunk := source.read1(_CHUNK):
            read += chunk
            if len(read) > room:
                return bytes(read[:room]), "elle se décompresse sans fin"
    except _FAULTS:
        return bytes(read), "elle est abîmée ou coupée avant sa fin"
    return bytes(read), None


@dataclass(frozen=True)
class _Entry:
    """A file of an archive: its name there, its size, and how to open it; `source` None for what holds no bytes."""

    name: str
    size: int
    source: IO[bytes] | None


def _of_tar(plain: IO[bytes]) -> Iterator[_Entry]:
    with tarfile.open(fileobj=plain, mode="r:", encoding="utf-8", errors="surrogateescape") as tar:
        for info in tar:
            if info.isdir():
                continue
            linked = info.issym() or info.islnk()
            try:
                source = tar.extractfile(info)  # a link is sought in the archive, never on the disk
            except (KeyError, RecursionError):
                source = None
            if linked and source is not None:
                # A link says no size of its own: it is bounded here, and counted by what it gives.
                data = source.read(64 * _CHUNK)
                yield _Entry(info.name, len(data), io.BytesIO(data))
            else:
                yield _Entry(info.name, info.size, source)
        plain.seek(tar.offset)
        if plain.read(tarfile.BLOCKSIZE).strip(b"\0"):
            # tarfile takes a header that is cut for the end of the archive
            raise tarfile.ReadError("cut")


def _of_zip(plain: IO[bytes]) -> Iterator[_Entry]:
    with zipfile.ZipFile(plain) as packed:
        for info in packed.infolist():
            if not info.is_dir():
                yield _Entry(info.filename, info.file_size, packed.open(info))


def _gather(entries: Iterable[_Entry], room: int) -> tuple[tuple[Member, ...], str | None]:
    """Every file that can be taken out, and why one could not; two of one name are both kept, unless they are the same."""
    members: dict[str, Member] = {}
    missing: str | None = None
    try:
        for entry in entries:
            name = _bare(entry.name)
            room -= entry.size
            if len(members) >= MAX_MEMBERS or room < 0:
                return tuple(
                    members.values()
                ), missing or "elle contient trop de fichiers ou des fichiers trop gros"
            if entry.source is None:
                missing = missing or f"« {name} » n’y est pas un fichier ordinaire"
                continue
            member = _member(name, entry.source.read())
            if member.head.startswith(_APPLE) and name.startswith("._"):
                continue
            if name in members and members[name].sha256 == member.sha256:
                continue
            members[_free(name, members)] = Member(
                _free(name, members), member.size, member.sha256, member.head, member.content
            )
    except _FAULTS:
        missing = missing or (
            "elle est abîmée ou coupée avant sa fin"
            if members
            else "son format n’est pas connu, ou elle est abîmée"
        )
    return tuple(members.values()), missing


def _member(name: str, content: bytes) -> Member:
    return Member(name, len(content), hashlib.sha256(content).hexdigest(), content[:HEAD], content)


def _bare(name: str) -> str:
    """A name without its folders, and without what no name should hold; never empty."""
    plain = name.encode("utf-8", "surrogateescape")
    try:
        text = plain.decode()
    except UnicodeDecodeError:
        text = plain.decode("cp1252", "replace")
    last = PurePosixPath(text.replace("\\", "/")).name
    return "".join(sign if sign.isprintable() else "_" for sign in last)[:200].strip() or "sans-nom"


def _free(name: str, taken: Iterable[str]) -> str:
    """That name, or the next that is free: « annexe (2).pdf »."""
    used, stem, dot, end = set(taken), *name.rpartition(".")
    rank, free = 1, name
    while free in used:
        rank += 1
        free = f"{stem} ({rank}){dot}{end}" if dot else f"{name} ({rank})"
    return free


def _is_tar(raw: bytes) -> bool:
    return raw[257:262] == b"ustar"
