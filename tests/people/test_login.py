"""Who enters, how long, and how one shuts the door."""

import re

import pytest

from app.people import desks
from tests.builders.house import House, token_in
from tests.mailserver import MailServer

pytestmark = pytest.mark.in_turn

PASSWORD = "kerlann-demo-2026"


def try_login(house: House, login: str, password: str, suite: str = ""):
    client = house.app.test_client()
    token = token_in(client.get("/login").get_data(as_text=True))
    return client, client.post(
        f"/login{suite}", data={"login": login, "password": password, "csrf_token": token}
    )


def test_a_wrong_password_and_an_unknown_login_are_told_the_same(house: House) -> None:
    wrong = try_login(house, "a.kervadec", "pas le bon mot de passe")[1]
    unknown = try_login(house, "personne", "pas le bon mot de passe")[1]
    words = "L’identifiant ou le mot de passe ne convient pas"
    assert wrong.status_code == unknown.status_code == 403
    assert words in wrong.get_data(as_text=True)
    assert words in unknown.get_data(as_text=True)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_door_names_the_commune_where_there_is_one(house: House) -> None:
    client = house.app.test_client()
    for address in ("/login", "/mot-de-passe-oublie", "/mot-de-passe", "/nulle-part"):
        assert "<small>Kerlann-sur-Mer</small>" in client.get(address).get_data(as_text=True), address
    desks.create_collectivity(
        "213502388", "Ailleurs", department="035", district="1", nature="31", settings={}
    )
    shared = client.get("/login").get_data(as_text=True)
    assert "Kerlann" not in shared.partition("Démonstration")[0]  # several share it: nobody is named
    assert "Ailleurs" not in shared


def test_the_next_page_is_never_another_site(house: House) -> None:
    assert try_login(house, "a.kervadec", PASSWORD, "?suite=//evil.example/")[1].location == "/a-traiter"
    assert try_login(house, "a.kervadec", PASSWORD, "?suite=/suivi")[1].location == "/suivi"


def test_a_form_without_its_token_is_refused_in_french(house: House) -> None:
    answer = house.client("a.kervadec").post("/logout")
    assert answer.status_code == 400
    assert "trop longtemps" in answer.get_data(as_text=True)


def test_the_cookie_and_the_headers_protect_the_page(house: House) -> None:
    client, answer = try_login(house, "a.kervadec", PASSWORD)
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    page = client.get("/a-traiter")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_form_of_another_site_does_nothing_though_it_had_the_token(house: House) -> None:
    client = house.client("a.kervadec")
    form = {"theme": "dark", "csrf_token": house.csrf(client)}
    own = house.settings.public_url

    def answered(**headers: str) -> int:
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.post("/compte/affichage", data=form, headers=said).status_code

    for headers in (
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site", "Origin": own},
        {"Origin": "https://ailleurs.example"},
        {"Origin": "null"},
        {"Origin": f"{own}.ailleurs.example"},
        {"Origin": f"https://ailleurs.example/{own}"},
    ):
        assert answered(**headers) == 403, headers
    assert "autre site" in client.post("/compte/affichage", data=form, headers={"Origin": "null"}).get_data(
        as_text=True
    )
    for headers in (
        {"Sec_Fetch_Site": "same-origin", "Origin": own},
        {"Sec_Fetch_Site": "none"},
        {"Origin": own},
        {"Origin": "http://localhost"},
        {},
    ):
        assert answered(**headers) == 302, headers


def test_a_session_closed_elsewhere_is_closed_here(house: House) -> None:
    here, there = house.client("a.kervadec"), house.client("a.kervadec")
    page = here.get("/compte").get_data(as_text=True)
    sessions = sorted(map(int, re.findall(r"/compte/sessions/(\d+)/fermer", page)))
    assert len(sessions) >= 1
    here.post(f"/compte/sessions/{sessions[-1]}/fermer", data={"csrf_token": house.csrf(here)})
    states = {here.get("/a-traiter").status_code: here, there.get("/a-traiter").status_code: there}
    assert states.keys() == {200, 302}
    told = states[302].get("/login").get_data(as_text=True)
    assert "Votre session s’est fermée. Reconnectez-vous" in told.replace("\xa0", " ")
    assert "session s’est fermée" not in house.app.test_client().get("/login").get_data(as_text=True)


