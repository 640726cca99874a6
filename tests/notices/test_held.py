"""Letters about a folder that waits for an opinion: told once somebody can decide, and never closed as told by another."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import outbox
from app.core.db import engine, reading
from app.core.outbox import Outbox
from app.folders import opinions
from app.folders.models import AskedOpinion
from app.folders.opinions import HELD
from app.notices import choices, digests
from app.operations.absences import planning
from app.people import desks
from tests.api.software import Software
from tests.builders.house import House
from tests.folders.test_asking import K, ask, give, page, take_back, todo
from tests.notices.test_absent import BACK, away
from tests.notices.test_digests import MONDAY, MORNING, N, T, address, at, due, looks, subjects, words
from tests.operations.test_blocked import here
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
RETURN = MONDAY + timedelta(days=2)
S, COVER = "s.rivoal", "a.kervadec"
TURN = "Paraphe : 1 dossier vous attend, à viser sous 59 jours"


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "_looked", {})  # as in a process that has just begun


def a_return(house: House, count: int) -> tuple[list[int], int]:
    """Folders that came to somebody who was away, on the first of which an opinion is awaited, and its number."""
    desks.seat(here(house), "finances", T, [Right.ACT])
    with at(MONDAY, 6):
        digests.look()
        choices.choose(house.actor(N), "now", MORNING)
        away(house, f"{MONDAY}T06:00", f"{MONDAY + timedelta(days=1)}T23:59")
    with at(MONDAY, 9):
        folders = [house.a_quick_invoice() for _ in range(count)]
        for folder_id in folders:
            due(folder_id, BACK + timedelta(days=60))
        number = ask(house, T, folders[0], "direction")
        outbox.drain()
    house.mail.clear()
    return folders, number


def passes(house: House, hour: int, *minutes: int) -> list[str]:
    """The letters that leave on the day of the return, the worker passing at these minutes."""
    house.mail.clear()
    for minute in minutes:
        with at(RETURN, hour, minute):
            looks()
    return subjects(house, N)


def errors(house: House, folder_id: int) -> list[str | None]:
    """What is written beside the letters about a folder that its reader has still to be sent."""
    me = house.actor(N).user_id
    with reading() as db:
        rows = db.scalars(sa.select(Outbox).where(Outbox.state == "pending", Outbox.folder_id == folder_id))
        mine = [row for row in rows if row.payload.get("user_id") == me]
        return [row.last_error for row in mine if row.payload["event"] == "your_turn"]


@pytest.mark.both_databases
def test_a_folder_held_at_a_return_is_told_once_its_opinion_is_given(house: House) -> None:
    folders, number = a_return(house, 3)
    assert passes(house, 6, 0, 2, 4, 6, 30) == ["Paraphe : 2 dossiers vous attendent"]
    assert errors(house, folders[0]) == [HELD]
    with at(RETURN, 10):
        give(house, S, folders[0], number, "favourable")
        assert sorted(todo(house, N)) == sorted(folders)
    (subject,) = passes(house, 10, 0, 20)
    assert subject.startswith("Paraphe : 1 dossier vous attend")
    (letter,) = house.mail.to(address(N))
    assert f"/dossiers/{folders[0]}" in words(house, N)
    assert letter["Date"].datetime.date() == RETURN
    assert passes(house, 11, 0, 30) == []


def test_it_is_told_too_once_its_opinion_is_taken_back(house: House) -> None:
    folders, number = a_return(house, 2)
    (subject,) = passes(house, 6, 0, 2, 4, 30)
    assert subject.startswith("Paraphe : 1 dossier vous attend")
    assert f"/dossiers/{folders[1]}" in words(house, N)
    with at(RETURN, 10):
        take_back(house, T, folders[0], number)
    assert len(passes(house, 10, 0, 20)) == 1
    assert f"/dossiers/{folders[0]}" in words(house, N)


def test_a_folder_alone_at_a_return_is_not_told_as_a_decision_while_nobody_can_make_it(house: House) -> None:
    folders, number = a_return(house, 1)
    assert passes(house, 6, 0, 2, 30) == []
    other = ask_another(house, folders[0])
    with at(RETURN, 10):
        give(house, S, folders[0], number, "favourable")
    assert passes(house, 10, 0, 20) == [], "the other opinion is awaited still"
    with at(RETURN, 11):
        take_back(house, T, folders[0], other)
    assert len(passes(house, 11, 0, 20)) == 1


def ask_another(house: House, folder_id: int) -> int:
    with at(RETURN, 9):
        return ask(house, T, folder_id, "technique")


def held_by_an_opinion(house: House) -> tuple[int, int]:
    """A folder of which the letter waits for an opinion, and the number of that: two people are awaited, one asked it."""
    desks.seat(here(house), "finances", T, [Right.ACT])
    with at(RETURN, 6):
        choices.choose(house.actor(N), "now", MORNING)
    with at(RETURN, 9):
        folder_id = house.a_quick_invoice()
        due(folder_id, BACK + timedelta(days=60))
        number = ask(house, T, folder_id, "direction")
    assert passes(house, 9, 0, 20) == []
    return folder_id, number


def test_a_letter_that_no_absence_kept_waits_for_the_opinion_too(house: House) -> None:
    folder_id, number = held_by_an_opinion(house)
    with at(RETURN, 10):
        give(house, S, folder_id, number, "favourable")
    assert len(passes(house, 10, 0, 20)) == 1
    assert f"/dossiers/{folder_id}" in words(house, N)
    asker = [str(letter["Subject"]) for letter in house.mail.to(address(T))]
    assert len(asker) == 1, asker
    assert "avis" in asker[0], "who asked is told of the folder by the answer alone"


@pytest.mark.both_databases
@pytest.mark.parametrize("look", [1, 2])
def test_an_opinion_given_while_its_letter_is_written_is_told_once_to_each(
    house: House, monkeypatch: pytest.MonkeyPatch, look: int
) -> None:
    """Since when a letter waits is asked before the look whether its step is held, and the answer may come between the two."""
    folder_id, number = held_by_an_opinion(house)
    counted, is_held = count(1), opinions.is_held

    def given(*facts: Any) -> bool:
        if next(counted) == look:
            give(house, S, folder_id, number, "favourable")
        return is_held(*facts)

    monkeypatch.setattr(opinions, "is_held", given)
    house.mail.clear()
    for minute in (40, 59):
        with at(RETURN, 9, minute):
            looks()
    asker = subjects(house, T)
    assert (len(subjects(house, N)), len(asker)) == (1, 1), asker
    assert "avis" in asker[0]


@pytest.mark.parametrize("rhythm", ["hourly", "daily"])
def test_what_was_held_when_a_letter_counted_is_in_the_next_and_closed_by_that_one_alone(
    house: House, rhythm: str
) -> None:
    desks.seat(here(house), "finances", T, [Right.ACT])
    with at(MONDAY, 8):
        digests.look()
        choices.choose(house.actor(N), rhythm, MORNING)
    with at(MONDAY, 8, 10):
        folders = [house.a_quick_invoice() for _ in range(2)]
        for folder_id in folders:
            due(folder_id, BACK + timedelta(days=60))
        number = ask(house, T, folders[0], "direction")
        outbox.drain()
    house.mail.clear()
    first, second = (MONDAY, MONDAY) if rhythm == "hourly" else (RETURN - timedelta(days=1), RETURN)
    hour, minute = (9, 0) if rhythm == "hourly" else (7, 30)
    with at(first, hour, minute):
        looks()
    with at(first, hour, minute + 3):
        looks()
    assert subjects(house, N) == ["Paraphe : 1 dossier vous attend"]
    assert len(errors(house, folders[0])) == 1, "neither told nor closed"
    with at(first, hour, 50):
        give(house, S, folders[0], number, "favourable")
        looks()
    house.mail.clear()
    with at(second, hour + (rhythm == "hourly"), minute):
        looks()
    assert subjects(house, N) == ["Paraphe : 2 dossiers vous attendent"]
    assert "Depuis le dernier de ces courriels, 1 est arrivé." in words(house, N) or rhythm == "daily"
    house.mail.clear()
    with at(second, hour + (rhythm == "hourly"), minute + 3):
        looks()
    assert (subjects(house, N), errors(house, folders[0])) == ([], [])


def told_again(house: House, since: int) -> dict[str, list[str]]:
    """Who is told of a folder from a day on, for two weeks, the worker passing each morning."""
    for ahead in range(since, 15):
        for hour in (7, 9):
            with at(MONDAY + timedelta(days=ahead), hour, 30):
                looks()
    return {login: subjects(house, login) for login in (N, T, COVER)}


def asked_by_one_alone(house: House) -> tuple[int, int]:
    """A folder that waits for two colleagues, both told, of whom one has asked an opinion, and its number."""
    desks.seat(here(house), "finances", T, [Right.ACT])
    with at(MONDAY, 9):
        for login in (N, T, COVER):
            choices.choose(house.actor(login), "now", MORNING)
        folder_id = house.a_quick_invoice()
        due(folder_id, MONDAY + timedelta(days=60))
        looks()
        number = ask(house, T, folder_id, "direction")
        looks()
    return folder_id, number


def leave(house: House, cover: str | None) -> None:
    actor = house.actor(T)
    cover_id = house.actor(cover).user_id if cover else None
    until = f"{MONDAY + timedelta(days=20)}T18:00"
    with at(MONDAY, 9, 5):
        planning.plan(actor, planning.Wanted(actor.user_id or 0, cover_id, f"{MONDAY}T09:10", until))


@pytest.mark.parametrize("gone", [False, True])
def test_a_colleague_is_told_that_a_folder_is_back_once_its_opinion_is_given(
    house: House, gone: bool
) -> None:
    folder_id, number = asked_by_one_alone(house)
    if gone:
        leave(house, None)
    house.mail.clear()
    with at(MONDAY + timedelta(days=1), 9):
        give(house, S, folder_id, number, "favourable")
        looks()
    told = told_again(house, 1)
    assert told[N] == [TURN]
    assert told[T] == ([] if gone else ["Paraphe : 1 avis rendu"])


@pytest.mark.both_databases
@pytest.mark.parametrize("withdrawn", [False, True])
def test_whoever_stands_in_for_who_asked_is_told_that_the_opinion_is_over(
    house: House, withdrawn: bool
) -> None:
    folder_id, number = asked_by_one_alone(house)
    desks.seat(here(house), "finances", N, [])
    leave(house, COVER)
    house.mail.clear()
    with at(MONDAY + timedelta(days=1), 9):
        if withdrawn:
            take_back(house, T, folder_id, number)
        else:
            give(house, S, folder_id, number, "favourable")
        assert folder_id in todo(house, COVER)
        looks()
    told = told_again(house, 1)
    assert [one for one in told[COVER] if "dossier" in one or "avis" in one] == [TURN]
    assert told[T] == told[N] == []


def test_what_software_asked_is_told_once_it_is_answered_to_whoever_decides(house: House) -> None:
    with at(MONDAY, 9):
        choices.choose(house.actor(N), "now", MORNING)
        folder_id = house.a_quick_invoice()
        due(folder_id, MONDAY + timedelta(days=60))
        looks()
        software = Software(house, "finances", [Right.ACT])
        version = house.folder(folder_id).version
        typed = {"desks": ["direction"], "question": "Qu’en pensez-vous ?", "waits": True}
        asked = software.post(f"/folders/{folder_id}/opinions", version=version, **typed)
        assert asked.status_code in {200, 201}, asked.text
        looks()
    house.mail.clear()
    with reading() as db:
        number = db.scalars(sa.select(AskedOpinion.run_id)).one()
    with at(MONDAY + timedelta(days=1), 9):
        give(house, S, folder_id, number, "favourable")
        looks()
    assert told_again(house, 1)[N] == [TURN]


def test_a_receipt_leaves_while_an_opinion_is_awaited_and_asks_nothing_until_it_is_given(
    house: House,
) -> None:
    """Its page says no more of it than the letter did, and its reader's turn is told once, when it has come."""
    folder_id = house.a_deliberation(at="publication")
    receipt, turn = "accusé de réception est arrivé", "1 dossier vous attend"

    def left() -> list[str]:
        outbox.drain()
        mine = [one.replace("\u00a0", " ") for one in subjects(house, K)]
        house.mail.clear()
        return [one for one in mine if receipt in one or turn in one]

    with engine().begin() as connection:  # as where no letter could leave for a while
        rows = sa.update(Outbox.__table__).where(Outbox.__table__.c.payload["turn"].as_boolean())  # type: ignore[arg-type]
        connection.execute(rows.values(state="pending", done_at=None))
    house.mail.clear()
    desks.seat(here(house), "secretariat", T, [Right.ACT, Right.PUBLISH])
    number = ask(house, T, folder_id, "direction")
    (first,) = left()
    assert first.endswith(receipt)
    journal = page(house, K, folder_id, "journal")
    assert ("Accusé reçu" in journal, "Accusé reçu, à traiter" in journal) == (True, False)
    give(house, S, folder_id, number, "favourable")
    (last,) = left()
    assert last.startswith(f"Paraphe : {turn}")
