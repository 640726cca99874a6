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
LARGE: Final = "arrival-mail-large"
STRANGER: Final = "arrival-sender"


def look() -> None:
    """Ask that each mailbox be read, once for each five minutes, whoever looks."""
    with reading() as db:
        active = db.execute(sa.select(Mailbox.id, Mailbox.collectivity_id).where(Mailbox.active)).all()
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
            if found is None or not found.active:
                return
            box = boxes.plain(found)
        try:
            read(box, self._settings)
        except FAULTS as fault:
            log.warning("arrivals.mail_unread", mailbox=box.id, error=repr(fault))
            boxes.note(box.collectivity_id, box.id, fault=boxes.words(fault))


def read(box: Box, settings: Settings) -> int:
    """Read what came since the last look; how many mails were kept. Raises what `boxes.place` does, and `imap.FAULTS`."""
    count = 0
    with imap.opened(boxes.place(box, settings), settings.mail_timeout) as line:
        validity = imap.validity(line)
        last = box.last if box.validity == validity else 0
        for number in imap.after(line, last)[:MOST]:
            size, moment = imap.measure(line, number)
            if size > settings.upload_limit:
                raw, large = imap.bytes_of(line, number, part="HEADER"), True
            else:
                raw, large = imap.bytes_of(line, number), False
            if raw:
                count += keep(box, raw, min(moment or now(), now()), large=large)
                with suppress(*imap.FAULTS):  # kept already: a mark that is missing loses nothing
                    (imap.remove if box.removes and not large else imap.mark_seen)(line, number)
            boxes.note(box.collectivity_id, box.id, validity=validity, last=number)
    boxes.note(box.collectivity_id, box.id, validity=validity, fault="")
    return count


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
