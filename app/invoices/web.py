"""The pages of invoices: to verify a bank account, the known accounts, the establishments."""

from collections.abc import Mapping
from datetime import date

import sqlalchemy as sa
from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.core.clock import PARIS
from app.core.db import reading
from app.core.french import grouped, jour, spaces
from app.core.http import PERSON, guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.display.blueprint import version_shown
from app.folders import ruling
from app.folders.access import authorize, looks_on
from app.folders.move import person_of, present
from app.invoices import account_file, accounts, beside, calls, interrupting, performing, settling
from app.invoices.clock import delay_of
from app.invoices.establishments import EstablishmentsForm, as_lines, choose, listed
from app.invoices.known import DECIDED, LISTED, OFFICE, REFUSED, ends
from app.invoices.models import SupplierAccount
from app.invoices.register.web import pages as register
from app.invoices.rows import total_of
from app.invoices.suppliers.web import pages as suppliers
from app.people.models import Collectivity

SHOWN = 50
"""Known accounts of a page of their list."""
ASKED_AGAIN = frozenset(
    {
        "call-number",
        "call-number-of-invoice",
        "call-origin",
        "call-word",
        "call-decider",
        "words-long",
        "word-needed",
        "reason-needed",
        "iban-choice",
        "twin-choice",
    }
)
"""The refusals that a form shows again with what was typed; the others have their page."""
REFUSE = "refuse"
CHOICES = {
    REFUSE: ("Refuser la facture", "Rejetée, avec ce motif. Le compte est écarté pour ce fournisseur."),
    accounts.FORMER: (
        "Payer sur {account}",
        "La facture continue avec ce compte connu, celui qu’elle porte est écarté.",
    ),
    accounts.ACCEPT: ("Accepter ce compte", "Il devient connu pour ce fournisseur."),
}
SOURCES = {
    LISTED: "Liste importée",
    DECIDED: "Décidé sur une facture",
    OFFICE: "Écarté par un administrateur",
}
pages = Blueprint("invoices", __name__, template_folder="templates")
pages.register_blueprint(register)
pages.register_blueprint(suppliers)


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


@pages.route("/dossiers/<int:folder_id>/doublon/<int:other_id>", methods=["GET", "POST"])
@guard(PERSON)
def same(folder_id: int, other_id: int) -> Response | tuple[str, int]:
    """An invoice and another one that may be the same, side by side, and the decision of whoever rules on it."""
    entered = {name: request.form.get(name, "") for name in ("answer", "word")}
    error, status = "", 200
    if request.method == "POST":
        try:
            done = beside.decision(g.actor, folder_id, other_id, version=version_shown(), **entered)
        except Refusal as refusal:
            if refusal.key not in ASKED_AGAIN:
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
        else:
            flash(f"{done}.", "ok")
            return redirect(url_for("folders.show", folder_id=folder_id))
    with reading(g.actor.collectivity_id) as db:
        context = beside.context(db, g.actor, folder_id, other_id, entered, error)
        return render_template("invoices/beside.html", **context), status


@pages.get("/dossiers/<int:folder_id>/compte/<mark>")
@guard(PERSON)
def account(folder_id: int, mark: str) -> str:
    """An account of an invoice beside those that are known, who called, and the decision of another person."""
    return _account(folder_id, mark, {}, "")


@pages.post("/dossiers/<int:folder_id>/compte/<mark>/appel")
@guard(PERSON)
def account_call(folder_id: int, mark: str) -> Response | tuple[str, int]:
    """Note a call to the supplier."""
    call = {name: request.form.get(name, "") for name in ("number", "origin", "word")}
    try:
        calls.note_call(g.actor, folder_id, mark=mark, **call)
    except Refusal as refusal:
        return _again(folder_id, mark, call, refusal)
    flash("L’appel est noté. Une autre personne décide.", "ok")
    return redirect(url_for(accounts.PAGE, folder_id=folder_id, mark=mark))


@pages.post("/dossiers/<int:folder_id>/compte/<mark>/decision")
@guard(PERSON)
def account_decision(folder_id: int, mark: str) -> Response | tuple[str, int]:
    """Accept the account, pay on the known one, or refuse the invoice."""
    keep, reason = request.form.get("keep", ""), request.form.get("reason", "")
    version = version_shown()
    if keep.partition(":")[0] not in CHOICES:
        return _again(folder_id, mark, {"keep": keep, "reason": reason}, Refusal("iban-choice"))
    try:
        if keep == REFUSE:
            calls.refuse_account(g.actor, folder_id, version=version, mark=mark, reason=reason)
            done = "La facture est rejetée"
        else:
            about = f"{accounts.KEY}:{mark}"
            done = ruling.rule(g.actor, folder_id, version=version, about=about, keep=keep, word=reason)
    except Refusal as refusal:
        return _again(folder_id, mark, {"keep": keep, "reason": reason}, refusal)
    flash(f"{done}.", "ok")
    return redirect(url_for("folders.show", folder_id=folder_id))


