"""The letters of folders leave within the hours that the collectivity gives; those of accounts and faults leave at once."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from app.core import outbox
from app.core.clock import PARIS, now
from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.notices import hours
from app.notices.hours import PATIENT, usual, wait
from app.people import desks, working_days
from app.people.own_settings import registry
from app.people.own_settings.changing import change_setting, forget_setting
from tests.builders.house import House

pytestmark = pytest.mark.in_turn

K = "k.morizur"
HOURS = {"mail_hours": "08:30-19:00"}
WORKED = {**HOURS, "mail_days": "worked"}
FRIDAY = datetime(2026, 12, 18, tzinfo=PARIS)


@pytest.mark.parametrize(
    ("own", "moment", "opens"),
    [
        ({}, FRIDAY.replace(hour=3), None),
        (HOURS, FRIDAY.replace(hour=8, minute=29), FRIDAY.replace(hour=8, minute=30)),
        (HOURS, FRIDAY.replace(hour=8, minute=30), None),
        (HOURS, FRIDAY.replace(hour=18, minute=59), None),
        (HOURS, FRIDAY.replace(hour=19), FRIDAY.replace(day=19, hour=8, minute=30)),
        (WORKED, FRIDAY.replace(hour=19), FRIDAY.replace(day=21, hour=8, minute=30)),
        (
            {**WORKED, "closing_days": "21/12"},
            FRIDAY.replace(hour=19),
            FRIDAY.replace(day=22, hour=8, minute=30),
        ),
        ({"mail_days": "worked"}, FRIDAY.replace(hour=23), None),
        ({"mail_days": "worked"}, FRIDAY.replace(day=19, hour=12), FRIDAY.replace(day=21)),
        # The night when summer time begins: an hour less to wait
        (HOURS, datetime(2026, 3, 28, 20, tzinfo=PARIS), datetime(2026, 3, 29, 8, 30, tzinfo=PARIS)),
    ],
)
def test_a_letter_waits_for_the_next_opening(own, moment, opens, monkeypatch: pytest.MonkeyPatch) -> None:
    # What an installation declares at its start: there is none here, and another test of the process may have begun one
    declared = {one.name: one for one in (*hours.settings("Courriels"), *working_days.settings())}
    monkeypatch.setattr(registry, "_declared", declared)
    utc = moment.astimezone(now().tzinfo)
    expected = timedelta(0) if opens is None else opens.astimezone(now().tzinfo) - utc
    assert wait(own, "your_turn", utc) == expected
    assert wait(own, "password_reset", utc) == timedelta(0)


def test_hours_take_their_usual_form_and_what_is_none_is_refused() -> None:
    for text in ("8:30-19", "8h30 - 19h", "08:30 à 19 h 00"):
        assert usual(text) == "08:30-19:00"
    assert usual("6-24") == "06:00-24:00"
    for text in ("19-8", "8-8", "8", "8-25", "8:60-9", "²-9", "8-19, 20-21"):
        with pytest.raises(Refusal, match="mail-hours"):
            usual(text)
    for text in ("20-23", "0-6", "19:30-24", "4-6:30"):
        with pytest.raises(Refusal, match="mail-hours-night"):
            usual(text)


def test_the_letter_of_a_folder_waits_in_the_queue_and_that_of_a_password_leaves(house: House) -> None:
    here = now().astimezone(PARIS)
    closed = "8-9" if not 7 <= here.hour <= 9 else "15-16"
    change_setting(house.actor(K), "mail_hours", {"mail_hours": closed})
    house.mail.clear()
    house.an_invoice()
    desks.ask_reset(K)
    outbox.drain()
    assert ["mot de passe" in str(one["Subject"]) for one in house.mail.letters] == [True]
    with reading() as db:
        waiting = sa.select(outbox.Outbox).where(
            outbox.Outbox.kind == "mail", outbox.Outbox.state == "pending"
        )
        rows = list(db.scalars(waiting))
    assert rows
    assert {one.payload["event"] for one in rows} <= PATIENT
    assert all(one.available_at > now() and one.attempts == 0 for one in rows)
    assert {one.last_error for one in rows} == {"attend les heures des courriels de la collectivité"}
    # Hours of the night that were written before they were refused are no reason to keep a reminder for ever
    for event in ("digest", "your_turn", "opinion_asked"):
        assert wait({"mail_hours": "20:00-23:00"}, event, now()) == timedelta(0)
    # The collectivity changes its mind: what is put back to work leaves, as it is now
    forget_setting(house.actor(K), "mail_hours")
    with engine().begin() as connection:
        table = outbox.Outbox.__table__
        connection.execute(sa.update(table).where(table.c.state == "pending").values(available_at=now()))
    house.drain()
    assert len(house.mail.letters) == 1 + len(rows)
