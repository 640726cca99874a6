"""The pages of the register of invoices and of their delays, and the tables that are taken away."""

from collections.abc import Iterable
from datetime import date

from flask import Blueprint, g, render_template, request
from werkzeug.wrappers import Response

from app.core.clock import today
from app.core.db import key_in, reading
from app.core.http import PERSON, guard, spreadsheet
from app.core.spreadsheet import Cell
from app.invoices.frames import in_words
from app.invoices.register import delays, lines

pages = Blueprint("register", __name__, template_folder="templates")
HEAD = (
    "Dossier",
    "Numéro",
    "Nature",
    "Fournisseur",
    "SIRET",
    "Montant TTC",
    "État",
    "Reçue le",
    "Départ du délai",
    "Règle du départ",
    "Délai interrompu le",
    "Motif de l’interruption",
    "Délai repris le",
    "À payer avant le",
    "Service fait le",
    "Service fait par",
    "Visa des finances le",
    "Visa des finances par",
    "Bon à payer le",
    "Bon à payer par",
    "Rejetée le",
    "Rejetée par",
    "Motif du rejet",
    "Remise aux finances le",
    "Mandat",
    "Facture d’origine",
    "Cadre de facturation",
)


@pages.get("/factures")
@guard(PERSON)
def index() -> str:
    """The invoices that one may read, by state and by day of arrival, the latest first."""
    wanted, wrong = _asked()
    with reading(g.actor.collectivity_id) as db:
        shown, more = lines.page(db, g.actor, wanted, key_in(request.args.get("avant")))
        total = lines.total(db, g.actor, wanted)
    return render_template(
        "register/index.html",
        lines=shown,
        more=more,
        total=total,
        most=lines.SUMMED,
        wanted=wanted,
        wrong=wrong,
        states=lines.STATES,
        typed={name: request.args.get(name, "")[:10] for name in ("du", "au")},
        service=lines.SERVICE,
        finance=lines.FINANCE,
    )


@pages.get("/factures/registre.<any(csv, ods):form>")
@guard(PERSON)
def table(form: str) -> Response:
    """The same, as a table of one's own."""
    wanted, _ = _asked()
    with reading(g.actor.collectivity_id) as db:
        every = lines.every(db, g.actor, wanted)
    return spreadsheet(f"factures-{today():%Y-%m-%d}", form, HEAD, map(_cells, every))


@pages.get("/factures/delais")
@guard(PERSON)
def months() -> str:
    """How long the invoices of each month took, and how many were late."""
    with reading(g.actor.collectivity_id) as db:
        shown = delays.by_month(db, g.actor)
    return render_template("register/delays.html", months=shown)


@pages.get("/factures/delais.<any(csv, ods):form>")
@guard(PERSON)
def months_table(form: str) -> Response:
    """The same, as a table of one's own."""
    with reading(g.actor.collectivity_id) as db:
        shown = delays.by_month(db, g.actor)
    head = ("Mois", "Factures remises", "Délai moyen (dixièmes de jour)", "En retard", "En retard (%)")
    cells: Iterable[tuple[Cell, ...]] = (
        (f"{month.first:%Y-%m}", month.count, round(10 * month.days), month.late, round(month.share))
        for month in shown
    )
    return spreadsheet(f"delais-{today():%Y-%m-%d}", form, head, cells)


def _asked() -> tuple[lines.Asked, bool]:
    """What the address asks, and whether a day of it is none: the register is then shown without it, and says so."""
    state = request.args.get("etat", "")
    days = [_day(request.args.get(name, "")) for name in ("du", "au")]
    wrong = any(day is None and request.args.get(name) for day, name in zip(days, ("du", "au"), strict=True))
    return lines.Asked(state if state in lines.STATES else "", *days), wrong


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _cells(line: lines.Line) -> tuple[Cell, ...]:
    interruption = line.interruption
    decided: list[Cell] = []
    for name in (lines.SERVICE, lines.FINANCE, "signed", "rejected"):
        decision = line.decisions.get(name)
        decided += [decision.day, decision.who] if decision else [None, None]
    rejected = line.decisions.get("rejected")
    return (
        line.folder_id,
        line.number,
        "Avoir" if line.credit else "Facture",
        line.seller,
        line.siret,
        line.amount,
        line.state,
        line.received,
        line.start,
        line.rule,
        interruption.notified if interruption else None,
        interruption.reason if interruption else None,
        interruption.complete if interruption else None,
        line.due,
        *decided,
        rejected.word if rejected else None,
        line.handed,
        line.mandate,
        line.origin,
        in_words(line.frame),
    )
