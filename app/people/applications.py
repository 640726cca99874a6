"""The software that a collectivity lets in by the API: listed with its last use, shut out, given another token."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa

from app.core.clock import PARIS, now, today
from app.core.db import Db
from app.core.french import jour_long
from app.core.grammar import plural
from app.core.refusals import Refusal
from app.core.security import new_token, token_hash
from app.core.texts import line_of, looks_of, refuse_foreign
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.people.actor import Actor, system
from app.people.given import refuse_odd, refuse_unknown
from app.people.models import Application, Desk, User
from workflows.rights import Rights
from workflows.vocabulary import Right

LONGEST = 80
PROPOSED, LONGEST_LIFE = timedelta(days=365), timedelta(days=730)
"""How long a token serves unless one says otherwise, and at the most (ASVS 13.2.1)."""
OVERLAPS = (0, 1, 7, 30)
"""For how many days the token before may serve on, none unless one says so: the time in which it is replaced where it serves."""
COMMAND = "Ligne de commande"
OFFERED = (Right.CREATE, Right.ACT, Right.PUBLISH, Right.ARCHIVE, Right.REROUTE)
"""What a page offers: software may hold the seat of who signs, to be refused by name, and never signs."""


@dataclass(frozen=True)
class Listed:
    """One application for the administrator; `serial` names its present token and tells nothing of it."""

    id: int
    name: str
    desk: str
    rights: Rights
    active: bool
    created_at: datetime
    rotated_at: datetime | None
    used_at: datetime | None
    closed_at: datetime | None
    closed_by: str
    ends_on: date | None
    former_until: datetime | None = None
    calls_on: date | None = None
    calls: int = 0
    refused: int = 0
    refused_since: datetime | None = None

    @property
    def day(self) -> str:
        """« 214 appels aujourd’hui, dont 3 refusés »."""
        calls, refused = (self.calls, self.refused) if self.calls_on == today() else (0, 0)
        if refused == calls and calls > 0:
            return f"{plural(calls, 'appel')} aujourd’hui, {'refusé' if calls < 2 else 'tous refusés'}"
        among = f", dont {plural(refused, 'refusé')}" if refused else ""
        return f"{plural(calls, 'appel')} aujourd’hui{among}"

    @property
    def overlap(self) -> datetime | None:
        """Until when the token before serves beside the present one; None where one alone serves."""
        live = self.active and self.former_until is not None and self.former_until > now()
        return self.former_until if live else None

    @property
    def ended(self) -> bool:
        """Whether its token is refused, its last day being past."""
        return self.active and self.ends_on is not None and self.ends_on < today()

    @property
    def serial(self) -> str:
        """What a form posts back: a page that shows an older token changes nothing."""
        return (self.rotated_at or self.created_at).isoformat()


def by_command(collectivity_id: int) -> Actor:
    """Who the journal names for what is done on the server, without an account."""
    return system(collectivity_id, COMMAND)


@use_case
def create_application(
    db: Db,
    collectivity_id: int,
    name: str,
    desk: str,
    rights: Collection[Right],
    *,
    until: date | None = None,
    by: Actor | None = None,
) -> str:
    """Let a software in at one desk; returns its token, shown once and kept only as a hash.

    `until`: the last day of the token, a year from now unless it is said (`application-end`: past, or beyond two years).
    Without any of the `rights` it reads what the desk reads, as one that follows does. Refuses a name that is missing or too long
    (`application-name`), that another one in service has (`application-name-taken`) or a person of here
    (`application-name-borne`), an unknown desk (`desk-unknown`) or a closed one (`desk-closed`), and what `line_of`,
    `refuse_foreign`, `refuse_odd` and `refuse_unknown` refuse. `by`: None for the command line.
    """
    last = _last_day(until)
    wanted = rights if isinstance(rights, Rights) else Rights.of(*rights)
    refuse_odd(wanted)
    refuse_unknown(db, collectivity_id, wanted)
    name = line_of(name)
    if not 0 < len(name) <= LONGEST:
        raise Refusal("application-name", longest=LONGEST)
    refuse_foreign(name)
    place = db.scalar(sa.select(Desk).where(Desk.collectivity_id == collectivity_id, Desk.key == desk))
    if place is None:
        raise Refusal("desk-unknown", desk=desk)
    if place.closed_at is not None:
        raise Refusal("desk-closed", name=place.name)
    if _named(db, collectivity_id, name):
        raise Refusal("application-name-taken", name=name)
    if _borne(db, collectivity_id, name):
        raise Refusal("application-name-borne", name=name)
    token, granted = new_token(), list(wanted.grants)
    row = Application(
        collectivity_id=collectivity_id,
        name=name,
        desk_id=place.id,
        token_hash=token_hash(token),
        rights=granted,
        created_at=now(),
        ends_on=last,
    )
    db.add(row)
    db.flush()
    _write_down(
        db,
        "application.opened",
        row,
        by,
        desk=place.key,
        rights=granted,
        apart=True,
        ends_on=last.isoformat(),
    )
    return token


@use_case
def close_application(db: Db, collectivity_id: int, application_id: int, *, by: Actor | None = None) -> str:
    """Shut a software out at once, and for good; its name. Refuses `application-unknown`, also when it is shut out."""
    row = _open(db, collectivity_id, application_id)
    row.active, row.closed_at = False, now()
    row.closed_by = (by or by_command(collectivity_id)).name
    _write_down(db, "application.closed", row, by)
    return row.name


@use_case
def rotate_application(
    db: Db,
    collectivity_id: int,
    application_id: int,
    *,
    serial: str | None = None,
    until: date | None = None,
    overlap: int = 0,
    by: Actor | None = None,
) -> str:
    """Give a software another token, shown once; the old one is refused from this instant, or after `overlap` days.

    It serves no longer than its own last day, and one before it is refused at once. `overlap`: one of `OVERLAPS`
    (`application-overlap`). `until`: its last day, as when a software is let in (`application-end`).
    `serial`: that of the token that the page showed, so that a form sent twice does not undo the token just given
    (`application-rotated`). Refuses `application-unknown`, also when it is shut out.
    """
    if overlap not in OVERLAPS:
        raise Refusal("application-overlap", days=", ".join(map(str, OVERLAPS[1:])))
    last, row = _last_day(until), _open(db, collectivity_id, application_id)
    if serial is not None and serial != (row.rotated_at or row.created_at).isoformat():
        raise Refusal("application-rotated", name=row.name)
    token, moment = new_token(), now()
    row.former_hash, row.former_until = None, None
    if overlap:
        ends = moment + timedelta(days=overlap)
        own_end = datetime.combine(row.ends_on + timedelta(days=1), time(), PARIS) if row.ends_on else ends
        row.former_hash, row.former_until = row.token_hash, min(ends, own_end)
    row.token_hash, row.rotated_at, row.ends_on = token_hash(token), moment, last
    former = row.former_until.isoformat() if row.former_until is not None else None
    _write_down(db, "application.rotated", row, by, ends_on=last.isoformat(), former_until=former)
    return token


def applications(db: Db, collectivity_id: int) -> list[Listed]:
    """Every software of a collectivity by name, those in service first."""
    query = (
        sa.select(Application, Desk.name)
        .join(Desk, Desk.id == Application.desk_id)
        .where(Application.collectivity_id == collectivity_id)
        .order_by(Application.active.desc(), Application.name, Application.id)
    )
    return [
        Listed(
            row.id,
            row.name,
            desk,
            Rights.read(row.rights),
            row.active,
            row.created_at,
            row.rotated_at,
            row.used_at,
            row.closed_at,
            row.closed_by or "",
            row.ends_on,
            row.former_until,
            row.calls_on,
            row.calls,
            row.refused,
            row.refused_since,
        )
        for row, desk in db.execute(query)
    ]


def proposed_last(present: date | None) -> date:
    """The last day that a new token is proposed: that of the present one, or a year from today where it is past or unset."""
    return present if present is not None and present > today() else today() + PROPOSED


def _last_day(until: date | None) -> date:
    last = until or today() + PROPOSED
    if not today() <= last <= today() + LONGEST_LIFE:
        raise Refusal("application-end", until=jour_long(today() + LONGEST_LIFE))
    return last


def ending(db: Db, day: date, within: timedelta) -> list[tuple[int, str, date]]:
    """Number, name and last day of each application in service whose token has ended, or ends so soon, in the session's sight."""
    query = sa.select(Application.id, Application.name, Application.ends_on).where(
        Application.active.is_(True)
    )
    query = query.where(Application.ends_on <= day + within).order_by(Application.ends_on, Application.id)
    return [(row.id, row.name, row.ends_on) for row in db.execute(query)]


