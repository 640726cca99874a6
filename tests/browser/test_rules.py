"""Rules in front of people: written by keyboard alone, moved by the grip, published, and tried."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from app.circuits.rules import draft_of
from app.core.db import reading
from tests.browser.person import Person, apart
from tests.browser.test_circuits import tab_to
from tests.builders.house import House
from tests.circuits.test_rules import ABOVE, a_circuit, write

pytestmark = [pytest.mark.browser, pytest.mark.in_turn]
K = "k.morizur"
PAGE = "/administration/regles/invoice"
Come = Callable[..., Person]


def circuits(house: House) -> list[str]:
    here = house.actor(K).collectivity_id
    with reading(here) as db:
        return [row["circuit"] for row in draft_of(db, here, "invoice").definition["rows"]]


def test_a_table_of_rules_is_made_by_keyboard_alone(house: House, person: Come) -> None:
    apart(lambda: a_circuit(house, "Voirie courte", "direction"))
    secretary = person(K)
    secretary.open(PAGE)
    expect(secretary.page.locator("html[data-awake]")).to_be_attached()
    keys = secretary.page.keyboard
    said = secretary.page.locator("[data-circuit-said]")
    tab_to(secretary, "g-add-0")
    keys.press("Enter")
    expect(secretary.page.locator("#champ-circuit")).to_be_focused()
    keys.type("Voirie")
    tab_to(secretary, "g-addcond")
    keys.press("Enter")
    field = secretary.page.locator("#champ-cond_field_0")
    expect(field).to_be_focused()
    keys.type("Mon", delay=150)  # as one types who looks at each letter
    expect(field).to_be_focused()
    keys.type("tant TTC", delay=150)
    expect(field).to_have_value("total_ttc")
    tab_to(secretary, "champ-cond_op_0")
    expect(secretary.page.locator("#champ-cond_op_0 option[value='>=']")).to_have_count(1)
    keys.type("atteint")
    tab_to(secretary, "champ-cond_value_0")
    keys.type("40 000,00")
    keys.press("Escape")
    secretary.sees("Montant TTC atteint 40 000 €")
    expect(secretary.page.locator("#g-open-row_1")).to_be_focused()
    tab_to(secretary, "g-add-1")
    keys.press("Enter")
    expect(secretary.page.locator("#champ-circuit")).to_be_focused()
    keys.press("Escape")
    expect(secretary.page.locator("#g-open-row_2")).to_be_focused()
    keys.press("Shift+Tab")
    expect(secretary.page.locator("#g-up-row_2")).to_be_focused()
    keys.press("Shift+Tab")
    expect(secretary.page.locator("#grip-row_2")).to_be_focused()
    keys.press("Space")
    keys.press("ArrowUp")
    expect(said).to_have_text("Règle 1 sur 2, Circuit à choisir")
    keys.press("Space")
    secretary.sees("Donnez une condition")
    secretary.page.locator("#g-open-row_2").focus()
    keys.press("Enter")
    tab_to(secretary, "g-remove-row_2")
    keys.press("Enter")
    expect(secretary.page.locator(".scard")).to_have_count(1)
    secretary.page.locator(".pagehead a.btn-primary").focus()
    keys.press("Enter")
    secretary.sees("La règle 1 est ajoutée : si montant TTC atteint 40 000 €, « Voirie courte ».")
    secretary.button("Publier la version 1").focus()
    keys.press("Enter")
    secretary.sees("La version 1 des règles est publiée.")


def test_a_rule_is_drawn_by_its_grip_above_the_one_that_hides_it(house: House, person: Come) -> None:
    short = apart(lambda: a_circuit(house, "Voirie courte", "direction"))
    far = {"field": "total_ttc", "op": ">=", "value": 40000}
    apart(lambda: write(house, "invoice", (ABOVE, "invoice"), (far, short)))
    secretary = person(K)
    secretary.open(PAGE)
    expect(secretary.page.locator("html[data-awake]")).to_be_attached()
    secretary.sees("Jamais atteinte : la règle 1 prend déjà tous ces dossiers.")
    mouse = secretary.page.mouse
    grip = secretary.page.locator("#grip-row_2").bounding_box()
    first = secretary.page.locator("#regle-row_1").bounding_box()
    assert grip is not None
    assert first is not None
    mouse.move(grip["x"] + 10, grip["y"] + 10)
    mouse.down()
    mouse.move(grip["x"] + 10, first["y"] + 4, steps=6)
    mouse.up()
    expect(secretary.page.locator("[data-circuit-said]")).to_have_text("Règle 1 sur 2, Voirie courte")
    expect(secretary.page.locator("main").get_by_text("Jamais atteinte")).to_have_count(0)
    assert circuits(house) == [short, "invoice"]
