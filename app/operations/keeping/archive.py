"""The file of a copy: a tar whose last member tells the digest of all the others, so that a cut one is known as cut.

In this order: `paraphe.json` (what it is), the tables, the documents (named by their own digest), the folders, and
`manifest.json`. A command of the administrator may encrypt it on its way out, and decrypt it on its way in.
"""

import errno
import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

from app.channels import publish
from app.core.refusals import Refusal

FORMAT = "paraphe-sauvegarde/1"
OPENING, MANIFEST = "paraphe.json", "manifest.json"
CHUNK = 4 << 20
LARGEST_TEXT = 64 << 20
"""The most that a member which is read in memory may measure, once it is inflated."""
CUT = "le fichier est coupé, abîmé, ou chiffré sans que --decrypt soit donné"
_TABLE = re.compile(r"tables/(?P<table>[a-z_0-9]{1,63})/(?:columns\.json|[0-9]{6}\.jsonl\.z)")
_DOCUMENT = re.compile(r"documents/(?P<scope>[cp][0-9]{1,10})/(?P<sha256>[0-9a-f]{64})")
_FOLDER = re.compile(r"folders/(?P<folder>[a-z-]{1,40})/(?P<path>[^\0]+)")


@contextmanager
def written(target: Path, command: Sequence[str]) -> Iterator[IO[bytes]]:
    """A new private file, through `command` when there is one; it has its name once it is whole, and not before.

    Refuses `backup-there`, `backup-begun` (one is being written, or was cut), `backup-unwritten`, `backup-command`.
    """
    partial = target.with_name(f"{target.name}.partial")
    if target.exists():
        raise Refusal("backup-there", name=str(target))
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Refusal("backup-begun", name=str(partial)) from error
    except OSError as error:
        raise Refusal("backup-unwritten", name=str(target), why=_why(error)) from error
    try:
        with os.fdopen(handle, "wb") as file:
            with _through(command, stdout=file) if command else _plain(file) as out:
                yield out
            file.flush()
            os.fsync(file.fileno())
        if not publish(partial, target):  # never over a file that came meanwhile
            raise Refusal("backup-there", name=str(target))
    except OSError as error:
        raise Refusal("backup-unwritten", name=str(target), why=_why(error)) from error
    finally:
        with suppress(OSError):  # the copy has its name, or was refused already
            partial.unlink(missing_ok=True)
    with suppress(OSError):  # some network shares cannot flush a folder; the file itself was
        _settle(target.parent)


@contextmanager
def _plain(file: IO[bytes]) -> Iterator[IO[bytes]]:
    yield file


@contextmanager
def _through(command: Sequence[str], **ends: Any) -> Iterator[IO[bytes]]:
    """What is written here goes through the command; refuses `backup-command` unless it says that all went well."""
    process = _started(command, stdin=subprocess.PIPE, **ends)
    entry = process.stdin or io.BytesIO()
    try:
        yield entry
        entry.close()
    except BrokenPipeError as error:
        raise Refusal("backup-command", command=command[0], code=process.wait()) from error
    finally:
        with suppress(BrokenPipeError):
            entry.close()
        code = process.wait()
    if code:
        raise Refusal("backup-command", command=command[0], code=code)


