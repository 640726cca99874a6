"""The page « Absences »: who is away, one's own written and ended there, what each would stop before it is written."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask import Blueprint, flash, g, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.core.clock import now, today
from app.core.db import Db, key_in, reading
from app.core.french import jour_long, spaces
from app.core.http import PERSON, guard, spreadsheet
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.operations.absences import planning, views
from app.operations.absences.blocking import Outlook, outlook, soon
from app.people.covers import away_at, law_of
from app.people.models import Absence
from app.people.office.web import choosing_whole, who_is_there
from app.people.working_days import calendar_of
from workflows.absences import MINUTE

pages = Blueprint("absences", __name__)
HERE = "operations.absences.index"
NOT_WRITTEN = spaces("Rien n’a été enregistré : ")
"""How what was asked is refused; an absence that stands, and is only shown, was asked of nobody."""
NOBODY = 0
"""The number of no person and of no desk: what is refused as any that is not there."""
ACTS, READS = "agir", "lire"


@pages.get("/absences")
@guard(PERSON)
def index() -> str:
    """Who is away and who stands in, one's own absences, and the form that writes one."""
    return _page(_proposed(), None, None)


@pages.get("/absences.<any(csv, ods):form>")
@guard(PERSON)
def table(form: str) -> Response:
    """The absences that the page lists, of everybody, and one's own that are over, as a table of one's own."""
    moment = now()
    with reading(g.actor.collectivity_id) as db:
        rows = [*planning.coming(db, g.actor.collectivity_id, moment), *views.over(db, g.actor.user_id)]
        cells = views.table(db, g.actor, list({row.id: row for row in rows}.values()))
    return spreadsheet(f"absences-{today():%Y-%m-%d}", form, views.TABLE, cells)


@pages.post("/absences")
@guard(PERSON)
@who_is_there(HERE, doing="Enregistrer une absence")
def plan() -> Response | tuple[str, int]:
    """Write an absence."""
    wanted = _typed()
    try:
        _refuse_power()
        planning.plan(g.actor, wanted)
    except Refusal as refusal:
        return _refused(wanted, refusal, None)
    flash("L’absence est enregistrée.", "ok")
    return redirect(url_for(HERE))


@pages.post("/absences/apercu")
@guard(PERSON)
def preview() -> str | tuple[str, int]:
    """The same form with what the absence would stop, and why it would be refused if it would; nothing is written.

    `absence`: the one that it would change, which the reader may write, and whose person never changes.
    """
    wanted, number, prospect = _typed(), key_in(request.form.get("absence")), None
    status, forbidden = 200, ""
    with reading(g.actor.collectivity_id) as db:
        if "absence" in request.form:
            wanted = replace(wanted, user_id=_row(db, number or NOBODY).user_id)
        wanted = views.proposed(db, g.actor, wanted)
        try:
            _refuse_power()
            prospect, forbidden = _outlook(db, wanted, number)
        except Refusal as refusal:
            status, forbidden = sentences.say(refusal.key, refusal.facts)[0], _why(refusal)
    return _page(wanted, None, prospect, number, _revision(), forbidden), status


@pages.get("/absences/choix/<what>")
@guard(PERSON)
def choices(what: str) -> Response:
    """The people whom words find, the beginning of them, for a list of the page that it does not hold whole."""
    search = request.args.get("q", "")[:100]
    with reading(g.actor.collectivity_id) as db:
        if what == "absents":
            offer = views.absent_offered(db, g.actor, search=search)
        elif what == "interim":
            offer = views.colleagues_offered(db, g.actor, search=search)
        elif what == "secretariat":
            offer = views.colleagues_offered(db, g.actor, search=search, but=[g.actor.user_id])
        else:
            raise Refusal("not-found")
    return jsonify(options=offer.options, more=offer.more)


