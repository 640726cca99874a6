"""Pages of legality control: the Préfecture's letters, an act at the Préfecture, and what is made of both."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask import Response as FlaskResponse
from werkzeug.wrappers import Response

from app.core.clock import now, today
from app.core.db import key_in, reading
from app.core.french import taille
from app.core.http import FILES, PERSON, disposition, guard, wants_json
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.core.security import new_token
from app.display import page
from app.display.blueprint import CREATE, posted, received, version_shown
from app.files import vault
from app.folders.access import authorize, looks_on
from app.folders.effect import appeals_of
from app.legality import acts, appeals, cancelling, intake, on_paper, replies, reports, views
from app.legality.suspension import Demand, record_suspension
from app.people.actor import Actor
from app.transmission import silences

pages = Blueprint("legality", __name__, template_folder="templates")
ELSEWHERE = frozenset({"moved-on", "not-found", "not-emitter", "bad-request"})
PDF = "application/pdf"
ANNEXES = 4


@pages.get("/prefecture")
@guard(PERSON)
def inbox() -> str:
    """« Courriers de la préfecture »: those that wait, or all of them."""
    everything = request.args.get("tous") == "1"
    with reading(g.actor.collectivity_id) as db:
        letters = views.lines(db, g.actor, open_only=not everything)
        silence = silences.deaf(db, g.actor.collectivity_id, "actes")
    return render_template("legality/inbox.html", letters=letters, everything=everything, silence=silence)


@pages.post("/prefecture/relever")
@guard(CREATE)
def fetch() -> Response:
    """Ask for the letters now; asked twice in a minute, they are fetched once."""
    intake.ask(g.actor, f"letters-{g.actor.collectivity_id}-now-{now():%Y%m%d%H%M}")
    flash("Le relevé est demandé : les courriers nouveaux paraîtront ici dans un instant.", "ok")
    return redirect(url_for("legality.inbox"))


@pages.get("/prefecture/<int:letter_id>")
@guard(PERSON)
def letter(letter_id: int) -> str:
    """One letter: what it says, how long is left, and what may be answered."""
    return _letter_page(g.actor, letter_id)


def _letter_page(actor: Actor, letter_id: int, error: str | None = None) -> str:
    with reading(actor.collectivity_id) as db:
        row = replies.letter_for(db, actor, letter_id)
        view, types = views.letter_view(db, g.actor, row), replies.types_of(row.identifier)
    limit = taille(current_app.config["MAX_CONTENT_LENGTH"])
    context: dict[str, Any] = {
        "letter": view,
        "types": types,
        "once": new_token(),
        "annexes": range(1, ANNEXES + 1),
        "error": error,
    }
    return render_template("legality/letter.html", limit_label=limit, **context)


@pages.get("/prefecture/<int:letter_id>/fichiers/<int:rank>")
@guard(PERSON)
def file(letter_id: int, rank: int) -> FlaskResponse:
    """A file of a letter, in its very bytes: 0 is the message, the others its documents."""
    with reading(g.actor.collectivity_id) as db:
        row = replies.letter_for(db, g.actor, letter_id)
        listed = [
            (row.filename, row.sha256, "application/xml"),
            *((file["name"], file["sha256"], file["media_type"]) for file in row.files),
        ]
    if rank >= len(listed):
        raise Refusal("document-unknown")
    name, sha256, media = listed[rank]
    data = vault.store().read(vault.scope(g.actor.collectivity_id), sha256)
    return _sent(data, name, media if media == PDF else "application/octet-stream", download=media != PDF)


@pages.post("/prefecture/<int:letter_id>/repondre")
@guard(CREATE, body=FILES)
def reply(letter_id: int) -> Response | tuple[str, int]:
    """Make the draft of a reply from its typed documents."""
    names = ["main", *(f"annex{rank}" for rank in range(1, ANNEXES + 1))]
    sent = [name for name in names if (upload := request.files.get(name)) and upload.filename]
    sent = sent if "main" in sent else []  # no annex is signed as the letter
    try:
        with received(*(sent or names[:1])) as files:
            typed = [
                replies.Typed(document, request.form.get(f"type_{name}", ""))
                for name, document in zip(sent, files, strict=True)
            ]
            code = request.form.get("code", "")
            chosen = [letter_id, code, [annex.type_code for annex in typed]]
            once = posted(f"reply {letter_id}", chosen, files)
            folder_id = replies.prepare_reply(g.actor, letter_id, code, typed, once=once)
    except Refusal as refusal:
        if refusal.key in ELSEWHERE:
            raise
        status, error = sentences.say(refusal.key, refusal.facts)
        return _letter_page(g.actor, letter_id, error), status
    flash("La réponse est prête en brouillon : relisez-la, puis envoyez-la dans son circuit.", "ok")
    return redirect(url_for("folders.draft", folder_id=folder_id))


@pages.post("/prefecture/<int:letter_id>/classer")
@guard(CREATE)
def close(letter_id: int) -> Response | tuple[str, int]:
    """Put aside a letter that asks for no reply."""
    try:
        replies.close(g.actor, letter_id, request.form.get("done", ""), version=version_shown())
    except Refusal as refusal:
        return _on_letter(letter_id, refusal)
    flash("Le courrier est classé.", "ok")
    return redirect(url_for("legality.inbox"))


@pages.post("/prefecture/<int:letter_id>/suspension")
@guard(CREATE)
def suspend(letter_id: int) -> Response | tuple[str, int]:
    """Keep the request of suspension that comes with a referral, and the judge's ruling."""
    days = [_typed_day(request.form.get(name, "")) for name in ("asked_on", "ruled_on")]
    try:
        demand = Demand(days[0], request.form.get("ruled", ""), days[1])
        record_suspension(g.actor, letter_id, demand, version=version_shown())
    except Refusal as refusal:
        return _on_letter(letter_id, refusal)
    flash("La suspension est enregistrée : le dossier et la page publique disent ce que vaut l’acte.", "ok")
    return redirect(url_for("legality.letter", letter_id=letter_id))


