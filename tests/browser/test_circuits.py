"""A circuit in front of people: by keyboard alone, by the grip, by two at once, and without any script."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from app.circuits import drafting, named
from app.circuits.drafting import draft_of
from app.circuits.gestures import Gesture
from app.core.db import reading
from tests.browser.person import Person, apart
from tests.builders.house import House

pytestmark = [pytest.mark.browser, pytest.mark.in_turn]
K = "k.morizur"
WAY = [
    "Service fait",
    "Contrôle des finances",
    "Direction générale",
    "Bon à payer",
    "Remise au logiciel de finances",
]
Come = Callable[..., Person]


def labels(house: House) -> list[str]:
    here = house.actor(K).collectivity_id
    with reading(here) as db:
        return [step["label"] for step in draft_of(db, here, "invoice").definition["steps"]]


def titles(person: Person) -> list[str]:
    return person.page.locator(".scard h3").all_inner_texts()


def tab_to(person: Person, focused: str) -> None:
    """The keyboard alone, as far as the control of this id."""
    for _ in range(150):
        if person.page.evaluate("() => document.activeElement.id") == focused:
            return
        person.page.keyboard.press("Tab")
    raise AssertionError(f"{focused} is not reached by Tab")


def test_a_circuit_is_made_by_keyboard_alone(house: House, person: Come) -> None:
    secretary = person(K)
    secretary.open("/circuits/invoice")
    keys = secretary.page.keyboard
    said = secretary.page.locator("[data-circuit-said]")
    tab_to(secretary, "g-add-2")
    keys.press("Enter")
    expect(secretary.page.locator("#champ-label")).to_be_focused()
    keys.type("Visa du secrétariat")  # the name that was proposed is selected: it goes
    tab_to(secretary, "champ-who_add")
    keys.type("Secr")
    tab_to(secretary, "g-addwho")
    keys.press("Enter")
    secretary.sees("Visa, Secrétariat général")
    expect(secretary.page.locator("#g-addwho")).to_be_focused()
    tab_to(secretary, "champ-days")
    keys.type("4")
    keys.press("Escape")
    expect(secretary.page.locator("#g-open-step_1")).to_be_focused()
    secretary.sees("Visa, Secrétariat général, 4 jours ouvrés")
    keys.press("Shift+Tab")
    keys.press("Shift+Tab")
    expect(secretary.page.locator("#g-up-step_1")).to_be_focused()
    keys.press("Enter")
    expect(said).to_have_text("Visa du secrétariat, étape 2 sur 6")
    expect(secretary.page.locator("#g-up-step_1")).to_be_focused()
    keys.press("Enter")
    expect(said).to_have_text("Visa du secrétariat, étape 1 sur 6")
    expect(
        secretary.page.locator("#g-down-step_1")
    ).to_be_focused()  # it is first: there is no way up any more
    keys.press("Shift+Tab")
    expect(secretary.page.locator("#grip-step_1")).to_be_focused()
    keys.press("Space")
    keys.press("ArrowDown")
    expect(said).to_have_text("Visa du secrétariat, étape 2 sur 6")
    expect(secretary.page.locator("#grip-step_1")).to_have_attribute("aria-pressed", "true")
    keys.press("Space")
    keys.press("Space")
    for _ in range(2):
        keys.press("ArrowDown")
    keys.press("Escape")
    expect(said).to_have_text("Étape remise à sa place")
    expect(secretary.page.locator("#grip-step_1")).to_have_attribute("aria-pressed", "false")
    expect(secretary.page.locator("#grip-step_1")).to_be_focused()
    expect(secretary.page.locator(".scard.is-open")).to_have_count(0)  # what was closed stays so
    assert labels(house)[:3] == ["Service fait", "Visa du secrétariat", "Contrôle des finances"]
    secretary.page.reload()  # the draft is the server's
    assert titles(secretary)[1] == "Visa du secrétariat"
    secretary.page.locator(".pagehead a.btn-primary").focus()
    keys.press("Enter")
    secretary.sees("L’étape « Visa du secrétariat » est ajoutée (visa), après « Service fait ».")
    secretary.button("Publier la version 1").focus()
    keys.press("Enter")
    secretary.sees("La version 1 est publiée.")


def test_natures_are_passed_by_arrows_and_nobody_who_acts_is_lost(house: House, person: Come) -> None:
    """Seal and transmission, between the signature and the publication, have nobody who acts."""
    secretary = person(K)
    secretary.open("/circuits/invoice?etape=finance")
    expect(secretary.page.locator("html[data-awake]")).to_be_attached()
    tab_to(secretary, "champ-kind")
    for _ in range(5):
        secretary.page.keyboard.press("ArrowDown")
    expect(secretary.page.locator("#champ-kind")).to_have_value("publish")
    secretary.page.keyboard.press("Tab")
    secretary.sees("Publication, Direction des finances")
    secretary.page.locator("#champ-kind").focus()
    secretary.page.keyboard.press("ArrowUp")
    secretary.page.keyboard.press("ArrowUp")
    secretary.page.keyboard.press("Enter")  # what was chosen is asked for
    secretary.sees("Cette étape se fait d’elle-même")


def test_a_draft_is_given_up_and_the_page_says_so(house: House, person: Come) -> None:
    secretary = person(K)
    secretary.open("/circuits/invoice")
    expect(secretary.page.locator("html[data-awake]")).to_be_attached()
    secretary.page.locator("#g-add-0").click()
    secretary.sees("1, brouillon")
    secretary.page.get_by_text("Abandonner le brouillon…").click()
    secretary.page.locator("#g-discard").click()
    secretary.sees("Le brouillon est abandonné : le circuit en vigueur n’a pas changé.")
    assert labels(house) == WAY


def test_a_step_is_drawn_by_its_grip_to_its_place(house: House, person: Come) -> None:
    secretary = person(K)
    secretary.open("/circuits/invoice")
    expect(secretary.page.locator("html[data-awake]")).to_be_attached()
    mouse = secretary.page.mouse
    grip = secretary.page.locator("#grip-direction").bounding_box()
    first = secretary.page.locator("#etape-service_done").bounding_box()
    assert grip is not None
    assert first is not None
    mouse.move(grip["x"] + 10, grip["y"] + 10)
    mouse.down()
    mouse.move(grip["x"] + 10, first["y"] + 4, steps=6)
    mouse.up()
    expect(secretary.page.locator("[data-circuit-said]")).to_have_text("Direction générale, étape 1 sur 5")
    assert labels(house) == [WAY[2], WAY[0], WAY[1], *WAY[3:]]


def test_the_second_of_two_administrators_is_told_and_what_he_typed_stays(house: House, person: Come) -> None:
    secretary = person(K)
    secretary.open("/circuits/invoice?etape=finance")
    apart(lambda: drafting.change(house.actor(K), "invoice", 0, [Gesture("move", "direction", 0)]))
    label = secretary.page.get_by_label("Nom de l’étape")
    label.fill("Contrôle budgétaire")
    label.blur()
    secretary.sees("Vous avez modifié ce brouillon dans une autre page à")
    expect(label).to_have_value("Contrôle budgétaire")
    assert titles(secretary) == [WAY[2], WAY[0], "Contrôle budgétaire", *WAY[3:]]
    secretary.page.locator("#g-save").click()
    secretary.sees("Brouillon enregistré")
    expect(secretary.page.locator("#refus")).to_have_count(0)
    assert labels(house)[:3] == [WAY[2], WAY[0], "Contrôle budgétaire"]


def test_what_the_law_imposes_is_refused_where_one_is(house: House, person: Come) -> None:
    secretary = person(K)
    secretary.open("/circuits/deliberation?etape=signatures")
    expect(secretary.page.locator("html[data-awake]")).to_be_attached()
    secretary.page.get_by_text("Un seul suffit").click()
    expect(secretary.page.locator("#refus")).to_contain_text("doivent signer à la même étape, tous les deux")
    expect(secretary.page.locator("#refus")).to_be_focused()


def test_everything_is_done_without_a_script(house: House, person: Come) -> None:
    secretary = person(K, java_script_enabled=False)
    secretary.open("/circuits/invoice")
    expect(secretary.page.locator("#grip-direction")).to_be_hidden()
    secretary.page.locator("#g-up-direction").click()
    secretary.page.locator("#g-open-direction").click()
    secretary.page.get_by_label("Ajouter qui doit viser").select_option("desk:finances")
    secretary.page.locator("#g-addwho").click()
    secretary.page.get_by_text("Tous", exact=True).click()
    secretary.page.locator("#g-addcond").click()
    secretary.page.get_by_label("Valeur de la condition 2").fill("9000")
    secretary.page.locator("#g-close").click()
    secretary.sees("Visa, Direction générale, Direction des finances, les 2")
    assert titles(secretary)[:3] == [WAY[0], WAY[2], WAY[1]]
    secretary.page.locator("#g-add-0").click()
    secretary.page.locator("#g-remove-step_1").click()
    assert labels(house)[:3] == [WAY[0], WAY[2], WAY[1]]


@pytest.mark.parametrize("width", [390, 820, 1280, 1440])
def test_the_card_that_closes_a_circuit_stands_under_its_steps(
    house: House, person: Come, width: int
) -> None:
    name = apart(lambda: named.open_circuit(house.actor(K), "invoice", "Voirie courte", "invoice"))
    secretary = person(K)
    secretary.page.set_viewport_size({"width": width, "height": 900})
    secretary.open(f"/circuits/{name}")
    card = secretary.page.locator("form[aria-labelledby=close-title]").bounding_box()
    steps = secretary.page.locator("form#circuit").bounding_box()
    assert card is not None
    assert steps is not None
    assert (card["x"], card["width"]) == (steps["x"], steps["width"])
    assert card["y"] >= steps["y"] + steps["height"]
    secretary.button("Fermer ce circuit").click()
    secretary.sees("Le circuit est fermé")