@pages.route("/absences/<int:absence_id>", methods=["GET", "POST"])
@guard(PERSON)
@who_is_there(HERE, doing="Modifier une absence")
def show(absence_id: int) -> Response | str | tuple[str, int]:
    """One absence, to be changed; who may not is told that it does not exist."""
    if request.method != "POST":
        prospect, error = None, ""
        with reading(g.actor.collectivity_id) as db:
            row = _row(db, absence_id)
            wanted, revision = planning.as_written(row, row.cover_id), row.revision
            try:
                # It stands as it was written; that it could not be written so any more is told
                prospect, error = _outlook(db, wanted, absence_id)
            except Refusal as refusal:
                error = _why(refusal)
        return _page(wanted, error, prospect, absence_id, revision)
    wanted = _typed()
    try:
        _refuse_power()
        planning.change(g.actor, absence_id, wanted, revision=_revision())
    except Refusal as refusal:
        return _refused(wanted, refusal, absence_id)
    flash("L’absence est modifiée.", "ok")
    return redirect(url_for(HERE))


@pages.post("/absences/<int:absence_id>/terminer")
@guard(PERSON)
@who_is_there(HERE, doing="Terminer ou supprimer une absence")
def end(absence_id: int) -> Response:
    """End an absence now, or delete one that has not begun."""
    if planning.end(g.actor, absence_id, revision=_revision()):
        flash("C’est terminé : plus rien n’est confié à ce titre.", "ok")
    else:
        flash("L’absence est supprimée ; elle n’avait pas commencé.", "ok")
    return redirect(url_for(HERE))


@pages.post("/absences/secretariat")
@guard(PERSON)
@who_is_there(HERE, doing="Choisir qui peut écrire vos absences")
def secretary() -> Response:
    """Say who may write one's absences beside oneself."""
    planning.name_secretary(g.actor, _chosen("secretariat"))
    flash("C’est enregistré.", "ok")
    return redirect(url_for(HERE))


def _revision() -> int:
    return key_in(request.form.get("revision")) or 0


def _row(db: Db, number: int) -> Absence:
    row = db.get(Absence, number)
    if row is None or row.collectivity_id != g.actor.collectivity_id:
        raise Refusal("absence-unknown")
    if not planning.may_set(db, g.actor, row.user_id):
        raise Refusal("absence-unknown")
    return row


def _outlook(db: Db, wanted: planning.Wanted, number: int | None) -> tuple[Outlook, str]:
    """What an absence would stop, and what it would be refused for all the same; refuses what `planning.checked` refuses."""
    law, absent, cover = planning.checked(db, g.actor, wanted, but=number)
    others = [
        law_of(other)
        for other in planning.coming(db, g.actor.collectivity_id, max(law.starts, now()))
        if other.id != number
    ]
    forbidden = ""
    try:
        planning.refuse_emitter(db, g.actor, law, cover)
    except Refusal as refusal:
        forbidden = _why(refusal)
    return outlook(db, g.actor, law, absent, cover, others, but=number), forbidden


def _why(refusal: Refusal) -> str:
    """Why an absence is refused, where nothing was asked to be written."""
    sentence = sentences.say(refusal.key, refusal.facts)[1].removeprefix(NOT_WRITTEN)
    return f"{sentence[:1].upper()}{sentence[1:]}"


def _proposed() -> planning.Wanted:
    """From tomorrow, or the day after one's absences that meet: one that was just written is not proposed again."""
    start, last = soon()
    with reading(g.actor.collectivity_id) as db:
        own = [
            absence
            for absence in planning.coming(db, g.actor.collectivity_id, start)
            if absence.user_id == g.actor.user_id
        ]
    for absence in own:  # in the order in which they begin
        if absence.starts_at <= last and absence.ends_at > start:
            start, last = soon(absence.ends_at - MINUTE)
    return planning.Wanted(
        g.actor.user_id, None, start.strftime(planning.MINUTES), last.strftime(planning.MINUTES)
    )


def _typed() -> planning.Wanted:
    form = request.form
    return planning.Wanted(
        (_chosen("pour") or NOBODY) if "pour" in form else g.actor.user_id or NOBODY,
        _chosen("interim"),
        form.get("du", "")[:40],
        form.get("au", "")[:40],
        _chosen("bureau"),
        tuple(form.getlist("types")[: planning.MOST_TYPES]),
        form.get("pouvoir") == ACTS,
        form.get("courriels") == "1",
    )


