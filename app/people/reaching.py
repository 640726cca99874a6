"""Whether letters reach a person: how often his address refused them for good, and who says that it serves after all."""

from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db
from app.core.outbox import News, post
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.people.accounts import open_user, refuse_outside
from app.people.actor import Actor
from app.people.desks import write_down
from app.people.models import User
from app.people.own_settings.registry import Own, value_in

REFUSALS = "mail_refusals"
"""The setting: after how many refusals for good an address is believed to serve no more."""
STOPPED, CONFIRMED = "account.mail_stopped", "account.mail_confirmed"
"""The lines of the journal; neither says the address."""
WAITS = "digest"
"""The letter that tells all that waits (`app/notices/digests.py`)."""


def is_dead(user: Any, own: Own) -> bool:
    """Whether reminders to the address of an account are stopped; `user` is a row with the columns of the account."""
    return bool(user.mail_refusals >= int(value_in(own, REFUSALS).value))


@use_case
def confirm_own(db: Db, actor: Actor) -> None:
    """The actor says that his address serves: what it refused counts no more, and reminders leave again."""
    query = sa.select(User).where(User.id == actor.user_id).with_for_update()
    _confirm(db, actor, db.scalars(query.execution_options(populate_existing=True)).one())


@use_case
def confirm(db: Db, actor: Actor, user_id: int) -> str:
    """The same, said by an administrator of somebody; his name. Refuses `identity-needed`, `person-unknown`, `person-closed`."""
    branch = refuse_outside(db, actor)
    user = open_user(db, actor, user_id, branch)
    _confirm(db, actor, user)
    return user.name


def _confirm(db: Db, actor: Actor, user: User) -> None:
    if not user.email:
        raise Refusal("email-missing")
    if user.mail_refusals:
        user.mail_refusals = 0
        write_down(db, actor.collectivity_id, CONFIRMED, actor, whose=user.id)
        # What was told to nobody meanwhile is told together, if it still waits
        facts = {"event": WAITS, "user_id": user.id, "page": "/a-traiter"}
        post(db, user.collectivity_id, [News("mail", f"{WAITS}-{user.id}-{now():%Y%m%dT%H%M%S}", facts)])
