"""The page of Chorus Pro, for who administers; and on a folder, what is said of its invoice there."""

import sqlalchemy as sa
from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.chorus import answering, cautions, fetching, mandating, rounds, views
from app.chorus.answering import invoice_of, statuses_of
from app.chorus.answers import moment_of
from app.chorus.models import ChorusInvoice, ChorusPiece, ChorusStatus
from app.chorus.reasons import TWICE, in_order
from app.chorus.reasons import in_words as reason_in_words
from app.chorus.statuses import AFTER_COMPLETION, SUSPENDED, in_words
from app.core.db import Db, reading
from app.core.french import spaces
from app.core.http import PERSON, disposition, guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.core.texts import line_of
from app.display.blueprint import version_shown
from app.files import vault
from app.files.handing import look
from app.folders.access import authorize, looks_on
from app.folders.models import Folder
from app.invoices import frames
from app.invoices.mandates import mandate_of, others_of

pages = Blueprint("chorus", __name__, template_folder="templates")
ASKED_AGAIN = frozenset({"chorus-reason", "chorus-sentence", "chorus-mandate", "words-long"})
"""The refusals that a form shows again with what was typed; the others have their page."""


@pages.get("/administration/chorus")
@guard("administer")
def index() -> str:
    """How the line stands, what waits for a person, what was fetched and said."""
    with reading(g.actor.collectivity_id) as db:
        page = views.shown(db, g.actor)
    return render_template("chorus/index.html", page=page, stale=views.stale(page.last))


@pages.post("/administration/chorus/relever")
@guard("administer")
def fetch() -> Response:
    """Have a round done now."""
    rounds.ask(g.actor)
    flash("Le relevé est demandé : les factures nouvelles paraîtront ici dans un instant.", "ok")
    return redirect(url_for("chorus.index"))


@pages.post("/administration/chorus/factures/<int:invoice_id>/reprendre")
@guard("administer")
def fetch_again(invoice_id: int) -> Response:
    """Have an invoice fetched that could not be, or that was dealt with elsewhere."""
    number = fetching.again(g.actor, invoice_id)
    flash(spaces(f"La facture {number} est demandée de nouveau."), "ok")
    return redirect(url_for("chorus.index"))


@pages.post("/administration/chorus/etats/<int:status_id>/redire")
@guard("administer")
def say_again(status_id: int) -> Response:
    """Have a status said once more."""
    status = answering.again(g.actor, status_id)
    flash(
        spaces(f"« {status.capitalize()} » est à dire de nouveau : cherché d’abord dans l’historique."), "ok"
    )
    return redirect(url_for("chorus.index"))


@pages.get("/dossiers/<int:folder_id>/chorus")
@guard(PERSON)
def show(folder_id: int) -> str:
    """What Chorus Pro says of the invoice of a folder, and what was said there; the address may choose the reason."""
    return _page(folder_id, {"code": request.args.get("motif", "")}, "")


@pages.post("/dossiers/<int:folder_id>/chorus/rejeter")
@guard(PERSON)
def reject(folder_id: int) -> Response | tuple[str, int]:
    """Have it rejected there, for good."""
    entered = {name: request.form.get(name, "") for name in ("code", "sentence")}
    try:
        answering.reject(g.actor, folder_id, version=version_shown(), **entered)
    except Refusal as refusal:
        return _again(folder_id, entered, refusal)
    then = "" if entered["code"] == TWICE else " : le fournisseur enverra une autre facture"
    flash(f"Le rejet part sur Chorus Pro, et le dossier est abandonné{spaces(then)}.", "ok")
    return redirect(url_for("chorus.show", folder_id=folder_id))


@pages.post("/dossiers/<int:folder_id>/chorus/mandater")
@guard(PERSON)
def mandate(folder_id: int) -> Response | tuple[str, int]:
    """Have it said there that it is mandated, and open the next one where that is asked."""
    entered = {"number": request.form.get("number", "")}
    try:
        answering.mandate(g.actor, folder_id, version=version_shown(), **entered)
    except Refusal as refusal:
        return _not_mandated(folder_id, entered, refusal)
    if request.form.get("then") != "next":
        flash("Le mandat part sur Chorus Pro.", "ok")
        return redirect(url_for("chorus.show", folder_id=folder_id))
    with reading(g.actor.collectivity_id) as db:
        following = mandating.following(db, g.actor)
    if following is None:
        flash("Le mandat part sur Chorus Pro. C’était la dernière facture à mandater.", "ok")
        return redirect(url_for("folders.inbox"))
    flash("Le mandat part sur Chorus Pro. Voici la facture suivante.", "ok")
    return redirect(url_for("chorus.show", folder_id=following, _anchor="mandatee"))


