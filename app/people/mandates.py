"""Signing mandates: record who may sign in the commune's name and as what, put an end to it, read it for the law."""

import re
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core.clock import now, today
from app.core.db import NO_DATE, Db
from app.core.french import jour_long
from app.core.outbox import News, post
from app.core.questions import OF, Question, answered, ask, keep, kept, once
from app.core.refusals import Refusal
from app.core.security import new_token
from app.core.texts import line_of
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.people.actor import Actor
from app.people.models import Collectivity, MandateRow, User
from app.people.persons import void_shown
from workflows.family import families
from workflows.mandates import Kind, Mandate, over, words

_MATTER = re.compile(r"[1-9]\d?(\.\d{1,2}){0,4}")
HIGHEST_RANK = 999
LONGEST_REASON = 300
ENDED = "mandate_ended"
"""The letter that tells the end of a mandate."""


@dataclass(frozen=True)
class Wanted:
    """A mandate as it is asked for; the amount in cents, `ends_on` the last day or None when open."""

    user_id: int
    kind: Kind
    title: str
    starts_on: date | None
    ends_on: date | None = None
    order_number: str = ""
    order_date: date | None = None
    families: tuple[str, ...] = ()
    matters: tuple[str, ...] = ()
    ceiling_cents: int | None = None
    rank: int | None = None
    reason: str = ""
    elected: bool | None = None
    order_folder_id: int | None = None


@dataclass(frozen=True)
class Order:
    """An order signed here that may delegate: its folder, its number, the day it was signed, the day it is executory or None."""

    folder_id: int
    number: str
    title: str
    signed_on: date
    executory_on: date | None


_orders: list[Callable[[Db], Sequence[Order]]] = []
_executory: list[Callable[[Db, Collection[int]], Collection[int]]] = []
_numbered: list[Callable[[Db, str], Sequence[int]]] = []


def orders_from(
    find: Callable[[Db], Sequence[Order]],
    executory: Callable[[Db, Collection[int]], Collection[int]],
    numbered: Callable[[Db, str], Sequence[int]],
) -> None:
    """Let a higher floor say which orders of this collectivity may delegate, and which of these folders are executory today.

    `numbered`: the folders of orders that bear a number, as it may be typed, signed or not.
    """
    _orders[:], _executory[:], _numbered[:] = [find], [executory], [numbered]


Stopping = Callable[[Db, int, Collection[int], Mandate | None], int]
_stopping: list[Stopping] = []


def stopping_by(count: Stopping) -> None:
    """Let a higher floor count the folders of a collectivity that nobody could sign, were these mandates to end.

    Or, with a mandate that would be the first, were nobody to sign without one from then on.
    """
    _stopping[:] = [count]


def stopped(
    db: Db, collectivity_id: int, ended: Collection[int] = (), *, first: Mandate | None = None
) -> int:
    """How many folders that wait now nobody could sign, were these mandates to end, or `first` to be the first recorded."""
    return sum(count(db, collectivity_id, ended, first) for count in _stopping)


ORDERS = "orders that delegate"
"""Under which a page keeps the orders that were looked at, and those of them that are executory."""


def as_their_orders_stand(db: Db, mandates: Sequence[Mandate]) -> list[Mandate]:
    """The same mandates, each told off whose order, signed here, is not executory today (DLG-01).

    Whoever asks what a person may sign asks it of these: trays, letters and pages offer nothing that would be refused.
    One statement when one of them is by an order signed here, else none.
    """
    folders = {mandate.order_folder for mandate in mandates if mandate.order_folder is not None}
    known: tuple[set[int], set[int]] | None = kept(db, ORDERS)
    if known is not None and folders <= known[0]:
        standing = folders & known[1]
    else:
        standing = set(folders)
        for executory in _executory if folders else ():
            standing &= set(executory(db, folders))
        keep(db, ORDERS, (folders, standing))
    return [
        replace(mandate, order_off=mandate.order_folder is not None and mandate.order_folder not in standing)
        for mandate in mandates
    ]


def orders(db: Db) -> list[Order]:
    """The orders signed here that may delegate, the last first."""
    return [order for find in _orders for order in find(db)]


