"""What the depositor of an act and its signatory see of the rules of the State: a list that axe has nothing to say of."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from app.core.db import engine
from tests.browser.person import Person, apart
from tests.browser.test_screens import Look
from tests.builders.house import ACT, BUDGET, House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]


def test_the_list_of_rules_meets_no_barrier(house: House, person: Callable[..., Person]) -> None:
    wrong = apart(lambda: house.a_deliberation(at="draft", subject="Fête 🎉 du port", matter="7.99"))
    sound = apart(
        lambda: house.a_deliberation(at="draft", number="2026-058", subject="Vœux – « l’été » à 5 €…")
    )
    budget = apart(lambda: house.an_act("budget", BUDGET, ACT, at="draft"))
    waiting = apart(lambda: house.a_deliberation(at="signatures", number="2026-059"))
    look = Look(person)
    with look.by("k.morizur") as clerk:
        look.at(clerk, "draft with faults", f"/dossiers/{wrong}/brouillon")
        look.at(clerk, "sound draft", f"/dossiers/{sound}/brouillon")
        search = clerk.page.get_by_label("Chercher par mots")
        search.fill("finances asso")
        expect(clerk.page.get_by_text("1 réponse", exact=True)).to_be_visible()
        search.press("Enter")
        expect(clerk.page.locator("#matter")).to_have_value("7.5.5")
        expect(clerk.page.locator("#matter")).to_be_focused()
        search.fill("aucun mot pareil")
        expect(clerk.page.get_by_text("Aucune réponse")).to_be_visible()
        expect(clerk.page.locator("#matter")).to_have_value("7.5.5")
        look.at(clerk, "searched draft")
        clerk.button("Chercher dans la classification, mes favoris…").click()
        clerk.page.get_by_label("Chercher par mots").fill("subv")
        clerk.page.get_by_label("Chercher par mots").press("Enter")
        expect(clerk.page.get_by_text("7 matières de la classification")).to_be_visible()
        star = clerk.page.get_by_role("button", name="Favori : 7.5.4")
        expect(star).to_have_attribute("aria-pressed", "false")
        star.focus()
        expect(star).to_be_focused()
        star.press("Space")
        expect(star).to_have_attribute("aria-pressed", "true")
        expect(star).to_be_focused()  # the page came back where the reader was
        look.at(clerk, "choice of a matter")
        choice = clerk.page.get_by_role("button", name="Choisir 7.5.4")
        choice.focus()
        expect(choice).to_be_focused()
        choice.press("Enter")
        expect(clerk.page.locator("#matter")).to_have_value("7.5.4")
        expect(clerk.page.locator("#matter optgroup").first).to_have_attribute("label", "Mes favoris")
        look.at(clerk, "budget", f"/dossiers/{budget}/brouillon")
        look.at(clerk, "budget shown", f"/dossiers/{budget}")
    with engine().begin() as connection:
        connection.exec_driver_sql("UPDATE collectivity SET district = '12'")
    with look.by("a.kervadec") as mayor:
        look.at(mayor, "blocked signature", f"/dossiers/{waiting}")
        button = mayor.page.get_by_role("button", name="Signer…")
        assert button.is_disabled()
    assert not look.faults, "\n".join(look.faults)
