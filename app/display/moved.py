"""What happened to a folder while somebody was reading it: who did what, what was typed in vain, and where to go now."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.circuits.library import family_of
from app.core.db import Db
from app.core.french import moment_of_day, spaces
from app.core.grammar import of_giver, the_desk, to_desk
from app.display import queues
from app.display.forms import facts_typed
from app.folders.models import ASKED, HANDED, STEPS_PER_ROUND, AskedOpinion, CircuitChange, Folder, StepRun
from app.folders.move import decided
from app.journal.models import JournalEntry
from app.people.actor import Actor
from workflows.family import normalised

FILL_AND_APPROVE = "folders.fill, approve"
"""What `folders.fill` asks where the same form puts the visa."""
_LOST = {
    "folders.approve": "Votre visa n’a pas été enregistré.",
    "folders.reject": "Votre rejet n’a pas été enregistré.",
    "folders.publish": "Ni publication ni notification n’ont été enregistrées.",
    "folders.recall": "Le dossier n’a pas été repris.",
    "folders.withdraw": "Le dossier n’a pas été abandonné.",
    "folders.coming": "Vos changements n’ont pas été appliqués.",
    "folders.fill": "Ce que vous avez rempli n’a pas été enregistré.",
    FILL_AND_APPROVE: "Ni ce que vous avez rempli ni votre visa n’ont été enregistrés.",
    "folders.ask_opinion": "Rien n’a été demandé.",
    "folders.hand": "Rien n’a été confié.",
    "folders.relieve": "Personne n’a été remplacé.",
    "folders.pass_step": "Rien n’a été passé.",
    "folders.take_back": "Rien n’a été annulé.",
    "folders.give_opinion": "Votre avis n’a pas été enregistré.",
    "folders.withdraw_opinion": "La demande d’avis n’a pas été retirée.",
    "folders.draft": "Votre saisie n’a pas été enregistrée et rien n’est parti.",
}
_DECISIONS = frozenset({"folders.approve", "folders.reject", "folders.publish", FILL_AND_APPROVE})
_DONE = {
    **dict.fromkeys(_DECISIONS, "décidé"),
    "folders.hand": "confié",
    "folders.ask_opinion": "demandé",
    "folders.give_opinion": "répondu",
    "folders.fill": "rempli",
}
"""What may be posted again after its answer was lost, in the words of whoever did it."""
CLOSED = (
    "Ce dossier ne vous est pas ouvert",
    "Cette fois-ci, rien n’a été fait. S’il vous était ouvert quand vous avez ouvert sa page, il a changé de bureau depuis, "
    "ou votre intérim a pris fin. Ce qui vous est ouvert est dans « À traiter » et dans « Suivi ».",
)
"""What a page says of a button whose folder is not, or no more, one that its reader may read; and where to look for it."""
OWN = "Vous avez déjà agi sur ce dossier"
AGAIN = "Cette fois-ci, rien de plus n’a été fait."
MOST_LINES = 50
"""Of what one has filled in, so many times are looked at, the last ones."""
_NOT_TYPED = frozenset(
    {
        "csrf_token",
        "password",
        "version",
        "action",
        "then",
        "published_on",
        "means",
        "desk",
        "desks",
        "part",
        "waits",
        "wanted_on",
        "opinion",
    }
)


def context(
    db: Db, folder: Folder, actor: Actor, endpoint: str, why: str = "", form: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What the page says: what changed (`why`, else the last act on the folder), what was not done, the next that waits.

    `form`: what was posted, which alone says whether fields that were filled in are filled in again.
    """
    others = [line.id for line in queues.todo(db, actor) if line.id != folder.id]
    last = last_deed(db, folder)
    own = not why and last is not None and actor.user_id is not None and last.user_id == actor.user_id
    # Whoever posts a form again whose answer was lost did what it asks: what he is told is true of it too
    mine = _own_act(db, folder, actor, endpoint, form or {})
    if own and last is not None:
        heading = OWN
        done = f"Vous avez {last.words} {moment_of_day(last.at)} : c’est enregistré."
        sentence = f"{done} {AGAIN}"
    elif not why and mine is not None and mine >= folder.updated_at:
        heading = OWN
        sentence = f"Ce que vous avez {_DONE[endpoint]} {moment_of_day(mine)} est enregistré. {AGAIN}"
    else:
        still = last is not None and last.still
        heading = "Ce dossier a changé" if why or still else "Ce dossier a avancé"
        what = why or f"{_told(folder, last)}, pendant que vous le lisiez{_reason(last)}."
        lost = _LOST.get(endpoint, "Votre décision n’a pas été enregistrée.")
        filled = endpoint == "folders.fill" and mine is None and actor.user_id is not None
        if (
            filled
            and (former := _filled(db, folder, actor.user_id or 0, form or {}, former=True)) is not None
        ):
            lost = f"Ce que vous aviez rempli {moment_of_day(former)} a été remplacé depuis ; {AGAIN[0].lower()}{AGAIN[1:]}"
        if mine is not None:
            lost = f"Ce que vous avez {_DONE[endpoint]} {moment_of_day(mine)} est enregistré ; {AGAIN[0].lower()}{AGAIN[1:]}"
        sentence = f"{what} {lost}"
    return {
        "folder": folder,
        "heading": heading,
        "sentence": spaces(sentence),
        "next_id": others[0] if others else None,
    }


