"""Pages of the administrator: the circuits in force, their picture, and a new version."""

import sqlalchemy as sa
from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from app.circuits.library import as_yaml, catalogue, circuit_of, current, family_of, publish
from app.circuits.models import CircuitVersion
from app.core.db import Db, reading
from app.core.http import guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.people.models import Desk
from workflows.circuit import Circuit
from workflows.drawing import svg
from workflows.family import Family

pages = Blueprint("circuits", __name__, template_folder="templates")


class Line:
    """A step as the page lists it."""

    quote = mono = link_label = link_url = ""
    state = "todo"

    def __init__(self, n: int, title: str, meta: str) -> None:
        self.n, self.title, self.meta = n, title, meta


def _lines(circuit: Circuit) -> list[Line]:
    return [
        Line(n, step.label, step.kind.label + (", sous condition" if step.when else ""))
        for n, step in enumerate(circuit.steps, start=1)
    ]


def _names(db: Db, family: Family) -> dict[str, str]:
    """What the drawing calls desks and facts: by their names, never by their keys."""
    facts = {one.key: f"{one.label[:1].lower()}{one.label[1:]}" for one in family.fields}
    desks = sa.select(Desk.key, Desk.name).where(Desk.collectivity_id == g.actor.collectivity_id)
    return {**facts, **{row.key: row.name for row in db.execute(desks)}}


@pages.get("/circuits")
@guard("administer")
def index() -> str:
    """The circuit in force for each family."""
    rows = []
    with reading(g.actor.collectivity_id) as db:
        for family in catalogue().values():
            version = current(db, g.actor.collectivity_id, family.name)
            label = version.label if version else family.circuit.label
            number = version.number if version else 0
            at = version.published_at if version else None
            rows.append(
                (family.name, family.label, label, number, at, url_for("circuits.edit", family=family.name))
            )
    return render_template("circuits/index.html", rows=rows)


@pages.route("/circuits/<family>", methods=["GET", "POST"])
@guard("administer")
def edit(family: str) -> Response | tuple[str, int]:
    """See a circuit drawn, and publish a new version of it."""
    known = family_of(family)
    error, status, source = None, 200, request.form.get("source")
    if source is not None:
        try:
            number = publish(g.actor, family, source)
        except Refusal as refusal:
            status, error = sentences.say(refusal.key, refusal.facts)
        else:
            flash(f"La version {number} est publiée. Les dossiers en cours gardent la leur.", "ok")
            return redirect(url_for("circuits.edit", family=family))
    with reading(g.actor.collectivity_id) as db:
        version = current(db, g.actor.collectivity_id, family)
        circuit = circuit_of(db, version.id) if version else known.circuit
        query = (
            sa.select(CircuitVersion)
            .where(CircuitVersion.family == family)
            .order_by(CircuitVersion.number.desc())
        )
        versions = [(row.number, row.published_at, row.published_by) for row in db.scalars(query)]
        names = _names(db, known)
    # The drawing escapes what it prints; it is made of the circuit alone.
    amounts = {one.key for one in known.fields if one.type == "amount"}
    picture = Markup(svg(circuit, names, amounts))  # noqa: S704
    return render_template(
        "circuits/edit.html",
        family_label=known.label,
        number=version.number if version else 0,
        error=error,
        source=source if source is not None else as_yaml(circuit.to_data()),
        drawing_svg=picture,
        steps=_lines(circuit),
        versions=versions,
    ), status
