"""« Absences » by keys alone: what will block is asked and told in place, and the keyboard stays where it was."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_gestures import enlarged
from tests.browser.test_keyboard import Typist
from tests.builders.house import House
from tests.operations.test_absences import away

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
IN_SIGHT = """one => { const { top, bottom } = one.getBoundingClientRect();
const head = document.querySelector(".top").getBoundingClientRect().bottom; return top >= head && top < innerHeight; }"""


def opened(typist: Typist) -> Page:
    typist.person.open("/absences")
    expect(typist.page.locator(typist.person.awake)).to_be_attached()
    typist.page.evaluate("window.samePage = true")
    return typist.page


def stays(page: Page) -> None:
    """The page was not asked again."""
    assert page.evaluate("window.samePage") is True
    assert page.url.endswith("/absences")


def test_another_person_is_chosen_by_the_arrows_and_the_page_stays(house: House, person) -> None:
    clerk = Typist(person())
    clerk.log_in("k.morizur")
    page = opened(clerk)
    whose, desk, cover = page.locator("#pour"), page.locator("#bureau"), page.locator("#interim")
    clerk.tab_to(whose)
    clerk.press("ArrowDown")
    first = whose.input_value()
    expect(cover.locator(f"option[value='{first}']")).to_have_count(0)  # nobody stands in for himself
    expect(whose).to_be_focused()
    clerk.press("ArrowDown")
    second = whose.input_value()
    assert second not in {first, ""}
    expect(cover.locator(f"option[value='{second}']")).to_have_count(0)
    expect(cover.locator(f"option[value='{first}']")).to_have_count(1)
    expect(whose).to_be_focused()
    finance = house.actor("n.abgrallec")
    for _ in range(whose.locator("option").count()):
        clerk.press("ArrowUp")
    while whose.input_value() != str(finance.user_id):
        clerk.press("ArrowDown")
    expect(desk.locator("option")).to_have_text(["Tous", "Direction des finances"])
    clerk.tab_to(cover)  # drawn anew, it is reached as before
    clerk.press("ArrowDown")
    assert cover.input_value() not in {"", str(finance.user_id)}
    stays(page)


def test_what_will_block_is_told_where_the_keyboard_is_and_comes_into_sight(house: House, person) -> None:
    house.an_invoice("finance")
    absent = Typist(person())
    absent.log_in("n.abgrallec")
    page = opened(absent)
    page.set_viewport_size({"width": 820, "height": 450})
    look = absent.person.button("Voir ce qui bloquera")
    expect(look).to_have_count(0)  # what it asks for is there
    told = page.locator("#bloquera [data-answer]")
    expect(told).to_contain_text("visa")
    expect(told).to_have_attribute("aria-live", "polite")
    expect(told.get_by_role("button")).to_have_count(0)  # what is announced is the answer
    absent.tab_to(page.locator("#interim"))
    page.locator("#du").evaluate("one => scrollTo(0, 0)")
    # Entrée in a date asks, and the keyboard stays in the date
    absent.tab_to(page.locator("#au"))
    with page.expect_response("**/absences/apercu"):
        absent.press("Enter")
    expect(page.get_by_role("heading", name="Ce qui bloquera")).to_be_in_viewport()
    page.wait_for_function(f"() => ({IN_SIGHT})(document.querySelector('#bloquera'))")
    expect(page.locator("#au")).to_be_focused()
    expect(told.get_by_role("link")).to_have_count(1)
    stays(page)
    # The network is cut: it is said, and what stood there stays
    page.context.set_offline(True)
    absent.person.expected.append("net::ERR_INTERNET_DISCONNECTED")
    absent.press("Enter")
    expect(page.locator("#bloquera [data-told]")).to_contain_text("Pas de réponse")
    expect(told.get_by_role("link")).to_have_count(1)
    # It may be asked again by the button, which goes once the keyboard has left it
    absent.tab_to(look)
    page.context.set_offline(False)
    with page.expect_response("**/absences/apercu"):
        absent.press("Enter")
    expect(page.locator("#bloquera [data-told]")).not_to_contain_text("Pas de réponse")
    expect(look).to_be_focused()
    absent.tab_to(page.locator("#au"))
    with page.expect_response("**/absences/apercu"):
        absent.press("Enter")
    expect(look).to_have_count(0)


def test_what_was_told_of_other_days_goes_with_them(house: House, person) -> None:
    house.an_invoice("finance")
    absent = person("n.abgrallec")
    absent.open("/absences")
    page = absent.page
    told = page.locator("#bloquera [data-answer]")
    expect(told).to_contain_text("visa")
    page.locator("#du").fill("")
    page.locator("#du").blur()
    expect(told).to_be_empty()
    expect(page.locator("#bloquera [data-told]")).to_be_empty()
    page.locator("#du").fill("2027-01-12T08:00")
    page.locator("#au").fill("2027-01-12T18:00")
    page.locator("#au").blur()
    expect(told).not_to_be_empty()


def test_the_days_of_the_planning_have_one_width_however_short_an_absence(house: House, person) -> None:
    clerk = person("k.morizur")
    clerk.open("/absences?semaine=2027-01-11")
    for first, last in (("2027-01-12T08:00", "2027-01-12T18:00"), ("2027-01-30T08:00", "2027-01-30T18:00")):
        clerk.page.get_by_label("Du", exact=True).fill(first)
        clerk.page.get_by_label("Au", exact=True).fill(last)
        clerk.button("Enregistrer l’absence").click()
        clerk.open("/absences?semaine=2027-01-11")
    for width in (1280, 820):
        clerk.page.set_viewport_size({"width": width, "height": 800})
        days = clerk.page.locator(".plan thead th:not(:first-child)")
        assert days.count() == 21
        widths = days.evaluate_all("all => all.map((one) => one.getBoundingClientRect().width)")
        assert max(widths) - min(widths) < 1


def test_without_script_what_will_block_is_a_page_that_opens_at_the_answer(house: House, person) -> None:
    house.an_invoice("finance")
    clerk = person("k.morizur", java_script_enabled=False)
    clerk.open("/absences")
    clerk.page.locator("#pour").select_option(str(house.actor("n.abgrallec").user_id))
    clerk.button("Voir ce qui bloquera").click()
    expect(clerk.page.locator("#bloquera")).to_be_in_viewport()
    assert clerk.page.url.endswith("/absences/apercu#bloquera")
    expect(clerk.page.locator("#bureau option")).to_have_text(["Tous", "Direction des finances"])
    expect(clerk.page.locator("#pour")).to_have_value(str(house.actor("n.abgrallec").user_id))


def test_an_absence_to_come_is_deleted_by_no_single_press(house: House, person) -> None:
    away(house, "n.abgrallec", "r.pellenec", since=3)
    absent = Typist(person())
    absent.log_in("n.abgrallec")
    page = opened(absent)
    mine = page.get_by_role("region", name="Les miennes")
    link = mine.get_by_role("link", name="Supprimer…")
    absent.tab_to(link)
    absent.press("Enter")
    dialog = page.get_by_role("dialog", name="Supprimer cette absence")
    expect(dialog).to_be_visible()
    absent.press("Escape")
    expect(dialog).to_be_hidden()
    expect(link).to_be_focused()
    stays(page)
    absent.press("Enter")
    absent.tab_to(dialog.get_by_role("link", name="Garder cette absence"))
    absent.press("Enter")
    expect(dialog).to_be_hidden()
    absent.press("Enter")
    absent.tab_to(dialog.get_by_role("button", name="Supprimer cette absence"))
    enlarged(absent)
    absent.press("Enter")
    expect(page.get_by_text("L’absence est supprimée")).to_be_visible()
    expect(mine.get_by_text("Aucune.")).to_be_visible()


def test_the_planning_turns_in_place_and_follows_the_day_that_is_typed(house: House, person) -> None:
    absent = Typist(person())
    absent.log_in("n.abgrallec")
    page = opened(absent)
    page.set_viewport_size({"width": 820, "height": 700})
    planning, period = page.locator("#planning"), page.locator("#planning [data-period]")
    page.locator("#du").fill("2027-03-03T08:00")
    page.locator("#au").fill("2027-03-05T18:00")
    page.locator("#au").blur()
    expect(period).to_contain_text("lun. 1er mars")
    later = planning.get_by_role("link", name="Trois semaines plus tard")
    absent.tab_to(later)
    before = page.evaluate("scrollY")
    absent.press("Enter")
    expect(period).to_contain_text("lun. 22 mars")
    expect(later).to_be_focused()
    assert abs(page.evaluate("scrollY") - before) < 60
    assert page.locator("#du").input_value() == "2027-03-03T08:00"
    stays(page)
    # Another field asks what will block, and leaves the planning where it is
    with page.expect_response("**/absences/apercu"):
        page.get_by_label("Seulement lire").check()
    expect(period).to_contain_text("lun. 22 mars")
    page.context.set_offline(True)
    absent.person.expected.append("net::ERR_INTERNET_DISCONNECTED")
    later.press("Enter")
    expect(period).to_have_text("Pas de réponse : réessayez.")
    page.context.set_offline(False)
    later.press("Enter")
    expect(period).to_contain_text("lun. 12 avr.")
    assert page.locator("#du").input_value() == "2027-03-03T08:00"
