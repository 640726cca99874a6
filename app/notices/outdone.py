"""What a letter of what waits still has to tell when it leaves: another may have told it since, or be about to.

So nothing is told twice where looks were missed, a mail server was down, or several rhythms meet.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.core.clock import PARIS
from app.core.db import Db
from app.core.outbox import Needless, Outbox, Row
from app.core.transaction import use_case
from app.folders.notices import MISSED
from app.notices.choices import choices_of
from app.notices.hours import DIGEST
from app.people.models import User
from app.people.own_settings.registry import Own
from app.people.reaching import is_dead
from workflows.rhythms import REST, Choices, Parts, Rhythm

NEVER = "cette personne n’est pas prévenue de ce qui l’attend : « Jamais » est choisi"
COUNTED = timedelta(minutes=1)
"""How long at most a letter takes to leave once it has counted: what came meanwhile is told again, rather than not at all."""
LATELY = 200
"""So many of somebody's last letters are looked at: those of some weeks, where he is told each hour."""
FOLDERS = "folders"
"""What a letter that left has counted, by number, as its row keeps it; nothing where it had too many to count them all.

A type says no more than what it was to count: what waited for an opinion, or was not late, was not in it.
"""
OF_A_RETURN = "-retour"
"""How the key ends of a letter that tells what several folders would ask at a return (`absent.gather`)."""
_ALL = frozenset({REST})
_KINDS = ("whole", "fresh", "late", "types")


class Left(NamedTuple):
    """A letter that left: until when what came was counted in it, what it told, and the folders that it counted (`FOLDERS`).

    `delayed`: it told a return, or left on a later day than its own, and so beside the letter of that day.
    """

    until: datetime
    parts: Parts
    folders: frozenset[int] | None
    delayed: bool

    def counts(self, of_type: tuple[str, str], number: int) -> bool:
        """Whether it counted a folder, of this type."""
        return self.parts.tells(of_type) if self.folders is None else number in self.folders


def facts_of(parts: Parts, since: datetime | None) -> dict[str, Any]:
    """What a row keeps of what its letter is to tell; who chose nothing for any type has no `parts` in it."""
    return {
        "late": not parts.told,
        "since": since.isoformat() if parts.fresh and since is not None else None,
        "parts": {kind: sorted(getattr(parts, kind)) for kind in _KINDS} if parts.types else None,
    }


def parts_of(payload: Mapping[str, Any]) -> Parts:
    """What the letter of a row was to tell when it was written."""
    parts = payload.get("parts")
    if parts is not None:
        return Parts(*(frozenset(parts[kind]) for kind in _KINDS))
    if payload.get("late"):
        return Parts(late=_ALL)
    return Parts(fresh=_ALL) if payload.get("since") else Parts(whole=_ALL)


def folders_of(payload: Mapping[str, Any]) -> frozenset[int] | None:
    """The folders that the letter of a row has counted; None where nothing says which."""
    numbers = payload.get(FOLDERS)
    return None if numbers is None else frozenset(numbers)


def has_counted(payload: Mapping[str, Any], number: int) -> bool:
    """Whether the letter of a row, which counts the type of a folder, has counted that folder."""
    numbers = folders_of(payload)
    return numbers is None or number in numbers


@use_case
def keep(db: Db, row: Row, numbers: Sequence[int]) -> None:
    """Keep which folders a letter counts, before it leaves: what is told of them by it is told by no other."""
    db.info["collectivity_id"] = row.collectivity_id
    # While the row is ours: a worker that lost its lease must not undo what another wrote.
    mine = sa.update(Outbox).where(Outbox.id == row.id, Outbox.owner == row.owner)
    change = mine.values(payload={**row.payload, FOLDERS: sorted(numbers)})
    db.execute(change.execution_options(synchronize_session=False))