def _on_letter(letter_id: int, refusal: Refusal) -> tuple[str, int]:
    """What is only to be corrected is said on the letter's page, with what was typed."""
    status, error = sentences.say(refusal.key, refusal.facts)
    if status != 422 or wants_json():
        raise refusal
    return _letter_page(g.actor, letter_id, error), status


def _typed_day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed) if typed else None
    except ValueError:
        return None


@pages.get("/decisions-a-rapporter")
@guard(PERSON)
def to_report() -> tuple[str, int]:
    """The decisions by delegation that the council has not heard of yet."""
    return _to_report()


@pages.post("/decisions-a-rapporter")
@guard(CREATE)
def report() -> Response | tuple[str, int]:
    """Write at which meeting those that are ticked were reported."""
    ticked = [number for entry in request.form.getlist("d") if (number := key_in(entry)) is not None]
    try:
        count = reports.report_decisions(g.actor, ticked, _typed_day(request.form.get("sitting_on", "")))
    except Refusal as refusal:
        if refusal.key in ELSEWHERE:
            raise
        status, error = sentences.say(refusal.key, refusal.facts)
        return _to_report(status, error, ticked)
    flash("1 décision est rapportée." if count == 1 else f"{count} décisions sont rapportées.", "ok")
    return redirect(url_for("legality.to_report"))


def _to_report(status: int = 200, error: str | None = None, ticked: Sequence[int] = ()) -> tuple[str, int]:
    with reading(g.actor.collectivity_id) as db:
        rows = reports.to_report(db, g.actor)
    context = {"rows": rows, "error": error, "ticked": ticked, "today": today().isoformat()}
    return render_template(
        "legality/reports.html", sitting_on=request.form.get("sitting_on", ""), **context
    ), status


