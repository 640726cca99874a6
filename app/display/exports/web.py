"""What one takes away: the slip as a PDF, a folder or what a list shows as a ZIP, the list as a table."""

from collections.abc import Sequence
from datetime import date, datetime

from flask import Response, g, render_template, request, stream_with_context

from app.core import french
from app.core.clock import PARIS, now
from app.core.db import NO_DATE, reading
from app.core.french import Abroad, euros, instant
from app.core.http import PERSON, disposition, guard, spreadsheet
from app.core.refusals import Refusal
from app.core.spreadsheet import Cell
from app.display import columns, following, home, queues, searching, timeline, trays, views
from app.display.asking import understood
from app.display.blueprint import pages
from app.display.exports import bundle, slip_pdf
from app.display.exports.slip import slip
from app.display.opening import shown_to
from app.folders import marks
from app.folders.publicity import published_word
from app.people.actor import Actor
from workflows.circuit import Phase

MOST_ROWS = 5_000
"""Of a table of « Suivi », or of a tray of « À traiter »."""
DEPOSITED, BEGUN = "Déposé par", "Commencé par"
"""By whom a folder of a tray is: a draft was never deposited."""
TRAY = (
    "Dossier",
    "Titre",
    "Numéro",
    "Type",
    "Montant",
    "À faire",
    "État",
    "En l’absence de",
    "Avis demandé par",
    "Dernier geste",
    "Motif",
    DEPOSITED,
    "Arrivé le",
    "Échéance",
    "Échéance de l’étape",
    "Masqué jusqu’au",
)
NAMES = {
    "todo": "a-traiter",
    "late": "en-retard",
    "returned": "retournes",
    "running": "en-cours",
    "done": "termines",
    "drafts": "brouillons",
}
"""The tray that a table is of, as its file is called."""
COLUMNS = (
    "Dossier",
    "Titre",
    "Numéro",
    "Type",
    "Montant",
    "État",
    "Étape",
    "On attend",
    "Depuis",
    "Échéance",
    "Échéance de l’étape",
)


@pages.get("/dossiers/<int:folder_id>/bordereau")
@guard(PERSON)
def printed(folder_id: int) -> str:
    """The circulation slip of a folder, made to be printed."""
    with french.for_years():
        return render_template("folders/slip.html", slip=shown_to(g.actor, folder_id, slip))


@pages.get("/dossiers/<int:folder_id>/bordereau.pdf")
@guard(PERSON)
def slip_file(folder_id: int) -> Response:
    """The slip as a PDF."""
    return pdf_of(g.actor, folder_id)


@pages.get("/dossiers/<int:folder_id>/dossier.zip")
@guard(PERSON)
def folder_file(folder_id: int) -> Response:
    """A folder as one file."""
    return zip_of(g.actor, [folder_id])


@pages.get("/suivi.zip")
@guard(PERSON)
def list_file() -> Response:
    """The folders that « Suivi » finds, as one file."""
    found = [one.id for one in _found(g.actor, bundle.MOST_FOLDERS)]
    return zip_of(g.actor, found)


@pages.get("/suivi.<any(csv, ods):form>")
@guard(PERSON)
def list_table(form: str) -> Response:
    """The folders that « Suivi » finds, as a table of one's own."""
    found = _found(g.actor, MOST_ROWS)
    with reading(g.actor.collectivity_id) as db:
        shown = timeline.follow_rows(db, found, g.actor.collectivity_id)
    cells = [
        (
            str(one.id),
            row.title,
            row.number,
            row.family_label,
            euros(row.amount) if isinstance(row.amount, Abroad) else row.amount,
            row.state,
            row.step,
            ("Avis demandé à " if row.asked else "")
            + " ; ".join(f"{who}, {desk}" if desk else who for who, desk in row.waiting),
            _day(one.since) if one.since is not None else None,
            *(day if day < NO_DATE else None for day in (one.due_on, one.step_due)),
        )
        for one, row in zip(found, shown, strict=True)
    ]
    return spreadsheet(f"suivi-{_today()}", form, *columns.table(COLUMNS, cells, g.actor))


