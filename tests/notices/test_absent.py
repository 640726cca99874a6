"""Letters of who is away: they wait for the return, the page says when they leave, and one tells what several would ask."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from html import unescape
from threading import Barrier

import pytest
import sqlalchemy as sa

from app.core import outbox
from app.core.clock import PARIS
from app.core.db import engine, reading
from app.core.outbox import Outbox
from app.folders.notices import WITH_THE_REST
from app.notices import absent, choices, digests, mailer
from app.operations.absences.planning import Wanted, end, plan
from app.people.own_settings.changing import change_setting
from tests.builders.house import House
from tests.notices.test_digests import MONDAY, MORNING, K, N, T, address, at, days_of, due, looks, subjects

pytestmark = pytest.mark.in_turn
SUNDAY = MONDAY + timedelta(days=13)
BACK = SUNDAY + timedelta(days=1)


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "_looked", {})  # as in a process that has just begun


def away(house: House, first: str, last: str, **more: bool) -> int:
    me = house.actor(N)
    return plan(me, Wanted(me.user_id or 0, None, first, last, **more))


def following(house: House) -> str:
    """« Le prochain », as the page says it."""
    page = unescape(house.client(N).get("/compte/courriels").get_data(as_text=True))
    section = page.partition('id="next-title"')[2].partition("En ce moment")[0]
    return " ".join(section.split())


@pytest.mark.parametrize("rhythm", ["weekly", "daily", "hourly", "now"])
def test_the_next_letter_is_said_at_the_return_and_leaves_then(house: House, rhythm: str) -> None:
    with at(MONDAY, 6):
        digests.look()
        choices.choose(house.actor(N), rhythm, MORNING)
        away(house, f"{MONDAY}T06:00", f"{SUNDAY}T23:59")
    with at(MONDAY, 7):
        due(house.a_quick_invoice(), BACK + timedelta(days=20))
        outbox.drain()
        house.mail.clear()
        told = following(house)
    assert "Lundi 18 janvier 2027, 6 h 00, si quelque chose vous attend alors" in told
    assert "attend votre retour : votre absence court jusqu’au dim. 17 janv., 23 h 59." in told
    assert days_of(house, MONDAY, 14, N, 7, 8, 9, 23) == [[]] * 14
    with at(SUNDAY, 23, 59):
        looks()
    with at(BACK, 5, 59):
        looks()
    assert subjects(house, N) == []
    with at(BACK, 6):
        looks()
    assert len(subjects(house, N)) == 1


def test_the_next_letter_counts_an_absence_to_come_and_the_hours_and_not_one_where_letters_are_wanted(
    house: House,
) -> None:
    wednesday = MONDAY + timedelta(days=2)
    with at(MONDAY, 10):
        choices.choose(house.actor(N), "weekly", MORNING)
        number = away(house, f"{BACK - timedelta(days=7)}T00:00", f"{wednesday + timedelta(days=7)}T11:59")
        assert "Mercredi 13 janvier 2027, 12 h 00, si" in following(
            house
        )  # the one of Monday 11 waits for it
        change_setting(house.actor(K), "mail_hours", {"mail_hours": "14-18"})
        assert "Mercredi 13 janvier 2027, 14 h 00, si" in following(house)
        end(house.actor(N), number, revision=1)
        assert "Lundi 11 janvier 2027, 14 h 00, si" in following(house)
        away(house, f"{date(2027, 1, 8)}T00:00", f"{date(2027, 1, 19)}T12:00", letters=True)
        told = following(house)
        assert "Lundi 11 janvier 2027, 14 h 00, si" in told
        assert "retour" not in told
        client = house.client(N)
        choices.choose_for(house.actor(N), "invoice", "daily", MORNING)
        away(house, f"{MONDAY}T00:00", f"{wednesday}T12:00")
        page = " ".join(unescape(client.get("/compte/courriels").get_data(as_text=True)).split())
        assert (
            "Le prochain : mercredi 6 janvier 2027, 14 h 00, si quelque chose attend alors, au retour" in page
        )


def test_who_chose_never_is_promised_no_letter_at_his_return(house: House) -> None:
    with at(MONDAY, 10):
        choices.choose(house.actor(N), "never", MORNING)
        away(house, f"{MONDAY}T06:00", f"{SUNDAY}T23:59")
        assert "« Jamais » est choisi" in following(house)
        assert "retour" not in following(house)


class Killed(BaseException):
    """As if the worker had died there."""


def returned_with(house: House, count: int, *, rhythm: str = "now") -> list[int]:
    """Folders that came to somebody who was away, from Monday to the Sunday of the next week."""
    with at(MONDAY, 6):
        digests.look()
        choices.choose(house.actor(N), rhythm, MORNING)
        away(house, f"{MONDAY}T06:00", f"{SUNDAY}T23:59")
    folders = []
    for day in range(count):
        with at(MONDAY + timedelta(days=day), 10):
            folders.append(house.a_quick_invoice())
            due(folders[-1], BACK + timedelta(days=20))
            outbox.drain()
    house.mail.clear()
    return folders


def told(house: House, *minutes: int, day: date = BACK, hour: int = 10) -> list[str]:
    """The letters of the day of the return, the worker passing at these minutes."""
    for minute in minutes:
        with at(day, hour, minute):
            outbox.drain()
    return subjects(house, N)


def reasons() -> Counter[str]:
    with reading() as db:
        rows = db.scalars(sa.select(Outbox).where(Outbox.kind == "mail", Outbox.state == "done"))
        mine = [row for row in rows if row.payload["event"] == "your_turn" and row.last_error]
        return Counter(str(row.last_error) for row in mine)


def test_several_folders_of_one_return_are_told_by_one_letter(house: House) -> None:
    returned_with(house, 4)
    assert told(house, 30, 33, 40) == ["Paraphe : 4 dossiers vous attendent"]
    (letter,) = house.mail.to("n.abgrallec@kerlann-sur-mer.example")
    assert letter["Date"].datetime.date() == BACK
    assert reasons()[WITH_THE_REST] == 4
    with at(BACK, 11):  # what comes from then on is told as before
        house.mail.clear()
        house.a_quick_invoice()
        outbox.drain()
    assert len(subjects(house, N)) == 1


def test_one_folder_of_a_return_is_told_by_its_own_letter_and_so_is_the_last_that_still_waits(
    house: House,
) -> None:
    first, second = returned_with(house, 2)
    with at(SUNDAY, 12):
        house.approve(first, T)
    (subject,) = told(house, 30, 33)
    assert "dossiers vous attendent" not in subject
    (letter,) = house.mail.to("n.abgrallec@kerlann-sur-mer.example")
    assert f"/dossiers/{second}" in letter.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_a_worker_that_dies_on_the_way_neither_loses_nor_repeats_what_waited(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    returned_with(house, 3)
    gather = absent.gather

    def dies(*arguments: object) -> None:
        gather(*arguments)  # type: ignore[arg-type]
        raise Killed

    monkeypatch.setattr(absent, "gather", dies)
    with at(BACK, 10), pytest.raises(Killed):
        outbox.drain()
    monkeypatch.setattr(absent, "gather", gather)
    send = mailer.send

    def dies_before(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(mailer, "send", dies_before)
    with at(BACK, 10, 1), pytest.raises(Killed):
        outbox.drain()
    monkeypatch.setattr(mailer, "send", send)
    assert told(house, 10, 20, 30, 40) == ["Paraphe : 3 dossiers vous attendent"]
    assert reasons()[WITH_THE_REST] == 3


def test_where_the_one_letter_comes_to_nothing_each_folder_is_told_by_its_own(house: House) -> None:
    returned_with(house, 3)
    with at(BACK, 10):
        outbox.drain()
    house.mail.clear()
    with engine().begin() as connection:  # as if its server had refused it for days
        table = Outbox.__table__
        mine = table.c.key.like("digest-%-retour")
        connection.execute(
            sa.update(table).where(mine).values(state="parked", done_at=None, last_error="panne")
        )
    assert len(told(house, 5, 10)) == 3


def test_what_is_late_is_told_in_the_same_letter_of_the_return(house: House) -> None:
    folders = returned_with(house, 3)
    for folder_id in folders:
        due(folder_id, MONDAY + timedelta(days=4))
    days_of(house, MONDAY + timedelta(days=7), 2, N, 7, 8)  # reminders are written, and wait
    house.mail.clear()
    (subject,) = told(house, 0, 3, 10, hour=6)
    assert subject == "Paraphe : 3 dossiers vous attendent, dont 3 en retard"


def test_a_type_that_is_told_never_stays_out_of_the_letter_of_the_return(house: House) -> None:
    with at(MONDAY, 5):
        choices.choose_for(house.actor(N), "deliberation", "never", MORNING)
    returned_with(house, 2)
    (subject,) = told(house, 30, 33)
    assert subject == "Paraphe : 2 dossiers vous attendent"


@pytest.mark.both_databases
def test_two_workers_write_the_letter_of_a_return_once(house: House) -> None:
    returned_with(house, 2)
    gate = Barrier(2)
    with reading() as db:
        rows = list(db.scalars(sa.select(Outbox.id).where(Outbox.state == "pending").order_by(Outbox.id)))

    def work() -> None:
        gate.wait()
        for row_id in rows:
            outbox.run(row_id)

    with at(BACK, 10), ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(work), threads.submit(work)]:
            done.result()
    with reading() as db:
        keys = db.scalars(sa.select(Outbox.key).where(Outbox.key.like("digest-%-retour"))).all()
    assert len(keys) == 1
    assert told(house, 5, 10) == ["Paraphe : 2 dossiers vous attendent"]


def at_letters(house: House) -> list[tuple[date, int, str]]:
    """The day and the hour that each letter bears, and its subject."""
    return [
        (one["Date"].datetime.astimezone(PARIS).date(), one["Date"].datetime.astimezone(PARIS).hour, subject)
        for one, subject in zip(house.mail.to(address(N)), subjects(house, N), strict=True)
    ]


def test_who_was_told_at_once_before_an_absence_is_promised_nothing_at_the_return(house: House) -> None:
    with at(MONDAY, 9):
        digests.look()
        choices.choose(house.actor(N), "now", MORNING)
        due(house.a_quick_invoice(), BACK + timedelta(days=60))
        outbox.drain()
        assert len(subjects(house, N)) == 1
        away(house, f"{MONDAY + timedelta(days=1)}T06:00", f"{MONDAY + timedelta(days=6)}T23:59")
        assert "Dès qu’un dossier vous attendra.</p>" in following(house)
    with at(MONDAY + timedelta(days=2), 9):
        looks()
        told = following(house)
        assert "Dès qu’un dossier vous attendra, et pas avant votre retour" in told
        assert "votre absence court jusqu’au dim. 10 janv., 23 h 59." in told
        assert "si quelque chose" not in told
    assert days_of(house, MONDAY + timedelta(days=3), 7, N, 5, 6, 7, 8, 9) == [[]] * 7


def test_a_reminder_that_waits_does_not_bring_the_letter_of_the_week_forward(house: House) -> None:
    wednesday = MONDAY + timedelta(days=9)
    with at(MONDAY, 10):
        digests.look()
        choices.choose(house.actor(N), "weekly", MORNING)
        late, other = house.a_quick_invoice(), house.a_quick_invoice()
        due(late, MONDAY + timedelta(days=8))
        due(other, BACK + timedelta(days=60))
        outbox.drain()
        away(house, f"{MONDAY + timedelta(days=8)}T00:00", f"{wednesday}T11:59")
    with at(MONDAY + timedelta(days=7), 8):
        looks()
    with at(MONDAY + timedelta(days=8), 8):
        looks()
        due(late, BACK + timedelta(days=60))
        assert "Lundi 18 janvier 2027, 7 h 30, si quelque chose vous attend alors" in following(house)
    days = days_of(house, wednesday, 6, N, 7, 8, 11, 12, 13)
    assert [len(letters) for letters in days] == [0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("begins", [0, 2])
def test_letters_wanted_by_an_absence_over_another_leave_from_then_on(house: House, begins: int) -> None:
    with at(MONDAY, 6):
        digests.look()
        choices.choose(house.actor(N), "daily", MORNING)
        away(house, f"{MONDAY}T06:00", f"{SUNDAY}T23:59")
        due(house.a_quick_invoice(), BACK + timedelta(days=60))
        outbox.drain()
    with at(MONDAY, 8):
        looks()
    house.mail.clear()
    tuesday = MONDAY + timedelta(days=1)
    first = tuesday + timedelta(days=begins)
    with at(tuesday, 9):
        away(house, f"{first}T08:00", f"{first + timedelta(days=3)}T23:59", letters=True)
        looks()
        if begins:
            assert "Jeudi 7 janvier 2027, 8 h 00, si" in following(house)
            assert "votre absence" not in following(house)
        else:
            assert len(subjects(house, N)) == 1
            assert "Mercredi 6 janvier 2027, 7 h 30, si" in following(house)
    days = days_of(house, tuesday + timedelta(days=1), 3, N, 7, 8, 9)
    assert [len(letters) for letters in days] == ([0, 1, 1] if begins else [1, 1, 1])


@pytest.mark.parametrize("gap", [0, 2])
def test_the_letter_of_absences_that_touch_bears_the_day_of_the_last_return(house: House, gap: int) -> None:
    """Also where they are a week-end apart, in which no letter leaves."""
    with at(MONDAY, 6):
        digests.look()
        choices.choose(house.actor(N), "daily", MORNING)
        away(house, f"{MONDAY}T06:00", f"{MONDAY + timedelta(days=6 - gap)}T23:59")
        away(house, f"{MONDAY + timedelta(days=7)}T00:00", f"{SUNDAY}T23:59")
        due(house.a_quick_invoice(), BACK + timedelta(days=60))
        outbox.drain()
    house.mail.clear()
    with at(MONDAY, 8):
        looks()
        told = following(house)
        assert "Lundi 18 janvier 2027, 6 h 00, si" in told
        assert "votre absence court jusqu’au dim. 17 janv., 23 h 59." in told
    assert days_of(house, MONDAY + timedelta(days=1), 13, N, 6, 7, 8, 23) == [[]] * 13
    with at(BACK, 6):
        looks()
    assert at_letters(house) == [(BACK, 6, "Paraphe : 1 dossier vous attend")]


def test_folders_of_two_absences_that_touch_are_told_once_by_one_letter(house: House) -> None:
    wednesday, friday = MONDAY + timedelta(days=2), MONDAY + timedelta(days=4)
    with at(MONDAY, 6):
        digests.look()
        choices.choose(house.actor(N), "now", MORNING)
        away(house, f"{MONDAY}T06:00", f"{MONDAY + timedelta(days=1)}T23:59")
        away(house, f"{wednesday}T00:00", f"{friday - timedelta(days=1)}T23:59")
    for day, count in ((MONDAY, 1), (wednesday, 2)):
        with at(day, 9):
            for _ in range(count):
                due(house.a_quick_invoice(), BACK + timedelta(days=60))
            outbox.drain()
    house.mail.clear()
    for minute in (0, 2, 4, 6, 10):
        with at(friday, 6, minute):
            looks()
    assert at_letters(house) == [(friday, 6, "Paraphe : 3 dossiers vous attendent")]


@pytest.mark.parametrize("comes", [False, True])
def test_the_letter_of_the_day_does_not_say_again_what_that_of_the_return_has_said(
    house: House, comes: bool
) -> None:
    returned_with(house, 1, rhythm="daily")
    with at(MONDAY + timedelta(days=1), 8):
        looks()
    with at(BACK, 6):
        looks()
    assert subjects(house, N) == ["Paraphe : 1 dossier vous attend"]
    house.mail.clear()
    with at(BACK, 6, 30):
        assert "Lundi 18 janvier 2027, 7 h 30, si quelque chose vous arrive d’ici là" in following(house)
        if comes:
            due(house.a_quick_invoice(), BACK + timedelta(days=20))
            outbox.drain()
    with at(BACK, 7, 30):
        looks()
    assert subjects(house, N) == (["Paraphe : 2 dossiers vous attendent"] if comes else [])
    with at(BACK, 8):
        assert "Mardi 19 janvier 2027, 7 h 30, si quelque chose vous attend alors" in following(house)
    house.mail.clear()
    with at(BACK + timedelta(days=1), 7, 30):
        looks()
    assert len(subjects(house, N)) == 1
