"""Pages of the second factor: at the door, among one's own, and the administrator's rule with the resets that wait."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import (
    Blueprint,
    current_app,
    flash,
    g,
    jsonify,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from werkzeug.wrappers import Response

from app.core import http
from app.core.clock import now, today
from app.core.db import Db, key_in, reading
from app.core.grammar import de
from app.core.http import PERSON, PUBLIC, guard
from app.core.limits import (
    QUESTION_RATE,
    address_rate,
    apart,
    factor_rate,
    know,
    knows,
    limiter,
    per_person_there,
)
from app.core.refusals import Refusal, catalogue
from app.core.transaction import use_case
from app.people import choosing, desks, rules, shown
from app.people import login as cookies
from app.people.actor import Actor
from app.people.factors import asking, door, keeping, passkeys, resets, ways
from app.people.identity import refuse_stale_in
from app.people.models import Factor, User
from app.people.office.web import who_is_there

pages = Blueprint("factors", __name__)
TICKET = "factor"
"""Where the browser's session holds the ticket between the password and the factor, and where it was going."""
CODES, BEGUN = "codes", "application"
LONGEST = 20_000
Page = tuple[str, int]


def safe(target: str | None) -> str:
    """Only a path of this site may be the next page: browsers drop tabs and line ends, so « /⇥/site » would leave it."""
    if target and target.isprintable() and target.startswith("/") and not target.startswith(("//", "/\\")):
        return target
    return url_for("folders.inbox")


def where_to(target: str | None) -> str:
    """Where somebody goes who has just entered: to say for whom he works, where he may choose, then where he was going."""
    if g.actor.several:
        return url_for("people.which", suite=target if target and safe(target) == target else None)
    return safe(target)


def _place(days: int | None = None) -> door.From:
    """Where this browser is, for how long it is recognised, and whom it has met."""
    hours = float(current_app.config["SESSION_HOURS"])
    return door.From(http.address(), http.client(), hours, days, knows)


# At the door


def wait_for_factor(ticket: str) -> Response:
    """Keep the ticket in this browser and lead to the page that asks for the factor."""
    session[TICKET] = ticket
    return redirect(url_for("people.factors.second", suite=request.args.get("suite")))


def _per_ticket() -> str:
    """The account whose password was right: whoever knows it does not try codes faster by asking anew.

    A browser that its owner uses is counted apart, and a password that was changed is counted anew: neither is shut out.
    """
    try:
        who = door.awaited(str(session.get(TICKET, "")))
        return f"factor {who.person_id} {who.password} {apart(who.login)}"
    except Refusal:
        return f"factor {http.address()}"


@pages.route("/login/facteur", methods=["GET", "POST"])
@guard(PUBLIC)
@limiter.limit(address_rate, methods=["POST"])
@limiter.limit(factor_rate, key_func=_per_ticket, methods=["POST"])
def second() -> Response | Page:
    """Ask for the factor, once the password was right."""
    ticket, error, status = str(session.get(TICKET, "")), None, 200
    try:
        who = door.awaited(ticket)
        if request.method == "POST":
            token = door.enter(ticket, request.form.get("answer", "")[:LONGEST], _place())
            return _entered(token, who.login, who.days)
    except Refusal as refusal:
        status, error = catalogue.say(refusal.key, refusal.facts)
        if refusal.key not in {"factor-refused", "passwords-busy"}:
            session.pop(TICKET, None)
            flash(error, "warn")
            return redirect(url_for("people.login", suite=request.args.get("suite")))
    return render_template("people/second.html", who=who, ticket=ticket, error=error), status


def _entered(token: str, login: str, days: int | None) -> Response:
    with reading() as db:
        recovered = cookies.opened_by(db, token) == "recovery"
    cookies.keep(token, days)
    know(login)
    if recovered:
        flash(
            "Vous êtes entré par un code de secours : inscrivez d’abord une nouvelle clé ou application, "
            "puis retirez ce qui est perdu.",
            "warn",
        )
        return redirect(url_for("people.factors.mine"))
    return redirect(where_to(request.args.get("suite")))


