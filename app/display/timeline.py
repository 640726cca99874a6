"""Where a folder has been and what comes: its steps, facts, journal and letters, in French words."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import url_for
from markupsafe import escape

from app.circuits.library import circuit_of, family_of
from app.circuits.models import CircuitVersion
from app.core.clock import PARIS, now
from app.core.db import NO_DATE, Db, key_in
from app.core.french import depuis, instant, instant_preuve, jour, spaces
from app.core.grammar import de, et_autres, from_desk, of_giver, plural, the_desk, to_desk
from app.core.outbox import Outbox
from app.core.questions import ask
from app.core.refusals import Refusal
from app.display import events, opinions
from app.display.following import Found
from app.display.listed import Mark, Shown, Table, listed, named_by_file, table, written
from app.display.views import (
    AWAITS_OPINION,
    Due,
    EntryView,
    MailView,
    Notice,
    StepView,
    amount,
    deadlines,
    done_by,
    family_words,
    since,
    state_label,
    step_due,
)
from app.folders import asking, corrections, filled, numbering
from app.folders.effect import effect_of
from app.folders.models import HANDED, AskedOpinion, Folder, Run, StepRun
from app.folders.move import Present
from app.folders.notices import ELSEWHERE, MISSED, RETURNED, TELLER, WITH_OTHERS, YOUR_TURN
from app.folders.opinions import words_of
from app.folders.publicity import Means, means_of, signed_on, way_of
from app.folders.required import missing, names, required
from app.folders.returning import steps_behind
from app.folders.route import dispute_words, route_of, rule_words
from app.folders.rows import (
    READERS,
    RECIPIENTS,
    RUNS,
    by_onlooker,
    changes_of_round,
    every_run_of_round,
    opinions_of_round,
    posted,
    publication_of,
    runs_of_round,
    told_runs,
)
from app.folders.seats import (
    DeskName,
    Part,
    Slot,
    able_at,
    able_words,
    as_given,
    desk_name,
    either,
    parts_awaited,
    people_awaited,
    person_awaited,
    person_name,
    slots_of,
)
from app.folders.sockets import CALLED, held_by, plugged, returned_as
from app.journal.models import JournalEntry
from app.people.actor import Actor
from app.people.models import Desk
from workflows.circuit import WITHDRAWN, Circuit, Phase, Step, StepKind
from workflows.drawing import count_text, parts_text
from workflows.family import Field
from workflows.own_types import REGISTERED


def waiting_for(db: Db, folder: Folder, here: Present) -> str:
    """« On attend X depuis 9 jours », « Avis demandé à X (Bureau) depuis 2 jours » where the step waits for it."""
    if here.step is None:
        return ""
    if here.standing.awaited and (asked := opinions_awaited(db, folder)):
        return f"Avis demandé {' et '.join(f'à {who} {depuis(at)}' for who, at in asked)}"
    return _waiting_at(db, folder, here, here.step)


def awaited_now(db: Db, folder: Folder, here: Present) -> str:
    """« Solenn Rivoal »: whom the step awaits, without since when; empty of a machine, and where an opinion is waited for."""
    step = here.step
    if step is None or step.kind.automatic or here.standing.awaited:
        return ""
    parts = {run.slot for run in here.runs if run.state == "active"}
    slots, acted = _slots(db, folder, step), set(here.standing.acted.values())
    return _awaited_at(step, slots, _needed(step, here.runs), parts, acted)


def _waiting_at(db: Db, folder: Folder, here: Present, step: Step) -> str:
    if step.kind.automatic:
        if words := held_by(db, folder):
            return f"{step.label} : {words}"
        # Somebody must act elsewhere, and the line of the step says where
        held = _note(db, folder, step).get("link_url")
        return f"{step.label} : " + ("quelqu’un doit agir" if held else "en cours, sans intervention")
    slots = _slots(db, folder, step)
    parts = {run.slot for run in here.runs if run.state == "active"}
    needed = _needed(step, here.runs)
    empty = [slot.label for slot in slots if slot.key in parts and not slot.people]
    if step.kind is StepKind.SIGN and empty and len(parts) - len(empty) < needed:
        return f"Personne ne peut signer à « {' et '.join(empty)} » : nul n’y a le droit de signer et un mandat pour ce dossier"
    wanted, able = step.quorum.needed(len(slots)), able_at(slots, here.standing.acted)
    if slots and able < wanted and wanted > 1:
        return f"L’étape ne peut pas finir : il y faut {wanted} personnes différentes, et {able_words(able)}"
    active = (run for run in runs_of_round(db, folder) if run.state == "active")
    entered = min((run.entered_at for run in active), default=None)
    who = _awaited_at(step, slots, needed, parts, set(here.standing.acted.values()))
    return f"On attend {who} {depuis(entered)}"


def _needed(step: Step, parts: Sequence[Run | StepRun]) -> int:
    """How many of the parts of a step that are open must still be done for it to end."""
    done = sum(part.state == "done" for part in parts)
    return step.quorum.needed(done + sum(part.state == "active" for part in parts)) - done


def _slots(db: Db, folder: Folder, step: Step) -> tuple[Slot, ...]:
    """Who is awaited; nobody is known where a desk was closed since, or is still to be chosen."""
    try:
        return slots_of(db, folder, step)
    except Refusal:
        return ()


def _names(step: Step, slots: tuple[Slot, ...], needed: int) -> str:
    """The one person of each part that is to come, else its desk, and how many of them are enough (`needed`)."""
    names = [_people_of(slot) for slot in slots]
    told = [name[0] if len(name) == 1 else slot.label for slot, name in zip(slots, names, strict=True)]
    # Who is alone at two desks takes one part of them: they are told by their desks
    parts = [slot.label if told.count(one) > 1 else one for slot, one in zip(slots, told, strict=True)]
    return parts_text(parts, needed) or step.label


def _awaited_at(
    step: Step, slots: tuple[Slot, ...], needed: int, open_slots: set[str], acted: Collection[int | None]
) -> str:
    """Who may take each part that is open, by name, and how many of them are enough; `acted`: those who took another part."""
    wanted = [slot for slot in slots if slot.key in open_slots]
    told = [people_awaited(_people_of(slot, acted), _desk_of(slot)) for slot in wanted]
    # Who is alone at two desks takes one part of them: they are told with their desks
    parts = [
        f"{one} ({desk})" if told.count(one) > 1 and one != (desk := _desk_of(slot)) and desk else one
        for slot, one in zip(wanted, told, strict=True)
    ]
    return parts_text(parts, needed) or step.label


def _desk_of(slot: Slot) -> str:
    return slot.label if slot.named_user_id is None else ""


def _people_of(slot: Slot, but: Collection[int | None] = ()) -> list[str]:
    """Those who may take a part, in words; nobody waits for who is away while somebody stands in for him."""
    people = [one for one in slot.people if not one.covered and one.user_id not in but]
    names = [person_awaited(one.name, one.absent, one.away) for one in people]
    return names or ([slot.label] if slot.named_user_id is not None else [])


def opinions_awaited(db: Db, folder: Folder) -> list[tuple[str, datetime]]:
    """Who may give each opinion that the step waits for, with the desk that was asked, and since when."""
    return [
        (_asked_of(db, folder, question, run), run.entered_at)
        for question, run in opinions_of_round(db, folder)
        if question.waits and run.state == "active"
    ]


def _asked_of(db: Db, folder: Folder, question: AskedOpinion, run: StepRun) -> str:
    slots = _slots(db, folder, asking.step_of([run.slot]))
    names = [name for slot in slots for name in _people_of(slot, (question.asked_by_id,))]
    return f"{either(names)} ({question.desk})" if names else f"« {question.desk} »"


def begun(folder: Folder) -> str:
    """« déposé », once it was sent, which dates its deposit; « commencé » before."""
    return "déposé" if folder.submitted_at is not None else "commencé"


def steps(
    db: Db,
    folder: Folder,
    route: Sequence[Step],
    runs: Mapping[str, Sequence[StepRun]],
    desks: Mapping[int, DeskName],
    told: Mapping[str, Sequence[DeskName]],
) -> list[StepView]:
    """The circuit as a vertical list: who did what when, whose turn it is, what comes, and who is told (`told_desks`)."""
    lines = [
        StepView(
            "done" if folder.round else "now",
            1,
            f"{begun(folder).capitalize()} par {folder.depositor_name}",
            instant(folder.submitted_at or folder.created_at),
        )
    ]
    acts = {run: words for find in plugged.acts for run, words in find(db, folder.id).items()}
    labels = {step.key: step.label for step in route}
    for run in (run for several in runs.values() for run in several):
        if run.sent_to is not None:
            label = labels.get(run.sent_to, run.sent_to)
            acts[run.id] = spaces(f"Renvoyé par {run.by} à l’étape « {label} »")
    awaited, beside = _awaited(folder, route), _beside(db, folder)
    backs = _backs(runs)
    way: list[tuple[int, StepView]] = []
    # The deposit is the first step; several people at one step share its number.
    for rank, step in enumerate(route, start=2):
        taken = runs.get(step.key, ())
        mine = _by_lap(db, folder, step, taken, desks, rank, acts, backs)
        mine = _with_asked(mine, beside.get(step.key, ()), backs)
        if mine:
            lap, last = mine[-1]
            (last,) = _with_fields(db, folder, step, [last], {} if standing(taken) else awaited)
            (last,) = _with_told([last], told.get(step.key, ()))
            mine[-1] = lap, last
        way += mine
    # What was asked anew comes after what sent it back, and keeps the order of the circuit
    return lines + [line for _, line in sorted(way, key=lambda one: one[0])]


def _backs(runs: Mapping[str, Sequence[StepRun]]) -> list[StepRun]:
    """The parts by which the folder was sent back to a step since it was last sent, in order."""
    back = [run for several in runs.values() for run in several if run.sent_to is not None]
    return sorted(back, key=lambda run: run.id)


def _by_lap(
    db: Db,
    folder: Folder,
    step: Step,
    runs: Sequence[StepRun],
    desks: Mapping[int, DeskName],
    rank: int,
    acts: Mapping[int, str],
    backs: Sequence[StepRun],
) -> list[tuple[int, StepView]]:
    """The lines of one step, each with how many times the folder had been sent back when the step was entered.

    What was decided before the folder was sent back to the step, or behind it, counts no more and says so.
    """
    former, count = [run for run in runs if run.former], runs
    lines = []
    for run in former:
        if run.state in {"done", "rejected"} or run.waived:
            # The parts of a passage are opened together, whichever of them sent it back
            lap = sum(back.id < run.id and back.pass_number != run.pass_number for back in backs)
            lines.append((lap, _before(_acted(run, step, desks, rank, acts.get(run.id)))))
    if former:
        count = standing(runs)
        if not count and not (folder.phase == Phase.RUNNING and step.applies(folder.facts)):
            return lines
    lap = sum(back.id < count[0].id for back in backs) if count else len(backs)
    return lines + [(lap, line) for line in _step_lines(db, folder, step, count, desks, rank, acts)]


def _with_asked(
    lines: list[tuple[int, StepView]], beside: Sequence[tuple[datetime, str]], backs: Sequence[StepRun]
) -> list[tuple[int, StepView]]:
    """The lines of a step, each with what was handed on or asked while the folder was there that time."""
    for at, words in beside:
        lap = sum(back.ended_at is not None and back.ended_at < at for back in backs)
        if lines:
            n = max((n for n, (own, _) in enumerate(lines) if own <= lap), default=0)
            own, line = lines[n]
            lines[n] = own, replace(line, asked=(*line.asked, words))
    return lines


def _beside(db: Db, folder: Folder) -> dict[str, list[tuple[datetime, str]]]:
    """By key of step, what was handed on of it and the opinions that were asked beside it, each with its moment."""
    told = _handed(db, folder)
    for key, line in _taken_back(db, folder):
        told.setdefault(key, []).append(line)
    for key, lines in opinions.lines(db, folder).items():
        told.setdefault(key, []).extend(lines)
    return told


def _handed(db: Db, folder: Folder) -> dict[str, list[tuple[datetime, str]]]:
    """By key of step, from which desk to which its parts were handed, by whom, when and why, each with its moment."""
    lines: dict[str, list[tuple[datetime, str]]] = {}
    for change in changes_of_round(db, folder):
        if change.handed_to is not None:
            who = f"Confié par {change.changed_by}, {from_desk(change.handed_from or '')} {to_desk(change.handed_to)}"
            if change.replaced:
                replacement = f"{the_desk(change.handed_to)} à la place {of_giver(change.handed_from or '')}"
                who = f"{replacement[:1].upper()}{replacement[1:]}, par {change.changed_by}"
            line = f"{who}, {instant(change.changed_at)} : « {change.reason} »"
            if change.taken_back_at is not None:
                line += f", annulé {_after(change.changed_at, change.taken_back_at)}"
            lines.setdefault(change.place, []).append((change.changed_at, spaces(line)))
    return lines


def _taken_back(db: Db, folder: Folder) -> list[tuple[str, tuple[datetime, str]]]:
    """What was decided and taken back at once, by key of step, each with its moment."""
    return [
        (
            run.step,
            (
                run.ended_at,
                spaces(
                    f"{_noun(run)} {de(run.by)}, {instant(run.ended_at)}, annulé {_after(run.ended_at, run.taken_back_at)}"
                ),
            ),
        )
        for run in runs_of_round(db, folder)
        if run.taken_back_at is not None and run.ended_at is not None
    ]


def _noun(run: StepRun) -> str:
    return "Avis" if run.opinion else "Visa"


def _after(begin: datetime, end: datetime) -> str:
    return f"{int((end - begin).total_seconds())} s après"


def _awaited(folder: Folder, route: Sequence[Step]) -> dict[str, Field]:
    """The fields that steps of the way require and that nobody has filled in, by key."""
    return {one.key: one for step in route for one in missing(folder, step)}


def _with_fields(
    db: Db, folder: Folder, step: Step, lines: list[StepView], awaited: Mapping[str, Field]
) -> list[StepView]:
    """The lines of a step, the last of them with the fields that are to be filled in there, or were, and by whom.

    `awaited`: the fields that are still to be filled in; a step that depends on one says so.
    """
    if not lines:
        return lines
    told = []
    if reads := [awaited[key] for key in sorted(step.when.fields & awaited.keys() if step.when else ())]:
        told.append(f"Selon ce qui sera rempli : {names(reads)}")
    if folder.phase in {Phase.DRAFT, Phase.RUNNING} and lines[-1].state in {"now", "todo"}:
        lacking = missing(folder, step)
        told += [f"À remplir : {names(lacking)}"] if lacking else []
    fillings = filled.fillings(folder)
    for one in required(folder, step):
        filling = fillings.get(one.key)
        if filling is not None and filling.place == step.key:
            words = f"« {one.label} » rempli par {filling.who} : {_words(db, folder, one, filling.value)}"
            if filling.replaced_by:
                standing = folder.fields.get(one.key)
                now_says = "rien" if standing is None else _words(db, folder, one, standing)
                words += f" ; {filling.replaced_by} a écrit depuis : {now_says}"
            told.append(words)
    return [*lines[:-1], replace(lines[-1], filled=spaces(". ".join(told)))] if told else lines


def _words(db: Db, folder: Folder, one: Field, value: Any) -> str:
    return plural(len(value), "ligne") if one.type == "lines" else _said(db, folder, one, str(value))


def _with_told(lines: list[StepView], told: Sequence[DeskName]) -> list[StepView]:
    """The lines of a step, the last of them with the desks that read the folder from it on."""
    if not told or not lines:
        return lines
    words = f"Pour information : {', '.join(one.name for one in told)}"
    return [*lines[:-1], replace(lines[-1], told=spaces(words))]


def told_desks(
    db: Db, folder: Folder, route: Sequence[Step], circuit: Circuit | None
) -> dict[str, list[DeskName]]:
    """By key of step, the desks that were told at it, or are to be once the folder comes there; no statement without any."""
    runs = told_runs(db, folder)
    done, entered = (
        {run.slot.partition(":")[2] for run in runs},
        {run.step for run in runs_of_round(db, folder)},
    )
    planned: dict[str, list[str]] = {}
    for rank, step in enumerate(route):
        keys = circuit.told_at(step, first=rank == 0) if circuit is not None else ()
        ahead = folder.phase in {Phase.DRAFT, Phase.RUNNING} and step.key not in entered
        if ahead and (new := [key for key in keys if key not in done]):
            planned[step.key] = new
            done.update(new)
    if not runs and not planned:
        return {}
    query = sa.select(Desk.id, Desk.key, Desk.name).where(Desk.collectivity_id == folder.collectivity_id)
    desks = [DeskName(*row) for row in db.execute(query)]
    by_number, by_key = {one.id: one for one in desks}, {one.key: one for one in desks}
    told: dict[str, list[DeskName]] = {}
    for run in runs:
        told.setdefault(run.step, []).append(by_number[run.desk_id or 0])
    for step_key, new in planned.items():
        told.setdefault(step_key, []).extend(by_key[key] for key in new if key in by_key)
    return told


def passed_or_to_come(circuit: Circuit, folder: Folder, entered: Collection[str]) -> list[Step]:
    """The steps that a folder has `entered`, and those that its facts ask for: a ruling never hides what was done."""
    ahead = {step.key for step in circuit.applicable(folder.facts)}
    return [step for step in circuit.steps if step.key in entered or step.key in ahead]


def to_come(db: Db, folder: Folder, circuit: Circuit | None) -> list[StepView]:
    """Who will receive a draft, or a folder that came back, once it is sent: the whole circuit again."""
    route = circuit.applicable(folder.facts) if circuit else ()
    told, awaited = told_desks(db, folder, route, circuit), _awaited(folder, route)
    lines: list[StepView] = []
    for n, step in enumerate(route, start=1):
        mine = [StepView("todo", n, step.label, _planned(db, folder, step))]
        lines += _with_told(_with_fields(db, folder, step, mine, awaited), told.get(step.key, ()))
    return lines


def _planned(db: Db, folder: Folder, step: Step) -> str:
    if step.kind.automatic:
        return "Automatique"
    slots = _slots(db, folder, step)
    return f"{step.kind.label}, {_names(step, slots, step.quorum.needed(len(slots)))}"


def _step_lines(
    db: Db,
    folder: Folder,
    step: Step,
    runs: Sequence[StepRun],
    desks: Mapping[int, DeskName],
    rank: int,
    acts: Mapping[int, str],
) -> list[StepView]:
    """The lines of one step: what was done at it and counts, who is awaited, or that it is to come."""
    if not runs:
        if folder.phase == Phase.REJECTED or folder.place == WITHDRAWN:
            return []
        state = "todo" if folder.phase in {Phase.DRAFT, Phase.RUNNING} else "passed"
        return [StepView(state, rank, step.label, _planned(db, folder, step))]
    if step.kind.automatic:
        return [_machine_line(db, folder, step, runs[-1], rank)]
    acted = [run for run in runs if run.state in {"done", "rejected"} or run.waived]
    means = way_of(db, folder) if acted and step.kind is StepKind.PUBLISH else None
    lines = [_acted(run, step, desks, rank, acts.get(run.id) or _made_known(run, means)) for run in acted]
    open_runs = [run for run in runs if run.state == "active"]
    if open_runs:
        slots = _slots(db, folder, as_given(step, [run.slot for run in runs]))
        gone = {run.user_id for run in acted if run.state == "done"}
        who = _awaited_at(step, slots, _needed(step, runs), {run.slot for run in open_runs}, gone)
        meta = f"{step.label}, depuis le {instant(open_runs[0].entered_at)}"
        asked = opinions_awaited(db, folder)
        title = (
            f"Avis demandé {' et '.join(f'à {name}' for name, _ in asked)}" if asked else f"On attend {who}"
        )
        meta += f". Puis {step.kind.label[:1].lower()}{step.kind.label[1:]} : {who}" if asked else ""
        if open_runs[0].due_on < NO_DATE:
            day, entered = open_runs[0].due_on, open_runs[0].entered_at
            when = step_due(day, step.kind, folder.family, entered)
            meta += (
                f". {when.line if day < entered.astimezone(PARIS).date() else f'{when.words}, {jour(day)}'}"
            )
        lines.append(StepView("now", rank, title, meta))
    return lines


def behind(db: Db, folder: Folder, here: Present | None) -> list[tuple[str, str, str]]:
    """The steps to which the folder may be sent back, by key and name, each with who decided there."""
    people: dict[str, list[str]] = {}
    for run in runs_of_round(db, folder):
        if run.state == "done" and not run.former:
            people.setdefault(run.step, []).append(run.by)
    return [
        (step.key, step.label, ", ".join(people.get(step.key, ()))) for step in steps_behind(db, folder, here)
    ]


def standing(runs: Sequence[StepRun]) -> list[StepRun]:
    """The parts of a step that count: those that were opened since the folder was last sent back behind it.

    What a desk had of one before it handed it on counts no more than the part that followed from it.
    """
    last = max((run.id for run in runs if run.former), default=0)
    return [run for run in runs if not run.former and not (run.slot.startswith(HANDED) and run.id < last)]


def _before(line: StepView) -> StepView:
    """What was decided before the folder was sent back, told as such."""
    state = line.state if line.state == "refused" else "passed"
    return replace(
        line, state=state, meta=spaces(f"{line.meta}, avant le renvoi" if state == "passed" else line.meta)
    )


def _note(db: Db, folder: Folder, step: Step) -> Mapping[str, Any]:
    tell = plugged.notes.get(step.kind)
    return (tell(db, folder, step.key) if tell else None) or {}


def _machine_line(db: Db, folder: Folder, step: Step, run: StepRun, n: int) -> StepView:
    """A step that nobody acts at: how far it went, told by the slice that does it."""
    note = _note(db, folder, step)
    state = {"active": "now", "done": "done", "rejected": "refused"}.get(run.state, "passed")
    return StepView(
        state,
        n,
        str(note.get("title") or step.label),
        str(note.get("meta") or instant(run.ended_at or run.entered_at)) + _limit(db, folder, step, run),
        run.comment or "",
        str(note.get("mono") or ""),
        str(note.get("link_label") or ""),
        str(note.get("link_url") or ""),
    )


def _limit(db: Db, folder: Folder, step: Step, run: StepRun) -> str:
    """« . À transmettre sous 9 jours, 12 décembre 2026 (CGCT L2131-13) », while it waits; the article of a delay of the law."""
    if run.state != "active" or run.due_on >= NO_DATE or run.due_on == folder.due_on:
        return ""
    law, signed = family_of(folder.in_force).transmit_within, signed_on(db, folder)
    of_law = step.kind is StepKind.TRANSMIT and law and signed and law.after(signed) == run.due_on
    source = f" ({law.source})" if law is not None and of_law else ""
    return f". {step_due(run.due_on, step.kind, folder.family).words}, {jour(run.due_on)}{source}"


def _made_known(run: StepRun, means: Means | None) -> str | None:
    """« Notifié par X », by the way in which the act was made known; None for another step."""
    return None if means is None else f"{means.ending.removeprefix('est ').capitalize()} par {run.by}"


def _acted(run: StepRun, step: Step, desks: Mapping[int, DeskName], n: int, words: str | None) -> StepView:
    """What somebody did at a step, when, and at which desk or in which capacity."""
    if run.state == "rejected":
        title = words or f"Rejeté par {run.by}"
        return StepView("refused", n, title, f"{step.label}, {instant(run.ended_at)}", run.comment or "")
    at = desks.get(run.desk_id or 0)
    desk = at.name if at else None
    if run.waived:
        title = f"{step.kind.label} passé par {run.who}, que personne n’a donné"
        meta = ", ".join(one for one in (step.label, instant(run.ended_at), desk) if one)
        return StepView("passed", n, spaces(title), meta, run.comment or "")
    signed = run.kind == StepKind.SIGN  # then the capacity is what the act bears
    place = (run.capacity or desk if signed else desk or run.capacity) or ""
    meta = ", ".join(dict.fromkeys(one for one in (step.label, instant(run.ended_at), place) if one))
    words = words or (words_of(run) if run.opinion else f"{done_by(run.kind).capitalize()} {run.by}")
    return StepView("done", n, words, meta, run.comment or "")


def returns_to(db: Db, folder: Folder) -> str:
    """To whom a rejected folder comes back: who deposited it, the desk where nobody did."""
    if folder.depositor_user_id is not None:
        return folder.depositor_name
    return db.get_one(Desk, folder.emitter_desk_id).name


def returns_to_whom(db: Db, folder: Folder) -> str:
    """The same after « retour »: « à Gwenola Tréhorel », « au Secrétariat général »."""
    name = returns_to(db, folder)
    return f"à {name}" if folder.depositor_user_id is not None else to_desk(name)


def circuit_line(db: Db, folder: Folder) -> str:
    """« Circuit « Factures », version 7, par la règle 2… Rejet : retour à X. »."""
    version = db.get(CircuitVersion, folder.circuit_version_id) if folder.circuit_version_id else None
    if version is None:
        return ""
    own = ""
    for change in changes_of_round(db, folder):
        if change.after_id == version.id:
            version, own = db.get_one(CircuitVersion, change.base_id), ", étapes modifiées pour ce dossier"
            break
    back = (
        f" Rejet : retour {returns_to_whom(db, folder)}, sauf renvoi à une étape."
        if folder.phase == Phase.RUNNING
        else ""
    )
    rule = (
        f" Choisi par : {rule_words(folder.rule)}. {dispute_words(folder.rule)}".rstrip()
        if folder.rule
        else ""
    )
    return f"Circuit « {version.label} », version {version.number}{own}.{rule}{back}"


@dataclass(frozen=True)
class Rerouted:
    """A change of the coming steps, as it was made: who, when, what in words, why."""

    who: str
    at: str
    words: Sequence[str]
    reason: str


def rerouted(db: Db, folder: Folder) -> list[Rerouted]:
    """The changes made to the coming steps since the folder was last sent, in order."""
    return [
        Rerouted(one.changed_by, instant(one.changed_at), [spaces(word) for word in one.words], one.reason)
        for one in changes_of_round(db, folder)
        if one.handed_to is None
    ]


def details(db: Db, folder: Folder) -> list[tuple[str, str | Table]]:
    """The facts of the folder, as its family names them, each with what the files say otherwise."""
    rows: list[tuple[str, str | Table]] = []
    disputed = corrections.beside(folder)
    for one in family_of(folder.in_force).fields:
        value = folder.fields.get(one.key)
        if one.type == "lines" and value:
            rows.append((one.label, table(one, value)))
            if origin := filled.beside(db, folder, one):
                rows.append((f"Origine de « {one.label} »", origin))
        elif value not in (None, ""):
            words = _said(db, folder, one, str(value))
            beside = filled.beside(db, folder, one) or disputed.get(one.key, "")
            rows.append((one.label, spaces(f"{words} ({beside})") if beside else words))
        elif beside := filled.beside(db, folder, one) or disputed.get(one.key, ""):
            rows.append((one.label, spaces(f"rien ({beside})")))
    rows += _of_type(folder)
    if len(numbers := numbering.history(db, folder)) > 1:
        rows.append(("Numéros successifs", ", puis ".join(numbers)))
    publication = publication_of(db, folder.id)
    if publication is not None:
        rows.append((means_of(db, folder).done, jour(publication.published_on)))
        worth = effect_of(db, folder)
        if worth is not None and worth.enforceable_on:
            rows.append(("Exécutoire le", jour(worth.enforceable_on)))
    return rows


def _of_type(folder: Folder) -> list[tuple[str, str]]:
    """What the type of a folder says of it, or gave it, beside its fields."""
    family = family_of(folder.in_force)
    rows = [("Accès", "Restreint")] if folder.read_as.discreet else []
    if folder.read_by_all and folder.place != WITHDRAWN:
        sent = folder.phase in {Phase.RUNNING, Phase.DONE}
        rows.append(("Accès", "Toute la collectivité" if sent else "Toute la collectivité, une fois envoyé"))
    if family.retention_years:
        rows.append(
            ("À conserver", f"{plural(family.retention_years, 'an')} au moins après la fin du dossier")
        )
    if number := folder.fields.get(REGISTERED):
        rows.append(("Numéro d’enregistrement", str(number)))
    return rows


def _said(db: Db, folder: Folder, one: Field, value: str) -> str:
    if one.type == "desk":
        return desk_name(db, folder.collectivity_id, value) or value
    if (offered := plugged.options.get(one.type)) is not None:
        return dict(offered(db, folder.collectivity_id)).get(
            value, value
        )  # « 7.5.2 » says nothing to who reads it
    if one.type in {"person", "member"} and (person := key_in(value)) is not None:
        return person_name(db, folder.collectivity_id, person) or value
    return written(one, value)


def entries(db: Db, folder: Folder) -> list[EntryView]:
    """The folder's lines of the journal, newest first."""
    query = (
        sa.select(JournalEntry)
        .where(JournalEntry.folder_id == folder.id, events.told_to_reader(db, folder.id))
        .order_by(JournalEntry.id.desc())
        .limit(200)
    )
    lines = []
    for row in db.scalars(query):
        icon, words = events.told(row.event, row.who, json.loads(row.facts))
        meta = f"n° {row.seq}, {_moment(row.at)}, empreinte {row.hash[:4]}…{row.hash[-4:]}"
        lines.append(EntryView(icon, words, meta))
    return lines


