"""One letter for all that waits, at the rhythm that each person chose; what is late is reminded, and nothing is told twice."""

import os
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from html import unescape
from threading import Barrier

import pytest
import sqlalchemy as sa
import time_machine

from app import create_app
from app.circuits.library import catalogue
from app.core import outbox
from app.core.clock import PARIS, now
from app.core.db import engine, reading, writing
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.folders import decide, pause, sending
from app.folders.models import Folder, StepRun
from app.folders.notices import MISSED
from app.notices import choices, digests, escalation, outdone, stopping, waiting
from app.notices.sentences import SENTENCES
from app.operations import trace
from app.operations.absences.planning import Wanted, plan
from app.operations.examined import commune
from app.people import desks, hierarchy
from app.people.models import Collectivity, Desk, Holder, User
from app.people.own_settings.changing import change_setting, forget_setting
from tests.arrivals.test_arrivals import bring, sorted_at
from tests.builders.house import INVOICE, House, token_in
from tests.display.test_folder_page import heard
from tests.operations.test_folder_types import close, draw, made, publish
from workflows.family import families as families_of_law
from workflows.family import place_of
from workflows.rhythms import Rhythm
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

MORNING = 7 * 60 + 30
MONDAY = date(2027, 1, 4)
N, T, G, A, K, R = "n.abgrallec", "t.lescoat", "g.trehorel", "a.kervadec", "k.morizur", "r.pellenec"
PEOPLE = int(os.environ.get("MONTH_PEOPLE", "12"))
"""How many people live the month that is simulated."""


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "_looked", {})  # as in a process that has just begun


def address(login: str) -> str:
    return f"{login}@kerlann-sur-mer.example"


@contextmanager
def at(day: date, hour: int, minute: int = 0) -> Iterator[None]:
    """That minute at the town hall."""
    with time_machine.travel(datetime.combine(day, time(hour, minute), PARIS), tick=False):
        yield


def looks() -> None:
    """The round of the worker, then what it has to do."""
    digests.look()
    outbox.drain()


def days_of(house: House, first: date, count: int, login: str, *hours: int) -> list[list[str]]:
    """The letters that a person gets each day, a look being made at each half-hour of it."""
    told = []
    for day in (first + timedelta(days=days) for days in range(count)):
        house.mail.clear()
        for minute in range(0, 24 * 60, 30):
            if not hours or minute // 60 in hours:
                with at(day, minute // 60, minute % 60):
                    looks()
        told.append(subjects(house, login))
    return told


def due(folder_id: int, day: date) -> None:
    with engine().begin() as connection:
        rows = StepRun.__table__
        connection.execute(
            sa.update(rows).where(rows.c.folder_id == folder_id, rows.c.state == "active").values(due_on=day)
        )


def subjects(house: House, login: str) -> list[str]:
    return [str(one["Subject"]).replace("\u00a0", " ") for one in house.mail.to(address(login))]


def words(house: House, login: str) -> str:
    """The last letter of a person, its text."""
    (*_, letter) = house.mail.to(address(login))
    body = letter.get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())


def refusals(login: str) -> int:
    with reading() as db:
        return db.scalars(sa.select(User.mail_refusals).where(User.login == login)).one()


def chosen(login: str) -> str | None:
    with reading() as db:
        return db.scalars(sa.select(User.rhythm).where(User.login == login)).one()


def why(event: str) -> list[str]:
    """What became of the letters of an event that did not leave."""
    with reading() as db:
        rows = db.scalars(sa.select(Outbox).where(Outbox.kind == "mail", Outbox.last_error.is_not(None)))
        return [str(row.last_error) for row in rows if row.payload["event"] == event]


def test_what_waits_is_told_in_one_letter_to_who_asked_for_it_and_at_once_to_the_others(house: House) -> None:
    with at(MONDAY, 10):
        choices.choose(house.actor(N), "daily", MORNING)
        invoices = [house.a_quick_invoice() for _ in range(3)]
        for folder_id, days in zip(invoices, (5, 6, 9), strict=True):
            due(folder_id, MONDAY + timedelta(days=days))
        house.mail.clear()
        outbox.drain()
    assert subjects(house, N) == []
    assert len(subjects(house, T)) == 3
    over = "n’attend plus cette personne depuis : aucun courriel n’est parti"
    assert Counter(why("your_turn")) == {choices.GROUPED: 3, over: 3}, (
        "who acted before his letter could leave"
    )
    house.mail.clear()
    with at(MONDAY + timedelta(days=1), 7, 29):
        looks()
    assert house.mail.letters == []
    with at(MONDAY + timedelta(days=1), 7, 30):
        looks()
        looks()
    assert subjects(house, N) == ["Paraphe : 3 dossiers vous attendent"]
    assert subjects(house, T) == []
    text = words(house, N)
    assert "Le plus pressé est à rendre le samedi 9 janvier 2027. 2 sont à rendre d’ici cinq jours." in text
    title = house.folder(invoices[0]).title
    assert title not in house.mail.letters[0].as_string()


def test_what_came_by_itself_is_told_once_an_hour_or_with_the_rest_until_it_is_sent(house: House) -> None:
    with at(MONDAY, 10, 5):
        sorted_at(house)
        choices.choose(house.actor(G), "daily", MORNING)
        with writing() as db, db.begin():  # two people deposit at the sorting desk
            there = sa.select(Holder.desk_id).where(Holder.user_id == house.actor(R).user_id)
            db.add(
                Holder(
                    user_id=house.actor(G).user_id,
                    desk_id=db.scalars(there).one(),
                    rights=["create"],
                )
            )
        for number in ("1", "2"):
            bring(house, number, INVOICE)
        looks()
    assert house.mail.letters == [], "once an hour"
    with at(MONDAY, 11):
        looks()
    assert subjects(house, R) == ["Paraphe : 2 dossiers sont arrivés d’eux-mêmes"]
    assert "Personne ne les a encore envoyés : relisez-les, puis envoyez-les." in words(house, R)
    assert subjects(house, G) == [], "this person chose to be told once a day"
    assert subjects(house, N) == [], "deposits nothing there"
    house.mail.clear()
    with at(MONDAY + timedelta(days=1), 7, 30):
        looks()
    assert subjects(house, G) == ["Paraphe : 2 dossiers sont arrivés d’eux-mêmes, à relire et à envoyer"]
    assert "sont arrivés d’eux-mêmes, à envoyer" in " ".join(
        house.client(G).get("/compte/courriels").get_data(as_text=True).replace("\u00a0", " ").split()
    )
    assert subjects(house, R) == []
    house.mail.clear()
    with at(MONDAY + timedelta(days=1), 10):
        bring(house, "3", INVOICE)
        outbox.drain()
        with writing() as db, db.begin():
            db.execute(sa.update(Folder).values(phase="running", round=1))
    with at(MONDAY + timedelta(days=1), 11):
        looks()
    with at(MONDAY + timedelta(days=2), 7, 30):
        looks()
    assert house.mail.letters == [], "somebody has sent them"


