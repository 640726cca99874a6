"""The link of a forgotten password in a browser: its code reaches the server in the body of a form alone (ASVS 14.2.1)."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from app.people import desks
from tests.browser.person import Person
from tests.builders.house import House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
LOGIN, NEW = "r.pellenec", "une phrase nouvelle"


@pytest.mark.parametrize("script", [True, False])
def test_a_password_is_chosen_and_no_address_held_the_code(
    house: House, person: Callable[..., Person], script: bool
) -> None:
    code, _ends = desks.first_link(house.actor(LOGIN).collectivity_id, LOGIN)
    someone: Person = person(None, java_script_enabled=script)
    asked: list[str] = []
    someone.page.on("request", lambda one: asked.append(f"{one.url} {one.headers.get('referer', '')}"))
    someone.open(f"/mot-de-passe#{code}")
    field = someone.page.get_by_label("Lien reçu")
    if script:
        expect(someone.page.locator(someone.awake)).to_be_attached()
        expect(field).to_be_hidden()
        assert someone.page.url == f"{house.settings.public_url}/mot-de-passe"  # nor does the history keep it
        someone.page.get_by_role("link", name="Aller au contenu").press(
            "Enter"
        )  # a « # » of the page is no code
        assert field.input_value() == code
    else:
        field.fill(f"{house.settings.public_url}/mot-de-passe#{code}")
    for chosen, said in (("trop court", "Votre mot de passe n’a pas changé"), (NEW, "est enregistré")):
        someone.page.get_by_label("Nouveau mot de passe").fill(chosen)
        someone.button("Enregistrer le mot de passe").click()
        someone.sees(said)
    assert any(one.startswith(f"{house.settings.public_url}/mot-de-passe ") for one in asked)
    assert not [one for one in asked if code in one.partition("#")[0] or code in one.partition(" ")[2]]
