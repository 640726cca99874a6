"""Pages of the account: log in and out, a forgotten password, open sessions, display."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

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
from flask_login import current_user, logout_user
from flask_wtf import FlaskForm
from pydantic import SecretStr
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response
from wtforms import BooleanField, PasswordField, StringField
from wtforms.validators import DataRequired

from app.core import forms, http
from app.core.clock import now, today
from app.core.db import key_in, reading
from app.core.french import spaces
from app.core.grammar import plural
from app.core.http import PERSON, PUBLIC, guard
from app.core.limits import (
    account_rate,
    address_rate,
    first_today,
    forget_hurry,
    know,
    knows,
    limiter,
    login_rate,
    per_account,
    per_link,
    per_login,
    per_person,
)
from app.core.outbox import stopped
from app.core.refusals import Refusal, catalogue
from app.core.security import browser_key, new_token
from app.people import desks, identity, persons
from app.people import login as door
from app.people.actor import LONGER, Actor
from app.people.factors import passkeys
from app.people.factors.asking import factors_of
from app.people.factors.keeping import codes_left
from app.people.factors.web import digests, safe, wait_for_factor, where_to
from app.people.factors.web import pages as factors
from app.people.first_day.web import link_field
from app.people.first_day.web import pages as first_day
from app.people.mandates import mandates
from app.people.models import LoginSession
from app.people.office.views import view
from app.people.office.web import does, doing_at, give_up, who_is_there
from app.people.office.web import pages as office

pages = Blueprint("people", __name__, template_folder="templates")
pages.register_blueprint(office)
pages.register_blueprint(factors)
pages.register_blueprint(first_day)
NOW = "Renseignez ce champ."
WAYS_IN = {
    "password": "mot de passe",
    "totp": "mot de passe et code",
    "passkey": "clé d’accès",
    "recovery": "code de secours",
}
LONGEST = 20_000  # characters of an answer: that of a key is long


@dataclass(frozen=True)
class Opened:
    """An open session as its person reads it: from where, by what, since when, and until when at the latest."""

    id: int
    client: str
    address: str
    way: str
    opened: datetime
    last_seen: datetime
    ends: datetime
    recognised: bool
    current: bool
    where: str


class LoginForm(FlaskForm):  # type: ignore[misc]
    """Who, and the password."""

    login = StringField(
        "Identifiant",
        [DataRequired(NOW)],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    password = PasswordField(
        "Mot de passe", [DataRequired(NOW)], render_kw={"autocomplete": "current-password"}
    )
    remember = BooleanField("Reconnaître cet appareil pendant 30 jours")


class ForgotForm(FlaskForm):  # type: ignore[misc]
    """Whose password is forgotten."""

    login = StringField(
        "Identifiant", [DataRequired(NOW)], render_kw={"autocomplete": "username", "autocapitalize": "none"}
    )


class ResetForm(FlaskForm):  # type: ignore[misc]
    """The code of the link, which no address carries (ASVS 14.2.1), and the new password."""

    code = link_field("Copiez ici l’adresse entière du lien, telle que vous l’avez reçue.")
    password = PasswordField(
        "Nouveau mot de passe",
        [DataRequired(NOW)],
        description="Au moins 12 caractères. Une phrase convient bien.",
        render_kw={"autocomplete": "new-password"},
    )


class ChangeForm(FlaskForm):  # type: ignore[misc]
    """The present password, and the new one."""

    present = PasswordField(
        "Mot de passe actuel",
        render_kw={"autocomplete": "current-password"},
    )
    password = PasswordField(
        "Nouveau mot de passe",
        [DataRequired(NOW)],
        description="Au moins 12 caractères. Une phrase convient bien.",
        render_kw={"autocomplete": "new-password"},
    )


def _tell_owner(_limit: object) -> None:
    """Somebody tries an account from everywhere: its owner is told, once a day; who is not there is told nothing."""
    login = request.form.get("login", "")
    if first_today(login):
        door.tell_tried(login)


@pages.route("/login", methods=["GET", "POST"])
@guard(PUBLIC)
@limiter.limit(address_rate, methods=["POST"])
@limiter.limit(login_rate, key_func=per_login, methods=["POST"])
@limiter.limit(account_rate, key_func=per_account, methods=["POST"], on_breach=_tell_owner)
def login() -> Response | str | tuple[str, int]:
    """Log in, then go where one was going."""
    form = LoginForm()
    if not form.validate_on_submit():
        return _login(form)
    days = current_app.config["REMEMBER_DAYS"] if form.remember.data else None
    hours = days * 24 if days else current_app.config["SESSION_HOURS"]
    try:
        token = door.open_session(
            form.login.data,
            form.password.data,
            hours=hours,
            address=http.address(),
            client=http.client(),
            days=days,
            known=knows(form.login.data),
        )
    except Refusal as refusal:
        if refusal.key == "factor-needed":
            return wait_for_factor(refusal.facts["ticket"])
        if refusal.key == "login-refused":
            door.note_refused(form.login.data, http.address())
        status, sentence = catalogue.say(refusal.key, refusal.facts)
        return _login(form, sentence), status
    door.keep(token, days)
    know(form.login.data)
    return redirect(where_to(request.args.get("suite")))


def _login(form: LoginForm, error: str | None = None) -> str:
    return render_template(
        "people/login.html",
        form=form,
        error=error,
        keys=passkeys.usable(),
        suite=request.args.get("suite"),
    )


@pages.get("/compte/session")
@guard(PERSON, unprotected=True)
def still_here() -> Response:
    """Who the server sees, with a token for the forms of a page whose session was opened again; 401 when it is over.

    `account`: in which account; `person`: who, whichever collectivity he works for.

    `left`: in how many seconds it closes for want of use, null when it does not. `?regard=1` only looks: a page that
    asks by itself is no use of the session.
    """
    if "regard" in request.args:
        g.pop("touch", None)
    return jsonify(
        account=g.actor.user_id,
        person=g.actor.person_id,
        collectivity=g.actor.collectivity_name,
        csrf=forms.token(),
        left=_left(),
    )


def _left() -> int | None:
    ends = g.actor.ends_idle_at
    if ends is not None and "touch" in g:  # this very answer counts as use
        return int(g.actor.idle_minutes) * 60
    return None if ends is None else int((ends - now()).total_seconds())


@pages.post("/logout")
@guard(PERSON, unprotected=True, remedy=True)
def logout() -> Response:
    """Close this session, here and on the server."""
    door.revoke(g.actor.user_id, g.actor.session_id)
    logout_user()
    session.clear()
    answer = redirect(url_for("people.login"))
    # What a page of this session kept in the browser goes with it (W3C Clear Site Data; browsers obey it in https)
    answer.headers["Clear-Site-Data"] = '"storage"'
    return answer


@pages.route("/mot-de-passe-oublie", methods=["GET", "POST"])
@guard(PUBLIC)
@limiter.limit(address_rate, methods=["POST"])
@limiter.limit(login_rate, key_func=per_login, methods=["POST"])
def forgot() -> Response | str:
    """Ask for a link by mail; the answer is the same whether the account exists or not, and says when no mail leaves."""
    form = ForgotForm()
    with reading() as db:
        down = stopped(db, "mail") is not None
    if not form.validate_on_submit():
        return render_template("people/forgot.html", form=form, sent=False, down=down)
    desks.ask_reset(form.login.data, http.address())
    return render_template("people/forgot.html", form=form, sent=True, down=down)


@pages.route("/mot-de-passe", methods=["GET", "POST"])
@guard(PUBLIC)
@limiter.limit(address_rate, methods=["POST"])
@limiter.limit(login_rate, key_func=per_link, methods=["POST"])
def reset() -> Response | str | tuple[str, int]:
    """Choose a new password with the code of a link: browsers keep what follows its « # » to themselves.

    The page's script moves it into the form; without script the link is copied there, whole or from its « # » on.
    """
    form = ResetForm()
    if "join" in request.form and form.code.data:
        return _take_up(form)
    if not form.validate_on_submit():
        return render_template("people/reset.html", form=form, error=None)
    try:
        code = form.code.data.rpartition("#")[2].strip()
        login = desks.reset(code, form.password.data, http.address())
    except Refusal as refusal:
        status, sentence = catalogue.say(refusal.key, refusal.facts)
        if refusal.key == "link-expired":
            form.code.data = ""
        return render_template("people/reset.html", form=form, error=sentence), status
    know(login)  # strangers who try this account do not keep its owner out of the browser where he chose
    flash(f"Votre mot de passe est enregistré. Connectez-vous avec votre identifiant : {login}", "ok")
    return redirect(url_for("people.login"))


def _take_up(form: ResetForm) -> Response | tuple[str, int]:
    """Lead whoever enters here already, and was invited by the link, to the page that says what he would join."""
    code = (form.code.data or "").rpartition("#")[2].strip()
    try:
        with reading() as db:
            persons.invitation(db, code)
    except Refusal as refusal:
        status, sentence = catalogue.say(refusal.key, refusal.facts)
        form.code.data = ""
        return render_template("people/reset.html", form=form, error=sentence), status
    session[door.CARRIED] = code
    return redirect(url_for("people.invited"))


@pages.get("/invitation")
@guard(PUBLIC)
def invited() -> Response | str:
    """What an invitation lets whoever enters here already join, and what its administrators will and will not see."""
    try:
        with reading() as db:
            offer = persons.invitation(db, str(session.get(door.CARRIED, "")))
    except Refusal as refusal:
        session.pop(door.CARRIED, None)
        flash(catalogue.say(refusal.key, refusal.facts)[1], "warn")
        return redirect(url_for("people.login"))
    me = current_user.actor if current_user.is_authenticated else None
    with reading() as db:
        enters = identity.who_enters(db, me) if me is not None else None
    recovers = persons.masked(enters.email) if enters is not None else ""
    return render_template("people/join.html", offer=offer, me=me, recovers=recovers)


@pages.post("/invitation/rejoindre")
@guard(PERSON, unprotected=True)
@limiter.limit(address_rate)
@who_is_there("people.invited", doing="Accepter une invitation avec votre identifiant")
def join() -> Response:
    """Join with the login and the proofs that one has, and work there from now on."""
    number = persons.join(g.actor, str(session.get(door.CARRIED, "")))
    session.pop(door.CARRIED, None)
    door.move(g.actor, number, http.client())
    flash(
        f"Vous avez rejoint {g.actor.collectivity_name}. Vous y entrez avec l’identifiant que vous avez déjà.",
        "ok",
    )
    return redirect(url_for("folders.inbox"))


@pages.route("/compte/collectivite", methods=["GET", "POST"])
@guard(PERSON, unprotected=True)
def which() -> Response | str:
    """Choose for which collectivity one works from now on; the one where the session is comes first."""
    if request.method == "POST":
        number = key_in(request.form.get("account"))
        if number != g.actor.user_id:
            door.move(g.actor, number or 0, http.client())
        return redirect(safe(request.args.get("suite")))
    with reading() as db:
        mine = persons.memberships(db, g.actor.person_id)
    mine.sort(key=lambda membership: membership.user_id != g.actor.user_id)
    return render_template("people/which.html", memberships=mine)


@pages.post("/compte/recuperation")
@guard(PERSON, unprotected=True)
@limiter.limit(address_rate)
@who_is_there("people.account", whole=True, doing="Changer votre adresse de récupération")
def recovery() -> Response:
    """Say where a forgotten password is answered: it is the person's, and no administrator changes it for who works elsewhere."""
    persons.choose_recovery(g.actor, desks.address_of(request.form.get("email", "").strip()))
    flash("L’adresse de récupération est enregistrée.", "ok")
    return redirect(url_for("people.account"))