def test_one_click_in_a_mailbox_stops_what_is_reminded_and_following_the_link_does_not(house: House) -> None:
    create_app(house.settings.model_copy(update={"public_url": "https://parapheur.kerlann.example"}))
    stranger = house.app.test_client()
    with at(MONDAY, 10):
        choices.choose(house.actor(N), "daily", MORNING)
        due(house.a_quick_invoice(), MONDAY + timedelta(days=9))
        outbox.drain()
    assert {one["List-Unsubscribe"] for one in house.mail.letters} == {None}, (
        "whose turn it is, what became of it"
    )
    house.mail.clear()
    with at(MONDAY + timedelta(days=1), 7, 30):
        looks()
    (letter,) = house.mail.to(address(N))
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = str(letter["List-Unsubscribe"])
    (wire,) = [one for one in house.mail.raw if b"List-Unsubscribe:" in one]
    assert f"\r\nList-Unsubscribe: {link}\r\n".encode() in wire, (
        "no mailbox reads an encoded address (RFC 2047 §5)"
    )
    assert link[:1] + link[-1:] == "<>"
    link = link[1:-1]
    assert link in words(house, N)
    path = link.removeprefix("https://parapheur.kerlann.example")
    click = {"List-Unsubscribe": "One-Click"}
    person = house.actor(N)
    with at(MONDAY + timedelta(days=2), 7, 30):
        digests.look()  # written, and not yet left
        asked = stranger.get(path)
        assert (asked.status_code, chosen(N)) == (200, "daily"), "whoever follows links stops nothing"
        for wrong in (path[:-1], f"{path}A", path.partition("?")[0], f"{path.partition('=')[0]}=MQ.x"):
            refused = stranger.post(wrong, data=click)
            assert refused.status_code == 422
            assert "Reprenez-le en entier" in refused.get_data(as_text=True)
        assert chosen(N) == "daily"
        answers = [
            stranger.post(path, data=click, content_type=kind) for kind in (None, "multipart/form-data")
        ]
        assert [one.status_code for one in answers] == [200, 200]
        assert chosen(N) == "never"
        for page in (asked, *answers):
            text = unescape(page.get_data(as_text=True))
            assert not any(word in text.lower() for word in (N, "nolwenn", "abgrallec"))
            assert "choisissez un rythme" in text or page is asked
        house.mail.clear()
        outbox.drain()
    assert house.mail.to(address(N)) == []
    assert why("digest")[-1] == outdone.NEVER
    with reading(person.collectivity_id) as db:
        stopped = list(trace.lines(db, person.collectivity_id, trace.Search(act="account.reminders_stopped")))
    assert [(line.who, line.detail) for line in stopped] == [("Lien d’un courriel", "Nolwenn Abgrallec")]
    with at(MONDAY + timedelta(days=2), 8):
        page = unescape(house.client(N).get("/compte/courriels").get_data(as_text=True))
        assert "« Jamais » est choisi depuis le mercredi 6 janvier" in page.replace("\u00a0", " ")
        choices.choose(person, "daily", MORNING)
    with at(MONDAY + timedelta(days=3), 7, 30):
        looks()
    assert len(subjects(house, N)) == 1


