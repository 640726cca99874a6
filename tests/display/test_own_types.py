"""A type of the commune's own is asked for by its name where a family is: the chips of « À traiter » and the list of « Suivi »."""

import html
import re

import pytest

from app.folders import sending
from tests.builders.house import INVOICE, House
from tests.operations.test_folder_types import RECEIVED, made
from workflows.family import families

pytestmark = pytest.mark.in_turn
G, R, K = "g.trehorel", "r.pellenec", "k.morizur"
ENERGY = "invoice.facture-d-energie"


def seen(house: House, login: str, address: str) -> tuple[set[int], dict[str, str]]:
    """The folders that a page lists, and what it may be asked for, by the name that goes in the address."""
    page = house.client(login).get(address).get_data(as_text=True)
    listed = {int(one) for one in re.findall(r'href="/dossiers/([0-9]+)(?:/brouillon)?"', page)}
    options = re.findall(r'<option value="([^"]+)"[^>]*>([^<]+)</option>', page)
    chips = re.findall(r'href="/a-traiter\?famille=([^"&]+)".*?>(.*?)</a>', page, re.DOTALL)
    return listed, {
        name: " ".join(html.unescape(re.sub("<[^>]+>", " ", words)).split())
        for name, words in (*options, *chips)
    }


def sent(house: House) -> int:
    folder_id = house.deposit(G, "facture-d-energie", INVOICE)
    house.save(folder_id, G, RECEIVED)
    sending.send(house.actor(G), folder_id, version=house.folder(folder_id).version)
    return folder_id


def test_what_awaits_and_what_is_followed_is_asked_for_by_the_name_of_a_type(house: House) -> None:
    made(house)
    energy = sent(house)
    _, chips = seen(house, R, "/a-traiter")
    assert "invoice" not in chips, "nothing awaits under that name"
    assert chips[ENERGY].startswith("Facture d’énergie")
    assert chips[ENERGY].endswith("1")
    plain = house.an_invoice()
    _, chips = seen(house, R, "/a-traiter")
    assert chips["invoice"].endswith("2")
    assert chips[ENERGY].endswith("1")
    assert seen(house, R, f"/a-traiter?famille={ENERGY}")[0] == {energy}
    assert seen(house, R, "/a-traiter?famille=invoice")[0] == {energy, plain}
    listed, offered = seen(house, R, "/suivi")
    assert listed == {energy, plain}
    assert offered[ENERGY] == "Facture d’énergie"
    for state in ("", "running"):
        assert seen(house, R, f"/suivi?famille={ENERGY}&etat={state}")[0] == {energy}
    assert seen(house, R, "/suivi?famille=invoice.inconnu&etat=")[0] == set()


def test_a_type_whose_reading_is_closed_is_named_to_who_reads_one_or_deposits_it_alone(house: House) -> None:
    made(house, visibility="restricted", deposited_by=["comptabilite"])
    assert ENERGY in seen(house, G, "/suivi")[1]
    assert ENERGY not in seen(house, R, "/suivi")[1]
    sent(house)
    assert ENERGY in seen(house, R, "/suivi")[1], "the folder waits for the visa of the desk"
    assert ENERGY not in seen(house, K, "/suivi")[1]


def test_the_types_are_in_one_order_on_every_page(house: House) -> None:
    """That of what a town hall deposits most: the list of Suivi, circuits, a rehearsal, an absence, a mandate."""
    every = list(families().values())
    client = house.client("k.morizur")

    def told(path: str, names: list[str]) -> list[str]:
        page = client.get(path).get_data(as_text=True)
        main = page[page.index("<main") :]
        places = {name: main.find(name) for name in names}
        return sorted((name for name, place in places.items() if place >= 0), key=places.__getitem__)

    for path, names in (
        ("/suivi", [f'<option value="{one.name}"' for one in every]),
        ("/circuits/essai", [f'<option value="{one.name}"' for one in every]),
        ("/circuits", [f'href="/circuits/{one.name}"' for one in every]),
        ("/administration/mandats", [f'value="{one.name}"' for one in every]),
        ("/absences", [f'value="{one.name}"' for one in every]),
    ):
        shown = told(path, names)
        assert len(shown) > 5, path
        assert shown == [name for name in names if name in shown], path
