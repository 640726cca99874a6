"""Pages of what is kept about a person: for himself, and for the administrator who answers him or sees him go."""

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Answer
from wtforms import BooleanField, StringField

from app.core import stale
from app.core.db import Db, key_in, reading
from app.core.french import instant
from app.core.grammar import de, milliers, plural
from app.core.http import BRANCH, PERSON, guard, spreadsheet
from app.core.outbox import stopped
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.core.spreadsheet import Cell
from app.notices import bounces
from app.operations.desks import views
from app.operations.leaving import planned
from app.operations.leaving.web import give_up
from app.operations.persons import importing, listing, lists, reducing
from app.operations.persons.giving import give
from app.operations.persons.lately import done_by
from app.people import accounts, arrivals, choosing, guessing, hierarchy, reaching, shown
from app.people.branches import branch_of, is_reached
from app.people.models import User
from app.people.office.web import choosing_whole, tries, who_is_there
from app.people.persons import works_elsewhere
from workflows.rights import Rights

pages = Blueprint("persons", __name__)
HERE = "operations.persons.index"
LINK = "password-link"
AT_ONCE = 200
"""How many people of a file are written in one request."""
MOST_TOLD = 100
"""How many of the people whose lines would stop something are named."""
SHOWN = {"faults": 50, "changed": 200, "new": 200}
"""How many lines, or people, of each sort a page of the list shows; a line that is left out is a form."""
OTHERWISE = frozenset(
    {
        "people-file-columns",
        "people-file-empty",
        "people-file-unread",
        "people-file-unrecognised",
        "people-file-encoding",
    }
)
"""Refusals of a file that another encoding or separator may read."""
ABOUT = {
    "name-missing": "first_name",
    "name-taken": "first_name",
    "particulars-own": "first_name",
    "capacity-missing": "capacity",
    "particulars-long": "first_name",
    "email-missing": "email",
    "email-invalid": "email",
    "email-taken": "email",
    "email-taken-elsewhere": "email",
    "login-invalid": "login",
    "login-taken": "login",
    "administrator-own": "administrator",
}
"""The field that a refusal is about: it is said beside it, and the keyboard starts there."""
Carried = tuple[bytes, lists.Reading]
"""A file that a page carries from one reading of it to the next, and how it is read."""
_LINE = {"maxlength": str(accounts.LONGEST), "autocomplete": "off"}


class PersonForm(FlaskForm):  # type: ignore[misc]
    """What is written of a person."""

    first_name = StringField("Prénom", render_kw=_LINE)
    last_name = StringField("Nom", render_kw=_LINE)
    email = StringField("Courriel", render_kw={"type": "email", "maxlength": "254", "autocomplete": "off"})
    capacity = StringField(
        "Qualité",
        description="Imprimée sur ce qu’elle vise et signe : « Maire », « Directrice des finances ».",
        render_kw=_LINE,
    )
    administrator = BooleanField(
        "Administre la collectivité",
        description="Ouvre des comptes, donne bureaux et mandats, écrit les circuits ; ne lit pas les dossiers pour autant.",
    )

    def particulars(self) -> accounts.Particulars:
        """As the verb takes it."""
        return accounts.Particulars(
            self.first_name.data or "",
            self.last_name.data or "",
            self.email.data or "",
            self.capacity.data or "",
            bool(self.administrator.data),
        )


class InviteForm(PersonForm):
    """The same, with the login that is chosen once and for all."""

    login = StringField(
        "Identifiant",
        description="Comme « p.nom » : il nomme ce compte chez vous, et ne change plus.",
        render_kw={
            "maxlength": str(accounts.LOGIN_LONGEST),
            "autocomplete": "off",
            "autocapitalize": "none",
            "spellcheck": "false",
        },
    )


@pages.get("/compte/activite")
@guard(PERSON)
def mine() -> str:
    """What was done in the name of whoever asks, fifty lines at a time."""
    with reading(g.actor.collectivity_id) as db:
        lines, more = done_by(db, g.actor, key_in(request.args.get("avant")))
    return render_template("operations/mine.html", lines=lines, more=more)


