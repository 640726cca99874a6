"""Pages of the desks: the tree, a desk with its holders, a new one."""

from collections.abc import Mapping

import sqlalchemy as sa
from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField

from app.core.db import key_in, reading
from app.core.grammar import plural
from app.core.http import guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.operations.desks import views
from app.people import hierarchy
from app.people.models import User
from app.people.office.web import who_is_there
from workflows.vocabulary import Right

pages = Blueprint("desks", __name__)
HERE = "operations.desks.index"
NONE = "Aucun : il est au sommet"
USUAL = {
    "conseil": "Conseil municipal",
    "direction": "Direction générale",
    "finances": "Direction des finances",
    "maire": "Bureau du maire",
    "paye": "Service de la paye",
    "secretariat": "Secrétariat général",
}
"""How the desks that the circuits of origin name are mostly called."""


class DeskForm(FlaskForm):  # type: ignore[misc]
    """The name of a desk, and the one above it."""

    name = StringField("Nom", render_kw={"maxlength": str(hierarchy.LONGEST), "autocomplete": "off"})
    parent = SelectField(
        "Rattaché à",
        description="Son supérieur : une étape de circuit peut le demander sans le nommer.",
        validate_choice=False,
    )

    def above(self) -> int | None:
        """The number of the superior; None for none. Refuses `desk-absent` of what is no number."""
        if not self.parent.data:
            return None
        number = key_in(str(self.parent.data))
        if number is None:
            raise Refusal("desk-absent")
        return number


@pages.get("/administration/bureaux")
@guard("administer")
def index() -> str:
    """Every desk in its place, with who holds it and what nobody at it could do."""
    with reading(g.actor.collectivity_id) as db:
        every = views.tree(db, g.actor.collectivity_id)
        absent = views.absent(db, g.actor.collectivity_id, every)
    faulty = sum(1 for one in every if one.faults)
    return render_template("operations/desks.html", desks=every, faulty=faulty, absent=absent)


@pages.route("/administration/bureaux/nouveau", methods=["GET", "POST"])
@guard("administer")
@who_is_there(HERE)
def new() -> Response | str | tuple[str, int]:
    """Open a desk."""
    key = request.values.get("cle", "")[: hierarchy.KEY_LONGEST]
    form, error, status = DeskForm(), None, 200
    with reading(g.actor.collectivity_id) as db:
        every = views.tree(db, g.actor.collectivity_id)
    form.parent.choices = _choices(every, frozenset())
    if not form.is_submitted():
        form.name.data = USUAL.get(key, "")
    else:
        try:
            number = hierarchy.open_desk(g.actor, form.name.data or "", form.above(), key)
        except Refusal as refusal:
            status, error = sentences.say(refusal.key, refusal.facts)
        else:
            flash("Le bureau est ouvert. Donnez-lui un titulaire.", "ok")
            return redirect(url_for("operations.desks.show", desk_id=number))
    return render_template("operations/desk_new.html", form=form, error=error, key=key), status


@pages.route("/administration/bureaux/<int:desk_id>", methods=["GET", "POST"])
@guard("administer")
@who_is_there(HERE)
def show(desk_id: int) -> Response | str | tuple[str, int]:
    """One desk: its name, its superior, who holds it, what uses it."""
    form, error, status = DeskForm(), None, 200
    if form.is_submitted():
        try:
            changed = hierarchy.change_desk(g.actor, desk_id, form.name.data or "", form.above())
        except Refusal as refusal:
            if refusal.key == "desk-absent":
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
        else:
            flash(
                "Le bureau est enregistré." if changed else "Rien à enregistrer : c’était déjà ainsi.", "ok"
            )
            return redirect(url_for("operations.desks.show", desk_id=desk_id))
    return _desk(desk_id, form, status, error=error)


@pages.post("/administration/bureaux/<int:desk_id>/titulaires")
@guard("administer")
@who_is_there(HERE)
def seats(desk_id: int) -> Response | tuple[str, int]:
    """Who holds the desk from now on; what nobody could do any more is asked about before it is done."""
    wanted, seen = _wanted(), _seen()
    with reading(g.actor.collectivity_id) as db:
        desk = views.desk_of(views.tree(db, g.actor.collectivity_id), desk_id)
    if (faults := views.after(desk, wanted)) and request.form.get("sure") != "1":
        return _desk(desk_id, None, 409, wanted=wanted, faults=faults)
    try:
        changed = hierarchy.seat_all(g.actor, desk_id, wanted, seen)
    except Refusal as refusal:
        if refusal.key not in {"seats-moved", "person-unknown", "person-closed"}:
            raise
        status, error = sentences.say(refusal.key, refusal.facts)
        return _desk(desk_id, None, status, wanted=wanted, seats_error=error)
    told = f"{plural(changed, 'titulaire')} {'modifiés' if changed > 1 else 'modifié'}. Chacun en reçoit un courriel."
    flash(told if changed else "Rien à enregistrer : c’était déjà ainsi.", "ok")
    return redirect(url_for("operations.desks.show", desk_id=desk_id))


