"""Pages of the desk that deposits: the form, the draft with its documents, and their verbs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from flask import current_app, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.circuits import own_types
from app.circuits.library import catalogue, family_of
from app.core.db import Db, key_in, reading
from app.core.french import spaces, taille
from app.core.grammar import plural
from app.core.http import FILES, guard, wants_json
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.core.security import new_token
from app.core.texts import whole
from app.display import page, queues, tied, timeline, views
from app.display.blueprint import CREATE, mark_of, pages, posted, posted_each, received, version_shown
from app.display.forms import draft_form, facts_typed
from app.files.intake import accepted_names
from app.folders import corrections, deposit, numbering, sending, sockets
from app.folders.access import authorize
from app.folders.documents import TYPED
from app.folders.keep import Incoming
from app.folders.models import ARRIVED, Document, Folder
from app.folders.once import folders_of
from app.folders.seats import desk_names
from app.folders.sockets import plugged, types_of, untold_by_draft
from app.people.actor import Seat
from workflows.circuit import Phase
from workflows.family import Family
from workflows.vocabulary import Right

OFTEN = "Souvent déposés"
"""The first group of types: those who deposit them know what they are, and are spared their explanations."""
AT_A_GLANCE = 6
"""So many types are seen together without being parted in groups."""
LINE_ON, LINE_OFF = "line-on", "line-off"
"""The buttons of a table: « line-on:own_lots » for a line more, « line-off:own_lots:2 » for the one that goes."""
TAKE_UP, EVERYTHING = "take", "all"
"""The buttons of what a page seems to say: « take:total_ttc », or « take:all » for every field that is empty."""
KINDS = {"pdf": "PDF", "xml": "XML", "image": "images", "office": "bureautique"}
"""What a drop zone announces of the formats of a family."""
REASON = "correction-reason"
"""The name of the input where a depositor says why what is typed is not what the file says."""
ASKED = frozenset({"required", "correction-unexplained", "repair-pending"})
"""The problems of a draft that its page shows by other means: a field still empty, a reason to give, a copy to accept."""
REHEARSAL = "operations.circuits.of_folder"
"""The page that tells the way of a draft without sending it."""
TYPE_INPUT = "type-"
"""What the names of the lists of types begin with; the document's number follows."""
NEW = "new"
"""The place of the mark of a deposit, as the number of a document is that of its replacement."""
SEND, SEND_ON = "submit", "submit-next"
"""The buttons that send: one opens the folder sent, the other the next draft, or the deposit of another where none is left."""
NOTHING = "Rien n’a été déposé. "
"""What a refusal says of a whole deposit, and is not true of one file among others."""
BESIDE = frozenset({"pdf", "image"})
"""What is shown beside the form while one types: what is drawn as it is."""


@dataclass(frozen=True)
class TypeChoice:
    """The list of types of one file: its name in the form, what is offered, what is chosen, and whether it may be.

    `chosen` is empty for an annex whose type is still to be chosen.
    """

    name: str
    offered: tuple[tuple[str, str], ...]
    chosen: str
    allowed: bool


@pages.route("/deposer", methods=["GET", "POST"], endpoint="deposit")
@guard(CREATE, body=FILES)
def new() -> Response | tuple[str, int]:
    """Choose a type and its files; the draft opens, filled with what could be read."""
    error, status, before = None, 200, None
    name = request.form.get("family") or request.args.get("famille") or ""
    if request.method == "POST":
        try:
            with received() as files:
                made = _each if _apart(name, len(files)) else _one
                return _opens(made(name, files, _desk_asked(name)))
        except Refusal as refusal:
            if wants_json():
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
            before = refusal.facts.get("folder") if refusal.key == "form-spent" else None
    with reading(g.actor.collectivity_id) as db:
        groups = _offered(db)
        seats = deposit.depositing_seats(g.actor)
        desk = request.form.get("emitter_desk") or (_last_desk(db, seats) if len(seats) > 1 else "")
    return render_template(
        "folders/deposit.html",
        seats=seats,
        desk=desk,
        groups=[(label, [_choice(one) for one in kinds]) for label, kinds in groups],
        alone=sum(len(kinds) for _, kinds in groups) == 1,
        often=OFTEN,
        family=name,
        error=error,
        before=before,
        once=new_token(),
        accepted=_accepted(),
        **_limits(),
    ), status


