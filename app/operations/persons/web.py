"""Pages of what is kept about a person: for himself, and for the administrator who answers him or sees him go."""

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from app.core.db import Db, key_in, reading
from app.core.grammar import de
from app.core.http import PERSON, guard
from app.core.refusals import Refusal
from app.operations.persons import leaving, reducing
from app.operations.persons.giving import give
from app.operations.persons.lately import done_by
from app.people import desks
from app.people.models import User
from app.people.office.web import who_is_there

pages = Blueprint("persons", __name__)
HERE = "operations.persons.index"


@pages.get("/compte/activite")
@guard(PERSON)
def mine() -> str:
    """What was done in the name of whoever asks, fifty lines at a time."""
    with reading(g.actor.collectivity_id) as db:
        lines, more = done_by(db, g.actor, key_in(request.args.get("avant")))
    return render_template("operations/mine.html", lines=lines, more=more)


@pages.get("/administration/personnes")
@guard("administer")
def index() -> str:
    """Every account, open or closed: what is kept of it may be given, and one that is closed reduced."""
    query = sa.select(User).where(User.collectivity_id == g.actor.collectivity_id)
    with reading(g.actor.collectivity_id) as db:
        people = [
            (one.id, one.name, one.login, _state(one))
            for one in db.scalars(query.order_by(User.active.desc(), User.last_name, User.id))
        ]
    return render_template("operations/persons.html", people=people)


def _state(user: User) -> str:
    if user.active:
        return "open"
    return "reduced" if reducing.is_reduced(user) else "closed"


@pages.post("/administration/personnes/<int:user_id>/donnees")
@guard("administer")
@who_is_there(HERE)
def export(user_id: int) -> Response:
    """All that is kept about a person, as a file; the journal says that it was given."""
    with reading(g.actor.collectivity_id) as db:
        login = _login(db, user_id)
    answer = Response(
        give(g.actor.collectivity_id, login, whole=False, by=g.actor), mimetype="application/json"
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="donnees-compte-{user_id}.json"'
    return answer


@pages.route("/administration/personnes/<int:user_id>/fermer", methods=["GET", "POST"])
@guard("administer")
@who_is_there(HERE)
def close(user_id: int) -> Answer | str:
    """What the closing of an account would leave, then the closing."""
    with reading(g.actor.collectivity_id) as db:
        login = _login(db, user_id)
        user = db.get_one(User, user_id)
        effects = leaving.effects_of(db, user) if user.active else None
        name = user.name
    if effects is None:
        flash(f"Le compte {de(name)} est déjà fermé.", "info")
        return redirect(url_for(HERE))
    if request.method != "POST":
        return render_template(
            "operations/leaving.html", person=user, effects=effects, most=leaving.MOST_SHOWN
        )
    desks.close_account(
        g.actor.collectivity_id, login, by=g.actor, stuck=len(effects.stuck), named=len(effects.named)
    )
    flash(f"Le compte {de(name)} est fermé, et ses sessions avec lui.", "ok")
    return redirect(url_for(HERE))


@pages.post("/administration/personnes/<int:user_id>/reduire")
@guard("administer")
@who_is_there(HERE)
def reduce(user_id: int) -> Answer:
    """Take away what no proof needs of a closed account."""
    with reading(g.actor.collectivity_id) as db:
        login = _login(db, user_id)
    left = reducing.reduce_account(g.actor.collectivity_id, login, by=g.actor)
    flash(f"Le compte est réduit : {reducing.in_words(left)}", "ok")
    return redirect(url_for(HERE))


def _login(db: Db, user_id: int) -> str:
    query: Any = sa.select(User.login).where(
        User.id == user_id, User.collectivity_id == g.actor.collectivity_id
    )
    login: str | None = db.scalar(query)
    if login is None:
        raise Refusal("not-found")
    return login
