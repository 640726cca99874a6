"""How often a person is told what waits: at once, hourly, daily, weekly or never; and at which moments, by the calendar.

Never at night, nor on a day on which the town hall does not work: what waits then is told on the next working day. Somebody
may choose another rhythm for some types of folders: what is due at the same look is told in one letter, which says for which.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, tzinfo

from workflows.deadlines import Calendar
from workflows.rights import parted_type, type_name
from workflows.vocabulary import Worded

OPENS, CLOSES = 8, 19
"""The hours, both of them inside, at which an hourly letter leaves."""
DAWN, DUSK = time(6), time(20)
"""Between these nobody is disturbed by what is reminded."""
MORNING = 7 * 60 + 30
"""When the letter of a day leaves where nobody chose: minutes after midnight."""
MINUTES = tuple(range(6 * 60, 19 * 60 + 31, 30))
"""The minutes of a day among which a person chooses."""
BACK = timedelta(days=7)
"""How far back a look makes up for those that were missed."""


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


REST = ""
"""The name of all types for which nothing else is chosen."""
NONE = frozenset[str]()


def rhythm_of(types: frozenset[str], of_type: tuple[str, str]) -> str:
    """The name under which somebody chose a rhythm for a type of folders: its own, that of its family, or `REST`.

    >>> rhythm_of(frozenset({"invoice"}), ("invoice", "energie")), rhythm_of(frozenset({"invoice.energie"}), ("invoice", ""))
    ('invoice', '')
    """
    return next((name for name in (type_name(*of_type), of_type[0]) if name in types), REST)


@dataclass(frozen=True)
class Choices:
    """What a person chose: `general`, and for some types their own, by the names that rights give them."""

    general: Choice
    types: Mapping[str, Choice] = field(default_factory=dict)

    def named(self, name: str) -> Choice:
        """The choice of a name (`rhythm_of`); the general one where it is of no type any more."""
        return self.types.get(name, self.general)

    def of(self, of_type: tuple[str, str]) -> Choice:
        """What is chosen for folders of a type."""
        return self.named(rhythm_of(frozenset(self.types), of_type))

    @property
    def never(self) -> bool:
        """Whether nothing is told at all."""
        return all(choice.rhythm is Rhythm.NEVER for choice in (self.general, *self.types.values()))


@dataclass(frozen=True)
class Parts:
    """What a letter tells, by the names of rhythms (`rhythm_of`).

    All that waits (`whole`), the same where something came (`fresh`), or where something is late or due on its day (`late`).
    `types`: those for which something was chosen.
    """

    whole: frozenset[str] = NONE
    fresh: frozenset[str] = NONE
    late: frozenset[str] = NONE
    types: frozenset[str] = NONE

    @property
    def told(self) -> frozenset[str]:
        """The names of which nothing that waits is left untold once it has left."""
        return self.whole | self.fresh

    @property
    def names(self) -> frozenset[str]:
        """All of which it may tell something."""
        return self.told | self.late

    @property
    def plain(self) -> frozenset[str]:
        """The names of which it tells something though nothing new came."""
        return self.whole | self.late

    def but(self, names: frozenset[str]) -> "Parts":
        """The same without these names."""
        return Parts(self.whole - names, self.fresh - names, self.late - names, self.types)

    def tells(self, of_type: tuple[str, str]) -> bool:
        """Whether it told all that waits of a type."""
        return rhythm_of(self.types, of_type) in self.told

    def counts(self, of_type: tuple[str, str]) -> bool:
        """Whether it counts what waits of a type, if it leaves: all that it tells, or reminds of."""
        return rhythm_of(self.types, of_type) in self.names

    def without(self, other: "Parts", *, late: bool = False) -> "Parts":
        """What is left to tell where another letter tells its own; `late`: that other one has not left, and reminds too."""
        all_of = self._covered(other, other.told)
        reminded = self._covered(other, other.names) if late else all_of
        return replace(self, whole=self.whole - all_of, fresh=self.fresh - all_of, late=self.late - reminded)

    def since(self, other: "Parts") -> "Parts":
        """The same, where what another letter has just told is told again only if something came since."""
        names = self._covered(other, other.told) & self.whole
        return replace(self, whole=self.whole - names, fresh=self.fresh | names)

    def _covered(self, other: "Parts", names: frozenset[str]) -> frozenset[str]:
        """The names of this letter whose every folder is of one of these names in another."""
        # What the other one leaves out of a name that it has
        apart = {rhythm_of(self.types, parted_type(name)) for name in other.types - self.types - names}
        return frozenset(
            name for name in self.names - apart if rhythm_of(other.types, parted_type(name)) in names
        )


@dataclass(frozen=True)
class Slot:
    """A letter that is due: the moment it is of, and its name, which no other has.

    `whole`: it tells all that waits; otherwise only what is late or due on its day. `fresh`: it leaves only where something
    came since that moment, None for whatever waits.
    """

    moment: datetime
    name: str
    whole: bool = True
    fresh: datetime | None = None


def due(choice: Choice, calendar: Calendar, last: datetime, moment: datetime, zone: tzinfo) -> Slot | None:
    """The letter that a look at `moment` is to write, the look before being that of `last`; None where none is due.

    One for all the moments that passed between them, seven days at most. Who is told at once, and who is told weekly, is
    reminded each working day of what is late or due on that day.
    """
    if choice.rhythm is Rhythm.NEVER:
        return None
    last = max(last, moment - BACK, choice.since or last)
    day, passed = last.astimezone(zone).date(), list[Slot]()
    while day <= moment.astimezone(zone).date():
        whole = choice.rhythm is not Rhythm.NOW and (
            choice.rhythm is not Rhythm.WEEKLY or _opens_week(calendar, day)
        )
        if calendar.works(day):
            moments = [at for at in _hours_of(choice, day, zone) if last < at <= moment]
            passed += [Slot(at, f"{at.astimezone(zone):%Y%m%dT%H%M}", whole) for at in moments]
        day += timedelta(days=1)
    if not passed:
        return None
    latest = next((letter for letter in reversed(passed) if letter.whole), passed[-1])
    first_of_day = any(letter.moment.astimezone(zone).hour == OPENS for letter in passed)
    if choice.rhythm is Rhythm.HOURLY and not first_of_day:
        return replace(latest, fresh=passed[0].moment - timedelta(hours=1))
    return latest


@dataclass(frozen=True)
class Due:
    """The letter that is due at a look: its name, what it tells, and since when something must have come for its `fresh`."""

    name: str
    parts: Parts
    since: datetime | None = None


def letter_due(
    choices: Choices, calendar: Calendar, last: datetime, moment: datetime, zone: tzinfo
) -> Due | None:
    """The one letter that a look is to write for a person (`due`), whatever rhythms meet in it; None where none is due."""
    by_name = {REST: choices.general, **choices.types}
    slots = {
        name: slot
        for name, choice in by_name.items()
        if (slot := due(choice, calendar, last, moment, zone)) is not None
    }
    if not slots:
        return None

    def names(kind: bool, came: bool = False) -> frozenset[str]:
        return frozenset(
            name for name, slot in slots.items() if slot.whole is kind and (slot.fresh is not None) is came
        )

    parts = Parts(names(True), names(True, came=True), names(False), frozenset(choices.types))
    since = min((slot.fresh for slot in slots.values() if slot.fresh is not None), default=None)
    return Due(max(slots.values(), key=lambda slot: slot.moment).name, parts, since)


def quiet_until(calendar: Calendar, moment: datetime, zone: tzinfo) -> datetime | None:
    """When what is reminded may leave next, None where it may leave at this moment: by day, on a working day."""
    local = moment.astimezone(zone)
    day = local.date()
    if calendar.works(day) and DAWN <= local.time() < DUSK:
        return None
    if local.time() >= DAWN:
        day += timedelta(days=1)
    while not calendar.works(day):
        day += timedelta(days=1)
    return datetime.combine(day, DAWN, zone)


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


def told_next(choices: Choices, calendar: Calendar, moment: datetime, zone: tzinfo) -> Parts:
    """What the next letter tells that counts all that waits at the general rhythm, every rhythm that meets it there included.

    Where that rhythm makes no such letter: what the first one of a type tells; where none does, all but what types have.
    """
    firsts = [following(choice, calendar, moment, zone) for choice in choices.types.values()]
    at = following(choices.general, calendar, moment, zone) or min(filter(None, firsts), default=None)
    by_name, just_before = {REST: choices.general, **choices.types}, timedelta(microseconds=1)
    names = frozenset(
        name
        for name, choice in by_name.items()
        if at is not None and following(choice, calendar, at - just_before, zone) == at
    )
    return Parts(whole=names or frozenset({REST}), types=frozenset(choices.types))


def _moments(choice: Choice, calendar: Calendar, day: date, zone: tzinfo) -> list[datetime]:
    """The moments of a working day at which all that waits is told."""
    weekly = choice.rhythm is Rhythm.WEEKLY
    return [] if weekly and not _opens_week(calendar, day) else _hours_of(choice, day, zone)


def _hours_of(choice: Choice, day: date, zone: tzinfo) -> list[datetime]:
    """The moments of a day at which something may be told: all that waits, or what is late."""
    if choice.rhythm is Rhythm.HOURLY:
        return [datetime.combine(day, time(hour), zone) for hour in range(OPENS, CLOSES + 1)]
    return [_at(day, choice.minute, zone)]


def _opens_week(calendar: Calendar, day: date) -> bool:
    """Whether this is the first working day of its week."""
    return not any(calendar.works(day - timedelta(days=back)) for back in range(1, day.weekday() + 1))


def _at(day: date, minute: int, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(minute // 60, minute % 60), zone)
