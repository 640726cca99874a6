"""Signing with a card through Web eID: the real page and its policy, the extension emulated by its messages."""

import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
from playwright.sync_api import expect

from app.signing.enrol import enrol
from app.trust.certificates import facts
from tests.browser.card import Card
from tests.browser.person import Person
from tests.browser.proofs import accepted_by_others
from tests.builders.house import House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
OF = {"card": "Armel KERVADEC (carte)", "card_rsa": "Bleuenn CADIOU (carte)"}


def holder(house: House, login: str, label: str) -> None:
    """The card is enrolled to this person."""
    actor, der = house.actor(login), house.pki.certificate(label)
    enrol(actor, actor.user_id or 0, facts(der), der)


def with_card(person, house: House, label: str, login: str = "a.kervadec") -> tuple[Person, Card]:
    one: Person = person(login)
    return one, Card(one.page, house.pki, label)


def choose_card(one: Person, folder_id: int) -> None:
    one.folder(folder_id)
    one.button("Signer…").click()
    one.page.get_by_label("Une carte").check()


def refused(one: Person, words: str) -> None:
    expect(one.page.locator("[data-sign-problem]")).to_contain_text(
        re.compile(rf"Rien n’a été signé\s+: {words}")
    )


@pytest.mark.parametrize("label", ["card", "card_rsa"])
def test_a_card_signs_the_choice_is_remembered_and_strangers_accept_the_file(
    house: House, person, tmp_path: Path, label: str
) -> None:
    holder(house, "a.kervadec", label)
    mayor, card = with_card(person, house, label)
    folder_id = house.an_invoice(at="bon_a_payer")
    choose_card(mayor, folder_id)
    expect(mayor.page.get_by_label("Fichier du certificat")).to_be_hidden()
    mayor.button("Lire ma carte").click()
    expect(mayor.page.locator("[data-sign-name]")).to_have_text(OF[label])
    mayor.button("Signer 1 document").click()
    mayor.sees("est signé.")
    assert [one["action"] for one in card.asked] == ["web-eid:get-signing-certificate", "web-eid:sign"]
    assert card.asked[1]["hashFunction"] == ("SHA-384" if label == "card" else "SHA-256")
    signed = tmp_path / "signed.pdf"
    signed.write_bytes(house.bytes_of(house.versions(folder_id)[-1]))
    accepted_by_others(signed, house, signatures=1)
    # Another folder, another day: the dialog opens on what this person signs with, and one click is enough.
    again = house.an_invoice(at="bon_a_payer")
    mayor.folder(again)
    mayor.button("Signer…").click()
    expect(mayor.page.get_by_label("Une carte")).to_be_checked()
    mayor.button("Signer 1 document").click()
    mayor.sees("est signé.")
    mayor.folder(again)
    assert house.folder(again).place != "bon_a_payer"


def test_what_goes_wrong_with_a_card_signs_nothing_and_says_what_to_do(house: House, person) -> None:
    holder(house, "a.kervadec", "card_rsa")
    mayor, card = with_card(person, house, "card_rsa")
    folder_id = house.an_invoice(at="bon_a_payer")
    version = house.folder(folder_id).version
    for action, code, words in (
        ("get-signing-certificate", "ERR_WEBEID_USER_CANCELLED", "vous avez annulé"),
        ("get-signing-certificate", "ERR_WEBEID_NATIVE_UNAVAILABLE", "le programme Web eID n’a pas répondu"),
        ("get-signing-certificate", "ERR_WEBEID_VERSION_MISMATCH", "l’extension et le programme Web eID"),
        ("get-signing-certificate", "ERR_WEBEID_NATIVE_FATAL", "la carte n’a pas pu répondre"),
        ("sign", "ERR_WEBEID_USER_TIMEOUT", "la carte n’a pas répondu à temps"),
        ("sign", "ERR_WEBEID_USER_CANCELLED", "vous avez annulé"),
    ):
        card.fails = {action: code}
        choose_card(mayor, folder_id)
        mayor.button("Signer 1 document").click()
        refused(mayor, words)
    card.fails = {}
    # PSS where PKCS#1 v1.5 was asked, then the key of somebody else
    card.pss = True
    choose_card(mayor, folder_id)
    mayor.button("Signer 1 document").click()
    refused(mayor, "la carte a répondu autre chose")
    card.pss = False
    card.key = load_pkcs12(house.pki.p12("a_kervadec").read_bytes(), house.pki.passphrase).key
    choose_card(mayor, folder_id)
    mayor.button("Signer 1 document").click()
    refused(mayor, "la signature reçue n’est pas celle de ce document")
    assert house.folder(folder_id).version == version
    assert [one.origin for one in house.versions(folder_id)] == ["deposited"]


