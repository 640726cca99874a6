"""Who arrives is told the one thing to do first; the first signature is explained where it is made, until it is, or put away."""

import re

import pytest

from app.people import desks
from demo.cast import PASSWORD
from tests.builders.house import House
from tests.people.test_own_settings import text
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

MAYOR, SECRETARY = "a.kervadec", "k.morizur"
GUIDE = "Votre première signature, pas à pas"
PAGE = "/aide/premiere-signature"


def arrives(house: House, login: str, *rights: Right, administrator: bool = False) -> None:
    here = house.actor(SECRETARY).collectivity_id
    desks.create_user(
        here,
        login,
        email=f"{login}@kerlann.example.org",
        first_name="Nolwenn",
        last_name="Arzel",
        capacity="Adjointe",
        password=PASSWORD,
        administrator=administrator,
    )
    if rights:
        desks.seat(here, "maire", login, list(rights))


def inbox(client) -> str:
    return text(client.get("/a-traiter"))


def test_the_guide_stands_beside_the_decision_until_it_is_put_away_and_comes_back_from_help(
    house: House,
) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    path = f"/dossiers/{folder_id}"
    client = house.client(MAYOR)
    assert GUIDE not in text(client.get(path)).partition("Aide :")[0], (
        "who has signed here before is left alone"
    )
    assert GUIDE in text(client.get("/aide"))
    shown = client.post(PAGE, data={"shown": "1", "csrf_token": house.csrf(client)})
    assert shown.location == PAGE
    page = client.get(path).get_data(as_text=True)
    guide = re.search(r"<details class=\"guide .*?</details>", page, re.DOTALL)
    assert guide
    assert "<dialog" not in guide[0]
    for words in (
        "Vous signez le document affiché",
        "Choisissez votre certificat",
        "dernière confirmation",
        "Tout le guide",
    ):
        assert words in text_of(guide[0])
    # Above the document, where the bar of a small screen cannot hide it, and folded
    assert page.index(guide[0]) < page.index("data-viewer")
    for words in ("Ce que vous signez", "Où votre signature se voit", "article 1367", "« Suivi »"):
        assert words in text(client.get(PAGE))
    # Whoever may only put a visa is not shown it
    assert '<details class="guide ' not in house.client("n.abgrallec").get(path).get_data(as_text=True)
    away = client.post(PAGE, data={"shown": "0", "folder": str(folder_id), "csrf_token": house.csrf(client)})
    assert away.location == path
    assert "Tout le guide" not in text(client.get(path))
    assert "Ce guide est rangé" in text(client.get(PAGE))
    odd = client.post(PAGE, data={"shown": "0", "folder": "9" * 40, "csrf_token": house.csrf(client)})
    assert odd.location == PAGE


def test_the_guide_ends_with_the_proof_of_what_was_signed_and_of_nothing_else(house: House) -> None:
    first, second = house.an_invoice(at="bon_a_payer"), house.an_invoice(at="bon_a_payer")
    client = house.client(MAYOR)
    nothing = "Vous n’avez rien signé dans ce dossier"
    assert nothing in text(client.get(f"{PAGE}/{first}"))
    house.sign(first, MAYOR)
    page = client.get(f"{PAGE}/{first}").get_data(as_text=True)
    told = text_of(page)
    for words in (
        "Votre première signature est faite",
        "Armel Kervadec",
        "Armel KERVADEC",
        "émis par",
        "Ouvrir le dossier suivant",
    ):
        assert words in told
    proof = re.search(r'href="(/dossiers/[^"]*/signatures)"', page)
    assert proof
    assert client.get(proof[1]).status_code == 200
    assert nothing in text(client.get(f"{PAGE}/{second}"))
    # Who put a visa on the same folder has signed nothing, and a stranger to it reads nothing
    assert nothing in text(house.client("n.abgrallec").get(f"{PAGE}/{first}"))
    assert client.get(f"{PAGE}/999999").status_code == 404
    house.sign(second, MAYOR)
    assert "Votre première signature" not in text(client.get(f"{PAGE}/{second}")).partition("Aide :")[0]


def test_the_first_signature_puts_the_guide_away(house: House) -> None:
    first, second = house.an_invoice(at="bon_a_payer"), house.an_invoice(at="bon_a_payer")
    desks.show_guide(house.actor(MAYOR).user_id or 0, shown=True)
    assert house.actor(MAYOR).guided
    house.sign(first, MAYOR)
    assert not house.actor(MAYOR).guided
    assert "Tout le guide" not in text(house.client(MAYOR).get(f"/dossiers/{second}"))


def test_who_arrives_is_told_the_one_thing_to_do_first_until_it_is_read(house: House) -> None:
    arrives(house, "signe", Right.SIGN)
    arrives(house, "vise", Right.ACT)
    arrives(house, "administre", Right.ACT, administrator=True)
    signs, approves, administers = (house.client(login) for login in ("signe", "vise", "administre"))
    assert "Pour commencer : inscrire votre certificat" in inbox(signs)
    assert "Pour commencer" not in inbox(approves)
    assert "Pour commencer : mettre la collectivité en service" in inbox(administers)
    assert "Pour commencer" not in inbox(house.client(MAYOR))
    administers.post("/aide/bienvenue", data={"csrf_token": house.csrf(administers)})
    assert "Pour commencer" not in inbox(administers)
    desks.note_arrival(house.actor("vise").user_id or 0)
    assert house.actor("vise").arrived
    assert "Pour commencer" in inbox(signs), "each is told for himself"
    house.enrol("signe", "rsa3072")
    assert "Pour commencer" not in inbox(signs)
    assert "Un certificat est inscrit à votre nom" in text(signs.get(PAGE))
    assert "Vous n’avez le droit de signer à aucun bureau" in text(approves.get(PAGE))


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).replace("\xa0", " ").split())