def still_to_tell(db: Db, own: Own, user: User, row: Row) -> Parts:
    """What is left of a letter; raises `Needless` where that is nothing.

    What another letter tells that has not left, or has left since this one was written, is told by that one; so is what its
    reader wants no more, or cannot be sent. Of those that have not left, the one that tells all goes before the one that tells
    what is late, and the older before the newer: it tells what waits when it leaves. What one told that was delayed until the
    same day is told again only where something came since.
    """
    parts = wanted(parts_of(row.payload), choices_of(user, own))
    if not parts.names:
        raise Needless(NEVER)
    if is_dead(user, own):
        raise Needless(MISSED)
    prefix = f"{DIGEST}-{user.id}-2"  # of a day, and of no example
    others = sa.select(Outbox.id, Outbox.payload).where(
        Outbox.key.startswith(prefix), Outbox.state.in_(["pending", "running"]), Outbox.id != row.id
    )
    for number, payload in db.execute(others):
        if place_of(number, payload) < place_of(row.id, row.payload):
            parts = parts.without(parts_of(payload), late=True)
    if not parts.names:
        raise Needless("un autre courriel, qui attend de partir, le dit : celui-ci n’est pas parti")
    letters = lately_left(db, user.id)
    parts = _untold(parts, letters, lately_left(db, user.id, late=True), row.created_at)
    if not parts.names:
        raise Needless("un courriel parti depuis l’a dit : celui-ci n’est pas parti")
    for left in told_on(letters, row.created_at):
        parts = parts.since(left.parts)
    return parts


def wanted(parts: Parts, choices: Choices) -> Parts:
    """What is left of a letter without the types of which its reader is to be told nothing any more."""
    return parts.but(frozenset(name for name in parts.names if choices.named(name).rhythm is Rhythm.NEVER))


def place_of(number: int, payload: Mapping[str, Any]) -> tuple[bool, int]:
    """The place of a letter that has not left among the others: one that comes after another leaves to it what both tell."""
    return bool(payload.get("late")), number


def _untold(parts: Parts, letters: Sequence[Left], reminders: Sequence[Left], moment: datetime) -> Parts:
    """What is left of a letter of a moment, after letters that have left since it was written.

    `reminders`: those that told what is late alone; one that was delayed until the same day has told it for that day.
    """
    for left in letters:
        if left.until + COUNTED >= moment:
            parts = parts.without(left.parts)
    today = told_on(reminders, moment)
    for left in reminders:
        if left.until + COUNTED >= moment or left in today:
            parts = parts.without(left.parts, late=True)
    return parts


def told_on(letters: Sequence[Left], moment: datetime) -> list[Left]:
    """The letters that were delayed until the day of a moment: what they told is told again there only if something came."""
    day = moment.astimezone(PARIS).date()
    return [left for left in letters if left.delayed and left.until.astimezone(PARIS).date() == day]


def lately_left(db: Db, user_id: int, *, late: bool = False) -> list[Left]:
    """The last letters of somebody that told all that waits, of all types or of some, the newest first.

    `late`: those that told what is late alone, in their place.
    """
    reminder = sa.func.coalesce(Outbox.payload["late"].as_boolean(), sa.false())
    query = (
        sa.select(Outbox.done_at, Outbox.payload, Outbox.key, Outbox.created_at)
        .where(
            Outbox.key.startswith(f"{DIGEST}-{user_id}-2"),
            Outbox.state == "done",
            Outbox.last_error.is_(None),
            reminder if late else sa.not_(reminder),
        )
        .order_by(Outbox.id.desc())
        .limit(LATELY)
    )
    return [
        Left(
            row.done_at - COUNTED,
            parts_of(row.payload),
            folders_of(row.payload),
            row.key.endswith(OF_A_RETURN)
            or row.created_at.astimezone(PARIS).date() < row.done_at.astimezone(PARIS).date(),
        )
        for row in db.execute(query)
    ]


def told_until(letters: Sequence[Left], of_type: tuple[str, str]) -> datetime | None:
    """Until when what came of a type was told by one of these letters; None where none told it."""
    return max((left.until for left in letters if left.parts.tells(of_type)), default=None)
