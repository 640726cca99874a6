"""Pages of those who publish: what remains to be published, and each act's publication."""

from typing import Any

from flask import Blueprint, flash, g, make_response, redirect, render_template, request, url_for
from flask import Response as FlaskResponse
from werkzeug.wrappers import Response

from app.circuits.library import family_of
from app.core import stale
from app.core.db import reading
from app.core.http import FILES, PERSON, disposition, guard, wants_json
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.display.blueprint import received, version_shown
from app.folders.access import authorize
from app.folders.effect import CANCELLED
from app.folders.publicity import choice_of
from app.people.models import Collectivity
from app.people.own_settings.population import THRESHOLD, population_in
from app.publication import copies, publishing, record
from app.publication.models import PublicSite
from app.publication.office import ChoiceForm, choose, mark_of
from app.publication.publishing import LONGEST, REASONS, TITLE, Masked
from app.publication.site import acts
from app.publication.site.web import pages as site
from app.publication.waiting import online, slug_here, waiting

pages = Blueprint("publication", __name__, template_folder="templates")
pages.register_blueprint(site)


@pages.get("/a-publier")
@guard(PERSON)
def todo() -> str:
    """What the public does not have yet, and what it has."""
    after, beside = request.args.get("apres", ""), request.args.get("en_ligne", "")
    with reading(g.actor.collectivity_id) as db:
        rows, following = waiting(db, g.actor, after)
        there, older = online(db, g.actor, beside)
        slug = slug_here(db, g.actor)
    return render_template(
        "publication/todo.html",
        rows=rows,
        online=there,
        slug=slug,
        later=bool(after or beside),
        next_url=url_for("publication.todo", apres=following, en_ligne=beside or None) if following else None,
        older_url=url_for("publication.todo", apres=after or None, en_ligne=older) if older else None,
    )


@pages.route("/administration/publication", methods=["GET", "POST"])
@guard("administer")
def office() -> Response | tuple[str, int]:
    """How the collectivity publishes its acts, and the form that says what its council chose."""
    with reading(g.actor.collectivity_id) as db:
        own = db.get_one(Collectivity, g.actor.collectivity_id).settings
    chosen, inhabitants = choice_of(own), population_in(own)
    form, error, status, moved = ChoiceForm(obj=chosen), None, 200, False
    if not form.is_submitted() and form.population.data is None:
        form.population.data = inhabitants
    if form.is_submitted():
        try:
            choose(g.actor, form.wanted(), shown=request.form.get("shown"))
        except Refusal as refusal:
            status, error = sentences.say(refusal.key, refusal.facts)
            moved = refusal.key == "means-moved"
        else:
            flash("Le mode de publicité est enregistré.", "ok")
            return redirect(url_for("publication.office"))
    if moved:
        with reading(g.actor.collectivity_id) as db:
            chosen = choice_of(db.get_one(Collectivity, g.actor.collectivity_id).settings)
    context = {"form": form, "chosen": chosen, "standing": chosen.means, "error": error}
    context |= {"shown": stale.mark("shown", mark_of(chosen), fresh=moved)}
    context |= {"inhabitants": inhabitants, "bound": inhabitants is not None and inhabitants >= THRESHOLD}
    return render_template("publication/office.html", **context), status


@pages.get("/dossiers/<int:folder_id>/publication")
@guard("publish")
def sheet(folder_id: int) -> str:
    """An act's publication: what is online, its masked version, its withdrawal."""
    return render_template("publication/sheet.html", **_context(folder_id))


@pages.get("/dossiers/<int:folder_id>/publication/copie-papier/<int:position>")
@guard(PERSON)
def paper_copy(folder_id: int, position: int) -> FlaskResponse:
    """What the public has, ready to print for whoever asks for it on paper, with the days of its publication."""
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        data = copies.paper_copy(db, folder, position)
    response = FlaskResponse(data, mimetype=copies.PDF)
    response.headers["Content-Disposition"] = disposition(
        f"copie-{folder.number or folder.id}.pdf", download=False
    )
    return response


@pages.post("/dossiers/<int:folder_id>/publication/version-occultee")
@guard("publish", body=FILES)
def mask(folder_id: int) -> Response:
    """Give the masked version."""
    version = version_shown()
    title, reason = request.form.get("public_title", ""), request.form.get("reason", "")
    with received("masked") as files:

        def give() -> None:
            if len(files) != 1:
                raise Refusal("no-masked-file")
            publishing.mask(g.actor, folder_id, version=version, sent=Masked(files[0], title, reason))

        return _done(folder_id, give, "La version occultée est gardée, distincte de l’original signé.")


@pages.post("/dossiers/<int:folder_id>/publication/mettre-en-ligne")
@guard("publish")
def put_online(folder_id: int) -> Response:
    """Put online an act that is not there."""
    version = version_shown()
    return _done(
        folder_id, lambda: publishing.put_online(g.actor, folder_id, version=version), "L’acte est en ligne."
    )


@pages.post("/dossiers/<int:folder_id>/publication/retirer")
@guard("publish")
def withdraw(folder_id: int) -> Response:
    """Take an act off the public page."""
    version, kind = version_shown(), request.form.get("kind", publishing.TERM)
    reason = request.form.get("reason", "")

    def take_off() -> None:
        publishing.withdraw_act(g.actor, folder_id, version=version, kind=kind, reason=reason)

    return _done(folder_id, take_off, "L’acte est retiré ; sa page publique dit quand et pourquoi.")


@pages.post("/dossiers/<int:folder_id>/publication/maintenir")
@guard("publish")
def keep(folder_id: int) -> Response:
    """Keep online an act whose transmission was cancelled."""
    version, reason = version_shown(), request.form.get("kept_for", "")
    return _done(
        folder_id,
        lambda: publishing.keep_online(g.actor, folder_id, version=version, reason=reason),
        "L’acte est maintenu en ligne ; sa page publique dit que sa transmission est annulée.",
    )


def _done(folder_id: int, verb: Any, confirmation: str) -> Response:
    """Do it and come back; what is only to be corrected is said on the page, with what was typed."""
    try:
        verb()
    except Refusal as refusal:
        status, sentence = sentences.say(refusal.key, refusal.facts)
        if status != 422 or wants_json():
            raise
        page = render_template("publication/sheet.html", error=sentence, **_context(folder_id))
        return make_response(page, status)
    flash(confirmation, "ok")
    return redirect(url_for("publication.sheet", folder_id=folder_id))


def _context(folder_id: int) -> dict[str, Any]:
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        publishing.refuse_other(db, g.actor, folder)
        act = record.act_of(db, folder.id)
        place = db.get(PublicSite, folder.collectivity_id) if act is not None else None
        masked = record.masked_of(db, folder)
        publication, otherwise = record.otherwise(db, folder)
        return {
            "otherwise": otherwise,
            "published_on": publication.published_on if publication is not None else None,
            "folder": folder,
            "family": family_of(folder.in_force),
            "act": acts.whole(db, act) if act is not None else None,
            "questioned": act is not None and act.questioned_on is not None,
            "act_cancelled": bool(folder.fields.get(CANCELLED)),
            "slug": place.slug if place is not None else None,
            "masked": masked,
            "public_title": masked[0].title if masked else record.subject_of(folder),
            "versions": record.versions_of(db, act) if act is not None else [],
            "published": publishing.published(db, folder),
            "reasons": [(key, label) for key, label in REASONS.items()],
            "longest": LONGEST,
            "title_longest": TITLE,
        }
