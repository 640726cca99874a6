"""When letters that wait are expected to leave, and whether they will, as their writer judges it then (`app/notices/letter.py`).

Their rows say when they are tried next: an absence that was written since, the night or the hours keep them longer, an
address that refuses letters has no more reminders, who chose « Jamais » has none, and what several would tell at one moment,
or at one return, one letter tells.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db
from app.core.outbox import Outbox
from app.folders.access import STEP
from app.folders.models import Folder
from app.notices import absent, digests, hours, outdone, together
from app.notices.choices import GROUPED, choices_of
from app.people.models import Absence, User
from app.people.own_settings.registry import Own
from app.people.reaching import is_dead
from workflows.rhythms import Choices, Parts

REMINDERS = frozenset({hours.DIGEST, *hours.ASKS})
"""The letters that leave only if what they ask still awaits their reader, and only to an address that serves."""
CLOSED = "son compte est fermé"
REFUSED = "son adresse refuse les courriels : plus aucun rappel n’y part"


@dataclass(frozen=True)
class Departure:
    """When a letter is expected to leave, None as soon as may be; `asks`: only if its folder still awaits its reader.

    `never`: why it will not, as things stand. `why`: why it waits, empty where nobody said. `merged`: another letter to the same
    person, that leaves then, tells what it would, and it leaves not.
    """

    at: datetime | None
    asks: bool = False
    never: str = ""
    why: str = ""
    merged: bool = False


@dataclass(frozen=True)
class _Known:
    """What the base says of the letters of a collectivity that wait: their folders, by when these are due, absences by person.

    `digests`: the letters of all that waits that have not left, by person: those too of which a try went wrong.
    """

    folders: Mapping[int, Folder]
    due: Mapping[int, date]
    absences: Mapping[int, Sequence[Absence]]
    digests: Mapping[int, Sequence[tuple[int, Mapping[str, Any]]]]


@dataclass
class _Letters:
    """The letters to one person, each with when it is expected to leave if it were alone (`leaves`).

    `returns`: until when an absence keeps it; `alone`: those of which the rhythm of their reader tells nothing with the rest.
    """

    user: User
    choices: Choices
    rows: list[Outbox] = field(default_factory=list)
    leaves: dict[int, Departure] = field(default_factory=dict)
    returns: dict[int, datetime | None] = field(default_factory=dict)
    alone: set[int] = field(default_factory=set)

    def tell(self, row: Outbox, teller: int) -> None:
        """Have what a letter would tell told by another, which leaves at its own hour."""
        departure = self.leaves.get(teller, self.leaves[row.id])
        self.leaves[row.id] = replace(self.leaves[row.id], at=departure.at, merged=True)

    def tell_all(self, rows: Sequence[Outbox]) -> None:
        """Have what these would tell told by the first of them."""
        for row in rows[1:]:
            self.tell(row, rows[0].id)


def departures(db: Db, own: Own, rows: Sequence[Outbox]) -> dict[int, Departure]:
    """The departure of each of these letters that wait, by the number of its row; of one whose account is no more, nothing."""
    readers, moment = {row.payload["user_id"] for row in rows}, now()
    every = {
        user.id: _Letters(user, choices_of(user, own))
        for user in db.scalars(sa.select(User).where(User.id.in_(readers)))
    }
    for row in sorted(rows, key=lambda row: row.id):
        if letters := every.get(row.payload["user_id"]):
            letters.rows.append(row)
    known = _known(db, list(every), rows, moment)
    every_row: dict[int, Departure] = {}
    for letters in every.values():
        for row in letters.rows:
            letters.leaves[row.id] = _departure(own, letters, known, row, moment)
        live = [
            row for row in letters.rows if not letters.leaves[row.id].never and not row.payload.get("trial")
        ]
        _tell_with_the_rest(letters, known, live)
        _tell_together(letters, known, live)
        every_row |= letters.leaves
    return every_row


def _known(db: Db, readers: Sequence[int], rows: Sequence[Outbox], moment: datetime) -> _Known:
    numbers = {
        row.folder_id for row in rows if row.payload["event"] in hours.ASKS or together.may_join(row.payload)
    }
    folders = db.scalars(sa.select(Folder).where(Folder.id.in_(numbers))).all() if numbers else ()
    due = (
        sa.select(STEP.c.folder_id, sa.func.min(STEP.c.due_on))
        .where(STEP.c.folder_id.in_(numbers), STEP.c.state == "active")
        .group_by(STEP.c.folder_id)
    )
    absences = defaultdict[int, list[Absence]](list)
    away = sa.select(Absence).where(
        Absence.user_id.in_(readers), Absence.ends_at > moment, Absence.ends_at > Absence.starts_at
    )
    for absence in db.scalars(away):
        absences[absence.user_id].append(absence)
    waiting = defaultdict[int, list[tuple[int, Mapping[str, Any]]]](list)
    of_all = sa.select(Outbox.id, Outbox.payload).where(
        sa.text("outbox.state IN ('pending','running')"),
        Outbox.kind == "mail",
        Outbox.payload["event"].as_string() == hours.DIGEST,
        Outbox.payload["user_id"].as_integer().in_(readers),
    )
    for number, payload in db.execute(of_all):
        if not payload.get("trial"):
            waiting[payload["user_id"]].append((number, payload))
    return _Known(
        {folder.id: folder for folder in folders},
        {row[0]: row[1] for row in db.execute(due)} if numbers else {},
        absences,
        waiting,
    )


def _departure(own: Own, letters: _Letters, known: _Known, row: Outbox, moment: datetime) -> Departure:
    user, event = letters.user, row.payload["event"]
    asks = event in REMINDERS and not row.payload.get("trial")
    if not (user.active or event == "account_closed" or row.payload.get("former")):
        return Departure(None, asks, CLOSED)
    if asks and is_dead(user, own):
        return Departure(None, asks, REFUSED)
    if asks and _is_silent(letters.choices, known, row):
        return Departure(None, asks, outdone.NEVER)
    at, kept_until, why = max(row.available_at, moment), None, row.last_error or ""
    absences = known.absences.get(user.id, ())
    if row.payload.get("trial"):
        pass
    elif asks:
        at, kept_until, why = _asked(own, letters, known, row, moment)
    elif event in hours.PATIENT and absent.keeps(absences, at):
        at, kept_until = absent.leaving(absences, own, at)
    elif event in hours.COVERS and "at" in row.payload:
        at = hours.due_by_day(own, event, at)
    else:
        at += hours.wait(own, event, at)
    letters.returns[row.id] = kept_until
    return Departure(at if at > moment else None, asks, why=absent.AWAY if kept_until else why)


def _is_silent(choices: Choices, known: _Known, row: Outbox) -> bool:
    if row.payload["event"] == hours.DIGEST:
        return not _parts_of(choices, row.payload).names
    folder = known.folders.get(row.folder_id or 0)
    return folder is not None and digests.is_silent(choices.of(folder.of_type), row.payload)


def _asked(
    own: Own, letters: _Letters, known: _Known, row: Outbox, moment: datetime
) -> tuple[datetime, datetime | None, str]:
    """When what a letter asks is told, by itself or with the rest, until when an absence keeps it, and why it waits."""
    absences = known.absences.get(letters.user.id, ())
    # One that waits for a return, or for the letter of the rest, is tried once that is over
    due = moment if row.last_error in {absent.AWAY, GROUPED} else max(row.available_at, moment)
    at, kept_until = absent.leaving(absences, own, due)
    folder = known.folders.get(row.folder_id or 0)
    if row.payload["event"] != hours.DIGEST and folder is not None and not row.payload.get("back"):
        choice, day = letters.choices.of(folder.of_type), known.due.get(folder.id)
        if with_rest := digests.with_the_rest(choice, own, day, at if kept_until else due):
            at, again = absent.leaving(absences, own, with_rest)
            return at, again or kept_until, GROUPED
        letters.alone.add(row.id)
    return at, kept_until, row.last_error or ""


@dataclass(frozen=True)
class _Teller:
    """A letter of all that waits that has not left: its number, its place among the others, and what it tells."""

    number: int
    place: tuple[bool, int]
    parts: Parts


def _tell_with_the_rest(letters: _Letters, known: _Known, live: Sequence[Outbox]) -> None:
    """Of what is asked of somebody: what a letter of all that waits tells, written already or to be.

    As `outdone.still_to_tell`, `digests.refuse_grouped` and `absent.refuse_apart` have it.
    """
    tellers = sorted(
        (
            _Teller(number, outdone.place_of(number, payload), _parts_of(letters.choices, payload))
            for number, payload in known.digests.get(letters.user.id, ())
        ),
        key=lambda letter: letter.place,
    )
    left = []
    for row in live:
        teller = None
        if row.payload["event"] == hours.DIGEST:
            teller = _before(letters.choices, row, tellers)
        elif _may_wait(letters, known, row):
            teller = _counting(letters, known, row, tellers)
            left += [row] if teller is None else []
        if teller is not None:
            letters.tell(row, teller)
    for of_return in _by(left, letters.returns.get):
        first = next((row for row in of_return if row.id in letters.alone), None)
        if first is None:
            for of_rest in _by(of_return, lambda row_id: letters.leaves[row_id].at):
                letters.tell_all(of_rest)
        elif len({row.folder_id for row in of_return}) > 1:
            letters.tell_all([first, *(row for row in of_return if row is not first)])


def _parts_of(choices: Choices, payload: Mapping[str, Any]) -> Parts:
    return outdone.wanted(outdone.parts_of(payload), choices)


def _before(choices: Choices, row: Outbox, tellers: Sequence[_Teller]) -> int | None:
    """The letter that tells all that one of all that waits would, where those before it leave nothing to it."""
    parts, place = _parts_of(choices, row.payload), outdone.place_of(row.id, row.payload)
    before = [letter for letter in tellers if letter.place < place]
    for letter in before:
        parts = parts.without(letter.parts, late=True)
    return None if parts.names else before[0].number


def _may_wait(letters: _Letters, known: _Known, row: Outbox) -> bool:
    """Whether a letter about one folder waits for a return, or for what tells the rest."""
    if (
        row.payload["event"] not in hours.ASKS
        or row.payload.get("back")
        or row.folder_id not in known.folders
    ):
        return False
    return row.id not in letters.alone or letters.returns[row.id] is not None


def _counting(letters: _Letters, known: _Known, row: Outbox, tellers: Sequence[_Teller]) -> int | None:
    """The letter of all that waits that tells what one about one folder would."""
    of_type = known.folders[row.folder_id or 0].of_type
    counts = Parts.counts if row.id in letters.alone else Parts.tells
    return next((letter.number for letter in tellers if counts(letter.parts, of_type)), None)


def _tell_together(letters: _Letters, known: _Known, live: Sequence[Outbox]) -> None:
    """Of what became of folders at one moment (`together`), and of what came by itself: what one letter tells for the others."""
    ready = {number for number, folder in known.folders.items() if not folder.read_as.discreet}
    joining = [row for row in live if together.may_join(row.payload)]
    for rows in _by(joining, lambda row_id: letters.leaves[row_id].at):
        left = rows
        while left:
            first, *free = left
            joined = together.first_of_each(first, free, ready)
            letters.tell_all([first, *(row for row in free if row.id in joined)])
            left = [row for row in free if row.id not in joined]
    letters.tell_all([row for row in live if row.payload["event"] == hours.DRAFTS_ARRIVED])


def _by(rows: Sequence[Outbox], key: Callable[[int], Any]) -> Collection[list[Outbox]]:
    """Rows of which this says the same of their numbers, together."""
    parted = defaultdict[Any, list[Outbox]](list)
    for row in rows:
        parted[key(row.id)].append(row)
    return parted.values()
