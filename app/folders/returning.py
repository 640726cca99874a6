"""A folder sent back to an earlier step of its round, with a reason: asked anew from there on (`workflows.returning`).

What was decided there stays in the trail as what it was, and counts no more: its rows are put aside (`StepRun.former`).
"""

import sqlalchemy as sa

from app.core.db import Db
from app.core.french import spaces
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.access import lock, refuse_stranger
from app.folders.decide import not_rejected
from app.folders.models import Folder, StepRun, former_passage
from app.folders.move import Back, Present, Said, move, present, typed
from app.folders.rows import runs_of_round
from app.folders.seats import stuck_under_lock
from app.people.actor import Actor
from workflows import returning
from workflows.circuit import Step
from workflows.engine import choices
from workflows.vocabulary import Action

MOST = 100
"""Passages put aside in a round: beyond, the folder is rejected to who deposited it."""


def steps_behind(db: Db, folder: Folder, here: Present | None) -> tuple[Step, ...]:
    """The steps to which the folder may be sent back, in order; none where it stands at no step."""
    if here is None or here.step is None:
        return ()
    return returning.behind(here.circuit, here.standing, _entered(db, folder))


def offered(db: Db, folder: Folder, actor: Actor, here: Present | None) -> tuple[Step, ...]:
    """The same, of who may reject it now; none for another."""
    if here is None or Action.REJECT not in choices(here.circuit, here.standing, here.asker(actor, folder)):
        return ()
    return steps_behind(db, folder, here)


def _entered(db: Db, folder: Folder) -> frozenset[str]:
    """The steps of the way that led where the folder stands, since it was last sent."""
    return frozenset(run.step for run in runs_of_round(db, folder) if not run.former)


def last_return(db: Db, folder: Folder) -> StepRun | None:
    """By what the folder was sent back to the step where it stands; None where it was not, or went on since."""
    back = [run for run in runs_of_round(db, folder) if run.sent_to is not None and run.ended_at is not None]
    last = max(back, key=lambda run: (run.ended_at, run.id), default=None)
    return last if last is not None and last.sent_to == folder.place else None


@use_case
def send_back(db: Db, actor: Actor, folder_id: int, *, version: int, step: str, reason: str) -> str:
    """Send the folder back to an earlier step, by key; returns its name.

    Refuses as `decide.reject` (`reason-needed`, `words-long`, `not-rejected`), `not-behind`, `send-back-nobody` where nobody
    could act at that step any more, and `send-back-many`.
    """
    folder = lock(db, actor, folder_id, version)
    refuse_stranger(db, actor, folder)
    reason = typed(reason)
    if not reason:
        raise Refusal("reason-needed")
    here = present(db, folder)
    target = next((one for one in offered(db, folder, actor, here) if one.key == step), None)
    if target is not None:
        if stuck_under_lock(db, folder, target):
            raise Refusal("send-back-nobody", step=target.label)
        if put_aside_before(db, folder) + len(here.circuit.steps) > MOST:
            raise Refusal("send-back-many")
    label = target.label if target is not None else ""
    facts = {"words": spaces(f"à l’étape « {label} »")}
    back = Back(step, _entered(db, folder))
    try:
        move(db, folder, Action.SEND_BACK, actor, Said(reason, facts=facts), here, back)
    except Refusal as refusal:
        raise not_rejected(refusal) from refusal
    return label


def put_aside_before(db: Db, folder: Folder) -> int:
    """How many passages were put aside since the folder was last sent."""
    first, last = former_passage(folder, 0), former_passage(folder, MOST)
    query = sa.select(sa.func.count(StepRun.pass_number.distinct())).where(
        StepRun.folder_id == folder.id, StepRun.pass_number.between(first, last)
    )
    return db.scalar(query) or 0