@use_case
def open_mandate(db: Db, actor: Actor, wanted: Wanted, *, sure: int = 0) -> int:
    """Let a person sign in the commune's name; the mandate's number.

    Once one is recorded, nobody signs without one: the first is refused where more folders than `sure` wait for a signature
    that nobody could give any more (`mandate-first`).

    Refuses what `line_of` does of its texts, what lacks a part that the law asks (`mandate-incomplete`), the same mandate
    again (`mandate-twice`), dates in disorder (`mandate-dates`), a matter
    that is none (`mandate-matter`), a second mayor (`mandate-mayor-twice`), a delegation that no mayor in office on
    the order's day gave (`mandate-no-mayor`), an order dated after today (`mandate-order-to-come`), a function given to an
    officer (`mandate-officer`), and an unknown person (`mandate-person`). Source: CGCT L2122-17 to -20. With the
    folder of the order, or the number of one that is here, its number and its days are read there, whatever was typed; one
    that is not executory yet, or is none, is refused (`mandate-order`).
    """
    wanted = replace(
        wanted,
        title=line_of(wanted.title),
        order_number=line_of(wanted.order_number),
        reason=line_of(wanted.reason),
    )
    wanted = _by_its_order(db, wanted)
    person = db.scalar(
        sa.select(User).where(
            User.id == wanted.user_id,
            User.collectivity_id == actor.collectivity_id,
            User.active.is_(True),
        )
    )
    if person is None:
        raise Refusal("mandate-person")
    starts_on = _sound(wanted)
    # One at a time in a collectivity: two administrators must not record two mayors at the same instant.
    db.get_one(Collectivity, actor.collectivity_id, with_for_update={"key_share": True})
    known = mandates(db)
    given_by = _giver(known, wanted) if wanted.kind.delegated else None
    _refuse_twice(known, wanted, starts_on)
    if wanted.kind is Kind.MAYOR:
        _alone(known, starts_on, wanted.ends_on)
    row = MandateRow(
        collectivity_id=actor.collectivity_id,
        user_id=person.id,
        kind=wanted.kind.value,
        title=wanted.title.strip(),
        given_by_id=given_by.id if given_by else None,
        order_number=wanted.order_number.strip(),
        order_date=wanted.order_date,
        starts_on=starts_on,
        ends_on=wanted.ends_on,
        families=list(wanted.families),
        matters=list(wanted.matters),
        ceiling_cents=wanted.ceiling_cents,
        rank=wanted.rank,
        reason=wanted.reason.strip(),
        elected=True if wanted.kind is Kind.MAYOR else wanted.elected,
        order_folder_id=wanted.order_folder_id,
        created_at=now(),
        created_by=actor.name,
    )
    if not known:
        _refuse_first(db, _law(row, given_by), actor.collectivity_id, sure)
    db.add(row)
    db.flush()
    void_shown(db, actor, person.id)
    facts = {**_facts(row), "words": words(_law(row, given_by)), "person": person.name}
    append(db, actor.collectivity_id, Event("mandate.opened", actor.name, actor.user_id, None, facts))
    return row.id


def _refuse_first(db: Db, first: Mandate, collectivity_id: int, sure: int) -> None:
    """Refuse to close the signature to everybody else before it was told how many folders stop."""
    count = stopped(db, collectivity_id, first=first)
    if count > sure:
        waiting = (
            f"{count} dossiers attendent une signature que plus personne ne pourrait donner"
            if count > 1
            else "un dossier attend une signature que plus personne ne pourrait donner"
        )
        raise Refusal("mandate-first", count=count, waiting=waiting)


def _by_its_order(db: Db, wanted: Wanted) -> Wanted:
    """A delegation as the folder of its order makes it: number, day of signature, and not before it is executory (DLG-01)."""
    if not wanted.kind.delegated:
        return replace(wanted, order_folder_id=None)
    if wanted.order_folder_id is None:
        # A number typed by hand does not get round the order that is here under it
        known = [folder for find in _numbered for folder in find(db, wanted.order_number)]
        if not known:
            return wanted
        wanted = replace(wanted, order_folder_id=known[-1])
    order = next((order for order in orders(db) if order.folder_id == wanted.order_folder_id), None)
    if order is None or order.executory_on is None:
        raise Refusal("mandate-order")
    first = max(order.executory_on, wanted.starts_on or order.executory_on)
    return replace(wanted, order_number=order.number, order_date=order.signed_on, starts_on=first)