def test_without_extension_or_with_another_s_card_the_page_says_so(house: House, person) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    mayor: Person = person("a.kervadec")
    choose_card(mayor, folder_id)
    mayor.button("Lire ma carte").click()
    refused(mayor, "l’extension Web eID n’a pas répondu")
    expect(mayor.page.locator("[data-sign-read-card]")).to_be_focused()
    other, card = with_card(person, house, "card_rsa")
    choose_card(other, folder_id)
    other.button("Signer 1 document").click()
    refused(other, "le certificat de Bleuenn CADIOU")
    assert "web-eid:sign" not in [one["action"] for one in card.asked]
    # No browser of a tablet or a telephone reaches a card: it is said, and cannot be chosen.
    for agent in (
        "Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X)",
        "Mozilla/5.0 (Linux; Android 14; Pixel 8)",
    ):
        held: Person = person("a.kervadec", user_agent=agent)
        held.folder(folder_id)
        held.button("Signer…").click()
        expect(held.page.get_by_label("Une carte")).to_be_disabled()
        expect(held.page.get_by_label("Un fichier")).to_be_checked()
        held.sees("sur un ordinateur seulement")


def test_the_diagnosis_stops_at_the_first_step_that_fails_and_says_what_to_do(house: House, person) -> None:
    alone: Person = person("a.kervadec")
    judged(
        alone, {"secure": "ok", "extension": "ko"}, "l’extension Web eID n’a pas répondu dans ce navigateur"
    )
    mayor, card = with_card(person, house, "card")
    card.fails = {"status": "ERR_WEBEID_NATIVE_UNAVAILABLE"}
    judged(
        mayor, {"extension": "ok", "native": "ko"}, "le programme Web eID n’a pas répondu sur cet ordinateur"
    )
    card.fails = {"status": "ERR_WEBEID_VERSION_MISMATCH"}
    judged(mayor, {"native": "ko"}, "ne sont pas de la même version")
    card.fails = {"get-signing-certificate": "ERR_WEBEID_NATIVE_FATAL"}
    judged(mayor, {"native": "ok", "card": "ko"}, "la carte n’a pas pu répondre")
    card.fails = {}
    judged(mayor, {"card": "ok", "enrolled": "ko"}, "n’est pas enregistré à votre nom")
    holder(house, "a.kervadec", "card")
    judged(
        mayor, dict.fromkeys(("secure", "extension", "native", "card", "enrolled"), "ok"), "Tout est en place"
    )
    assert "web-eid:sign" not in [one["action"] for one in card.asked]


def judged(one: Person, states: dict[str, str], words: str) -> None:
    one.open("/compte/certificats")
    one.button("Ma carte n’est pas vue").click()
    one.button("Vérifier").click()
    for step, state in states.items():
        expect(one.page.locator(f"[data-step={step}]")).to_have_attribute("data-state", state)
    one.sees(words)


def test_who_chooses_the_card_before_the_script_is_there_keeps_the_card(house: House, person) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    mayor: Person = person("a.kervadec")
    held = []
    mayor.page.route("**/js/signer.js*", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    choose_card(mayor, folder_id)
    mayor.until(held)
    expect(mayor.page.get_by_label("Fichier du certificat")).to_be_visible()
    held[0].continue_()
    expect(mayor.page.get_by_label("Fichier du certificat")).to_be_hidden()
    expect(mayor.button("Lire ma carte")).to_be_visible()
    expect(mayor.page.get_by_label("Une carte")).to_be_checked()


FORGER = """
window.addEventListener("message", ({ data }) => {
  if (!/^web-eid:[a-z-]+(?<!-ack|-success)$/.test(data?.action)) return;
  for (const end of ["ack", "success"]) {
    const said = { action: `${data.action}-${end}`, certificate: "AAAA", supportedSignatureAlgorithms: [] };
    window.dispatchEvent(new MessageEvent("message", { data: said, origin: "https://ailleurs.example", source: null }));
  }
});
"""


def test_what_another_window_says_is_not_taken_for_the_extension_s_answer(house: House, person) -> None:
    mayor: Person = person("a.kervadec")
    mayor.page.add_init_script(FORGER)
    choose_card(mayor, house.an_invoice(at="bon_a_payer"))
    mayor.button("Lire ma carte").click()
    refused(mayor, "l’extension Web eID n’a pas répondu")


def test_a_card_that_stays_silent_is_given_two_minutes_and_no_second_question_meanwhile(
    house: House, person
) -> None:
    mayor, card = with_card(person, house, "card")
    card.silent = {"get-signing-certificate"}
    mayor.page.clock.install()
    choose_card(mayor, house.an_invoice(at="bon_a_payer"))
    expect(mayor.button("Lire ma carte")).to_be_visible()  # the page's script hears it from now on
    with mayor.page.expect_event("console", lambda said: said.text == "asked"):
        mayor.page.evaluate(
            """() => { addEventListener("message", ({ data }) => data?.action?.endsWith("-ack") && console.log("asked"));
                       document.querySelector("[data-sign-read-card]").click(); }"""
        )
    mayor.button("Lire ma carte").click()
    mayor.page.clock.fast_forward(119_000)
    expect(mayor.page.locator("[data-sign-problem]")).to_be_empty()
    mayor.page.clock.fast_forward(2_000)
    refused(mayor, "la carte n’a pas répondu à temps")
    assert [one["action"] for one in card.asked] == ["web-eid:get-signing-certificate"]
