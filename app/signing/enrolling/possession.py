"""The proof that a key is somebody's: a fresh sentence that says what is done, signed by the key before anything is written.

A certificate is public: whoever shows one has shown nothing. The sentence is of one person, in one collectivity and one
login session; it serves once, and for a few minutes. It is text, which no signature of a document can be taken for: those
are made over DER.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, reading
from app.core.french import instant_preuve
from app.core.grammar import de
from app.core.refusals import Refusal
from app.core.security import new_token
from app.core.transaction import use_case
from app.people import identity
from app.people.actor import Actor
from app.people.models import User
from app.signing import enrol, setting
from app.signing.enrol import Awaited, Proof
from app.signing.models import Certificate, PossessionChallenge
from app.signing.ports import ExternalKey, Prepared
from app.trust import algorithms, authorities
from app.trust.certificates import CertificateFacts, check_certificate, issuers_of
from app.trust.purpose import Purpose


@dataclass(frozen=True)
class ProofRequest:
    """What the key signs to be enrolled: the name of the challenge, and the bytes."""

    challenge: str
    prepared: Prepared


def ask(actor: Actor, key: ExternalKey, purpose: Purpose = Purpose.ACTS) -> ProofRequest:
    """Ask whoever shows a certificate for the proof that he has its key.

    Refuses who is not a person with an account (`certificate-owner-unknown`) or was not asked who he is for too long
    (`identity-needed`), a certificate that may not sign
    (`certificate-refused`), and one that is somebody else's (`certificate-taken`).
    """
    if actor.kind != "person" or actor.user_id is None:
        raise Refusal("certificate-owner-unknown")
    identity.refuse_stale(actor)
    chain = tuple(key.chain) or issuers_of(key.certificate, trust=authorities.trust(), moment=now())
    certificate = checked(key.certificate, chain)
    with reading() as db:
        enrol.refuse_taken(db, actor.user_id, certificate.fingerprint_sha256)
    name, statement = new_token(), statement_of(certificate, actor)
    keep(actor, name, key.certificate, chain, purpose, statement)
    data = statement.encode()
    algorithm = algorithms.of(key.certificate).digest
    return ProofRequest(
        name, Prepared("possession", data, hashlib.new(algorithm, data).digest(), 0, 0, algorithm)
    )


def prove(actor: Actor, challenge: str, signature: bytes) -> tuple[Awaited, Purpose]:
    """Enrol the certificate of a challenge that its key has signed; why it waits for an administrator's word, if it does.

    Refuses `possession-over` (another person's, another session's, used, expired), `possession-wrong` (another key's
    signature), and what `ask` and `enrol` refuse. A challenge serves once, whatever comes of it.
    """
    row = take(actor, challenge)
    certificate = row.certificate
    try:
        algorithms.check_signature(
            certificate, signature, row.statement.encode(), algorithms.of(certificate).digest
        )
    except Refusal as refusal:
        raise Refusal("possession-wrong") from refusal
    facts = checked(certificate, [bytes.fromhex(der) for der in row.chain])
    enrol.enrol(actor, row.user_id, facts, certificate, Purpose(row.purpose), Proof.CHALLENGE)
    with reading(actor.collectivity_id) as db:
        query = sa.select(Certificate).where(
            Certificate.user_id == row.user_id, Certificate.fingerprint == facts.fingerprint_sha256
        )
        return enrol.awaited(db.scalars(query).one(), db.get_one(User, row.user_id)), Purpose(row.purpose)


def certificate_of(actor: Actor, challenge: str) -> bytes:
    """The certificate of a challenge of this person, for who reads how its card signed; refuses `possession-over`."""
    with reading(actor.collectivity_id) as db:
        query = sa.select(PossessionChallenge.certificate).where(
            PossessionChallenge.id == challenge, PossessionChallenge.user_id == actor.user_id
        )
        certificate = db.scalar(query)
    if certificate is None:
        raise Refusal("possession-over")
    return bytes(certificate)


def checked(certificate: bytes, chain: tuple[bytes, ...] | list[bytes]) -> CertificateFacts:
    """The facts of a certificate that may sign; refuses as `check_certificate` does, in the words of enrolling."""
    with enrol.in_its_words():
        facts = check_certificate(certificate, chain, trust=authorities.trust(), moment=now(), enrolled=None)
    authorities.remember(chain)
    return facts


def statement_of(certificate: CertificateFacts, actor: Actor) -> str:
    """What the key signs, in words: which certificate, for whom, where, when; and a number that was never used."""
    return (
        f"Inscription dans Paraphe du certificat {de(certificate.common_name)}, numéro {certificate.serial}, "
        f"au nom {de(actor.name)}, {actor.collectivity_name}, {instant_preuve(now())}. Rien d’autre n’est signé. {new_token()}"
    )


@use_case
def keep(
    db: Db,
    actor: Actor,
    name: str,
    certificate: bytes,
    chain: tuple[bytes, ...],
    purpose: Purpose,
    statement: str,
) -> None:
    """Write what is asked; what the same person was asked before in this session is asked no more."""
    moment = now()
    earlier = sa.delete(PossessionChallenge).where(
        sa.or_(
            PossessionChallenge.expires_at < moment - timedelta(days=1),
            sa.and_(
                PossessionChallenge.user_id == actor.user_id,
                PossessionChallenge.login_session_id.is_not_distinct_from(actor.session_id),
            ),
        )
    )
    db.execute(earlier.execution_options(synchronize_session=False))
    db.add(
        PossessionChallenge(
            id=name,
            collectivity_id=actor.collectivity_id,
            user_id=actor.user_id or 0,
            login_session_id=actor.session_id,
            certificate=certificate,
            chain=[der.hex() for der in chain],
            purpose=purpose.value,
            statement=statement,
            expires_at=moment + timedelta(minutes=setting.minutes()),
        )
    )


@use_case
def take(db: Db, actor: Actor, challenge: str) -> PossessionChallenge:
    """Take a challenge for good: of two answers, one is looked at; refuses `possession-over`."""
    taken = db.scalar(
        sa.update(PossessionChallenge)
        .where(
            PossessionChallenge.id == challenge,
            PossessionChallenge.collectivity_id == actor.collectivity_id,
            PossessionChallenge.user_id == actor.user_id,
            PossessionChallenge.login_session_id.is_not_distinct_from(actor.session_id),
            PossessionChallenge.used_at.is_(None),
            PossessionChallenge.expires_at > now(),
        )
        .values(used_at=now())
        .returning(PossessionChallenge)
        .execution_options(synchronize_session=False)
    )
    if taken is None:
        raise Refusal("possession-over")
    return taken
