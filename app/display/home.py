"""The home of who deposits: what came back to be corrected, with who and why, and what is late, with who is awaited."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db
from app.core.french import instant
from app.core.questions import Asked, Rows, answer, gather, read_beside
from app.core.refusals import Refusal
from app.display import queues, timeline
from app.folders.asking import step_of
from app.folders.models import AskedOpinion, Folder, StepRun
from app.folders.move import present
from app.folders.rows import ASKED, RUNS, runs_of_round
from app.folders.seats import keep_away, read_ahead_of
from app.people.actor import Actor
from app.people.covers import away_asked, in_absence
from workflows.circuit import Phase

MOST = 5
"""How many folders of each kind the home names; the trays hold the others."""


@dataclass(frozen=True)
class Pending:
    """A folder that its desk must correct, or ask about: who returned it or is awaited, and the reason as it was written."""

    line: queues.Line
    who: str
    why: str = ""


@dataclass(frozen=True)
class Home:
    """What came back and what is late, as many as were asked, and how many are late in all.

    `awaited`: who is awaited at a folder, by its number.
    """

    returned: tuple[Pending, ...] = ()
    late: tuple[Pending, ...] = ()
    awaited: Mapping[int, str] = field(default_factory=dict)
    late_count: int = 0


_OF_LATE: Any = sa.bindparam("late_folders", expanding=True)
_HERE: Any = sa.bindparam("here")
# `+ 0`: the folders are named by number, and SQLite would begin with all that the collectivity has.
_late_folders = sa.select(Folder).where(Folder.id.in_(_OF_LATE), Folder.collectivity_id + 0 == _HERE)
_late_runs = sa.select(StepRun).where(StepRun.folder_id.in_(_OF_LATE), StepRun.collectivity_id + 0 == _HERE)
_late_opinions = sa.select(AskedOpinion).where(
    AskedOpinion.folder_id.in_(_OF_LATE), AskedOpinion.collectivity_id + 0 == _HERE
)
# One that has `sent_to` went back to a step, and not to who deposited.
_refused = sa.text("step_run.state = 'rejected' AND step_run.sent_to IS NULL")
_BACK: Any = sa.bindparam("back_folders", expanding=True)
_refusals: Any = (
    sa.select(
        StepRun.folder_id,
        StepRun.kind,
        StepRun.step,
        StepRun.who,
        StepRun.absent,
        StepRun.ended_at,
        StepRun.comment,
    )
    .join(Folder, Folder.id == StepRun.folder_id)
    .where(
        # Each round may have its refusal: the last one is why the folder is here.
        StepRun.id.in_(
            sa.select(sa.func.max(StepRun.id))
            .where(StepRun.folder_id.in_(_BACK), _refused)
            .group_by(StepRun.folder_id)
        ),
        Folder.phase == Phase.REJECTED.value,
        Folder.collectivity_id + 0 == _HERE,
    )
)


def queries(
    actor: Actor,
    read: queues.Page,
    but: Collection[int] = (),
    held: Collection[int] = (),
    most: int = MOST,
) -> list[Asked]:
    """What is read, beside the folders of the list, for `home`: nothing where it has nothing to tell."""
    place = {"here": actor.collectivity_id}
    numbers = dict.fromkeys([*(line.id for line in _late(read, but, most)), *held])
    late = {**place, "late_folders": list(numbers)}
    back = {**place, "back_folders": [line.id for line in read.returned[:MOST]]}
    every: list[Asked] = [(_refusals, back)] if read.returned else []
    if late["late_folders"]:
        away = away_asked(actor.collectivity_id, now())
        every += [(_late_folders, late), (_late_runs, late), (_late_opinions, late), away]
    return every


def home(
    db: Db,
    actor: Actor,
    read: queues.Page,
    rows: Sequence[Rows],
    but: Collection[int] = (),
    held: Collection[int] = (),
    most: int = MOST,
) -> Home:
    """What the desks where the reader deposits must act on, of what the page has read; nothing for who deposits nowhere.

    `rows`: what `queries` has read. `but`: folders that the list below shows already, because the reader is the one who is
    awaited. `held`: those of the reader's that wait for an opinion, of whom is told who is to give it. `most`: late ones.
    """
    back, late, rest = read.returned[:MOST], _late(read, but, most), list(rows)
    why = _whys(db, rest.pop(0)) if back else {}
    awaited = _awaited(db, actor, rest) if late or held else {}
    return Home(
        tuple(Pending(line, *why.get(line.id, ("", ""))) for line in back),
        tuple(Pending(line, awaited.get(line.id, "")) for line in late),
        awaited,
        read.late_count - sum(line.id in but for line in read.late),
    )


def _late(read: queues.Page, but: Collection[int], most: int) -> list[queues.Line]:
    return [line for line in read.late if line.id not in but][:most]


def _awaited(db: Db, actor: Actor, rows: Sequence[Rows]) -> dict[int, str]:
    """Who is awaited at each of these folders; by one statement more, of all who may act there."""
    folders, runs, opinions, away = rows
    gather(db)
    keep_away(db, actor.collectivity_id, away)
    places = []
    for (folder,) in folders:
        answer(db, RUNS, folder.id, [row for row in runs if row[0].folder_id == folder.id])
        answer(db, ASKED, folder.id, [row for row in opinions if row[0].folder_id == folder.id])
        places.append((folder, present(db, folder, round_=runs_of_round(db, folder))))
    steps = [(folder, place.step) for folder, place in places if place.step is not None]
    asked = [(folder, step_of([run.slot for run in place.asked])) for folder, place in places]
    read_ahead_of(db, [*steps, *asked])
    return {folder.id: timeline.waiting_for(db, folder, place) for folder, place in places}


def below(db: Db, actor: Actor, listed: Sequence[queues.Line], most: int) -> list[queues.Line]:
    """All of what the page of « À traiter » groups beside its list: what came back to correct, and the deposits that are late.

    None of what is `listed` already; refuses `export-many` beyond `most` with them.
    """
    if not actor.may_create:
        return []
    size = most + 1
    every = [*queues.returned(db, actor, size=size), *queues.late_deposited(db, actor, size=size)]
    apart = [line for line in every if line.id not in {one.id for one in listed}]
    if len(listed) + len(apart) > most:
        raise Refusal("export-many", most=most)
    return apart


def refusals(
    db: Db, folder_ids: Sequence[int], told: Callable[[datetime | None], str] = instant
) -> Mapping[int, tuple[str, str]]:
    """Who sent each of these folders back and when (as `told`), and why, in the words of who did."""
    if not folder_ids:
        return {}
    binds = {"back_folders": list(folder_ids), "here": db.info["collectivity_id"]}
    return _whys(db, read_beside(db, (_refusals, binds))[0], told)


def _whys(
    db: Db, rows: Rows, told: Callable[[datetime | None], str] = instant
) -> Mapping[int, tuple[str, str]]:
    return {
        row.folder_id: (
            f"{timeline.refused_by(db, row.folder_id, row.kind, row.step, _who(row))}, {told(row.ended_at)}",
            row.comment or "",
        )
        for row in rows
    }


def _who(row: Any) -> str:
    return in_absence(row.who or "", row.absent)
