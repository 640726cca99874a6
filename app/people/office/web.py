"""Pages of the administrator: the signing mandates, and the software that is let in; a new one, and the end of one."""

from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import sqlalchemy as sa
from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from pydantic import SecretStr
from werkzeug.wrappers import Response

from app.core.clock import today
from app.core.db import Db, reading
from app.core.http import guard
from app.core.limits import refuse_renouncing
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.people import applications, identity
from app.people import login as door
from app.people.mandates import accredit, end_mandate, mandates, open_mandate, to_accredit
from app.people.models import Collectivity, Desk, User
from app.people.office.forms import KINDS, EndForm, mandate_form
from app.people.office.views import last_day, view, warnings
from workflows.mandates import Kind, conflicts, over, words
from workflows.rights import Right

pages = Blueprint("office", __name__)
Page = tuple[str, int]
P = ParamSpec("P")
R = TypeVar("R")
LONGEST = 20_000  # characters of an answer: that of a key is long
OURS = frozenset({"csrf_token", "answer", "given_up"})


def who_is_there(back: str) -> Callable[[Callable[P, R]], Callable[P, R | Response | tuple[str, int]]]:
    """Before what is posted: an old session proves who is there, and what was typed is kept in the page meanwhile.

    Whoever gives up goes to the endpoint `back`, and nothing is done. Refuses `identity-closed` after too many wrong
    answers.
    """

    def mark(view: Callable[P, R]) -> Callable[P, R | Response | tuple[str, int]]:
        @wraps(view)
        def ask(*args: P.args, **kwargs: P.kwargs) -> R | Response | tuple[str, int]:
            if request.method != "POST":
                return view(*args, **kwargs)
            if "given_up" in request.form:
                give_up()
                return redirect(url_for(back))
            try:
                if "answer" in request.form:
                    door.renewed(identity.prove(g.actor, SecretStr(request.form["answer"][:LONGEST])))
                identity.refuse_stale(g.actor)
            except Refusal as refusal:
                if refusal.key not in {"identity-needed", "identity-refused"}:
                    raise
                return _question(refusal)
            return view(*args, **kwargs)

        return ask

    return mark


def give_up() -> None:
    """Write that whoever was asked who he is gave up, at the pace of `limits.refuse_renouncing`."""
    refuse_renouncing()
    identity.given_up(g.actor)


def _question(refusal: Refusal) -> tuple[str, int]:
    status, sentence = sentences.say(refusal.key, refusal.facts)
    with reading(g.actor.collectivity_id) as db:
        way = identity.question_for(db, g.actor.user_id)
    page = render_template(
        "people/identity.html",
        way=way,
        error=sentence if refusal.key == "identity-refused" else None,
        minutes=identity.minutes(),
        action=request.path,
        kept=[(name, value) for name, value in request.form.items(multi=True) if name not in OURS],
    )
    return page, status


@pages.route("/administration/mandats", methods=["GET", "POST"])
@guard("administer")
@who_is_there("people.office.index")
def index() -> Response | tuple[str, int]:
    """Who may sign in the commune's name, and the form that records one more."""
    error, status = None, 200
    with reading(g.actor.collectivity_id) as db:
        form = mandate_form(db)
    if form.is_submitted():
        try:
            open_mandate(g.actor, form.wanted())
        except Refusal as refusal:
            status, error = sentences.say(refusal.key, refusal.facts)
        else:
            flash("Le mandat est enregistré.", "ok")
            return redirect(url_for("people.office.index"))
    with reading(g.actor.collectivity_id) as db:
        names, known = _names(db), mandates(db)
    rows = [view(one, names[one.person], today()) for one in known]
    return render_template(
        "people/mandates.html",
        live=[one for one in rows if not one.over],
        past=[one for one in rows if one.over],
        accredit=[(names[one.person], words(one), one.id) for one in to_accredit(known, today())],
        warnings=warnings(conflicts(known, today()), names),
        form=form,
        kinds=KINDS,
        error=error,
    ), status


@pages.route("/administration/mandats/<int:mandate_id>", methods=["GET", "POST"])
@guard("administer")
@who_is_there("people.office.index")
def mandate(mandate_id: int) -> Response | tuple[str, int]:
    """One mandate, and its end: at once, or after a day to come."""
    form, error, status = EndForm(), None, 200
    if form.is_submitted():
        try:
            fallen = end_mandate(g.actor, mandate_id, last_day=form.day())
        except Refusal as refusal:
            status, error = sentences.say(refusal.key, refusal.facts)
        else:
            flash(_ended(fallen), "ok")
            return redirect(url_for("people.office.index"))
    return _mandate_page(mandate_id, form, error), status


def _mandate_page(mandate_id: int, form: EndForm, error: str | None) -> str:
    with reading(g.actor.collectivity_id) as db:
        names, known = _names(db), mandates(db)
    found = next((one for one in known if one.id == mandate_id), None)
    if found is None:
        raise Refusal("mandate-unknown")
    falling = [
        f"{words(one)} ({names[one.person]})"
        for one in known
        if one.given_by is not None and one.given_by.id == mandate_id and not over(one, today())
    ]
    shown = view(found, names[found.person], today())
    return render_template("people/mandate.html", mandate=shown, falling=falling, form=form, error=error)


