"""The pages of saved views: all of them, a new one, and a route for each thing that is done to one."""

from collections.abc import Iterable
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.core.db import key_in, reading
from app.core.http import PERSON, guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.display import viewing
from app.display.blueprint import pages, version_shown
from app.display.saved import types_told, url_of
from app.folders import saved_views

_FIELDS = {
    "view-name": "name",
    "text-hidden": "name",
    "view-same": "name",
    "view-desk": "desk",
    "view-desk-many": "desk",
    "view-many": "",
    "view-moved-on": "",
}
"""The refusals of what was typed, by the field that is wrong: the page is shown again with it."""


def _typed() -> tuple[str, int | None]:
    """The name, and the desk at which it is shared; refuses `view-desk` for what is no number."""
    desk = request.form.get("desk", "")
    number = key_in(desk)
    if desk and number is None:
        raise Refusal("view-desk")
    return request.form.get("name", ""), number


def _desks() -> list[tuple[int, str]]:
    return [(seat.desk_id, seat.name) for seat in g.actor.seats]


@pages.get("/vues")
@guard(PERSON)
def all_views() -> str:
    """The views of whoever asks, those that his desks share, those that he administers."""
    return _all()


def _all(wrong: int | None = None, error: str = "", field: str = "") -> str:
    with reading(g.actor.collectivity_id) as db:
        shown = viewing.described(db, g.actor)
    return render_template(
        "folders/views.html",
        views=shown,
        desks=_desks(),
        wrong=wrong,
        error=error,
        field=field,
        form=request.form,
    )


@pages.get("/vues/comptes")
@guard(PERSON)
def view_counts() -> str:
    """How many folders are in each view, asked once the list is there."""
    with reading(g.actor.collectivity_id) as db:
        counts = viewing.counts(db, g.actor)
    return render_template("folders/_view_counts.html", counts=counts)


@pages.route("/vues/nouvelle", methods=["GET", "POST"])
@guard(PERSON)
def new_view() -> Response | str | tuple[str, int]:
    """Save the filters of a list under a name."""
    values = request.values
    page, status, error, field = values.get("page", ""), 200, "", ""
    with reading(g.actor.collectivity_id) as db:
        asked = viewing.filters(db, g.actor, page, values)
        words = viewing.in_words(page, asked, dict(types_told(db, g.actor)))
    if request.method == "POST":
        try:
            name, desk = _typed()
            number = saved_views.save(g.actor, page, asked, name, desk)
        except Refusal as refusal:
            if refusal.key not in _FIELDS:
                raise
            (status, error), field = sentences.say(refusal.key, refusal.facts), _FIELDS[refusal.key]
        else:
            flash("La vue est enregistrée : elle suit les bannettes.", "ok")
            return redirect(url_of(page, asked, vue=number))
    context: dict[str, Any] = {
        "page": page,
        "asked": list(_pairs(asked)),
        "words": words,
        "desks": _desks(),
        "name": values.get("name", ""),
        "desk": values.get("desk", ""),
        "back_url": url_of(page, asked),
        "error": error,
        "field": field,
    }
    return render_template("folders/view_new.html", **context), status


def _pairs(asked: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """The filters as the fields of a form."""
    for key, value in asked.items():
        for one in value if isinstance(value, list) else [value]:
            yield key, one


@pages.post("/vues/<int:view_id>")
@guard(PERSON)
def change_view(view_id: int) -> Response | tuple[str, int]:
    """Give a view another name, or share it elsewhere."""
    try:
        saved_views.change(g.actor, view_id, version_shown(), *_typed())
    except Refusal as refusal:
        if refusal.key not in _FIELDS:
            raise
        status, error = sentences.say(refusal.key, refusal.facts)
        return _all(view_id, error, _FIELDS[refusal.key]), status
    flash("La vue est changée.", "ok")
    return redirect(url_for("folders.all_views"))


@pages.post("/vues/<int:view_id>/retirer")
@guard(PERSON)
def remove_view(view_id: int) -> Response | tuple[str, int]:
    """Forget a view."""
    try:
        name = saved_views.remove(g.actor, view_id, version_shown())
    except Refusal as refusal:
        if refusal.key not in _FIELDS:
            raise
        status, error = sentences.say(refusal.key, refusal.facts)
        return _all(view_id, error), status
    flash(f"La vue « {name} » est retirée. Les dossiers qu’elle montrait n’ont pas bougé.", "ok")
    return redirect(url_for("folders.all_views"))