def _wanted() -> dict[int, hierarchy.Rights]:
    """The rights that were ticked, by the number of each person whose line the page had."""
    people = [key_in(one) for one in request.form.getlist("person")]
    added = key_in(request.form.get("added", ""))
    wanted = {one: _ticked(str(one)) for one in people if one is not None}
    if added is not None:
        wanted[added] = _ticked("added")
        if not wanted[added]:
            raise Refusal("seat-empty")
    return wanted


def _ticked(name: str) -> hierarchy.Rights:
    """The rights ticked on one line; refuses what is none (`bad-request`)."""
    try:
        return frozenset(Right(one) for one in request.form.getlist(f"rights-{name}"))
    except ValueError:
        raise Refusal("bad-request", detail="droit inconnu") from None


def _seen() -> dict[int, hierarchy.Rights]:
    """What the page showed of each holder: « 12:act,sign »."""
    seen = {}
    for one in request.form.getlist("seen"):
        number, _, rights = one.partition(":")
        if (person := key_in(number)) is None:
            continue
        known = {one.value for one in Right}
        seen[person] = frozenset(Right(right) for right in rights.split(",") if right in known)
    return seen


def _choices(every: list[views.DeskView], but: frozenset[int]) -> list[tuple[str, str]]:
    """The desks under which one may be placed, each after as many dashes as it is deep."""
    return [("", NONE)] + [
        (str(one.id), f"{'– ' * one.depth}{one.name}") for one in every if one.id not in but
    ]


def _desk(
    desk_id: int,
    form: DeskForm | None,
    status: int,
    *,
    error: str | None = None,
    seats_error: str | None = None,
    wanted: Mapping[int, hierarchy.Rights] | None = None,
    faults: list[str] | None = None,
) -> tuple[str, int]:
    """The page of a desk; `wanted` is what was ticked and is not written yet, `faults` what it would stop."""
    with reading(g.actor.collectivity_id) as db:
        every = views.tree(db, g.actor.collectivity_id)
        desk = views.desk_of(every, desk_id)
        holding = {one.id for one in desk.holders}
        people = db.execute(
            sa.select(User.id, User.first_name, User.last_name, User.capacity)
            .where(User.collectivity_id == g.actor.collectivity_id, User.active.is_(True))
            .order_by(sa.func.lower(User.last_name), User.id)
        ).all()
    if form is None or not form.is_submitted() or request.endpoint != "operations.desks.show":
        form = DeskForm(formdata=None, name=desk.name, parent=str(desk.parent_id or ""))
    form.parent.choices = _choices(every, views.below(every, desk))
    others = [
        (one.id, f"{one.first_name} {one.last_name}{f', {one.capacity}' if one.capacity else ''}")
        for one in people
        if one.id not in holding
    ]
    ticked = {one.id: (wanted or {}).get(one.id, one.rights) for one in desk.holders}
    added = next((one for one in (wanted or {}) if one not in holding), None)
    page = render_template(
        "operations/desk.html",
        desk=desk,
        path=_path(every, desk),
        form=form,
        error=error,
        seats_error=seats_error,
        faults=faults or [],
        rights=hierarchy.GRANTED,
        ticked=ticked,
        seen=[f"{one.id}:{','.join(sorted(right.value for right in one.rights))}" for one in desk.holders],
        others=others,
        added=added,
        added_rights=(wanted or {}).get(added, frozenset()) if added is not None else frozenset(),
    )
    return page, status


def _path(every: list[views.DeskView], desk: views.DeskView) -> list[views.DeskView]:
    """The desks above it, the top first."""
    known = {one.id: one for one in every}
    path: list[views.DeskView] = []
    above = desk.parent_id
    while above in known and known[above] not in path:
        path.insert(0, known[above])
        above = known[above].parent_id
    return path
