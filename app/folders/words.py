"""The words by which a folder is found: read once, written whole, gone with what they told.

A version comes with its words where the deposit that examined its file has read them (`arrive`): they are written in the
transaction that writes it. A row of the outbox (`READ`) has all other documents of a folder read, each once, and its words
written anew. What takes a document out, or writes a note for all, writes them in its own transaction: nothing that is gone
is found.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from secrets import token_hex
from typing import Any

import sqlalchemy as sa

from app.circuits.library import family_of
from app.core.clock import now
from app.core.days import days_without_year
from app.core.db import Db, reading
from app.core.outbox import Later, News, Row, post
from app.core.refusals import Refusal
from app.core.stems import forms_in, joined
from app.core.transaction import before_commit, use_case
from app.files import vault
from app.files.words import READ as KINDS
from app.files.words import Text, read_words
from app.folders.models import Document, DocumentVersion, DocumentWords, Folder, FolderNote, FolderWords
from app.folders.search import told_of
from app.folders.sockets import proposes, words_changed
from app.people.actor import Actor, system

READ, NOTED = "folder.words", "folder.noted"
"""The row that has the words of a folder read and written; the same once a note is final, and found by its words."""
ROLES = ("main", "attachment", "data", "paper")
"""The documents that have words of their own: of the others, these say the same, or who answered did."""
SAME = ("signed", "augmented")
"""What was made of the version before, and says what it says."""
TRIES, AGAIN = 3, 600.0
"""How often a file that cannot be read is tried at most, and after so many seconds."""
PORTION = 100
WIDEST = 800_000
"""Octets of the forms of a row that are indexed; PostgreSQL refuses a vector of more than 1,048,575."""
_ASKED, _ARRIVED, _BEGUN = "words asked", "words arrived", "words begun"


@dataclass(frozen=True)
class _Source:
    """A version whose words are to be read."""

    document_id: int
    version_id: int
    sha256: str
    media_type: str
    role: str


@dataclass(frozen=True)
class Worded:
    """What is written of the text of a version, made before the transaction that writes it; `state` as in `DocumentWords`."""

    state: str
    text: str = ""
    stems: str = " "
    recognised: bool = False
    places: Sequence[Any] = ()


def worded(text: Text | None) -> Worded:
    """What is written of a text; None where the file, or its limits, ended its reading."""
    if text is None or not text.text:
        return Worded("failed" if text is None else "none")
    stems = joined(forms_in(text.text))
    return Worded("read", _by_line(text.text), stems, text.recognised, text.places)


def start(db: Db, folder: Folder) -> None:
    """Say that a folder is made in this transaction: no words of it are there, and no note."""
    db.info.setdefault(_BEGUN, set()).add(folder.id)


def arrive(db: Db, folder: Folder, version: DocumentVersion, role: str, words: Worded | None) -> None:
    """Have a version that is written here found by its words: by these with this transaction, else once the worker has read it.

    Written once for a transaction, when the verb is over: by then the folder says what is read in it, and what it is about.
    """
    arrivals = db.info.setdefault(_ARRIVED, {})
    if folder.id not in arrivals:
        arrivals[folder.id] = {}
        before_commit(db, partial(_settle, db, folder))
    source = _Source(version.document_id, version.id, version.sha256, version.media_type, role)
    arrivals[folder.id][version.document_id] = source, words, version.number > 1


def _settle(db: Db, folder: Folder) -> None:
    """Write the words that came with the versions of this transaction, and ask for those of the others.

    What was read of other bytes of their documents goes now: a folder is not found by a file that was replaced.
    """
    arrivals = db.info[_ARRIVED].pop(folder.id).values()
    proposing = proposes(folder)
    ready = {
        one: words for one, words, _ in arrivals if words is not None and not _unplaced(one, words, proposing)
    }
    if len(ready) < len(arrivals):
        ask(db, folder)
    replaced = [one for one, _, again in arrivals if again]
    gone = [
        *(one.document_id for one in replaced if one in ready),
        *_of_others(db, [one for one in replaced if one not in ready]),
    ]
    if not (ready or gone):
        return
    _put(db, folder, ready, gone)
    if folder.id in db.info.get(_BEGUN, ()):  # nothing else is written of it yet
        db.info[_BEGUN].discard(folder.id)
        _add(
            db, folder, _parts(folder, (), (words.stems for words in ready.values() if words.state == "read"))
        )
    else:
        rewrite(db, folder)


def _unplaced(one: _Source, words: Worded, proposing: bool) -> bool:
    """Whether words came without the places that what a page proposes is shown at: all that was read was typed over."""
    return proposing and one.role == "main" and bool(words.text) and not words.places


def _of_others(db: Db, sources: Sequence[_Source]) -> list[int]:
    """The documents of these versions whose words are of other bytes."""
    if not sources:
        return []
    bytes_of = {one.document_id: one.sha256 for one in sources}
    query = (
        sa.select(DocumentWords.document_id, DocumentVersion.sha256)
        .join(DocumentVersion, DocumentVersion.id == DocumentWords.version_id)
        .where(DocumentWords.document_id.in_(bytes_of))
    )
    return [document_id for document_id, sha256 in db.execute(query) if sha256 != bytes_of[document_id]]


def ask(db: Db, folder: Folder, before: str | None = None) -> None:
    """Have the words of a folder read soon; once for a transaction, however much of it that one changes.

    `before`: what its search key was; where it still is, nothing that lists tell of the folder has changed.
    """
    if folder.title_key == before:
        return
    asked = db.info.setdefault(_ASKED, set())
    if folder.id not in asked:
        asked.add(folder.id)
        post(db, folder.collectivity_id, [News(READ, f"{READ}-{folder.id}-{token_hex(6)}", {}, folder.id)])


def ask_once_final(db: Db, note: FolderNote) -> None:
    """Have a note for all found by its words as soon as its author takes it back no more."""
    key = f"{NOTED}-{note.id}"
    news = News(NOTED, key, {}, note.folder_id, not_before=note.final_at)
    post(db, note.collectivity_id, [news])


def read_row(row: Row) -> None:
    """The handler: a file that could not be read is tried again later, and the folder is found by the rest meanwhile."""
    if row.folder_id is None or not index(system(row.collectivity_id), row.folder_id):
        return
    # By its age: to wait is no try, and a file that is lost would be looked for again for ever
    if now() - row.created_at < timedelta(seconds=AGAIN * (TRIES - 1)):
        raise Later(AGAIN, "un fichier n’a pas pu être lu")


def index(actor: Actor, folder_id: int, *, again: bool = False) -> bool:
    """Read what has not been read of a folder's documents, and write its words; whether some file could not be read.

    `again`: the files that had no text too, since what recognises it may have come meanwhile.
    """
    with reading(actor.collectivity_id) as db:
        sources = _unread(db, folder_id, ("failed", "none") if again else ("failed",))
        folder = db.get(Folder, folder_id) if any(one.role == "main" for one in sources) else None
        proposing = folder is not None and proposes(folder)
    read = {
        one: worded(_text(actor.collectivity_id, one, placed=proposing and one.role == "main"))
        for one in sources
    }
    write(actor, folder_id, read)
    return any(words.state == "failed" for words in read.values())


def _text(collectivity_id: int, one: _Source, *, placed: bool) -> Text | None:
    if one.media_type not in KINDS:
        return Text()
    try:
        with vault.local(collectivity_id, one.sha256) as path:
            return read_words(path, one.media_type, placed=placed)
    except Refusal:  # its bytes are lost, or no reader starts: the doctor tells it, and a search does without
        return None


def _unread(db: Db, folder_id: int, states: Collection[str]) -> list[_Source]:
    read = sa.select(DocumentWords.document_id, DocumentWords.version_id).where(
        DocumentWords.folder_id == folder_id, DocumentWords.state.not_in(states)
    )
    known = {row.document_id: row.version_id for row in db.execute(read)}
    return [one for one in _sources(db, folder_id) if known.get(one.document_id) != one.version_id]


def _sources(db: Db, folder_id: int) -> list[_Source]:
    """Of each document that has words, the last version that somebody wrote."""
    query = (
        sa.select(
            DocumentVersion.document_id,
            DocumentVersion.id,
            DocumentVersion.sha256,
            DocumentVersion.media_type,
            Document.role,
        )
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(
            Document.folder_id == folder_id,
            Document.removed_at.is_(None),
            Document.role.in_(ROLES),
            DocumentVersion.origin.not_in(SAME),
        )
        .order_by(DocumentVersion.document_id, DocumentVersion.number)
    )
    last = {row[0]: _Source(*row) for row in db.execute(query)}
    return list(last.values())


@use_case
def write(db: Db, actor: Actor, folder_id: int, read: Mapping[_Source, Worded]) -> None:
    """Keep what was read, as far as it still stands, and write the words of the folder; nothing of one that is gone."""
    query = sa.select(Folder).where(Folder.id == folder_id, Folder.collectivity_id == actor.collectivity_id)
    folder = db.scalar(query.with_for_update())
    if folder is None:
        return
    current = {one.version_id for one in _sources(db, folder_id)} if read else set()
    standing = {one: words for one, words in read.items() if one.version_id in current}
    if standing:
        _put(db, folder, standing, [one.document_id for one in standing])
    rewrite(db, folder)


def _put(db: Db, folder: Folder, read: Mapping[_Source, Worded], gone: Collection[int]) -> None:
    """Write what was read of these versions, and tell who takes something from it; that of the documents `gone` goes before."""
    if gone:
        former = sa.delete(DocumentWords).where(DocumentWords.document_id.in_(gone))
        db.execute(former.execution_options(synchronize_session=False))
    if read:
        moment, proposing = now(), proposes(folder)
        rows = [
            {
                "collectivity_id": folder.collectivity_id,
                "document_id": one.document_id,
                "folder_id": folder.id,
                "version_id": one.version_id,
                "state": words.state,
                "recognised": words.recognised,
                "text": words.text,
                "stems": words.stems,
                "places": list(words.places)
                if words.state != "failed" and one.role == "main" and proposing
                else None,
                "read_at": moment,
            }
            for one, words in read.items()
        ]
        db.execute(sa.insert(DocumentWords), rows)
    words_changed(db, folder)


def _by_line(text: str) -> str:
    """A text without blanks but one between two words, in the lines of its pages: a label stands beside its value."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def searched(folder: Folder) -> Mapping[str, Any]:
    """The facts that a folder is searched by: all but the number of an account, which nobody searches by."""
    told = {one.key for one in family_of(folder.in_force).fields if one.type == "member"}
    return {key: value for key, value in folder.fields.items() if key not in told}


