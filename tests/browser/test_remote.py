"""Signing at a trust service, in Chromium: linking, codes in the dialog, and the way to the service's page and back."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.person import Person
from tests.browser.proofs import accepted_by_others
from tests.browser.test_batches import to_sign
from tests.browser.test_screens import Look, look  # noqa: F401 - a fixture
from tests.builders.house import House
from tests.builders.trust_service import PIN, TrustService

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]


def find(one: Person) -> None:
    """From the list of one's certificates to those that the service keeps."""
    one.open("/compte/certificats")
    one.button("Inscrire un certificat à distance").click()
    one.page.get_by_label("Votre identifiant auprès du service").fill("armel")
    one.button("Chercher").click()
    expect(one.page.get_by_label("Armel KERVADEC")).to_be_checked()


def link(one: Person, server: TrustService) -> None:
    find(one)
    one.button("Choisir ce certificat").click()
    one.page.get_by_label("Code PIN du certificat").fill(PIN)
    one.page.get_by_label("Code à usage unique").fill(server.otps[-1])
    one.button("Inscrire le certificat").click()
    one.sees("Le certificat est inscrit à votre nom, et signe à distance.")


def there(one: Person, answer: str) -> None:
    """Answer on the page of the service, which is not ours."""
    one.page.get_by_role("link", name=answer).click()


def choose(one: Person, folder_id: int) -> None:
    one.folder(folder_id)
    one.button("Signer…").click()
    one.page.get_by_label("À distance").check()
    expect(one.page.locator("[data-sign-name]")).to_have_text("Armel KERVADEC")


def codes(one: Person, pin: str, otp: str) -> None:
    """In the dialog, once the service has been asked: type, and agree with the keyboard."""
    expect(one.page.locator("#sign-pin")).to_be_focused()
    one.page.locator("#sign-pin").fill(pin)
    one.page.locator("#sign-otp").fill(otp)
    one.page.locator("#sign-otp").press("Enter")


def test_a_certificate_is_linked_and_signs_by_codes_in_the_dialog(
    house: House, person, server: TrustService, tmp_path: Path
) -> None:
    mayor: Person = person("a.kervadec")
    link(mayor, server)
    mayor.sees("Actes, factures et flux comptables, à distance")
    folder_id = house.an_invoice(at="bon_a_payer")
    choose(mayor, folder_id)
    expect(mayor.page.get_by_label("Fichier du certificat")).to_be_hidden()
    mayor.button("Signer 1 document").click()
    # Given up, and begun again; a wrong code, and another
    mayor.page.get_by_role("button", name="Renoncer").click()
    mayor.sees("Rien n’a été signé : vous avez renoncé")
    mayor.button("Signer 1 document").click()
    codes(mayor, "0000", "1")
    expect(mayor.page.locator("[data-sign-code-problem]")).to_contain_text("le code donné n’est pas celui")
    codes(mayor, PIN, server.otps[-1])
    mayor.sees("est signé.")
    signed = tmp_path / "signed.pdf"
    signed.write_bytes(house.bytes_of(house.versions(folder_id)[-1]))
    accepted_by_others(signed, house, signatures=1)
    # Another folder: the dialog opens on the way that this person signs with
    again = house.an_invoice(at="bon_a_payer")
    mayor.folder(again)
    mayor.button("Signer…").click()
    expect(mayor.page.get_by_label("À distance")).to_be_checked()
    server.odd = {"credentials/authorize": (503, b"", "application/json")}
    mayor.expected.append("status of 503")
    mayor.button("Signer 1 document").click()
    codes(mayor, PIN, server.otps[-1])
    problem = mayor.page.locator("[data-sign-problem]")
    expect(problem).to_contain_text("le service de signature à distance n’a pas répondu")
    server.odd = {}
    mayor.button("Signer 1 document").click()
    codes(mayor, PIN, server.otps[-1])
    mayor.sees("est signé.")


def test_one_signs_on_the_service_s_own_page_and_comes_back(
    house: House, person, server: TrustService
) -> None:
    server.mode = "oauth2code"
    mayor: Person = person("a.kervadec")
    find(mayor)
    mayor.button("Choisir ce certificat").click()
    mayor.button("Continuer sur la page du service").click()
    there(mayor, "Accepter")
    mayor.sees("Le certificat est inscrit à votre nom, et signe à distance.")
    folder_id = house.an_invoice(at="bon_a_payer")
    for answer, words in (("Refuser", "n’a pas été donnée sur la page"), ("Accepter", "est signé.")):
        choose(mayor, folder_id)
        mayor.button("Signer 1 document").click()
        expect(mayor.heading("Signer 1 document")).to_be_visible()
        mayor.page.wait_for_url(re.compile(re.escape(server.address)))
        there(mayor, answer)
        mayor.sees(words)
    assert [one.origin for one in house.versions(folder_id)] == ["deposited", "signed"]


def to_batch(one: Person, count: int) -> None:
    """The page of the batch of all that waits for this person, the key at the service chosen."""
    one.open("/a-traiter")
    one.button("Signer en lot…").click()
    expect(one.heading(f"Signer {count} dossiers")).to_be_visible()
    one.page.get_by_label("À distance").check()
    expect(one.page.locator("[data-sign-name]")).to_have_text("Armel KERVADEC")


