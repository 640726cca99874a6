"""At which moments a person is told what waits: by the rhythm chosen, in working hours and on working days, across clock changes."""

from datetime import date, datetime, timedelta

import pytest

from app.core.clock import PARIS
from workflows.deadlines import NATIONAL, Calendar, late_by_more
from workflows.rhythms import Choice, Rhythm, following, presses, slot

FRIDAY = datetime(2026, 12, 18, tzinfo=PARIS)
MONDAY = FRIDAY + timedelta(days=3)
EVENING = Choice(Rhythm.DAILY, 18 * 60)


@pytest.mark.parametrize(
    ("rhythm", "moment", "name", "whole"),
    [
        (Rhythm.DAILY, FRIDAY.replace(hour=7, minute=29), None, None),
        (Rhythm.DAILY, FRIDAY.replace(hour=7, minute=30), "20261218", True),
        (Rhythm.DAILY, FRIDAY.replace(hour=23), "20261218", True),
        (Rhythm.DAILY, FRIDAY.replace(day=19, hour=9), None, None),  # a Saturday
        (Rhythm.DAILY, datetime(2026, 12, 25, 9, tzinfo=PARIS), None, None),
        (Rhythm.WEEKLY, MONDAY.replace(hour=9), "20261221", True),
        (Rhythm.WEEKLY, FRIDAY.replace(hour=9), "20261218", False),
        # Easter Monday: the week opens on Tuesday
        (Rhythm.WEEKLY, datetime(2026, 4, 7, 9, tzinfo=PARIS), "20260407", True),
        (Rhythm.NOW, FRIDAY.replace(hour=9), "20261218", False),
        (Rhythm.NEVER, FRIDAY.replace(hour=9), None, None),
        (Rhythm.HOURLY, FRIDAY.replace(hour=7, minute=59), None, None),
        (Rhythm.HOURLY, FRIDAY.replace(hour=8), "20261218T08", True),
        (Rhythm.HOURLY, FRIDAY.replace(hour=14, minute=20), "20261218T14", True),
        (Rhythm.HOURLY, FRIDAY.replace(hour=22), "20261218T19", True),
    ],
)
def test_a_letter_leaves_at_its_moment_and_at_no_other(rhythm, moment, name, whole) -> None:
    at = slot(Choice(rhythm), NATIONAL, moment, PARIS)
    assert (at.name if at else None, at.whole if at else None) == (name, whole)
    assert at is None or at.moment <= moment


def test_the_first_letter_of_a_day_tells_whatever_waits_and_the_others_what_came_since() -> None:
    hourly = Choice(Rhythm.HOURLY)
    first = slot(hourly, NATIONAL, FRIDAY.replace(hour=8, minute=5), PARIS)
    then = slot(hourly, NATIONAL, FRIDAY.replace(hour=9, minute=5), PARIS)
    assert first is not None
    assert then is not None
    assert (first.fresh, then.fresh) == (None, FRIDAY.replace(hour=8))


def test_nothing_is_told_by_a_choice_before_it_was_made() -> None:
    made = Choice(Rhythm.DAILY, since=FRIDAY.replace(hour=10))
    assert slot(made, NATIONAL, FRIDAY.replace(hour=11), PARIS) is None
    assert slot(made, NATIONAL, MONDAY.replace(hour=8), PARIS) is not None


@pytest.mark.parametrize(
    ("choice", "moment", "next_one"),
    [
        (Choice(Rhythm.DAILY), FRIDAY.replace(hour=7), FRIDAY.replace(hour=7, minute=30)),
        (Choice(Rhythm.DAILY), FRIDAY.replace(hour=7, minute=30), MONDAY.replace(hour=7, minute=30)),
        (EVENING, FRIDAY.replace(hour=12), FRIDAY.replace(hour=18)),
        (Choice(Rhythm.HOURLY), FRIDAY.replace(hour=19), MONDAY.replace(hour=8)),
        (Choice(Rhythm.WEEKLY), FRIDAY.replace(hour=1), MONDAY.replace(hour=7, minute=30)),
        # The night when summer time begins, and that when it ends
        (
            Choice(Rhythm.DAILY),
            datetime(2026, 3, 27, 12, tzinfo=PARIS),
            datetime(2026, 3, 30, 7, 30, tzinfo=PARIS),
        ),
        (
            Choice(Rhythm.DAILY),
            datetime(2026, 10, 23, 12, tzinfo=PARIS),
            datetime(2026, 10, 26, 7, 30, tzinfo=PARIS),
        ),
        (Choice(Rhythm.NOW), FRIDAY, None),
        (Choice(Rhythm.NEVER), FRIDAY, None),
    ],
)
def test_the_next_letter_is_said_beforehand_and_is_the_one_that_leaves(choice, moment, next_one) -> None:
    assert following(choice, NATIONAL, moment, PARIS) == next_one
    if next_one is not None:
        at = slot(choice, NATIONAL, next_one, PARIS)
        assert at is not None
        assert (at.moment, at.whole) == (next_one, True)


def test_what_would_be_late_before_the_next_letter_is_told_at_once() -> None:
    noon = FRIDAY.replace(hour=12)
    day = date(2026, 12, 18)
    assert [
        presses(Choice(Rhythm.DAILY), NATIONAL, noon, PARIS, day + timedelta(days=n)) for n in range(5)
    ] == [True, True, True, False, False]
    assert presses(Choice(Rhythm.NOW), NATIONAL, noon, PARIS, day + timedelta(days=90))
    assert not presses(Choice(Rhythm.NEVER), NATIONAL, noon, PARIS, day)


def test_a_day_of_closing_is_no_day_of_letters() -> None:
    closed = Calendar(closed=frozenset({date(2026, 12, 21)}))
    assert following(Choice(Rhythm.WEEKLY), closed, FRIDAY, PARIS) == datetime(
        2026, 12, 22, 7, 30, tzinfo=PARIS
    )


def test_lateness_is_counted_in_working_days() -> None:
    friday = date(2026, 12, 18)
    assert late_by_more(0, friday) == friday
    assert late_by_more(2, friday) == date(2026, 12, 16)
    # From a Sunday: Friday and Thursday have passed since Wednesday
    assert late_by_more(2, date(2026, 12, 20)) == date(2026, 12, 16)
