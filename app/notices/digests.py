"""One letter for all that waits for a person, at the rhythm that he chose, and the reminder of what is late.

What waits is counted when the letter is written, by the rule of « À traiter »: done, covered or taken back meanwhile, nothing
is reminded. One row for each moment that a person chose, whatever was restarted: the key says the moment, and the last look
is kept, so that none is missed and none is told at another hour. Never at night, nor on a day off.
"""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import heartbeat
from app.core.clock import PARIS, now, today
from app.core.db import Db, UTCDateTime, reading
from app.core.french import jour_long
from app.core.outbox import Later, Needless, News, Outbox, Row, post
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.access import STEP, unrestricted
from app.folders.models import StepRun
from app.notices import back
from app.notices.hours import DIGEST, wait
from app.notices.waiting import ESCALATION, MOST, far, stuck_below, waiting
from app.people.actor import Actor
from app.people.covers import live
from app.people.models import Absence, Collectivity, Desk, Holder, User
from app.people.own_settings.registry import Kind, Own, Setting, value_in
from app.people.reaching import is_dead
from app.people.working_days import calendar_in
from workflows.rhythms import MINUTES, MORNING, Choice, Rhythm, due, following, quiet_until

PAGE = "/a-traiter"
RHYTHM = "mail_rhythm"
MANY = 1000
"""Keys asked at once."""
GROUPED = "sera dit avec le reste, au rythme choisi par cette personne"
NEVER = "cette personne n’est pas prévenue de ce qui l’attend : « Jamais » est choisi"
DEAD = "l’adresse de cette personne refuse les courriels : rien ne lui est rappelé tant qu’elle n’est ni changée ni confirmée"
TOLD = "dit avec le reste, dans un courriel de cette personne"
COUNTED = timedelta(minutes=1)
"""How long at most a letter takes to leave once it has counted: what came meanwhile is told again, rather than not at all."""
HALF_HOUR, AFTER = timedelta(minutes=30), timedelta(minutes=2)
"""How often one looks, and how long after a letter that tells all the one about a folder asks whether it was told by it."""
_looked: dict[str, datetime] = {}


def _held(by: Any, *more: Any) -> Any:
    """Whether a step is awaited at a desk that somebody holds, as a column of a statement about people."""
    return sa.exists().where(
        Holder.user_id == by, StepRun.desk_id == Holder.desk_id, sa.text("step_run.state = 'active'"), *more
    )


def _any(*more: Any) -> Any:
    """Whether a step is awaited of a person: at his desks, by his name, or at the desks of whom he stands in for."""
    named = sa.exists().where(
        StepRun.named_user_id == User.id,
        StepRun.named_user_id.is_not(None),
        sa.text("step_run.state = 'active'"),
        *more,
    )
    lent = sa.exists().where(
        Absence.cover_id == User.id,
        live(sa.bindparam("moment", type_=UTCDateTime())),
        Holder.user_id == Absence.user_id,
        StepRun.desk_id == Holder.desk_id,
        sa.text("step_run.state = 'active'"),
        *more,
    )
    return sa.or_(_held(User.id, *more), named, lent)


_WAITS = sa.or_(_any(), back.any_for(User.id))


def _below(seat: Any, desk: Any, step: Any) -> Any:
    """The condition that a step is late for long at a desk below one that is held: nothing of restricted folders."""
    return sa.and_(
        desk.c.parent_id == seat.c.desk_id,
        step.c.desk_id == desk.c.id,
        step.c.state == "active",
        step.c.due_on < sa.bindparam("far", type_=sa.Date()),
        unrestricted(step),
    )


_SEAT: Any = sa.inspect(Holder).local_table.alias("above")
_DESK: Any = sa.inspect(Desk).local_table.alias("below")
# Whoever could be told: what he may do there is asked when his letter is written
_awaited = sa.select(
    User.id,
    User.rhythm,
    User.rhythm_minute,
    User.rhythm_since,
    User.mail_refusals,
    _any(StepRun.due_on <= sa.bindparam("day", type_=sa.Date())).label("pressing"),
    _WAITS.label("waits"),
    (_leads := sa.exists().where(_SEAT.c.user_id == User.id, _below(_SEAT, _DESK, STEP))).label("leads"),
).where(
    User.collectivity_id == sa.bindparam("here"),
    User.active.is_(True),
    User.email != "",
    sa.or_(_WAITS, _leads),
)


