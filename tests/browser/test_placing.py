"""What the page shows is what is printed: signatures placed by whoever deposits or signs, on every kind of page."""

import subprocess
from pathlib import Path

import pikepdf
import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Locator, expect

from app.core.grammar import de
from tests.browser.person import Person, apart
from tests.builders.house import House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
SHARE = """box => { const page = box.parentElement.getBoundingClientRect(), own = box.getBoundingClientRect();
return [(own.left - page.left) / page.width, (own.top - page.top) / page.height,
        (own.right - page.left) / page.width, (own.bottom - page.top) / page.height]; }"""
A0, A5 = (2384, 3370), (420, 595)


def odd(path: Path, size: tuple[int, int], rotate: int, shift: int, unit: float, pages: int = 1) -> Path:
    """A file whose last page is turned, away from the origin, cropped, and in units of its own."""
    with pikepdf.new() as pdf:
        for _ in range(pages):
            pdf.add_blank_page(page_size=(595, 842))
        last = pdf.pages[-1].obj
        last.MediaBox = [shift - 30, shift - 10, shift + size[0] + 20, shift + size[1] + 40]
        last.CropBox = [shift, shift, shift + size[0], shift + size[1]]
        last.Rotate, last.UserUnit = rotate, unit
        pdf.save(path)
    return path


def printed(data: bytes, room: Path, number: int) -> Image.Image:
    """One page, from 1, as poppler prints it within its crop box."""
    source, target = room / "printed.pdf", room / "printed"
    source.write_bytes(data)
    page = ["-f", str(number), "-l", str(number), "-singlefile", "-cropbox", "-scale-to", "1200"]
    subprocess.run(["pdftoppm", *page, "-png", source, target], check=True)
    with Image.open(f"{target}.png") as image:
        return image.convert("L")


def coincides(house: House, folder_id: int, shown: list[float], number: int, room: Path) -> None:
    """Assert that what the last signature printed fills the box that the page showed, from its left rule on."""
    before, after = (printed(house.bytes_of(one), room, number) for one in house.versions(folder_id)[-2:])
    ink = ImageChops.difference(before, after).getbbox()
    assert ink, "nothing was printed"
    wide, high = after.size
    left, top, right, bottom = (share * side for share, side in zip(shown, (wide, high) * 2, strict=True))
    assert ink[0] == pytest.approx(left, abs=3)
    assert ink[1] == pytest.approx(top, abs=3)
    assert ink[3] == pytest.approx(bottom, abs=3)
    assert left + 0.3 * (right - left) < ink[2] <= right + 3


@pytest.mark.parametrize(
    ("size", "rotate", "shift", "unit", "pages"),
    [
        (A5, 0, 37, 1, 1),
        (A5, 90, 37, 1, 1),
        (A5, 180, -50, 1, 1),
        (A5, 270, 37, 1, 1),
        (A0, 270, 0, 1, 1),
        ((300, 200), 90, 37, 5, 1),
        ((842, 595), 180, 37, 1, 600),
    ],
)
def test_the_box_shown_over_the_page_is_where_poppler_prints_the_signature(
    house: House,
    person,
    tmp_path: Path,
    size: tuple[int, int],
    rotate: int,
    shift: int,
    unit: float,
    pages: int,
) -> None:
    path = odd(tmp_path / "odd.pdf", size, rotate, shift, unit, pages)
    folder_id = house.a_deliberation(at="signatures", path=path)
    mayor: Person = person("a.kervadec")
    mayor.folder(folder_id)
    mayor.drawn()
    mayor.open_key(house.pki.p12("a_kervadec"), house.pki.passphrase.decode())
    mayor.button("Choisir l’emplacement…").click()
    box = mayor.page.locator(".placebox")
    expect(box).to_be_focused()
    mayor.sees(f"Page {pages} sur {pages}")  # where it would stand anyhow: on the last page
    for key in ["Shift+ArrowUp"] * 3 + ["ArrowUp"] * 2 + ["+"] * 2:
        mayor.page.keyboard.press(key)
    shown = box.evaluate(SHARE)
    mayor.page.keyboard.press("Enter")
    mayor.sees("à l’emplacement que vous avez choisi")
    mayor.button("Signer 1 document").click()
    mayor.sees("est signé.")
    coincides(house, folder_id, shown, pages, tmp_path)


