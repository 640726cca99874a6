"""What was just done is taken back by the keyboard alone, and the band that offers it meets no barrier."""

import re

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from tests.builders.house import House

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
    pytest.mark.parametrize("take_back_seconds", [20]),
]


def no_barrier(page: Page) -> None:
    """At three widths, light and dark."""
    for width, theme in ((1280, "light"), (820, "dark"), (390, "light")):
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("theme => { document.documentElement.dataset.bsTheme = theme; }", theme)
        page.evaluate("() => scrollTo(0, 0)")
        if not page.evaluate("() => 'axe' in window"):
            page.evaluate(AXE_SCRIPT)
        seen = page.evaluate(
            "() => axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })"
        )
        assert [one["id"] for one in seen["violations"]] == [], (width, theme)


def test_a_visa_is_taken_back_by_the_keyboard_and_its_band_goes_when_it_is_too_late(
    house: House, person
) -> None:
    folder_id = house.an_invoice()
    agent = person("r.pellenec")
    page = agent.page
    page.clock.install()
    agent.open("/compte")
    page.get_by_role("radio", name="20 secondes").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.get_by_role("button", name="Enregistrer l’affichage").press("Enter")
    expect(page.get_by_role("radio", name="2 minutes")).to_be_checked()
    no_barrier(page)
    agent.open(f"/dossiers/{folder_id}")
    expect(page.locator(agent.awake)).to_be_attached()
    before = house.folder(folder_id).place
    page.keyboard.press("a")
    band = page.get_by_role("button", name="Annuler ce visa")
    expect(band).to_be_visible()
    assert house.folder(folder_id).place != before
    no_barrier(page)
    until = re.search(r"jusqu’à (\d+ h \d\d min \d\d s)", band.inner_text())
    assert until, "whoever listens hears an hour that stays true, and not each second"
    page.clock.run_for(3000)
    assert until[1] in band.inner_text()
    page.keyboard.press("z")
    expect(page.locator(".flash-ok")).to_contain_text("visa est annulé")
    assert house.folder(folder_id).place == before
    # On a small screen what opens a dialog stands behind « … »: the keyboard goes there, and comes back there
    behind = page.get_by_role("button", name="Autres actes")
    expect(page.get_by_text("Confier…")).to_be_hidden()
    behind.press("Enter")
    expect(page.get_by_text("Confier…")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Demander un avis")).to_be_visible()
    page.keyboard.press("Escape")
    expect(behind).to_be_focused()
    page.keyboard.press("a")
    expect(band).to_be_visible()
    page.clock.fast_forward("01:31")
    expect(band).to_be_visible()  # as long as this person has chosen
    page.clock.fast_forward("00:31")
    expect(band).to_have_count(0)  # its seconds are over: no button for what one may not do
    expect(page.locator(".flash-ok")).to_contain_text("est visé")


def test_an_act_is_taken_back_though_a_note_on_another_folder_is_not_written(house: House, person) -> None:
    first, second = house.an_invoice(), house.an_invoice()
    agent = person("r.pellenec")
    page = agent.page
    before = house.folder(first).place
    agent.folder(first)
    agent.button("Viser").click()
    page.wait_for_url(f"**/dossiers/{second}*")
    expect(page.locator(agent.awake)).to_be_attached()
    page.get_by_role("link", name=re.compile("^Notes")).click()
    note = page.get_by_label("Votre note")
    note.fill("À rappeler lundi.")
    page.get_by_role("button", name="Annuler ce visa").click()
    expect(page.locator(".flash-ok")).to_contain_text("visa est annulé")
    assert house.folder(first).place == before
    agent.folder(second, "notes")
    expect(note).to_have_value("À rappeler lundi.")
