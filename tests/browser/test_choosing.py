"""A person is looked for by words in a list that the page does not hold, by keyboard; without a script the whole list is a link away."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.person import Person, apart
from tests.builders.house import House
from tests.people.test_choosing import K, many

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]


def test_a_person_is_found_by_words_and_chosen_without_a_pointer(
    house: House, person: Callable[..., Person]
) -> None:
    apart(lambda: many(house.actor(K).collectivity_id, 50, 0))
    secretary = person(K)
    secretary.open("/administration/mandats")
    expect(secretary.page.locator("html[data-awake]")).to_be_attached()
    search, chosen = secretary.page.get_by_label("Chercher par mots"), secretary.page.get_by_label("Personne")
    search.focus()
    secretary.page.keyboard.type("introuvable")
    expect(secretary.page.get_by_text("Aucune réponse")).to_be_visible()
    secretary.page.keyboard.press("Control+A")
    secretary.page.keyboard.type("zephyr")
    expect(secretary.page.get_by_text("1 réponse")).to_be_visible()
    secretary.page.keyboard.press("Enter")
    expect(chosen).to_be_focused()
    expect(chosen.locator("option:checked")).to_have_text("Ana Éloïse-Zéphyr, agente (compte jamais ouvert)")
    # What is looked for next does not lose whom one has chosen
    search.focus()
    secretary.page.keyboard.press("Control+A")
    secretary.page.keyboard.type("zimmer00")
    expect(secretary.page.get_by_text("10 réponses")).to_be_visible()
    expect(chosen.locator("option:checked")).to_have_text("Ana Éloïse-Zéphyr, agente (compte jamais ouvert)")


def test_without_a_script_the_whole_list_is_a_link_away(house: House, person: Callable[..., Person]) -> None:
    apart(lambda: many(house.actor(K).collectivity_id, 50, 0))
    secretary = person(K, java_script_enabled=False)
    secretary.open("/administration/mandats")
    secretary.page.get_by_role("link", name="La page avec toute la liste").click()
    secretary.page.get_by_label("Personne").select_option(
        label="Ana Éloïse-Zéphyr, agente (compte jamais ouvert)"
    )
