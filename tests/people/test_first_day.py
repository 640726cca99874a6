"""A new installation is opened in the browser by a link that serves once, and by nothing else."""

import re
import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core import schema
from app.core.clock import now
from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.journal.chain import verify
from app.people import desks
from app.people.first_day import links
from app.people.models import Collectivity, SetupLink, User
from tests.builders.house import House, token_in

pytestmark = pytest.mark.in_turn

PAGE = "/premier-jour"
TYPED = {
    "siren": "213 500 010",
    "name": "Trégavan",
    "nature": "31",
    "department": "35",
    "city": "Trégavan",
    "postal_code": "35999",
    "population": "3 240",
    "first_name": "Youna",
    "last_name": "Le Dantec",
    "email": "y.ledantec@tregavan.example",
    "capacity": "Secrétaire générale",
    "login": "y.ledantec",
    "password": "le phare éclaire la digue",
}


@pytest.fixture
def new(house: House) -> House:
    """An installation where nothing is yet: no collectivity, nobody."""
    schema.downgrade()
    schema.upgrade()
    return house


@pytest.fixture
def left(house: House) -> House:
    """A collectivity that nobody administers any more: the accounts that the builder made are closed."""
    with engine().begin() as connection:
        connection.execute(sa.update(User).values(active=False))
    return house


def post(client: FlaskClient, **typed: str):
    token = token_in(client.get(PAGE).get_data(as_text=True))
    return client.post(PAGE, data={**TYPED, "csrf_token": token, **typed})


def link(house: House) -> str:
    """The link, as the command prints it."""
    answer = house.app.test_cli_runner().invoke(args=["setup-link"])
    assert answer.exit_code == 0, answer.output
    return re.findall(r"https?://\S+", answer.output)[0]


def test_the_link_opens_the_collectivity_and_its_administrator_who_enters(new: House) -> None:
    address, client = link(new), new.client()
    assert "#" in address
    with reading() as db:
        assert address.rpartition("#")[2] not in str(db.execute(sa.select(SetupLink.token_hash)).all())
    done = post(client, code=address)
    assert done.status_code == 302, done.get_data(as_text=True)
    login = client.get("/login").get_data(as_text=True)
    assert "La collectivité est ouverte" in login
    inside = client.post(
        "/login",
        data={"csrf_token": token_in(login), "login": "y.ledantec", "password": TYPED["password"]},
    )
    assert inside.status_code == 302
    assert "Trégavan" in client.get("/administration/bureaux").get_data(as_text=True)
    with reading() as db:
        here = db.scalars(sa.select(Collectivity).where(Collectivity.name == "Trégavan")).one()
        assert (here.siren, here.department, here.settings["postal_code"]) == ("213500010", "035", "35999")
        assert here.settings["population"] == 3240
    with reading() as db:
        assert verify(db, here.id)[1] is None
    # Whoever finds the link later opens nothing, and no other is given
    again = new.client().get(PAGE)
    assert (again.status_code, "déjà ouverte" in again.get_data(as_text=True)) == (409, True)
    assert "dossier a avancé" not in again.get_data(as_text=True)
    refused = new.app.test_cli_runner().invoke(args=["setup-link"])
    assert (refused.exit_code, "déjà ouverte" in refused.output) == (1, True)
    with pytest.raises(Refusal, match="setup-done"):
        links.set_up(address.rpartition("#")[2], links.Beginning(**_beginning()), TYPED["password"])


def _beginning() -> dict[str, str]:
    return {name: TYPED[name] for name in links.Beginning.__dataclass_fields__}


def test_an_installation_that_somebody_administers_gives_no_link(house: House) -> None:
    assert house.client().get(PAGE).status_code == 409
    with pytest.raises(Refusal, match="setup-done"):
        links.draw()


def test_a_link_ends_after_a_day_and_when_another_is_drawn(new: House) -> None:
    first, second = link(new), link(new)
    replaced = post(new.client(), code=first)
    assert (replaced.status_code, "a déjà servi, a expiré" in replaced.get_data(as_text=True)) == (403, True)
    with engine().begin() as connection:
        connection.execute(sa.update(SetupLink).values(expires_at=now() - timedelta(seconds=1)))
    assert post(new.client(), code=second).status_code == 403
    assert post(new.client(), code="https://paraphe.example/premier-jour#nimporte").status_code == 403
    with reading() as db:
        assert db.scalar(sa.select(User.id).where(User.login == "y.ledantec")) is None


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"siren": "213500012"}, "n’est pas un SIREN"),
        ({"siren": "21350001"}, "n’est pas un SIREN"),
        ({"department": "20"}, "n’est pas le code d’un département"),
        ({"department": "96"}, "n’est pas le code d’un département"),
        ({"department": "9" * 5000}, "n’est pas le code d’un département"),
        ({"population": "000000000001" + "9" * 5000}, "nombre entier, comme 3 200"),
        ({"postal_code": "3599"}, "code postal"),
        ({"population": "trois mille"}, "nombre entier, comme 3 200"),
        ({"email": "y.ledantec"}, "n’est pas une adresse"),
        ({"login": "y le dantec"}, "sans espace"),
        ({"password": "court"}, "12 caractères"),
        ({"password": "y.ledantec tregavan"}, "mot de passe"),
        ({"nature": "99"}, "la nature de la collectivité"),
        ({"name": "\u202e"}, "le nom de la collectivité"),
        ({"capacity": ""}, "À remplir"),
    ],
)
def test_what_is_wrong_is_said_and_the_link_still_serves(
    new: House, typed: dict[str, str], sentence: str
) -> None:
    address, client = link(new), new.client()
    refused = post(client, code=address, **typed)
    assert refused.status_code in {403, 409, 422}
    assert sentence in refused.get_data(as_text=True)
    assert 'value="Youna"' in refused.get_data(as_text=True)  # what was typed stays
    assert post(client, code=address).status_code == 302


