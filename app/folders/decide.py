"""The verbs of those who decide: approve, reject, publish, archive, take back, give up; each is one move."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa

from app.core.clock import now, today
from app.core.db import Db
from app.core.french import jour_long
from app.core.refusals import Refusal
from app.core.texts import plain
from app.core.transaction import use_case
from app.folders import filling
from app.folders.access import lock, looks_on, refuse_stranger
from app.folders.facts import touch
from app.folders.models import Folder, Publication, Reading
from app.folders.move import Said, cover_in_force, lacking_words, move, not_your_turn, present, typed
from app.folders.publicity import URGENCY, Means, means_of, signed_on, urgency_of, way_of
from app.folders.required import refuse_unfilled
from app.folders.seen import refuse_unseen
from app.folders.sockets import plugged
from app.journal.chain import Event, append
from app.people.actor import Actor
from app.people.covers import facts_of
from workflows.circuit import StepKind
from workflows.deadlines import enforceable_on
from workflows.engine import Moved
from workflows.vocabulary import Action, Opinion

OTHERWISE = "La façon de publier cet acte a changé depuis que la page s’est affichée."
SHORTEST, LONGEST = 10, 500
"""How long the reason of an urgency may be, in characters."""


@use_case
def approve(
    db: Db,
    actor: Actor,
    folder_id: int,
    *,
    version: int,
    comment: str = "",
    opinion: str = "",
    facts: Mapping[str, Any] | None = None,
) -> Moved:
    """Put a visa on the folder, or give an opinion where the step asks one, and pass it on.

    `opinion`: whether it is favourable (`workflows.vocabulary.Opinion`); the folder goes on either way. `facts`: the fields
    that the step requires, filled in by the same act, or not at all (`filling.write`). Refuses as a move does
    (`visa-gated`, `visa-held`), `opinion-asked`, `opinion-not-asked`, and `opinion-word` of an unfavourable one without a word.
    """
    folder = lock(db, actor, folder_id, version)
    if facts:
        filling.write(db, actor, folder, facts, whole=True)
    if opinion:
        if opinion not in set(Opinion):
            raise Refusal("bad-request", detail="avis inconnu")
        if opinion == Opinion.UNFAVOURABLE and not plain(comment):
            refuse_stranger(db, actor, folder)
            raise Refusal("opinion-word")
        return move(db, folder, Action.APPROVE, actor, Said(typed(comment), facts={"opinion": opinion}))
    return move(db, folder, Action.APPROVE, actor, Said(typed(comment)))


@use_case
def reject(db: Db, actor: Actor, folder_id: int, *, version: int, reason: str) -> Moved:
    """Send the folder back to the desk that deposited it; refuses without a reason (`reason-needed`), or `words-long`.

    Where a desk signs, refuses whom no mandate lets sign it (`not-rejected`).
    """
    folder = lock(db, actor, folder_id, version)
    if not plain(reason):
        refuse_stranger(db, actor, folder)
        raise Refusal("reason-needed")
    try:
        return move(db, folder, Action.REJECT, actor, Said(typed(reason)))
    except Refusal as refusal:
        raise not_rejected(refusal) from refusal


def not_rejected(refusal: Refusal) -> Refusal:
    """The refusal of a rejection, said as one where it is a mandate that lacks."""
    if not refusal.key.startswith("mandate-"):
        return refusal
    return Refusal("not-rejected", details=lacking_words(refusal))


@use_case
def recall(db: Db, actor: Actor, folder_id: int, *, version: int) -> Moved:
    """Take one's folder back, while nobody has signed it and it has not left."""
    return move(db, lock(db, actor, folder_id, version), Action.RECALL, actor)


@use_case
def withdraw(db: Db, actor: Actor, folder_id: int, *, version: int) -> Moved:
    """Give up a draft or a folder that came back; it stays readable, and ends."""
    return move(db, lock(db, actor, folder_id, version), Action.WITHDRAW, actor)


@use_case
def archive(db: Db, actor: Actor, folder_id: int, *, version: int) -> Moved:
    """Close an archiving step."""
    return move(db, lock(db, actor, folder_id, version), Action.ARCHIVE, actor)


@use_case
def publish(
    db: Db,
    actor: Actor,
    folder_id: int,
    *,
    version: int,
    means: Means | None,
    published_on: date | None = None,
) -> date | None:
    """Bring an act to the knowledge of those concerned; returns the day from which it is enforceable.

    Online, it is put there now and the day is this one: none is asked. By another way, `published_on` is the day on which it
    was posted, laid open on paper or notified. Of an act that was posted in urgency, the day of that posting stays. The
    enforceable day is the later of that one and of reception by the State (CGCT L2131-1, TRA-01). Refuses a way that is not
    that of the act (`moved-on`: the page showed another, or None), a missing or future day, one before the last signature,
    and an act whose transmission was cancelled; whoever plugged in at publication may refuse too (`sockets.publishing`).
    """
    folder = lock(db, actor, folder_id, version)
    refuse_stranger(db, actor, folder)
    if folder.fields.get("cancelled_on"):
        raise Refusal("act-cancelled")
    if means is not way_of(db, folder):
        raise Refusal("moved-on", folder_id=folder_id, title="Ce dossier a changé", why=OTHERWISE)
    posted = urgency_of(db, folder)
    published_on = posted or (today() if means is Means.ONLINE else _stated(db, folder, published_on))
    enforceable = _enforceable(folder, published_on)
    facts = {
        "published_on": published_on.isoformat(),
        "means": means.value,
        "enforceable_on": enforceable.isoformat() if enforceable else None,
    }
    move(db, folder, Action.PUBLISH, actor, Said(facts=facts))
    if posted is not None:
        db.get_one(Publication, folder.id).enforceable_on = enforceable
    else:
        _record(db, folder, actor, means, published_on)
    for follow in plugged.publishings:
        follow(db, folder, actor, published_on)
    return enforceable


