"""Whoever deposits chooses a matter in the classification in force, keeps some as favourites, asks for a newer one."""

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.channels.actes.matters import KIND, classifiable, in_force, search
from app.channels.actes.renewal import renew
from app.core.db import reading
from app.core.http import guard
from app.core.refusals import Refusal
from app.display import page
from app.display.blueprint import CREATE, version_shown
from app.folders import deposit
from app.folders.favourites import star as keep_at_hand

pages = Blueprint("actes", __name__, template_folder="templates")


@pages.post("/prefecture/classification")
@guard(CREATE)
def renew_classification() -> Response:
    """Ask for it now, then go back to the draft that was shown."""
    classification, new = renew(g.actor)
    if new:
        sentence = f"La classification du {classification.dated:%d/%m/%Y} est en vigueur. Vérifiez la matière, puis enregistrez."
    else:
        sentence = f"La classification du {classification.dated:%d/%m/%Y} est toujours en vigueur."
    flash(sentence, "ok")
    folder_id = request.form.get("folder", type=int)
    return redirect(url_for("folders.draft", folder_id=folder_id) if folder_id else url_for("folders.inbox"))


@pages.get("/dossiers/<int:folder_id>/matiere")
@guard(CREATE)
def matters(folder_id: int) -> str:
    """Search the classification for a draft; each matter that is found may be chosen, or kept as a favourite."""
    query = request.args.get("q", "")
    with reading(g.actor.collectivity_id) as db:
        folder = classifiable(db, g.actor, folder_id)
        context = {
            "folder": page.head(db, folder),
            "chosen": str(folder.fields.get(KIND) or ""),
            "matches": search(db, g.actor, query),
        }
    return render_template("actes/matters.html", q=query, touched=request.args.get("sur", ""), **context)


@pages.post("/dossiers/<int:folder_id>/matiere")
@guard(CREATE)
def choose(folder_id: int) -> Response:
    """Write the matter in the draft."""
    code = request.form.get(KIND, "")
    with reading(g.actor.collectivity_id) as db:
        classifiable(db, g.actor, folder_id)
        if code not in {matter.code for matter in in_force(db, g.actor.collectivity_id).sendable_matters()}:
            raise Refusal("matter-unknown")
    deposit.save(g.actor, folder_id, version=version_shown(), title=None, facts={KIND: code})
    flash(f"La matière {code} est choisie.", "ok")
    return redirect(url_for("folders.draft", folder_id=folder_id))


@pages.post("/matieres/favoris")
@guard(CREATE)
def star() -> Response:
    """Keep a matter among one's favourites (`star`) or no longer (`unstar`), then show the same search again."""
    code = request.form.get("star") or request.form.get("unstar", "")
    keep_at_hand(g.actor, KIND, code, kept="star" in request.form)
    folder_id = request.form.get("folder", type=int)
    if folder_id is None:
        return redirect(url_for("folders.inbox"))
    query = request.form.get("q") or None
    return redirect(url_for("actes.matters", folder_id=folder_id, q=query, sur=code))
