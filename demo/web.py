"""The demonstration's own pages: who may log in, the letters caught, and the simulated Préfecture and Treasury."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import sqlalchemy as sa
from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from werkzeug.wrappers import Response as BaseResponse

from app.channels.actes.exchanges import LETTERS
from app.channels.actes.naming import NUMBER
from app.core import http
from app.core.db import reading
from app.core.http import PUBLIC, guard
from app.core.refusals import Refusal
from app.legality.clocks import KINDS
from app.people import login as door
from app.people.actor import system
from app.people.factors.web import wait_for_factor
from app.people.models import Collectivity
from app.pes import intake
from app.publication.models import PublicSite
from app.transmission.afterwards import asked_about
from demo import mailbox, offices
from demo.cast import EVERYBODY, PASSWORD, SIREN
from demo.chorus import web as chorus
from demo.offices import PREFECTURE, TREASURY
from demo.pki import PASSPHRASE
from demo.prefecture.office import LATE_ANOMALY
from demo.prefecture.simulator import SimulatedPrefecture
from demo.scenarios import MOST_OUTAGES, ONLY_NEXT
from demo.treasury.simulator import AGAIN, SimulatedTreasury

PLACES: Final = {"prefecture": PREFECTURE, "tresorerie": TREASURY}
LETTERS_TO_WRITE: Final = (*LETTERS, LATE_ANOMALY)
pages = Blueprint("demo", __name__, template_folder="templates", url_prefix="/demo")
chorus.add_to(pages)


def _home() -> Path:
    return Path(current_app.config["PARAPHE"].demo_dir)


@dataclass(frozen=True)
class AccountView:
    """An account as the page shows it."""

    name: str
    capacity: str
    login: str
    does: str
    p12_url: str | None


@pages.get("")
@guard(PUBLIC)
def home() -> str:
    """Who may log in, with what, and which file signs."""
    rows = [
        AccountView(
            person.name,
            person.capacity,
            person.login,
            person.does,
            url_for("demo.p12", label=person.certificate) if person.certificate else None,
        )
        for person in EVERYBODY
    ]
    return render_template(
        "demo/home.html", accounts=rows, password=PASSWORD, p12_password=PASSPHRASE.decode(), slug=_slug()
    )


def _slug() -> str | None:
    """The address of the commune's public page, once an act was published."""
    query = (
        sa.select(PublicSite.slug)
        .join(Collectivity, Collectivity.id == PublicSite.collectivity_id)
        .where(Collectivity.siren == SIREN)
    )
    with reading() as db:
        return db.scalar(query)


@pages.post("/entrer")
@guard(PUBLIC)
def enter() -> BaseResponse:
    """Log in as somebody of the demonstration: by the same door as everybody, with the password that its page shows."""
    login = request.form.get("login", "")
    if login not in {person.login for person in EVERYBODY}:
        raise Refusal("not-found")
    hours = current_app.config["SESSION_HOURS"]
    try:
        token = door.open_session(login, PASSWORD, hours=hours, address=http.address(), client=http.client())
    except Refusal as refusal:
        if refusal.key != "factor-needed":
            raise
        return wait_for_factor(refusal.facts["ticket"])
    door.keep(token, None)
    return redirect(url_for("folders.inbox"))


@pages.get("/certificats/<label>.p12")
@guard(PUBLIC)
def p12(label: str) -> Response:
    """A person's test certificate; worth nothing outside this demonstration."""
    owner = next((person for person in EVERYBODY if person.certificate and person.certificate == label), None)
    path = (_home() / "pki" / "p12" / f"{label}.p12").absolute()
    if (
        owner is None or not path.is_file()
    ):  # a demonstration made before this person joined it has no such file
        raise Refusal("not-found")
    return send_file(
        path,
        as_attachment=True,
        download_name=owner.key_file,
    )


@pages.get("/courriels")
@guard(PUBLIC)
def mails() -> str:
    """The letters caught."""
    rows = [
        {**vars(mail), "url": url_for("demo.mail", key=mail.key)} for mail in mailbox.mails(_home() / "mails")
    ]
    return render_template("demo/mails.html", mails=rows)


@pages.get("/courriels/<key>")
@guard(PUBLIC)
def mail(key: str) -> str:
    """One letter."""
    mail = mailbox.mail(_home() / "mails", key)
    if mail is None:
        raise Refusal("not-found")
    view = {**vars(mail), "html_url": url_for("demo.mail_html", key=key) if mail.html else None}
    return render_template("demo/mail.html", mail=view)


@pages.get("/courriels/<key>/html")
@guard(PUBLIC)
def mail_html(key: str) -> Response:
    """The HTML form of a letter, as text: a letter's own style is no page of ours."""
    mail = mailbox.mail(_home() / "mails", key)
    if mail is None:
        raise Refusal("not-found")
    return Response(mail.html, mimetype="text/plain; charset=utf-8")


@pages.get("/prefecture")
@guard(PUBLIC)
def prefecture() -> str:
    """What the simulated Préfecture received, what it answered, and what it can be made to play."""
    return render_template(
        "demo/prefecture.html",
        rows=offices.acts(Path(current_app.config["PARAPHE"].actes_folder)),
        panel=offices.panel(PREFECTURE),
        kinds=[(code, KINDS[code].label) for code in LETTERS_TO_WRITE],
    )


