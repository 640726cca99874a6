"""The verb of whoever takes back, within some seconds, what he has just done: a visa, an opinion, a step handed on.

It was committed at once and its letters wait (`pause`); taking it back is a second line of the journal. The folder stands again
where it stood, and what the act had opened was seen by nobody (`workflows.undoing`, decision 0037). What was just done is read
from the rows themselves: it is the last thing that changed the folder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.circuits.library import circuit_of
from app.core.clock import now
from app.core.db import Db
from app.core.french import spaces
from app.core.outbox import Outbox
from app.core.questions import ask
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders import pause, words
from app.folders.access import lock, refuse_stranger
from app.folders.facts import touch
from app.folders.models import ASKED, HANDED, AskedOpinion, CircuitChange, Folder, StepRun, reopen
from app.folders.move import SOMEBODY, Present, Said, pass_number, person_of, place_back, present
from app.folders.returning import MOST, put_aside_before
from app.folders.rows import POSTED, READERS, RUNS, SEEN, changes_of_round, links
from app.folders.seats import as_given, slots_of, stuck_at, stuck_under_lock
from app.journal.chain import Event, append
from app.people.actor import Actor
from app.people.covers import refuse_over
from app.people.models import Desk
from workflows.circuit import Step
from workflows.engine import Moved
from workflows.undoing import THOUGHT, Deed, refuse_late, take_back

WAITING = frozenset({"mail", words.NOTED})
"""The rows of the outbox that wait until what was done is final: letters, and what has a note found by its words."""
NOT_SENT = "geste annulé : ce courriel n’est pas parti"
STRANGER = -(2**62)
"""Who did it, where it is nobody that the law could take the reader for."""


@dataclass(frozen=True)
class Done:
    """What was done last on a folder: the part that was taken, or handed on (`change`), as the law sees it (`deed`)."""

    deed: Deed
    run: StepRun
    change: CircuitChange | None = None

    @property
    def noun(self) -> str:
        """« visa », « avis », « étape confiée à un autre bureau »."""
        if self.change is not None:
            return "étape confiée à un autre bureau"
        return "avis" if self.run.opinion else "visa"


def done_last(db: Db, folder: Folder, actor: Actor) -> Done | None:
    """What changed the folder last, where it is an act that may be taken back and its seconds last; asks nothing on its page."""
    at = folder.updated_at
    if not pause.lasts(at, folder.final_at):
        return None
    runs = [run for (run,) in ask(db, RUNS, folder.id) if run.ended_at == at and run.kind in THOUGHT]
    changes = [one for one in changes_of_round(db, folder) if one.changed_at == at and one.handed_to]
    change = changes[-1] if changes else None
    run = next((run for run in runs if _acted(run, handed=change is not None)), None)
    if run is None:
        return None
    mine = run.user_id == actor.user_id and (actor.user_id is not None or run.who == actor.name)
    person = person_of(actor) if mine else STRANGER
    opened, left = _opened(db, folder, actor, at), _left(db, folder, at)
    return Done(Deed(run.step, person, at, folder.final_at, opened, left), run, change)


def offered(db: Db, folder: Folder, actor: Actor) -> Done | None:
    """The same where this reader may take it back now."""
    done = done_last(db, folder, actor)
    if done is None:
        return None
    try:
        refuse_late(done.deed, person=person_of(actor), now=now())
        if done.change is None:
            _law(actor, done, present(db, folder))
        part = _part(db, folder, done)
        _refuse_nobody(db, folder, part, done.run)
        _refuse_unable(db, folder, actor, done, part.step)
    except Refusal:
        return None
    return done


@dataclass(frozen=True)
class Part:
    """The step where the folder would stand again, and who has done its other parts, by part."""

    step: Step
    acted: Mapping[str, int]


def _part(db: Db, folder: Folder, done: Done) -> Part:
    """Where the folder stands again once the act is taken back: by the version of its circuit of before a part was handed."""
    own, slot = done.run, done.run.slot.removeprefix(HANDED)
    before = done.change.before_id if done.change is not None else folder.circuit_version_id
    circuit = circuit_of(db, before or 0)
    passage = pass_number(circuit, folder, own.step)
    others = [
        run
        for (run,) in ask(db, RUNS, folder.id)
        if run.pass_number == passage and run.kind == own.kind and run.id != own.id
    ]
    if done.change is not None:
        others = [run for run in others if run.entered_at != own.ended_at]
    acted = {run.slot: run.user_id or -SOMEBODY - run.id for run in others if run.state == "done"}
    return Part(as_given(circuit.step(own.step), [slot, *(run.slot for run in others)]), acted)


def _refuse_nobody(db: Db, folder: Folder, part: Part, run: StepRun, *, lock: bool = False) -> None:
    """Refuse `take-back-nobody` where the step could not end any more.

    `lock`: none of its desks is closed before the transaction ends. `run`: the part that is taken back. Where another part
    names a desk or an account that is no more, the step had lost it before: its own desk alone is looked at, and whoever
    takes it back may act there (`_refuse_unable`).
    """
    try:
        lacking = (
            stuck_under_lock(db, folder, part.step, part.acted)
            if lock
            else stuck_at(db, folder, part.step, slots_of(db, folder, part.step), part.acted)
        )
    except Refusal:
        own = sa.select(Desk.closed_at).where(Desk.id == run.desk_id)
        own = own.with_for_update(read=True, key_share=True) if lock else own
        lacking = run.desk_id is not None and db.scalar(own) is not None
    if lacking:
        raise Refusal("take-back-nobody", step=part.step.label)


def _refuse_unable(
    db: Db, folder: Folder, actor: Actor, done: Done, step: Step, *, lock: bool = False
) -> None:
    """Refuse who may act at that step no more: `take-back-right`, `cover-over` of what was done in somebody's absence."""
    run, right = done.run, step.kind.right
    if run.named_user_id is not None:
        able = actor.holds(right, folder.of_type) and run.named_user_id == actor.user_id
    else:
        able = run.desk_id in actor.desks_with(right, folder.of_type)
    if able:
        return
    under = actor.cover_at(run.desk_id, right, folder.of_type)
    if under is None:
        raise (
            Refusal("cover-over", absent=run.absent)
            if run.absent
            else Refusal("take-back-right", step=step.label)
        )
    if lock:
        refuse_over(db, actor, under, right, folder.of_type)