@pages.get("/administration/personnes")
@guard(BRANCH)
def index() -> str:
    """The accounts, twenty-five a page: who holds which desks, and what is missing for him to work."""
    try:
        which = listing.Which(request.args.get("etat", ""))
    except ValueError:
        raise Refusal("not-found") from None
    search = request.args.get("q", "")[: accounts.LONGEST]
    with reading(g.actor.collectivity_id) as db:
        people = listing.listing(
            db,
            g.actor.collectivity_id,
            which,
            search,
            key_in(request.args.get("page")) or 1,
            branch_of(db, g.actor),
        )
    return render_template("operations/persons.html", listing=people, which=which, words=search.strip())


@pages.route("/administration/personnes/inviter", methods=["GET", "POST"])
@guard(BRANCH)
@who_is_there(HERE, again=True, doing="Ouvrir un compte")
def invite() -> Answer | tuple[str, int]:
    """Open an account: its holder chooses the password by a link, mailed, or shown once to hand over."""
    form, error, status = InviteForm(), None, 200
    mails = bool(current_app.config["PARAPHE"].mail_url)
    way = request.form.get("way", "mail" if mails else "show")
    if tries():
        try:
            arrival = arrivals.Arrival(form.login.data or "", form.particulars(), _chosen_seat())
            with guessing.counted(g.actor):
                number, link = arrivals.invite(g.actor, arrival, by_mail=way != "show")
        except Refusal as refusal:
            status, error = _refused(form, refusal)
        else:
            _show(number, link)
            sent = "Un courriel part à son adresse." if link is None else "Remettez-lui le lien ci-dessous."
            then = "" if arrival.seats else " Donnez-lui maintenant un bureau."
            flash(f"Le compte est ouvert. {sent}{then}", "ok")
            return redirect(url_for("operations.persons.show", user_id=number))
    with reading(g.actor.collectivity_id) as db:
        down = not mails or stopped(db, "mail") is not None
        chosen = key_in(request.form.get("desk", ""))
        if g.actor.delegated:
            ours = views.of_actor(db, g.actor)
            seats = choosing.Offer(tuple((str(number), ours[number].name) for number in ours.depths))
        else:
            whole = choosing_whole()
            seats = choosing.desks(db, g.actor.collectivity_id, chosen=chosen, whole=whole)
    page = render_template(
        "operations/invite.html",
        form=form,
        error=error,
        way=way,
        down=down,
        desks=seats,
        desk=chosen,
        rights=hierarchy.GRANTED,
        ticked=request.form.getlist("rights"),
    )
    return page, status


def _chosen_seat() -> dict[int, Rights]:
    """The desk that is chosen and what is ticked there; refuses one without the other."""
    number = key_in(request.form.get("desk", ""))
    try:
        rights = Rights.read(request.form.getlist("rights"))
    except ValueError:
        raise Refusal("bad-request", detail="droit inconnu") from None
    if number is None and rights:
        raise Refusal("invited-nowhere")
    if number is not None and not rights:
        raise Refusal("seat-empty")
    return {number: rights} if number is not None else {}


@pages.get("/administration/personnes/liste.<any(csv, ods):form>")
@guard("administer")
def listed(form: str) -> Response:
    """The open accounts and their desks; « Importer » reads the CSV file."""
    with reading(g.actor.collectivity_id) as db:
        lines = importing.exported(db, g.actor.collectivity_id)
    return spreadsheet("personnes", form, lists.COLUMNS, lines)


@pages.route("/administration/personnes/importer", methods=["GET", "POST"])
@guard("administer")
def bring() -> Answer | tuple[str, int]:
    """Choose a file, and read what it would change; nothing is written here."""
    if request.method != "POST":
        return _import_page(None, None, 200)
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        return _import_page(None, "people-file-none", 422)
    return _planned(upload.read(lists.MOST_BYTES + 1), lists.RECOGNISED)


@pages.post("/administration/personnes/importer/relire")
@guard("administer")
def read_again() -> Answer | tuple[str, int]:
    """Read the list again with the lines that were corrected or taken off on the page, or otherwise, or another page of it."""
    content, how = _read()
    after, before = _typed(content, how)
    return _planned(*after, before=before if "mark" in request.form else None)