def _choice(one: Family) -> tuple[str, str, str, str, bool]:
    """A type as the page offers it: its name, label, icon and help, and whether its files say by themselves what they are."""
    return one.type_key or one.name, one.label, one.icon, one.help, one.name in plugged.readers


def _offered(db: Db) -> list[tuple[str, list[Family]]]:
    """What this person may deposit, in groups: first what her desks deposited most of late, own types, then families.

    One group without a name where they are few enough to be seen together.
    """
    here = g.actor.collectivity_id
    every = [*own_types.offered(db, here), *catalogue().values()]
    mine = [one for one in every if not one.begun_elsewhere and deposit.depositing(g.actor, one)]
    used = queues.lately_deposited(db, g.actor)
    mine.sort(key=lambda one: -used[one.name, one.type_key])
    if len(mine) <= AT_A_GLANCE:
        return [("", mine)]
    often = [one for one in mine if used[one.name, one.type_key]][:AT_A_GLANCE]
    left = [one for one in mine if one not in often]
    groups = [
        (OFTEN, often),
        ("Types de la commune", [one for one in left if one.type_key]),
        ("Autres types", [one for one in left if not one.type_key]),
    ]
    return [(label, kinds) for label, kinds in groups if kinds]


def _apart(name: str, count: int) -> bool:
    """Whether each file is a folder of its own, as the person says; refuses `several-subjects` where it must be said.

    An invoice or a flow says by itself what it is: a second one is never taken for an annex of the first in silence.
    """
    said = request.form.get("several")
    if (
        count > 1
        and own_types.asked(g.actor.collectivity_id, name).name in plugged.readers
        and said not in {"each", "one"}
    ):
        raise Refusal("several-subjects", count=count)
    return count > 1 and said == "each"


def _last_desk(db: Db, seats: Sequence[Seat]) -> str:
    """The key of the desk for which this person deposited last; before the first deposit, of the one that would deposit."""
    last = deposit.last_emitter(db, g.actor) or deposit.emitter(g.actor)
    return next((seat.key for seat in seats if seat.desk_id == last), "")


def _desk_asked(name: str) -> int | None:
    """The desk that was chosen to deposit; None where there was no choice. Refuses `no-desk` for one that is not one's own.

    Where another of the person's desks is alone to deposit this type, there is nothing to choose: the page says that it did.
    """
    key = request.form.get("emitter_desk")
    if not key:
        return None
    seats = {seat.desk_id: seat for seat in g.actor.seats}
    desk_id: int | None = next((number for number, seat in seats.items() if seat.key == key), None)
    if desk_id is None:
        raise Refusal("no-desk")
    family = own_types.asked(g.actor.collectivity_id, name)
    able = deposit.depositing(g.actor, family)
    if len(able) == 1 and desk_id not in able:
        (desk_id,) = able
        flash(
            spaces(f"Au titre de « {seats[desk_id].name} », le seul de vos bureaux qui dépose ce type."),
            "ok",
        )
    return desk_id


def _one(name: str, files: Sequence[Incoming], desk_id: int | None) -> str:
    said = request.form.get("several") == "one"
    once = posted(NEW, [name, desk_id], files)
    draft = deposit.deposit(g.actor, name, files, annexes_said=said, desk_id=desk_id, once=once)
    return url_for("folders.draft", folder_id=draft.folder_id)


def _each(name: str, files: Sequence[Incoming], desk_id: int | None) -> str:
    """As many drafts as files; one that is refused is named with why, and keeps none of the others back."""
    made: list[int] = []
    refused: list[tuple[str, Refusal]] = []
    marks = posted_each(NEW, [name, desk_id], files)
    for one, once in zip(files, marks, strict=True):
        try:
            draft = deposit.deposit(g.actor, name, [one], desk_id=desk_id, once=once)
        except Refusal as refusal:
            refused.append((one.filename, refusal))
        else:
            made.append(draft.folder_id)
    if not made:
        raise refused[0][1]
    for filename, why_not in refused:
        why, named = spaces(sentences.say(why_not.key, why_not.facts)[1]), spaces(f"« {filename} »")
        if why.startswith(named) and NOTHING in why:
            sentence = why.replace(NOTHING, "Il n’a pas été déposé. ")  # the others are
        else:
            sentence = f"{named} n’a pas été déposé. {why.replace(NOTHING, '')}"
        flash(spaces(sentence), "danger")
    flash(f"{plural(len(made), 'brouillon créé', 'brouillons créés')} : relisez et envoyez chacun.", "ok")
    with reading(g.actor.collectivity_id) as db:
        before = len(folders_of(db, g.actor, mark_of(NEW)) - {*made})
    if before:
        flash(
            f"Cette page avait déjà déposé {plural(before, 'autre dossier', 'autres dossiers')} : "
            "regardez parmi vos brouillons.",
            "warn",
        )
    return url_for("folders.inbox", bannette="drafts")


