"""The mailbox where servers say what could not be delivered, read by IMAP (RFC 3501).

A message goes once what it says is kept, and never before: read again after a kill, it is the same fact. What is no report
about a letter of ours stays where it is, unread by us, for whoever keeps the mailbox.
"""

import hashlib
from urllib.parse import urlsplit

import sqlalchemy as sa
import structlog

from app.core.clock import now
from app.core.db import Db, reading
from app.core.outbox import News, Outbox, Row, post
from app.core.transaction import use_case
from app.notices import bounces, imap
from app.notices.imap import FAULTS
from app.notices.returns import reports
from app.notices.returns.models import ReturnBox
from app.people.models import Collectivity
from config import Settings

log = structlog.get_logger()
KIND = "mail.returns"
EVERY = 5
"""Minutes between two looks."""
MOST = 500
"""Messages read at one look."""
FIRST = 262_144
"""Bytes read of a message: what a report says comes before the letter that it returns."""


def look(settings: Settings) -> None:
    """Ask that the mailbox be read, once for each five minutes, whoever looks."""
    if settings.bounces_url:
        moment = now()
        _ask(f"{KIND}-{moment:%Y%m%d%H}-{moment.minute // EVERY}")


@use_case
def _ask(db: Db, key: str) -> None:
    place = db.scalar(sa.select(sa.func.min(Collectivity.id)))
    if place is not None and db.scalar(sa.select(Outbox.id).where(Outbox.key == key)) is None:
        db.info["collectivity_id"] = place
        post(db, place, [News(KIND, key, {})])


class Round:
    """What the worker does of a look: a mailbox that does not answer is told by the doctor, and looked at next time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, _row: Row) -> None:
        """Read what came."""
        box = _mark(self._settings)
        try:
            read(self._settings)
        except FAULTS as fault:
            log.warning("mail.returns_unread", error=repr(fault))
            note(box, fault=imap.words(fault))


def read(settings: Settings) -> int:
    """Read what came since the last look, and return how many letters came back; raises one of `FAULTS`."""
    box, count, refused = _mark(settings), 0, ""
    with imap.opened(imap.Place.of_url(settings.bounces_url), settings.mail_timeout) as line:
        validity = imap.validity(line)
        with reading() as db:
            known = db.get(ReturnBox, box)
        # Numbers of another count say nothing: all is read again, and each fact is kept once
        # (`bounces.record`).
        last = known.last if known is not None and known.validity == validity else 0
        for number in imap.after(line, last)[:MOST]:
            try:
                report = reports.read(imap.bytes_of(line, number, FIRST))
            except imap.BROKEN:
                raise
            except FAULTS as fault:  # one that is not given is asked again, and stops none after it
                refused = refused or imap.words(fault)
                continue
            if report is not None and report.answer is not None:
                count += bounces.record(
                    report.letter.row_id, report.answer, mark=report.letter.address, returned=True
                )
                try:
                    imap.remove(line, number)
                except imap.BROKEN:
                    raise
                except FAULTS as fault:  # it is kept; it is asked to go again, and is the same fact
                    refused = refused or imap.words(fault)
            # Not beyond one that was refused: it is asked again at the next look.
            if not refused:
                note(box, validity=validity, last=number)
        unclaimed = imap.left(line)
    note(box, validity=validity, unclaimed=unclaimed, fault=refused)
    return count


def state(settings: Settings) -> ReturnBox | None:
    """What is known of the mailbox, None before it was first read."""
    with reading() as db:
        return db.get(ReturnBox, _mark(settings))


def trouble(settings: Settings) -> str | None:
    """Why the mailbox cannot be read, asked now; None where it can."""
    try:
        with imap.opened(imap.Place.of_url(settings.bounces_url), settings.mail_timeout):
            return None
    except FAULTS as fault:
        return imap.words(fault)


@use_case
def note(
    db: Db,
    box: str,
    *,
    validity: int | None = None,
    last: int | None = None,
    unclaimed: int | None = None,
    fault: str | None = None,
) -> None:
    """Keep how far the mailbox was read, and what is said of it; what is not given stays as it was."""
    row = db.get(ReturnBox, box, with_for_update=True)
    if row is None:
        row = ReturnBox(box=box, validity=0, last=0, unclaimed=0, fault="", looked_at=now())
        db.add(row)
    if validity is not None and validity != row.validity:
        row.validity, row.last = validity, 0
    row.last = row.last if last is None else max(row.last, last)
    row.unclaimed = row.unclaimed if unclaimed is None else unclaimed
    row.fault = row.fault if fault is None else fault
    row.looked_at = now()


def _mark(settings: Settings) -> str:
    """What tells this mailbox from another, without its password."""
    parts = urlsplit(settings.bounces_url)
    return hashlib.sha256(
        f"{parts.hostname} {parts.port} {parts.username} {parts.path}".encode()
    ).hexdigest()[:32]