def _acted(run: StepRun, *, handed: bool) -> bool:
    if handed:
        return run.state == "passed" and run.slot.startswith(HANDED)
    return run.state == "done" and not run.slot.startswith(ASKED)


def _opened(db: Db, folder: Folder, actor: Actor, at: datetime) -> bool:
    readers = (row for (row,) in ask(db, READERS, folder.id) if row.user_id != actor.user_id)
    opened = any(row.first_at >= at or (row.again_at is not None and row.again_at >= at) for row in readers)
    files = (row for (row,) in ask(db, SEEN, folder.id) if row.user_id != actor.user_id)
    return opened or any(row.seen_at >= at for row in files)


def _left(db: Db, folder: Folder, at: datetime) -> bool:
    if any(link.origin_id == folder.id and link.created_at >= at for link in links(db, folder.id)):
        return True
    rows = (row for (row,) in ask(db, POSTED, folder.id) if row.created_at >= at)
    return any(row.kind not in WAITING or row.state != "pending" or row.attempts for row in rows)


def _law(actor: Actor, done: Done, here: Present) -> Moved:
    return take_back(here.circuit, here.standing, done.deed, person=person_of(actor), now=now())


@use_case
def undo(db: Db, actor: Actor, folder_id: int, *, version: int) -> str:
    """Take back what the actor has just done on the folder; returns what it was, in French.

    Refuses `moved-on`, `take-back-none` where it is not his or nothing of that sort was done last, `take-back-late`,
    `take-back-opened` once somebody else opened the folder, `take-back-left` once a letter went or another folder was opened from
    it, `send-back-many`, `take-back-nobody` where nobody could act at that step any more, and who may not act there any more
    himself (`take-back-right`, `cover-over`).
    """
    return taken_back(db, actor, folder_id, version)


def taken_back(db: Db, actor: Actor, folder_id: int, version: int) -> str:
    """The same in the transaction of another verb."""
    folder = lock(db, actor, folder_id, version)
    refuse_stranger(db, actor, folder)
    _hold_letters(db, folder)
    done = done_last(db, folder, actor)
    if done is None:
        raise _too_late(db, folder, actor)
    if put_aside_before(db, folder) >= MOST:
        raise Refusal("send-back-many")
    refuse_late(done.deed, person=person_of(actor), now=now())
    part = _part(db, folder, done)
    _refuse_nobody(db, folder, part, done.run, lock=True)
    _refuse_unable(db, folder, actor, done, part.step, lock=True)
    moment = now()
    if done.change is not None:
        _undo_handing(db, folder, actor, done, done.change, moment)
    else:
        _undo_act(db, folder, actor, done, moment)
    return done.noun


