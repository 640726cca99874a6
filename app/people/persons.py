"""Who a person is at the door: one login and one set of proofs for the accounts that he has, each in its collectivity.

An account is of one collectivity, and so is all that it does. What looks from one collectivity into another about people is
in this room alone: the statements below name the tables themselves, and tell numbers, not particulars
(docs/decisions/0030).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db
from app.core.outbox import News, post
from app.core.refusals import Refusal
from app.core.security import new_token, token_hash
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.people import identity
from app.people.actor import Actor
from app.people.models import Collectivity, LoginSession, PasswordReset, Person, User

_accounts: Any = User.__table__
_places: Any = Collectivity.__table__
_logins: Any = LoginSession.__table__
_links: Any = PasswordReset.__table__

JOINED: list[Callable[[Db, int], None]] = []
"""What else follows a person into another account, in the transaction that joins it: called with his number."""


@dataclass(frozen=True)
class Membership:
    """An open account of a person, as he alone reads it: where, by what name and capacity, when he last worked there."""

    user_id: int
    collectivity_id: int
    collectivity: str
    name: str
    capacity: str
    last: datetime | None


@dataclass(frozen=True)
class Invitation:
    """What a link that was not taken up yet lets somebody join: the account's particulars, and until when."""

    user_id: int
    collectivity: str
    name: str
    capacity: str
    email: str
    administrator: bool
    ends: datetime


def person_of(db: Db, user: User, *, lock: bool = False) -> Person | None:
    """Who enters by this account; None while its invitation is not taken up."""
    if user.person_id is None:
        return None
    query = sa.select(Person).where(Person.id == user.person_id)
    return db.scalar(query.with_for_update().execution_options(populate_existing=True) if lock else query)


def memberships(db: Db, person_id: int | None) -> list[Membership]:
    """His open accounts, the one where he worked last first."""
    last = (
        sa.select(sa.func.max(_logins.c.seen_at))
        .where(_logins.c.user_id == _accounts.c.id)
        .correlate(_accounts)
        .scalar_subquery()
    )
    query = (
        sa.select(_accounts, _places.c.name.label("place"), last.label("last"))
        .join(_places, _places.c.id == _accounts.c.collectivity_id)
        .where(_accounts.c.person_id == person_id, _accounts.c.active.is_(True))
        .order_by(last.desc().nulls_last(), _accounts.c.id)
    )
    return [
        Membership(
            row.id,
            row.collectivity_id,
            row.place,
            f"{row.first_name} {row.last_name}",
            row.capacity,
            row.last,
        )
        for row in db.execute(query)
    ]


