"""The orders signed here that delegate: what a mandate is made from (CGCT L2122-18, L2131-1)."""

import re
from collections.abc import Collection

import sqlalchemy as sa

from app.core.db import Db
from app.folders.effect import effects_of
from app.folders.models import Folder
from app.folders.publicity import signed_on
from app.people.mandates import Order

FAMILIES = ("regulatory_decree", "individual_decree")
MATTERS = ("5.4", "5.5")
"""Delegations of function, delegations of signature, in the classification of @CTES."""
MOST = 100
_NOT_IN_NUMBERS = re.compile(r"[^A-Za-z0-9]+")


def orders(db: Db) -> list[Order]:
    """Those of the session's collectivity, executory or not, the last first."""
    query = (
        sa.select(Folder)
        .where(
            Folder.family.in_(FAMILIES), Folder.phase.in_(("running", "done")), Folder.place != "withdrawn"
        )
        .where(sa.or_(*(Folder.fields["matter"].as_string().startswith(one) for one in MATTERS)))
        .order_by(Folder.id.desc())
        .limit(MOST)
    )
    folders = list(db.scalars(query))
    worth = effects_of(db, [one.id for one in folders])
    found = []
    for folder in folders:
        signed, effect = signed_on(db, folder), worth.get(folder.id)
        if signed is not None:
            executory = effect.enforceable_on if effect is not None else None
            found.append(Order(folder.id, folder.number, folder.title, signed, executory))
    return found


def executory(db: Db, folder_ids: Collection[int]) -> set[int]:
    """Those of these orders that are executory today: published, received by the State if they must be, in force."""
    return {
        folder_id
        for folder_id, effect in effects_of(db, folder_ids).items()
        if effect.enforceable_on is not None
    }


def numbered(db: Db, number: str) -> list[int]:
    """The folders of orders that bear this number, as it may be typed (« 2026-214 », « 2026_214 »), signed or not."""
    wanted = _NOT_IN_NUMBERS.sub("_", number.strip()).upper()
    if not wanted:
        return []
    query = sa.select(Folder.id, Folder.number).where(
        Folder.family.in_(FAMILIES),
        Folder.phase.in_(("draft", "running", "rejected", "done")),
        Folder.place != "withdrawn",
    )
    return [one.id for one in db.execute(query.order_by(Folder.id)) if one.number.upper() == wanted]