def rewrite(db: Db, folder: Folder) -> None:
    """Write the words of a folder from what was read of it, in the caller's transaction; not those of a note that may go."""
    db.info.get(_BEGUN, set()).discard(folder.id)
    documents = sa.select(DocumentWords.stems).where(
        DocumentWords.folder_id == folder.id, DocumentWords.state == "read"
    )
    final = sa.or_(FolderNote.final_at.is_(None), FolderNote.final_at <= now())
    notes = sa.select(FolderNote.stems).where(
        FolderNote.folder_id == folder.id, FolderNote.reach == "all", final
    )
    parts = _parts(
        folder,
        db.scalars(notes.order_by(FolderNote.id)),
        db.scalars(documents.order_by(DocumentWords.document_id)),
    )
    changed = sa.update(FolderWords).where(FolderWords.folder_id == folder.id).values(**parts)
    if not db.execute(changed.execution_options(synchronize_session=False)).rowcount:  # type: ignore[attr-defined]
        _add(db, folder, parts)


def _add(db: Db, folder: Folder, parts: Mapping[str, str]) -> None:
    row = {"folder_id": folder.id, "collectivity_id": folder.collectivity_id, **parts}
    db.execute(sa.insert(FolderWords), [row])


def _parts(folder: Folder, notes: Iterable[str], documents: Iterable[str]) -> dict[str, str]:
    """What the row of a folder says, from the stems of its notes and of its documents, each in their order."""
    told = told_of(folder.title, folder.number, searched(folder), folder.amount_cents)
    title = [*dict.fromkeys(days_without_year(told)), *forms_in(told)]
    return _bounded({"title": title, "notes": _together(notes), "documents": _together(documents)})


