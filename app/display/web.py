"""Pages of folders: the lists, the folder, and a route for each verb of whoever decides."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import (
    flash,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from app.circuits.library import catalogue, family_of
from app.core.clock import PARIS, today
from app.core.db import NO_DATE, Db, reading
from app.core.french import EURO, instant, jour, spaces
from app.core.grammar import de, plural
from app.core.http import NOT_LET_IN, PERSON, answer, guard, may_give_back, spreadsheet, wants_json
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.core.spreadsheet import FORMS, Cell
from app.display import (
    activity,
    columns,
    coming,  # noqa: F401 - its routes join the blueprint
    consulting,
    continuations,  # noqa: F401 - the same
    drafting,
    following,
    home,
    leaves,
    marking,  # noqa: F401 - the same
    moved,
    onward,
    page,
    queues,
    relief,  # noqa: F401 - its routes join the blueprint
    saved,
    searching,  # noqa: F401 - its routes join the blueprint
    sorting,
    timeline,
    trays,
    triage,  # noqa: F401 - its routes join the blueprint
    viewed,  # noqa: F401 - its routes join the blueprint
    viewing,
    views,
)
from app.display.blueprint import CREATE, pages, version_shown
from app.display.bytes import serve
from app.display.carried import web as carried  # noqa: F401 - its routes join the blueprint
from app.display.exports import bundle
from app.display.exports import web as exports  # noqa: F401 - its routes join the blueprint
from app.display.forms import facts_typed
from app.display.listed import marks_of
from app.display.noting import web as noting  # noqa: F401 - its routes join the blueprint
from app.display.opening import shown_to
from app.display.portrait import current_present
from app.display.ticking import all_of
from app.folders import decide, filling, marks, returning, ruling, seen, sockets
from app.folders.access import authorize
from app.folders.models import ARRIVED, Folder
from app.folders.move import not_your_turn
from app.folders.publicity import Means, published_word
from app.folders.rows import by_onlooker
from app.folders.sockets import plugged
from app.people.actor import Actor
from workflows.circuit import Phase, StepKind
from workflows.rights import parted_type
from workflows.vocabulary import Action

PLAINLY = "En clair"
"""The column of a table of figures that says a time as the page does."""
FREQUENT = ("Pièce manquante", "Montant à vérifier", "Imputation", "Pas d’accord")


@pages.app_context_processor
def _counted() -> dict[str, object]:
    """How many folders await the reader, for the bar of the pages that did not count them already."""
    return {"todo_waiting": _waiting}


def _waiting() -> str | None:
    actor = g.get("actor")
    # A page that is refused for its pace costs no question
    if actor is None or g.get("refused") == "too-many-pages":
        return None
    try:
        with reading(actor.collectivity_id) as db:
            return queues.shown(queues.counters(db, actor).todo)
    except SQLAlchemyError:  # the page that says so must still be drawn
        return None


@pages.errorhandler(Refusal)
def _refused(refusal: Refusal) -> Response:
    """A page that shows an older state is told what happened meanwhile; every other refusal is shown as everywhere."""
    status, sentence = sentences.say(refusal.key, refusal.facts)
    if refusal.key != "moved-on" or wants_json() or "folder_id" not in (request.view_args or {}):
        # A right or a cover that ended meanwhile: what was typed for it is given back, as where the folder has moved
        back = status in NOT_LET_IN and not wants_json() and may_give_back()
        kept = {"kept": moved.typed(request.form)} if back else {}
        if back and refusal.key == "not-found" and "folder_id" in (request.view_args or {}):
            # Said of any number: whoever may not read a folder is not told that it exists (decision 0008)
            kept["title"], sentence = moved.CLOSED
        return answer(status, refusal.key, sentence, {**kept, **refusal.facts})
    folder_id, why = (request.view_args or {})["folder_id"], str(refusal.facts.get("why", ""))

    def made(db: Db, folder: Folder) -> dict[str, Any]:
        gesture = request.endpoint or ""
        if gesture == "folders.fill" and request.form.get("then") == "approve":
            gesture = moved.FILL_AND_APPROVE
        return moved.context(db, folder, g.actor, gesture, why, request.form)

    context = shown_to(g.actor, folder_id, made)
    return make_response(
        render_template("folders/moved.html", note=moved.typed(request.form), **context), status
    )


@pages.get("/", endpoint="home")
@guard(PERSON)
def first() -> Response:
    """The inbox is the home page."""
    return redirect(url_for("folders.inbox"))


@pages.get("/a-traiter")
@guard(PERSON)
def inbox() -> str:
    """What awaits the reader, due first, and the other trays."""
    asked, after = trays.asked_in(request.args), request.args.get("apres") or None
    tray, family, only, order = asked.tray, asked.family, asked.only, asked.order
    with reading(g.actor.collectivity_id) as db:
        cut, lines = False, list[queues.Line]()
        if order and tray == "drafts":
            lines, cut = sorting.drafts(db, g.actor, order, after=after)
        elif order:
            lines, cut = sorting.todo(db, g.actor, order, tray=tray, family=family, only=only, after=after)
        whole = tray == "todo" and not (family or after or only or order)
        beside_late = tray == "late" and not (family or after or only)
        late = home.MOST if whole else queues.PAGE if beside_late else 0
        read = queues.page(
            db,
            g.actor,
            tray=tray,
            family=family,
            after=after,
            only=only,
            listed=not order,
            home=home.MOST if whole else 0,
            late=late,
            held=tray == "todo" and not (family or after or only),
        )
        counted, marked = read.counted, read.marked
        lines = lines if order else read.lines
        shown = [line.id for line in lines[: queues.PAGE]]
        waits = [line.id for line in (*lines[: queues.PAGE], *read.held) if line.held]
        every, last, rows = queues.told_beside(
            db, [*lines, *read.held], *home.queries(g.actor, read, shown, waits, late)
        )
        lines, held = every[: len(lines)], every[len(lines) :]
        why = home.refusals(db, shown) if tray == "returned" else {}
        until = marks.hidden_among(db, g.actor, shown) if only == queues.HIDDEN else {}
        turns = queues.turns(db, g.actor, shown) if tray == "running" else {}
        beside = home.home(db, g.actor, read, rows, shown, waits, late)
        kept_views, waiting = saved.listed_beside(db, g.actor, sockets.tray_conditions(g.actor))
        bands = sockets.trays(db, g.actor, waiting)
    g.todo_count = counted.todo
    said = Beside(last, why, until, beside.awaited, turns)
    context = views_of_inbox(g.actor, asked, lines, held, counted, marked, said, later=bool(after))
    return render_template(
        "folders/inbox.html",
        bands=bands,
        family=family,
        only=only,
        order=order,
        orders=_orders(asked) if trays.offered(tray) and len(lines) > 1 else [],
        cut=cut,
        tables=[(form, _url(asked, "folders.tray_table", form=form)) for form in FORMS]
        if lines or held or (tray == "late" and beside.late)
        else [],
        views=kept_views,
        save_url=saved.save_url("inbox", asked.said(bannette=tray)),
        home=_home(beside, counted.returned),
        ranks="" if after else _ranks(asked, lines, held, counted, marked, beside),
        **context,
    )


def _ranks(
    asked: trays.Asked,
    lines: list[queues.Line],
    held: list[queues.Line],
    counted: queues.Counters,
    marked: queues.Marks,
    beside: home.Home,
) -> str:
    """The rank of the first folder of a tray's first page, and how many the tray has; empty where that is not known."""
    apart = [one.line.id for one in (*beside.returned, *beside.late)]
    if len(lines) <= queues.PAGE:
        cut = (
            marked.held > len(held) > 0
            or counted.returned > len(beside.returned) > 0
            or beside.late_count > len(beside.late) > 0
        )
        every = {*apart, *(line.id for line in (*lines, *held))}
        return "" if cut else f"1 {len(every)}"
    total = int(getattr(counted, asked.tray))
    known = asked.tray != "todo" and not (asked.family or asked.only or apart or held) and total < queues.CAP
    return f"1 {total}" if known else ""


