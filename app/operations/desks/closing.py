"""Close a desk: what it would stop, each thing with the gesture that solves it; then the closing, and the opening again.

A folder is never left behind: as long as one waits at the desk, will come to it or is deposited from it, the desk stays open.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

import sqlalchemy as sa

from app.circuits.library import circuit_of
from app.core.clock import now
from app.core.db import Db
from app.core.questions import Query, read_together
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.models import Folder, StepRun
from app.journal.models import JournalEntry
from app.operations.desks import views
from app.people.accounts import refuse_outside
from app.people.actor import Actor
from app.people.branches import Branch
from app.people.desks import write_down
from app.people.models import Desk, User
from app.people.places import Place, Places, places, places_beside
from workflows.circuit import Circuit, Phase, Step, WhoKind

MOST_SHOWN = 20
"""Folders named by their number; the others are counted, up to `MOST`."""
MOST = 500
SHORTEST, LONGEST = 5, 300
"""Characters of a reason."""


@dataclass(frozen=True)
class Effects:
    """What the closing of a desk would stop. Folders are named by number: whoever administers may not read them.

    `waiting`: a part of their present step is the desk's; `coming`: a later step of their circuit is; `deposited`: they
    are not at their end, and come back to the desk if they are rejected. `holders`: who may act there today.
    """

    waiting: tuple[int, ...]
    coming: tuple[int, ...]
    deposited: tuple[int, ...]
    uses: tuple[views.Use, ...]
    below: tuple[Place, ...]
    applications: tuple[tuple[int, str], ...]
    holders: tuple[str, ...]

    @property
    def folders(self) -> bool:
        """Whether a folder keeps the desk open."""
        return bool(self.waiting or self.coming or self.deposited)

    @property
    def others(self) -> bool:
        """Whether something else names the desk, and would stop: a reason is asked."""
        return bool(self.uses or self.below or self.applications)


def effects_of(db: Db, collectivity_id: int, desk_id: int) -> Effects:
    """Read as of now; refuses `desk-absent`. Two statements, beside what is known of circuits and places."""
    every = places(db, collectivity_id)
    if desk_id not in every:
        raise Refusal("desk-absent")
    waiting = (
        sa.select(StepRun.folder_id)
        .where(
            StepRun.collectivity_id == collectivity_id,
            StepRun.desk_id == desk_id,
            StepRun.due_on >= date.min,  # by the index of what waits, as in `views`
            sa.text("step_run.state = 'active'"),
        )
        .distinct()
        .order_by(StepRun.folder_id)
        .limit(MOST)
    )
    mine = views.parts(db, collectivity_id, (desk_id,))
    *rows, waits, leaving, followed = read_together(
        db, *mine, waiting, _deposited(collectivity_id, desk_id), versions_followed(collectivity_id)
    )
    desk = views.viewed(db, collectivity_id, every, (desk_id,), rows)[desk_id]
    coming = _coming(db, collectivity_id, desk, every, [number for (number,) in followed])
    return Effects(
        tuple(sorted(number for (number,) in waits)),
        tuple(sorted(islice(coming, MOST))),
        tuple(sorted(number for (number,) in leaving)),
        tuple(dict.fromkeys(desk.uses)),
        tuple(
            every[number]
            for number in every.depths
            if every[number].parent_id == desk_id and every[number].closed_at is None
        ),
        desk.applications,
        tuple(one.name for one in desk.holders if one.active),
    )


def _deposited(collectivity_id: int, desk_id: int) -> Query:
    """The folders that left a desk, or are being written there, and are not at their end; up to `MOST`."""
    return (
        sa.select(Folder.id)
        .where(
            Folder.collectivity_id == collectivity_id,
            Folder.emitter_desk_id == desk_id,
            Folder.phase.in_((Phase.DRAFT.value, Phase.RUNNING.value, Phase.REJECTED.value)),
        )
        .order_by(Folder.id)
        .limit(MOST)
    )


def deposited_from(db: Db, collectivity_id: int, desk_id: int) -> list[int]:
    """The numbers of those folders."""
    return list(db.scalars(_deposited(collectivity_id, desk_id)))


def with_coming(db: Db, actor: Actor, desk_id: int) -> tuple[Places, views.DeskView, tuple[int, ...]]:
    """The desks that the actor administers, one of them, and the folders on their way that will come to it.

    Two statements, beside what is known of circuits. Refuses `desk-absent`.
    """
    here = actor.collectivity_id
    mine = views.parts(db, here, (desk_id,))
    whole, (*rows, followed) = places_beside(db, here, *mine, versions_followed(here))
    every = views.administered(actor, whole)
    if desk_id not in every:
        raise Refusal("desk-absent")
    desk = views.viewed(db, here, every, (desk_id,), rows)[desk_id]
    coming = _coming(db, here, desk, every, [number for (number,) in followed])
    return every, desk, tuple(islice(coming, MOST))


@use_case
def close(db: Db, actor: Actor, desk_id: int, reason: str = "") -> str:
    """Close a desk; its name. Who holds it reads on what came there, and does nothing more; nobody is seated or asked there.

    The head of a branch is closed by who administers the whole collectivity, who alone could open it again (`desk-head`).
    Refuses `identity-needed`, `desk-absent`, `desk-closed`, `desk-folders` while a folder keeps it open, and
    `desk-reason` where something else names it and no reason is given.
    """
    branch = refuse_outside(db, actor, desk_id)
    desk = _locked(db, actor, desk_id)
    if desk.closed_at is not None:
        raise Refusal("desk-closed", name=desk.name)
    if branch is not None and desk_id == actor.branch_id:
        raise Refusal("desk-head", name=desk.name)
    write_closed(db, actor, desk, reason)
    return desk.name


def write_closed(db: Db, actor: Actor, desk: Desk, reason: str) -> None:
    """What `close` writes of an open desk, in the transaction of who has refused who may not."""
    reason = " ".join(reason.split())
    if len(reason) > LONGEST or not reason.isprintable():
        raise Refusal("desk-reason", shortest=SHORTEST, most=LONGEST)
    effects = effects_of(db, actor.collectivity_id, desk.id)
    if effects.folders:
        raise Refusal("desk-folders", name=desk.name)
    if effects.others and len(reason) < SHORTEST:
        raise Refusal("desk-reason", shortest=SHORTEST, most=LONGEST)
    desk.closed_at, desk.closed_by, desk.closed_reason = now(), actor.name, reason
    write_down(db, actor.collectivity_id, "desk.closed", actor, desk=desk.key, name=desk.name, reason=reason)


@use_case
def reopen(db: Db, actor: Actor, desk_id: int) -> str:
    """Open a closed desk again, with the seats that it had; its name.

    Refuses `identity-needed`, `desk-absent`, `desk-open`, and `desk-reopen` what `may_reopen` denies.
    """
    branch = refuse_outside(db, actor, desk_id)
    desk = _locked(db, actor, desk_id)
    if desk.closed_at is None:
        raise Refusal("desk-open", name=desk.name)
    if not may_reopen(db, actor, branch, desk.id, desk.key):
        raise Refusal("desk-reopen", name=desk.name)
    write_open(db, actor, desk)
    return desk.name


def may_reopen(db: Db, actor: Actor, branch: Branch | None, desk_id: int, key: str) -> bool:
    """Whether the actor may open this closed desk again: of who administers a `branch`, None for the collectivity.

    He opens what one who administers it, or a part of it, has closed; what the collectivity closed stays so, and the desk
    at the head of his branch.
    """
    if branch is None:
        return True
    if desk_id == actor.branch_id:
        return False
    closings = sa.select(JournalEntry.user_id, JournalEntry.facts).where(
        JournalEntry.collectivity_id == actor.collectivity_id,
        JournalEntry.event == "desk.closed",
        sa.text("folder_id IS NULL"),
    )
    lines = db.execute(closings.order_by(JournalEntry.seq.desc()))
    closer = next((line.user_id for line in lines if json.loads(line.facts)["desk"] == key), None)
    who = db.get(User, closer) if closer is not None else None
    return who is not None and not who.administrator and who.branch_id in branch


def write_open(db: Db, actor: Actor, desk: Desk) -> None:
    """What `reopen` writes of a closed desk, in the transaction of who has refused who may not."""
    desk.closed_at = desk.closed_by = desk.closed_reason = None
    write_down(db, actor.collectivity_id, "desk.reopened", actor, desk=desk.key, name=desk.name)


def _locked(db: Db, actor: Actor, desk_id: int) -> Desk:
    query = sa.select(Desk).where(Desk.collectivity_id == actor.collectivity_id, Desk.id == desk_id)
    desk = db.scalar(query.with_for_update())
    if desk is None:
        raise Refusal("desk-absent")
    return desk


def _coming(
    db: Db, collectivity_id: int, desk: views.DeskView, every: Places, versions: Iterable[int]
) -> Iterator[int]:
    """The folders on their way whose circuit brings them to the desk after the step where they stand."""
    parents = {one.id: one.parent_id for one in every.values()}
    for circuit, folder in running(db, collectivity_id, versions, lambda step: _may_name(step, desk)):
        if any(_names(step, folder, desk, parents) for step in left(circuit, folder)):
            yield folder.id


def _on_their_way(collectivity_id: int) -> list[sa.ColumnExpressionArgument[bool]]:
    return [
        Folder.collectivity_id == collectivity_id,
        Folder.phase == Phase.RUNNING.value,
        sa.text("folder.phase <> 'done'"),  # in the words of the partial index
        Folder.circuit_version_id.is_not(None),
    ]


def versions_followed(collectivity_id: int, *also: sa.ColumnElement[bool]) -> Query:
    """The versions of circuits that folders on their way follow, by number; `also`: these folders alone."""
    return sa.select(Folder.circuit_version_id).where(*_on_their_way(collectivity_id), *also).distinct()


def following(collectivity_id: int, versions: Sequence[int]) -> Query:
    """The folders on their way by these versions, by number."""
    mine = Folder.circuit_version_id.in_(versions)
    return sa.select(Folder.id).where(*_on_their_way(collectivity_id), mine)


def running(
    db: Db,
    collectivity_id: int,
    versions: Iterable[int],
    concerned: Callable[[Step], bool],
    *also: sa.ColumnElement[bool],
    most: int | None = None,
) -> Iterator[tuple[Circuit, Folder]]:
    """The folders on their way whose circuit has a step of a certain sort, each with that circuit; one statement.

    `versions`: those of `versions_followed`, of the same folders; `most`: so many of them, the first by their version.
    """
    circuits = {version: circuit_of(db, version) for version in sorted(versions)}
    wanted = [one for one, circuit in circuits.items() if any(concerned(step) for step in circuit.steps)]
    if not wanted:
        return
    mine = Folder.circuit_version_id.in_(wanted)
    query = sa.select(Folder).where(*_on_their_way(collectivity_id), *also, mine)
    for folder in db.scalars(query.order_by(Folder.circuit_version_id, Folder.id).limit(most)):
        yield circuits[folder.circuit_version_id or 0], folder


def left(circuit: Circuit, folder: Folder) -> Iterator[Step]:
    """The steps that a folder still has to pass, but the one where it stands."""
    keys = {step.key for step in circuit.steps}
    yield from circuit.applicable(folder.facts, folder.place if folder.place in keys else None)


def _may_name(step: Step, desk: views.DeskView) -> bool:
    return any(who.kind is not WhoKind.DESK or who.value == desk.key for who in step.who)


def _names(step: Step, folder: Folder, desk: views.DeskView, parents: Mapping[int, int | None]) -> bool:
    for who in step.who:
        if who.kind is WhoKind.DESK and who.value == desk.key:
            return True
        if who.kind is WhoKind.CHOSEN and _text(folder.fields, who.value) == desk.key:
            return True
        if (
            who.kind is WhoKind.SUPERIOR
            and superior(folder.emitter_desk_id, int(who.value), parents) == desk.id
        ):
            return True
    return False


def _text(fields: Mapping[str, Any], key: str) -> str:
    return str(fields.get(key) or "")


def superior(desk_id: int, height: int, parents: Mapping[int, int | None]) -> int | None:
    """The desk so many levels above another; None past the top."""
    at: int | None = desk_id
    for _ in range(height):
        at = parents.get(at) if at is not None else None
    return at