def _too_late(db: Db, folder: Folder, actor: Actor) -> Refusal:
    """Why there is nothing to take back: it is too late for what he did last, or he did nothing of that sort last."""
    if folder.final_at is None:
        return Refusal("take-back-none")
    runs = (run for (run,) in ask(db, RUNS, folder.id) if run.ended_at == folder.updated_at)
    own = any(run.kind in THOUGHT and run.user_id == actor.user_id for run in runs)
    seconds = int((folder.final_at - folder.updated_at).total_seconds())
    return Refusal("take-back-late", seconds=seconds) if own else Refusal("take-back-none")


def _hold_letters(db: Db, folder: Folder) -> None:
    """Let no worker take a letter of the folder from now on: one that it has taken already is seen as gone."""
    waiting = sa.select(Outbox.id).where(
        Outbox.folder_id == folder.id, Outbox.created_at >= folder.updated_at
    )
    db.execute(waiting.with_for_update())


def _stop_letters(db: Db, folder: Folder) -> None:
    """The letters of the version that the act made do not go; those of a note that was written since do."""
    rows = sa.update(Outbox).where(
        Outbox.folder_id == folder.id,
        Outbox.kind == "mail",
        Outbox.state == "pending",
        Outbox.key.like(f"%-{folder.id}-{folder.version}-%"),
    )
    stopped = rows.values(state="done", done_at=now(), last_error=NOT_SENT)
    db.execute(stopped.execution_options(synchronize_session=False))


def _undo_act(db: Db, folder: Folder, actor: Actor, done: Done, moment: datetime) -> None:
    here, run = present(db, folder), done.run
    moved = _law(actor, done, here)
    _stop_letters(db, folder)
    facts = {**_facts(done, moment), "label": here.circuit.step(run.step).label}
    reopen(db, folder, _opened_by(db, folder, done), run, moment)
    place_back(db, folder, replace(here, step=None, asked=()), moved, actor, Said(facts=facts), run.slot)


def _opened_by(db: Db, folder: Folder, done: Done) -> Sequence[int]:
    """The parts that the act opened: those of the next step, and of the desks that were told there."""
    opened = (
        run for (run,) in ask(db, RUNS, folder.id) if run.entered_at == done.deed.at and run.id > done.run.id
    )
    return [run.id for run in opened]


def _facts(done: Done, moment: datetime) -> dict[str, Any]:
    return {
        "act": done.noun,
        "done_at": done.deed.at.isoformat(timespec="milliseconds"),
        "words": spaces(f"{done.noun}, {int((moment - done.deed.at).total_seconds())} s après"),
    }


def _undo_handing(
    db: Db, folder: Folder, actor: Actor, done: Done, change: CircuitChange, moment: datetime
) -> None:
    """Give the part back to the desk that handed it, with the version of the circuit that the folder followed."""
    refuse_late(done.deed, person=person_of(actor), now=moment)
    _stop_letters(db, folder)
    old = done.run
    passage = pass_number(circuit_of(db, change.before_id), folder, old.step)
    taken = next(
        run
        for (run,) in ask(db, RUNS, folder.id)
        if run.entered_at == old.ended_at and run.state == "active" and run.pass_number == passage
    )
    slot = old.slot.removeprefix(HANDED)
    questions = sa.update(AskedOpinion).where(
        AskedOpinion.folder_id == folder.id,
        AskedOpinion.slot == taken.slot,
        AskedOpinion.run_id.in_(
            sa.select(StepRun.id).where(StepRun.folder_id == folder.id, StepRun.state == "active")
        ),
    )
    db.execute(questions.values(slot=slot).execution_options(synchronize_session=False))
    taken.state, taken.ended_at, taken.taken_back_at = "cancelled", moment, moment
    taken.desk_id, taken.pass_number = None, old.pass_number
    old.state, old.ended_at, old.slot, old.pass_number = "active", None, slot, passage
    old.user_id = old.who = old.capacity = old.absent = None
    change.taken_back_at = moment
    folder.circuit_version_id = change.before_id
    version = folder.version
    touch(folder)
    facts = {
        **_facts(done, moment),
        "place": folder.place,
        "label": circuit_of(db, change.before_id).step(old.step).label,
        "slot": slot,
        "round": folder.round,
        "version": version,
        "circuit": circuit_of(db, change.before_id).digest,
    }
    append(db, folder.collectivity_id, Event("folder.take_back", actor.name, actor.user_id, folder.id, facts))
