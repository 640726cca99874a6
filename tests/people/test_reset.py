"""A forgotten password: one link, one hour, one use, and nothing in the database that would open the account."""

import re
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
import time_machine
from werkzeug.test import TestResponse

from app.core.db import Base, engine, reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.people import desks, identity
from app.people.models import Person
from demo.cast import PASSWORD
from tests.builders.house import House, token_in
from tests.mailserver import MailServer

pytestmark = pytest.mark.in_turn

LOGIN, ADDRESS, NEW = "r.pellenec", "r.pellenec@kerlann-sur-mer.example", "une phrase nouvelle"


def ask(house: House, login: str = LOGIN) -> str:
    client = house.app.test_client()
    token = token_in(client.get("/mot-de-passe-oublie").get_data(as_text=True))
    answer = client.post("/mot-de-passe-oublie", data={"login": login, "csrf_token": token})
    house.drain()
    return re.sub(r'content="[^"]+"', "", answer.get_data(as_text=True))


def links(mail: MailServer, address: str = ADDRESS) -> list[str]:
    bodies = [one.get_body(("plain",)).get_content() for one in mail.to(address)]
    return [link for body in bodies for link in re.findall(r"\S+/mot-de-passe#\S+", body)]


def choose(house: House, link: str, password: str = NEW) -> int:
    return said_to(house, link, password).status_code


def said_to(house: House, link: str, password: str = NEW) -> TestResponse:
    """What whoever has no script does: the page, then the link copied whole into it."""
    client = house.app.test_client()
    token = token_in(client.get("/mot-de-passe").get_data(as_text=True))
    form = {"code": link, "password": password, "csrf_token": token}
    return client.post("/mot-de-passe", data=form)


def enters(house: House, password: str, login: str = LOGIN) -> bool:
    client = house.app.test_client()
    token = token_in(client.get("/login").get_data(as_text=True))
    return (
        client.post("/login", data={"login": login, "password": password, "csrf_token": token}).status_code
        == 302
    )


def test_the_link_serves_once_and_closes_every_session(house: House, mail: MailServer) -> None:
    elsewhere = house.client(LOGIN)
    ask(house)
    (link,) = links(mail)
    assert [choose(house, link), choose(house, link, "une autre phrase encore")] == [302, 403]
    assert elsewhere.get("/a-traiter").status_code == 302
    assert enters(house, NEW)
    assert not enters(house, PASSWORD)
    assert not enters(house, "une autre phrase encore")


def test_no_address_carries_the_code_of_a_link(house: House, mail: MailServer) -> None:
    """ASVS 14.2.1: a browser asks the page without what follows « # », and the code comes in the body of the form."""
    ask(house)
    (link,) = links(mail)
    parts = urlsplit(link)
    assert (parts.path, parts.query, len(parts.fragment)) == ("/mot-de-passe", "", 64)
    assert house.app.test_client().get(f"/mot-de-passe/{parts.fragment}").status_code == 404
    assert house.app.test_client().get("/mot-de-passe").headers["Referrer-Policy"] == "same-origin"
    short = said_to(house, link, "trop court")
    assert (short.status_code, short.location) == (422, None)
    assert parts.fragment in short.get_data(as_text=True)  # not to be copied again
    assert said_to(house, "#inconnu").get_data(as_text=True).count("inconnu") == 0
    assert said_to(house, parts.fragment).location == "/login"  # the code alone serves too


def test_the_link_serves_for_one_hour(house: House, mail: MailServer) -> None:
    ask(house)
    (link,) = links(mail)
    with time_machine.travel(datetime.now().astimezone() + timedelta(minutes=61)):
        assert choose(house, link) == 403
    assert not enters(house, NEW)
    with time_machine.travel(datetime.now().astimezone() + timedelta(minutes=58)):
        assert choose(house, link) == 302


def test_a_used_link_puts_the_older_ones_out_of_use(house: House, mail: MailServer) -> None:
    ask(house)
    ask(house)
    first, second = links(mail)
    assert first != second
    assert choose(house, second) == 302
    assert choose(house, first, "la phrase d’un intrus") == 403
    assert enters(house, NEW)


