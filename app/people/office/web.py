"""Pages of the administrator: the signing mandates, and the software that is let in; a new one, and the end of one."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

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
from pydantic import SecretStr
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response

from app.core.clock import today
from app.core.db import Db, key_in, reading
from app.core.french import instant
from app.core.grammar import plural
from app.core.http import guard
from app.core.limits import refuse_renouncing
from app.core.questions import ask, gather
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.people import applications, calls, choosing, identity, shown
from app.people import login as door
from app.people.accounts import lacks_link
from app.people.branches import TAKES_BRANCH
from app.people.given import types_called
from app.people.mandates import (
    OF_COLLECTIVITY,
    accredit,
    end_mandate,
    mandates,
    open_mandate,
    stopped,
    to_accredit,
)
from app.people.models import Collectivity, Desk, User
from app.people.office.forms import KINDS, EndForm, mandate_form
from app.people.office.views import last_day, view, warnings
from workflows.mandates import Kind, Mandate, conflicts, over, words

pages = Blueprint("office", __name__)
Page = tuple[str, int]
Pick = tuple[str, str, Sequence[tuple[int, str]]]
P = ParamSpec("P")
R = TypeVar("R")
V = TypeVar("V", bound=Callable[..., Any])
GIVEN = "token"
OVERLAPS = [
    (days, f"Reste valable {plural(days, 'jour')}" if days else "Refusé aussitôt")
    for days in applications.OVERLAPS
]
LONGEST = 20_000  # characters of an answer: that of a key is long
OURS = frozenset({"csrf_token", "answer", "given_up", "password", "secret"})
"""What is never carried by the page that asks who one is: a secret is typed again."""
ASKED = frozenset({"identity-needed", "identity-whole"})
GIVEN_UP = "Vous avez renoncé à confirmer que c’est vous : rien n’est fait."
GIVEN_UP_TYPED = f"{GIVEN_UP} Ce que vous avez écrit est encore là."


def tries() -> bool:
    """Whether what is typed is to be done: it is posted, and who typed it has not given up proving who he is."""
    return request.method == "POST" and "given_up" not in request.form


def who_is_there(
    back: str,
    *,
    whole: bool = False,
    first: Callable[..., int] | None = None,
    again: bool = False,
    doing: str = "",
) -> Callable[[Callable[P, R]], Callable[P, R | Response | tuple[str, int]]]:
    """Before what is posted: an old session proves who is there, and what was typed is kept in the page meanwhile.

    Whoever gives up goes to the endpoint `back`, and nothing is done; `again`: to the form as it was typed, which the view draws
    where it does not `tries`. `doing`: what is about to be done, in words for the page that asks. `whole`: a code is asked with
    the password, as for what touches one's factors. An answer is tried only where one is asked: a page that is loaded again,
    and so posts its answer again, counts as no false one. Refuses `identity-closed` after too many wrong answers.

    `first`: of a form that holds what no page can keep meanwhile, a file or a secret, how many minutes it may take; 0 of one
    that does not. Who is there is then asked before the form is shown.
    """

    def mark(view: Callable[P, R]) -> Callable[P, R | Response | tuple[str, int]]:
        @wraps(view)
        def ask(*args: P.args, **kwargs: P.kwargs) -> R | Response | tuple[str, int]:
            patience = first(*args, **kwargs) if first is not None else 0
            if request.method != "POST":
                before = _asked_before(back) if patience else None
                return before if before is not None else view(*args, **kwargs)
            if "given_up" in request.form:
                give_up()
                flash(GIVEN_UP_TYPED if again else GIVEN_UP, "info")
                return view(*args, **kwargs) if again else redirect(url_for(back))
            question = _asked(whole, patience, doing)
            return question if question is not None else view(*args, **kwargs)

        return does(doing)(ask)

    return mark


def does(doing: str) -> Callable[[V], V]:
    """Say of a view what it is about to do, in words for the page that asks who is there before it."""

    def mark(view: V) -> V:
        view.__doing__ = doing  # type: ignore[attr-defined]
        return view

    return mark


def doing_at(address: str) -> str:
    """What is about to be done at an address of ours, as its view says it; empty where it says nothing."""
    try:
        endpoint, _ = current_app.url_map.bind("").match(urlsplit(address).path)
    except (NotFound, RequestRedirect, MethodNotAllowed):
        return ""
    return str(getattr(current_app.view_functions[endpoint], "__doing__", ""))


def _asked_before(back: str) -> Response | None:
    """Where who is there is asked before a form is shown; None when it was just said."""
    try:
        identity.refuse_stale(g.actor)
    except Refusal:
        return redirect(url_for("people.confirm", suite=request.path, sinon=url_for(back)))
    return None


def _asked(whole: bool, patience: int, doing: str) -> tuple[str, int] | None:
    """The page that asks who is there, with what was typed; None when it was said lately enough, or is said right now."""
    refuse = identity.refuse_partial if whole else partial(identity.refuse_stale, patience=patience)
    try:
        refuse(g.actor)
    except Refusal as needed:
        if needed.key not in ASKED:
            raise
        try:
            if "answer" not in request.form:
                raise
            _prove(whole)
            refuse(g.actor)
        except Refusal as refusal:
            if refusal.key not in ASKED | {"identity-refused"}:
                raise
            return _question(refusal, whole, doing)
    return None


def _prove(whole: bool) -> None:
    beside = SecretStr(request.form.get("password", "")[:LONGEST]) if whole else None
    answer = SecretStr(request.form["answer"][:LONGEST])
    door.renewed(identity.prove(g.actor, answer, password=beside))


def give_up() -> None:
    """Write that whoever was asked who he is gave up, at the pace of `limits.refuse_renouncing`."""
    refuse_renouncing()
    identity.given_up(g.actor)


def _question(refusal: Refusal, whole: bool, doing: str) -> tuple[str, int]:
    status, sentence = sentences.say(refusal.key, refusal.facts)
    with reading(g.actor.collectivity_id) as db:
        way = identity.question_for(db, g.actor)
        minutes = identity.minutes_in(db, g.actor.collectivity_id)
    page = render_template(
        "people/identity.html",
        way=way,
        whole=whole and way.typed and way.autocomplete == "one-time-code",
        error=sentence if refusal.key == "identity-refused" else None,
        minutes=minutes,
        doing=doing,
        action=request.path,
        kept=[(name, value) for name, value in request.form.items(multi=True) if name not in OURS],
    )
    return page, status


@pages.route("/administration/mandats", methods=["GET", "POST"])
@guard("administer")
@who_is_there("people.office.index", again=True, doing="Enregistrer un mandat de signature")
def index() -> Response | tuple[str, int]:
    """Who may sign in the commune's name, and the form that records one more."""
    error, status, stops = None, 200, 0
    with reading(g.actor.collectivity_id) as db:
        form = mandate_form(db)
    if tries():
        try:
            wanted = form.wanted()
            open_mandate(g.actor, wanted, sure=key_in(request.form.get("sure")) or 0)
        except Refusal as refusal:
            status, error = sentences.say(refusal.key, refusal.facts)
            stops = int(str(refusal.facts.get("count", 0)))
        else:
            flash("Le mandat est enregistré.", "ok")
            _tell_without_link(wanted.user_id)
            return redirect(url_for("people.office.index"))
    with reading(g.actor.collectivity_id) as db:
        gather(db)
        people_by_id = {user.id: user for _, user in ask(db, OF_COLLECTIVITY, g.actor.collectivity_id)}
        names = {number: user.name for number, user in people_by_id.items()}
        known = mandates(db)
        chosen = key_in(str(form.person.data or ""))
        people = choosing.people(db, g.actor.collectivity_id, chosen=chosen, whole=choosing_whole())
    rows = [
        view(mandate, names[mandate.person], today(), active=people_by_id[mandate.person].active)
        for mandate in known
    ]
    return render_template(
        "people/mandates.html",
        live=[row for row in rows if not row.over],
        past=[row for row in rows if row.over],
        accredit=[
            (names[mandate.person], words(mandate), mandate.id) for mandate in to_accredit(known, today())
        ],
        warnings=warnings(conflicts(known, today()), names),
        form=form,
        people=people,
        kinds=KINDS,
        error=error,
        stops=stops,
    ), status


