"""A step that asks for reading: what was never in the window is not read, and the decision opens where one reads."""

from collections.abc import Callable

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from tests.browser.person import Person
from tests.builders.house import House
from tests.circuits.test_reading import left, publish

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
N = "n.abgrallec"


def no_barrier(page: Page) -> None:
    """With the decision in its place, light and dark."""
    page.evaluate(AXE_SCRIPT)
    for theme in ("light", "dark"):
        page.evaluate("theme => { document.documentElement.dataset.bsTheme = theme; }", theme)
        seen = page.evaluate(
            "() => axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] })"
        )
        assert [one["id"] for one in seen["violations"]] == []


@pytest.mark.parametrize("size", [(1280, 700), (820, 700)])
def test_the_foot_of_the_page_is_shown_before_all_is_read_and_the_decision_comes_in_place(
    house: House, person: Callable[..., Person], size: tuple[int, int]
) -> None:
    publish(house)
    folder_id = house.an_invoice("finance")
    finance = person()
    finance.log_in(N)
    page = finance.page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    finance.folder(folder_id, "notes")
    finance.drawn()
    page.wait_for_timeout(1000)
    assert left(house, N, folder_id), "the foot of the page was in no window"
    act = page.locator(".decide-bar").get_by_role("button", name="Viser", exact=False).first
    expect(act).to_be_disabled()
    page.keyboard.press("a")
    expect(page.locator("#why")).to_be_focused()  # the key says why it does nothing
    page.locator(".vpages").focus()
    page.get_by_label("Votre note").fill("À voir avec le service")
    page.evaluate("() => { window.same = true; }")
    foot = page.locator(".vpage").last
    foot.evaluate("node => node.scrollIntoView({ block: 'end' })")
    page.evaluate(
        "() => { const bar = document.querySelector('.decide-bar'); scrollBy(0, bar.offsetHeight); }"
    )
    expect(page.get_by_role("status").filter(has_text="Tout est lu : vous pouvez décider")).to_be_visible()
    assert not left(house, N, folder_id)
    expect(act).to_be_enabled()
    assert page.evaluate("() => window.same"), "the page is not read anew"
    expect(page.get_by_label("Votre note")).to_have_value("À voir avec le service")
    no_barrier(page)
    page.get_by_label("Votre note").fill("")
    page.get_by_label("Votre note").blur()
    page.keyboard.press("a")
    finance.sees("est visé")


def test_the_decision_is_not_changed_under_who_writes_in_it(
    house: House, person: Callable[..., Person]
) -> None:
    publish(house)
    folder_id = house.an_invoice("finance")
    finance = person()
    finance.log_in(N)
    page = finance.page
    finance.folder(folder_id)
    finance.drawn()
    page.get_by_role("link", name="Rejeter…").focus()
    page.locator(".vpage").last.evaluate("node => node.scrollIntoView({ block: 'end' })")
    again = page.get_by_role("link", name="Tout est lu : rouvrir le dossier pour décider")
    expect(again).to_be_visible()
    expect(page.get_by_role("link", name="Rejeter…")).to_be_focused()
    again.click()
    expect(page.locator(".decide-bar").get_by_role("button", name="Viser").first).to_be_enabled()
