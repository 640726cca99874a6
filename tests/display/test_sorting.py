"""« À traiter » in the order that its reader asks for: nothing is left out of it, nothing twice."""

import html
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.arrivals.models import Arrival
from app.core.clock import today
from app.core.db import reading, writing
from app.display import queues, sorting
from app.folders.models import Folder
from tests.arrivals.test_arrivals import bring, sorted_at
from tests.builders.house import INVOICE, House

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


def test_drafts_stand_by_the_deadline_that_runs_already_and_say_by_which_way_they_came(house: House) -> None:
    sorted_at(house)
    first, last = bring(house, "1", INVOICE), bring(house, "2", INVOICE)
    house.drain()
    with reading() as db:
        drafts = {row.id: row.folder_id for row in db.scalars(sa.select(Arrival))}
    early, late = drafts[first.id], drafts[last.id]
    with writing() as db, db.begin():
        folder = db.get_one(Folder, late)
        folder.fields = {**folder.fields, "received_on": (today() - timedelta(days=18)).isoformat()}
    client = house.client("r.pellenec")

    def order(address: str) -> list[int]:
        page = client.get(address).get_data(as_text=True)
        return [int(one) for one in re.findall(r'class="ftitle" href="/dossiers/(\d+)/brouillon"', page)]

    assert order("/a-traiter?bannette=drafts") == [late, early]
    with writing() as db, db.begin():
        folder = db.get_one(Folder, early)
        folder.fields = {**folder.fields, "received_on": (today() - timedelta(days=30)).isoformat()}
    assert order("/a-traiter?bannette=drafts&tri=echeance") == [early, late]
    page = html.unescape(client.get("/a-traiter?bannette=drafts&tri=echeance").get_data(as_text=True))
    page = " ".join(page.replace("\u00a0", " ").replace("\u202f", " ").split())
    assert "Par échéance, 2 dossiers" in page
    assert "10 jours de retard" in page  # twenty days are the commune's
    assert "Reste 2 jours" in page
    assert re.search(r"arrivé le \S+ \d+ \S+, Chorus Pro, facture 2", page)
    draft = client.get(f"/dossiers/{early}/brouillon").get_data(as_text=True)
    assert re.search(rf'data-key="j"\s+href="/dossiers/{late}/brouillon"', draft)
    assert re.search(r'value="submit-next"\s+data-key="a"', draft)
    assert "Déposer un dossier</h1>" not in draft
    view = client.get("/vues/nouvelle?page=inbox&bannette=drafts&tri=echeance").get_data(as_text=True)
    assert "par échéance" in html.unescape(view)


def test_a_view_keeps_the_order(house: House, three: list[int]) -> None:
    client = house.client(N)
    page = client.get("/vues/nouvelle?page=inbox&tri=montant").get_data(as_text=True)
    assert "du plus grand montant au plus petit" in html.unescape(page)
