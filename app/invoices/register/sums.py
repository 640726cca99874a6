"""What the invoices of the register add up to: those that are owed or paid, once each; the others are counted apart."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from app.core.db import Db
from app.core.french import EURO
from app.folders.models import Folder
from app.folders.readings import rulings_on_cautions
from app.folders.sockets import mark_of
from app.invoices import outside
from app.invoices.history import TWICE
from app.invoices.keys import SAME
from app.invoices.models import InvoiceKey
from app.invoices.register import choosing
from app.invoices.register.choosing import Asked
from app.people.actor import Actor
from workflows.circuit import WITHDRAWN, Phase

DRAFT, REJECTED, GIVEN_UP, TWIN, ABROAD = "draft", "rejected", "given up", "twin", "abroad"
_WORDS = {
    DRAFT: ("{} brouillon", "{} brouillons"),
    REJECTED: ("{} rejetée", "{} rejetées"),
    GIVEN_UP: ("{} abandonnée", "{} abandonnées"),
    TWIN: ("{} doublon possible, à trancher", "{} doublons possibles, à trancher"),
    ABROAD: ("{} dans une autre monnaie", "{} dans une autre monnaie"),
}
_folder: Any = Folder.__table__
_key: Any = InvoiceKey.__table__


@dataclass(frozen=True)
class Sum:
    """How many invoices are added up, and to what, credit notes subtracted; None where they are too many to be.

    `apart`: how many of those wanted are not, by why.
    """

    count: int | None
    cents: int | None
    apart: Mapping[str, int] = field(default_factory=dict)

    @property
    def apart_words(self) -> str:
        """« 2 brouillons, 1 rejetée »; empty where all are added up."""
        return ", ".join(
            _WORDS[why][self.apart[why] > 1].format(self.apart[why]) for why in _WORDS if self.apart.get(why)
        )


def total(db: Db, actor: Actor, wanted: Asked) -> Sum:
    """The count and the sum of what is wanted, in four statements whatever their number."""
    numbers = choosing.chosen(db, actor, wanted, choosing.SUMMED + 1)
    if len(numbers) > choosing.SUMMED:
        return Sum(None, None)
    if not numbers:
        return Sum(0, 0)
    query = sa.select(
        _folder.c.id,
        _folder.c.phase,
        _folder.c.place,
        _folder.c.amount_cents,
        _folder.c.fields["currency"].as_string().label("currency"),
    ).where(_folder.c.id.in_(numbers))
    there = outside.rejected(actor.collectivity_id)
    refused = set()
    if there is not None:
        refused = set(
            db.scalars(sa.select(_folder.c.id).where(_folder.c.id.in_(numbers), _folder.c.id.in_(there)))
        )
    rows = db.execute(query).all()
    why = {row.id: _apart(row, refused) for row in rows}
    for number in _twins(db, [number for number, reason in why.items() if not reason]):
        why[number] = TWIN
    owed = [row.amount_cents or 0 for row in rows if not why[row.id]]
    return Sum(len(owed), sum(owed), Counter(reason for reason in why.values() if reason))


def _apart(row: Any, refused: Collection[int]) -> str:
    """Why an invoice is not added up; empty where it is."""
    if row.id in refused or row.phase == Phase.REJECTED:
        return REJECTED
    if row.place == WITHDRAWN:
        return GIVEN_UP
    if row.currency not in (None, "", EURO):
        return ABROAD
    return DRAFT if row.phase == Phase.DRAFT else ""


def _twins(db: Db, numbers: Sequence[int]) -> list[int]:
    """Those of these that an earlier one of them is already, until somebody ruled that the two are distinct."""
    if not numbers:
        return []
    mine, other = _key.alias("mine"), _key.alias("other")
    pairs = db.execute(
        sa.select(mine.c.folder_id, other.c.folder_id)
        .join(other, sa.and_(other.c.collectivity_id == mine.c.collectivity_id, other.c.key == mine.c.key))
        .where(
            mine.c.folder_id.in_(numbers),
            mine.c.kind == SAME,
            other.c.kind == SAME,
            other.c.folder_id < mine.c.folder_id,
        )
        .distinct()
    ).all()
    counted = set(numbers)
    alike = [(later, former) for later, former in pairs if former in counted]
    if not alike:
        return []
    query = sa.select(Folder).where(Folder.id.in_({number for pair in alike for number in pair}))
    folders = {folder.id: folder for folder in db.scalars(query)}
    return sorted({later for later, former in alike if _open(folders[later], folders[former])})


def _open(folder: Folder, former: Folder) -> bool:
    """Whether nobody ruled, on either, that two invoices are distinct."""
    return not any(
        {f"{TWICE}:{mark_of(other)}", f"{TWICE}:{other.id}"} & set(rulings_on_cautions(invoice.sources))
        for invoice, other in ((folder, former), (former, folder))
    )
