"""Desks that are told of a folder and act on nothing: they read it from a step on, and get one letter, once."""

from collections.abc import Sequence

import sqlalchemy as sa

from app.core.db import Db
from app.folders.models import TOLD, Folder, StepRun
from app.folders.seats import Person, Slot
from app.people.models import Desk, Holder, User


def to_tell(db: Db, folder: Folder, keys: Sequence[str]) -> tuple[Slot, ...]:
    """Those of these desks that were never told of this folder, in their order, each with all who hold it.

    One that is closed, or is no more, is left out: what informs stops no folder. So is one where the reading of the
    folder is closed (`Folder.read_as`). One statement; none without keys.
    """
    law = folder.read_as
    keys = [key for key in keys if not law.closed_at(key)]
    if not keys:
        return ()
    informed = sa.exists().where(
        StepRun.folder_id == folder.id, StepRun.kind == TOLD, StepRun.desk_id == Desk.id
    )
    query = (
        sa.select(Desk.id, Desk.key, Desk.name, User)
        .outerjoin(Holder, Holder.desk_id == Desk.id)
        .outerjoin(User, sa.and_(User.id == Holder.user_id, User.active.is_(True)))
        .where(
            Desk.collectivity_id == folder.collectivity_id,
            Desk.key.in_(keys),
            Desk.closed_at.is_(None),
            ~informed,
        )
        .order_by(User.id)
    )
    desks: dict[str, tuple[int, str, list[Person]]] = {}
    for number, key, name, user in db.execute(query):
        people = desks.setdefault(key, (number, name, []))[2]
        if user is not None:
            people.append(Person(user.id, user.name, user.email))
    return tuple(
        Slot(f"{TOLD}:{key}", desks[key][1], desks[key][0], None, tuple(desks[key][2]))
        for key in keys
        if key in desks
    )
