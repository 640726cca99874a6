"""A folder as it stands, read once: what its page, its slip and the API each tell in their own words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.core.db import Db
from app.display.timeline import passed_or_to_come, planned_circuit
from app.display.views import state_label
from app.folders.models import STEPS_PER_ROUND, Folder, StepRun
from app.folders.move import Present, present
from app.folders.sockets import CALLED, returned_as
from app.people.models import Desk
from workflows.circuit import Circuit, Phase, Step


@dataclass(frozen=True)
class Portrait:
    """Where a folder stands and what was done of it in the round in hand.

    `here`: None before it first leaves. `state`: in words. `route`: the steps that it entered, and those that its facts ask
    for. `runs`: the parts taken at each step that it entered, by key of step, the first to the last. `desks`: those of the
    parts, by number.
    """

    here: Present | None
    state: str
    route: Sequence[Step]
    runs: Mapping[str, Sequence[StepRun]]
    desks: Mapping[int, Desk]


def portrait(db: Db, folder: Folder) -> Portrait:
    """Read where a folder stands."""
    here = current_present(db, folder)
    runs: dict[str, list[StepRun]] = {}
    for run in db.scalars(
        sa.select(StepRun)
        .where(StepRun.folder_id == folder.id, StepRun.pass_number >= folder.round * STEPS_PER_ROUND)
        .order_by(StepRun.id)
    ):
        runs.setdefault(run.step, []).append(run)
    numbers = {run.desk_id for several in runs.values() for run in several if run.desk_id is not None}
    desks = {desk.id: desk for desk in db.scalars(sa.select(Desk).where(Desk.id.in_(numbers)))}
    route = passed_or_to_come(_circuit(db, folder, here), folder, runs)
    return Portrait(here, state_of(db, folder, here), route, runs, desks)


def _circuit(db: Db, folder: Folder, here: Present | None) -> Circuit:
    """The circuit that it followed, whatever was published since; of a draft, the one that it would follow now."""
    return planned_circuit(db, folder) if here is None or folder.phase == Phase.DRAFT else here.circuit


def state_of(db: Db, folder: Folder, here: Present | None) -> str:
    """« À viser », « Terminé », « Refusé par la trésorerie »: the state of a folder in a few words."""
    kind = here.step.kind.value if here is not None and here.step is not None else None
    called = returned_as(db, [folder.id] if folder.phase in CALLED else ())
    return called.get(folder.id) or state_label(folder.place, kind, folder.family)


def current_present(db: Db, folder: Folder) -> Present | None:
    """Where the folder stands, or None for a first draft that has no circuit yet; asks whether a signature was made."""
    if folder.circuit_version_id is None:
        return None
    first = folder.round * STEPS_PER_ROUND
    signed = db.scalar(
        sa.select(sa.literal(1))
        .where(
            StepRun.folder_id == folder.id,
            StepRun.pass_number >= first,
            StepRun.state == "done",
            StepRun.kind.in_(["sign", "seal"]),
        )
        .limit(1)
    )
    return present(db, folder, signed=signed is not None)