def test_a_password_too_short_is_refused_and_the_link_still_serves(house: House, mail: MailServer) -> None:
    ask(house)
    (link,) = links(mail)
    assert choose(house, link, "trop court") == 422
    assert enters(house, PASSWORD)
    assert choose(house, link) == 302


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_password_that_is_guessed_is_refused_and_the_link_still_serves(
    house: House, mail: MailServer
) -> None:
    ask(house)
    (link,) = links(mail)
    person = house.actor(LOGIN)
    for guess in (
        "motdepasse123",
        "azertyuiop12",
        "123456789012",
        "aaaaaaaaaaaa" * 20,
        "bonjourbonjour",
        "Kerlann29000!",
        "mairiedekerlann",
        f"{person.first_name}{person.last_name}1",
    ):
        assert choose(house, link, guess) == 422, guess
    page = house.app.test_client().get(link).get_data(as_text=True)
    assert "Nouveau mot de passe" in page
    assert enters(house, PASSWORD)
    assert choose(house, link, "cheval lune bateau") == 302


def test_the_answer_is_the_same_whether_the_account_exists_or_not(house: House, mail: MailServer) -> None:
    desks.close_account(house.actor("t.lescoat").collectivity_id, "t.lescoat")
    assert ask(house) == ask(house, "personne") == ask(house, "t.lescoat") == ask(house, " R.PELLENEC ")
    assert len(links(mail)) == 2
    assert len(mail.letters) == 2


def test_nothing_that_the_database_keeps_opens_the_account(house: House, mail: MailServer) -> None:
    ask(house)
    (link,) = links(mail)
    secret = link.rpartition("#")[2]
    with engine().connect() as connection:
        for table in Base.metadata.sorted_tables:
            assert secret not in repr(connection.execute(sa.select(table)).all()), table.name
    with reading() as db:
        row = db.scalars(sa.select(Outbox).where(Outbox.kind == "mail")).one()
    for guess in (row.payload["nonce"], row.key):
        assert choose(house, f"/mot-de-passe#{guess}") == 403


def test_the_letter_holds_no_password_and_goes_to_its_owner_alone(house: House, mail: MailServer) -> None:
    ask(house)
    (letter,) = mail.to(ADDRESS)
    assert str(letter["To"]).count("@") == 1
    for part in letter.walk():
        if part.get_content_maintype() == "text":
            assert PASSWORD not in part.get_content()


def test_an_account_opened_without_a_password_is_entered_only_after_its_owner_chose_one(
    house: House, mail: MailServer
) -> None:
    desks.create_user(
        house.actor(LOGIN).collectivity_id,
        "neuf",
        email="neuf@kerlann-sur-mer.example",
        first_name="Enora",
        last_name="Le Gall",
        capacity="Agente",
    )
    for guess in (PASSWORD, "neuf", "paraphe", "admin", "password", "changeme"):
        assert not enters(house, guess, "neuf")
    ask(house, "neuf")
    (link,) = links(mail, "neuf@kerlann-sur-mer.example")
    assert choose(house, link) == 302
    assert enters(house, NEW, "neuf")


@pytest.mark.parametrize(
    ("code", "status"),
    [("", 200), ("#", 403), ("x", 403), ("\0", 400), ("é" * 50, 403), ("a" * 5000, 403), ("#../login", 403)],
)
def test_a_link_that_was_never_sent_changes_nothing(house: House, code: str, status: int) -> None:
    client = house.app.test_client()
    token = token_in(client.get("/login").get_data(as_text=True))
    form = {"code": code, "password": NEW, "csrf_token": token}
    assert client.post("/mot-de-passe", data=form).status_code == status
    assert enters(house, PASSWORD)


def test_a_town_hall_behind_one_address_takes_up_its_links_and_who_guesses_is_stopped(
    house: House, mail: MailServer
) -> None:
    house.app.config["LOGIN_RATE"], house.app.config["LOGIN_ADDRESS_RATE"] = "2 per minute", "9 per minute"
    here = house.actor("k.morizur").collectivity_id
    people = ["a.kervadec", "n.abgrallec", "t.lescoat", "s.rivoal", "g.trehorel"]
    given = {login: desks.first_link(here, login)[0] for login in people}
    # Each counts for himself: more of them than one may try are let in
    assert [choose(house, f"#{given[login]}") for login in people[:4]] == [302] * 4
    last = given[people[4]]
    assert [choose(house, f"#{last}", "court") for _ in range(3)] == [422, 422, 429]
    # And whoever tries one code after another is stopped by his address
    guesses = [choose(house, f"#{number}") for number in range(5)]
    assert (guesses[0], guesses[-1]) == (403, 429)