def setting(group: str) -> Setting:
    """The rhythm of who chose none."""
    return Setting(
        RHYTHM,
        group,
        "Rythme des courriels",
        "Quand dire à chacun ce qui l’attend, tant qu’il n’a rien choisi lui-même sous « Mon compte », « Mes courriels ». Ce qui "
        "est en retard se rappelle une fois par jour ouvré, quel que soit le choix, sauf « Jamais ».",
        "courriels qui disent à chacun ce qui l’attend",
        Kind.CHOICE,
        lambda: Rhythm.NOW.value,
        choices=tuple((rhythm.value, rhythm.label.lower()) for rhythm in Rhythm),
    )


def choice_of(user: Any, own: Own) -> Choice:
    """What a person chose, or else what the collectivity says; `user` is a row with the columns of the account."""
    rhythm = Rhythm(user.rhythm or str(value_in(own, RHYTHM).value))
    minute = MORNING if user.rhythm_minute is None else user.rhythm_minute
    return Choice(rhythm, minute, user.rhythm_since)


@use_case
def choose(db: Db, actor: Actor, rhythm: str, minute: int) -> None:
    """Keep how often the actor is told what waits, and at which minute of the day; refuses `rhythm-unknown`."""
    if rhythm not in {*Rhythm} or minute not in MINUTES:
        raise Refusal("rhythm-unknown")
    user = db.get_one(User, actor.user_id)
    if (user.rhythm, user.rhythm_minute) != (rhythm, minute):
        user.rhythm, user.rhythm_minute, user.rhythm_since = rhythm, minute, now()
        # What waits for the former moment asks again now: it leaves, or waits for the new one (`refuse_grouped`)
        waits = sa.update(Outbox).where(
            Outbox.kind == "mail",
            sa.text("outbox.state = 'pending'"),
            Outbox.collectivity_id == actor.collectivity_id,
            Outbox.last_error == GROUPED,
            Outbox.payload["user_id"].as_integer() == user.id,
        )
        db.execute(waits.values(available_at=now()).execution_options(synchronize_session=False))


@use_case
def send_example(db: Db, actor: Actor) -> None:
    """Write the actor the letter that tells what waits now, once a minute at most."""
    key = f"{DIGEST}-{actor.user_id}-trial-{now():%Y%m%d%H%M}"
    if db.scalar(sa.select(Outbox.id).where(Outbox.key == key)) is None:
        post(db, actor.collectivity_id, [_news(actor.user_id or 0, key, trial=True)])


def look() -> None:
    """Each half-hour in this process, by day: write the letters whose moment came since the last look, in every collectivity."""
    half_hour = now().replace(second=0, microsecond=0)
    half_hour -= timedelta(minutes=half_hour.minute % 30)
    if _looked.get("half-hour") == half_hour:
        return
    with reading() as db:
        everywhere = list(db.scalars(sa.select(Collectivity.id).order_by(Collectivity.id)))
    faults: list[Exception] = []
    for collectivity_id in everywhere:
        name, moment = f"letters-{collectivity_id}", now()
        try:
            last = heartbeat.last(name) or moment - HALF_HOUR
            if remind_in(collectivity_id, last) is not None:
                heartbeat.beat(name, moment)
        except Exception as fault:  # noqa: BLE001 - raised below, once the others have had their letters
            faults.append(fault)
    if faults:
        raise faults[0]
    _looked["half-hour"] = half_hour


@use_case
def remind_in(db: Db, collectivity_id: int, last: datetime) -> int | None:
    """Write the letters of one collectivity whose moment came since the `last` look, and return how many.

    None at night and on days off, when nobody looks. Asked again, it writes nothing more.
    """
    db.info["collectivity_id"] = collectivity_id
    own, moment = db.get_one(Collectivity, collectivity_id).settings, now()
    calendar = calendar_in(own)
    if quiet_until(calendar, moment, PARIS) is not None:
        return None
    wanted: dict[str, News] = {}
    binds = {"here": collectivity_id, "moment": moment, "day": today(), "far": far(own)}
    for row in db.execute(_awaited, binds):
        at = None if is_dead(row, own) else due(choice_of(row, own), calendar, last, moment, PARIS)
        if at is None:
            continue
        whole = at.whole and row.waits
        if whole or ((row.pressing or row.leads) and at.fresh is None):
            since = at.fresh.isoformat() if whole and at.fresh is not None else None
            key = f"{DIGEST}-{row.id}-{at.name}"
            wanted[key] = _news(row.id, key, late=not whole, since=since)
    keys, known = list(wanted), set[str]()
    for start in range(0, len(keys), MANY):
        some = keys[start : start + MANY]
        known |= set(db.scalars(sa.select(Outbox.key).where(Outbox.key.in_(some))))
    written = [news for key, news in wanted.items() if key not in known]
    post(db, collectivity_id, written)
    return len(written)


