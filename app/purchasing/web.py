"""The pages of orders: those that one may read, one of them beside its deliveries and invoices, and what has just arrived."""

from typing import Any

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.core.clock import today
from app.core.db import Db, key_in, reading
from app.core.french import spaces, taille
from app.core.http import FILES, PERSON, guard, spreadsheet, wants_json
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.core.security import new_token
from app.core.texts import whole
from app.display.blueprint import CREATE, posted, received, version_shown
from app.folders.access import authorize
from app.folders.deposit import depositing
from app.folders.models import Folder
from app.people.own_settings.registry import setting
from app.purchasing import drawn, mailing, views
from app.purchasing.balance import ZERO, balance_of, lines_of
from app.purchasing.deliveries import Arrived, day_of, deliver, deliveries_of, may_attest, said, sums
from app.purchasing.linking import FAMILY
from app.purchasing.matching import PRICE, TOTAL, part_of
from app.purchasing.models import OrderDelivery
from workflows.circuit import DONE, Phase
from workflows.family import family

ASKED_AGAIN = frozenset(
    {"delivery-day", "delivery-quantity", "delivery-nothing", "delivery-over", "reason-needed", "words-long"}
)
"""The refusals that the form shows again with what was typed; the others have their page."""
pages = Blueprint("purchasing", __name__, template_folder="templates")


@pages.get("/commandes")
@guard(PERSON)
def orders() -> str:
    """The signed orders that one may read, with what came of each and what is left."""
    state = _state()
    with reading(g.actor.collectivity_id) as db:
        found, more = views.orders_shown(db, g.actor, state=state, before=key_in(request.args.get("avant")))
    return render_template(
        "purchasing/orders.html",
        balances=found,
        more=more,
        state=state,
        states=views.STATES,
        left=sum((max(one.left, ZERO) for one in found), ZERO),
        may_order=bool(depositing(g.actor, family(FAMILY))),
        once=new_token(),
    )


def _state() -> str:
    """The orders that the address asks for; all of them where it asks for what is none."""
    state = request.args.get("etat", "")
    return state if state in views.STATES else ""


@pages.post("/commandes/nouveau")
@guard(CREATE)
def begin() -> Response:
    """Begin an order without a document: Paraphe draws its page."""
    folder_id = drawn.begin_order(g.actor, once=posted("order", [], []))
    flash(
        "Le bon a son numéro : donnez le fournisseur et les lignes, puis envoyez-le : Paraphe le dessine.",
        "ok",
    )
    return redirect(url_for("folders.draft", folder_id=folder_id))


@pages.route("/commandes/<int:folder_id>/bon", methods=["GET", "POST"])
@guard(CREATE)
def draw(folder_id: int) -> Response | str:
    """Draw the page of an order that is a draft, from its lines."""
    if request.method == "POST":
        drawn.put(g.actor, folder_id)
        flash("Le bon est dessiné : relisez-le à côté du formulaire.", "ok")
        return redirect(url_for("folders.draft", folder_id=folder_id))
    with reading(g.actor.collectivity_id) as db:
        folder = _order(db, folder_id)
        if folder.phase not in {Phase.DRAFT, Phase.REJECTED}:
            return redirect(url_for("folders.show", folder_id=folder_id))
        return render_template("purchasing/draw.html", folder=folder, lines=len(lines_of(folder)))


@pages.post("/commandes/<int:folder_id>/envoi")
@guard(PERSON)
def send(folder_id: int) -> Response:
    """Send a signed order to its supplier again, or to another address."""
    mailing.send_again(g.actor, folder_id, address=request.form.get("address", ""))
    flash("L’envoi est demandé : la réponse du serveur de courriel paraîtra ici.", "ok")
    return redirect(url_for("purchasing.order", folder_id=folder_id))


@pages.get("/commandes/export.csv")
@guard(PERSON)
def export() -> Response:
    """The same, the thousand last, as a file."""
    with reading(g.actor.collectivity_id) as db:
        found, _ = views.orders_shown(db, g.actor, state=_state(), size=views.MOST)
        return spreadsheet("commandes", "csv", views.HEAD, views.rows_of(found))


@pages.get("/commandes/<int:folder_id>")
@guard(PERSON)
def order(folder_id: int) -> Response | str:
    """An order: ordered, delivered, invoiced, line by line, and its balance."""
    with reading(g.actor.collectivity_id) as db:
        folder = _order(db, folder_id)
        if folder.place != DONE:
            return redirect(url_for("folders.show", folder_id=folder_id))
        here = g.actor.collectivity_id
        total, tolerance = (part_of(str(setting(db, here, key).value)) for key in (TOTAL, PRICE))
        mine = may_attest(g.actor, folder)
        shown = views.order_shown(db, folder, may_attest=mine, total=total or ZERO, tolerance=tolerance)
        sendings = mailing.mails_of(db, folder_id)
        standing = mailing.standing_of(db, folder, sendings)
        mails = views.mails_shown(sendings, standing)
        going = "going" in standing.values()
        return render_template("purchasing/order.html", folder=folder, shown=shown, mails=mails, going=going)


