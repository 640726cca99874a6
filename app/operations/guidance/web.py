"""The pages of help: that of one page, and the list of them all; the same help stands in the dialog of each page."""

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.core.db import key_in, reading
from app.core.http import guard
from app.core.refusals import Refusal
from app.display import queues
from app.operations.guidance import first
from app.operations.guidance.contents import topic_of, topics
from app.people import desks

pages = Blueprint("guidance", __name__)


@pages.get("/aide")
@guard("person", unprotected=True)
def index() -> str:
    """Every topic of help."""
    return render_template("operations/help.html", topic=None, topics=topics().values())


@pages.route("/aide/premiere-signature", methods=["GET", "POST"])
@guard("person", unprotected=True)
def first_signature() -> Response | str:
    """The first signature step by step; posted, it is put away for good, or shown again at the next step of signature."""
    if request.method == "POST":
        shown = request.form.get("shown") == "1"
        desks.show_guide(g.actor.user_id, shown=shown)
        again = "Le guide sera montré à la prochaine étape de signature."
        flash(again if shown else "Le guide est rangé. « Aide » le montre de nouveau.", "ok")
        folder_id = key_in(request.form.get("folder"))
        if folder_id is not None:
            return redirect(url_for("folders.show", folder_id=folder_id))
        return redirect(url_for("operations.guidance.first_signature"))
    with reading(g.actor.collectivity_id) as db:
        enrolled = first.enrolled(db, g.actor)
    return render_template("operations/first_signature.html", steps=first.STEPS, enrolled=enrolled)


@pages.get("/aide/premiere-signature/<int:folder_id>")
@guard("person")
def first_signed(folder_id: int) -> str:
    """The end of the guide: what was really signed, and its proof; that nothing was, where the reader has signed nothing."""
    with reading(g.actor.collectivity_id) as db:
        signature = first.last_signature(db, g.actor, folder_id)
        waiting = queues.todo(db, g.actor)
    following = next((row.id for row in waiting if row.id != folder_id), None)
    return render_template(
        "operations/first_signed.html", made=signature, folder_id=folder_id, following=following
    )


@pages.post("/aide/bienvenue")
@guard("person", unprotected=True)
def welcomed() -> Response:
    """Write that what to do first was read: it is told no more."""
    desks.note_arrival(g.actor.user_id)
    return redirect(url_for("folders.inbox"))


@pages.get("/aide/<key>")
@guard("person", unprotected=True)
def topic(key: str) -> str:
    """The help of one page, as a page of its own: for who has no script, or opens it beside. Refuses `not-found`."""
    topic = topics().get(key)
    if topic is None:
        raise Refusal("not-found")
    return render_template("operations/help.html", topic=topic, topics=topics().values())


@pages.app_context_processor
def _help() -> dict[str, object]:
    """What the header of a page leads to."""
    return {"help_here": lambda: topic_of(request.endpoint or ""), "first_acts": first.ACTS}
