"""The page on which a signature made on paper is stated, with its scan."""

from datetime import date
from typing import Any

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.core.clock import today
from app.core.db import key_in, reading
from app.core.french import taille
from app.core.http import FILES, guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.display import page
from app.display.blueprint import received
from app.display.opening import shown_to
from app.folders.access import authorize
from app.people import identity
from app.people.office.web import does
from app.signing.paper import sheet as paper

pages = Blueprint("paper", __name__)
ELSEWHERE = frozenset({"moved-on", "not-found", "not-your-turn", "bad-request"})
FIELDS = ("name", "capacity", "signed_on", "kept_at")


@pages.route("/dossiers/<int:folder_id>/signer-sur-papier", methods=["GET", "POST"])
@guard("sign", body=FILES)
@does("Dire une signature faite sur papier")
def sheet(folder_id: int) -> Response | tuple[str, int]:
    """Ask who signed, when, in which capacity, where the original is, and the scan; then state it."""
    status, error, antedated = 200, None, False
    typed = {
        "name": g.actor.name,
        "capacity": g.actor.capacity,
        "signed_on": today().isoformat(),
        "kept_at": "",
    }
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        paper.standing(db, g.actor, folder)
        digest = paper.shown(db, folder)
    if request.method != "POST":
        try:
            identity.refuse_stale(g.actor, [digest])
        except Refusal:
            elsewhere = url_for("folders.show", folder_id=folder_id)
            return redirect(url_for("people.confirm", suite=request.path, sinon=elsewhere, document=digest))
    if request.method == "POST":
        typed = {name: request.form.get(name, "") for name in FIELDS}
        try:
            return _state(folder_id, typed)
        except Refusal as refusal:
            if refusal.key in ELSEWHERE:
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
            antedated = refusal.key == "paper-antedated" or "two_dates" in request.form
    shown = shown_to(
        g.actor,
        folder_id,
        lambda db, folder: {"folder": page.head(db, folder), "scan": paper.scan_of(db, folder)},
    )
    limit = current_app.config["MAX_CONTENT_LENGTH"]
    context: dict[str, Any] = {
        **shown,
        "typed": typed,
        "error": error,
        "antedated": antedated,
    }
    return render_template(
        "signing/paper.html", limit_label=taille(limit), limit_bytes=limit, **context
    ), status


def _state(folder_id: int, typed: dict[str, str]) -> Response:
    version = key_in(request.form.get("version"))
    if version is None:
        raise Refusal("bad-request", detail="la version du dossier manque")
    try:
        signed_on = date.fromisoformat(typed["signed_on"]) if typed["signed_on"] else None
    except ValueError:
        signed_on = None
    statement = paper.Statement(
        typed["name"], typed["capacity"], signed_on, typed["kept_at"], "two_dates" in request.form
    )
    with received("scan") as files:
        paper.sign(
            g.actor,
            folder_id,
            version=version,
            statement=statement,
            scan=files[0] if files else None,
        )
    flash("La signature sur papier est enregistrée, avec la place de son original.", "ok")
    return redirect(url_for("folders.show", folder_id=folder_id))
