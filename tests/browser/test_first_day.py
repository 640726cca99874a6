"""The first day by keyboard alone: a kit read, edited and created; a point tried; a desk closed; the help of the page one is on."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from demo.cast import PASSWORD
from tests.browser.person import Person, apart
from tests.browser.test_keyboard import Typist
from tests.browser.test_screens import Look, look  # noqa: F401 (a fixture)
from tests.builders.house import House
from tests.operations.test_commune import a_new_commune

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]


class Beginner(Typist):
    """Whoever administers a new commune: no folder waits for him."""

    def log_in(self, login: str) -> None:
        self.person.open("/login")
        self.tab_to(self.page.get_by_label("Identifiant"))
        self.page.keyboard.type(login)
        self.tab_to(self.page.get_by_label("Mot de passe", exact=True))
        self.page.keyboard.type(PASSWORD)
        self.press("Enter")
        expect(self.page.locator("header.top")).to_be_visible()

    def follow(self, target: Locator) -> None:
        """Tab to a link or a button, and Entrée."""
        self.tab_to(target)
        self.press("Enter")


def test_a_commune_sets_itself_up_and_closes_a_desk_without_a_pointer(
    house: House,
    person: Callable[..., Person],
) -> None:
    apart(a_new_commune)
    beginner = Beginner(person())
    beginner.log_in("y.ledantec")
    page = beginner.page
    beginner.person.open("/administration/mise-en-service")
    beginner.follow(page.get_by_role("link", name="Choisir un modèle de départ"))
    beginner.person.sees("Démarrer avec un modèle")
    beginner.follow(page.get_by_role("link", name="Mairie de moins de 3 500 habitants"))
    own = page.get_by_role("checkbox", name="Vous êtes titulaire : Secrétariat de mairie")
    beginner.tab_to(own)
    beginner.press("Space")
    expect(own).to_be_checked()
    beginner.tab_to(page.get_by_role("checkbox", name="Créer Paye"))
    expect(page.get_by_role("checkbox", name="Créer Paye")).to_be_checked()
    beginner.tab_to(page.get_by_label("Nom du bureau : Paye"))
    beginner.press("Control+A")
    page.keyboard.type("Paye et retraites")
    beginner.follow(page.get_by_role("button", name="Créer ces bureaux et ces circuits"))
    beginner.person.sees("3 bureaux sont ouverts")
    # The help of this very page, by its key and by its link
    beginner.press("?")
    dialog = page.get_by_role("dialog", name="Aide : Bureaux")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_text("Cochez les droits de chaque titulaire.")).to_be_visible()
    beginner.press("Escape")
    expect(dialog).to_be_hidden()
    beginner.follow(page.get_by_role("link", name="Ouvrir un bureau…"))
    beginner.tab_to(page.get_by_label("Nom", exact=True))
    page.keyboard.type("Cimetière")
    beginner.press("Enter")
    beginner.person.sees("Le bureau est ouvert")
    beginner.follow(page.get_by_role("link", name="Fermer ce bureau…"))
    beginner.person.sees("Aucun dossier n’y attend")
    beginner.follow(page.get_by_role("button", name="Fermer ce bureau", exact=True))
    beginner.person.sees("Personne n’y agit plus")
    beginner.person.open("/administration/mise-en-service")
    beginner.follow(page.get_by_role("button", name="Essayer : documents"))
    beginner.person.sees("Essayé par Yuna Le Dantec")


def test_the_screens_of_the_first_day_meet_no_barrier(house: House, look: Look) -> None:  # noqa: F811
    apart(a_new_commune)
    with look.by("y.ledantec") as beginner:
        look.at(beginner, "to commission, nothing there", "/administration/mise-en-service")
        look.at(beginner, "desks, none", "/administration/bureaux")
        look.at(beginner, "kit of a town", "/administration/demarrage?modele=mairie")
        beginner.page.get_by_role("checkbox", name="Créer Direction des finances").uncheck()
        beginner.button("Créer ces bureaux et ces circuits").click()
        beginner.sees("Rien n’est créé")
        look.at(beginner, "kit refused")
        look.at(beginner, "kit, empty", "/administration/demarrage?modele=vide")
        look.at(beginner, "public pages", "/administration/pages-publiques")
        beginner.page.get_by_label("Totalement conforme").check()
        beginner.button("Enregistrer les deux pages").click()
        beginner.sees("Rien n’est enregistré")
        look.at(beginner, "public pages, refused")
    with look.by(None) as visitor:
        look.at(visitor, "accessibility", "/accessibilite")
        look.at(visitor, "personal data", "/donnees-personnelles")
