"""Facts in French words: those that a page tells of a folder, and the few that the type of a folder shows in lists."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.circuits.library import circuits_of, family_of
from app.core.db import Db, key_in
from app.core.french import euros, grouped, jour, nombre
from app.core.refusals import Refusal
from app.folders import corrections
from app.folders.models import Document, DocumentVersion, Folder
from app.folders.required import reminder
from app.folders.sockets import listed_cautions
from app.people.models import Desk, User
from workflows.circuit import Phase
from workflows.family import Field
from workflows.vocabulary import Role

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Shown:
    """A fact that lists show: the key and name of its field, and its value in words."""

    key: str
    label: str
    words: str


@dataclass(frozen=True)
class Mark:
    """A word of a row, for what is to be looked at in its folder; `grave` and `advice`: as it is there (`Caution`)."""

    words: str
    grave: bool = False
    advice: bool = False


def untitled(phase: str, title: str, in_force: str) -> bool:
    """Whether the title of a draft says nothing yet: none, or what its type makes of no fact at all (« Facture »)."""
    return phase == Phase.DRAFT and title in ("", family_of(in_force).title_for({}))


def name_of(db: Db, folder: Folder) -> str:
    """What a folder is called at the head of its page, as in the lists where it stands."""
    names = named_by_file(db, [(folder.id, folder.phase, folder.title, folder.in_force)])
    return names.get(folder.id) or folder.title or "Sans titre"


def named_by_file(db: Db, folders: Iterable[tuple[int, str, str, str]]) -> dict[int, str]:
    """The names of the files of those drafts whose title says nothing yet, which tell several apart; one statement, if any.

    `folders`: each number with its phase, its title, and the name of what it asks (`Folder.in_force`).
    """
    lacking = [number for number, phase, title, in_force in folders if untitled(phase, title, in_force)]
    if not lacking:
        return {}
    query = (
        sa.select(Document.folder_id, DocumentVersion.filename)
        .join(DocumentVersion, DocumentVersion.document_id == Document.id)
        .where(Document.folder_id.in_(lacking), Document.role == Role.MAIN)
        .order_by(DocumentVersion.id)
    )
    return {row.folder_id: row.filename for row in db.execute(query)}  # the last version of each stays


MARKS = 2
"""So many words beside a folder at most: its page says the others, and more of each."""


def marks(db: Db, folders: Sequence[Folder]) -> dict[int, tuple[Mark, ...]]:
    """What whoever decides on each of these folders looks at first, in the words of its page; nothing of one that is over."""
    open_folders = [one for one in folders if one.phase != Phase.DONE]
    cautions, first_of_all = listed_cautions(db, open_folders), _to_fill(db, open_folders)
    told: dict[int, tuple[Mark, ...]] = {}
    for one in open_folders:
        words = corrections.in_a_list(family_of(one.family), one.fields, one.sources)
        every = [Mark(each) for each in (first_of_all.get(one.id, ""), words) if each]
        every += [Mark(each.short, each.grave, each.advice) for each in cautions.get(one.id, ())]
        # An answer that somebody waited for goes before what the folder had already, but for what is grave
        order = sorted(every, key=lambda mark: (not mark.grave, not mark.advice))
        first = {mark.words: mark for mark in order}
        told[one.id] = tuple(first.values())[:MARKS]
    return told


def _to_fill(db: Db, folders: Sequence[Folder]) -> dict[int, str]:
    """« À remplir avant de viser », of the folders of which the step where they stand requires fields that are empty.

    Nothing is asked of the base, but the circuits that the process has not read yet.
    """
    numbers = {
        one.id: one.circuit_version_id
        for one in folders
        if one.phase == Phase.RUNNING and one.circuit_version_id is not None
    }
    circuits = circuits_of(db, set(numbers.values()))
    words = {
        one.id: reminder(one, circuits[numbers[one.id]].step(one.place))
        for one in folders
        if one.id in numbers
    }
    return {number: sentence.partition(" :")[0] for number, sentence in words.items() if sentence}


def marks_of(db: Db, numbers: Collection[int]) -> dict[int, tuple[Mark, ...]]:
    """The same by the numbers of the folders, which one statement reads."""
    if not numbers:
        return {}
    return marks(db, db.scalars(sa.select(Folder).where(Folder.id.in_(numbers))).all())


@dataclass(frozen=True)
class Table:
    """A table of lines in words: the names of its columns, and each line's cells in their order."""

    columns: Sequence[str]
    lines: Sequence[Sequence[str]]