def _tell_without_link(user_id: int) -> None:
    with reading(g.actor.collectivity_id) as db:
        if lacks_link(db, user_id):
            flash(
                f"{db.get_one(User, user_id).name} n’est pas encore entré dans Paraphe, et aucun lien ne le permet : celui qui a "
                "été montré ne sert plus, pour que personne d’autre ne signe par ce compte. Donnez-en un autre depuis sa page, "
                "sous « Personnes ».",
                "warn",
            )


@pages.route("/administration/mandats/<int:mandate_id>", methods=["GET", "POST"])
@guard("administer")
@who_is_there("people.office.index", doing="Mettre fin à un mandat de signature")
def mandate(mandate_id: int) -> Response | tuple[str, int]:
    """One mandate, and its end: at once, or after a day to come."""
    return ending(mandate_id, ("Mandats de signature", url_for("people.office.index")))


def ending(
    mandate_id: int, back: tuple[str, str], last_day: date | None = None
) -> Response | tuple[str, int]:
    """The page of a mandate, which ends it with a reason once what stops with it is shown, and leads `back` (words, address).

    `last_day`: the one that is proposed.
    """
    form, error, status = EndForm(last_day=last_day), None, 200
    if form.is_submitted():
        try:
            fallen = end_mandate(g.actor, mandate_id, last_day=form.day(), reason=form.reason.data or "")
        except Refusal as refusal:
            status, error = sentences.say(refusal.key, refusal.facts)
        else:
            flash(_ended(fallen), "ok")
            return redirect(back[1])
    return _mandate_page(mandate_id, form, error, back), status