@pages.app_context_processor
def _identity() -> dict[str, object]:
    """What a page asks whoever has to prove again who he is, and the key of what it keeps in his browser."""

    def way() -> identity.Question:
        with reading(g.actor.collectivity_id) as db:
            return identity.question_for(db, g.actor)

    def key() -> str:
        return browser_key(g.actor.user_id)

    return {
        "identity_way": way,
        "whom_to_ask": _whom_to_ask,
        "browser_key": key,
        "session_left": _left,
        "only_collectivity": _only_collectivity,
    }


def _only_collectivity() -> str:
    """The collectivity of this installation, for whoever stands at the door; nothing where several share it."""
    try:
        with reading() as db:
            return desks.only_name(db)
    except SQLAlchemyError:  # the page that says so must still be drawn
        return ""


def _whom_to_ask() -> dict[str, str]:
    """What helps whoever meets a closed page: as whom he is logged in, at which desks, and who gives rights here.

    Who administers is told what he can do himself: to administer opens no folder. It says nothing of whether there is one.
    """
    actor: Actor = g.actor
    at = actor.desk_line or "aucun bureau"
    try:
        with reading(actor.collectivity_id) as db:
            names = desks.administrators(db, actor.collectivity_id)
    except SQLAlchemyError:  # the page that says so must still be drawn
        names = []
    if actor.administrator:
        who = "Administrer n’ouvre aucun dossier : si celui-ci existe, prenez place à un bureau qui le lit, sous « Bureaux »"
        return {
            "me": f"{actor.name} ({at})",
            "who": spaces(f"{who} (le journal le dira), ou demandez-le à qui le lit."),
        }
    who = f"Les bureaux et les droits sont donnés par {', '.join(names)}." if names else ""
    return {"me": f"{actor.name} ({at})", "who": who}