def masked(email: str) -> str:
    """An address as a page shows it to its owner, who knows it, and not to whoever sits at his place: « r…c@mairie.example »."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}…{local[-1:]}@{domain}" if local else ""


def numbers_of(person_id: int | None) -> Any:
    """The numbers of all his accounts, closed ones too, to stand inside a statement."""
    return sa.select(_accounts.c.id).where(_accounts.c.person_id == person_id)


def works_elsewhere(db: Db, user: User) -> bool:
    """Whether whoever enters by this account has another open one."""
    if user.person_id is None:
        return False
    others = sa.select(_accounts.c.id).where(
        _accounts.c.person_id == user.person_id, _accounts.c.id != user.id, _accounts.c.active.is_(True)
    )
    return db.execute(others.limit(1)).first() is not None


def refuse_shared(db: Db, user: User) -> Person | None:
    """Refuse an administrator what would reach the accounts of a person elsewhere (`person-shared`); who he is, locked.

    Locked: of an administrator and of the person who joins another collectivity at this moment, one comes after the other.
    """
    person = person_of(db, user, lock=True)
    if works_elsewhere(db, user):
        raise Refusal("person-shared", name=user.name)
    return person


def opened(db: Db, user: User, password_hash: str | None, *, login: str | None = None) -> Person:
    """Somebody who enters by this account from now on, with a login of his own.

    `login`: the very one, refused as `login-taken` where somebody has it; else the account's, with a number behind it
    where that one is taken, so that nobody learns more than his own.
    """
    wanted = login or user.login
    named = (f"{wanted}-{number}" if number else wanted for number in count())
    for candidate in named:
        if db.scalar(sa.select(Person.id).where(Person.login == candidate)) is None:
            break
        if login is not None:
            raise Refusal("login-taken", login=login)
    person = Person(login=candidate, email=user.email, password_hash=password_hash, created_at=now())
    db.add(person)
    db.flush()
    user.person_id = person.id
    return person


def void_links(db: Db, person_id: int) -> None:
    """The links that wait for any of his accounts serve no more."""
    waiting = sa.update(_links).where(_links.c.user_id.in_(numbers_of(person_id)), _links.c.used_at.is_(None))
    db.execute(waiting.values(used_at=now()))


def void_shown(db: Db, actor: Actor, user_id: int) -> None:
    """The link of an account that an administrator read serves no more, once the account is trusted with more than before.

    In the transaction of what gives it a mandate, a certificate or something to administer: whoever kept the link would
    enter, and sign, as its holder. A line of the journal tells it. The one that was mailed serves on.
    """
    waiting = sa.update(_links).where(
        _links.c.user_id == user_id, _links.c.used_at.is_(None), _links.c.shown.is_(True)
    )
    done: Any = db.execute(waiting.where(_links.c.expires_at > now()).values(used_at=now()))
    if done.rowcount:
        event = Event("password.ended", actor.name, actor.user_id, None, {"whose": user_id})
        append(db, actor.collectivity_id, event)


def revoke_sessions(db: Db, person_id: int, *, but: int | None = None) -> int:
    """Close all his sessions `but` one, whichever account they are in, in the caller's transaction; how many were open.

    One that ended of itself is closed too: what it took along ends with it (decision 0039).
    """
    moment = now()
    query = sa.update(_logins).where(
        _logins.c.user_id.in_(numbers_of(person_id)), _logins.c.revoked_at.is_(None)
    )
    if but is not None:
        query = query.where(_logins.c.id != but)
    closed = db.scalars(query.values(revoked_at=moment).returning(_logins.c.expires_at)).all()
    return sum(end > moment for end in closed)


def invitation(db: Db, token: str) -> Invitation:
    """What this link lets somebody join; refuses `link-expired`, of an account too that somebody enters by already."""
    link, user = by_link(db, token)
    if user.person_id is not None:
        raise Refusal("link-expired")
    collectivity = db.get_one(Collectivity, user.collectivity_id)
    return Invitation(
        user.id, collectivity.name, user.name, user.capacity, user.email, user.administrator, link.expires_at
    )


def by_link(db: Db, token: str) -> tuple[PasswordReset, User]:
    """The link of this secret while it may serve, locked, and its account; refuses `link-expired`."""
    query = sa.select(PasswordReset).where(PasswordReset.token_hash == token_hash(token))
    row = db.scalar(query.with_for_update())
    if row is None or row.used_at is not None or row.expires_at < now():
        raise Refusal("link-expired")
    user = db.get_one(User, row.user_id, populate_existing=True)
    if not user.active:
        raise Refusal("link-expired")
    return row, user


def join(actor: Actor, token: str) -> int:
    """Let whoever is there enter by the invited account with the login and the proofs that he has; the account's number.

    Each collectivity has its line, which names no other; every link that waited for one of his accounts ends: what an
    administrator could ask when he was of one collectivity alone is of no use from now on. Refuses `link-expired` (also of
    an account that is taken up already), `membership-there` of whoever has an open account in that collectivity, and
    `identity-needed`.
    """
    identity.refuse_stale(actor)
    return _join(actor.person_id or 0, actor.user_id or 0, token, actor.address)


@use_case
def _join(db: Db, person_id: int, from_id: int, token: str, address: str) -> int:
    person = db.scalar(sa.select(Person).where(Person.id == person_id).with_for_update())
    link, user = by_link(db, token)
    left = db.scalar(sa.select(User).where(User.id == from_id, User.active.is_(True)))
    if person is None or left is None or left.person_id != person.id:
        raise Refusal("account-closed")
    if user.person_id is not None:
        raise Refusal("link-expired")
    if any(membership.collectivity_id == user.collectivity_id for membership in memberships(db, person.id)):
        raise Refusal("membership-there")
    user.person_id, link.used_at = person.id, now()
    db.flush()
    void_links(db, person.id)
    facts = {"event": "account_joined", "user_id": user.id, "address": address, "page": "/compte"}
    letter = News("mail", f"account_joined-{user.id}-{new_token()[:16]}", facts, None, user.email)
    post(db, user.collectivity_id, [letter])
    for follow in JOINED:
        follow(db, person.id)
    lines = [(user, "account.joined"), (left, "account.shared")]
    for account, event in sorted(lines, key=lambda line: line[0].collectivity_id):
        entry = Event(event, account.name, account.id, None, {"whose": account.id, "address": address})
        append(db, account.collectivity_id, entry)
    return user.id


@use_case
def choose_recovery(db: Db, actor: Actor, email: str) -> None:
    """Write where a forgotten password of the person is answered; he is told at the former address too.

    `email` as it is kept (`desks.address_of`). Refuses `identity-needed`, `identity-whole`, `account-closed`.
    """
    identity.refuse_partial_in(db, actor)
    person = db.scalar(sa.select(Person).where(Person.id == actor.person_id).with_for_update())
    if person is None:
        raise Refusal("account-closed")
    if person.email == email:
        return
    former, person.email = person.email, email
    void_links(db, person.id)
    facts = {"event": "recovery_moved", "user_id": actor.user_id, "address": actor.address, "page": "/compte"}
    facts["recovery"] = True
    mark = new_token()[:16]
    post(
        db,
        actor.collectivity_id,
        [
            News("mail", f"recovery_moved-{mark}-{number}", facts, None, recipient)
            for number, recipient in enumerate((former, email))
        ],
    )
    origin = {"user": actor.user_id, "address": actor.address}
    append(db, actor.collectivity_id, Event("recovery.moved", actor.name, actor.user_id, None, origin))
