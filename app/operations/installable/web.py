"""The manifest, the script that the browser keeps, and the pages that it shows when the server does not answer.

Nothing of a person nor of a folder is kept: pages without a name, and the sheet, font and mark that they wear. What somebody
takes along lies sealed elsewhere (`app/static/js/carried.js`): the page that reads it, and the reader of PDF, come with
the first folder that is taken, and go with the last.
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
READ_BY: Final = (
    *WORN,
    "viewer.css",
    "vendor/icons.svg",
    *(f"js/{name}.js" for name in ("carried", "kept", "reading", "session", "viewer", "words")),
    "vendor/pdfjs/pdf.min.js",
    "vendor/pdfjs/pdf.worker.min.js",
    "vendor/pdfjs/wasm/openjpeg_nowasm_fallback.js",
    *(
        f"vendor/pdfjs/standard_fonts/{one.name}"
        for one in sorted((HOME / "vendor/pdfjs/standard_fonts").iterdir())
        if one.suffix in {".pfb", ".ttf"}
    ),
)
"""What the page that reads what was taken along needs; the letters of Asian writings that a file does not bring are not there."""
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
    "brouillons": (
        "Vos brouillons sont créés",
        "Vos fichiers sont arrivés et il n’y a rien à renvoyer : seule la liste de vos brouillons n’a pas pu être lue.",
    ),
    "recu": (
        "Votre envoi est arrivé",
        "Il est enregistré et il n’y a rien à renvoyer : seule la page suivante n’a pas pu être lue.",
    ),
}
"""What is said: of a page that was asked, of what was surely not sent, of what may have been received, of what was received.

The last two are said of a page that shows what the server has just received: the script that sent it knows (`upload.js`).
"""
CARRIED: Final = "page-emporte"
"""The first of them, where folders were taken along: it leads to them."""
AGAIN: Final = {
    "page": "Réessayer",
    CARRIED: "Réessayer",
    "brouillons": "Ouvrir vos brouillons",
    "recu": "Ouvrir cette page",
}
"""The words of the link that asks for the page again, where one was asked for."""


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
    pages_of = {key: url_for("operations.installable.cut", what=key) for key in (*CUT, CARRIED)}
    files, read_by = ([url_for("static", filename=one) for one in names] for names in (WORN, READ_BY))
    # Other words or other files are another collection: the browser takes it whole, then leaves the former one
    drawn = [render_template(f"operations/{name}.html") for name in ("cut", "reading")]
    mark = sha256(json.dumps([read_by, CUT, AGAIN, *drawn]).encode()).hexdigest()[:16]
    reading = url_for("operations.installable.carried")
    named = {"mark": mark, "pages": pages_of, "files": files, "reading": reading, "read_by": read_by}
    text = f"const NAMED = {json.dumps(named)};\n{Path(HOME / SCRIPT).read_text(encoding='utf-8')}"
    answer = Response(text, mimetype="text/javascript")
    answer.headers["Cache-Control"] = "no-cache"
    return answer


@pages.get("/hors-ligne/<what>")
@guard(PUBLIC)
def cut(what: str) -> str:
    """What is shown when the server does not answer; it names nobody."""
    said = CUT.get("page" if what == CARRIED else what)
    if said is None:
        abort(404)
    title, text = said
    again = AGAIN.get(what, "")
    return render_template(
        "operations/cut.html", title=title, text=text, again=again, carried=what == CARRIED
    )


@pages.get("/hors-ligne/emportes")
@guard(PUBLIC)
def carried() -> str:
    """The page that reads what was taken along on this very browser; the server knows nothing of what it shows."""
    return render_template("operations/reading.html")
