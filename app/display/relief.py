"""The page of who administers, where nobody does what a step awaits: who is awaited there, who could be, what would follow."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.core.clock import today
from app.core.db import NO_DATE, Db, reading
from app.core.french import depuis, jour_long, spaces
from app.core.grammar import of_giver, the_desk
from app.core.http import BRANCH, guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.display import opinions, page, timeline
from app.display.blueprint import pages, version_shown
from app.display.consulting import offered, people_told, unopened_at
from app.display.opening import shown_to
from app.display.portrait import current_present
from app.display.views import StepView
from app.folders import relieving
from app.folders.access import reads_all, refuse_onlooker
from app.folders.asking import Desk
from app.folders.models import Folder
from app.folders.move import MOST_WORDS, Present, entering
from app.folders.rehearsal import Stage, coming
from app.folders.relieving import Awaited
from app.folders.rows import runs_of_round
from workflows.circuit import StepKind

REPLACING = {
    "replacing-part": "part",
    "replacing-fixed": "",
    "replacing-locked": "",
    "handing-reason": "reason",
    "words-long": "reason",
    "handing-desk": "desk",
    "handing-many": "desk",
    "handing-refused": "desk",
    "handing-outside": "desk",
    "handing-taking-part": "desk",
    "handing-asked": "desk",
    "handing-back": "desk",
    "handing-own-deposit": "desk",
    "handing-nobody": "desk",
}
"""The refusals that are told above the replacement, with what was typed, each by its field."""
PASSING = {
    "passing-reason": "reason",
    "words-long": "reason",
    "passing-fixed": "",
    "passing-locked": "",
    "passing-alone": "",
    "passing-yours": "",
    "facts-awaited": "",
    "passing-held": "",
}
"""The same, above the step that is passed."""


@dataclass(frozen=True)
class Told:
    """What was refused of one of the two forms: its sentence, the field that it is about."""

    sentence: str = ""
    wrong: str = ""
    status: int = 200


@pages.get("/dossiers/<int:folder_id>/remplacer")
@guard(BRANCH)
def relief(folder_id: int) -> str:
    """Show who is awaited, who could be in the place of each, and what would follow if the step were passed."""
    return _page(folder_id)


@pages.post("/dossiers/<int:folder_id>/remplacer")
@guard(BRANCH)
def relieve(folder_id: int) -> Response | tuple[str, int]:
    """Put a desk in the place of who is awaited."""
    typed = {name: request.form.get(name, "") for name in ("part", "desk", "reason")}
    try:
        replaced, name = relieving.replace_actor(g.actor, folder_id, version=version_shown(), **typed)
    except Refusal as refusal:
        if refusal.key not in REPLACING:
            raise
        told = _told(refusal, REPLACING)
        return _page(folder_id, replacing=told, typed=typed), told.status
    sentence = f"À la place {of_giver(replaced)}, cette étape attend {the_desk(name)}, dont le délai part d’aujourd’hui."
    with reading(g.actor.collectivity_id) as db:
        waited_for = opinions.waited_for(db, db.get_one(Folder, folder_id))
    if waited_for:
        sentence += f" Elle attend toujours l’avis {' et l’avis '.join(desk for _, desk in waited_for)}."
    flash(spaces(sentence), "ok")
    return _after(folder_id)


@pages.post("/dossiers/<int:folder_id>/passer")
@guard(BRANCH)
def pass_step(folder_id: int) -> Response | tuple[str, int]:
    """Pass the step."""
    reason = request.form.get("reason", "")
    try:
        label = relieving.pass_step(g.actor, folder_id, version=version_shown(), reason=reason)
    except Refusal as refusal:
        if refusal.key not in PASSING:
            raise
        told = _told(refusal, PASSING)
        return _page(folder_id, passing=told, typed={"passed": reason}), told.status
    flash(f"L’étape « {label} » est passée : personne ne s’y est prononcé, et le dossier continue.", "ok")
    return _after(folder_id)


def _after(folder_id: int) -> Response:
    """The folder's page, or the list where who administers had read it by a cover at the step that it has left."""
    with reading(g.actor.collectivity_id) as db:
        read = reads_all(db, g.actor, [folder_id])
    return redirect(url_for("folders.show", folder_id=folder_id) if read else url_for("folders.inbox"))


def _told(refusal: Refusal, fields: Mapping[str, str]) -> Told:
    status, sentence = sentences.say(refusal.key, refusal.facts)
    return Told(spaces(sentence), fields[refusal.key], status)