def numbers_of(db: Db, collectivity_id: int, name: str) -> list[int]:
    """The applications in service of that name, several where they were let in before names were one each.

    Refuses `application-unknown` when there is none.
    """
    numbers = _named(db, collectivity_id, name)
    if not numbers:
        raise Refusal("application-unknown")
    return numbers


def _named(db: Db, collectivity_id: int, name: str) -> list[int]:
    query = sa.select(Application.id).where(
        Application.collectivity_id == collectivity_id, Application.name == name, Application.active.is_(True)
    )
    return list(db.scalars(query.order_by(Application.id)))


def _borne(db: Db, collectivity_id: int, name: str) -> bool:
    """Whether an open account has this name: the journal says who acted by it."""
    names = sa.select(User.first_name, User.last_name).where(
        User.collectivity_id == collectivity_id, User.active.is_(True)
    )
    return any(looks_of(first + last) & looks_of(name) for first, last in db.execute(names))


def _open(db: Db, collectivity_id: int, application_id: int) -> Application:
    row = db.scalar(
        sa.select(Application)
        .where(Application.id == application_id, Application.collectivity_id == collectivity_id)
        .with_for_update()
    )
    if row is None or not row.active:
        raise Refusal("application-unknown")
    return row


def _write_down(db: Db, event: str, row: Application, by: Actor | None, **facts: object) -> None:
    """The journal keeps the name and the number, never the token nor its hash."""
    who = by or by_command(row.collectivity_id)
    entry = {"application": row.id, "name": row.name, "address": who.address, **facts}
    append(db, row.collectivity_id, Event(event, who.name, who.user_id, None, entry))