def _own_act(db: Db, folder: Folder, actor: Actor, endpoint: str, form: Mapping[str, str]) -> datetime | None:
    """When the actor last did what a form asks, since the folder was last sent, and has not taken back; None where he has not."""
    if actor.user_id is None or endpoint not in _DONE:
        return None
    in_round = (StepRun.folder_id == folder.id, StepRun.pass_number >= folder.round * STEPS_PER_ROUND)
    asked = StepRun.slot.like(f"{ASKED}%")
    if endpoint == "folders.fill":
        return _filled(db, folder, actor.user_id, form)
    if endpoint in _DECISIONS:
        query = sa.select(sa.func.max(StepRun.ended_at)).where(
            *in_round, StepRun.user_id == actor.user_id, StepRun.state.in_(["done", "rejected"]), ~asked
        )
    elif endpoint == "folders.give_opinion":
        query = sa.select(sa.func.max(StepRun.ended_at)).where(
            *in_round, StepRun.user_id == actor.user_id, StepRun.state == "done", asked
        )
    elif endpoint == "folders.ask_opinion":
        query = (
            sa.select(sa.func.max(StepRun.entered_at))
            .join(AskedOpinion, AskedOpinion.run_id == StepRun.id)
            .where(*in_round, AskedOpinion.asked_by_id == actor.user_id, AskedOpinion.withdrawn_by.is_(None))
        )
    else:
        query = sa.select(sa.func.max(CircuitChange.changed_at)).where(
            CircuitChange.folder_id == folder.id,
            CircuitChange.round == folder.round,
            CircuitChange.changed_by_id == actor.user_id,
            CircuitChange.handed_to.is_not(None),
            CircuitChange.replaced.is_(False),
            CircuitChange.taken_back_at.is_(None),
        )
    return db.scalar(query)


def _filled(
    db: Db, folder: Folder, user_id: int, form: Mapping[str, str], *, former: bool = False
) -> datetime | None:
    """When somebody last filled in these same values since the folder was sent; the journal alone says which account did.

    Those that stand, of which nobody else has written any since; `former`: those that another value has replaced since too.
    """
    lines = sa.select(JournalEntry.id, JournalEntry.at, JournalEntry.facts).where(
        JournalEntry.folder_id == folder.id
    )
    own = lines.where(JournalEntry.user_id == user_id, JournalEntry.event == "facts.filled")
    family = family_of(folder.in_force)
    written = normalised(family, facts_typed(family, form))
    for line in db.execute(own.order_by(JournalEntry.id.desc()).limit(MOST_LINES)):
        at = datetime.fromisoformat(line.at)
        if at < (folder.submitted_at or at):
            return None
        own_values = json.loads(line.facts)["facts"]
        shared = written.keys() & own_values.keys()
        if not shared or any(written[key] != own_values[key] for key in shared):
            continue  # other values than these
        if not former and _written_since(db, folder, line.id, shared):
            continue  # the same value of somebody else
        values = {**folder.fields, **own_values} if former else folder.fields
        if any(value != values.get(key) for key, value in written.items()):
            continue
        # The folder is stamped after its line is written: where nothing came since, the change that it tells is this one
        return (
            at if db.execute(lines.where(JournalEntry.id > line.id).limit(1)).first() else folder.updated_at
        )
    return None


