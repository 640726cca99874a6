"""The page of the ready-made start: the choice of a kit, then all that it would create, edited and created at once."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.core.db import reading
from app.core.grammar import plural
from app.core.http import guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.operations.starting import kits, start
from app.people import hierarchy
from app.people.models import Collectivity
from app.people.office.web import who_is_there
from app.people.own_settings.population import population_in
from workflows.family import families
from workflows.loader import MAX_LABEL
from workflows.vocabulary import Right

pages = Blueprint("starting", __name__)
HERE = "operations.starting.index"
SHOWN = {
    "start-nothing",
    "start-desk-asked",
    "start-above",
    "start-label",
    "start-circuit",
    "desk-name",
    "desk-name-taken",
}
"""What is refused and shown in the page itself, what was typed still in it."""


@dataclass(frozen=True)
class DeskRow:
    """A desk of the page, as it is proposed or as it was edited."""

    key: str
    ticked: bool
    name: str
    parent: str
    own: bool
    rights: tuple[str, ...]


@dataclass(frozen=True)
class CircuitRow:
    """A circuit of the page: the family, its label, its steps in words, the desks that it asks, by name in the kit."""

    family: str
    type_label: str
    ticked: bool
    label: str
    steps: tuple[str, ...]
    desks: tuple[str, ...]


@pages.route("/administration/demarrage", methods=["GET", "POST"])
@guard("administer")
@who_is_there(HERE, doing="Ouvrir les bureaux et les circuits d’un modèle")
def index() -> Response | tuple[str, int]:
    """What a kit would create, edited on the page, then created once; a page that says so where desks are there."""
    with reading(g.actor.collectivity_id) as db:
        fresh = start.may_start(db, g.actor.collectivity_id)
        town = db.get_one(Collectivity, g.actor.collectivity_id)
        shown_first = kits.first_shown(town.nature, population_in(town.settings))
    if not fresh:
        raise Refusal("start-done")
    key = request.values.get("modele", "") or shown_first
    kit = kits.KITS.get(key)
    if kit is None and key != kits.EMPTY:
        raise Refusal("start-unknown")
    if kit is None or request.method != "POST":
        return _page(kit), 200
    chosen = _chosen(kit)
    try:
        count = start.start(g.actor, kit, chosen)
    except Refusal as refusal:
        if refusal.key not in SHOWN:
            raise
        status, sentence = sentences.say(refusal.key, refusal.facts)
        return _page(kit, chosen, sentence), status
    flash(
        f"{plural(count, 'bureau', 'bureaux')} {'sont ouverts' if count > 1 else 'est ouvert'}"
        f"{', et les circuits choisis avec eux' if chosen.circuits else ''}. Donnez maintenant à chaque bureau ses titulaires.",
        "ok",
    )
    return redirect(url_for("operations.desks.index"))


def _chosen(kit: kits.Kit) -> start.Chosen:
    """What was ticked and typed; a key that the kit has not is not read."""
    ticked, own = set(request.form.getlist("desk")), set(request.form.getlist("own"))
    desks = {
        desk.key: start.ChosenDesk(
            request.form.get(f"name-{desk.key}", desk.name)[: hierarchy.LONGEST + 1],
            request.form.get(f"parent-{desk.key}", desk.parent),
            desk.key in own,
        )
        for desk in kit.desks
        if desk.key in ticked
    }
    wanted = set(request.form.getlist("circuit"))
    labels = {
        name: request.form.get(f"label-{name}", circuit.label)[: MAX_LABEL + 1]
        for name, circuit in kit.circuits().items()
        if name in wanted
    }
    return start.Chosen(desks, labels)


def _page(kit: kits.Kit | None, chosen: start.Chosen | None = None, error: str = "") -> str:
    names: Mapping[str, str] = {desk.key: desk.name for desk in kit.desks} if kit else {}
    return render_template(
        "operations/start.html",
        kits=kits.KITS.values(),
        kit=kit,
        empty=kits.EMPTY,
        desks=[_desk_row(kit, desk, chosen) for desk in kit.desks] if kit else [],
        circuits=[_circuit_row(kit, name, names, chosen) for name in families()] if kit else [],
        names=names,
        error=error,
        longest=hierarchy.LONGEST,
        longest_label=MAX_LABEL,
    )


def _desk_row(kit: kits.Kit, plan: kits.DeskPlan, chosen: start.Chosen | None) -> DeskRow:
    granted = kit.rights(plan.key)
    rights = tuple(right.label.lower() for right in Right if right in granted)
    edited = chosen.desks.get(plan.key) if chosen else None
    if edited is None:
        return DeskRow(plan.key, chosen is None, plan.name, plan.parent, False, rights)
    return DeskRow(plan.key, True, edited.name, edited.parent, edited.own, rights)


def _circuit_row(
    kit: kits.Kit, name: str, names: Mapping[str, str], chosen: start.Chosen | None
) -> CircuitRow:
    family = families()[name]
    circuit = kit.circuit(family)
    desks = tuple(names[key] for key in names if key in kits.needed_desks(family, circuit))
    label = chosen.circuits.get(name, circuit.label) if chosen else circuit.label
    ticked = chosen is None or name in chosen.circuits
    return CircuitRow(name, family.label, ticked, label, tuple(step.label for step in circuit.steps), desks)
