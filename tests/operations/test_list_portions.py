"""A list of people that is written by portions: none of them stops what the whole list would not."""

import base64
import zlib

import pytest

from app.core.db import reading
from app.core.refusals import Refusal
from app.operations.persons import importing, web
from app.people import desks
from tests.builders.house import House, token_in
from tests.operations.test_folder_types import words
from tests.operations.test_people_and_desks import user
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
K, R, T = "k.morizur", "r.pellenec", "t.lescoat"
HEAD = "Prénom;Nom;Courriel;Identifiant;Qualité;Bureau;Droits\n"
LOSES = "Ronan;Pellenec;r.pellenec@kerlann-sur-mer.example;r.pellenec;Services techniques;technique;déposer\n"
GAINS = "Enora;Quemener;e.quemener@x.example;e.quemener;Agente;technique;viser\n"
ECRIRE = "/administration/personnes/importer/ecrire"


def others(count: int) -> list[str]:
    return [f"Mona;Test{'abcdefgh'[n]};m{n}@x.example;m.test{n};Agente;;\n" for n in range(count)]


def write(house: House, content: bytes) -> str:
    """One click on « Écrire », as the page that was shown posts it."""
    with reading(house.actor(K).collectivity_id) as db:
        plan = importing.plan(db, house.actor(K).collectivity_id, content)
    client = house.client(K)
    form = {
        "csrf_token": house.csrf(client),
        "packed": base64.b64encode(zlib.compress(content)).decode(),
        "mark": plan.mark,
        "encoding": plan.reading.encoding,
        "separator": plan.reading.separator,
    }
    answer = client.post(ECRIRE, data=form, follow_redirects=True)
    assert token_in(answer.get_data(as_text=True))
    return words(answer)


def test_who_loses_something_is_written_after_all_who_only_gain(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "AT_ONCE", 3)
    folder_id = house.an_invoice()
    content = (HEAD + LOSES + "".join(others(3)) + GAINS).encode()
    with reading(house.actor(K).collectivity_id) as db:
        assert not importing.plan(db, house.actor(K).collectivity_id, content).stops
    assert "Il en reste 2 à écrire." in write(house, content)
    # Whoever stops here has stopped nothing
    assert user("m.test0").active
    write(house, content)
    write(house, content)
    assert user("e.quemener").active
    with pytest.raises(Refusal):
        house.approve(folder_id, R)


def test_a_list_that_is_stopped_after_its_first_portion_leaves_its_folder_to_somebody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "AT_ONCE", 3)
    folder_id = house.an_invoice()
    write(house, (HEAD + LOSES + "".join(others(3)) + GAINS).encode())
    house.approve(folder_id, R)
    assert house.folder(folder_id).place != "service_done"


def test_losses_of_which_so_many_alone_would_stop_something_are_written_together(
    house: House,
) -> None:
    here = house.actor(K).collectivity_id
    house.an_invoice()
    desks.seat(here, "finances", T, [Right.ACT])
    who = user(T)
    lines = [
        LOSES,
        f"{who.first_name};{who.last_name};{who.email};{T};{who.capacity};finances;déposer\n",
        f"{who.first_name};{who.last_name};{who.email};{T};{who.capacity};technique;viser\n",
    ]
    with reading(here) as db:
        plan = importing.plan(db, here, (HEAD + "".join(lines)).encode())
        assert [entry.arrival.login for entry in plan.to_do] == [R, T]
        assert all(entry.loses for entry in plan.to_do)
        assert importing.portion(db, here, plan, 1) == plan.to_do
        assert importing.portion(db, here, plan, 2) == plan.to_do
