"""One's own factors: enrol a key or an application of codes, take one off, draw recovery codes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, reading
from app.core.french import heure, instant
from app.core.outbox import post
from app.core.refusals import Refusal
from app.core.sealed import seal, unseal
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.people import identity, persons, rules
from app.people.actor import Actor
from app.people.factors import asking, codes, passkeys
from app.people.factors.letters import letter
from app.people.models import Challenge, Factor, LoginSession, Person, RecoveryCode, User

MOST = 10
LONGEST = 60
AFTER_RECOVERY = timedelta(days=1)
"""How long a factor enrolled by a recovery code waits before it stands before a signature: its owner reads his mail."""
NAMES = {"passkey": "Clé d’accès", "totp": "Application de codes"}


@dataclass(frozen=True)
class Begun:
    """An application of codes to be set up: the token of the question, its secret, its drawing."""

    token: str
    secret: str
    drawing: str


def begin_totp(actor: Actor) -> Begun:
    """Draw the secret of an application of codes; it counts once a code confirms it.

    Refuses `identity-needed`, `identity-whole`.
    """
    identity.refuse_partial(actor)
    secret = codes.new_secret()
    token, login = _begun(actor, seal(secret))
    return Begun(token, secret, codes.drawing(codes.address(secret, login)))


def again(actor: Actor, token: str) -> Begun:
    """The same, shown again after a wrong code; refuses `factor-begun`."""
    with reading() as db:
        challenge, person = _mine(db, actor, token), _person(db, actor)
        if challenge.secret is None:
            raise Refusal("factor-begun")
        secret, login = unseal(challenge.secret), person.login
    return Begun(token, secret, codes.drawing(codes.address(secret, login)))


@use_case
def _begun(db: Db, actor: Actor, sealed: str) -> tuple[str, str]:
    person = _person(db, actor)
    _refuse_more(db, person)
    token, _ = asking.ask(db, "enrol", person_id=person.id, session_id=actor.session_id, secret=sealed)
    return token, person.login


def begin_passkey(actor: Actor) -> tuple[str, dict[str, Any]]:
    """The question to the browser that makes a key: its token, and its options.

    Refuses `identity-needed`, `identity-whole`, and `passkey-address` where no browser makes keys for this address.
    """
    if not passkeys.usable():
        raise Refusal("passkey-address")
    identity.refuse_partial(actor)
    return _begun_key(actor)


@use_case
def _begun_key(db: Db, actor: Actor) -> tuple[str, dict[str, Any]]:
    person = _person(db, actor)
    _refuse_more(db, person)
    token, value = asking.ask(db, "enrol", person_id=person.id, session_id=actor.session_id)
    known = asking.passkeys_of(db, person.id)
    return token, passkeys.creation(value, person.id, person.login, actor.name, known)


@use_case
def confirm_totp(db: Db, actor: Actor, token: str, code: str, name: str = "") -> list[str]:
    """Enrol the application whose code this is; the recovery codes when it is the first factor, else nothing.

    Refuses `factor-begun`, a question too old, and `code-refused`.
    """
    challenge, user = _mine(db, actor, token), _user(db, actor)
    step = codes.step_of(unseal(challenge.secret or ""), code, now()) if challenge.secret else None
    if step is None:
        raise Refusal("code-refused", hour=heure(now()))
    return _enrolled(db, actor, user, challenge, "totp", name, secret=challenge.secret, last_step=step)


@use_case
def confirm_passkey(
    db: Db, actor: Actor, token: str, credential: Mapping[str, Any], name: str = ""
) -> list[str]:
    """Enrol the key that the browser made; the recovery codes when it is the first factor, else nothing.

    Refuses `factor-begun`, `passkey-refused`, and `passkey-known`, one that is somebody's.
    """
    challenge, user = _mine(db, actor, token), _user(db, actor)
    key = passkeys.new_key(credential, asking.value_of(challenge))
    if db.scalar(sa.select(Factor.id).where(Factor.credential_id == key.credential_id)) is not None:
        raise Refusal("passkey-known")
    return _enrolled(
        db,
        actor,
        user,
        challenge,
        "passkey",
        name,
        credential_id=key.credential_id,
        public_key=key.public_key,
        sign_count=key.sign_count,
        transports=list(key.transports),
        synced=key.synced,
    )


def _enrolled(
    db: Db, actor: Actor, user: User, challenge: Challenge, kind: str, name: str, **columns: Any
) -> list[str]:
    person = _person(db, actor)
    first = not asking.factors_of(db, person.id)
    if not asking.spend(db, challenge.id):
        raise Refusal("factor-begun")
    session = db.get(LoginSession, actor.session_id) if actor.session_id is not None else None
    moment = now()
    if first and actor.session_id is not None:
        # What the password alone has opened is closed where a factor begins: whoever is there enters by it
        persons.revoke_sessions(db, person.id, but=actor.session_id)
    row = Factor(
        person_id=person.id,
        kind=kind,
        name=" ".join(name.split())[:LONGEST] or NAMES[kind],
        transports=columns.pop("transports", []),
        created_at=moment,
        trusted_from=_trusted_from(db, person, session, moment),
        **columns,
    )
    db.add(row)
    db.flush()
    _write(db, actor, user, "factor.added", row)
    post(db, user.collectivity_id, [letter(user, "added", name=row.name, mark=str(row.id))])
    return _drawn(db, person) if first else []


def _trusted_from(db: Db, person: Person, session: LoginSession | None, moment: datetime) -> datetime:
    """A day after a recovery code; while another of the person's factors waits, one enrolled beside it waits as long.

    One that was taken off counts too, or taking it off would end the wait; a reset by two persons ends it (`resets`).
    """
    waiting = sa.select(sa.func.max(Factor.trusted_from)).where(Factor.person_id == person.id)
    known = db.scalar(waiting) or moment
    recovered = session is not None and session.opened_by == "recovery"
    return max(moment, known, moment + AFTER_RECOVERY if recovered else moment)


@use_case
def remove(db: Db, actor: Actor, factor_id: int) -> str:
    """Take off one of one's own factors; its name. One's other sessions close; the recovery codes go with the last one.

    A session does not say which key has opened it: that of a lost tablet would outlive its key (ASVS 7.4.3).

    Refuses `factor-unknown`, `identity-needed`, `identity-whole`, `factor-last` where the collectivity wants one, and
    `factor-last-recovery`: a stolen recovery code would leave the password alone at the door.
    """
    identity.refuse_partial_in(db, actor)
    user, person, mine = _user(db, actor), _person(db, actor), asking.factors_of(db, actor.person_id)
    row = next((factor for factor in mine if factor.id == factor_id), None)
    if row is None:
        raise Refusal("factor-unknown")
    if len(mine) == 1 and rules.of(db, actor.collectivity_id).binds(actor):
        raise Refusal("factor-last")
    if len(mine) == 1 and by_recovery(db, actor):
        raise Refusal("factor-last-recovery")
    row.removed_at, row.removed_by = now(), actor.name
    if len(mine) == 1:
        forget_codes(db, person)
    _write(db, actor, user, "factor.removed", row)
    if persons.revoke_sessions(db, person.id, but=actor.session_id):
        facts = {"user": user.id, "address": actor.address, "words": "toutes les autres"}
        append(db, user.collectivity_id, Event("login.closed", actor.name, actor.user_id, None, facts))
    post(db, user.collectivity_id, [letter(user, "removed", name=row.name, mark=str(row.id))])
    return row.name


def without(db: Db, actor: Actor, factor_id: int) -> tuple[Factor, list[str]]:
    """One of one's own factors, and what comes of taking it off, in sentences; refuses `factor-unknown`."""
    mine = asking.factors_of(db, actor.person_id)
    row = next((factor for factor in mine if factor.id == factor_id), None)
    if row is None:
        raise Refusal("factor-unknown")
    others = [factor for factor in mine if factor is not row]
    sentences = [
        "Elle n’ouvrira plus Paraphe et ne confirmera plus rien, dès maintenant ; vos autres sessions se ferment."
    ]
    if not others:
        sentences.append(
            "C’est la dernière : votre mot de passe seul ouvrira votre compte, et vos codes de secours partent avec elle."
        )
    signs = row.trusted_from <= now()
    if rules.of(db, actor.collectivity_id).before_signing and signs:
        later = min((factor.trusted_from for factor in others), default=None)
        if later is None:
            sentences.append(
                "La commune en demande une avant chaque signature : sans elle, vous ne signerez plus."
            )
        elif later > now():
            sentences.append(
                f"Les autres ne signent pas avant {instant(later)} : d’ici là, vous ne signerez plus."
            )
    return row, sentences


