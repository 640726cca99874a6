"""In the page: a certificate is enrolled by its key, and an old session is asked who is there before it signs."""

import re

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from app.core.db import engine, reading
from app.folders import decide
from app.signing import enrol
from demo.cast import PASSWORD
from tests.browser.person import Person
from tests.builders.house import House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
ACCOUNT = "Mot de passe de votre compte Paraphe"


def age() -> None:
    """Every open session was proven long ago: longer than the tests' own settings let it be."""
    with engine().begin() as connection:
        connection.execute(
            sa.text("UPDATE login_session SET created_at = '2026-01-01 00:00:00', proven_at = NULL")
        )


def test_a_certificate_is_enrolled_by_its_key_and_a_wrong_password_says_that_nothing_was(
    house: House, person
) -> None:
    mayor: Person = person("a.kervadec")
    mayor.open("/compte/certificats")
    page = mayor.page
    page.get_by_label("Fichier du certificat").set_input_files(house.pki.p12("qualified"))
    page.get_by_label("Mot de passe du certificat").fill("mauvais")
    page.get_by_label("Mot de passe du certificat").blur()
    expect(page.locator("[data-sign-problem]")).to_contain_text(re.compile(r"Rien n’a été inscrit\s+:"))
    page.get_by_label("Mot de passe du certificat").fill(house.pki.passphrase.decode())
    page.get_by_label("Mot de passe du certificat").blur()
    expect(page.locator("[data-sign-name]")).to_have_text("Armel KERVADEC")
    mayor.button("Inscrire le certificat").click()
    mayor.sees("Le certificat est inscrit à votre nom.")
    mayor.sees("Clé prouvée à l’inscription")
    with reading() as db:
        assert len(enrol.certificates_of(db, house.actor("a.kervadec").user_id or 0)) == 2


def test_an_old_session_is_asked_before_it_enrols_and_another_name_waits(house: House, person) -> None:
    mayor: Person = person("a.kervadec")
    mayor.open("/compte/certificats")
    page = mayor.page
    page.get_by_label("Fichier du certificat").set_input_files(house.pki.p12("rsa4096"))
    page.get_by_label("Mot de passe du certificat").fill(house.pki.passphrase.decode())
    page.get_by_label("Mot de passe du certificat").blur()
    expect(page.locator("[data-sign-name]")).to_have_text("Solenn RIVOAL")
    age()
    mayor.button("Inscrire le certificat").click()
    page.get_by_label(ACCOUNT).fill(PASSWORD)
    page.keyboard.press("Enter")
    mayor.sees("il signera quand un administrateur l’aura confirmé")
    mayor.sees("À confirmer par un administrateur")
    admin: Person = person("k.morizur")
    age()
    admin.open("/administration/certificats")
    admin.page.get_by_role(
        "link", name=re.compile("Ouvrir le certificat d’Armel Kervadec, Solenn RIVOAL")
    ).click()
    admin.button("Confirmer : c’est la même personne").click()
    admin.sees("Ce qui attend votre confirmation : Décider d’un certificat")
    expect(admin.page.get_by_label(ACCOUNT)).to_be_focused()
    admin.page.keyboard.type(PASSWORD)
    admin.page.keyboard.press("Enter")  # and the word goes on by itself
    admin.sees("Le certificat est confirmé")


def test_the_sign_dialog_asks_the_account_s_password_apart_from_the_key_s_and_once(
    house: House, person
) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    mayor: Person = person("a.kervadec")
    mayor.folder(folder_id)
    mayor.open_key(house.pki.p12("a_kervadec"), house.pki.passphrase.decode())
    expect(mayor.page.locator("[data-sign-name]")).to_have_text("Armel KERVADEC")
    expect(mayor.page.get_by_label(ACCOUNT)).to_be_hidden()
    age()
    mayor.button("Signer 1 document").click()
    field = mayor.page.get_by_label(ACCOUNT)
    expect(field).to_be_focused()
    expect(mayor.page.get_by_label("Mot de passe du certificat")).to_be_hidden()  # never both at once
    expect(mayor.heading("Confirmez que c’est vous")).to_be_visible()  # nothing is being signed
    mayor.page.keyboard.press("Escape")
    expect(mayor.page.locator("[data-sign-problem]")).to_contain_text(
        "vous n’avez pas confirmé que c’est vous"
    )
    assert house.folder(folder_id).place == "bon_a_payer"
    mayor.button("Signer 1 document").click()
    field.fill("faux")
    mayor.button("Confirmer").click()
    mayor.sees("n’est pas celui de votre compte Paraphe")
    expect(field).to_have_value("")
    field.fill(PASSWORD)
    mayor.button("Confirmer").click()
    mayor.sees("est signé.")
    second = house.an_invoice(at="bon_a_payer", number="F-2026-779")
    mayor.folder(second)
    mayor.sign(house.pki.p12("a_kervadec"), house.pki.passphrase.decode(), "Armel KERVADEC")


def test_a_batch_asks_once_at_its_start(house: House, person) -> None:
    first, second = (house.an_invoice(at="bon_a_payer", number=f"F-2026-78{n}") for n in range(2))
    mayor: Person = person("a.kervadec")
    mayor.open("/a-traiter")
    for box in mayor.page.locator(".fcheck input").all():
        box.check()
    mayor.button("Signer 2 dossiers").click()
    mayor.page.get_by_label("Fichier du certificat").set_input_files(house.pki.p12("a_kervadec"))
    mayor.page.get_by_label("Mot de passe du certificat").fill(house.pki.passphrase.decode())
    mayor.page.get_by_label("Mot de passe du certificat").blur()
    expect(mayor.page.locator("[data-sign-name]")).to_have_text("Armel KERVADEC")
    age()
    mayor.button("Signer 2 dossiers").click()
    mayor.page.get_by_label(ACCOUNT).fill(PASSWORD)
    mayor.button("Confirmer").click()
    expect(mayor.heading("2 dossiers signés sur 2")).to_be_visible(timeout=90_000)
    assert {house.folder(one).place for one in (first, second)} <= {"handover", "done"}


def test_a_folder_that_moved_while_its_key_was_open_offers_itself_in_the_place_of_the_button(
    house: House, person
) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    mayor: Person = person("a.kervadec")
    mayor.folder(folder_id)
    mayor.button("Signer").click()
    page = mayor.page
    page.get_by_label("Fichier du certificat").set_input_files(house.pki.p12("a_kervadec"))
    page.get_by_label("Mot de passe du certificat").fill(house.pki.passphrase.decode())
    page.get_by_label("Mot de passe du certificat").blur()
    expect(page.locator("[data-sign-name]")).to_have_text("Armel KERVADEC")
    version = house.folder(folder_id).version
    decide.reject(house.actor("a.kervadec"), folder_id, version=version, reason="Montant à vérifier")
    page.locator("[data-sign-go]").click()
    expect(page.locator("[data-sign-problem]")).to_contain_text(
        re.compile("Rien n’a été signé.*vous avez rejeté")
    )
    expect(page.locator("[data-sign-go]")).to_have_count(0)
    see = page.get_by_role("link", name="Revoir ce dossier")
    expect(see).to_be_focused()
    see.click()
    mayor.sees("Rejeté")
    mayor.said.clear()  # the browser tells the refused request
