"""What the pages of folders share: their blueprint, the files that a form brings, the version that a page showed."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from json import dumps
from pathlib import Path

from flask import Blueprint, request
from werkzeug.datastructures import FileStorage

from app.core.db import key_in
from app.core.refusals import Refusal
from app.folders.keep import Incoming, fingerprints
from app.folders.once import FormOnce

pages = Blueprint("folders", __name__, template_folder="templates")
CREATE = "create"
LONGEST_MARK = 64
"""Signs of the mark of a form, more than `new_token` gives."""


@contextmanager
def received(*names: str) -> Iterator[list[Incoming]]:
    """The files uploaded under these names (`files` by default), in that order, on disk for as long as the verb lasts."""
    with tempfile.TemporaryDirectory(prefix="paraphe-") as folder:
        found: list[Incoming] = []
        sent = [one for name in names or ("files",) for one in request.files.getlist(name)]
        uploads: list[FileStorage] = [one for one in sent if one.filename]
        for rank, one in enumerate(uploads):
            path = Path(folder) / f"upload-{rank}"
            one.save(path, buffer_size=1 << 20)
            found.append(Incoming(path, one.filename or "document"))
        yield found


def mark_of(place: str) -> str:
    """The mark of the form that is posted, apart from those of the other forms of its page; "" where it has none."""
    mark = request.form.get("once", "")[:LONGEST_MARK]
    return f"{mark} {place}" if mark else ""


def posted(
    place: str,
    chosen: Sequence[object],
    files: Sequence[Incoming],
    *,
    adds: bool = False,
    replaces: int | None = None,
) -> FormOnce | None:
    """The mark of the form that is posted at this place, with all that was `chosen` in it and its files; None without a mark.

    `adds`: its files are attachments for a folder that is there; `replaces`: its file is for this document of one.
    """
    mark = mark_of(place)
    told = dumps([*chosen, *fingerprints(files)])
    return FormOnce(mark, sha256(told.encode()).hexdigest(), adds=adds, replaces=replaces) if mark else None


def posted_each(place: str, chosen: Sequence[object], files: Sequence[Incoming]) -> list[FormOnce | None]:
    """The same, of a form that makes a folder of each of its files: those of the same bytes are told by their rank."""
    mark, told = mark_of(place), [dumps([*chosen, *name]) for name in fingerprints(files)]
    return [
        FormOnce(mark, sha256(f"{text} {told[:rank].count(text)}".encode()).hexdigest(), part=True)
        if mark
        else None
        for rank, text in enumerate(told)
    ]


def version_shown() -> int:
    """The version of the folder that the posted page showed; refuses `bad-request`."""
    version = key_in(request.form.get("version"))
    if version is None:
        raise Refusal("bad-request", detail="la version du dossier manque")
    return version