def test_a_batch_is_signed_by_as_many_accords_as_the_service_needs(
    house: House, person, server: TrustService
) -> None:
    folders = to_sign(house, 4)
    mayor: Person = person("a.kervadec")
    link(mayor, server)
    to_batch(mayor, 4)
    mayor.sees("pour autant qu’il en signe en une fois")
    mayor.button("Signer 4 dossiers").click()
    # Given up: nothing is signed, and one begins again where one was
    expect(mayor.page.locator("#sign-pin")).to_be_focused()
    mayor.sees("attend votre accord pour 3 dossiers")
    mayor.page.keyboard.press("Escape")
    mayor.sees("Le lot s’est arrêté")
    mayor.sees("Vous avez renoncé à donner votre accord")
    mayor.button("Signer 4 dossiers").click()
    codes(mayor, "0000", "1")
    expect(mayor.page.locator("[data-sign-code-problem]")).to_contain_text("le code donné n’est pas celui")
    codes(mayor, PIN, server.otps[-1])
    expect(mayor.page.locator("[data-batch-progress]")).to_contain_text("3 signés", timeout=40_000)
    codes(mayor, PIN, server.otps[-1])
    expect(mayor.heading("4 dossiers signés sur 4")).to_be_visible(timeout=40_000)
    for one in folders:
        assert [version.origin for version in house.versions(one)] == ["deposited", "signed"]
    assert [one["numSignatures"] for one in server.asked("credentials/authorize")] == [1, 3, 3, 1]


def test_a_batch_goes_to_the_service_s_own_page_and_comes_back_for_the_rest(
    house: House, person, server: TrustService, tmp_path: Path
) -> None:
    folders = to_sign(house, 4)
    mayor: Person = person("a.kervadec")
    link(mayor, server)
    server.mode = "oauth2code"
    to_batch(mayor, 4)
    mayor.button("Signer 4 dossiers").click()
    expect(mayor.heading("Signer 3 document")).to_be_visible(timeout=40_000)
    there(mayor, "Accepter")
    mayor.page.wait_for_url(re.compile("/lots/"))
    expect(mayor.page.get_by_label("À distance")).to_be_checked()
    mayor.button("Signer 1 dossier").click()
    expect(mayor.heading("Signer 1 document")).to_be_visible(timeout=40_000)
    there(mayor, "Refuser")
    mayor.sees("Le lot s’est arrêté. Rien n’a été signé : l’autorisation n’a pas été donnée")
    mayor.button("Signer 1 dossier").click()
    expect(mayor.heading("Signer 1 document")).to_be_visible(timeout=40_000)
    there(mayor, "Accepter")
    expect(mayor.heading("4 dossiers signés sur 4")).to_be_visible(timeout=60_000)
    for number, one in enumerate(folders):
        signed = tmp_path / f"signed-{number}.pdf"
        signed.write_bytes(house.bytes_of(house.versions(one)[-1]))
        accepted_by_others(signed, house, signatures=1)


def test_the_page_of_a_batch_signed_at_a_distance_meets_no_barrier(
    house: House,
    look: Look,  # noqa: F811
    server: TrustService,
) -> None:
    to_sign(house, 4)
    with look.by("a.kervadec") as mayor:
        link(mayor, server)
        to_batch(mayor, 4)
        look.at(mayor, "batch, at a distance")
        mayor.button("Signer 4 dossiers").click()
        expect(mayor.page.locator("#sign-pin")).to_be_visible(timeout=40_000)
        look.at(mayor, "batch, codes")
        codes(mayor, PIN, server.otps[-1])
        expect(mayor.page.locator("#sign-pin")).to_be_focused()
        look.at(mayor, "batch, second accord")
        mayor.page.keyboard.press("Escape")
        mayor.sees("Vous avez renoncé à donner votre accord")
        look.at(mayor, "batch, given up")


def test_the_pages_of_remote_signing_meet_no_barrier(house: House, look: Look, server: TrustService) -> None:  # noqa: F811
    folder_id = house.an_invoice(at="bon_a_payer")
    with look.by("a.kervadec") as mayor:
        look.at(mayor, "certificates", "/compte/certificats")
        look.at(mayor, "search", "/compte/certificats/distance")
        server.users["armel"].append("kerlann/weak")
        find(mayor)
        look.at(mayor, "found")
        mayor.button("Choisir ce certificat").click()
        mayor.page.get_by_label("Code PIN du certificat").fill("0000")
        mayor.page.get_by_label("Code à usage unique").fill("1")
        look.at(mayor, "codes")
        mayor.button("Inscrire le certificat").click()
        mayor.sees("Aucun certificat n’a été inscrit")
        look.at(mayor, "codes refused")
        link(mayor, server)
        look.at(mayor, "linked")
        choose(mayor, folder_id)
        look.at(mayor, "dialog")
        mayor.button("Signer 1 document").click()
        expect(mayor.page.locator("#sign-pin")).to_be_visible()
        look.at(mayor, "dialog, codes")
        codes(mayor, "0000", "1")
        expect(mayor.page.locator("[data-sign-code-problem]")).to_contain_text("le code donné")
        look.at(mayor, "dialog, codes refused")
        mayor.page.keyboard.press("Escape")
        mayor.sees("vous avez renoncé")
        look.at(mayor, "dialog, given up")
        server.mode = "oauth2code"
        mayor.open("/compte/certificats/distance")
        find(mayor)
        mayor.button("Choisir ce certificat").click()
        look.at(mayor, "the service's page")
        look.at(mayor, "unknown return", "/signature/retour?state=inconnu")
