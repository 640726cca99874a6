"""The two requests by which a page enrols a certificate: what its key has to sign, and what it signed."""

from typing import Any

from flask import Blueprint, flash, g, jsonify, request, url_for
from werkzeug.wrappers import Response

from app.core.clock import now
from app.core.db import reading
from app.core.http import PERSON, guard
from app.core.limits import limiter, whoever
from app.core.refusals import Refusal
from app.folders.access import authorize
from app.signing import enrol, payload
from app.signing.models import Certificate
from app.signing.refused import watched
from app.trust.purpose import Purpose

pages = Blueprint("enrolling", __name__)
RATE = "20 per minute"
DONE = "Le certificat est inscrit à votre nom."
SEAL = "Le certificat est inscrit pour le cachet de la collectivité : il ne signe pour personne."


@pages.post("/compte/certificats/demande")
@guard(PERSON)
@limiter.limit(RATE, key_func=whoever)
def ask() -> Response:
    """What the key must sign so that its certificate is enrolled."""
    from app.signing.enrolling import possession
    from app.signing.keys import browser, webeid

    offer = payload.body()
    where = webeid if offer.get("provider") == "webeid" else browser
    with watched(g.actor, "enrol"):
        with enrol.in_its_words():
            key = where.read_key(offer)
        wanted = possession.ask(g.actor, key, _purpose(offer))
    question = where.question(wanted.prepared, key.certificate)
    return jsonify(session=wanted.challenge, items=[{"id": "possession", **question}])


@pages.post("/compte/certificats/preuve")
@guard(PERSON)
@limiter.limit(RATE, key_func=whoever)
def prove() -> Response:
    """Check what the key signed, and enrol."""
    from app.signing.enrolling import possession
    from app.signing.keys import browser, webeid

    answer = payload.body()
    signatures = answer.get("signatures")
    with watched(g.actor, "enrol"):
        if not isinstance(signatures, list) or len(signatures) != 1 or not isinstance(signatures[0], dict):
            raise Refusal("bad-request", detail="la signature manque")
        (entry,) = signatures
        name = str(answer.get("session", ""))
        with enrol.in_its_words():
            if "signatureAlgorithm" in entry:
                signature = webeid.read_signature(entry, possession.certificate_of(g.actor, name))
            else:
                signature = browser.read_signature(entry.get("signature"))
        why, purpose = possession.prove(g.actor, name, signature)
    flash(outcome(why, purpose), "warn" if why else "ok")
    return jsonify(state="done", location=url_for("signing.certificates"))


@pages.post("/compte/certificats/hors-dates")
@guard(PERSON)
@limiter.limit(RATE, key_func=whoever)
def late() -> Response:
    """Keep the line of a certificate out of its dates, which the page has stopped before anything was asked of us.

    `phase`: « prepare » or « enrol »; `folder_id`: the folder that was to be signed, when there is one. Refuses as signing
    with it would (`certificate-expired`, `certificate-not-yet-valid`); a certificate within its dates is let go.
    """
    from app.signing.keys import browser, webeid
    from app.trust.certificates import check_dates, facts

    offer = payload.body()
    where = webeid if offer.get("provider") == "webeid" else browser
    folder_id = request.args.get("folder_id", type=int)
    if folder_id is not None:
        with reading(g.actor.collectivity_id) as db:
            authorize(db, g.actor, folder_id)
    key = where.read_key(offer)
    phase = "enrol" if request.args.get("phase") == "enrol" else "prepare"
    with watched(g.actor, phase, folder_id=folder_id, certificate=key.certificate):
        check_dates(facts(key.certificate), now())
    return jsonify(state="in time")


def outcome(why: enrol.Awaited, purpose: Purpose) -> str:
    """What an enrolment gave, in a sentence."""
    if why:
        use = "servira" if purpose is Purpose.SEAL else "signera"
        return (
            f"Le certificat est inscrit, mais {why.clause} : il {use} quand un administrateur l’aura confirmé. "
            "Les administrateurs sont prévenus."
        )
    return SEAL if purpose is Purpose.SEAL else DONE


def _purpose(offer: dict[str, Any]) -> Purpose:
    try:
        return Purpose(offer.get("purpose") or Purpose.ACTS)
    except ValueError:
        raise Refusal("bad-request", detail="cet usage d’un certificat n’existe pas") from None


def state_of(row: Certificate) -> tuple[str, str]:
    """What a certificate may do now, in words, and the tone of its tag."""
    if row.withdrawn_at is not None:
        return "Refusé" if enrol.declined(row) else "Retiré", ""
    if row.not_after < now():
        return "Expiré", "danger"
    if row.to_confirm:
        return "À confirmer par un administrateur", "warn"
    return "En cours de validité", ""  # by its dates alone: its revocation is asked when it signs
