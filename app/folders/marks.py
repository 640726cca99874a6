"""What a person marks for himself on a folder: opened, not read, hidden until a moment; nobody else sees it, no right follows.

A hidden folder leaves the list of one person alone. It comes back at its minute, at the latest on the day by which its step
is due, and at once where anything is done to the folder, an opinion on it is asked, or a note names him, for whom it is then
not read.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core.clock import PARIS, now, today
from app.core.db import NO_DATE, Db
from app.core.french import jour_long
from app.core.outbox import Outbox
from app.core.questions import ask
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.access import STEP, asking, authorize
from app.folders.mentions import MENTIONED
from app.folders.models import Folder, Reading
from app.folders.rows import READERS, RUNS
from app.journal.chain import Event, append
from app.people.actor import Actor

FURTHEST = timedelta(days=90)
"""A step without a deadline is hidden no longer than that."""


def mark_of(db: Db, folder_id: int, user_id: int | None) -> Reading | None:
    """What a person keeps of a folder that he opened once."""
    return next((row for (row,) in ask(db, READERS, folder_id) if row.user_id == user_id), None)


def is_new(db: Db, folder_id: int, user_id: int | None) -> bool:
    """Whether a person has not opened the folder since the last part of it that is awaited began."""
    mark = mark_of(db, folder_id, user_id)
    if mark is None or mark.seen_at is None:
        return True
    return any(run.state == "active" and run.entered_at > mark.seen_at for (run,) in ask(db, RUNS, folder_id))


@use_case
def mark_read(db: Db, actor: Actor, folder_id: int) -> None:
    """Note that a person opened a folder; the first time is a line of the journal."""
    mark = db.get(Reading, (folder_id, actor.user_id))
    if mark is not None:
        mark.seen_at = now()
        return
    moment = now()
    db.add(Reading(folder_id=folder_id, user_id=actor.user_id, first_at=moment, seen_at=moment))
    db.flush()  # a second first opening at the same instant loses here, before the journal
    append(db, actor.collectivity_id, Event("folder.opened", actor.name, actor.user_id, folder_id, {}))


@use_case
def mark_unread(db: Db, actor: Actor, folder_id: int) -> None:
    """Show the folder as not read to whoever acts, until he opens it again; refuses `not-awaited` where he is not awaited."""
    folder = authorize(db, actor, folder_id)
    _due(db, actor, folder)
    keep_unread(db, [folder_id], actor.user_id)
    if (mark := db.get(Reading, (folder_id, actor.user_id))) is not None:
        mark.seen_at = None


@use_case
def hide(db: Db, actor: Actor, folder_id: int, until: datetime | None) -> None:
    """Take the folder out of the list of whoever acts, until a moment.

    Refuses `not-awaited`, `hide-unopened` for what he never opened, `hide-moment` for no moment or one
    that is past, `hide-late` where the step is late or due today already, and `hide-far` beyond the day by which it is due, or
    `FURTHEST` where it is due on no day.
    """
    folder = authorize(db, actor, folder_id)
    last = last_day(_due(db, actor, folder))
    mark = db.get(Reading, (folder_id, actor.user_id))
    if mark is None:
        raise Refusal("hide-unopened")
    if last <= today():
        raise Refusal("hide-late")
    if until is None or until <= now():
        raise Refusal("hide-moment")
    if until.astimezone(PARIS).date() > last:
        raise Refusal("hide-far", day=jour_long(last))
    mark.hidden_until, mark.hidden_version = until, folder.version


@use_case
def show_again(db: Db, actor: Actor, folder_id: int) -> None:
    """Put a folder back in the list of whoever acts; one that is there changes nothing. Refuses `not-awaited`."""
    _due(db, actor, authorize(db, actor, folder_id))
    if (mark := db.get(Reading, (folder_id, actor.user_id))) is not None:
        mark.hidden_until = mark.hidden_version = None


def forget_reading(db: Db, folder_id: int, but: int | None) -> None:
    """Make a folder unread for all who have opened it, `but` who did what is new, in the caller's transaction."""
    others = sa.and_(
        Reading.folder_id == folder_id, Reading.user_id != (but or 0), Reading.seen_at.is_not(None)
    )
    db.execute(sa.update(Reading).where(others).values(seen_at=None))


