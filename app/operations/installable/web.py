"""The manifest, the script that the browser keeps, and the pages that it shows when the server does not answer.

Nothing of a person nor of a folder is kept: three pages without a name, and the sheet, font and mark that they wear.
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, abort, render_template, url_for

from app.core.assets import HOME
from app.core.http import PUBLIC, guard

pages = Blueprint("installable", __name__)
SCRIPT: Final = "js/service-worker.js"
WORN: Final = (
    "paraphe.css",
    "vendor/bootstrap.min.css",
    "vendor/fonts/atkinson-hyperlegible-next-latin-wght-normal.woff2",
    "favicon.svg",
    "js/theme.js",
)
"""What the pages below wear."""
CUT: Final = {
    "page": (
        "Pas de réponse du serveur",
        "La page demandée n’a pas pu être lue. Vérifiez la connexion, puis réessayez.",
    ),
    "rien": (
        "Hors ligne : rien n’a été envoyé",
        "Cet appareil n’est pas connecté, votre demande n’est pas partie. Recommencez une fois la connexion revenue.",
    ),
    "peut-etre": (
        "Le serveur n’a pas répondu",
        "La connexion a été coupée pendant l’envoi : on ne peut pas savoir d’ici si votre demande a été faite. Ouvrez le dossier "
        "une fois la connexion revenue, il dit où il en est. Rien ne se fait deux fois.",
    ),
}
"""What is said: of a page that was asked, of what was surely not sent, of what may have been received."""


@pages.get("/manifest.webmanifest")
@guard(PUBLIC)
def manifest() -> Response:
    """What a browser is told to install Paraphe (W3C, Web Application Manifest)."""
    sizes = [
        {
            "src": url_for("static", filename=f"icon-{size}.png"),
            "sizes": f"{size}x{size}",
            "type": "image/png",
        }
        for size in (192, 512)
    ]
    content = {
        "id": "/",
        "name": "Paraphe",
        "short_name": "Paraphe",
        "description": "Lire, viser, signer.",
        "lang": "fr",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#103b3f",
        "theme_color": "#103b3f",
        "icons": [*sizes, {**sizes[-1], "purpose": "maskable"}],
    }
    return Response(json.dumps(content, ensure_ascii=False), mimetype="application/manifest+json")


@pages.get("/service-worker.js")
@guard(PUBLIC)
def worker() -> Response:
    """The script that answers in place of a server that does not; at the root, for every page is in its reach."""
    pages_of = {key: url_for("operations.installable.cut", what=key) for key in CUT}
    files = [url_for("static", filename=one) for one in WORN]
    # Other words or other files are another collection: the browser takes it whole, then leaves the former one
    mark = sha256(json.dumps([files, CUT, render_template("operations/cut.html")]).encode()).hexdigest()[:16]
    named = {"mark": mark, "pages": pages_of, "files": files}
    text = f"const NAMED = {json.dumps(named)};\n{Path(HOME / SCRIPT).read_text(encoding='utf-8')}"
    answer = Response(text, mimetype="text/javascript")
    answer.headers["Cache-Control"] = "no-cache"
    return answer


@pages.get("/hors-ligne/<what>")
@guard(PUBLIC)
def cut(what: str) -> str:
    """What is shown when the server does not answer; it names nobody."""
    if what not in CUT:
        abort(404)
    title, text = CUT[what]
    return render_template("operations/cut.html", title=title, text=text, asked=what == "page")