def _opens(url: str) -> Response:
    """Open the page after an upload; the script that sends files is told where, so that the page itself says what was done."""
    return Response(status=204, headers={"HX-Redirect": url}) if wants_json() else redirect(url)


def _limits() -> dict[str, object]:
    limit = current_app.config["MAX_CONTENT_LENGTH"]
    return {"limit_label": taille(limit), "limit_bytes": limit}


def _accepted(formats: Sequence[str] = ()) -> str:
    return ",".join(f".{one.removeprefix('.')}" for one in accepted_names(formats))


@pages.route("/dossiers/<int:folder_id>/brouillon", methods=["GET", "POST"])
@guard(CREATE)
def draft(folder_id: int) -> Response | tuple[str, int]:
    """Fill in, keep, send."""
    found: list[views.Notice] = []
    marks: dict[str, str] = {}
    status = 200
    if request.method == "POST":
        try:
            return _save_or_submit(folder_id)
        except Refusal as refusal:
            if refusal.key not in {
                "to-fix",
                "nothing-to-sign",
                "desk-missing",
                "nobody-there",
            }:
                raise
            status, sentence = sentences.say(refusal.key, refusal.facts)
            problems = refusal.facts.get("problems", [])
            marks = {one["field"]: one["sentence"] for one in problems if one["field"]}
            said = _said_of(folder_id, problems) or sentence
            found = [views.Notice("danger", "Le dossier n’est pas parti", said)]
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        mine = folder.emitter_desk_id in g.actor.desks_with(Right.CREATE, folder.of_type)
        if not mine or folder.phase not in {Phase.DRAFT, Phase.REJECTED}:
            return redirect(url_for("folders.show", folder_id=folder_id))
        context = _draft_context(db, folder, marks)
    return render_template("folders/draft.html", problems=found, **context, **_limits()), status


def _said_of(folder_id: int, problems: Sequence[Mapping[str, str]]) -> str:
    """All that keeps a draft here, what is merely missing in one sentence; each field says its own again."""
    with reading(g.actor.collectivity_id) as db:
        fields = family_of(authorize(db, g.actor, folder_id).in_force).fields
    labels = {"title": sending.TITLE, **{one.key: one.label for one in fields}}
    missing = [
        f"« {labels.get(one['field'], one['field'])} »" for one in problems if one["key"] == "required"
    ]
    wrong = [one["sentence"] for one in problems if one["key"] != "required"]
    return " ".join(([f"Il reste à renseigner : {', '.join(missing)}."] if missing else []) + wrong)


def _save_or_submit(folder_id: int) -> Response:
    with reading(g.actor.collectivity_id) as db:
        before = authorize(db, g.actor, folder_id)
        family = family_of(before.in_force)
        others = queues.drafts_after(db, g.actor, before)
    gesture, _, place = request.form.get("action", "").partition(":")
    table, _, rank = place.partition(":")
    typed = facts_typed(family, request.form, (table, rank) if gesture == LINE_OFF else ("", ""))
    taken = _taken_up(folder_id, typed, place) if gesture == TAKE_UP else {}
    typed |= taken
    title, version, reason = request.form.get("title"), version_shown(), request.form.get(REASON)
    version = deposit.save(
        g.actor,
        folder_id,
        version=version,
        title=title,
        facts=typed,
        types=_types(),
        reason=reason,
        reasons=_reasons(),
        desk=request.form.get("emitter_desk"),
    )
    pages_beside = {*plugged.preparations, *(one.endpoint for one in plugged.pickers.values())}
    pages_beside.add(REHEARSAL)
    if request.form.get("action") in pages_beside:
        return redirect(url_for(request.form["action"], folder_id=folder_id))
    if gesture not in {SEND, SEND_ON}:
        anchor = None
        if gesture in {LINE_ON, LINE_OFF}:
            anchor = _cell(family, table, len(typed.get(table, ())), rank)
        elif gesture == TAKE_UP:
            labels = ", ".join(one.label for one in family.fields if one.key in taken)
            flash(
                f"Repris de la page, à vérifier : {labels}." if labels else "Rien n’était à reprendre.", "ok"
            )
            anchor = "facts-title" if place == EVERYTHING else next(iter(taken), "facts-title")
        elif gesture == "number":
            number = numbering.take_number(g.actor, folder_id, version=version)
            flash(f"Le numéro {number} est réservé à ce dossier.", "ok")
        else:
            flash("Le brouillon est enregistré.", "ok")
        return redirect(url_for("folders.draft", folder_id=folder_id, _anchor=anchor))
    sending.send(g.actor, folder_id, version=version)
    if gesture == SEND:
        flash("Le dossier est envoyé dans le circuit.", "ok")
        return redirect(url_for("folders.show", folder_id=folder_id))
    return _next(family, title or before.title, others)