@pages.get("/dossiers/<int:folder_id>/prefecture")
@guard(PERSON)
def act(folder_id: int) -> str:
    """An act at the Préfecture: its dates and clocks, its letters, appeals, its copy, its certificate."""
    return _act_page(folder_id)


@pages.post("/dossiers/<int:folder_id>/recours")
@guard(CREATE)
def appeal(folder_id: int) -> Response | tuple[str, int]:
    """Record an appeal of a third party against an act."""
    entry = appeals.Entry(
        request.form.get("kind", ""),
        _typed_day(request.form.get("received_on", "")),
        request.form.get("who", ""),
    )
    version = version_shown()
    return _on_act(
        folder_id,
        lambda: appeals.record_appeal(g.actor, folder_id, entry, version=version),
        "Le recours est enregistré.",
    )


@pages.post("/dossiers/<int:folder_id>/recours/<int:rank>")
@guard(CREATE)
def appeal_over(folder_id: int, rank: int) -> Response | tuple[str, int]:
    """Write what an appeal came to."""
    outcome, day = request.form.get("outcome", ""), _typed_day(request.form.get("ended_on", ""))
    version = version_shown()
    return _on_act(
        folder_id,
        lambda: appeals.end_appeal(g.actor, folder_id, rank, version=version, outcome=outcome, ended_on=day),
        "La suite du recours est enregistrée.",
    )


@pages.post("/dossiers/<int:folder_id>/recours/<int:rank>/correction")
@guard(CREATE)
def appeal_corrected(folder_id: int, rank: int) -> Response | tuple[str, int]:
    """Write again what an appeal came to, or take it back, with the reason."""
    outcome, day = request.form.get("outcome", ""), _typed_day(request.form.get("ended_on", ""))
    version, reason = version_shown(), request.form.get("reason", "")
    return _on_act(
        folder_id,
        lambda: appeals.correct_outcome(
            g.actor, folder_id, rank, version=version, outcome=outcome, ended_on=day, reason=reason
        ),
        "La suite du recours est corrigée.",
    )


def _on_act(folder_id: int, verb: Callable[[], None], sentence: str) -> Response | tuple[str, int]:
    """Do it and come back; what is only to be corrected is said on the page, with what was typed."""
    try:
        verb()
    except Refusal as refusal:
        status, error = sentences.say(refusal.key, refusal.facts)
        if status != 422 or wants_json():
            raise
        return _act_page(folder_id, error), status
    flash(sentence, "ok")
    return redirect(url_for("legality.act", folder_id=folder_id))


def _act_page(folder_id: int, error: str | None = None) -> str:
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        life = acts.life_of(db, folder)
        position = life.standing
        context = {
            "folder": page.head(db, folder),
            "dates": views.dates_of(life),
            "letters": views.lines(db, g.actor, open_only=False, folder_id=folder.id),
            "enforceable": life.enforceable_on is not None,
            "cancellable": cancelling.may_ask(g.actor, folder, position),
            "operator_copy": acts.copy_offered(position.act),
            "asked": position.request if position.cancelled is None else None,
            "cancelled": position.cancelled,
            "simulated": position.act.simulated,
            # Who appeals is named there: not to whoever reads the act for its type alone
            "appeals": () if looks_on(db, g.actor, folder) else appeals_of(folder.fields),
            "answerable": replies.answers_for(g.actor, folder),
        }
    more = {
        "error": error,
        "kinds": appeals.KINDS,
        "outcomes_of": appeals.outcomes_of,
        "outcomes": appeals.OUTCOMES,
    }
    context |= {**more, "today": today().isoformat(), "longest": appeals.LONGEST}
    return render_template("legality/act.html", **context)


@pages.get("/dossiers/<int:folder_id>/copie-tamponnee")
@guard(PERSON)
def stamped(folder_id: int) -> FlaskResponse:
    """The stamped copy, made anew: a view of the act, never the act."""
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        data, name = acts.stamped_copy(db, folder), f"copie-tamponnee-{folder.number or folder.id}.pdf"
    return _sent(data, name, PDF)


