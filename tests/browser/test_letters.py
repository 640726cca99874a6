"""A request of the Préfecture for documents, written by its button: read, answered with a typed document, signed, acknowledged."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.core.clock import today
from app.core.french import jour
from tests.browser.person import Person, apart
from tests.browser.test_screens import Look, look
from tests.builders.house import ACT, ASSETS, House
from workflows.deadlines import two_months_after

__all__ = ["look"]
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
STATUTES = ASSETS / "acts" / "convention-2026-018-cercle-nautique.pdf"


def test_a_request_for_documents_is_answered_within_its_delay_and_acknowledged(
    house: House, demonstration: Path, look: Look, person: Callable[..., Person]
) -> None:
    del demonstration  # its pages are open
    apart(lambda: house.a_deliberation(at="publication"))
    visitor, secretary, director, mayor = (
        person(one) for one in (None, "k.morizur", "s.rivoal", "a.kervadec")
    )
    visitor.open("/demo/prefecture")
    visitor.page.get_by_label("Courrier sur l’acte 2026_057").select_option(
        label="Demande de pièces complémentaires"
    )
    visitor.button("Écrire").click()
    visitor.sees("Le courrier FACTICE partira au prochain relevé")
    look.at(visitor, "Préfecture, act answered")

    secretary.open("/prefecture")
    secretary.button("Relever maintenant").click()
    secretary.soon("/prefecture", f"jusqu’au {jour(two_months_after(today()))}")
    secretary.page.get_by_role("link", name="Demande de pièces complémentaires").click()
    secretary.sees("Merci de transmettre les statuts et le budget prévisionnel.")
    secretary.page.get_by_label("Lettre à signer").set_input_files(ACT)
    secretary.page.get_by_label("Type de la lettre").select_option("99_DE")
    secretary.page.get_by_label("Pièce 1", exact=True).set_input_files(STATUTES)
    secretary.page.get_by_label("Type de la pièce 1").select_option("21_RP")
    secretary.button("Préparer la réponse").click()
    secretary.sees("La réponse est prête en brouillon")
    reply = secretary.number()
    secretary.button("Envoyer dans le circuit").click()
    secretary.sees("Le dossier est envoyé dans le circuit.")

    director.folder(reply)
    director.button("Viser").click()
    director.sees("est visé.")
    mayor.folder(reply)
    mayor.sign(house.pki.p12("a_kervadec"), house.pki.passphrase.decode(), "Armel KERVADEC")

    secretary.comes(reply, "Accusé de réception reçu (FACTICE)")
    secretary.soon("/prefecture", "Aucun courrier n’attend")
    secretary.open("/prefecture?tous=1")
    expect(secretary.page.get_by_role("row", name="Demande de pièces complémentaires")).to_contain_text(
        "Traité"
    )
