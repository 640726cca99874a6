"""What a browser is given of a folder that is taken along: what its page says, as one piece of page, and the files to be read.

The same rights as the page, the same bounds each time: what is too heavy, or shows in no page, is named and said to stay.
"""

import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from app.core.clock import now
from app.core.db import Db
from app.core.french import instant, spaces, taille
from app.core.questions import ask_together
from app.display import page, timeline
from app.display.bytes import SHOWN
from app.display.noting.views import threads
from app.display.portrait import portrait
from app.display.views import DocView
from app.files import vault
from app.folders import notes
from app.folders.carried import Carried
from app.folders.corrections import ruled_in_words
from app.folders.models import DocumentVersion, Folder
from app.folders.rows import every_version
from app.folders.sockets import plugged, told_by_page, untold
from app.people.actor import Actor

Draw = Callable[..., str]
"""What draws a template, with what it shows."""
MOST_BYTES: Final = 25 * 1024 * 1024
"""Of the files of one folder."""
MOST_LEAVES: Final = 20
"""Pages of a flow: beyond, it is read with a connection."""


@dataclass(frozen=True)
class File:
    """A file of the parcel, under the name of its part."""

    part: str
    media_type: str
    sha256: str


@dataclass(frozen=True)
class Parcel:
    """What the browser is given: what the page of reading shows, and the files, the main document first."""

    shown: dict[str, Any]
    files: tuple[File, ...]


def parcel(db: Db, folder: Folder, actor: Actor, draw: Draw) -> Parcel:
    """Read what is taken along of a folder that the actor may read."""
    ask_together(db, plugged.questions, folder.id)
    portrayed = portrait(db, folder)
    head = page.head(db, folder, portrayed.here)
    documents = page.documents(db, folder, None)
    versions = {(row.id, every[0].number): every[0] for row, every in every_version(db, folder.id)}
    listed, files = _documents(db, folder, documents, versions, draw)
    drawn = draw(
        "folders/_carried_parcel.html",
        folder=head,
        decision=page.decision(db, folder, actor, portrayed.here),
        points=[*untold(db, folder), *told_by_page(db, folder)],
        ruled=ruled_in_words(folder),
        details=timeline.details(db, folder),
        steps=timeline.steps(db, folder, portrayed.route, portrayed.runs, portrayed.desks, portrayed.told),
        circuit_line=timeline.circuit_line(db, folder),
        rerouted=timeline.rerouted(db, folder),
        notes=threads(db, folder, notes.readable(db, folder, actor), actor),
    )
    line = (head.family_label, head.number, head.depositor_line)
    return Parcel(
        {
            "title": head.title,
            "line": spaces(", ".join(filter(None, line))),
            "url": f"/dossiers/{folder.id}",
            "drawn": drawn,
            "documents": listed,
        },
        tuple(files),
    )


def told(shown: Parcel, carried: Carried, actor: Actor) -> dict[str, Any]:
    """What the browser seals: the parcel, whose it is, by which secret it asks, and until when it may be shown."""
    return {
        **shown.shown,
        "id": carried.id,
        "token": carried.token,
        "account": actor.user_id,
        "taken": instant(carried.carried_at),
        "ends": instant(carried.until),
        "left": int((carried.until - now()).total_seconds()),
    }


def _documents(
    db: Db,
    folder: Folder,
    documents: Sequence[DocView],
    versions: dict[tuple[int, int], DocumentVersion],
    draw: Draw,
) -> tuple[list[dict[str, Any]], list[File]]:
    """Each document as the page of reading lists it, and the files that it reads; the first ones are taken first."""
    listed: list[dict[str, Any]] = []
    files: list[File] = []
    room = MOST_BYTES
    titles = Counter(one.title for one in documents)
    for document in documents:
        version = versions[document.id, document.number]
        entry = {
            # As the bar of the document has it: a PDF and its data bear one name
            "title": document.title
            if titles[document.title] == 1
            else f"{document.title} ({document.kind.upper()})",
            "meta": document.meta,
            "role": document.role_label,
            "main": document.role == "main",
        }
        drawn, why = _drawn(db, folder, document, draw)
        if drawn:
            listed.append({**entry, "kind": "page", "drawn": drawn})
            continue
        if not why and version.media_type not in SHOWN:
            why = "Ce fichier ne se montre pas dans une page : il se télécharge avec une connexion."
        if not why and version.size > room:
            why = f"Trop lourd pour être emporté ({taille(version.size)}) : il se lit avec une connexion."
        if why:
            listed.append({**entry, "kind": "", "why": spaces(why)})
            continue
        room -= version.size
        part = f"document-{len(files)}"
        files.append(File(part, version.media_type, version.sha256))
        listed.append({**entry, "kind": document.kind, "part": part, "type": version.media_type})
    return listed, files


def _drawn(db: Db, folder: Folder, document: DocView, draw: Draw) -> tuple[str, str]:
    """The document as the folder's page draws it, where it is no file that a reader opens; or why it stays."""
    leaf = page.sheet_of(db, folder, document, {})
    if leaf is not None:
        if leaf.pages > MOST_LEAVES:
            return (
                "",
                f"Ce flux a {leaf.pages} pages, on en emporte {MOST_LEAVES} au plus : il se lit avec une connexion.",
            )
        leaves = (page.sheet_of(db, folder, document, {"feuille": str(n)}) for n in range(1, leaf.pages + 1))
        return str(Markup("").join(one.drawn for one in leaves if one is not None)), ""
    rows, text = page.read_as_xml(db, folder, document)
    if not rows and not text:
        return "", ""
    return draw("folders/_carried_xml.html", rows=rows, text=text), ""


def stream(
    told_of: dict[str, Any], files: Sequence[File], collectivity_id: int
) -> tuple[str, Iterator[bytes]]:
    """The parcel as one answer (`multipart/form-data`, RFC 7578, which a browser reads by itself): its type and its pieces.

    The bytes of each file are proven as they are read; where they are altered the answer ends there, without its end.
    """
    border = secrets.token_hex(24)
    return f"multipart/form-data; boundary={border}", _pieces(told_of, files, collectivity_id, border)


def _pieces(
    told_of: dict[str, Any], files: Sequence[File], collectivity_id: int, border: str
) -> Iterator[bytes]:
    store, scope = vault.store(), vault.scope(collectivity_id)
    head = f'--{border}\r\nContent-Disposition: form-data; name="folder"\r\n\r\n'
    yield head.encode() + json.dumps(told_of).encode()
    for file in files:
        named = f'form-data; name="{file.part}"; filename="{file.part}"\r\nContent-Type: {file.media_type}'
        yield f"\r\n--{border}\r\nContent-Disposition: {named}\r\n\r\n".encode()
        yield from store.stream(scope, file.sha256)
    yield f"\r\n--{border}--\r\n".encode()