def _taken_up(folder_id: int, typed: Mapping[str, object], wanted: str) -> dict[str, str]:
    """What is proposed for the fields that are empty as typed: that of `wanted`, or all of it."""
    with reading(g.actor.collectivity_id) as db:
        every = sockets.proposals_for(db, authorize(db, g.actor, folder_id))
    return {
        one.field: one.value
        for one in every
        if typed.get(one.field) in (None, "", one.completes) and wanted in {one.field, EVERYTHING}
    }


def _next(family: Family, title: str, others: Sequence[int]) -> Response:
    """Open what is to be sent after a folder that just left, which the page names: it is not the one that it shows."""
    flash(spaces(f"« {title} » est envoyé dans le circuit."), "ok")
    if others:
        return redirect(url_for("folders.draft", folder_id=others[0]))
    return redirect(url_for("folders.deposit", famille=family.type_key or family.name))


def _cell(family: Family, table: str, lines: int, rank: str) -> str:
    """Where one goes on typing in a table: the line that took the place of the one that went, else the first blank one."""
    field = family.field(table)
    if field is None or not field.columns:
        return ""
    number = whole(rank)
    at = lines if number is None else min(number, lines)
    return f"{table}.{at}.{field.columns[0].key}"


def _reasons() -> dict[str, str]:
    """What was written beside the corrections, by field: each box names the fields that it is about."""
    sent = {key: value for key, value in request.form.items() if key.startswith(f"{REASON}:")}
    return {
        field: value for key, value in sent.items() for field in key.removeprefix(f"{REASON}:").split(",")
    }


def _types() -> dict[int, str]:
    """The type chosen for each file, by document."""
    given = {
        key_in(key.removeprefix(TYPE_INPUT)): value
        for key, value in request.form.items()
        if key.startswith(TYPE_INPUT)
    }
    return {number: value for number, value in given.items() if number is not None}


def _offered_types(db: Db, folder: Folder) -> dict[int, TypeChoice]:
    """The choice of a type for each file that is transmitted, by document."""
    found = types_of(db, folder)
    if found is None:
        return {}
    query = sa.select(Document.id, Document.role, Document.type_code).where(
        Document.folder_id == folder.id, Document.role.in_(TYPED)
    )
    return {
        document_id: TypeChoice(
            f"{TYPE_INPUT}{document_id}",
            tuple(found.offered),
            chosen := found.of(role, code),
            not chosen or found.has(chosen),
        )
        for document_id, role, code in db.execute(query)
    }


