"""The closing of an account that is planned for a moment to come, done by the worker at its minute, or told not to be.

It is done only if nothing would stop then, or nothing but what was confirmed with its reason; otherwise the account stays
open, and the administrators are told.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core.clock import PARIS, now
from app.core.db import Db, reading
from app.core.french import heure, jour_long
from app.core.grammar import plural
from app.core.outbox import News, post
from app.core.refusals import Refusal
from app.core.security import new_token
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.operations.leaving.effects import Leaving, effects_of, left_of, refuse_unsure
from app.people.accounts import open_user, refuse_outside
from app.people.actor import Actor
from app.people.branches import desks_below, is_reached
from app.people.desks import administrators_locked, hold_seats, write_closed, write_down
from app.people.login import of_user
from app.people.models import Collectivity, PlannedClosing, User
from workflows import absences

FARTHEST = timedelta(days=2 * 366)
"""How long before its moment a closing may be planned."""
REFUSED = "closing_refused"


def moment_of(typed: str) -> datetime:
    """The moment of a day and a minute of Paris (« 2026-12-31T18:00 »); refuses `closing-date` what is no moment to come."""
    try:
        moment = absences.moment_of(typed, PARIS)
    except Refusal:
        raise Refusal("closing-date") from None
    if not now() < moment <= now() + FARTHEST:
        raise Refusal("closing-date")
    return moment


def words_of(moment: datetime) -> str:
    """« jeudi 31 décembre 2026 à 18 h 00 »."""
    return f"{jour_long(moment.astimezone(PARIS).date())} à {heure(moment)}"


@use_case
def plan(
    db: Db, actor: Actor, user_id: int, typed: str, *, reason: str = "", shown: str | None = None
) -> datetime:
    """Plan the closing of an account, in place of what was planned before; its moment.

    `reason`: for which what would stop by then may stop; without it, all of it is to be solved before. `shown`: the mark of
    the list that the page showed. Refuses `identity-needed`, `person-unknown`, `person-closed`, `account-own`,
    `closing-date`, and with a reason what `refuse_unsure` refuses.
    """
    branch = refuse_outside(db, actor)
    user = open_user(db, actor, user_id, branch)
    if user.id == actor.user_id:
        raise Refusal("account-own")
    moment, confirmed = moment_of(typed), list[str]()
    row = of(db, user.id, lock=True)
    if reason.strip():
        effects = effects_of(db, user, moment)
        reason = refuse_unsure(effects, reason, None)
        # What is over by then is no point any more; what the page never showed is not confirmed
        confirmed = sorted(effects.points & _seen(db, user, row, effects, shown).points)
    if row is None:
        row = PlannedClosing(user_id=user.id, collectivity_id=actor.collectivity_id)
        db.add(row)
    row.closes_at, row.reason, row.points = moment, reason.strip(), confirmed
    row.planned_by_id, row.planned_at = actor.user_id or 0, now()
    row.refused_at, row.refused = None, ""
    facts = {"closes_at": moment.isoformat(), **({"reason": row.reason} if row.reason else {})}
    write_down(db, actor.collectivity_id, "account.closing_planned", actor, whose=user.id, **facts)
    return moment


def _seen(db: Db, user: User, row: PlannedClosing | None, effects: Leaving, shown: str | None) -> Leaving:
    """The list that a page showed, by its mark: that of the moment, of now, or of what was planned; refuses `leaving-moved`."""
    if shown in {None, effects.mark}:
        return effects
    for at in (None, row.closes_at if row is not None else None):
        if (other := effects_of(db, user, at)).mark == shown:
            return other
    raise Refusal("leaving-moved")


@use_case
def cancel(db: Db, actor: Actor, user_id: int) -> str:
    """Give up a planned closing, also one that was not done; the person's name.

    Refuses `identity-needed`, `person-unknown`, `person-closed`, and `closing-none` where none is planned.
    """
    branch = refuse_outside(db, actor)
    user = open_user(db, actor, user_id, branch)
    row = of(db, user.id, lock=True)
    if row is None:
        raise Refusal("closing-none", name=user.name)
    facts = {"closes_at": row.closes_at.isoformat()}
    db.delete(row)
    write_down(db, actor.collectivity_id, "account.closing_cancelled", actor, whose=user.id, **facts)
    return user.name


def of(db: Db, user_id: int, *, lock: bool = False) -> PlannedClosing | None:
    """What is planned of an account; None for nothing."""
    query = sa.select(PlannedClosing).where(PlannedClosing.user_id == user_id)
    return db.scalar(query.with_for_update().execution_options(populate_existing=True) if lock else query)


def look() -> None:
    """Each minute: close the accounts whose moment has come, or tell that they are not closed."""
    due = sa.select(PlannedClosing.collectivity_id, PlannedClosing.user_id)
    due = due.where(PlannedClosing.refused_at.is_(None), PlannedClosing.closes_at <= now())
    with reading() as db:
        rows = db.execute(due.order_by(PlannedClosing.closes_at, PlannedClosing.user_id)).all()
    faults: list[Exception] = []
    for collectivity_id, user_id in rows:
        try:
            settle(collectivity_id, user_id)
        except Exception as fault:  # noqa: BLE001 - raised below, once the others have had their turn
            faults.append(fault)
    if faults:
        raise faults[0]


@use_case
def settle(db: Db, collectivity_id: int, user_id: int) -> bool:
    """Close an account whose moment has come, in the name of who planned it; False where it is not closed, and why is told.

    Not closed: something would stop that was not confirmed, or who planned it administers this account no more.
    """
    ours = administrators_locked(db, collectivity_id)
    query = sa.select(User).where(User.collectivity_id == collectivity_id, User.id == user_id)
    # Not against a folder that is just leaving for him, which names him and holds his desks
    user = db.scalar(query.with_for_update(key_share=True).execution_options(populate_existing=True))
    row = of(db, user_id, lock=True)
    if user is None or row is None or row.refused_at is not None or row.closes_at > now():
        return False
    if not user.active:
        db.delete(row)
        return False
    planner = db.get_one(User, row.planned_by_id, populate_existing=True)
    hold_seats(db, user)
    effects = effects_of(db, user)
    if why := _against(db, user, planner, effects, row):
        _refuse(db, user, planner, ours, row, why)
        return False
    by = of_user(db, planner, db.get_one(Collectivity, collectivity_id).name)
    left = left_of(effects, row.reason if effects.stops else "")
    write_closed(db, user, ours, by, left, planned=row.closes_at)
    return True


def _against(db: Db, user: User, planner: User, effects: Leaving, row: PlannedClosing) -> str:
    """Why the account is not closed, as a sentence; empty where it may be."""
    reached = planner.administrator or (
        planner.branch_id is not None
        and is_reached(db, desks_below(db, user.collectivity_id, planner.branch_id), user.id)
    )
    if not planner.active or not reached:
        return f"{planner.name}, qui l’avait prévue, n’administre plus ce compte."
    if not effects.points.difference(row.points):
        return ""
    if row.points:
        return "Ce qui s’arrêterait a changé : il y a plus à régler que ce qui avait été confirmé."
    return f"{plural(effects.left, 'point')} restai{'en' if effects.left > 1 else ''}t à régler."


def _refuse(db: Db, user: User, planner: User, ours: Sequence[User], row: PlannedClosing, why: str) -> None:
    row.refused_at, row.refused = now(), why
    facts = {"whose": user.id, "closes_at": row.closes_at.isoformat(), "why": why}
    append(
        db,
        user.collectivity_id,
        Event("account.closing_refused", planner.name, planner.id, None, facts),
    )
    told = {account.id: account for account in (*ours, planner) if account.active}
    letter = {"event": REFUSED, "whose": user.name, "by": planner.name, "why": why}
    letter |= {"about": words_of(row.closes_at), "page": f"/administration/personnes/{user.id}/fermer"}
    mark = new_token()[:16]
    news = [
        News(
            "mail",
            f"{REFUSED}-{user.id}-{reader.id}-{mark}",
            letter | {"user_id": reader.id},
            None,
            reader.email,
        )
        for reader in told.values()
    ]
    post(db, user.collectivity_id, news)
