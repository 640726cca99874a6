"""The guide of a first signature follows what the person does, says done nothing else, and ends with the proof."""

import pytest
from playwright.sync_api import expect

from app.people import desks
from tests.browser.person import Person
from tests.builders.house import House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
NARROW = {"width": 390, "height": 844}
# As a finger does: the end of the page above the bar of the decision, whatever scrolls
TO_ITS_END = """one => { one.scrollIntoView({ block: "end" }); for (let at = one.parentElement; at; at = at.parentElement) at.scrollBy(0, 300); }"""


def test_it_advances_with_what_is_done_by_keys_on_a_small_screen_and_ends_with_the_proof(
    house: House, person
) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    desks.show_guide(house.actor("a.kervadec").user_id or 0, shown=True)
    mayor: Person = person("a.kervadec")
    page = mayor.page
    page.set_viewport_size(NARROW)
    mayor.folder(folder_id)
    mayor.drawn()
    title, done = page.locator("[data-guide-title]"), page.locator("[data-guide-done]")
    expect(title).to_contain_text("étape 2 sur 5")
    expect(title).to_contain_text("lisez le document")
    assert "affiché jusqu’au bout" not in done.inner_text()
    # Folded above the document, it hides nothing of it; the keyboard unfolds it
    guide, view = page.locator("details.guide"), page.locator(".vpages")
    assert guide.bounding_box()["y"] + guide.bounding_box()["height"] <= view.bounding_box()["y"] + 1
    guide.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-guide-act=read]")).to_be_visible()
    expect(page.locator("[data-guide-act=open]")).to_be_hidden()
    # Opened before the document was read, the window says it, and the guide ticks nothing for it
    mayor.open_key(house.pki.p12("a_kervadec"), "mauvais")
    line = page.locator("[data-guide-line]")
    expect(line).to_contain_text("étape 4 sur 5")
    expect(line).to_contain_text("n’a pas été affiché jusqu’au bout")
    assert "vous l’avez vu" not in page.locator("dialog[open]").inner_text()
    page.keyboard.press("Escape")
    expect(title).to_contain_text("étape 2 sur 5")
    for number in range(page.locator(".vpage").count()):
        one = page.locator(".vpage").nth(number)
        one.scroll_into_view_if_needed()
        expect(one.locator("canvas")).to_be_visible()
        one.evaluate(TO_ITS_END)
    expect(title).to_contain_text("étape 3 sur 5")
    expect(done).to_contain_text("document affiché jusqu’au bout")
    page.reload()
    expect(title).to_contain_text("étape 3 sur 5")
    mayor.open_key(house.pki.p12("a_kervadec"), house.pki.passphrase.decode())
    expect(line).to_contain_text("étape 5 sur 5")
    mayor.button("Signer 1 document").click()
    page.wait_for_url(f"**/aide/premiere-signature/{folder_id}")
    mayor.sees("Votre première signature est faite")
    mayor.sees("Armel KERVADEC")
    assert not house.actor("a.kervadec").guided
    mayor.button("Vérifier cette signature").click()
    page.wait_for_url("**/signatures")
