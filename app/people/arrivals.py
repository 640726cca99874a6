"""Who arrives: somebody invited with the desks that he will hold, or a list of people written at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.core.db import Db
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.people import accounts, hierarchy
from app.people.actor import Actor
from app.people.given import refuse_unknown, rights_of
from app.people.models import Desk, Holder, User
from workflows.rights import Rights


@dataclass(frozen=True)
class Arrival:
    """Somebody as he is written: his login, what is written of him, and his rights at desks, by their numbers."""

    login: str
    particulars: accounts.Particulars
    seats: Mapping[int, Rights]


@dataclass(frozen=True)
class Written:
    """How many accounts were opened, how many were changed (particulars or desks)."""

    opened: int
    changed: int


@use_case
def invite(db: Db, actor: Actor, arrival: Arrival, *, by_mail: bool) -> tuple[int, accounts.Link | None]:
    """Open an account with its desks; its number, and the link when it is not mailed.

    A delegated administrator invites into his branch alone (`desk-absent`, `branch-seat` of no desk). Refuses
    `identity-needed`, `desk-absent`, and what `open_account`, `give` and `refuse_unknown` refuse.
    """
    accounts.in_turn(db, actor)
    branch = accounts.refuse_outside(db, actor, *arrival.seats)
    if branch is not None and not arrival.seats:
        raise Refusal("branch-seat")
    user, link = accounts.open_account(
        db, actor, arrival.login, arrival.particulars, by_mail=by_mail, branch=branch
    )
    _seat(db, actor, user, arrival, _desks(db, actor, [arrival]), tell=False)
    return user.id, link


@use_case
def bring(
    db: Db, actor: Actor, arrivals: Sequence[Arrival], *, still: Callable[[Db], None] = lambda _db: None
) -> Written:
    """Write all of these people, or none: who has no account is invited by mail, who has one is changed.

    Rights at a desk that the list names take the place of those that he has there; other desks stay as they are, and nobody
    is taken off. Who administers is never changed here. Refuses what `invite` refuses, `person-closed` of an account that
    is closed. `still`: refuses a list that was read before something of it changed; asked once no other administrator can
    change anything.
    """
    accounts.in_turn(db, actor)
    accounts.refuse_former(db, actor)
    still(db)
    desks = _desks(db, actor, arrivals)
    opened = changed = 0
    for arrival in arrivals:
        same = (User.collectivity_id == actor.collectivity_id, User.login == accounts.login_of(arrival.login))
        user = db.scalar(sa.select(User).where(*same))
        if user is None:
            user, _ = accounts.open_account(db, actor, arrival.login, arrival.particulars, by_mail=True)
            _seat(db, actor, user, arrival, desks, tell=False)
            opened += 1
            continue
        user = accounts.open_user(db, actor, user.id)
        differs = accounts.write_particulars(db, actor, user, arrival.particulars)
        seated = _seat(db, actor, user, arrival, desks, tell=True)
        changed += differs or seated
    return Written(opened, changed)


def _desks(db: Db, actor: Actor, arrivals: Sequence[Arrival]) -> Mapping[int, Desk]:
    """The desks that are named, locked in their order: of two administrators at the same desk, one waits."""
    numbers = {number for arrival in arrivals for number in arrival.seats}
    query = sa.select(Desk).where(Desk.collectivity_id == actor.collectivity_id, Desk.id.in_(numbers))
    desks = {desk.id: desk for desk in db.scalars(query.order_by(Desk.id).with_for_update())}
    if numbers - desks.keys():
        raise Refusal("desk-absent")
    for desk in desks.values():
        if desk.closed_at is not None:
            raise Refusal("desk-closed", name=desk.name)
    return desks


def _seat(
    db: Db, actor: Actor, user: User, arrival: Arrival, desks: Mapping[int, Desk], *, tell: bool
) -> bool:
    changed = False
    for number, rights in sorted(arrival.seats.items()):
        row = db.get(Holder, (user.id, number))
        refuse_unknown(db, actor.collectivity_id, rights.without(rights_of(row)))
        changed |= hierarchy.give(db, actor, desks[number], user, rights, row, tell=tell)
    return changed
