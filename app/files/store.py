"""Bytes are kept under their own SHA-256, once, and never served when they no longer match it."""

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from app.core.clock import now as moment_now
from app.core.refusals import Refusal

CHUNK = 1 << 20
BLOCK = 1 << 20
"""Bytes of a block that is proven alone: what a part of a file costs to read, at the least."""
DIGEST = 32
RECENT = 256
"""Files just kept whose blocks the process still knows, until the row that names them is written."""
STAGING = ".staging"
USED, SWEPT = ".used", ".swept"
"""Where a bucket keeps the marks of what was deposited again, and of what a sweep is about to remove."""
MARKED = timedelta(minutes=10)
"""How long a sweep's mark counts: longer than any of its requests lasts, tries included; then it died."""
PATIENCE = 60.0
"""Seconds within which a sweep goes from its mark to the removal, or gives it up."""
_SCOPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_NAME = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Stored:
    """Where kept bytes are found again: their SHA-256 in hexadecimal, and their size in bytes."""

    sha256: str
    size: int


def mount_of(folder: Path) -> Path:
    """The mount point that a folder is on, itself perhaps."""
    place = folder.resolve()
    while not os.path.ismount(place):
        place = place.parent
    return place


def open_store(url: str, begins: Callable[[Path], None] | None = None) -> "Store":
    """The store of a setting: `file:<folder>` or `s3://bucket/prefix?endpoint=…&region=…`.

    `begins` refuses a folder that is not where it was, or a store begun anew (asked before anything is made there).

    The keys of S3 come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), never from the URL.
    Open it after the web server has forked: its threads do not survive a fork.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return _folder_store(Path(unquote(parts.netloc + parts.path)), begins)
    if parts.scheme == "s3" and parts.netloc:
        return _s3_store(parts.netloc, parts.path.strip("/"), dict(parse_qsl(parts.query)))
    raise ValueError(f"a store is file:<folder> or s3://bucket/prefix, not {url!r}")


class Store:
    """Content-addressed, create-only objects, one sealed scope per collectivity."""

    fresh = timedelta(minutes=1)
    """Younger than this, bytes of a bucket that are deposited again need no mark: no sweep looks at them."""
    wait = 5.0
    """Seconds that a deposit waits for a sweep that is removing the same bytes from a bucket."""

    def __init__(self, objects: Any, folder: Path | None = None) -> None:
        self._objects = objects
        self._folder = folder
        self._mount = mount_of(folder) if folder else None
        self._opened = _identity(folder) if folder else None
        self._settled: set[Path] = set()
        self._recent: dict[str, bytes] = {}

    def put_file(self, scope: str, path: Path) -> Stored:
        """Keep the bytes of a local file; when it returns they survive a power cut."""
        with path.open("rb") as source:
            return self._put(scope, iter(lambda: source.read(CHUNK), b""))

    def put_bytes(self, scope: str, data: bytes) -> Stored:
        """Keep these bytes; when it returns they survive a power cut."""
        return self._put(scope, iter((data,)))

    def stream(self, scope: str, sha256: str, chunk: int = CHUNK) -> Iterator[bytes]:
        """The kept bytes, piece by piece; the last piece is held back until all of them are verified."""
        pieces = self._pieces(scope, sha256, chunk)
        digest, pending = hashlib.sha256(), b""
        while True:
            with self._speaking(sha256):
                piece = next(pieces, None)
            if piece is None:
                break
            if pending:
                yield pending
            pending = piece
            digest.update(pending)
        if digest.hexdigest() != sha256:
            raise Refusal("file-altered", sha256=sha256)
        if pending:
            yield pending

    def _pieces(self, scope: str, sha256: str, chunk: int) -> Iterator[bytes]:
        """The bytes as they are kept; those of a folder are read here, without the threads that obstore has for it."""
        key = _key(scope, sha256)
        if self._folder:
            with (self._folder / key).open("rb", buffering=0) as content:
                while piece := content.read(chunk):
                    yield piece
            return
        import obstore

        for piece in obstore.get(self._objects, key).stream(min_chunk_size=chunk):
            yield bytes(piece)

    def blocks(self, scope: str, sha256: str) -> bytes:
        """The SHA-256 of each block of the kept bytes, one after the other; all of them are read and verified."""
        counter = _Counting(self.stream(scope, sha256))
        for _ in counter:
            pass
        return counter.blocks()

    def blocks_known(self, sha256: str) -> bytes | None:
        """The same, of bytes that this process has just kept; None of others."""
        return self._recent.get(sha256)

    def part(
        self, scope: str, sha256: str, size: int, blocks: bytes, start: int, end: int
    ) -> Iterator[bytes]:
        """The kept bytes from `start` to before `end`, of `size`, piece by piece, each proven before it is given.

        `blocks`: what `blocks` answered, or the digest itself of a file of one block. Refuses `file-altered`.
        """
        if len(blocks) != DIGEST * max(1, -(-size // BLOCK)):
            raise ValueError("these are not the blocks of that file")
        for number in range(start // BLOCK, -(-end // BLOCK)):
            data = self._proven(scope, sha256, size, blocks, number)
            yield data[max(0, start - number * BLOCK) : end - number * BLOCK]

    def parts(
        self, scope: str, sha256: str, size: int, blocks: bytes, ranges: Sequence[tuple[int, int]]
    ) -> Iterator[bytes]:
        """The same of several ranges, in ascending order, one piece for each: a block that they share is read once."""
        if len(blocks) != DIGEST * max(1, -(-size // BLOCK)):
            raise ValueError("these are not the blocks of that file")
        known, data = -1, b""
        for start, end in ranges:
            piece = b""
            for number in range(start // BLOCK, -(-end // BLOCK)):
                if number != known:
                    known, data = number, self._proven(scope, sha256, size, blocks, number)
                piece += data[max(0, start - number * BLOCK) : end - number * BLOCK]
            yield piece

    def _proven(self, scope: str, sha256: str, size: int, blocks: bytes, number: int) -> bytes:
        data = self._piece(scope, sha256, number * BLOCK, min((number + 1) * BLOCK, size))
        if hashlib.sha256(data).digest() != blocks[DIGEST * number : DIGEST * (number + 1)]:
            raise Refusal("file-altered", sha256=sha256)
        return data

    def _piece(self, scope: str, sha256: str, start: int, end: int) -> bytes:
        import obstore

        with self._speaking(sha256):
            if obstore.head(self._objects, _key(scope, sha256))["size"] < end:
                raise Refusal("file-altered", sha256=sha256)  # cut: no outage, though a store says it so
            return bytes(obstore.get_range(self._objects, _key(scope, sha256), start=start, end=end))

    def read(self, scope: str, sha256: str) -> bytes:
        """The kept bytes, verified, in memory; for large files use `stream` or `fetch`."""
        return b"".join(self.stream(scope, sha256))

    def fetch(self, scope: str, sha256: str, target: Path) -> None:
        """Copy the kept bytes, verified, to a local file; nothing is left there when they are altered."""
        partial = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
        try:
            with partial.open("xb") as copy:
                for piece in self.stream(scope, sha256):
                    copy.write(piece)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    def exists(self, scope: str, sha256: str) -> bool:
        """Whether this scope holds these bytes; another scope holding them does not count."""
        import obstore

        with self._speaking(sha256):
            try:
                obstore.head(self._objects, _key(scope, sha256))
            except FileNotFoundError:
                self._present()
                return False
        return True

    def answers(self) -> None:
        """Ask for an object that no digest names, and write nothing; refuses a store that does not say it is absent.

        Of a folder, also that it may be written in. What a store does is tried by `probe`.
        """
        import obstore

        key = f"{STAGING}/probe"
        self._present()
        if self._folder and not (self._folder.is_dir() and os.access(self._folder, os.W_OK)):
            raise Refusal("store-unavailable")
        with self._speaking(key), contextlib.suppress(FileNotFoundError):
            obstore.head(self._objects, key)

    def probe(self) -> None:
        """Write, read back, compare, try to overwrite, remove: refuses a store that fails at any of these."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        self._present()
        key, proof = f"{STAGING}/probe-{secrets.token_hex(12)}", secrets.token_bytes(64)
        with self._speaking(key):
            obstore.put(self._objects, key, proof, mode="create", use_multipart=False)
            try:
                if bytes(obstore.get(self._objects, key).bytes()) != proof:
                    raise Refusal("file-altered", sha256=hashlib.sha256(proof).hexdigest())
                try:
                    obstore.put(self._objects, key, b"other", mode="create", use_multipart=False)
                except AlreadyExistsError:
                    return
                raise Refusal("store-overwrites")
            finally:
                obstore.delete(self._objects, key)

    def old(self, now: datetime, older_than: timedelta) -> Iterator[tuple[str, str, int]]:
        """What the store has held untouched for so long: scope, digest and size, one after the other, in no order."""
        limit = now - older_than
        yield from self._old_in_folder(self._folder, limit) if self._folder else self._old(limit)

    def objects(self) -> Iterator[tuple[str, str, int]]:
        """Everything that the store holds, whoever put it there: scope, digest and size in bytes, in no order."""
        if self._folder:
            for path in self._folder.glob("*/??/*"):
                scope, name = path.parts[-3], path.name
                if _SCOPE.fullmatch(scope) and _NAME.fullmatch(name):
                    with contextlib.suppress(FileNotFoundError):  # a sweep has just removed it
                        yield scope, name, path.stat().st_size
            return
        for meta in self._listed(""):
            scope, _, name = (*meta["path"].split("/"), "", "")[:3]
            if _SCOPE.fullmatch(scope) and _NAME.fullmatch(name) and meta["path"] == _key(scope, name):
                yield scope, name, meta["size"]

    def _old_in_folder(self, folder: Path, limit: datetime) -> Iterator[tuple[str, str, int]]:
        mine = os.geteuid()
        for path in folder.glob("*/??/*"):
            scope, name = path.parts[-3], path.name
            with contextlib.suppress(FileNotFoundError):  # another sweep has just removed it
                status = path.stat()
                # What another account put there, a deposit could not mark as used again: it stays.
                ours = status.st_uid == mine and _SCOPE.fullmatch(scope) and _NAME.fullmatch(name)
                if ours and status.st_mtime < limit.timestamp():
                    yield scope, name, status.st_size

    def _old(self, limit: datetime) -> Iterator[tuple[str, str, int]]:
        for meta in self._listed(""):
            scope, _, name = (*meta["path"].split("/"), "", "")[:3]
            ours = _SCOPE.fullmatch(scope) and _NAME.fullmatch(name) and meta["path"] == _key(scope, name)
            if ours and meta["last_modified"] < limit:
                yield scope, name, meta["size"]

    def _listed(self, prefix: str) -> Iterator[Any]:
        import obstore

        with self._speaking(prefix):
            for chunk in obstore.list(self._objects, prefix=prefix or None):
                yield from chunk

    def forget(self, scope: str, sha256: str, now: datetime, older_than: timedelta) -> bool:
        """Remove what no row names; False when it has been deposited again meanwhile, is another account's, or is not there."""
        key = _key(scope, sha256)
        if self._folder is None:
            return self._forget_in_bucket(key, now - older_than)
        path = self._folder / key
        with _alone(self._folder):
            if not path.is_file():
                return False
            status = path.stat()
            # What another account put there, a deposit could not mark as used again: it stays.
            if status.st_uid != os.geteuid() or status.st_mtime >= (now - older_than).timestamp():
                return False
            path.unlink()
            return True

    def _forget_in_bucket(self, key: str, limit: datetime) -> bool:
        """Remove an object that nobody has used since; a bucket has no lock, so each says first what it is about to do.

        The sweep marks what it will remove, then looks whether it was used again; a deposit marks what it uses again, then
        looks whether it is being removed (`_used_in_bucket`). Whoever is second sees the other's mark.
        """
        import obstore

        began = time.monotonic()
        with self._speaking(key):
            obstore.put(self._objects, f"{SWEPT}/{key}", b"", use_multipart=False)
            try:
                there, used = self._written_at(key), self._written_at(f"{USED}/{key}")
                if there is None or any(moment >= limit for moment in (there, used) if moment is not None):
                    return False
                if time.monotonic() - began > PATIENCE:
                    return False
                obstore.delete(self._objects, [key, f"{USED}/{key}"])
                return True
            finally:
                obstore.delete(self._objects, f"{SWEPT}/{key}")

    def _used_in_bucket(self, key: str) -> None:
        """Mark bytes that are deposited again, and wait for the end of a sweep that is removing them."""
        import obstore

        written_at = self._written_at(key)
        if written_at is not None and moment_now() - written_at < self.fresh:
            return
        obstore.put(self._objects, f"{USED}/{key}", b"", use_multipart=False)
        until = time.monotonic() + self.wait
        while (swept := self._written_at(f"{SWEPT}/{key}")) is not None and moment_now() - swept < MARKED:
            if time.monotonic() > until:
                raise Refusal("store-unavailable", why="a sweep is at work on these bytes")
            time.sleep(0.1)

    def _written_at(self, key: str) -> datetime | None:
        """When an object was written, or None when it is not there."""
        import obstore

        try:
            moment: datetime = obstore.head(self._objects, key)["last_modified"]
        except FileNotFoundError:
            return None
        return moment

    def sweep(self, now: datetime, older_than: timedelta = timedelta(days=1)) -> int:
        """Remove what a crash left half written, and marks that serve no more; tells how many files that was."""
        import obstore

        removed, limit = 0, now - older_than
        for left in self._folder.glob(f"{STAGING}/*") if self._folder else ():
            if left.stat().st_mtime < limit.timestamp():
                left.unlink(missing_ok=True)
                removed += 1
        for place in () if self._folder else (STAGING, USED, SWEPT):
            for meta in self._listed(place):
                if meta["last_modified"] < limit:
                    with self._speaking(meta["path"]):
                        obstore.delete(self._objects, meta["path"])
                    removed += 1
        return removed

    def _put(self, scope: str, pieces: Iterator[bytes]) -> Stored:
        _key(scope, "0" * 64)  # a bad scope is refused before anything is written
        if self._folder:
            self._present()
            try:
                return self._put_in_folder(self._folder, scope, pieces)
            except FileNotFoundError:
                self._present()  # the share went away under what was being written
                raise
        return self._put_in_bucket(scope, pieces)

    def _put_in_folder(self, folder: Path, scope: str, pieces: Iterator[bytes]) -> Stored:
        """Stage, fsync, then give the name: a name never shows bytes that a power cut could take away."""
        staged = folder / STAGING / secrets.token_hex(16)
        counter = _Counting(pieces)
        try:
            _stage(staged, counter, lambda: self._speaking(staged.name))
            stored = self._learnt(counter)
            key = _key(scope, stored.sha256)
            self._present()
            while not self._named(folder, staged, key):
                if _used_again(folder, key):
                    self._same(scope, stored)
                    break
            self._settle(folder, Path(key))
            return stored
        finally:
            staged.unlink(missing_ok=True)

    def _named(self, folder: Path, staged: Path, key: str) -> bool:
        """Give staged bytes their name; False when it is taken."""
        with self._speaking(key):
            try:
                _link(folder, staged, key)
            except FileExistsError:
                return False
        return True

    def _settle(self, folder: Path, key: Path) -> None:
        """The name, and once per process the folders above it, are on the disk before anybody hears of it."""
        leaf, *above = key.parents
        _fsync(folder / leaf)
        if leaf not in self._settled:
            for level in above:
                _fsync(folder / level)
            self._settled.add(leaf)

    def _put_in_bucket(self, scope: str, pieces: Iterator[bytes]) -> Stored:
        """One conditional PUT (If-None-Match), the only create-only way: the file is held in memory."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        counter = _Counting(pieces)
        data = b"".join(counter)
        stored = self._learnt(counter)
        key = _key(scope, stored.sha256)
        while True:
            try:
                with self._speaking(key):
                    obstore.put(self._objects, key, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                with self._speaking(key):
                    self._used_in_bucket(key)
                    if self._written_at(key) is None:  # a sweep has just taken it: it is put again
                        continue
                self._same(scope, stored)
            return stored

    def _learnt(self, counter: "_Counting") -> Stored:
        """What was just written, whose blocks are remembered for a while."""
        stored = counter.stored()
        if stored.size > BLOCK:
            self._recent[stored.sha256] = counter.blocks()
            for former in list(self._recent)[:-RECENT]:
                self._recent.pop(former, None)
        return stored

    def _same(self, scope: str, stored: Stored) -> None:
        """An object already there must be the same bytes; it is never overwritten, even to heal it."""
        if sum(len(piece) for piece in self.stream(scope, stored.sha256)) != stored.size:
            raise Refusal("file-altered", sha256=stored.sha256)

    def _present(self) -> None:
        """Refuse `store-away` when the folder is no longer on the disk where it was opened: its share was unmounted.

        What would be written in its place is hidden when the share comes back; what is missing there is not lost.
        """
        if self._folder is None or self._mount is None:
            return
        try:
            # The very folder of the first day is on the same mount; of another, which a bind mount on the same disk may
            # have hidden until it was unmounted, its mount is asked
            there = (self._folder / STAGING).is_dir() and (
                _identity(self._folder) == self._opened or mount_of(self._folder).is_relative_to(self._mount)
            )
        except OSError:  # a share whose server is gone
            there = False
        if not there:
            raise Refusal("store-away")

    @contextlib.contextmanager
    def _speaking(self, sha256: str) -> Iterator[None]:
        """What the store answers becomes a refusal; « already there » stays with the caller."""
        from obstore.exceptions import AlreadyExistsError, BaseError

        try:
            yield
        except AlreadyExistsError:
            raise
        except FileNotFoundError as error:
            self._present()
            raise Refusal("file-missing", sha256=sha256) from error
        except (BaseError, OSError) as error:
            raise Refusal("store-unavailable", why=str(error).splitlines()[0]) from error


class _Counting:
    """Passes pieces on while it learns their digest, size and blocks: one reading of the file, not two."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._digest = hashlib.sha256()
        self._size = 0
        self._done = bytearray()
        self._block = self._digest  # of the first block, that of the whole so far

    def __iter__(self) -> "_Counting":
        return self

    def __next__(self) -> bytes:
        piece = next(self._pieces)
        rest = memoryview(piece)
        while rest:
            room = BLOCK - self._size % BLOCK
            self._digest.update(rest[:room])
            if self._block is not self._digest:
                self._block.update(rest[:room])
            self._size += len(rest[:room])
            rest = rest[room:]
            if self._size % BLOCK == 0:
                self._done += self._block.digest()
                self._block = hashlib.sha256()
        return piece

    def stored(self) -> Stored:
        return Stored(self._digest.hexdigest(), self._size)

    def blocks(self) -> bytes:
        """The digest of each block; that of no bytes for an empty file."""
        whole = self._size and self._size % BLOCK == 0
        return bytes(self._done) if whole else bytes(self._done) + self._block.digest()