def test_the_link_of_a_closed_account_changes_nothing_and_says_no_more(house: House) -> None:
    link = stopping.link_of(house.actor(T).user_id or 0, "")
    with engine().begin() as connection:
        connection.execute(sa.update(User.__table__).where(User.login == T).values(active=False))
    answer = house.app.test_client().post(link, data={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, chosen(T)) == (200, None)
    assert "Rappels arrêtés" in answer.get_data(as_text=True)


def test_what_was_done_meanwhile_is_not_reminded(house: House) -> None:
    with at(MONDAY, 10):
        choices.choose(house.actor(N), "daily", MORNING)
        folder_id = house.a_quick_invoice()
        due(folder_id, MONDAY + timedelta(days=9))
        outbox.drain()
        house.mail.clear()
    with at(MONDAY + timedelta(days=1), 7, 30):
        digests.look()
        house.approve(folder_id, T)
        outbox.drain()
    assert subjects(house, N) == []
    assert why("digest") == ["plus rien n’attend cette personne : aucun courriel n’est parti"]


def test_an_address_that_refuses_letters_is_told_and_reminded_no_more_until_it_serves(house: House) -> None:
    dead = f"550 5.1.1 <{address(N)}>: User unknown"
    here = house.actor(N).collectivity_id
    with at(MONDAY, 7):
        choices.choose(house.actor(N), "hourly", MORNING)
        due(house.a_quick_invoice(), MONDAY + timedelta(days=20))
        house.mail.refuse[address(N)] = "554 5.7.1 Relay access denied"
        outbox.drain()
    with at(MONDAY, 8):
        looks()
        assert refusals(N) == 0, "what a rule of the server refuses says nothing of the address"
        house.mail.refuse[address(N)] = dead
    for hour in (9, 10, 11, 12, 13):
        with at(MONDAY, hour):
            due(house.a_quick_invoice(), MONDAY + timedelta(days=20))
            looks()
    assert refusals(N) == 3, "then nothing is tried any more"
    with at(MONDAY + timedelta(days=1), 8):
        looks()
        with reading() as db:
            letters = db.scalars(sa.select(Outbox).where(Outbox.state.in_(["pending", "running"])))
            mine = house.actor(N).user_id
            assert [one.key for one in letters if one.payload.get("user_id") == mine] == []
        kept = {*why("your_turn"), *why("digest")}
        assert MISSED in kept
        client, administrator = house.client(N), house.client(K)
        for page in (client.get("/a-traiter"), client.get("/compte/courriels")):
            text = unescape(page.get_data(as_text=True)).replace("\u00a0", " ")
            assert "Paraphe ne vous envoie plus de rappels" in text
            assert "a refusé 3 courriels" in text
            assert "550 5.1.1 …: User unknown" in text
        assert "Aucun, tant que votre adresse" in text
        shown = administrator.get("/administration/personnes?etat=courriel-refuse").get_data(as_text=True)
        assert "Nolwenn Abgrallec" in shown
        assert "Tifenn Lescoat" not in shown
        shown = administrator.get(f"/administration/personnes/{mine}").get_data(as_text=True)
        assert "Plus aucun rappel ne part à cette adresse" in unescape(shown)
        with reading(here) as db:
            points = {point.name: point.sentence for point in commune.points(db, here)}
            (line,) = trace.lines(db, here, trace.Search(act="account.mail_stopped"))
        assert (
            "1 adresse a refusé des courriels : changez-la, ou confirmez-la."
            in points["adresses de courriel"]
        )
        assert "Nolwenn Abgrallec" in line.detail
        assert address(N) not in line.detail
        # She says that it serves after all (`confirm_own`), later an administrator does
        house.mail.clear()
        sent = {"csrf_token": house.csrf(client)}
        assert client.post("/compte/courriels/adresse", data=sent).status_code == 302
        assert refusals(N) == 0
        outbox.drain()
        assert subjects(house, N) == ["Paraphe : 6 dossiers vous attendent"], (
            "told at once, of all that was not"
        )
        house.mail.clear()
    with at(MONDAY + timedelta(days=1), 9):
        due(house.a_quick_invoice(), MONDAY + timedelta(days=20))
        looks()
    assert subjects(house, N) == ["Paraphe : 7 dossiers vous attendent"]
    with at(MONDAY + timedelta(days=1), 9, 30):
        house.mail.refuse[address(N)] = dead
        digests.send_example(house.actor(N))
        outbox.drain()
        assert refusals(N) == 1
        form = {"csrf_token": house.csrf(administrator)}
        answer = administrator.post(f"/administration/personnes/{mine}/adresse", data=form)
        assert (answer.status_code, refusals(N)) == (302, 0)
        digests.send_example(house.actor(N))


def test_what_came_back_to_be_corrected_is_told_to_who_deposited_it_and_to_nobody_else(house: House) -> None:
    with at(MONDAY, 10):
        for login in (G, R):
            choices.choose(house.actor(login), "daily", MORNING)
        folder_id = house.a_quick_invoice()
        decide.reject(house.actor(N), folder_id, version=house.folder(folder_id).version, reason="Sans bon")
        outbox.drain()
        page = unescape(house.client(G).get("/compte/courriels").get_data(as_text=True))
        assert "En ce moment, 1 dossier vous est revenu, à corriger." in page.replace("\u00a0", " ")
        house.mail.clear()
    with at(MONDAY + timedelta(days=1), 7, 30):
        looks()
    assert subjects(house, G) == ["Paraphe : 1 dossier vous est revenu, à corriger"]
    assert "dit qui l’a renvoyé et pourquoi" in words(house, G)
    assert "Sans bon" not in house.mail.letters[0].as_string()
    assert [one["To"] for one in house.mail.letters] == [house.mail.letters[0]["To"]]
    # Once the account of who deposited it is closed, whoever may deposit there corrects it
    with engine().begin() as connection:
        people, holders = User.__table__, Holder.__table__
        seat = connection.execute(
            sa.select(holders).join(people, people.c.id == holders.c.user_id).where(people.c.login == G)
        ).mappings()
        row = next(seat)
        connection.execute(sa.update(people).where(people.c.login == G).values(active=False))
        joins = sa.select(people.c.id).where(people.c.login == R).scalar_subquery()
        connection.execute(sa.insert(holders).values(**{**row, "user_id": joins}))
    house.mail.clear()
    with at(MONDAY + timedelta(days=2), 7, 30):
        looks()
    assert subjects(house, R) == ["Paraphe : 1 dossier vous est revenu, à corriger"]


def test_what_would_be_late_before_the_next_letter_is_told_at_once(house: House) -> None:
    with at(MONDAY, 10):
        choices.choose(house.actor(N), "weekly", MORNING)
        folder_id = house.a_quick_invoice()
        due(folder_id, MONDAY + timedelta(days=2))
        house.mail.clear()
        outbox.drain()
    (subject,) = subjects(house, N)
    assert subject.startswith("Paraphe : 1 dossier vous attend")


@pytest.mark.parametrize("rhythm", ["now", "hourly", "daily", "weekly"])
@pytest.mark.parametrize("hour", [(6, 3), (5, 23)], ids=["sunday at three", "saturday at eleven"])
def test_what_comes_by_night_or_on_a_sunday_is_told_in_the_morning_and_once(
    house: House, rhythm: str, hour: tuple[int, int]
) -> None:
    """It would be late before any letter: it waits for Monday all the same."""
    days, at_night = hour
    with at(MONDAY, 9):
        choices.choose(house.actor(N), rhythm, MORNING)
    with at(MONDAY + timedelta(days=days), at_night):
        for _ in range(2):
            due(house.a_quick_invoice(), MONDAY + timedelta(days=6))
        looks()
        assert subjects(house, N) == []
    told = []
    for day, *clock in ((6, 12), (6, 23, 59), (7, 5, 59), (7, 6), (7, 7), (7, 7, 30), (7, 8), (7, 8, 5)):
        with at(MONDAY + timedelta(days=day), *clock):
            looks()
            told.append(len(subjects(house, N)))
    # One for each folder at once and the reminder of the day, or one for all
    assert told[:4] == ([0, 0, 0, 2] if rhythm == "now" else [0] * 4)
    assert told[6:] == ([3] * 2 if rhythm == "now" else [1] * 2)


def test_what_was_done_by_night_is_told_to_nobody_in_the_morning(house: House) -> None:
    with at(MONDAY, 22):
        done, _waits = house.a_quick_invoice(), house.a_quick_invoice()
        outbox.drain()
        assert "attend le matin d’un jour ouvré" in why("your_turn")
        house.approve(done, N)
    with at(MONDAY + timedelta(days=1), 6):
        looks()
    assert len(subjects(house, N)) == 1


def test_what_is_late_is_reminded_once_each_working_day_until_it_is_done(house: House) -> None:
    with at(MONDAY, 10):
        choices.choose(house.actor(T), "never", MORNING)
        folder_id = house.a_quick_invoice()
        due(folder_id, MONDAY + timedelta(days=3))
        outbox.drain()
        house.mail.clear()
    told = {}
    for days in range(9):
        day = MONDAY + timedelta(days=days)
        for hour in (6, 9, 15, 22):
            with at(day, hour):
                looks()
        told[f"{day:%a}{days}"] = subjects(house, N)
        house.mail.clear()
        if days == 7:
            with at(day, 23):
                house.approve(folder_id, N)
    late = ["Paraphe : 1 dossier vous attend, dont 1 en retard"]
    assert [told[day] for day in told] == [
        [],
        [],
        [],
        ["Paraphe : 1 dossier vous attend, dont 1 à rendre aujourd’hui"],
        late,
        [],
        [],
        late,
        [],
    ]
    assert house.mail.to(address(T)) == []


def test_a_letter_tells_neither_the_deadline_nor_the_lateness_of_a_restricted_folder_alone(
    house: House,
) -> None:
    with at(MONDAY, 10):
        choices.choose(house.actor(A), "daily", MORNING)
        due(house.a_pay_flow(), MONDAY)
        outbox.drain()
        house.mail.clear()
    with at(MONDAY + timedelta(days=1), 7, 30):
        looks()
    assert subjects(house, A) == ["Paraphe : 1 dossier vous attend"]
    assert "retard" not in words(house, A)


def test_each_hour_tells_what_came_since_and_the_first_of_the_day_whatever_waits(house: House) -> None:
    with at(MONDAY, 10):
        choices.choose(house.actor(N), "hourly", MORNING)
        digests.look()
        due(house.a_quick_invoice(), MONDAY + timedelta(days=9))
        outbox.drain()
        house.mail.clear()
    counts = []
    for hour in (11, 12, 13, 20, 23):
        with at(MONDAY, hour):
            looks()
        counts.append(len(subjects(house, N)))
    assert counts == [1, 1, 1, 1, 1]
    assert "Depuis" not in words(house, N), "no letter of these was before it"
    with at(MONDAY + timedelta(days=1), 8):
        looks()
    assert len(subjects(house, N)) == 2
    with at(MONDAY + timedelta(days=1), 8, 30):
        due(house.a_quick_invoice(), MONDAY + timedelta(days=9))
    with at(MONDAY + timedelta(days=1), 9):
        looks()
    assert len(subjects(house, N)) == 3
    assert "Depuis le dernier de ces courriels, 1 est arrivé." in words(house, N)


def test_an_outage_keeps_one_letter_and_not_one_for_each_hour(house: House) -> None:
    with at(MONDAY, 7):
        choices.choose(house.actor(N), "hourly", MORNING)
        due(house.a_quick_invoice(), MONDAY + timedelta(days=9))
        outbox.drain()
        house.mail.clear()
        house.mail.refuse[address(N)] = "451 plus tard"
    for hour in (8, 9, 10):
        with at(MONDAY, hour):
            due(house.a_quick_invoice(), MONDAY + timedelta(days=9))
            looks()
    assert subjects(house, N) == []
    house.mail.refuse.clear()
    with at(MONDAY, 12):
        looks()
    assert subjects(house, N) == ["Paraphe : 4 dossiers vous attendent"]


def test_nothing_is_told_at_night_nor_at_another_hour_than_the_one_that_is_shown(house: House) -> None:
    """What comes once the moment of the day has passed waits for the next one, whatever the rhythm."""
    with at(MONDAY, 6):
        for login, rhythm in ((N, "daily"), (T, "hourly")):
            choices.choose(house.actor(login), rhythm, MORNING)
        outbox.drain()
    day = days_of(house, MONDAY, 1, N)
    assert day == [[]]
    with at(MONDAY, 22, 5):
        due(house.a_quick_invoice(), MONDAY + timedelta(days=9))
        change_setting(house.actor(K), "mail_rhythm", {"mail_rhythm": "daily"})
        house.mail.clear()
        outbox.drain()
    for hour, minute in ((22, 30), (23, 0)):
        with at(MONDAY, hour, minute):
            looks()
    for hour, minute in ((0, 0), (5, 30), (7, 0)):
        with at(MONDAY + timedelta(days=1), hour, minute):
            looks()
    assert house.mail.letters == []
    with at(MONDAY + timedelta(days=1), 7, 30):
        looks()
    assert (len(subjects(house, N)), len(subjects(house, T))) == (1, 0)
    with at(MONDAY + timedelta(days=1), 8):
        looks()
    assert (len(subjects(house, N)), len(subjects(house, T))) == (1, 1)


def test_a_worker_that_starts_again_tells_nothing_a_second_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at(MONDAY, 7):
        choices.choose(house.actor(N), "hourly", MORNING)
        due(house.a_quick_invoice(), MONDAY + timedelta(days=9))
        outbox.drain()
        house.mail.clear()
    for hour, minute in ((8, 0), (8, 30), (14, 30), (15, 0), (23, 0)):
        monkeypatch.setattr(digests, "_looked", {})
        with at(MONDAY, hour, minute):
            looks()
    assert subjects(house, N) == ["Paraphe : 1 dossier vous attend"]


def test_what_waited_for_a_letter_is_told_to_who_chooses_to_be_told_at_once(house: House) -> None:
    with at(MONDAY, 10):
        choices.choose(house.actor(N), "weekly", MORNING)
        due(house.a_quick_invoice(), MONDAY + timedelta(days=30))
        outbox.drain()
        house.mail.clear()
        choices.choose(house.actor(N), "daily", 16 * 60)
        outbox.drain()
        assert subjects(house, N) == [], "it waits for the new moment"
        choices.choose(house.actor(N), "now", MORNING)
        outbox.drain()
    (subject,) = subjects(house, N)
    assert subject.startswith("Paraphe : 1 dossier vous attend")


def test_a_monday_without_a_worker_takes_the_letter_of_the_week_from_nobody(house: House) -> None:
    with at(MONDAY - timedelta(days=4), 10):  # a Thursday
        digests.look()
        choices.choose(house.actor(N), "weekly", MORNING)
        due(house.a_quick_invoice(), MONDAY + timedelta(days=30))
        outbox.drain()
        house.mail.clear()
    with at(MONDAY + timedelta(days=1), 9):
        looks()
    assert subjects(house, N) == ["Paraphe : 1 dossier vous attend"]


def test_a_type_has_a_rhythm_of_its_own_and_what_meets_at_one_moment_is_one_letter(house: House) -> None:
    """Of a restricted type too, which no letter names."""
    flows, eight = "Flux comptables", 8 * 60
    with at(MONDAY, 10):
        me, client = house.actor(A), house.client(A)
        choices.choose(me, "daily", MORNING)
        page = client.get("/compte/courriels").get_data(as_text=True)
        assert "Aucun : tous les types suivent" in unescape(page).replace("\u00a0", " ")
        sent = {"csrf_token": token_in(page), "type": "pes", "rhythm": "daily", "minute": str(eight)}
        done = client.post("/compte/courriels/types", data=sent, follow_redirects=True).get_data(as_text=True)
        assert f"{flows} : une fois par jour, à 8 h." in unescape(done).replace("\u00a0", " ")
        for wrong in ({"type": "pes.inconnu"}, {"type": ""}, {"rhythm": "jamais"}, {"minute": "451"}):
            refused = client.post("/compte/courriels/types", data=sent | wrong)
            assert refused.status_code == 422
            assert "Rien n’a changé" in refused.get_data(as_text=True)
        flow, pay = house.a_flow(), house.a_pay_flow()
        for folder_id in (flow, pay):
            due(folder_id, MONDAY + timedelta(days=30))
        house.mail.clear()
        outbox.drain()
    tuesday, wednesday, thursday, friday = (MONDAY + timedelta(days=days) for days in range(1, 5))
    waits = "Paraphe : 1 dossier vous attend"
    assert subjects(house, A) == []
    with at(tuesday, 7, 30):
        looks()
    assert subjects(house, A) == [waits]
    assert f"N’y est pas compté, d’un autre rythme : {flows}." in words(house, A).replace("\u00a0", " ")
    with at(tuesday, 8):
        looks()
        looks()
    assert subjects(house, A) == [waits, waits]
    assert f"Ce courriel ne compte que : {flows}." in words(house, A).replace("\u00a0", " ")
    with at(tuesday, 8, 40):  # the example is the letter of the rest, and says so
        digests.send_example(me)
        outbox.drain()
    assert subjects(house, A) == [waits] * 3
    assert f"N’y est pas compté, d’un autre rythme : {flows}." in words(house, A).replace("\u00a0", " ")
    house.mail.clear()
    with at(tuesday, 9):  # both at eight
        choices.choose(me, "daily", eight)
    with at(wednesday, 7, 30):
        looks()
    with at(wednesday, 8):
        looks()
    assert subjects(house, A) == ["Paraphe : 2 dossiers vous attendent"]
    assert "rythme :" not in words(house, A).replace("\u00a0", " ")
    house.mail.clear()
    with at(wednesday, 9):
        choices.choose_for(me, "pes_payroll", "never", eight)
    with at(thursday, 8):
        looks()
    assert subjects(house, A) == [waits]
    text = words(house, A).replace("\u00a0", " ")
    assert "d’un autre rythme : certains types de dossiers." in text, "restricted: not named"
    assert "paye" not in text.lower()
    # What waited for the rhythm of its type leaves once that is told at once; what is late joins the letter of the rest
    with at(thursday, 9):
        choices.follow_general(me, "pes_payroll")
        house.mail.clear()
        choices.choose_for(me, "pes", "now", eight)
        due(flow, thursday)
        outbox.drain()
    assert subjects(house, A) == []
    with at(friday, 8):
        looks()
    assert subjects(house, A) == ["Paraphe : 2 dossiers vous attendent, dont 1 en retard"]
    house.mail.clear()
    with at(friday, 9):
        link = stopping.link_of(me.user_id or 0, "")
        stranger = house.app.test_client()
        assert stranger.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
        with reading() as db:
            user = db.get_one(User, me.user_id)
            assert (user.rhythm, user.rhythm_types) == ("never", {})
    with at(
        friday, 10
    ):  # a type that is chosen since moves neither the day of « Jamais » nor what is due of the rest
        choices.choose_for(me, "pes", "daily", eight)
    with at(friday + timedelta(days=1), 10):
        choices.choose_for(me, "pes_payroll", "daily", eight)
        choices.choose_for(me, "pes", "daily", eight)  # nothing changes
        choices.follow_general(me, "pes_payroll")
        with reading() as db:
            user = db.get_one(User, me.user_id)
            kept = choices.choices_of(user, {})
        assert (kept.general.since or now()).date() == (kept.types["pes"].since or now()).date() == friday
        page = house.client(A).get("/compte/courriels").get_data(as_text=True)
        shown = unescape(page).replace("\u00a0", " ")
        assert "Aucun, hors des types ci-dessus : « Jamais » est choisi depuis le vendredi 8 janvier" in shown
    with at(MONDAY + timedelta(days=7), 8):
        looks()
    assert subjects(house, A) == ["Paraphe : 1 dossier vous attend, dont 1 en retard"]
    with at(
        MONDAY + timedelta(days=7), 9
    ):  # stopped for this type too, though « Jamais » was chosen for the rest already
        assert stranger.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
        with reading() as db:
            assert db.get_one(User, me.user_id).rhythm_types == {}


def test_a_rhythm_chosen_for_a_type_that_is_closed_since_is_told_and_taken_back(house: House) -> None:
    number = made(house)
    me, name = house.actor(N), "invoice.facture-d-energie"
    client = house.client(N)
    offered = unescape(client.get("/compte/courriels").get_data(as_text=True))
    assert f'<option value="{name}">Facture d’énergie</option>' in offered, (
        "by its own name, not its family’s"
    )
    choices.choose_for(me, name, "weekly", MORNING)
    assert close(house, number).status_code == 302
    page = unescape(client.get("/compte/courriels").get_data(as_text=True)).replace("\u00a0", " ")
    assert "Facture d’énergie (rien ne vous en attend plus) : une fois par semaine" in page
    sent = {"csrf_token": token_in(page), "type": name}
    done = client.post("/compte/courriels/types/retirer", data=sent, follow_redirects=True).get_data(
        as_text=True
    )
    assert "rien ne vous en attend plus" not in unescape(done)


def test_a_letter_of_what_waits_does_not_tell_what_may_still_be_taken_back(house: House) -> None:
    with at(MONDAY, 10):
        choices.choose(house.actor(A), "daily", MORNING)
        folder_id = house.an_invoice("finance")
        outbox.drain()
        house.mail.clear()
    pause.configure(20)
    try:
        with at(MONDAY + timedelta(days=1), 7, 30):
            house.approve(folder_id, N)
            looks()
            assert subjects(house, A) == []
        with at(MONDAY + timedelta(days=1), 7, 31):
            outbox.drain()
        assert [one.partition(",")[0] for one in subjects(house, A)] == ["Paraphe : 1 dossier vous attend"]
    finally:
        pause.configure(0)


def test_what_waited_for_the_rhythm_of_its_type_leaves_at_once_when_that_is_chosen(house: House) -> None:
    """Kept through an outage of two rhythms: each folder is told once."""
    eight = 8 * 60
    with at(MONDAY, 10):
        me = house.actor(N)
        choices.choose(me, "now", MORNING)
        choices.choose_for(me, "invoice", "weekly", eight)
        due(house.a_quick_invoice(), MONDAY + timedelta(days=30))
        house.mail.clear()
        outbox.drain()
        assert subjects(house, N) == []
        choices.choose_for(me, "invoice", "now", eight)
        outbox.drain()
    (subject,) = subjects(house, N)
    assert subject.startswith("Paraphe : 1 dossier vous attend, à viser sous")
    with at(MONDAY, 11):
        choices.choose(me, "daily", eight)
        choices.choose_for(me, "invoice", "daily", MORNING)
        due(house.a_quick_invoice(), MONDAY + timedelta(days=30))
        house.mail.clear()
        house.mail.refuse[address(N)] = "451 en panne"
        outbox.drain()
    for hour, minute in (
        (7, 30),
        (8, 0),
        (8, 30),
    ):  # the letter of invoices, then that of the rest, which has nothing to tell
        with at(MONDAY + timedelta(days=1), hour, minute):
            looks()
    with at(MONDAY + timedelta(days=1), 8, 45):
        choices.follow_general(me, "invoice")  # the letter of invoices, not yet left, is told by none other
    house.mail.refuse.clear()
    with at(MONDAY + timedelta(days=1), 10):
        looks()
    assert subjects(house, N) == ["Paraphe : 2 dossiers vous attendent"]


def test_the_letter_of_who_is_away_waits_for_his_return_and_one_is_enough(house: House) -> None:
    with at(MONDAY, 6):
        digests.look()
        choices.choose(house.actor(N), "daily", MORNING)
        me = house.actor(N)
        first, last = f"{MONDAY:%Y-%m-%d}T06:01", f"{MONDAY + timedelta(days=3):%Y-%m-%d}T08:59"
        plan(me, Wanted(me.user_id or 0, None, first, last))
    with at(MONDAY, 7):
        due(house.a_quick_invoice(), MONDAY + timedelta(days=30))
        outbox.drain()
        house.mail.clear()
    assert days_of(house, MONDAY, 3, N) == [[], [], []]
    with at(MONDAY + timedelta(days=3), 9):
        looks()
    assert subjects(house, N) == ["Paraphe : 1 dossier vous attend"]


def test_the_next_letter_is_said_by_the_hours_of_the_collectivity_and_what_presses_too(house: House) -> None:
    with at(MONDAY, 10):
        change_setting(house.actor(K), "mail_hours", {"mail_hours": "8-18"})
        choices.choose(house.actor(N), "daily", 19 * 60)
        page = unescape(house.client(N).get("/compte/courriels").get_data(as_text=True)).replace(
            "\u00a0", " "
        )
        assert "Mardi 5 janvier 2027, 8 h 00" in page
        due(house.a_quick_invoice(), MONDAY)
        house.mail.clear()
        outbox.drain()
    (subject,) = subjects(house, N)
    assert "aujourd’hui" in subject or "jour" in subject


def test_a_restricted_folder_among_others_gives_neither_its_day_nor_its_lateness(house: House) -> None:
    with at(MONDAY, 10):
        digests.look()
        choices.choose(house.actor(A), "daily", MORNING)
        due(house.a_pay_flow(), MONDAY + timedelta(days=1))
        due(house.a_flow(), MONDAY + timedelta(days=20))
        outbox.drain()
        house.mail.clear()
    with at(MONDAY + timedelta(days=1), 7, 30):
        looks()
        house.mail.clear()
    with at(MONDAY + timedelta(days=2), 7, 30):
        looks()
    assert subjects(house, A) == ["Paraphe : 2 dossiers vous attendent"]
    assert "retard" not in words(house, A)
    assert "janvier" not in words(house, A)


@pytest.mark.both_databases
def test_two_workers_at_the_same_instant_write_each_letter_once(house: House) -> None:
    with at(MONDAY, 6):
        for login in (N, T):
            choices.choose(house.actor(login), "daily", MORNING)
        house.a_quick_invoice()
    here, gate = house.actor(N).collectivity_id, Barrier(2)

    def look() -> int:
        gate.wait()
        return digests.remind_in(here, now() - timedelta(minutes=30)) or 0

    with at(MONDAY, 7, 30), ThreadPoolExecutor(2) as threads:
        counts = [one.result() for one in [threads.submit(look), threads.submit(look)]]
    assert min(counts) == 0
    with reading() as db:
        keys = db.scalars(sa.select(Outbox.key).where(Outbox.key.startswith("digest-"))).all()
    assert len(keys) == max(counts) >= 2


def test_a_person_chooses_in_the_page_and_reads_when_the_next_letter_leaves(house: House) -> None:
    with at(MONDAY, 10):
        client = house.client(N)
        page = client.get("/compte/courriels").get_data(as_text=True)
        assert "Dès qu’un dossier vous attendra" in unescape(page)
        sent = {"csrf_token": token_in(page), "rhythm": "daily", "minute": str(18 * 60)}
        done = client.post("/compte/courriels", data=sent, follow_redirects=True).get_data(as_text=True)
        assert "Lundi 4 janvier 2027, 18 h 00" in unescape(done).replace("\u00a0", " ")
        for wrong in (
            {"rhythm": "jamais"},
            {"minute": "451"},
            {"minute": "²"},
            {"minute": ""},
            {"minute": "9" * 5000},
        ):
            refused = client.post("/compte/courriels", data=sent | wrong)
            assert refused.status_code == 422
            assert "choisissez un rythme et une heure" in refused.get_data(as_text=True)
        # « M’envoyer un exemple », twice in a minute (`send_example`): one letter
        assert client.post("/compte/courriels/exemple", data=sent).status_code == 302
        assert client.post("/compte/courriels/exemple", data=sent).status_code == 302
        house.mail.clear()
        outbox.drain()
    assert subjects(house, N) == ["Paraphe : rien ne vous attend"]
    with reading() as db:
        chosen = dict(db.execute(sa.select(User.login, User.rhythm).where(User.login.in_([N, T]))).all())
    assert chosen == {N: "daily", T: None}


def test_an_example_counts_what_leaves_with_the_next_letter_and_never_says_that_nothing_waits(
    house: House,
) -> None:
    me, eight = house.actor(N), 8 * 60
    with at(MONDAY, 10):
        for folder_id in (house.a_quick_invoice(), house.a_quick_invoice()):
            due(folder_id, MONDAY + timedelta(days=20))
        outbox.drain()
    examples = []
    for minute, general, own in ((0, "daily", "daily"), (1, "weekly", "daily"), (2, "now", "weekly")):
        with at(MONDAY, 11, minute):
            choices.choose(me, general, MORNING)
            choices.choose_for(me, "invoice", own, MORNING)
            house.mail.clear()
            digests.send_example(me)
            outbox.drain()
        examples += subjects(house, N)
    assert examples == ["Paraphe : 2 dossiers vous attendent"] * 3
    assert "Ce courriel ne compte que : Factures." in words(house, N).replace("\u00a0", " ")
    for minute, general in ((3, "daily"), (4, "never")):
        with at(MONDAY, 11, minute):
            choices.choose(me, general, MORNING)
            choices.choose_for(me, "invoice", "daily" if general == "daily" else "now", eight)
            house.mail.clear()
            digests.send_example(me)
            outbox.drain()
        assert subjects(house, N) == ["Paraphe : rien à ce rythme en ce moment"]
        text = words(house, N).replace("\u00a0", " ").lower()
        assert "rien ne vous attend" not in text
        assert (
            "« à traiter » montre tout ce qui vous attend. n’y est pas compté, d’un autre rythme : factures."
            in text
        )


def test_what_fails_for_one_collectivity_keeps_no_other_from_its_letters(house: House) -> None:
    with at(MONDAY, 6):
        choices.choose(house.actor(N), "daily", MORNING)
        due(house.a_quick_invoice(), MONDAY + timedelta(days=9))
        outbox.drain()
        house.mail.clear()
    with engine().begin() as connection:  # the first in the order, with days that nobody reads
        towns = Collectivity.__table__
        row = connection.execute(sa.select(towns)).mappings().first()
        assert row is not None
        broken = {**row, "id": 0, "siren": "213500002", "settings": {"closing_days": "un jour"}}
        connection.execute(sa.insert(towns).values(**broken))
    with at(MONDAY, 7, 30):
        with pytest.raises(Refusal):
            digests.look()
        outbox.drain()
    assert subjects(house, N) == ["Paraphe : 1 dossier vous attend"]


def test_the_collectivity_says_the_rhythm_of_who_chose_none(house: House) -> None:
    with at(MONDAY, 6):
        change_setting(house.actor(K), "mail_rhythm", {"mail_rhythm": "daily"})
        choices.choose(house.actor(T), "now", MORNING)
        due(house.a_quick_invoice(), MONDAY + timedelta(days=9))
        house.mail.clear()
        outbox.drain()
        assert (len(subjects(house, N)), len(subjects(house, T))) == (0, 1)
    with at(MONDAY, 7, 30):
        looks()
    assert (len(subjects(house, N)), len(subjects(house, T))) == (1, 1)


def test_an_hour_of_the_night_is_refused(house: House) -> None:
    with pytest.raises(Refusal, match="rhythm-unknown"):
        choices.choose(house.actor(N), "daily", 3 * 60)


def test_the_desk_above_is_told_how_many_folders_are_late_for_long_and_nothing_of_them(house: House) -> None:
    above = "s.rivoal"
    with at(MONDAY, 5):
        change_setting(house.actor(K), "mail_escalation", {"mail_escalation": "2"})
        choices.choose(house.actor(above), "daily", MORNING)
        folder_id = house.a_quick_invoice()
        due(folder_id, MONDAY + timedelta(days=1))
        title = house.folder(folder_id).title
        outbox.drain()
        house.mail.clear()
    told = []
    for days in range(5):
        with at(MONDAY + timedelta(days=days), 9):
            looks()
        told.append(len(subjects(house, above)))
    # Due on Tuesday, it is late by more than two working days on Friday
    assert told == [0, 0, 0, 0, 1]
    assert subjects(house, above) == [
        "Paraphe : des dossiers sont en retard dans un bureau rattaché au vôtre"
    ]
    text = words(house, above)
    assert (
        "Au bureau « Direction des finances », 1 dossier a plus de 2 jours ouvrés de retard."
        in text.replace("\u00a0", " ")
    )
    assert title not in text
    assert "Ouvrir « Chiffres » : http://127.0.0.1:5000/suivi/chiffres" in text.replace("\u00a0", " ")
    assert "À traiter" not in text, "nothing waits there for who is told"
    figures = unescape(house.client(above).get("/suivi/chiffres").get_data(as_text=True))
    assert "Direction des finances" in figures
    assert not any("rattaché" in one for one in subjects(house, N))
    with at(MONDAY + timedelta(days=4), 10):
        house.approve(folder_id, N)
    with at(MONDAY + timedelta(days=7), 9):
        looks()
    assert len([one for one in subjects(house, above) if "rattaché" in one]) == 1


@pytest.mark.parametrize("family", ["", "Facture : 2"], ids=["collectivity", "family"])
def test_a_desk_is_late_for_long_of_what_came_past_its_day_only_from_when_it_came(
    house: House, family: str
) -> None:
    """A mandate may be due when the finances first get the folder: nobody there could have been on time."""
    above, families = "s.rivoal", "mail_escalation_families"
    with at(MONDAY, 5):
        if family:
            change_setting(house.actor(K), families, {families: family})
        else:
            change_setting(house.actor(K), "mail_escalation", {"mail_escalation": "2"})
        choices.choose(house.actor(above), "daily", MORNING)
    with at(MONDAY + timedelta(days=1), 14, 26):
        due(house.a_quick_invoice(), MONDAY - timedelta(days=20))
        outbox.drain()
        house.mail.clear()
    told = []
    for days in range(1, 5):
        with at(MONDAY + timedelta(days=days), 14, 30):
            looks()
        told.append(len(subjects(house, above)))
    # It came on Tuesday: late by more than two working days on Friday
    assert told == [0, 0, 0, 1]


def test_who_stands_in_at_the_desk_above_is_told_what_is_late_below_and_until_the_absence_ends(
    house: House,
) -> None:
    above, stand_in = house.actor("s.rivoal").user_id or 0, house.actor("b.cadiou").user_id
    with at(MONDAY, 5):
        change_setting(house.actor(K), "mail_escalation", {"mail_escalation": "2"})
        for login in ("s.rivoal", "b.cadiou"):
            choices.choose(house.actor(login), "daily", MORNING)
        plan(house.actor("s.rivoal"), Wanted(above, stand_in, "2027-01-04T00:00", "2027-01-11T23:59"))
        due(house.a_quick_invoice(), MONDAY + timedelta(days=1))
        outbox.drain()
        house.mail.clear()
    told: dict[str, list[int]] = {"s.rivoal": [], "b.cadiou": []}
    for days in range(10):
        with at(MONDAY + timedelta(days=days), 9):
            looks()
        for login, counts in told.items():
            counts.append(sum("rattaché" in subject for subject in subjects(house, login)))
    # Late by more than two working days on Friday; from Tuesday the 12th on who was away is back
    assert told["b.cadiou"] == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2]
    # « Chiffres » is of one's own seats: a letter leads nowhere rather than to a page that does not show it
    assert not any(page in words(house, "b.cadiou") for page in ("/suivi/chiffres", "/a-traiter"))
    assert not any(told["s.rivoal"][:8])
    # What was kept since Friday for the return tells what that day's own letter would
    assert told["s.rivoal"][8:] == [1, 2]


