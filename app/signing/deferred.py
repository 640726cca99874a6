"""Signatures received now and embedded later by the worker: they no longer expire, and outlive the process that had them."""

from collections.abc import Sequence
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


def receive(db: Db, actor: Actor, sessions: Sequence[str], batch_id: int) -> frozenset[str]:
    """Note, in the caller's transaction, that the signatures of these sessions came in time and belong to a batch; of which.

    Left out: a session that is not this person's in this login session, has expired or already served.
    """
    taken = db.scalars(
        sa.update(SignatureSession)
        .where(*alive(actor, sessions))
        .values(batch_id=batch_id, expires_at=now() + WAIT)
        .returning(SignatureSession.id)
        .execution_options(synchronize_session=False)
    )
    return frozenset(taken)


@use_case
def take(
    db: Db, collectivity_id: int, user_id: int, batch_id: int, sessions: Sequence[str]
) -> dict[str, SignatureSession]:
    """Claim the received sessions of a batch for whoever completes them now; by its word, each that is not over.

    Left out: one that is done, has expired, is another person's or another batch's. Its caller alone works on them (an
    outbox lease), so one that is claimed was claimed by a process that died. Signing twice stays impossible:
    `record.record` writes state, proof and move together, once.
    """
    taken = db.scalars(
        sa.update(SignatureSession)
        .where(
            SignatureSession.id.in_(sessions),
            SignatureSession.collectivity_id == collectivity_id,
            SignatureSession.user_id == user_id,
            SignatureSession.batch_id == batch_id,
            SignatureSession.state != "done",
            SignatureSession.expires_at > now(),
        )
        .values(state="claimed")
        .returning(SignatureSession)
        .execution_options(synchronize_session=False)
    )
    return {session.id: session for session in taken}
