"""The administrator reads who entered and who gave whom what, in French, from the chain that nobody rewrites."""

import csv
import io

import pytest

from app.core.db import reading
from app.demo.cast import PASSWORD
from app.journal.chain import verify
from app.operations.trace import ACTS
from app.people import desks
from tests.builders.house import House
from workflows.rights import Right

K, G = "k.morizur", "g.trehorel"
PAGE = "/administration/journal"


def plain(house: House, address: str = PAGE) -> str:
    return house.client(K).get(address).get_data(as_text=True).replace("\xa0", " ").replace("\u202f", " ")


def test_who_entered_and_who_was_given_what_is_told_with_who_did_it(house: House) -> None:
    here = house.actor(K).collectivity_id
    client = house.client(G)
    desks.seat(here, "finances", G, [Right.ACT])
    desks.seat(here, "finances", G, [Right.ACT])  # nothing changes: nothing is told
    desks.ask_reset(G)
    desks.close_account(here, G)
    desks.close_account(here, G)
    page = plain(house)
    for words in (
        "Connexion",
        "mot de passe",
        "Lien de mot de passe demandé",
        "Compte fermé",
        "adresse 127.0.0.1",
    ):
        assert words in page, words
    rights = plain(house, f"{PAGE}?acte=desk.rights")
    assert (
        rights.count("Gwenola Tréhorel, bureau finances, viser, publier et rejeter (avant : aucun droit)")
        == 1
    )
    assert "Ligne de commande" in rights
    # Whoever asks for a new password is nobody yet: the line is not in the name of the account
    lost = plain(house, f"{PAGE}?acte=password.asked")
    assert "Quelqu’un, sans être connecté" in lost
    assert lost.count("Gwenola Tréhorel") == 1
    assert "mot de passe" in plain(house, f"{PAGE}?acte=login.opened&qui=TREHOREL")
    assert client.get("/compte").status_code == 302
    with reading() as db:
        assert verify(db, here)[1] is None


def test_only_administrators_read_it_and_of_their_own_collectivity(house: House) -> None:
    for address in (PAGE, f"{PAGE}.csv"):
        assert house.client(G).get(address).status_code == 403
    other = desks.create_collectivity(
        "213502388", "Ailleurs", department="035", district="1", nature="31", settings={}
    )
    desks.create_user(
        other,
        "ailleurs",
        email="a@ailleurs.example",
        first_name="Ada",
        last_name="Ailleurs",
        capacity="",
        password=PASSWORD,
        administrator=True,
    )
    page = house.client("ailleurs").get(PAGE).get_data(as_text=True)
    assert "Ada Ailleurs" in page
    assert "Katell" not in page
    assert "Ailleurs" not in plain(house)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_it_is_searched_paged_and_taken_away_without_formulas(house: House) -> None:
    here = house.actor(K).collectivity_id
    desks.create_desk(here, "piege", '=HYPERLINK("http://evil.example")')
    for number in range(60):
        desks.create_desk(here, f"b{number}", f"Bureau {number}")
    page = plain(house, f"{PAGE}?acte=desk.opened")
    assert "Bureau 59" in page
    assert "Bureau 9," not in page
    older = page.split("avant=")[1].split('"')[0]
    assert "Bureau 9," in plain(house, f"{PAGE}?acte=desk.opened&avant={older}")
    assert "Aucune écriture" in plain(house, f"{PAGE}?qui=personne")
    assert house.client(K).get(f"{PAGE}?acte=rien&avant=x&qui=%25").status_code == 200
    answer = house.client(K).get(f"{PAGE}.csv?acte=desk.opened")
    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff")), delimiter=";"))
    assert len(rows) >= 62
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_no_line_is_shown_by_its_key() -> None:
    assert all(words[0].isupper() and "." not in words for words in ACTS.values())
