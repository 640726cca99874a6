"""Whether what comes by itself comes in: each mailbox that is read opens, and a sorting desk has what no row takes."""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from app.arrivals import routing
from app.arrivals.models import Mailbox, Scanner
from app.chorus.own import asked as fetched
from app.core import schema
from app.core.db import Db, reading
from app.core.grammar import plural
from app.core.refusals import Refusal
from app.operations.findings import Level, Remark, Unwell
from app.people.models import Collectivity
from config import Settings

OFFICE = "voyez « Administration », « Arrivées »"


def everywhere(settings: Settings) -> str | Remark:
    """Of every collectivity, each named."""
    del settings  # what the worker saw five minutes ago is told: nobody is asked
    if schema.behind():
        return Remark("à examiner une fois la base à jour", Level.UNKNOWN)
    with reading() as db:
        rows = db.execute(sa.select(Collectivity.id, Collectivity.name).order_by(Collectivity.id)).all()
    troubles, count = [], 0
    for row in rows:
        sources, found = _examined(row.id)
        count += sources
        troubles += [f"{row.name} : {trouble}" for trouble in found]
    return _outcome(count, troubles)


def here(collectivity_id: int) -> str | Remark:
    """Of one collectivity, for its administrators."""
    return _outcome(*_examined(collectivity_id))


def _outcome(count: int, troubles: list[str]) -> str | Remark:
    if troubles:
        raise Unwell(f"{' ; '.join(troubles)} : {OFFICE}")
    if not count:
        return Remark("rien n’arrive de soi-même", Level.NONE)
    return plural(count, "provenance, et un bureau de tri", "provenances, et un bureau de tri")


def _examined(collectivity_id: int) -> tuple[int, list[str]]:
    """How many ways in there are, and what is wrong with them."""
    with reading(collectivity_id) as db:
        mine = sa.select(Mailbox).where(Mailbox.collectivity_id == collectivity_id, Mailbox.active)
        boxes = db.scalars(mine.order_by(Mailbox.id)).all()
        scanners = sa.select(sa.func.count()).where(
            Scanner.collectivity_id == collectivity_id, Scanner.active
        )
        sources = len(boxes) + (db.scalar(scanners) or 0)
        sources += fetched(db.get_one(Collectivity, collectivity_id).settings)
        return sources, list(_troubles(db, collectivity_id, boxes, sources))


def _troubles(db: Db, collectivity_id: int, boxes: Sequence[Mailbox], sources: int) -> Iterator[str]:
    for box in boxes:
        if box.fault:
            yield f"la boîte {box.address} ne se relève pas, {box.fault.rstrip('.')}"
    if not sources:
        return
    try:
        routing.led(db, collectivity_id, routing.INVOICE, {})
    except Refusal:
        yield "aucun bureau de tri ne peut recevoir ce qu’aucune règle ne prend, et tout attend"
