"""The pages of the directory of suppliers: the list, one of them, the table that is taken away, and what joins two."""

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.core.clock import today
from app.core.db import key_in, reading
from app.core.http import PERSON, guard, spreadsheet
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.core.spreadsheet import Cell
from app.invoices.suppliers import directory, joining

OFFERED = 10
"""Entries among which one chooses the one to join."""
pages = Blueprint("suppliers", __name__, template_folder="templates")
HEAD = (
    "Fournisseur",
    "SIREN",
    "N° de TVA",
    "Factures et commandes",
    "Dernière le",
    "Dernier dossier",
    "Fiches réunies",
)


@pages.get("/fournisseurs")
@guard(PERSON)
def index() -> str:
    """The suppliers of the invoices and orders that one reads."""
    wanted = _asked()
    with reading(g.actor.collectivity_id) as db:
        lines, after = directory.page(db, g.actor, wanted)
    return render_template(
        "suppliers/index.html",
        lines=lines,
        wanted=wanted,
        sorts=directory.SORTS,
        more=after,
    )


@pages.get("/fournisseurs/annuaire.<any(csv, ods):form>")
@guard(PERSON)
def table(form: str) -> Response:
    """The whole directory, as a table of one's own."""
    with reading(g.actor.collectivity_id) as db:
        lines = directory.every(db, g.actor)
    return spreadsheet(f"fournisseurs-{today():%Y-%m-%d}", form, HEAD, map(_cells, lines))


@pages.get("/fournisseurs/<int:supplier_id>")
@guard(PERSON)
def show(supplier_id: int) -> Response | str:
    """A supplier: its names, SIRETs and accounts, and its latest folders; one that was joined leads to its entry."""
    with reading(g.actor.collectivity_id) as db:
        whole = directory.joined_with(db, g.actor, supplier_id)
    if whole is not None:
        return redirect(url_for("invoices.suppliers.show", supplier_id=whole))
    return _show(supplier_id, "", {})


@pages.post("/fournisseurs/<int:supplier_id>/reunir")
@guard("administer")
def join(supplier_id: int) -> Response | tuple[str, int]:
    """Join another entry with this one."""
    typed = {name: request.form.get(name, "") for name in ("other", "reason", "q")}
    try:
        joining.join(g.actor, supplier_id, key_in(typed["other"]) or 0, typed["reason"])
    except Refusal as refusal:
        if refusal.key not in {"supplier-reason", "supplier-itself", "supplier-joined"}:
            raise
        status, sentence = sentences.say(refusal.key, refusal.facts)
        return _show(supplier_id, sentence, typed), status
    flash("Les deux fiches n’en font plus qu’une. Chacune garde son SIREN et ses comptes.", "ok")
    return redirect(url_for("invoices.suppliers.show", supplier_id=supplier_id))


@pages.post("/fournisseurs/<int:supplier_id>/separer")
@guard("administer")
def part(supplier_id: int) -> Response | tuple[str, int]:
    """Part an entry from this one again."""
    other = key_in(request.form.get("other", "")) or 0
    try:
        joining.part(g.actor, supplier_id, other, request.form.get("reason", ""))
    except Refusal as refusal:
        if refusal.key != "supplier-reason":
            raise
        status, sentence = sentences.say(refusal.key, refusal.facts)
        return _show(supplier_id, sentence, {}), status
    flash("Les deux fiches sont de nouveau séparées.", "ok")
    return redirect(url_for("invoices.suppliers.show", supplier_id=supplier_id))


def _show(supplier_id: int, error: str, typed: dict[str, str]) -> str:
    searched = typed.get("q", request.args.get("q", "")).strip()[:200]
    with reading(g.actor.collectivity_id) as db:
        entry = directory.entry(db, g.actor, supplier_id)
        offered = []
        if g.actor.administrator and searched:
            lines, _ = directory.page(db, g.actor, directory.Asked(searched), OFFERED + 1)
            offered = [line for line in lines if line.id != supplier_id][:OFFERED]
    return render_template(
        "suppliers/supplier.html",
        entry=entry,
        error=error,
        typed=typed,
        searched=searched,
        offered=offered,
        counted=directory.TOLD,
    )


def _asked() -> directory.Asked:
    """What the address asks; a place in the list that is none is the first."""
    sort = request.args.get("tri", "nom")
    sort = sort if sort in directory.SORTS else "nom"
    return directory.Asked(request.args.get("q", "").strip()[:200], sort, key_in(request.args.get("apres")))


def _cells(line: directory.Line) -> tuple[Cell, ...]:
    return line.name, line.siren, line.vat, line.counted, line.last_day, line.last_id, line.joined
