"""How often a person is told what waits: at once, hourly, daily, weekly or never; and at which moments, by the calendar.

Never at night, nor on a day on which the town hall does not work: what waits then is told on the next working day.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from workflows.deadlines import Calendar
from workflows.vocabulary import Worded

OPENS, CLOSES = 8, 19
"""The hours, both of them inside, at which an hourly letter leaves."""
MORNING = 7 * 60 + 30
"""When the letter of a day leaves where nobody chose: minutes after midnight."""
MINUTES = tuple(range(6 * 60, 20 * 60 + 1, 30))
"""The minutes of a day among which a person chooses."""


class Rhythm(Worded):
    """How often what waits is told."""

    NOW = "now", "Tout de suite"
    HOURLY = "hourly", "Chaque heure"
    DAILY = "daily", "Une fois par jour"
    WEEKLY = "weekly", "Une fois par semaine"
    NEVER = "never", "Jamais"


@dataclass(frozen=True)
class Choice:
    """What a person chose: `minute` of the day, for what leaves once a day or a week; `since`, never before that moment."""

    rhythm: Rhythm
    minute: int = MORNING
    since: datetime | None = None


@dataclass(frozen=True)
class Slot:
    """A moment at which a letter may leave, by day and by name within the day.

    `whole`: it tells all that waits; otherwise only what is late or due on its day. `fresh`: it leaves only where something
    came since that moment, None for whatever waits.
    """

    moment: datetime
    name: str
    whole: bool = True
    fresh: datetime | None = None


def slot(choice: Choice, calendar: Calendar, moment: datetime, zone: tzinfo) -> Slot | None:
    """The last slot of the present day, at this moment or before it; None where the day has none yet, or none at all.

    Who is told at once, and who is told weekly, is reminded each working day of what is late or due on that day.
    """
    local = moment.astimezone(zone)
    day = local.date()
    if choice.rhythm is Rhythm.NEVER or not calendar.works(day):
        return None
    if choice.rhythm is Rhythm.HOURLY:
        if local.hour < OPENS:
            return None
        hour = min(local.hour, CLOSES)
        at = datetime.combine(day, time(hour), zone)
        fresh = None if hour == OPENS else at - timedelta(hours=1)
        return _after(choice, Slot(at, f"{day:%Y%m%d}T{hour:02}", fresh=fresh))
    at = _at(day, choice.minute, zone)
    if moment < at:
        return None
    whole = choice.rhythm is Rhythm.DAILY or (choice.rhythm is Rhythm.WEEKLY and _opens_week(calendar, day))
    return _after(choice, Slot(at, f"{day:%Y%m%d}", whole=whole))


def following(choice: Choice, calendar: Calendar, moment: datetime, zone: tzinfo) -> datetime | None:
    """The first moment after this one at which all that waits is told together; None for who is told at once, or never."""
    if choice.rhythm in {Rhythm.NOW, Rhythm.NEVER}:
        return None
    day = moment.astimezone(zone).date()
    while True:
        if calendar.works(day):
            for at in _moments(choice, calendar, day, zone):
                if at > moment:
                    return at
        day += timedelta(days=1)


def presses(choice: Choice, calendar: Calendar, moment: datetime, zone: tzinfo, due: date) -> bool:
    """Whether what is due on that day would be late before it is told with the rest: it is told at once, then."""
    if choice.rhythm is Rhythm.NOW:
        return True
    letter = following(choice, calendar, moment, zone)
    return letter is not None and due < letter.astimezone(zone).date()


def _moments(choice: Choice, calendar: Calendar, day: date, zone: tzinfo) -> list[datetime]:
    if choice.rhythm is Rhythm.HOURLY:
        return [datetime.combine(day, time(hour), zone) for hour in range(OPENS, CLOSES + 1)]
    if choice.rhythm is Rhythm.WEEKLY and not _opens_week(calendar, day):
        return []
    return [_at(day, choice.minute, zone)]


def _opens_week(calendar: Calendar, day: date) -> bool:
    """Whether this is the first working day of its week."""
    return not any(calendar.works(day - timedelta(days=back)) for back in range(1, day.weekday() + 1))


def _at(day: date, minute: int, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(minute // 60, minute % 60), zone)


def _after(choice: Choice, at: Slot) -> Slot | None:
    return at if choice.since is None or at.moment > choice.since else None