def _url(asked: trays.Asked, endpoint: str = "folders.inbox", **other: str | None) -> str:
    """The address of what is asked, or of another part of it; of the tray alone where nothing else is."""
    here = asked.tray if asked.tray != "todo" else None
    return url_for(endpoint, bannette=here, **asked.said(**other))


def _orders(asked: trays.Asked) -> list[views.Link]:
    """The same, each with its address."""
    first = "Derniers d’abord" if asked.tray == "drafts" else "Échéance"
    every = {"": first, **{name: one.label for name, one in trays.offered(asked.tray).items()}}
    return [
        views.Link(name, label, "", _url(asked, tri=name or None), name == asked.order)
        for name, label in every.items()
    ]


def _home(beside: home.Home, returned: int) -> list[views.Group]:
    """What came back, then what is late: groups of their own above what awaits the reader."""
    back = f"{'Retourné, à corriger' if returned < 2 else 'Retournés, à corriger'}, {plural(returned, 'dossier')}"
    count, first = beside.late_count, len(beside.late)
    late = f"Vos dépôts en retard, {plural(count, 'dossier')}{f', les {first} plus en retard' if count > first else ''}"
    return [
        views.Group(key, label, tuple(_pending(one) for one in rows))
        for key, label, rows in (("returned", back, beside.returned), ("late", late, beside.late))
        if rows
    ]


