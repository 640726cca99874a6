"""The verbs of who administers, where nobody does what a step awaits: a desk in the place of who is absent, or the visa passed.

Each has a reason, and is told as what it is. They give nobody what is not his: the administrator reads the folder already, the
desk that comes is one to which the part could have been handed (`workflows.handing`), and a visa that is passed was given by
nobody (`workflows.passing`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.circuits.library import family_of
from app.core.clock import PARIS, now
from app.core.db import Db
from app.core.french import spaces
from app.core.outbox import News, post
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.access import lock, refuse_stranger
from app.folders.asking import Desk
from app.folders.handing import NO_LONGER, REPLACED, Part, give, giver_of, receivers
from app.folders.models import Folder, Run
from app.folders.move import Present, Said, entering, move, not_given, person_of, present, typed
from app.folders.notices import correctors
from app.folders.required import refuse_unfilled
from app.folders.rows import runs_of_round
from app.folders.seats import Slot, slots_of
from app.people.actor import Actor
from app.people.branches import branch_of, is_reached
from workflows.circuit import Phase, StepKind
from workflows.family import imposed
from workflows.handing import HANDED, may_be_replaced
from workflows.passing import Passer, locked_by, refuse_passed
from workflows.vocabulary import Action

PASSED_OVER = "step_passed"
"""The letter to whoever would correct a folder, one step of which was passed."""


@dataclass(frozen=True)
class Awaited:
    """A part of the step that nobody has done: its key, whose it is by name, who sits there; `slot` None of a lost desk."""

    key: str
    name: str
    slot: Slot | None

    @property
    def people(self) -> frozenset[int]:
        """Those whose part it is, whoever stands in for them."""
        return (
            frozenset(one.user_id for one in self.slot.people if not one.absent) if self.slot else frozenset()
        )


def may_relieve(folder: Folder, actor: Actor, here: Present | None) -> bool:
    """Whether somebody who administers may step in where the folder stands, his branch apart; asks nothing of the database."""
    if not (actor.administrator or actor.delegated) or here is None or here.step is None:
        return False
    return folder.phase == Phase.RUNNING and here.step.kind in HANDED


def awaited(db: Db, folder: Folder, actor: Actor, here: Present) -> list[Awaited]:
    """The open parts of the step, in order; refuses `relief-forbidden` who does not administer all of them."""
    if here.step is None:
        return []
    runs = [run for run in here.runs if run.state == "active"]
    if not _administers(db, actor, runs):
        raise Refusal("relief-forbidden")
    try:
        slots = {slot.key: slot for slot in slots_of(db, folder, here.step)}
    except Refusal:  # a desk, or an account, that is no more: its part is awaited all the same
        slots = {}
    return [Awaited(run.slot, giver_of(db, folder, here, run.slot), slots.get(run.slot)) for run in runs]


def _administers(db: Db, actor: Actor, runs: Sequence[Run]) -> bool:
    """Whether the desks and the people of these parts are the actor's to administer."""
    if actor.administrator:
        return True
    branch = branch_of(db, actor)
    return branch is not None and all(
        run.desk_id in branch if run.named_user_id is None else is_reached(db, branch, run.named_user_id)
        for run in runs
    )


def fixed(folder: Folder, here: Present) -> Refusal | None:
    """Why nobody is put in the place of who is awaited at the step; None where somebody may be."""
    step = here.step
    if step is None or step.kind not in HANDED:
        return Refusal("replacing-fixed", step=step.label if step else "")
    law = imposed(family_of(folder.in_force), here.circuit)
    if all(may_be_replaced(step, run.slot, law) for run in here.runs):
        return None
    return Refusal("replacing-locked", step=step.label, by=locked_by(law.get(step.key, "")))


@use_case
def replace_actor(
    db: Db, actor: Actor, folder_id: int, *, version: int, part: str, desk: str, reason: str
) -> tuple[str, str]:
    """Put a desk, by key, in the place of who is awaited at a part of the step; returns the name of who was, and of the desk.

    It has the days of the step, from today, and never more than the folder. Refuses `moved-on`, `not-found`, `relief-forbidden`,
    `replacing-fixed` of a step that is neither a visa nor an opinion, `replacing-locked` of one that the law asks for,
    `replacing-part` of a part that nobody awaits, and a reason and a desk as `handing.hand` does.
    """
    folder, here = _there(db, actor, folder_id, version)
    parts = awaited(db, folder, actor, here)
    if why := fixed(folder, here):
        raise why
    one = next((one for one in parts if one.key == part), None)
    if one is None or here.step is None:
        raise Refusal("replacing-part")
    given = Part(
        here.step,
        part,
        relieved=one.people,
        facts={"instead_of": one.name, "capacity": actor.capacity},
        event=REPLACED,
        words="{the_receiver} à la place {of_giver} : « {reason} »",
        due_on=entering(db, folder, here.circuit.step(folder.place), now().astimezone(PARIS).date())[1]
        if one.slot is not None
        else None,
    )
    return one.name, give(db, actor, folder, here, given, desk, reason)