def _started(command: Sequence[str], **ends: Any) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(command, **ends)  # noqa: S603 - the administrator's own command, and no shell
    except OSError as error:
        raise Refusal("backup-command-unknown", command=command[0]) from error


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _settle(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Writer:
    """Puts members one after the other, and remembers the size and the digest of each."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self.members: dict[str, list[Any]] = {}

    def put(self, name: str, data: bytes) -> None:
        """A member from memory."""
        self.members[name] = [len(data), hashlib.sha256(data).hexdigest()]
        self._add(name, len(data), io.BytesIO(data))

    def put_file(self, name: str, path: Path) -> None:
        """A member from a local file, as long as it is when it is opened."""
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            self.members[name] = [size, self._add(name, size, file)]

    def put_named(self, name: str, path: Path) -> int:
        """A member whose name is its digest, verified by who made the local file; its size."""
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            self._add(name, size, file)
        return size

    def close(self) -> None:
        """The end of the tar; only then is the copy whole."""
        self._out.write(bytes(2 * tarfile.BLOCKSIZE))

    def _add(self, name: str, size: int, source: BinaryIO) -> str:
        """Write the heading, exactly so many bytes, and what fills the block; the digest of the bytes."""
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        self._out.write(info.tobuf(tarfile.PAX_FORMAT))
        left, digest = size, hashlib.sha256()
        while left:
            data = source.read(min(CHUNK, left))
            if not data:
                raise OSError(errno.EIO, "un fichier a raccourci pendant qu’il était lu")
            self._out.write(data)
            digest.update(data)
            left -= len(data)
        self._out.write(bytes(-size % tarfile.BLOCKSIZE))
        return digest.hexdigest()


@dataclass(frozen=True)
class Member:
    """One member as it is read: its name, what the name says, and its bytes, to be read once and at once."""

    name: str
    kind: str
    facts: dict[str, str]
    size: int
    file: IO[bytes]

    def data(self) -> bytes:
        """All of it, in memory; refuses `copy-broken` when that would be too much."""
        if self.size > LARGEST_TEXT:
            raise broken(f"« {self.name} » est trop grand")
        return b"".join(self.pieces())

    def pieces(self) -> Iterator[bytes]:
        """Its bytes as they come; refuses `copy-broken` where the file is cut."""
        try:
            while piece := self.file.read(CHUNK):
                yield piece
        except (tarfile.TarError, EOFError, OSError) as error:
            raise broken(CUT) from error


def broken(what: str) -> Refusal:
    """The refusal of a copy that is not what was written."""
    return Refusal("copy-broken", what=what)


def members(source: Path, command: Sequence[str]) -> Iterator[Member]:
    """The members in their order; refuses `copy-absent`, `copy-broken`, `backup-command`. A name of another shape is one."""
    try:
        with _read(source, command) as entry, tarfile.open(fileobj=entry, mode="r|") as tar:
            for info in tar:
                file = tar.extractfile(info) if info.isreg() else None
                if file is None:
                    raise broken(f"« {info.name} » n’est pas un fichier")
                kind, facts = _named(info.name)
                yield Member(info.name, kind, facts, info.size, file)
    except (tarfile.TarError, EOFError, UnicodeError) as error:
        raise broken(CUT) from error


@contextmanager
def _read(source: Path, command: Sequence[str]) -> Iterator[IO[bytes]]:
    try:
        file = source.open("rb")
    except OSError as error:
        raise Refusal("copy-absent", name=str(source), why=_why(error)) from error
    with file:
        if not command:
            yield file
            return
        process = _started(command, stdin=file, stdout=subprocess.PIPE)
        out = process.stdout or io.BytesIO()
        try:
            yield out
            while out.read(CHUNK):  # what follows the end of the tar: the command must reach its own end
                pass
        except Refusal:
            raise
        except tarfile.TarError as error:
            out.close()
            if code := process.wait():
                raise Refusal("backup-command", command=command[0], code=code) from error
            raise
        finally:
            out.close()
            code = process.wait()
        if code:
            raise Refusal("backup-command", command=command[0], code=code)


def _named(name: str) -> tuple[str, dict[str, str]]:
    """What a name says; one that leads elsewhere is no name of ours."""
    if name in {OPENING, MANIFEST}:
        return name, {}
    for kind, shape in (("table", _TABLE), ("document", _DOCUMENT), ("folder", _FOLDER)):
        if parts := shape.fullmatch(name):
            facts = parts.groupdict()
            if kind == "folder" and (
                facts["path"].startswith("/") or {"", ".", ".."} & set(facts["path"].split("/"))
            ):
                break
            return kind, facts
    raise broken(f"« {name[:100]} » n’est pas d’une sauvegarde")


def inflate(data: bytes) -> list[str]:
    """The lines of a piece of a table."""
    reader = zlib.decompressobj()
    try:
        text = reader.decompress(data, LARGEST_TEXT).decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise broken("une table est abîmée") from error
    if reader.unconsumed_tail or not reader.eof:
        raise broken("une table est coupée")
    return text.split("\n")[:-1]  # a text of a row may hold other signs that end a line


def object_in(data: bytes) -> dict[str, Any]:
    """The JSON object that a member holds."""
    try:
        value = json.loads(data)
    except ValueError as error:
        raise broken("une page de la sauvegarde n’est pas lisible") from error
    if not isinstance(value, dict):
        raise broken("une page de la sauvegarde n’est pas lisible")
    return value
