"""Saved views: a list with its filters under a name, counted for who reads it, shared with a desk, and no secret in it."""

import json
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.core.clock import now
from app.core.db import engine, reading
from app.display import viewing
from app.folders import marks, saved_views
from app.folders.models import SavedView
from app.journal.models import JournalEntry
from app.people import desks
from tests.api.software import Software
from tests.builders.house import House
from tests.circuits.test_editor import words
from tests.display.test_folder_page import heard
from tests.operations.test_folder_types import made
from workflows.vocabulary import Right

G, R, N, T, K = "g.trehorel", "r.pellenec", "n.abgrallec", "t.lescoat", "k.morizur"


def save(house: House, login: str, name: str, desk: str = "", **asked: str) -> TestResponse:
    client = house.client(login)
    form = {"csrf_token": house.csrf(client), "name": name, "desk": desk, **asked}
    return client.post("/vues/nouvelle", data=form)


def number(name: str) -> tuple[int, int]:
    """The number of a view and its version."""
    with reading() as db:
        view = db.scalars(sa.select(SavedView).where(SavedView.name == name)).one()
        return view.id, view.version


def counted(house: House, login: str) -> dict[str, str]:
    """The views that somebody is led to, each with its count as the page asks it."""
    client = house.client(login)
    page = client.get("/suivi").get_data(as_text=True)
    names = {
        found[2]: " ".join(found[1].split())
        for found in re.finditer(
            r'</svg><span[^>]*>([^<]+)</span><span class="count" id="view-(\d+)" hidden', page
        )
    }
    counts = client.get("/vues/comptes").get_data(as_text=True)
    assert not re.search(r">[01]<span[^>]*> dossiers<", counts), "one folder is told as one"
    numbers = dict(re.findall(r'id="view-(\d+)"\s+hx-swap-oob="true">([^<]+)<', counts))
    assert set(numbers) == set(names)
    return {names[key]: count for key, count in numbers.items()}


def desk_of(house: House, login: str) -> str:
    return str(house.actor(login).seats[0].desk_id)


