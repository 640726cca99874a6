"""A branch of the desks, and who administers it alone: a desk, those below it, and the people who sit only there."""

from collections.abc import Collection

import sqlalchemy as sa

from app.core.db import Db
from app.core.refusals import Refusal
from app.people import identity
from app.people.actor import Actor
from app.people.models import Desk, Holder, User

Branch = frozenset[int]
"""The numbers of the desks of a branch, closed ones too."""

TAKES_BRANCH = sa.and_(User.branch_id.is_(None), User.administrator.is_(False))
"""The condition on `User` of who may be given a branch: nobody who would lose one, or who administers it all."""


def branch_of(db: Db, actor: Actor) -> Branch | None:
    """The desks that the actor administers; None of who administers the whole collectivity."""
    if actor.administrator or actor.branch_id is None:
        return None
    return desks_below(db, actor.collectivity_id, actor.branch_id)


def desks_below(db: Db, collectivity_id: int, desk_id: int, *, locked: bool = False) -> Branch:
    """A desk and all that depend on it; `locked`: no desk is moved until the verb ends."""
    query = (
        sa.select(Desk.id, Desk.parent_id).where(Desk.collectivity_id == collectivity_id).order_by(Desk.id)
    )
    rows = db.execute(query.with_for_update() if locked else query).all()
    branch, more = {desk_id} & {row.id for row in rows}, True
    while more:
        below = {row.id for row in rows if row.parent_id in branch} - branch
        branch |= below
        more = bool(below)
    return frozenset(branch)


def only_in(branch: Collection[int]) -> sa.ColumnElement[bool]:
    """The condition on `User` of who sits in a branch, nowhere else, and administers nothing outside it."""
    return sa.and_(
        User.administrator.is_(False),
        User.emergency.is_(False),
        sa.or_(User.branch_id.is_(None), User.branch_id.in_(branch)),
        sa.exists().where(Holder.user_id == User.id, Holder.desk_id.in_(branch)),
        ~sa.exists().where(Holder.user_id == User.id, Holder.desk_id.not_in(branch)),
    )


def is_reached(db: Db, branch: Branch | None, user_id: int) -> bool:
    """Whether who administers this branch, None for the whole collectivity, administers the account of somebody."""
    if branch is None:
        return True
    return db.scalar(sa.select(User.id).where(User.id == user_id, only_in(branch))) is not None


def administers_more(user: User, branch: Branch) -> bool:
    """Whether somebody administers what is not in this branch."""
    return user.administrator or (user.branch_id is not None and user.branch_id not in branch)


def own_branch(db: Db, actor: Actor) -> Branch:
    """The branch of a delegated administrator, its desks locked, in the transaction of what he does.

    Refuses `identity-needed`, `account-closed`, and `administrator-lost` of who administers it no more since his page.
    """
    identity.refuse_stale_in(db, actor)
    query = sa.select(User.active, User.branch_id).where(User.id == actor.user_id)
    row = db.execute(query.with_for_update()).first()
    if row is None or not row.active:
        raise Refusal("account-closed")
    if row.branch_id is None or row.branch_id != actor.branch_id:
        raise Refusal("administrator-lost")
    return desks_below(db, actor.collectivity_id, row.branch_id, locked=True)
