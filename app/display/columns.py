"""What the lists of a person leave out, and how close their rows stand: chosen once, for trays, « Suivi », search and tables."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.core.http import PERSON, guard
from app.display.blueprint import pages
from app.display.timeline import FollowRow
from app.display.views import Row
from app.people import desks
from app.people.actor import Actor

CHOICES: Mapping[str, str] = {
    "type": "Type",
    "number": "Numéro",
    "amount": "Montant",
    "facts": "Informations propres au type",
    "last": "Dernier geste, dans « À traiter »",
    "waiting": "On attend, dans « Suivi »",
    "since": "Depuis, dans « Suivi »",
}
"""What may be left out, in words; title, state, deadline, and what is corrected or done for somebody always stay."""
HEADS: Mapping[str, str] = {
    "type": "Type",
    "number": "Numéro",
    "amount": "Montant",
    "last": "Dernier geste",
    "waiting": "On attend",
    "since": "Depuis",
}
"""The heads of those that have one, in « Suivi » and in the tables that are taken away."""
_EMPTY: Mapping[str, Mapping[str, Any]] = {
    "type": {"family_label": ""},
    "number": {"number": ""},
    "amount": {"amount": None},
    "facts": {"listed": ()},
}


def of_tray(row: Row, actor: Actor) -> Row:
    """A row of a tray without what its reader leaves out."""
    less = {**_EMPTY, "last": {"last": ""}}
    return replace(row, **_without(less, actor)) if actor.columns_off else row


def of_follow(rows: Sequence[FollowRow], actor: Actor) -> list[FollowRow]:
    """The rows of « Suivi » or of the search without what their reader leaves out."""
    less = {**_EMPTY, "waiting": {"waiting": (), "enough": "", "asked": False}, "since": {"since": ""}}
    return [replace(row, **_without(less, actor)) for row in rows] if actor.columns_off else list(rows)


def table(
    heads: Sequence[str], lines: Sequence[Sequence[Any]], actor: Actor
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """A table that is taken away, without the columns that its reader leaves out."""
    off = {HEADS[key] for key in actor.columns_off if key in HEADS}
    places = [n for n, head in enumerate(heads) if head not in off]
    return [heads[n] for n in places], [tuple(line[n] for n in places) for line in lines]


def _without(less: Mapping[str, Mapping[str, Any]], actor: Actor) -> dict[str, Any]:
    return {name: value for key in actor.columns_off for name, value in less.get(key, {}).items()}


_LISTS: Mapping[str, str] = {"inbox": "À traiter", "follow": "Suivi"}
"""The lists that lead to the choice, by their endpoint: one goes back to where one came from."""


@pages.route("/colonnes", methods=["GET", "POST"])
@guard(PERSON)
def columns() -> Response | str:
    """Choose what one's lists show, and how close their rows stand."""
    back = request.values.get("liste", "")
    back = back if back in _LISTS else "inbox"
    if request.method != "POST":
        return render_template(
            "folders/columns.html",
            choices=[(key, words, key not in g.actor.columns_off) for key, words in CHOICES.items()],
            compact=g.actor.compact,
            back=back,
            back_label=_LISTS[back],
            back_url=url_for(f"folders.{back}"),
        )
    chosen = set(request.form.getlist("columns"))
    desks.choose_lists(
        g.actor.user_id,
        compact=request.form.get("rows") == "compact",
        columns_off=[key for key in CHOICES if key not in chosen],
    )
    flash("L’affichage des listes est enregistré.", "ok")
    return redirect(url_for(f"folders.{back}"))
