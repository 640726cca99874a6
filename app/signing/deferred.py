"""Signatures received now and embedded later by the worker: they no longer expire, and outlive the process that had them."""

from datetime import timedelta

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db
from app.core.transaction import use_case
from app.people.actor import Actor
from app.signing.models import SignatureSession
from app.signing.session import alive

WAIT = timedelta(days=1)
"""How long a signature that came in time may wait for the worker; what it is worth is judged when it is embedded."""


def receive(db: Db, actor: Actor, session: str, batch_id: int) -> bool:
    """Note, in the caller's transaction, that the signatures of a session came in time and belong to a batch.

    False when the session is not this person's in this login session, has expired or already served.
    """
    taken = db.execute(
        sa.update(SignatureSession)
        .where(*alive(actor, session))
        .values(batch_id=batch_id, expires_at=now() + WAIT)
        .returning(SignatureSession.id)
        .execution_options(synchronize_session=False)
    )
    return taken.one_or_none() is not None


@use_case
def take_again(db: Db, actor: Actor, session: str) -> str:
    """Give a received session back to whoever completes it now; returns `ready`, or what it is: `done`, `gone`.

    Its caller alone works on it (an outbox lease), so one that is claimed was claimed by a process that died. Signing
    twice stays impossible: `record.record` writes state, proof and move together, once.
    """
    query = sa.select(SignatureSession).where(
        SignatureSession.id == session, SignatureSession.user_id == actor.user_id
    )
    row = db.scalar(query.with_for_update())
    if row is None or row.batch_id is None:
        return "gone"
    if row.state == "done":
        return "done"
    row.state = "prepared"
    return "ready"
