"""A commune under 3,500 inhabitants publishes by posting or on paper where its council so chose (CGCT L2131-1, IV)."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.core.clock import today
from app.core.db import reading
from app.folders.models import Publication
from app.journal.models import JournalEntry
from tests.builders.house import House
from tests.publication.test_waiting import listed
from tests.publication.town import address

pytestmark = pytest.mark.in_turn

PAGE = "/administration/publication"
ADMINISTRATOR, CLERK = "k.morizur", "k.morizur"
CHOSEN = {"means": "posted", "deliberation": "2026-031", "population": "1 240"}


def choose(house: House, **changes: str):
    client = house.client(ADMINISTRATOR)
    typed = {**CHOSEN, "decided_on": (today() - timedelta(days=90)).isoformat(), **changes}
    return client.post(PAGE, data={"csrf_token": house.csrf(client), **typed})


def seen(client: FlaskClient, where: str) -> str:
    return " ".join(
        client.get(where).get_data(as_text=True).replace("\u202f", " ").replace("\xa0", " ").split()
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"population": "3500"}, "seule une commune de moins de 3 500 habitants"),
        ({"population": ""}, "seule une commune de moins de 3 500 habitants"),
        ({"population": "beaucoup"}, "seule une commune de moins de 3 500 habitants"),
        ({"deliberation": " "}, "donnez le numéro et la date de la délibération"),
        ({"decided_on": ""}, "donnez le numéro et la date de la délibération"),
        ({"decided_on": "2999-01-01"}, "donnez le numéro et la date de la délibération"),
        ({"means": "tambour"}, "choisissez un mode de publicité"),
        ({"means": "notified"}, "choisissez un mode de publicité"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.law("PUB-02")
def test_a_choice_that_the_law_does_not_leave_changes_nothing(house: House, changes, words) -> None:
    answer = choose(house, **changes)
    assert answer.status_code == 422
    assert words in answer.get_data(as_text=True).replace("\u202f", " ").replace("\xa0", " ")
    assert "Aujourd’hui : Publication en ligne" in seen(house.client(ADMINISTRATOR), PAGE)
    with reading() as db:
        assert not db.query(JournalEntry).filter_by(event="collectivity.publication").count()


@pytest.mark.parametrize(
    ("means", "done", "asked"),
    [
        ("posted", "Affiché le", "Jour de l’affichage à la mairie."),
        ("paper", "Publié sur papier le", "tenu à la disposition du public, sur papier"),
    ],
)
@pytest.mark.law("PUB-02")
def test_an_act_is_then_enforceable_from_its_posting_and_never_online(
    house: House, means: str, done: str, asked: str
) -> None:
    before = house.a_deliberation(at="done", number="2026-101")
    assert choose(house, means=means).status_code == 302
    act = house.a_deliberation(at="publication", number="2026-102")
    client = house.client(CLERK)
    page = seen(client, f"/dossiers/{act}")
    assert asked in page
    assert "par choix du conseil (délibération 2026-031)" in page
    sheet = seen(client, f"/dossiers/{act}/publication")
    assert "il n’y a rien à préparer ici" in sheet
    assert "mettra en ligne" not in sheet
    assert (act, "À publier") in listed(house)
    on = house.publish(act)
    assert on == today()
    with reading() as db:
        assert [db.get_one(Publication, one).means for one in (before, act)] == ["online", means]
    assert listed(house) == []
    for where in (f"/dossiers/{act}?onglet=details", f"/dossiers/{act}/prefecture"):
        assert done in seen(client, where)
        assert "En ligne au moins" not in seen(client, where)
    assert f"{done} " in seen(client, f"/dossiers/{act}/publication")
    assert client.get(f"/dossiers/{act}/certificat-executoire").status_code == 200
    assert "Exécutoire le" in seen(client, f"/dossiers/{act}")
    visitor = house.client()
    assert "2026_102" not in seen(visitor, "/actes/kerlann-sur-mer")
    assert visitor.get(address(before)).status_code == 200  # what was online stays there
    assert choose(house, means="online", deliberation="", population="", decided_on="").status_code == 302
    later = house.a_deliberation(at="done", number="2026-103")
    assert visitor.get(address(later)).status_code == 200


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_only_an_administrator_chooses(house: House) -> None:
    client = house.client("g.trehorel")
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, data={"csrf_token": house.csrf(client), **CHOSEN}).status_code == 403
