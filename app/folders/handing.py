"""The verb of whoever holds the part of a step and hands it to another desk, with a reason (`workflows.handing`).

The folder follows from then on a version of its own, as when its coming steps are changed (`rerouting`): who is awaited,
reminded, stood in for and told is read from it as ever. The desk that had the part keeps its row, which says so and decides
nothing, and reads the folder on.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from app.circuits.checking import desks_of, hold_desks, problems
from app.circuits.library import family_of, of_folder
from app.core.clock import now
from app.core.db import Db
from app.core.french import spaces
from app.core.grammar import from_desk, of_giver, the_desk, to_desk
from app.core.outbox import News, post
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders import pause
from app.folders.access import lock, refuse_own, refuse_stranger
from app.folders.asking import Desk
from app.folders.facts import touch
from app.folders.models import HANDED, AskedOpinion, CircuitChange, Folder, StepRun, handed_passage
from app.folders.move import Present, not_your_turn, person_of, present, typed
from app.folders.notices import YOUR_TURN, correctors
from app.folders.rerouting import circle, last_change
from app.folders.seats import best_part, desk_names, every_desk, lacks_people, person_name, slots_of
from app.journal.chain import Event, append
from app.people.accounts import refuse_former
from app.people.actor import Actor, Cover
from app.people.covers import facts_of, in_absence, refuse_over
from workflows import handing
from workflows.circuit import Circuit, Step, Who
from workflows.family import imposed
from workflows.loader import load
from workflows.undoing import THOUGHT

HANDED_OVER = "handed_over"
"""The letter to whoever would correct the folder."""
NO_LONGER = "no_longer_awaited"
"""The letter to whoever was awaited, and is no more by no act of his own."""
REPLACED = "folder.replaced"
"""The line of the journal of a part given in the place of somebody absent (`relieving`)."""
MOST = 100
"""Parts handed on in a round."""


def may_hand(folder: Folder, actor: Actor, here: Present | None) -> bool:
    """Whether a part of the step where the folder stands is the actor's to hand to another desk."""
    if here is None or here.step is None or here.step.kind not in handing.HANDED:
        return False
    return bool(_left(folder, actor, here)) and here.in_turn(actor, folder)


def is_handed(db: Db, folder: Folder, actor: Actor, here: Present | None) -> bool:
    """The same, and there is a desk to hand it to: asked of the desks, where `may_hand` asks nothing more of the database."""
    if here is None or not may_hand(folder, actor, here):
        return False
    return any(one.refusal is None for one in receivers(db, folder, actor, here))


def _left(folder: Folder, actor: Actor, here: Present) -> list[str]:
    """The actor's parts of the step that are left to a desk and not taken yet, in order."""
    if here.step is None:
        return []
    law = imposed(family_of(folder.in_force), here.circuit)
    free = sorted(here.asker(actor, folder).slots.difference(here.standing.acted))
    return [slot for slot in free if handing.may_be_handed(here.step, slot, law)]


def part_to_hand(db: Db, folder: Folder, actor: Actor, here: Present) -> str:
    """The part that the actor hands on; of several, the one that others need least. Refuses `handing-fixed`."""
    slots = _left(folder, actor, here)
    if here.step is None or not slots:
        raise Refusal("handing-fixed", step=here.step.label if here.step is not None else "")
    if len(slots) == 1:
        return slots[0]
    return best_part(slots_of(db, folder, here.step), slots, here.standing.acted, person_of(actor))


def giver_of(db: Db, folder: Folder, here: Present, slot: str) -> str:
    """The name of the desk, or of the person, that has a part of the step."""
    run = next(run for run in here.runs if run.slot == slot)
    if run.desk_id is None:
        return person_name(db, folder.collectivity_id, run.named_user_id or 0) or "la personne désignée"
    return desk_names(db, folder.collectivity_id, [run.desk_id])[run.desk_id].name


def receivers(
    db: Db, folder: Folder, actor: Actor, here: Present, givers: Collection[int] | None = None
) -> list[Desk]:
    """Every desk of the collectivity, by name, each with why the part may not be handed to it, if so.

    `givers`: whose part it is, the actor's unless it is said.
    """
    if here.step is None:
        return []
    inside = circle(folder, here.circuit) if folder.read_as.discreet else None
    at_the_step = {run.desk_id for run in here.runs}
    advisers = {run.desk_id for run in here.asked}
    before = {run.desk_id for run in _handed(db, folder) if run.step == here.step.key}
    desks = []
    for slot in every_desk(db, folder, here.step):
        receiver = handing.Receiver(
            slot.label,
            frozenset(person.user_id for person in slot.people),
            takes_part=slot.desk_id in at_the_step,
            held_before=slot.desk_id in before,
            adviser=slot.desk_id in advisers,
            emits=slot.desk_id == folder.emitter_desk_id,
            depositors=folder.writers,
            in_circle=inside is None or slot.key.partition(":")[2] in inside,
        )
        desks.append(Desk(slot, _why_not(receiver, here, [person_of(actor)] if givers is None else givers)))
    return desks