def _pending(one: home.Pending) -> views.Row:
    row = replace(_row(one.line, None), last="", unread=False, told=one.who, quote=one.why)
    return replace(row, act="À corriger", act_icon="pencil") if one.line.phase == Phase.REJECTED else row


@dataclass(frozen=True)
class Beside:
    """What a list says of its folders beside what they are, by their number.

    `last`: the last decision; `why`: who sent one back, and why; `until`: the moment at which one that the reader hides comes
    back; `awaited`: whose opinion one waits for; `turns`: the kind of the step at which one of what is under way awaits the
    reader himself.
    """

    last: Mapping[int, queues.LastAct]
    why: Mapping[int, tuple[str, str]]
    until: Mapping[int, datetime]
    awaited: Mapping[int, str]
    turns: Mapping[int, str]


def views_of_inbox(
    actor: Actor,
    asked: trays.Asked,
    lines: list[queues.Line],
    held: list[queues.Line],
    counted: queues.Counters,
    marked: queues.Marks,
    beside: Beside,
    *,
    later: bool,
) -> dict[str, object]:
    """The inbox in words: trays with counters (drafts for those who deposit), chips by family, rows in groups.

    `held`: what waits for an opinion before it is the reader's to decide, which comes last. `later`: a page that another one
    comes before.
    """
    tray = asked.tray
    labels = [(key, label) for key, label in viewing.TRAYS.items() if key != "drafts" or actor.may_create]
    every = [
        views.Link(
            key,
            label,
            queues.shown(getattr(counted, key)),
            url_for("folders.inbox", bannette=key),
            key == tray,
            (key == "late" and counted.late > 0)
            or (key == "returned" and counted.returned > 0 and actor.may_create),
        )
        for key, label in labels
    ]
    chips = (
        _chips(asked, counted, marked)
        if tray == "todo" and (counted.families or marked.hidden or marked.held)
        else []
    )
    todo = tray in {"todo", "late"}
    more = lines[queues.PAGE :]
    lines = lines[: queues.PAGE]
    return {
        "tray": tray,
        "trays": every,
        "chips": chips,
        "groups": [
            *_groups(lines, beside, todo=todo, order=asked.order, cut=(later, bool(more))),
            *_held(held, beside, marked.held),
        ],
        "selection_url": url_for(plugged.selection[0][0]) if plugged.selection and todo else None,
        "to_sign": any(line.kind == StepKind.SIGN for line in lines) and tray == "todo" and not asked.only,
        "desk_line": actor.desk_line,
        "first_url": url_for("folders.show", folder_id=lines[0].id) if lines and tray == "todo" else None,
        "filter": asked.said(bannette=tray),
        "beyond": _beyond(asked, counted, marked, plugged.selection[0][1])
        if more and todo and plugged.selection
        else "",
        "next_url": _url(asked, apres=lines[-1].key) if more else None,
        "empty_line": _empty_line(counted, marked if not asked.only else queues.Marks()),
    }


@pages.get("/a-traiter/compte")
@guard(PERSON)
def awaited_of_all() -> Response:
    """What all that a list finds awaits, beyond its page: how many folders for each act, and the cents of those in euros."""
    with reading(g.actor.collectivity_id) as db:
        lines = all_of(db, g.actor, trays.asked_in(request.args))
    acts = Counter(_ticked_for(line) for line in lines)
    cents = sum(pick.cents for line in lines if (pick := _pick(line)))
    return jsonify(
        {**{act: acts[act] for act in (StepKind.VISA, StepKind.SIGN, views.OTHER)}, "cents": cents}
    )


def _beyond(asked: trays.Asked, counted: queues.Counters, marked: queues.Marks, most: int) -> str:
    """What a list has beyond its page, in words, with its count where the counters of the page say it; `most` is taken."""
    count: int | None = None
    if asked.tray == "todo" and asked.plain:
        count = counted.todo
    elif asked.tray == "todo" and not asked.only:
        types = {name: number for name, _, number in counted.types}
        count = {**dict(counted.families), **types}.get(asked.family or "")
    elif asked.tray == "todo" and not asked.family:
        count = {queues.UNREAD: marked.unread, queues.HIDDEN: marked.hidden}.get(asked.only)
    if count is None:
        return f"tous les dossiers de cette liste, {most} au plus"
    if count > most:
        return f"les {most} plus pressés des {queues.shown(count)} dossiers de cette liste"
    return f"les {count} dossiers de cette liste"


