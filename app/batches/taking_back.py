"""Take back what a batch has just done, folder by folder: a visa, a part handed on, each as on its own page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.batches.carry import locked
from app.batches.gesture import mine
from app.batches.models import BACK, BatchItem
from app.core.clock import now
from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.core.transaction import use_case
from app.folders import pause, undoing
from app.folders.access import readable_by
from app.folders.models import Folder
from app.folders.undoing import taken_back
from app.people.actor import Actor

CLOSELY = 60
"""Of how many folders the page asks each whether it may be taken back; of more, what may not is told by the button alone."""
PAST = {"approve": "visé", "hand": "confié"}


@dataclass(frozen=True)
class Offer:
    """What of a batch may still be taken back: how many folders, and until when."""

    count: int
    until: datetime


@dataclass(frozen=True)
class Taken:
    """What became of a batch that is taken back: how many folders, and of each other one a sentence that says why."""

    count: int
    stayed: Sequence[str]


def offered(db: Db, actor: Actor, batch_id: int) -> Offer | None:
    """What of an ended batch of visas, or of what was handed on, its person may take back now; None where nothing is."""
    rows = {item.folder_id: item for item, version in _recent(db, actor, batch_id) if version == _after(item)}
    query = sa.select(Folder).where(Folder.id.in_(rows), readable_by(actor))
    folders = db.scalars(query).all() if rows else ()
    # Each as its own page offers it: a cover under which it was done may have ended, a desk been closed
    closely = len(folders) <= CLOSELY
    able = [
        rows[folder.id] for folder in folders if not closely or undoing.offered(db, folder, actor) is not None
    ]
    ends = [item.final_at for item in able if item.final_at is not None]
    return Offer(len(ends), max(ends)) if ends else None


def _recent(db: Db, actor: Actor, batch_id: int) -> Sequence[tuple[BatchItem, int]]:
    """What an ended batch did whose seconds last, each with the version at which its folder stands now."""
    batch = mine(db, actor, batch_id)
    if batch.kind not in BACK or batch.ended_at is None:
        return []
    query = sa.select(BatchItem, Folder.version).join(Folder, Folder.id == BatchItem.folder_id)
    query = query.where(BatchItem.batch_id == batch.id, BatchItem.state == "done", BatchItem.final_at > now())
    rows = db.execute(query.order_by(BatchItem.position)).all()
    return [(item, version) for item, version in rows if pause.lasts(item.changed_at, item.final_at)]


def _after(item: BatchItem) -> int:
    """The version of the folder that its visa made: any other one, and something happened to it since."""
    return item.folder_version + 1


def take_back(actor: Actor, batch_id: int) -> Taken:
    """Take back all that an ended batch did and that may be; one that may not stays, and keeps no other.

    Refuses `batch-unknown` of another’s, `take-back-late` where the time of them all is over, and `take-back-none`.
    """
    with reading(actor.collectivity_id) as db:
        past = PAST.get(mine(db, actor, batch_id).kind, "")
        items = [(item.id, item.title) for item, _ in _recent(db, actor, batch_id)]
        seconds = _seconds(db, batch_id) if not items else None
    if not items:
        raise Refusal("take-back-late", seconds=int(seconds)) if seconds else Refusal("take-back-none")
    count, stayed = 0, list[str]()
    for number, title in items:
        try:
            count += _take_back(actor, batch_id, number)
        except Refusal as refusal:
            stayed.append(_stayed(title, past, refusal))
    return Taken(count, stayed)


def _seconds(db: Db, batch_id: int) -> float | None:
    """For how many seconds the visas of a batch could be taken back; None where none could."""
    last = sa.select(BatchItem).where(BatchItem.batch_id == batch_id, BatchItem.final_at.is_not(None))
    item = db.scalar(last.order_by(BatchItem.final_at.desc()).limit(1))
    return (item.final_at - item.changed_at).total_seconds() if item and item.final_at else None


def _stayed(title: str, past: str, refusal: Refusal) -> str:
    if refusal.key == "moved-on":  # whoever moved it: the visa may be taken back already
        return f"« {title} » a changé depuis : ouvrez-le."
    if refusal.key == "not-found":
        return f"« {title} » a changé depuis, et vous ne le lisez plus."
    return f"« {title} » reste {past}. {sentences.say(refusal.key, refusal.facts)[1]}"


@use_case
def _take_back(db: Db, actor: Actor, batch_id: int, item_id: int) -> bool:
    """Take one folder back, and say so in the batch, in one transaction; false where another click has."""
    batch = mine(db, actor, batch_id)
    item = locked(db, item_id, "done")
    if item is None:
        return False
    taken_back(db, actor, item.folder_id, _after(item))
    item.state, item.reason, item.changed_at = "refused", BACK[batch.kind], now()
    return True