def _moment(text: str) -> str:
    return instant_preuve(datetime.fromisoformat(text))


OF_THE_STATE = "letter_arrived"
SUBJECTS = {
    "your_turn": "À traiter",
    "nobody_may_act": "Personne ne peut agir",
    "refused": "Rejet",
    "partly_taken": "Accepté en partie",
    "another_answer": "Autre réponse, après la première",
    "signed": "Signature",
    "receipt_arrived": "Accusé reçu",
    "receipt_late": "Réponse en retard",
    "confirmation_awaited": "À confirmer chez l’opérateur",
    "done": "Terminé",
    "unread_answer": "Réponse illisible",
    "late_anomaly": "Anomalie après l’accusé",
    OF_THE_STATE: "Courrier de la préfecture",
    "steps_changed": "Étapes modifiées",
    "for_information": "Pour information",
    "sent_back": "Renvoyé à une étape",
    "handed_over": "Confié à un autre bureau",
    "no_longer_awaited": "N’est plus attendu",
    "step_passed": "Étape passée",
    "mentioned": "Note à lire",
    "opinion_asked": "Avis demandé",
    "opinion_given": "Avis rendu",
    "act_withdrawn": "Retrait de la page publique",
    "act_unavailable": "Fichier public indisponible",
}
LETTERS = 50
"""The letters about a folder that its page tells, the last."""
NAMED = 3
"""How many of those whom no letter reached are named."""
MAIL_STATES = {"pending": "queued", "running": "queued", "done": "accepted", "parked": "failed"}
MAIL_WORDS = {
    "queued": "En attente d’envoi",
    "accepted": "Accepté par le serveur de courriel",
    "needless": "Non envoyé",
    "failed": "Non envoyé",
}


