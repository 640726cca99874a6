"""A connection that is cut: the page says what is known, and the server has what was sent, once or not at all."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.serving import Serving
from tests.builders.house import House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
READY = "navigator.serviceWorker.ready.then((one) => Boolean(one.active))"


def test_whoever_loses_the_connection_is_told_what_was_sent_and_what_may_have_been(
    house: House, person
) -> None:
    folder_id = house.an_invoice()
    reader = person("r.pellenec", service_workers="allow")
    page = reader.page
    reader.open(f"/dossiers/{folder_id}")
    assert page.evaluate(READY)
    page.reload()

    reader.context.set_offline(True)  # in the middle of reading
    page.goto(f"{reader.url}/a-traiter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Pas de réponse du serveur")
    reader.context.set_offline(False)
    page.get_by_role("link", name="Réessayer").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("À traiter")

    reader.open(f"/dossiers/{folder_id}")
    before = house.folder(folder_id).version
    reader.context.set_offline(True)  # in the middle of a visa: the page stays, with what is typed
    page.get_by_text("Ajouter une note au visa").click()
    page.get_by_label("Note", exact=False).first.fill("Conforme au devis")
    page.get_by_role("button", name="Viser").first.click()
    expect(page.get_by_role("alert").filter(has_text="Hors ligne")).to_be_visible()
    assert house.folder(folder_id).version == before
    post = "document.querySelector('form[action$=viser]').submit()"  # as a script would, which asks nothing of the page
    page.evaluate(post)
    expect(page.get_by_role("heading", level=1)).to_have_text("Hors ligne : rien n’a été envoyé")

    reader.context.set_offline(False)
    reader.open(f"/dossiers/{folder_id}")
    (worker,) = reader.context.service_workers
    worker.evaluate("Object.defineProperty(navigator, 'onLine', { get: () => true, configurable: true })")
    reader.context.set_offline(True)  # a network that leads nowhere: nobody knows
    page.evaluate(post)
    expect(page.get_by_role("heading", level=1)).to_have_text("Le serveur n’a pas répondu")
    assert house.folder(folder_id).version == before
    reader.context.set_offline(False)
    reader.open(f"/dossiers/{folder_id}")
    page.get_by_role("button", name="Viser").first.click()
    expect(page.locator(".flash-ok")).to_contain_text("est visé")
    assert house.folder(folder_id).version > before

    batch = [house.an_invoice() for _ in range(2)]
    reader.open("/a-traiter")
    expect(page.locator(reader.awake)).to_be_attached()
    page.keyboard.press("j")
    page.keyboard.press("x")
    reader.button("Tout cocher").press("Enter")
    reader.button("Viser 2 dossiers…").press("Enter")
    reader.context.set_offline(True)  # in the middle of a batch: it does not start, and waits as it stands
    reader.button("Viser 2 dossiers").press("Enter")
    expect(page.get_by_role("alert").filter(has_text="Hors ligne")).to_be_visible()
    assert {house.folder(one).place for one in batch} == {"service_done"}
    reader.context.set_offline(False)
    reader.button("Viser 2 dossiers").press("Enter")
    expect(reader.heading("2 dossiers visés sur 2")).to_be_focused()
    assert [house.journal(one).count("folder.approve") for one in batch] == [1, 1]
    reader.said.clear()  # the browser tells each request that failed


def test_a_question_or_a_tab_that_does_not_come_leaves_the_page_as_it_is(house: House, person) -> None:
    folder_id = house.an_invoice()
    reader = person("r.pellenec", service_workers="allow")
    page = reader.page
    reader.open(f"/dossiers/{folder_id}")
    assert page.evaluate(READY)
    page.reload()
    reader.drawn()
    page.get_by_text("Ajouter une note au visa").click()
    note = page.get_by_label("Note", exact=False).first
    note.fill("Conforme au devis")
    here = page.url
    for lying in (False, True):  # a network that leads nowhere says that it is there
        if lying:
            page.evaluate(
                "Object.defineProperty(navigator, 'onLine', { get: () => true, configurable: true })"
            )
        reader.context.set_offline(True)
        for name in ("Rejeter…", "Demander un avis…", "Confier…", "Journal"):
            page.get_by_role("link", name=name).click()
            alert = page.get_by_role("alert").filter(has_text="rien ne s’est ouvert")
            expect(alert).to_contain_text("Pas de réponse du serveur" if lying else "Hors ligne")
            page.keyboard.press("Escape")
            expect(alert).to_have_count(0)
            assert page.url == here
            expect(note).to_have_value("Conforme au devis")
            expect(page.locator(".vpage canvas").first).to_be_visible()
    reader.context.set_offline(False)
    page.get_by_role("link", name="Rejeter…").click()
    expect(page.get_by_role("dialog").get_by_label("Motif, en clair")).to_be_visible()
    reader.said.clear()  # the browser tells each request that failed


def test_a_batch_under_way_says_that_it_is_not_heard_of_and_catches_up(
    house: House, serving: Serving, person
) -> None:
    batch = [house.an_invoice() for _ in range(2)]
    reader = person("r.pellenec", service_workers="allow")
    page = reader.page
    serving.kill_worker()
    reader.open("/a-traiter")
    expect(page.locator(reader.awake)).to_be_attached()
    page.keyboard.press("j")
    page.keyboard.press("x")
    reader.button("Tout cocher").press("Enter")
    reader.button("Viser 2 dossiers…").press("Enter")
    reader.button("Viser 2 dossiers").press("Enter")
    expect(page.locator(f"{reader.awake} [data-batch-progress][data-state=running]")).to_be_visible()
    reader.context.set_offline(True)
    alert = page.get_by_role("alert").filter(has_text="Pas de réponse du serveur depuis")
    expect(alert).to_contain_text("On ne sait pas d’ici où en est le lot")
    serving.start_worker()
    reader.context.set_offline(False)
    expect(reader.heading("2 dossiers visés sur 2")).to_be_visible()
    expect(alert).to_have_count(0)
    assert [house.journal(one).count("folder.approve") for one in batch] == [1, 1]
    reader.said.clear()  # the browser tells each request that failed


def test_a_selection_on_a_phone_says_in_its_own_bar_that_nothing_left(house: House, person) -> None:
    for _ in range(12):
        house.an_invoice()
    reader = person("r.pellenec")
    reader.page.set_viewport_size({"width": 390, "height": 844})
    reader.open("/a-traiter")
    expect(reader.page.locator(reader.awake)).to_be_attached()
    for box in reader.page.locator(".fcheck input").all()[:2]:
        box.check()
    reader.context.set_offline(True)
    reader.button("Viser 2 dossiers…").click()
    alert = reader.page.get_by_role("alert").filter(has_text="Hors ligne")
    expect(alert).to_be_in_viewport(ratio=1)
    reader.context.set_offline(False)
    reader.said.clear()  # the browser tells each request that failed


def test_a_page_whose_script_did_not_come_says_that_it_is_not_whole(house: House, person) -> None:
    folder_id = house.an_invoice(at="finance")
    reader = person("n.abgrallec")
    reader.page.route("**/js/viewer.js", lambda route: route.abort())
    reader.open(f"/dossiers/{folder_id}")
    alert = reader.page.get_by_role("alert").filter(has_text="Cette page n’est pas entière")
    expect(alert).to_contain_text("rien ne s’y décide avant")
    reader.page.keyboard.press("a")
    expect(alert).to_be_focused()
    reader.page.get_by_role("button", name="Viser", exact=True).click()
    expect(alert).to_be_focused()
    reader.page.wait_for_timeout(300)
    assert house.folder(folder_id).place == "finance", "its document was not shown"
    reader.page.unroute("**/js/viewer.js")
    reader.button("Recharger la page").click()
    expect(reader.page.locator(reader.awake)).to_be_attached()
    expect(reader.page.get_by_role("alert")).to_have_count(0)
    reader.said.clear()  # the browser tells each request that failed


def test_the_application_is_installable_and_keeps_nothing_of_a_person(house: House, person) -> None:
    house.an_invoice()
    reader = person("r.pellenec", service_workers="allow")
    page = reader.page
    reader.open("/a-traiter")
    assert page.evaluate(READY)
    told = page.evaluate("fetch('/manifest.webmanifest').then((one) => one.json())")
    assert (told["display"], told["start_url"], {one["sizes"] for one in told["icons"]}) == (
        "standalone",
        "/",
        {"192x192", "512x512"},
    )
    kept = page.evaluate(
        "caches.keys().then((names) => Promise.all(names.map((one) => caches.open(one).then((cache) => cache.keys()))))"
        ".then((every) => every.flat().map((one) => new URL(one.url).pathname))"
    )
    assert [one for one in kept if not re.match(r"/static/|/hors-ligne/", one)] == []
    for what in ("page", "rien", "peut-etre", "brouillons", "recu"):
        text = page.evaluate(f"caches.match('/hors-ligne/{what}').then((one) => one.text())")
        assert ("Pellenec" in text, "csrf" in text) == (False, False)
    page.goto(f"{reader.url}/a-traiter")
    page.locator("details.menu > summary").click()
    reader.button("Se déconnecter").click()
    expect(page).to_have_url(re.compile("/login"))
    assert page.evaluate("navigator.serviceWorker.getRegistrations().then((every) => every.length)") == 0
