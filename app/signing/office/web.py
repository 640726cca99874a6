"""Pages of the administrator: every certificate of the collectivity, and the word that one of them waits for, or its end."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from pydantic import SecretStr
from werkzeug.wrappers import Response

from app.core.db import Db, reading
from app.core.french import instant, jour_long
from app.core.http import guard
from app.core.limits import limiter, login_rate, per_person
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.people import identity
from app.people import login as door
from app.people.models import User
from app.people.office.web import give_up
from app.signing import enrol
from app.signing.enrolling.web import state_of
from app.signing.models import Certificate
from app.trust.purpose import Purpose

pages = Blueprint("office", __name__)
ACTED = ("action", "reason", "purpose")
LONGEST = 1024  # characters of an answer


@dataclass(frozen=True)
class Row:
    """A certificate as an administrator reads it; `differs`: the name that it bears is not plainly its owner's."""

    id: int
    owner: str
    name: str
    issuer: str
    serial: str
    fingerprint: str
    purpose: Purpose
    since: str
    by: str
    until: str
    state: tuple[str, str]
    proof: str
    differs: bool
    confirmed: str
    ended: str
    reason: str
    waits: bool
    why: enrol.Awaited
    before: str


@pages.get("/administration/certificats")
@guard("administer")
def index() -> str:
    """Whose certificates sign, for what, until when and how it is known; those that wait first, those that ended last."""
    with reading(g.actor.collectivity_id) as db:
        rows = [_row(user, row) for user, row in enrol.all_certificates(db)]
        past = [_row(user, row) for user, row in enrol.all_certificates(db, ended=True)]
        doubles = enrol.doubles(db, g.actor.collectivity_id)
    return render_template(
        "signing/office.html",
        waiting=[row for row in rows if row.waits],
        rows=[row for row in rows if not row.waits],
        past=past,
        doubles=doubles,
    )


@pages.route("/administration/certificats/<int:certificate_id>", methods=["GET", "POST"])
@guard("administer")
@limiter.limit(
    login_rate, key_func=per_person, methods=["POST"], exempt_when=lambda: "answer" not in request.form
)
def certificate(certificate_id: int) -> Response | tuple[str, int]:
    """One certificate: confirm it, say what it is for, or end it.

    Whoever has to prove who he is does it on the way: the act goes on with the answer, and is not asked again.
    """
    error, status = None, 200
    with reading(g.actor.collectivity_id) as db:
        _owned(db, certificate_id)
    if request.method == "POST":
        if "given_up" in request.form:
            give_up()
            return redirect(_again(certificate_id))
        try:
            if "answer" in request.form:
                door.renewed(identity.prove(g.actor, SecretStr(request.form["answer"][:LONGEST])))
            flash(_act(certificate_id, request.form.get("action", ""), request.form.get("reason", "")), "ok")
        except Refusal as refusal:
            status, error = sentences.say(refusal.key, refusal.facts)
            if refusal.key in {"identity-needed", "identity-refused"}:
                return _who(certificate_id, error if refusal.key == "identity-refused" else None), status
            if refusal.key == "identity-closed":
                raise
        else:
            return redirect(url_for("signing.office.index"))
    with reading(g.actor.collectivity_id) as db:
        row = _row(*_owned(db, certificate_id))
    return render_template(
        "signing/certificate.html",
        one=row,
        purposes=list(Purpose),
        error=error,
        reason=request.values.get("reason", ""),
        chosen=request.values.get("purpose", row.purpose.value),
        again="again" in request.args and not error,
    ), status


def _who(certificate_id: int, error: str | None) -> str:
    """The question of who is there, with the act that waits for its answer."""
    with reading(g.actor.collectivity_id) as db:
        way = identity.question_for(db, g.actor)
        minutes = identity.minutes_in(db, g.actor.collectivity_id)
    return render_template(
        "people/identity.html",
        way=way,
        error=error,
        minutes=minutes,
        doing="Décider d’un certificat",
        action=url_for("signing.office.certificate", certificate_id=certificate_id),
        kept=[(name, request.form[name]) for name in ACTED if name in request.form],
    )


def _again(certificate_id: int) -> str:
    """The page of a certificate, with what was typed and not done."""
    return url_for(
        "signing.office.certificate",
        certificate_id=certificate_id,
        again="1",
        reason=request.form.get("reason") or None,
        purpose=request.form.get("purpose") or None,
    )


def _act(certificate_id: int, action: str, reason: str) -> str:
    if action == "confirm":
        enrol.confirm(g.actor, certificate_id)
        return "Le certificat est confirmé."
    if action == "end":
        enrol.withdraw(g.actor, certificate_id, reason)
        with reading(g.actor.collectivity_id) as db:
            refused = enrol.declined(_owned(db, certificate_id)[1])
        return f"Ce certificat {'est refusé' if refused else 'ne signe plus'}. Son titulaire est prévenu."
    if action == "purpose":
        try:
            purpose = Purpose(request.form.get("purpose", ""))
        except ValueError:
            raise Refusal("bad-request", detail="cet usage d’un certificat n’existe pas") from None
        if enrol.set_purpose(g.actor, certificate_id, purpose):
            return "L’usage du certificat est enregistré. Il attend qu’un administrateur le confirme."
        return "L’usage du certificat est enregistré."
    raise Refusal("bad-request", detail="cette décision n’existe pas")


def _owned(db: Db, certificate_id: int) -> tuple[User, Certificate]:
    query = sa.select(Certificate).where(Certificate.id == certificate_id)
    row = db.scalar(query)
    if row is None:
        raise Refusal("certificate-unknown")
    return db.get_one(User, row.user_id), row


def _row(user: User, row: Certificate) -> Row:
    from app.signing.enrolling.holder import same_person

    changes: dict[str, Any] = {
        "confirmed": f"Confirmé par {row.confirmed_by}, {instant(row.confirmed_at)}"
        if row.confirmed_at
        else "",
        "ended": f"{state_of(row)[0]} par {row.withdrawn_by or user.name}, {instant(row.withdrawn_at)}"
        if row.withdrawn_at
        else "",
    }
    return Row(
        id=row.id,
        owner=user.name,
        name=enrol.common_name(row.subject),
        issuer=enrol.common_name(row.issuer),
        serial=row.serial,
        fingerprint=row.fingerprint,
        purpose=Purpose(row.purpose),
        since=instant(row.enrolled_at),
        by=row.enrolled_by,
        until=jour_long(row.not_after),
        state=state_of(row),
        proof=enrol.Proof(row.proof).label,
        differs=Purpose(row.purpose) is not Purpose.SEAL
        and not same_person(row.der, user.first_name, user.last_name),
        reason=row.withdrawn_reason,
        waits=row.to_confirm and row.withdrawn_at is None,
        why=enrol.awaited(row, user),
        before=f"Écarté par {row.ended_by}, {instant(row.ended_at)} : {row.ended_reason}"
        if row.ended_at and row.withdrawn_at is None
        else "",
        **changes,
    )