def mails(db: Db, folder: Folder) -> list[MailView]:
    """The letters sent about the folder, each with how far it went."""
    every = [row for row in posted(db, folder.id, "mail") if not row.payload.get("apart")]
    if by_onlooker(db, folder.id):
        every = [row for row in every if row.payload.get("event") != OF_THE_STATE]
    letters, rows = every[: -LETTERS - 1 : -1], []
    names = {user.id: user.name for (user,) in ask(db, RECIPIENTS, folder.id)} if letters else {}
    tellers = _tellers(db, letters)
    for row in letters:
        state, words, moment = _how_far(row, tellers.get(row.payload.get(TELLER, 0)))
        rows.append(
            MailView(
                names.get(row.payload.get("user_id", 0), "compte fermé"),
                SUBJECTS.get(row.payload.get("event", ""), "Message")
                + (", à traiter" if row.payload.get("turn") else ""),
                state,
                f"{words}, {moment}" if moment else words,
            )
        )
    return rows


def unreached(db: Db, folder: Folder, actor: Actor, here: Present | None) -> Notice | None:
    """Whom the folder awaits and its letter did not reach: refused, come back or not sent, the last one of each person.

    None to who reads the folder for its type alone, and of the reader himself; whoever opened the folder for the first time
    since knows of it. That he opened it again is for nobody else (`Reading`).
    """
    step = here.step if here is not None else None
    last = {
        row.payload.get("user_id"): row
        for row in posted(db, folder.id, "mail")
        if row.payload.get("event") in {YOUR_TURN, asking.OPINION_ASKED}
    }
    missed = {whom: row for whom, row in last.items() if whom != actor.user_id and _missed(row)}
    if step is None or not missed or by_onlooker(db, folder.id):
        return None
    parts = [run for run in every_run_of_round(db, folder) if run.state == "active"]
    there = {run.slot for run in parts if not run.asked}
    slots = [slot for slot in (_slots(db, folder, step) if there else ()) if slot.key in there]
    slots += [slot for run in parts if run.asked for slot in _slots(db, folder, asking.step_of([run.slot]))]
    awaited = {person.user_id for slot in slots for person in slot.people}
    opened = {row.user_id: row.first_at for (row,) in ask(db, READERS, folder.id)}
    names = [
        user.name
        for (user,) in ask(db, RECIPIENTS, folder.id)
        if user.id in awaited.intersection(missed)
        and (user.id not in opened or opened[user.id] < missed[user.id].created_at)
    ]
    if not names:
        return None
    shown = f"{', '.join(names[:NAMED])}{et_autres(len(names) - NAMED)}"
    title = f"Un courriel n’a pas atteint {shown}, que ce dossier attend"
    remedy = (
        "L’onglet « Journal » dit pourquoi. Prévenez autrement ; un administrateur peut corriger l’adresse."
    )
    return Notice("warn", title, remedy)