@use_case
def accredit(db: Db, actor: Actor, mandate_id: int, day: date | None) -> None:
    """Write since when the public accountant knows the holder of a mandate (PES-03).

    Refuses `mandate-unknown`, also for one that is over, and no day, one to come, or one before the order that gives the
    mandate, or before its first day where no order does (`mandate-accredited`).
    """
    row = db.scalar(
        sa.select(MandateRow)
        .where(MandateRow.id == mandate_id, MandateRow.collectivity_id == actor.collectivity_id)
        .with_for_update()
    )
    law = {mandate.id: mandate for mandate in mandates(db)}
    if row is None or over(law[row.id], today()):
        raise Refusal("mandate-unknown")
    first = min(row.order_date or row.starts_on, row.starts_on)
    if day is None or day > today() or day < first:
        raise Refusal("mandate-accredited", first=jour_long(first))
    row.accredited_on = day
    facts = {**_facts(row), "words": words(law[row.id]), "accredited_on": day.isoformat()}
    append(db, actor.collectivity_id, Event("mandate.accredited", actor.name, actor.user_id, None, facts))


def to_accredit(known: Sequence[Mandate], day: date) -> list[Mandate]:
    """The mandates in force or to come that sign payment flows and of which the accountant was not told."""
    flows = {family.name for family in families().values() if family.certificate_purpose == "pes"}
    return [
        mandate
        for mandate in known
        if mandate.accredited_on is None
        and not over(mandate, day)
        and (not mandate.families or flows & set(mandate.families))
    ]


@use_case
def end_mandate(
    db: Db, actor: Actor, mandate_id: int, *, reason: str, last_day: date | None = None
) -> tuple[str, ...]:
    """Put an end to a mandate, at once or after its `last_day`; the words of the delegations that fall with a mayor's.

    The delegations are not written to: they fall by the law, because the office that they come from has ended
    (CGCT L2122-20). Its holder, theirs, who gave it and the other administrators are told by mail, with the reason. Refuses
    `mandate-unknown`, also for what has already ended, a day that is past (`mandate-dates`) or after the last one that it has
    (`mandate-longer`), the last day of calendars, which ends nothing (`mandate-endless`), and no reason
    (`mandate-reason-needed`).
    """
    reason = line_of(reason)[:LONGEST_REASON].strip()
    if not reason:
        raise Refusal("mandate-reason-needed")
    row = db.scalar(
        sa.select(MandateRow)
        .where(MandateRow.id == mandate_id, MandateRow.collectivity_id == actor.collectivity_id)
        .with_for_update()
    )
    law = {mandate.id: mandate for mandate in mandates(db)}
    if row is None or over(law[row.id], today()):
        raise Refusal("mandate-unknown")
    if last_day is None:
        row.ended_at, row.ended_by = now(), actor.name
    elif last_day >= NO_DATE:
        raise Refusal("mandate-endless")
    elif last_day < max(today(), row.starts_on):
        raise Refusal("mandate-dates")
    elif row.ends_on is not None and last_day > row.ends_on:
        raise Refusal("mandate-longer", last=jour_long(row.ends_on))
    else:
        row.ends_on, row.ended_by = last_day, actor.name
    after = today() if last_day is None else last_day + timedelta(days=1)
    delegations = [
        mandate
        for mandate in law.values()
        if mandate.given_by is not None and mandate.given_by.id == row.id and not over(mandate, after)
    ]
    falling = tuple(words(mandate) for mandate in delegations)
    _tell_end(db, actor, law[row.id], delegations, reason, last_day)
    facts = {
        **_facts(row),
        "words": words(law[row.id]),
        "at_once": last_day is None,
        "falling": list(falling),
        "why": reason,
    }
    append(db, actor.collectivity_id, Event("mandate.ended", actor.name, actor.user_id, None, facts))
    return falling


def _tell_end(
    db: Db, actor: Actor, ended: Mandate, falling: Sequence[Mandate], reason: str, last_day: date | None
) -> None:
    """Who signs no more is told of each mandate lost; its giver and administrators, of the one that ended; never who did it."""
    people = db.scalars(
        sa.select(User)
        .where(User.collectivity_id == actor.collectivity_id, User.active.is_(True))
        .where(User.id.is_distinct_from(actor.user_id))
        .order_by(User.id)
    )
    giver = ended.given_by.person if ended.given_by is not None else None
    common = {
        "event": ENDED,
        "by": actor.name,
        "reason": reason,
        "whose": db.get_one(User, ended.person).name,
        "last_day": last_day.isoformat() if last_day is not None else None,
    }
    mark = new_token()[:16]  # of its own for each end: a last day may be brought forward again
    news = []
    for user in people:
        lost = [mandate for mandate in (ended, *falling) if mandate.person == user.id]
        for mandate in lost:
            about = "" if mandate is ended else words(ended)
            facts = {"own": True, "what": words(mandate), "about": about, "page": "/compte"}
            news.append((user, mandate, facts))
        if not lost and (user.administrator or user.id == giver):
            page = "/administration/mandats" if user.administrator else "/compte"
            facts = {"own": False, "what": words(ended), "left": len(falling), "page": page}
            facts |= {"giver": True} if user.id == giver else {}
            news.append((user, ended, facts))
    post(
        db,
        actor.collectivity_id,
        [
            News(
                "mail",
                f"{ENDED}-{mandate.id}-{user.id}-{mark}",
                {**common, **facts, "user_id": user.id},
                None,
                user.email,
            )
            for user, mandate, facts in news
        ],
    )