def test_what_is_late_below_a_desk_where_nobody_decides_is_told_to_the_next_one_above(house: House) -> None:
    above, here = "s.rivoal", house.actor(K).collectivity_id
    with at(MONDAY, 5):
        change_setting(house.actor(K), "mail_escalation", {"mail_escalation": "2"})
        for login in (above, "b.cadiou"):
            choices.choose(house.actor(login), "daily", MORNING)
        with reading() as db:
            upper = db.scalars(sa.select(Desk.id).where(Desk.key == "direction")).one()
        for name in ("Pôle ressources", "Pôle finances"):
            upper = hierarchy.open_desk(house.actor(K), name, upper)
        with engine().begin() as connection:
            table = Desk.__table__
            moved = sa.update(table).where(table.c.key == "finances")  # type: ignore[arg-type]
            connection.execute(moved.values(parent_id=upper))
        # Who deposits there decides nothing
        desks.seat(here, "pole-finances", "b.cadiou", [Right.CREATE])
        due(house.a_quick_invoice(), MONDAY + timedelta(days=1))
        outbox.drain()
        house.mail.clear()
    told = []
    for days in (3, 4, 7):
        with at(MONDAY + timedelta(days=days), 9):
            looks()
        told.append([len(subjects(house, login)) for login in (above, "b.cadiou")])
    assert told == [[0, 0], [1, 0], [2, 0]]
    assert "Au bureau « Direction des finances », 1 dossier" in words(house, above).replace("\u00a0", " ")
    desks.seat(here, "pole-finances", "b.cadiou", [Right.ACT])
    with at(MONDAY + timedelta(days=8), 9):
        looks()
    assert [len(subjects(house, login)) for login in (above, "b.cadiou")] == [2, 1]
    # Desks that stand in a circle, as no page lets them, end it
    with engine().begin() as connection:
        table = Desk.__table__
        round_about = sa.update(table).where(table.c.key == "pole-ressources")  # type: ignore[arg-type]
        connection.execute(round_about.values(parent_id=upper))
    desks.seat(here, "pole-finances", "b.cadiou", [Right.CREATE])
    with at(MONDAY + timedelta(days=9), 9):
        looks()
    assert [len(subjects(house, login)) for login in (above, "b.cadiou")] == [2, 1]


