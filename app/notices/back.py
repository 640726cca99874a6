"""What came back to be corrected, and whom it awaits: who deposited it, else the desk that he has left."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.circuits.library import family_of
from app.core.db import Db
from app.folders.access import FOLDER, STEP, with_right
from app.folders.models import Folder
from app.people.actor import Actor
from app.people.models import Holder, User
from workflows.family import typed_name
from workflows.rights import allows
from workflows.vocabulary import Right

_FOLDERS: Any = sa.inspect(Folder).local_table.alias("back")
_HOLDERS: Any = sa.inspect(Holder).local_table
_AT, _LEFT = _HOLDERS.alias("corrects"), _HOLDERS.alias("deposited")
_WHO: Any = sa.inspect(User).local_table.alias("depositor")


def any_for(person: Any) -> sa.ColumnElement[bool]:
    """Whether a folder may have come back to somebody, as a column of a statement about people.

    What he may do there is asked when his letter is written (`returned`).
    """
    there = sa.exists().where(
        _LEFT.c.user_id == _FOLDERS.c.depositor_user_id,
        _LEFT.c.desk_id == _FOLDERS.c.emitter_desk_id,
        _WHO.c.id == _LEFT.c.user_id,
        _WHO.c.active.is_(True),
    )
    return sa.exists().where(
        _AT.c.user_id == person,
        _FOLDERS.c.emitter_desk_id == _AT.c.desk_id,
        sa.text("back.phase = 'rejected'"),
        sa.or_(_FOLDERS.c.depositor_user_id == person, sa.not_(there)),
    )


def returned(db: Db, actor: Actor, most: int) -> list[tuple[tuple[str, str], datetime]]:
    """The type of each folder that the actor is to correct, and when it came back, so many at most.

    Of these was told whom `notices.correctors` names.
    """
    refused = sa.select(sa.func.max(STEP.c.ended_at)).where(
        STEP.c.folder_id == FOLDER.c.id, STEP.c.state == "rejected", STEP.c.sent_to.is_(None)
    )
    query = (
        sa.select(
            FOLDER.c["depositor_user_id", "emitter_desk_id", "family", "type_version_id"],
            sa.func.coalesce(refused.scalar_subquery(), FOLDER.c.updated_at).label("at"),
        )
        .where(
            sa.text("f.phase = 'rejected'"),
            FOLDER.c.collectivity_id == actor.collectivity_id,
            with_right(actor, Right.CREATE, FOLDER.c.emitter_desk_id, FOLDER),
        )
        .limit(most)
    )
    rows = db.execute(query).all()
    others = [row for row in rows if row.depositor_user_id not in {actor.user_id, None}]
    rights = _rights_of(db, {(row.depositor_user_id, row.emitter_desk_id) for row in others})
    theirs = {
        id(row)
        for row in others
        if allows(rights.get((row.depositor_user_id, row.emitter_desk_id), []), Right.CREATE, *type_of(row))
    }
    return [(type_of(row), row.at) for row in rows if id(row) not in theirs]


def type_of(row: Any) -> tuple[str, str]:
    """Its family and the key of its own type, empty for none."""
    own = row.type_version_id
    return row.family, family_of(typed_name(row.family, own)).type_key if own is not None else ""


def _rights_of(db: Db, seats: Collection[tuple[int, int]]) -> dict[tuple[int, int], Any]:
    """The rights of these people at these desks, of those whose account is open."""
    if not seats:
        return {}
    query = (
        sa.select(Holder.user_id, Holder.desk_id, Holder.rights)
        .join(User, User.id == Holder.user_id)
        .where(User.active.is_(True), Holder.user_id.in_({user for user, _ in seats}))
    )
    return {(row.user_id, row.desk_id): row.rights for row in db.execute(query)}