_holder = aliased(User)
OF_COLLECTIVITY = Question(
    (MandateRow, _holder),
    MandateRow.collectivity_id == OF,
    ((_holder, _holder.id == MandateRow.user_id),),
)
"""All the mandates of a collectivity, each beside its holder."""
_recorded = sa.select(sa.literal(1)).where(MandateRow.collectivity_id == sa.bindparam("here")).limit(1)


def recorded(db: Db, collectivity_id: int) -> bool:
    """Whether this collectivity has ever recorded a mandate: from then on nobody signs in its name without one."""
    key = recorded_key(collectivity_id)
    return once(db, key, lambda: db.scalar(_recorded, {"here": collectivity_id}) is not None)


def recorded_key(collectivity_id: int) -> Hashable:
    """Under which a page keeps what `recorded` says."""
    return "mandates recorded", collectivity_id


def held_key(user_id: int) -> Hashable:
    """Under which a page keeps the mandates of a person."""
    return "mandates", user_id


def law_of(row: MandateRow, giver: MandateRow | None) -> Mandate:
    """A recorded mandate as the law reads it, with the office that it comes from; its order is not looked at."""
    return _law(row, _law(giver, None) if giver is not None else None)


def mandates(db: Db, user_id: int | None = None, *, lock: bool = False) -> list[Mandate]:
    """The mandates of a person, or all of the session's collectivity, as the law reads them; those that ended as well.

    With `lock`, whoever ends one of them waits until the caller's transaction has told what was signed by it.
    """
    known: list[Mandate] | None = kept(db, held_key(user_id)) if user_id is not None and not lock else None
    if known is not None:
        return known
    here = db.info.get("collectivity_id")
    if here is not None and not lock and (user_id is None or answered(db, OF_COLLECTIVITY, here)):
        return _read(db, [row for row, _ in ask(db, OF_COLLECTIVITY, here)], user_id)
    query = sa.select(MandateRow).order_by(MandateRow.id)
    if user_id is not None:
        givers = sa.select(MandateRow.given_by_id).where(
            MandateRow.user_id == user_id, MandateRow.given_by_id.is_not(None)
        )
        query = query.where(sa.or_(MandateRow.user_id == user_id, MandateRow.id.in_(givers)))
    if lock:
        query = query.with_for_update(read=True).execution_options(populate_existing=True)
    return _read(db, list(db.scalars(query)), user_id)


def _read(db: Db, rows: Sequence[MandateRow], user_id: int | None = None) -> list[Mandate]:
    """These rows as the law reads them; of the person alone, where there is one."""
    by_id: dict[int, Mandate] = {}
    for row in rows:  # a mayor's mandate is older than the delegations that it gave
        by_id[row.id] = _law(row, by_id.get(row.given_by_id) if row.given_by_id is not None else None)
    return as_their_orders_stand(
        db, [by_id[row.id] for row in rows if user_id is None or row.user_id == user_id]
    )


def _law(row: MandateRow, given_by: Mandate | None) -> Mandate:
    return Mandate(
        id=row.id,
        person=row.user_id,
        kind=Kind(row.kind),
        title=row.title,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        ended=row.ended_at is not None,
        families=tuple(row.families),
        matters=tuple(row.matters),
        ceiling_cents=row.ceiling_cents,
        rank=row.rank,
        order_number=row.order_number,
        order_folder=row.order_folder_id,
        accredited_on=row.accredited_on,
        given_by=given_by,
    )