def _key(scope: str, sha256: str) -> str:
    if not _SCOPE.fullmatch(scope) or not _NAME.fullmatch(sha256):
        raise ValueError("a scope is a short plain word and a name is 64 hexadecimal digits")
    return f"{scope}/{sha256[:2]}/{sha256}"


def _used_again(folder: Path, key: str) -> bool:
    """Mark bytes that are deposited again as new, so that no sweep takes them; False when one has just taken them."""
    with _alone(folder):
        try:
            os.utime(folder / key)
        except PermissionError:
            return True  # another account's, so never swept
        except FileNotFoundError:
            return False
        return True


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """A sweep and a deposit of the same bytes never decide at once, whatever their processes."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # let go when the handle is closed
        yield
    finally:
        os.close(handle)


def _identity(folder: Path) -> tuple[int, int]:
    """The disk of a folder, and its number there: of two mounts of one disk, their folders differ by that number."""
    facts = folder.stat()
    return facts.st_dev, facts.st_ino


def _stage(
    path: Path, pieces: Iterator[bytes], speaking: Callable[[], contextlib.AbstractContextManager[None]]
) -> None:
    """Write pieces to a file that was not there, which nobody changes any more, and have it on the disk.

    What the store answers is told by `speaking`; what fails where the pieces come from is no answer of the store.
    """
    with speaking():
        staged = path.open("xb", buffering=0)
    with staged:
        for piece in pieces:
            with speaking():
                rest = memoryview(piece)
                while rest:
                    rest = rest[staged.write(rest) :]
        with speaking():
            os.fchmod(staged.fileno(), 0o440)
    with speaking():
        _fsync(path)


def _link(folder: Path, staged: Path, key: str) -> None:
    """Give staged bytes a name that was free (FileExistsError), in folders that are made where they are not there yet."""
    try:
        os.link(staged, folder / key)
    except FileNotFoundError:
        scope, part, _ = Path(key).parts
        # One after the other: the folder of the store itself is never made anew in the place of a share
        (folder / scope).mkdir(exist_ok=True)
        (folder / scope / part).mkdir(exist_ok=True)
        os.link(staged, folder / key)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _folder_store(folder: Path, begins: Callable[[Path], None] | None) -> Store:
    from obstore.store import LocalStore

    if begins is not None:
        begins(folder)
    (folder / STAGING).mkdir(parents=True, exist_ok=True)
    return Store(LocalStore(folder.resolve()), folder.resolve())


def _s3_store(bucket: str, prefix: str, options: dict[str, str]) -> Store:
    from obstore.store import S3Store

    unknown = set(options) - {"endpoint", "region"}
    if unknown:
        raise ValueError(f"unknown option of an s3 store: {', '.join(sorted(unknown))}")
    endpoint = options.get("endpoint")
    client: Any = {"timeout": "60s", "connect_timeout": "5s"}
    if endpoint and endpoint.startswith("http://"):
        client["allow_http"] = True  # a private network or a test; the setting says it openly
    settings: dict[str, Any] = {"region": options.get("region", "us-east-1")}
    if endpoint:
        settings["endpoint"] = endpoint
    return Store(S3Store(bucket, prefix=prefix or None, client_options=client, **settings))
