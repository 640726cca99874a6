"""A route for each verb of the notes of a folder."""

from dataclasses import replace
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.core.db import Db, key_in, reading
from app.core.http import PERSON, guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.display import page, undone
from app.display.blueprint import pages
from app.display.noting import views as noting
from app.display.noting.views import TAB, Typed
from app.display.opening import shown_to
from app.folders import notes
from app.folders.models import Folder
from app.folders.notes import Reach
from app.folders.pins import Box, Pin

LONGEST_MARK = 64
"""Signs of the mark of a form, more than `new_token` gives."""
_TO_MEND = frozenset(
    {
        "note-gone",
        "note-settled",
        "note-empty",
        "words-long",
        "note-many",
        "note-desk",
        "note-alone",
        "note-reader",
        "note-told-many",
        "pin-document",
        "pin-page",
        "pin-box",
    }
)
"""The refusals of what was typed: the page is shown again with it."""


def _typed() -> Typed:
    told = (key_in(number) for number in request.form.getlist("told"))
    return Typed(
        request.form.get("words", ""),
        request.form.get("reach", Reach.ALL.value),
        frozenset(number for number in told if number is not None),
        key_in(request.form.get("answers")),
        page=request.form.get("page", "").strip(),
        box=request.form.get("box", ""),
        read=request.form.get("mentions") == "read",
    )


def _pin(typed: Typed) -> Pin | None:
    """Where the note is pinned; None where no page was typed."""
    if not typed.page:
        return None
    page, document, number = (
        key_in(one) for one in (typed.page, request.form.get("document"), request.form.get("number"))
    )
    if document is None or number is None:
        raise Refusal("pin-document")
    return Pin(document, number, page or 0, _box(typed.box))


def _box(typed: str) -> Box | None:
    """The part of the page that was chosen, as the script writes it; refuses what is none (`pin-box`)."""
    if not typed:
        return None
    try:
        x1, y1, x2, y2 = (float(one) for one in typed.split(","))
    except ValueError:
        raise Refusal("pin-box") from None
    return x1, y1, x2, y2


@pages.post("/dossiers/<int:folder_id>/notes")
@guard(PERSON)
def add_note(folder_id: int) -> Response | tuple[str, int]:
    """Write a note beside a folder."""
    typed = _typed()
    reach, _, desk = typed.reach.partition("-")
    try:
        for_whom = Reach(reach)
    except ValueError:
        raise Refusal("bad-request", detail="pour qui est la note manque") from None
    try:
        told = tuple(sorted(typed.told))
        mark = request.form.get("once", "")[:LONGEST_MARK]
        # Where the script has read the words, the boxes have the last word: one unticked by hand is not written to
        draft = notes.Draft(
            typed.words, for_whom, key_in(desk), typed.answers, told, _pin(typed), mark, not typed.read
        )
        number = notes.write(g.actor, folder_id, draft)
    except Refusal as refusal:
        if refusal.key not in _TO_MEND:
            raise
        return _again(folder_id, typed, refusal)
    with reading(g.actor.collectivity_id) as db:
        missed = notes.missed(db, g.actor, number, chosen=typed.read)
    if draft.reach is Reach.ALONE and draft.answers is None:
        flash("La note est écrite.", "ok")
    else:
        undone.tell_note("La note est écrite.", folder_id, number)
    if missed:
        names = ", ".join(f"« @{name} »" for name in missed)
        flash(f"Aucun courriel pour {names} : « Prévenir par courriel » montre qui peut l’être.", "warn")
    return _to_notes(folder_id)


@pages.post("/dossiers/<int:folder_id>/notes/<int:note_id>/annuler")
@guard(PERSON)
def take_note_back(folder_id: int, note_id: int) -> Response:
    """Take back a note that one has just written."""
    notes.take_back(g.actor, folder_id, note_id)
    flash("La note est annulée, aucun courriel n’en est parti.", "ok")
    return _to_notes(folder_id)


@pages.post("/dossiers/<int:folder_id>/notes/<int:note_id>/reglee")
@guard(PERSON)
def settle_note(folder_id: int, note_id: int) -> Response:
    """Say that what a note asks is settled."""
    notes.settle(g.actor, folder_id, note_id)
    flash("La note est réglée.", "ok")
    return _to_notes(folder_id)


@pages.post("/dossiers/<int:folder_id>/notes/<int:note_id>/rouvrir")
@guard(PERSON)
def reopen_note(folder_id: int, note_id: int) -> Response:
    """Say that what a note asks is not settled after all."""
    notes.reopen(g.actor, folder_id, note_id)
    flash("La note est rouverte.", "ok")
    return _to_notes(folder_id)


@pages.post("/dossiers/<int:folder_id>/notes/<int:note_id>/retirer")
@guard(PERSON)
def remove_note(folder_id: int, note_id: int) -> Response:
    """Take away a note that one wrote for oneself."""
    notes.remove(g.actor, folder_id, note_id)
    flash("La note est retirée.", "ok")
    return _to_notes(folder_id)


def _to_notes(folder_id: int) -> Response:
    document = key_in(request.form.get("document"))
    return redirect(url_for("folders.show", folder_id=folder_id, document=document, onglet=TAB))


def _again(folder_id: int, typed: Typed, refusal: Refusal) -> tuple[str, int]:
    """The folder's page with what was typed, and what is wrong with it."""
    status, sentence = sentences.say(refusal.key, refusal.facts)

    def made(db: Db, folder: Folder) -> dict[str, Any]:
        offered = noting.notes_view(db, folder, g.actor)
        answered = {note.id for note in offered.notes if not note.settled}
        shown = replace(typed, error=sentence)
        if typed.answers is not None and typed.answers not in answered:
            # No form answers it any more: the words come back for their author alone, never for more than they were for
            shown = replace(shown, answers=None, reach=Reach.ALONE.value)
        if shown.reach not in {value for value, _ in offered.reaches}:
            shown = replace(shown, reach=Reach.ALONE.value)
        document = key_in(request.form.get("document"))
        return page.context(db, folder, g.actor, TAB, document, {}, note=shown)

    context = shown_to(g.actor, folder_id, made)
    g.todo_count = context.pop("todo_count")
    return render_template("folders/show.html", **context), status
