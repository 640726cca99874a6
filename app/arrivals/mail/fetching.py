"""Read the mailboxes of the collectivities every five minutes: a mail is marked, or goes, once its arrival is committed."""

import tempfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa
import structlog

from app.arrivals import receiving
from app.arrivals.mail import boxes, letter
from app.arrivals.mail.boxes import Box
from app.arrivals.models import Mailbox, Way
from app.core.addresses import AddressRefusedError
from app.core.clock import now
from app.core.db import Db, reading
from app.core.grammar import plural
from app.core.outbox import News, Outbox, Row, post
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.keep import Incoming
from app.notices import imap
from config import Settings

log = structlog.get_logger()
FAULTS: Final = (*imap.FAULTS, AddressRefusedError, Refusal)
KIND: Final = "arrivals.mail"
EVERY: Final = 5
"""Minutes between two looks."""
MOST: Final = 40
"""Mails read at one look; the others wait for the next."""
MOST_MISSED: Final = 20
"""Mails that could not be read or kept, and are asked again; beyond, the mailbox is read no further."""
LARGE: Final = "arrival-mail-large"
STRANGER: Final = "arrival-sender"


def look() -> None:
    """Ask that each mailbox be read, once for each five minutes, whoever looks."""
    with reading() as db:
        query = sa.select(Mailbox.id, Mailbox.collectivity_id).where(Mailbox.active, Mailbox.secret != "")
        active = db.execute(query).all()
    if not active:
        return
    moment = now()
    at = f"{moment:%Y%m%d%H}-{moment.minute // EVERY}"
    _ask({f"{KIND}-{row.id}-{at}": (row.collectivity_id, row.id) for row in active})


@use_case
def _ask(db: Db, wanted: dict[str, tuple[int, int]]) -> None:
    known = set(db.scalars(sa.select(Outbox.key).where(Outbox.key.in_(wanted))))
    for key, (collectivity_id, number) in wanted.items():
        if key not in known:
            post(db, collectivity_id, [News(KIND, key, {"mailbox": number})])


class Round:
    """What the worker does of a look; a mailbox that does not answer is told on its page and by the doctor."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, row: Row) -> None:
        """Read what came."""
        with reading(row.collectivity_id) as db:
            found = db.get(Mailbox, row.payload["mailbox"])
            if found is None or not found.active or not found.secret:
                return
            box = boxes.plain(found)
        try:
            read(box, self._settings)
        except FAULTS as fault:
            log.warning("arrivals.mail_unread", mailbox=box.id, error=repr(fault))
            boxes.note(box.collectivity_id, box.id, fault=boxes.words(fault))


def read(box: Box, settings: Settings) -> int:
    """Read what came since the last look; how many mails were kept. Raises what `boxes.place` does, and `imap.FAULTS`.

    A mail that cannot be read or kept stops none of the others: it is told, and asked again at each look.
    """
    count, why = 0, ""
    with imap.opened(boxes.place(box, settings), settings.mail_timeout) as line:
        validity = imap.validity(line)
        last, former = (box.last, box.missed) if box.validity == validity else (0, ())
        missed = set(former)
        # What was missed comes last: one that breaks the line breaks it for nobody
        for number in (*imap.after(line, last)[:MOST], *former):
            try:
                count += _take(box, line, number, settings)
                missed.discard(number)
            except Exception as fault:
                log.warning("arrivals.mail_missed", mailbox=box.id, number=number, error=repr(fault))
                if len(missed | {number}) > MOST_MISSED:
                    raise
                missed.add(number)
                why = boxes.words(fault) if isinstance(fault, FAULTS) else "il n’a pas pu être gardé"
                if isinstance(fault, imap.BROKEN):
                    boxes.note(box.collectivity_id, box.id, validity=validity, last=number, missed=missed)
                    raise
            boxes.note(box.collectivity_id, box.id, validity=validity, last=number, missed=missed)
    boxes.note(box.collectivity_id, box.id, validity=validity, fault=_missing(len(missed), why))
    return count


def _missing(count: int, why: str) -> str:
    """What is said of the mails that did not come."""
    if not count:
        return ""
    stays = "n’est pas venu, et est redemandé" if count < 2 else "ne sont pas venus, et sont redemandés"
    return f"{plural(count, 'courriel')} {stays} {boxes.AGAIN} : {why}"


def _take(box: Box, line: imap.Session, number: int, settings: Settings) -> bool:
    """Read a mail and keep it; whether it was not here before."""
    size, moment = imap.measure(line, number)
    large = size > settings.upload_limit
    raw = imap.bytes_of(line, number, part="HEADER" if large else "")
    if not raw:
        return False
    new = keep(box, raw, min(moment or now(), now()), large=large)
    with suppress(*imap.FAULTS):  # kept already: a mark that is missing loses nothing
        (imap.remove if box.removes and not large else imap.mark_seen)(line, number)
    return new


def keep(box: Box, raw: bytes, received_at: datetime, *, large: bool = False) -> bool:
    """Keep a mail and what it brings, in one arrival; whether it was not here before."""
    mail = letter.read(raw)
    refused = LARGE if large else mail.refused
    with tempfile.TemporaryDirectory(prefix="paraphe-") as folder:
        room = Path(folder)
        files = [_written(room / str(rank), name, data) for rank, (name, data) in enumerate(mail.files)]
        proof = _written(room / "courriel", "courriel.eml", raw)
        told = f"Courriel de {mail.sender or 'personne'}"
        received = receiving.receive(
            box.collectivity_id,
            Way.MAIL,
            mail.identifier,
            [] if refused else files,
            origin=f"{told} : {mail.subject}" if mail.subject else told,
            name=f"Boîte {box.address}",
            received_at=received_at,
            evidence=[proof],
            kind=box.kind,
            clues={"sender": mail.sender, "mailbox": box.address},
            held="" if mail.ignored or boxes.allows(box, mail.sender) else STRANGER,
            refused=refused,
            ignored=mail.ignored,
            remarks=mail.remarks,
        )
    return received.new


def _written(path: Path, name: str, data: bytes) -> Incoming:
    path.write_bytes(data)
    return Incoming(path, name)