def _gives_up() -> bool:
    """Whether what came renounces to prove anything, and so tries nothing: it is not counted among the tries."""
    if not request.is_json:
        return bool(request.form.get("given_up"))
    try:
        body = http.read_json()
    except Refusal:
        return False
    return isinstance(body, Mapping) and bool(body.get("given_up"))


@pages.route("/compte/confirmer", methods=["GET", "POST"])
@guard(PERSON, unprotected=True, remedy=True)
@limiter.limit(address_rate, methods=["POST"])
@limiter.limit(login_rate, key_func=per_person, methods=["POST"], exempt_when=_gives_up)
def confirm() -> Response | tuple[str, int]:
    """Prove again who one is: asked by a page's script, or on a page of its own, then go back where one was."""
    error, status, about = None, 200, digests(request.args.getlist("document")) or None
    whole = "entier" in request.args
    if request.method == "POST":
        body = http.read_json() if request.is_json else request.form
        body = body if isinstance(body, Mapping) else {}
        answer = body.get("answer")
        if _gives_up():
            give_up()
            if request.is_json:
                return jsonify(state="given up")
            # Not to a page that would ask again
            return redirect(safe(request.args.get("sinon", request.args.get("suite"))))
        try:
            documents = digests(body.get("documents") if request.is_json else about)
            beside = SecretStr(request.form.get("password", "")[:LONGEST]) if whole else None
            answered = SecretStr(str(answer or "")[:LONGEST])
            door.renewed(identity.prove(g.actor, answered, documents, password=beside))
        except Refusal as refusal:
            if http.wants_json() or refusal.key != "identity-refused":
                raise
            status, error = catalogue.say(refusal.key, refusal.facts)
        else:
            return jsonify(state="proven") if request.is_json else redirect(safe(request.args.get("suite")))
    with reading(g.actor.collectivity_id) as db:
        way = identity.question_for(db, g.actor)
        minutes = identity.minutes_in(db, g.actor.collectivity_id)
    return render_template(
        "people/identity.html",
        way=way,
        whole=whole and way.typed and way.autocomplete == "one-time-code",
        error=error,
        minutes=minutes,
        back=safe(request.args.get("suite")),
        doing=doing_at(safe(request.args.get("suite"))),
        documents=about,
    ), status


