"""What one gesture means for all the folders of a batch: what the law says of each kind, and in which capacity it is signed."""

from collections import Counter
from dataclasses import dataclass

import sqlalchemy as sa

from app.batches.progress import Standing
from app.circuits.library import catalogue
from app.core.db import Db
from app.folders.models import Folder
from app.people.actor import Actor
from app.signing.authority import words_of
from app.signing.legal import legal_sentence


@dataclass(frozen=True)
class Meant:
    """Folders of one family that are signed with the same meaning and in the same words: how many, what it means, as whom."""

    label: str
    count: int
    legal: str
    capacity: str


def meanings(db: Db, actor: Actor, seen: Standing) -> list[Meant]:
    """What the signature of those still to be signed means, in the order of the batch; nothing of a batch that signs nothing."""
    if seen.kind != "sign":
        return []
    order = [one.folder_id for one in seen.of("waiting", "prepared")]
    rows = {one.id: one for one in db.scalars(sa.select(Folder).where(Folder.id.in_(order)))}
    folders = [rows[key] for key in order if key in rows]
    capacities = words_of(db, actor, folders)
    families = catalogue()
    counted = Counter(
        (families[one.family].label, legal_sentence(db, one), capacities.get(one.id, "")) for one in folders
    )
    return [Meant(label, count, legal, capacity) for (label, legal, capacity), count in counted.items()]
