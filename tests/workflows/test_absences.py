"""What a cover lends, when it begins and ends on nights when the clock changes, and who comes back to whom."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.absences import (
    LENT,
    Absence,
    clash,
    concerns,
    lent,
    live,
    loops,
    meet,
    moment_of,
    refuse_disorder,
)
from workflows.errors import Refusal
from workflows.rights import Rights, allows
from workflows.vocabulary import Right

PARIS = ZoneInfo("Europe/Paris")
TYPES = ("invoice", "invoice.energie", "deliberation", "deliberation.foncier")
HELD = [
    word
    for right in (*LENT, Right.CREATE, Right.FOLLOW)
    for word in (right.value, f"{right}:invoice", f"{right}:invoice.energie")
]
AUTUMN, SPRING = datetime(2026, 10, 25, tzinfo=PARIS), datetime(2027, 3, 28, tzinfo=PARIS)
"""The nights when the clock shows an hour twice, and jumps over one."""


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 12, day, hour, tzinfo=UTC)


def away(person: int, by: int | None, first: int, last: int) -> Absence:
    return Absence(person, by, at(first), at(last))


@given(st.sets(st.sampled_from(HELD)), st.sets(st.sampled_from(TYPES)))
def test_a_cover_lends_what_is_held_there_for_its_types_and_nothing_more(
    words: set[str], types: set[str]
) -> None:
    held = Rights.read(words)
    given_up = lent(held, sorted(types))
    for right in Right:
        for family, own in (
            ("invoice", ""),
            ("invoice", "energie"),
            ("invoice", "eau"),
            ("deliberation", ""),
            ("deliberation", "foncier"),
        ):
            expected = (
                right in LENT and allows(held.grants, right, family, own) and concerns(types, family, own)
            )
            assert allows(given_up.grants, right, family, own) is expected, (right, family, own)


@pytest.mark.parametrize("night", [AUTUMN, SPRING], ids=["october", "march"])
def test_each_minute_of_a_night_when_the_clock_changes_is_away_or_not_by_the_instant(night: datetime) -> None:
    begins = night.astimezone(UTC)
    absence = Absence(1, 2, begins + timedelta(minutes=90), begins + timedelta(minutes=200))
    for minute in range(6 * 60):
        assert live(absence, begins + timedelta(minutes=minute)) is (90 <= minute < 200)


def test_an_hour_that_the_clock_shows_twice_makes_the_absence_the_longer() -> None:
    first, last = moment_of("2026-10-25T02:30", PARIS), moment_of("2026-10-25T02:30", PARIS, last=True)
    assert (first, last) == (
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    )


def test_every_minute_of_march_s_night_is_an_instant_or_is_refused_with_the_hour_that_is_not() -> None:
    for minute in range(5 * 60):
        typed = f"2027-03-28T{minute // 60:02}:{minute % 60:02}"
        if 120 <= minute < 180:
            with pytest.raises(Refusal, match="absence-hour") as refused:
                moment_of(typed, PARIS)
            assert refused.value.facts["hour"] == f"02 h {minute % 60:02}"
        else:
            gone = minute if minute < 120 else minute - 60
            assert moment_of(typed, PARIS) == SPRING.astimezone(UTC) + timedelta(minutes=gone)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "demain",
        "2026-12-21",
        "2026-12-21T08",
        "2026-13-01T00:00",
        "0001-01-01T00:00",
        "2026-12-21T08:00+01:00",
    ],
)
def test_what_is_no_moment_of_a_clock_on_the_wall_is_refused(typed: str) -> None:
    with pytest.raises(Refusal, match="absence-dates"):
        moment_of(typed, PARIS)


@pytest.mark.parametrize(
    ("absence", "key"),
    [
        (away(1, 2, 10, 10), "absence-order"),
        (away(1, 2, 12, 10), "absence-order"),
        (away(1, 2, 1, 3), "absence-past"),
        (Absence(1, 2, at(10), at(10) + timedelta(days=2000)), "absence-long"),
    ],
)
def test_dates_in_disorder_are_refused(absence: Absence, key: str) -> None:
    with pytest.raises(Refusal, match=key):
        refuse_disorder(absence, at(5))


def test_who_stands_in_for_one_another_comes_back_to_who_is_away_only_at_the_same_time() -> None:
    others = [away(2, 3, 1, 10), away(3, 1, 5, 20)]
    assert loops(away(1, 2, 6, 8), others)
    assert not loops(away(1, 2, 11, 12), others)
    assert not loops(away(1, None, 6, 8), others)
    assert loops(away(4, 4, 1, 2), [])


def test_who_is_away_himself_is_found_to_the_minute() -> None:
    other = away(2, None, 10, 12)
    assert clash(away(1, 2, 11, 13), [other]) is other
    assert clash(away(1, 2, 12, 13), [other]) is None
    assert not meet(other, away(1, 2, 1, 10))