def _mandate_page(mandate_id: int, form: EndForm, error: str | None, back: tuple[str, str]) -> str:
    with reading(g.actor.collectivity_id) as db:
        known = mandates(db)
        names = _names(db, known)
        falling = [
            delegation
            for delegation in known
            if delegation.given_by is not None
            and delegation.given_by.id == mandate_id
            and not over(delegation, today())
        ]
        ended = {mandate_id, *(delegation.id for delegation in falling)}
        folders = stopped(db, g.actor.collectivity_id, ended)
    mandate = next((mandate for mandate in known if mandate.id == mandate_id), None)
    if mandate is None:
        raise Refusal("mandate-unknown")
    if not form.is_submitted() and form.last_day.data and mandate.ends_on:
        form.last_day.data = min(form.last_day.data, mandate.ends_on)
    return render_template(
        "people/mandate.html",
        mandate=view(mandate, names[mandate.person], today()),
        falling=[f"{words(delegation)} ({names[delegation.person]})" for delegation in falling],
        folders=folders,
        last=all(mandate.id in ended or over(mandate, today()) for mandate in known),
        form=form,
        error=error,
        back=back,
    )


@pages.post("/administration/mandats/<int:mandate_id>/accreditation")
@guard("administer")
@who_is_there("people.office.index", doing="Noter qu’un mandat est connu du comptable")
def accredited(mandate_id: int) -> Response | tuple[str, int]:
    """Write since when the public accountant knows the holder of a mandate."""
    try:
        day = date.fromisoformat(request.form.get("accredited_on", ""))
    except ValueError:
        day = None
    try:
        accredit(g.actor, mandate_id, day)
    except Refusal as refusal:
        status, error = sentences.say(refusal.key, refusal.facts)
        back = ("Mandats de signature", url_for("people.office.index"))
        return _mandate_page(mandate_id, EndForm(formdata=None), error, back), status
    flash("L’accréditation est enregistrée.", "ok")
    return redirect(url_for("people.office.index"))