def _why_not(receiver: handing.Receiver, here: Present, givers: Collection[int | None]) -> Refusal | None:
    try:
        handing.refuse_receiver(receiver, [*here.standing.acted.values(), *givers], None)
    except Refusal as refusal:
        return refusal
    return None


def _handed(db: Db, folder: Folder) -> Sequence[StepRun]:
    """What desks had of the steps of this round and handed on, in order."""
    query = sa.select(StepRun).where(
        StepRun.folder_id == folder.id,
        StepRun.pass_number.between(handed_passage(folder, 0), handed_passage(folder, MOST)),
    )
    return db.scalars(query.order_by(StepRun.id)).all()


@use_case
def hand(db: Db, actor: Actor, folder_id: int, *, version: int, desk: str, reason: str) -> str:
    """Hand the part that the actor holds to a desk, by key; returns its name.

    Refuses `moved-on`, whoever may not act here (`not-your-turn`) or no more (`cover-over`), `handing-fixed`, `handing-reason`,
    `words-long`, `handing-desk`, `handing-many`, as `handing.refuse_receiver`, and `handing-refused` where the step would not
    end.
    """
    folder = lock(db, actor, folder_id, version)
    return hand_locked(db, actor, folder, desk=desk, reason=reason)


def hand_locked(
    db: Db, actor: Actor, folder: Folder, *, desk: str, reason: str, facts: Mapping[str, Any] | None = None
) -> str:
    """The same of a folder that is locked, in the transaction of another verb; `facts`: what the journal keeps besides."""
    refuse_stranger(db, actor, folder)
    here = present(db, folder)
    if here.step is None or not here.in_turn(actor, folder):
        raise not_your_turn(db, actor, folder, here)
    slot = part_to_hand(db, folder, actor, here)
    under = here.under(actor, folder, slot)
    if under is not None:
        refuse_over(db, actor, under, here.step.kind.right, folder.of_type)
    return give(db, actor, folder, here, Part(here.step, slot, under, facts=facts or {}), desk, reason)


@use_case
def hand_for(db: Db, actor: Actor, folder_id: int, leaver: int, *, desk: str, reason: str) -> str:
    """Hand the part that waits for somebody who leaves to a desk, by key, by who administers; returns its name.

    Whoever administers comes to read nothing by it. Refuses `identity-needed` and who administers no more, `not-found`,
    `handing-fixed` of a folder where none of his parts may be handed, `heir-own` of a desk where who administers sits, unless
    he reads the folder already, and what `hand` does of a reason and of a desk.
    """
    refuse_former(db, actor)
    folder = lock(db, actor, folder_id, None, onlookers=True)
    refuse_own(db, actor, folder, desk=desk)
    here = present(db, folder)
    if here.step is None:
        raise Refusal("handing-fixed", step="")
    slots, law = slots_of(db, folder, here.step), imposed(family_of(folder.in_force), here.circuit)
    free = [
        slot.key
        for slot in slots
        if slot.key not in here.standing.acted
        and handing.may_be_replaced(here.step, slot.key, law)
        and any(person.user_id == leaver for person in slot.people)
    ]
    if not free:
        raise Refusal("handing-fixed", step=here.step.label)
    slot = best_part(slots, sorted(free), here.standing.acted, leaver)
    part = Part(here.step, slot, None, frozenset({leaver}), {"whose": leaver})
    return give(db, actor, folder, here, part, desk, reason)


@dataclass(frozen=True)
class Part:
    """A part that is handed on, under which cover, or by who administers, and whose it is then (`relieved`).

    `facts`: what the journal keeps of it besides; `event`: its line there. `due_on`: another day than that of the part.
    """

    step: Step
    slot: str
    under: Cover | None = None
    relieved: frozenset[int] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    event: str = "folder.handed"
    words: str = "{from_giver} {to_receiver} : « {reason} »"
    due_on: date | None = None


