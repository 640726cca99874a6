"""The second half of the door: the password was right, the factor is awaited; or a passkey alone, which is both."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr

from app.core import security_log
from app.core.clock import now
from app.core.db import Db, reading
from app.core.outbox import News, post
from app.core.refusals import Refusal
from app.core.security import token_hash
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.people.factors import asking, passkeys, ways
from app.people.factors.letters import letter
from app.people.identity import MOST_WRONG, Proof
from app.people.login import account_of, begin, tell_new
from app.people.models import Challenge, Person, RecoveryCode


@dataclass(frozen=True)
class From:
    """Where somebody enters from, and how long he stays: `hours`, or `days` on a device that is recognised.

    `known`: whether the browser has met the account of a login; its owner is told otherwise.
    """

    address: str
    client: str
    hours: float
    days: int | None = None
    known: Callable[[str], bool] = lambda _login: True

    def lasting(self, days: int | None) -> float:
        """The hours of a session asked for so many days."""
        return days * 24 if days else self.hours


@dataclass(frozen=True)
class Awaited:
    """Who is awaited at the door: what his browser's keys are asked, and whether an application of codes serves him.

    `password`: the beginning of the digest of what is kept of the password that was right. `short`: his recovery codes are
    of before migration 0050.
    """

    person_id: int
    login: str
    keys: dict[str, Any] | None
    typed: bool
    days: int | None
    password: str
    short: bool


def awaited(ticket: str) -> Awaited:
    """Who this ticket lets go on; refuses `factor-ticket`, one that is too old, has served, or of an older password."""
    with reading() as db:
        challenge, person = _ticket(db, ticket)
        known = asking.factors_of(db, person.id)
        keys = [factor for factor in known if factor.kind == "passkey"]
        request = passkeys.request(asking.value_of(challenge), keys) if keys and passkeys.usable() else None
        typed = any(factor.kind == "totp" for factor in known)
        before = sa.select(RecoveryCode.id).where(
            RecoveryCode.person_id == person.id,
            RecoveryCode.used_at.is_(None),
            RecoveryCode.salt.is_not(None),
        )
        short = db.scalar(before.limit(1)) is not None
        mark = (challenge.password_seen or "")[:16]
        return Awaited(person.id, person.login, request, typed, challenge.days, mark, short)


def _ticket(db: Db, ticket: str) -> tuple[Challenge, Person]:
    challenge = asking.open_one(db, ticket, "login")
    person = db.get(Person, challenge.person_id) if challenge is not None else None
    if challenge is None or person is None or account_of(db, person.id) is None:
        raise Refusal("factor-ticket")
    if challenge.password_seen != token_hash(person.password_hash or ""):
        raise Refusal("factor-ticket")
    return challenge, person


def enter(ticket: str, answer: str, place: From) -> str:
    """Open the session of whoever gives the awaited factor: a key's answer, a code, or a recovery code; its token.

    Refuses `factor-ticket`, `factor-refused` with how many tries are `left`, and `factor-closed` after the last: the owner
    is told then, since whoever tried knew the password.
    """
    with reading() as db:
        challenge, person = _ticket(db, ticket)
        proof, number = _proof(db, person, ticket, answer), challenge.id
    token = _enter(number, person.id, proof, place) if proof else None
    if token is not None:
        return token
    left = _missed(number, person.id, place)
    raise Refusal("factor-refused", left=left) if left else Refusal("factor-closed")


def _proof(db: Db, person: Person, ticket: str, answer: str) -> Proof | None:
    reply = ways.answer_of(answer)
    if reply is not None:
        known = ways.by_key(db, ticket, "login", reply[1]) if reply[0] == ticket else None
        return known[2] if known and known[1].id == person.id else None
    return ways.Totp().proof(person, SecretStr(answer), None) or ways.by_recovery(db, person, answer)


@use_case
def ask_anybody(db: Db) -> tuple[str, dict[str, Any]]:
    """The question to a passkey of whoever it is: its token, and what the browser is asked."""
    token, value = asking.ask(db, "door")
    return token, passkeys.request(value, ())


def enter_by_key(token: str, credential: Mapping[str, Any], place: From) -> tuple[str, str]:
    """Open the session of whoever's passkey answers, without a password; its token and the login. Refuses `passkey-unknown`."""
    with reading() as db:
        known = ways.by_key(db, token, "door", credential)
    if known is None:
        security_log.log.warning("login.refused", user=None, address=place.address, what="passkey")
        raise Refusal("passkey-unknown")
    challenge, person, proof = known
    session = _enter(challenge.id, person.id, proof, place)
    if session is None:
        raise Refusal("passkey-unknown")
    return session, person.login


@use_case
def _enter(db: Db, challenge_id: int, person_id: int, proof: Proof, place: From) -> str | None:
    """The token of the session, or None when the proof or the question has served."""
    challenge, person = db.get(Challenge, challenge_id), db.get(Person, person_id)
    user = account_of(db, person_id)
    if challenge is None or person is None or user is None or not proof.spend(db):
        return None
    if challenge.purpose == "login" and challenge.password_seen != token_hash(person.password_hash or ""):
        raise Refusal("factor-ticket")  # the password changed meanwhile
    if proof.way != "passkey" and not asking.spend(db, challenge_id):
        raise Refusal("factor-ticket")  # undoes what was spent
    facts = {"user": user.id, "address": place.address, "client": place.client, "way": proof.way}
    append(db, user.collectivity_id, Event("login.opened", user.name, user.id, None, facts))
    if proof.way == "recovery":
        query = sa.select(sa.func.count(RecoveryCode.id)).where(RecoveryCode.used_at.is_(None))
        left = db.scalar(query.where(RecoveryCode.person_id == person.id))
        post(db, user.collectivity_id, [letter(user, "recovery", left=left)])
    if not place.known(person.login):
        tell_new(db, user, place.client, place.address)
    return begin(
        db,
        user,
        hours=place.lasting(challenge.days if proof.way != "passkey" or challenge.days else place.days),
        address=place.address,
        client=place.client,
        opened_by=proof.way,
    )


@use_case
def _missed(db: Db, challenge_id: int, person_id: int, place: From) -> int:
    """Count a wrong answer; how many are left."""
    challenge = db.scalar(sa.select(Challenge).where(Challenge.id == challenge_id).with_for_update())
    user = account_of(db, person_id)
    if challenge is None or user is None or challenge.used_at is not None:
        raise Refusal("factor-ticket")
    challenge.wrong += 1
    left = max(0, MOST_WRONG - challenge.wrong)
    facts = {"user": user.id, "address": place.address}
    security_log.log.warning("login.refused", collectivity=user.collectivity_id, **facts, what="factor")
    append(db, user.collectivity_id, Event("factor.refused", user.name, user.id, None, facts))
    if not left:
        challenge.used_at = now()
        news: list[News] = [letter(user, "tried", mark=str(challenge.id))]
        post(db, user.collectivity_id, news)
    return left