@pages.post("/login/cle/question")
@guard(PUBLIC)
@limiter.limit(address_rate)
def door_question() -> Response:
    """What a passkey of whoever it is has to sign."""
    if not passkeys.usable():
        raise Refusal("passkey-address")
    token, options = door.ask_anybody()
    return jsonify(token=token, options=options)


@pages.post("/login/cle")
@guard(PUBLIC)
@limiter.limit(address_rate)
def by_key() -> Response:
    """Enter by a passkey alone, for as long as whoever enters by his password."""
    days = int(current_app.config["REMEMBER_DAYS"]) if request.form.get("remember") else None
    reply = ways.answer_of(request.form.get("answer", "")[:LONGEST])
    try:
        token, login = door.enter_by_key(*(reply or ("", {})), _place(days=days))
    except Refusal as refusal:
        flash(catalogue.say(refusal.key, refusal.facts)[1], "warn")
        return redirect(url_for("people.login", suite=request.args.get("suite")))
    return _entered(token, login, days)


# Asked again before what engages


@pages.post("/compte/confirmer/cle")
@guard(PERSON, unprotected=True, remedy=True)
@limiter.limit(QUESTION_RATE, key_func=per_person_there)
def prove_question() -> Response:
    """What a passkey has to sign: for this session, and for the documents that the page shows."""
    body = http.read_json()
    documents = body.get("documents") if isinstance(body, Mapping) else None
    token, options = _ask(g.actor, digests(documents))
    return jsonify(token=token, options=options)


def digests(values: Any) -> list[str] | None:
    """The SHA-256 of documents, as a page sends them back; None when it sends none. Refuses `json-invalid` anything else."""
    if values is None:
        return None
    if not isinstance(values, list) or not all(_digest(value) for value in values):
        raise Refusal("json-invalid")
    return [str(value) for value in values]


