"""« Plus tard… », on the page of a folder: what a reader who is awaited there may mark for himself, in words."""

from dataclasses import dataclass
from datetime import date, timedelta

from app.core.clock import today
from app.core.db import Db
from app.core.french import instant, jour_long
from app.core.questions import ask
from app.folders import marks
from app.folders.models import Folder
from app.folders.rows import RUNS
from app.people.actor import Actor

MORNING = "08:00"


@dataclass(frozen=True)
class Later:
    """What the page offers: until when it is hidden, in words, or the days between which it may be; `last` is empty for none."""

    hidden: str = ""
    day: str = ""
    hour: str = MORNING
    first: str = ""
    last: str = ""
    last_words: str = ""
    error: str = ""


def later(db: Db, folder: Folder, actor: Actor, *, listed: bool, typed: Later | None = None) -> Later | None:
    """What a reader may mark on a folder that awaits him; None where it does not.

    `listed`: whether the folder is in his list; if not, its due day is read from the folder. `typed`: the refused entry of the
    form, to be shown again with its error.
    """
    dues = _dues(db, folder, actor)
    if not dues:
        return None
    if until := marks.hidden_until(folder, marks.mark_of(db, folder.id, actor.user_id)):
        return Later(hidden=instant(until))
    due = min(dues) if listed else marks.due_of(db, actor, folder.id)
    if due is None:
        return None
    first, last = today() + timedelta(days=1), marks.last_day(due)
    if last < first:
        return Later(error=typed.error if typed else "")
    shown = typed or Later(day=first.isoformat())
    return Later(
        "", shown.day, shown.hour, today().isoformat(), last.isoformat(), jour_long(last), shown.error
    )


def _dues(db: Db, folder: Folder, actor: Actor) -> list[date]:
    """When the parts that wait at the reader's desks, or for himself, are due."""
    desks = {*actor.desk_ids, *(cover.seat.desk_id for cover in actor.covers)}
    return [
        run.due_on
        for (run,) in ask(db, RUNS, folder.id)
        if run.state == "active" and (run.desk_id in desks or run.named_user_id == actor.user_id)
    ]
