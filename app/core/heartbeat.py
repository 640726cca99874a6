"""The worker says each minute that it lives, so that a dead one is seen before its work is missed."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Db, reading
from app.core.questions import Question
from app.core.transaction import use_case

WORKER, SWEEP = "worker", "sweep"
"""Who says each minute that it lives, and each time that it has swept."""


class Heartbeat(Base):
    """The last sign of life of a kind of process."""

    __tablename__ = "heartbeat"

    name: Mapped[str] = mapped_column(primary_key=True)
    beat_at: Mapped[datetime]


SIGNS = Question((Heartbeat,), Heartbeat.name.in_((WORKER, SWEEP)), order=lambda row: row[0].name)
"""The last signs of life of the worker, the same for every collectivity."""


@use_case
def beat(db: Db, name: str, moment: datetime) -> None:
    """Write a sign of life."""
    row = db.get(Heartbeat, name)
    if row is None:
        db.add(Heartbeat(name=name, beat_at=moment))
    else:
        row.beat_at = moment


def last(name: str) -> datetime | None:
    """The last sign of life, or None."""
    with reading() as db:
        return db.scalar(sa.select(Heartbeat.beat_at).where(Heartbeat.name == name))
