"""Pages of remote signing: linking a certificate, the requests of the sign dialog, and the return of the service's page."""

from typing import Any

from flask import Blueprint, current_app, flash, g, jsonify, redirect, render_template, request, url_for
from pydantic import SecretStr
from werkzeug.wrappers import Response

from app.core.db import reading
from app.core.french import jour_long, spaces
from app.core.http import PERSON, guard
from app.core.limits import limiter, whoever
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.folders.access import authorize
from app.people.office.web import does
from app.signing import payload, setting
from app.signing.enrol import Awaited, common_name
from app.signing.enrolling.web import outcome
from app.signing.refused import watched
from app.signing.remote import sockets
from app.signing.remote.mine import Linked, linked
from app.trust.purpose import Purpose

pages = Blueprint("remote", __name__)
SIGN = "sign"
KEPT = "Ce que vous avez autorisé est gardé : aucun nouvel accord ne vous sera demandé pour cela."
MOST_CODE = 4096  # characters of what a page sends back
LONGEST = 200  # characters of a name at the service, or of a code


def rate() -> str:
    """Answers that one person may give to the service: guessing a code would lock its owner out."""
    return str(current_app.config["PARAPHE"].csc_rate)


def kept_there() -> list[Linked]:
    """The credentials of the service by which this person signs; none where no service is set."""
    if not setting.remote_name():
        return []
    with reading(g.actor.collectivity_id) as db:
        return linked(db, g.actor.user_id, setting.remote_service().url)


def at_distance(**routes: str) -> dict[str, Any] | None:
    """The way to sign at the trust service as the sign form's script reads it, for whoever has a certificate there."""
    keys = [
        {
            "id": key.id,
            "subject": common_name(key.subject),
            "issuer": common_name(key.issuer),
            "notBefore": key.enrolled_at.isoformat(),
            "notAfter": key.not_after.isoformat(),
        }
        for key in kept_there()
    ]
    return {"service": setting.remote_name(), "keys": keys, "routes": routes} if keys else None


# linking a certificate


@pages.route("/compte/certificats/distance", methods=["GET", "POST"])
@guard(PERSON)
@limiter.limit(rate, key_func=whoever, methods=["POST"])
@does("Relier un certificat à distance")
def choose() -> tuple[str, int]:
    """Ask the service which certificates it keeps for this person, and show them."""
    setting.remote_service()
    user = _text("user")
    if request.method != "POST":
        return _page(user=user)
    from app.signing.remote import linking

    try:
        offers = linking.offers(user)
    except Refusal as refusal:
        return _page(refusal, user=user)
    rows = [
        (
            offer.credential,
            offer.certificate and (offer.certificate.common_name, jour_long(offer.certificate.not_after)),
            offer.refusal and sentences.say(offer.refusal.key, offer.refusal.facts)[1],
        )
        for offer in offers
    ]
    return _page(user=user, offers=rows)


@pages.post("/compte/certificats/distance/choisir")
@guard(PERSON)
@limiter.limit(rate, key_func=whoever)
def ask() -> Response | tuple[str, int]:
    """Begin the proof that the chosen certificate is this person's: a code to type, or the service's page to visit."""
    from app.signing.remote import linking

    try:
        authorisation = linking.ask(g.actor, _text("credential"))
    except Refusal as refusal:
        if refusal.key == "identity-needed":
            return redirect(url_for("people.confirm", suite=url_for("signing.remote.choose")))
        return _page(refusal)
    return _page(authorisation=authorisation)


@pages.post("/compte/certificats/distance/code")
@guard(PERSON)
@limiter.limit(rate, key_func=whoever)
def prove() -> Response | tuple[str, int]:
    """Pass the codes on, and link the certificate that they opened."""
    from app.signing.remote import linking, pending, signing

    name = _text("request")
    row = None
    try:
        row = pending.take(g.actor, request=name)
        signing.answer(row, **codes_of(request.form))
        why = linking.finish(g.actor, row)
    except Refusal as refusal:
        again = row is not None and refusal.key == "csc-code-wrong"
        authorisation = (
            pending.Authorisation(name, tuple(row.challenges[0]["wants"])) if row and again else None
        )
        return _page(refusal, authorisation=authorisation)
    return _linked(why)


def _linked(why: Awaited) -> Response:
    done = "Le certificat est inscrit à votre nom, et signe à distance."
    flash(outcome(why, Purpose.ACTS) if why else done, "warn" if why else "ok")
    return redirect(url_for("signing.certificates"))


def _page(refusal: Refusal | None = None, **fields: Any) -> tuple[str, int]:
    status, error = sentences.say(refusal.key, refusal.facts) if refusal else (200, None)
    context = {"user": "", "offers": None, "authorisation": None, **fields}
    return render_template(
        "signing/remote.html", error=error, service=setting.remote_name(), **context
    ), status


# signing a folder


