"""At which moments a person is told what waits: by the rhythm chosen, in working hours and on working days, across clock changes."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.clock import PARIS
from workflows.deadlines import NATIONAL, Calendar, late_by_more
from workflows.rhythms import (
    MINUTES,
    REST,
    Choice,
    Choices,
    Parts,
    Rhythm,
    due,
    following,
    letter_due,
    quiet_until,
    rhythm_of,
)

FRIDAY = datetime(2026, 12, 18, tzinfo=PARIS)
MONDAY = FRIDAY + timedelta(days=3)
EVENING = Choice(Rhythm.DAILY, 18 * 60)


HALF = timedelta(minutes=30)


@pytest.mark.parametrize(
    ("rhythm", "moment", "name", "whole"),
    [
        (Rhythm.DAILY, FRIDAY.replace(hour=7), None, None),
        (Rhythm.DAILY, FRIDAY.replace(hour=7, minute=30), "20261218T0730", True),
        # Nothing is told at another moment of the day, whatever came meanwhile
        (Rhythm.DAILY, FRIDAY.replace(hour=8), None, None),
        (Rhythm.DAILY, FRIDAY.replace(hour=22, minute=30), None, None),
        (Rhythm.DAILY, FRIDAY.replace(day=19, hour=7, minute=30), None, None),  # a Saturday
        (Rhythm.DAILY, datetime(2026, 12, 25, 7, 30, tzinfo=PARIS), None, None),
        (Rhythm.WEEKLY, MONDAY.replace(hour=7, minute=30), "20261221T0730", True),
        (Rhythm.WEEKLY, FRIDAY.replace(hour=7, minute=30), "20261218T0730", False),
        # Easter Monday: the week opens on Tuesday
        (Rhythm.WEEKLY, datetime(2026, 4, 7, 7, 30, tzinfo=PARIS), "20260407T0730", True),
        (Rhythm.NOW, FRIDAY.replace(hour=7, minute=30), "20261218T0730", False),
        (Rhythm.NEVER, FRIDAY.replace(hour=7, minute=30), None, None),
        (Rhythm.HOURLY, FRIDAY.replace(hour=7, minute=30), None, None),
        (Rhythm.HOURLY, FRIDAY.replace(hour=8), "20261218T0800", True),
        (Rhythm.HOURLY, FRIDAY.replace(hour=14), "20261218T1400", True),
        (Rhythm.HOURLY, FRIDAY.replace(hour=14, minute=30), None, None),
        (Rhythm.HOURLY, FRIDAY.replace(hour=22), None, None),
    ],
)
def test_a_letter_is_due_at_its_moment_and_at_no_other(rhythm, moment, name, whole) -> None:
    at = due(Choice(rhythm), NATIONAL, moment - HALF, moment, PARIS)
    assert (at.name if at else None, at.whole if at else None) == (name, whole)


@pytest.mark.parametrize(
    ("rhythm", "last", "moment", "name", "whole"),
    [
        (Rhythm.DAILY, FRIDAY.replace(hour=7), FRIDAY.replace(hour=12), "20261218T0730", True),
        # A Monday without a server takes the week’s letter from nobody
        (Rhythm.WEEKLY, FRIDAY.replace(hour=19), MONDAY.replace(day=22, hour=9), "20261221T0730", True),
        (Rhythm.NOW, FRIDAY.replace(hour=19), MONDAY.replace(hour=9), "20261221T0730", False),
        (
            Rhythm.HOURLY,
            FRIDAY.replace(hour=9, minute=30),
            FRIDAY.replace(hour=13, minute=30),
            "20261218T1300",
            True,
        ),
    ],
)
def test_what_was_missed_while_nobody_looked_is_made_up_for_once(rhythm, last, moment, name, whole) -> None:
    at = due(Choice(rhythm), NATIONAL, last, moment, PARIS)
    assert at is not None
    assert (at.name, at.whole) == (name, whole)
    assert due(Choice(rhythm), NATIONAL, moment, moment + timedelta(minutes=1), PARIS) is None


def test_the_first_letter_of_a_day_tells_whatever_waits_and_the_others_what_came_since() -> None:
    hourly = Choice(Rhythm.HOURLY)

    def fresh(last: datetime, moment: datetime) -> datetime | None:
        at = due(hourly, NATIONAL, last, moment, PARIS)
        assert at is not None
        return at.fresh

    nine = FRIDAY.replace(hour=9)
    assert fresh(nine - 3 * HALF, nine - 2 * HALF) is None
    assert fresh(nine - HALF, nine) == FRIDAY.replace(hour=8)
    # Two hours without a look: all that came since the last letter, and where that of the morning was missed, whatever waits
    assert fresh(nine + HALF, nine + 5 * HALF) == nine
    assert fresh(FRIDAY.replace(hour=7), nine) is None


def test_nothing_is_told_by_a_choice_before_it_was_made() -> None:
    made = Choice(Rhythm.DAILY, since=FRIDAY.replace(hour=10))
    assert due(made, NATIONAL, FRIDAY.replace(hour=7), FRIDAY.replace(hour=11), PARIS) is None
    assert due(made, NATIONAL, FRIDAY.replace(hour=7), MONDAY.replace(hour=8), PARIS) is not None


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        (FRIDAY.replace(hour=6), None),
        (FRIDAY.replace(hour=19, minute=59), None),
        (FRIDAY.replace(hour=5, minute=59), FRIDAY.replace(hour=6)),
        (FRIDAY.replace(hour=20), MONDAY.replace(hour=6)),
        (FRIDAY.replace(day=19, hour=12), MONDAY.replace(hour=6)),
    ],
)
def test_nobody_is_reminded_at_night_nor_on_a_day_off(moment, until) -> None:
    assert quiet_until(NATIONAL, moment, PARIS) == until


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
        at = due(choice, NATIONAL, next_one - HALF, next_one, PARIS)
        assert at is not None
        assert (at.moment, at.whole) == (next_one, True)


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


TYPES = ("invoice", "invoice.energie", "deliberation")
FOLDERS = (("invoice", ""), ("invoice", "energie"), ("invoice", "eau"), ("deliberation", ""), ("other", ""))
CHOICE = st.builds(Choice, st.sampled_from(Rhythm), st.sampled_from(MINUTES))
NAMES = st.frozensets(st.sampled_from((REST, *TYPES)))


@settings(max_examples=60, deadline=None)
@given(
    st.builds(Choices, CHOICE, st.dictionaries(st.sampled_from(TYPES), CHOICE)),
    st.lists(st.integers(1, 60), min_size=2, max_size=40),
)
def test_one_letter_of_a_look_tells_what_each_rhythm_alone_would_and_none_bears_the_name_of_another(
    choices: Choices, halves: list[int]
) -> None:
    """Over the days around Christmas, by looks that may be missed for a day and more."""
    by_name, names, last = {REST: choices.general, **choices.types}, list[str](), FRIDAY
    for count in halves:
        moment = last + count * HALF
        slots = {name: due(choice, NATIONAL, last, moment, PARIS) for name, choice in by_name.items()}
        letter = letter_due(choices, NATIONAL, last, moment, PARIS)
        parts = letter.parts if letter else Parts()
        for name, slot in slots.items():
            assert (name in parts.names) == (slot is not None)
            if slot is not None:
                kind = parts.late if not slot.whole else parts.whole if slot.fresh is None else parts.fresh
                assert name in kind
        assert (letter is None) == all(slot is None for slot in slots.values())
        names += [letter.name] if letter else []
        last = moment
    assert len(set(names)) == len(names)
    for name in names:
        at = datetime.strptime(name, "%Y%m%dT%H%M").replace(tzinfo=PARIS)
        assert NATIONAL.works(at.date())
        assert quiet_until(NATIONAL, at, PARIS) is None


@settings(max_examples=300, deadline=None)
@given(st.frozensets(st.sampled_from(TYPES)), st.frozensets(st.sampled_from(TYPES)), NAMES, NAMES, NAMES)
def test_what_another_letter_tells_is_taken_from_one_and_nothing_else_is(
    mine, theirs, whole, late, told
) -> None:
    """Whatever was chosen between the two: no type is left out, and of the same choice none is told twice."""

    def of(names: frozenset[str], types: frozenset[str]) -> frozenset[str]:
        return names & {REST, *types}

    letter = Parts(whole=of(whole, mine), late=of(late - whole, mine), types=mine)
    other = Parts(whole=of(told, theirs), types=theirs)
    left = letter.without(other)
    for folder in FOLDERS:
        if letter.tells(folder):
            assert left.tells(folder) or other.tells(folder), folder
        if mine == theirs:
            assert not (left.tells(folder) and other.tells(folder)), folder
            assert rhythm_of(mine, folder) not in left.late & other.told
    assert letter.without(letter, late=True).names == frozenset()