def bring_back(db: Db, folder_id: int, user_ids: list[int]) -> dict[int, dict[str, Any]]:
    """Put a folder back in the lists of those whom somebody names on it, not read, in the caller's transaction.

    What it took of each person's marks, by his number, as `give_back` takes it.
    """
    of_them = sa.and_(Reading.folder_id == folder_id, Reading.user_id.in_(user_ids))
    former = {
        mark.user_id: {
            "seen_at": mark.seen_at and mark.seen_at.isoformat(),
            "hidden_until": mark.hidden_until and mark.hidden_until.isoformat(),
            "hidden_version": mark.hidden_version,
        }
        for mark in db.scalars(
            sa.select(Reading)
            .where(of_them)
            .order_by(Reading.user_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if mark.seen_at is not None or mark.hidden_until is not None
    }
    back = {"hidden_until": None, "hidden_version": None, "seen_at": None}
    db.execute(sa.update(Reading).where(of_them).values(back))
    return former


def give_back(db: Db, folder_id: int, user_id: int, former: Mapping[str, Any]) -> None:
    """Give a person the marks that `bring_back` took, in the caller's transaction, where he has made none since."""
    mark = lock_mark(db, folder_id, user_id)
    if mark is None or mark.seen_at is not None or mark.hidden_until is not None:
        return
    opened, until = (former.get(key) for key in ("seen_at", "hidden_until"))
    mark.seen_at = datetime.fromisoformat(opened) if opened else None
    mark.hidden_until = datetime.fromisoformat(until) if until else None
    mark.hidden_version = former.get("hidden_version")


def lock_mark(db: Db, folder_id: int, user_id: int) -> Reading | None:
    """What a person keeps of a folder, as it is now, which nobody else writes until the caller's transaction ends."""
    return db.get(Reading, (folder_id, user_id), populate_existing=True, with_for_update=True)


def keep_unread(db: Db, folder_ids: Sequence[int], user_id: int | None) -> None:
    """Have no note that may still be taken back give a person his former marks: he has said since that these are not read."""
    letters = sa.select(Outbox).where(
        Outbox.folder_id.in_(folder_ids),
        Outbox.key.like(f"{MENTIONED}-%"),
        sa.text("outbox.state = 'pending'"),
        Outbox.payload["user_id"].as_integer() == user_id,
    )
    for letter in db.scalars(letters.order_by(Outbox.id).with_for_update()) if folder_ids else ():
        letter.payload = {key: fact for key, fact in letter.payload.items() if key != "marks"}


def hidden_until(folder: Folder, mark: Reading | None) -> datetime | None:
    """Until when the folder is out of somebody's list, of whom `mark` is; None where it is not."""
    if mark is None or mark.hidden_until is None or mark.hidden_version != folder.version:
        return None
    return mark.hidden_until if mark.hidden_until > now() else None


def hidden_among(db: Db, actor: Actor, folder_ids: Sequence[int]) -> dict[int, datetime]:
    """Until when those of these folders that a person hides are out of his list, by their number; one statement."""
    query = sa.select(Reading.folder_id, Reading.hidden_until).where(
        Reading.user_id == actor.user_id, Reading.folder_id.in_(folder_ids), Reading.hidden_until > now()
    )
    return {row.folder_id: row.hidden_until for row in db.execute(query)}


def last_day(due: date) -> date:
    """The last day until which a step that is due by this day may be hidden."""
    return min(due, today() + FURTHEST) if due < NO_DATE else today() + FURTHEST


def due_of(db: Db, actor: Actor, folder_id: int) -> date | None:
    """The first day by which a part of the folder is due from the actor; None where he is not awaited."""
    awaited = sa.select(sa.func.min(STEP.c.due_on)).where(
        STEP.c.folder_id == folder_id, STEP.c.state == "active", asking(actor)
    )
    return db.scalar(awaited) if actor.user_id is not None else None


def _due(db: Db, actor: Actor, folder: Folder) -> date:
    if (due := due_of(db, actor, folder.id)) is None:
        raise Refusal("not-awaited")
    return due