def _empty_line(counted: queues.Counters, marked: queues.Marks) -> str:
    if marked.hidden:
        return f"{plural(marked.hidden, 'dossier masqué')} : « Masqués » les montre."
    return f"{plural(counted.running, 'dossier')} de vos bureaux en cours." if counted.running else ""


def _chips(asked: trays.Asked, counted: queues.Counters, marked: queues.Marks) -> list[views.Link]:
    """All that awaits the reader, by type, then what he has not read, what waits for an opinion, and what he hides."""
    every = views.Link(
        "", "Tous", "", _url(trays.Asked("todo", order=asked.order)), asked.family is None and not asked.only
    )
    kinds = [
        views.Link(
            name,
            label,
            queues.shown(count),
            _url(trays.Asked("todo", name, order=asked.order)),
            name == asked.family and not asked.only,
            icon=icon,
        )
        for name, label, icon, count in _kinds(counted)
    ]
    mine = [
        views.Link(
            only,
            label,
            queues.shown(count),
            _url(trays.Asked("todo", only=only, order=asked.order)),
            only == asked.only,
            icon=icon,
        )
        for only, label, count, icon in (
            (queues.UNREAD, "Non lus", marked.unread, "envelope"),
            (queues.HELD, "Avis attendus", marked.held, "hourglass-split"),
            (queues.HIDDEN, "Masqués", marked.hidden, "eye-slash"),
        )
        if count or only == asked.only
    ]
    return [every, *kinds, *mine]


def _kinds(counted: queues.Counters) -> Iterator[tuple[str, str, str, int]]:
    """What awaits, by family and by the collectivity's own types: name, label, icon, count; no family of which all is typed."""
    for name, count in counted.families:
        own = [one for one in counted.types if parted_type(one[0])[0] == name]
        if count > sum(n for _, _, n in own):
            yield name, catalogue()[name].plural, catalogue()[name].icon, count
        for typed, in_force, n in own:
            yield typed, *views.family_words(in_force), n


def _groups(
    lines: list[queues.Line], beside: Beside, *, todo: bool, order: str, cut: tuple[bool, bool]
) -> list[views.Group]:
    """The rows by when they are due; `cut`: whether others stand before and after, so that the group there has no count."""
    groups: dict[tuple[str, str], list[views.Row]] = {}
    for line in lines:
        key = views.group_of(line.due_on) if todo else ("plain", "")
        key = ("order", {**sorting.DRAFTS, **sorting.ORDERS}[order].title) if order else key
        groups.setdefault(key, []).append(_row_beside(line, beside))
    last = len(groups) - 1
    shown = []
    for rank, ((name, label), rows) in enumerate(groups.items()):
        whole = not ((cut[0] and rank == 0) or (cut[1] and rank == last))
        words = f"{label}, {plural(len(rows), 'dossier')}" if label and whole else label
        shown.append(views.Group(name, words, tuple(rows)))
    return shown


def _held(lines: list[queues.Line], beside: Beside, count: int) -> list[views.Group]:
    """What waits for an opinion, in a group of its own: nobody can decide on it now."""
    rows = tuple(_row_beside(line, beside) for line in lines)
    shown = queues.shown(count) + (f", les {len(rows)} plus pressés" if count > len(rows) else "")
    words = f"Avis attendus, {plural(count, 'dossier') if count == len(rows) else f'{shown}'}"
    return [views.Group("held", words, rows)] if rows else []


def _row_beside(line: queues.Line, beside: Beside) -> views.Row:
    """The row of a folder with what is said beside it."""
    if line.id in beside.why:
        return _pending(home.Pending(line, *beside.why[line.id]))
    row = _row(line, beside.last.get(line.id))
    words = [row.told, beside.awaited.get(line.id, "") if line.held else ""]
    words.append(f"Avis demandé par {line.asked_by}" if line.asked else "")
    if line.id in beside.turns:
        act, icon = views.awaited_act(beside.turns[line.id], line.family)
        row = replace(row, act=act, act_icon=icon)
        words.append(spaces("Vous attend, dans « À traiter »"))
    if line.id in beside.until:
        words.append(f"Masqué jusqu’au {instant(beside.until[line.id])}")
    return replace(row, told=". ".join(one for one in words if one))


