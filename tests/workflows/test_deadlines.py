"""The clocks of the law, on the examples checked in the domain notes."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from workflows.deadlines import (
    NATIONAL,
    Calendar,
    add_working_days,
    appeal_until,
    authorising_officer_due,
    due_on,
    enforceable_on,
    is_working_day,
    online_until,
    payment_due,
    referral_until,
)


@pytest.mark.parametrize(
    ("start", "accountant", "officer"),
    [
        (date(2026, 11, 16), date(2026, 12, 16), date(2026, 12, 6)),
        (date(2026, 11, 26), date(2026, 12, 26), date(2026, 12, 16)),
    ],
)
@pytest.mark.law("CAL-08", "INV-10")
def test_thirty_days_to_pay_of_which_twenty_for_the_authorising_officer(start, accountant, officer):
    assert payment_due(start) == accountant
    assert authorising_officer_due(start) == officer


@pytest.mark.parametrize(
    ("published", "received", "listed", "expected"),
    [
        (date(2026, 10, 2), date(2026, 9, 28), True, date(2026, 10, 2)),
        (date(2026, 9, 26), date(2026, 9, 28), True, date(2026, 9, 28)),
        (None, date(2026, 9, 28), True, None),
        (date(2026, 10, 2), None, True, None),
        (None, None, True, None),
        (date(2026, 10, 2), None, False, date(2026, 10, 2)),
        (date(2026, 9, 26), date(2026, 9, 28), False, date(2026, 9, 26)),
        (None, date(2026, 9, 28), False, None),
    ],
)
@pytest.mark.law("TRA-01", "CAL-04")
def test_an_act_is_enforceable_at_the_later_of_publication_and_reception_never_before(
    published, received, listed, expected
):
    assert enforceable_on(published, received, listed=listed) == expected


@pytest.mark.parametrize(
    ("published", "last_day"),
    [
        (date(2026, 10, 2), date(2026, 12, 3)),
        (date(2026, 9, 8), date(2026, 11, 9)),
        (date(2026, 12, 30), date(2027, 3, 1)),
        (date(2026, 7, 10), date(2026, 9, 11)),
        (date(2026, 9, 10), date(2026, 11, 12)),  # 11 November is a holiday
        (date(2027, 12, 31), date(2028, 3, 1)),  # the year has a 29 February
    ],
)
@pytest.mark.law("TRA-13", "CAL-06")
def test_an_appeal_has_two_clear_months_and_ends_on_a_working_day(published, last_day):
    assert appeal_until(published) == last_day


@pytest.mark.parametrize(
    ("start", "days", "expected"),
    [
        (date(2026, 11, 25), 1, date(2026, 11, 26)),
        (date(2026, 11, 27), 1, date(2026, 11, 30)),  # from Friday to Monday
        (date(2026, 11, 28), 1, date(2026, 11, 30)),
        (date(2026, 12, 24), 1, date(2026, 12, 28)),
        (date(2026, 5, 13), 1, date(2026, 5, 15)),  # the day after is Ascension Thursday
        (date(2026, 11, 28), 0, date(2026, 11, 30)),
        (date(2026, 11, 25), 0, date(2026, 11, 25)),
        (date(2026, 11, 10), 5, date(2026, 11, 18)),
    ],
)
def test_working_days_skip_weekends_and_french_holidays(start, days, expected):
    assert add_working_days(start, days) == expected
    assert due_on(start, days, NATIONAL) == expected


def test_the_eleven_national_holidays_are_known():
    weekdays = [
        date(2026, month, day)
        for month, day in [(1, 1), (4, 6), (5, 1), (5, 8), (5, 14), (5, 25), (7, 14), (11, 11), (12, 25)]
    ]
    assert not any(map(is_working_day, weekdays))


@pytest.mark.parametrize(
    "easter_monday",
    [
        date(2000, 4, 24),
        date(2008, 3, 24),
        date(2011, 4, 25),
        date(2019, 4, 22),
        date(2038, 4, 26),
        date(2049, 4, 19),
    ],
)
def test_the_holidays_that_follow_easter_move_with_it(easter_monday):
    """Among them the latest Easter that there can be (25 April 2038), and one that is moved back a week (2049)."""
    moving = [easter_monday + timedelta(days) for days in (0, 38, 49)]
    assert not any(map(is_working_day, moving))
    assert all(is_working_day(one + timedelta(1)) for one in moving[::2])


def test_alsace_and_moselle_have_two_holidays_more_and_a_town_hall_its_days_of_closing():
    easter, here = date(2027, 3, 28), Calendar(local=True)
    assert not here.works(easter - timedelta(2))
    assert not here.works(date(2028, 12, 26))
    assert is_working_day(easter - timedelta(2))
    assert is_working_day(date(2028, 12, 26))
    bridge = Calendar(yearly=frozenset({(12, 24)}), closed=frozenset({date(2026, 5, 15)}))
    assert add_working_days(date(2026, 12, 23), 1, bridge) == date(2026, 12, 28)
    assert due_on(date(2026, 5, 13), 1, bridge) == date(2026, 5, 18)
    # An appeal ends by the national holidays alone, whatever the town hall
    assert appeal_until(date(2028, 10, 25)) == date(2028, 12, 26)


def test_more_working_days_never_end_sooner():
    ends = [add_working_days(date(2026, 12, 20), n) for n in range(15)]
    assert all(earlier <= later for earlier, later in pairwise(ends))


def test_a_negative_delay_is_no_delay():
    with pytest.raises(ValueError, match="-1"):
        add_working_days(date(2026, 1, 1), -1)


@pytest.mark.parametrize(
    ("received", "published", "enforceable"),
    [
        (date(2026, 9, 28), date(2026, 10, 2), date(2026, 10, 2)),  # CAL-04
        (date(2026, 12, 31), date(2026, 12, 29), date(2026, 12, 31)),
        (date(2026, 12, 30), date(2027, 1, 1), date(2027, 1, 1)),
        (date(2027, 1, 3), date(2026, 12, 29), date(2027, 1, 3)),
    ],
)
def test_enforceable_days_around_new_year(received, published, enforceable):
    assert enforceable_on(published, received) == enforceable


@pytest.mark.law("CAL-05")
def test_an_act_stays_online_for_two_months():
    assert online_until(date(2026, 10, 2)) == date(2026, 12, 2)  # CAL-05
    assert online_until(date(2026, 12, 31)) == date(2027, 2, 28)


@pytest.mark.parametrize(
    ("received", "last_day"),
    [
        (date(2026, 9, 28), date(2026, 11, 30)),  # CAL-07: 28 + 1 is a Sunday
        (date(2026, 12, 29), date(2027, 3, 1)),
        (date(2026, 12, 30), date(2027, 3, 1)),
        (date(2026, 12, 31), date(2027, 3, 1)),
        (date(2027, 1, 1), date(2027, 3, 2)),
        (date(2027, 1, 2), date(2027, 3, 3)),
        (date(2027, 1, 3), date(2027, 3, 4)),
    ],
)
@pytest.mark.law("CAL-07")
def test_the_prefect_refers_within_two_months_of_reception(received, last_day):
    assert referral_until(received) == last_day
