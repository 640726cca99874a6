"""Certificates and their owners: enrol, withdraw, list."""

import re
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.people.actor import Actor
from app.people.models import User
from app.signing.models import Certificate
from app.signing.purpose import Purpose

if TYPE_CHECKING:
    from app.signing.trust import CertificateFacts


def enrol_file(actor: Actor, owner: int | None, data: bytes, purpose: str | None) -> None:
    """Enrol the public certificate of a file (DER or PEM) to a person, once it is sure that it may sign at all.

    Refuses `no-file`, what `app.signing.trust.check_certificate` refuses, and what `enrol` does.
    """
    from app.signing import setting
    from app.signing.trust import certificates_in, check_certificate

    if owner is None:
        raise Refusal("certificate-owner-unknown")
    if not data:
        raise Refusal("no-file")
    try:
        wanted = Purpose(purpose or Purpose.ACTS)
    except ValueError:
        raise Refusal("bad-request", detail="cet usage d’un certificat n’existe pas") from None
    first, *others = [one.dump() for one in certificates_in(data)]
    facts = check_certificate(first, others, trust=setting.trust(), moment=now(), enrolled=None)
    setting.remember(others)
    enrol(actor, owner, facts, first, wanted)


@use_case
def enrol(
    db: Db,
    actor: Actor,
    user_id: int,
    facts: "CertificateFacts",
    der: bytes,
    purpose: Purpose = Purpose.ACTS,
) -> None:
    """Let a person sign with a certificate, for a purpose; the same one twice changes nothing.

    Refuses `certificate-owner-unknown`, what is made for seals but for the seal (`certificate-is-seal`), and another
    purpose than the one already written, unless an administrator asks (`certificate-purpose-set`).
    """
    enrolled(db, actor, user_id, facts, der, purpose)


def enrolled(
    db: Db,
    actor: Actor,
    user_id: int,
    facts: "CertificateFacts",
    der: bytes,
    purpose: Purpose = Purpose.ACTS,
) -> Certificate:
    """What `enrol` does, in the caller's transaction; the row of the person's certificate."""
    owner = sa.select(User.id).where(
        User.id == user_id, User.collectivity_id == actor.collectivity_id, User.active.is_(True)
    )
    if db.scalar(owner) is None:
        raise Refusal("certificate-owner-unknown")
    if purpose is not Purpose.SEAL and _made_for_seals(der):
        raise Refusal("certificate-is-seal")
    query = sa.select(Certificate).where(
        Certificate.user_id == user_id, Certificate.fingerprint == facts.fingerprint_sha256
    )
    known = db.scalar(query)
    if known is not None:
        if known.purpose != purpose and not actor.administrator:
            raise Refusal("certificate-purpose-set")
        if known.withdrawn_at is None and known.purpose == purpose:
            return known
        known.withdrawn_at, known.purpose = None, purpose.value
        row = known
    else:
        row = Certificate(
            collectivity_id=actor.collectivity_id,
            user_id=user_id,
            subject=facts.subject,
            issuer=facts.issuer,
            serial=facts.serial,
            fingerprint=facts.fingerprint_sha256,
            purpose=purpose.value,
            not_after=facts.not_after,
            der=der,
            enrolled_at=now(),
            enrolled_by=actor.name,
        )
        db.add(row)
        db.flush()  # who links it elsewhere names it
    said = {
        "user": user_id,
        "fingerprint": facts.fingerprint_sha256,
        "serial": facts.serial,
        "purpose": purpose.value,
    }
    append(db, actor.collectivity_id, Event("certificate.enrolled", actor.name, actor.user_id, None, said))
    return row


def _made_for_seals(der: bytes) -> bool:
    from app.signing.assurance import statements
    from app.signing.trust import certificates_in

    return statements(certificates_in(der)[0]).seal_only


@use_case
def withdraw(db: Db, actor: Actor, certificate_id: int) -> None:
    """Stop signing with one of one's certificates, or with anybody's for an administrator; what was signed stays."""
    query = sa.select(Certificate).where(
        Certificate.id == certificate_id, Certificate.collectivity_id == actor.collectivity_id
    )
    row = db.scalar(query if actor.administrator else query.where(Certificate.user_id == actor.user_id))
    if row is None:
        raise Refusal("certificate-unknown")
    row.withdrawn_at = now()
    said = {"user": row.user_id, "fingerprint": row.fingerprint}
    append(db, actor.collectivity_id, Event("certificate.withdrawn", actor.name, actor.user_id, None, said))


def all_certificates(db: Db) -> list[tuple[User, Certificate]]:
    """Every certificate in use of the session's collectivity, with its owner, by name."""
    query = (
        sa.select(User, Certificate)
        .join(Certificate, Certificate.user_id == User.id)
        .where(Certificate.withdrawn_at.is_(None))
        .order_by(User.last_name, User.first_name, Certificate.id)
    )
    return [(user, row) for user, row in db.execute(query)]


def certificates_of(db: Db, user_id: int) -> list[Certificate]:
    """The certificates that a person may sign with, newest first."""
    query = sa.select(Certificate).where(Certificate.user_id == user_id, Certificate.withdrawn_at.is_(None))
    return list(db.scalars(query.order_by(Certificate.id.desc())))


def common_name(said: str) -> str:
    """The name inside a distinguished name, as a person reads it."""
    found = re.search(r"Common Name: ([^,;]+)", said)
    return found.group(1) if found else said
