"""The page where the coming steps of a folder are changed: nothing is kept before « Appliquer », what is typed is in the form."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.circuits.checking import Desks, able_desks, words_of_people
from app.circuits.library import family_of
from app.core.db import NO_DATE, Db, reading
from app.core.french import jour, spaces
from app.core.grammar import plural
from app.core.http import PERSON, guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.core.texts import whole
from app.display import moved, page, timeline
from app.display.blueprint import pages, version_shown
from app.display.opening import shown_to
from app.display.portrait import portrait
from app.folders import rerouting
from app.folders.access import authorize, refuse_onlooker
from app.folders.models import Folder
from app.folders.move import MOST_WORDS
from app.folders.rehearsal import Rehearsal, Stage
from app.folders.rerouting import ADD, REMOVE, REPLACE, Change, Line, Plan, part_key
from workflows.adding import ADDED
from workflows.circuit import Phase, Step, StepKind
from workflows.drawing import parts_text, value_key, who_text
from workflows.loader import MAX_DAYS, MAX_LABEL
from workflows.vocabulary import Right, WhoKind

APPLY, LOOK = "apply", "look"
LONGEST = 2_000
"""Signs of one change in the form, well above what one takes."""
ANSWERED = frozenset(
    {
        "coming-reason",
        "coming-none",
        "coming-gone",
        "coming-locked",
        "coming-refused",
        "words-long",
        "moved-on",
    }
)
"""The refusals that are told on the page itself, with what was typed."""
Choice = tuple[str, str]


@dataclass(frozen=True)
class StepLine:
    """A coming step on the page: its number (0 for one that is removed), its name, what is told of it, what it was."""

    key: str
    n: int
    label: str
    meta: str
    was: str
    state: str
    lock: str | None


@dataclass(frozen=True)
class ChangeLine:
    """A change that is not applied yet, in words, with its rank among those of the form."""

    rank: int
    words: str


@pages.route("/dossiers/<int:folder_id>/etapes", methods=["GET", "POST"])
@guard(PERSON)
def coming(folder_id: int) -> Response | tuple[str, int]:
    """Look at what changes would make of the coming steps, or apply them with their reason."""
    error, status, changes, reason, unreasoned = "", 200, list[Change](), "", False
    if request.method == "POST":
        shown, pressed = version_shown(), request.form.get("do", LOOK)
        changes, reason = _typed(request.form.getlist("change")), request.form.get("reason", "")
        with reading(g.actor.collectivity_id) as db:
            folder = authorize(db, g.actor, folder_id)
            refuse_onlooker(db, g.actor, folder)
            stale = folder.version != shown
            if stale and folder.phase != Phase.RUNNING and rerouting.may_reroute(g.actor, folder):
                raise Refusal("moved-on", folder_id=folder_id, title="Ce dossier a avancé")
            rerouting.refuse_idle(g.actor, folder)
        try:
            if pressed == APPLY:
                told = rerouting.reroute(g.actor, folder_id, version=shown, changes=changes, reason=reason)
                flash(f"Les étapes à venir sont modifiées. {' '.join(told)}", "ok")
                return redirect(url_for("folders.show", folder_id=folder_id))
            changes = _pressed(pressed, changes)
        except Refusal as refusal:
            if refusal.key not in ANSWERED:
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
            stale, unreasoned = stale or refusal.key == "moved-on", refusal.key == "coming-reason"
        if stale:
            status, error = (409, "") if pressed == APPLY else (status, error)
    else:
        stale = False
    context, told_since, unlawful = shown_to(
        g.actor, folder_id, lambda db, folder: _planned(db, folder, changes, stale=stale)
    )
    if unlawful is not None:
        status, error = sentences.say(unlawful.key, unlawful.facts)
    return (
        render_template(
            "folders/coming.html",
            error=spaces(error),
            since=spaces(told_since),
            unreasoned=unreasoned and not stale,
            pressed=request.method == "POST" and not stale,
            typed=request.form if error and not stale else {},
            reason=reason,
            most_words=MOST_WORDS,
            most_days=MAX_DAYS,
            most_label=MAX_LABEL,
            **context,
        ),
        status,
    )


def _planned(
    db: Db, folder: Folder, changes: list[Change], *, stale: bool
) -> tuple[dict[str, Any], str, Refusal | None]:
    """What the page shows, what was done since it was last shown, and why the last change is not in it."""
    refuse_onlooker(db, g.actor, folder)
    rerouting.refuse_idle(g.actor, folder)
    unlawful = None
    try:
        plan = rerouting.planned(db, folder, changes)
    except Refusal as refusal:
        if refusal.key != "coming-locked":
            raise
        # The last one pressed breaks the law: what was typed before it stays
        unlawful, plan = refusal, rerouting.planned(db, folder, changes[:-1])
    return _context(db, folder, plan), moved.told(db, folder) if stale else "", unlawful


def _typed(sent: Sequence[str]) -> list[Change]:
    """The changes that the form carries; refuses `bad-request` for what no page of ours wrote."""
    if len(sent) > rerouting.MOST:
        raise Refusal("bad-request", detail="trop de changements à la fois")
    return [_change(one) for one in sent]


def _change(text: str) -> Change:
    try:
        data = json.loads(text) if len(text) <= LONGEST else None
    except (ValueError, RecursionError):
        data = None
    known = {one.name for one in fields(Change)} - {"days"}
    if (
        not isinstance(data, dict)
        or not set(data) <= {*known, "days"}
        or not all(isinstance(data.get(name, ""), str) for name in known)
        or data.get("kind") not in rerouting.KINDS
        or data.get("asks", StepKind.OPINION) not in ADDED
        or type(data.get("days")) not in {int, type(None)}
    ):
        raise Refusal("bad-request", detail="un changement est illisible")
    return Change(**data)


def _pressed(pressed: str, changes: list[Change]) -> list[Change]:
    """The changes after a button: one more, one less, or the same."""
    word, _, value = pressed.partition(":")
    form = request.form
    if word in rerouting.KINDS and len(changes) >= rerouting.MOST:
        raise Refusal(
            "coming-refused",
            details=f"{rerouting.MOST} changements à la fois, au plus : appliquez d’abord ceux-ci.",
        )
    if word == ADD:
        return [*changes, _added(form)]
    if word == REPLACE:
        step, _, instead = form.get("part", "").partition("|")
        if not instead or not form.get("by"):
            raise Refusal(
                "coming-refused", details="Choisissez le bureau qui part, et celui qui prend sa place."
            )
        return [*changes, Change(REPLACE, step=step, instead=instead, desk=form["by"])]
    if word == REMOVE:
        return [*changes, Change(REMOVE, step=value)]
    if word == "undo":
        return [one for rank, one in enumerate(changes) if rank != whole(value)]
    return changes


def _added(form: Mapping[str, str]) -> Change:
    """The step that is asked to be added; refuses `coming-refused` for what is badly typed."""
    typed = form.get("days", "").strip()
    days = whole(typed, MAX_DAYS)
    if typed and not days:
        raise Refusal(
            "coming-refused",
            details=f"« {typed[:20]} » n’est pas un nombre de jours ouvrés : écrivez-en un de 1 à {MAX_DAYS}.",
        )
    if not form.get("desk"):
        raise Refusal("coming-refused", details="Choisissez le bureau de l’étape que vous ajoutez.")
    label = form.get("label", "")
    if len(label.strip()) > MAX_LABEL:
        raise Refusal(
            "coming-refused", details=f"Le nom de l’étape dépasse {MAX_LABEL} signes : raccourcissez-le."
        )
    one = Change(
        ADD,
        desk=form["desk"],
        after=form.get("after", ""),
        label=label,
        days=days,
        asks=form.get("asks", StepKind.OPINION.value),
    )
    if one.asks not in ADDED:
        raise Refusal("bad-request", detail="une étape qui ne s’ajoute pas")
    return one


def _context(db: Db, folder: Folder, plan: Plan) -> dict[str, Any]:
    seen = portrait(db, folder)
    rank = next(n for n, step in enumerate(seen.route) if step.key == folder.place)
    past = timeline.steps(db, folder, seen.route[: rank + 1], seen.runs, seen.desks, seen.told)
    names = {**words_of_people(plan.desks), **{key: desk.name for key, desk in plan.desks.items()}}
    names |= {one.key: one.label for one in family_of(folder.in_force).fields}
    lines = _lines(plan, names, rank + 3)  # the deposit is the first line
    here = next(step.label for step in seen.route if step.key == folder.place)
    ahead = [line for line in plan.lines if line.state != "removed"]
    able = able_desks(db, folder.collectivity_id, Right.ACT, family_of(folder.in_force))
    return {
        "folder": page.head(db, folder, seen.here),
        "past": past,
        "lines": lines,
        "changes": [ChangeLine(n, _words(one, plan, names)) for n, one in enumerate(plan.changes)],
        "kept": [json.dumps(asdict(one)) for one in plan.changes],
        "gone": len(plan.gone),
        "faults": [spaces(one) for one in plan.faults],
        "afters": [(folder.place, here), *((line.step.key, line.step.label) for line in ahead)],
        "parts": _parts(ahead, names),
        "kinds": [(kind.value, kind.label) for kind in ADDED],
        "advisers": _offered(plan.desks, able),
        "desks": _offered(plan.desks),
        **_days(plan.now, plan.then),
        "depositor": folder.depositor_name,
    }


def _lines(plan: Plan, names: Mapping[str, str], n: int) -> list[StepLine]:
    found = []
    for line in plan.lines:
        step, gone = line.step, line.state == "removed"
        was = _who(line.was, names) if line.state == "changed" and line.was else ""
        meta = step.kind.label if gone else f"{step.kind.label}, {_asked(line, names)}"
        lock = None if line.lock is None else f"La loi, {line.lock}" if line.lock else "Le type de dossier"
        found.append(
            StepLine(step.key, 0 if gone else n, step.label, spaces(meta), spaces(was), line.state, lock)
        )
        n += not gone
    return found


def _asked(line: Line, names: Mapping[str, str]) -> str:
    """Who would be asked, and by when."""
    stage = line.stage
    if line.step.kind.automatic:
        return "automatique"
    who = _slots(line.step, stage) if stage is not None and stage.slots else _who(line.step, names)
    return who + (f", avant {jour(stage.due)}" if stage is not None and stage.due < NO_DATE else "")


def _slots(step: Step, stage: Stage) -> str:
    told = []
    for slot in stage.slots:
        people = ", ".join(one.name for one in slot.people)
        told.append(
            slot.label if slot.named_user_id is not None or not people else f"{slot.label} ({people})"
        )
    return parts_text(told, step.quorum.needed(len(told)))


def _who(step: Step, names: Mapping[str, str]) -> str:
    parts = [who_text(who, names) for who in step.who]
    return parts_text(parts, step.quorum.needed(len(parts))) or step.label


def _words(change: Change, plan: Plan, names: Mapping[str, str]) -> str:
    """« Un avis ajouté : Direction générale »."""
    labels = {step.key: step.label for step in (*plan.before.steps, *plan.after.steps)}
    label, desk = labels.get(change.step, "étape"), names.get(change.desk, change.desk)
    if change.kind == ADD:
        days = f", {plural(change.days, 'jour')} ouvré{'s' if change.days > 1 else ''}" if change.days else ""
        return spaces(f"« {label} » ajouté, {desk}{days}, après « {labels.get(change.after, '')} »")
    if change.kind == REMOVE:
        return spaces(f"« {label} » retirée")
    kind, _, value = change.instead.partition(":")
    key = value_key(kind, value) if kind == WhoKind.PERSON else value
    return spaces(f"« {label} » : {desk} à la place de {names.get(key, value)}")


def _parts(lines: Sequence[Line], names: Mapping[str, str]) -> list[Choice]:
    """Who may be replaced, at which step."""
    return [
        (f"{line.step.key}|{part_key(who.to_data())}", f"{line.step.label} : {who_text(who, names)}")
        for line in lines
        for who in line.step.who
    ]


def _offered(desks: Desks, able: Collection[int] | None = None) -> list[Choice]:
    return [(key, desk.name) for key, desk in desks.items() if able is None or desk.id in able]


def _days(before: Rehearsal, after: Rehearsal) -> dict[str, str]:
    """What becomes of the end and of the deadline of the folder, in words; `late` is empty where it is held."""
    ends = f"Fin prévue le {jour(after.ends)}"
    if after.ends != before.ends:
        ends += f" au lieu du {jour(before.ends)}"
    due, late = "", ""
    if after.due < NO_DATE:
        days = (after.ends - after.due) // timedelta(days=1)
        due = f"Échéance du dossier : {jour(after.due)}"
        late = f"{plural(days, 'jour')} trop tard" if days > 0 else ""
    return {
        "ends": spaces(f"{ends}, si chaque étape prend tout son délai."),
        "due": spaces(due),
        "late": spaces(late),
    }
