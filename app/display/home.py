"""The home of who deposits: what came back to be corrected, with who and why, and what is late, with who is awaited."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from app.core.db import Db
from app.core.french import instant
from app.display import queues, timeline
from app.folders.models import Folder, StepRun
from app.folders.move import present
from app.people.actor import Actor
from app.people.covers import in_absence
from workflows.circuit import Phase
from workflows.vocabulary import Right

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
    """What came back and what is late, each at most `MOST`."""

    returned: tuple[Pending, ...] = ()
    late: tuple[Pending, ...] = ()


def home(db: Db, actor: Actor, counted: queues.Counters, but: Collection[int] = ()) -> Home:
    """What the desks where this actor deposits must act on; nothing for who deposits nowhere.

    `but`: folders that the list below shows already, because the actor is the one who is awaited. What the counters say
    to be empty is not asked.
    """
    if not actor.may_create:
        return Home()
    depositor = replace(actor, seats=tuple(seat for seat in actor.seats if Right.CREATE in seat.rights))
    back = queues.others(db, depositor, "returned")[:MOST] if counted.returned else []
    why = refusals(db, [line.id for line in back])
    running = queues.late_deposits(db, depositor, MOST + len(but)) if counted.running else []
    late = [line for line in running if line.id not in but]
    return Home(
        tuple(Pending(line, *why.get(line.id, ("", ""))) for line in back),
        tuple(Pending(line, _awaited(db, line.id)) for line in late[:MOST]),
    )


def _awaited(db: Db, folder_id: int) -> str:
    folder = db.get_one(Folder, folder_id)
    return timeline.waiting_for(db, folder, present(db, folder, signed=False))


def refusals(db: Db, folder_ids: Sequence[int]) -> Mapping[int, tuple[str, str]]:
    """Who sent each of these folders back and when, and why, in the words of who did."""
    if not folder_ids:
        return {}
    refused = sa.and_(
        StepRun.folder_id.in_(folder_ids), StepRun.state == "rejected", StepRun.sent_to.is_(None)
    )
    last = sa.select(sa.func.max(StepRun.id)).where(refused).group_by(StepRun.folder_id)
    query = (
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
        .where(StepRun.id.in_(last), Folder.phase == Phase.REJECTED.value)
    )
    return {
        row.folder_id: (
            f"{timeline.refused_by(db, row.folder_id, row.kind, row.step, _who(row))}, {instant(row.ended_at)}",
            row.comment or "",
        )
        for row in db.execute(query).all()
    }


def _who(row: Any) -> str:
    return in_absence(row.who or "", row.absent)
