"""Take back the visas of a batch that was just done, folder by folder: each as it would be taken back on its own page."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.batches.carry import locked
from app.batches.gesture import mine
from app.batches.models import BatchItem
from app.core.clock import now
from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.core.transaction import use_case
from app.folders import pause
from app.folders.models import Folder
from app.folders.undoing import taken_back
from app.people.actor import Actor

BACK = "Votre visa est repris : le dossier vous attend de nouveau."


@dataclass(frozen=True)
class Offer:
    """What of a batch may still be taken back: how many folders, and for how many seconds."""

    count: int
    left: int


@dataclass(frozen=True)
class Taken:
    """What became of a batch that is taken back: how many folders, and of each other one a sentence that says why."""

    count: int
    stayed: Sequence[str]


def offered(db: Db, actor: Actor, batch_id: int) -> Offer | None:
    """What of an ended batch of visas its person may take back now; None where nothing is."""
    done = [item.changed_at for item, version in _recent(db, actor, batch_id) if version == _after(item)]
    return Offer(len(done), pause.left(max(done))) if done else None


def _recent(db: Db, actor: Actor, batch_id: int) -> Sequence[tuple[BatchItem, int]]:
    """The visas of an ended batch whose seconds last, each with the version at which its folder stands now."""
    batch = mine(db, actor, batch_id)
    if batch.kind != "approve" or batch.ended_at is None or not pause.lasts(batch.ended_at):
        return []
    query = sa.select(BatchItem, Folder.version).join(Folder, Folder.id == BatchItem.folder_id)
    query = query.where(BatchItem.batch_id == batch.id, BatchItem.state == "done")
    rows = db.execute(query.order_by(BatchItem.position)).all()
    return [(item, version) for item, version in rows if pause.lasts(item.changed_at)]


def _after(item: BatchItem) -> int:
    """The version of the folder that its visa made: any other one, and something happened to it since."""
    return item.folder_version + 1


def take_back(actor: Actor, batch_id: int) -> Taken:
    """Take back every visa of an ended batch that may be; one that may not stays, and keeps no other.

    Refuses `batch-unknown` of another’s, and `take-back-late` where the seconds of them all are over.
    """
    with reading(actor.collectivity_id) as db:
        items = [(item.id, item.title) for item, _ in _recent(db, actor, batch_id)]
    if not items:
        raise Refusal("take-back-late", seconds=int(pause.seconds()))
    count, stayed = 0, list[str]()
    for number, title in items:
        try:
            count += _take_back(actor, batch_id, number)
        except Refusal as refusal:
            stayed.append(_stayed(title, refusal))
    return Taken(count, stayed)


def _stayed(title: str, refusal: Refusal) -> str:
    if refusal.key == "moved-on":  # whoever moved it: the visa may be taken back already
        return f"« {title} » a changé depuis : ouvrez-le."
    if refusal.key == "not-found":
        return f"« {title} » a changé depuis, et vous ne le lisez plus."
    return f"« {title} » reste visé. {sentences.say(refusal.key, refusal.facts)[1]}"


@use_case
def _take_back(db: Db, actor: Actor, batch_id: int, item_id: int) -> bool:
    """Take one folder back, and say so in the batch, in one transaction; false where another click has."""
    mine(db, actor, batch_id)
    item = locked(db, item_id, "done")
    if item is None:
        return False
    taken_back(db, actor, item.folder_id, _after(item))
    item.state, item.reason, item.changed_at = "refused", BACK, now()
    return True
