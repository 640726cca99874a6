"""Which credentials of the trust service a person may sign with: the linked ones whose certificate is still enrolled."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.people.actor import Actor
from app.signing.models import Certificate, RemoteKey


@dataclass(frozen=True)
class Linked:
    """A credential of the service, and its certificate as it was enrolled (DER)."""

    id: int
    certificate_id: int
    credential: str
    certificate: bytes
    subject: str
    issuer: str
    enrolled_at: datetime
    not_after: datetime


def linked(db: Db, user_id: int | None, service: str) -> list[Linked]:
    """A person's credentials at the service of this address, newest first."""
    query = (
        sa.select(RemoteKey, Certificate)
        .join(Certificate, Certificate.id == RemoteKey.certificate_id)
        .where(
            Certificate.user_id == user_id, Certificate.withdrawn_at.is_(None), RemoteKey.service == service
        )
        .order_by(RemoteKey.id.desc())
    )
    return [
        Linked(
            key.id,
            row.id,
            key.credential,
            row.der,
            row.subject,
            row.issuer,
            row.enrolled_at,
            row.not_after,
        )
        for key, row in db.execute(query)
    ]


def own(actor: Actor, key_id: int, service: str) -> Linked:
    """One of this person's own credentials; refuses everybody else's (`csc-key-unknown`)."""
    with reading(actor.collectivity_id) as db:
        keys = [key for key in linked(db, actor.user_id, service) if key.id == key_id]
    if not keys:
        raise Refusal("csc-key-unknown")
    return keys[0]