@pages.post("/dossiers/<int:folder_id>/signature/distance/preparer")
@guard(SIGN)
@limiter.limit(rate, key_func=whoever)
def prepare(folder_id: int) -> Response:
    """What the service is to sign, and what it asks of its owner for that."""
    _readable(folder_id)
    setting.remote_service()
    from app.signing.remote import signing

    offer = payload.body()
    with watched(g.actor, "prepare", folder_id=folder_id):
        wanted = signing.ask(
            g.actor,
            folder_id,
            version=payload.whole(offer, "version"),
            key_id=payload.whole(offer, "key"),
            box=payload.box(offer),
            mandate=payload.mandate(offer),
            shown=payload.shown(offer),
        )
    return jsonify(question_of(wanted))


@pages.post("/dossiers/<int:folder_id>/signature/distance/autoriser")
@guard(SIGN)
@limiter.limit(rate, key_func=whoever)
def authorise(folder_id: int) -> Response:
    """Pass the codes on; what the service signs is kept here until it is embedded."""
    _readable(folder_id)
    setting.remote_service()
    from app.signing.remote import pending, signing

    content = payload.body()
    with watched(g.actor, "complete", folder_id=folder_id):
        row = pending.take(g.actor, request=str(content.get("session", "")), folder_id=folder_id)
        answer = signing.answer(row, **codes_of(content))
    return jsonify(question_of(answer))


@pages.route("/dossiers/<int:folder_id>/signature/distance/terminer", methods=["GET", "POST"])
@guard(SIGN)
def complete(folder_id: int) -> Response:
    """Embed what the service signed, and go on; asked again (GET), say what became of it."""
    _readable(folder_id)
    setting.remote_service()
    from app.signing.remote import signing
    from app.signing.web import _next

    if request.method == "POST":
        with watched(g.actor, "complete", folder_id=folder_id):
            signing.complete(g.actor, folder_id, str(payload.body().get("session", "")))
        state = "done"
    else:
        state = signing.state_of(g.actor, folder_id, request.args.get("session", ""))
    return jsonify(state=state, location=_next(folder_id, tell=state == "done") if state == "done" else None)


def _readable(folder_id: int) -> None:
    with reading(g.actor.collectivity_id) as db:
        authorize(db, g.actor, folder_id)


def question_of(authorisation: Any) -> dict[str, Any]:
    """A request as the script reads it: its name, and what is to be given for it now."""
    return {
        "session": authorisation.request,
        "items": [{"id": authorisation.request, "wants": authorisation.wants, "page": authorisation.page}],
    }


# the way back from the service's page


@pages.get("/signature/retour")
@guard(PERSON)
@limiter.limit(rate, key_func=whoever)
def back() -> Response:
    """The service sends the person back here (RFC 6749 §4.1.2): bound by `state` to one request of this login session."""
    setting.remote_service()
    from app.signing.remote import pending

    state = request.args.get("state", "")
    if not state:
        raise Refusal("csc-return-unknown", title=pending.UNKNOWN)
    row = pending.take(g.actor, state=state)
    try:
        return _go_on(row, SecretStr(request.args.get("code", "")[:MOST_CODE]))
    except Refusal as refusal:
        sentence = sentences.say(refusal.key, refusal.facts)[1]
        if row.batch_id is not None:
            flash(f"Le lot s’est arrêté. {sentence} Ce qui est déjà signé le reste.", "danger")
            return redirect(url_for(sockets.batches()[1], batch_id=row.batch_id))
        if row.folder_id is None:
            flash(sentence, "danger")
            return redirect(url_for("signing.certificates"))
        goes_on = pending.may_go_on(g.actor, row.id)
        flash(f"{sentence} {spaces(KEPT)}" if goes_on else sentence, "danger")
        return redirect(url_for("signing.dialog" if goes_on else "folders.show", folder_id=row.folder_id))


def _go_on(row: Any, code: SecretStr) -> Response:
    """Take what the service signs for this code; then the batch, the next page, the end of the linking or the signature."""
    from app.signing.remote import linking, pending, signing
    from app.signing.web import _next

    if not code.get_secret_value():
        pending.give_back(row.id)
        raise Refusal("csc-declined")
    if row.batch_id is not None:
        come_back, page = sockets.batches()
        come_back(g.actor, row, code)
        return redirect(url_for(page, batch_id=row.batch_id))
    if row.folder_id is None:
        signing.answer(row, code=code)
        return _linked(linking.finish(g.actor, row))
    with watched(g.actor, "complete", folder_id=row.folder_id):
        authorisation = signing.answer(row, code=code)
        if authorisation.page:
            return redirect(authorisation.page)
        signing.complete(g.actor, row.folder_id, row.id)
    return redirect(_next(row.folder_id, tell=True))


def codes_of(fields: Any) -> dict[str, SecretStr]:
    """The PIN and the one-time password that were typed; wrapped at once, so that nothing shows them."""
    codes = {name: str(fields.get(name) or "")[:LONGEST] for name in ("pin", "otp")}
    return {name: SecretStr(value) for name, value in codes.items() if value}


def _text(name: str) -> str:
    return request.form.get(name, "").strip()[:LONGEST]
