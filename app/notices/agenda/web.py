"""« Mon agenda », where one has the secret address and takes it away, and that address itself, which a calendar reads."""

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from werkzeug.wrappers import Response as BaseResponse

from app.core.clock import PARIS
from app.core.db import reading
from app.core.french import heure, jour_long
from app.core.http import PERSON, PUBLIC, guard
from app.core.limits import limiter
from app.core.refusals import Refusal
from app.core.security import token_hash
from app.notices.agenda import address, events
from app.people import shown
from app.people.login import of_user
from app.people.models import Collectivity, User

pages = Blueprint("agenda", __name__)
SHOWN = "agenda"


def public_rate() -> str:
    """How often one address may ask."""
    return str(current_app.config["PARAPHE"].public_rate)


@pages.get("/compte/agenda")
@guard(PERSON, unprotected=True)
def mine() -> str:
    """Whether one has an address, since when, and when it was last read; its secret while it is shown."""
    with reading(g.actor.collectivity_id) as db:
        user = db.get_one(User, g.actor.user_id)
        mark, stands = address.address_of(user), user.agenda_hash
    secret = shown.shown(session, g.actor, SHOWN)
    if secret and token_hash(str(secret["secret"])) != stands:
        secret = None  # another session has given a new one since: this one answers no more
    return render_template(
        "notices/agenda.html",
        link=f"{_public()}{address.PAGE}?{address.QUERY}={secret['secret']}" if secret and mark else "",
        since=jour_long(mark.since.astimezone(PARIS).date()) if mark else "",
        read=_read(mark),
    )


@pages.post("/compte/agenda")
@guard(PERSON, unprotected=True)
def give() -> BaseResponse:
    """The first address; where there is one already, it is changed by another form, which says what comes of it."""
    if _stands():
        return redirect(url_for("notices.agenda.change"))
    return _given()


@pages.route("/compte/agenda/changer", methods=["GET", "POST"])
@guard(PERSON, unprotected=True)
def change() -> BaseResponse | str:
    """A new address, once it is known what comes of it: the one before answers no more."""
    if request.method == "POST":
        return _given()
    return _sure("change") if _stands() else redirect(url_for("notices.agenda.mine"))


def _given() -> BaseResponse:
    shown.show(session, g.actor, SHOWN, secret=address.give(g.actor))
    return redirect(url_for("notices.agenda.mine"))


def _stands() -> bool:
    with reading(g.actor.collectivity_id) as db:
        return address.address_of(db.get_one(User, g.actor.user_id)) is not None


def _sure(what: str) -> str:
    """What is asked before: in the dialog of the page, or on a page of its own where there is no script."""
    with reading(g.actor.collectivity_id) as db:
        mark = address.address_of(db.get_one(User, g.actor.user_id))
    return render_template("notices/sure.html", what=what, read=_read(mark))


def _read(mark: address.Address | None) -> str:
    """« 24 mars 2027, 10 h », when a calendar last read the address; empty for never."""
    if mark is None or mark.read_at is None:
        return ""
    return f"{jour_long(mark.read_at.astimezone(PARIS).date())}, {heure(mark.read_at)}"


@pages.post("/compte/agenda/note")
@guard(PERSON, unprotected=True)
def noted() -> BaseResponse:
    """The address is copied: it is shown no more."""
    shown.forget(session, SHOWN)
    return redirect(url_for("notices.agenda.mine"))


@pages.route("/compte/agenda/retirer", methods=["GET", "POST"])
@guard(PERSON, unprotected=True)
def take_away() -> BaseResponse | str:
    """The address answers no more, once it is known what comes of it."""
    if request.method != "POST":
        return _sure("take_away") if _stands() else redirect(url_for("notices.agenda.mine"))
    shown.forget(session, SHOWN)
    if address.take_away(g.actor):
        flash("L’adresse est retirée : aucun agenda ne lit plus rien par elle.", "ok")
    return redirect(url_for("notices.agenda.mine"))


@pages.get(address.PAGE)
@guard(PUBLIC)
@limiter.limit(public_rate)
def feed() -> Response:
    """The calendar of a secret; an address that never was and one that was taken away are the same."""
    owner = address.owner_of(request.args.get(address.QUERY, ""))
    if owner is None:
        raise Refusal("agenda-unknown")
    collectivity_id, user_id = owner
    with reading(collectivity_id) as db:
        place = db.get_one(Collectivity, collectivity_id)
        actor = of_user(db, db.get_one(User, user_id), place.name)
        content = events.calendar(db, actor, _public())
    address.note_reading(collectivity_id, user_id)
    answer = Response(content, content_type="text/calendar; charset=utf-8")
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["Content-Disposition"] = 'inline; filename="paraphe.ics"'
    return answer


def _public() -> str:
    return str(current_app.config["PARAPHE"].public_url)
