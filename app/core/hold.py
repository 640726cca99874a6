"""A restored installation holds its tongue: nothing leaves until a person says, in words, that it may.

The place that was saved may still be at work: were both to send, an act would leave twice. What people do meanwhile is
kept, and waits with the rest.
"""

import time
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Db, engine, reading

SEEN = 5.0
"""Seconds for which a process believes what it read of the hold: the pages say it, the outbox asks each time."""


class Hold(Base):
    """One restoration: since when nothing leaves, of when the copy was, and by which words it ended."""

    __tablename__ = "hold"

    id: Mapped[int] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    copied_at: Mapped[datetime]
    resumed_at: Mapped[datetime | None]
    resumed_words: Mapped[str | None]


_lasting = sa.select(Hold.id).where(Hold.resumed_at.is_(None))
none_lasts = ~sa.exists(_lasting)
"""The condition of whatever leaves."""
_last_look: dict[str, tuple[float, datetime | None]] = {}


def since(db: Db) -> datetime | None:
    """Since when nothing leaves, or None when everything may."""
    return db.scalar(sa.select(sa.func.min(Hold.since)).where(Hold.resumed_at.is_(None)))


def last_since(db: Db) -> datetime | None:
    """Since when the last of the restorations that hold is there: the copy that it put back may have been held itself."""
    return db.scalar(sa.select(sa.func.max(Hold.since)).where(Hold.resumed_at.is_(None)))


def held() -> bool:
    """Whether nothing may leave now."""
    with reading() as db:
        return since(db) is not None


def shown() -> datetime | None:
    """Since when nothing leaves, for a page: read a few seconds ago at most; what was read last while the base is silent."""
    place, moment = str(engine().url), time.monotonic()
    read_at, known = _last_look.get(place, (-SEEN, None))
    if moment - read_at < SEEN:
        return known
    try:
        with reading() as db:
            known = since(db)
    except SQLAlchemyError:
        return known
    _last_look[place] = (moment, known)
    return known
