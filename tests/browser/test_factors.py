"""Passkeys in a real Chromium, whose virtual authenticator stands for the finger (DevTools, domain WebAuthn)."""

import re

import pytest
from playwright.sync_api import CDPSession, expect

from app.people.actor import Actor
from app.people.identity import refuse_stale_in
from app.people.rules import Rule, choose
from tests.browser.person import Person
from tests.browser.test_screens import Look
from tests.builders.house import House

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("named")]
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def with_finger(person: Person) -> CDPSession:
    """This browser's device recognises its holder."""
    device = person.context.new_cdp_session(person.page)
    device.send("WebAuthn.enable")
    device.number = device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"]
    return device


def log_out(person: Person) -> None:
    person.open("/compte")
    person.page.locator("main").get_by_role("button", name="Se déconnecter").click()
    expect(person.heading("Connexion")).to_be_visible()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_mayor_enrols_a_key_enters_by_it_and_signs_by_it(house: House, person) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    mayor: Person = person("a.kervadec")
    device = with_finger(mayor)
    mayor.open("/compte")
    mayor.button("Double authentification").click()
    mayor.page.get_by_label("Nom de l’appareil").fill("Tablette du maire")
    mayor.button("Créer la clé d’accès").click()
    expect(mayor.heading("Codes de secours")).to_be_visible()
    code = mayor.page.locator(".codes code").first.inner_text()
    mayor.button("C’est gardé").click()
    mayor.sees("Tablette du maire")

    log_out(mayor)
    mayor.button("Entrer avec une clé d’accès").click()
    expect(mayor.heading("À traiter")).to_be_visible()

    administrator: Actor = house.actor("k.morizur")
    choose(Actor(**{**vars(administrator), "factors": 1}), Rule(before_signing=True), refuse_stale_in)
    mayor.folder(folder_id)
    mayor.open_key(house.pki.p12("a_kervadec"), house.pki.passphrase.decode())
    expect(mayor.page.locator("[data-sign-name]")).to_have_text("Armel KERVADEC")
    mayor.button("Signer 1 document").click()
    mayor.sees(
        "La commune demande votre clé d’accès ou votre code avant chaque signature : une fois, pour ce document."
    )
    expect(mayor.page.get_by_text("Vous vous êtes identifié il y a un moment")).to_be_hidden()
    expect(mayor.page.locator("[data-sign-identity-title]")).to_have_class(re.compile("visually-hidden"))
    device.send("WebAuthn.setUserVerified", {"authenticatorId": device.number, "isUserVerified": False})
    mayor.page.get_by_role("button", name="Confirmer avec ma clé d’accès").click()
    mayor.sees("L’appareil n’a pas répondu, ou vous avez renoncé")
    assert house.folder(folder_id).place == "bon_a_payer"
    device.send("WebAuthn.setUserVerified", {"authenticatorId": device.number, "isUserVerified": True})
    mayor.page.get_by_role("button", name="Confirmer avec ma clé d’accès").click()
    mayor.sees("est signé.")

    lost: Person = person()
    lost.open("/login")
    lost.page.get_by_label("Identifiant").fill("a.kervadec")
    lost.page.get_by_label("Mot de passe", exact=True).fill("kerlann-demo-2026")
    lost.page.get_by_role("button", name="Se connecter").click()
    expect(lost.heading("Deuxième étape")).to_be_visible()
    lost.page.get_by_label("Code de secours").fill(code)
    lost.page.get_by_role("button", name="Continuer").click()
    lost.sees("Vous êtes entré par un code de secours")
    lost.sees("inscrivez-en d’abord une autre")  # no button for what he may not do
    choose(Actor(**{**vars(administrator), "factors": 1}), Rule(), refuse_stale_in)
    lost.open("/compte/protection")
    lost.sees("Inscrivez-en d’abord une autre")
    with_finger(lost)
    lost.page.get_by_label("Nom de l’appareil").fill("Nouveau téléphone")
    lost.button("Créer la clé d’accès").click()
    lost.sees("Nouveau téléphone")
    lost.page.get_by_role("button", name=re.compile("Retirer.*Tablette du maire")).click()
    lost.sees("« Tablette du maire » est retirée")
    mayor.open("/compte")  # what the lost key may have opened is closed
    expect(mayor.heading("Connexion")).to_be_visible()
    mayor.button("Entrer avec une clé d’accès").click()
    mayor.sees("Aucun compte ouvert n’a cette clé d’accès")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_its_screens_meet_no_barrier(house: House, person) -> None:
    look = Look(person)
    administrator: Person = person("k.morizur")
    with_finger(administrator)
    look.at(administrator, "no factor yet", "/compte/protection")
    administrator.button("Commencer").click()
    expect(administrator.heading("Application de codes")).to_be_visible()
    look.at(administrator, "an application")
    administrator.page.get_by_label("Code de six chiffres").fill("000000")
    administrator.button("Inscrire cette application").click()
    administrator.sees("Ce code ne convient pas")
    look.at(administrator, "an application, wrong code")
    administrator.open("/compte/protection")
    administrator.button("Créer la clé d’accès").click()
    expect(administrator.heading("Codes de secours")).to_be_visible()
    look.at(administrator, "recovery codes")
    look.at(administrator, "one factor", "/compte/protection")
    look.at(administrator, "who one is, by a key", "/compte/confirmer")
    look.at(administrator, "the rule", "/administration/connexions")
    administrator.page.get_by_label("Les administrateurs et ceux qui signent").check()
    administrator.button("Enregistrer la règle").click()
    administrator.sees("La règle est enregistrée")
    mayor: Person = person()
    mayor.open("/login")
    mayor.page.get_by_label("Identifiant").fill("a.kervadec")
    mayor.page.get_by_label("Mot de passe", exact=True).fill("kerlann-demo-2026")
    mayor.page.get_by_role("button", name="Se connecter").click()
    mayor.sees("Les autres pages s’ouvriront dès que ce sera fait")
    look.at(mayor, "a factor is due")
    look.at(administrator, "the journal", "/administration/journal")
    log_out(administrator)
    administrator.page.get_by_label("Identifiant").fill("k.morizur")
    administrator.page.get_by_label("Mot de passe", exact=True).fill("kerlann-demo-2026")
    administrator.page.get_by_role("button", name="Se connecter").click()
    expect(administrator.heading("Deuxième étape")).to_be_visible()
    look.at(administrator, "the second step")
    assert not look.faults, "\n".join(look.faults)