def _draft_context(db: Db, folder: Folder, marks: dict[str, str]) -> dict[str, object]:
    family = family_of(folder.in_force)
    said = str(folder.sources.get("said") or "lu dans le fichier").partition(" (")[0]
    circuit = timeline.planned_circuit(db, folder)
    form = draft_form(db, family, folder, marks, g.actor.user_id)
    documents = page.documents(db, folder, request.args.get("document", type=int), "folders.draft")
    shown = next((one for one in documents if one.current and one.kind in BESIDE), None)
    bands = [band for show in plugged.bands.of(folder) if (band := show(db, folder)) is not None]
    proposed = _proposed(db, folder, family)
    others = queues.drafts_after(db, g.actor, folder) if folder.round == 0 else []
    return {
        "folder": page.head(db, folder),
        "once": new_token(),
        "documents": documents,
        "beside": [one for one in documents if one.kind in BESIDE],
        "shown": shown,
        "others": len(others) if folder.round == 0 else None,
        "following": next((number for number in others if number < folder.id), None),
        "arrived": ARRIVED in folder.sources,
        "types": _offered_types(db, folder),
        "seats": deposit.emitters_of(g.actor, folder),
        "desk": desk_names(db, folder.collectivity_id, [folder.emitter_desk_id])[folder.emitter_desk_id].key,
        "register": numbering.offers(db, folder),
        "speaks": folder.family in plugged.readers,
        "form": form,
        "pickers": {
            one.key: plugged.pickers[one.type] for one in family.fields if one.type in plugged.pickers
        },
        "sources": {**_told_by_way(folder), **dict.fromkeys(folder.sources.get("read", []), said)},
        "choosers": form.choosers,
        "proposed": proposed,
        "found": {one.field: {"label": label, "place": one.place} for label, one in proposed if one.place},
        "corrected": corrections.explained(folder),
        "doubts": untold_by_draft(db, folder),
        "steps": [
            replace(step, n=n) for n, step in enumerate(timeline.to_come(db, folder, circuit), start=1)
        ],
        "rejection": timeline.rejection(db, folder),
        "saved_at": views.saved(folder.updated_at),
        "bands": bands,
        "ties": tied.ties(db, folder, g.actor),
        "preparations": [
            card
            for show in (*plugged.beside_draft, *plugged.preparations.values())
            if (card := show(db, folder)) is not None
        ],
        "wrong": _wrong(db, folder) if family.field("nature") is None else (),  # an act has its list of rules
        "circuit_line": "",
        "rehearsal": REHEARSAL,
        "accepted": _accepted(),
        "main_files": {
            "accepted": _accepted(family.formats),
            "kinds": ", ".join(KINDS.get(one, one.upper()) for one in family.formats),
        },
    }


def _told_by_way(folder: Folder) -> dict[str, str]:
    """By which way each value came that no file gives, as long as it stands: « dit par Chorus Pro »."""
    return {
        key: str(one["said"])
        for one in folder.sources.get("files", ())
        if one.get("told")
        for key, value in one["values"].items()
        if folder.fields.get(key) == value
    }


def _proposed(db: Db, folder: Folder, family: Family) -> list[tuple[str, sockets.Proposal]]:
    """What the page seems to say of each field, under its label, in the order of the form."""
    every = {one.field: one for one in sockets.proposals_for(db, folder)}
    return [(one.label, every[one.key]) for one in family.fields if one.key in every]


def _wrong(db: Db, folder: Folder) -> tuple[str, ...]:
    """What is typed and would be refused at sending; neither what is still missing nor what the page asks elsewhere."""
    return tuple(one.sentence for one in sending.find_problems(db, folder) if one.key not in ASKED)


@pages.post("/dossiers/<int:folder_id>/documents")
@guard(CREATE, body=FILES)
def add_document(folder_id: int) -> Response:
    """Add attachments."""
    with received() as files:
        once = posted("add", [folder_id], files, adds=True)
        deposit.add_documents(g.actor, folder_id, files, annexes_said="annexes" in request.form, once=once)
    return _opens(url_for("folders.draft", folder_id=folder_id))


@pages.post("/dossiers/<int:folder_id>/documents/<int:document_id>/retirer")
@guard(CREATE)
def remove_document(folder_id: int, document_id: int) -> Response:
    """Take an attachment out."""
    deposit.remove_document(g.actor, folder_id, document_id)
    return redirect(url_for("folders.draft", folder_id=folder_id))


@pages.post("/dossiers/<int:folder_id>/documents/<int:document_id>/remplacer")
@guard(CREATE, body=FILES)
def replace_document(folder_id: int, document_id: int) -> Response:
    """Put a corrected file in place of another."""
    with received() as files:
        once = posted(str(document_id), [folder_id], files, replaces=document_id)
        deposit.replace_main(g.actor, folder_id, document_id, next(iter(files), None), once=once)
    flash("Le document est remplacé. L’ancienne version reste lisible.", "ok")
    return _opens(url_for("folders.draft", folder_id=folder_id))


@pages.post("/dossiers/<int:folder_id>/documents/<int:document_id>/reparation")
@guard(CREATE)
def accept_repair(folder_id: int, document_id: int) -> Response:
    """Take the repaired or flattened copy."""
    deposit.accept_repair(g.actor, folder_id, document_id)
    flash("La copie acceptée prend la place du fichier. L’original est gardé.", "ok")
    return redirect(url_for("folders.draft", folder_id=folder_id))
