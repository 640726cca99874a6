"""A person's own image of signature: kept, taken away, and given to the stamp of that person's signatures alone."""

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, reading
from app.core.questions import once
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.people.actor import Actor
from app.signing.models import HandwrittenImage

_png = sa.select(HandwrittenImage.png).where(HandwrittenImage.user_id == sa.bindparam("user"))


def keep(actor: Actor, data: bytes) -> None:
    """Keep a person's image, in place of the former; refuses what `picture.cleaned` refuses."""
    from app.signing.handwriting.picture import cleaned

    write(actor, cleaned(data))


@use_case
def write(db: Db, actor: Actor, png: bytes) -> None:
    """Write an image that was cleaned."""
    row = _row(db, actor)
    if row is None:
        row = HandwrittenImage(collectivity_id=actor.collectivity_id, user_id=actor.user_id)
        db.add(row)
    row.png, row.kept_at = png, now()
    _tell(db, actor, "kept")


@use_case
def remove(db: Db, actor: Actor) -> None:
    """Take one's image away: the next signatures have words alone; what was signed stays as it is."""
    row = _row(db, actor)
    if row is not None:
        db.delete(row)
        _tell(db, actor, "removed")


def of(actor: Actor) -> bytes | None:
    """The PNG that decorates this person's signatures, or None; a seal or an application has none."""
    with reading(actor.collectivity_id) as db:
        return read(db, actor)


def read(db: Db, actor: Actor) -> bytes | None:
    """The same in a session of its caller's."""
    if actor.user_id is None:
        return None
    png = once(db, ("handwriting", actor.user_id), lambda: db.scalar(_png, {"user": actor.user_id}))
    return bytes(png) if png is not None else None


def _row(db: Db, actor: Actor) -> HandwrittenImage | None:
    return db.scalar(sa.select(HandwrittenImage).where(HandwrittenImage.user_id == actor.user_id))


def _tell(db: Db, actor: Actor, act: str) -> None:
    event = Event(f"signature.image.{act}", actor.name, actor.user_id, None, {"user": actor.user_id})
    append(db, actor.collectivity_id, event)
