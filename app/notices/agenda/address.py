"""The secret address at which a calendar reads what waits for somebody: one an account, shown once, taken away at once.

The base keeps its hash alone. It ends with the account, and opens nothing but this feed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, reading
from app.core.security import new_token, token_hash
from app.core.transaction import use_case
from app.people.actor import Actor
from app.people.desks import write_down
from app.people.models import User

PAGE, QUERY = "/agenda.ics", "lien"
"""Where a calendar asks, and what bears the secret after the « ? », which no log of a proxy keeps (`docs/operations.md`)."""
OPENED, CLOSED = "account.agenda_opened", "account.agenda_closed"
"""The lines of the journal."""
NOTED_EACH = timedelta(minutes=10)
"""How often at most the last reading is written down: a calendar that asks all the time costs no write each time."""


@dataclass(frozen=True)
class Address:
    """Since when an account has an address, and when a calendar last read it, None for never."""

    since: datetime
    read_at: datetime | None


def address_of(user: User) -> Address | None:
    """The address of an account; None where there is none."""
    return None if user.agenda_since is None else Address(user.agenda_since, user.agenda_read_at)


@use_case
def give(db: Db, actor: Actor) -> str:
    """A new address for the actor, whose secret is returned this once; the one before answers no more."""
    secret, user = new_token(), _locked(db, actor)
    user.agenda_hash, user.agenda_since, user.agenda_read_at = token_hash(secret), now(), None
    write_down(db, actor.collectivity_id, OPENED, actor, whose=user.id)
    return secret


@use_case
def take_away(db: Db, actor: Actor) -> bool:
    """The actor's address answers no more; False where there was none."""
    user = _locked(db, actor)
    if user.agenda_hash is None:
        return False
    user.agenda_hash = user.agenda_since = user.agenda_read_at = None
    write_down(db, actor.collectivity_id, CLOSED, actor, whose=user.id)
    return True


def owner_of(secret: str) -> tuple[int, int] | None:
    """The collectivity and the account of a secret; None of one that never was, was taken away, or whose account is closed."""
    query = sa.select(User.collectivity_id, User.id).where(
        User.agenda_hash == token_hash(secret), User.active.is_(True)
    )
    with reading() as db:
        row = db.execute(query).one_or_none()
    return None if row is None else (row.collectivity_id, row.id)


def note_reading(collectivity_id: int, user_id: int) -> None:
    """Keep that a calendar reads now, where that was not just written."""
    with reading(collectivity_id) as db:
        last = db.scalar(sa.select(User.agenda_read_at).where(User.id == user_id))
    if last is None or last <= now() - NOTED_EACH:
        _note(collectivity_id, user_id)


@use_case
def _note(db: Db, collectivity_id: int, user_id: int) -> None:
    db.info["collectivity_id"] = collectivity_id
    read = sa.update(User).where(User.id == user_id, User.agenda_hash.is_not(None))
    db.execute(read.values(agenda_read_at=now()).execution_options(synchronize_session=False))


def _locked(db: Db, actor: Actor) -> User:
    query = sa.select(User).where(User.id == actor.user_id).with_for_update()
    return db.scalars(query.execution_options(populate_existing=True)).one()
