"""Software is let in, seen, given another token and shut out, by page and by command; the journal says who did it."""

import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient

from app.core.clock import PARIS, now, today
from app.core.db import engine, reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.journal.models import JournalEntry
from app.operations import doctor
from app.people import applications, calls
from app.people.models import Application
from app.signing import expiry
from tests.builders.house import House
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

ADMINISTRATOR, SIREN = "k.morizur", "212909998"
URL = "/administration/applications"


def status(house: House, token: str, path: str = "/me") -> int:
    answer = house.app.test_client().get(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"})
    return int(answer.status_code)


def token_of(page: str) -> str:
    return re.findall(r"<textarea[^>]*readonly[^>]*>([^<]+)</textarea>", page)[0]


def given(client: FlaskClient, url: str, form: dict[str, Any]) -> str:
    """The page that shows the token just given: loaded again, it shows it again, until it is said to be copied."""
    assert client.post(url, data=form).location == URL
    page = client.get(URL).get_data(as_text=True)
    assert token_of(client.get(URL).get_data(as_text=True)) == token_of(page)
    client.post(f"{URL}/note", data={"csrf_token": form["csrf_token"]})
    return page


def told() -> list[tuple[str, str]]:
    with reading() as db:
        query = sa.select(JournalEntry.event, JournalEntry.who, JournalEntry.facts).order_by(JournalEntry.id)
        rows = [one for one in db.execute(query) if one.event.startswith("application.")]
    assert not [one for one in rows if "token" in one.facts or "hash" in one.facts]
    return [(one.event, one.who) for one in rows]


def test_a_token_is_given_rotated_and_refused_from_the_page(house: House) -> None:
    client = house.client(ADMINISTRATOR)
    form = {
        "csrf_token": house.csrf(client),
        "name": " Finances  2026 ",
        "desk": "comptabilite",
        "rights": ["create", "act", "administer"],
    }
    fresh = client.get(URL).get_data(as_text=True)
    assert not re.search(r'name="rights"[^>]*checked', fresh)  # nothing is chosen beforehand
    assert '<option value="">Choisissez un bureau</option>' in fresh
    page = given(client, URL, form)
    first = token_of(page)
    assert "Jamais servi" in page
    assert "jeton précédent" not in page
    assert status(house, first) == 200
    page = client.get(URL).get_data(as_text=True)
    assert "Jamais servi" not in page  # its last use is shown
    assert "1 appel aujourd’hui<" in page
    assert [status(house, first), status(house, first, "/folders/999")] == [200, 404]
    assert "3 appels aujourd’hui, dont 1 refusé<" in client.get(URL).get_data(as_text=True)
    assert first not in page  # and its token never again
    with engine().begin() as connection:
        connection.execute(sa.update(Application).values(calls=1767))
    assert "1\u202f767 appels aujourd’hui" in client.get(URL).get_data(as_text=True)
    again = client.post(URL, data=form)
    assert (again.status_code, "déjà en service" in again.get_data(as_text=True)) == (409, True)
    for wrong in ({"name": " "}, {"name": "x" * 81}, {"desk": "inconnu", "name": "Autre"}):
        assert client.post(URL, data={**form, **wrong}).status_code in {404, 422}
    with reading() as db:
        row = db.scalars(sa.select(Application)).one()
    assert (row.name, row.rights) == ("Finances 2026", ["create", "act"])
    before = client.get(f"{URL}/{row.id}/jeton").get_data(as_text=True)
    assert "faites refuser l’ancien aussitôt" in before
    assert "ne se rouvre pas" in client.get(f"{URL}/{row.id}/fermer").get_data(as_text=True)
    assert status(house, first) == 200, "nothing is done before it is confirmed"
    serial = re.findall(r'name="serial"\s+value="([^"]+)"', before)[0]
    rotated = {"csrf_token": form["csrf_token"], "serial": serial}
    page = given(client, f"{URL}/{row.id}/jeton", rotated)
    second = token_of(page)
    assert "Le jeton précédent est refusé dès maintenant." in page
    assert [status(house, one) for one in (first, second)] == [401, 200]
    assert client.post(f"{URL}/{row.id}/jeton", data=rotated).status_code == 409  # the same form sent twice
    assert status(house, second) == 200
    assert client.post(f"{URL}/{row.id}/fermer", data=rotated).status_code == 302
    assert status(house, second) == 401
    for gone in ("fermer", "jeton"):
        assert client.get(f"{URL}/{row.id}/{gone}").status_code == 404
        assert client.post(f"{URL}/{row.id}/{gone}", data=rotated).status_code == 404
    closed = client.get(URL).get_data(as_text=True)
    assert "par Katell Morizur" in closed
    who = "Katell Morizur"
    assert told() == [("application.opened", who), ("application.rotated", who), ("application.closed", who)]
    assert client.post(URL, data=form).status_code == 302  # the name is free again


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_token_is_listed_rotated_and_refused_by_command(house: House) -> None:
    run = house.app.test_cli_runner()
    first = run.invoke(args=["people", "application", SIREN, "Pastell", "direction"]).output.split()[-1]
    assert status(house, first) == 200
    calls.write()
    assert re.search(
        r"^Pastell \(.+, create,act,publish\), dernier usage : (?!aucun).+, 1 appel aujourd’hui, ",
        run.invoke(args=["people", "applications", SIREN]).output,
    )
    second = run.invoke(args=["people", "rotate-application", SIREN, "Pastell"]).output.split()[-1]
    assert [status(house, one) for one in (first, second)] == [401, 200]
    assert "est fermée" in run.invoke(args=["people", "close-application", SIREN, "Pastell"]).output
    assert status(house, second) == 401
    assert ", fermée" in run.invoke(args=["people", "applications", SIREN]).output
    for verb in ("rotate-application", "close-application"):
        missing = run.invoke(args=["people", verb, SIREN, "Pastell"])
        assert (missing.exit_code, "n’existe pas" in missing.output) == (1, True)
    assert {who for _, who in told()} == {applications.COMMAND}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_application_takes_nobody_s_name_and_no_sign_that_hides(house: House) -> None:
    here = house.actor(ADMINISTRATOR).collectivity_id
    for name, key in (
        ("KATELL  Morizur", "application-name-borne"),
        ("Finances\u202e", "text-hidden"),
        ("Fin\u200bances", "text-hidden"),
        ("Fin\N{CYRILLIC SMALL LETTER A}nces", "text-alphabet"),
    ):
        with pytest.raises(Refusal, match=key):
            applications.create_application(here, name, "direction", [Right.ACT])
    with reading(here) as db:
        assert not applications.applications(db, here)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_application_of_another_commune_is_not_there(house: House) -> None:
    here = house.actor(ADMINISTRATOR).collectivity_id
    token = applications.create_application(here, "Finances", "direction", [Right.ACT])
    with reading(here) as db:
        (number,) = applications.numbers_of(db, here, "Finances")
    for verb in (applications.close_application, applications.rotate_application):
        with pytest.raises(Exception, match="application-unknown"):
            verb(here + 1, number)
    assert status(house, token) == 200
    calls.write()
    with reading(here) as db:
        (before,) = applications.applications(db, here)
    assert before.used_at is not None
    assert before.day == "1 appel aujourd’hui"


def test_a_token_ends_is_told_before_and_refused_after(house: House) -> None:
    client, run = house.client(ADMINISTRATOR), house.app.test_cli_runner()
    page = client.get(URL).get_data(as_text=True)
    assert f'value="{today() + applications.PROPOSED}"' in page
    form = {"csrf_token": house.csrf(client), "name": "Finances", "desk": "comptabilite"}
    for until in (today() - timedelta(days=1), today() + timedelta(days=731), "demain"):
        refused = client.post(URL, data={**form, "until": str(until)})
        assert (refused.status_code, "Aucun jeton" in refused.get_data(as_text=True)) == (422, True)
    token = token_of(given(client, URL, {**form, "until": str(today() + timedelta(days=30))}))
    bearer = {"Authorization": f"Bearer {token}"}
    me = house.app.test_client().get("/api/v1/me", headers=bearer).json
    assert me["token_ends_on"] == (today() + timedelta(days=30)).isoformat()
    with reading() as db:
        number = db.scalars(sa.select(Application.id)).one()
    page = client.get(f"{URL}/{number}/jeton").get_data(as_text=True)
    assert f'name="until" type="date" value="{today() + timedelta(days=30)}"' in " ".join(page.split())
    expiry.remind()
    expiry.remind()
    with reading() as db:
        letters = [
            one.payload
            for one in db.scalars(sa.select(Outbox))
            if one.payload.get("event") == "application_ends"
        ]
    assert [(one["what"], one["page"]) for one in letters] == [("Finances", URL)]
    house.drain()
    with time_machine.travel(now() + timedelta(days=25), tick=True):
        [told_by_doctor] = doctor.examine(house.settings, ["logiciels"])
        assert not told_by_doctor.ok
        assert "Finances" in told_by_doctor.sentence
        assert status(house, token) == 200
        calls.write()
        served_on = today()
    with time_machine.travel(now() + timedelta(days=31), tick=True):
        gone = house.app.test_client().get("/api/v1/me", headers=bearer)
        assert (gone.status_code, gone.json["key"]) == (401, "token-ended")
        assert "a pris fin le" in gone.json["detail"]
        page = house.client(ADMINISTRATOR).get(URL).get_data(as_text=True)
        assert "1 appel aujourd’hui, refusé<" in page
        assert "Refusée depuis" in page
        with reading() as db:
            since = db.scalar(sa.select(Application.refused_since))
    with time_machine.travel(
        now() + timedelta(days=33), tick=True
    ):  # the first that was, whatever came after
        assert status(house, token) == 401
        assert "Refusée depuis" in house.client(ADMINISTRATOR).get(URL).get_data(as_text=True)
        with reading() as db:
            assert db.scalar(sa.select(Application.refused_since)) == since is not None
        with reading() as db:
            assert (
                db.scalar(sa.select(Application.used_at)).astimezone(PARIS).date() == served_on
            )  # it served no more
        assert "fini le" in run.invoke(args=["people", "applications", SIREN]).output
        again = run.invoke(args=["people", "rotate-application", SIREN, "Finances"]).output.split()[-1]
        assert status(house, again) == 200
        calls.write()
        with reading() as db:
            assert db.scalar(sa.select(Application.refused_since)) is None  # the new token serves
    with engine().begin() as connection:  # let in before tokens had an end: it goes on, and is told
        connection.execute(sa.update(Application.__table__).values(ends_on=None))
    assert status(house, again) == 200
    assert "Sans fin" in house.client(ADMINISTRATOR).get(URL).get_data(as_text=True)
    [told_by_doctor] = doctor.examine(house.settings, ["logiciels"])
    assert (told_by_doctor.ok, "dont 1 " in told_by_doctor.sentence) == (True, True)


def test_two_tokens_serve_while_the_old_one_is_replaced_and_no_longer(house: House) -> None:
    client, run = house.client(ADMINISTRATOR), house.app.test_cli_runner()
    here = house.actor(ADMINISTRATOR).collectivity_id
    first = applications.create_application(
        here, "Finances", "comptabilite", [Right.CREATE], until=today() + timedelta(days=3)
    )
    with reading(here) as db:
        (number,) = applications.numbers_of(db, here, "Finances")
    page = client.get(f"{URL}/{number}/jeton").get_data(as_text=True)
    serial = re.findall(r'name="serial"\s+value="([^"]+)"', page)[0]
    form = {"csrf_token": house.csrf(client), "serial": serial, "overlap": "1"}
    for strange in ("2", "-1", "toujours", ""):
        assert client.post(f"{URL}/{number}/jeton", data={**form, "overlap": strange}).status_code == 422
    shown = given(client, f"{URL}/{number}/jeton", form)
    second = token_of(shown)
    assert "Le jeton précédent reste valable jusqu’au" in shown
    assert "Deux jetons valables, l’ancien jusqu’au" in client.get(URL).get_data(as_text=True)
    assert [status(house, one) for one in (first, second)] == [200, 200]
    with time_machine.travel(now() + timedelta(hours=25), tick=True):
        assert [status(house, one) for one in (first, second)] == [401, 200]
        assert "Deux jetons" not in client.get(URL).get_data(as_text=True)
    # The one before the one before is refused at once, and none outlives its own last day
    third = run.invoke(
        args=[
            "people",
            "rotate-application",
            SIREN,
            "Finances",
            "--overlap",
            "30",
            "--until",
            f"{today():%Y-%m-%d}",
        ]
    ).output.split()[-1]
    assert [status(house, one) for one in (first, second, third)] == [401, 200, 200]
    fourth = run.invoke(
        args=["people", "rotate-application", SIREN, "Finances", "--overlap", "30"]
    ).output.split()[-1]
    with time_machine.travel(now() + timedelta(days=2), tick=True):
        assert [status(house, one) for one in (third, fourth)] == [401, 200]
    applications.rotate_application(here, number)
    assert [status(house, one) for one in (third, fourth)] == [401, 401]
    applications.rotate_application(here, number, overlap=7)
    applications.close_application(here, number)
    assert status(house, fourth) == 401
