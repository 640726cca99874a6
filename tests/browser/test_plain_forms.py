"""A browser whose script is off: plain forms carry every decision but the signature, which says why it cannot."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.core.clock import today
from tests.browser.person import Person, apart
from tests.builders.house import INVOICE, House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
OFF = {"java_script_enabled": False}


def test_an_invoice_is_deposited_completed_approved_and_rejected_without_script(house: House, person) -> None:
    accountant: Person = person("g.trehorel", **OFF)
    folder_id = accountant.deposit("Facture", INVOICE)
    expect(accountant.page.get_by_label("Numéro de facture")).to_have_value("FA-2026-0001")
    accountant.fill({"received_on": today().isoformat(), "proof_of_service": "technique"})
    accountant.button("Envoyer dans le circuit").click()
    accountant.sees("Le dossier est envoyé dans le circuit.")

    technician: Person = person("r.pellenec", **OFF)
    technician.folder(folder_id)
    technician.page.get_by_text("Ajouter une note au visa").click()
    technician.page.get_by_label("Note, facultative").fill("Livré complet.")
    technician.button("Viser").click()
    technician.sees("est visé.")
    finance: Person = person("n.abgrallec", **OFF)
    finance.folder(folder_id)
    finance.sees("Livré complet.")
    finance.button("Rejeter…").click()
    expect(finance.heading("Rejeter ou renvoyer ce dossier")).to_be_visible()
    finance.page.get_by_label("Motif, en clair").fill("Imputation à revoir.")
    # It may go back to a step: no script says here which place is chosen
    finance.button("Renvoyer le dossier").click()
    finance.sees("est rejeté, retour à Gwenola Tréhorel.")
    assert house.folder(folder_id).phase == "rejected"


def test_an_act_is_published_without_script(house: House, person) -> None:
    folder_id = house.a_deliberation(at="direction")
    apart(lambda: _sign(house, folder_id))
    secretary: Person = person("k.morizur", **OFF)
    secretary.comes(folder_id, "À vous de publier")
    secretary.button("Publier l’acte…").click()
    dialog = secretary.page.locator("dialog[open]")
    dialog.get_by_role("button", name="Publier l’acte").click()
    secretary.sees("est publié.")
    assert house.folder(folder_id).phase == "done"


def _sign(house: House, folder_id: int) -> None:
    house.approve(folder_id, "s.rivoal")
    house.sign(folder_id, "a.kervadec")
    house.sign(folder_id, "b.cadiou")
    house.drain()


def test_the_signature_says_that_it_needs_the_script_and_offers_no_button_that_would_fail(
    house: House, person, tmp_path: Path
) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    mayor: Person = person("a.kervadec", **OFF)
    mayor.folder(folder_id)
    mayor.button("Signer…").click()
    # Playwright reads no text in a <noscript>, even where there is no script: the words are asked to the browser.
    said = mayor.page.locator("noscript .note")
    expect(said).to_be_visible()
    assert "La signature demande JavaScript" in said.inner_text()
    assert "Rien n’a été signé." in said.inner_text()
    expect(mayor.page.get_by_role("button", name="Signer 1 document")).to_be_hidden()
    expect(mayor.page.get_by_label("Mot de passe du certificat")).to_be_hidden()
    expect(mayor.page.get_by_text("Titulaire du certificat")).to_be_hidden()
    mayor.page.get_by_role("link", name=re.compile("Retour au dossier")).click()
    mayor.sees("À vous de signer")