def _written_since(db: Db, folder: Folder, line_id: int, keys: Collection[str]) -> bool:
    """Whether one of these fields was filled in again after a line of the journal."""
    later = sa.select(JournalEntry.facts).where(
        JournalEntry.folder_id == folder.id, JournalEntry.event == "facts.filled", JournalEntry.id > line_id
    )
    return any(json.loads(facts)["facts"].keys() & set(keys) for facts in db.scalars(later))


def typed(form: Mapping[str, str]) -> str:
    """What the person had written, to be shown and copied: the reason or the note alone, else every line of the form."""
    alone = form.get("reason", form.get("comment"))
    if alone is not None:
        return alone.strip()
    return "\n".join(value for name, value in form.items() if name not in _NOT_TYPED and value.strip())


@dataclass(frozen=True)
class Deed:
    """The last thing that somebody did to a folder: who, in the words of a trail, what (« visé « Gaz » »), and when.

    `still`: the folder stands at the step where it stood, another desk in the place of the one that was awaited, and `reason` is
    why.
    """

    user_id: int | None
    who: str
    words: str
    at: datetime
    still: bool = False
    reason: str = ""


def last_deed(db: Db, folder: Folder) -> Deed | None:
    """The last decision on a folder, or the last part of a step that went to another desk; None where else it changed since."""
    title = f"« {folder.title or 'Sans titre'} »"
    decisions = (
        sa.select(StepRun)
        .where(
            StepRun.folder_id == folder.id,
            StepRun.state.in_(["done", "rejected", "passed"]),
            StepRun.slot.not_like(f"{HANDED}%"),
            StepRun.who.is_not(None),
        )
        .order_by(StepRun.ended_at.desc(), StepRun.id.desc())
        .limit(1)
    )
    handings = (
        sa.select(CircuitChange)
        .where(
            CircuitChange.folder_id == folder.id,
            CircuitChange.handed_to.is_not(None),
            CircuitChange.taken_back_at.is_(None),
        )
        .order_by(CircuitChange.id.desc())
        .limit(1)
    )
    deeds = []
    if (run := db.scalar(decisions)) is not None and run.ended_at is not None:
        where = " à une étape antérieure" if run.sent_to is not None else ""
        verb = (
            "renvoyé"
            if run.sent_to is not None
            else "passé une étape de"
            if run.waived
            else decided(folder, run)
        )
        who = f"{run.by}," if run.absent else str(run.who)
        deeds.append(Deed(run.user_id, who, f"{verb} {title}{where}", run.ended_at))
    if (change := db.scalar(handings)) is not None:
        receiver, giver = change.handed_to or "", change.handed_from or ""
        words = f"confié {title} {to_desk(receiver)}"
        if change.replaced:  # by who administers, who had nothing to hand over
            words = f"mis {the_desk(receiver)} à la place {of_giver(giver)} pour {title}"
        reason = change.reason if change.replaced else ""
        at = change.changed_at
        deeds.append(Deed(change.changed_by_id, change.changed_by, words, at, change.replaced, reason))
    last = max(deeds, key=lambda one: one.at, default=None)
    return last if last is not None and last.at >= folder.updated_at else None


def told(db: Db, folder: Folder, reader: int | None = None) -> str:
    """« Tifenn Lescoat a visé « Gaz des bâtiments » à 22 h 51 »; where it is nobody's decision, only when it changed.

    `reader`: the account of who reads it: « Vous avez visé … » of what he did himself.
    """
    last = last_deed(db, folder)
    if last is not None and reader is not None and last.user_id == reader:
        return f"Vous avez {last.words} {moment_of_day(last.at)}"
    return f"{_told(folder, last)}{_reason(last)}"


def _reason(last: Deed | None) -> str:
    return f", « {last.reason} »" if last is not None and last.reason else ""


def _told(folder: Folder, last: Deed | None) -> str:
    if last is None:
        return f"« {folder.title or 'Sans titre'} » a changé {moment_of_day(folder.updated_at)}"
    return f"{last.who} a {last.words} {moment_of_day(last.at)}"
