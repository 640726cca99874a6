"""What each person's lists leave out, and how close their rows stand: in trays, « Suivi », the search and what is taken away."""

import pytest

from app.display.columns import CHOICES
from app.people import desks
from tests.builders.house import House
from tests.circuits.test_editor import words

N, T = "n.abgrallec", "t.lescoat"
NUMBER = "n° FA-2026-0001"
LISTS = ("/a-traiter", "/suivi", "/recherche?q=atelier")


def choose(house: House, login: str, *columns: str, rows: str = "roomy", back: str = "follow") -> str:
    client = house.client(login)
    form = {"csrf_token": house.csrf(client), "columns": list(columns), "rows": rows, "liste": back}
    answer = client.post("/colonnes", data=form, follow_redirects=True)
    assert "L’affichage des listes est enregistré" in words(answer)
    return answer.request.path


def whole(page: str) -> bool:
    return "042,00" in page and NUMBER in page


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_each_person_chooses_what_lists_show_and_how_close_they_stand(house: House) -> None:
    house.an_invoice(at="finance")
    client = house.client(N)
    # All of it, as long as nothing is chosen
    assert all(whole(words(client.get(path))) for path in LISTS)
    assert "visé par Ronan Pellenec" in words(client.get("/a-traiter"))
    # Without amount, number, last act, and since when: the title, what is to be done and the deadline stay
    kept = [one for one in CHOICES if one not in {"amount", "number", "last", "since"}]
    assert choose(house, N, *kept, rows="compact") == "/suivi"
    for path in LISTS:
        page = words(client.get(path))
        assert "042,00" not in page, path
        assert NUMBER not in page, path
        assert "Atelier Berthier" in page, path
        assert "Facture" in page, path
        assert " data-compact" in client.get(path).get_data(as_text=True), path
    assert "visé par" not in words(client.get("/a-traiter"))
    assert "À viser" in words(client.get("/a-traiter"))
    assert "Depuis" not in words(client.get("/suivi"))
    assert "On attend" in words(client.get("/suivi"))
    table = client.get("/suivi.csv").get_data(as_text=True).lstrip("\ufeff").splitlines()
    assert table[0] == "Dossier;Titre;Type;État;Étape;On attend;Échéance;Échéance de l’étape"
    assert len({line.count(";") for line in table}) == 1
    # For that person alone, and nothing is lost: all of it comes back
    assert " data-compact" not in house.client(T).get("/suivi").get_data(as_text=True)
    assert "Montant" in house.client(T).get("/suivi.csv").get_data(as_text=True)
    assert 'value="amount">' in client.get("/colonnes").get_data(as_text=True)  # not ticked
    assert choose(house, N, *CHOICES, "unknown", back="inbox") == "/a-traiter"
    assert all(whole(words(client.get(path))) for path in LISTS)
    # A column that only a version of before knew hides nothing else
    desks.choose_lists(house.actor(N).user_id, compact=False, columns_off={"amount", "of before"})
    assert "042,00" not in words(client.get("/suivi"))
    assert words(client.get("/a-traiter")).count("Atelier Berthier")
