"""One person in two collectivities, in Chromium: the choice by keyboard, and the tab of the other one that says so."""

import pytest
from playwright.sync_api import expect

from app.core.db import reading
from app.people import desks, persons
from demo.cast import PASSWORD
from tests.browser.person import Person
from tests.browser.test_screens import Look
from tests.builders.house import House
from workflows.vocabulary import Right

pytestmark = pytest.mark.browser
LOGIN, TOWN = "g.trehorel", "Autre-Ville"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_he_chooses_by_keyboard_and_a_tab_of_the_other_side_says_so_and_keeps_what_is_typed(
    house: House, person
) -> None:
    other = desks.create_collectivity(
        "219909997", TOWN, department="029", district="1", nature="31", settings={}
    )
    desks.create_desk(other, "finances", "Finances d’ailleurs")
    desks.create_user(
        other,
        "g.ailleurs",
        email="g@x.example",
        first_name="Gaël",
        last_name="Tréhorel",
        capacity="Comptable",
    )
    desks.seat(other, "finances", "g.ailleurs", [Right.CREATE])
    link, _ = desks.first_link(other, "g.ailleurs")
    who: Person = person()
    # He joins by the link, with the login that he has
    who.open(f"/mot-de-passe#{link}")
    who.page.get_by_role("button", name="Rejoindre avec mon identifiant").click()
    expect(who.heading(f"Rejoindre {TOWN}")).to_be_visible()
    look = Look(person)
    look.at(who, "what is joined")
    who.page.get_by_role("link", name="Me connecter").click()
    who.page.get_by_label("Identifiant").fill(LOGIN)
    who.page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    who.page.keyboard.press("Enter")
    who.page.get_by_role("button", name="Rejoindre avec cet identifiant").click()
    who.sees(f"Vous avez rejoint {TOWN}.")
    with reading() as db:
        assert len(persons.memberships(db, house.actor(LOGIN).person_id)) == 2
    # By keyboard, from one to the other
    who.page.locator("summary.topbtn").click()
    who.page.get_by_role("link", name="Changer de collectivité").click()
    expect(who.heading("Pour qui travaillez-vous ?")).to_be_visible()
    expect(who.page.get_by_role("button", name=f"Travailler ici : {TOWN}")).to_be_focused()
    look.at(who, "for whom one works")
    who.page.keyboard.press("Tab")
    who.page.keyboard.press("Enter")
    expect(who.page.locator("header.top")).not_to_contain_text(TOWN)
    # A page of Kerlann stays open while another tab goes back
    who.open("/compte")
    who.page.get_by_label("Nouvelle adresse de récupération").fill("autre@x.example")
    tab = who.context.new_page()
    who.watch(tab)
    tab.goto(who.page.url.replace("/compte", "/compte/collectivite"))
    tab.get_by_role("button", name=f"Travailler ici : {TOWN}").click()
    expect(tab.locator("header.top")).to_contain_text(TOWN)
    who.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    who.sees(f"Vous travaillez maintenant pour {TOWN}")
    expect(who.page.get_by_label("Nouvelle adresse de récupération")).to_have_value("autre@x.example")
    # Back in the other tab, what was typed is sent
    tab.goto(who.page.url.replace("/compte", "/compte/collectivite"))
    tab.get_by_role("button", name="Travailler ici : Kerlann-sur-Mer").click()
    expect(tab.locator("header.top")).not_to_contain_text(TOWN)
    who.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(who.page.locator(".moved-said")).to_have_count(0)
    who.page.get_by_role("button", name="Changer l’adresse de récupération").click()
    who.sees("L’adresse de récupération est enregistrée.")
    assert not look.faults, "\n".join(look.faults)