def test_a_family_and_a_type_may_have_their_own_delay_before_the_desk_above_is_told(house: House) -> None:
    above = "s.rivoal"
    made(house, escalation="1")
    silent = made(house, label="Facture d’eau", escalation="0")
    with at(MONDAY, 5):
        change_setting(house.actor(K), "mail_escalation", {"mail_escalation": "2"})
        choices.choose(house.actor(above), "daily", MORNING)
        folders = [house.a_quick_invoice() for _ in range(3)]
        for folder_id in folders:
            due(folder_id, MONDAY + timedelta(days=1))
        # As deposited under each type; the statements read the step and the folder
        with engine().begin() as connection:
            for folder_id, key in zip(folders[1:], ("facture-d-energie", "facture-d-eau"), strict=True):
                rows = sa.update(StepRun).where(StepRun.folder_id == folder_id)
                connection.execute(rows.values(own_type=key))
        outbox.drain()
        house.mail.clear()

    def on(days: int) -> str:
        house.mail.clear()
        with at(MONDAY + timedelta(days=days), 9):
            looks()
        text = words(house, above) if subjects(house, above) else ""
        return " ".join(re.findall("Au bureau .*? de retard[.]", text.replace("\u00a0", " ")))

    here = "Au bureau « Direction des finances », 1 dossier a plus de"
    # Due on Tuesday; the type that says never is never told
    assert [on(days) for days in (2, 3, 4)] == [
        "",
        f"{here} 1 jour ouvré de retard.",
        f"{here} 1 jour ouvré de retard. {here} 2 jours ouvrés de retard.",
    ]
    # Of the family otherwise, and of the types made from it that say nothing themselves
    families = "mail_escalation_families"
    with at(MONDAY + timedelta(days=4), 10):
        change_setting(house.actor(K), families, {families: "Factures : 4, délibération : jamais"})
    assert on(7) == f"{here} 1 jour ouvré de retard."
    with at(MONDAY + timedelta(days=7), 10):
        assert draw(house, silent, label="Facture d’eau").status_code == 302
        assert publish(house, silent).status_code == 302
    both = here.replace("1 dossier a", "2 dossiers ont")
    assert on(8) == f"{here} 1 jour ouvré de retard. {both} 4 jours ouvrés de retard."
    # The collectivity says nothing more: families and types do
    with at(MONDAY + timedelta(days=8), 10):
        forget_setting(house.actor(K), "mail_escalation")
    assert on(9) == f"{here} 1 jour ouvré de retard. {both} 4 jours ouvrés de retard."
    with at(MONDAY + timedelta(days=9), 10):
        change_setting(house.actor(K), families, {families: "invoice: 0"})
    assert on(10) == f"{here} 1 jour ouvré de retard."


