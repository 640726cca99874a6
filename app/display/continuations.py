"""The page that opens a folder out of another: a copy of it, or what follows it under another type."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.circuits import own_types
from app.circuits.library import catalogue
from app.core.db import Db, key_in
from app.core.french import instant, spaces
from app.core.http import FILES, guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.core.security import new_token
from app.display import page
from app.display.blueprint import CREATE, pages, received
from app.display.opening import shown_to
from app.display.tied import COPY
from app.folders import continuing
from app.folders.models import DocumentVersion, Folder
from workflows.vocabulary import Origin, Role

FILE = "document-"
"""What the names of the lists of versions begin with; the document's number follows."""

SIGNED_ALREADY = frozenset({"file-earlier-broken", "file-signed-not-signable", "file-certified-fields"})
"""The refusals of a main document that its own signatures close to others: what this page has for it is then said."""
NOTHING_DONE = "Rien n’a été déposé."
"""Where the cause ends in these refusals: the remedy of a deposit, which follows, is not the one of this page."""
REMEDY = (
    "Rien n’a été créé. Choisissez une version d’avant la signature, ou un autre document principal : cette version-ci en sera "
    "l’annexe. Sinon, demandez à son auteur un exemplaire non signé."
)

SUITS = "selon"
"""Chosen for a version: the one that suits the place of the document, which the form says elsewhere."""
BY_PLACE = "Signée en annexe, d’avant la signature en document principal"

LONGEST_MARK = 100
"""Signs of the mark of a form, which tells it from one that is opened after."""


@dataclass(frozen=True)
class FileChoice:
    """One document that may be taken along: its name in the form, its versions (number, words), and the one that is chosen."""

    number: int
    name: str
    title: str
    role: str
    versions: tuple[tuple[str, str], ...]
    chosen: str


@pages.route("/dossiers/<int:folder_id>/suite", methods=["GET", "POST"])
@guard(CREATE, body=FILES)
def continue_from(folder_id: int) -> Response | tuple[str, int]:
    """Open a folder out of this one, with copies of its documents."""
    error, status = "", 200
    if request.method == "POST":
        try:
            with received("fresh") as files:
                made = continuing.open_from(
                    g.actor,
                    folder_id,
                    request.form.get("family", ""),
                    _taken(),
                    main=_number("main"),
                    fresh=files[0] if files else None,
                    form=request.form.get("once", "")[:LONGEST_MARK],
                )
            flash("Le brouillon est créé, avec ces pièces. Relisez-le avant de l’envoyer.", "ok")
            return redirect(url_for("folders.draft", folder_id=made))
        except Refusal as refusal:
            if refusal.key == "not-found":
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
            if refusal.key in SIGNED_ALREADY:
                error = error.partition(NOTHING_DONE)[0] + spaces(REMEDY)
    context = shown_to(g.actor, folder_id, _context)
    return render_template("folders/continue.html", error=error, **context), status


def _number(name: str) -> int | None:
    return key_in(request.form.get(name))


def _taken() -> dict[int, int | None]:
    """The version chosen of each document, by document, None for what suits; one that is left behind is not there."""
    return {
        document: _number(name)
        for name in request.form
        if name.startswith(FILE)
        and (document := key_in(name.removeprefix(FILE)))
        and (_number(name) or request.form[name] == SUITS)
    }


def _context(db: Db, folder: Folder) -> Mapping[str, Any]:
    own, families = own_types.offered(db, folder.collectivity_id), catalogue().values()
    same = folder.of_type[1] or folder.of_type[0]
    copied = request.args.get("comme") == COPY
    types = continuing.offered(g.actor, folder, [*own, *families])
    if copied:  # of the same type, or of another where the desks deposit none of it any more
        types = [one for one in types if (one.type_key or one.name) == same] or types
    names = [one.type_key or one.name for one in types]
    family = request.form.get("family") or (same if copied and same in names else "")
    sources = continuing.sources_of(db, folder)
    if copied:  # what was answered to one folder was never answered to its copy
        sources = [one for one in sources if one.document.role != Role.RECEIPT]
    return {
        "once": new_token(),
        "folder": page.head(db, folder),
        "types": [(name, one.label, one.icon, one.help) for name, one in zip(names, types, strict=True)],
        "family": family,
        "lost": copied and same not in names,
        "copied": copied,
        "files": [_choice(one, copied) for one in sources],
        "main": _number("main") or (sources[0].document.id if sources else None),
    }


def _choice(one: continuing.Source, copied: bool) -> FileChoice:
    """The choice of a version; unless somebody chose, what the folder did not bring with it stays behind.

    What was signed here for good may be an attachment alone: its version follows what the form has for the main document.
    A copy takes what was before the signature.
    """
    name = f"{FILE}{one.document.id}"
    by_place = not copied and one.unsigned is not one.versions[0]
    usual = SUITS if by_place else str((one.unsigned if copied else one.versions[0]).number)
    if one.document.role not in {Role.MAIN, Role.ATTACHMENT}:
        usual = ""
    versions = [(SUITS, BY_PLACE)] if by_place else []
    return FileChoice(
        one.document.id,
        name,
        one.document.title,
        Role.words(one.document.role, "Autre pièce"),
        (*versions, *((str(version.number), _words(version)) for version in one.versions)),
        request.form.get(name, usual) if request.method == "POST" else usual,
    )


def _words(version: DocumentVersion) -> str:
    return (
        f"Version {version.number}, {Origin.words(version.origin, 'gardé')} le {instant(version.created_at)}"
    )
