"""The page on which the depositor places the signatures, and where a signature will stand unless somebody moves it."""

import json
from math import isfinite
from typing import Any

from flask import Blueprint, flash, g, jsonify, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from app.core.db import Db, key_in, reading
from app.core.http import guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.display import page
from app.folders.access import authorize, lock_editable
from app.folders.models import Folder
from app.signing.placing import plan
from app.signing.ports import Box

pages = Blueprint("placing", __name__)
ENDPOINT = "signing.placing.sheet"
CORNERS = ("x1", "y1", "x2", "y2")


@pages.route("/dossiers/<int:folder_id>/emplacements", methods=["GET", "POST"])
@guard("create")
def sheet(folder_id: int) -> Response | tuple[str, int]:
    """Show the document with its signatures to come, and keep where each was put."""
    status, error, posted = 200, "", None
    with reading(g.actor.collectivity_id) as db:
        lock_editable(db, g.actor, folder_id)
    if request.method == "POST":
        try:
            return _keep(folder_id)
        except Refusal as refusal:
            if refusal.key not in {"place-outside-page", "place-overlap", "place-unknown"}:
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
            posted = _read(request.form.get("places", ""))
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        sheet = plan.sheet(db, folder)
        boxes = sheet.boxes if posted is None else posted
        documents = page.documents(db, folder, None)
        context = {
            "folder": page.head(db, folder),
            "document": next(document for document in documents if document.role == "main"),
        }
    rows = [
        {
            "step": part.step,
            "slot": part.slot,
            "label": part.label,
            "box": _fields(boxes.get((part.step, part.slot))),
        }
        for part in sheet.parts
    ]
    return render_template("signing/places.html", rows=rows, sheet=sheet, error=error, **context), status


def _keep(folder_id: int) -> Response:
    boxes = _read(request.form.get("places", ""))
    version = key_in(request.form.get("version"))
    if version is None:
        raise Refusal("bad-request", detail="« version » doit être un nombre entier")
    plan.place(g.actor, folder_id, version=version, boxes=boxes)
    flash("L’emplacement des signatures est enregistré.", "ok")
    return redirect(url_for("folders.draft", folder_id=folder_id))


def _read(text: str) -> dict[tuple[str, str], Box]:
    try:
        rows = json.loads(text)
        return {
            (str(row["step"]), str(row["slot"])): box_of(row["box"]) for row in rows if row["box"] is not None
        }
    except (ValueError, KeyError, TypeError):
        raise Refusal("bad-request", detail="l’emplacement des signatures n’est pas lisible") from None


def box_of(fields: Any) -> Box:
    """The box that a page sent; the page counts its pages from one, a `Box` counts them from zero.

    Numbers only, ValueError otherwise; whether such a page exists is checked when it is known.
    """
    try:
        number, corners = int(fields["page"]), [float(fields[name]) for name in CORNERS]
    except (KeyError, TypeError, ValueError, OverflowError):
        raise ValueError("not a box") from None
    if number < 1 or not all(map(isfinite, corners)):
        raise ValueError("pages are counted from one, and sides measured")
    return Box(number - 1, *corners)


def _fields(box: Box | None) -> dict[str, float] | None:
    if box is None:
        return None
    return {"page": box.page + 1, **{name: round(getattr(box, name), 2) for name in CORNERS}}


@pages.get("/dossiers/<int:folder_id>/signature/emplacement")
@guard("sign")
def planned(folder_id: int) -> Response:
    """Where this person's signature will stand on the version of the folder that the page shows."""
    from app.signing import sign

    with reading(g.actor.collectivity_id) as db:
        authorize(db, g.actor, folder_id)
    version = request.args.get("version", type=int)
    if version is None:
        raise Refusal("bad-request", detail="« version » doit être un nombre entier")
    return jsonify(box=_fields(sign.place_of(g.actor, folder_id, version=version)))


def card(db: Db, folder: Folder) -> Markup | None:
    """The card of the draft page: who will sign, and whether each signature was placed."""
    try:
        if "free_fields" in plan.main_version(db, folder).note:  # its author has certified where they stand
            return None
        sheet = plan.sheet(db, folder)
    except Refusal as refusal:
        if refusal.key != "desk-missing":
            return None
        return Markup(render_template("signing/_places_card.html", rows=None, sheet=None))  # noqa: S704 - the template escapes what it prints
    if not sheet.parts:
        return None
    rows = [(part.label, sheet.boxes.get((part.step, part.slot))) for part in sheet.parts]
    return Markup(render_template("signing/_places_card.html", rows=rows, sheet=sheet, endpoint=ENDPOINT))  # noqa: S704 - the template escapes what it prints