def _sound(wanted: Wanted) -> date:
    """The first day, once nothing is missing and nothing contradicts itself."""
    missing = [label for label, there in _required(wanted) if not there]
    if missing or wanted.starts_on is None:
        raise Refusal("mandate-incomplete", details=", ".join(missing))
    if wanted.ends_on is not None and wanted.ends_on < wanted.starts_on:
        raise Refusal("mandate-dates")
    if wanted.elected is False and wanted.kind in {Kind.FUNCTION, Kind.SUBSTITUTE}:
        raise Refusal("mandate-officer")
    if wanted.kind.delegated and wanted.order_date is not None:
        _order_before(wanted.order_date, wanted.starts_on)
    if unknown := [name for name in wanted.families if name not in families()]:
        raise Refusal("family-unknown", name=unknown[0])
    for matter in wanted.matters:
        if not _MATTER.fullmatch(matter):
            raise Refusal("mandate-matter", matter=matter)
    if wanted.ceiling_cents is not None and wanted.ceiling_cents <= 0:
        raise Refusal("mandate-ceiling")
    if wanted.rank is not None and not 0 < wanted.rank <= HIGHEST_RANK:
        raise Refusal("mandate-rank")
    return wanted.starts_on


def _order_before(order_date: date, starts_on: date) -> None:
    if starts_on < order_date:
        raise Refusal("mandate-dates")
    # An order of tomorrow delegates nothing yet, whatever day it would begin
    if order_date > today():
        raise Refusal("mandate-order-to-come")


def _required(wanted: Wanted) -> list[tuple[str, object]]:
    """What the law asks of this kind, with what was given."""
    entries: list[tuple[str, object]] = [
        ("qualité", wanted.title.strip()),
        ("premier jour", wanted.starts_on),
    ]
    if wanted.kind is not Kind.MAYOR:
        entries.append(("si la personne est élue ou agent", wanted.elected is not None))
    if wanted.kind.delegated:
        entries += [
            ("numéro de l’arrêté", wanted.order_number.strip()),
            ("date de l’arrêté", wanted.order_date),
            ("au moins un type de dossier", wanted.families),
        ]
    if wanted.kind is Kind.SIGNATURE and wanted.elected is not True and _of_the_council(wanted.families):
        entries += [
            ("délibération qui permet à un agent de signer les décisions du maire", wanted.reason.strip())
        ]
    if wanted.kind is Kind.SUBSTITUTE:
        entries += [("motif de l’empêchement", wanted.reason.strip()), ("dernier jour", wanted.ends_on)]
    return entries


def _of_the_council(names: Sequence[str]) -> bool:
    """Whether the council delegated one of these powers: an officer signs it if its deliberation says so (CGCT L2122-19, -23)."""
    known = families()
    return any(name in known and known[name].named_substitution for name in names)


def _giver(known: Sequence[Mandate], wanted: Wanted) -> Mandate:
    """The mayor in office on the day of the order; only his office carries the delegation."""
    day = wanted.order_date or today()
    for mandate in known:
        in_time = mandate.starts_on <= day and (mandate.ends_on is None or day <= mandate.ends_on)
        if mandate.kind is Kind.MAYOR and in_time and not over(mandate, today()):
            return mandate
    raise Refusal("mandate-no-mayor")


def _refuse_twice(known: Sequence[Mandate], wanted: Wanted, starts_on: date) -> None:
    """Refuse the very mandate that is in force or to come already (`mandate-twice`): a form that was sent twice."""
    same = {
        "person": wanted.user_id,
        "starts_on": starts_on,
        **{name: getattr(wanted, name) for name in ("kind", "title", "ends_on", "order_number")},
        **{name: getattr(wanted, name) for name in ("families", "matters", "ceiling_cents", "rank")},
    }
    for one in known:
        if not over(one, today()) and all(getattr(one, name) == value for name, value in same.items()):
            raise Refusal("mandate-twice")


def _alone(known: Sequence[Mandate], starts_on: date, ends_on: date | None) -> None:
    for mandate in known:
        if mandate.kind is not Kind.MAYOR or over(mandate, min(starts_on, today())):
            continue
        before = mandate.ends_on is not None and mandate.ends_on < starts_on
        after = ends_on is not None and ends_on < mandate.starts_on
        if not before and not after:
            raise Refusal("mandate-mayor-twice")


def _facts(row: MandateRow) -> dict[str, Any]:
    """What the journal keeps of a mandate."""
    return {
        "mandate": row.id,
        "user": row.user_id,
        "kind": row.kind,
        "order": row.order_number,
        "order_date": row.order_date.isoformat() if row.order_date else None,
        "starts_on": row.starts_on.isoformat(),
        "ends_on": row.ends_on.isoformat() if row.ends_on else None,
        "families": row.families,
        "matters": row.matters,
        "ceiling_cents": row.ceiling_cents,
        "rank": row.rank,
        "reason": row.reason,
        "elected": row.elected,
        "order_folder": row.order_folder_id,
    }