def test_a_session_closed_by_false_answers_leads_back_to_the_door(house: House) -> None:
    client = house.client("a.kervadec")
    form = {"csrf_token": house.csrf(client), "answer": "faux"}
    told = [client.post("/compte/confirmer", data=form) for _ in range(5)][-1]
    page = told.get_data(as_text=True)
    assert (told.status_code, "trop de réponses fausses" in page) == (401, True)
    assert 'href="/login"' in page
    assert "À traiter" not in page


def test_a_forgotten_password_is_changed_once_by_mail_and_closes_sessions(
    house: House, mail: MailServer
) -> None:
    open_elsewhere = house.client("r.pellenec")
    client = house.app.test_client()
    token = token_in(client.get("/mot-de-passe-oublie").get_data(as_text=True))
    client.post("/mot-de-passe-oublie", data={"login": "r.pellenec", "csrf_token": token})
    house.drain()
    (letter,) = mail.to("r.pellenec@kerlann-sur-mer.example")
    code = re.search(r"/mot-de-passe#(\S+)", letter.get_body(("plain",)).get_content()).group(1)
    for expected in (302, 403):
        token = token_in(client.get("/mot-de-passe").get_data(as_text=True))
        form = {"code": code, "password": "une phrase nouvelle", "csrf_token": token}
        assert client.post("/mot-de-passe", data=form).status_code == expected
    assert open_elsewhere.get("/a-traiter").status_code == 302
    assert try_login(house, "r.pellenec", "une phrase nouvelle")[1].status_code == 302


def test_an_account_without_a_password_opens_to_nobody(house: House) -> None:
    here = house.actor("a.kervadec").collectivity_id
    desks.create_user(
        here, "sans.mdp", email="s@kerlann.example", first_name="S", last_name="M", capacity="Agent"
    )
    for attempt in ("", "sans.mdp", PASSWORD):
        assert try_login(house, "sans.mdp", attempt or " ")[1].status_code in {200, 403}


def test_one_login_is_slowed_and_its_neighbours_behind_the_same_address_are_not(house: House) -> None:
    house.app.config["LOGIN_RATE"] = "2 per minute"
    for expected in (403, 403, 429):
        assert try_login(house, "a.kervadec", "pas le bon mot de passe")[1].status_code == expected
    assert try_login(house, "r.pellenec", PASSWORD)[1].status_code == 302


def test_one_address_that_tries_many_names_is_slowed(house: House) -> None:
    house.app.config["LOGIN_ADDRESS_RATE"] = "3 per minute"
    answers = [try_login(house, f"personne.{n}", "pas le bon mot de passe")[1] for n in range(4)]
    assert [one.status_code for one in answers] == [403, 403, 403, 429]
    assert "Attendez une minute" in answers[-1].get_data(as_text=True)


def test_a_command_that_is_refused_says_one_sentence(house: House) -> None:
    done = house.app.test_cli_runner().invoke(
        args=["people", "seat", "212909998", "nulle-part", "r.pellenec"]
    )
    assert done.exit_code == 1
    assert "n’existe pas dans cette collectivité" in done.output
    assert "Traceback" not in done.output
    assert house.app.test_cli_runner().invoke(args=["downgrade"]).exit_code == 2
    for arguments, words in (
        (["people", "seat", "212909998", "maire", "r.pellenec", "--rights", "foo"], "pas de droit « foo »"),
        (
            ["people", "seat", "212909998", "maire", "r.pellenec", "--rights", "administer"],
            "pas de droit « administer »",
        ),
        (["downgrade", "nimporte"], "« nimporte » n’est pas connue ici"),
    ):
        done = house.app.test_cli_runner().invoke(args=arguments)
        assert (done.exit_code != 0, isinstance(done.exception, SystemExit)) == (True, True), arguments
        assert words in done.output.replace("\u00a0", " ")