@pages.get("/tresorerie")
@guard(PUBLIC)
def treasury() -> str:
    """What the simulated Treasury received, what it answered, and what it can be made to play."""
    return render_template(
        "demo/treasury.html",
        rows=offices.flows(Path(current_app.config["PARAPHE"].helios_folder)),
        panel=offices.panel(TREASURY),
    )


@pages.post("/prefecture/courrier")
@guard(PUBLIC)
def write() -> BaseResponse:
    """Have the simulated Préfecture write about an act; the worker fetches it within a minute."""
    siren, number, code = (request.form.get(name, "") for name in ("siren", "number", "code"))
    if code not in LETTERS_TO_WRITE or not siren.isdigit() or not NUMBER.fullmatch(number):
        raise Refusal("bad-request", detail="l’acte ou le courrier n’est pas lisible")
    cast("SimulatedPrefecture", PREFECTURE.simulator).office.ask(siren, number, code)
    flash("Le courrier FACTICE partira au prochain relevé, dans la minute.", "ok")
    return redirect(url_for("demo.prefecture"))


@pages.post("/<any(prefecture, tresorerie):place>/scenario")
@guard(PUBLIC)
def play(place: str) -> BaseResponse:
    """Script the answer to a deposit that waits, or to the next one; no play at all lets the next one be as usual."""
    office = PLACES[place]
    simulator = office.simulator
    chosen, _, about = request.form.get("play", "").partition(" ")
    reference = request.form.get("reference", "")
    if chosen and (chosen not in office.plays or (reference and chosen in ONLY_NEXT)):
        raise Refusal("bad-request", detail="ce scénario n’existe pas")
    if reference and not (chosen and simulator.waiting(reference)):
        raise Refusal("simulator-answered")
    if reference:
        simulator.scenarios.tell(reference, chosen, about)
        flash(
            f"« {office.plays[chosen]} » : visible au prochain relevé, dans les secondes qui viennent.", "ok"
        )
    elif chosen:
        simulator.scenarios.prepare(chosen)
        flash(f"« {office.plays[chosen]} » attend le prochain envoi.", "ok")
    else:
        simulator.scenarios.forget()
        flash("Le prochain envoi aura la réponse habituelle.", "ok")
    return _back(place)


@pages.post("/tresorerie/acquit-suivant")
@guard(PUBLIC)
def say_again() -> BaseResponse:
    """Have the Treasury acquit once more what it acquitted, otherwise perhaps; it is fetched at once, not in a day."""
    chosen, _, about = request.form.get("play", "").partition(" ")
    reference = request.form.get("reference", "")
    if chosen not in AGAIN or not reference.isdigit():
        raise Refusal("bad-request", detail="ce scénario n’existe pas")
    try:
        cast("SimulatedTreasury", TREASURY.simulator).say_again(reference, chosen, about)
    except LookupError:
        raise Refusal("bad-request", detail="ce flux n’a pas encore été acquitté") from None
    asked_about(TREASURY.channel, reference)
    flash(f"« {AGAIN[chosen]} », acquit suivant : visible dans les secondes qui viennent.", "ok")
    return _back("tresorerie")


@pages.post("/tresorerie/retour")
@guard(PUBLIC)
def send_return() -> BaseResponse:
    """Have the Treasury send, of itself, that a flow is paid, all of it or half; it is fetched at once."""
    reference, share = request.form.get("reference", ""), request.form.get("share", "")
    if share not in offices.SHARES or not reference.isdigit():
        raise Refusal("bad-request", detail="ce retour n’existe pas")
    try:
        name = cast("SimulatedTreasury", TREASURY.simulator).send_return(reference, int(share))
    except LookupError:
        raise Refusal("bad-request", detail="ce flux n’a pas encore été acquitté") from None
    with reading() as db:
        collectivity_id = db.scalar(sa.select(Collectivity.id).where(Collectivity.siren == SIREN))
    if collectivity_id is not None:
        intake.ask(system(collectivity_id), f"returns-{name}")
    flash(f"Le retour FACTICE « {name} » est envoyé : visible dans les secondes qui viennent.", "ok")
    return _back("tresorerie")


@pages.post("/<any(prefecture, tresorerie):place>/panne")
@guard(PUBLIC)
def cut(place: str) -> BaseResponse:
    """Let the next connexions to a simulator fail, or none any more."""
    scenarios, count = PLACES[place].simulator.scenarios, request.form.get("connexions", "")
    if not re.fullmatch("[0-9]{1,2}", count) or int(count) > MOST_OUTAGES:
        raise Refusal("bad-request", detail=f"le nombre de connexions va de 0 à {MOST_OUTAGES}")
    scenarios.cut(int(count))
    flash("La ligne est coupée." if int(count) else "La ligne est rétablie.", "ok")
    return _back(place)


def _back(place: str) -> BaseResponse:
    return redirect(url_for("demo.prefecture" if place == "prefecture" else "demo.treasury"))