@pages.route("/commandes/<int:folder_id>/livraison", methods=["GET", "POST"])
@guard(PERSON, body=FILES)
def delivery(folder_id: int) -> Response | tuple[str, int]:
    """Attest what arrived of an order, or correct what was attested."""
    error, status, typed = "", 200, {}
    corrects = key_in(request.values.get("corrige"))
    if request.method == "POST":
        typed = request.form.to_dict()
        names = (key.partition(".") for key in typed if key.startswith("q."))
        quantities = {rank: typed[f"q.{text}"] for _, _, text in names if (rank := whole(text)) is not None}
        arrived = Arrived(day_of(typed.get("day", "")), quantities, typed.get("note", ""))
        try:
            with received("file") as files:
                deliver(
                    g.actor,
                    folder_id,
                    version=version_shown(),
                    arrived=arrived,
                    files=files,
                    corrects=corrects,
                    reason=typed.get("reason", ""),
                )
        except Refusal as refusal:
            if refusal.key not in ASKED_AGAIN and not refusal.key.startswith("file-"):
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
        else:
            flash("Le service fait est attesté." if corrects is None else "La livraison est corrigée.", "ok")
            page = url_for("purchasing.order", folder_id=folder_id)
            # A script that sends the photo opens the page itself: what it says must not be read before
            return Response(status=204, headers={"HX-Redirect": page}) if wants_json() else redirect(page)
    with reading(g.actor.collectivity_id) as db:
        folder = _order(db, folder_id)
        if folder.place != DONE:
            raise Refusal("order-not-signed")
        if not may_attest(g.actor, folder):
            raise Refusal("order-not-yours")
        context = _asked(db, folder, corrects, typed)
    return render_template("purchasing/delivery.html", folder=folder, error=error, **context), status


def _asked(db: Db, folder: Folder, corrects: int | None, typed: dict[str, str]) -> dict[str, Any]:
    """The fields of a delivery: a quantity for each line that is awaited, filled with what is left of it."""
    standing = deliveries_of(db, [folder.id]).get(folder.id, [])
    former = _former(standing, corrects)
    others = [one for one in standing if one is not former]
    bills = views.bills_owed(db, folder)
    balance = balance_of(folder, sums(others), bills)
    here = {int(rank): text for rank, text in former.quantities.items()} if former is not None else {}
    fields = [
        {
            "name": f"q.{one.line.rank}",
            "label": one.line.designation + (f", en {one.line.unit}" if one.line.unit else ""),
            "value": typed.get(
                f"q.{one.line.rank}", _comma(here.get(one.line.rank, "") if former else str(one.left))
            ),
            "left": spaces(
                f"Au plus {one.line.of(one.left)}, sur {one.line.of(one.line.quantity)} commandés."
                if former
                else f"Reste {one.line.of(one.left)} sur {one.line.of(one.line.quantity)}"
                + (f", facturé {one.line.of(one.billed)}." if one.unseen else ".")
            ),
        }
        for one in balance.lines
        if one.left or one.line.rank in here or f"q.{one.line.rank}" in typed
    ]
    return {
        "fields": fields,
        "settled": [
            one.line.designation for one in balance.lines if not one.left and one.line.rank not in here
        ],
        "day": typed.get("day") or (former.day if former else today()).isoformat(),
        "today": today().isoformat(),
        "note": typed.get("note", former.note if former else ""),
        "reason": typed.get("reason", ""),
        "former": former and said([one.line for one in balance.lines], sums([former])),
        "corrects": former.id if former else None,
        "waiting": views.waiting(db, balance_of(folder, sums(standing), bills)),
        "limit_bytes": current_app.config["MAX_CONTENT_LENGTH"],
        "limit_label": taille(current_app.config["MAX_CONTENT_LENGTH"]),
    }


def _former(standing: list[OrderDelivery], corrects: int | None) -> OrderDelivery | None:
    if corrects is None:
        return None
    former = next((one for one in standing if one.id == corrects), None)
    if former is None:
        raise Refusal("delivery-corrected")
    return former


def _order(db: Db, folder_id: int) -> Folder:
    folder = authorize(db, g.actor, folder_id)
    if folder.family != FAMILY:
        raise Refusal("not-an-order")
    return folder


def _comma(number: str) -> str:
    return number.replace(".", ",")