def _row(line: queues.Line, last: queues.LastAct | None) -> views.Row:
    label, icon = views.family_words(line.in_force)
    act, act_icon = trays.act_of(line)
    dated = line.phase == Phase.RUNNING or (line.phase == Phase.REJECTED and line.due_on < NO_DATE)
    when = (
        views.step_due(line.due_on, None if line.held else line.kind, line.family, line.entered_at)
        if line.kind is not None
        else views.deadlines(line.folder_due, line.due_on, None, line.family)[0]
    )
    due = when if dated else views.Due("none", "")
    if line.phase == Phase.DRAFT and line.folder_due < NO_DATE:  # a draft whose delay runs already
        due = views.due(line.folder_due, line.family)
    endpoint = "folders.draft" if line.phase == Phase.DRAFT else "folders.show"
    row = views.Row(
        line.id,
        line.title or "Sans titre",
        label,
        icon,
        line.number,
        views.amount(line.amount_cents, line.currency),
        due,
        act,
        act_icon,
        views.last_act(
            last.kind,
            last.who,
            last.at,
            published_word(line.family),
            sent_back=last.sent_back,
            handed=last.handed,
        )
        if last
        else _came(line),
        not line.read,
        url_for(endpoint, folder_id=line.id),
        _pick(line),
        told=f"En l’absence {de(line.absent)}" if line.absent else "",
        quote=last.why if last else "",
        marks=line.marks,
        listed=line.listed,
    )
    return columns.of_tray(row, g.actor)


def _came(line: queues.Line) -> str:
    """By whom, or by which way and when, a folder that nobody has decided on came."""
    if line.arrived_at is None:
        return f"{'commencé' if line.phase == Phase.DRAFT else 'déposé'} par {line.depositor_name}"
    return f"arrivé le {jour(line.arrived_at.astimezone(PARIS).date())}, {line.origin}"


def _ticked_for(line: queues.Line) -> str:
    """The decision that a folder awaits and that several may receive together, or `views.OTHER`."""
    decided = not line.held and line.kind in {StepKind.VISA, StepKind.SIGN}
    return line.kind if decided and line.kind is not None else views.OTHER


def _pick(line: queues.Line) -> views.Pick | None:
    """What ticking the row selects; of decisions, only a visa or a signature is given to several folders at once."""
    if line.kind is None:
        return None
    act = _ticked_for(line)
    return views.Pick(
        f"{line.id}-{line.version}", act, line.amount_cents or 0 if line.currency in ("", EURO) else 0
    )


@pages.get("/dossiers/<int:folder_id>")
@guard(PERSON)
def show(folder_id: int) -> str:
    """A folder: its document, the decision, its circuit, pieces, details and journal."""
    context = shown_to(g.actor, folder_id, _shown)
    g.todo_count = context.pop("todo_count")
    shown, leaf = context["shown"], context.pop("leaf")
    # The pages of a PDF say so themselves, and what is only offered to be downloaded is seen once it is
    unseen = leaf if context["seen_url"] and shown.kind == "xml" else None
    if unseen and leaves.all_shown(session, f"{shown.id}-{shown.number}", unseen.number, unseen.pages):
        seen.note(g.actor, folder_id, shown.id, shown.number)
    if context.pop("new"):
        marks.mark_read(g.actor, folder_id)
    return render_template("folders/show.html", **context)


def _shown(db: Db, folder: Folder) -> dict[str, Any]:
    """What the folder's page shows, and whether it is new to the reader."""
    asked = request.args
    tab, document = asked.get("onglet", "circuit"), asked.get("document", type=int)
    return {
        **page.context(db, folder, g.actor, tab, document, asked),
        "new": not by_onlooker(db, folder.id) and marks.is_new(db, folder.id, g.actor.user_id),
    }


@pages.get("/dossiers/<int:folder_id>/documents/<int:document_id>/<int:number>")
@guard(PERSON)
def document(folder_id: int, document_id: int, number: int) -> Response:
    """The bytes of one version of a document, verified as they are read."""
    asked = request.args
    return serve(
        g.actor, folder_id, document_id, number, download="telecharger" in asked, offered="copie" in asked
    )


@pages.post("/dossiers/<int:folder_id>/documents/<int:document_id>/<int:number>/vu")
@guard(PERSON)
def document_seen(folder_id: int, document_id: int, number: int) -> dict[str, int]:
    """Note that every page of a document was shown; how many documents are left to read."""
    return {"left": seen.note(g.actor, folder_id, document_id, number)}