def _missed(row: Outbox) -> bool:
    """Whether a letter that its reader was to have did not reach him, as far as is known, and no other told it."""
    fault = row.last_error or ""
    return row.state == "parked" or (row.state == "done" and (fault == MISSED or fault.startswith(RETURNED)))


def _tellers(db: Db, letters: Sequence[Outbox]) -> dict[int, Any]:
    """The letters, of other folders, that told these with theirs, by number: when each left, and whether it came back."""
    numbers = {row.payload[TELLER] for row in letters if TELLER in row.payload}
    query = sa.select(Outbox.id, Outbox.done_at, Outbox.last_error).where(Outbox.id.in_(numbers))
    return {row.id: row for row in db.execute(query)} if numbers else {}


def _how_far(row: Outbox, teller: Any) -> tuple[str, str, str]:
    """How far a letter went, in a word for its colour and in French, and when; of what another letter told, of that one."""
    fault, moment = row.last_error or "", instant(row.done_at or row.created_at)
    # What came back may be the letter that told it (`bounces`)
    its = teller is not None and fault.startswith(RETURNED) and teller.last_error == fault
    why = WITH_OTHERS if its else fault
    elsewhere = row.state == "done" and why in ELSEWHERE
    words = f"{why[:1].upper()}{why[1:]}" if elsewhere else MAIL_WORDS["accepted"]
    if elsewhere and teller is not None:
        fault, moment = teller.last_error or fault, instant(teller.done_at)
    if row.state == "done" and fault.startswith(RETURNED):
        return "failed", words, f"{moment}, puis {fault}"
    if elsewhere:
        # When its own row ended says nothing of when the other letter left
        return "told", words, moment if teller is not None else ""
    state = MAIL_STATES[row.state]
    if row.state == "done" and fault:
        # Nothing left: the account was closed meanwhile, or what it asked was over; else its reader was to have it
        state = "failed" if fault == MISSED else "needless"
    return state, MAIL_WORDS[state], moment if state == "queued" or not fault else f"{moment}, {fault}"


