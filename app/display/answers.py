"""A folder as other software reads it: plain facts, the same that its page shows to the same reader."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from app.circuits import own_types
from app.circuits.library import catalogue, family_of
from app.circuits.models import CircuitVersion
from app.core.api import PREFIX
from app.core.db import NO_DATE, Db
from app.core.french import EURO
from app.display import opinions, queues
from app.display.following import Found
from app.display.forms import choices_of
from app.display.listed import in_words, listed, shown_by
from app.display.portrait import Portrait, portrait
from app.display.searching import Results
from app.display.timeline import standing
from app.display.unread import notes_unread, without_words
from app.display.views import ASKED, AWAITS_OPINION, amount, state_label
from app.folders import continuing, corrections, notes, seen, undoing
from app.folders.access import looks_on
from app.folders.asking import may_ask
from app.folders.deposit import depositing
from app.folders.documents import TYPED
from app.folders.effect import effect_of
from app.folders.filling import may_fill
from app.folders.handing import is_handed
from app.folders.models import DocumentVersion, Folder, FolderNote
from app.folders.move import Present
from app.folders.pins import pinned
from app.folders.publicity import means_of
from app.folders.required import missing
from app.folders.rerouting import may_reroute
from app.folders.returning import offered as steps_behind
from app.folders.route import rule_words, usual
from app.folders.rows import changes_of_round, every_version, publication_of
from app.folders.sending import find_problems
from app.folders.sockets import CALLED, FileTypes, cautions, plugged, returned_as, settled, types_of
from app.journal.models import JournalEntry
from app.people.actor import Actor
from app.people.models import Desk
from workflows.circuit import Circuit, Phase, Step
from workflows.engine import choices
from workflows.family import Field
from workflows.vocabulary import Action, Right

OPEN = (Phase.DRAFT, Phase.REJECTED)
VERBS = {Action.APPROVE: "approve", Action.REJECT: "reject", Action.RECALL: "recall"}
LINES = 200


def families_of(db: Db, actor: Actor) -> list[dict[str, Any]]:
    """The families and own types that may be deposited, with the values of each field and the circuit of a folder sent now.

    Where rules choose among several circuits, the one of all other cases.
    """
    found = []
    circuits: dict[str, Circuit] = {}
    for one in (*catalogue().values(), *own_types.offered(db, actor.collectivity_id)):
        if one.begun_elsewhere or ((one.restricted or one.type_key) and not depositing(actor, one)):
            continue
        known_as = one.type_key or one.name
        if known_as not in circuits:
            circuits[known_as] = usual(db, actor.collectivity_id, one)
        asks = []
        for field in one.fields:
            offered = choices_of(db, actor.collectivity_id, field)
            values = (
                None if offered is None else [{"value": value, "label": words} for value, words in offered]
            )
            shown = {
                name: getattr(field, name)
                for name in ("key", "label", "type", "required_from", "help", "listed", "computed")
            }
            asks.append({**shown, "choices": values, "columns": _columns(field)})
        named = {name: getattr(one, name) for name in ("label", "help", "formats")}
        counts = {name: getattr(one, name) for name in ("attachments_least", "attachments_most", "seen_at")}
        counts |= {"restricted": one.discreet, "open_to_all": one.open_to_all}
        names = {"name": known_as, "family": one.name}
        found.append({**names, **named, **counts, "fields": asks, "steps": circuits[known_as].steps})
    return found


def _columns(field: Field) -> list[dict[str, Any]] | None:
    """The columns of a table; None of another field."""
    if field.type != "lines":
        return None
    return [
        {
            **{name: getattr(one, name) for name in ("key", "label", "type", "required_from")},
            "choices": [{"value": value, "label": words} for value, words in one.choices.items()]
            if one.type == "choice"
            else None,
        }
        for one in field.columns
    ]


def lines_of(db: Db, page: Sequence[queues.Line]) -> list[dict[str, Any]]:
    """The folders of a list."""
    called = returned_as(db, [one.id for one in page if one.phase in CALLED])
    shown = listed(db, ((one.id, one.in_force) for one in page))
    return [
        {
            **_line_of(
                one,
                called.get(one.id) or _state(one, asked=one.asked),
            ),
            "listed": shown.get(one.id, ()),
            "due_on": _dated(one.folder_due),
            "step_due_on": None if one.kind is None else _dated(one.due_on),
        }
        for one in page
    ]


def found_of(db: Db, results: Results) -> list[dict[str, Any]]:
    """The folders of a search, in its order."""
    query = sa.select(Folder).where(Folder.id.in_([one.id for one in results.found]))
    rows = {one.id: one for one in db.scalars(query)}
    called = returned_as(db, [one.id for one in results.found if one.phase in CALLED])
    return [
        {
            **_line_of(rows[one.id], called.get(one.id) or _state(one)),
            "where": snippet.where if snippet else None,
            "extract": "".join(piece.text for piece in snippet.pieces) if snippet else None,
        }
        for one in results.found
        for snippet in (results.snippets.get(one.id),)
    ]


def _state(one: queues.Line | Found, *, asked: bool = False) -> str:
    """The state of a folder in one or two words; `asked`: to a desk that is asked its opinion."""
    if asked:
        return ASKED
    return AWAITS_OPINION if one.held else state_label(one.place, one.kind, one.family)


def _line_of(one: queues.Line | Folder, state: str) -> dict[str, Any]:
    euros = amount(one.amount_cents) if one.currency in ("", EURO) else None
    names = ("id", "family", "title", "number", "phase", "place")
    return {
        **{name: getattr(one, name) for name in names},
        "type": own_types.key_of(one.in_force),
        "href": f"{PREFIX}/folders/{one.id}",
        "amount": None if euros is None else f"{euros:.2f}",
        "state": state,
        "depositor": one.depositor_name,
    }


def _dated(day: date) -> date | None:
    return None if day >= NO_DATE else day


def folder_of(db: Db, folder: Folder, actor: Actor) -> dict[str, Any]:
    """All that whoever may read the folder may know of it."""
    seen = portrait(db, folder)
    publication, worth = publication_of(db, folder.id), effect_of(db, folder)
    names = ("version", "round", "created_at", "updated_at", "submitted_at", "done_at")
    missing = find_problems(db, folder) if folder.phase in OPEN else []
    offered, steps = types_of(db, folder), [_step(folder, step, seen) for step in seen.route]
    behind = steps_behind(db, folder, actor, seen.here)
    origin, after = continuing.linked(db, folder)
    return {
        **_line_of(folder, seen.state),
        "listed": in_words(
            db, folder.collectivity_id, {folder.id: (shown_by(folder.in_force), folder.fields)}
        ).get(folder.id, ()),
        "due_on": _dated(folder.due_on),
        "step_due_on": next((one["due_on"] for one in steps if one["state"] == "current"), None),
        **{name: getattr(folder, name) for name in names},
        "desk": db.get_one(Desk, folder.emitter_desk_id),
        "facts": _facts(folder),
        "read": folder.sources.get("read", []),
        "corrections": corrections.told(folder),
        "circuit": _circuit(db, folder),
        "published_on": publication.published_on if publication else None,
        "publication": means_of(db, folder).value if publication else None,
        "enforceable_on": worth.enforceable_on if worth else None,
        "effect": worth.inside if worth else None,
        "actions": _actions(db, folder, actor, seen.here, behind),
        "behind": [{"value": one.key, "label": one.label} for one in behind],
        "to_fill": [{"value": one.key, "label": one.label} for one in _to_fill(folder, seen.here)],
        "steps": steps,
        "step_changes": [
            {"at": one.changed_at, "who": one.changed_by, "changes": one.words, "reason": one.reason}
            for one in changes_of_round(db, folder)
        ],
        "opinions": opinions.shown(db, folder),
        "documents": _documents(db, folder, offered),
        "origin": origin.id if origin else None,
        "continuations": [one.id for one in after],
        "types": None
        if offered is None
        else [{"value": code, "label": words} for code, words in offered.offered],
        "signatures": [proof for find in plugged.proofs for proof in find(db, folder.id)],
        "transmissions": [],
        "dates": [],
        "payments": [],
        "invoice_rules": [],
        **{name: find(db, folder) for name, find in plugged.shares.items()},
        "problems": [{"key": one.key, "field": one.field, "sentence": one.sentence} for one in missing],
        "warnings": [
            {
                **{name: getattr(one, name) for name in ("key", "title", "sentence")},
                "gravity": "danger" if one.grave else "warning",
            }
            for one in cautions(db, folder)
        ],
        "settled": settled(folder),
    }


def _circuit(db: Db, folder: Folder) -> dict[str, Any] | None:
    """The circuit that it follows since it was last sent, and the rule that chose it."""
    version = db.get(CircuitVersion, folder.circuit_version_id) if folder.circuit_version_id else None
    if version is None:
        return None
    rule = folder.rule
    chosen = None
    if rule is not None:
        chosen = {
            "rules": rule["kind"],
            "version": rule["table"],
            "rank": rule["rank"] or None,
            "words": rule_words(rule),
        }
    return {"label": version.label, "version": version.number, "rule": chosen}


def _facts(folder: Folder) -> Mapping[str, Any]:
    """The facts; while they may be changed, only those that may, so that what was read can be sent back."""
    if folder.phase not in OPEN:
        return folder.fields
    own = {field.key for field in family_of(folder.in_force).fields}
    return {key: value for key, value in folder.fields.items() if key in own}


def _actions(db: Db, folder: Folder, actor: Actor, here: Present | None, behind: Sequence[Step]) -> list[str]:
    """What this reader may do now by the API to where the folder stands, as the law says it.

    Notes are beside it: whoever reads the folder with a part in it writes and settles them (`notes`).
    """
    deposits = folder.emitter_desk_id in actor.desks_with(Right.CREATE, folder.of_type)
    editable = folder.phase in OPEN and deposits
    lawful = choices(here.circuit, here.standing, here.asker(actor, folder)) if here else ()
    ahead = folder.phase == Phase.RUNNING and may_reroute(actor, folder) and not looks_on(db, actor, folder)
    asked = opinions.asked_of(db, folder, actor, here)
    return [
        *(("change", "start") if editable else ()),
        *(VERBS[one] for one in lawful if one in VERBS and (deposits or one is not Action.RECALL)),
        *(("send_back",) if behind else ()),
        *(("fill",) if may_fill(folder, actor, here) else ()),
        *(("hand",) if is_handed(db, folder, actor, here) else ()),
        *(("ask_opinion",) if may_ask(folder, actor, here) else ()),
        *(("answer_opinion",) if any(one.may_answer for one in asked) else ()),
        *(("withdraw_opinion",) if any(one.may_withdraw for one in asked) else ()),
        *(("reroute",) if ahead else ()),
        *(("take_back",) if undoing.offered(db, folder, actor) else ()),
    ]


def _to_fill(folder: Folder, here: Present | None) -> tuple[Field, ...]:
    return missing(folder, here.step) if here is not None and here.step is not None else ()


def _step(folder: Folder, step: Step, seen: Portrait) -> dict[str, Any]:
    runs = seen.runs.get(step.key, ())
    counting = standing(runs)
    states = {run.state for run in counting}
    ahead = folder.phase in {Phase.DRAFT, Phase.RUNNING} and not counting
    ahead = ahead and (not runs or step.applies(folder.facts))
    ranked = (("current", "active"), ("rejected", "rejected"), ("done", "done"))
    state = next((word for word, one in ranked if one in states), "todo" if ahead else "passed")
    due = next((run.due_on for run in runs if run.state == "active" and run.due_on < NO_DATE), None)
    names = (
        "state",
        "who",
        "capacity",
        "comment",
        "entered_at",
        "ended_at",
        "opinion",
        "absent",
        "sent_to",
        "former",
        "taken_back_at",
    )
    desks = [seen.desks.get(run.desk_id or 0) for run in runs]
    parts = [
        {**{name: getattr(run, name) for name in names}, "desk": desk.key if desk else None}
        for run, desk in zip(runs, desks, strict=True)
    ]
    return {
        "key": step.key,
        "label": step.label,
        "kind": step.kind,
        "state": state,
        "due_on": due,
        "told": [one.key for one in seen.told.get(step.key, ())],
        "requires": step.requires,
        "reading": step.reading,
        "parts": parts,
    }


def _documents(db: Db, folder: Folder, offered: FileTypes | None) -> list[dict[str, Any]]:
    marks = seen.marks(db, folder)
    return [
        {
            "id": row.id,
            "role": row.role,
            "title": row.title,
            "type": offered.of(row.role, row.type_code) or None
            if offered is not None and row.role in TYPED
            else None,
            "pages": every[0].pages,
            "seen": [
                {"who": row.who, "seen_at": row.seen_at, "version": one.number}
                for one in reversed(every)
                for row in marks.get(one.id, ())
            ],
            "versions": [_version(folder, one) for one in every],
        }
        for row, every in every_version(db, folder.id)
    ]


def _version(folder: Folder, one: DocumentVersion) -> dict[str, Any]:
    names = ("number", "filename", "media_type", "size", "sha256", "origin", "created_at")
    href = f"{PREFIX}/folders/{folder.id}/documents/{one.document_id}/versions/{one.number}"
    return {**{name: getattr(one, name) for name in names}, "href": href}


def notes_of(db: Db, folder: Folder, actor: Actor) -> dict[str, Any]:
    """The notes that this reader reads, the first to the last."""
    names = ("id", "who", "reach", "words", "written_at", "settled_by", "settled_at")
    return {
        "notes": [
            {
                **{name: getattr(note, name) for name in names},
                "answers": note.answers_id,
                "pin": _pin(db, folder, note),
            }
            for note in notes.readable(db, folder, actor)
        ],
        "people": [{"id": one.number, "name": one.name} for one in notes.to_tell(db, folder, actor)],
    }


def _pin(db: Db, folder: Folder, note: FolderNote) -> dict[str, Any] | None:
    place = pinned(db, folder, note)
    if place is None:
        return None
    return {
        "document": place.document.id,
        "version": place.version.number,
        "sha256": place.version.sha256,
        "page": place.page,
        "box": place.box,
    }


def journal_of(db: Db, folder: Folder, after: int) -> Mapping[str, Any]:
    """The folder's lines of the journal after this number, in order, with what binds each to the one before."""
    query = (
        sa.select(JournalEntry)
        .where(JournalEntry.folder_id == folder.id, JournalEntry.seq > after)
        .order_by(JournalEntry.seq)
        .limit(LINES + 1)
    )
    rows = list(db.scalars(query))
    names = ("seq", "at", "who", "event", "previous", "hash")
    unread = notes_unread(db, folder)
    lines = [
        {**{name: getattr(row, name) for name in names}, "facts": without_words(row, unread)}
        for row in rows[:LINES]
    ]
    return {"entries": lines, "next": lines[-1]["seq"] if len(rows) > LINES else None}
