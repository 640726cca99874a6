"""What each person keeps at hand in a long list, first wherever the list is shown; nobody else sees it."""

import sqlalchemy as sa

from app.core.db import Db
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.models import Favourite
from app.folders.sockets import plugged
from app.people.actor import Actor


def favourites_of(db: Db, user_id: int | None, kind: str) -> frozenset[str]:
    """The values of this kind of field that a person keeps; some may no longer be offered, and may be again."""
    query = sa.select(Favourite.value).where(Favourite.user_id == user_id, Favourite.kind == kind)
    return frozenset(db.scalars(query))


@use_case
def star(db: Db, actor: Actor, kind: str, value: str, *, kept: bool) -> None:
    """Keep a value at hand for whoever acts, or no longer; a second time changes nothing.

    Refuses `favourite-unknown` for a value that is not offered here, or an actor that is nobody.
    """
    offered = plugged.options[kind](db, actor.collectivity_id)
    if actor.user_id is None or (kept and value not in dict(offered)):
        raise Refusal("favourite-unknown")
    row = db.get(Favourite, (actor.user_id, kind, value))
    if kept and row is None:
        made = Favourite(collectivity_id=actor.collectivity_id, user_id=actor.user_id, kind=kind, value=value)
        db.add(made)
    elif not kept and row is not None:
        db.delete(row)