def test_the_delays_of_families_are_kept_by_their_keys_and_shown_by_their_names() -> None:
    every = {name: law for name, law in families_of_law().items() if not law.restricted}
    named = ", ".join(f"{law.plural} : {rank or 'jamais'}" for rank, law in enumerate(every.values()))
    kept = escalation.usual(named)
    assert kept == ", ".join(f"{name}: {rank}" for rank, name in enumerate(every))
    assert escalation.usual(kept) == escalation.usual(escalation.plainly(kept)) == kept
    # A family that is known no more is told by its key, and read past
    assert escalation.plainly("ancienne: 3, invoice: 0") == "ancienne : 3, Facture : jamais"
    for wrong in (
        "Facture",
        "Facture : 61",
        "Facture : -1",
        "Facture :",
        "Devis : 2",
        "Facture : 2 ; Budget : 3",
    ):
        with pytest.raises(Refusal, match="mail-escalations"):
            escalation.usual(wrong)
    # Without its accents too, and the names that exist are told of one that does not
    assert escalation.usual("deliberation : JAMAIS, factures : 3") == "invoice: 3, deliberation: 0"
    with pytest.raises(Refusal) as refused:
        escalation.usual("Actes : 2")
    assert refused.value.facts["names"] == ", ".join(law.label for law in every.values())
    assert "Les familles : {names}" in SENTENCES[refused.value.key][1]
    with pytest.raises(Refusal, match="mail-escalations-twice"):
        escalation.usual("Facture : 2, invoice : 3")
    # What is never counted is not offered, and has no delay
    _, of_families = escalation.settings("Courriels")
    assert "Flux de paye" not in of_families.help
    for closed in ("Facture : 2, Flux de paye : 2", "pes_payroll : jamais"):
        with pytest.raises(Refusal, match="mail-escalations-closed"):
            escalation.usual(closed)


