"""Whoever deposits asks the Préfecture for the classification in force."""

from flask import Blueprint, flash, g, redirect, request, url_for
from werkzeug.wrappers import Response

from app.channels.actes.renewal import renew
from app.core.http import guard
from app.folders.blueprint import CREATE

pages = Blueprint("actes", __name__, template_folder="templates")


@pages.post("/prefecture/classification")
@guard(CREATE)
def renew_classification() -> Response:
    """Ask for it now, then go back to the draft that was shown."""
    found, new = renew(g.actor)
    if new:
        said = f"La classification du {found.dated:%d/%m/%Y} est en vigueur. Vérifiez la matière, puis enregistrez."
    else:
        said = f"La classification du {found.dated:%d/%m/%Y} est toujours en vigueur."
    flash(said, "ok")
    folder_id = request.form.get("folder", type=int)
    return redirect(url_for("folders.draft", folder_id=folder_id) if folder_id else url_for("folders.inbox"))