def _again(folder_id: int, mark: str, entered: Mapping[str, str], refusal: Refusal) -> tuple[str, int]:
    """The page with what was typed, for what the form can set right."""
    if refusal.key not in ASKED_AGAIN:
        raise refusal
    status, sentence = sentences.say(refusal.key, refusal.facts)
    return _account(folder_id, mark, entered, sentence), status


def _account(folder_id: int, mark: str, entered: Mapping[str, str], error: str) -> str:
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        doubt = calls.open_doubt(db, folder, mark)
        caution = next(point for point in accounts.cautions(db, folder) if point.about == doubt.about)
        turn = ruling.may_rule(folder, g.actor, present(db, folder))
        took_part = person_of(g.actor) in caution.by
        service, apart = settling.at_service(db, folder), looks_on(db, g.actor, folder)
        former = {
            f"{accounts.FORMER}:{accounts.digest(account.iban)}": ends(account.iban)
            for account in doubt.known
        }
        return render_template(
            "invoices/account.html",
            folder=folder,
            account_mark=mark,
            doubt=doubt,
            amount=total_of(folder.fields),
            iban=grouped(doubt.iban),
            # Whoever has no part in the folder is told which account it is, and not its number
            known=[
                ((ends if apart else grouped)(account.iban), spaces(account.how), account.known)
                for account in doubt.known
            ],
            calls=[(call.line, call.word, call.compared) for call in doubt.calls],
            choices=[
                (key, title.format(account=former.get(key, "")), _follows(key, sentence, doubt))
                for key in (REFUSE, *dict(doubt.choices))
                for title, sentence in (CHOICES[key.partition(":")[0]],)
            ],
            looks_on=apart,
            why_not=_why_not(turn, took_part, bool(doubt.calls), service),
            entered=entered,
            error=error,
        )


def _follows(key: str, sentence: str, doubt: accounts.Doubt) -> str:
    """What a decision makes of the account, in a sentence: one that is known all the same stays so."""
    chosen = key.partition(":")[0]
    if doubt.trusted and chosen == REFUSE:
        return "Rejetée, avec ce motif. Le compte, connu, le reste."
    if doubt.trusted and chosen == accounts.FORMER:
        return "La facture continue avec ce compte ; l’autre, connu aussi, le reste."
    if doubt.added and chosen == accounts.FORMER:
        return "La facture continue avec ce compte, celui que le fournisseur a ajouté est écarté."
    if doubt.added and chosen == accounts.ACCEPT:
        return "La facture est payée sur le compte ajouté, qui devient connu pour ce fournisseur."
    return sentence


def _why_not(turn: bool, took_part: bool, called: bool, service: bool) -> str:
    """Why who reads the page decides nothing here, and who does; empty when it is for him."""
    if service:
        return "Les finances, ou qui signe, une fois le service fait attesté."
    if took_part:
        return "Vous avez déposé cette facture, écrit son compte ou appelé le fournisseur : une autre personne décide."
    if not turn:
        return "Décide qui doit se prononcer à l’étape en cours, sans avoir déposé la facture ni appelé."
    return "" if called else "Le fournisseur est d’abord appelé ; qui l’appelle ne décide pas."


@pages.route("/dossiers/<int:folder_id>/delai", methods=["GET", "POST"])
@guard(PERSON)
def delay(folder_id: int) -> Response | tuple[str, int]:
    """Interrupt the delay of payment, once, or let it run again."""
    entered, error, status = {"day": "", "word": ""}, "", 200
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        current = delay_of(folder)
        if current is None:
            raise Refusal("delay-none")
        if not ruling.may_rule(folder, g.actor, present(db, folder)):
            raise Refusal("not-your-turn")
        elsewhere = interrupting.readers_of(db, folder) if current.interruption is None else ""
    if request.method == "POST":
        entered = {name: request.form.get(name, "") for name in entered}
        day, word, version = _day(entered["day"]), entered["word"], version_shown()
        try:
            if current.interruption is None:
                interrupting.interrupt(g.actor, folder_id, version=version, notified=day, reason=word)
                done = "Le délai de paiement est interrompu."
            else:
                interrupting.resume(g.actor, folder_id, version=version, complete=day, word=word)
                done = "Le délai de paiement court de nouveau."
        except Refusal as refusal:
            if refusal.key not in {
                "notice-day",
                "notice-reason",
                "complete-day",
                "complete-word",
                "words-long",
            }:
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
        else:
            flash(done, "ok")
            return redirect(url_for("folders.show", folder_id=folder_id))
    over = current.interruption is not None and current.interruption.complete is not None
    if over or (current.interruption is None and interrupting.KEPT in folder.sources):
        raise Refusal("delay-interrupted")
    return (
        render_template(
            "invoices/delay.html",
            folder=folder,
            clock=current.clock,
            interruption=current.interruption,
            read_elsewhere=elsewhere,
            typed=entered,
            error=error,
        ),
        status,
    )


