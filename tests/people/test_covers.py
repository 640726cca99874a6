"""Who is away at a moment: what the database answers and what the law says are one, to the minute."""

import random
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from app.core.db import engine, reading
from app.people.covers import away_at, law_of, lent_to, live
from app.people.models import Absence
from tests.builders.house import House
from workflows import absences

NIGHTS = (datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2027, 3, 27, 23, tzinfo=UTC))
_absence = Absence.__table__


def test_sql_and_the_law_say_the_same_of_random_absences_on_the_nights_when_the_clock_changes(
    house: House,
) -> None:
    here = house.actor("a.kervadec").collectivity_id
    people = [house.actor(one).user_id for one in ("a.kervadec", "n.abgrallec", "r.pellenec", "s.rivoal")]
    draw = random.Random(31)
    rows = []
    for _ in range(60):
        begins = draw.choice(NIGHTS) + timedelta(minutes=draw.randrange(360))
        person, cover = draw.sample(people, 2)
        rows.append(
            {
                "collectivity_id": here,
                "user_id": person,
                "cover_id": draw.choice([cover, None]),
                "types": [],
                "acts": draw.random() < 0.7,
                "letters": False,
                "starts_at": begins,
                "ends_at": begins + timedelta(minutes=draw.choice([0, 1, 59, 60, 61, 200])),
                "revision": 1,
                "set_by": "Essai",
                "set_at": begins,
            }
        )
    with engine().begin() as connection:
        connection.execute(sa.insert(_absence), rows)
    with reading(here) as db:
        every = {row.id: law_of(row) for row in db.execute(sa.select(_absence))}
        moments = {one.starts for one in every.values()} | {one.ends for one in every.values()}
        moments |= {one + timedelta(minutes=step) for one in list(moments) for step in (-1, 1)}
        assert any(absences.live(one, moment) for one in every.values() for moment in moments)
        for moment in sorted(moments):
            expected = {number for number, one in every.items() if absences.live(one, moment)}
            assert set(db.scalars(sa.select(_absence.c.id).where(live(moment)))) == expected
            told = {one.number for several in away_at(db, here, moment).values() for one in several}
            assert told == expected
            for user_id in people:
                lending = {one.number for one in lent_to(db, user_id or 0, moment)}
                assert lending == {number for number in expected if every[number].by == user_id}
