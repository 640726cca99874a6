"""Pages of the administrator: every certificate in use, a new one for somebody, and the end of one."""

import sqlalchemy as sa
from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.core.clock import now
from app.core.db import key_in, reading
from app.core.french import jour_long
from app.core.http import guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.people.models import User
from app.signing import enrol
from app.signing.purpose import Purpose

pages = Blueprint("office", __name__)
LARGEST = 64 * 1024


@pages.route("/administration/certificats", methods=["GET", "POST"])
@guard("administer")
def index() -> Response | tuple[str, int]:
    """Whose certificates sign, for what and until when; the form enrols one more."""
    error, status = None, 200
    if request.method == "POST":
        owner, upload = key_in(request.form.get("owner")), request.files.get("certificate")
        data = upload.read(LARGEST) if upload else b""
        try:
            enrol.enrol_file(g.actor, owner, data, request.form.get("purpose"))
        except Refusal as refusal:
            status, error = sentences.say(refusal.key, refusal.facts)
        else:
            flash("Le certificat est inscrit.", "ok")
            return redirect(url_for("signing.office.index"))
    with reading(g.actor.collectivity_id) as db:
        rows = [
            (
                row.id,
                user.name,
                enrol.common_name(row.subject),
                enrol.common_name(row.issuer),
                Purpose(row.purpose).label,
                jour_long(row.not_after),
                row.not_after < now(),
            )
            for user, row in enrol.all_certificates(db)
        ]
        people = sa.select(User).where(User.active.is_(True)).order_by(User.last_name, User.first_name)
        owners = [(one.id, one.name) for one in db.scalars(people)]
    return render_template(
        "signing/office.html", rows=rows, owners=owners, purposes=list(Purpose), error=error
    ), status


@pages.post("/administration/certificats/<int:certificate_id>/retirer")
@guard("administer")
def withdraw(certificate_id: int) -> Response:
    """Let nobody sign with a certificate any more."""
    enrol.withdraw(g.actor, certificate_id)
    flash("Ce certificat ne signe plus.", "ok")
    return redirect(url_for("signing.office.index"))