def replacements(db: Db, folder: Folder, actor: Actor, here: Present, one: Awaited) -> list[Desk]:
    """The desks that could have the part."""
    return [desk for desk in receivers(db, folder, actor, here, one.people) if desk.refusal is None]


def not_passed(db: Db, folder: Folder, actor: Actor, here: Present) -> Refusal | None:
    """Why the step where the folder stands is not to be passed by this person; None where it may be."""
    try:
        _refuse_passing(db, folder, actor, here)
    except Refusal as refusal:
        return refusal
    return None


def _refuse_passing(db: Db, folder: Folder, actor: Actor, here: Present) -> None:
    runs = [run for run in runs_of_round(db, folder) if not run.former]
    refuse_passed(
        family_of(folder.in_force),
        here.circuit,
        here.standing,
        Passer(person_of(actor), actor.user_id in folder.writers, here.in_turn(actor, folder)),
        decided={
            run.step for run in runs if run.state == "done" and run.kind in {StepKind.VISA, StepKind.SIGN}
        },
        passed={run.step for run in runs if run.waived},
    )
    if here.step is not None:
        refuse_unfilled(folder, here.step)
        if why := not_given(db, folder, here.step, actor):
            raise Refusal("passing-held", details=why.facts["details"])


@use_case
def pass_step(db: Db, actor: Actor, folder_id: int, *, version: int, reason: str) -> str:
    """Pass the visa, or the opinion, that nobody gives where the folder stands; returns the name of its step.

    All its open parts end, and the folder goes on as if it were done. Refuses `moved-on`, `not-found`, `relief-forbidden`,
    `passing-reason`, `words-long`, what `workflows.passing` does, `facts-awaited` where the step requires fields that nobody has
    filled in, and `passing-held` where a visa would not be given (`not_given`).
    """
    folder, here = _there(db, actor, folder_id, version)
    parts = awaited(db, folder, actor, here)
    _refuse_passing(db, folder, actor, here)
    reason = typed(reason)
    if not reason:
        raise Refusal("passing-reason")
    step = here.circuit.step(folder.place)
    names = " et ".join(one.name for one in parts)
    facts = {
        "instead_of": names,
        "words": spaces(
            f"{step.kind.label.lower()} que {names} n’{'ont' if len(parts) > 1 else 'a'} pas donné : « {reason} »"
        ),
    }
    move(db, folder, Action.WAIVE, actor, Said(reason, facts=facts), here)
    relieved = frozenset(number for one in parts for number in one.people)
    post(db, folder.collectivity_id, _letters(db, folder, actor, relieved))
    return step.label


def _there(db: Db, actor: Actor, folder_id: int, version: int) -> tuple[Folder, Present]:
    """The folder, locked, and where it stands; refuses who may not read it, then who administers nothing."""
    folder = lock(db, actor, folder_id, version)
    refuse_stranger(db, actor, folder)
    if not (actor.administrator or actor.delegated):
        raise Refusal("relief-forbidden")
    return folder, present(db, folder)


def _letters(db: Db, folder: Folder, actor: Actor, relieved: Collection[int]) -> list[News]:
    """Whoever would correct the folder, and who was awaited, are told; but whom the move itself tells that it is their turn."""
    told: dict[int, dict[str, str]] = {
        number: {"event": NO_LONGER, "what": "passée sans que personne s’y prononce"} for number in relieved
    }
    told |= {number: {"event": PASSED_OVER} for number in correctors(db, folder)}
    here = present(db, folder)
    if here.step is not None and not here.step.kind.automatic:
        try:
            turn = {one.user_id for slot in slots_of(db, folder, here.step) for one in slot.people}
        except Refusal:
            turn = set()
        told = {number: payload for number, payload in told.items() if number not in turn}
    return [
        News(
            "mail",
            f"{payload['event']}-{folder.id}-{folder.version}-{number}",
            {**payload, "user_id": number, "folder_id": folder.id, "by": actor.name},
            folder.id,
        )
        for number, payload in sorted(told.items())
        if number != actor.user_id
    ]
