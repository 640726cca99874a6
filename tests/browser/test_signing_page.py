"""Signing in the page: every ending says first whether something was signed, and the signature stands where it was put."""

import re
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Route, expect

from tests.browser.person import Person
from tests.builders.house import House
from tests.builders.mandates import of_mayor, record

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
NOTHING = "Rien n’a été signé"
SCALE = 2


def test_a_wrong_password_or_a_certificate_that_may_not_sign_signs_nothing_and_says_so(
    house: House, person
) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    version, password = house.folder(folder_id).version, house.pki.passphrase.decode()
    mayor: Person = person("a.kervadec")
    problem = mayor.page.locator("[data-sign-problem]")

    def refused(words: str) -> None:
        expect(problem).to_contain_text(re.compile(rf"{NOTHING}\s+:"))
        expect(problem).to_contain_text(re.compile(words))

    mayor.folder(folder_id)
    mayor.open_key(house.pki.p12("a_kervadec"), "mauvais")
    refused("le mot de passe n’ouvre pas ce certificat")
    expect(mayor.page.get_by_label("Mot de passe du certificat")).to_be_focused()
    expect(mayor.page.get_by_label("Mot de passe du certificat")).to_have_attribute("aria-invalid", "true")
    mayor.folder(folder_id)
    mayor.open_key(house.pki.p12("expired"), password)
    refused(r"ce certificat a expiré le \d+")
    for label, words in (
        ("foreign_root", "autorité"),
        ("revoked", "révoqué"),
        ("auth_only", "n’est pas enregistré à votre nom"),
    ):
        mayor.folder(folder_id)
        mayor.open_key(house.pki.p12(label), password)
        expect(mayor.page.locator("[data-sign-name]")).to_contain_text("Armel KERVADEC")
        mayor.button("Signer 1 document").click()
        refused(words)
        if label == "auth_only":
            expect(mayor.page.get_by_label("Fichier du certificat")).to_be_focused()
            expect(mayor.page.get_by_label("Mot de passe du certificat")).to_have_value("")
    assert house.folder(folder_id).version == version
    assert [one.origin for one in house.versions(folder_id)] == ["deposited"]


def test_when_the_answer_is_lost_the_page_asks_and_tells_the_truth(house: House, person) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    mayor: Person = person("a.kervadec")
    mayor.expected.append("net::ERR_")

    def before(route: Route) -> None:
        route.abort() if route.request.method == "POST" else route.continue_()

    def after(route: Route) -> None:
        if route.request.method == "POST":
            route.fetch()
            route.abort()
        else:
            route.continue_()

    # The network is cut before the signature reaches the server.
    mayor.page.route("**/signature/terminer*", before)
    mayor.folder(folder_id)
    mayor.open_key(house.pki.p12("a_kervadec"), house.pki.passphrase.decode())
    mayor.button("Signer 1 document").click()
    mayor.sees("Nous vérifions si la signature a été apposée. Ne recommencez pas")
    mayor.sees("Rien n’a été signé : la connexion a été coupée avant la fin")
    assert house.folder(folder_id).place == "bon_a_payer"
    # It is cut while the answer comes back: the signature stands, and is not made twice.
    mayor.page.unroute("**/signature/terminer*")
    mayor.page.route("**/signature/terminer*", after)
    mayor.folder(folder_id)
    mayor.open_key(house.pki.p12("a_kervadec"), house.pki.passphrase.decode())
    mayor.button("Signer 1 document").click()
    mayor.sees("est signé.")
    assert [one.origin for one in house.versions(folder_id)] == ["deposited", "signed"]


def test_words_that_changed_while_the_page_was_open_are_read_again_by_one_button(
    house: House, person
) -> None:
    mayor: Person = person("a.kervadec")
    folder_id = house.an_invoice(at="bon_a_payer")
    mayor.folder(folder_id)
    mayor.open_key(house.pki.p12("a_kervadec"), house.pki.passphrase.decode())
    record(house, of_mayor(house))
    mayor.button("Signer 1 document").click()
    mayor.sees(
        "vos mandats, votre qualité, votre intérim ou la part de l’étape qui vous revient ont changé depuis la page"
    )
    assert house.folder(folder_id).place == "bon_a_payer"
    mayor.button("Recharger la page").click()
    mayor.open_key(house.pki.p12("a_kervadec"), house.pki.passphrase.decode())
    mayor.sees("avec la mention « Le maire »")
    mayor.button("Signer 1 document").click()
    mayor.sees("est signé.")


def test_the_visible_signature_stands_where_the_person_put_it_by_keys_or_by_pointer(
    house: House, person, tmp_path: Path
) -> None:
    mayor: Person = person("a.kervadec")
    for way in (by_keys, by_pointer):
        folder_id = house.an_invoice(at="bon_a_payer")
        mayor.folder(folder_id)
        mayor.drawn()
        mayor.open_key(house.pki.p12("a_kervadec"), house.pki.passphrase.decode())
        mayor.button("Choisir l’emplacement…").click()
        box = mayor.page.locator(".placebox")
        way(mayor, box)
        left, top, right, bottom = box.evaluate(
            """box => { const page = box.parentElement.getBoundingClientRect(), own = box.getBoundingClientRect();
            return [(own.left - page.left) / page.width, (own.top - page.top) / page.height,
                    (own.right - page.left) / page.width, (own.bottom - page.top) / page.height]; }"""
        )
        mayor.button("Placer ici").press("Enter")
        mayor.sees("à l’emplacement que vous avez choisi")
        mayor.button("Signer 1 document").click()
        mayor.sees("est signé.")
        before, after = (render(house.bytes_of(one)) for one in house.versions(folder_id))
        ink = ImageChops.difference(before, after).getbbox()
        assert ink, "nothing was drawn"
        width, height = after.size
        slack = 3 * SCALE
        assert ink[0] >= left * width - slack
        assert ink[1] >= top * height - slack
        assert ink[2] <= right * width + slack
        assert ink[3] <= bottom * height + slack
        assert ink[3] - ink[1] > 0.3 * (bottom - top) * height


