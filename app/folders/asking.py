"""An opinion asked of a desk beside the step where a folder stands: asked, given, taken back (`workflows.asking`).

It moves nothing: who answers reads the folder and decides nothing by it. Each verb makes the folder a version older, under its
lock, so that nobody decides on a page that does not show what was asked or answered since.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from app.circuits.checking import hold_desks
from app.core.clock import now, today
from app.core.db import Db
from app.core.french import jour, spaces
from app.core.grammar import to_desk
from app.core.outbox import News, Outbox, post
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.access import lock, refuse_stranger
from app.folders.facts import act_of, touch
from app.folders.marks import forget_reading
from app.folders.models import ASKED, AskedOpinion, Folder, StepRun, asked_passage
from app.folders.move import Present, cover_in_force, not_your_turn, part_of, person_of, present, typed
from app.folders.notices import YOUR_TURN
from app.folders.opinions import HELD, is_held
from app.folders.rerouting import circle
from app.folders.seats import Slot, every_desk, slots_of
from app.journal.chain import Event, append
from app.people.actor import Actor, Cover
from app.people.covers import facts_of, in_absence, refuse_over
from workflows import asking
from workflows.circuit import Step, StepKind, Who, WhoKind
from workflows.vocabulary import Answer, Right

OPINION_ASKED, OPINION_GIVEN = "opinion_asked", "opinion_given"
"""The letters: to the desks that are asked, and to who asked."""
MOST_DESKS = 5
"""Desks asked at once."""
MOST_ASKED = 100
"""Opinions asked of one folder in a round."""
FARTHEST = timedelta(days=366)
ADVICE = Step("asked", "Avis demandé", StepKind.OPINION)
"""What is asked, as a step says it: whoever could act there on a folder of this type answers."""


def step_of(slots: Iterable[str]) -> Step:
    """What is asked of the desks that have these parts, as a step says it."""
    return replace(ADVICE, who=tuple(Who(WhoKind.DESK, slot.partition(":")[2]) for slot in slots))


@dataclass(frozen=True)
class Desk:
    """A desk of the collectivity with those who could answer there, and why it is not to be asked; None where it may be."""

    slot: Slot
    refusal: Refusal | None

    @property
    def key(self) -> str:
        """Its key."""
        return self.slot.key.partition(":")[2]


def may_ask(folder: Folder, actor: Actor, here: Present | None) -> bool:
    """Whether it is for the actor to act where the folder stands, and so to ask what others think of it."""
    return here is not None and here.step is not None and here.in_turn(actor, folder)


def desks_for(db: Db, folder: Folder, actor: Actor, here: Present) -> list[Desk]:
    """Every desk of the collectivity, by name, each with why the actor may not ask it, if so (`asking.refuse_candidate`)."""
    inside = circle(folder, here.circuit) if folder.read_as.discreet else None
    at_the_step = {run.desk_id for run in here.runs}
    open_desks = {run.desk_id for run in here.asked}
    desks = []
    for slot in every_desk(db, folder, ADVICE):
        candidate = asking.Candidate(
            slot.label,
            # Whoever is away leaves his answer to who stands in for him, who may be the asker
            frozenset(person.user_id for person in slot.people if not person.covered),
            in_circle=inside is None or slot.key.partition(":")[2] in inside,
            takes_part=slot.desk_id in at_the_step,
            asked_already=slot.desk_id in open_desks,
        )
        desks.append(Desk(slot, _why_not(candidate, person_of(actor))))
    return desks


def _why_not(candidate: asking.Candidate, asker: int | None) -> Refusal | None:
    try:
        asking.refuse_candidate(candidate, asker)
    except Refusal as refusal:
        return refusal
    return None


@use_case
def ask(
    db: Db,
    actor: Actor,
    folder_id: int,
    *,
    version: int,
    desks: Sequence[str],
    question: str,
    waits: bool,
    wanted_on: date | None = None,
) -> tuple[str, ...]:
    """Ask these desks, by key, what they think of the folder; returns their names.

    `waits`: the step ends for nobody before they have answered. `wanted_on`: by when an answer is hoped for, which binds nobody
    and moves no last day: that of the answer is the step's where the step waits for it, else the folder's.

    Refuses `moved-on`, whoever may not act here (`not-your-turn`) or no more (`cover-over`), `opinion-desks`,
    `opinion-question`, `words-long`, `opinion-date`, `opinion-many`, and as `asking.refuse_candidate`. All are asked or none is.
    """
    folder = lock(db, actor, folder_id, version)
    refuse_stranger(db, actor, folder)
    here = present(db, folder)
    if not may_ask(folder, actor, here):
        raise not_your_turn(db, actor, folder, here)
    under = cover_in_force(db, actor, folder, here)
    question = typed(question)
    if not question:
        raise Refusal("opinion-question")
    if wanted_on is not None and not today() <= wanted_on <= today() + FARTHEST:
        raise Refusal("opinion-date")
    hold_desks(db, folder.collectivity_id, desks[:MOST_DESKS])
    chosen = _chosen(desks_for(db, folder, actor, here), list(dict.fromkeys(desks)))
    rank = _asked_before(db, folder)
    if rank + len(chosen) > MOST_ASKED:
        raise Refusal("opinion-many", most=MOST_ASKED)
    slot = part_of(db, folder, here, actor) or ""
    asker = in_absence(actor.name, under.absent if under is not None else None)
    due_on = _step_due(db, folder) if waits else folder.due_on
    touch(folder)
    runs = [_row(folder, one, asked_passage(folder, rank + n), due_on) for n, one in enumerate(chosen)]
    db.add_all(runs)
    db.flush()
    db.add_all(
        AskedOpinion(
            run_id=run.id,
            folder_id=folder.id,
            collectivity_id=folder.collectivity_id,
            slot=slot,
            desk=desk.slot.label,
            question=question,
            waits=waits,
            wanted_on=wanted_on,
            asked_by=asker,
            asked_by_id=person_of(actor),
        )
        for desk, run in zip(chosen, runs, strict=True)
    )
    if waits:
        _leave_alone(db, folder)
    names = tuple(desk.slot.label for desk in chosen)
    facts: dict[str, Any] = {
        "desks": {desk.key: desk.slot.label for desk in chosen},
        "asked": [run.id for run in runs],
        "question": question,
        "waits": waits,
        "wanted_on": wanted_on.isoformat() if wanted_on else None,
        "words": spaces(f"{', '.join(map(to_desk, names))} : « {question} »"),
        **facts_of(under),
    }
    _write(db, actor, folder, "opinion.asked", facts)
    people = {person.user_id: person for desk in chosen for person in desk.slot.people}
    post(
        db,
        folder.collectivity_id,
        [
            _letter(folder, OPINION_ASKED, number, asker, absent=person.absent, wanted=wanted_on)
            for number, person in people.items()
            if number != actor.user_id
        ],
    )
    return names


def _chosen(every: Sequence[Desk], keys: Sequence[str]) -> list[Desk]:
    """The desks of these keys; refuses none, too many, one that is not there, and one that is not to be asked."""
    if not keys:
        raise Refusal("opinion-desks", most=MOST_DESKS)
    if len(keys) > MOST_DESKS:
        raise Refusal("opinion-desks", most=MOST_DESKS)
    by_key = {desk.key: desk for desk in every}
    if any(key not in by_key for key in keys):
        raise Refusal("bad-request", detail="un bureau demandé n’existe pas")
    for key in keys:
        if (refusal := by_key[key].refusal) is not None:
            raise refusal
    return [by_key[key] for key in keys]


def _asked_before(db: Db, folder: Folder) -> int:
    """How many opinions were asked since the folder was last sent."""
    first, last = asked_passage(folder, 0), asked_passage(folder, MOST_ASKED)
    query = sa.select(sa.func.count()).where(
        StepRun.folder_id == folder.id, StepRun.pass_number >= first, StepRun.pass_number <= last
    )
    return db.scalar(query) or 0


def _step_due(db: Db, folder: Folder) -> date:
    """The day by which the step where the folder stands is to end: what it waits for is late as it is."""
    query = sa.select(sa.func.min(StepRun.due_on)).where(
        StepRun.folder_id == folder.id, StepRun.state == "active", ~StepRun.slot.startswith(ASKED)
    )
    return db.scalar(query) or folder.due_on


def _row(folder: Folder, desk: Desk, passage: int, due_on: date) -> StepRun:
    """What has the desk read the folder and find it in its tray, as a step would, by this day."""
    act = act_of(folder)
    return StepRun(
        collectivity_id=folder.collectivity_id,
        folder_id=folder.id,
        family=folder.family,
        own_type=folder.of_type[1],
        restricted=folder.read_as.closed_at(desk.key),
        matter=act.matter,
        amount_cents=act.weight_cents,
        step=folder.place,
        kind=ADVICE.kind.value,
        pass_number=passage,
        slot=f"{ASKED}{desk.key}",
        desk_id=desk.slot.desk_id,
        state="active",
        due_on=due_on,
        entered_at=folder.updated_at,  # of one moment with what it changes: whoever asks it twice is told so (`moved.py`)
    )


def seat_at(actor: Actor, folder: Folder, run: StepRun) -> tuple[bool, Cover | None]:
    """Whether the actor may answer for the desk that was asked, and under which cover; None for a seat of his own."""
    if run.desk_id in actor.desks_with(Right.ACT, folder.of_type):
        return True, None
    under = actor.cover_at(run.desk_id, Right.ACT, folder.of_type)
    return under is not None, under


@use_case
def answer(
    db: Db, actor: Actor, folder_id: int, number: int, *, version: int, answer: str, comment: str = ""
) -> str:
    """Answer for the desk that was asked (`number`, of its row); returns the answer in words.

    `answer`: one of `Answer`. Refuses `moved-on`, `opinion-unknown`, `opinion-answered`, `opinion-elsewhere` to who may not act
    at that desk, as `asking.refuse_answer`, `cover-own-deposit` and `cover-over` under a cover, and `opinion-word` of an
    unfavourable one without a word.
    """
    folder = lock(db, actor, folder_id, version)
    refuse_stranger(db, actor, folder)
    question, run = _of_folder(db, folder, number)
    if run.state != "active":
        raise Refusal("opinion-answered", desk=question.desk)
    able, under = seat_at(actor, folder, run)
    if not able:
        raise Refusal("opinion-elsewhere", desk=question.desk)
    asking.refuse_answer(law_of(question, run), person_of(actor))
    if under is not None:
        if actor.user_id in folder.writers:
            raise Refusal("cover-own-deposit", absent=under.absent)
        refuse_over(db, actor, under, Right.ACT, folder.of_type)
    if answer not in set(Answer):
        raise Refusal("bad-request", detail="avis inconnu")
    comment = typed(comment)
    if answer == Answer.UNFAVOURABLE and not comment:
        raise Refusal("opinion-word")
    run.state = "done"
    run.user_id, run.who, run.capacity = actor.user_id, actor.name, actor.capacity
    run.comment, run.opinion = comment or None, answer
    run.absent = under.absent if under is not None else None
    touch(folder)
    # One moment for both: by it a page that is late names who answered (`display.moved`)
    run.ended_at = folder.updated_at
    _let_go(db, folder)
    forget_reading(db, folder_id, actor.user_id)
    said = Answer(answer).label
    said += f" : « {comment} »" if comment else ""
    facts: dict[str, Any] = {
        "asked": run.id,
        "desk": question.desk,
        "answer": answer,
        "comment": comment,
        "words": spaces(f"{said[:1].lower()}{said[1:]} ({question.desk})"),
        **facts_of(under),
    }
    _write(db, actor, folder, "opinion.given", facts)
    by = in_absence(actor.name, run.absent)
    people = _who_awaits(db, folder, question) - {actor.user_id or 0}
    letters = [_letter(folder, OPINION_GIVEN, user_id, by) for user_id in sorted(people)]
    if question.waits:
        letters += _turn_again(db, folder, by, {actor.user_id or 0, *people})
    post(db, folder.collectivity_id, letters)
    return Answer(answer).label


def _who_awaits(db: Db, folder: Folder, question: AskedOpinion) -> set[int]:
    """Who asked, where a person did; and where he may not act there any more (his cover is over), those who may."""
    asker = question.asked_by_id
    if asker is None or asker <= 0:
        return set()
    parts = _parts(db, folder, present(db, folder))
    able = {person.user_id for slot in parts if slot.key == question.slot for person in slot.people}
    return {asker} | (able if asker not in able else set())


def _parts(db: Db, folder: Folder, here: Present) -> tuple[Slot, ...]:
    """The parts of the step where a folder stands; none where a desk or an account of one of them is no more."""
    try:
        return slots_of(db, folder, here.step) if here.step is not None else ()
    except Refusal:
        return ()


def _turn_again(db: Db, folder: Folder, by: str, informed: Collection[int]) -> list[News]:
    """The letters to whoever may decide, once no opinion is awaited any more: the folder is in their list again.

    Whoever stands in for one of them is told too. None for those who are `informed` otherwise, nor for whom a letter about this
    turn has not left: it waits for the same moment.
    """
    db.flush()
    if is_held(db, folder):
        return []
    here = present(db, folder)
    open_parts = {run.slot for run in here.runs if run.state == "active"}
    people = {
        person.user_id: person.absent
        for slot in _parts(db, folder, here)
        if slot.key in open_parts
        for person in slot.people
    }
    on_the_way = sa.select(Outbox.payload["user_id"].as_integer()).where(
        Outbox.folder_id == folder.id,
        Outbox.kind == "mail",
        sa.text("outbox.state IN ('pending','running')"),
        sa.or_(
            Outbox.payload["event"].as_string() == YOUR_TURN, Outbox.payload["turn"].as_boolean().is_(True)
        ),
    )
    left_out = {*informed, *db.scalars(on_the_way)}
    return [
        _letter(folder, YOUR_TURN, user_id, by, absent=absent)
        for user_id, absent in sorted(people.items())
        if user_id not in left_out
    ]


@use_case
def withdraw(db: Db, actor: Actor, folder_id: int, number: int, *, version: int, reason: str = "") -> str:
    """Take back what was asked of a desk (`number`, of its row); returns its name.

    Refuses `moved-on`, `opinion-unknown`, `words-long`, and as `asking.refuse_withdrawal`.
    """
    folder = lock(db, actor, folder_id, version)
    refuse_stranger(db, actor, folder)
    question, run = _of_folder(db, folder, number)
    here = present(db, folder)
    asking.refuse_withdrawal(
        law_of(question, run),
        person_of(actor),
        here.asker(actor, folder).slots,
        in_turn=here.in_turn(actor, folder),
        administrator=actor.administrator,
        reason=reason,
    )
    reason = typed(reason)
    run.state, run.ended_at, run.desk_id = "cancelled", now(), None
    question.withdrawn_by, question.withdrawn_why = actor.name, reason or None
    touch(folder)
    _let_go(db, folder)
    why = f" : « {reason} »" if reason else ""
    facts = {
        "asked": run.id,
        "desk": question.desk,
        "comment": reason,
        "words": spaces(f"demandé {to_desk(question.desk)}{why}"),
    }
    _write(db, actor, folder, "opinion.withdrawn", facts)
    if question.waits:
        post(db, folder.collectivity_id, _turn_again(db, folder, actor.name, {actor.user_id or 0}))
    return question.desk


def _leave_alone(db: Db, folder: Folder) -> None:
    """Have the receipts that would ask a decision too say the receipt alone: nobody can make it before what is asked is given.

    A receipt is news, which no opinion keeps; its reader's turn is told once the step waits no more (`_turn_again`).
    """
    both = sa.select(Outbox).where(
        Outbox.folder_id == folder.id,
        Outbox.kind == "mail",
        sa.text("outbox.state = 'pending'"),
        Outbox.payload["turn"].as_boolean().is_(True),
    )
    for row in db.scalars(both):
        row.payload = {name: value for name, value in row.payload.items() if name != "turn"}


def _let_go(db: Db, folder: Folder) -> None:
    """Have the letters that wait for an opinion on the folder looked at now: it may have been the last."""
    waiting = sa.update(Outbox).where(
        Outbox.folder_id == folder.id,
        Outbox.kind == "mail",
        sa.text("outbox.state = 'pending'"),
        Outbox.last_error == HELD,
    )
    db.execute(waiting.values(available_at=now()).execution_options(synchronize_session=False))


def law_of(question: AskedOpinion, run: StepRun) -> asking.Question:
    """What was asked, as the law reads it."""
    return asking.Question(
        question.desk,
        question.asked_by_id,
        question.asked_by,
        question.slot,
        waits=question.waits,
        open=run.state == "active",
    )


def _of_folder(db: Db, folder: Folder, number: int) -> tuple[AskedOpinion, StepRun]:
    """What was asked of one desk about this folder; refuses `opinion-unknown`."""
    query = (
        sa.select(AskedOpinion, StepRun)
        .join(StepRun, StepRun.id == AskedOpinion.run_id)
        .where(AskedOpinion.run_id == number, AskedOpinion.folder_id == folder.id)
        .execution_options(populate_existing=True)
    )
    row = db.execute(query).one_or_none()
    if row is None:
        raise Refusal("opinion-unknown")
    return row[0], row[1]


def _write(db: Db, actor: Actor, folder: Folder, event: str, facts: dict[str, Any]) -> None:
    where = {"place": folder.place, "round": folder.round, "version": folder.version}
    append(db, folder.collectivity_id, Event(event, actor.name, actor.user_id, folder.id, {**where, **facts}))


def _letter(
    folder: Folder, event: str, user_id: int, by: str, *, absent: str = "", wanted: date | None = None
) -> News:
    payload: dict[str, Any] = {"event": event, "user_id": user_id, "folder_id": folder.id, "by": by}
    if absent:
        payload["absent"] = absent
    if wanted is not None:
        payload["what"] = jour(wanted)
    return News("mail", f"{event}-{folder.id}-{folder.version}-{user_id}", payload, folder.id)
