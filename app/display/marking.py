"""A route for each thing that a reader marks for himself on a folder (`later.py`)."""

from datetime import datetime
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.core.clock import PARIS
from app.core.db import Db
from app.core.french import instant
from app.core.http import PERSON, guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.display import onward, page, undone
from app.display.blueprint import pages
from app.display.later import Later, later
from app.display.opening import shown_to
from app.folders import marks
from app.folders.models import Folder

_TO_MEND = frozenset({"hide-moment", "hide-far", "hide-late"})
"""The refusals of what was typed: the page is shown again with it."""


def moment_typed() -> tuple[str, str, datetime | None]:
    """The day and the hour of a form of « Plus tard… », and the moment that they are; None where they are none."""
    day, hour = request.form.get("day", "")[:10], request.form.get("hour", "")[:5]
    try:
        return day, hour, datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=PARIS)
    except ValueError:
        return day, hour, None


@pages.post("/dossiers/<int:folder_id>/masquer")
@guard(PERSON)
def hide(folder_id: int) -> Response | tuple[str, int]:
    """Take a folder out of one's own list until a moment."""
    day, hour, until = moment_typed()
    try:
        marks.hide(g.actor, folder_id, until)
    except Refusal as refusal:
        if refusal.key not in _TO_MEND:
            raise
        status, sentence = sentences.say(refusal.key, refusal.facts)
        typed = Later(day=day, hour=hour, error=sentence)

        def made(db: Db, folder: Folder) -> dict[str, Any]:
            context = page.context(db, folder, g.actor, "circuit", None, {})
            return {**context, "later": later(db, folder, g.actor, listed=False, typed=typed)}

        context = shown_to(g.actor, folder_id, made)
        g.todo_count = context.pop("todo_count")
        return render_template("folders/show.html", **context), status
    told = f"est masqué de votre liste jusqu’au {instant(until)}, et y revient de lui-même"
    return onward.go(folder_id, told, undone.shown_again(folder_id))


@pages.post("/dossiers/<int:folder_id>/remettre")
@guard(PERSON)
def show_again(folder_id: int) -> Response:
    """Put a folder back in one's own list."""
    marks.show_again(g.actor, folder_id)
    flash("Le dossier est de nouveau dans votre liste.", "ok")
    return redirect(url_for("folders.show", folder_id=folder_id))


@pages.post("/dossiers/<int:folder_id>/non-lu")
@guard(PERSON)
def mark_unread(folder_id: int) -> Response:
    """Show a folder as not read in one's own list."""
    marks.mark_unread(g.actor, folder_id)
    flash("Le dossier est marqué comme non lu, pour vous seulement.", "ok")
    return redirect(url_for("folders.inbox"))
