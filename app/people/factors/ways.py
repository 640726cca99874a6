"""The ways of a second factor, beside the password (`identity.WAYS`): a key that answers, a code that is typed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr

from app.core import security_log
from app.core.bodies import parsed
from app.core.clock import now
from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.core.sealed import unseal
from app.people import passwords
from app.people.factors import asking, codes, passkeys
from app.people.identity import Proof
from app.people.models import Challenge, Factor, Person, RecoveryCode, User


def answer_of(text: str) -> tuple[str, Mapping[str, Any]] | None:
    """The token of the question and what the browser's key says, of an answer in JSON; None of anything else."""
    if not text.startswith("{"):
        return None
    try:
        reply = parsed(text)
    except Refusal:
        return None
    if not isinstance(reply, dict):
        return None
    token, credential = reply.get("token"), reply.get("credential")
    if not isinstance(token, str) or not token.isascii() or not isinstance(credential, dict):
        return None
    if not isinstance(credential.get("id"), str) or not credential["id"].isascii():
        return None
    return token, credential


@dataclass(frozen=True)
class Passkey:
    """A key of the device or of a telephone, that knows its holder."""

    key: str = "passkey"
    label: str = ""
    hint: str = ""
    autocomplete: str = "off"
    typed: bool = False

    def serves(self, db: Db, person: Person) -> bool:
        """Whoever enrolled one."""
        return bool(asking.passkeys_of(db, person.id))

    def proof(self, person: Person, answer: SecretStr, session_id: int | None) -> Proof | None:
        """Of the answer to a question of this session."""
        reply = answer_of(answer.get_secret_value())
        if reply is None:
            return None
        with reading() as db:
            challenge = asking.open_one(db, reply[0], "prove")
            if challenge is None or (challenge.person_id, challenge.session_id) != (person.id, session_id):
                return None
            return _of_key(db, challenge, reply[1], person)


@dataclass(frozen=True)
class Totp:
    """The code of six figures of an application."""

    key: str = "totp"
    label: str = "Code de votre application d’authentification"
    hint: str = "Les six chiffres que l’application affiche pour Paraphe."
    autocomplete: str = "one-time-code"
    typed: bool = True

    def serves(self, db: Db, person: Person) -> bool:
        """Whoever enrolled one."""
        return any(factor.kind == self.key for factor in asking.factors_of(db, person.id))

    def proof(self, person: Person, answer: SecretStr, session_id: int | None) -> Proof | None:
        """Of a code that has not served."""
        del session_id
        with reading() as db:
            for factor in asking.factors_of(db, person.id):
                if factor.kind != self.key:
                    continue
                step = codes.step_of(unseal(factor.secret or ""), answer.get_secret_value(), now())
                if step is not None:
                    return _of_code(factor, step)
        return None


def by_key(
    db: Db, token: str, purpose: str, credential: Mapping[str, Any]
) -> tuple[Challenge, Person, Proof] | None:
    """Whose key answers a question of this purpose, whoever it is; None when nobody's does."""
    challenge, number = asking.open_one(db, token, purpose), credential.get("id")
    if challenge is None or not isinstance(number, str):
        return None
    enters = sa.exists().where(User.person_id == Person.id, User.active.is_(True))
    query = (
        sa.select(Person)
        .join(Factor, Factor.person_id == Person.id)
        .where(Factor.credential_id == number, Factor.removed_at.is_(None), enters)
    )
    person = db.scalar(query)
    if person is None or challenge.person_id not in {None, person.id}:
        return None
    proof = _of_key(db, challenge, credential, person)
    return (challenge, person, proof) if proof else None


def by_recovery(db: Db, person: Person, typed: str) -> Proof | None:
    """Of a recovery code that has not served, a shorter one of before too. Refuses `passwords-busy`, as a password does."""
    query = sa.select(RecoveryCode).where(RecoveryCode.person_id == person.id, RecoveryCode.used_at.is_(None))
    stretched = RecoveryCode.salt.is_not(None)
    if hashes := codes.recovery_hashes(typed):
        query = query.where(sa.not_(stretched))
    elif codes.of_before(typed):
        salt = db.scalar(query.where(stretched).with_only_columns(RecoveryCode.salt).limit(1))
        with passwords.turn():
            hashes = codes.recovery_hashes_before(typed, salt)
        query = query.where(stretched)
    row = db.scalar(query.where(RecoveryCode.code_hash.in_(hashes))) if hashes else None
    if row is None:
        return None
    number = row.id

    def spend(db: Db) -> bool:
        query = sa.update(RecoveryCode).where(RecoveryCode.id == number, RecoveryCode.used_at.is_(None))
        return bool(db.execute(query.values(used_at=now())).rowcount)  # type: ignore[attr-defined]

    return Proof("recovery", {}, None, spend, trusted_from=None)


def _of_key(db: Db, question: Challenge, credential: Mapping[str, Any], person: Person) -> Proof | None:
    factor = next(
        (key for key in asking.passkeys_of(db, person.id) if key.credential_id == credential.get("id")), None
    )
    if factor is None:
        return None
    count = passkeys.answered(factor, credential, asking.value_of(question))
    if count is None:
        return None
    response = credential["response"]
    facts = {
        "factor": factor.id,
        "nonce": question.nonce,
        "client_data": response["clientDataJSON"],
        "authenticator_data": response["authenticatorData"],
        "signature": response["signature"],
        "public_key": factor.public_key,
    }
    number, known, challenge = factor.id, factor.sign_count, question.id
    if count < known:
        security_log.log.warning("factor.count", person=person.id, factor=number, count=count)

    def spend(db: Db) -> bool:
        if not asking.spend(db, challenge):
            return False
        query = sa.update(Factor).where(Factor.id == number, Factor.removed_at.is_(None))
        values = {"sign_count": max(count, known), "used_at": now()}
        return bool(db.execute(query.values(**values)).rowcount)  # type: ignore[attr-defined]

    return Proof("passkey", facts, question.documents, spend, trusted_from=factor.trusted_from)


def _of_code(factor: Factor, step: int) -> Proof:
    number = factor.id

    def spend(db: Db) -> bool:
        # A code serves once (RFC 6238 §5.2): neither the same step again nor an older one
        query = sa.update(Factor).where(
            Factor.id == number, Factor.removed_at.is_(None), Factor.last_step < step
        )
        return bool(db.execute(query.values(last_step=step, used_at=now())).rowcount)  # type: ignore[attr-defined]

    return Proof("totp", {"factor": number}, None, spend, trusted_from=factor.trusted_from)
