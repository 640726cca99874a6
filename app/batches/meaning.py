"""What one gesture means for all the folders of a batch: what the law says of each kind, and in which capacity it is signed."""

from collections import Counter
from dataclasses import dataclass

import sqlalchemy as sa

from app.batches.progress import Standing
from app.circuits.library import catalogue
from app.core.db import Db
from app.folders.models import Folder
from app.people.actor import Actor
from app.signing.authority import Wording, wordings_of
from app.signing.legal import legal_sentence


@dataclass(frozen=True)
class Meant:
    """Folders of one family that are signed with the same meaning and in the same words: how many, what it means, as whom.

    `absent`: in whose absence; empty for who signs at a part of his own.
    """

    label: str
    count: int
    legal: str
    capacity: str
    absent: str


def meanings(db: Db, actor: Actor, standing: Standing) -> list[Meant]:
    """What the signature of those still to be signed means, in the order of the batch; nothing of a batch that signs nothing."""
    if standing.kind != "sign":
        return []
    order = [line.folder_id for line in standing.of("waiting", "prepared")]
    rows = {folder.id: folder for folder in db.scalars(sa.select(Folder).where(Folder.id.in_(order)))}
    folders = [rows[key] for key in order if key in rows]
    wordings = wordings_of(db, actor, folders)
    families = catalogue()
    counted = Counter(
        (families[folder.family].label, legal_sentence(db, folder), wordings.get(folder.id, Wording("")))
        for folder in folders
    )
    return [Meant(label, count, legal, *wording) for (label, legal, wording), count in counted.items()]
