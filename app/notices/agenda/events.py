"""What a calendar is told of somebody: the days by which he has to act, his absences, and those in which he stands in.

It is kept by whoever keeps calendars, like a letter, and tells what letters tell: of a folder its type and what it waits for,
with a link, neither title, nor number, nor amount, nor name; of a restricted one nothing at all, not even its day.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from app.core.clock import PARIS, now
from app.core.db import NO_DATE, Db
from app.display.views import ASKED as OPINION
from app.display.views import AWAITS_OPINION, awaited_act, family_words
from app.folders.access import STEP, asking, unrestricted
from app.folders.models import ASKED, Folder
from app.folders.opinions import at_hand, held
from app.people.actor import Actor
from app.people.models import Absence, Desk, User

MOST = 500
"""Folders of a feed, the most pressing first."""
BEFORE, AFTER = timedelta(days=31), timedelta(days=400)
"""The absences of a feed: those that ended since, and those that begin before."""
EACH = timedelta(hours=1)
"""How often a calendar is told to ask again."""
_ABSENT: Any = sa.inspect(User).local_table.alias("absent")
_STANDS_IN: Any = sa.inspect(User).local_table.alias("stands_in")


def calendar(db: Db, actor: Actor, public_url: str) -> bytes:
    """The feed of an actor, as a file of a calendar (RFC 5545): whole days for what is due, minutes of Paris for absences."""
    from icalendar import Calendar

    feed = Calendar()
    feed.add("prodid", "-//Paraphe//Agenda//FR")
    feed.add("version", "2.0")
    feed.add("calscale", "GREGORIAN")
    feed.add("x-wr-calname", f"Paraphe, {actor.shown_name or actor.collectivity_name}")
    feed.add("x-wr-timezone", "Europe/Paris")
    feed.add("refresh-interval", EACH, parameters={"VALUE": "DURATION"})
    feed.add("x-published-ttl", "PT1H")
    for event in (*_deadlines(db, actor, public_url), *_absences(db, actor, public_url)):
        feed.add_component(event)
    feed.add_missing_timezones()
    content: bytes = feed.to_ical()
    return content


def _event(uid: str, stamp: datetime, summary: str, link: str, public_url: str, **facts: Any) -> Any:
    from icalendar import Event

    event = Event()
    event.add("uid", f"{uid}@{urlsplit(public_url).hostname or 'paraphe'}")
    event.add("dtstamp", stamp)
    event.add("summary", summary)
    event.add("description", f"{public_url}{link}")
    event.add("url", f"{public_url}{link}")
    for name, value in facts.items():
        event.add(name, value)
    return event


def _deadlines(db: Db, actor: Actor, public_url: str) -> Iterator[Any]:
    """A day for each folder that waits for the actor by one: that of the step where it waits."""
    desks = actor.desk_ids | {cover.seat.desk_id for cover in actor.covers}
    awaited = sa.or_(STEP.c.desk_id.in_(desks), STEP.c.named_user_id == actor.user_id)
    # Who asked an opinion does not answer it himself, at whichever desk he sits
    others = sa.text(f"(s.slot NOT LIKE '{ASKED}%' OR {at_hand('s')})").bindparams(me=actor.user_id or 0)
    query = (
        sa.select(
            *STEP.c["id", "folder_id", "due_on", "entered_at", "kind", "slot"],
            sa.literal_column(held("s.folder_id")).label("held"),
        )
        .where(
            STEP.c.state == "active",
            awaited,
            others,
            asking(actor),
            unrestricted(STEP),
            STEP.c.due_on < NO_DATE,
        )
        .order_by(STEP.c.due_on, STEP.c.id)
        .limit(MOST)
    )
    rows = db.execute(query).all()
    numbers = {row.folder_id for row in rows}
    folders = {folder.id: folder for folder in db.scalars(sa.select(Folder).where(Folder.id.in_(numbers)))}
    answers = {row.folder_id for row in rows if row.slot.startswith(ASKED)}
    for row in rows:
        folder, question = folders.get(row.folder_id), row.slot.startswith(ASKED)
        if folder is None or folder.read_as.discreet:
            continue
        if row.held and not question and row.folder_id in answers:
            continue  # it waits for the answer of whoever reads this, whose day is told
        act = OPINION if question else AWAITS_OPINION if row.held else awaited_act(row.kind, folder.family)[0]
        yield _event(
            f"etape-{row.id}",
            row.entered_at,
            f"{family_words(folder.in_force)[0]} : {act[:1].lower()}{act[1:]}",
            f"/dossiers/{row.folder_id}",
            public_url,
            dtstart=row.due_on,
            dtend=row.due_on + timedelta(days=1),
            transp="TRANSPARENT",
        )


def _absences(db: Db, actor: Actor, public_url: str) -> Iterator[Any]:
    """The absences of the actor, and those in which he stands in for somebody whose account is open."""
    query = (
        sa.select(
            Absence,
            Desk.name.label("desk"),
            (_ABSENT.c.first_name + " " + _ABSENT.c.last_name).label("absent"),
            (_STANDS_IN.c.first_name + " " + _STANDS_IN.c.last_name).label("stands_in"),
        )
        .join(_ABSENT, sa.and_(_ABSENT.c.id == Absence.user_id, _ABSENT.c.active.is_(True)))
        .outerjoin(_STANDS_IN, sa.and_(_STANDS_IN.c.id == Absence.cover_id, _STANDS_IN.c.active.is_(True)))
        .outerjoin(Desk, Desk.id == Absence.desk_id)
        .where(
            sa.or_(Absence.user_id == actor.user_id, Absence.cover_id == actor.user_id),
            Absence.starts_at < Absence.ends_at,
            Absence.ends_at > now() - BEFORE,
            Absence.starts_at < now() + AFTER,
        )
        .order_by(Absence.starts_at, Absence.id)
        .limit(MOST)
    )
    for absence, desk, absent, stands_in in db.execute(query):
        at = f" ({desk})" if desk else ""
        if absence.user_id == actor.user_id:
            summary = f"Absence{at}, intérim : {stands_in}" if stands_in else f"Absence{at}"
        else:
            summary = f"Intérim : {absent}{at}{'' if absence.acts else ', en lecture'}"
        yield _event(
            f"absence-{absence.id}",
            absence.set_at,
            summary,
            f"/absences/{absence.id}",
            public_url,
            dtstart=_moment(absence.starts_at, absence.ends_at),
            dtend=_moment(absence.ends_at, absence.starts_at),
            sequence=absence.revision,
            transp="OPAQUE" if absence.user_id == actor.user_id and not desk else "TRANSPARENT",
        )


def _moment(moment: datetime, other: datetime) -> date | datetime:
    """The minute at Paris; the day where both ends of an absence are at midnight, the last excluded as here.

    In universal time where the clocks of Paris show that minute twice: a calendar would take the first for the second.
    """
    local = moment.astimezone(PARIS)
    whole = local.time() == other.astimezone(PARIS).time() == time()
    if whole:
        return local.date()
    twice = local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()
    return moment.astimezone(UTC) if twice else local
