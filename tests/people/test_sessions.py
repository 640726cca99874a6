"""A session lasts as long as it was said, is seen by its owner, and ends at once wherever it is ended."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine
from flask import flash, session, url_for
from flask.testing import FlaskClient

from app import create_app
from app.core.clock import now
from app.core.db import engine, reading
from app.core.french import attente
from app.core.limits import limiter
from app.core.refusals import Refusal
from app.people import desks, login
from app.people.models import Collectivity, LoginSession
from demo.cast import PASSWORD
from tests.builders.house import House, token_in

pytestmark = pytest.mark.in_turn

LOGIN = "a.kervadec"


def enter(house: House, **more: str):
    client = house.app.test_client()
    token = token_in(client.get("/login").get_data(as_text=True))
    answer = client.post("/login", data={"login": LOGIN, "password": PASSWORD, "csrf_token": token, **more})
    assert answer.status_code == 302
    return client, next(one for one in answer.headers.getlist("Set-Cookie") if one.startswith("paraphe="))


@contextmanager
def counted() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection, _cursor, statement: str, *_rest) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            seen.append(statement)

    sa.event.listen(engine(), "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(engine(), "before_cursor_execute", note)


def inside(client) -> bool:
    answer = client.get("/a-traiter")
    assert answer.status_code in {200, 302}
    return answer.status_code == 200


def later(**delta: float) -> time_machine.travel:
    return time_machine.travel(datetime.now().astimezone() + timedelta(**delta), tick=True)


def test_one_closes_one_s_other_sessions_and_an_administrator_those_of_a_colleague(house: House) -> None:
    here, there = house.client(LOGIN), house.client(LOGIN)
    form = {"csrf_token": house.csrf(here)}
    assert here.post("/compte/sessions/fermer", data=form).status_code == 302
    assert inside(here)
    assert not inside(there)
    office, colleague = house.client("k.morizur"), house.actor(LOGIN).user_id
    address = f"/administration/connexions/{colleague}/fermer"
    assert here.post(address, data=form).status_code == 403
    said = office.post(address, data={"csrf_token": house.csrf(office)}, follow_redirects=True)
    assert "Les sessions d’Armel Kervadec sont fermées" in said.get_data(as_text=True)
    assert not inside(here)
    again = house.client(LOGIN)
    assert inside(again)
    out = again.post("/logout", data={"csrf_token": house.csrf(again)})
    assert out.headers["Clear-Site-Data"] == '"storage"'


def test_a_session_lasts_twelve_hours_and_its_cookie_ends_with_the_browser(house: House) -> None:
    client, cookie = enter(house)
    assert "Expires" not in cookie
    assert "Max-Age" not in cookie
    with later(hours=11.5):
        assert inside(client)
    with later(hours=12.5):
        assert not inside(client)


def test_a_tablet_is_recognised_thirty_days_and_not_one_more(house: House) -> None:
    client, cookie = enter(house, remember="y")
    assert "Expires" in cookie
    with later(days=29.5):
        assert inside(client)
    with later(days=30.5):
        assert not inside(client)


def test_logging_out_closes_the_session_on_the_server_and_not_only_the_cookie(house: House) -> None:
    client, _ = enter(house)
    stolen = house.app.test_client()
    kept = client.get_cookie("paraphe")
    stolen.set_cookie("paraphe", kept.value)
    assert inside(stolen)
    assert client.post("/logout", data={"csrf_token": house.csrf(client)}).location == "/login"
    assert not inside(stolen)
    assert not inside(client)


@pytest.mark.both_databases
def test_a_proof_of_who_is_there_leaves_the_copy_of_a_thief_unproven(house: House) -> None:
    """ASVS 7.2.4: a new token at each proof; pictures and tabs under way with the former one are still answered."""
    client, doors = enter(house)[0], house.app.session_interface
    csrf, cookie = {"csrf_token": house.csrf(client)}, client.get_cookie("paraphe").value
    with house.app.test_request_context("/compte", headers={"Cookie": f"paraphe={cookie}"}):
        assert house.app.preprocess_request() is None
        flash("une page d’un autre onglet, longue à faire")
        assert doors.should_set_cookie(house.app, session)
        with ThreadPoolExecutor() as pool:
            proof = pool.submit(client.post, "/compte/confirmer", data={"answer": PASSWORD, **csrf})
            assert proof.result().status_code == 302
        assert not doors.should_set_cookie(house.app, session), "nor one that began before the proof"
    words = {"present": PASSWORD, "password": "une autre phrase assez longue"}
    for address, form in (("/compte/confirmer", {"answer": PASSWORD}), ("/compte/mot-de-passe", words)):
        client, thief = enter(house)[0], house.app.test_client()
        csrf = {"csrf_token": house.csrf(client)}
        thief.set_cookie("paraphe", client.get_cookie("paraphe").value)
        assert client.post(address, data={**form, **csrf}).status_code == 302
        assert client.get_cookie("paraphe").value != thief.get_cookie("paraphe").value
        assert inside(client), "the page that was open goes on, and its forms"
        assert client.post("/compte/affichage", data={**csrf, "theme": "auto"}).status_code == 302
        assert inside(thief), "what was under way is answered"
        asked = thief.get("/compte/mot-de-passe")
        assert (asked.status_code, asked.location.partition("?")[0]) == (302, "/compte/confirmer")
        flashed = thief.post("/compte/affichage", data={**csrf, "theme": "auto"})
        assert "Set-Cookie" not in flashed.headers, "nothing puts the former token back"
        with later(seconds=11):
            assert not inside(thief)
            assert inside(client)


def test_a_session_asks_no_faster_than_a_person_reads(house: House) -> None:
    app = create_app(
        house.settings.model_copy(update={"person_rate": "3 per minute", "login_rate": "4 per minute"})
    )
    limiter.reset()
    try:
        here, there, colleague = (app.test_client() for _ in range(3))
        for client, who in ((here, LOGIN), (there, LOGIN), (colleague, "b.cadiou")):
            token = token_in(client.get("/login").get_data(as_text=True))
            client.post("/login", data={"login": who, "password": PASSWORD, "csrf_token": token})
        assert [one.get("/a-traiter").status_code for one in (here, there, here)] == [200, 200, 200]
        stopped = there.get("/a-traiter")
        seconds = int(stopped.headers["Retry-After"])
        assert (stopped.status_code, 0 < seconds <= 60) == (429, True)
        page = stopped.get_data(as_text=True)
        assert f"attendez {attente(seconds)}, puis" in page
        assert "trop de pages en peu de temps" in page
        assert 'href="/compte"' in page, "the page leads to the remedy that it names"
        assert inside(colleague)
        assert here.get("/health/live").status_code == 200
        with later(seconds=61):
            assert inside(there)
        # Who uses the pace up, even with a copy of the cookie, keeps its owner neither from closing it, nor from going on
        thief = app.test_client()
        thief.set_cookie("paraphe", here.get_cookie("paraphe").value)
        assert inside(thief)
        assert [there.get("/a-traiter").status_code for _ in range(4)][-1] == 429
        assert here.get("/a-traiter").status_code == 429
        form = {"csrf_token": house.csrf(here)}
        assert here.post("/compte/sessions/fermer", data=form).status_code == 302
        assert not inside(there)
        assert inside(here)
        with later(seconds=11):
            assert not inside(thief)
        # Closing one of them, or changing the password, begins the pace anew too; closing what is closed does not
        other = app.test_client()
        token = token_in(other.get("/login").get_data(as_text=True))
        other.post("/login", data={"login": LOGIN, "password": PASSWORD, "csrf_token": token})
        with reading() as db:
            again = db.scalar(sa.select(sa.func.max(LoginSession.id)))
        assert [other.get("/a-traiter").status_code for _ in range(4)][-1] == 429
        assert here.post(f"/compte/sessions/{again}/fermer", data=form).status_code == 302
        assert [here.get("/a-traiter").status_code for _ in range(4)] == [200, 200, 200, 429]
        assert here.post(f"/compte/sessions/{again}/fermer", data=form).status_code == 302
        assert here.get("/a-traiter").status_code == 429
        words = {"present": PASSWORD, "password": "une autre phrase assez longue"}
        assert here.post("/compte/mot-de-passe", data={**form, **words}).status_code == 302
        assert inside(here)
        assert [here.post("/compte/sessions/fermer", data=form) for _ in range(3)][-1].status_code == 302
        assert [here.get("/a-traiter").status_code for _ in range(3)] == [200, 200, 429], (
            "nobody else was there"
        )
        # Who has a copy of the cookie and gives up proofs, or asks questions of a key, delays no proof of its owner
        away = {"environ_base": {"REMOTE_ADDR": "203.0.113.9"}}
        thief.set_cookie("paraphe", here.get_cookie("paraphe").value)
        renounced = [
            thief.post("/compte/confirmer", data={**form, "given_up": "1"}, **away).status_code
            for _ in range(11)
        ]
        assert renounced == [302] * 10 + [429]
        asked = [
            thief.post("/compte/confirmer/cle", json={}, headers={"X-CSRFToken": form["csrf_token"]}, **away)
            for _ in range(31)
        ]
        assert [one.status_code == 429 for one in asked] == [False] * 30 + [True]
        headers = {"X-CSRFToken": form["csrf_token"]}
        assert here.post("/compte/confirmer/cle", json={}, headers=headers).status_code != 429
        assert here.post("/compte/confirmer", data={**form, "given_up": "1"}).status_code == 302
        answer = {**form, "answer": words["password"]}
        assert here.post("/compte/confirmer", data=answer).status_code == 302
    finally:
        limiter.reset()


def test_logging_in_begins_a_session_that_nobody_else_could_prepare(house: House) -> None:
    client = house.app.test_client()
    token = token_in(client.get("/login").get_data(as_text=True))
    with client.session_transaction() as session:
        session["planted"] = "avant"
    before = client.get_cookie("paraphe").value
    client.post("/login", data={"login": LOGIN, "password": PASSWORD, "csrf_token": token})
    with client.session_transaction() as session:
        assert "planted" not in session
    assert client.get_cookie("paraphe").value != before


def test_a_cookie_that_was_tampered_with_is_nobody(house: House) -> None:
    client, _ = enter(house)
    value = client.get_cookie("paraphe").value
    for forged in (
        value[:-2] + ("AA" if value[-2:] != "AA" else "BB"),
        "x",
        "",
        "." * 40,
        value.split(".")[0],
    ):
        client.set_cookie("paraphe", forged)
        assert not inside(client)


def test_the_account_page_lists_every_open_browser_and_closes_one_at_once(house: House) -> None:
    here, there = house.client(LOGIN), house.client(LOGIN)
    house.client("b.cadiou")
    enter(house, remember="y")
    page = here.get("/compte").get_data(as_text=True)
    assert page.count("Cette session") == 1
    assert page.count(", par mot de passe") == 3
    assert page.count("Appareil reconnu") == 1  # thirty days
    assert page.count("Vue ") == 2  # whoever reads it is there
    assert "votre mot de passe seul ouvre votre compte" in page
    assert page.index("Sessions ouvertes") < page.index("Thème")
    (_, other) = re.findall(r"/compte/sessions/(\d+)/fermer", page)
    assert inside(there)
    assert (
        here.post(f"/compte/sessions/{other}/fermer", data={"csrf_token": house.csrf(here)}).status_code
        == 302
    )
    assert not inside(there)
    assert inside(here)
    assert len(re.findall(r"/compte/sessions/(\d+)/fermer", here.get("/compte").get_data(as_text=True))) == 1


def test_the_database_keeps_no_token_that_opens_a_session(house: House) -> None:
    client, _ = enter(house)
    with client.session_transaction() as session:
        token = session["_user_id"]
    with engine().connect() as connection:
        rows = connection.execute(sa.text("SELECT * FROM login_session")).all()
    assert rows
    assert token not in repr(rows)


def test_a_session_that_serves_is_noted_once_in_five_minutes(house: House) -> None:
    client, _ = enter(house)
    statements: list[str] = []

    def count(_connection, _cursor, statement, *_rest) -> None:
        if statement.startswith("UPDATE login_session"):
            statements.append(statement)

    sa.event.listen(engine(), "before_cursor_execute", count)
    try:
        for _ in range(3):
            assert inside(client)
        assert not statements  # `touch` writes only what is worth a write
        with later(minutes=6):
            assert inside(client)
            assert inside(client)
        assert len(statements) == 1
    finally:
        sa.event.remove(engine(), "before_cursor_execute", count)


def test_an_account_closed_while_logged_in_is_out_and_stays_out(house: House) -> None:
    client, _ = enter(house)
    desks.close_account(house.actor(LOGIN).collectivity_id, LOGIN)
    assert not inside(client)
    fresh = house.app.test_client()
    token = token_in(fresh.get("/login").get_data(as_text=True))
    answer = fresh.post("/login", data={"login": LOGIN, "password": PASSWORD, "csrf_token": token})
    assert answer.status_code == 403
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count()).where(LoginSession.revoked_at.is_(None))) == 0
        siren = db.scalar(sa.select(Collectivity.siren))
    # Opened again by the operator: by a new password, and its owner and the administrators are told
    house.mail.letters.clear()
    reopen = house.app.test_cli_runner()
    opened = reopen.invoke(args=["people", "reopen", siren, LOGIN])
    assert (opened.exit_code, "est rouvert" in opened.output) == (0, True)
    assert "est ouvert" in reopen.invoke(args=["people", "reopen", siren, LOGIN]).output
    assert (
        fresh.post("/login", data={"login": LOGIN, "password": PASSWORD, "csrf_token": token}).status_code
        == 403
    )
    chosen = "une autre phrase assez longue"
    form = {
        "code": re.search(r"/mot-de-passe#\S+", opened.output).group(),
        "password": chosen,
        "csrf_token": token,
    }
    assert fresh.post("/mot-de-passe", data=form).status_code == 302
    assert (
        fresh.post("/login", data={"login": LOGIN, "password": chosen, "csrf_token": token}).status_code
        == 302
    )
    assert inside(fresh)
    assert not inside(client)
    house.drain()
    told = [str(one["Subject"]) for one in house.mail.letters if "rouvert" in str(one["Subject"])]
    assert sorted(told) == [
        "Paraphe\xa0: le compte d’Armel Kervadec est rouvert",
        "Paraphe\xa0: votre compte est rouvert",
    ]
    trace = house.client("k.morizur").get("/administration/journal").get_data(as_text=True)
    assert "Compte rouvert" in trace


def test_a_desk_given_or_taken_back_counts_at_the_next_click(house: House) -> None:
    client, _ = enter(house)
    here = house.actor(LOGIN).collectivity_id
    folder_id = house.an_invoice(at="finance")
    assert client.get(f"/dossiers/{folder_id}").status_code == 404
    desks.seat(here, "finances", LOGIN, [login.Right.ACT])
    assert client.get(f"/dossiers/{folder_id}").status_code == 200
    desks.seat(here, "finances", LOGIN, [])
    assert client.get(f"/dossiers/{folder_id}").status_code == 404


def test_a_person_has_the_same_desks_at_each_click_and_in_what_is_done_later_and_is_read_at_one_go(
    house: House,
) -> None:
    here = house.actor(LOGIN).collectivity_id
    desks.create_user(
        here, "y.nevez", email="y@x.example", first_name="Y", last_name="N", capacity="", password=PASSWORD
    )
    for name in (LOGIN, "n.abgrallec", "y.nevez"):
        token = login.open_session(name, PASSWORD, hours=1, address="", client="")
        with counted() as seen, reading() as db:
            clicking = login.person(db, token, "")
        assert clicking is not None
        with reading(here) as db:
            later_on = login.returning(db, clicking.user_id or 0, clicking.session_id, "")
        assert len(seen) == 1
        assert clicking.seats == later_on.seats == house.actor(name).seats
        assert bool(clicking.seats) is (name != "y.nevez")


def test_an_unknown_login_costs_the_same_work_as_a_wrong_password(house: House) -> None:
    desks.create_user(
        house.actor(LOGIN).collectivity_id,
        "sans.mdp",
        email="s@kerlann.example",
        first_name="S",
        last_name="M",
        capacity="Agent",
    )
    cases = {LOGIN: [], "personne": [], "sans.mdp": []}
    for _ in range(4):
        for who, times in cases.items():
            start = time.process_time()
            with pytest.raises(Refusal, match="login-refused"):
                login.open_session(who, "ce n’est pas le bon", hours=1, address="", client="")
            times.append(time.process_time() - start)
    best = [min(times[1:]) for times in cases.values()]
    assert max(best) < 2 * min(best), best


def test_too_many_tries_are_stopped_in_french_for_that_address_only(house: House) -> None:
    app = create_app(house.settings.model_copy(update={"login_rate": "3 per minute"}))
    limiter.reset()
    try:
        client = app.test_client()
        token = token_in(client.get("/login").get_data(as_text=True))
        wrong, right = ({"login": LOGIN, "password": one, "csrf_token": token} for one in ("faux", PASSWORD))
        assert [client.post("/login", data=wrong).status_code for _ in range(3)] == [403, 403, 403]
        stopped = client.post("/login", data=right)
        assert stopped.status_code == 429
        assert "Attendez une minute" in stopped.get_data(as_text=True)
        assert client.get("/login").status_code == 200
        assert client.post("/login", data=right, environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 302
        for address in ("/mot-de-passe-oublie", "/mot-de-passe"):
            form = {
                "login": LOGIN,
                "code": "rien",
                "password": "une phrase assez longue",
                "csrf_token": token,
            }
            client = app.test_client()
            form["csrf_token"] = token_in(client.get("/login").get_data(as_text=True))
            answers = [client.post(address, data=form).status_code for _ in range(4)]
            assert answers[3] == 429, address
        with later(minutes=2):
            client = app.test_client()
            form = {**right, "csrf_token": token_in(client.get("/login").get_data(as_text=True))}
            assert client.post("/login", data=form).status_code == 302
    finally:
        limiter.reset()


def test_behind_https_the_cookie_never_travels_in_clear(house: House) -> None:
    app = create_app(
        house.settings.model_copy(
            update={"secure_cookies": True, "public_url": "https://parapheur.kerlann.example"}
        )
    )
    client = app.test_client()
    page = client.get("/login", base_url="https://localhost")
    cookie = page.headers["Set-Cookie"]
    assert "Secure" in cookie
    assert "HttpOnly" in cookie
    # No neighbouring site writes it: the prefix asks for Secure, this host alone and the whole of it
    assert cookie.startswith("__Host-paraphe=")
    assert "Path=/;" in f"{cookie};"
    assert "Domain" not in cookie
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert now().tzinfo is not None


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        "/\r\nSet-Cookie: x=1",
        "javascript:alert(1)",
        "evil.example",
        " //evil.example",
        "/\x7f/evil.example",
        "",
        "/\u2028/evil",
    ],
)
def test_the_page_after_the_door_is_one_of_ours(house: House, target: str) -> None:
    client = house.app.test_client()
    token = token_in(client.get("/login").get_data(as_text=True))
    answer = client.post(
        "/login",
        query_string={"suite": target},
        data={"login": LOGIN, "password": PASSWORD, "csrf_token": token},
    )
    assert (answer.status_code, answer.location) == (302, "/a-traiter")


def test_a_person_s_display_is_kept_and_follows_on_every_page(house: House) -> None:
    client, _ = enter(house)
    form = {"csrf_token": house.csrf(client), "theme": "dark"}
    assert client.post("/compte/affichage", data=form).status_code == 302
    page = client.get("/a-traiter").get_data(as_text=True)
    assert 'data-theme="dark"' in page
    assert 'data-shortcuts="off"' in page  # an unticked box sends nothing
    assert client.post("/compte/affichage", data={**form, "theme": "rose"}).status_code == 400
    with pytest.raises(Refusal, match="bad-request"):
        desks.choose_display(house.actor(LOGIN).user_id, theme="", shortcuts=True)


def test_the_key_of_a_session_never_travels_in_an_answer_that_others_may_be_served(house: House) -> None:
    """A shared cache keeps what it may keep, Set-Cookie included: the next caller would be the first one."""
    client, _ = enter(house, remember="y")
    with house.app.test_request_context("/"):
        style, drawing = (url_for("static", filename=one) for one in ("paraphe.css", "favicon.svg"))
    for address in (style, drawing, "/api/v1/openapi.json"):
        answer = client.get(address)
        assert "public" in answer.headers["Cache-Control"], address
        assert "Set-Cookie" not in answer.headers, address
        assert "Cookie" not in answer.headers.get("Vary", ""), address
        answer.close()


def test_whoever_logs_in_again_leaves_no_session_open_behind(house: House) -> None:
    client, _ = enter(house)
    stolen = house.app.test_client()
    stolen.set_cookie("paraphe", client.get_cookie("paraphe").value)
    assert inside(stolen)
    for login_, password in (("r.pellenec", "faux"), ("r.pellenec", PASSWORD)):
        token = token_in(client.get("/login").get_data(as_text=True))
        client.post("/login", data={"login": login_, "password": password, "csrf_token": token})
        assert inside(stolen) is (password == "faux")  # a wrong password closes nothing
    assert inside(client)
    assert "Pellenec" in client.get("/compte").get_data(as_text=True)


@pytest.fixture
def idle(house: House) -> Iterator[None]:
    login.configure(120, house.settings.session_hours)
    yield
    login.configure(house.settings.idle_minutes, house.settings.session_hours)


@pytest.mark.usefixtures("idle")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_session_left_alone_for_two_hours_is_over_and_a_recognised_tablet_is_not(house: House) -> None:
    desk, _ = enter(house)
    tablet, _ = enter(house, remember="y")
    with later(minutes=100):
        assert inside(desk)  # and its two hours begin anew
    with later(minutes=215):
        assert inside(desk)
    with later(minutes=340):
        assert not inside(desk)
        assert inside(tablet)
        assert tablet.get("/compte").get_data(as_text=True).count("Cette session") == 1
    with later(hours=11.9):
        assert not inside(desk)  # it does not come back


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_whoever_enters_from_a_new_browser_is_told_to_its_owner_once(house: House) -> None:
    def browse(agent: str, client: FlaskClient | None = None) -> FlaskClient:
        browser = client or house.app.test_client()
        form = token_in(browser.get("/login").get_data(as_text=True))
        data = {"login": LOGIN, "password": PASSWORD, "csrf_token": form}
        assert browser.post("/login", data=data, headers={"User-Agent": agent}).status_code == 302
        return browser

    linux, windows = (
        "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0",
        "Mozilla/5.0 (Windows NT 10.0) Firefox/130.0",
    )
    browse(linux)
    house.drain()
    assert house.mail.letters == []  # its first one
    known = browse(windows)
    browse(windows, known)
    house.drain()
    (told,) = house.mail.letters
    words = told.get_body(("plain",)).get_content()
    assert "Firefox sous Windows, à l’adresse 127.0.0.1" in words.replace("\xa0", " ")
    browse(linux)  # another browser of the same name is another device
    house.drain()
    assert len(house.mail.letters) == 2
