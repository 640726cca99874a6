"""The page of the simulated Chorus Pro: suppliers deposit, Hélios takes and pays, and the line fails as asked."""

from typing import Any, Final, cast

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.chorus.wire import NAME, opened
from app.core.clock import now
from app.core.http import PUBLIC, guard
from app.core.refusals import Refusal
from app.transmission.channels import simulator
from demo import papers
from demo.chorus import deposits
from demo.chorus.deposits import KINDS
from demo.chorus.simulator import PLAYS, SimulatedChorus
from demo.chorus.state import invoices

TIMES: Final = 3
SHOWN: Final = 50
MANY: Final = 1000
COMPLETE, NEW_ACCOUNT = "complete", "account"
MOVES: Final = {
    COMPLETE: "Le fournisseur complète",
    NEW_ACCOUNT: "Le fournisseur complète, avec un autre IBAN",
    "MISE_A_DISPOSITION_COMPTABLE": "Hélios prend en charge",
    "MISE_EN_PAIEMENT": "Hélios met en paiement",
}


def _chorus() -> SimulatedChorus:
    if simulator(NAME) is None:
        raise Refusal("simulator-absent", office="Chorus Pro", setting="PARAPHE_SIMULATORS")
    return cast("SimulatedChorus", opened(current_app.config["PARAPHE"]))


@guard(PUBLIC)
def show() -> str:
    """What was deposited there, and what it can be made to play."""
    chorus = _chorus()
    with chorus.state.written() as line:
        rows = [_row(line, invoice) for invoice in invoices(line, "1 ORDER BY id DESC LIMIT ?", (SHOWN,))]
    return render_template(
        "demo/chorus.html",
        rows=rows,
        kinds=list(KINDS.items()),
        plays=list(PLAYS.items()),
        moves=list(MOVES.items()),
        waiting=[(PLAYS[name], times) for name, times in chorus.waiting()],
    )


def _row(line: Any, invoice: Any) -> dict[str, Any]:
    passed = line.execute(
        "SELECT status, comment FROM passed WHERE invoice = ? ORDER BY id DESC", (invoice.id,)
    ).fetchall()
    return {
        "id": invoice.id,
        "number": invoice.data["number"],
        "seller": invoice.data["seller"],
        "mandate": invoice.mandate,
        "passed": passed,
    }


@guard(PUBLIC)
def deposit() -> Response:
    """A supplier deposits an invoice, or a thousand."""
    kind = request.form.get("kind", "")
    try:
        if request.form.get("many"):
            deposits.many(_chorus(), MANY, now())
            flash("1 000 factures FACTICES sont déposées.", "ok")
        else:
            number = deposits.deposit(_chorus(), kind, now())
            flash(f"« {KINDS[kind]} » : déposée sous l’identifiant {number}.", "ok")
    except ValueError:
        raise Refusal("bad-request", detail="cette facture ne peut pas être déposée") from None
    return redirect(url_for("demo.chorus"))


@guard(PUBLIC)
def play() -> Response:
    """Let something befall the next calls, or nothing any more."""
    chosen = request.form.get("play", "")
    if chosen and chosen not in PLAYS:
        raise Refusal("bad-request", detail="ce scénario n’existe pas")
    if chosen:
        _chorus().play(chosen, TIMES)
        flash(f"« {PLAYS[chosen]} » : pour les trois prochains appels.", "ok")
    else:
        _chorus().forget()
        flash("Les prochains appels auront la réponse habituelle.", "ok")
    return redirect(url_for("demo.chorus"))


@guard(PUBLIC)
def move() -> Response:
    """The supplier completes an invoice, or Hélios takes or pays it."""
    chosen, text = request.form.get("move", ""), request.form.get("number", "")
    if chosen not in MOVES or not (text.isascii() and text.isdigit() and len(text) < 12):
        raise Refusal("bad-request", detail="ce geste n’existe pas")
    try:
        if chosen in {COMPLETE, NEW_ACCOUNT}:
            iban = deposits.iban_of(papers.JOINERY, changed=True) if chosen == NEW_ACCOUNT else ""
            deposits.complete(_chorus(), int(text), now(), iban=iban)
        else:
            deposits.move(_chorus(), int(text), chosen, now())
    except LookupError:
        raise Refusal("bad-request", detail="cette facture n’existe pas") from None
    flash(f"« {MOVES[chosen]} » : visible au prochain relevé.", "ok")
    return redirect(url_for("demo.chorus"))


def add_to(pages: Blueprint) -> None:
    """Add these to the pages of the demonstration."""
    pages.get("/chorus", endpoint="chorus")(show)
    pages.post("/chorus/depot", endpoint="chorus_deposit")(deposit)
    pages.post("/chorus/appels", endpoint="chorus_play")(play)
    pages.post("/chorus/etat", endpoint="chorus_move")(move)
