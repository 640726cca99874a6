"""Long lists of people and desks: a page holds the beginning, words find the others, and nobody sees those of another commune."""

import re
from collections.abc import Iterator

import pytest

from app.core.db import reading
from app.core.transaction import use_case
from app.people import choosing
from app.people import desks as people
from app.people.models import Desk, User
from tests.builders.house import House

pytestmark = pytest.mark.in_turn
K = "k.morizur"


@use_case
def many(db, collectivity_id: int, people: int, desks: int, named: str = "Service") -> None:
    """So many accounts more, the last of an accented name, and so many desks under the first one."""
    top = db.query(Desk.id).filter(Desk.collectivity_id == collectivity_id).order_by(Desk.id).first()
    for number in range(people):
        last = "Éloïse-Zéphyr" if number == people - 1 else f"Zimmer{number:03}"
        db.add(
            User(
                collectivity_id=collectivity_id,
                login=f"agent{collectivity_id}_{number}",
                email=f"agent{number}@kerlann.example.org",
                first_name="Ana",
                last_name=last,
                capacity="Agente",
                created_at=db.query(User.created_at).first()[0],
            )
        )
    for number in range(desks):
        db.add(
            Desk(
                collectivity_id=collectivity_id,
                key=f"{named.lower()}-{number}",
                name=f"{named} {number:03}",
                parent_id=top[0] if top else None,
            )
        )


@pytest.fixture
def crowd(house: House) -> Iterator[House]:
    many(house.actor(K).collectivity_id, choosing.SHOWN + 5, choosing.SHOWN + 5)
    return house


def options(page: str, name: str) -> list[str]:
    select = re.search(rf'<select[^>]*name="{name}".*?</select>', page, re.DOTALL)
    assert select
    return re.findall(r'<option value="([^"]+)"', select[0])


def test_a_page_holds_the_beginning_of_a_long_list_and_the_whole_of_it_on_demand(crowd: House) -> None:
    client = crowd.client(K)
    page = client.get("/administration/mandats").get_data(as_text=True)
    assert len(options(page, "person")) == choosing.BEGINNING
    assert 'data-from="/administration/choix/personnes"' in page
    whole = client.get("/administration/mandats?liste=entiere").get_data(as_text=True)
    assert len(options(whole, "person")) > choosing.SHOWN + 5
    assert "data-from" not in whole


def test_what_was_chosen_stays_in_the_list_when_the_form_is_refused(crowd: House) -> None:
    last = crowd.actor(f"agent{crowd.actor(K).collectivity_id}_{choosing.SHOWN}").user_id
    client = crowd.client(K)
    form = {"person": str(last), "kind": "mayor", "csrf_token": crowd.csrf(client)}
    answer = client.post("/administration/mandats", data=form)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert f'<option value="{last}" selected>' in page


def test_a_list_is_in_one_order_whoever_is_chosen(house: House) -> None:
    here = house.actor(K).collectivity_id
    with reading(here) as db:
        everybody = choosing.people(db, here).options
        assert len(everybody) > 5
        for number, _ in everybody:
            assert choosing.people(db, here, chosen=int(number)).options == everybody


def test_words_find_a_person_and_a_desk_accents_apart_and_say_when_there_are_more(crowd: House) -> None:
    client = crowd.client(K)
    answer = client.get("/administration/choix/personnes?q=eloise zephyr").json
    assert [label for _, label in answer["options"]] == ["Ana Éloïse-Zéphyr, agente (compte jamais ouvert)"]
    assert not answer["more"]
    several = client.get("/administration/choix/personnes?q=agente").json
    assert len(several["options"]) == choosing.SHOWN
    assert several["more"]
    desks = client.get("/administration/choix/bureaux?q=service 007&cles=1").json
    assert [value for value, _ in desks["options"]] == ["service-7"]
    assert client.get("/administration/choix/bureaux?q=introuvable").json == {"options": [], "more": False}


def test_those_of_another_commune_are_never_offered(crowd: House) -> None:
    here = crowd.actor(K).collectivity_id
    there = people.create_collectivity(
        "212902012", "Roz-Avel", department="029", district="1", nature="31", settings={}
    )
    assert there != here
    many(there, 3, 3)
    with reading() as db:
        others = {str(one.id) for one in db.query(User).filter(User.collectivity_id == there)}
    assert len(others) == 3
    client = crowd.client(K)
    for words in ("", "a", "e"):
        found = client.get(f"/administration/choix/personnes?q={words}").json["options"]
        assert not others & {value for value, _ in found}


