"""Notes pinned on the pages of a document: by pointer, by the keyboard alone and by number, over that page of that version."""

import io

import pikepdf
import pytest
from playwright.sync_api import Locator, expect

from tests.browser.person import Person, apart
from tests.builders.house import ACT, House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
# Which page a mark or the box stands on, from 1, and where on it, in hundredths of the page
PLACE = """node => {
  const page = node.closest(".vpage"), own = node.getBoundingClientRect(), whole = page.getBoundingClientRect();
  return [[...document.querySelectorAll(".vpage")].indexOf(page) + 1,
          ...[(own.x - whole.x) / whole.width, (own.y - whole.y) / whole.height].map(one => Math.round(100 * one))];
}"""


def two_pages() -> bytes:
    made = io.BytesIO()
    with pikepdf.open(ACT) as pdf:
        for _ in range(2):
            pdf.pages.append(pdf.pages[0])
        del pdf.pages[2:]
        pdf.save(made)
    return made.getvalue()


def place(node: Locator) -> tuple[int, int, int]:
    """The page under a node, and where it stands on it."""
    page, across, down = node.evaluate(PLACE)
    return page, across, down


def begin(person: Person, words: str) -> None:
    """By the keyboard: N, the words, and the part of the form that pins."""
    page = person.page
    expect(page.locator(person.awake)).to_be_attached()
    page.keyboard.press("n")
    expect(page.get_by_label("Votre note")).to_be_focused()
    page.keyboard.type(words)
    page.keyboard.press("Tab")  # for whom
    page.keyboard.press("Tab")
    expect(page.locator("[data-pin] summary").first).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Page de « plan »")).to_be_focused()


def test_a_note_is_pinned_by_pointer_by_keys_and_by_number_where_it_was_put(house: House, person) -> None:
    folder_id = house.a_document(two_pages(), "plan.pdf")
    mayor: Person = person("a.kervadec")
    page, box = mayor.page, mayor.page.locator(".placebox")
    # By pointer, from the bar of the document
    mayor.folder(folder_id)
    mayor.drawn()
    mayor.button("Épingler une note sur une page").click()
    page.wait_for_url("**onglet=notes#epingler-1")
    expect(box).to_be_focused()
    own = box.bounding_box()
    assert own
    middle = own["x"] + own["width"] / 2, own["y"] + own["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 120, middle[1] - 90, steps=4)
    page.mouse.up()
    pointed = place(box)
    mayor.button("Placer ici").click()
    mayor.sees("Un endroit de la page 1 est choisi")
    expect(page.get_by_label("Page de « plan »")).to_have_value("1")
    expect(page.get_by_label("Votre note")).to_be_focused()
    page.keyboard.type("Le plan n’a pas d’échelle.")
    assert (place(page.locator(".placed.is-coming")), pointed[0]) == (pointed, 1), "drawn until it is written"
    mayor.button("Écrire la note").click()
    expect(page.locator("#repere-1")).to_be_visible()
    expect(page.locator(".placed.is-coming")).to_have_count(0)
    assert (place(page.locator("#repere-1")), pointed[0]) == (pointed, 1)
    # Beside the notes it begins at once, on the page in view; given up, nothing is chosen
    mayor.folder(folder_id, "notes")
    mayor.drawn()
    page.locator(".vpage").nth(1).scroll_into_view_if_needed()
    page.locator(".vpages").evaluate("box => { box.scrollTop = box.scrollHeight }")
    expect(page.locator("[data-viewer-place]")).to_contain_text("2 / 2")
    mayor.button("Épingler une note sur une page").click()
    expect(box).to_be_focused()
    assert place(box)[0] == 2
    mayor.button("Annuler").click()
    expect(page.get_by_label("Votre note")).to_be_focused()
    expect(page.get_by_label("Page de « plan »")).to_have_value("")
    mayor.folder(folder_id, "notes")
    mayor.drawn()
    # By the keyboard alone, on the second page; what is beside cannot be reached while the place is chosen
    begin(mayor, "À déplacer.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(box).to_be_focused()
    page.keyboard.press("PageDown")
    for key in ("ArrowDown", "ArrowRight", "Shift+ArrowRight"):
        page.keyboard.press(key)
    keyed = place(box)
    names = []
    for _ in range(4):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.textContent"))
    assert names == ["Page précédente", "Page suivante", "Annuler", "Placer ici"]
    page.keyboard.press("Tab")
    expect(box).to_be_focused()
    page.keyboard.press("Enter")
    expect(mayor.button("Choisir l’endroit…")).to_be_focused()
    expect(page.get_by_label("Page de « plan »")).to_have_value("2")
    mayor.button("Écrire la note").press("Enter")
    expect(page.locator("#repere-2")).to_be_attached()
    assert (place(page.locator("#repere-2")), keyed[0]) == (keyed, 2)
    # By number, for oneself: over the head of that page, and what comes next stays for oneself until one says otherwise
    begin(mayor, "Pour moi.")
    page.keyboard.type("2")
    page.get_by_label("Qui la lit").select_option("alone")
    page.get_by_label("Page de « plan »").press("Enter")
    expect(page.locator("#repere-3")).to_be_attached()
    assert place(page.locator("#repere-3")) == (2, 0, 0)
    expect(page.get_by_label("Qui la lit")).to_have_value("alone")
    # A second person sees what is for her, over the same places, and goes from the note to its mark and back
    head: Person = person("s.rivoal")
    head.folder(folder_id, "notes")
    marks = head.page.locator(".pin")
    expect(marks).to_have_count(2)
    assert [place(one) for one in marks.all()] == [pointed, keyed]
    head.page.get_by_role("link", name="page 2 de « plan »").press("Enter")
    expect(head.page.locator("#repere-2")).to_be_focused()
    head.page.keyboard.press("Enter")
    expect(head.page.locator("li.card-p").first).to_be_focused()
    # Settled, then opened again
    head.page.get_by_role("button", name="Marquer réglée").first.press("Enter")
    head.sees("La note est réglée")
    expect(head.page.locator("#repere-2.is-settled")).to_have_count(1)
    head.page.get_by_role("button", name="Rouvrir").press("Enter")
    head.sees("La note est rouverte")
    expect(head.page.locator("#repere-1, #repere-2")).to_have_count(2)
    expect(head.page.locator(".is-settled")).to_have_count(0)
    # Signed, the document has another version: no mark stands over it, and the note still says which one it is about
    apart(lambda: house.sign(folder_id, "a.kervadec"))
    head.folder(folder_id, "notes")
    head.drawn()
    head.sees("page 1 de « plan », version 1")
    expect(head.page.locator(".pin")).to_have_count(0)
