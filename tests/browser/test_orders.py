"""An order at its pages: read beside its deliveries and its invoice, and received by the keyboard alone, from a telephone too."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from tests.browser.person import apart
from tests.builders.house import House
from tests.purchasing.world import BUYER, FREIGHT, SALT, an_invoice, an_order, arrived

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]
PHOTO = Path(__file__).parents[2] / "app" / "static" / "icon-192.png"
SIZES = ((1280, "light"), (820, "dark"), (390, "light"), (390, "dark"), (320, "light"))


def _is_sound(page: Page) -> None:
    """Nothing for axe to say, nothing that scrolls sideways."""
    for width, theme in SIZES:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("theme => { document.documentElement.dataset.bsTheme = theme; }", theme)
        if not page.evaluate("() => 'axe' in window"):
            page.evaluate(AXE_SCRIPT)
        seen = page.evaluate(
            "() => axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })"
        )
        assert [one["id"] for one in seen["violations"]] == [], (page.url, width, theme)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), (page.url, width)
    page.set_viewport_size({"width": 1280, "height": 900})


def test_what_arrives_is_attested_by_the_keyboard_beside_the_invoice_that_bills_it(
    house: House, person
) -> None:
    order = apart(lambda: an_order(house))
    arrived(house, order, {0: "40", 1: "9", 2: "1"})
    number = house.folder(order).number
    invoice = apart(
        lambda: an_invoice(house, number, (SALT, "12", "TNE", "118"), (FREIGHT, "1", "C62", "310"))
    )
    agent = person(BUYER)
    page = agent.page
    agent.open("/commandes")
    _is_sound(page)
    page.get_by_role("link", name=number).press("Enter")
    expect(page.get_by_text(re.compile(r"Facturé, pas livré\s: 3\st"))).to_be_visible()
    _is_sound(page)
    page.get_by_role("link", name="Enregistrer une livraison").press("Enter")
    quantity = page.get_by_label("Sel de déneigement, en t")
    expect(quantity).to_have_value("3")  # what is left, and nothing else is asked
    expect(
        page.get_by_text(f"La facture {house.folder(invoice).number} attend cette livraison")
    ).to_be_visible()
    _is_sound(page)
    # On a telephone the act is in sight, and the picture is seen before it leaves, and may be taken back
    page.set_viewport_size({"width": 390, "height": 844})
    act = page.get_by_role("button", name="Attester le service fait")
    act.click(trial=True)
    expect(act).to_be_in_viewport(ratio=1)
    assert page.evaluate("scrollY") == 0
    expect(page.get_by_text("Photographier ou joindre…")).to_be_visible()
    photo = page.get_by_label("Bon de livraison ou photo")
    photo.set_input_files(PHOTO)
    preview = page.get_by_role("img", name=f"Aperçu de {PHOTO.name}")
    expect(preview).to_be_visible()
    assert preview.evaluate("one => one.decode().then(() => one.naturalWidth)") == 192
    _is_sound(page)
    page.get_by_role("button", name=f"Retirer {PHOTO.name}").press("Enter")
    expect(preview).to_have_count(0)
    assert photo.evaluate("one => one.files.length") == 0
    # A page that the telephone ended comes back with what was typed
    quantity.fill("1,5")
    page.get_by_label("Remarque").fill("Palette abîmée")
    page.wait_for_function(
        "() => Object.keys(sessionStorage).filter(one => one.startsWith('note ')).length === 2"
    )
    page.reload()
    expect(quantity).to_have_value("1,5")
    expect(page.get_by_label("Remarque")).to_have_value("Palette abîmée")
    quantity.fill("beaucoup")
    quantity.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("ce n’est pas une quantité")
    quantity.fill("2,5")
    # Without a network what was typed and the photograph stay in the page, which says that nothing answered
    photo.set_input_files(PHOTO)
    agent.context.set_offline(True)
    quantity.press("Enter")
    cut = page.get_by_role("alert").filter(has_text="Aucune réponse n’est venue")
    expect(cut).to_contain_text("toujours dans cette page")
    expect(quantity).to_have_value("2,5")
    _is_sound(page)
    agent.context.set_offline(False)
    agent.said.clear()  # the browser tells each request that failed
    quantity.press("Enter")
    expect(page.locator(".flash-ok")).to_contain_text("Le service fait est attesté")
    expect(page.get_by_text(re.compile(r"Facturé, pas livré\s: 0,5\st"))).to_be_visible()
    agent.open(f"/dossiers/{invoice}")
    expect(page.get_by_text("Facturé, et pas livré").first).to_be_visible()
    expect(page.get_by_role("link", name=f"Commande {number}")).to_be_visible()
    agent.open("/commandes")
    page.get_by_role("button", name="Nouveau bon de commande").press("Enter")
    expect(page.get_by_label("Désignation, ligne 1")).to_be_visible()
    _is_sound(page)
