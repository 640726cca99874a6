"""What the other side says of a flow after it has answered: asked for some weeks, kept beside the first answer, told.

The accountant may acquit again what was acquitted, acquit what the operator had called in error, or say the contrary of
the first acquit; the folder may be over, given up, or hold a newer flow by then. Nothing is overwritten and no folder
moves: who follows it reads both, and asks the accountant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256 as digest
from typing import Any, Final

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, reading
from app.core.outbox import News, Outbox, Row, post
from app.core.transaction import use_case
from app.files import vault
from app.folders.models import Folder
from app.folders.notices import deciders
from app.journal.chain import Event, append
from app.people.actor import Actor, system
from app.transmission import answered, silences
from app.transmission.channels import open_channel
from app.transmission.keeping import is_kept, keep_answer
from app.transmission.models import Receipt, Transmission, answers_of
from app.transmission.parcel import parcel_of
from app.transmission.ports import Answer, AnswerKind
from app.transmission.traits import having
from config import Settings

KIND: Final = "answer.again"
EVENT: Final = "another_answer"
ENDED: Final = ("acknowledged", "partial", "refused")
DAYS: Final = (1, 2, 4, 8, 16, 32)
"""When it is asked again, in days after the first answer."""
EVERY: Final = timedelta(hours=1)
REPEATS, CONTRADICTS, UNREAD = "repeats", "contradicts", "unread"
LINES: Final = {
    REPEATS: "transmission.repeats",
    CONTRADICTS: "transmission.contradicts",
    UNREAD: "transmission.unread",
}
TITLES: Final = {
    REPEATS: "Acquit reçu de nouveau, qui dit la même chose",
    CONTRADICTS: "Acquit suivant, qui contredit le premier",
    UNREAD: "Acquit suivant, à vérifier",
}


class Watch:
    """What the watchdog calls; it looks once an hour in this process."""

    def __init__(self) -> None:
        self._looked: datetime | None = None

    def __call__(self) -> None:
        """Write the rows that ask again what is due."""
        if self._looked is not None and now() - self._looked < EVERY:
            return
        look()
        self._looked = now()


def look() -> int:
    """Have each flow that was answered asked about again on its days; returns how many rows are new."""
    moment = now()
    query = sa.select(Transmission.id, Transmission.collectivity_id, Transmission.ended_at).where(
        Transmission.channel.in_(having("asked_again")),
        Transmission.state.in_(ENDED),
        Transmission.reference.is_not(None),
        Transmission.ended_at <= moment - timedelta(days=DAYS[0]),
        Transmission.ended_at > moment - timedelta(days=2 * DAYS[-1]),
    )
    with reading() as db:
        rows = db.execute(query).all()
        due = {f"{KIND}-{row.id}-{_day(row.ended_at, moment)}": row for row in rows}
        known = set(db.scalars(sa.select(Outbox.key).where(Outbox.key.in_(due))))
    return sum(_ask(row.collectivity_id, key, row.id) for key, row in due.items() if key not in known)


def _day(ended_at: datetime, moment: datetime) -> int:
    return max(days for days in DAYS if ended_at + timedelta(days=days) <= moment)


@use_case
def _ask(db: Db, collectivity_id: int, key: str, transmission_id: int) -> int:
    # Again, in the transaction: another worker may have written it since.
    if db.scalar(sa.select(Outbox.id).where(Outbox.key == key)) is not None:
        return 0
    folder_id = db.get_one(Transmission, transmission_id).folder_id
    post(db, collectivity_id, [News(KIND, key, {"transmission_id": transmission_id}, folder_id)])
    return 1


def asked_about(channel: str, reference: str) -> int:
    """Have a sending that was answered asked about now, whatever its day; returns how many rows are new."""
    query = sa.select(Transmission.id, Transmission.collectivity_id).where(
        Transmission.channel == channel,
        Transmission.reference == reference,
        Transmission.state.in_(ENDED),
    )
    with reading() as db:
        rows = db.execute(query).all()
    return sum(_ask(row.collectivity_id, f"{KIND}-{row.id}-{now().isoformat()}", row.id) for row in rows)


def ask(row: Row, settings: Settings) -> None:
    """Ask the other side about a sending that it answered, and keep what it says otherwise."""
    actor = system(row.collectivity_id)
    with reading(row.collectivity_id) as db:
        sending = db.get_one(Transmission, row.payload["transmission_id"])
        channel = open_channel(sending.channel)
        # Of one made before its versions were kept, nobody knows any more what an answer should be compared with
        if sending.simulated != channel.simulated or sending.reference is None or not sending.versions:
            return
        reference, name = sending.reference, sending.channel
        with parcel_of(
            db,
            db.get_one(Folder, sending.folder_id),
            round_number=sending.round,
            step=sending.step,
            prepared_at=sending.prepared_at,
            settings=settings,
            versions=sending.versions,
        ) as parcel:
            db.close()  # what follows may wait for the network: no connection is held meanwhile
            with silences.watching(actor, name, settings):
                answer = channel.poll(parcel, reference)
    if answer.raw is not None:
        stored = vault.store().put_bytes(vault.scope(actor.collectivity_id), answer.raw)
        keep(actor, row.payload["transmission_id"], answer, stored.sha256)


@use_case
def keep(db: Db, actor: Actor, transmission_id: int, answer: Answer, sha256: str) -> bool:
    """Keep an answer that came after the first, beside it, and tell who follows the folder what it does not repeat.

    The same bytes again change nothing; the same words again are kept, and told to nobody. No folder moves. False for
    what was there, and for a sending that nobody has answered: that is for `dispatch`.
    """
    row = db.get_one(Transmission, transmission_id, with_for_update=True)
    folder = db.get_one(Folder, row.folder_id, with_for_update=True)
    if row.state not in ENDED or is_kept(db, row, sha256):
        return False
    after = _after(db, row, answer)
    keep_answer(db, actor, row, folder, answer, sha256, title=TITLES[after], after=after)
    if after != UNREAD:
        answered.heard(db, folder, row, answer, later=True)
    facts: dict[str, Any] = {"channel": row.channel, "receipt": sha256, "reason": answer.reason}
    facts |= {"simulated": answer.simulated, "answer": answer.kind.value, "round": row.round}
    append(db, actor.collectivity_id, Event(LINES[after], actor.name, None, folder.id, facts))
    if after != REPEATS:
        _tell(db, actor, row, folder, answer)
    return True


def _after(db: Db, row: Transmission, answer: Answer) -> str:
    """How an answer stands to the first one; after a refusal by the operator alone, a refusal adds its why."""
    if answer.kind is AnswerKind.PENDING:
        return UNREAD
    if row.state != answer.kind.value:
        return CONTRADICTS
    first = sa.select(Receipt.id).where(
        Receipt.transmission_id == row.id, Receipt.kind == row.state, Receipt.after.is_(None)
    )
    alone = row.state == "refused" and db.scalar(first) is None
    return REPEATS if alone or (row.reason or "") == (answer.reason or "") else CONTRADICTS


def _tell(db: Db, actor: Actor, row: Transmission, folder: Folder, answer: Answer) -> None:
    """A letter to each who follows the folder, once for what it says, whatever bytes say it again."""
    mark = digest(f"{answer.kind.value} {answer.reason}".encode()).hexdigest()[:16]
    payload = {"event": EVENT, "folder_id": folder.id, "by": actor.name}
    news = {
        key: News("mail", key, {**payload, "user_id": user_id}, folder.id)
        for user_id in sorted(deciders(db, folder, row.round))
        for key in [f"{EVENT}-{row.id}-{mark}-{user_id}"]
    }
    known = set(db.scalars(sa.select(Outbox.key).where(Outbox.key.in_(news))))
    post(db, actor.collectivity_id, [mail for key, mail in news.items() if key not in known])


@dataclass(frozen=True)
class Other:
    """An answer that came after the first and does not repeat it, with the sending that it is about."""

    sending: Transmission
    receipt: Receipt


def others(db: Db, folder: Folder) -> Sequence[Other]:
    """Those of a folder, of whatever round, oldest first."""
    answers = (Other(*row) for row in answers_of(db, folder.id))
    later = [other for other in answers if other.receipt.after in {CONTRADICTS, UNREAD}]
    return sorted(later, key=lambda other: other.receipt.id)
