"""« À traiter » and « Suivi » in the order that its reader asks for: nothing is left out of it, nothing twice."""

import html
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.arrivals.models import Arrival
from app.core.clock import today
from app.core.db import NO_DATE, reading, writing
from app.display import following, queues, searching, sorting
from app.folders.models import Folder, StepRun
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


def test_no_amount_is_compared_with_one_of_another_currency(house: House, three: list[int]) -> None:
    first, largest, least = three
    abroad = house.a_quick_invoice()
    with writing() as db, db.begin():
        folder = db.get_one(Folder, abroad)
        folder.amount_cents, folder.fields = 99_000_000, {**folder.fields, "currency": "JPY"}
    assert numbers(house, "/a-traiter?tri=montant") == [largest, first, abroad, least]


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


def test_a_list_tells_the_rank_of_its_first_folder_and_its_total_only_where_it_knows_them(
    house: House, three: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(three) == 3

    def ranks(address: str, login: str = "g.trehorel") -> str:
        (said,) = re.findall(r'data-list="([^"]*)"', house.client(login).get(address).get_data(as_text=True))
        return str(said)

    every = ("/a-traiter?bannette=running", "/suivi?etat=running", "/recherche?q=facture")
    assert [ranks(one) for one in every] == ["1 3"] * 3
    assert ranks("/a-traiter?tri=montant", N) == "1 3"
    monkeypatch.setattr(queues, "PAGE", 1)
    monkeypatch.setattr(following, "PAGE", 1)
    monkeypatch.setattr(searching, "HITS", 1)
    assert [ranks(one) for one in every] == ["1 3", "", "1 3"]
    assert ranks("/a-traiter?tri=montant", N) == ""

    def more(address: str) -> str:
        page = house.client("g.trehorel").get(address).get_data(as_text=True)
        (link,) = re.findall(r'<a [^>]*rel="next"[^>]*>', page)
        return html.unescape(link.partition('href="')[2].partition('"')[0])

    assert [ranks(more(one)) for one in every] == ["", "", "2 3"]


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
    draft = client.get(f"/dossiers/{late}/brouillon").get_data(as_text=True)
    assert re.search(rf'data-key="j"\s+href="/dossiers/{early}/brouillon"', draft)
    assert re.search(r'value="submit-next"\s+data-key="a"', draft)
    assert "Déposer un dossier</h1>" not in draft
    view = client.get("/vues/nouvelle?page=inbox&bannette=drafts&tri=echeance").get_data(as_text=True)
    assert "par échéance" in html.unescape(view)


def test_a_view_keeps_the_order(house: House, three: list[int]) -> None:
    client = house.client(N)
    page = client.get("/vues/nouvelle?page=inbox&tri=montant").get_data(as_text=True)
    assert "du plus grand montant au plus petit" in html.unescape(page)


@pytest.fixture
def pressed(house: House) -> list[int]:
    """Four invoices under way, in the order in which they press: one that is late at its step alone comes before its own day."""
    late, second, third, never = (house.a_quick_invoice() for _ in range(4))
    own = {late: 40, second: 2, third: 30, never: None}
    step = {late: -1, second: 2, third: 1, never: None}
    folders, runs = Folder.__table__, StepRun.__table__
    with writing() as db, db.begin():
        for number in (late, second, third, never):
            day, of_step = (
                today() + timedelta(days=left) if left is not None else NO_DATE
                for left in (own[number], step[number])
            )
            db.execute(sa.update(folders).where(folders.c.id == number).values(due_on=day))
            waits = sa.and_(runs.c.folder_id == number, runs.c.state == "active")
            db.execute(sa.update(runs).where(waits).values(due_on=of_step))
    return [late, second, third, never]


def followed(house: House, address: str) -> list[int]:
    page = house.client(N).get(address).get_data(as_text=True)
    return [int(one) for one in re.findall(r'data-th="Dossier"><a href="/dossiers/(\d+)"', page)]


@pytest.mark.parametrize("few", [1_000, -1])
def test_the_follow_up_list_has_the_most_pressing_first_and_other_orders_in_its_address(
    house: House, pressed: list[int], few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "FEW", few)  # who reads few folders, and who reads many
    assert followed(house, "/suivi") == followed(house, "/suivi?etat=running&tri=rien") == pressed
    by_number = sorted(pressed)
    assert followed(house, "/suivi?tri=anciens") == by_number
    assert (
        followed(house, "/suivi?tri=depot") == followed(house, "/suivi?etat=&tri=echeance") == by_number[::-1]
    )
    assert followed(house, "/suivi?etat=&tri=anciens") == by_number
    page = html.unescape(house.client(N).get("/suivi?tri=depot").get_data(as_text=True))
    assert "4 dossiers en cours, les plus récents d’abord" in page.replace("\xa0", " ")
    assert re.search(r'<option value="depot" selected>Les plus récents d’abord', page)
    assert re.search(r'href="/suivi\.csv\?famille=&etat=running&tri=depot"', page)
    # What is shown as chosen is what is asked of another state, where it has that order, and the line says the same
    for state in ("running", "done", ""):
        page = house.client(N).get(f"/suivi?etat={state}").text
        (chosen,) = re.findall(r'<option value="(\w+)" selected>[^<]*d’abord', page)
        page = house.client(N).get(f"/suivi?etat=running&tri={chosen}").text
        ((again, label),) = re.findall(r'<option value="(\w+)" selected>([^<]*d’abord)', page)
        assert again == chosen
        assert f"4 dossiers en cours, {label.lower()}" in html.unescape(page).replace("\xa0", " ")
    monkeypatch.setattr(following, "PAGE", 1)
    for order, expected in (("", pressed), ("anciens", by_number), ("depot", by_number[::-1])):
        address, seen = f"/suivi?etat=running&tri={order}", list[int]()
        for _ in pressed:
            seen += followed(house, address)
            page = html.unescape(house.client(N).get(address).get_data(as_text=True))
            more = re.search(r'href="(/suivi\?[^"]+apres=[^"]+)"', page)
            address = more[1] if more else ""
        assert (seen, address) == (expected, "")
        lines = (
            house.client(N).get(f"/suivi.csv?etat=running&tri={order}").get_data(as_text=True).splitlines()
        )
        assert [int(one.partition(";")[0].strip('"')) for one in lines[1:]] == expected
    for bad in ("x", "2026-13-45.3", ".", "2026-01-01.", "12"):
        assert followed(house, f"/suivi?apres={bad}") == pressed[:1], bad


def test_a_view_of_the_follow_up_list_keeps_its_order_and_no_other(house: House) -> None:
    client = house.client(N)
    page = client.get("/vues/nouvelle?page=follow&etat=running&tri=depot").get_data(as_text=True)
    assert "les plus récents d’abord" in html.unescape(page)
    assert client.get("/vues/nouvelle?page=follow&etat=done&tri=echeance").status_code == 422