def test_the_command_line_opens_an_account_by_a_link_that_serves_once(house: House) -> None:
    runner = house.app.test_cli_runner()
    names = ["--first-name", "A", "--last-name", "B", "--capacity", "Agent", "--email", "n@kerlann.example"]
    said = runner.invoke(args=["people", "user", "212909998", "nouveau", *names]).output
    first = said.strip().rpartition("http://127.0.0.1:5000")[2]
    said = runner.invoke(args=["people", "link", "212909998", "nouveau"]).output
    second = said.strip().rpartition("http://127.0.0.1:5000")[2]
    assert choose(house, first) != 302  # the later one alone serves
    assert choose(house, second) == 302
    assert choose(house, second) != 302
    assert enters(house, NEW, "nouveau")
    client = house.app.test_client()
    token = token_in(client.get("/login").get_data(as_text=True))
    client.post("/login", data={"login": "nouveau", "password": NEW, "csrf_token": token})
    assert client.get("/compte").status_code == 200
    said = runner.invoke(args=["people", "close-sessions", "212909998", "Nouveau"]).output
    assert "Sessions fermées : A B" in said
    assert client.get("/compte").status_code == 302
    with pytest.raises(Refusal, match="user-unknown"):
        desks.first_link(house.actor(LOGIN).collectivity_id, "personne")


def test_one_changes_one_s_password_knowing_it_and_keeps_the_page(house: House, mail: MailServer) -> None:
    client, other = house.client(LOGIN), house.client(LOGIN)

    def change(present: str, chosen: str) -> TestResponse:
        form = {"present": present, "password": chosen, "csrf_token": house.csrf(client)}
        return client.post("/compte/mot-de-passe", data=form)

    assert "laissez vide" not in client.get("/compte/mot-de-passe").get_data(as_text=True)  # he has one
    wrong = change("pas celui-là", NEW)
    assert wrong.status_code == 403
    assert "encore 4 fois" in wrong.get_data(as_text=True).replace("\xa0", " ")
    assert change(PASSWORD, "court").status_code == 422
    assert other.get("/compte").status_code == 200
    assert change(PASSWORD, NEW).status_code == 302
    assert client.get("/compte").status_code == 200
    assert other.get("/compte").status_code == 302
    assert enters(house, NEW)
    assert not enters(house, PASSWORD)
    house.drain()
    assert any("votre mot de passe a changé" in str(one["Subject"]) for one in mail.letters)
    identity.configure(0)  # an old session proves who is there first
    assert "/compte/confirmer" in str(client.get("/compte/mot-de-passe").location)
    identity.configure(house.settings.reauth_minutes)


def test_a_link_dies_with_the_account_that_it_would_open(house: House, mail: MailServer) -> None:
    ask(house)
    (link,) = links(mail)
    desks.close_account(house.actor(LOGIN).collectivity_id, LOGIN)
    with engine().connect() as connection:
        before = connection.execute(sa.select(Person.password_hash).where(Person.login == LOGIN)).scalar()
    assert choose(house, link) == 403
    with engine().connect() as connection:
        after = connection.execute(sa.select(Person.password_hash).where(Person.login == LOGIN)).scalar()
    assert after == before


@pytest.mark.parametrize("name", ["Host", "X-Forwarded-Host", "X-Forwarded-Server", "Forwarded"])
def test_a_forged_name_of_the_server_reaches_neither_the_letter_nor_the_browser(
    house: House, mail: MailServer, name: str
) -> None:
    client = house.app.test_client()
    said = "host=evil.example" if name == "Forwarded" else "evil.example"
    at = {"base_url": "http://evil.example"} if name == "Host" else {"headers": {name: said}}
    token = token_in(client.get("/mot-de-passe-oublie", **at).get_data(as_text=True))
    answer = client.post("/mot-de-passe-oublie", data={"login": LOGIN, "csrf_token": token}, **at)
    assert answer.status_code == 200
    house.drain()
    (letter,) = mail.to(ADDRESS)
    assert f"{house.settings.public_url}/mot-de-passe#" in letter.get_body(("plain",)).get_content()
    assert "evil" not in letter.as_string()
    assert client.get("/a-traiter", **at).location == "/login?suite=/a-traiter"
    assert "evil" not in answer.get_data(as_text=True)
