"""The invoice goes all the way in a browser: dropped, filled in, approved twice, signed in the page, handed over."""

import base64
import hashlib
import json
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.core.clock import today
from tests.browser.person import Person
from tests.browser.proofs import accepted_by_others, each_begins_with_the_one_before
from tests.builders.house import ASSETS, INVOICE, House

pytestmark = [pytest.mark.browser, pytest.mark.in_turn]
FACTS = {"received_on": (today() - timedelta(days=3)).isoformat(), "proof_of_service": "technique"}


def test_an_invoice_is_dropped_approved_signed_in_the_page_and_handed_over(
    house: House, person, tmp_path: Path
) -> None:
    accountant: Person = person("g.trehorel")
    folder_id = accountant.deposit("Facture", INVOICE)
    page = accountant.page
    assert page.get_by_text("lu dans la facture").count() >= 5
    expect(page.get_by_label("Numéro de facture")).to_have_value("FA-2026-0001")
    expect(page.locator("#seller")).to_have_value("Atelier Berthier SARL")
    accountant.button("Envoyer dans le circuit").click()
    accountant.sees("Le dossier n’est pas parti")  # what could not be read is asked for
    accountant.fill(FACTS)
    accountant.button("Envoyer dans le circuit").click()
    accountant.sees("Le dossier est envoyé dans le circuit.")

    technician: Person = person("r.pellenec")
    technician.button("Commencer la lecture").click()
    technician.drawn()
    expect(technician.page.locator(".vtext").first).to_contain_text("FACTURE")
    technician.page.get_by_role("link", name="Données XML").first.click()
    technician.sees("FA-2026-0001")
    technician.button("Viser").click()
    technician.sees("est visé. Plus aucun dossier ne vous attend.")

    finance: Person = person("n.abgrallec")
    finance.sees("visé par Ronan Pellenec")
    finance.folder(folder_id)
    finance.page.get_by_text("Ajouter une note au visa").click()
    finance.page.get_by_label("Note, facultative").fill("Crédits disponibles, imputation vérifiée.")
    finance.button("Viser").click()
    finance.sees("est visé.")

    mayor: Person = person("a.kervadec")
    mayor.folder(folder_id)
    mayor.sees("À vous de signer, en qualité de maire")
    mayor.sees("Crédits disponibles, imputation vérifiée.")
    sent: list[bytes] = []
    mayor.page.on("request", lambda one: sent.append(one.post_data_buffer or b""))
    mayor.sign(house.pki.p12("a_kervadec"), house.pki.passphrase.decode(), "Armel KERVADEC")
    secret, file = house.pki.passphrase, house.pki.p12("a_kervadec").read_bytes()
    assert not any(secret in one or file[:64] in one for one in sent)

    accountant.comes(folder_id, "Terminé")
    handed_over(house, folder_id, tmp_path)


def handed_over(house: House, folder_id: int, tmp_path: Path) -> None:
    """The bundle is there, every hash of its manifest is right, and the signed page is the deposited one, then more."""
    (bundle,) = (house.settings.data_dir / "sorties").rglob("*.zip")
    with zipfile.ZipFile(bundle) as found:
        manifest = json.loads(found.read("manifest.json"))
        kept = {one["name"]: one for one in manifest["files"]}
        assert {"manifest.json", *kept} == set(found.namelist())
        for name, one in kept.items():
            assert hashlib.sha256(found.read(name)).hexdigest() == one["sha256"], name
    versions = [house.bytes_of(one) for one in house.versions(folder_id)]
    assert versions[0] == INVOICE.read_bytes()
    assert each_begins_with_the_one_before(versions)
    signed = tmp_path / "signed.pdf"
    signed.write_bytes(versions[-1])
    accepted_by_others(signed, house, signatures=1)


DROP = """
([zone, name, bytes]) => {
  const bag = new DataTransfer();
  bag.items.add(new File([Uint8Array.from(atob(bytes), (one) => one.charCodeAt(0))], name, { type: "application/pdf" }));
  for (const kind of ["dragenter", "dragover", "drop"]) {
    zone.dispatchEvent(new DragEvent(kind, { dataTransfer: bag, bubbles: true, cancelable: true }));
  }
}
"""


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_invoice_dropped_on_the_page_is_read_as_if_it_had_been_chosen(house: House, person) -> None:
    accountant: Person = person("g.trehorel")
    accountant.open("/deposer?famille=invoice")
    zone = accountant.page.locator(accountant.awake).locator("[data-drop]")
    zone.evaluate(
        "(zone, [name, bytes]) => (" + DROP + ")([zone, name, bytes])",
        [INVOICE.name, base64.b64encode(INVOICE.read_bytes()).decode()],
    )
    expect(accountant.page.locator("[data-chosen]")).to_contain_text(INVOICE.name)
    accountant.button("Déposer et vérifier").click()
    accountant.page.wait_for_url("**/brouillon")
    expect(accountant.page.get_by_label("Numéro de facture")).to_have_value("FA-2026-0001")
    accountant.open("/a-traiter")
    accountant.page.get_by_role("link", name="Brouillons").click()
    accountant.sees("Atelier Berthier SARL, Maintenance preventive CVC - aout 2026")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_scan_says_that_a_screen_reader_cannot_read_it(house: House, person) -> None:
    accountant: Person = person("g.trehorel")
    folder_id = accountant.deposit("Facture", ASSETS / "acts" / "facture-scannee-FA-2026-1187.pdf")
    accountant.folder(folder_id)
    accountant.drawn()
    expect(
        accountant.page.get_by_text(
            "Document image : texte non lisible par un lecteur d’écran".replace(" :", "\u00a0:")
        )
    ).to_be_visible()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_file_that_is_refused_says_why_beside_it_and_keeps_the_form(
    house: House, person, tmp_path: Path
) -> None:
    program = tmp_path / "programme.exe"
    program.write_bytes(b"MZ" + bytes(300))
    accountant: Person = person("g.trehorel")
    accountant.open("/deposer?famille=invoice")
    accountant.page.get_by_label("Choisir le document principal et ses annexes").set_input_files(program)
    accountant.button("Déposer et vérifier").click()
    refused = accountant.page.locator("[data-refused]")
    expect(refused).to_contain_text("Rien n’a été déposé")
    expect(refused).to_contain_text("programme.exe")
    expect(refused).to_contain_text("n’est pas d’un type accepté")
    expect(accountant.page.get_by_role("radio", name="Facture ou avoir")).to_be_checked()