def test_never_is_one_word_for_the_collectivity_a_family_and_a_type_which_says_what_it_inherits(
    house: House,
) -> None:
    me, families = house.actor(K), "mail_escalation_families"

    def page(number: int) -> str:
        text = house.client(K).get(f"/administration/types/{number}").get_data(as_text=True)
        return " ".join(unescape(text).replace("\u00a0", " ").split())

    number = made(house, label="Facture d’eau")
    assert "« Réglages » : jamais, de la collectivité" in page(number)
    change_setting(me, "mail_escalation", {"mail_escalation": "3"})
    assert "« Réglages » : 3 jours ouvrés, de la collectivité" in page(number)
    change_setting(me, families, {families: "Facture : 1"})
    assert "« Réglages » : 1 jour ouvré, de la famille" in page(number)
    change_setting(me, "mail_escalation", {"mail_escalation": "Jamais"})
    with reading() as db:
        assert db.get_one(Collectivity, me.collectivity_id).settings["mail_escalation"] == 0
    silent = made(house, label="Facture de gaz", escalation="jamais")
    assert 'value="jamais"' in page(silent)
    with pytest.raises(Refusal, match="setting-bounds"):
        change_setting(me, "mail_escalation", {"mail_escalation": "61"})


def test_a_type_costs_a_letter_of_what_is_late_below_no_statement(house: House) -> None:
    """However many types have their own delay: one statement reads them all, in the round and in a letter."""

    def asked() -> list[int]:
        counts = []
        with reading() as db, heard() as statements:
            actor = house.actor("s.rivoal")
            own = db.get_one(Collectivity, actor.collectivity_id).settings
            before = len(statements)
            waiting.stuck_below(db, actor, own, lambda _type: True)
            counts.append(len(statements) - before)
        return counts

    few = asked()
    for rank in range(4):
        made(house, label=f"Facture {'abcd'[rank]}", escalation=str(rank))
    assert asked() == few == [2]


