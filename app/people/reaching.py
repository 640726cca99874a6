"""Whether letters reach a person: how often his address refused them for good, and who says that it serves after all."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db
from app.core.outbox import News, Outbox, post, resume
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

REFUSED_BY = "adresse refusée par le serveur"
"""How the fault begins of a letter that stopped because its address was refused for good."""
ASKING, AFTER = ("your_turn", "opinion_asked"), 120.0
"""The letters about one folder that the letter of all that waits tells, and how long after it they look whether it did."""

ASKED_AGAIN = frozenset(
    {
        "absence_begins",
        "absence_over",
        "absence_set",
        "account_closed",
        "account_invited",
        "account_reopened",
        "digest",
        "drafts_arrived",
        "factor_changed",
        "mentioned",
        "nobody_may_act",
        "opinion_asked",
        "password_reset",
        "secretary_named",
        "your_turn",
    }
)
"""The letters of which the writer asks again, as each leaves, whether what it says is still so (`app/notices/letter.py`)."""
FACTS = frozenset(
    {
        "account_changed",
        "account_joined",
        "act_withdrawn",
        "another_answer",
        "done",
        "emergency_opened",
        "for_information",
        "late_anomaly",
        "letter_arrived",
        "login_tried",
        "new_device",
        "opinion_given",
        "partly_taken",
        "password_changed",
        "person_exported",
        "receipt_arrived",
        "recovery_moved",
        "refused",
        "sent_back",
        "session_closed",
        "signatures_refused",
        "signed",
        "step_passed",
        "steps_changed",
    }
)
"""Those that say what somebody did, or what came, which nothing undoes; of a folder, as long as their reader may read it.

Their words hold on any day: one that leaves later than on its own says which day that was.
"""
AGEING = frozenset(
    {
        "account_administers",
        "act_unavailable",
        "application_ends",
        "arrival_astray",
        "certificate_confirmed",
        "certificate_ends",
        "certificate_enrolled",
        "certificate_withdrawn",
        "chorus_back",
        "chorus_password_ends",
        "chorus_refuses",
        "chorus_silent",
        "closing_refused",
        "confirmation_awaited",
        "desk_rights",
        "handed_over",
        "letter_astray",
        "letter_withheld",
        "mandate_ended",
        "mandate_ends",
        "no_longer_awaited",
        "operator_back",
        "operator_certificate_ends",
        "operator_refuses",
        "operator_silent",
        "order_returned",
        "receipt_late",
        "return_astray",
        "return_withheld",
        "seal_ends",
        "unread_answer",
    }
)
"""Those that say how things stand, and that nothing asks again: they stay under « Travail de fond », where who administers
reads of when they are and puts them back to work, or does not."""

OF_ADMINISTRATORS = frozenset({"act_unavailable", "emergency_opened", "letter_astray", "return_astray"})
"""Those that nobody but administrators is written, besides all that lead under « Administration » (`is_for_administrators`)."""
OF_PLANNERS = frozenset({"closing_refused"})
"""Those that lead there and answer whoever asked, who may administer a branch alone."""


def is_for_administrators(payload: Mapping[str, Any]) -> bool:
    """Whether a letter is its reader's because he administers, and for nothing else: one about himself leads to his own pages."""
    event, page = payload["event"], str(payload.get("page", ""))
    return event in OF_ADMINISTRATORS or (page.startswith("/administration") and event not in OF_PLANNERS)


def is_dead(user: Any, own: Own) -> bool:
    """Whether reminders to the address of an account are stopped; `user` is a row with the columns of the account."""
    return bool(user.mail_refusals >= int(value_in(own, REFUSALS).value))


@use_case
def confirm_own(db: Db, actor: Actor) -> int:
    """The actor says that his address serves: what it refused counts no more, and reminders leave again.

    The letters that it had stopped leave too, those that cannot be untrue by now (`ASKED_AGAIN`, `FACTS`); how many.
    """
    query = sa.select(User).where(User.id == actor.user_id).with_for_update()
    return serves(db, actor, db.scalars(query.execution_options(populate_existing=True)).one())


@use_case
def confirm(db: Db, actor: Actor, user_id: int) -> tuple[str, int]:
    """The same, said by an administrator of somebody; his name, and how many letters leave again.

    Refuses `identity-needed`, `person-unknown`, `person-closed`.
    """
    branch = refuse_outside(db, actor)
    user = open_user(db, actor, user_id, branch)
    return user.name, serves(db, actor, user)


def serves(db: Db, actor: Actor, user: User) -> int:
    """Write that an address serves, in the present transaction of who has the lock of the account; see `confirm_own`.

    Refuses `email-missing`.
    """
    if not user.email:
        raise Refusal("email-missing")
    if not user.mail_refusals:
        return 0
    user.mail_refusals = 0
    write_down(db, user.collectivity_id, CONFIRMED, actor, whose=user.id)
    # What was told to nobody meanwhile is told together, if it still waits
    facts = {"event": WAITS, "user_id": user.id, "page": "/a-traiter"}
    post(db, user.collectivity_id, [News("mail", f"{WAITS}-{user.id}-{now():%Y%m%dT%H%M%S}", facts)])
    asks = Outbox.payload["event"].as_string().in_(ASKING)
    return sum(
        resume(db, user.collectivity_id, delay, *_stopped(user), which)
        for delay, which in ((0.0, ~asks), (AFTER, asks))
    )


def stopped(db: Db, user: User) -> int:
    """How many letters to the address of an account stopped because it was refused, and leave once it serves."""
    rows = sa.select(sa.func.count(Outbox.id)).where(
        Outbox.collectivity_id == user.collectivity_id, sa.text("state = 'parked'"), *_stopped(user)
    )
    return db.scalar(rows) or 0


def _stopped(user: User) -> tuple[sa.ColumnElement[bool], ...]:
    """The letters that stopped and may leave late, but those to another address of the person (`former`, `recovery`)."""
    apart = (
        sa.func.coalesce(Outbox.payload[name].as_boolean(), sa.false()) for name in ("former", "recovery")
    )
    return (
        Outbox.kind == "mail",
        Outbox.payload["user_id"].as_integer() == user.id,
        Outbox.last_error.startswith(REFUSED_BY),
        Outbox.payload["event"].as_string().in_(ASKED_AGAIN | FACTS),
        *(sa.not_(other) for other in apart),
    )


def refusing() -> sa.ColumnElement[bool]:
    """The condition on a row of the outbox that its letter stopped because an address refused it, and refuses still."""
    people = sa.select(User.id).where(User.active.is_(True), User.mail_refusals > 0)
    return sa.and_(
        Outbox.kind == "mail",
        sa.func.coalesce(Outbox.last_error, "").startswith(REFUSED_BY),
        sa.func.coalesce(Outbox.payload["user_id"].as_integer(), 0).in_(people),
    )


def also(count: int) -> str:
    """« , avec les 2 courriels qui étaient arrêtés »."""
    if not count:
        return ""
    return (
        f", avec les {count} courriels qui étaient arrêtés"
        if count > 1
        else ", avec le courriel qui était arrêté"
    )
