"""A folder as it stands, read once: what its page, its slip and the API each tell in their own words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.core.db import Db
from app.core.questions import gathered
from app.display.timeline import passed_or_to_come, planned_circuit, told_desks
from app.display.views import AWAITS_OPINION, state_label
from app.folders.asking import step_of
from app.folders.models import Folder, StepRun
from app.folders.move import Present, present
from app.folders.rows import opinions_of_round, runs_of_round, signatures_of_round
from app.folders.seats import DeskName, desk_names, read_ahead
from app.folders.sockets import CALLED, returned_as
from workflows.circuit import Circuit, Phase, Step


@dataclass(frozen=True)
class Portrait:
    """Where a folder stands and what was done of it in the round in hand.

    `here`: None before it first leaves. `state`: in words. `route`: the steps that it entered, and those that its facts ask
    for. `runs`: the parts taken at each step that it entered, by key of step, the first to the last. `desks`: those of the
    parts, by number. `told`: by key of step, the desks that read the folder from it on and act on nothing.
    """

    here: Present | None
    state: str
    route: Sequence[Step]
    runs: Mapping[str, Sequence[StepRun]]
    desks: Mapping[int, DeskName]
    told: Mapping[str, Sequence[DeskName]]


def portrait(db: Db, folder: Folder) -> Portrait:
    """Read where a folder stands."""
    here = current_present(db, folder)
    runs: dict[str, list[StepRun]] = {}
    for run in runs_of_round(db, folder):
        runs.setdefault(run.step, []).append(run)
    circuit = _circuit(db, folder, here)
    route = passed_or_to_come(circuit, folder, runs)
    numbers = {run.desk_id for several in runs.values() for run in several if run.desk_id is not None}
    desks = _desks(db, folder, route, numbers)
    told = told_desks(db, folder, route, circuit)
    return Portrait(here, state_of(db, folder, here), route, runs, desks, told)


def _desks(db: Db, folder: Folder, route: Sequence[Step], numbers: set[int]) -> Mapping[int, DeskName]:
    """The desks of these numbers, read with all whom the page will name."""
    every = {*numbers, folder.emitter_desk_id}
    if gathered(db):
        asked = [run.slot for _, run in opinions_of_round(db, folder) if run.state == "active"]
        read_ahead(db, folder, (*route, step_of(asked)), every)
    return desk_names(db, folder.collectivity_id, every)


def _circuit(db: Db, folder: Folder, here: Present | None) -> Circuit:
    """The circuit that it followed, whatever was published since; of a draft, the one that it would follow now."""
    return planned_circuit(db, folder) if here is None or folder.phase == Phase.DRAFT else here.circuit


def state_of(db: Db, folder: Folder, here: Present | None) -> str:
    """« À viser », « Terminé », « Refusé par la trésorerie »: the state of a folder in a few words."""
    kind = here.step.kind.value if here is not None and here.step is not None else None
    called = returned_as(db, [folder.id]) if folder.phase in CALLED else {}
    if here is not None and here.standing.awaited:
        return AWAITS_OPINION
    return called.get(folder.id) or state_label(folder.place, kind, folder.family)


def current_present(db: Db, folder: Folder) -> Present | None:
    """Where the folder stands, or None for a first draft that has no circuit yet; asks whether a signature was made."""
    if folder.circuit_version_id is None:
        return None
    signed = bool(signatures_of_round(db, folder))
    return present(db, folder, signed=signed, round_=runs_of_round(db, folder))