_WRITTEN: Mapping[str, Callable[[str], str]] = {
    "amount": euros,
    "decimal": nombre,
    "date": jour,
    "iban": grouped,
    "siret": grouped,
}


def written(field: Field, value: object) -> str:
    """A value in words, where no row of the base is needed for it; what is not of its type as it was typed."""
    text = str(value)
    write = _WRITTEN.get(field.type)
    try:
        return dict(field.choices).get(text, text) if write is None else write(text)
    except (ValueError, ArithmeticError):
        return text


def table(field: Field, lines: object) -> Table:
    """The lines of a table in words; what a draft keeps that is none has no line."""
    rows = [line for line in lines if isinstance(line, Mapping)] if isinstance(lines, list) else []
    return Table(
        [one.label for one in field.columns],
        [[written(one, line.get(one.key, "")) for one in field.columns] for line in rows],
    )


def shown_by(in_force: str) -> tuple[Field, ...]:
    """The fields of a family or of a version of a type that lists show."""
    try:
        return tuple(one for one in family_of(in_force).fields if one.listed)
    except Refusal:  # a list shows the folders of a type that exists no more
        return ()


def listed(db: Db, folders: Iterable[tuple[int, str]]) -> dict[int, tuple[Shown, ...]]:
    """What lists show of these folders (number, name in force), by number; no statement where no type shows anything."""
    fields = {number: found for number, in_force in folders if (found := shown_by(in_force))}
    if not fields:
        return {}
    query = sa.select(Folder.id, Folder.collectivity_id, Folder.fields).where(Folder.id.in_(fields))
    rows = db.execute(query).all()
    return in_words(db, rows[0].collectivity_id, {row.id: (fields[row.id], row.fields) for row in rows})


def in_words(
    db: Db, collectivity_id: int, folders: Mapping[int, tuple[Sequence[Field], Facts]]
) -> dict[int, tuple[Shown, ...]]:
    """The facts that lists show, from the facts themselves; two statements at most, for desks and for people."""
    every = [
        (number, field, facts[field.key])
        for number, (fields, facts) in folders.items()
        for field in fields
        if facts.get(field.key) not in (None, "")
    ]
    names = _names(db, collectivity_id, [(field, value) for _, field, value in every])
    told: dict[int, tuple[Shown, ...]] = {}
    for number, field, value in every:
        words = names.get((field.type, str(value))) or written(field, value)
        told[number] = (*told.get(number, ()), Shown(field.key, field.label, words))
    return told


def _names(
    db: Db, collectivity_id: int, values: Sequence[tuple[Field, Any]]
) -> Mapping[tuple[str, str], str]:
    """The names of the desks and people among these values, by type and value."""
    names: dict[tuple[str, str], str] = {}
    keys = {str(value) for field, value in values if field.type == "desk"}
    if keys:
        desks = sa.select(Desk.key, Desk.name).where(
            Desk.collectivity_id == collectivity_id, Desk.key.in_(keys)
        )
        names |= {("desk", key): name for key, name in db.execute(desks)}
    numbers = {number for field, value in values if field.type == "member" and (number := key_in(str(value)))}
    if numbers:
        people = sa.select(User).where(User.collectivity_id == collectivity_id, User.id.in_(numbers))
        names |= {("member", str(one.id)): one.name for one in db.scalars(people)}
    return names