def by_recovery(db: Db, actor: Actor) -> bool:
    """Whether this session was opened by a recovery code."""
    session = db.get(LoginSession, actor.session_id) if actor.session_id is not None else None
    return session is not None and session.opened_by == "recovery"


@use_case
def draw_codes(db: Db, actor: Actor) -> list[str]:
    """Ten recovery codes, shown once; the former ones serve no more.

    Refuses `identity-needed`, `identity-whole`, and `factor-none`.
    """
    identity.refuse_partial_in(db, actor)
    user, person = _user(db, actor), _person(db, actor)
    if not asking.factors_of(db, person.id):
        raise Refusal("factor-none")
    drawn = _drawn(db, person)
    facts = {"user": user.id, "address": actor.address}
    append(db, user.collectivity_id, Event("recovery.drawn", actor.name, actor.user_id, None, facts))
    post(db, user.collectivity_id, [letter(user, "codes")])
    return drawn


def _drawn(db: Db, person: Person) -> list[str]:
    forget_codes(db, person)
    drawn, moment = codes.new_recovery(), now()
    hashes = [codes.recovery_hash(code) for code in drawn]
    db.add_all(RecoveryCode(person_id=person.id, code_hash=digest, created_at=moment) for digest in hashes)
    return drawn


def forget_codes(db: Db, person: Person) -> None:
    """The recovery codes of a person serve no more."""
    db.execute(sa.delete(RecoveryCode).where(RecoveryCode.person_id == person.id))


