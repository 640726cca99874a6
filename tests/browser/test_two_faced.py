"""A file with two faces, a program inside it, a forged signature: what the depositor and the mayor are shown, screen by screen."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.assets import make_signed, make_two_faced
from tests.assets.make_hostile import changed
from tests.browser.person import Person, apart
from tests.browser.test_screens import Look
from tests.builders.house import House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
K, MAYOR = "k.morizur", "a.kervadec"


@pytest.fixture
def look(person: Callable[..., Person]) -> Iterator[Look]:
    """Somebody who looks; every fault of every screen is told at the end, together."""
    made = Look(person)
    yield made
    assert not made.faults, f"{len(made.faults)} faults on {made.seen} screens\n" + "\n".join(made.faults)


def put(room: Path, name: str, make: Callable[[], bytes]) -> Path:
    path = room / name
    path.write_bytes(apart(make))  # signing runs a loop of its own
    return path


def test_what_shows_differently_elsewhere_is_read_before_any_button(
    house: House, look: Look, tmp_path: Path
) -> None:
    plan = put(tmp_path, "plan.pdf", make_two_faced.FLATTENED["calques-ecran-papier"][0])
    forged = put(tmp_path, "convention.pdf", make_signed.signed)
    two_faced, signed = apart(lambda: [house.deposit(K, "deliberation", one) for one in (plan, forged)])
    with look.by(K) as depositor:
        look.at(depositor, "two faces", f"/dossiers/{two_faced}/brouillon")
        depositor.sees("Ce PDF ne se montre pas partout de la même façon")
        expect(depositor.button("Envoyer dans le circuit")).to_be_disabled()
        expect(depositor.page.get_by_role("link", name="Voir la copie aplatie")).to_be_visible()
        depositor.button("Accepter la copie aplatie").click()
        depositor.sees("Copie aplatie, acceptée avant toute signature")
        expect(depositor.button("Envoyer dans le circuit")).to_be_enabled()
        look.at(depositor, "flattened")
        depositor.open(f"/dossiers/{signed}/brouillon")
        depositor.sees("aucune autorité ne garantit le nom qu’il porte")
        expect(depositor.page.get_by_text("Déjà signé par")).to_have_count(0)
        look.at(depositor, "earlier signature")


def test_the_mayor_is_told_what_is_inside_and_who_answers_for_a_name(house: House, look: Look) -> None:
    program = house.a_document(changed(make_two_faced.with_files), "marche.pdf")
    forged = apart(lambda: house.a_document(make_signed.signed(), "convention.pdf"))
    flow = house.a_flow()
    with look.by(MAYOR) as mayor:
        mayor.folder(program)
        mayor.sees("Un programme est joint à l’intérieur")
        look.at(mayor, "program inside")
        mayor.button("Signer…").click()
        mayor.sees("1 point à regarder avant de signer")
        look.at(mayor, "program inside, dialog")
        look.at(mayor, "program inside, documents", f"/dossiers/{program}?onglet=pieces")
        mayor.folder(forged)
        mayor.sees("aucune autorité ne garantit le nom qu’il porte")
        look.at(mayor, "forged signature")
        look.at(mayor, "forged signature, dialog", f"/dossiers/{forged}/signer")
        mayor.sees("Signature antérieure non reconnue")
        mayor.open(f"/dossiers/{flow}/signer")
        mayor.sees("certifie le service fait de chaque dépense")
        look.at(mayor, "flow, dialog")
        mayor.open("/a-traiter")
        mayor.button("Signer en lot…").click()
        mayor.sees("Ce que votre signature signifie")
        look.at(mayor, "batch")