def test_a_list_is_saved_under_a_name_with_its_filters_and_led_to_beside_the_trays(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    house.a_deliberation(at="signatures")
    client = house.client(N)
    new = client.get("/vues/nouvelle?page=inbox&bannette=todo&famille=invoice&voir=non-lus")
    assert "À traiter, Factures, Non lus." in words(new)
    # What is typed first is its name, and no letter of it a verb
    assert re.search(r'<input[^>]*id="view-name"[^>]*autofocus', new.get_data(as_text=True))
    kept = save(
        house, N, "  Factures   à lire ", page="inbox", bannette="todo", famille="invoice", voir="non-lus"
    )
    assert kept.status_code == 302
    list_page = client.get(kept.headers["Location"])
    assert list_page.status_code == 200
    # The section, above and below, and the view: no tray
    assert list_page.get_data(as_text=True).count('aria-current="page">') == 3
    hidden = save(house, N, "Fac\u202etures", page="inbox", bannette="todo")
    assert (hidden.status_code, "un signe qui ne se voit pas" in words(hidden)) == (422, True)
    assert save(house, N, "\u200b", page="inbox", bannette="todo").status_code == 422
    assert save(house, N, "En cours", page="follow", famille="", etat="running").status_code == 302
    assert save(house, N, "Le fournisseur", page="search", q="facture", etat="running").status_code == 302
    assert counted(house, N)["Factures à lire"] == counted(house, N)["En cours"] == "1"
    client.get(f"/dossiers/{folder_id}")
    assert counted(house, N)["Factures à lire"] == "0"
    assert counted(house, T) == {}
    shown = words(client.get("/vues"))
    assert "Recherche « facture », En cours" in shown
    assert "Suivi, En cours" in shown

    again = save(house, N, "factures à lire", page="follow", famille="", etat="")
    assert (again.status_code, "vous avez déjà une vue « factures à lire »" in words(again)) == (422, True)
    assert 'value="factures à lire"' in again.get_data(as_text=True)
    for wrong in (
        {"page": "inbox", "bannette": "tout"},
        {"page": "inbox", "famille": "inconnue"},
        {"page": "inbox", "bannette": "running", "famille": "invoice"},
        {"page": "inbox", "bannette": "done", "voir": "non-lus"},
        {"page": "follow", "etat": "perdu"},
        {"page": "search", "q": ""},
        {"page": "search", "q": "facture", "annee": "hier"},
        {"page": "ailleurs"},
    ):
        refused = save(house, N, "Autre", **wrong)
        assert (refused.status_code, "un filtre de cette vue" in words(refused)) == (422, True), wrong


def test_a_view_is_shared_with_a_desk_and_changed_by_its_author_or_who_administers_the_desk(
    house: House,
) -> None:
    folder_id = house.an_invoice(at="finance")
    finances = desk_of(house, N)
    refused = save(house, N, "Finances", desk=desk_of(house, R), page="inbox", bannette="todo")
    assert (refused.status_code, "un bureau que l’on tient" in words(refused)) == (422, True)
    assert save(house, N, "Finances", desk=finances, page="inbox", bannette="todo").status_code == 302
    house.client(N).get(f"/dossiers/{folder_id}")
    marks.hide(house.actor(N), folder_id, now() + timedelta(days=1))
    assert (counted(house, N), counted(house, T)) == ({"Finances": "0"}, {"Finances": "1"})
    assert counted(house, R) == {}
    assert "partagée avec Direction des finances" in words(house.client(T).get("/a-traiter"))
    view, version = number("Finances")

    def change(login: str, name: str, shown: int, verb: str = "") -> TestResponse:
        client = house.client(login)
        form = {"csrf_token": house.csrf(client), "version": str(shown), "name": name, "desk": finances}
        return client.post(f"/vues/{view}{verb}", data=form)

    software = Software(house, "finances", [Right.ACT])
    (told,) = software.get("/views").get_json()["views"]
    assert told == {
        "id": view,
        "name": "Finances",
        "page": "inbox",
        "asked": {"bannette": "todo"},
        "count": "1",
    }
    assert Software(house, "technique", [Right.ACT]).get("/views").get_json() == {"views": []}
    assert "Modifier… « Finances »" in words(house.client(N).get("/vues"))
    assert "Modifier… «" not in words(house.client(T).get("/vues"))
    for login in (T, R):
        assert {
            change(login, "À moi", version).status_code,
            change(login, "", version, "/retirer").status_code,
        } == {404}
    assert "Finances" in words(house.client(K).get("/vues"))
    assert change(K, "Direction", version).status_code == 302
    late = change(N, "Autre nom", version)
    assert (late.status_code, "elle s’appelle « Direction »" in words(late)) == (409, True)
    assert 'value="Autre nom"' in late.get_data(as_text=True)
    assert change(N, "", version + 1).status_code == 422
    removed = change(N, "", version + 1, "/retirer")
    assert removed.status_code == 302
    assert counted(house, T) == {}
    # What others see of it is written: shared, renamed by another, taken away; what one has alone is not
    assert save(house, N, "Pour moi", page="inbox", bannette="todo").status_code == 302
    with reading() as db:
        query = (
            sa.select(JournalEntry).where(JournalEntry.event.startswith("view.")).order_by(JournalEntry.id)
        )
        lines = [(row.event, row.who, json.loads(row.facts)) for row in db.scalars(query)]
    assert [(event, facts["words"].replace("\u00a0", " ")) for event, _, facts in lines] == [
        ("view.shared", "« Finances »"),
        ("view.renamed", "« Direction » (avant : « Finances »)"),
        ("view.withdrawn", "« Direction »"),
    ]
    assert {facts["desk"] for _, _, facts in lines} == {"finances"}
    assert [who for _, who, _ in lines] == ["Nolwenn Abgrallec", "Katell Morizur", "Nolwenn Abgrallec"]
    told = words(house.client(K).get("/administration/journal"))
    assert "Vue partagée avec un bureau" in told
    assert "bureau Direction des finances" in told


def test_a_tray_that_is_asked_for_no_type_offers_no_view_of_one(house: House) -> None:
    folder_id = house.an_invoice()
    page = house.client(G).get("/a-traiter?bannette=running&famille=deliberation&voir=non-lus")
    listed = [
        f"/dossiers/{folder_id}" in page.get_data(as_text=True),
        "/vues/nouvelle" in page.get_data(as_text=True),
    ]
    assert listed == [True, False]
    # One that was kept before it was refused is called what it lists
    assert save(house, G, "Les miens", page="inbox", bannette="running").status_code == 302
    with engine().begin() as connection:
        former = {"bannette": "running", "famille": "deliberation", "voir": "non-lus"}
        connection.execute(sa.update(SavedView.__table__).values(asked=former))
    assert counted(house, G) == {"Les miens": "1"}
    shown = words(house.client(G).get("/vues"))
    assert ("En cours" in shown, "Délibérations" in shown, "Non lus" in shown) == (True, False, False)


def test_a_view_that_names_a_closed_type_tells_nothing_of_it(house: House) -> None:
    made(house, label="Enquête interne", visibility="desks", seen_at=["comptabilite"])
    desks.seat(house.actor(G).collectivity_id, "finances", G, [Right.ACT])
    kind = "invoice.enquete-interne"
    with reading() as db:
        assert kind in dict(viewing.types_told(db, house.actor(G)))
    finances = desk_of(house, T)
    closed = {"page": "follow", "famille": kind, "etat": ""}
    assert save(house, G, "Nos affaires", desk=finances, **closed).status_code == 302
    assert counted(house, G) == {"Nos affaires": "0"}
    assert counted(house, T) == {}
    for path in ("/vues", "/suivi", "/a-traiter", "/recherche"):
        page = house.client(T).get(path).get_data(as_text=True)
        assert not any(one in page for one in ("Nos affaires", "enquete-interne", "Enquête interne")), path
    unknown = save(house, T, "Le même", page="follow", famille="invoice.rien", etat="")
    refused = save(house, T, "Le même", **closed)
    assert (refused.status_code, words(refused)) == (unknown.status_code, words(unknown))


def test_lists_ask_one_question_more_for_views_however_many_and_counts_are_bounded(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = house.client(N)
    for _ in range(3):
        house.a_quick_invoice()
    save(house, N, "Une", page="follow", famille="", etat="running")
    client.get("/suivi")
    with heard() as one:
        client.get("/suivi")
    for rank in range(5):
        save(house, N, f"Vue {rank}", page="follow", famille="invoice", etat="running")
    with heard() as many:
        client.get("/suivi")
    assert len(many) == len(one)
    monkeypatch.setattr(viewing, "MOST", 2)
    monkeypatch.setattr(saved_views, "MOST", 6)
    actor = house.actor(G)
    with reading(actor.collectivity_id) as db:
        view = SavedView(page="follow", asked={"famille": "", "etat": "running"})
        assert viewing.count(db, actor, view) == "2+"
    full = save(house, N, "Une de trop", page="follow", famille="", etat="")
    assert (full.status_code, "6 vues au plus" in words(full)) == (409, True)
