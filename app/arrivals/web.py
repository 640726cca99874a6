"""Pages of arrivals: what came by itself and what to do of it; where it goes."""

from dataclasses import replace

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from app.arrivals import learnt, routing, rows, settling, views
from app.arrivals.criteria import CRITERIA
from app.arrivals.mail.letter import leaves
from app.arrivals.mail.web import pages as mail_pages
from app.arrivals.models import ArrivalFile, Way
from app.arrivals.routing import Destination, Row
from app.arrivals.scans.web import pages as scan_pages
from app.core import stale
from app.core.db import key_in, reading
from app.core.french import spaces
from app.core.grammar import plural
from app.core.http import PERSON, disposition, guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.display.blueprint import CREATE
from app.files import vault
from app.files.handing import look
from app.folders import deposit
from app.folders.access import authorize
from app.people import choosing
from workflows.vocabulary import Right

STAYS = " Elle est peut-être encore une annexe de ce dossier : regardez, et retirez-la."
pages = Blueprint("arrivals", __name__, template_folder="templates")
pages.register_blueprint(mail_pages)
pages.register_blueprint(scan_pages)


@pages.get("/arrivees")
@guard(CREATE)
def index() -> str:
    """« Arrivées »: what is to be settled first, then what was opened, what was put aside."""
    return _index(request.args.get("etat", ""), {})


def _index(tab: str, typed: dict[int, tuple[str, str]]) -> str:
    """`typed`: of an arrival, the reason that was written and what was refused of it."""
    tab = tab if tab in views.TABS else "a-regler"
    with reading(g.actor.collectivity_id) as db:
        lines, more = views.lines(db, g.actor, tab, key_in(request.args.get("avant")))
        counts = views.counts(db, g.actor)
        elsewhere = views.elsewhere(db, g.actor)
    return render_template(
        "arrivals/index.html",
        lines=lines,
        more=more,
        counts=counts,
        elsewhere=elsewhere,
        tabs=views.TABS,
        tab=tab,
        typed=typed,
    )


@pages.post("/arrivees/<int:arrival_id>/reprendre")
@guard(CREATE)
def again(arrival_id: int) -> BaseResponse:
    """Have it opened, or tried once more."""
    what = settling.again(g.actor, arrival_id, key_in(request.form.get("tries")) or 0)
    flash(
        spaces(f"« {what} » est reprise : elle s’ouvre dans un instant, ou revient ici avec la raison."), "ok"
    )
    return redirect(url_for("arrivals.index"))


@pages.post("/arrivees/<int:arrival_id>/de-cote")
@guard(CREATE)
def put_aside(arrival_id: int) -> BaseResponse | tuple[str, int]:
    """Put it aside, with a reason."""
    word = request.form.get("word", "")
    try:
        what = settling.put_aside(g.actor, arrival_id, key_in(request.form.get("tries")) or 0, word)
    except Refusal as refusal:
        if refusal.key not in {"arrival-word", "text-hidden"}:
            raise
        status, sentence = sentences.say(refusal.key, refusal.facts)
        return _index("a-regler", {arrival_id: (word, sentence)}), status
    flash(spaces(f"« {what} » est mise de côté ; ses fichiers restent."), "ok")
    return redirect(url_for("arrivals.index"))


@pages.get("/arrivees/<int:arrival_id>/fichiers/<int:file_id>")
@guard(CREATE)
def file(arrival_id: int, file_id: int) -> Response:
    """A file in its very bytes, to download."""
    with reading(g.actor.collectivity_id) as db:
        row = views.file_of(db, g.actor, arrival_id, file_id)
    return _bytes(row)


def _bytes(row: ArrivalFile) -> Response:
    """What came, once the antivirus has looked at it, and at what a mail holds."""
    here = g.actor.collectivity_id
    look(here, row.sha256, row.filename, leaves if row.kind == "evidence" else None)
    response = Response(
        vault.store().stream(vault.scope(here), row.sha256), mimetype="application/octet-stream"
    )
    response.headers["Content-Disposition"] = disposition(row.filename, download=True)
    return response


