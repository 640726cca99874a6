"""Rows that the routing may gain: the last three invoices of a seller were at one desk, and no row leads what he sends there."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from app.arrivals import criteria
from app.arrivals.models import Arrival, State
from app.arrivals.routing import SERVICE, Destination, Routing, Row
from app.core.db import Db
from app.folders.models import Folder
from app.invoices.keys import seller_key, sellers_of
from app.invoices.models import InvoiceKey
from app.people.models import Desk

ENOUGH: Final = 3
LOOKED: Final = 200
"""So many of the last arrivals are looked at."""
MOST: Final = 5


@dataclass(frozen=True)
class Learnt:
    """A seller, and the desk that had its last invoices; `row` is what the routing would gain."""

    seller: str
    siren: str
    desk: str
    row: Row


def learnt(db: Db, collectivity_id: int, routing: Routing) -> list[Learnt]:
    """The sellers of the last arrivals that no row catches, whose last invoices were sent from one desk."""
    if routing.otherwise is None:
        return []
    sellers = _sellers(db, collectivity_id, routing)
    keys = {
        seller_key(one): siren
        for siren, name in sellers.items()
        for one in sellers_of({"seller_siren": siren, "seller": name})
    }
    if not keys:
        return []
    query = (
        sa.select(InvoiceKey.key, Folder.id, Desk.key, Desk.name, Folder.fields)
        .join(Folder, Folder.id == InvoiceKey.folder_id)
        .join(Desk, Desk.id == Folder.emitter_desk_id)
        .where(
            InvoiceKey.collectivity_id == collectivity_id,
            InvoiceKey.key.in_(keys),
            Folder.round > 0,
            Desk.closed_at.is_(None),
        )
        .order_by(InvoiceKey.folder_id.desc())
        .limit(LOOKED)
    )
    last: dict[str, dict[int, tuple[str, str, str]]] = defaultdict(dict)
    for key, number, desk, name, fields in db.execute(query):
        if len(last[keys[key]]) < ENOUGH:
            last[keys[key]][number] = desk, name, str(fields.get(SERVICE) or "")
    habits = []
    for siren, by_folder in last.items():
        several = list(by_folder.values())
        desks, services = {one[0] for one in several}, {one[2] for one in several}
        if len(several) == ENOUGH and len(desks) == 1:
            service = next(iter(services)) if len(services) == 1 else ""
            to = Destination(several[0][0], "", service)
            if to.desk != routing.otherwise.desk or (service and service != routing.otherwise.service):
                habits.append(Learnt(sellers[siren], siren, several[0][1], Row({"seller": siren}, to)))
    return sorted(habits, key=lambda one: one.seller)[:MOST]


def _sellers(db: Db, collectivity_id: int, routing: Routing) -> dict[str, str]:
    """The names of the sellers of the last arrivals, by SIREN, but those that a row looks for already."""
    query = (
        sa.select(Arrival.clues)
        .where(Arrival.collectivity_id == collectivity_id, Arrival.state == State.OPENED)
        .order_by(Arrival.id.desc())
        .limit(LOOKED)
    )
    looked_for = [row.when["seller"] for row in routing.rows if "seller" in row.when]
    sellers: dict[str, str] = {}
    for clues in db.scalars(query):
        siren, told = criteria.answers(clues)["seller"][:9], criteria.answers(clues)
        if siren and not any(criteria.hold({"seller": one}, told) for one in looked_for):
            sellers.setdefault(siren, str(clues.get("seller") or siren))
    return sellers
