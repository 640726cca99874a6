"""The round of the doctor: begun by the worker every `PARAPHE_DOCTOR_HOURS`, or when somebody asks, in a process of its own.

The checks call others and wait for them: in a request they would hold its thread, in the work of the worker its letters. They
load nearly all that the product can do, which the worker would then hold all day.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from math import ceil

import sqlalchemy as sa
import structlog

from app.core import hold, questions
from app.core.clock import now
from app.core.db import Db, reading
from app.core.questions import Question
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.operations import arriving, sendings
from app.operations.doctor import Check, certificates, checks, finding_of
from app.operations.examined import own
from app.operations.findings import Finding, Level
from app.operations.helping import apart, busy
from app.operations.models import DoctorFinding, DoctorRound
from app.people.actor import Actor
from app.people.models import Collectivity
from config import Settings

PACE = timedelta(minutes=5)
"""Between two rounds that people ask for: each takes a token of the timestamp authority, and asks operators."""
HUNG = timedelta(minutes=30)
"""A round that has not ended by then is taken as cut short, and made again unless this worker is still at it."""
SKEW = timedelta(minutes=5)
"""How far ahead of this clock that of whoever made a finding may be."""
GRACE = timedelta(hours=1)
DAY = 24
ASKED = "examination.asked"
WHOLE = 0
"""The scope of what is found of the whole installation."""
log = structlog.get_logger()


@dataclass(frozen=True)
class Stand:
    """Where the rounds stand: each moment, or None when it never was."""

    asked_at: datetime | None
    begun_at: datetime | None
    ended_at: datetime | None

    @property
    def running(self) -> bool:
        """Whether one has begun and not ended."""
        return self.begun_at is not None and (self.ended_at is None or self.ended_at < self.begun_at)

    def open_at(self) -> datetime | None:
        """From when another may be asked for; None for now."""
        last = max(filter(None, (self.asked_at, self.begun_at)), default=None)
        opens = last + PACE if last is not None else None
        return opens if opens is not None and now() < opens and last is not None and last <= now() else None


LAST = Question((DoctorRound,), DoctorRound.id == 1)
"""The last round, the same for every collectivity."""


def stand(db: Db, collectivity_id: int = WHOLE) -> Stand:
    """Where the rounds stand now; `collectivity_id`: of which the page is that is being made."""
    rows = questions.ask(db, LAST, collectivity_id)
    return (
        Stand(rows[0][0].asked_at, rows[0][0].begun_at, rows[0][0].ended_at)
        if rows
        else Stand(None, None, None)
    )


@use_case
def ask(db: Db, actor: Actor) -> None:
    """Ask the worker for a round, which it begins within the minute; the journal of the actor's collectivity says who asked.

    Refuses `examination-hurry` within `PACE` of the last one that was asked for or begun: nothing is asked then.
    """
    row = _row(db)
    opens = Stand(row.asked_at, row.begun_at, row.ended_at).open_at()
    if opens is not None:
        seconds = ceil((opens - now()).total_seconds())
        raise Refusal("examination-hurry", seconds=seconds, minutes=ceil(seconds / 60))
    row.asked_at = now()
    facts = {"address": actor.address}
    append(db, actor.collectivity_id, Event(ASKED, actor.name, actor.user_id, None, facts))


def begin(settings: Settings) -> None:
    """Once a minute in the worker: begin the round that is due or asked for. A fault of it stops nothing else.

    While a restoration is held none begins by itself, since operators would be asked; one that is asked for does.
    """
    try:
        if not busy() and _claimed(settings.doctor_hours):
            apart(settings, _run, "paraphe-doctor")
    except Exception as fault:  # noqa: BLE001 - nothing that serves depends on it, and the page tells findings that are old
        log.warning("doctor.failed", error=repr(fault))


def _claimed(hours: int) -> bool:
    with reading() as db:
        if not _due(stand(db), hours, on_hold=hold.since(db) is not None):
            return False
    return _claim(hours, on_hold=hold.held())


@use_case
def _claim(db: Db, hours: int, *, on_hold: bool) -> bool:
    """Begin a round, unless another worker just did."""
    row = _row(db)
    if not _due(Stand(row.asked_at, row.begun_at, row.ended_at), hours, on_hold=on_hold):
        return False
    row.asked_at, row.begun_at = None, now()
    return True


def _due(stand: Stand, hours: int, *, on_hold: bool) -> bool:
    if stand.asked_at is not None:
        return True
    if on_hold:
        return False
    if stand.begun_at is None:
        return hours > 0
    age = now() - stand.begun_at
    if stand.running and age >= HUNG:
        return True
    # A clock that went back has begun one tomorrow
    return hours > 0 and not timedelta(0) <= age < timedelta(hours=hours)


def _row(db: Db) -> DoctorRound:
    row = db.scalar(sa.select(DoctorRound).with_for_update())
    if row is None:
        row = DoctorRound(id=1)
        db.add(row)
        db.flush()  # two who make it at once: the second finds it at its next try
    return row


def _run(settings: Settings) -> None:
    try:
        look(settings)
    except Exception as fault:  # noqa: BLE001 - as above
        log.warning("doctor.failed", error=repr(fault))


def look(settings: Settings) -> None:
    """Make every check, of the installation and then of each collectivity, and keep each finding as soon as it is made."""
    begun = now()
    for check in checks(settings):
        _keep(WHOLE, finding_of(check, settings), now())
    with reading() as db:
        places = [
            (row.id, row.siren) for row in db.scalars(sa.select(Collectivity).order_by(Collectivity.id))
        ]
    for collectivity_id, siren in places:
        for check in checks_of(collectivity_id, siren):
            if check.name == own.HANDOVER and own.is_posted(collectivity_id):
                continue
            moment = now()  # before: a setting that is changed meanwhile was not examined
            _keep(collectivity_id, finding_of(check, settings, details=False), moment)
    _end(begun)


def checks_of(collectivity_id: int, siren: str) -> tuple[Check, ...]:
    """What is tried for one collectivity, whose administrators read it: it names no other, and no place of the machine."""
    unread = f"cela n’a pas pu être examiné : {sendings.TELL}"
    return (
        Check(
            "télétransmission",
            partial(sendings.relay_of, collectivity_id=collectivity_id, siren=siren),
            unread,
            Level.UNKNOWN,
        ),
        Check("envois", lambda _settings: sendings.outbox_of(collectivity_id), unread, Level.UNKNOWN),
        Check("certificats", lambda _settings: certificates(collectivity_id), unread, Level.UNKNOWN),
        Check(own.SEAL, lambda _settings: own.seal(collectivity_id), unread, Level.UNKNOWN),
        Check(own.HANDOVER, lambda _settings: own.handover(collectivity_id), unread, Level.UNKNOWN),
        Check(own.CHORUS, lambda _settings: own.chorus(collectivity_id), unread, Level.UNKNOWN),
        Check(own.ARRIVALS, lambda _settings: arriving.here(collectivity_id), unread, Level.UNKNOWN),
        Check(own.TIMESTAMP, lambda _settings: own.timestamp(collectivity_id), unread, Level.UNKNOWN),
    )


@use_case
def _keep(db: Db, scope: int, finding: Finding, moment: datetime) -> None:
    db.merge(
        DoctorFinding(
            scope=scope, name=finding.name, level=finding.level.value, words=finding.sentence, seen_at=moment
        )
    )


@use_case
def _end(db: Db, begun: datetime) -> None:
    """The round is over: what it did not find again is of a check, or of a collectivity, that is no more."""
    db.execute(sa.delete(DoctorFinding).where(DoctorFinding.seen_at < begun))
    _row(db).ended_at = now()


def is_old(seen_at: datetime, hours: int) -> bool:
    """Whether a finding is older than its period, and says nothing of now; a day where no round is made by itself.

    One of a moment to come is as old: the clock was put back since, and nobody knows when it was made.
    """
    age = now() - seen_at
    return age > timedelta(hours=hours or DAY) + GRACE or age < -SKEW