def give(db: Db, actor: Actor, folder: Folder, here: Present, part: Part, desk: str, reason: str) -> str:
    """Give a part of the step to a desk, by key, in the transaction of who has asked whether it may be; returns its name.

    Refuses a reason and a desk as `hand` does.
    """
    slot, under = part.slot, part.under
    reason = typed(reason)
    if not reason:
        raise Refusal("handing-reason")
    hold_desks(db, folder.collectivity_id, [desk])
    chosen = next((one for one in receivers(db, folder, actor, here, part.relieved) if one.key == desk), None)
    if chosen is None:
        raise Refusal("handing-desk")
    if chosen.refusal is not None:
        raise chosen.refusal
    rank = len(_handed(db, folder))
    if rank >= MOST:
        raise Refusal("handing-many", most=MOST)
    giver = giver_of(db, folder, here, slot)
    after = _with_desk(db, folder, here, slot, chosen)
    _refuse_endless(db, folder, here, after, chosen)
    old = next(run for run in here.runs if run.slot == slot)
    # Who administers comes to read nothing: no row names him
    by, moment = actor if part.relieved is None else replace(actor, user_id=None), now()
    made = _give(db, folder, old.id, chosen, handed_passage(folder, rank), by, under, moment)
    made.due_on = part.due_on or made.due_on
    who = in_absence(actor.name, under.absent if under is not None else None)
    told = Handed(part.step, giver, chosen.slot.label, reason, who, replaced=part.event == REPLACED)
    _follow(db, folder, actor, after, told, moment)
    facts: dict[str, Any] = {
        "place": folder.place,
        "label": part.step.label,
        "slot": slot,
        "round": folder.round,
        "version": folder.version,
        "to": desk,
        "before": here.circuit.digest,
        "circuit": after.digest,
        "why": reason,
        "words": spaces(
            part.words.format(
                from_giver=from_desk(giver),
                of_giver=of_giver(giver),
                the_receiver=the_desk(chosen.slot.label),
                to_receiver=to_desk(chosen.slot.label),
                reason=reason,
            )
        ),
        **part.facts,
        **facts_of(under),
    }
    append(db, folder.collectivity_id, Event(part.event, actor.name, actor.user_id, folder.id, facts))
    post(db, folder.collectivity_id, _letters(db, folder, actor, chosen, who, part.relieved))
    return chosen.slot.label


@dataclass(frozen=True)
class Handed:
    """What is told of a part that was handed on: at which step, from which desk to which, why, by whom.

    `replaced`: by who administers, in the place of somebody who does not act; what waits for who leaves is handed.
    """

    step: Step
    giver: str
    receiver: str
    reason: str
    who: str
    replaced: bool = False


def _with_desk(db: Db, folder: Folder, here: Present, slot: str, chosen: Desk) -> Circuit:
    """The folder's circuit with this desk in the place of whoever has the part, however often the step names him, and how."""
    step = here.circuit.step(folder.place)
    named = [slot in _parts(db, folder, step, who) for who in step.who]
    if True not in named:
        named = _lost(db, folder, here, step)
    if True not in named:
        lost = "Le circuit de ce dossier ne mène plus à votre bureau à cette étape : décidez, ou rejetez-le."
        raise Refusal("handing-refused", desk=chosen.slot.label, details=lost)
    definition = here.circuit.to_data()
    written = next(one for one in definition["steps"] if one["key"] == step.key)
    first = named.index(True)
    written["who"] = [
        {"desk": chosen.key} if n == first else who
        for n, who in enumerate(written["who"])
        if n == first or not named[n]
    ]
    return load(definition)


def _lost(db: Db, folder: Folder, here: Present, step: Step) -> list[bool]:
    """Which line of the step leads to nobody any more, where there is one alone: the part that nobody else has is its own."""
    open_slots = {run.slot for run in here.runs}
    lost = [open_slots.isdisjoint(_parts(db, folder, step, who)) for who in step.who]
    return lost if lost.count(True) == 1 else []


def _parts(db: Db, folder: Folder, step: Step, who: Who) -> list[str]:
    """The parts that one line of the step gives to somebody; none where it leads to nobody any more."""
    try:
        return [one.key for one in slots_of(db, folder, replace(step, who=(who,)), seats_alone=True)]
    except Refusal:
        return []


