"""Assemble a folder's page: what it is, its documents, and whose turn it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from flask import url_for
from markupsafe import Markup, escape

from app.circuits.library import family_of
from app.core.clock import today
from app.core.db import NO_DATE, Db
from app.core.french import instant, jour_long, spaces, taille
from app.core.grammar import de
from app.core.questions import ask, ask_together
from app.core.refusals import Refusal
from app.display import opinions, queues, tied, timeline, undone
from app.display.forms import inputs
from app.display.later import later
from app.display.listed import name_of
from app.display.noting import views as noting
from app.display.noting.views import TAB
from app.display.portrait import portrait, state_of
from app.display.views import (
    ASKED,
    ActionView,
    AskedDate,
    AskedReason,
    Decision,
    DocView,
    Due,
    FillView,
    FolderView,
    Link,
    Notice,
    Pager,
    VersionView,
    amount,
    before,
    due,
    family_words,
    state_label,
    step_due,
)
from app.files import vault
from app.files.xml import shown_text
from app.folders import carried, decide, points, seen
from app.folders.access import looks_on
from app.folders.asking import may_ask
from app.folders.corrections import ruled_in_words
from app.folders.documents import FIXED
from app.folders.filling import may_fill
from app.folders.handing import may_hand
from app.folders.models import Document, DocumentSeen, DocumentVersion, Folder
from app.folders.move import Present, cover_of, lacking_words, not_given
from app.folders.publicity import URGENCY, Means, means_of, signed_on, urgency_of, way_of
from app.folders.relieving import may_relieve
from app.folders.required import missing, reminder, required
from app.folders.rerouting import may_reroute
from app.folders.returning import last_return
from app.folders.rows import UNREAD, by_onlooker, every_version, runs_of_round
from app.folders.ruling import doubted_by, may_rule
from app.folders.seats import desk_names
from app.folders.sockets import (
    Caution,
    Leaf,
    gated,
    obstacles,
    plugged,
    returned_as,
    told_by_page,
    untold,
)
from app.folders.sockets import remarks as learnt_of
from app.people.actor import Actor
from workflows.circuit import Phase, StepKind
from workflows.engine import choices
from workflows.vocabulary import Action, Origin, Right, Role

PDF, XML = "application/pdf", "xml"
BUTTONS: Mapping[Action, tuple[str, str, str, str, str]] = {
    Action.APPROVE: ("Viser", "check2", "primary", "folders.approve", "A"),
    Action.SIGN: ("Signer…", "pen", "primary", "", "A"),
    Action.PUBLISH: ("Publier…", "globe", "primary", "folders.publish", "A"),
    Action.ARCHIVE: ("Archiver", "archive", "primary", "folders.archive", "A"),
    Action.REJECT: ("Rejeter…", "x-lg", "reject", "folders.reject", "R"),
    Action.RECALL: ("Reprendre le dossier…", "arrow-counterclockwise", "line", "folders.recall", ""),
    Action.WITHDRAW: ("Abandonner…", "trash3", "line", "folders.withdraw", ""),
}
CONFIRM: Mapping[Action, str] = {
    Action.RECALL: "Le dossier quitte le circuit et redevient un brouillon de votre bureau. Renvoyé, il reprend au début.",
    Action.WITHDRAW: "Le dossier ne partira pas. Ses documents et son journal sont gardés ; il ne pourra plus être envoyé.",
}
URGENT_DOUBT = "La loi ne dit pas ce qui est urgent : le juge peut en décider autrement."


def head(db: Db, folder: Folder, here: Present | None = None) -> FolderView:
    """The head of the page: what the folder is, its deadline, who deposited it, its tags.

    Its state is left out where a tag says it already.
    """
    label, icon = family_words(folder.in_force)
    desk = desk_names(db, folder.collectivity_id, [folder.emitter_desk_id]).get(folder.emitter_desk_id)
    tags = tuple(found for show in plugged.tags if (found := show(db, folder)) is not None)
    line = f"{timeline.begun(folder)} par {folder.depositor_name}, {desk.name if desk else ''}".rstrip(", ")
    when = due(folder.due_on, folder.family) if folder.phase != "done" else Due("none", "")
    state = state_of(db, folder, here)
    return FolderView(
        folder.id,
        name_of(db, folder),
        label,
        icon,
        folder.number,
        amount(folder.amount_cents, folder.currency),
        when,
        line,
        folder.version,
        folder.phase,
        "" if state in {tag.words for tag in tags} else state,
        tags,
        _step_due(db, folder, here),
    )


def _step_due(db: Db, folder: Folder, here: Present | None) -> Due:
    """The deadline of the step where the folder stands, in the words of the lists; that of no step where it is at rest."""
    if here is None or here.step is None or folder.phase != Phase.RUNNING:
        return Due("none", "")
    kind = None if here.standing.awaited else here.step.kind.value
    day, since = _step_day(db, folder)
    step = step_due(day, kind, folder.family, since)
    return step if step != due(day, folder.family) else Due("none", "")  # the folder's own stands beside it


def _step_day(db: Db, folder: Folder) -> tuple[date, datetime | None]:
    """The day by which the step in hand is to end, the first of those of its parts, and when the folder came there."""
    active = [run for run in runs_of_round(db, folder) if run.state == "active"]
    first = min(active, key=lambda run: run.due_on, default=None)
    return (first.due_on, first.entered_at) if first is not None else (NO_DATE, None)


UNREAD_WORDS = "Texte non indexé : la recherche ne trouve pas ce document par ses mots."


def documents(db: Db, folder: Folder, shown_id: int | None, endpoint: str = "folders.show") -> list[DocView]:
    """The documents in their order, each with its versions, signatures and what intake saw.

    One is the current one: that of `shown_id`, else the first; `endpoint` is the page that shows another one.
    """
    rows = every_version(db, folder.id)
    signatures: dict[int, list[Any]] = {}
    for find in plugged.signatures:
        for key, several in find(db, folder.id).items():
            signatures.setdefault(key, []).extend(several)
    numbers = [row.id for row, _ in rows]
    current = shown_id if shown_id in numbers else next(iter(numbers), None)
    unread = {one.document_id for (one,) in ask(db, UNREAD, folder.id)}
    marks = seen.marks(db, folder)
    learnt = learnt_of(db, folder)
    return [
        replace(
            one,
            remarks=(
                *one.remarks,
                *(learnt if one.role == Role.MAIN else ()),
                *((UNREAD_WORDS,) if one.id in unread else ()),
            ),
        )
        for one in (
            replace(
                _document(folder, row, every, signatures, current == row.id, endpoint),
                seen=_seen(every, marks),
            )
            for row, every in rows
        )
    ]


def _seen(every: Sequence[DocumentVersion], marks: Mapping[int, Sequence[DocumentSeen]]) -> tuple[str, ...]:
    """Who has seen the document whole, and when; of another version than the last, which one."""
    return tuple(
        spaces(
            f"{row.who}, {instant(row.seen_at)}{f' (version {one.number})' if one is not every[0] else ''}"
        )
        for one in reversed(every)
        for row in marks.get(one.id, ())
    )


def _document(
    folder: Folder,
    row: Document,
    every: Sequence[DocumentVersion],
    signatures: Mapping[int, list[Any]],
    current: bool,
    endpoint: str,
) -> DocView:
    def bytes_url(number: int, **more: Any) -> str:
        return url_for("folders.document", folder_id=folder.id, document_id=row.id, number=number, **more)

    version = every[0]
    kind = kind_of(version.media_type)
    facts, seen = version.note.get("facts", []), points.deposited(every).note
    pages = f", {version.pages} page{'s' if version.pages > 1 else ''}" if version.pages else ""
    repair = version.note.get("repair")
    return DocView(
        id=row.id,
        number=version.number,
        title=row.title,
        icon=_icon(kind, row.role),
        kind=kind,
        current=current,
        url=url_for(endpoint, folder_id=folder.id, document=row.id),
        bytes_url=bytes_url(version.number),
        download_url=bytes_url(version.number, telecharger=1),
        role=row.role,
        sha256=version.sha256,
        pages=version.pages or 0,
        fixed=row.role in FIXED,
        role_label=Role.words(row.role, "Autre pièce"),
        meta=f"{version.filename}{pages}, {taille(version.size)}, {Origin.words(version.origin, 'gardé')}",
        versions=tuple(
            VersionView(
                one.number,
                f"Version {one.number}, {Origin.words(one.origin, 'gardé')} le {instant(one.created_at)}",
                bytes_url(one.number),
                bytes_url(one.number, telecharger=1),
            )
            for one in every
        ),
        signatures=tuple(found for one in every for found in signatures.get(one.id, [])),
        # Any PDF may be asked about: only what was signed here, or came so, is known to bear signatures
        unexamined=(version.origin == Origin.SIGNED or points.carried(version.note) > 0)
        and any(one.ask_url for one in signatures.get(version.id, [])),
        notes=tuple(facts),
        remarks=tuple(map(spaces, seen.get("remarks", ()))),
        notice=_to_accept(repair.get("flattened", ())) if repair else None,
        carried=points.carried(version.note),
        points=tuple(points.of_note(seen)),
        enclosed=points.enclosed_in_words(seen),
        repair="" if not repair else "aplatie" if repair.get("flattened") else "réparée",
    )


def _to_accept(flattened: Sequence[str]) -> Notice:
    """What is offered in place of a file that cannot be signed as it is."""
    if not flattened:
        return Notice(
            "warn",
            "Ce PDF est mal construit",
            "Une copie réparée est proposée : acceptez-la, ou remplacez le fichier. L’original est gardé.",
        )
    return Notice(
        "warn",
        "Ce PDF ne se montre pas partout de la même façon",
        f"Il contient {', '.join(flattened)}. Une copie aplatie est proposée : ce que l’écran montre y est fixé dans les pages, "
        "le reste en est retiré. Regardez-la, acceptez-la, ou remplacez le fichier. L’original est gardé.",
    )


def kind_of(media_type: str) -> str:
    """How a document is shown: pdf, xml, image or other."""
    if media_type == PDF:
        return "pdf"
    if media_type.endswith(XML):
        return "xml"
    return "image" if media_type.startswith("image/") else "other"


def _icon(kind: str, role: str) -> str:
    if role in {"receipt", "signature"}:
        return "patch-check"
    return {"pdf": "file-earmark-pdf", "xml": "filetype-xml", "image": "file-earmark-image"}.get(
        kind, "file-earmark-text"
    )


def decision(db: Db, folder: Folder, actor: Actor, here: Present | None) -> Decision:
    """What is asked of this reader now; when it is not his turn, whose it is."""
    if here is None or here.step is None:
        return _decision_at_rest(db, folder, actor, here)
    route = timeline.passed_or_to_come(here.circuit, folder, {here.step.key})
    rank = next((n for n, step in enumerate(route) if step.key == here.step.key), 0)
    following = route[rank + 1].label if rank + 1 < len(route) else "fin du circuit"
    if rank + 1 < len(route) and route[rank + 1].key in here.circuit.unsure(folder.facts):
        following += ", selon ce qui reste à remplir"
    # The deposit is the first line of the circuit: the first step is the second.
    where = f"Étape {rank + 2} sur {len(route) + 1}"
    day, since = _step_day(db, folder)
    when = before(day, folder.family, since)
    line = (
        f"{f'{where}, {when}' if when else where}".rstrip(".")
        + f". Ensuite : {following[:1].lower()}{following[1:]}."
    )
    where = f"{when[:1].upper()}{when[1:]}" if when else where
    # An opinion that the step waits for takes no button away: it is off, and says why
    offered = choices(here.circuit, replace(here.standing, awaited=()), here.asker(actor, folder))
    actions = tuple(
        _action(db, one, folder) for one in offered if one in BUTTONS and _granted(one, folder, actor)
    )
    if Action.PUBLISH in offered and not here.standing.awaited and not missing(folder, here.step):
        actions = (*actions, *_urgent(db, folder))
    if not any(one.style == "primary" for one in actions):
        why = (*_sent_back(db, folder), *_lacking(folder, actor, here))
        return Decision(timeline.waiting_for(db, folder, here), line, where, actions, notices=why)
    quality, blocked = f", étape « {here.step.label} »", ""
    under = cover_of(db, actor, folder, here)
    asks_opinion = here.step.kind is StepKind.OPINION
    if asks_opinion:
        actions = tuple(
            replace(one, label="Donner cet avis", icon="chat-left-text")
            if one.name == Action.APPROVE
            else one
            for one in actions
        )
    if here.step.kind is StepKind.SIGN:
        words, blocked = _capacity(db, folder, actor, here)
        quality, blocked = words or quality, blocked or _refused_later(db, folder)
    elif here.step.kind is StepKind.VISA:
        why_not = not_given(db, folder, here.step, actor)
        blocked = str(why_not.facts["details"]) if why_not is not None else ""
    unread = seen.reminder(db, folder, here.step, actor)
    lacks = opinions.blocked(here) or reminder(folder, here.step)
    if lacks or unread:
        blocked = f"{(lacks or unread).rstrip('.')}."
    actions = (*actions, *_beside(folder, actor, here))
    asks = way_of(db, folder).verb if here.step.kind is StepKind.PUBLISH else here.step.kind.infinitive
    if under is not None:
        quality += f", en l’absence {de(under.absent)}"
    awaited = bool(here.standing.awaited)
    return Decision(
        timeline.waiting_for(db, folder, here) if awaited else f"À vous de {asks}{quality}",
        line,
        where,
        actions,
        blocked,
        notices=(*_sent_back(db, folder), *_posted(db, folder, here)),
        opinion=asks_opinion,
        reading=bool(unread) and not lacks,
    )


@dataclass(frozen=True)
class Typed:
    """What was just typed of the fields that a step requires, and is not kept: by field, what is wrong with each, and why.

    `version`: that of the folder over which it was typed.
    """

    facts: Mapping[str, Any]
    version: int
    wrong: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


def fill_view(
    db: Db, folder: Folder, actor: Actor, here: Present | None, typed: Typed | None = None
) -> FillView | None:
    """What this reader is to fill in before he decides; None where the step requires nothing of him."""
    if here is None or here.step is None or not may_fill(folder, actor, here):
        return None
    values = {**folder.fields, **(typed.facts if typed else {})}
    wrong = typed.wrong if typed else {}
    return FillView(
        inputs(db, required(folder, here.step), folder, values, wrong, actor.user_id),
        reminder(folder, here.step),
        here.step.kind.infinitive,
        here.step.kind is StepKind.VISA,
        typed is not None,
        typed.error if typed else "",
        typed.version if typed else folder.version,
    )


def _to_answer(
    top: FolderView, turn: Decision, asked: Sequence[opinions.AskedView]
) -> tuple[FolderView, Decision]:
    """The head and the decision of who is asked for an opinion beside the step, where nothing else is asked of him."""
    mine = next((one for one in asked if one.may_answer), None)
    if mine is None or any(one.style == "primary" for one in turn.actions):
        return top, turn
    absent, when = f", en l’absence {de(mine.absent)}" if mine.absent else "", before(mine.due)
    line = f"Demandé par {mine.asked_by}{f', {when}' if when else ''}"
    return (
        replace(top, state_label=ASKED, step_due=step_due(mine.due, StepKind.OPINION)),
        replace(
            turn,
            ask=f"À vous de donner votre avis{absent}",
            step_line=f"{line.rstrip('.')}.",
            bar_line=f"{when[:1].upper()}{when[1:]}" or line,
            answers=mine.number,
        ),
    )


def _posted(db: Db, folder: Folder, here: Present) -> tuple[Notice, ...]:
    """That an act posted in urgency is still to be put online, and what is not sure of it."""
    day = urgency_of(db, folder) if here.step is not None and here.step.kind is StepKind.PUBLISH else None
    if day is None:
        return ()
    why = str(folder.fields.get(URGENCY, "")).rstrip(" .")
    words = f"Motif : « {why} ». Mettez l’acte en ligne sans attendre : Paraphe ne compte le délai de recours qu’à partir de là. "
    return (Notice("warn", f"Affiché en urgence le {jour_long(day)}", f"{words}{URGENT_DOUBT}"),)


def _sent_back(db: Db, folder: Folder) -> tuple[Notice, ...]:
    """Why the folder came back to the step where it stands, with who and when."""
    run = last_return(db, folder)
    if run is None:
        return ()
    return (
        Notice(
            "warn", f"Renvoyé à cette étape par {run.by}, {instant(run.ended_at)}", escape(run.comment or "")
        ),
    )


def _lacking(folder: Folder, actor: Actor, here: Present) -> tuple[Notice, ...]:
    """Why who sits at the desk that signs is not asked: what his mandate lacks, before he has done anything."""
    lacking = here.lacking(actor, folder) if here.seated(actor, folder) else None
    lacking = lacking or here.lacking_under(actor, folder)
    if lacking is None:
        return ()
    return (Notice("info", "Ce dossier ne vous attend pas", lacking_words(lacking)),)


def _refused_later(db: Db, folder: Folder) -> str:
    """Why nobody signs what would be refused once signed, and what to do; empty when nothing is known against it."""
    if why := gated(db, folder):
        return why
    why = obstacles(db, folder)
    return (
        f"Signé, ce dossier serait refusé à l’envoi. {why} Rejetez-le pour qu’il soit corrigé." if why else ""
    )


def _capacity(db: Db, folder: Folder, actor: Actor, here: Present) -> tuple[str, str]:
    """« , en qualité de maire », or the exact words of a mandate; else why this person may not sign it."""
    words, blocked = next((say(db, actor, folder, here) for say in plugged.capacities), ("", ""))
    if words and words == actor.capacity:
        return f", en qualité {de(words[:1].lower() + words[1:])}", blocked
    return spaces(f", avec la mention « {words} »") if words else "", blocked


def _granted(one: Action, folder: Folder, actor: Actor) -> bool:
    """The desk that deposits takes back or gives up only with the right to create."""
    return one.outcome is not None or folder.emitter_desk_id in actor.desks_with(Right.CREATE, folder.of_type)


def _decision_at_rest(db: Db, folder: Folder, actor: Actor, here: Present | None) -> Decision:
    """Nobody is awaited in the circuit: a draft, a folder that came back with its reason, or one that is over."""
    called = returned_as(db, [folder.id]) if folder.phase == "done" else {}
    words = called.get(folder.id) or state_label(folder.place, None)
    emitter = folder.emitter_desk_id in actor.desks_with(Right.CREATE, folder.of_type)
    actions: list[ActionView] = []
    if emitter and folder.phase in {"draft", "rejected"}:
        url = url_for("folders.draft", folder_id=folder.id)
        actions.append(
            ActionView(
                "edit",
                "Corriger et renvoyer" if folder.round else "Compléter et envoyer",
                "pencil",
                "primary",
                url,
                "get",
                "A",
            )
        )
        if here is None or Action.WITHDRAW in choices(here.circuit, here.standing, here.asker(actor, folder)):
            actions.append(_action(db, Action.WITHDRAW, folder))
        words = "À vous de corriger" if folder.round else "À vous de compléter"
    elif folder.phase == "rejected":
        words = f"Retourné, on attend {folder.depositor_name}"
    why = timeline.rejection(db, folder)
    return Decision(words, "", "", tuple(actions), notices=(why,) if why else ())


def _action(db: Db, one: Action, folder: Folder) -> ActionView:
    label, icon, style, endpoint, key = BUTTONS[one]
    socket = plugged.actions.get(one)
    method = "dialog" if one is Action.REJECT else "post"
    if socket is not None:
        endpoint, method = socket.endpoint, socket.method
    url = url_for(endpoint, folder_id=folder.id)
    shown = ActionView(one.value, label, icon, style, url, method, key, confirm=CONFIRM.get(one, ""))
    return _publishing(db, folder, shown) if one is Action.PUBLISH else shown


def _publishing(db: Db, folder: Folder, shown: ActionView) -> ActionView:
    """The button of publication, in the words of the way in which this act is: online it asks no date, it happens then."""
    means = way_of(db, folder)
    shown = replace(shown, label=means.button, hidden=(("means", means.value),))
    if urgency_of(db, folder) is not None:
        return replace(shown, confirm=f"{means.asked} Le jour de son affichage en urgence reste inscrit.")
    if means is Means.ONLINE:
        day = f"Le jour de sa publication sera aujourd’hui, {jour_long(today())}"
        counts = "il est inscrit au journal et compte pour le caractère exécutoire et les recours"
        return replace(shown, confirm=f"{means.asked} {day} : {counts}.")
    return replace(
        shown,
        ask_date=_day_asked(
            db, folder, "Date de notification" if means is Means.NOTIFIED else "Date de publication", means
        ),
    )


def _day_asked(db: Db, folder: Folder, label: str, means: Means) -> AskedDate:
    earliest = signed_on(db, folder)
    return AskedDate(
        label,
        means.asked,
        today().isoformat(),
        earliest.isoformat() if earliest else "",
        f"Pas avant le {jour_long(earliest)}, jour de la signature." if earliest else "",
    )


def _beside(folder: Folder, actor: Actor, here: Present) -> tuple[ActionView, ...]:
    """The buttons of who would rather not decide alone: others are asked what they think, or decide in his place."""
    buttons = []
    if may_ask(folder, actor, here):
        url = url_for("folders.ask_opinion", folder_id=folder.id)
        buttons.append(
            ActionView("ask_opinion", "Demander un avis…", "chat-left-text", "line", url, "dialog", "V")
        )
    if may_hand(folder, actor, here):
        url = url_for("folders.hand", folder_id=folder.id)
        buttons.append(ActionView("hand", "Confier…", "arrow-right-circle", "line", url, "dialog"))
    return tuple(buttons)


def _urgent(db: Db, folder: Folder) -> tuple[ActionView, ...]:
    """The button of a posting in urgency, where the act is to be put online and was not posted yet."""
    if means_of(db, folder) is not Means.ONLINE:
        return ()
    means = Means.URGENT
    words = (
        "Affiché, l’acte est exécutoire au plus tardif de deux jours : celui de l’affichage, et celui de sa réception par la "
        f"préfecture s’il doit lui être transmis. Il reste à mettre en ligne (CGCT L2131-1, V). {URGENT_DOUBT} Dans le doute, "
        "mettez-le en ligne."
    )
    reason = AskedReason("En quoi il y a urgence", "Inscrit au journal.", decide.SHORTEST, decide.LONGEST)
    day = _day_asked(db, folder, "Date de l’affichage", means)
    url = url_for("folders.post_in_urgency", folder_id=folder.id)
    return (
        ActionView(
            "urgent",
            means.button,
            "megaphone",
            "line",
            url,
            "post",
            ask_date=day,
            ask_reason=reason,
            confirm=words,
        ),
    )


def _rulable(folder: Folder, actor: Actor, here: Present | None, found: Sequence[Caution]) -> frozenset[str]:
    """Of these cautions, those on which this reader may rule now (`Caution.about`)."""
    if not may_rule(folder, actor, here):
        return frozenset()
    return frozenset(one.about for one in found if one.about and not doubted_by(one, actor))


TABS = (
    ("circuit", "Circuit"),
    ("pieces", "Pièces"),
    ("details", "Détails"),
    (TAB, "Notes"),
    ("journal", "Journal"),
)


def context(
    db: Db,
    folder: Folder,
    actor: Actor,
    tab: str,
    shown_id: int | None,
    asked: Mapping[str, str],
    typed: Typed | None = None,
    note: noting.Typed | None = None,
) -> dict[str, Any]:
    """All that the folder's page shows to this reader; `asked` is what the address says of the sheet shown.

    `typed` and `note`: what was just typed and is not kept.
    """
    ask_together(db, plugged.questions, folder.id)
    seen = portrait(db, folder)
    asked_here = opinions.asked_of(db, folder, actor, seen.here)
    here, apart = seen.here, looks_on(db, actor, folder)
    docs = documents(db, folder, shown_id)
    shown = next((one for one in docs if one.current), None)
    tab = tab if tab in dict(TABS) else "circuit"
    leaf, rows, text = content(db, folder, shown, asked)
    where = queues.place_in_list(db, actor, folder.id)
    points, on_sheet = untold(db, folder), told_by_page(db, folder)
    rulable = _rulable(folder, actor, here, [*points, *on_sheet])
    later_view = None
    if folder.phase == Phase.RUNNING:
        later_view = later(db, folder, actor, listed=where is not None)
    counts = {"pieces": len(docs), TAB: noting.open_count(db, folder, actor)}
    tabs = [
        Link(
            key,
            label,
            str(counts.get(key) or ""),
            url_for("folders.show", folder_id=folder.id, onglet=key),
            key == tab,
        )
        for key, label in TABS
    ]
    top, turn = _to_answer(head(db, folder, here), decision(db, folder, actor, here), asked_here)
    return {
        "folder": top,
        "documents": docs,
        "shown": shown,
        "sheet": leaf.drawn if leaf else None,
        "leaf": leaf or _whole(folder, rows, text),
        "xml_rows": rows,
        "xml_text": text,
        "decision": turn,
        "undo": undone.view(db, folder, actor),
        "asked": asked_here,
        "fill": fill_view(db, folder, actor, here, typed),
        "points": points,
        "on_sheet": [one for one in on_sheet if one.about in rulable],
        "rulable": rulable,
        "ruled": ruled_in_words(folder),
        "tab": tab,
        "tabs": tabs,
        "pager": _pager(where),
        "steps": timeline.steps(db, folder, seen.route, seen.runs, seen.desks, seen.told),
        "circuit_line": timeline.circuit_line(db, folder),
        "rerouted": timeline.rerouted(db, folder),
        "may_relieve": not apart and may_relieve(folder, actor, here),
        "may_reroute": not apart and folder.phase == Phase.RUNNING and may_reroute(actor, folder),
        "ties": tied.ties(db, folder, actor) if tab == "circuit" else None,
        "details": timeline.details(db, folder),
        "notes": noting.notes_view(db, folder, actor, note) if tab == TAB else None,
        "seen_url": _seen_url(db, folder, actor, shown),
        "pins": noting.pins(db, folder, actor, shown) if shown and shown.kind == "pdf" and not leaf else [],
        "entries": timeline.entries(db, folder),
        "mails": timeline.mails(db, folder),
        "unreached": timeline.unreached(db, folder, actor, here) if tab == "circuit" else None,
        "later": later_view,
        "may_carry": later_view is not None and carried.offered(db, folder),
        "bands": [found for show in plugged.bands.of(folder) if (found := show(db, folder)) is not None],
        "todo_count": where[1] if where else None,
    }


def read_as_xml(db: Db, folder: Folder, shown: DocView) -> tuple[Sequence[tuple[str, str]], str]:
    """The rows and the text that the page gives of an XML document; neither of any other, nor of one that it only offers."""
    rows = _table(db, folder, shown)
    return rows, _text(db, folder, shown, rows)


def _seen_url(db: Db, folder: Folder, actor: Actor, shown: DocView | None) -> str:
    """Where the page says that the reader has seen the document that it shows whole; empty once that is known."""
    version = _version(db, folder, shown) if shown is not None else None
    if shown is None or version is None or shown.role not in seen.TO_READ or by_onlooker(db, folder.id):
        return ""
    if any(row.user_id == actor.user_id for row in seen.marks(db, folder).get(version.id, ())):
        return ""
    return url_for("folders.document_seen", folder_id=folder.id, document_id=shown.id, number=shown.number)


def _pager(where: tuple[int, int, int | None, int | None] | None) -> Pager | None:
    if where is None:
        return None
    rank, total, before, after = where
    urls = [url_for("folders.show", folder_id=one) if one else None for one in (before, after)]
    return Pager(rank, total, urls[0], urls[1], url_for("folders.inbox"))


def _text(db: Db, folder: Folder, shown: DocView | None, rows: Sequence[tuple[str, str]]) -> str:
    """The text of an XML document, where nobody reads it as a table or where the file itself is signed, whole.

    Empty when it is too long: nobody signs it (`shown_text`), and what was extracted for the machine may be any size.
    """
    if shown is None or shown.kind != "xml" or (rows and family_of(folder.in_force).signature != "file"):
        return ""
    try:
        return shown_text(_shown_bytes(db, folder, shown), shown.title)
    except Refusal:
        return ""


def _whole(folder: Folder, rows: Sequence[tuple[str, str]], text: str) -> Leaf | None:
    """An XML document of which the page gives all, on one page: its text, or its rows where they are what is decided on."""
    read = bool(rows) and family_of(folder.in_force).signature != "file"
    return Leaf(Markup("")) if text or read else None


def content(
    db: Db, folder: Folder, shown: DocView | None, asked: Mapping[str, str]
) -> tuple[Leaf | None, list[tuple[str, str]], str]:
    """What the page shows in place of the file itself: its sheet, the rows of its data, their text; nothing of a PDF."""
    leaf = sheet_of(db, folder, shown, asked)
    rows = [] if leaf else _table(db, folder, shown)
    return leaf, rows, "" if leaf else _text(db, folder, shown, rows)


def sheet_of(db: Db, folder: Folder, shown: DocView | None, asked: Mapping[str, str]) -> Leaf | None:
    """The document as a slice knows how to show it, whatever its size; None when it is shown as other files are."""
    if shown is None or shown.role != "main" or not plugged.sheets:
        return None
    version = _version(db, folder, shown)
    shown_as = (show(db, folder, version, asked) for show in plugged.sheets) if version else ()
    return next((found for found in shown_as if found), None)


def _version(db: Db, folder: Folder, shown: DocView) -> DocumentVersion | None:
    several = next((every for row, every in every_version(db, folder.id) if row.id == shown.id), [])
    return next((one for one in several if one.number == shown.number), None)


def _shown_bytes(db: Db, folder: Folder, shown: DocView) -> bytes:
    version = _version(db, folder, shown)
    return vault.store().read(vault.scope(folder.collectivity_id), version.sha256) if version else b""


def _table(db: Db, folder: Folder, shown: DocView | None) -> list[tuple[str, str]]:
    """The rows of an XML document that somebody knows how to read; empty otherwise."""
    if shown is None or shown.kind != "xml":
        return []
    data = _shown_bytes(db, folder, shown)
    for read in plugged.tables:
        rows = read(data)
        if rows:
            return list(rows)
    return []