@use_case
def post_in_urgency(
    db: Db, actor: Actor, folder_id: int, *, version: int, posted_on: date | None, reason: str
) -> date | None:
    """Record that an act was posted at the town hall before it is put online; returns the day from which it is enforceable.

    That day is the later of the posting and of reception by the State (CGCT L2131-1, V); the step of publication waits on,
    because the act is to be put online all the same. Refuses an act that is not published online or was posted already
    (`not-urgent`), no reason or an endless one (`urgency-reason-missing`), the days that `publish` refuses, whoever is
    not to publish it now, or no more (`cover-over`), and anybody while an opinion is awaited (`opinion-awaited`) or a field
    that the step requires is empty (`facts-awaited`).
    """
    folder = lock(db, actor, folder_id, version)
    refuse_stranger(db, actor, folder)
    if folder.fields.get("cancelled_on"):
        raise Refusal("act-cancelled")
    here = present(db, folder)
    step = here.step
    if step is None or step.kind is not StepKind.PUBLISH or here.standing.awaited:
        raise not_your_turn(db, actor, folder, here)
    if not here.in_turn(actor, folder):
        raise not_your_turn(db, actor, folder, here)
    refuse_unfilled(folder, step)
    refuse_unseen(db, folder, step, actor)
    under = cover_in_force(db, actor, folder, here)
    if means_of(db, folder) is not Means.ONLINE:
        raise Refusal("not-urgent")
    reason = plain(reason)
    if not SHORTEST <= len(reason) <= LONGEST:
        raise Refusal("urgency-reason-missing", shortest=SHORTEST, longest=LONGEST)
    day = _stated(db, folder, posted_on)
    enforceable = _record(db, folder, actor, Means.URGENT, day)
    folder.fields = {**folder.fields, URGENCY: reason}
    touch(folder)
    facts: dict[str, Any] = {
        "published_on": day.isoformat(),
        "means": Means.URGENT.value,
        "reason": reason,
    }
    facts |= {"words": f"le {jour_long(day)} : « {reason} »", **facts_of(under)}
    append(
        db, folder.collectivity_id, Event("publication.posted", actor.name, actor.user_id, folder.id, facts)
    )
    return enforceable


def _record(db: Db, folder: Folder, actor: Actor, means: Means, day: date) -> date | None:
    """Keep how and when the act was made known, and since when it binds."""
    enforceable = _enforceable(folder, day)
    db.add(
        Publication(
            folder_id=folder.id,
            collectivity_id=folder.collectivity_id,
            published_on=day,
            means=means.value,
            enforceable_on=enforceable,
            author=actor.name,
            recorded_at=now(),
        )
    )
    return enforceable


def _enforceable(folder: Folder, known_on: date) -> date | None:
    received = folder.fields.get("received_on_by_state")
    listed = (
        folder.fields.get("transmitted") != "no"
    )  # what the law exempts from transmission waits for no receipt
    return enforceable_on(known_on, date.fromisoformat(received) if received else None, listed=listed)


def _stated(db: Db, folder: Folder, day: date | None) -> date:
    """The day that was typed, if the act could be brought to somebody's knowledge on it."""
    if day is None:
        raise Refusal("date-missing")
    if day > today():
        raise Refusal("date-future")
    signed = signed_on(db, folder)
    if signed is not None and day < signed:
        raise Refusal("date-before-signature", signed_on=jour_long(signed))
    decided = str(folder.fields.get("decision_date") or "")
    if decided and day.isoformat() < decided:
        raise Refusal("date-before-act")
    return day


@use_case
def open_meanwhile(db: Db, actor: Actor, folder_id: int) -> None:
    """Note that a person opens a folder within the seconds of what was just done there (`undoing`), before he is shown it.

    Under the folder's lock: whoever takes it back was first, or is told that somebody has opened it. Refuses `not-found`.
    """
    folder = lock(db, actor, folder_id, None, onlookers=True)
    refuse_stranger(db, actor, folder)
    if looks_on(db, actor, folder):  # what he reads keeps nobody from taking back what he did
        return
    moment = now()
    seen = sa.update(Reading).where(Reading.folder_id == folder_id, Reading.user_id == actor.user_id)
    again = db.execute(seen.values(again_at=moment).execution_options(synchronize_session=False))
    if not again.rowcount:  # type: ignore[attr-defined]
        db.add(Reading(folder_id=folder_id, user_id=actor.user_id, first_at=moment))
        append(db, folder.collectivity_id, Event("folder.opened", actor.name, actor.user_id, folder_id, {}))


def acknowledged(
    db: Db, folder: Folder, actor: Actor, *, received_on: date | None, facts: Mapping[str, Any]
) -> Moved:
    """The other side has accepted the folder: keep the day of reception and pass on, in the caller's transaction."""
    if received_on is not None:
        folder.fields = {**folder.fields, "received_on_by_state": received_on.isoformat()}
    return move(db, folder, Action.ACKNOWLEDGE, actor, Said(facts=facts))


def refused(db: Db, folder: Folder, actor: Actor, *, reason: str, facts: Mapping[str, Any]) -> Moved:
    """The other side has refused the folder: it comes back with its reason, in the caller's transaction."""
    return move(db, folder, Action.REFUSE, actor, Said(reason, facts=facts))
