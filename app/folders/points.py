"""What was seen inside a folder's files at their deposit, for whoever decides on it: nothing of it shows on a page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from app.core.db import Db
from app.core.french import spaces, taille
from app.core.questions import Rows
from app.folders.models import DocumentVersion, Folder
from app.folders.rows import every_version
from app.folders.sockets import Caution


def of_folder(db: Db, folder: Folder) -> list[Caution]:
    """What to look at in the files of a folder before deciding on it, in their order; of another file one asks again."""
    by = frozenset(folder.sources.get("depositors", ()))
    return [
        replace(one, about=name(one.key, version.sha256, one.title, one.sentence), by=by)
        for version in deposited_in(db, folder.id)
        for one in of_note(version.note)
    ]


def name(key: str, *made_of: str) -> str:
    """The name of a caution (`Caution.about`): another one as soon as anything that it is made of changes."""
    return f"{key}:{sha256(chr(10).join(made_of).encode()).hexdigest()[:16]}"


def of_note(note: Mapping[str, Any]) -> list[Caution]:
    """What to look at in one file, as its deposit noted it; nothing for one that was deposited before this was noted."""
    return [
        Caution(one["key"], spaces(one["title"]), spaces(one["sentence"])) for one in note.get("points", ())
    ]


def enclosed(note: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The files inside one file, as its deposit noted them: name, size in bytes, kind, expected, program."""
    return list(note.get("enclosed", ()))


def enclosed_in_words(note: Mapping[str, Any]) -> tuple[str, ...]:
    """The same for a page: « factur-x.xml, 7 Ko, données de la facture (attendues) »."""
    return tuple(spaces(f"{one['name']}, {taille(one['size'])}, {_kind(one)}") for one in enclosed(note))


def carried(note: Mapping[str, Any]) -> int:
    """How many signatures a file brought with it, one that could not be read as such included."""
    return len(note.get("signatures", ())) or int(note.get("unread_signature", False))


def deposited(every: Sequence[DocumentVersion]) -> DocumentVersion:
    """Of the versions of a document, the latest first, the one that somebody deposited: signing it adds nothing to its note."""
    return next((one for one in every if one.origin != "signed"), every[0])


def _kind(one: Mapping[str, Any]) -> str:
    if one["expected"]:
        return "les données de la facture, attendues à cette place"
    return str(one["kind"])


def deposited_in(db: Db, folder_id: int) -> list[DocumentVersion]:
    """The last version of each document of a folder that somebody deposited or accepted, in the order of its documents."""
    found = (
        next((one for one in every if one.origin != "signed"), None)
        for _, every in every_version(db, folder_id)
    )
    return [version for version in found if version is not None]


def kept_doubts(doubts: Iterable[Caution]) -> list[dict[str, Any]]:
    """Doubts as `Folder.sources` keeps them, each once."""
    return [
        {"key": key, "title": title, "sentence": sentence}
        for key, title, sentence in dict.fromkeys((one.key, one.title, one.sentence) for one in doubts)
    ]


def doubts_of(db: Db, folder: Folder) -> list[Caution]:
    """The doubts of a folder, whoever ruled on them or not; whoever deposited it does not rule on them."""
    del db
    by = frozenset(folder.sources.get("depositors", ()))
    return [
        replace(
            Caution(one["key"], spaces(one["title"]), spaces(one["sentence"])),
            about=_name_of_doubt(one),
            by=by,
        )
        for one in folder.sources.get("doubts", ())
    ]


def doubts_in_lists(db: Db, folders: Sequence[Folder], _rows: Sequence[Rows]) -> dict[int, list[Caution]]:
    """The doubts of each of these folders, which asks nothing of the base."""
    return {folder.id: doubts_of(db, folder) for folder in folders}


def _name_of_doubt(one: dict[str, Any]) -> str:
    digest = sha256(f"{one['title']}\n{one['sentence']}".encode()).hexdigest()
    return f"doubt:{one['key']}:{digest[:16]}"
