"""The coming steps of a folder are changed without a pointer, and without a script."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.person import Person
from tests.builders.house import House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
WHY = "Le tonnage facturé dépasse le marché."


def reach(page: Page, name: str, role: str) -> None:
    """Go by Tab to what has this name; it is seen to have the focus."""
    wanted = page.get_by_role(role, name=name).first  # type: ignore[arg-type]
    for _ in range(80):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"« {name} » is not reached by Tab")


@pytest.mark.parametrize("script", [True, False])
def test_an_opinion_is_added_and_applied_by_keyboard(house: House, person, script: bool) -> None:
    folder_id = house.a_deliberation(at="direction")
    secretary: Person = person("k.morizur", java_script_enabled=script)
    page = secretary.page
    secretary.folder(folder_id)
    reach(page, "Modifier les étapes à venir…", "link")
    page.keyboard.press("Enter")
    expect(secretary.heading("Modifier les étapes à venir")).to_be_visible()
    expect(page.get_by_role("button", name="Appliquer")).to_be_disabled()
    reach(page, "Bureau de cette étape", "combobox")
    page.keyboard.type("Direction des finances")
    reach(page, "Délai en jours ouvrés, facultatif", "textbox")
    page.keyboard.type("3")
    reach(page, "Ajouter cette étape", "button")
    page.keyboard.press("Enter")
    # What was changed is in sight, the keyboard is there, and the reason is the next field
    expect(secretary.heading("Un changement")).to_be_focused()
    expect(secretary.heading("Un changement")).to_be_in_viewport()
    secretary.sees("« Avis, Direction des finances » ajouté, Direction des finances, 3 jours ouvrés")
    reach(page, "Appliquer", "button")
    page.keyboard.press("Enter")
    reason = page.get_by_role("textbox", name="Motif")
    expect(reason).to_be_focused()
    expect(reason).to_have_attribute("aria-invalid", "true")
    page.keyboard.type(WHY)
    reach(page, "Appliquer", "button")
    page.keyboard.press("Enter")
    secretary.sees("Les étapes à venir sont modifiées.")
    secretary.sees(f"Motif : « {WHY} »")
    secretary.sees("étapes modifiées pour ce dossier")
    assert house.journal(folder_id)[-1] == "folder.rerouted"


def test_enter_in_a_field_applies_nothing(house: House, person) -> None:
    folder_id = house.a_deliberation(at="direction")
    secretary: Person = person("k.morizur")
    secretary.open(f"/dossiers/{folder_id}/etapes")
    secretary.page.get_by_label("Motif").fill(WHY)
    secretary.page.get_by_label("Nom de l’étape, facultatif").press("Enter")
    expect(secretary.page.get_by_label("Motif")).to_have_value(WHY)
    secretary.sees("Aucun changement")
    assert "folder.rerouted" not in house.journal(folder_id)
