"""The clocks of the law and of the circuits: dates in, dates out, French public holidays included."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from dateutil.easter import easter

_SATURDAY = 5
_FIXED = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
_AFTER_EASTER = (1, 39, 50)
"""Days from Easter to its Monday, to Ascension, to the Monday of Pentecost."""
_GOOD_FRIDAY, _SAINT_STEPHEN = -2, (12, 26)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The working days of a town hall: from Monday to Friday, save the national holidays and what it adds to them.

    `local`: Good Friday and 26 December too, as in Alsace and Moselle (code du travail L3134-13). `yearly`: months and days
    on which the town hall is closed each year; `closed`: days on which it is closed once. The delays of the law never ask
    for more than the national holidays: they take `NATIONAL`.
    """

    local: bool = False
    yearly: frozenset[tuple[int, int]] = frozenset()
    closed: frozenset[date] = frozenset()

    def works(self, day: date) -> bool:
        """True when the town hall works on this day."""
        if not is_working_day(day) or day in self.closed or (day.month, day.day) in self.yearly:
            return False
        return not self.local or day not in _local_holidays(day.year)


NATIONAL = Calendar()


@lru_cache(maxsize=64)
def _holidays(year: int) -> frozenset[date]:
    """The eleven of the code du travail, L3133-1: eight are fixed, three follow Easter.

    A library of the holidays of every country says the same, and holds 14 MiB in each process that asks for a date.
    """
    sunday = easter(year)
    return frozenset(
        (*(date(year, *day) for day in _FIXED), *(sunday + timedelta(days) for days in _AFTER_EASTER))
    )


@lru_cache(maxsize=64)
def _local_holidays(year: int) -> frozenset[date]:
    return frozenset((easter(year) + timedelta(_GOOD_FRIDAY), date(year, *_SAINT_STEPHEN)))


def is_working_day(day: date) -> bool:
    """True from Monday to Friday, save the eleven national holidays (code du travail L3133-1)."""
    return day.weekday() < _SATURDAY and day not in _holidays(day.year)


def next_working_day(day: date, calendar: Calendar = NATIONAL) -> date:
    """`day` itself when it is worked, else the first worked day after it."""
    while not calendar.works(day):
        day += timedelta(days=1)
    return day


def add_working_days(start: date, n: int, calendar: Calendar = NATIONAL) -> date:
    """The n-th working day after `start`, which is not counted; for n = 0, `next_working_day(start)`."""
    if n < 0:
        raise ValueError(n)
    day = next_working_day(start, calendar) if n == 0 else start
    for _ in range(n):
        day = next_working_day(day + timedelta(days=1), calendar)
    return day


def late_by_more(n: int, day: date, calendar: Calendar = NATIONAL) -> date:
    """The first day that is not yet late by more than `n` working days on this day: what was due before it is."""
    count = 0
    while True:
        count += calendar.works(day)
        if count > n:
            return day
        day -= timedelta(days=1)


def due_on(entered: date, days: int, calendar: Calendar) -> date:
    """The last day on time for a step entered on `entered` and given `days` working days of this calendar."""
    return add_working_days(entered, days, calendar)


def payment_due(start: date) -> date:
    """The last day to pay a supplier, counted in calendar days, not moved by a weekend (CCP R2192-10)."""
    return start + timedelta(days=30)


def payment_due_again(start: date, notified: date, complete: date) -> date:
    """The last day to pay once a delay that was interrupted runs again (CCP R2192-29).

    `notified`: the day on which the supplier received the notice; `complete`: the day on which all that was asked had come.
    Thirty days from there, or what was left of the first delay where that is longer.
    """
    left = (payment_due(start) - notified).days
    return complete + timedelta(days=max(30, left))


def authorising_officer_due(start: date) -> date:
    """The last day of the authorising officer, ten days being the accountant's (décret 2013-269 art. 12)."""
    return start + timedelta(days=20)


def enforceable_on(published_on: date | None, received_on: date | None, listed: bool = True) -> date | None:
    """The day an act becomes enforceable, or None as long as a condition lacks.

    The later of publication (or notification) and reception by the State for an act listed by CGCT L2131-2,
    publication alone for another (CGCT L2131-1).
    """
    if published_on is None or not listed:
        return published_on
    return None if received_on is None else max(published_on, received_on)


def month_after(day: date) -> date:
    """The same day one month on, or the last of that month when it has no such day."""
    return months_after(day, 1)


def two_months_after(day: date) -> date:
    """The same day two months on, or the last of that month when it has no such day."""
    return months_after(day, 2)


def months_after(day: date, count: int) -> date:
    """The same day so many months on, or the last of that month when it has no such day."""
    month = day.month + count
    year, month = day.year + (month - 1) // 12, (month - 1) % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def online_until(online_on: date) -> date:
    """The last day, included, on which an act put online on `online_on` must still be there (CGCT R2131-1: two months).

    Counted in civil months: the same day number two months on, or the last of that month; never moved by a weekend.
    """
    return two_months_after(online_on)


def appeal_until(published_on: date) -> date:
    """The last day of appeal, included: two clear months, moved to a working day (CJA R421-1, R421-5)."""
    return next_working_day(two_months_after(published_on) + timedelta(days=1))


def referral_until(received_on: date) -> date:
    """The last day on which the prefect may refer an act to the court, counted from reception as an appeal is.

    Supplementary documents that were asked for move it: it then runs from their reception (CGCT L2131-6).
    """
    return appeal_until(received_on)