def _chosen(field: str) -> int | None:
    """The number that a list of choices sends; None for its empty one, `NOBODY` for what is none of its choices."""
    typed = request.form.get(field, "")
    return (key_in(typed) or NOBODY) if typed else None


def _refuse_power() -> None:
    """Refuse `absence-power` what is neither to act nor to read."""
    if request.form.get("pouvoir") not in {ACTS, READS}:
        raise Refusal("absence-power")


def _refused(wanted: planning.Wanted, refusal: Refusal, number: int | None) -> tuple[str, int]:
    if refusal.key == "absence-unknown":
        raise refusal
    status, sentence = sentences.say(refusal.key, refusal.facts)
    return _page(wanted, sentence, None, number, _revision()), status


def _page(
    wanted: planning.Wanted,
    error: str | None,
    prospect: Outlook | None,
    number: int | None = None,
    revision: int = 0,
    forbidden: str = "",
) -> str:
    collectivity_id, moment = g.actor.collectivity_id, now()
    # Three weeks from the one that is asked, else from that of the absence that is written or changed
    about = wanted.first[:10] if number or request.method == "POST" else ""
    first = views.monday(request.args.get("semaine", about))
    with reading(collectivity_id) as db:
        rows = planning.coming(db, collectivity_id, moment - timedelta(days=2 * views.DAYS))
        alive = [absence for absence in rows if absence.ends_at > moment]
        lines = views.lines(db, g.actor, alive)
        calendar = calendar_of(db, collectivity_id)
        days = {first + timedelta(days=rank): False for rank in range(views.DAYS)}
        works = {day: calendar.works(day) for day in days}
        names = planning.names(
            db,
            {absence.user_id for absence in rows}
            | {absence.cover_id or 0 for absence in rows}
            | ({wanted.user_id} if number else set()),
        )
        whole = choosing_whole()
        secretary = planning.secretary_of(db, g.actor.user_id)
        own = [absence for absence in alive if absence.user_id == g.actor.user_id]
        mine = views.lines(db, g.actor, own)
        past = views.over(db, g.actor.user_id)
        context: Mapping[str, Any] = {
            "now_away": [absence for absence in lines if absence.state == "now"],
            "coming": [absence for absence in lines if absence.state == "coming"],
            "mine": mine,
            "over": views.lines(db, g.actor, past),
            "decided": views.decided_in(db, g.actor.name, [*own, *past]),
            "planning": views.planned(rows, g.actor, names, first, works),
            "people": views.absent_offered(db, g.actor, chosen=wanted.user_id, whole=whole),
            "offered": views.colleagues_offered(
                db, g.actor, chosen=wanted.cover_id, whole=whole, but=_never(wanted)
            ),
            "desks": views.desks_offered(db, g.actor, wanted.user_id),
            "types": views.types_offered(
                db,
                g.actor,
                # those of the absence that is being changed stay offered, or saving it would open it to every type
                next((absence.types for absence in alive if absence.id == number), ()),
            ),
            "secretary": secretary,
            "colleagues": views.colleagues_offered(
                db,
                g.actor,
                chosen=secretary.id if secretary is not None else None,
                whole=whole,
                but=[g.actor.user_id],
            ),
            "standing_in": views.stood_in(db, g.actor, alive),
            "whose": names.get(wanted.user_id, "") if number and wanted.user_id != g.actor.user_id else "",
            "away": sorted(
                away_at(db, collectivity_id, moment).get(g.actor.user_id, []), key=lambda away: away.law.ends
            ),
        }
    return render_template(
        "operations/absences.html",
        wanted=wanted,
        error=error,
        outlook=prospect,
        number=number,
        revision=revision,
        forbidden=forbidden,
        day=jour_long(today()),
        **context,
    )


def _never(wanted: planning.Wanted) -> list[int]:
    """Who is not offered to stand in: the person, and whoever writes the absence of another without administering all."""
    if g.actor.administrator:
        return [wanted.user_id]
    return [wanted.user_id, g.actor.user_id]