@pages.get("/administration/mandats/<int:mandate_id>/lettre-au-comptable")
@guard("administer")
def letter(mandate_id: int) -> str:
    """The letter that makes a signatory of flows known to the accountant, with the box of his specimen, to print (PES-03)."""
    with reading(g.actor.collectivity_id) as db:
        collectivity = db.get_one(Collectivity, g.actor.collectivity_id)
        sender = (collectivity.name, collectivity.siren)
        known = mandates(db)
        names = _names(db, known)
    mandate = next((mandate for mandate in known if mandate.id == mandate_id), None)
    if mandate is None or over(mandate, today()):
        raise Refusal("mandate-unknown")
    shown = view(mandate, names[mandate.person], today())
    if not shown.flows:
        raise Refusal("letter-no-flows")
    return render_template(
        "people/letter.html",
        mandate=shown,
        sender=sender,
        today=today(),
        since=mandate.starts_on,
        until=last_day(mandate),
        mayor=mandate.kind is Kind.MAYOR,
        elected=mandate.kind in {Kind.MAYOR, Kind.SUBSTITUTE},
    )


def _ended(fallen: tuple[str, ...]) -> str:
    sentence = "La fin du mandat est enregistrée."
    if not fallen:
        return sentence
    return (
        f"{sentence} {len(fallen)} délégations finissent avec lui."
        if len(fallen) > 1
        else f"{sentence} Une délégation finit avec lui."
    )


def _names(db: Db, known: Sequence[Mandate]) -> dict[int, str]:
    holders = sa.select(User).where(User.id.in_({mandate.person for mandate in known}))
    return {user.id: user.name for user in db.scalars(holders)}


def choosing_whole() -> bool:
    """Whether the page was asked with its long lists whole, as it is without a script."""
    return request.args.get("liste") == "entiere"


@pages.get("/administration/choix/<what>")
@guard("administer")
def choices(what: str) -> Response:
    """The people or the desks that words find, the beginning of them, for a list that the page does not hold whole.

    `branche`: the people alone who may be given a branch.
    """
    search, collectivity_id = request.args.get("q", "")[:100], g.actor.collectivity_id
    with reading(collectivity_id) as db:
        if what == "personnes":
            within = TAKES_BRANCH if "branche" in request.args else None
            offer = choosing.people(db, collectivity_id, search=search, within=within)
        elif what == "bureaux":
            offer = choosing.desks(db, collectivity_id, search=search, keys="cles" in request.args)
        else:
            raise Refusal("not-found")
    return jsonify(options=offer.options, more=offer.more)


@pages.route("/administration/applications", methods=["GET", "POST"], endpoint="applications")
@guard("administer")
@who_is_there("people.office.applications", again=True, doing="Ouvrir l’accès d’une application")
def software() -> Response | Page:
    """The applications, those in service first, and the form that lets one more in."""
    if not tries():
        return _software()
    name, rights = request.form.get("name", ""), request.form.getlist("rights")
    try:
        token = applications.create_application(
            g.actor.collectivity_id,
            name,
            request.form.get("desk", ""),
            [right for right in applications.OFFERED if right.value in rights],
            until=_until(),
            by=g.actor,
        )
    except Refusal as refusal:
        status, error = sentences.say(refusal.key, refusal.facts)
        return _software(status, error=error)
    return _show_token(token, " ".join(name.split()), replaces="")


def _show_token(token: str, whose: str, *, replaces: str) -> Response:
    shown.show(session, g.actor, GIVEN, token=token, whose=whose, replaces=replaces)
    return redirect(url_for("people.office.applications"))


@pages.post("/administration/applications/note")
@guard("administer")
def noted() -> Response:
    """The token that the page shows is copied: it is shown no more."""
    shown.forget(session, GIVEN)
    return redirect(url_for("people.office.applications"))


def _until() -> date | None:
    """The last day that was chosen for a token; None where nothing was, and a day that cannot be is refused as too far."""
    typed = request.form.get("until", "").strip()
    try:
        return date.fromisoformat(typed) if typed else None
    except ValueError:
        return date.max


def _listed(application_id: int) -> applications.Listed:
    with reading(g.actor.collectivity_id) as db:
        known = applications.applications(db, g.actor.collectivity_id)
    application = next(
        (application for application in known if application.id == application_id and application.active),
        None,
    )
    if application is None:
        raise Refusal("application-unknown")
    return application


