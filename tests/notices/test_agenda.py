"""One's deadlines and absences in one's own calendar: by a secret address, as letters tell them, until it is taken away."""

import re
from datetime import date, datetime, time, timedelta
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from icalendar import Calendar

from app.core.clock import PARIS
from app.core.db import engine, reading
from app.folders.models import StepRun
from app.operations import trace
from app.operations.absences.planning import Wanted, plan
from app.people import desks
from app.people.models import User
from tests.builders.house import House

pytestmark = pytest.mark.in_turn

A, N, S, K = "a.kervadec", "n.abgrallec", "s.rivoal", "k.morizur"
MONDAY = date(2027, 3, 22)


def at(day: date, hour: int) -> Any:
    return time_machine.travel(datetime.combine(day, time(hour), PARIS), tick=False)


def due(folder_id: int, day: date) -> None:
    with engine().begin() as connection:
        rows = StepRun.__table__
        active = (rows.c.folder_id == folder_id, rows.c.state == "active")
        connection.execute(sa.update(rows).where(*active).values(due_on=day))


def text(page: Any) -> str:
    return " ".join(unescape(page.get_data(as_text=True)).replace("\u00a0", " ").split())


def post(house: House, client: Any, path: str) -> str:
    return text(client.post(path, data={"csrf_token": house.csrf(client)}, follow_redirects=True))


def secret_of(page: str) -> str:
    (link,) = re.findall(r"https?://\S+(/agenda\.ics\?lien=[\w-]{43})", page)
    return link


def events(house: House, path: str) -> dict[str, Any]:
    """The events of a feed by their summary, read by a calendar that has no session."""
    answer = house.app.test_client().get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "Set-Cookie" not in answer.headers
    assert all(len(line) <= 75 for line in answer.data.split(b"\r\n"))
    rows = Calendar.from_ical(answer.data).walk("VEVENT")
    assert all(row["DTSTAMP"].dt and row["UID"].endswith("@127.0.0.1") for row in rows)
    assert len({row["UID"] for row in rows}) == len(rows)
    return {str(row["SUMMARY"]): row for row in rows}


