"""What a page is for is in sight when it opens: the document under its head, the act of a dialog, the first folder of a list."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.person import Person
from tests.builders.house import ACT, ASSETS, INVOICE, House
from tests.folders.test_asking import ask

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
A, G, N, R = "a.kervadec", "g.trehorel", "n.abgrallec", "r.pellenec"
MOCKED_HEAD = 90
"""Pixels of CSS of the head of mock-up 33 at 1280, its lower line included."""


def sized(page: Page, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})


def top(one: Locator) -> float:
    box = one.bounding_box()
    assert box is not None
    return box["y"]


def test_the_document_of_an_invoice_stands_under_a_short_head(
    house: House, person: Callable[..., Person]
) -> None:
    folder_id = house.an_invoice("finance")
    finance = person()
    finance.log_in(N)
    page = finance.page
    sized(page, 1280, 800)
    finance.folder(folder_id)
    finance.drawn()
    document = page.locator(".vpage").first
    assert top(document) < 300  # 36 are of the band of the simulation
    head = page.locator(".fhead").bounding_box()
    assert head
    assert head["height"] <= MOCKED_HEAD, "the height of mock-up 33, whatever is told beside the facts"
    beside = [page.locator("summary", has_text=words) for words in ("Ajouter une note au visa", "Plus tard…")]
    assert top(beside[0]) == top(beside[1]), "what goes with the decision is one line above the tabs"
    clock = page.locator(".fbands details")
    expect(clock.locator("summary")).to_contain_text("sur 30")
    expect(page.get_by_text("Paiement par le comptable")).to_be_hidden()
    clock.locator("summary").click()
    expect(page.get_by_text("Paiement par le comptable")).to_be_visible()
    expect(clock).to_contain_text("reste 17 jours pour mandater")
    for width in (820, 390):
        sized(page, width, 844)
        day = clock.locator("summary").bounding_box()
        assert day
        assert day["height"] >= 44, "a finger opens it"
    # On a telephone too where the step waits for an opinion: what else may be done is beside « Rejeter… »
    ask(house, N, folder_id, "direction")
    sized(page, 390, 844)
    finance.folder(folder_id)
    finance.drawn()
    assert top(page.locator(".decide-bar")) - top(document) > 200
    more = page.get_by_role("button", name="Autres actes")
    assert top(more) == top(page.get_by_role("link", name="Rejeter…"))


def test_the_facts_of_a_draft_stand_beside_its_document_and_what_lacks_has_the_keyboard(
    house: House, person: Callable[..., Person]
) -> None:
    clerk = person()
    clerk.log_in(G)
    page = clerk.page
    folder_id = clerk.deposit("Facture", INVOICE)
    clerk.drawn()
    expect(page.get_by_role("heading", level=1)).to_have_text(house.folder(folder_id).title)
    received = page.locator("#draft [name=received_on]")
    expect(received).to_be_focused()  # no file gives it
    first = page.locator("#draft .fields").first
    assert top(first) < 500, "the facts are what one compares with the document"
    assert top(first) < top(page.locator("#doubts .note").first) < top(clerk.heading("Documents"))
    points = page.locator(".sendbar a[href='#doubts']")
    expect(points).to_be_in_viewport()
    points.click()
    expect(page.locator("#doubts .note").first).to_be_in_viewport()
    received.fill("2026-11-20")
    clerk.button("Garder en brouillon").last.click()
    clerk.open(f"/dossiers/{folder_id}/brouillon")
    seat = page.get_by_label("Service fait par")
    expect(seat).to_be_focused()
    seat.select_option(index=1)
    clerk.button("Garder en brouillon").last.click()
    clerk.open(f"/dossiers/{folder_id}/brouillon")
    expect(page.get_by_role("heading", level=1)).to_be_focused()  # nothing lacks: the keys send it


def test_an_act_that_is_alone_is_in_the_bar_by_its_name(house: House, person: Callable[..., Person]) -> None:
    alone, several = house.an_invoice("bon_a_payer"), house.an_invoice("finance")
    mayor, finance = person(), person()
    mayor.log_in(A)
    sized(mayor.page, 820, 1180)
    mayor.folder(alone)
    expect(mayor.page.locator(".decide-bar").get_by_role("link", name="Demander un avis…")).to_be_visible()
    expect(mayor.page.get_by_role("button", name="Autres actes")).to_be_hidden()
    sized(mayor.page, 390, 844)
    mayor.page.get_by_role("button", name="Autres actes").click()
    expect(mayor.page.get_by_role("link", name="Demander un avis…")).to_be_visible()
    finance.log_in(N)
    sized(finance.page, 820, 1180)
    finance.folder(several)
    expect(finance.page.get_by_text("Autres actes")).to_be_visible()


@pytest.mark.parametrize("size", [(1280, 720), (820, 700), (390, 844)])
def test_the_act_of_the_dialog_of_an_opinion_stays_in_sight(
    house: House, person: Callable[..., Person], size: tuple[int, int]
) -> None:
    folder_id = house.an_invoice("finance")
    finance = person()
    finance.log_in(N)
    sized(finance.page, *size)
    finance.folder(folder_id)
    expect(finance.page.locator(finance.awake)).to_be_attached()
    finance.page.keyboard.press("v")
    button = finance.page.get_by_role("button", name="Demander l’avis")
    expect(button).to_be_in_viewport(ratio=1)
    finance.page.get_by_role("radio", name="L’étape n’attend pas").check()
    expect(button).to_be_in_viewport(ratio=1)


def test_the_order_of_the_list_stands_beside_its_filters(house: House, person: Callable[..., Person]) -> None:
    for _ in range(2):
        house.an_invoice()
    technician = person()
    technician.log_in(R)
    page = technician.page
    sized(page, 1280, 800)
    technician.open("/a-traiter")
    filters, order = (page.get_by_role("navigation", name=name) for name in ("Filtrer par type", "Trier par"))
    assert top(filters) == top(order)
    assert top(page.locator(".frow").first) < 355
    for width in (820, 390):
        sized(page, width, 900)
        assert top(filters) < top(order)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    # A tray without filters stands a little under the names of the trays
    depositor = person()
    depositor.log_in("g.trehorel")
    depositor.open("/a-traiter?bannette=running")
    trays = depositor.page.locator(".trays").bounding_box()
    assert trays is not None
    assert 8 < top(depositor.page.locator(".frow").first) - trays["y"] - trays["height"] < 80


def test_a_row_on_a_telephone_names_the_day_by_which_one_decides(
    house: House, person: Callable[..., Person]
) -> None:
    house.an_invoice("finance")
    for login, tray in ((N, "todo"), (G, "running")):
        reader = person()
        reader.log_in(login)
        page = reader.page
        sized(page, 390, 844)
        reader.open(f"/a-traiter?bannette={tray}")
        day = page.locator(".frow .fdue small")
        expect(day).to_have_count(1)
        expect(day).to_be_visible()
        expect(day).to_contain_text(re.compile(r"(lun|mar|mer|jeu|ven|sam|dim)\. \d"))
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_files_chosen_in_several_goes_stay_together_and_invoices_are_a_folder_each(
    house: House, person: Callable[..., Person]
) -> None:
    clerk = person(G)
    page = clerk.page
    clerk.open("/deposer")
    page.get_by_role("radio", name=re.compile("^Facture")).check()
    files = page.get_by_label("Choisir le document principal et ses annexes")
    chosen = page.get_by_role("list", name="Fichiers choisis").get_by_role("listitem")
    files.set_input_files([ACT, INVOICE])
    expect(chosen).to_have_count(2)
    each = page.get_by_role("radio", name="Un dossier par fichier")
    expect(each).not_to_be_checked()  # one invoice, and what may be its annex: it is asked
    other = ASSETS / "invoices" / "fx-extended-de-marchandises.pdf"
    files.set_input_files([other, INVOICE])
    expect(chosen).to_have_count(3)  # what is given twice is one
    expect(each).to_be_checked()
    expect(page.get_by_text("Un dossier par fichier est proposé : 2 de ces fichiers")).to_be_visible()
    clerk.button(f"Retirer {ACT.name}").click()
    expect(chosen).to_have_count(2)
    page.get_by_role("radio", name="Un seul dossier").check()
    files.set_input_files([ACT])
    expect(chosen).to_have_count(3)
    expect(page.get_by_role("radio", name="Un seul dossier")).to_be_checked()
    each.check()
    clerk.button(f"Retirer {ACT.name}").click()
    clerk.button("Déposer et vérifier").click()
    clerk.sees("2 dossiers")


def test_files_come_before_the_type_and_nothing_leaves_without_one(
    house: House, person: Callable[..., Person]
) -> None:
    clerk = person(G)
    page = clerk.page
    clerk.open("/deposer")
    files = page.get_by_label("Choisir le document principal et ses annexes")
    each, single = (
        page.get_by_role("radio", name=one) for one in ("Un dossier par fichier", "Un seul dossier")
    )
    files.set_input_files([ASSETS / "invoices" / "fx-extended-de-marchandises.pdf", INVOICE])
    expect(page.get_by_text("Un dossier par fichier est proposé : 2 de ces fichiers")).to_be_visible()
    expect(each).to_be_checked()
    invoice = page.get_by_role("radio", name=re.compile("^Facture"))
    types = page.locator("fieldset", has=invoice)
    clerk.button("Déposer et vérifier").click()
    expect(types.get_by_role("alert")).to_have_text(re.compile("choisissez un type de dossier"))
    expect(types.get_by_role("radio").first).to_be_focused()
    invoice.check()
    expect(types.get_by_role("alert")).to_have_text("")
    expect(each).to_be_checked()
    expect(single).not_to_be_checked()
    clerk.button("Déposer et vérifier").click()
    clerk.sees("2 dossiers")
