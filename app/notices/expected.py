"""When letters that wait are expected to leave, and whether they will, as their writer judges it then (`app/notices/letter.py`).

Their rows say when they are tried next: an absence that was written since, the night or the hours keep them longer, and an
address that refuses letters has no more reminders.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db
from app.core.outbox import Outbox
from app.notices import absent, hours
from app.people.models import Absence, User
from app.people.own_settings.registry import Own
from app.people.reaching import is_dead

REMINDERS = frozenset({hours.DIGEST, *hours.ASKS})
"""The letters that leave only if what they ask still awaits their reader, and only to an address that serves."""
CLOSED = "son compte est fermé"
REFUSED = "son adresse refuse les courriels : plus aucun rappel n’y part"


@dataclass(frozen=True)
class Departure:
    """When a letter is expected to leave, None as soon as may be; `asks`: only if its folder still awaits its reader.

    `never`: why it will not, as things stand. `why`: why it waits, empty where nobody said.
    """

    at: datetime | None
    asks: bool = False
    never: str = ""
    why: str = ""


def departures(db: Db, own: Own, rows: Sequence[Outbox]) -> dict[int, Departure]:
    """The departure of each of these letters that wait, by the number of its row; of one whose account is no more, nothing."""
    readers, moment = {row.payload["user_id"] for row in rows}, now()
    people = {user.id: user for user in db.scalars(sa.select(User).where(User.id.in_(readers)))}
    absences = defaultdict[int, list[Absence]](list)
    away = sa.select(Absence).where(
        Absence.user_id.in_(readers), Absence.ends_at > moment, Absence.ends_at > Absence.starts_at
    )
    for absence in db.scalars(away):
        absences[absence.user_id].append(absence)
    return {
        row.id: _departure(own, people[person], absences[person], row, moment)
        for row in rows
        if (person := row.payload["user_id"]) in people
    }


def _departure(own: Own, user: Any, absences: Sequence[Absence], row: Outbox, moment: datetime) -> Departure:
    event = row.payload["event"]
    asks = event in REMINDERS and not row.payload.get("trial")
    if not (user.active or event == "account_closed" or row.payload.get("former")):
        return Departure(None, asks, CLOSED)
    if asks and is_dead(user, own):
        return Departure(None, asks, REFUSED)
    at, kept_until = max(row.available_at, moment), None
    if row.payload.get("trial"):
        pass
    elif asks or (event in hours.PATIENT and absent.keeps(absences, at)):
        at, kept_until = absent.leaving(absences, own, at)
    elif event in hours.COVERS and "at" in row.payload:
        at = hours.due_by_day(own, event, at)
    else:
        at += hours.wait(own, event, at)
    why = absent.AWAY if kept_until else row.last_error or ""
    return Departure(at if at > moment else None, asks, why=why)
