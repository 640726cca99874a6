"""The page of what the doctor found, and the button by which who runs the installation asks for another round."""

from flask import Blueprint, current_app, flash, g, redirect, render_template, url_for
from werkzeug.wrappers import Response

from app.core.clock import now
from app.core.db import reading
from app.core.http import guard
from app.core.refusals import Refusal
from app.operations.examined import rounds, view

pages = Blueprint("examined", __name__)


@pages.get("/administration/mise-en-service")
@guard("administer")
def index() -> str:
    """Each finding of the last round, with its hour: all of them for who runs the installation, his own for another."""
    chosen = current_app.config["PARAPHE"]
    with reading(g.actor.collectivity_id) as db:
        operates = view.operates(db, g.actor, chosen)
        shown = (
            view.installation(db, chosen)
            if operates
            else view.collectivity(db, chosen, g.actor.collectivity_id)
        )
        shown = view.with_commune(shown, db, g.actor.collectivity_id)
        stand = rounds.stand(db)
    return render_template(
        "operations/examined.html",
        shown=shown,
        operates=operates,
        stand=stand,
        opens=stand.open_at(),
        hours=chosen.doctor_hours,
        hung=stand.running and stand.begun_at is not None and now() - stand.begun_at > rounds.HUNG,
    )


@pages.post("/administration/mise-en-service/examiner")
@guard("administer")
def again() -> Response:
    """Ask the worker for a round now; nobody asks who is not named by the installation."""
    with reading(g.actor.collectivity_id) as db:
        if not view.operates(db, g.actor, current_app.config["PARAPHE"]):
            raise Refusal("examination-not-yours")
    rounds.ask(g.actor)
    flash(
        "L’examen est demandé. Le travail de fond le commence dans la minute : rechargez ensuite cette page.",
        "ok",
    )
    return redirect(url_for("operations.examined.index"))
