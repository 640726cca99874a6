"""A folder as one file (ZIP): all versions of the documents that stand in it, its slip, its journal, their digests."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import sqlalchemy as sa

from app.core.clock import PARIS, now
from app.core.db import Db
from app.core.refusals import Refusal
from app.core.spreadsheet import as_csv
from app.display import events
from app.display.exports import slip_pdf
from app.display.exports.slip import slip
from app.display.opening import shown_to
from app.display.unread import notes_unread, without_words
from app.files import vault
from app.files.naming import clean_filename
from app.folders.models import Folder
from app.folders.rows import every_version
from app.journal.models import JournalEntry
from app.people.actor import Actor

MOST_FOLDERS = 50
"""Of one download of several folders."""
SLIP, JOURNAL, DIGESTS = "bordereau.pdf", "journal.csv", "empreintes-sha256.txt"
FORMER = "versions-anterieures"
REFUSED = frozenset('<>:"|?*')


@dataclass(frozen=True)
class Piece:
    """A version of a document under its path in the file."""

    path: str
    sha256: str


@dataclass(frozen=True)
class Bundle:
    """What the file of one folder holds; `room` is the path before each of its names, empty where it is alone."""

    title: str
    room: str
    pieces: tuple[Piece, ...]
    texts: tuple[tuple[str, bytes], ...]


def bundles(actor: Actor, folder_ids: Sequence[int]) -> list[Bundle]:
    """Read what the file holds of each folder; refuses a folder that the actor may not read as its page would.

    Refuses `file-missing` before a byte leaves.
    """
    alone = len(folder_ids) == 1
    made = [
        shown_to(actor, folder_id, lambda db, folder: _bundle(db, folder, actor, alone=alone))
        for folder_id in folder_ids
    ]
    store, scope = vault.store(), vault.scope(actor.collectivity_id)
    for piece in (piece for one in made for piece in one.pieces):
        if not store.exists(scope, piece.sha256):
            raise Refusal("file-missing", sha256=piece.sha256)
    return made


def filename(made: Sequence[Bundle]) -> str:
    """« Facture F26-11-004.zip », or that of several with the day."""
    if len(made) == 1:
        return f"{_name(made[0].title)}.zip"
    return f"dossiers-{now().astimezone(PARIS):%Y-%m-%d}.zip"


def stream(made: Sequence[Bundle], collectivity_id: int) -> Iterator[bytes]:
    """The file, as it is made: the bytes of each document are proven as they are read.

    Where they are altered the file ends there, without the table that a ZIP ends with, so that nothing opens it.
    """
    store, scope = vault.store(), vault.scope(collectivity_id)
    sink = _Sink()
    with ZipFile(sink, "w", ZIP_STORED) as archive:  # what is deposited is mostly packed already
        for one in made:
            digests = []
            for piece in one.pieces:
                with archive.open(_entry(one.room + piece.path), "w", force_zip64=True) as entry:
                    for data in store.stream(scope, piece.sha256):
                        entry.write(data)
                        yield from sink.taken()
                digests.append((piece.sha256, piece.path))
            for path, data in one.texts:
                archive.writestr(_entry(one.room + path), data)
                digests.append((hashlib.sha256(data).hexdigest(), path))
            listed = "".join(f"{digest}  {path}\n" for digest, path in digests)
            archive.writestr(_entry(one.room + DIGESTS), listed.encode())
            yield from sink.taken()
    yield from sink.taken()


class _Sink:
    """Where the archive is written: what came since the last look is taken on, nothing is gone back to."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing is held open."""

    def taken(self) -> Iterator[bytes]:
        """What was written since it was last asked."""
        pieces, self._pieces = self._pieces, []
        yield from pieces


def _entry(path: str) -> ZipInfo:
    entry = ZipInfo(path, now().astimezone(PARIS).timetuple()[:6])
    entry.external_attr = 0o600 << 16
    return entry


def _bundle(db: Db, folder: Folder, actor: Actor, *, alone: bool) -> Bundle:
    title = f"{folder.id}-{folder.title or 'sans-titre'}"
    room = "" if alone else f"{_name(title, 60)}/"
    texts = ((SLIP, slip_pdf.draw(slip(db, folder), actor.name)), (JOURNAL, _journal(db, folder)))
    return Bundle(folder.title or f"Dossier {folder.id}", room, _pieces(db, folder), texts)


def _pieces(db: Db, folder: Folder) -> tuple[Piece, ...]:
    """Each document in its current version under its number and its own name, and the former ones apart."""
    pieces = []
    for rank, (_, versions) in enumerate(every_version(db, folder.id), start=1):
        for version in versions:
            name = f"{rank:02}-{_name(version.filename)}"
            if version is not versions[0]:
                name = f"{FORMER}/{rank:02}-v{version.number}-{_name(version.filename)}"
            pieces.append(Piece(name, version.sha256))
    return tuple(pieces)


def _name(text: str, most: int = 100) -> str:
    """A name that every system takes (Windows refuses some signs and a last dot), its extension kept."""
    plain = clean_filename("".join("-" if sign in REFUSED else sign for sign in text.replace("/", "-")))
    stem, dot, extension = plain.rpartition(".")
    if not dot or len(extension) > 10:
        stem, extension = plain, ""
    return f"{stem[:most].rstrip(' .') or 'document'}{f'.{extension}' if extension else ''}"


def _journal(db: Db, folder: Folder) -> bytes:
    """The folder's lines of the journal in words, each with its digest."""
    told = JournalEntry.folder_id == folder.id, events.told_to_reader(db, folder.id)
    query = sa.select(JournalEntry).where(*told).order_by(JournalEntry.seq)
    every = db.scalars(query).all()
    unread = notes_unread(db, folder)
    lines = []
    for one in every:
        facts = without_words(one, unread)
        lines.append((str(one.seq), one.at, events.told(one.event, one.who, facts)[1], _why(facts), one.hash))
    return as_csv(("Écriture", "Heure (UTC)", "Ce qui a été fait", "Ce qui a été dit", "Empreinte"), lines)


def _why(facts: dict[str, object]) -> str:
    """The words that came with it, as they were written."""
    return str(facts.get("comment") or facts.get("reason") or "")
