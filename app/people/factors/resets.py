"""A person who lost every factor and every recovery code: one administrator asks, another confirms, then he enrols anew."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core.clock import now
from app.core.db import Db
from app.core.outbox import post
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.people import persons
from app.people.actor import Actor
from app.people.applications import by_command
from app.people.desks import user_of
from app.people.factors import asking
from app.people.factors.keeping import forget_codes
from app.people.factors.letters import letter
from app.people.identity import refuse_stale_in
from app.people.models import Factor, FactorReset, User

LONGEST = 300
LIVES = timedelta(days=7)
"""How long a request waits for a second administrator."""


@dataclass(frozen=True)
class Waiting:
    """A request that waits for a second administrator."""

    id: int
    user_id: int
    name: str
    reason: str
    asked_by_id: int
    asked_by: str
    asked_at: datetime


def waiting(db: Db, collectivity_id: int) -> list[Waiting]:
    """What waits, the oldest first; one dies after a week, with the account or the right of whoever asked, and with its object.

    Nothing is left to take off once none of the factors of when it was asked is there.
    """
    whose, asker = aliased(User), aliased(User)
    lost = sa.exists().where(
        Factor.person_id == whose.person_id,
        Factor.removed_at.is_(None),
        Factor.created_at <= FactorReset.asked_at,
    )
    query = (
        sa.select(FactorReset, whose, asker)
        .join(whose, whose.id == FactorReset.user_id)
        .join(asker, asker.id == FactorReset.asked_by_id)
        .where(
            FactorReset.collectivity_id == collectivity_id,
            FactorReset.settled_at.is_(None),
            FactorReset.asked_at > now() - LIVES,
            lost,
            asker.active.is_(True),
            asker.administrator.is_(True),
        )
        .order_by(FactorReset.id)
    )
    return [
        Waiting(row.id, user.id, user.name, row.reason, by.id, by.name, row.asked_at)
        for row, user, by in db.execute(query)
    ]


@use_case
def ask(db: Db, actor: Actor, user_id: int | None, reason: str) -> str:
    """Ask that the factors of somebody be taken off; his name. He and the other administrators are told.

    Refuses `reset-reason` without a reason, `reset-own`, `reset-unknown`, `reset-nothing` of whoever has no factor, and
    `reset-asked` while one waits. The factors are the person's: of one who works for another collectivity too, only who runs
    the installation takes them off (`person-shared`).
    """
    refuse_stale_in(db, actor)
    reason = " ".join(reason.split())[:LONGEST]
    if not reason:
        raise Refusal("reset-reason")
    user = _user(db, actor, user_id)
    persons.refuse_shared(db, user)
    if not asking.factors_of(db, user.person_id):
        raise Refusal("reset-nothing", name=user.name)
    if any(reset.user_id == user.id for reset in waiting(db, actor.collectivity_id)):
        raise Refusal("reset-asked", name=user.name)
    row = FactorReset(
        collectivity_id=actor.collectivity_id,
        user_id=user.id,
        reason=reason,
        asked_by_id=actor.user_id,
        asked_at=now(),
    )
    db.add(row)
    db.flush()
    _write(db, actor, "factor.reset_asked", user, reason=reason)
    people = sa.select(User).where(User.active.is_(True), User.collectivity_id == actor.collectivity_id)
    others = db.scalars(people.where(User.administrator.is_(True), User.id.not_in([user.id, actor.user_id])))
    news = [letter(user, "asked", by=actor.name, mark=str(row.id), reset=row.id)]
    news += [
        letter(other, "confirm", name=user.name, by=actor.name, mark=str(row.id), reset=row.id)
        for other in others
    ]
    post(db, actor.collectivity_id, news)
    return user.name


def _live(db: Db, actor: Actor) -> set[int]:
    return {reset.id for reset in waiting(db, actor.collectivity_id)}


@use_case
def settle(db: Db, actor: Actor, reset_id: int, *, confirm: bool) -> str:
    """Confirm a request, or put it aside; whose it was. His factors and codes go and his sessions close.

    Refuses `reset-settled`, `reset-two` whoever asked for it or whose it is, to confirm it, and `person-shared` of a person
    who works for another collectivity since.
    """
    query = sa.select(FactorReset).where(
        FactorReset.id == reset_id, FactorReset.collectivity_id == actor.collectivity_id
    )
    refuse_stale_in(db, actor)
    row = db.scalar(query.with_for_update())
    if row is None or row.settled_at is not None or (confirm and row.id not in _live(db, actor)):
        raise Refusal("reset-settled")
    if confirm and actor.user_id in {row.asked_by_id, row.user_id}:
        raise Refusal("reset-two")
    user = db.get_one(User, row.user_id)
    if confirm:
        persons.refuse_shared(db, user)
    row.settled_at, row.settled_by, row.done = now(), actor.name, confirm
    if confirm:
        take_off(db, user, actor)
    else:
        _write(db, actor, "factor.reset_refused", user)
    return user.name


@use_case
def by_operator(db: Db, collectivity_id: int, login: str, reason: str) -> str:
    """The same from the command line, where a commune's only administrator lost his: the operator is the second person.

    For whoever works for several collectivities, too.

    His name. Refuses `user-unknown`, `reset-reason`, and `reset-nothing`.
    """
    reason = " ".join(reason.split())[:LONGEST]
    if not reason:
        raise Refusal("reset-reason")
    user = user_of(db, collectivity_id, login)
    if not asking.factors_of(db, user.person_id):
        raise Refusal("reset-nothing", name=user.name)
    actor = by_command(collectivity_id)
    _write(db, actor, "factor.reset_asked", user, reason=reason)
    take_off(db, user, actor)
    return user.name


def take_off(db: Db, user: User, actor: Actor) -> None:
    """Take every factor and recovery code of a person off, and close his sessions, in the caller's transaction.

    A wait that a recovery code began ends here: two persons have recognised whose account it is, and what is enrolled next
    signs at once.
    """
    moment = now()
    person = persons.person_of(db, user, lock=True)
    if person is None:
        return
    every = sa.select(Factor).where(Factor.person_id == person.id)
    for factor in db.scalars(every):
        factor.trusted_from = min(factor.trusted_from, moment)
        if factor.removed_at is None:
            factor.removed_at, factor.removed_by = moment, actor.name
    forget_codes(db, person)
    persons.revoke_sessions(db, person.id)
    _write(db, actor, "factor.reset", user)
    post(db, user.collectivity_id, [letter(user, "reset", by=actor.name)])


def _user(db: Db, actor: Actor, user_id: int | None) -> User:
    if user_id is not None and user_id == actor.user_id:
        raise Refusal("reset-own")
    query = sa.select(User).where(User.id == user_id, User.collectivity_id == actor.collectivity_id)
    user = db.scalar(query.where(User.active.is_(True)))
    if user is None:
        raise Refusal("reset-unknown")
    return user


def _write(db: Db, actor: Actor, event: str, user: User, **more: object) -> None:
    facts = {"user": actor.user_id, "address": actor.address, "whose": user.id, **more}
    append(db, actor.collectivity_id, Event(event, actor.name, actor.user_id, None, facts))