def planned_circuit(db: Db, folder: Folder) -> Circuit:
    """The circuit that the folder follows, or would follow if it were sent now."""
    if folder.circuit_version_id is not None and folder.phase == Phase.RUNNING:
        return circuit_of(db, folder.circuit_version_id)
    return route_of(db, folder).circuit


def rejection(db: Db, folder: Folder) -> Notice | None:
    """Why the folder came back, with who and when."""
    if folder.phase != "rejected":
        return None
    rejected = [run for (run,) in ask(db, RUNS, folder.id) if run.state == "rejected" and not run.sent_to]
    run = rejected[-1] if rejected else None
    if run is None:
        return None
    who = refused_by(db, folder.id, run.kind, run.step, run.by)
    return Notice("danger", f"{who}, {instant(run.ended_at)}", escape(run.comment or ""))  # quoted as written


def refused_by(db: Db, folder_id: int, kind: str, step: str, who: str) -> str:
    """« Rejeté par X »; of a transmission, which nobody of the house refuses, in the words of who makes it."""
    tell = plugged.notes.get(kind)
    if tell is None:
        return f"Rejeté par {who}"
    told = tell(db, db.get_one(Folder, folder_id), step) or {}
    return str(told.get("back") or "Refusé par le destinataire")


@dataclass(frozen=True)
class FollowRow:
    """A folder in the follow-up list, in words; `asked`: what it waits for is an opinion, of those that `waiting` names."""

    title: str
    url: str
    family_label: str
    amount: Decimal | None
    state: str
    step: str
    waiting: Sequence[tuple[str, str]]
    enough: str
    since: str
    dues: Sequence[Due]
    number: str
    listed: Sequence[Shown] = ()
    marks: Sequence[Mark] = ()
    asked: bool = False