@pages.post("/dossiers/<int:folder_id>/viser")
@guard("act")
def approve(folder_id: int) -> Response | tuple[str, int]:
    """Put a visa, or give an opinion where the step asks one."""
    opinion = request.form.get("opinion", "")
    try:
        decide.approve(
            g.actor,
            folder_id,
            version=version_shown(),
            comment=request.form.get("comment", ""),
            opinion=opinion,
        )
    except Refusal as refusal:
        if not opinion:
            raise
        return consulting.opinion_again(folder_id, refusal)
    return onward.go(folder_id, "a votre avis" if opinion else "est visé")


@pages.post("/dossiers/<int:folder_id>/remplir")
@guard(PERSON)
def fill(folder_id: int) -> Response | tuple[str, int]:
    """Fill in what the step requires, and put one's visa by the same gesture where that is asked."""
    with reading(g.actor.collectivity_id) as db:
        family = family_of(authorize(db, g.actor, folder_id).in_force)
    gesture, _, place = request.form.get("action", "").partition(":")
    table, _, rank = place.partition(":")
    off = (table, rank) if gesture == drafting.LINE_OFF else ("", "")
    typed = facts_typed(family, request.form, off)
    if gesture in {drafting.LINE_ON, drafting.LINE_OFF}:  # a line more or less: nothing is kept yet
        return _filling(folder_id, page.Typed(typed, version_shown())), 200
    then = request.form.get("then") == "approve"
    try:
        if then:
            decide.approve(g.actor, folder_id, version=version_shown(), facts=typed)
            return onward.go(folder_id, "est visé")
        words = filling.fill_in(g.actor, folder_id, version=version_shown(), facts=typed)
    except Refusal as refusal:
        if refusal.key not in {"facts-to-fix", "visa-held"}:
            raise
        status, sentence = sentences.say(refusal.key, refusal.facts)
        wrong = {one["field"]: one["sentence"] for one in refusal.facts.get("problems", ())}
        told = "Rien n’est enregistré : corrigez ce qui est dit sous chaque champ." if wrong else sentence
        return _filling(folder_id, page.Typed(typed, version_shown(), wrong, told)), status
    flash(f"Enregistré : {words}." if words else "Rien n’a changé : ces valeurs étaient déjà là.", "ok")
    return redirect(url_for("folders.show", folder_id=folder_id))


def _filling(folder_id: int, typed: page.Typed) -> str:
    """The folder's page as it is, with what was typed and is not kept, and what is wrong beside each field."""

    def made(db: Db, folder: Folder) -> dict[str, Any]:
        return page.context(db, folder, g.actor, "circuit", None, {}, typed)

    context = shown_to(g.actor, folder_id, made)
    g.todo_count = context.pop("todo_count")
    return render_template("folders/show.html", **context)


@pages.route("/dossiers/<int:folder_id>/rejeter", methods=["GET", "POST"])
@guard(PERSON)
def reject(folder_id: int) -> Response | tuple[str, int]:
    """Refuse, with a reason."""
    reason, to, error, status = request.form.get("reason", ""), request.form.get("to", ""), None, 200
    if request.method == "POST":
        try:
            if to:
                step = returning.send_back(
                    g.actor, folder_id, version=version_shown(), step=to, reason=reason
                )
                return onward.go(folder_id, f"est renvoyé à l’étape « {step} »")
            decide.reject(g.actor, folder_id, version=version_shown(), reason=reason)
        except Refusal as refusal:
            if refusal.key not in {"reason-needed", "words-long", "not-behind", "send-back-nobody"}:
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
        else:
            with reading(g.actor.collectivity_id) as db:
                back = timeline.returns_to_whom(db, db.get_one(Folder, folder_id))
            return onward.go(folder_id, f"est rejeté, retour {back}")
    dialog = shown_to(g.actor, folder_id, _rejecting)
    # Of what is no step behind no choice is shown: the first one is then chosen, so that the form always says one
    offered = to if to in {key for key, _, _ in dialog["behind"]} else ""
    typed = {"to": offered, "error": error, "reason": reason, "frequent": FREQUENT}
    return render_template("folders/reject.html", **dialog, **typed), status


