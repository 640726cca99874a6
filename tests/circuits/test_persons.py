"""A circuit may name somebody, by login: he alone acts there; never where one signs, which a mandate is checked for."""

import pytest

from app.circuits import drafting, library
from app.circuits.drafting import draft_of
from app.core.clock import today
from app.core.db import reading
from app.core.refusals import Refusal
from app.folders import decide
from app.folders.models import Folder
from app.folders.rehearsal import again, rehearse
from app.folders.route import route_of
from app.people import desks
from app.transmission.settings import names as channels
from tests.builders import circuits
from tests.builders.house import House
from tests.circuits.test_editor import press, words
from workflows.family import family
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
K, N, R = "k.morizur", "n.abgrallec", "r.pellenec"
AT = "/circuits/invoice?etape=finance"


def here(house: House) -> int:
    return house.actor(K).collectivity_id


def named(house: House, *logins: str, quorum: str | int = "all") -> None:
    data = family("invoice").circuit.to_data()
    step = next(one for one in data["steps"] if one["key"] == "finance")
    step["who"], step["quorum"] = [{"person": one} for one in logins], quorum
    circuits.publish(house.actor(K), "invoice", library.as_yaml(data))


def test_who_is_named_acts_and_no_colleague_in_his_place(house: House) -> None:
    desks.seat(here(house), "finances", R, [Right.ACT])
    named(house, N)
    folder_id = house.an_invoice("service_done")
    with reading(here(house)) as db:
        folder = db.get_one(Folder, folder_id)
        way = rehearse(db, again(folder), route_of(db, folder).circuit, today())
    stage = next(one for one in way.stages if one.step.key == "finance")
    assert [one.label for one in stage.slots] == ["Nolwenn Abgrallec"]
    house.approve(folder_id, R)
    assert house.folder(folder_id).place == "finance"
    with pytest.raises(Refusal, match="acted-already|not-your-turn"):
        decide.approve(house.actor(R), folder_id, version=house.folder(folder_id).version)
    house.approve(folder_id, N)
    assert house.folder(folder_id).place == "bon_a_payer"


def test_two_of_three_by_name_or_by_desk_are_written_without_a_pointer(house: House) -> None:
    """Each choice is a list and a button of a form, which the keyboard reaches as it does any other."""
    client = house.client(K)
    page = words(press(client, "addwho", AT, who_add=f"person:{R}"))
    assert "Nommément" in page
    press(client, "addwho", AT, who_add="desk:direction")
    page = words(press(client, "save", AT, quorum="n", quorum_n="2"))
    assert "2 sur 3" in page
    with reading(here(house)) as db:
        draft = draft_of(db, here(house), "invoice")
    step = next(one for one in draft.definition["steps"] if one["key"] == "finance")
    assert (step["who"][1:], step["quorum"]) == ([{"person": R}, {"desk": "direction"}], 2)
    seen = draft.version
    assert drafting.publish_draft(house.actor(K), "invoice", seen, 0, channels()) == 1
    folder_id = house.an_invoice("finance")
    house.approve(folder_id, N)
    assert house.folder(folder_id).place == "finance"
    house.approve(folder_id, R)
    assert house.folder(folder_id).place != "finance"
    told = words(house.client(K).get("/circuits/invoice"))
    assert "Ronan Pellenec" in told


def test_nobody_is_named_who_could_not_act_nor_to_sign(house: House) -> None:
    client = house.client(K)
    page = words(press(client, "addwho", AT, who_add="person:m.kerzerho"))
    assert "n’a à aucun bureau le droit de viser" in page
    for login, key in (("personne.ici", "circuit-unready"), ("sans compte", "circuit-invalid")):
        data = family("invoice").circuit.to_data()
        data["steps"][0]["who"] = [{"person": login}]
        with pytest.raises(Refusal, match=key):
            circuits.publish(house.actor(K), "invoice", library.as_yaml(data))
    signing = words(client.get("/circuits/invoice?etape=bon_a_payer"))
    assert "Quelqu’un, nommément" not in signing


def test_closing_an_account_says_the_steps_that_name_it(house: House) -> None:
    named(house, N)
    user_id = house.actor(N).user_id
    page = words(house.client(K).get(f"/administration/personnes/{user_id}/fermer"))
    assert "L’étape « Contrôle des finances » du circuit « Factures » la nomme" in page
