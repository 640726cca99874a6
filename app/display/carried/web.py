"""The pages of what is taken along: the parcel, the list, the way back, and what a browser asks at each contact."""

from collections.abc import Callable

from flask import (
    Response,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from werkzeug.wrappers import Response as BaseResponse

from app.core.db import Db, key_in, reading
from app.core.http import PERSON, PUBLIC, client, guard
from app.core.limits import limiter
from app.core.refusals import Refusal
from app.display.blueprint import pages
from app.display.carried import parcel
from app.display.opening import shown_to
from app.files import vault
from app.folders import carried
from app.folders.models import Folder

ASKED_BY = "X-Carried"
"""The header that bears the secrets of the copies that a browser has: no log keeps it."""


def public_rate() -> str:
    """How often one address may ask."""
    return str(current_app.config["PARAPHE"].public_rate)


@pages.app_context_processor
def _allowed() -> dict[str, Callable[[], bool]]:
    """Whether folders are taken along here, asked by the page that leads to the list."""
    return {"carries": _carries}


def _carries() -> bool:
    with reading(g.actor.collectivity_id) as db:
        return carried.allowed(db, g.actor.collectivity_id)


@pages.post("/dossiers/<int:folder_id>/emporter")
@guard(PERSON)
def carry(folder_id: int) -> Response:
    """Take a folder along on this browser: all that is read of it without a connection, in one answer.

    Refuses as `carried.carry`, and `file-missing`.
    """
    content = shown_to(g.actor, folder_id, _content)
    store, scope = vault.store(), vault.scope(g.actor.collectivity_id)
    for file in content.files:
        if not store.exists(scope, file.sha256):
            raise Refusal("file-missing", sha256=file.sha256)
    taken = carried.carry(g.actor, folder_id, client())
    told_of = parcel.told(content, taken, g.actor)
    media_type, pieces = parcel.stream(told_of, content.files, g.actor.collectivity_id)
    answer = Response(stream_with_context(pieces))
    answer.headers["Content-Type"] = media_type
    return answer


def _content(db: Db, folder: Folder) -> parcel.Parcel:
    carried.refuse(db, g.actor, folder)
    return parcel.parcel(db, folder, g.actor, render_template)


@pages.get("/emportes", endpoint="carried")
@guard(PERSON)
def every_one() -> str:
    """What one has taken along, on which browser, until when."""
    with reading(g.actor.collectivity_id) as db:
        rows = carried.of_person(db, g.actor)
        may = carried.allowed(db, g.actor.collectivity_id)
    return render_template("folders/carried.html", rows=rows, may=may, this_session=g.actor.session_id)


@pages.post("/emportes/<int:carried_id>/arrive")
@guard(PERSON)
def carried_whole(carried_id: int) -> tuple[str, int]:
    """A copy has come whole; the form says of which folder."""
    carried.arrived(g.actor, carried_id, key_in(request.form.get("folder")))
    return "", 204


@pages.post("/emportes/<int:carried_id>/rendre")
@guard(PERSON)
def give_back(carried_id: int) -> BaseResponse:
    """End a copy; the form says of which folder."""
    carried.give_back(g.actor, carried_id, key_in(request.form.get("folder")))
    flash(
        "La copie est rendue : son appareil l’efface tout de suite, ou à son prochain contact avec le serveur.",
        "ok",
    )
    return redirect(url_for("folders.carried"))


@pages.get("/emportes/etat")
@guard(PUBLIC)
@limiter.limit(public_rate)
def carried_state() -> dict[str, list[int]]:
    """For how many seconds each copy may still be shown, asked by the secrets of the copies, in their order."""
    tokens = request.headers.get(ASKED_BY, "")[:4000]
    return {"left": carried.seconds_left(one for one in tokens.split(",") if one)}
