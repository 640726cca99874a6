"""One letter for all that waits for a person, at the rhythm that he chose, and the reminder of what is late.

What waits is counted when the letter is written, by the rule of « À traiter »: done, covered or taken back meanwhile, nothing
is reminded. One row for each moment that a person chose, whatever was restarted: the key says the moment, and the last look
is kept, so that none is missed and none is told at another hour. Never at night, nor on a day off.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import heartbeat
from app.core.clock import PARIS, now, today
from app.core.db import Db, UTCDateTime, reading
from app.core.french import jour_long
from app.core.outbox import Later, Needless, News, Outbox, Row, post
from app.core.transaction import use_case
from app.folders import pause
from app.folders.access import STEP, unrestricted
from app.folders.models import Folder, StepRun
from app.folders.notices import MISSED, WITH_THE_REST
from app.notices import arrived, back, outdone
from app.notices.choices import GROUPED, choices_of, offered
from app.notices.escalation import Delays, OfType, delays_of, late_for_long
from app.notices.hours import DIGEST, wait
from app.notices.outdone import NEVER
from app.notices.waiting import MOST, Awaiting, Stuck, Waiting, awaiting, counted, stuck_below, vacant
from app.people.actor import Actor
from app.people.covers import live
from app.people.models import Absence, Collectivity, Desk, Holder, User
from app.people.own_settings.registry import Own
from app.people.reaching import is_dead
from app.people.working_days import calendar_in
from workflows.rhythms import NONE, REST, Choice, Parts, Rhythm, following, letter_due, quiet_until, rhythm_of

PAGE, FIGURES = "/a-traiter", "/suivi/chiffres"
"""Where a letter leads: to what waits for its reader, or to how much is late below him where nothing does."""
MANY = 1000
"""Keys asked at once."""
HALF_HOUR, AFTER = timedelta(minutes=30), timedelta(minutes=2)
"""How often one looks, and how long after a letter that tells all the one about a folder asks whether it was told by it."""
PATIENCE = timedelta(minutes=10)
"""How long a letter of what waits is kept while folders go on coming that may be taken back; it leaves then all the same."""
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


_WAITS = sa.or_(_any(), back.any_for(User.id), arrived.any_for(User.id))


def _above(desk: Any, step: Any, late: Any) -> Any:
    """The desks below which a step is late for long, nothing of restricted folders: asked once, and not of each person.

    Where nobody decides, the desk above that one too (`waiting.vacant`).
    """
    right_above = sa.select(desk.c.parent_id.label("id")).where(
        desk.c.collectivity_id == sa.bindparam("here"),
        desk.c.parent_id.is_not(None),
        step.c.desk_id == desk.c.id,
        step.c.state == "active",
        late,
        unrestricted(step),
    )
    above, upper = right_above.cte("above_late", recursive=True), desk.alias("upper")
    # A set: desks that stand in a circle end it
    above = above.union(
        sa.select(upper.c.parent_id).where(
            upper.c.id == above.c.id, upper.c.parent_id.is_not(None), vacant(upper.c.id)
        )
    )
    return sa.select(above.c.id)


def _leads(late: Any) -> Any:
    """Whether a person is at a desk above what is late for long, or stands in there for who is away (`stuck_below`)."""
    above = _above(_DESK, STEP, late)
    own = sa.exists().where(_SEAT.c.user_id == User.id, _SEAT.c.desk_id.in_(above))
    lent = sa.exists().where(
        Absence.cover_id == User.id,
        live(sa.bindparam("moment", type_=UTCDateTime())),
        _SEAT.c.user_id == Absence.user_id,
        _SEAT.c.desk_id.in_(above),
    )
    return sa.or_(own, lent)


_SEAT: Any = sa.inspect(Holder).local_table.alias("above")
_DESK: Any = sa.inspect(Desk).local_table.alias("below")


def _people(delays: Delays, own: Own) -> Any:
    """Whoever could be told: what he may do there is asked when his letter is written."""
    leads = _leads(late_for_long(STEP, delays, own))
    return sa.select(
        User.id,
        User.rhythm,
        User.rhythm_minute,
        User.rhythm_since,
        User.rhythm_types,
        User.mail_refusals,
        _any(StepRun.due_on <= sa.bindparam("day", type_=sa.Date())).label("pressing"),
        _WAITS.label("waits"),
        leads.label("leads"),
    ).where(
        User.collectivity_id == sa.bindparam("here"),
        User.active.is_(True),
        User.email != "",
        sa.or_(_WAITS, leads),
    )


@use_case
def send_example(db: Db, actor: Actor) -> None:
    """Write the actor the letter that tells what waits now, of what the next one counts (`told_next`), once a minute at most."""
    key = f"{DIGEST}-{actor.user_id}-trial-{now():%Y%m%d%H%M}"
    if db.scalar(sa.select(Outbox.id).where(Outbox.key == key)) is None:
        post(db, actor.collectivity_id, [digest_of(actor.user_id or 0, key, trial=True)])


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
            # Kept in the base, not in the process: what came due while nobody looked is told, and nothing
            # twice.
            last = heartbeat.last(name) or moment - HALF_HOUR
            # None by night: the last look stays, and the morning tells what came due since.
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
    binds = {"here": collectivity_id, "moment": moment, "day": today()}
    people = _people(delays_of(db, collectivity_id, own), own)
    for row in db.execute(people, binds):
        at = None if is_dead(row, own) else letter_due(choices_of(row, own), calendar, last, moment, PARIS)
        if at is None:
            continue
        parts = at.parts if row.waits else replace(at.parts, whole=NONE, fresh=NONE, late=at.parts.plain)
        if parts.told or (parts.late and (row.pressing or row.leads)):
            key = f"{DIGEST}-{row.id}-{at.name}"
            wanted[key] = digest_of(row.id, key, **outdone.facts_of(parts, at.since))
    keys, known = list(wanted), set[str]()
    for start in range(0, len(keys), MANY):
        some = keys[start : start + MANY]
        known |= set(db.scalars(sa.select(Outbox.key).where(Outbox.key.in_(some))))
    written = [news for key, news in wanted.items() if key not in known]
    post(db, collectivity_id, written)
    return len(written)


@dataclass(frozen=True)
class _Taken:
    """What a letter tells: folders, how many came back or came by themselves, desks below, and of which names.

    `came`: how many of all these are there since the last letter.
    """

    folders: Sequence[Awaiting]
    returned: int
    arrived: int
    stuck: Sequence[Stuck]
    came: int
    names: frozenset[str]


def words_of(db: Db, row: Row, user: User, actor: Actor, own: Own, parts: Parts) -> dict[str, Any]:
    """What the letter says of what waits (`parts`: `outdone.still_to_tell`); raises `Needless` where nothing does any more.

    `numbers`: the folders that it counts, None where it could not count them all.
    Raises `Later` where what brought a folder there may still be taken back, as long as the letter has not waited for others.
    """
    taken = _taken(db, row, user, actor, own, parts)
    counts = counted(taken.folders, taken.returned, taken.arrived)
    soonest = jour_long(counts.soonest) if counts.soonest and counts.soonest > today() else ""
    numbers = [folder.number for folder in taken.folders]
    return {
        "numbers": numbers if len(numbers) < MOST and not row.payload.get("trial") else None,
        "folders": counts.folders,
        "many": counts.folders >= MOST,
        "returned": counts.returned,
        "arrived": counts.arrived,
        "fresh": taken.came,
        "stuck": taken.stuck,
        "leads_to": _page(taken, counts),
        "late": counts.late,
        "due_today": counts.due_today,
        "soonest": soonest,
        "soon": counts.soon,
        **_scope(db, actor, parts, taken.names),
    }


def _taken(db: Db, row: Row, user: User, actor: Actor, own: Own, parts: Parts) -> _Taken:
    trial, choices = bool(row.payload.get("trial")), choices_of(user, own)
    left = [] if trial else outdone.lately_left(db, user.id)
    since = row.payload.get("since")

    def waits(names: frozenset[str], of_type: OfType) -> bool:
        silent = not trial and choices.of(of_type).rhythm is Rhythm.NEVER
        return rhythm_of(parts.types, of_type) in names and not silent

    def came(of_type: OfType, at: datetime) -> bool:
        last = outdone.told_until(left, of_type) or (datetime.fromisoformat(since) if since else None)
        return last is not None and at >= last

    folders, returned = awaiting(db, actor), back.returned(db, actor, MOST)
    drafts = arrived.drafts(db, actor, MOST)
    news = [(folder.of_type, folder.came_at) for folder in folders] + returned + drafts
    fresh = [of_type for of_type, at in news if waits(parts.fresh, of_type) and came(of_type, at)]
    stuck = stuck_below(db, actor, own, lambda of_type: waits(parts.whole | parts.late, of_type))
    presses = any(folder.presses and waits(parts.late, folder.of_type) for folder in folders)
    names = parts.whole
    names |= parts.fresh if fresh else frozenset()
    names |= parts.late if presses or stuck else frozenset()
    mine = [folder for folder in folders if waits(names, folder.of_type)]
    doubt = _doubt(db, mine)
    if doubt and not trial and now() - row.created_at < PATIENCE:
        raise Later(doubt, pause.UNDECIDED)
    back_again = sum(waits(names, of_type) for of_type, _ in returned)
    unsent = sum(waits(names, of_type) for of_type, _ in drafts)
    if not (mine or back_again or unsent or stuck or trial):
        if any(waits(parts.fresh, of_type) for of_type, _ in news):
            raise Needless("rien n’est arrivé depuis le dernier courriel : aucun n’est parti")
        raise Needless("plus rien n’attend cette personne : aucun courriel n’est parti")
    # « Since the last » is said where there was one
    count = sum(outdone.told_until(left, of_type) is not None for of_type in fresh)
    return _Taken(mine, back_again, unsent, stuck, count, names)


def _page(taken: _Taken, counts: Waiting) -> str:
    """The page that shows what a letter tells; none to who stands in at the desk above, and has no figures of it."""
    if counts.folders or counts.returned or counts.arrived or not taken.stuck:
        return PAGE
    return FIGURES if any(part.followed for part in taken.stuck) else ""


def _doubt(db: Db, folders: Sequence[Awaiting]) -> float:
    """How many seconds until none of these folders may go back to who has just sent it here."""
    came = [folder.number for folder in folders if now() - folder.came_at < pause.LONGEST]
    ends = db.scalars(sa.select(Folder.final_at).where(Folder.id.in_(came))) if came else ()
    return max(map(pause.undecided, ends), default=0.0)


def _scope(db: Db, actor: Actor, parts: Parts, names: frozenset[str]) -> dict[str, Any]:
    """Which types a letter counts alone (`only`), or leaves to another rhythm (`but`); nothing where it counts them all.

    They are named where each of them is open to the reader and letters may name it.
    """
    if not parts.types - names and REST in names:
        return {"scope": "", "types": []}
    scope = "but" if REST in names else "only"
    apart = parts.types - names if scope == "but" else names
    known = offered(db, actor)
    labels = [law.plural for name, law in known.items() if name in apart and not law.discreet]
    return {"scope": scope, "types": labels if len(labels) == len(apart) else []}


def next_letter(choice: Choice, own: Own, moment: datetime) -> datetime | None:
    """When all that waits is told next, by the hours of the collectivity; None for who is told at once, or never."""
    at = following(choice, calendar_in(own), moment, PARIS)
    return None if at is None else at + wait(own, DIGEST, at)


def refuse_grouped(db: Db, own: Own, user: User, row: Row) -> None:
    """Raises `Later` for a letter about one folder whose reader is told later of all that waits; `Needless` once he was.

    By the rhythm of its type. Not where the folder would be late before that letter: it leaves at once; by night in the
    morning, unless that letter is of the same day. Who has chosen meanwhile to be told at once has what was kept. `Needless`
    too for who is never told, and whose address takes no letter.
    """
    folder = db.get_one(Folder, row.folder_id)
    choice, moment = choices_of(user, own).of(folder.of_type), now()
    if is_dead(user, own):
        raise Needless(MISSED)
    if is_silent(choice, row.payload):
        raise Needless(NEVER)
    if row.payload.get("back"):
        return
    # Of who is told at once too: one letter told all that an address had refused, once that serves again
    again = moment - row.created_at >= AFTER
    letters = outdone.lately_left(db, user.id) if choice.rhythm is not Rhythm.NOW or again else []
    if any(left.until > row.created_at and left.counts(folder.of_type, folder.id) for left in letters):
        raise Needless(WITH_THE_REST)
    if choice.rhythm is Rhythm.NOW:
        return
    day = db.scalar(
        sa.select(sa.func.min(STEP.c.due_on)).where(
            STEP.c.folder_id == row.folder_id, STEP.c.state == "active"
        )
    )
    if letter := with_the_rest(choice, own, day, moment):
        raise Later((letter - moment + AFTER).total_seconds(), GROUPED)


def is_silent(choice: Choice, payload: Mapping[str, Any]) -> bool:
    """Whether a letter about one folder is none, as its reader chose for its type; of what came back to him he is told."""
    return choice.rhythm is Rhythm.NEVER and not payload.get("back")


def with_the_rest(choice: Choice, own: Own, day: date | None, moment: datetime) -> datetime | None:
    """When what a letter about one folder would tell at a moment is told with the rest; None where it leaves by itself.

    `day`: by which the folder is due. One that would be late by then is told at once; by night in the morning, unless the
    letter that tells the rest is of the same day.
    """
    morning = quiet_until(calendar_in(own), moment, PARIS)
    if morning is not None and day is not None:
        day = max(day, morning.date())
    letter = next_letter(choice, own, moment)
    return letter if letter is not None and (day is None or day >= letter.astimezone(PARIS).date()) else None


def digest_of(user_id: int, key: str, **more: Any) -> News:
    """The letter of all that waits for somebody, with what it is to tell of it (`outdone.facts_of`)."""
    facts = {name: value for name, value in more.items() if value}
    return News("mail", key, {"event": DIGEST, "user_id": user_id, "page": PAGE, **facts})