def _rejecting(db: Db, folder: Folder) -> dict[str, Any]:
    """What the dialog tells of the folder that one may reject."""
    here = current_present(db, folder)
    offered = page.decision(db, folder, g.actor, here).actions
    if Action.REJECT not in {one.name for one in offered}:
        raise not_your_turn(db, g.actor, folder, here)
    line = f"{timeline.returns_to(db, folder)}, qui l’a déposé : correction et renvoi, ou abandon."
    if by_itself := ARRIVED in folder.sources:
        line = f"Le bureau « {timeline.returns_to(db, folder)} », où il est arrivé : correction et renvoi, ou abandon."
        line += " Rien n’est dit à qui l’a envoyé : ce bureau s’en charge."
    return {
        "folder": page.head(db, folder),
        "targets_line": spaces(line),
        "by_itself": by_itself,
        "behind": timeline.behind(db, folder, here),
    }


@pages.post("/dossiers/<int:folder_id>/reprendre")
@guard(CREATE)
def recall(folder_id: int) -> Response:
    """Take one's folder back."""
    decide.recall(g.actor, folder_id, version=version_shown())
    flash("Le dossier est repris : corrigez-le, puis renvoyez-le.", "ok")
    return redirect(url_for("folders.draft", folder_id=folder_id))


@pages.post("/dossiers/<int:folder_id>/abandonner")
@guard(CREATE)
def withdraw(folder_id: int) -> Response:
    """Give up a draft or a folder that came back."""
    decide.withdraw(g.actor, folder_id, version=version_shown())
    flash("Le dossier est abandonné. Il reste lisible dans « Suivi ».", "ok")
    return redirect(url_for("folders.inbox"))


@pages.post("/dossiers/<int:folder_id>/publier")
@guard("publish")
def publish(folder_id: int) -> Response:
    """Put the act online, or record the day on which it was posted, laid open or notified."""
    shown = request.form.get("means", "")
    means = Means(shown) if shown in set(Means) else None
    day = None if means is Means.ONLINE else _typed_day(request.form.get("published_on", ""))
    decide.publish(g.actor, folder_id, version=version_shown(), means=means, published_on=day)
    return onward.go(folder_id, means.ending if means else "")


@pages.post("/dossiers/<int:folder_id>/afficher")
@guard("publish")
def post_in_urgency(folder_id: int) -> Response:
    """Record that the act was posted in urgency; it stays to be put online."""
    day, reason = _typed_day(request.form.get("published_on", "")), request.form.get("reason", "")
    decide.post_in_urgency(g.actor, folder_id, version=version_shown(), posted_on=day, reason=reason)
    flash("L’affichage en urgence est enregistré. L’acte reste à mettre en ligne.", "ok")
    return redirect(url_for("folders.show", folder_id=folder_id))


def _typed_day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed)
    except ValueError:
        return None


@pages.post("/dossiers/<int:folder_id>/trancher")
@guard(PERSON)
def rule(folder_id: int) -> Response:
    """Rule on what is doubted."""
    done = ruling.rule(
        g.actor,
        folder_id,
        version=version_shown(),
        about=request.form.getlist("about"),
        keep=request.form.get("keep", ""),
        word=request.form.get("word", ""),
    )
    flash(f"{done}.", "ok")
    return redirect(url_for("folders.show", folder_id=folder_id))


@pages.post("/dossiers/<int:folder_id>/archiver")
@guard("archive")
def archive(folder_id: int) -> Response:
    """Close the archiving step."""
    decide.archive(g.actor, folder_id, version=version_shown())
    return onward.go(folder_id, "est archivé")


@pages.get("/suivi")
@guard(PERSON)
def follow() -> str | Response:
    """Find any folder that one may read; what is in hand when nothing is asked, or what ended would hide it."""
    words, family = request.args.get("q", ""), request.args.get("famille", "")
    phase = request.args.get("etat", "" if words or family else "running")
    order = following.order_of(phase, request.args.get("tri", ""))
    if words:  # an address of before: one page searches
        return redirect(url_for("folders.find", q=words, type=family or None, etat=phase or None))
    with reading(g.actor.collectivity_id) as db:
        rows = following.follow(
            db, g.actor, family=family, phase=phase, order=order, after=request.args.get("apres")
        )
        named = saved.types_told(db, g.actor)
        more, rows = len(rows) > following.PAGE, rows[: following.PAGE]
        every = timeline.follow_rows(
            db,
            rows,
            g.actor.collectivity_id,
            marks_of(db, [row.id for row in rows if row.phase != Phase.DONE]),
        )
        follow_rows = columns.of_follow(every, g.actor)
        kept_views = saved.listed(db, g.actor)
    offered = following.orders_of(phase)
    asked = {"famille": family, "etat": phase} | ({"tri": order} if order != offered[0] else {})
    return render_template(
        "folders/follow.html",
        rows=follow_rows,
        families=[(name, label, name == family) for name, label in named],
        states=[(key, label, key == phase) for key, label in viewing.STATES.items() if key],
        # Each by its own word: what is shown as chosen is asked of another state that is chosen beside it, where it has it
        orders=[(name, following.ORDERS[name], name == order) for name in offered],
        asked=asked,
        views=kept_views,
        save_url=saved.save_url("follow", asked),
        next_url=saved.url_of("follow", asked, apres=rows[-1].key) if more else None,
        ranks="" if more or request.args.get("apres") else f"1 {len(rows)}",
        most_zipped=bundle.MOST_FOLDERS,
        count_line=f"{plural(len(rows), 'dossier')}{' en cours' if phase == 'running' else ''}"
        f"{f', {following.ORDERS[order].lower()}' if len(rows) > 1 else ''}{', d’autres suivent' if more else ''}",
    )