@pages.get("/a-traiter.<any(csv, ods):form>")
@guard(PERSON)
def tray_table(form: str) -> Response:
    """What a tray of « À traiter » has, as a table of one's own; refuses `export-many`."""
    asked = trays.asked_in(request.args)
    with french.for_years(), reading(g.actor.collectivity_id) as db:
        found = trays.whole(db, g.actor, asked, MOST_ROWS)
        if asked.plain and asked.tray == "todo":
            found += home.below(db, g.actor, found, MOST_ROWS)
        lines, last = queues.told(db, found)
        numbers = [line.id for line in lines]
        back = [line.id for line in lines if line.phase == Phase.REJECTED]
        why = home.refusals(db, back, told=_day_told)
        until = marks.hidden_among(db, g.actor, numbers) if asked.only == queues.HIDDEN else {}
        turns = queues.turns(db, g.actor, numbers) if asked.tray == "running" else {}
        cells = [
            _tray_line(line, last.get(line.id), why.get(line.id), until.get(line.id), turns.get(line.id))
            for line in lines
        ]
    heads = [BEGUN if head == DEPOSITED and asked.tray == "drafts" else head for head in TRAY]
    return spreadsheet(f"{NAMES[asked.tray]}-{_today()}", form, *columns.table(heads, cells, g.actor))


def _tray_line(
    line: queues.Line,
    last: queues.LastAct | None,
    why: tuple[str, str] | None,
    until: datetime | None,
    turn: str | None,
) -> tuple[Cell, ...]:
    """A folder of a tray: `why` it was sent back, by whom; `until` when it is hidden; at which `turn` it awaits the reader."""
    amount = views.amount(line.amount_cents, line.currency)
    act, state = (
        _act(line, turn),
        "Brouillon" if line.phase == Phase.DRAFT else views.state_label(line.place, None),
    )
    done, reason = why or ("", "")
    if last is not None and why is None:
        verb = views.acted(
            last.kind, published_word(line.family), sent_back=last.sent_back, handed=last.handed
        )
        done, reason = f"{verb} {last.who}, {_day_told(last.at)}", last.why
    arrived = line.arrived_at or line.entered_at
    # Where no step waits, the day by which the list is in order is the folder's own
    step_due = line.due_on if line.phase == Phase.RUNNING else NO_DATE
    return (
        str(line.id),
        line.title or "Sans titre",
        line.number,
        views.family_words(line.in_force)[0],
        euros(amount) if isinstance(amount, Abroad) else amount,
        act,
        state,
        line.absent,
        line.asked_by if line.asked else "",
        done,
        reason,
        line.depositor_name,
        _day(arrived) if arrived is not None else None,
        *(day if day < NO_DATE else None for day in (line.folder_due, step_due)),
        instant(until) if until is not None else None,
    )


def _act(line: queues.Line, turn: str | None) -> str:
    """What is to be done of a folder of a tray; empty of what awaits somebody else, and of what is over."""
    if turn:
        return views.awaited_act(turn, line.family)[0]
    if line.phase == Phase.REJECTED:
        return "À corriger"
    return trays.act_of(line)[0] if line.phase == Phase.DRAFT or line.held or line.kind is not None else ""


def _day_told(moment: datetime | None) -> str:
    return f"{_day(moment):%d/%m/%Y}" if moment is not None else ""


def _day(moment: datetime) -> date:
    return moment.astimezone(PARIS).date()


def pdf_of(actor: Actor, folder_id: int) -> Response:
    """The slip of a folder that the actor may read, as a PDF to be kept."""
    with french.for_years():
        told = shown_to(actor, folder_id, slip)
        answer = Response(slip_pdf.draw(told, actor.name), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = disposition(f"bordereau-{folder_id}.pdf", download=True)
    return answer


def zip_of(actor: Actor, folder_ids: Sequence[int]) -> Response:
    """These folders as one file, made while it leaves; refuses as `bundle.bundles`."""
    with french.for_years():
        made = bundle.bundles(actor, folder_ids)
    answer = Response(
        stream_with_context(bundle.stream(made, actor.collectivity_id)), mimetype="application/zip"
    )
    answer.headers["Content-Disposition"] = disposition(bundle.filename(made), download=True)
    return answer


def _found(actor: Actor, most: int) -> list[following.Found]:
    """All that the list finds, page after page; refuses `export-many` beyond `most`, and `export-none`."""
    if query := understood(request.args.get("q", "")):
        with reading(actor.collectivity_id) as db:
            numbers = searching.numbers(db, actor, query, searching.chosen_in(request.args), most)
            return following.found(db, numbers) or _none()
    asked = {"family": "famille", "phase": "etat", "order": "tri"}
    wanted = {name: request.args.get(key, "") for name, key in asked.items()}
    found: list[following.Found] = []
    after: str | None = None
    while True:
        with reading(actor.collectivity_id) as db:
            rows = following.follow(db, actor, after=after, **wanted)
        found += rows[: following.PAGE]
        if len(found) > most:
            raise Refusal("export-many", most=most)
        if len(rows) <= following.PAGE:
            break
        after = found[-1].key
    return found or _none()


def _none() -> list[following.Found]:
    raise Refusal("export-none")


def _today() -> str:
    return f"{now().astimezone(PARIS):%Y-%m-%d}"
