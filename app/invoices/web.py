"""The administrator's page of establishments; for the rest, invoices bring templates to the folder's page."""

from flask import Blueprint, flash, g, redirect, render_template, url_for
from werkzeug.wrappers import Response

from app.core.db import reading
from app.core.french import spaces
from app.core.http import guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.invoices.establishments import EstablishmentsForm, as_lines, choose, listed
from app.people.models import Collectivity

pages = Blueprint("invoices", __name__, template_folder="templates")


@pages.route("/administration/etablissements", methods=["GET", "POST"])
@guard("administer")
def establishments() -> Response | tuple[str, int]:
    """The SIRETs to which an invoice may be addressed, and the form that changes them."""
    with reading(g.actor.collectivity_id) as db:
        collectivity = db.get_one(Collectivity, g.actor.collectivity_id)
        siren, known = collectivity.siren, listed(collectivity.settings)
    form, error, status = EstablishmentsForm(), None, 200
    if form.is_submitted():
        try:
            count = choose(g.actor, form.lines.data or "", form.shown.data or "")
        except Refusal as refusal:
            status, error = sentences.say(refusal.key, refusal.facts)
        else:
            flash(spaces(_confirmation(count)), "ok")
            return redirect(url_for("invoices.establishments"))
    else:
        form.lines.data = form.shown.data = as_lines(known)
    context = {"form": form, "siren": siren, "count": len(known), "error": error}
    return render_template("invoices/establishments.html", **context), status


def _confirmation(count: int) -> str:
    if not count:
        return "La liste est vide : le SIREN seul est comparé."
    return (
        f"La liste est enregistrée : {count} établissements."
        if count > 1
        else "La liste est enregistrée : un établissement."
    )