class Month:
    """People at the finance desk, by turns of each rhythm, and what each of them got; who was there is told nothing.

    Of three the last has this rhythm for invoices alone, and that of the next one for the rest.
    """

    def __init__(self, house: House) -> None:
        self.house, self.mail = house, house.mail
        self.rhythms: dict[str, Rhythm] = {}
        self.got: dict[str, list[tuple[datetime, str, str]]] = defaultdict(list)
        with engine().begin() as connection:
            people, holders = User.__table__, Holder.__table__
            row = connection.execute(sa.select(people).where(people.c.login == N)).mappings().one()
            seat = (
                connection.execute(sa.select(holders).where(holders.c.user_id == row["id"]))
                .mappings()
                .first()
            )
            assert seat is not None
            connection.execute(sa.update(people).values(rhythm="never"))
            for rank in range(PEOPLE):
                login, rhythm = f"mois{rank:02}", list(Rhythm)[rank % 4]
                apart = {"invoice": {"rhythm": rhythm.value, "minute": MORNING}} if rank % 3 == 2 else {}
                made = {
                    **row,
                    "login": login,
                    "email": address(login),
                    "person_id": None,
                    "rhythm": list(Rhythm)[(rank + bool(apart)) % 4].value,
                    "rhythm_types": apart,
                }
                del made["id"]
                (number,) = connection.execute(sa.insert(people).values(**made).returning(people.c.id)).one()
                connection.execute(sa.insert(holders).values(**{**seat, "user_id": number}))
                self.rhythms[address(login)] = rhythm
        self.dead = {address(f"mois{rank:02}") for rank in range(4, PEOPLE, 5)}
        self.recovers()

    def breaks(self) -> None:
        self.mail.refuse.update(dict.fromkeys(self.rhythms, "451 en panne"))

    def recovers(self) -> None:
        self.mail.clear()
        self.mail.refuse.update(dict.fromkeys(self.dead, "550 inconnue ici"))

    def passes(self) -> None:
        """Two workers look at the same instant; then what is to be done is done."""
        here, gate = self.house.actor(N).collectivity_id, Barrier(2)

        def look(_rank: int) -> None:
            gate.wait()
            digests.remind_in(here, now() - timedelta(minutes=30))

        with ThreadPoolExecutor(2) as threads:
            list(threads.map(look, range(2)))
        outbox.drain()
        for letter in self.mail.letters:
            told = (now().astimezone(PARIS), str(letter["Subject"]), str(letter["Message-ID"]))
            self.got[letter["To"].addresses[0].addr_spec].append(told)
        self.mail.letters.clear()

    def says(self) -> None:
        """Tell who got what, and when, to whoever runs it by hand."""
        rows = [(moment, who, words) for who, several in self.got.items() for moment, words, _ in several]
        for moment, who, words in sorted(rows):
            line = (
                f"{moment:%a %d %b %H:%M}  {who.partition('@')[0]:12} {self.rhythms.get(who, ''):8} {words}"
            )
            sys.stdout.write(f"{line}\n")

    def days_of(self, rhythm: Rhythm) -> list[Counter[date]]:
        """How many letters each person of a rhythm got each day."""
        reached = [who for who, one in self.rhythms.items() if one is rhythm and who not in self.dead]
        return [Counter(moment.date() for moment, *_ in self.got[who]) for who in reached]


@pytest.mark.both_databases
def test_a_month_of_letters_by_four_rhythms_with_an_outage_and_a_dead_address(house: House) -> None:
    """Nothing twice, nothing at night or on a day off, nobody forgotten, by two workers at once.

    `MONTH_PEOPLE=60 pytest -s --database postgresql tests/notices/test_digests.py -k a_month` tells each letter of more people.
    """
    with at(MONDAY, 5):
        for _ in range(2):
            due(house.a_quick_invoice(), MONDAY + timedelta(days=20))
        back = house.an_invoice(at="service_done")
        outbox.drain()
        month = Month(house)
        choices.choose(house.actor(G), "daily", MORNING)
        choices.choose(house.actor(R), "never", MORNING)
    # By day, by night and on days off; on the first Saturday what is due on the Sunday
    hours = ((1, 9), (5, 22), (6, 5), (9, 9), (13, 19), (15, 9), (17, 22), (22, 9))
    arrivals = {when: timedelta(days=1 if when == (5, 22) else 12) for when in hours}
    late = MONDAY + timedelta(days=6)
    broken, refused = MONDAY + timedelta(days=9), MONDAY + timedelta(days=2)
    corrected = refused + timedelta(days=6)
    happens = {
        (broken, 9): month.breaks,
        (broken, 11): month.recovers,
        (refused, 9): lambda: decide.reject(
            house.actor(R), back, version=house.folder(back).version, reason="Sans bon de commande"
        ),
        (corrected, 9): lambda: sending.send(house.actor(G), back, version=house.folder(back).version),
    }
    for day in (MONDAY + timedelta(days=days) for days in range(28)):
        for hour, minute in ((5, 0), (7, 30), (8, 0), (9, 0), (10, 0), (11, 0), (19, 0), (22, 0)):
            with at(day, hour, minute):
                happens.get((day, hour), lambda: None)()
                if ((day - MONDAY).days, hour) in arrivals:
                    due(house.a_quick_invoice(), day + arrivals[(day - MONDAY).days, hour])
                month.passes()
    month.says()
    working = [day for days in range(28) if (day := MONDAY + timedelta(days=days)).weekday() < 5]
    told = [letter for letters in month.got.values() for letter in letters]
    returned = Counter(moment.date() for moment, words, _ in month.got.pop(address(G)) if "revenu" in words)
    assert returned == Counter(day for day in working if refused < day <= corrected), "until it is corrected"
    assert set(month.got) == set(month.rhythms) - month.dead
    assert max(Counter(number for *_, number in told).values()) == 1, "nothing twice"
    assert {moment.weekday() for moment, *_ in told} == {0, 1, 2, 3, 4}
    assert all(7 <= moment.hour <= 19 for moment, *_ in told), "nothing at night"
    assert all(days == Counter(working) for days in month.days_of(Rhythm.DAILY))
    for days in month.days_of(Rhythm.HOURLY):
        assert sorted(days) == working
        assert days[broken] == 2, "what came during the outage is told once it is over, and once"
    for days in month.days_of(Rhythm.WEEKLY):
        assert {day for day in working if day.weekday() == 0} <= set(days)
        assert set(days.values()) == {1}
    for days in month.days_of(Rhythm.NOW):
        assert sum(days.values()) == len(arrivals) + sum(1 for day in working if day >= late), (
            "one a folder, then one a day from the day on which something is due"
        )
    with reading() as db:
        waiting = list(db.scalars(sa.select(Outbox).where(Outbox.kind == "mail", Outbox.state == "pending")))
        people = [db.get_one(User, row.payload["user_id"]) for row in waiting]
    rhythms = {month.rhythms[user.email] for user in people if user.email not in month.dead}
    assert rhythms == {Rhythm.WEEKLY}, "what came in the last week is told on Monday, and nothing else waits"
    assert {row.last_error for row in waiting} == {choices.GROUPED}


def test_types_stand_in_the_order_of_every_list_each_after_its_family(house: House) -> None:
    made(house, label="Abonnements")
    with reading(house.actor(A).collectivity_id) as db:
        names = list(choices.offered(db, house.actor(N)))
        of_clerk = list(choices.offered(db, house.actor(K)))
    families = [name for name in catalogue() if name in names]
    assert [name for name in names if name in catalogue()] == families != sorted(families)
    assert any(name not in catalogue() for name in names)
    for several in (names, of_clerk):
        places = [place_of(name.split(".")[0]) for name in several]
        assert places == sorted(places)
