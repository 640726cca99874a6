"""The page of what the doctor found, the buttons that try a point now, and the one that asks for another round."""

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.core.clock import now
from app.core.db import reading
from app.core.http import guard
from app.core.refusals import Refusal
from app.operations.examined import rounds, trials, view
from app.operations.findings import Level, in_words

pages = Blueprint("examined", __name__)


@pages.get("/administration/mise-en-service")
@guard("administer")
def index() -> str:
    """Each finding of the last round, with its hour: all of them for who runs the installation, his own for another."""
    chosen = current_app.config["PARAPHE"]
    with reading(g.actor.collectivity_id) as db:
        view.read_ahead(db, g.actor.collectivity_id)
        operates = view.operates(db, g.actor, chosen)
        shown = view.with_commune(view.shown_to(db, g.actor, chosen), db, g.actor.collectivity_id)
        stand = rounds.stand(db, g.actor.collectivity_id)
    return render_template(
        "operations/examined.html",
        shown=shown,
        operates=operates,
        stand=stand,
        opens=stand.open_at(),
        hours=chosen.doctor_hours,
        seconds=trials.SECONDS,
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


@pages.post("/administration/mise-en-service/essayer")
@guard("administer")
def attempt() -> Response:
    """Try one point now, or all that may be (« tout »), and show what was found: of a letter, a token, a signature, a file."""
    point = request.form.get("point", "")
    chosen = current_app.config["PARAPHE"]
    with reading(g.actor.collectivity_id) as db:
        operates = view.operates(db, g.actor, chosen)
    outcome = trials.attempt(chosen, g.actor, [] if point == "tout" else [point], operates=operates)
    fine = all(level in {Level.GREEN, Level.NONE} for level in outcome.levels.values())
    sentence = f"{'Essais faits' if len(outcome.levels) > 1 else 'Essai fait'} : {in_words(outcome.levels)}."
    if outcome.left:
        sentence += f" Essayé il y a moins d’une minute, et laissé tel quel : {', '.join(outcome.left)}."
    flash(sentence, "ok" if fine else "warn")
    return redirect(url_for("operations.examined.index"))