@pages.get("/dossiers/<int:folder_id>/copie-de-l-operateur")
@guard(PERSON)
def operator_copy(folder_id: int) -> FlaskResponse:
    """The copy that the relay operator stamps: a view of the act too."""
    data, folder = acts.operator_copy(g.actor, folder_id)
    return _sent(data, f"copie-operateur-{folder.number or folder.id}.pdf", PDF)


@pages.get("/dossiers/<int:folder_id>/bordereau-de-l-operateur")
@guard(PERSON)
def operator_slip(folder_id: int) -> FlaskResponse:
    """The acknowledgement slip that the relay operator writes, beside the receipt itself, which alone is the proof."""
    data, folder = acts.operator_slip(g.actor, folder_id)
    return _sent(data, f"bordereau-operateur-{folder.number or folder.id}.pdf", PDF)


@pages.get("/dossiers/<int:folder_id>/certificat-executoire")
@guard(PERSON)
def certificate(folder_id: int) -> FlaskResponse:
    """The certificate that an act is enforceable, ready to print or to deposit for the mayor's signature."""
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        data, name = acts.certificate(db, folder), f"certificat-executoire-{folder.number or folder.id}.pdf"
    return _sent(data, name, PDF)


@pages.route("/dossiers/<int:folder_id>/annuler-la-transmission", methods=["GET", "POST"])
@guard(CREATE)
def cancel(folder_id: int) -> Response | tuple[str, int]:
    """Ask why, and make the draft that asks the cancellation; it has its own approvals."""
    status, error, motive = 200, None, request.form.get("motive", "")
    with reading(g.actor.collectivity_id) as db:
        cancelling.ready(db, g.actor, authorize(db, g.actor, folder_id))
    if request.method == "POST":
        try:
            draft_id = cancelling.prepare_cancellation(g.actor, folder_id, motive)
        except Refusal as refusal:
            if refusal.key in ELSEWHERE:
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
        else:
            flash("La demande d’annulation est prête en brouillon : envoyez-la dans son circuit.", "ok")
            return redirect(url_for("folders.draft", folder_id=draft_id))
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        view, life = page.head(db, folder), acts.life_of(db, folder)
    identifier = life.standing.act.identifier
    return render_template(
        "legality/cancel.html", folder=view, identifier=identifier, motive=motive, error=error
    ), status


@pages.route("/dossiers/<int:folder_id>/transmis-sur-papier", methods=["GET", "POST"])
@guard(CREATE, body=FILES)
def paper(folder_id: int) -> Response | tuple[str, int]:
    """Record, with its proof, that an act was received on paper while the convention is suspended."""
    status, error, typed = 200, None, request.form.get("received_on", "")
    with reading(g.actor.collectivity_id) as db:
        on_paper.ready(db, g.actor, authorize(db, g.actor, folder_id))
    if request.method == "POST":
        try:
            return _on_paper(folder_id, typed)
        except Refusal as refusal:
            if refusal.key in ELSEWHERE:
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        view, suspension = page.head(db, folder), on_paper.suspension(db, folder.collectivity_id)
    limit = taille(current_app.config["MAX_CONTENT_LENGTH"])
    context = {"folder": view, "held": suspension, "received_on": typed, "error": error, "limit_label": limit}
    return render_template("legality/paper.html", **context), status


def _on_paper(folder_id: int, typed: str) -> Response:
    received_on = _typed_day(typed)
    with received("proof") as files:
        proof = files[0] if files else None
        on_paper.send(g.actor, folder_id, version=version_shown(), received_on=received_on, proof=proof)
    flash("La réception sur papier est enregistrée, avec sa preuve.", "ok")
    return redirect(url_for("folders.show", folder_id=folder_id))


def _sent(data: bytes, name: str, media: str, *, download: bool = False) -> FlaskResponse:
    response = FlaskResponse(data, mimetype=media)
    response.headers["Content-Disposition"] = disposition(name, download=download)
    return response
