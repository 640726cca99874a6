"""Linking a credential of the trust service to its owner: who can have it sign is who it belongs to.

A certificate is public and a list of credentials is no proof: the person has the service sign a sentence that says
what is done, with the same codes or page as for a document, and the signature is checked before anything is written.
"""

import hashlib
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.people import identity
from app.people.actor import Actor
from app.people.models import User
from app.signing import setting
from app.signing.enrol import Awaited, Proof, awaited, carry_on, enrolled, refuse_taken
from app.signing.enrolling.possession import checked, statement_of
from app.signing.keys.csc import CscKey
from app.signing.models import Certificate, RemoteKey, RemoteRequest
from app.signing.remote import pending
from app.signing.remote.pending import Authorisation
from app.trust import algorithms
from app.trust.certificates import CertificateFacts, facts

MOST_SHOWN = 20


@dataclass(frozen=True)
class Offer:
    """A credential that the service knows for a user: its certificate, or the refusal that says why it cannot serve."""

    credential: str
    certificate: CertificateFacts | None
    refusal: Refusal | None = None


def offers(user: str) -> list[Offer]:
    """The first credentials of a user of the service; refuses what the service answers to the list itself."""
    return list(_offers(user))


def _offers(user: str) -> Iterator[Offer]:
    service = setting.remote_service()
    for credential in service.credentials(user)[:MOST_SHOWN]:
        try:
            yield Offer(credential, facts(CscKey.open(service, credential).certificate))
        except Refusal as refusal:
            if refusal.key in {"csc-silent", "csc-access-refused"}:
                raise
            yield Offer(credential, None, refusal)


def ask(actor: Actor, credential: str) -> Authorisation:
    """Ask the owner of a credential for the proof that it is his.

    Refuses a certificate that may not sign (`app.trust.certificates`), a credential that signs without asking anything of
    anybody (`csc-credential-unguarded`), one that is somebody else's here (`csc-credential-taken`).
    """
    service = setting.remote_service()
    identity.refuse_stale(actor)
    key = CscKey.open(service, credential)
    if not key.wants:
        raise Refusal("csc-credential-unguarded")
    certificate = checked(key.certificate, list(key.chain))
    with reading(actor.collectivity_id) as db:
        _refuse_taken(db, actor, service.url, credential)
        refuse_taken(db, actor.user_id or 0, certificate.fingerprint_sha256)
    statement = statement_of(certificate, actor)
    challenges = key.challenges([hashlib.new(key.digest, statement.encode()).digest()])
    return pending.open_request(actor, credential, key.certificate, challenges, statement=statement)


def finish(actor: Actor, row: RemoteRequest) -> Awaited:
    """Check the proof of a request that the service has signed, and link; why the certificate waits for a word, if it does.

    Refuses `csc-proof-wrong`.
    """
    with reading(actor.collectivity_id) as db:
        (proof,) = db.get_one(RemoteRequest, row.id).signatures
    pending.end(row.id, "done")
    signature, statement = b64decode(proof), str(row.statement).encode()
    try:
        algorithms.check_signature(
            row.certificate, signature, statement, algorithms.of(row.certificate).digest
        )
    except Refusal as refusal:
        raise Refusal("csc-proof-wrong") from refusal
    return link(
        actor, row.credential, facts(row.certificate), row.certificate, hashlib.sha256(signature).hexdigest()
    )


@use_case
def link(
    db: Db, actor: Actor, credential: str, facts: CertificateFacts, certificate: bytes, proof: str
) -> Awaited:
    """Enrol the certificate to the person who proved that it is his, and keep by which credential it signs."""
    service = setting.remote_service().url
    _refuse_taken(db, actor, service, credential)
    row = enrolled(db, actor, actor.user_id or 0, facts, certificate, proof=Proof.REMOTE)
    db.execute(
        sa.delete(RemoteKey)
        .where(
            RemoteKey.collectivity_id == actor.collectivity_id,
            sa.or_(
                sa.and_(RemoteKey.service == service, RemoteKey.credential == credential),
                RemoteKey.certificate_id == row.id,
            ),
        )
        .execution_options(synchronize_session=False)
    )
    db.add(
        RemoteKey(
            collectivity_id=actor.collectivity_id,
            certificate_id=row.id,
            service=service,
            credential=credential,
            linked_at=now(),
        )
    )
    line = {"user": actor.user_id, "fingerprint": row.fingerprint, "credential": credential, "proof": proof}
    append(db, actor.collectivity_id, Event("certificate.linked", actor.name, actor.user_id, None, line))
    db.flush()
    carry_on(db, row)
    return awaited(row, db.get_one(User, row.user_id))


def _refuse_taken(db: Db, actor: Actor, service: str, credential: str) -> None:
    query = (
        sa.select(Certificate.user_id)
        .join(RemoteKey, RemoteKey.certificate_id == Certificate.id)
        .where(
            RemoteKey.service == service,
            RemoteKey.credential == credential,
            Certificate.withdrawn_at.is_(None),
            Certificate.user_id != actor.user_id,
        )
    )
    if db.scalar(query) is not None:
        raise Refusal("csc-credential-taken")