def _together(every: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(form for stems in every for form in stems.split()))


def _bounded(parts: Mapping[str, list[str]]) -> dict[str, str]:
    """Each part as its text, in this order as far as the row has room (`WIDEST`): the same on both databases."""
    indexed: set[str] = set()
    left, texts = WIDEST, {}
    for part, every in parts.items():
        kept = []
        for form in every:
            # As a vector counts: a form once, however many parts have it
            left -= 0 if form in indexed else len(form.encode())
            if left < 0:
                break
            indexed.add(form)
            kept.append(form)
        texts[part] = joined(kept)
    return texts


def forget(db: Db, folder: Folder, document_ids: Collection[int]) -> None:
    """Let a folder be found no more by documents that are taken out of it, in the transaction that takes them out."""
    gone = sa.delete(DocumentWords).where(
        DocumentWords.document_id.in_(document_ids), DocumentWords.folder_id == folder.id
    )
    db.execute(gone.execution_options(synchronize_session=False))
    words_changed(db, folder)
    rewrite(db, folder)


def to_index(db: Db, collectivity_id: int, below: int, *, again: bool) -> list[int]:
    """A portion of the folders of a collectivity that have no words yet (`again`: of all), the newest first."""
    query = sa.select(Folder.id).where(Folder.collectivity_id == collectivity_id, Folder.id < below)
    if not again:
        query = query.outerjoin(FolderWords, FolderWords.folder_id == Folder.id).where(
            FolderWords.folder_id.is_(None)
        )
    return list(db.scalars(query.order_by(Folder.id.desc()).limit(PORTION)))


def index_all(collectivity_id: int, below: int, *, again: bool) -> Iterator[tuple[int, bool | None]]:
    """Write the words of the folders of a collectivity: each one's number, and whether some file could not be read.

    None for a folder whose words could not be written: the others go on. What is written stays written: a stop loses
    nothing, and what is started anew goes on.
    """
    actor, last = system(collectivity_id), below
    while True:
        with reading(collectivity_id) as db:
            portion = to_index(db, collectivity_id, last, again=again)
        if not portion:
            return
        for number in portion:
            try:
                unread: bool | None = index(actor, number, again=again)
            except Refusal:
                unread = None
            yield number, unread
        last = portion[-1]