@pages.get("/compte")
@guard(PERSON, unprotected=True, remedy=True)
def account() -> str:
    """The person's open sessions, signing mandates and display."""
    query = (
        sa.select(LoginSession)
        .where(
            LoginSession.user_id.in_(persons.numbers_of(g.actor.person_id)),
            LoginSession.revoked_at.is_(None),
            LoginSession.expires_at > now(),
        )
        .order_by(LoginSession.seen_at.desc())
    )
    with reading(g.actor.collectivity_id) as db:
        mine = persons.memberships(db, g.actor.person_id)
        places = {membership.user_id: membership.collectivity for membership in mine}
        rows = [
            Opened(
                row.id,
                row.client,
                row.address,
                WAYS_IN.get(row.opened_by, "une autre voie"),
                row.created_at,
                row.seen_at,
                row.expires_at,
                recognised=row.expires_at - row.created_at
                > timedelta(hours=current_app.config["SESSION_HOURS"]),
                current=row.id == g.actor.session_id,
                where=places.get(row.user_id, "") if g.actor.several else "",
            )
            for row in db.scalars(query)
            if not door.left_alone(row.seen_at, row.created_at, row.expires_at, g.actor.idle_minutes)
        ]
        factors = [factor.name for factor in factors_of(db, g.actor.person_id)]
        left = codes_left(db, g.actor.person_id)
        signs = [view(mandate, g.actor.name, today()) for mandate in mandates(db, g.actor.user_id)]
        enters = identity.who_enters(db, g.actor)
    return render_template(
        "people/account.html",
        sessions=rows,
        factors=factors,
        left=left,
        mandates=[row for row in signs if not row.over],
        login=enters.login if enters is not None else "",
        recovery=persons.masked(enters.email) if enters is not None else "",
        memberships=mine,
        theme=g.actor.theme,
        shortcuts=g.actor.shortcuts,
        take_back=str(g.actor.take_back_seconds or ""),
        take_backs=_take_backs(),
    )