@pytest.mark.both_databases
def test_of_two_links_that_both_serve_one_opens(new: House) -> None:
    """Two commands at the same instant could each leave a link: they are not two collectivities."""
    first = link(new).rpartition("#")[2]
    second = link(new).rpartition("#")[2]
    with engine().begin() as connection:
        connection.execute(sa.update(SetupLink).values(used_at=None))
    outcomes: list[str] = []
    start = threading.Barrier(2)

    def begin(token: str, siren: str, login: str) -> None:
        start.wait()
        typed = {**_beginning(), "siren": siren, "login": login}
        try:
            outcomes.append(links.set_up(token, links.Beginning(**typed), TYPED["password"]))
        except Refusal as refusal:
            outcomes.append(refusal.key)

    pairs = ((first, "213500010", "un"), (second, "130025265", "deux"))
    both = [threading.Thread(target=begin, args=one) for one in pairs]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    with reading() as db:
        administer = sa.select(User).where(User.administrator.is_(True), User.active.is_(True))
        assert len(db.scalars(administer).all()) == 1


@pytest.mark.both_databases
def test_of_two_who_open_it_at_once_one_does(new: House) -> None:
    token, start = link(new).rpartition("#")[2], threading.Barrier(2)
    outcomes: list[str] = []

    def begin(siren: str, login: str) -> None:
        start.wait()
        typed = {**_beginning(), "siren": siren, "login": login}
        try:
            outcomes.append(links.set_up(token, links.Beginning(**typed), TYPED["password"]))
        except Refusal as refusal:
            outcomes.append(refusal.key)

    both = [threading.Thread(target=begin, args=one) for one in (("213500010", "un"), ("130025265", "deux"))]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len([one for one in outcomes if one in {"un", "deux"}]) <= 1
    with reading() as db:
        assert (
            len(db.scalars(sa.select(User).where(User.administrator.is_(True), User.active.is_(True))).all())
            == 1
        )


PERSON = ("first_name", "last_name", "email", "capacity", "login", "password")


def enter(client: FlaskClient, **typed: str):
    """What the page asks where the collectivity is there."""
    token = token_in(client.get(PAGE).get_data(as_text=True))
    return client.post(PAGE, data={name: TYPED[name] for name in PERSON} | {"csrf_token": token, **typed})


def test_a_collectivity_that_nobody_administers_is_given_an_administrator_and_no_second_one_opens(
    left: House,
) -> None:
    address, client = link(left), left.client()
    page = client.get(PAGE).get_data(as_text=True)
    assert "Administrer Kerlann-sur-Mer" in page
    assert 'name="siren"' not in page
    with reading() as db:
        before = db.scalar(sa.select(sa.func.count(Collectivity.id)))
    done = enter(client, code=address, siren=TYPED["siren"], name="Trégavan")  # what is not asked is not read
    assert done.status_code == 302, done.get_data(as_text=True)
    login = client.get("/login").get_data(as_text=True)
    inside = client.post(
        "/login",
        data={"csrf_token": token_in(login), "login": "y.ledantec", "password": TYPED["password"]},
    )
    assert inside.status_code == 302
    assert "Bureau du maire" in client.get("/administration/bureaux").get_data(as_text=True)
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count(Collectivity.id))) == before
        here = db.scalar(sa.select(User.collectivity_id).where(User.login == "y.ledantec"))
        assert here is not None
    with reading() as db:
        assert verify(db, here)[1] is None
    assert left.client().get(PAGE).status_code == 409
    assert "déjà ouverte" in left.app.test_cli_runner().invoke(args=["setup-link"]).output


def test_of_several_that_nobody_administers_the_command_is_told_which(left: House) -> None:
    desks.create_collectivity(
        "213500010", "Trégavan", department="035", district="1", nature="31", settings={}
    )
    runner = left.app.test_cli_runner()
    which = runner.invoke(args=["setup-link"])
    assert (which.exit_code, "213500010 (Trégavan)" in which.output) == (1, True)
    assert "setup-link --siren" in runner.invoke(args=["upgrade"]).output
    told = runner.invoke(args=["setup-link", "--siren", "213500010"])
    address = re.findall(r"https?://\S+", told.output)[0]
    assert "Trégavan" in told.output
    page = left.client().get(PAGE).get_data(as_text=True)
    assert "Kerlann" not in page.partition("<main")[2]  # nobody is told which ones they are
    assert enter(left.client(), code=address).status_code == 302
    with reading() as db:
        whose = sa.select(Collectivity.name).join(User, User.collectivity_id == Collectivity.id)
        assert db.scalar(whose.where(User.login == "y.ledantec")) == "Trégavan"
    # That one is administered; the other still waits for its own link
    assert enter(left.client(), code=address, login="autre").status_code == 403
    with pytest.raises(Refusal, match="setup-done"):
        links.draw("213500010")
    assert "Kerlann" in runner.invoke(args=["setup-link"]).output


def test_a_link_that_would_open_a_collectivity_opens_none_once_one_is_there(new: House) -> None:
    address = link(new)
    desks.create_collectivity(
        "213500010", "Trégavan", department="035", district="1", nature="31", settings={}
    )
    refused = enter(new.client(), code=address)
    assert (refused.status_code, "setup-link" in refused.get_data(as_text=True)) == (403, True)
    assert enter(new.client(), code=link(new)).status_code == 302
