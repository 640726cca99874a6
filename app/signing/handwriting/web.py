"""The page on which a person gives, sees and takes away the image of his or her handwritten signature."""

from base64 import b64encode

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.core.http import FILES, PERSON, guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.signing.handwriting import own

pages = Blueprint("handwriting", __name__)
READ_AT_MOST = 2 * 1024 * 1024 + 1


@pages.route("/compte/signature", methods=["GET", "POST"])
@guard(PERSON, body=FILES)
def mine() -> Response | tuple[str, int]:
    """Show one's image, or keep another."""
    status, error = 200, None
    if request.method == "POST":
        try:
            _keep()
        except Refusal as refusal:
            status, error = sentences.say(refusal.key, refusal.facts)
        else:
            flash("L’image de votre signature est enregistrée.", "ok")
            return redirect(url_for("signing.handwriting.mine"))
    png = own.of(g.actor)
    shown = f"data:image/png;base64,{b64encode(png).decode()}" if png else None
    return render_template("signing/handwriting.html", shown=shown, error=error), status


def _keep() -> None:
    upload = request.files.get("picture")
    data = upload.read(READ_AT_MOST) if upload else b""
    if not data:
        raise Refusal("no-file")
    own.keep(g.actor, data)


@pages.post("/compte/signature/retirer")
@guard(PERSON)
def remove() -> Response:
    """Take one's image away."""
    own.remove(g.actor)
    flash("L’image est retirée : vos signatures ne porteront plus que leurs mots.", "ok")
    return redirect(url_for("signing.handwriting.mine"))