def _take_backs() -> list[tuple[str, str]]:
    """For how long what was just done may be taken back, as one chooses it; none where nothing ever is."""
    usual = current_app.config["TAKE_BACK_SECONDS"]
    if not usual:
        return []
    longer = [(str(one), plural(one // 60, "minute")) for one in LONGER]
    return [("", plural(usual, "seconde")), *longer]


@pages.route("/compte/mot-de-passe", methods=["GET", "POST"])
@guard(PERSON, unprotected=True, remedy=True)
@limiter.limit(address_rate, methods=["POST"])
@limiter.limit(login_rate, key_func=per_person, methods=["POST"])
@does("Changer votre mot de passe")
def change_password() -> Response | str | tuple[str, int]:
    """Change one's own password, knowing the present one."""
    form, error, status = ChangeForm(), None, 200
    with reading(g.actor.collectivity_id) as db:
        if not desks.has_password(db, g.actor.person_id):
            form.present.description = "Votre compte n’en a pas encore : laissez vide."
    try:
        identity.refuse_stale(g.actor)
    except Refusal:
        return redirect(url_for("people.confirm", suite=url_for("people.change_password")))
    if form.validate_on_submit():
        try:
            token = desks.change_password(
                g.actor, SecretStr(form.present.data or ""), SecretStr(form.password.data or "")
            )
            door.renewed(token)
            forget_hurry(g.actor.person_id)
        except Refusal as refusal:
            if refusal.key == "identity-closed":
                raise
            status, error = catalogue.say(refusal.key, refusal.facts)
        else:
            flash("Votre mot de passe est changé, et vos autres sessions sont fermées.", "ok")
            return redirect(url_for("people.account"))
    return render_template("people/password.html", form=form, error=error), status


@pages.post("/compte/sessions/fermer")
@guard(PERSON, unprotected=True, remedy=True)
@limiter.limit(address_rate, methods=["POST"])
@who_is_there("people.account", doing="Fermer vos autres sessions")
def revoke_others() -> Response:
    """Close all one's sessions but this one, which gets a new token."""
    token = new_token()
    if door.revoke_others(g.actor, token):
        forget_hurry(g.actor.person_id)  # what the closed ones had used up was not his
    door.renewed(token)
    flash("Vos autres sessions sont fermées.", "ok")
    return redirect(url_for("people.account"))


@pages.post("/compte/sessions/<int:session_id>/fermer")
@guard(PERSON, unprotected=True, remedy=True)
@who_is_there("people.account", doing="Fermer une de vos sessions")
def revoke(session_id: int) -> Response:
    """Close one of one's own sessions."""
    if door.revoke(g.actor.user_id, session_id) and session_id != g.actor.session_id:
        forget_hurry(g.actor.person_id)
    flash("Cette session est fermée.", "ok")
    return redirect(url_for("people.account" if current_user.is_authenticated else "people.login"))


@pages.post("/compte/affichage")
@guard(PERSON, unprotected=True)
def display() -> Response:
    """Keep the theme, the shortcuts, and for how long what was just done may be taken back."""
    desks.choose_display(
        g.actor.user_id,
        theme=request.form.get("theme", "auto"),
        shortcuts="shortcuts" in request.form,
        take_back=request.form.get("take_back"),
    )
    flash("L’affichage est enregistré.", "ok")
    return redirect(url_for("people.account"))
