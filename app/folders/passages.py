"""The passages of folders at their steps: the parts that are awaited, who has done the others, and how many it takes to end one.

What blocks a folder where it stands, what a change of who sits where would stop, and what the end of a mandate would are
judged by the same passages, and by the seats of one moment (`seats.Sitting`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.circuits.library import circuits_of
from app.core.db import Db
from app.core.questions import Query
from app.folders.models import ASKED, WRITERS, AskedOpinion, Folder, StepRun
from app.folders.seats import Awaited, Sitting
from workflows.circuit import Circuit, Step
from workflows.engine import filled

_run, _folder, _opinion = StepRun.__table__, Folder.__table__, AskedOpinion.__table__
PART: tuple[Any, ...] = tuple(
    _run.c[
        *("id", "folder_id", "pass_number", "step", "slot", "kind", "desk_id", "named_user_id"),
        *("family", "own_type", "matter", "amount_cents"),
    ]
)
"""What a passage asks of the row of a part."""
FOLDER: tuple[Any, ...] = (
    _folder.c.circuit_version_id,
    _folder.c.depositor_user_id,
    _folder.c.sources[WRITERS].label("writers"),
)
"""What a passage asks of the folder of a part."""


@dataclass(frozen=True)
class Passage:
    """A passage at a step: its parts that are awaited, who has done others, and how many it needs in all.

    An opinion that was asked, and for which its step waits, is a passage of its own, without a step. `circuit`, `step`: where
    they were read. `runs`: the rows of the parts that are awaited, in their order; none of a step to come.
    """

    folder_id: int
    parts: tuple[Awaited, ...]
    needed: int = 1
    acted: frozenset[int] = frozenset()
    circuit: Circuit | None = None
    step: Step | None = None
    runs: tuple[Any, ...] = ()

    @property
    def advice(self) -> bool:
        """Whether it is an opinion that was asked beside the step."""
        return self.parts[0].advice

    @property
    def entered_at(self) -> datetime:
        """When the folder came there."""
        moments: Iterator[datetime] = (run.entered_at for run in self.runs)
        return max(moments)

    def able(self, sitting: Sitting, *, sure: bool = True, but: Collection[int] = ()) -> int:
        """How many parts can be done in all, each by somebody else, those that were done among them; `but`: without these."""
        return filled(sitting.takers(self.parts, self.acted, sure=sure, but=but)) + len(self.acted)

    def passes(self, sitting: Sitting, *, sure: bool = True, but: Collection[int] = ()) -> bool:
        """Whether enough people may act; not `sure`: mandates are asked of any act, where the folder is not known."""
        return self.able(sitting, sure=sure, but=but) >= self.needed


def parts_of(collectivity_id: int, folders: Any) -> Query:
    """The parts of these folders, by number or as a query, that are awaited or done, and the opinions for which a step waits."""
    return (
        sa.select(
            *PART,
            _run.c.state,
            _run.c.user_id,
            _run.c.entered_at,
            *FOLDER,
            _opinion.c.asked_by_id,
        )
        .select_from(_run)
        .join(_folder, _folder.c.id == _run.c.folder_id)
        .outerjoin(_opinion, _opinion.c.run_id == _run.c.id)
        .where(
            _run.c.collectivity_id == collectivity_id,
            _run.c.folder_id.in_(folders),
            _run.c.state.in_(("active", "done")),
            sa.or_(~_run.c.slot.startswith(ASKED), _opinion.c.waits),
        )
    )


def standing(db: Db, rows: Sequence[Any]) -> list[Passage]:
    """The passages where folders stand, of the rows that `parts_of` gave, by folder."""
    parts = sorted(rows, key=lambda run: run.id)
    awaited = [run for run in parts if run.state == "active" and (run.desk_id or run.named_user_id)]
    return sorted(
        passages(db, awaited, [run for run in parts if run.state == "done"]), key=lambda one: one.folder_id
    )


def passages(
    db: Db, awaited: Sequence[Any], done: Sequence[Any], served: Collection[int] | None = None
) -> Iterator[Passage]:
    """The passages that await these parts, beside those that are done.

    `served`: the desks that software serves, where it is enough to read the circuits that change something of how a passage is
    judged; None to read them all.
    """
    acted = defaultdict[tuple[int, int], set[int]](set)
    for run in done:
        # What no account did (a software's part) is somebody's each time
        acted[run.folder_id, run.pass_number].add(-run.id if run.user_id is None else run.user_id)
    runs = defaultdict[tuple[int, int], list[Any]](list)
    for run in awaited:
        runs[run.folder_id, run.pass_number].append(run)
    followed = {
        at
        for at, several in runs.items()
        if served is None
        or len(several) + len(acted[at]) > 1
        or any(run.desk_id in served for run in several)
    }
    circuits = circuits_of(db, {runs[at][0].circuit_version_id for at in followed} - {None})
    for at, several in runs.items():
        circuit = circuits.get(several[0].circuit_version_id) if at in followed else None
        step = (
            next((step for step in circuit.steps if step.key == several[0].step), None) if circuit else None
        )
        if several[0].slot.startswith(ASKED):
            step = None
        reading = step is not None and step.reading
        yield Passage(
            at[0],
            tuple(Awaited.of(run, reading=reading) for run in several),
            step.quorum.needed(len(several) + len(acted[at])) if step is not None else 1,
            frozenset(acted[at]),
            circuit,
            step,
            tuple(several),
        )
