"""The mandate by which an invoice is paid: its number, as the finance software or a person says it, once.

A second number never takes the place of the first by itself: it is kept beside it, for a person to look at.
"""

from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db
from app.folders.models import Folder
from app.invoices.keys import MANDATED
from app.invoices.models import InvoiceKey
from app.people.actor import Actor

KEPT = "mandate"
"""In `Folder.sources`: `number`, `who`, `at`, `software` where it said it, and `others`, the numbers that were said since."""


def mandate_of(folder: Folder) -> str:
    """The number of the mandate; empty while none is known."""
    return str(folder.sources.get(KEPT, {}).get("number", ""))


def others_of(folder: Folder) -> list[str]:
    """The other numbers that were said of it."""
    return [str(number) for number in folder.sources.get(KEPT, {}).get("others", ())]


def by_software(db: Db, place: int) -> bool:
    """Whether the last invoice of a collectivity whose mandate is known has it from the finance software."""
    last = (
        sa.select(InvoiceKey.folder_id)
        .where(InvoiceKey.collectivity_id == place, InvoiceKey.key == MANDATED)
        .order_by(InvoiceKey.folder_id.desc())
        .limit(1)
    )
    sources = db.scalar(sa.select(Folder.sources).where(Folder.id == last.scalar_subquery()))
    return bool((sources or {}).get(KEPT, {}).get("software"))


def keep(db: Db, folder: Folder, number: str, actor: Actor) -> None:
    """Write the number, in place of any other, and the key by which the register finds it."""
    if not mandate_of(folder):
        key = InvoiceKey(
            folder_id=folder.id, collectivity_id=folder.collectivity_id, key=MANDATED, kind=MANDATED
        )
        db.add(key)
    row: dict[str, Any] = {"number": number, "who": actor.name, "at": now().isoformat()}
    if actor.kind == "application":
        row["software"] = True
    folder.sources = {**folder.sources, KEPT: row}


def keep_other(folder: Folder, number: str, other: str) -> bool:
    """Write that another number was said than this one, which stands; False where that is written already."""
    others = others_of(folder)
    if other in others:
        return False
    row = {"number": number, "who": "", "at": now().isoformat(), **folder.sources.get(KEPT, {})}
    folder.sources = {**folder.sources, KEPT: {**row, "others": [*others, other]}}
    return True
