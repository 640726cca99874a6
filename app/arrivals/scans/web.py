"""The page of the scanners whose folders are looked at."""

from typing import Any

from flask import Blueprint, Response, current_app, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from app.arrivals import routing
from app.arrivals.scans import sources, watching
from app.arrivals.scans.inbox import TAKING
from app.arrivals.scans.sources import Source
from app.core import stale
from app.core.db import key_in, reading
from app.core.french import instant, spaces
from app.core.grammar import plural
from app.core.http import PERSON, disposition, guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.files import piles
from app.people.models import Collectivity

pages = Blueprint("scans", __name__)


@pages.route("/administration/arrivees/numeriseurs", methods=["GET", "POST"])
@guard("administer")
def index() -> BaseResponse | tuple[str, int]:
    """The scanners, each with its form."""
    if request.method != "POST":
        return _page()
    wanted = _typed()
    with reading(g.actor.collectivity_id) as db:
        every = sources.sources(db, g.actor.collectivity_id)
    former = next((one.folder for one in every if one.id == wanted.id and one.made), "")
    try:
        sources.save(g.actor, wanted)
    except Refusal as refusal:
        return _page(wanted, refusal)
    flash(
        spaces("C’est enregistré. Le dossier est préparé, puis regardé chaque minute par le travail de fond.")
        if wanted.active
        else "C’est enregistré. Ce dossier n’est pas regardé.",
        "ok",
    )
    if former and (former != wanted.folder.strip() or not wanted.active):
        flash(
            spaces(
                f"Plus rien n’est pris dans « {former} » : voyez s’il y reste des fichiers, ou dans son « {TAKING} », et "
                "posez-les dans un dossier regardé."
            ),
            "warn",
        )
    return redirect(url_for("arrivals.scans.index"))


@pages.post("/administration/arrivees/numeriseurs/<int:scanner_id>/regarder")
@guard("administer")
def look_now(scanner_id: int) -> BaseResponse:
    """Have a folder looked at without waiting for its minute."""
    watching.ask_now(g.actor, scanner_id)
    flash(
        spaces(
            "Le dossier est regardé dans un instant. Un fichier est pris au second regard, s’il n’a pas changé entre les deux : "
            "rechargez la page."
        ),
        "ok",
    )
    return redirect(url_for("arrivals.scans.index"))


@pages.get("/numerisation/page-de-separation")
@guard(PERSON)
def separation() -> Response:
    """The page of separation, to be printed by whoever scans."""
    response = Response(piles.separation(), mimetype="application/pdf")
    response.headers["Content-Disposition"] = disposition("page-de-separation.pdf", download=False)
    return response


def _typed() -> Source:
    form = request.form
    return Source(
        key_in(form.get("number")) or 0,
        g.actor.collectivity_id,
        form.get("scanner", "")[:300],
        form.get("folder", "")[:300],
        form.get("kind", ""),
        form.get("split", ""),
        active=bool(form.get("active")),
        revision=key_in(form.get("revision")) or 0,
    )


def _page(typed: Source | None = None, refusal: Refusal | None = None) -> tuple[str, int]:
    status, error = sentences.say(refusal.key, refusal.facts) if refusal else (200, "")
    moved = refusal is not None and refusal.key == "scanner-moved"
    here = g.actor.collectivity_id
    with reading(here) as db:
        every = sources.sources(db, here)
        kinds = routing.kinds(db, here)
        siren = db.get_one(Collectivity, here).siren
    return render_template(
        "arrivals/scanners.html",
        sources=[_shown(one, typed if not moved else None) for one in every],
        fresh=typed if typed is not None and not typed.id else None,
        kinds=kinds,
        splits=sources.SPLITS,
        siren=siren,
        opened=current_app.config["PARAPHE"].scans_root is not None,
        error=error,
    ), status


def _shown(source: Source, typed: Source | None) -> dict[str, Any]:
    """A scanner, and what its form shows: what was typed over it, or what is in force."""
    mine = typed is not None and typed.id == source.id
    waits = plural(source.waits, "fichier n’est pas encore entier", "fichiers ne sont pas encore entiers")
    return {
        "source": source,
        "form": typed if mine else source,
        "open": mine,
        "revision": stale.mark("revision", source.revision, fresh=not mine),
        "looked_at": instant(source.looked_at) if source.looked_at else "",
        "waits": f" ; {waits}" if source.waits else "",
    }
