"""What was done in a person's name lately: his own lines of the journal, the last ones first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core.db import Db
from app.display.events import told
from app.folders.access import readable_by
from app.folders.models import Folder
from app.journal import origins
from app.journal.models import JournalEntry
from app.operations import trace
from app.operations.things import Things, things_of
from app.people.actor import Actor

PAGE = 50
CLOSED = "Acte sur un dossier que vous ne lisez plus"


@dataclass(frozen=True)
class Done:
    """One line: when, what in French, the rest in words; the folder where he may still read it."""

    at: datetime
    act: str
    detail: str
    folder_id: int | None = None
    title: str = ""


def done_by(db: Db, actor: Actor, before: int | None = None) -> tuple[list[Done], int | None]:
    """A page of what was done in the actor's name before the line `before`, and from where the next page begins.

    A folder is named to him who may read it now; of another one nothing is said but that it was acted on.
    """
    query = sa.select(JournalEntry).where(
        JournalEntry.user_id == actor.user_id, JournalEntry.collectivity_id == actor.collectivity_id
    )
    if before is not None:
        query = query.where(JournalEntry.id < before)
    rows = db.scalars(query.order_by(JournalEntry.id.desc()).limit(PAGE + 1)).all()
    shown = rows[:PAGE]
    numbers = {row.folder_id for row in shown if row.folder_id is not None}
    readable = sa.select(Folder.id, Folder.title).where(Folder.id.in_(numbers), readable_by(actor))
    titles = {row.id: row.title for row in db.execute(readable)} if numbers else {}
    rows_told = list(origins.as_read(db, shown))
    things = things_of(db, actor.collectivity_id, [told for told in rows_told if told[0].folder_id is None])
    lines = [_done(row, facts, actor, titles, things) for row, facts in rows_told]
    return lines, shown[-1].id if len(rows) > PAGE else None


def _done(
    row: JournalEntry,
    facts: Mapping[str, Any],
    actor: Actor,
    titles: Mapping[int, str],
    things: Things,
) -> Done:
    at = datetime.fromisoformat(row.at)
    if row.folder_id is None:
        line = trace.line_of(row, facts, things)
        return Done(at, line.act, line.detail)
    where = trace.place(facts)
    if row.folder_id not in titles:
        return Done(at, CLOSED, where)
    return Done(at, told(row.event, actor.name, facts)[1], where, row.folder_id, titles[row.folder_id])