def _digest(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


@use_case
def _ask(db: Db, actor: Actor, documents: list[str] | None) -> tuple[str, dict[str, Any]]:
    known = asking.passkeys_of(db, actor.person_id)
    if not known:
        raise Refusal("factor-none")
    token, value = asking.ask(
        db, "prove", person_id=actor.person_id, session_id=actor.session_id, documents=documents
    )
    return token, passkeys.request(value, known)


# One's own


@pages.get("/compte/protection")
@guard(PERSON, unprotected=True)
def mine() -> Page:
    """One's factors, and what the commune asks; `nom`, the name typed before one had to prove who one is."""
    return _mine()


def _mine(status: int = 200, error: str | None = None) -> Page:
    with reading(g.actor.collectivity_id) as db:
        known = asking.factors_of(db, g.actor.person_id)
        rows = [_row(factor, _signs_after(factor, known)) for factor in known]
        rule, left = rules.of(db, g.actor.collectivity_id), keeping.codes_left(db, g.actor.person_id)
        recovered = keeping.by_recovery(db, g.actor)
    page = render_template(
        "people/factors.html",
        factors=rows,
        bound=rule.binds(g.actor),
        before_signing=rule.before_signing,
        recovered=recovered,
        left=left,
        usable=passkeys.usable(),
        most=keeping.MOST,
        named=(request.args.get("nom") or request.form.get("name", ""))[: keeping.LONGEST],
        error=error,
    )
    return page, status


def _signs_after(factor: Factor, known: Sequence[Factor]) -> datetime | None:
    """From when the others may sign, where this one alone may now and another waits; None elsewhere."""
    moment = now()
    others = [other.trusted_from for other in known if other is not factor]
    if factor.trusted_from > moment or not others or min(others) <= moment:
        return None
    return min(others)


def _row(factor: Factor, without: datetime | None) -> dict[str, Any]:
    label = {"passkey": "Clé d’accès", "totp": "Application de codes"}[factor.kind]
    if factor.synced:
        label = "Clé d’accès, synchronisée entre vos appareils"
    waits = factor.trusted_from if factor.trusted_from > now() else None
    return {
        "id": factor.id,
        "name": factor.name,
        "words": label,
        "created": factor.created_at,
        "used": factor.used_at,
        "waits": waits,
        "without": without,
    }


@pages.post("/compte/protection/application")
@guard(PERSON, unprotected=True)
@who_is_there("people.factors.mine", whole=True, doing="Inscrire une application de codes")
def begin_totp() -> Response:
    """Draw the secret of a new application of codes, and lead to the page that shows it."""
    shown.show(session, g.actor, BEGUN, token=keeping.begin_totp(g.actor).token)
    return redirect(url_for("people.factors.begun_totp"))


@pages.get("/compte/protection/application")
@guard(PERSON, unprotected=True)
def begun_totp() -> Response | Page:
    """Show the secret that was drawn, until it is enrolled or too old."""
    sealed = shown.shown(session, g.actor, BEGUN) or {"token": ""}
    try:
        begun = keeping.again(g.actor, str(sealed["token"]))
    except Refusal as refusal:
        flash(catalogue.say(refusal.key, refusal.facts)[1], "warn")
        return redirect(url_for("people.factors.mine"))
    return render_template("people/application.html", begun=begun, error=None, name=""), 200


@pages.post("/compte/protection/application/confirmer")
@guard(PERSON, unprotected=True)
@limiter.limit(address_rate)
def confirm_totp() -> Response | Page:
    """Enrol the application whose code this is."""
    token, name = request.form.get("token", ""), request.form.get("name", "")
    try:
        drawn = keeping.confirm_totp(g.actor, token, request.form.get("code", ""), name)
    except Refusal as refusal:
        if refusal.key != "code-refused":
            raise
        status, error = catalogue.say(refusal.key, refusal.facts)
        begun = keeping.again(g.actor, token)
        return render_template("people/application.html", begun=begun, error=error, name=name), status
    return _enrolled(drawn)


@pages.post("/compte/protection/cle/question")
@guard(PERSON, unprotected=True)
def key_question() -> Response:
    """What the browser that makes a key is asked."""
    token, options = keeping.begin_passkey(g.actor)
    return jsonify(token=token, options=options)


@pages.post("/compte/protection/cle")
@guard(PERSON, unprotected=True)
def confirm_passkey() -> Response | Page:
    """Enrol the key that the browser made."""
    reply = ways.answer_of(request.form.get("answer", "")[:LONGEST])
    if reply is None:
        return _mine(*catalogue.say("passkey-empty", {}))
    token, credential = reply
    return _enrolled(keeping.confirm_passkey(g.actor, token, credential, request.form.get("name", "")))


def _enrolled(drawn: list[str]) -> Response:
    shown.forget(session, BEGUN)
    if drawn:
        return _codes(drawn, first=True)
    flash("C’est inscrit : il vous sera demandé à la prochaine connexion.", "ok")
    return redirect(url_for("people.factors.mine"))


def _codes(drawn: list[str], *, first: bool) -> Response:
    shown.show(session, g.actor, CODES, codes=drawn, first=first)
    return redirect(url_for("people.factors.codes"))


@pages.get("/compte/protection/secours")
@guard(PERSON, unprotected=True)
def codes() -> Response | Page:
    """The recovery codes just drawn, until they are said to be kept."""
    recovery = shown.shown(session, g.actor, CODES)
    if recovery is None:
        flash("Ces codes ne se montrent plus. Tirez-en de nouveaux si vous ne les avez pas gardés.", "warn")
        return redirect(url_for("people.factors.mine"))
    return render_template("people/recovery.html", today=today(), **recovery), 200


@pages.post("/compte/protection/secours/note")
@guard(PERSON, unprotected=True)
def codes_kept() -> Response:
    """The recovery codes are kept elsewhere: they are shown no more."""
    shown.forget(session, CODES)
    return redirect(url_for("people.factors.mine"))


def _sure(title: str, button: str, sentences: list[str], action: str) -> Page:
    """What is asked before it is done, on a page of its own."""
    page = render_template(
        "people/sure.html",
        title=title,
        button=button,
        said=sentences,
        action=action,
        back=url_for("people.factors.mine"),
    )
    return page, 200


@pages.route("/compte/protection/<int:factor_id>/retirer", methods=["GET", "POST"])
@guard(PERSON, unprotected=True)
@who_is_there("people.factors.mine", whole=True, doing="Retirer une double authentification")
def remove(factor_id: int) -> Response | Page:
    """Take one off, once it is known what will come of it."""
    if request.method != "POST":
        with reading(g.actor.collectivity_id) as db:
            factor, sentences = keeping.without(db, g.actor, factor_id)
        return _sure(f"Retirer « {factor.name} »", "Retirer", sentences, request.path)
    name = keeping.remove(g.actor, factor_id)
    flash(
        f"« {name} » est retirée : elle n’ouvre plus rien, et vos autres sessions sont fermées.",
        "ok",
    )
    return redirect(url_for("people.factors.mine"))


@pages.get("/compte/protection/secours/nouveaux")
@guard(PERSON, unprotected=True)
def before_codes() -> Page:
    """Ask before new recovery codes take the place of those that are kept."""
    with reading(g.actor.collectivity_id) as db:
        left = keeping.codes_left(db, g.actor.person_id)
    sentence = "Il ne vous en reste aucun : dix seront tirés."
    if left:
        rest = f"Les {left} qui vous restent ne serviront" if left > 1 else "Celui qui vous reste ne servira"
        sentence = f"{rest} plus, dès que vous aurez confirmé : dix autres prennent leur place. Ayez de quoi les recopier."
    action = url_for("people.factors.draw_codes")
    return _sure("Tirer de nouveaux codes de secours", "Tirer de nouveaux codes", [sentence], action)


@pages.post("/compte/protection/secours")
@guard(PERSON, unprotected=True)
@who_is_there("people.factors.mine", whole=True, doing="Tirer des codes de secours")
def draw_codes() -> Response:
    """Ten recovery codes, shown once."""
    return _codes(keeping.draw_codes(g.actor), first=False)


# The administrator


LISTED = 25
"""Accounts on a page."""


@dataclass(frozen=True)
class Account:
    """An open account as the administrator reads it: how many factors it has, and whether the rule asks one of it."""

    id: int
    name: str
    capacity: str
    factors: int
    administrator: bool
    bound: bool


@pages.route("/administration/connexions", methods=["GET", "POST"])
@guard("administer")
@who_is_there("people.factors.office", doing="Changer qui doit avoir une double authentification")
def office() -> Response | Page:
    """Who must have a second factor, who has one, and the resets that wait for a second administrator."""
    if request.method != "POST":
        return _office()
    try:
        who = rules.Who(request.form.get("who", ""))
    except ValueError:
        raise Refusal("factor-rule") from None
    try:
        rules.choose(g.actor, rules.Rule(who, "before_signing" in request.form), refuse_stale_in)
    except Refusal as refusal:
        return _office_refused(refusal)
    flash("La règle est enregistrée. Elle vaut dès maintenant.", "ok")
    return redirect(url_for("people.factors.office"))


def _office_refused(refusal: Refusal) -> Page:
    status, error = catalogue.say(refusal.key, refusal.facts)
    return _office(status, error=error)


def _office(status: int = 200, error: str | None = None) -> Page:
    search, page = request.args.get("q", "").strip()[:100], key_in(request.args.get("page")) or 1
    lost = key_in(request.form.get("person") or request.args.get("perdu"))
    with reading(g.actor.collectivity_id) as db:
        rule = rules.of(db, g.actor.collectivity_id)
        waiting = resets.waiting(db, g.actor.collectivity_id)
        accounts, total, page, administrators = _accounts(db, rule, search, page)
        whose = db.scalar(_open().where(User.id == lost, User.id != g.actor.user_id)) if lost else None
    page_of_all = render_template(
        "people/connections.html",
        people=accounts,
        total=total,
        page=page,
        pages=max(1, -(-total // LISTED)),
        words=search,
        rule=rule,
        whos=list(rules.Who),
        waiting=waiting,
        asked={reset.user_id for reset in waiting},
        alone=administrators < 2,
        lost=whose,
        error=error,
    )
    return page_of_all, status


def _open() -> sa.Select[Any]:
    """The open accounts of the collectivity of who asks."""
    return sa.select(User).where(User.collectivity_id == g.actor.collectivity_id, User.active.is_(True))


def _accounts(db: Db, rule: rules.Rule, search: str, page: int) -> tuple[list[Account], int, int, int]:
    """The open accounts of a page, by name, how many words find, the page, the last at most, and how many administer in all."""
    mine = (Factor.person_id == User.person_id, Factor.removed_at.is_(None))
    count = sa.select(sa.func.count(Factor.id)).where(*mine).correlate(User).scalar_subquery()
    matching = choosing.matching(search)
    counts = (sa.func.sum(sa.case((one, 1), else_=0)) for one in (matching, User.administrator.is_(True)))
    total, administrators = (int(one or 0) for one in db.execute(_open().with_only_columns(*counts)).one())
    page = min(page, max(1, -(-total // LISTED)))
    query = _open().where(matching).order_by(User.search_key, User.id).add_columns(count)
    rows = db.execute(query.limit(LISTED).offset((page - 1) * LISTED)).all()
    name = g.actor.collectivity_name
    actors = cookies.of_users(db, [user for user, _ in rows], name) if rule.asks else []
    bound = {actor.user_id: rule.binds(actor) for actor in actors}
    accounts = [
        Account(
            user.id,
            user.name,
            user.capacity,
            number,
            administrator=user.administrator,
            bound=bound.get(user.id, False),
        )
        for user, number in rows
    ]
    return accounts, total, page, administrators


@pages.post("/administration/connexions/<int:user_id>/fermer")
@guard("administer")
@who_is_there("people.factors.office", doing="Fermer les sessions d’une personne")
def close_sessions(user_id: int) -> Response:
    """Close every session of somebody, who enters again as usual."""
    name = desks.close_sessions(g.actor, user_id)
    flash(f"Les sessions {de(name)} sont fermées.", "ok")
    return redirect(url_for("people.factors.office"))


@pages.post("/administration/connexions/demandes")
@guard("administer")
@who_is_there("people.factors.office", doing="Demander la remise à zéro d’une double authentification")
def ask_reset() -> Response | Page:
    """Ask that the factors of somebody be taken off."""
    try:
        name = resets.ask(g.actor, key_in(request.form.get("person")), request.form.get("reason", ""))
    except Refusal as refusal:
        return _office_refused(refusal)
    flash(f"La demande pour {name} attend un autre administrateur.", "ok")
    return redirect(url_for("people.factors.office"))


@pages.post("/administration/connexions/demandes/<int:reset_id>")
@guard("administer")
@who_is_there("people.factors.office", doing="Décider d’une remise à zéro")
def settle_reset(reset_id: int) -> Response | Page:
    """Confirm a request, or put it aside."""
    confirm = request.form.get("confirm") == "yes"
    try:
        name = resets.settle(g.actor, reset_id, confirm=confirm)
    except Refusal as refusal:
        return _office_refused(refusal)
    sentence = (
        f"La double authentification {de(name)} est remise à zéro : le mot de passe seul ouvre le compte, "
        "jusqu’à ce qu’une nouvelle clé y soit inscrite."
        if confirm
        else f"La demande pour {name} est écartée."
    )
    flash(sentence, "ok")
    return redirect(url_for("people.factors.office"))