def _refuse_endless(db: Db, folder: Folder, here: Present, after: Circuit, chosen: Desk) -> None:
    """Refuse `handing-refused`: the checker of circuits finds what it did not before, or the step would not end."""
    family, desks = family_of(folder.in_force), desks_of(db, folder.collectivity_id)
    channels = {step.channel for step in here.circuit.steps if step.channel}
    known = set(problems(family, here.circuit.to_data(), desks, channels))
    faults = [one.sentence for one in problems(family, after.to_data(), desks, channels) if one not in known]
    step = after.step(folder.place)
    if not faults and lacks_people(step, slots_of(db, folder, step), here.standing.acted):
        faults = [f"Il n’y aurait plus assez de personnes pour finir l’étape « {step.label} »."]
    if faults:
        raise Refusal("handing-refused", desk=chosen.slot.label, details=" ".join(faults))


def _give(
    db: Db,
    folder: Folder,
    number: int,
    chosen: Desk,
    passage: int,
    actor: Actor,
    under: Cover | None,
    moment: datetime,
) -> StepRun:
    """End the part of the desk that had it, and open that of the other: by the same day, with what was asked from it.

    Its row names who handed it, who reads the folder on by it: under a cover he would not.
    """
    old = db.get_one(StepRun, number, populate_existing=True)
    copied = ("collectivity_id", "folder_id", "family", "own_type", "matter", "amount_cents", "step", "kind")
    made = StepRun(
        **{name: getattr(old, name) for name in (*copied, "pass_number", "due_on")},
        restricted=folder.read_as.closed_at(chosen.key),
        slot=chosen.slot.key,
        desk_id=chosen.slot.desk_id,
        state="active",
        entered_at=moment,
    )
    open_questions = (
        sa.select(AskedOpinion)
        .join(StepRun, StepRun.id == AskedOpinion.run_id)
        .where(AskedOpinion.folder_id == folder.id, AskedOpinion.slot == old.slot, StepRun.state == "active")
    )
    for question in db.scalars(open_questions):
        question.slot = made.slot
    old.state, old.ended_at = "passed", moment
    old.slot, old.pass_number = f"{HANDED}{old.slot}", passage
    old.user_id, old.who, old.capacity = actor.user_id, actor.name, actor.capacity
    old.absent = under.absent if under is not None else None
    db.add(made)
    return made


def _follow(db: Db, folder: Folder, actor: Actor, after: Circuit, handed: Handed, moment: datetime) -> None:
    """Have the folder follow its own version, and keep why."""
    before_id = folder.circuit_version_id or 0
    last = last_change(db, folder)
    step = f"L’étape « {handed.step.label} »"
    told = f"{step} est confiée par {the_desk(handed.giver)} {to_desk(handed.receiver)}."
    if handed.replaced:
        told = f"{step} : {the_desk(handed.receiver)} à la place {of_giver(handed.giver)}."
    words = spaces(told)
    row = CircuitChange(
        collectivity_id=folder.collectivity_id,
        folder_id=folder.id,
        round=folder.round,
        place=folder.place,
        base_id=last.base_id if last is not None else before_id,
        before_id=before_id,
        words=[words],
        reason=handed.reason,
        handed_from=handed.giver,
        handed_to=handed.receiver,
        replaced=handed.replaced,
        changed_at=moment,
        changed_by=handed.who,
        changed_by_id=actor.user_id,
    )
    db.add(row)
    db.flush()
    row.after_id = of_folder(db, row.base_id, row.id, after, actor.name)
    folder.circuit_version_id = row.after_id
    touch(folder)
    folder.updated_at = moment
    if not handed.replaced and handed.step.kind in THOUGHT:
        folder.final_at = pause.ends(actor, moment)


def _letters(
    db: Db, folder: Folder, actor: Actor, chosen: Desk, who: str, relieved: Collection[int] | None
) -> list[News]:
    """The people of the desk are told that it is their turn; whoever would correct the folder, and whose part it was, of it.

    Of a part that its own desk hands on, the letters wait as long as that may be taken back.
    """
    letters = {
        person.user_id: {"event": YOUR_TURN, **({"absent": person.absent} if person.absent else {})}
        for person in chosen.slot.people
    }
    for number in correctors(db, folder):
        letters.setdefault(number, {"event": HANDED_OVER})
    for number in relieved or ():
        letters.setdefault(number, {"event": NO_LONGER, "what": "confiée à un autre bureau"})
    return [
        News(
            "mail",
            f"{payload['event']}-{folder.id}-{folder.version}-{number}",
            {**payload, "user_id": number, "folder_id": folder.id, "by": who},
            folder.id,
            not_before=folder.final_at,
        )
        for number, payload in sorted(letters.items())
        if number != actor.user_id
    ]