def follow_rows(
    db: Db, rows: Sequence[Found], collectivity_id: int, marks: Mapping[int, Sequence[Mark]] | None = None
) -> list[FollowRow]:
    """Found folders as the follow-up list shows them; who reads a folder knows who is awaited there.

    `marks`: what is to be looked at in each, by number, where it is shown (`listed.marks_of`).
    """
    called = returned_as(db, [row.id for row in rows if row.phase in CALLED])
    running = [row for row in rows if row.phase == Phase.RUNNING]
    held = [row.id for row in running if row.held]
    awaited = parts_awaited(db, collectivity_id, [row.id for row in running]) if running else {}
    asked = parts_awaited(db, collectivity_id, held, asked=True) if held else {}
    circuits = {row.id: circuit_of(db, row.circuit) for row in running if row.circuit is not None}
    shown = listed(db, ((row.id, row.in_force) for row in rows))
    names = named_by_file(db, ((row.id, row.phase, row.title, row.in_force) for row in rows))
    return [
        replace(
            _follow_row(
                row,
                called.get(row.id, ""),
                circuits[row.id].step(row.place) if row.id in circuits else None,
                awaited.get(row.id, ()),
                asked.get(row.id, ()),
            ),
            title=names.get(row.id) or row.title or "Sans titre",
            listed=shown.get(row.id, ()),
            marks=(marks or {}).get(row.id, ()),
        )
        for row in rows
    ]