@pages.post("/administration/mandats/<int:mandate_id>/accreditation")
@guard("administer")
@who_is_there("people.office.index")
def accredited(mandate_id: int) -> Response | tuple[str, int]:
    """Write since when the public accountant knows the holder of a mandate."""
    try:
        day = date.fromisoformat(request.form.get("accredited_on", ""))
    except ValueError:
        day = None
    try:
        accredit(g.actor, mandate_id, day)
    except Refusal as refusal:
        status, error = sentences.say(refusal.key, refusal.facts)
        return _mandate_page(mandate_id, EndForm(formdata=None), error), status
    flash("L’accréditation est enregistrée.", "ok")
    return redirect(url_for("people.office.index"))


@pages.get("/administration/mandats/<int:mandate_id>/lettre-au-comptable")
@guard("administer")
def letter(mandate_id: int) -> str:
    """The letter that makes a signatory of flows known to the accountant, with the box of his specimen, to print (PES-03)."""
    with reading(g.actor.collectivity_id) as db:
        here = db.get_one(Collectivity, g.actor.collectivity_id)
        sender = (here.name, here.siren)
        names, known = _names(db), mandates(db)
    found = next((one for one in known if one.id == mandate_id), None)
    if found is None or over(found, today()):
        raise Refusal("mandate-unknown")
    shown = view(found, names[found.person], today())
    if not shown.flows:
        raise Refusal("letter-no-flows")
    return render_template(
        "people/letter.html",
        mandate=shown,
        sender=sender,
        today=today(),
        since=found.starts_on,
        until=last_day(found),
        mayor=found.kind is Kind.MAYOR,
        elected=found.kind in {Kind.MAYOR, Kind.SUBSTITUTE},
    )


def _ended(fallen: tuple[str, ...]) -> str:
    told = "La fin du mandat est enregistrée."
    if not fallen:
        return told
    return (
        f"{told} {len(fallen)} délégations finissent avec lui."
        if len(fallen) > 1
        else f"{told} Une délégation finit avec lui."
    )


def _names(db: Db) -> dict[int, str]:
    return {one.id: one.name for one in db.scalars(sa.select(User))}


@pages.route("/administration/applications", methods=["GET", "POST"], endpoint="applications")
@guard("administer")
@who_is_there("people.office.applications")
def software() -> Page:
    """The applications, those in service first, and the form that lets one more in."""
    if request.method != "POST":
        return _software()
    name, rights = request.form.get("name", ""), request.form.getlist("rights")
    try:
        token = applications.create_application(
            g.actor.collectivity_id,
            name,
            request.form.get("desk", ""),
            [one for one in applications.OFFERED if one.value in rights],
            until=_until(),
            by=g.actor,
        )
    except Refusal as refusal:
        status, error = sentences.say(refusal.key, refusal.facts)
        return _software(status, error=error)
    return _software(token=token, whose=" ".join(name.split()))


def _until() -> date | None:
    """The last day that was chosen for a token; None where nothing was, and a day that cannot be is refused as too far."""
    typed = request.form.get("until", "").strip()
    try:
        return date.fromisoformat(typed) if typed else None
    except ValueError:
        return date.max


@pages.post("/administration/applications/<int:application_id>/jeton")
@guard("administer")
@who_is_there("people.office.applications")
def rotate(application_id: int) -> Page:
    """Give an application another token, and show it once."""
    token = applications.rotate_application(
        g.actor.collectivity_id,
        application_id,
        serial=request.form.get("serial", ""),
        until=_until(),
        by=g.actor,
    )
    with reading(g.actor.collectivity_id) as db:
        known = applications.applications(db, g.actor.collectivity_id)
    return _software(token=token, whose=next(one.name for one in known if one.id == application_id))


@pages.post("/administration/applications/<int:application_id>/fermer")
@guard("administer")
@who_is_there("people.office.applications")
def close(application_id: int) -> Response:
    """Shut an application out at once."""
    name = applications.close_application(g.actor.collectivity_id, application_id, by=g.actor)
    flash(f"« {name} » est fermée : son jeton est refusé dès maintenant.", "ok")
    return redirect(url_for("people.office.applications"))


def _software(status: int = 200, **shown: Any) -> Page:
    with reading(g.actor.collectivity_id) as db:
        known = applications.applications(db, g.actor.collectivity_id)
        desks = db.execute(sa.select(Desk.key, Desk.name).order_by(Desk.name)).all()
    page = render_template(
        "people/applications.html",
        live=[one for one in known if one.active],
        closed=[one for one in known if not one.active],
        desks=desks,
        rights=[(one.value, one.label) for one in applications.OFFERED],
        typed={
            "name": request.form.get("name", "") if "error" in shown else "",
            "desk": request.form.get("desk", "") if "error" in shown else "",
            "rights": request.form.getlist("rights")
            if "error" in shown
            else [Right.CREATE.value, Right.ACT.value],
            "until": (request.form.get("until", "") if "error" in shown else "")
            or (today() + applications.PROPOSED).isoformat(),
        },
        first=today().isoformat(),
        last=(today() + applications.LONGEST_LIFE).isoformat(),
        **shown,
    )
    return page, status