@pages.get("/dossiers/<int:folder_id>/arrivee")
@guard(PERSON)
def brought(folder_id: int) -> str:
    """What came as a folder, for who reads it: each file in its bytes, and the mail that proves it."""
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        line, title = views.of_folder(db, g.actor, folder.id), folder.title
        mine = folder.emitter_desk_id in g.actor.desks_with(Right.CREATE, folder.of_type)
        apart = {
            file.rank
            for file in line.files
            if mine and settling.may_part(folder, file.rank, evidence=file.evidence, fate=file.fate)
        }
    return render_template("arrivals/brought.html", line=line, folder_id=folder_id, title=title, apart=apart)


@pages.post("/dossiers/<int:folder_id>/arrivee/<int:rank>/a-part")
@guard(CREATE)
def apart(folder_id: int, rank: int) -> BaseResponse:
    """Make an arrival of its own of one that is another invoice, and take it out of the annexes of the draft."""
    name, annexes = settling.apart(g.actor, folder_id, rank)
    stays = "" if annexes else STAYS
    for document in annexes:
        try:
            deposit.remove_document(g.actor, folder_id, document)
        except Refusal:  # it is sent already, or somebody else has taken it out
            stays = STAYS
    flash(spaces(f"« {name} » est une arrivée à part : elle s’ouvre dans un instant.{stays}"), "ok")
    return redirect(url_for("arrivals.brought", folder_id=folder_id))


@pages.get("/dossiers/<int:folder_id>/arrivee/<int:rank>")
@guard(PERSON)
def brought_file(folder_id: int, rank: int) -> Response:
    """One of these files, to download."""
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        line = views.of_folder(db, g.actor, folder.id)
        number = next((file.id for file in line.files if file.rank == rank), 0)
        row = views.file_of(db, g.actor, line.id, number)
    return _bytes(row)


@pages.route("/administration/arrivees", methods=["GET", "POST"], endpoint="routing")
@guard("administer")
def _routing() -> BaseResponse | tuple[str, int]:
    """The rows of the routing and the sorting desk; what is posted is one gesture on the routing that was shown."""
    if request.method != "POST":
        return _routing_page()
    gesture = request.form.get("gesture", "")
    typed = _typed()
    with reading(g.actor.collectivity_id) as db:
        present = routing.routing_of(db, g.actor.collectivity_id)
    try:
        shown = key_in(request.form.get("revision")) or 0
        wanted = rows.played(replace(present, revision=shown), gesture, typed)
        waited = routing.choose(g.actor, wanted)
    except Refusal as refusal:
        moved = refusal.key in {"routing-moved", "routing-gone"}
        return _routing_page(None if moved else (gesture, typed), refusal)
    opened = f" {plural(waited, 'arrivée')} en attente s’ouvrent." if waited else ""
    flash(spaces(f"C’est enregistré.{opened}"), "ok")
    return redirect(url_for("arrivals.routing"))


def _typed() -> Row:
    """What a form says of a row, or of the sorting desk."""
    form = request.form
    when = {name: form.get(f"when-{name}", "")[:1000] for name in CRITERIA}
    to = Destination(
        form.get("desk", ""), form.get("kind", ""), form.get("service", ""), bool(form.get("send"))
    )
    return Row({name: text for name, text in when.items() if text.strip()}, to)


def _routing_page(typed: tuple[str, Row] | None = None, refusal: Refusal | None = None) -> tuple[str, int]:
    """`typed`: the gesture that was refused, and what was typed with it."""
    status, error = sentences.say(refusal.key, refusal.facts) if refusal else (200, "")
    here = g.actor.collectivity_id
    with reading(here) as db:
        present = routing.routing_of(db, here)
        kinds = routing.kinds(db, here)
        desks = choosing.desks(db, here, whole=True, keys=True).options
        waits = routing.waiting(db, here)
        elsewhere = views.elsewhere(db, g.actor)
        offered = learnt.learnt(db, here, present)
    gesture, row = typed or ("", None)
    names = {key: name.lstrip() for key, name in desks}
    return render_template(
        "arrivals/routing.html",
        lines=rows.lines(present, names, dict(kinds)),
        otherwise=row.to if row and gesture == "otherwise" else present.otherwise,
        chosen=present.otherwise is not None,
        opened=gesture,
        typed=row,
        criteria=CRITERIA,
        ways=[(way.value, way.label) for way in Way],
        kinds=kinds,
        desks=desks,
        waits=waits,
        elsewhere=elsewhere,
        offered=offered,
        revision=stale.mark("revision", present.revision, fresh=typed is None),
        error=error,
    ), status
