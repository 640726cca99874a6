"""Pages of what is kept about a person: what was done in his name, for himself."""

from flask import Blueprint, g, render_template, request

from app.core.db import key_in, reading
from app.core.http import PERSON, guard
from app.operations.persons.lately import done_by

pages = Blueprint("persons", __name__)


@pages.get("/compte/activite")
@guard(PERSON, unprotected=True)
def mine() -> str:
    """What was done in the name of whoever asks, fifty lines at a time."""
    with reading(g.actor.collectivity_id) as db:
        lines, more = done_by(db, g.actor, key_in(request.args.get("avant")))
    return render_template("operations/mine.html", lines=lines, more=more)
