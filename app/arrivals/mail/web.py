"""The page of the mailboxes where invoices come: chosen, tried, read now."""

from typing import Any

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.arrivals import routing
from app.arrivals.mail import boxes, fetching
from app.arrivals.mail.boxes import Box
from app.core import stale
from app.core.db import key_in, reading
from app.core.french import instant, spaces
from app.core.grammar import plural
from app.core.http import guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences

pages = Blueprint("mail", __name__)
WAYS = (
    ("imaps", "TLS (imaps)"),
    ("imap+starttls", "STARTTLS"),
    ("imap", "En clair, dans le réseau de l’hébergeur"),
)


@pages.route("/administration/arrivees/boites", methods=["GET", "POST"])
@guard("administer")
def index() -> Response | tuple[str, int]:
    """The mailboxes, each with its form; one that is saved is tried at once, and what came of it is said."""
    if request.method != "POST":
        return _page()
    wanted = _typed()
    try:
        number = boxes.save(g.actor, wanted, request.form.get("password", ""))
    except Refusal as refusal:
        return _page(wanted, refusal)
    fault = _tried(number)
    if fault:
        flash(spaces(f"La boîte est enregistrée, mais elle ne s’ouvre pas : {fault}."), "warn")
    else:
        flash("La boîte est enregistrée, et s’ouvre. Elle est relevée toutes les cinq minutes.", "ok")
    return redirect(url_for("arrivals.mail.index"))


@pages.post("/administration/arrivees/boites/<int:mailbox_id>/relever")
@guard("administer")
def read_now(mailbox_id: int) -> Response:
    """Read a mailbox now; what it holds is kept before this answers."""
    box = _box(mailbox_id)
    fault = ""
    count = 0
    try:
        count = fetching.read(box, current_app.config["PARAPHE"])
    except fetching.FAULTS as trouble:
        fault = boxes.words(trouble)
        boxes.note(box.collectivity_id, box.id, fault=fault)
    more = f"La boîte est relevée : {plural(count, 'courriel')} de plus"
    if fault:
        flash(spaces(f"La boîte ne se relève pas : {fault}."), "warn")
    elif missing := _box(mailbox_id).fault:
        flash(spaces(f"{more} ; {missing}."), "warn")
    else:
        flash(f"{more}.", "ok")
    return redirect(url_for("arrivals.mail.index"))


def _box(number: int) -> Box:
    with reading(g.actor.collectivity_id) as db:
        box = next((one for one in boxes.boxes(db, g.actor.collectivity_id) if one.id == number), None)
    if box is None:
        raise Refusal("not-found")
    return box


def _tried(number: int) -> str:
    return boxes.tried(_box(number), current_app.config["PARAPHE"])


def _typed() -> Box:
    form = request.form
    return Box(
        key_in(form.get("number")) or 0,
        g.actor.collectivity_id,
        form.get("mailbox", "")[:300],
        form.get("kind", ""),
        form.get("scheme", ""),
        form.get("host", "")[:300],
        key_in(form.get("port")) or 0,
        form.get("login", "")[:300],
        form.get("folder", "")[:300],
        tuple(form.get("senders", "").splitlines()),
        bool(form.get("removes")),
        bool(form.get("active")),
        revision=key_in(form.get("revision")) or 0,
    )


def _page(typed: Box | None = None, refusal: Refusal | None = None) -> tuple[str, int]:
    status, error = sentences.say(refusal.key, refusal.facts) if refusal else (200, "")
    moved = refusal is not None and refusal.key == "mailbox-moved"
    here = g.actor.collectivity_id
    with reading(here) as db:
        every = boxes.boxes(db, here)
        kinds = routing.kinds(db, here)
    shown: list[dict[str, Any]] = [_shown(one, typed if not moved else None) for one in every]
    fresh = typed if typed is not None and not typed.id else None
    return render_template(
        "arrivals/mailboxes.html",
        boxes=shown,
        fresh=fresh,
        kinds=kinds,
        ways=WAYS,
        error=error,
    ), status


def _shown(box: Box, typed: Box | None) -> dict[str, Any]:
    """A mailbox, and what its form shows: what was typed over it, or what is in force."""
    mine = typed is not None and typed.id == box.id
    return {
        "box": box,
        "form": typed if mine else box,
        "in_part": boxes.in_part(box.fault),
        "open": mine,
        "revision": stale.mark("revision", box.revision, fresh=not mine),
        "looked_at": instant(box.looked_at) if box.looked_at else "",
    }