@pages.get("/dossiers/<int:folder_id>/chorus/pieces/<int:piece_id>")
@guard(PERSON)
def piece(folder_id: int, piece_id: int) -> Response:
    """A file of the invoice as Chorus Pro gave it, to download."""
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        invoice = invoice_of(db, folder)
        row = db.get(ChorusPiece, piece_id)
        if invoice is None:
            raise Refusal("chorus-none")
        _refuse_onlooker(db, folder)
        if row is None or row.invoice_id != invoice.id:
            raise Refusal("not-found")
    store, scope = vault.store(), vault.scope(g.actor.collectivity_id)
    if not store.exists(scope, row.sha256):
        raise Refusal("file-missing", sha256=row.sha256)
    look(g.actor.collectivity_id, row.sha256, row.filename)
    response = Response(store.stream(scope, row.sha256), mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = disposition(row.filename, download=True)
    return response


def _refuse_onlooker(db: Db, folder: Folder) -> None:
    """Refuse `chorus-apart`: a type opens its folders to everybody, not what came with them (as `/arrivee`)."""
    if looks_on(db, g.actor, folder):
        raise Refusal("chorus-apart")


def _again(folder_id: int, entered: dict[str, str], refusal: Refusal) -> tuple[str, int]:
    """The page with what was typed, for what the form can set right."""
    if refusal.key not in ASKED_AGAIN:
        raise refusal
    status, sentence = sentences.say(refusal.key, refusal.facts)
    return _page(folder_id, entered, sentence), status


def _not_mandated(folder_id: int, entered: dict[str, str], refusal: Refusal) -> tuple[str, int]:
    """The page with the number that was typed; said elsewhere in between, the page tells which one stands."""
    if refusal.key not in {"moved-on", "chorus-mandated"}:
        return _again(folder_id, entered, refusal)
    with reading(g.actor.collectivity_id) as db:
        standing = mandate_of(authorize(db, g.actor, folder_id))
    typed = line_of(entered["number"])
    if not standing:
        sentence = "Rien n’est envoyé : le dossier a avancé pendant que vous le lisiez. Relisez-le, puis redites le mandat."
    elif standing == typed:
        sentence = f"Rien de plus n’est envoyé : le mandat « {standing} » est déjà noté pour cette facture."
    else:
        sentence = (
            f"Rien de plus n’est envoyé : le mandat « {standing} » est déjà noté pour cette facture. « {typed} », que vous avez "
            "écrit, ne prend pas sa place."
        )
    return _page(folder_id, entered, sentence), 409


def _state(status: ChorusStatus, invoice: ChorusInvoice) -> str:
    """Where a status stands; one that Chorus Pro takes only of a completed invoice says that it waits for it."""
    suspended = invoice.standing[0] == SUSPENDED and status.status in AFTER_COMPLETION
    return "suspended" if status.state == "waiting" and suspended else status.state


def _page(folder_id: int, entered: dict[str, str], error: str) -> str:
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        invoice = invoice_of(db, folder)
        if invoice is None:
            raise Refusal("chorus-none")
        _refuse_onlooker(db, folder)
        statuses = statuses_of(db, invoice)
        pieces = db.scalars(
            sa.select(ChorusPiece).where(ChorusPiece.invoice_id == invoice.id).order_by(ChorusPiece.id)
        ).all()
        may_mandate = answering.may_mandate(db, g.actor, folder, invoice, statuses)
        return render_template(
            "chorus/folder.html",
            folder=folder,
            invoice=invoice,
            status=in_words(invoice.standing[0]),
            frame=frames.in_words(invoice.frame),
            history=[
                (in_words(row["status"]), moment_of(row["at"]), reason_in_words(row["comment"]))
                for row in reversed(invoice.history)
            ],
            statuses=[
                (
                    in_words(row.status),
                    row.mandate,
                    reason_in_words(row.motive),
                    row.who,
                    _state(row, invoice),
                    row.trouble,
                )
                for row in statuses
            ],
            pieces=pieces,
            other_mandates=others_of(folder),
            reasons=in_order(cautions.elsewhere(db, folder, invoice)),
            may_reject=answering.may_reject(db, g.actor, folder, invoice, statuses),
            may_mandate=may_mandate,
            more_to_mandate=may_mandate and mandating.following(db, g.actor, but=folder.id) is not None,
            typed=entered,
            error=error,
        )