@pages.post("/administration/personnes/importer/laissees.csv")
@guard("administer")
def left_out() -> Response:
    """The lines that are left out, as they are typed on the page, with why: a list to be mended, and imported."""
    content, how = _read()
    typed = _corrections()
    with reading(g.actor.collectivity_id) as db:
        faults = importing.plan(db, g.actor.collectivity_id, content, how).faults
    lines = ((fault, typed.get(fault.line, fault.cells)) for fault in faults)
    rows: list[tuple[Cell, ...]] = [
        (*(cells.get(name, "") for name in lists.COLUMNS), fault.line, fault.why)
        for fault, cells in lines
        if cells is not None
    ]
    return spreadsheet("personnes-laissees", "csv", (*lists.COLUMNS, "Ligne", "Pourquoi"), rows)


def _read() -> Carried:
    """The file that the page carries, and how it was read there."""
    form = request.form
    how = lists.Reading.chosen(form.get("encoding", ""), form.get("separator", ""))
    return _unpacked(form.get("packed", "")), how


def _typed(content: bytes, how: lists.Reading) -> tuple[Carried, Carried]:
    """The file with what was typed on the page, and how it is to be read from now on; and what stays if that is refused."""
    form, typed = request.form, _corrections()
    wanted = lists.Reading.chosen(form.get("new-encoding", ""), form.get("new-separator", "")).over(how)
    here = lists.corrected(content, typed, how)
    if wanted == how:
        return here, (content, how)
    try:
        return lists.otherwise(content, typed, how, wanted), here
    except Refusal:
        return (content, wanted), here  # why is told when it is read


def _corrections() -> dict[int, Mapping[str, str] | None]:
    """The lines of the file as the page holds them, by their number; None of those that are to be taken off."""
    form, wanted = request.form, dict[int, Mapping[str, str] | None]()
    for text in form.getlist("line")[: SHOWN["faults"]]:
        line = key_in(text)
        if line is not None:
            cells = {name: _shortened(line, rank, name) for rank, name in enumerate(lists.COLUMNS)}
            wanted[line] = None if f"l{line}-off" in form else cells
    return wanted


def _shortened(line: int, rank: int, name: str) -> str:
    """A cell as it was typed; what is beyond `lists.LONGEST_CELL` is left out, and told."""
    typed, most = request.form.get(f"l{line}-{rank}", ""), lists.LONGEST_CELL
    if len(typed) > most:
        flash(
            f"Ligne {line}, « {name} » : {milliers(most)} signes au plus, la suite n’est pas reprise.",
            "danger",
        )
    return typed[:most]


@pages.post("/administration/personnes/importer/ecrire")
@guard("administer")
@who_is_there(HERE, doing="Écrire les personnes d’une liste")
def write_brought() -> Answer | tuple[str, int]:
    """Write the people of the file that was read, so many at a time; where what is changed meanwhile, it is read again first."""
    content, how = _read()
    after, before = _typed(content, how)
    if after != (content, how):
        flash("Vos corrections sont lues : relisez ce qui serait écrit.", "info")
        return _planned(*after, before=before)
    mark = request.form.get("mark")
    with reading(g.actor.collectivity_id) as db:
        plan = importing.plan(db, g.actor.collectivity_id, content, how)
        portion = importing.portion(db, g.actor.collectivity_id, plan, AT_ONCE)
    if plan.mark == mark and plan.stops and request.form.get("sure") != "1":
        return _planned(content, how, 409, unsure=True)

    def still(db: Db) -> None:
        if importing.plan(db, g.actor.collectivity_id, content, how).mark != mark:
            raise Refusal("people-file-moved")

    try:
        written = arrivals.bring(g.actor, [entry.arrival for entry in portion], still=still)
    except Refusal as refusal:
        if refusal.key == "identity-needed":
            raise
        status, sentence = sentences.say(refusal.key, refusal.facts)
        flash(sentence, "danger")
        return _planned(content, how, status)
    left = len(plan.to_do) - written.opened - written.changed
    done = (
        f"{plural(written.opened, 'compte ouvert', 'comptes ouverts')}, "
        f"{plural(written.changed, 'compte changé', 'comptes changés')}."
    )
    if left > 0:
        flash(f"{done} Il en reste {left} à écrire.", "ok")
        return _planned(content, how)
    flash(done, "ok")
    return redirect(url_for(HERE))


def _planned(
    content: bytes,
    how: lists.Reading,
    status: int = 200,
    *,
    unsure: bool = False,
    before: Carried | None = None,
) -> tuple[str, int]:
    """What a list would change; where it cannot be read, or no more once corrected, why, and the list of `before`."""
    try:
        with reading(g.actor.collectivity_id) as db:
            plan = importing.plan(db, g.actor.collectivity_id, content, how)
    except Refusal as refusal:
        wrong, sentence = sentences.say(refusal.key, refusal.facts)
        if before is None:
            return _unread(content, how, refusal, wrong)
        flash(sentence, "danger")
        return _planned(*before, wrong)
    return _import_page(plan, None, status, List(_packed(content), plan.reading), unsure=unsure)


