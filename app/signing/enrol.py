"""Certificates and their owners: enrol, withdraw, list."""

from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.people.actor import Actor
from app.signing.models import Certificate

if TYPE_CHECKING:
    from app.signing.trust import CertificateFacts


@use_case
def enrol(db: Db, actor: Actor, user_id: int, facts: "CertificateFacts", der: bytes) -> None:
    """Let a person sign with a certificate; the same one twice changes nothing."""
    query = sa.select(Certificate).where(
        Certificate.user_id == user_id, Certificate.fingerprint == facts.fingerprint_sha256
    )
    known = db.scalar(query)
    if known is not None:
        known.withdrawn_at = None
        return
    db.add(
        Certificate(
            collectivity_id=actor.collectivity_id,
            user_id=user_id,
            subject=facts.subject,
            issuer=facts.issuer,
            serial=facts.serial,
            fingerprint=facts.fingerprint_sha256,
            not_after=facts.not_after,
            der=der,
            enrolled_at=now(),
            enrolled_by=actor.name,
        )
    )
    said = {"user": user_id, "fingerprint": facts.fingerprint_sha256, "serial": facts.serial}
    append(db, actor.collectivity_id, Event("certificate.enrolled", actor.name, actor.user_id, None, said))


@use_case
def withdraw(db: Db, actor: Actor, certificate_id: int) -> None:
    """Stop signing with one of one's certificates; what was signed stays."""
    row = db.scalar(
        sa.select(Certificate).where(Certificate.id == certificate_id, Certificate.user_id == actor.user_id)
    )
    if row is None:
        raise Refusal("certificate-unknown")
    row.withdrawn_at = now()
    said = {"user": row.user_id, "fingerprint": row.fingerprint}
    append(db, actor.collectivity_id, Event("certificate.withdrawn", actor.name, actor.user_id, None, said))


def certificates_of(db: Db, user_id: int) -> list[Certificate]:
    """The certificates that a person may sign with, newest first."""
    query = sa.select(Certificate).where(Certificate.user_id == user_id, Certificate.withdrawn_at.is_(None))
    return list(db.scalars(query.order_by(Certificate.id.desc())))