def test_a_calendar_reads_what_letters_tell_by_an_address_that_is_shown_once_and_taken_away(
    house: House,
) -> None:
    with at(MONDAY, 10):
        flow, pay = house.a_flow(), house.a_pay_flow()
        due(flow, MONDAY + timedelta(days=4))
        due(pay, MONDAY + timedelta(days=3))
        title = house.folder(flow).title
        client = house.client(A)
        assert "Aucune : aucun agenda ne lit" in text(client.get("/compte/agenda"))
        page = post(house, client, "/compte/agenda")
        first = secret_of(page)
        assert secret_of(text(client.get("/compte/agenda"))) == first, "the page is loaded again"
        assert "Aucun agenda ne l’a encore lue" in page
        assert "agenda.ics" not in post(house, client, "/compte/agenda/note")
        me = house.actor(A)
        # Across the night when summer time begins, to the minute of Paris
        plan(me, Wanted(me.user_id or 0, house.actor(S).user_id, "2027-03-26T18:00", "2027-03-29T07:59"))
        feed = events(house, first)
        (deadline,) = [event for event in feed.values() if not isinstance(event["DTSTART"].dt, datetime)]
        assert deadline["DTSTART"].dt == MONDAY + timedelta(days=4)
        assert deadline["DTEND"].dt == MONDAY + timedelta(days=5)
        assert str(deadline["URL"]).endswith(f"/dossiers/{flow}")
        assert not any(words in str(feed).lower() for words in (title.lower(), "paye", str(pay) + "'"))
        absence = feed["Absence, intérim : Solenn Rivoal"]
        assert absence["DTSTART"].params["TZID"] == "Europe/Paris"
        assert absence["DTEND"].dt == datetime(2027, 3, 29, 8, tzinfo=PARIS)
        assert absence["DTEND"].dt.timestamp() - absence["DTSTART"].dt.timestamp() == 61 * 3600
        assert events(house, first)[str(deadline["SUMMARY"])]["UID"] == deadline["UID"]
        assert "Lue par un agenda pour la dernière fois le lundi 22 mars 2027, 10 h 00" in text(
            client.get("/compte/agenda")
        )
        hers = secret_of(post(house, house.client(S), "/compte/agenda"))
        assert "Intérim : Armel Kervadec" in events(house, hers)
        assert not any("Absence" in summary for summary in events(house, hers))
        invoice, away = house.an_invoice(at="finance"), house.actor(N)
        due(invoice, MONDAY + timedelta(days=6))
        plan(away, Wanted(away.user_id or 0, house.actor(S).user_id, "2027-03-26T18:00", "2027-03-29T07:59"))
        assert "Facture : à viser" not in events(house, hers)
    with at(MONDAY + timedelta(days=5), 10):  # she stands in: what awaits whom she stands in for awaits her
        assert events(house, hers)["Facture : à viser"]["DTSTART"].dt == MONDAY + timedelta(days=6)
        house.approve(invoice, S)
        assert "Facture : à viser" not in events(house, hers)
    with at(MONDAY + timedelta(days=8), 10):
        client = house.client(A)
        # Where one stands it is changed by a form that says what comes of it, be it asked from a page that is out of date
        for asked in (post(house, client, "/compte/agenda"), text(client.get("/compte/agenda/changer"))):
            assert "les agendas qui la suivent ne recevront plus rien" in asked
            assert "Lue par un agenda pour la dernière fois le" in asked
            assert "agenda.ics" not in asked
        assert events(house, first)
        second = secret_of(post(house, client, "/compte/agenda/changer"))
        stranger = house.app.test_client()
        refused = [stranger.get(path) for path in (first, f"{first}x", "/agenda.ics")]
        assert {answer.status_code for answer in refused} == {404}
        assert len({re.sub(r"[\w-]{20,}", "", text(answer)) for answer in refused}) == 1, (
            "nothing tells them apart"
        )
        assert events(house, second)
        assert "Retirer l’adresse de votre agenda ?" in text(client.get("/compte/agenda/retirer"))
        part = text(
            client.get("/compte/agenda/retirer", headers={"HX-Request": "true", "HX-Target": "dialog"})
        )
        assert "Garder l’adresse" in part
        assert "<html" not in part
        assert events(house, second), "nothing is done before it is said"
        assert "ne lit plus rien par elle" in post(house, client, "/compte/agenda/retirer")
        assert stranger.get(second).status_code == 404
        for path in ("changer", "retirer"):
            assert client.get(f"/compte/agenda/{path}").location == "/compte/agenda", "there is none any more"
        here = me.collectivity_id
        with reading(here) as db:
            lines = [*trace.lines(db, here, trace.Search(act="account.agenda_opened"))]
            closed = [*trace.lines(db, here, trace.Search(act="account.agenda_closed"))]
            hashes = set(db.scalars(sa.select(User.agenda_hash)))
        assert (len(lines), len(closed)) == (3, 1)
        assert hers.rpartition("=")[2] not in hashes
        # It ends with the account, and an account that is opened again has none
        with engine().begin() as connection:
            connection.execute(sa.update(User.__table__).where(User.login == S).values(active=False))
        assert stranger.get(hers).status_code == 404
        with engine().begin() as connection:
            connection.execute(sa.update(User.__table__).where(User.login == S).values(active=True))
        assert desks.close_account(here, S)
        desks.reopen_account(here, S)
        assert stranger.get(hers).status_code == 404


def test_an_address_that_is_asked_too_often_is_told_to_wait(house: House) -> None:
    house.app.config["PARAPHE"] = house.settings.model_copy(update={"public_rate": "2 per minute"})
    stranger = house.app.test_client()
    answers = [stranger.get("/agenda.ics?lien=x").status_code for _ in range(4)]
    assert answers == [404, 404, 429, 429]


def test_minutes_that_the_clocks_show_twice_are_told_apart(house: House) -> None:
    with at(date(2027, 10, 20), 10):
        client, me = house.client(A), house.actor(A)
        secret = secret_of(post(house, client, "/compte/agenda"))
        plan(me, Wanted(me.user_id or 0, None, "2027-10-31T02:30", "2027-10-31T02:30"))
        (absence,) = [event for summary, event in events(house, secret).items() if "Absence" in summary]
    # From the first 2 h 30 of that night to the end of the second, which is included
    assert absence["DTEND"].dt.timestamp() - absence["DTSTART"].dt.timestamp() == 61 * 60


def test_a_secret_that_another_session_has_replaced_is_shown_no_more(house: House) -> None:
    with at(MONDAY, 10):
        here, there = house.client(A), house.client(A)
        first = secret_of(post(house, here, "/compte/agenda"))
        second = secret_of(post(house, there, "/compte/agenda/changer"))
        assert first not in text(here.get("/compte/agenda"))
        assert second in text(there.get("/compte/agenda"))
