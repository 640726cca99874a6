"""The chain of a collectivity, checked from the page of its journal: as `journal verify` does, from its first line.

A short chain is read while the page waits, a long one by the worker. What is kept says up to which line it was read, so that
the next check also sees a chain that was made anew, or cut, since.
"""

from datetime import datetime, timedelta
from itertools import islice

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, reading
from app.core.outbox import News, Row, handles, post
from app.core.questions import OF, Question, ask
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.journal.chain import Break, Event, append, clock_back, verify
from app.journal.models import ChainHead, JournalEntry
from app.operations.models import JournalCheck
from app.people.actor import Actor

KIND = "journal.check"
ASKED = "journal.check_asked"
SHORT = 20_000
"""How many lines are read while the page waits, in less than a second."""
HUNG = timedelta(hours=2)
"""A check that has not ended by then is taken as cut short: another may be asked for."""
REMARKS = 3
LAST = Question((JournalCheck,), JournalCheck.collectivity_id == OF, order=lambda row: row[0].asked_at)


def last(db: Db, collectivity_id: int) -> JournalCheck | None:
    """The last check that was asked for; None before any was."""
    return next((row for (row,) in ask(db, LAST, collectivity_id)), None)


def lasts(check: JournalCheck) -> bool:
    """Whether a check has begun and may still end."""
    return check.ended_at is None and timedelta(0) <= now() - check.asked_at < HUNG


def check(actor: Actor) -> bool:
    """Have the chain of the actor's collectivity checked; whether it was at once, and not by the worker.

    The journal says who asked, before it is read. Refuses `journal-check-lasts` while another check lasts.
    """
    asked_at = _ask(actor)
    if asked_at is not None:
        _read(actor.collectivity_id, asked_at)
    return asked_at is not None


def plug() -> None:
    """Register the kind of row, once for the process."""
    handles(KIND, indoors=True, passing=True)(_long)


def _long(row: Row) -> None:
    _read(row.collectivity_id, datetime.fromisoformat(row.payload["asked_at"]))


@use_case
def _ask(db: Db, actor: Actor) -> datetime | None:
    """Write that a check was asked for; when, of a chain that is short. A long one is left to the worker: None."""
    here, moment = actor.collectivity_id, now()
    row = db.scalar(sa.select(JournalCheck).where(JournalCheck.collectivity_id == here).with_for_update())
    if row is None:
        row = JournalCheck(collectivity_id=here, upto=0, hash="", fault="", remark="")
        db.add(row)
    elif lasts(row):
        raise Refusal("journal-check-lasts", by=row.asked_by)
    row.asked_at, row.asked_by, row.ended_at = moment, actor.name, None
    lines = db.scalar(sa.select(ChainHead.seq).where(ChainHead.collectivity_id == here)) or 0
    if lines > SHORT:
        payload = {"asked_at": moment.isoformat()}
        post(db, here, [News(KIND, f"journal check {here} {moment.isoformat()}", payload)])
    append(db, here, Event(ASKED, actor.name, actor.user_id, None, {"address": actor.address}))
    return moment if lines <= SHORT else None


def _read(collectivity_id: int, asked_at: datetime) -> None:
    """Read the whole chain, and keep what is found."""
    with reading() as db:
        count, broken = verify(db, collectivity_id)
        before = db.get(JournalCheck, collectivity_id)
        if broken is None and before is not None and before.upto:
            broken = _made_anew(db, before)
        last_hash = _hash(db, collectivity_id, count)
    with reading() as db:
        remarks = list(islice(clock_back(db, collectivity_id), REMARKS))
    _keep(collectivity_id, asked_at, count, last_hash, broken, " ".join(f"{words}." for words in remarks))


def _made_anew(db: Db, before: JournalCheck) -> Break | None:
    """What is wrong with a chain that holds, and no longer has the line up to which it was read before."""
    if _hash(db, before.collectivity_id, before.upto) == before.hash:
        return None
    sentence = "la ligne n’est plus celle que la vérification précédente avait lue : la chaîne a été refaite ou coupée"
    return Break(before.collectivity_id, before.upto, sentence)


def _hash(db: Db, collectivity_id: int, seq: int) -> str:
    query = sa.select(JournalEntry.hash).where(
        JournalEntry.collectivity_id == collectivity_id, JournalEntry.seq == seq
    )
    return db.scalar(query) or ""


@use_case
def _keep(
    db: Db,
    collectivity_id: int,
    asked_at: datetime,
    upto: int,
    last_hash: str,
    broken: Break | None,
    remark: str,
) -> None:
    """Keep what a check found; nothing where another was asked for since."""
    row = db.scalar(
        sa.select(JournalCheck).where(JournalCheck.collectivity_id == collectivity_id).with_for_update()
    )
    if row is None or row.asked_at != asked_at:
        return
    row.ended_at, row.remark = now(), remark
    row.fault_seq, row.fault = (broken.seq, broken.sentence) if broken is not None else (None, "")
    if broken is None:  # what was read before stays the witness against a chain that is made anew
        row.upto, row.hash = upto, last_hash