def codes_left(db: Db, person_id: int | None) -> int:
    """How many recovery codes a person has."""
    query = sa.select(sa.func.count(RecoveryCode.id)).where(RecoveryCode.person_id == person_id)
    return db.scalar(query.where(RecoveryCode.used_at.is_(None))) or 0


def _mine(db: Db, actor: Actor, token: str) -> Challenge:
    challenge = asking.open_one(db, token, "enrol")
    if challenge is None or (challenge.person_id, challenge.session_id) != (
        actor.person_id,
        actor.session_id,
    ):
        raise Refusal("factor-begun")
    return challenge


def _user(db: Db, actor: Actor) -> User:
    user = db.get(User, actor.user_id) if actor.user_id is not None else None
    if user is None:
        raise Refusal("account-closed")
    return user


def _person(db: Db, actor: Actor) -> Person:
    person = identity.who_enters(db, actor)
    if person is None:
        raise Refusal("account-closed")
    return person


def _refuse_more(db: Db, person: Person) -> None:
    if len(asking.factors_of(db, person.id)) >= MOST:
        raise Refusal("factor-many", most=MOST)


def _write(db: Db, actor: Actor, user: User, event: str, row: Factor) -> None:
    facts = {"user": user.id, "address": actor.address, "factor": row.id, "kind": row.kind, "name": row.name}
    append(db, user.collectivity_id, Event(event, actor.name, actor.user_id, None, facts))
