"""Batches in a browser: ticked by keys, one key for all, the tab closed and the network cut, taken up where it stood."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from app.display import queues
from app.folders import marks
from tests.batches.test_held import attested_by, attests_too
from tests.batches.town import items
from tests.browser.person import Person
from tests.builders.house import House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]


def to_sign(house: House, count: int) -> list[int]:
    """Invoices that wait for the mayor."""
    found = [house.a_quick_invoice() for _ in range(count)]
    for one in found:
        house.approve(one, "n.abgrallec")
    return found


def give_key(person: Person, p12: Path, password: str) -> None:
    """Give the file and its password in the page of a batch."""
    person.page.get_by_label("Fichier du certificat").set_input_files(p12)
    person.page.get_by_label("Mot de passe du certificat").fill(password)
    person.page.get_by_label("Mot de passe du certificat").blur()
    expect(person.page.locator("[data-sign-name]")).to_have_text("Armel KERVADEC")


def batch_of(person: Person) -> int:
    """The number of the batch that is open."""
    return int(person.page.url.rstrip("/").rpartition("/lots/")[2].partition("?")[0])


def test_folders_are_ticked_counted_and_visaed_by_keys_alone(
    house: House, person: Callable[..., Person]
) -> None:
    folders = [house.a_quick_invoice() for _ in range(3)]
    finances: Person = person("n.abgrallec")
    keys, bar = finances.page.keyboard, finances.page.locator(".batchbar")
    expect(bar).to_be_hidden()
    for key in "jxjxjx":
        keys.press(key)
    expect(bar).to_contain_text("3 dossiers sélectionnés")
    expect(bar).to_contain_text("3 à viser")
    keys.press("g")
    keys.press("Escape")
    expect(bar).to_be_hidden()
    expect(finances.page.locator(".frow.is-cursor .ftitle")).to_be_focused()
    keys.press("x")
    expect(bar).to_contain_text("1 dossier sélectionné")
    finances.button("Tout cocher").press("Enter")
    expect(finances.page.get_by_role("button", name="Signer")).to_have_count(0)
    finances.button("Viser 3 dossiers…").press("Enter")
    expect(finances.heading("Viser 3 dossiers")).to_be_visible()
    finances.sees("Vous n’avez ouvert aucun de ces dossiers.")
    finances.button("Viser 3 dossiers").press("Enter")
    expect(finances.heading("3 dossiers visés sur 3")).to_be_focused()
    assert {house.folder(one).place for one in folders} == {"bon_a_payer"}


def test_the_bar_promises_no_more_than_what_leaves(house: House, person: Callable[..., Person]) -> None:
    attests_too(house)
    attested_by(house, "a.kervadec")
    attested_by(house, "r.pellenec")
    mayor: Person = person("a.kervadec")
    bar = mayor.page.locator(".batchbar")
    for box in mayor.page.locator(".fcheck input").all():
        box.check()
    expect(bar).to_contain_text("2 dossiers sélectionnés")
    expect(bar).to_contain_text("1 à signer, 1 à régler d’abord")
    mayor.button("Signer 1 dossier…").click()
    expect(mayor.heading("Signer 1 dossier")).to_be_visible()


def test_the_acts_on_what_is_ticked_stand_on_one_row_on_a_tablet(
    house: House, person: Callable[..., Person]
) -> None:
    to_sign(house, 2)
    mayor: Person = person("a.kervadec")
    bar, boxes = mayor.page.locator(".batchbar"), mayor.page.locator(".fcheck input")
    # Of one it is asked a visa, so that the bar offers all that it ever does
    boxes.first.evaluate("box => { box.dataset.act = 'visa'; }")
    boxes.first.check()
    boxes.nth(1).check()
    acts = bar.locator(".end").get_by_role("button")
    words = ["Autres gestes…", "Rejeter…", "Viser 1 dossier…", "Signer 1 dossier…"]
    expect(acts).to_have_text(words)
    for width in (820, 1280):
        mayor.page.set_viewport_size({"width": width, "height": 844})
        boxed = [one.bounding_box() or {} for one in acts.all()]
        assert len({round(one["y"]) for one in boxed}) == 1, (width, boxed)
        count = bar.locator("[data-selected]").bounding_box() or {}
        none = mayor.button("Tout désélectionner").bounding_box() or {}
        assert abs(count["y"] - none["y"]) < count["height"], (
            "what counts stands beside what changes the count"
        )


@pytest.mark.parametrize("way", ["link", "history"])
def test_back_from_the_other_gestures_what_was_ticked_is_ticked_and_the_focus_is_on_their_button(
    house: House, person: Callable[..., Person], way: str
) -> None:
    folders = [house.a_quick_invoice() for _ in range(3)]
    finances: Person = person("n.abgrallec")
    keys, others = finances.page.keyboard, finances.button("Autres gestes…")
    for key in "jxjx":
        keys.press(key)
    others.press("Enter")
    expect(finances.heading("2 dossiers choisis")).to_be_visible()
    if way == "link":
        finances.button("Revenir à « À traiter »").press("Enter")
    else:
        finances.page.go_back()
    expect(finances.page.locator(".fcheck input:checked")).to_have_count(2)
    expect(finances.page.locator(".batchbar")).to_contain_text("2 dossiers sélectionnés")
    expect(others).to_be_focused()
    # From another page, or once something was done there, nothing is ticked
    finances.open("/suivi")
    finances.open("/a-traiter")
    expect(finances.page.locator(finances.awake)).to_be_attached()
    expect(finances.page.locator(".fcheck input:checked")).to_have_count(0)
    for one in folders:
        marks.mark_read(house.actor("n.abgrallec"), one)
    for key in "jxjx":
        keys.press(key)
    others.press("Enter")
    finances.button("Marquer 2 dossiers comme non lus").press("Enter")
    finances.sees("2 dossiers sont marqués comme non lus")
    expect(finances.page.locator(finances.awake)).to_be_attached()
    expect(finances.page.locator(".fcheck input:checked")).to_have_count(0)


def test_all_that_a_list_finds_beyond_its_page_is_ticked_at_once_with_its_count(
    house: House, person: Callable[..., Person]
) -> None:
    folders = [house.a_quick_invoice() for _ in range(queues.PAGE + 1)]
    finances: Person = person("n.abgrallec")
    bar, boxes = finances.page.locator(".batchbar"), finances.page.locator(".fcheck input")
    boxes.first.check()
    whole = finances.page.get_by_label("Les 51 dossiers de cette liste, toutes ses pages comprises")
    whole.check()
    expect(boxes.nth(1)).to_be_checked()
    expect(bar).to_contain_text("Sélectionnés : les 51 dossiers de cette liste")
    boxes.nth(1).uncheck()
    expect(whole).not_to_be_checked()
    expect(bar).to_contain_text("49 dossiers sélectionnés")
    whole.check()
    expect(bar).to_contain_text("51 à viser")
    expect(finances.button("Signer")).to_be_hidden()
    boxes.first.focus()
    finances.page.keyboard.press("g")
    expect(finances.button("Autres gestes…")).to_be_focused()
    finances.button("Viser 51 dossiers…").click()
    expect(finances.heading("Viser 51 dossiers")).to_be_visible()
    assert {one.folder_id for one in items(batch_of(finances))} == set(folders)


def test_folders_are_marked_and_hidden_together_by_keys_alone(
    house: House, person: Callable[..., Person]
) -> None:
    folders = [house.a_quick_invoice() for _ in range(3)]
    for one in folders[:2]:
        marks.mark_read(house.actor("n.abgrallec"), one)
    finances: Person = person("n.abgrallec")
    keys = finances.page.keyboard
    for key in "jxjxjx":
        keys.press(key)
    finances.button("Autres gestes…").press("Enter")
    expect(finances.heading("3 dossiers choisis")).to_be_visible()
    finances.sees("1 est déjà non lu.")
    finances.button("Marquer 2 dossiers comme non lus").press("Enter")
    finances.sees("2 dossiers sont marqués comme non lus, pour vous seulement.")
    for key in "jxjxjx":
        keys.press(key)
    finances.button("Autres gestes…").press("Enter")
    expect(finances.page.get_by_text("1 dossier qui reste dans votre liste")).to_be_visible()
    # Entrée in the field is the button of its own form
    finances.page.get_by_label("Heure").press("Enter")
    finances.sees("2 dossiers sont masqués de votre liste jusqu’au")
    expect(finances.page.locator(".fcheck input")).to_have_count(1)


def test_folders_are_handed_to_another_desk_by_keys_alone(
    house: House, person: Callable[..., Person]
) -> None:
    folders = [house.a_quick_invoice() for _ in range(2)]
    finances: Person = person("n.abgrallec")
    keys = finances.page.keyboard
    for key in "jxjx":
        keys.press(key)
    finances.button("Autres gestes…").press("Enter")
    finances.button("Confier 2 dossiers…").press("Enter")
    finances.page.get_by_label("Direction générale").press("Space")
    finances.page.get_by_label("Direction générale").press("Enter")
    finances.sees("Confiés à la Direction générale")
    finances.page.get_by_label("Motif, en clair").press_sequentially("Suivi par la direction.")
    finances.button("Confier 2 dossiers").press("Enter")
    expect(finances.heading("2 dossiers confiés sur 2")).to_be_focused()
    assert [house.journal(one).count("folder.handed") for one in folders] == [1, 1]


def test_a_batch_is_rejected_with_one_reason_that_a_chip_begins(
    house: House, person: Callable[..., Person]
) -> None:
    folders = [house.a_quick_invoice() for _ in range(2)]
    finances: Person = person("n.abgrallec")
    for box in finances.page.locator(".fcheck input").all():
        box.check()
    finances.button("Rejeter…").click()
    finances.button("Montant à vérifier").click()
    finances.page.get_by_label("Motif, en clair").press_sequentially("TVA fausse.")
    finances.button("Rejeter 2 dossiers").click()
    expect(finances.heading("2 dossiers rejetés sur 2")).to_be_visible()
    assert {house.folder(one).phase for one in folders} == {"rejected"}


def test_one_password_signs_all_and_nothing_of_the_key_is_sent(
    house: House, person: Callable[..., Person]
) -> None:
    folders, secret = to_sign(house, 3), house.pki.passphrase.decode()
    mayor: Person = person("a.kervadec")
    sent: list[bytes] = []
    mayor.page.on("request", lambda request: sent.append(request.post_data_buffer or b""))
    mayor.button("Signer en lot…").click()
    expect(mayor.heading("Signer 3 dossiers")).to_be_visible()
    mayor.page.get_by_label("Fichier du certificat").set_input_files(house.pki.p12("a_kervadec"))
    mayor.page.get_by_label("Mot de passe du certificat").fill("mauvais")
    mayor.page.get_by_label("Mot de passe du certificat").blur()
    mayor.sees("le mot de passe n’ouvre pas ce certificat")
    give_key(mayor, house.pki.p12("a_kervadec"), secret)
    mayor.button("Signer 3 dossiers").click()
    expect(mayor.heading("3 dossiers signés sur 3")).to_be_visible(timeout=40_000)
    mayor.sees("Chaque fichier a été rouvert et vérifié après signature.")
    expect(mayor.page.get_by_role("heading", level=1)).to_be_focused()
    for one in folders:
        assert [version.origin for version in house.versions(one)] == ["deposited", "signed"]
    assert not [body for body in sent if secret.encode() in body or b"PRIVATE" in body]


def test_the_tab_is_closed_and_the_batch_taken_up_where_it_stood(
    house: House, person: Callable[..., Person]
) -> None:
    folders, secret = to_sign(house, 14), house.pki.passphrase.decode()
    mayor: Person = person("a.kervadec")
    mayor.expected.append("net::ERR_")
    mayor.button("Signer en lot…").click()
    give_key(mayor, house.pki.p12("a_kervadec"), secret)

    # The first three are sent, and the tab dies before the others are.
    sent: list[Route] = []

    def die(route: Route) -> None:
        sent.append(route)
        route.continue_() if len(sent) == 1 else route.abort()

    # Of the whole browser: what a page has asked for when it closes is no longer stopped by that page's own rules
    mayor.context.route("**/signatures", die)
    mayor.button("Signer 14 dossiers").click()
    expect(mayor.page.locator("[data-batch-progress]")).to_contain_text("3 signés", timeout=40_000)
    number = batch_of(mayor)
    mayor.page.close()
    mayor.context.unroute("**/signatures")

    mayor.page = mayor.context.new_page()
    mayor.watch(mayor.page)
    mayor.open("/a-traiter")
    mayor.sees(f"Lot n° {number}")
    mayor.page.locator(".note").get_by_role("link").click()
    expect(mayor.heading("Lot interrompu : 3 signés, 11 restent")).to_be_visible(timeout=30_000)
    give_key(mayor, house.pki.p12("a_kervadec"), secret)
    mayor.button("Signer 11 dossiers").click()
    expect(mayor.heading("14 dossiers signés sur 14")).to_be_visible(timeout=40_000)
    for one in folders:
        assert [version.origin for version in house.versions(one)] == ["deposited", "signed"]
    mayor.open("/a-traiter")
    expect(mayor.page.locator("main")).not_to_contain_text("Lot n°")


def test_a_cut_of_the_network_is_said_and_the_signature_goes_on_by_itself(
    house: House, person: Callable[..., Person]
) -> None:
    folders, secret = to_sign(house, 2), house.pki.passphrase.decode()
    mayor: Person = person("a.kervadec")
    mayor.expected.append("net::ERR_")
    mayor.button("Signer en lot…").click()
    give_key(mayor, house.pki.p12("a_kervadec"), secret)
    lost: list[Route] = []

    def cut(route: Route) -> None:
        lost.append(route)
        if len(lost) == 1:
            route.fetch()  # it arrives, the answer does not
        if len(lost) < 3:
            route.abort()
        else:
            route.continue_()

    mayor.page.route("**/signatures", cut)
    mayor.button("Signer 2 dossiers").click()
    mayor.sees("Le serveur ne répond pas")
    expect(mayor.heading("2 dossiers signés sur 2")).to_be_visible(timeout=40_000)
    assert [one.state for one in items(batch_of(mayor))] == ["done"] * 2
    for one in folders:
        assert [version.origin for version in house.versions(one)] == ["deposited", "signed"]


def test_suspending_keeps_what_is_signed_and_asks_for_the_key_again(
    house: House, person: Callable[..., Person]
) -> None:
    to_sign(house, 12)
    secret = house.pki.passphrase.decode()
    mayor: Person = person("a.kervadec")
    mayor.button("Signer en lot…").click()
    give_key(mayor, house.pki.p12("a_kervadec"), secret)

    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    mayor.page.route("**/signatures", hold)
    mayor.button("Signer 12 dossiers").click()
    expect(mayor.button("Suspendre")).to_be_visible()
    mayor.until(held)
    mayor.button("Suspendre").click()
    held[0].continue_()
    mayor.page.unroute("**/signatures")
    expect(mayor.heading("Lot interrompu : 3 signés, 9 restent")).to_be_visible(timeout=60_000)
    mayor.button("Abandonner le reste").click()
    expect(mayor.heading("3 dossiers signés sur 12")).to_be_visible()
    mayor.sees("Lot abandonné : rien n’a été fait sur ce dossier.")