def refuse_outdone(db: Db, own: Own, user: User, row: Row) -> None:
    """Raises `Needless` where another letter of what waits tells its reader all that this one would, or has told it since.

    And where he has stopped these letters since it was written, or where his address takes none.

    Of those that have not left, the one that tells all goes before the one that tells what is late, and the older before the
    newer: it tells what waits when it leaves.
    """
    if choice_of(user, own).rhythm is Rhythm.NEVER:
        raise Needless(NEVER)
    if is_dead(user, own):
        raise Needless(DEAD)
    prefix = f"{DIGEST}-{row.payload['user_id']}-2"  # of a day, and of no example
    others = sa.select(Outbox.id, Outbox.payload).where(
        Outbox.key.startswith(prefix), Outbox.state.in_(["pending", "running"]), Outbox.id != row.id
    )
    mine = (bool(row.payload.get("late")), row.id)
    if any((bool(payload.get("late")), number) < mine for number, payload in db.execute(others)):
        raise Needless("un autre courriel, qui attend de partir, le dit : celui-ci n’est pas parti")
    left = _last_left(db, row.payload["user_id"])
    if left is not None and left + COUNTED >= row.created_at:
        raise Needless("un courriel parti depuis l’a dit : celui-ci n’est pas parti")


def _last_left(db: Db, user_id: int) -> datetime | None:
    """Until when what came was told by the last letter of all that waits; None where none ever left."""
    left = sa.select(sa.func.max(Outbox.done_at)).where(
        Outbox.key.startswith(f"{DIGEST}-{user_id}-2"),
        Outbox.state == "done",
        Outbox.last_error.is_(None),
        sa.not_(sa.func.coalesce(Outbox.payload["late"].as_boolean(), sa.false())),
    )
    moment = db.scalar(left)
    return None if moment is None else moment - COUNTED


def words_of(db: Db, row: Row, actor: Actor, own: Own) -> dict[str, Any]:
    """What the letter says of what waits; raises `Needless` where nothing does any more, or another letter has told it."""
    fresh = row.payload.get("since")
    left = _last_left(db, actor.user_id or 0)
    since = (left or datetime.fromisoformat(fresh)) if fresh else None
    counts, stuck = waiting(db, actor, since), stuck_below(db, actor, own)
    if not row.payload.get("trial"):
        due_now = counts.presses if row.payload.get("late") else counts.folders or counts.returned
        if not due_now and not stuck:
            raise Needless("plus rien n’attend cette personne : aucun courriel n’est parti")
        if since is not None and not counts.fresh and not stuck:
            raise Needless("rien n’est arrivé depuis le dernier courriel : aucun n’est parti")
    facts: dict[str, Any] = {"folders": counts.folders, "many": counts.folders >= MOST}
    facts |= {"returned": counts.returned}
    facts |= {
        "fresh": counts.fresh if left is not None else 0
    }  # « since the last » is said where there was one
    facts |= {"stuck": stuck, "allowed": int(value_in(own, ESCALATION).value or 0)}
    soonest = jour_long(counts.soonest) if counts.soonest and counts.soonest > today() else ""
    return {**facts, "late": counts.late, "due_today": counts.due_today, "soonest": soonest}


def next_letter(choice: Choice, own: Own, moment: datetime) -> datetime | None:
    """When all that waits is told next, by the hours of the collectivity; None for who is told at once, or never."""
    at = following(choice, calendar_in(own), moment, PARIS)
    return None if at is None else at + wait(own, DIGEST, at)


def refuse_grouped(db: Db, own: Own, user: User, row: Row) -> None:
    """Raises `Later` for a letter about one folder whose reader is told later of all that waits; `Needless` once he was.

    Not where the folder would be late before that letter: it leaves at once. Who has chosen meanwhile to be told at once has
    what was kept. `Needless` too for who is never told, and whose address takes no letter.
    """
    choice, moment = choice_of(user, own), now()
    if is_dead(user, own):
        raise Needless(DEAD)
    if choice.rhythm is Rhythm.NOW or row.payload.get("back"):
        return
    if choice.rhythm is Rhythm.NEVER:
        raise Needless(NEVER)
    left = _last_left(db, user.id)
    if left is not None and left > row.created_at:
        raise Needless(TOLD)
    day = db.scalar(
        sa.select(sa.func.min(STEP.c.due_on)).where(
            STEP.c.folder_id == row.folder_id, STEP.c.state == "active"
        )
    )
    letter = next_letter(choice, own, moment)
    if letter is not None and (day is None or day >= letter.astimezone(PARIS).date()):
        raise Later((letter - moment + AFTER).total_seconds(), GROUPED)


def _news(user_id: int, key: str, **more: Any) -> News:
    facts = {name: value for name, value in more.items() if value}
    return News("mail", key, {"event": DIGEST, "user_id": user_id, "page": PAGE, **facts})
