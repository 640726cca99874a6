"""The notes of a folder in words, and the form of a new one."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from app.core.db import Db
from app.core.french import instant, spaces
from app.core.grammar import de
from app.core.security import new_token
from app.display.views import DocView
from app.folders import notes
from app.folders.access import looks_on
from app.folders.models import Folder, FolderNote
from app.folders.notes import Reach
from app.folders.pins import numbered, pinned
from app.people.actor import Actor
from app.people.models import Desk

TAB = "notes"


@dataclass(frozen=True)
class NoteView:
    """A note in words: who, when, for whom, who was named, by whom it was settled; `removable` by this reader.

    `told`: the names, each with why his letter has not left; `sent`: for whom, as the form of a note sends it.

    `n`: the number of its mark over the page where it is pinned (`pin`, in words), 0 where it is not; `pin_url`: where that page
    is shown, `pin_here` on the folder's own page.
    """

    id: int
    who: str
    at: str
    reach: str
    words: str
    told: str
    settled: str
    removable: bool
    sent: str
    answers: tuple["NoteView", ...] = ()
    n: int = 0
    pin: str = ""
    pin_url: str = ""
    pin_here: bool = False


@dataclass(frozen=True)
class PersonView:
    """Who may be named: his number and name, the desks, of those that a note here may be for, whose notes he reads.

    `away`: his absence in words, where his letters wait for its end.
    """

    number: int
    name: str
    desks: Sequence[int]
    away: str = ""


@dataclass(frozen=True)
class Typed:
    """What was typed of a note and is not kept, and why; `read`: the script has ticked who is named in its words."""

    words: str = ""
    reach: str = Reach.ALL.value
    told: frozenset[int] = frozenset()
    answers: int | None = None
    error: str = ""
    page: str = ""
    box: str = ""
    read: bool = False


@dataclass(frozen=True)
class NotesView:
    """The notes that the reader reads, the last first, and the form of a new one.

    `reaches`: for whom it may be, as sent and in words; `people`: who may be named; `unreached`: the names of those whom no
    address reaches; `usual`: for whom the
    reader's last one was; `once`: the mark of the forms of this page, each of which writes one note; `apart`: he reads the
    folder for its type alone, and answers or settles nothing.
    """

    notes: Sequence[NoteView]
    reaches: Sequence[tuple[str, str]]
    people: Sequence[PersonView]
    unreached: str = ""
    typed: Typed = field(default_factory=Typed)
    usual: str = Reach.ALL.value
    once: str = field(default_factory=new_token)
    apart: bool = False


def open_count(db: Db, folder: Folder, actor: Actor) -> int:
    """How many notes the reader reads that nobody has settled, those that answer another one apart."""
    return sum(
        note.settled_at is None and note.answers_id is None for note in notes.readable(db, folder, actor)
    )


def notes_view(db: Db, folder: Folder, actor: Actor, typed: Typed | None = None) -> NotesView:
    """What the tab of the notes shows to this reader."""
    apart = looks_on(db, actor, folder)
    desks = notes.desks_for(db, folder, actor)
    # The list is as narrow as the panel, and cuts what is longer
    everybody = (
        "Toute la collectivité, une fois envoyé"
        if folder.read_by_all
        else "Tout le circuit : qui lit ce dossier"
    )
    reaches = [
        *([] if apart else [(Reach.ALL.value, everybody)]),
        *((f"{Reach.DESK.value}-{number}", f"Mon bureau : {name}") for number, name in desks),
        (Reach.ALONE.value, Reach.ALONE.label),
    ]
    written = notes.readable(db, folder, actor)
    usual = _usual(written, actor, dict(reaches))
    people = [] if apart else notes.around(db, folder, actor)
    return NotesView(
        threads(db, folder, written, actor),
        reaches,
        _people(people, written, desks),
        ", ".join(one.name for one in people if not one.reached),
        typed or Typed(reach=usual),
        usual,
        apart=apart,
    )


def _people(
    people: Sequence[notes.Addressee], written: Sequence[FolderNote], desks: Sequence[tuple[int, str]]
) -> list[PersonView]:
    """Who may be named, each with the desks, of those that a note here is or may be for, whose notes he reads."""
    numbers = {number for number, _ in desks} | {one.desk_id for one in written if one.desk_id is not None}
    return [
        PersonView(one.number, one.name, sorted(one.desks & numbers), notes.absence_words(one.away_until))
        for one in people
        if one.reached
    ]


def _sent(note: FolderNote) -> str:
    """For whom a note is, as its form sends it."""
    return f"{note.reach}-{note.desk_id}" if note.reach == Reach.DESK else note.reach


def _usual(written: Sequence[FolderNote], actor: Actor, reaches: Container[str]) -> str:
    """For whom the reader's last note here was: what was private does not become public by itself."""
    own = [note for note in written if note.answers_id is None and note.user_id == actor.user_id]
    if actor.user_id is None or not own:
        return Reach.ALL.value
    last = _sent(own[-1])
    return last if last in reaches else Reach.ALL.value


