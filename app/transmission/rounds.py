"""Rounds of fetching: for each period and collectivity, one row of background work that asks a carrier what waits there."""

from typing import Any

import sqlalchemy as sa

from app.core import outbox
from app.core.clock import now
from app.core.db import Db, reading
from app.core.outbox import News, Outbox, post
from app.people.actor import Actor
from app.people.models import Collectivity


def due(kind: str, name: str, seconds: float, having: sa.ColumnElement[bool]) -> dict[str, int]:
    """The rounds that should begin now: the key of each (`name`, collectivity, period) and its collectivity.

    `having`: of which collectivities, as a condition on them. A round that nobody answered is still under way: it goes on by
    itself, and no other begins beside it.
    """
    slot = int(now().timestamp() // seconds)
    with reading() as db:
        under_way = sa.select(sa.literal(1)).where(_under_way(kind, Collectivity.id))
        concerned = sa.select(Collectivity.id).where(having, ~under_way.exists())
        rounds = {
            f"{name}-{collectivity_id}-{slot}": collectivity_id for collectivity_id in db.scalars(concerned)
        }
        known = set(db.scalars(sa.select(Outbox.key).where(Outbox.key.in_(rounds))))
    return {key: collectivity_id for key, collectivity_id in rounds.items() if key not in known}


def request(db: Db, actor: Actor, kind: str, key: str) -> None:
    """Write the row of a round, or hasten the one that waits for an answer; a key already used changes nothing."""
    waiting = db.scalar(sa.select(Outbox.id).where(_under_way(kind, actor.collectivity_id)).limit(1))
    if waiting is not None:
        outbox.hasten(db, waiting)
    elif db.scalar(sa.select(Outbox.id).where(Outbox.key == key)) is None:
        post(db, actor.collectivity_id, [News(kind, key, {})])


def _under_way(kind: str, collectivity_id: Any) -> sa.ColumnElement[bool]:
    return sa.and_(
        Outbox.kind == kind,
        Outbox.collectivity_id == collectivity_id,
        sa.text("outbox.state IN ('pending','running')"),
    )
