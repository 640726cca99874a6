"""The pages of the register of invoices and of their delays, and the tables that are taken away."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from flask import Blueprint, g, render_template, request
from werkzeug.wrappers import Response

from app.core.clock import today
from app.core.db import key_in, reading
from app.core.http import PERSON, guard, spreadsheet
from app.core.spreadsheet import Cell
from app.invoices.frames import in_words
from app.invoices.register import choosing, delays, lines, sums
from app.invoices.register.choosing import Asked

LONGEST = 200
"""Of the words that are searched, so many signs are read."""
pages = Blueprint("register", __name__, template_folder="templates")
HEAD = (
    "Dossier",
    "Numéro",
    "Nature",
    "Fournisseur",
    "SIRET",
    "Montant TTC",
    "Monnaie",
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
    "Rejet dit sur",
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
        total = sums.total(db, g.actor, wanted)
        unsorted = bool(wanted.order) and total.count is None
        wanted = replace(wanted, order="") if unsorted else wanted
        shown, more = lines.page(db, g.actor, wanted, key_in(request.args.get("avant")))
    return render_template(
        "register/index.html",
        lines=shown,
        more=more,
        total=total,
        most=choosing.SUMMED,
        wanted=wanted,
        asked=_address(wanted),
        wrong=wrong,
        unsorted=unsorted,
        states=choosing.STATES,
        orders=choosing.ORDERS,
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


def _address(wanted: Asked) -> dict[str, object]:
    """What an address asks that asks the same."""
    return {
        "etat": wanted.state or None,
        "du": wanted.since,
        "au": wanted.until,
        "q": wanted.text or None,
        "tri": wanted.order or None,
    }


def _asked() -> tuple[Asked, bool]:
    """What the address asks, and whether a day of it is none: the register is then shown without it, and says so."""
    state = request.args.get("etat", "")
    days = [_day(request.args.get(name, "")) for name in ("du", "au")]
    wrong = any(day is None and request.args.get(name) for day, name in zip(days, ("du", "au"), strict=True))
    order = request.args.get("tri", "")
    text = " ".join(request.args.get("q", "").split())[:LONGEST]
    choice = Asked(
        state if state in choosing.STATES else "",
        since=days[0],
        until=days[1],
        text=text,
        order=order if order in choosing.ORDERS else "",
    )
    return choice, wrong


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _cells(line: lines.Line) -> tuple[Cell, ...]:
    interruption = line.interruption
    decided: list[Cell] = []
    for name in (lines.SERVICE, lines.FINANCE, "signed"):
        decision = line.decisions.get(name)
        decided += [decision.day, decision.who] if decision else [None, None]
    return (
        line.folder_id,
        line.number,
        "Avoir" if line.credit else "Facture",
        line.seller,
        line.siret,
        line.amount,
        line.currency,
        line.state,
        line.received,
        line.start,
        line.rule,
        interruption.notified if interruption else None,
        interruption.reason if interruption else None,
        interruption.complete if interruption else None,
        line.due,
        *decided,
        *_rejected(line),
        line.handed,
        line.mandate,
        line.origin,
        in_words(line.frame),
    )


def _rejected(line: lines.Line) -> tuple[Cell, ...]:
    """When, by whom and why an invoice is rejected, and where that is said: over there, to its supplier, before here."""
    there = line.there.rejection if line.there is not None else None
    if line.there is not None and there is not None:
        where = line.there.place if there.delivered else f"{line.there.place}, en attente"
        return there.day, there.who, there.reason, where
    decision = line.decisions.get("rejected")
    return (decision.day, decision.who, decision.word, None) if decision else (None, None, None, None)