def threads(db: Db, folder: Folder, written: Sequence[FolderNote], actor: Actor | None) -> list[NoteView]:
    """These notes in words, the last first, each with those that answer it in their order."""
    numbers = {note.desk_id for note in written if note.desk_id is not None}
    query = sa.select(Desk.id, Desk.name).where(
        Desk.id.in_(numbers), Desk.collectivity_id == folder.collectivity_id
    )
    names = {row.id: row.name for row in db.execute(query)} if numbers else {}
    # On paper a letter that waits would wait for ever
    whys = notes.letters_of(db, folder, written) if actor is not None else {}
    answers: dict[int, list[NoteView]] = {}
    for note in written:
        if note.answers_id is not None:
            answers.setdefault(note.answers_id, []).append(_view(db, folder, note, names, actor, (), whys))
    marks = numbered(written)
    return [
        _view(db, folder, note, names, actor, tuple(answers.get(note.id, ())), whys, marks.get(note.id, 0))
        for note in reversed(written)
        if note.answers_id is None
    ]


def pins(db: Db, folder: Folder, actor: Actor, shown: DocView) -> list[dict[str, Any]]:
    """The marks over the document that is shown, of the notes that this reader reads: number, page, place, words, address."""
    written = notes.readable(db, folder, actor)
    marks = []
    for number, n in numbered(written).items():
        note = next(one for one in written if one.id == number)
        place = pinned(db, folder, note)
        if place is None or place.version.sha256 != shown.sha256 or place.document.id != shown.id:
            continue
        state = "réglée" if note.settled_at is not None else "ouverte"
        marks.append(
            {
                "n": n,
                "page": place.page,
                "box": place.box,
                "settled": note.settled_at is not None,
                "words": f"Note {n}, {state}, {de(note.who)} : {note.words[:80]}",
                "url": f"{_shown_url(folder, shown.id)}#note-{note.id}",
            }
        )
    return marks


def _shown_url(folder: Folder, document: int) -> str:
    return f"/dossiers/{folder.id}?document={document}&onglet={TAB}"


def _pin(db: Db, folder: Folder, note: FolderNote, n: int, *, screen: bool) -> dict[str, Any]:
    """Where a note is pinned, in words; on paper with the digest of that version."""
    place = pinned(db, folder, note)
    if place is None:
        return {"n": n, "pin": "pièce retirée depuis"} if n else {}
    if not screen:
        return {"n": n, "pin": spaces(f"{place.words}, empreinte {place.version.sha256}")}
    url = f"{_shown_url(folder, place.document.id)}#repere-{n}"
    if not place.current:
        url = f"/dossiers/{folder.id}/documents/{place.document.id}/{place.version.number}#page={place.page}"
    return {"n": n, "pin": spaces(place.words), "pin_url": url, "pin_here": place.current}


def _named(one: Mapping[str, Any], why: str) -> str:
    return f"{one['name']} ({why})" if why else str(one["name"])


def _view(
    db: Db,
    folder: Folder,
    note: FolderNote,
    desks: dict[int, str],
    actor: Actor | None,
    answers: tuple[NoteView, ...],
    whys: Mapping[tuple[int, int], str],
    n: int = 0,
) -> NoteView:
    reach = Reach(note.reach)
    words = f"Bureau « {desks.get(note.desk_id or 0, '')} »" if reach is Reach.DESK else reach.label
    if reach is Reach.ALL and folder.read_by_all:
        words = "Tous ceux qui lisent ce dossier"
    return NoteView(
        note.id,
        note.who,
        instant(note.written_at),
        words,
        note.words,
        ", ".join(_named(one, whys.get((note.id, one["user_id"]), "")) for one in note.told),
        f"Réglée par {note.settled_by}, {instant(note.settled_at)}" if note.settled_by else "",
        reach is Reach.ALONE and actor is not None and note.user_id == actor.user_id,
        _sent(note),
        answers,
        **_pin(db, folder, note, n, screen=actor is not None),
    )