@pages.get("/suivi/chiffres")
@guard(PERSON)
def figures() -> str:
    """How many folders wait, how late, how long each step takes: at the desks that one holds or directs."""
    with reading(g.actor.collectivity_id) as db:
        seen = activity.activity(db, g.actor)
    return render_template(
        "folders/figures.html",
        seen=seen,
        days_of=activity.days_of,
        crossed=activity.CROSSED,
        crossed_title=activity.VOLUMES,
    )


@pages.get("/suivi/chiffres.<any(csv, ods):form>")
@guard(PERSON)
def figures_table(form: str) -> Response:
    """The same, as a table of one's own."""
    with reading(g.actor.collectivity_id) as db:
        seen = activity.activity(db, g.actor)
    cells: list[tuple[Cell, ...]] = [
        ("Ensemble", "En attente dans ces bureaux", seen.in_hand, ""),
        ("Ensemble", "En retard", seen.late, ""),
    ]
    if seen.days is not None:
        mean = "De l’envoi à la fin, en moyenne (jours)"
        cells.append(("Ensemble", mean, Decimal(f"{seen.days:.3f}"), activity.days_of(seen.days)))
    if seen.slowest is not None:
        cells.append(("Ensemble", "Étape la plus lente", seen.slowest.label, ""))
    for chart in seen.charts:
        title = f"{chart.title} (jours)" if chart.in_days else chart.title
        cells += [
            (title, bar.label, _figure(chart, bar), bar.words if chart.in_days else "") for bar in chart.bars
        ]
    cells += [
        (activity.VOLUMES, f"{volume.label}, {bar.label}", int(bar.value), "")
        for volume in seen.volumes
        for bar in volume.bars
    ]
    return spreadsheet(f"chiffres-{today():%Y-%m-%d}", form, ("Tableau", "Ligne", "Valeur", PLAINLY), cells)


def _figure(chart: activity.Chart, bar: activity.Bar) -> Decimal | int:
    return Decimal(f"{bar.value:.3f}") if chart.in_days else int(bar.value)


@pages.get(f"/suivi/chiffres/<any({', '.join(map(repr, activity.TABLES))}):chart>.<any(csv, ods):form>")
@guard(PERSON)
def figures_chart(chart: str, form: str) -> Response:
    """One chart alone, as the table that it is."""
    with reading(g.actor.collectivity_id) as db:
        seen = activity.activity(db, g.actor)
    name = f"chiffres-{chart}-{today():%Y-%m-%d}"
    if chart == activity.CROSSED:
        head = ("Type", *(month.label for month in seen.months), "Total")
        return spreadsheet(name, form, head, _crossed(seen))
    (shown,) = (every for every in seen.charts if every.name == chart)
    if shown.in_days:
        head = (shown.head, f"{shown.unit} (jours)", PLAINLY)
        return spreadsheet(
            name, form, head, [(bar.label, _figure(shown, bar), bar.words) for bar in shown.bars]
        )
    return spreadsheet(
        name, form, (shown.head, shown.unit), [(bar.label, _figure(shown, bar)) for bar in shown.bars]
    )


def _crossed(seen: activity.Activity) -> Iterator[tuple[Cell, ...]]:
    """Types by months, each with its total, and the total of each month."""
    for volume in seen.volumes:
        yield (volume.label, *(int(bar.value) for bar in volume.bars), volume.total)
    if seen.volumes:
        months = [int(month.value) for month in seen.months]
        yield ("Ensemble", *months, sum(months))