def _unread(content: bytes, how: lists.Reading, refusal: Refusal, status: int) -> tuple[str, int]:
    """Why a list is not read; a text may be read otherwise, without being chosen again."""
    if refusal.key not in OTHERWISE:
        return _import_page(None, refusal, status)
    try:
        line, read_as = lists.beginning(content, how)
    except Refusal:
        line, read_as = "", how
    return _import_page(None, refusal, status, List(_packed(content), read_as, line))


def _packed(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content)).decode()


@dataclass(frozen=True)
class List:
    """The file that the page carries, how it is read, and its first line where that is all that is read."""

    packed: str
    reading: lists.Reading
    line: str = ""


def _import_page(
    plan: importing.Plan | None,
    refused: Refusal | str | None,
    status: int,
    carried: List | None = None,
    *,
    unsure: bool = False,
) -> tuple[str, int]:
    refusal = Refusal(refused) if isinstance(refused, str) else refused
    sorts = {"faults": plan.faults, "changed": plan.of("changed"), "new": plan.of("new")} if plan else {}
    page = render_template(
        "operations/people_import.html",
        plan=plan,
        parts={name: _part(name, lines) for name, lines in sorts.items()},
        error=sentences.say(refusal.key, refusal.facts)[1] if refusal is not None else None,
        carried=carried,
        encodings=list(lists.ENCODINGS),
        separators=list(lists.SEPARATORS),
        unsure=unsure,
        at_once=AT_ONCE,
        most=MOST_TOLD,
        columns=lists.COLUMNS,
        words=list(importing.WORDS.values()),
        lines=milliers(lists.MOST_LINES),
        mails=bool(current_app.config["PARAPHE"].mail_url),
    )
    return page, status


@dataclass(frozen=True)
class Part:
    """The page of a sort of lines that is shown: its rows, its number, how many there are, and how many rows in all."""

    rows: Sequence[Any]
    page: int
    pages: int
    count: int


