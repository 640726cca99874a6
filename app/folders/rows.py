"""The rows that every move reads and writes, past the ORM: statements built once, writes sent together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm.attributes import set_committed_value

from app.core.db import Db
from app.core.writes import Write
from app.folders.models import Folder, StepRun

STEPS_PER_ROUND = 1000
_run: Any = StepRun.__table__
_folder: Any = Folder.__table__
_runs = sa.select(
    _run.c.id, _run.c.slot, _run.c.state, _run.c.desk_id, _run.c.named_user_id, _run.c.user_id, _run.c.who
).where(_run.c.folder_id == sa.bindparam("folder"), _run.c.pass_number == sa.bindparam("n"))
# Always in the order in which they were opened: the rank of a part names its signature field.
_runs = _runs.order_by(_run.c.id)
_close = sa.update(_run).where(_run.c.folder_id == sa.bindparam("folder"), sa.text("state = 'active'"))


@dataclass(frozen=True)
class Run:
    """One desk's part in the present step, as read under the folder's lock."""

    id: int
    slot: str
    state: str
    desk_id: int | None
    named_user_id: int | None
    user_id: int | None
    who: str | None


def runs_of(db: Db, folder: Folder, passage: int) -> tuple[Run, ...]:
    """The parts of one passage at a step."""
    found = db.connection().execute(_runs, {"folder": folder.id, "n": passage})
    return tuple(Run(*row) for row in found)


def close_runs(db: Db, folder: Folder, state: str, moment: datetime) -> None:
    """End every part of the folder that is still awaited: `passed` when others sufficed, else `cancelled`."""
    db.connection().execute(_close, {"folder": folder.id, "state": state, "ended_at": moment})


def placed(folder: Folder, values: Mapping[str, Any]) -> Write:
    """Where the folder stands now; the object already says what its row will hold: half the price of a flush."""
    for name, value in values.items():
        set_committed_value(folder, name, value)
    return Write(_folder, [values], where="id", value=folder.id)


def ended(run: Run | None, values: Mapping[str, Any]) -> Write:
    """How the part of whoever acted ends; nothing when no part was taken."""
    return Write(_run, [values] if run is not None else [], where="id", value=run.id if run else None)


def opened(rows: Sequence[Mapping[str, Any]]) -> Write:
    """The parts of the step that is entered."""
    return Write(_run, rows)