def test_connections_are_listed_by_pages_and_found_by_words(crowd: House) -> None:
    client = crowd.client(K)
    where = "/administration/connexions"
    first, last = (client.get(f"{where}?page={page}").get_data(as_text=True) for page in (1, 3))
    assert "Page 1 sur 3" in first
    assert "Éloïse-Zéphyr" in first  # in the order of names, accents apart
    assert "Zimmer043" not in first
    assert "Zimmer043" in last
    assert "Page 3 sur 3" in client.get(f"{where}?page=999").get_data(as_text=True)
    found = client.get(f"{where}?q=zephyr").get_data(as_text=True)
    assert "1 compte ouvert" in found
    assert "Ana Éloïse-Zéphyr" in found
    number = crowd.actor(f"agent{crowd.actor(K).collectivity_id}_1").user_id
    lost = client.get(f"{where}?perdu={number}").get_data(as_text=True)
    assert f'name="person" value="{number}"' in lost
    own = client.get(f"{where}?perdu={crowd.actor(K).user_id}").get_data(as_text=True)
    assert 'name="person"' not in own  # nobody asks for himself


def test_many_desks_are_listed_by_pages_and_found_by_words(crowd: House) -> None:
    client = crowd.client(K)
    many(crowd.actor(K).collectivity_id, 0, 20, named="Antenne")
    first = client.get("/administration/bureaux").get_data(as_text=True)
    assert "Page 1 sur " in first
    assert "Service 044" not in first
    found = client.get("/administration/bureaux?q=service 044").get_data(as_text=True)
    assert "Service 044" in found
    assert "Bureau du maire" in found  # where it stands
    assert ">1 bureau<" in found
    last = client.get("/administration/bureaux?page=999").get_data(as_text=True)
    assert "Page suivante" not in last
    assert "Page précédente" in last
    none = client.get("/administration/bureaux?q=introuvable").get_data(as_text=True)
    assert "Aucun bureau n’a ces mots" in none
    assert "Aucun bureau n’est ouvert" not in none


def test_a_desk_far_in_the_list_is_placed_and_held_by_whom_words_find(crowd: House) -> None:
    client = crowd.client(K)
    number = next(
        value for value, _ in client.get("/administration/choix/bureaux?q=service 044").json["options"]
    )
    page = client.get(f"/administration/bureaux/{number}").get_data(as_text=True)
    assert len(options(page, "added")) == choosing.BEGINNING


def test_whoever_does_not_administer_is_given_nothing(crowd: House) -> None:
    answer = crowd.client("g.trehorel").get("/administration/choix/personnes?q=a")
    assert answer.status_code == 403
    assert "Zimmer" not in answer.get_data(as_text=True)


def test_the_page_of_absences_looks_for_colleagues_and_says_no_login(crowd: House) -> None:
    client = crowd.client("g.trehorel")
    page = client.get("/absences").get_data(as_text=True)
    for name, what in (("interim", "interim"), ("secretariat", "secretariat")):
        assert len(options(page, name)) == choosing.BEGINNING
        assert f'data-from="/absences/choix/{what}"' in page
    assert 'name="pour"' not in page  # nobody else's absences are his to write
    assert (
        len(options(client.get("/absences?liste=entiere").get_data(as_text=True), "interim")) > choosing.SHOWN
    )
    found = client.get("/absences/choix/interim?q=eloise zephyr").json["options"]
    assert [label for _, label in found] == ["Ana Éloïse-Zéphyr, agente (compte jamais ouvert)"]
    assert (
        client.get(f"/absences/choix/interim?q=agent{crowd.actor(K).collectivity_id}_3").json["options"] == []
    )
    assert client.get("/absences/choix/absents?q=a").json["options"] == []
    assert client.get("/absences/choix/tous?q=a").status_code == 404
    administrator = crowd.client(K)
    page = administrator.get("/absences").get_data(as_text=True)
    assert options(page, "pour")[0] == str(crowd.actor(K).user_id)
    assert len(options(page, "pour")) == choosing.BEGINNING + 1
    assert administrator.get("/absences/choix/absents?q=eloise zephyr").json["options"] == found


def test_desks_come_each_after_its_superior_and_a_circle_loses_none() -> None:
    rows = [
        (1, None, "Maire"),
        (2, 1, "Finances"),
        (3, 1, "Direction"),
        (4, 3, "Voirie"),
        (5, 6, "A"),
        (6, 5, "B"),
    ]
    assert choosing.in_order(rows)[:4] == [(1, 0), (3, 1), (4, 2), (2, 1)]
    assert {number for number, _ in choosing.in_order(rows)} == {1, 2, 3, 4, 5, 6}