def test_without_choosing_the_box_that_would_be_shown_is_the_one_that_is_printed(
    house: House, person, tmp_path: Path
) -> None:
    folder_id = house.a_deliberation(at="signatures")
    mayor: Person = person("a.kervadec")
    mayor.folder(folder_id)
    mayor.drawn()
    mayor.open_key(house.pki.p12("a_kervadec"), house.pki.passphrase.decode())
    mayor.button("Choisir l’emplacement…").click()
    box = mayor.page.locator(".placebox")
    shown, number = box.evaluate(SHARE), house.versions(folder_id)[-1].pages
    mayor.page.keyboard.press("Escape")
    mayor.button("Signer 1 document").click()
    mayor.sees("est signé.")
    coincides(house, folder_id, shown, number, tmp_path)


def test_the_depositor_places_each_signature_and_they_stand_there(
    house: House, person, tmp_path: Path
) -> None:
    folder_id = house.a_deliberation(at="draft")
    clerk: Person = person("k.morizur")
    clerk.open(f"/dossiers/{folder_id}/brouillon")
    clerk.fill({"votes_for": "27"})
    clerk.button("Placer les signatures…").click()
    clerk.drawn()
    mayors, secretarys = ("Placer… la signature " + one for one in ("d’Armel Kervadec", "de Bleuenn Cadiou"))
    clerk.button(mayors).click()
    box = clerk.page.locator(".placebox")
    expect(box).to_be_focused()
    for key in ["PageDown", "PageUp", *["Shift+ArrowUp"] * 8, *["Shift+ArrowLeft"] * 5]:
        clerk.page.keyboard.press(key)
    first = box.evaluate(SHARE)
    clerk.page.keyboard.press("Enter")
    expect(clerk.button(mayors)).to_be_focused()
    clerk.button(secretarys).click()
    by_pointer(clerk, box)
    second = box.evaluate(SHARE)
    clerk.button("Placer ici").click()
    expect(clerk.page.locator(".placed")).to_have_count(2)
    clerk.button("Garder ces emplacements").click()
    clerk.sees("L’emplacement des signatures est enregistré.")
    clerk.sees("Armel Kervadec : placée page 1")
    expect(clerk.page.locator("#draft [name=votes_for]")).to_have_value("27")
    clerk.button("Envoyer dans le circuit").click()
    clerk.sees("Le dossier est envoyé dans le circuit.")
    house.approve(folder_id, "s.rivoal")
    for login, shown in (("a.kervadec", first), ("b.cadiou", second)):
        apart(lambda login=login: house.sign(folder_id, login))
        coincides(house, folder_id, shown, 1, tmp_path)


def test_two_signatures_on_top_of_one_another_are_refused_and_a_place_is_taken_back(
    house: House, person
) -> None:
    folder_id = house.a_deliberation(at="draft")
    clerk: Person = person("k.morizur")
    clerk.open(f"/dossiers/{folder_id}/emplacements")
    clerk.drawn()
    for name in ("Armel Kervadec", "Bleuenn Cadiou"):
        clerk.button(f"Placer… la signature {de(name)}").click()
        clerk.page.keyboard.press("Enter")
    clerk.button("Garder ces emplacements").click()
    clerk.sees("deux signatures se recouvrent page 1")
    clerk.button("Placer… la signature de Bleuenn Cadiou").click()
    clerk.page.keyboard.press("Escape")
    expect(clerk.page.locator(".placebox")).to_have_count(0)
    clerk.button("Placer… la signature d’Armel Kervadec").click()
    clerk.page.keyboard.press("Enter")
    clerk.button("Retirer l’emplacement choisi pour Armel Kervadec").click()
    clerk.button("Garder ces emplacements").click()
    clerk.sees("Armel Kervadec : à l’emplacement habituel")


def by_pointer(someone: Person, box: Locator) -> None:
    start = box.bounding_box()
    mouse = someone.page.mouse
    mouse.move(start["x"] + 20, start["y"] + 10)
    mouse.down()
    mouse.move(start["x"] - 60, start["y"] - 90, steps=4)
    mouse.up()
