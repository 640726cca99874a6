"""What the directory of suppliers knows of the one whom an order names: proposed for its draft, entered by a person alone.

Of the suppliers whom the reader of the draft sees there, and from the folders that he reads: what he types tells him nothing of
the others.
"""

from collections.abc import Iterator

from app.core.db import Db
from app.core.texts import key_of
from app.folders.access import reader_of
from app.folders.models import Folder
from app.folders.sockets import Proposal
from app.invoices.suppliers import directory
from app.people.actor import Actor

SHORTEST = 3
"""Signs of a name from which a supplier is looked for."""
ALIKE = 5
"""Suppliers of the same words among which the one of that very name is looked for."""


def proposals(db: Db, order: Folder) -> list[Proposal]:
    """The SIRET and the address of the supplier whose name is typed, where they are not, and his whole name with them."""
    name = str(order.fields.get("seller") or "")
    missing = [key for key in ("seller_siret", "seller_email") if not order.fields.get(key)]
    reader = reader_of(db)
    if reader is None or not missing or len(key_of(name)) < SHORTEST:
        return []
    supplier = _named(db, reader, name)
    if supplier is None:
        return []
    told = [one for one in _told(db, reader, supplier) if one.field in missing]
    if told and supplier.name != name:
        told.append(
            Proposal(
                "seller",
                supplier.name,
                supplier.name,
                supplier.name,
                guessed=False,
                known=True,
                completes=name,
            )
        )
    return told


def _named(db: Db, reader: Actor, name: str) -> directory.Line | None:
    """The supplier of this name, else the only one that has its words."""
    found, more = directory.page(db, reader, directory.Asked(name), ALIKE)
    same = [line for line in found if key_of(line.name) == key_of(name)]
    alone = found if more is None else []
    return same[0] if len(same) == 1 else alone[0] if len(alone) == 1 else None


def _told(db: Db, reader: Actor, supplier: directory.Line) -> Iterator[Proposal]:
    """The latest of what its folders say."""
    entry = directory.entry(db, reader, supplier.id)
    for key, spans in (("seller_siret", entry.sirets), ("seller_email", entry.contacts)):
        if spans:
            words = f"{supplier.name}, {spans[0].words}"
            yield Proposal(key, spans[0].text, spans[0].text, words, guessed=False, known=True)