@pages.route("/administration/applications/<int:application_id>/jeton", methods=["GET", "POST"])
@guard("administer")
@who_is_there("people.office.applications", doing="Donner un nouveau jeton à une application")
def rotate(application_id: int) -> Response | Page:
    """Give an application another token, once it is known what becomes of the present one, and show it once."""
    if request.method != "POST":
        application = _listed(application_id)
        return _sure(
            f"Donner un nouveau jeton à « {application.name} »",
            "Donner un nouveau jeton",
            "Le nouveau jeton sera montré une fois, à copier dans ce logiciel.",
            "S’il a fuité, faites refuser l’ancien aussitôt : ce logiciel s’arrête tant que le nouveau n’y est pas copié.",
            pick=("overlap", "L’ancien jeton", OVERLAPS),
            last=applications.proposed_last(application.ends_on),
            serial=application.serial,
        )
    token = applications.rotate_application(
        g.actor.collectivity_id,
        application_id,
        serial=request.form.get("serial", ""),
        until=_until(),
        overlap=_overlap(),
        by=g.actor,
    )
    application = _listed(application_id)
    ends = (
        f"Le jeton précédent reste valable jusqu’au {instant(application.overlap)}."
        if application.overlap
        else ""
    )
    return _show_token(
        token, application.name, replaces=ends or "Le jeton précédent est refusé dès maintenant."
    )


def _overlap() -> int:
    """For how many days the token before serves on; a choice that the page does not make is refused by the verb."""
    typed = request.form.get("overlap", "0")
    days = key_in(typed)
    return -1 if days is None else days


@pages.route("/administration/applications/<int:application_id>/fermer", methods=["GET", "POST"])
@guard("administer")
@who_is_there("people.office.applications", doing="Fermer une application")
def close(application_id: int) -> Response | Page:
    """Shut an application out at once, once it is known what becomes of it."""
    if request.method != "POST":
        return _sure(
            f"Fermer « {_listed(application_id).name} »",
            "Fermer cette application",
            "Son jeton est refusé aussitôt : ce logiciel ne dépose, ne lit et ne décide plus rien.",
            "Une application fermée ne se rouvre pas : il faudrait en laisser entrer une autre.",
        )
    name = applications.close_application(g.actor.collectivity_id, application_id, by=g.actor)
    flash(f"« {name} » est fermée : son jeton est refusé dès maintenant.", "ok")
    return redirect(url_for("people.office.applications"))


def _sure(
    title: str,
    button: str,
    *sentences: str,
    pick: Pick | None = None,
    last: date | None = None,
    **hidden: str,
) -> Page:
    """What is asked before it is done, on a page of its own that posts to its own address.

    `pick`: a choice that goes with it: its name, its label, each value with its words. `last`: the last day that is proposed.
    """
    page = render_template(
        "people/sure.html",
        title=title,
        button=button,
        said=sentences,
        pick=pick,
        last=last,
        kept=hidden,
        action=request.path,
        back=url_for("people.office.applications"),
    )
    return page, 200


def _software(status: int = 200, error: str | None = None) -> Page:
    calls.write()
    typed = request.form if error or "given_up" in request.form else MultiDict[str, str]()
    typed_desk = typed.get("desk", "")
    with reading(g.actor.collectivity_id) as db:
        known = applications.applications(db, g.actor.collectivity_id)
        chosen = db.scalar(sa.select(Desk.id).where(Desk.key == typed_desk)) if typed_desk else None
        desks = choosing.desks(db, g.actor.collectivity_id, chosen=chosen, whole=choosing_whole(), keys=True)
        called = types_called(db, g.actor.collectivity_id, *(application.rights for application in known))
    page = render_template(
        "people/applications.html",
        live=[application for application in known if application.active],
        closed=[application for application in known if not application.active],
        desks=desks,
        rights=[(right.value, right.label) for right in applications.OFFERED],
        rights_said=lambda rights: rights.in_words(called),
        typed={
            "name": typed.get("name", ""),
            "desk": typed_desk,
            "rights": typed.getlist("rights"),
            "until": typed.get("until", "") or (today() + applications.PROPOSED).isoformat(),
        },
        first=today().isoformat(),
        last=(today() + applications.LONGEST_LIFE).isoformat(),
        error=error,
        **(shown.shown(session, g.actor, GIVEN) or {}),
    )
    return page, status