def _page(
    folder_id: int,
    *,
    replacing: Told = Told(),
    passing: Told = Told(),
    typed: Mapping[str, str] | None = None,
) -> str:
    context = shown_to(g.actor, folder_id, _relieving)
    return render_template(
        "folders/relief.html",
        replacing=replacing,
        passing=passing,
        typed={"part": "", "desk": "", "reason": "", "passed": "", **(typed or {})},
        most_words=MOST_WORDS,
        **context,
    )


def _relieving(db: Db, folder: Folder) -> dict[str, Any]:
    """What the page tells of the step where the folder waits."""
    refuse_onlooker(db, g.actor, folder)
    here = current_present(db, folder)
    if here is None or here.step is None or not relieving.may_relieve(folder, g.actor, here):
        label = here.step.label if here is not None and here.step is not None else ""
        raise (
            Refusal("replacing-fixed", step=label) if g.actor.administrator else Refusal("relief-forbidden")
        )
    parts = relieving.awaited(db, folder, g.actor, here)
    unopened = unopened_at(db, (one.slot for one in parts if one.slot is not None))
    return {
        "folder": page.head(db, folder, here),
        "label": here.step.label,
        "noun": "cet avis" if here.step.kind is StepKind.OPINION else "ce visa",
        "since": _since(db, folder),
        "parts": [_part(one, unopened) for one in parts],
        "opinions": opinions.waited_for(db, folder),
        "desks": _desks(db, folder, here, parts),
        "not_replaced": _why(relieving.fixed(folder, here)),
        "due": _due(db, folder, here),
        "not_passed": _why(relieving.not_passed(db, folder, g.actor, here)),
        "following": _following(db, folder, here),
        "depositor": folder.depositor_name,
    }


def _why(refusal: Refusal | None) -> str:
    """Why one of the two is not to be done, told before anybody has tried."""
    if refusal is None:
        return ""
    words = sentences.say(refusal.key, refusal.facts)[1]
    for nothing in ("Rien n’a été passé", "Personne n’a été remplacé"):
        words = words.removeprefix(nothing)
    words = words.lstrip("\u00a0\u202f :")
    return spaces(f"{words[:1].upper()}{words[1:]}")


def _since(db: Db, folder: Folder) -> str:
    entered = [run.entered_at for run in runs_of_round(db, folder) if run.state == "active"]
    return depuis(min(entered, default=None))


def _part(one: Awaited, unopened: Collection[int]) -> tuple[str, str, str]:
    """Who has a part: its key, its name, who sits there and why nobody may be expected."""
    if one.slot is None or not one.slot.people:
        return one.key, one.name, "personne ne peut s’y prononcer"
    return one.key, one.name, people_told(one.slot.people, unopened)


def _desks(db: Db, folder: Folder, here: Present, parts: Sequence[Awaited]) -> list[tuple[str, str, str]]:
    """The desks that could be in the place of one of the parts, each with its people."""
    found: dict[str, Desk] = {}
    for one in parts if relieving.fixed(folder, here) is None else ():
        for desk in relieving.replacements(db, folder, g.actor, here, one):
            found.setdefault(desk.key, desk)
    return sorted(offered(db, found.values()), key=lambda desk: desk[1])


def _due(db: Db, folder: Folder, here: Present) -> str:
    """« jusqu’au 4 décembre 2026 »: the day of who would come, whose days begin today; empty of none."""
    try:
        due = entering(db, folder, here.circuit.step(folder.place), today())[1]
    except Refusal:
        due = min(run.due_on for run in runs_of_round(db, folder) if run.state == "active")
    return f"jusqu’au {jour_long(due)}" if due < NO_DATE else ""


def _following(db: Db, folder: Folder, here: Present) -> list[StepView]:
    """The steps that would follow, were this one passed now, numbered as on the folder’s page."""
    route = timeline.passed_or_to_come(here.circuit, folder, {folder.place})
    first = next((n for n, step in enumerate(route) if step.key == folder.place), 0) + 3
    stages = coming(db, folder, here.circuit, today(), at_once=True).stages
    return [_stage(n, one) for n, one in enumerate(stages, start=first)]


def _stage(n: int, stage: Stage) -> StepView:
    """A step that would follow: who would be asked, by when."""
    if stage.step.kind.automatic:
        return StepView("todo", n, stage.step.label, "Automatique")
    who = ", ".join(slot.label for slot in stage.slots) or "personne ne pourrait s’y prononcer"
    due = f", avant le {jour_long(stage.due)}" if stage.due < NO_DATE else ""
    return StepView("todo", n, stage.step.label, spaces(f"{stage.step.kind.label}, {who}{due}"))