def _part(part: Part) -> tuple[str, str]:
    """Who may take a part, with the desk: « X », « X ou Y », « X, Y ou 2 autres »; said when nobody may."""
    return either(part.people) if part.people else "Personne n’en a le droit", part.desk


def _asked_part(part: Part) -> tuple[str, str]:
    """The same of a desk that was asked its opinion."""
    return _part(part) if part.people else (f"« {part.desk} », où personne n’en a le droit", "")


def _follow_row(
    row: Found, called: str, step: Step | None, parts: Sequence[Part], asked: Sequence[Part]
) -> FollowRow:
    """`asked`: the desks whose opinion the step waits for; nobody is awaited there but they."""
    running = row.phase == Phase.RUNNING
    waiting = [_asked_part(one) for one in asked] or [_part(one) for one in parts]
    since_when = min((one.since for one in asked if one.since is not None), default=row.since)
    done = parts[0].acted if parts else 0
    needed = step.quorum.needed(len(parts) + done) - done if step else 0
    endpoint = "folders.draft" if row.phase == Phase.DRAFT else "folders.show"
    return FollowRow(
        row.title,
        url_for(endpoint, folder_id=row.id),
        family_words(row.in_force)[0],
        amount(row.amount_cents, row.currency),
        called or (AWAITS_OPINION if asked else state_label(row.place, row.kind, row.family)),
        step.label if step else "",
        waiting or ([("automatique", "")] if running else []),
        count_text(len(waiting), needed) if step and not asked else "",
        since(since_when, now()) if running else "",
        deadlines(row.due_on, row.step_due, None if asked else row.kind, row.family) if running else (),
        "" if row.number in row.title else row.number,
        asked=bool(asked),
    )