PLACES = """() => Object.fromEntries([
    ["dialog", "dialog[open]"], ["file", "#sign-file"], ["password", "#sign-password"],
    ["place", "[data-sign-place-open]"], ["cancel", "[data-sign-foot] [data-close]"], ["go", "[data-sign-go]"],
].map(([name, selector]) => {
    const { x, y, width, height } = document.querySelector(selector).getBoundingClientRect();
    return [name, [x, y, width, height].map(Math.round)];
}))"""


def firm(places: dict[str, list[int]]) -> dict[str, list[int]]:
    """What stays in its place even where the dialog is too low to show everything at once."""
    return {name: places[name] for name in ("dialog", "cancel", "go")}


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (820, 1180), (1024, 768)])
def test_nothing_moves_under_the_finger_whatever_the_dialog_says(
    house: House, person, width: int, height: int
) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    mayor: Person = person("a.kervadec")
    page, secret = mayor.page, house.pki.passphrase.decode()
    page.set_viewport_size({"width": width, "height": height})
    mayor.folder(folder_id)
    mayor.drawn()
    mayor.button("Signer…").click()
    file, password = (
        page.get_by_label("Fichier du certificat"),
        page.get_by_label("Mot de passe du certificat"),
    )
    expect(file).to_be_visible()
    at_first = page.evaluate(PLACES)
    expect(page.get_by_role("button", name="Choisir l’emplacement…")).to_be_visible()
    assert page.evaluate(PLACES) == at_first
    problem, name = page.locator("[data-sign-problem]"), page.locator("[data-sign-name]")

    def give(label: str, word: str) -> None:
        file.set_input_files(house.pki.p12(label))
        password.fill(word)
        password.blur()

    give("a_kervadec", "mauvais")
    expect(problem).to_contain_text("le mot de passe n’ouvre pas ce certificat")
    expect(password).to_have_attribute("aria-describedby", re.compile(r"\bsign-problem\b"))
    expect(problem).to_be_in_viewport()
    assert page.evaluate(PLACES) == at_first
    give("a_kervadec", secret)
    expect(name).to_have_text("Armel KERVADEC")
    expect(name).to_be_in_viewport()  # whose certificate it is has to be read before the button
    expect(problem).to_be_empty()
    assert firm(page.evaluate(PLACES)) == firm(at_first)
    give("expired", secret)
    expect(problem).to_contain_text("ce certificat a expiré le")
    assert firm(page.evaluate(PLACES)) == firm(at_first)
    give("foreign_root", secret)
    expect(name).to_be_visible()
    mayor.button("Signer 1 document").click()
    expect(problem).to_contain_text("autorité")  # the answer of the server
    assert firm(page.evaluate(PLACES)) == firm(at_first)


def test_giving_up_the_place_by_escape_comes_back_to_the_dialog_as_it_was(house: House, person) -> None:
    mayor: Person = person("a.kervadec")
    mayor.folder(house.an_invoice(at="bon_a_payer"))
    mayor.drawn()
    mayor.open_key(house.pki.p12("a_kervadec"), house.pki.passphrase.decode())
    mayor.button("Choisir l’emplacement…").click()
    expect(mayor.page.locator(".placebox")).to_be_focused()
    mayor.page.keyboard.press("Escape")
    expect(mayor.page.locator(".placebox")).to_have_count(0)
    expect(mayor.page.locator("[data-sign-name]")).to_have_text("Armel KERVADEC")
    expect(mayor.page.get_by_role("button", name="Signer 1 document")).to_be_visible()
    expect(mayor.page.get_by_role("button", name="Choisir l’emplacement…")).to_be_focused()


def by_keys(mayor: Person, box) -> None:
    expect(box).to_be_focused()
    for key in ["Shift+ArrowUp"] * 9 + ["Shift+ArrowLeft"] * 4 + ["ArrowLeft"] * 3:
        mayor.page.keyboard.press(key)


def by_pointer(mayor: Person, box) -> None:
    start = box.bounding_box()
    mouse = mayor.page.mouse
    mouse.move(start["x"] + 20, start["y"] + 20)
    mouse.down()
    mouse.move(start["x"] - 120, start["y"] - 60, steps=4)
    mouse.up()


def render(data: bytes) -> Image.Image:
    """The first page as a reader draws it, signature fields included."""
    document = pypdfium2.PdfDocument(data)
    document.init_forms()
    page = document[0]
    image = page.render(scale=SCALE, may_draw_forms=True).to_pil().convert("RGB")
    page.close()
    document.close()
    return image
