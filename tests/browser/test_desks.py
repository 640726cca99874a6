"""Desks in front of people: drawn by the grip, lifted and placed by keyboard, refused with a sentence; boxes that warn."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from app.core.db import reading
from app.people import hierarchy
from app.people.models import Desk
from tests.browser.person import Person, apart
from tests.builders.house import House

pytestmark = [pytest.mark.browser, pytest.mark.in_turn]
K, DESKS = "k.morizur", "/administration/bureaux"
Come = Callable[..., Person]


def numbers() -> dict[str, int]:
    with reading() as db:
        return {one.key: one.id for one in db.scalars(sa.select(Desk))}


def above(key: str) -> str | None:
    with reading() as db:
        desks = {one.id: one for one in db.scalars(sa.select(Desk))}
    one = next(one for one in desks.values() if one.key == key)
    return desks[one.parent_id].key if one.parent_id is not None else None


def test_a_desk_is_drawn_by_its_grip_and_a_move_that_is_refused_leaves_it(house: House, person: Come) -> None:
    secretary, desk = person(K), numbers()
    secretary.open(DESKS)
    expect(secretary.page.locator("html[data-awake]")).to_be_attached()
    said = secretary.page.locator("[data-tree-said]")

    def draw(key: str, onto: str) -> None:
        grip = secretary.page.locator(f"#grip-{desk[key]}").bounding_box()
        row = secretary.page.locator(f"li[data-desk='{desk[onto]}'] > .drow").bounding_box()
        assert grip is not None
        assert row is not None
        mouse = secretary.page.mouse
        mouse.move(grip["x"] + 10, grip["y"] + 10)
        mouse.down()
        mouse.move(row["x"] + 60, row["y"] + row["height"] / 2, steps=6)
        mouse.up()

    draw("comptabilite", "secretariat")
    expect(said).to_contain_text("est maintenant sous « Secrétariat général ».")
    assert above("comptabilite") == "secretariat"
    expect(secretary.page.locator(f"#grip-{desk['comptabilite']}")).to_be_focused()
    draw("direction", "comptabilite")  # under itself: no place for it
    expect(said).to_contain_text("« Direction générale » est resté à sa place.")
    assert above("direction") == "maire"
    actor = house.actor(K)
    apart(lambda: hierarchy.change_desk(actor, desk["comptabilite"], "Comptabilité", desk["paye"]))
    draw("comptabilite", "technique")
    expect(said).to_contain_text("quelqu’un d’autre vient de modifier le nom ou la place de ce bureau")
    assert above("comptabilite") == "paye"


def test_a_desk_is_placed_by_keyboard_alone_and_a_box_warns_before_the_button(
    house: House, person: Come
) -> None:
    apart(lambda: house.an_invoice(at="service_done"))
    secretary, desk = person(K), numbers()
    secretary.open(DESKS)
    expect(secretary.page.locator("html[data-awake]")).to_be_attached()
    said, keys = secretary.page.locator("[data-tree-said]"), secretary.page.keyboard
    grip = secretary.page.locator(f"#grip-{desk['comptabilite']}")
    grip.focus()
    keys.press("Space")
    expect(said).to_contain_text("« Comptabilité » saisi, sous « Direction des finances »")
    expect(grip).to_have_attribute("aria-pressed", "true")
    keys.press("ArrowUp")
    expect(said).to_have_text("Sous « Direction générale »")
    keys.press("Escape")
    expect(said).to_contain_text("est resté à sa place")
    assert above("comptabilite") == "finances"
    keys.press("Space")
    keys.press("ArrowUp")
    keys.press("Space")
    expect(said).to_contain_text("« Comptabilité » est maintenant sous « Direction générale ».")
    expect(secretary.page.locator(f"#grip-{desk['comptabilite']}")).to_be_focused()
    assert above("comptabilite") == "direction"
    secretary.open(f"{DESKS}/{desk['technique']}")
    expect(secretary.page.locator("html[data-awake]")).to_be_attached()
    box = secretary.page.get_by_label("Ronan Pellenec : Viser et rejeter")
    box.uncheck()
    expect(secretary.page.locator("[data-stops]")).to_contain_text(
        "1 dossier y attend, et personne n’a le droit"
    )
    box.check()
    expect(secretary.page.locator("[data-stops] .note")).to_have_count(0)


def test_desks_are_moved_without_a_script(house: House, person: Come) -> None:
    secretary, desk = person(K, java_script_enabled=False), numbers()
    secretary.open(DESKS)
    expect(secretary.page.locator(f"#grip-{desk['comptabilite']}")).to_be_hidden()
    secretary.page.locator(f"li[data-desk='{desk['comptabilite']}'] .dend a").click()
    secretary.page.get_by_label("Rattaché à").select_option(str(desk["direction"]))
    secretary.page.get_by_role("button", name="Déplacer le bureau").click()
    secretary.sees("« Comptabilité » est maintenant sous « Direction générale ».")
    assert above("comptabilite") == "direction"