@pages.route("/dossiers/<int:folder_id>/execution", methods=["GET", "POST"])
@guard(PERSON)
def performed(folder_id: int) -> Response | tuple[str, int]:
    """Say on which day what is billed was done, where that is after the reception: the delay begins there."""
    typed, error, status = {"day": "", "word": ""}, "", 200
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        current = delay_of(folder)
        if current is None:
            raise Refusal("delay-none")
        if not ruling.may_rule(folder, g.actor, present(db, folder)):
            raise Refusal("not-your-turn")
        done = performing.performed_of(folder)
    if request.method == "POST":
        typed = {name: request.form.get(name, "") for name in typed}
        day, word = _day(typed["day"]), typed["word"]
        try:
            performing.perform(g.actor, folder_id, version=version_shown(), day=day, word=word)
        except Refusal as refusal:
            if refusal.key not in {"performed-day", "performed-word", "words-long"}:
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
        else:
            flash("Le jour du service fait est noté, le délai de paiement en tient compte.", "ok")
            return redirect(url_for("folders.show", folder_id=folder_id))
    elif done is not None:
        typed = {"day": done.day.isoformat(), "word": done.word}
    first, last = performing.bounds(folder)
    page = render_template(
        "invoices/performed.html",
        folder=folder,
        clock=current.clock,
        typed=typed,
        error=error,
        first=first,
        last=last,
    )
    return page, status


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@pages.route("/administration/comptes-fournisseurs", methods=["GET", "POST"], endpoint="known_accounts")
@guard("administer", body=account_file.MOST_BYTES + 65_536)
def known_accounts() -> Response | tuple[str, int]:
    """The bank accounts that are known for the suppliers, and the file that brings more."""
    error, status = "", 200
    if request.method == "POST":
        sent = request.files.get("file")
        try:
            if "aside" in request.form:
                account_file.put_aside(
                    g.actor, _number(request.form["aside"]), request.form.get("reason", "")
                )
                flash(
                    "Ce compte est écarté : toute facture qui le porte, et n’est pas signée, est à vérifier.",
                    "ok",
                )
                return redirect(url_for("invoices.known_accounts"))
            brought = account_file.bring_in(g.actor, sent.read() if sent is not None else b"")
        except Refusal as refusal:
            if not refusal.key.startswith("ibans-"):
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
        else:
            flash(spaces(_brought(*brought)), "ok")
            return redirect(url_for("invoices.known_accounts"))
    searched = request.args.get("q", "").strip()[:200]
    ours = SupplierAccount.collectivity_id == g.actor.collectivity_id
    query = sa.select(SupplierAccount).where(ours).order_by(SupplierAccount.name, SupplierAccount.id)
    if searched:
        like = SupplierAccount.name.icontains(searched, autoescape=True)
        query = query.where(like | (SupplierAccount.siren == searched.replace(" ", "")[:9]))
    with reading(g.actor.collectivity_id) as db:
        rows = db.scalars(query.limit(SHOWN + 1)).all()
        lines = [
            {
                "id": row.id,
                "name": row.name,
                "siren": row.siren or "",
                "ends": ends(row.iban),
                "refused": row.state == REFUSED,
                "how": f"{SOURCES[row.source]}, {row.who}, {jour(row.at.astimezone(PARIS).date())}",
                "folder_id": row.folder_id,
            }
            for row in rows[:SHOWN]
        ]
    context = {"lines": lines, "more": len(rows) > SHOWN, "searched": searched, "error": error}
    columns, most = account_file.COLUMNS, account_file.MOST_LINES
    return render_template("invoices/known_accounts.html", columns=columns, most=most, **context), status


def _brought(new: int, same: int, aside: int) -> str:
    parts = []
    if new:
        parts.append(f"{new} comptes ajoutés" if new > 1 else "un compte ajouté")
    if same:
        parts.append(f"{same} comptes déjà là" if same > 1 else "un compte déjà là")
    if aside:
        parts.append(
            f"{aside} comptes écartés, qui le restent" if aside > 1 else "un compte écarté, qui le reste"
        )
    line = ", ".join(parts)
    return f"{line[:1].upper()}{line[1:]}."


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _confirmation(count: int) -> str:
    if not count:
        return "La liste est vide : le SIREN seul est comparé."
    return (
        f"La liste est enregistrée : {count} établissements."
        if count > 1
        else "La liste est enregistrée : un établissement."
    )