def _part(name: str, lines: Sequence[Any]) -> Part:
    """The page that was asked for by its button, else the one that was shown."""
    most, form = SHOWN[name], request.form
    pages = max(1, -(-len(lines) // most))
    page = min(max(1, key_in(form.get(f"to-{name}", form.get(f"at-{name}", ""))) or 1), pages)
    return Part(lines[(page - 1) * most : page * most], page, pages, len(lines))


def _unpacked(packed: str) -> bytes:
    """The file that the preview carries; refuses what is none, and never more than a file may hold."""
    try:
        raw = base64.b64decode(packed, validate=True)
        content = zlib.decompressobj().decompress(raw, lists.MOST_BYTES + 1)
    except (ValueError, zlib.error):
        raise Refusal("bad-request", detail="fichier illisible") from None
    return content


def _refused(form: PersonForm, refusal: Refusal) -> tuple[int, str]:
    """The status and the sentence, said beside the field that it is about too."""
    status, sentence = sentences.say(refusal.key, refusal.facts)
    if refusal.key in ABOUT:
        form[ABOUT[refusal.key]].errors = [sentence]
    return status, sentence


def _show(user_id: int, link: accounts.Link | None) -> None:
    if link is None:
        return
    with reading(g.actor.collectivity_id) as db:
        name = _user(db, user_id).name
    root = str(current_app.config["PARAPHE"].public_url).rstrip("/")
    values = {"of": user_id, "name": name, "ends": instant(link.ends)}
    shown.show(session, g.actor, LINK, address=f"{root}/mot-de-passe#{link.token}", **values)


@pages.route("/administration/personnes/<int:user_id>", methods=["GET", "POST"])
@guard(BRANCH)
@who_is_there(HERE, doing="Modifier un compte")
def show(user_id: int) -> Answer | tuple[str, int]:
    """One person: what is written of him, his desks, how he enters, what is kept of him."""
    give_up(user_id)
    form, error, status, moved = PersonForm(), None, 200, False
    with reading(g.actor.collectivity_id) as db:
        user = _user(db, user_id)
    if form.is_submitted():
        try:
            with guessing.counted(g.actor):
                changed = accounts.change(
                    g.actor, user_id, form.particulars(), shown=request.form.get("shown")
                )
        except Refusal as refusal:
            if refusal.key in {"person-unknown", "account-closed", "right-missing"}:
                raise
            status, error = _refused(form, refusal)
            moved = refusal.key == "person-moved"
        else:
            flash(
                "Le compte est enregistré." if changed else "Rien à enregistrer : c’était déjà ainsi.", "ok"
            )
            return redirect(url_for("operations.persons.show", user_id=user_id))
    else:
        form = PersonForm(formdata=None, obj=user)
    with reading(g.actor.collectivity_id) as db:
        if moved:
            user = _user(db, user_id)
            stale.tell(form, _in_force(user, form.particulars()))
        (person,) = listing.views(db, user.collectivity_id, (user.id,))
        closing = planned.of(db, user.id) if person.closing else None
        fault = bounces.unreached(db, user)
        used, elsewhere = accounts.was_used(db, user), works_elsewhere(db, user)
        branches, within = choosing.Offer(()), branch_of(db, g.actor)
        trusted = within is not None and user_id != g.actor.user_id and accounts.is_trusted(db, user)
        if g.actor.administrator:
            whole = choosing_whole()
            branches = choosing.desks(db, g.actor.collectivity_id, chosen=user.branch_id, whole=whole)
    own = within is not None and user_id == g.actor.user_id
    for name in ("first_name", "last_name", "capacity") if own else ("email",) if trusted else ():
        form[name].render_kw = {**(form[name].render_kw or {}), "readonly": True}  # which the verb refuses
    link = shown.shown(session, g.actor, LINK)
    page = render_template(
        "operations/person.html",
        person=person,
        not_closed=closing.refused if closing is not None else "",
        fault=fault,
        form=form if user.active else None,
        error=error,
        state=_state(user),
        has_password=person.has_password,
        used=used,
        elsewhere=elsewhere,
        trusted=trusted,
        own=own,
        shown_mark=stale.mark("shown", accounts.mark_of(user), fresh=moved),
        branches=branches,
        branch_id=user.branch_id,
        link=link if link and link["of"] == user_id and person.has_link and not person.has_password else None,
    )
    return page, status


def _in_force(user: User, typed: accounts.Particulars) -> dict[str, str]:
    """What is written of somebody where something else was typed, in words by field."""
    found = {
        name: str(getattr(user, name))
        for name in ("first_name", "last_name", "email", "capacity")
        if getattr(user, name) != " ".join(getattr(typed, name).split())
    }
    if user.administrator != typed.administrator and g.actor.administrator:
        found["administrator"] = "oui" if user.administrator else "non"
    return found


@pages.post("/administration/personnes/<int:user_id>/branche")
@guard("administer")
@who_is_there(HERE, doing="Changer l’administration d’une branche")
def delegate(user_id: int) -> Answer:
    """Let somebody administer a branch of the desks, another one, or none."""
    typed = request.form.get("branch", "")
    if typed and key_in(typed) is None:
        raise Refusal("desk-absent")
    changed = accounts.delegate(g.actor, user_id, key_in(typed))
    flash(
        "C’est enregistré." if changed else "Rien à enregistrer : c’était déjà ainsi.",
        "ok" if changed else "info",
    )
    return redirect(url_for("operations.persons.show", user_id=user_id))


@pages.post("/administration/personnes/<int:user_id>/lien")
@guard(BRANCH)
@who_is_there(HERE, doing="Envoyer un lien de mot de passe")
def send_link(user_id: int) -> Answer:
    """Mail a new link to choose a password."""
    name = accounts.send_link(g.actor, user_id)
    shown.forget(session, LINK)  # whatever it showed serves no more
    if current_app.config["PARAPHE"].mail_url:
        flash(
            f"Un lien part par courriel à l’adresse {de(name)} ; il sert une fois, pendant sept jours.", "ok"
        )
    else:
        flash("Aucun serveur de courriel n’est réglé : ce lien ne partira pas avant qu’il le soit.", "info")
    return redirect(url_for("operations.persons.show", user_id=user_id))


@pages.post("/administration/personnes/<int:user_id>/adresse")
@guard(BRANCH)
@who_is_there(HERE, doing="Noter qu’une adresse reçoit de nouveau les courriels")
def reached(user_id: int) -> Answer:
    """Say that somebody's address serves after all."""
    name, count = reaching.confirm(g.actor, user_id)
    flash(
        f"C’est noté : les rappels {de(name)} partent de nouveau à cette adresse{reaching.also(count)}.", "ok"
    )
    return redirect(url_for("operations.persons.show", user_id=user_id))


@pages.post("/administration/personnes/<int:user_id>/lien-montre")
@guard(BRANCH)
@who_is_there(HERE, doing="Montrer un lien de mot de passe")
def show_link(user_id: int) -> Answer:
    """Show once a new link, for an account that never served and whom no mail reaches."""
    _show(user_id, accounts.show_link(g.actor, user_id))
    return redirect(url_for("operations.persons.show", user_id=user_id))


@pages.post("/administration/personnes/<int:user_id>/remis")
@guard(BRANCH)
def noted(user_id: int) -> Answer:
    """The link that the page shows is handed over: it is shown no more."""
    with reading(g.actor.collectivity_id) as db:
        _user(db, user_id)
    shown.forget(session, LINK)
    return redirect(url_for("operations.persons.show", user_id=user_id))


def _state(user: User) -> str:
    if user.active:
        return "open"
    return "reduced" if reducing.is_reduced(user) else "closed"


@pages.post("/administration/personnes/<int:user_id>/donnees")
@guard("administer")
@who_is_there(HERE, doing="Exporter les données d’une personne")
def export(user_id: int) -> Response:
    """All that is kept about a person, as a file; the journal says that it was given."""
    with reading(g.actor.collectivity_id) as db:
        login = _login(db, user_id)
    answer = Response(
        give(g.actor.collectivity_id, login, whole=False, by=g.actor), mimetype="application/json"
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="donnees-compte-{user_id}.json"'
    return answer


@pages.post("/administration/personnes/<int:user_id>/rouvrir")
@guard("administer")
@who_is_there(HERE, doing="Rouvrir un compte")
def reopen(user_id: int) -> Answer:
    """Open a closed account again, with the desks that it has kept; a link to choose a password goes to the person alone."""
    name = accounts.reopen(g.actor, user_id)
    if current_app.config["PARAPHE"].mail_url:
        flash(
            f"Le compte {de(name)} est rouvert. Un lien part à son adresse pour choisir un mot de passe.",
            "ok",
        )
    else:
        flash(
            f"Le compte {de(name)} est rouvert. Aucun serveur de courriel n’est réglé : le lien pour choisir un mot de passe "
            "ne partira pas avant qu’il le soit.",
            "info",
        )
    return redirect(url_for("operations.persons.show", user_id=user_id))


@pages.route("/administration/personnes/<int:user_id>/reduire", methods=["GET", "POST"])
@guard("administer")
@who_is_there(HERE, doing="Réduire un compte")
def reduce(user_id: int) -> Answer | str:
    """Take away what no proof needs of a closed account, once it is known that this is not undone."""
    page = url_for("operations.persons.show", user_id=user_id)
    with reading(g.actor.collectivity_id) as db:
        user = _user(db, user_id)
        login, name, state = user.login, user.name, _state(user)
    if request.method != "POST":
        if state != "closed":
            return redirect(page)
        return render_template(
            "people/sure.html",
            title=f"Réduire le compte {de(name)}",
            button="Réduire ce compte",
            said=(
                "Courriel, identifiant, mot de passe, sessions, clés, image de signature, favoris et préférences sont ôtés.",
                "Le nom et la qualité restent là où le journal, un acte, un mandat ou un certificat les portent.",
                "Cela ne se défait pas : ce compte ne pourra plus être rouvert.",
            ),
            kept={},
            action=request.path,
            back=page,
        )
    left = reducing.reduce_account(g.actor.collectivity_id, login, by=g.actor)
    flash(f"Le compte est réduit : {reducing.in_words(left)}", "ok")
    return redirect(url_for(HERE))


def _user(db: Db, user_id: int) -> User:
    user = db.scalar(
        sa.select(User).where(User.id == user_id, User.collectivity_id == g.actor.collectivity_id)
    )
    if user is None or not is_reached(db, branch_of(db, g.actor), user.id):
        raise Refusal("not-found")
    return user


def _login(db: Db, user_id: int) -> str:
    return _user(db, user_id).login
