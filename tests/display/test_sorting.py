"""« À traiter » in the order that its reader asks for: nothing is left out of it, nothing twice."""

import html
import re

import pytest

from app.core.db import reading, writing
from app.display import queues, sorting
from app.folders.models import Folder
from tests.builders.house import House

pytestmark = pytest.mark.in_turn
N = "n.abgrallec"


def numbers(house: House, address: str) -> list[int]:
    """The folders that a page of the list shows, in its order."""
    page = house.client(N).get(address).get_data(as_text=True)
    return [int(one) for one in re.findall(r'class="ftitle" href="/dossiers/(\d+)"', page)]


@pytest.fixture
def three(house: House) -> list[int]:
    """Three invoices that await the same person: of 900 €, of 12 000,50 €, and one without an amount."""
    every = [house.a_quick_invoice() for _ in range(3)]
    with writing() as db, db.begin():
        for number, cents in zip(every, (90_000, 1_200_050, None), strict=True):
            db.get_one(Folder, number).amount_cents = cents
    return every


def test_each_order_shows_every_folder_once(house: House, three: list[int]) -> None:
    first, largest, least = three
    assert set(numbers(house, "/a-traiter")) == set(three)
    assert numbers(house, "/a-traiter?tri=montant") == [largest, first, least]
    assert numbers(house, "/a-traiter?tri=arrivee") == [least, largest, first]
    assert set(numbers(house, "/a-traiter?tri=type")) == set(three)
    assert numbers(house, "/a-traiter?tri=rien") == numbers(house, "/a-traiter")
    page = html.unescape(house.client(N).get("/a-traiter?tri=montant").get_data(as_text=True))
    assert "Du plus grand montant au plus petit, 3" in page
    assert re.search(r'href="/a-traiter\?tri=montant" aria-current="true">Montant', page)


@pytest.mark.parametrize("order", sorting.ORDERS)
def test_pages_of_an_order_follow_one_another_and_bad_keys_begin_again(
    house: House, three: list[int], order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "PAGE", 1)
    actor = house.actor(N)
    seen, after = [], None
    with reading(actor.collectivity_id) as db:
        while True:
            lines, cut = sorting.todo(db, actor, order, tray="todo", family=None, only="", after=after)
            assert not cut
            seen.append(lines[0].id)
            if len(lines) < 2:
                break
            after = lines[0].key
        assert sorted(seen) == sorted(three)
        for bad in ("", "x", "[[1]]", '["é"]', "[null]", "{}", "[" * 900):
            lines, _ = sorting.todo(db, actor, order, tray="todo", family=None, only="", after=bad)
            assert lines[0].id == seen[0], bad


def test_a_view_keeps_the_order(house: House, three: list[int]) -> None:
    client = house.client(N)
    page = client.get("/vues/nouvelle?page=inbox&tri=montant").get_data(as_text=True)
    assert "du plus grand montant au plus petit" in html.unescape(page)
