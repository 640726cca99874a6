"""Passkeys in a real Chromium, whose virtual authenticator stands for the finger (DevTools, domain WebAuthn)."""

import re

import pyotp
import pytest
import sqlalchemy as sa
from playwright.sync_api import CDPSession, Locator, expect

from app.core.clock import now
from app.core.db import reading
from app.people.actor import Actor
from app.people.factors import keeping
from app.people.identity import refuse_stale_in
from app.people.models import LoginSession
from app.people.rules import Rule, choose
from demo.cast import PASSWORD
from tests.browser.person import Person
from tests.browser.test_kept import close_sessions
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
    expect(mayor.page.get_by_role("button", name="Confirmer avec ma clé d’accès")).to_be_focused()
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
    lost.page.get_by_role("link", name=re.compile("Retirer.*Tablette du maire")).click()
    look = Look(person)
    look.at(lost, "before a key is taken off")
    assert not look.faults, "\n".join(look.faults)
    lost.button("Retirer").click()
    lost.sees("« Tablette du maire » est retirée")
    mayor.open("/compte")  # what the lost key may have opened is closed
    expect(mayor.heading("Connexion")).to_be_visible()
    mayor.button("Entrer avec une clé d’accès").click()
    mayor.sees("Aucun compte ouvert n’a cette clé d’accès")


def with_key(person: Person, name: str) -> None:
    """This device's key is enrolled, by Enter in the field of its name; whoever enrolled it is back on his page."""
    person.open("/compte/protection")
    expect(person.page.locator(person.awake)).to_be_attached()
    person.page.get_by_label("Nom de l’appareil").fill(name)
    person.page.keyboard.press("Enter")
    expect(person.heading("Codes de secours")).to_be_visible()
    person.button("C’est gardé").click()
    person.sees(name)


def over(house: House, person: Person, login: str) -> Locator:
    """The session was closed elsewhere, and what is typed is sent: what asks to enter again, over the page."""
    close_sessions(house, login)
    person.page.evaluate("const real = Date.now; Date.now = () => real() + 120_000")  # drawn a while ago
    person.page.locator("main").get_by_role("button", name="Enregistrer l’affichage").click()
    return person.page.get_by_role("dialog", name="Votre session s’est fermée")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_whoever_has_a_second_factor_enters_again_in_the_page(house: House, person) -> None:
    mayor: Person = person("a.kervadec")
    with_finger(mayor)
    with_key(mayor, "Tablette du maire")
    mayor.open("/compte")
    mayor.page.get_by_label("Sombre").check()
    dialog = over(house, mayor, "a.kervadec")
    expect(dialog.get_by_label("Identifiant")).to_have_value("a.kervadec")
    expect(dialog.get_by_label("Mot de passe", exact=True)).to_be_focused()
    dialog.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    mayor.page.keyboard.press("Enter")
    key = dialog.get_by_role("button", name="Utiliser ma clé d’accès")
    expect(key).to_be_focused()
    expect(dialog.get_by_label("Code de secours")).to_be_visible()
    key.click()
    mayor.sees("L’affichage est enregistré")
    expect(mayor.page.locator("html")).to_have_attribute("data-theme", "dark")
    # By the key alone, as at the door, for thirty days if asked
    mayor.page.get_by_label("Clair").check()
    dialog = over(house, mayor, "a.kervadec")
    dialog.get_by_label("Reconnaître cet appareil").check()
    dialog.get_by_role("button", name="Entrer avec une clé d’accès").click()
    mayor.sees("L’affichage est enregistré")
    expect(mayor.page.locator("html")).to_have_attribute("data-theme", "light")
    with reading() as db:
        last = db.scalars(sa.select(LoginSession).order_by(LoginSession.id.desc())).first()
    assert last is not None
    assert last.opened_by == "passkey"
    assert (last.expires_at - now()).days in {29, 30}
    cookies = [one for one in mayor.context.cookies() if one["expires"] > 0]
    assert cookies, "forgotten when the browser closes"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_whoever_has_an_application_of_codes_enters_again_in_the_page(house: House, person) -> None:
    gwenola: Person = person("g.trehorel")
    gwenola.open("/compte")
    actor = house.actor("g.trehorel")
    begun = keeping.begin_totp(actor)
    application = pyotp.TOTP(begun.secret)
    keeping.confirm_totp(actor, begun.token, application.now())
    gwenola.page.get_by_label("Sombre").check()
    dialog = over(house, gwenola, "g.trehorel")
    dialog.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    gwenola.page.keyboard.press("Enter")
    code = dialog.get_by_label("Code de l’application, ou code de secours")
    expect(code).to_be_focused()
    code.fill("000000")
    gwenola.page.keyboard.press("Enter")
    expect(dialog).to_contain_text("ne convient pas")
    expect(code).to_be_focused()
    code.fill(application.at(int(now().timestamp()) + 30))  # the one of now has served to enrol it
    gwenola.page.keyboard.press("Enter")
    gwenola.sees("L’affichage est enregistré")
    expect(gwenola.page.locator("html")).to_have_attribute("data-theme", "dark")


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
    code = administrator.page.locator(".codes code").first.inner_text()
    administrator.page.reload()
    expect(administrator.page.locator(".codes code").first).to_have_text(code)
    look.at(administrator, "recovery codes")
    look.at(administrator, "before other codes", "/compte/protection/secours/nouveaux")
    look.at(administrator, "one factor", "/compte/protection")
    look.at(administrator, "who one is, by a key", "/compte/confirmer")
    look.at(administrator, "the rule", "/administration/connexions")
    administrator.page.get_by_label("Les administrateurs et ceux qui signent").check()
    administrator.button("Enregistrer la règle").click()
    administrator.sees("La règle est enregistrée")
    mayor: Person = person()
    mayor.open("/login")
    mayor.page.get_by_label("Identifiant").fill("a.kervadec")
    mayor.page.get_by_label("Mot de passe", exact=True).fill("faux")
    mayor.page.keyboard.press("Enter")
    mayor.sees("ne convient pas")
    expect(mayor.page.get_by_label("Mot de passe", exact=True)).to_be_focused()
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
