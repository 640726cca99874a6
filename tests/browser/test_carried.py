"""A folder taken along: read without a network, decided on by nobody there, and gone with whatever ends it."""

import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Route, expect

from app.core.clock import now
from app.folders import carried
from app.people.own_settings.changing import change_setting
from tests.browser.person import Person
from tests.builders.house import House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
READ = "/hors-ligne/emportes"
AXE = "() => axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })"
# All that the browser keeps: what lies in the base (sealed bytes as letters), the key, and the text of what its caches hold
LEFT = """async () => {
  const names = (await indexedDB.databases()).map((one) => one.name);
  const left = { names, sealed: [], cached: [], keys: [], flag: localStorage.getItem("carried") };
  const text = (one) => new TextDecoder("latin1").decode(one);
  if (names.includes("carried")) {
    const asked = (request) => new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
    const base = await asked(indexedDB.open("carried", 1));
    const all = (name) => asked(base.transaction(name).objectStore(name).getAll());
    for (const one of await all("sealed")) left.sealed.push(text(one.data));
    left.marks = await all("marks");
    for (const key of await all("keys")) {
      const taken = await crypto.subtle.exportKey("raw", key).then(() => true, () => false);
      left.keys.push([key.algorithm.name, key.algorithm.length, key.extractable, taken]);
    }
    base.close();
  }
  left.caches = await caches.keys();
  for (const name of left.caches) {
    const cache = await caches.open(name);
    for (const one of await cache.keys()) left.cached.push(one.url, text(await (await cache.match(one)).arrayBuffer()));
  }
  return left;
}"""


@pytest.fixture
def reader(house: House, person: Callable[..., Person]) -> Person:
    """Whom folders await, where the collectivity lets them be taken along."""
    change_setting(house.actor("k.morizur"), carried.OFFLINE, {carried.OFFLINE: carried.YES})
    return person("r.pellenec", service_workers="allow")


def take(reader: Person, folder_id: int) -> None:
    reader.open(f"/dossiers/{folder_id}")
    reader.button("Emporter pour lire hors connexion").click()
    expect(reader.page.get_by_role("status").filter(has_text="Le dossier est emporté")).to_be_visible()


def cut(route: Route) -> None:
    """The answer of a server whose network goes in the middle of it."""
    answer = route.fetch()
    body = answer.body()
    route.fulfill(response=answer, body=body[: len(body) // 2])


def gone(reader: Person) -> None:
    """Nothing of what was taken along is left, nor what read it."""
    reader.page.wait_for_function("() => !localStorage.getItem('carried')")
    reader.page.wait_for_function(
        "async () => !(await indexedDB.databases()).some((one) => one.name === 'carried')"
    )
    left = reader.page.evaluate(LEFT)
    assert ([one for one in left["caches"] if one.startswith("reading ")], left["keys"]) == ([], [])


def test_what_is_taken_along_is_read_without_a_network_and_decided_on_by_nobody(
    house: House, reader: Person
) -> None:
    folder_id, page = house.an_invoice(), reader.page
    title = house.folder(folder_id).title
    take(reader, folder_id)
    left = page.evaluate(LEFT)
    assert left["keys"] == [["AES-GCM", 256, False, False]]
    assert len(left["sealed"]) > 1
    assert any(one.endswith(READ) for one in left["cached"])
    for words in (title, "Gwenola", "Pellenec", 'csrf_token" value'):
        assert not [one[:80] for one in (*left["sealed"], *left["cached"]) if words in one], words
    assert not [one[:80] for one in left["sealed"] if "%PDF-" in one]

    # Taken again over a network that is cut, the former copy is read; over a good one, in two windows, one is left
    page.context.route("**/emporter", cut)
    reader.open(f"/dossiers/{folder_id}")
    reader.button("Emporter pour lire hors connexion").click()
    reader.sees("celle d’avant, s’il y en a une, reste lisible")
    page.context.unroute("**/emporter")
    assert page.evaluate(LEFT)["sealed"] == left["sealed"]
    other = page.context.new_page()
    other.goto(f"{reader.url}/dossiers/{folder_id}")
    reader.open(f"/dossiers/{folder_id}")
    for one in (page, other):
        one.get_by_role("button", name="Emporter pour lire hors connexion").click()
    for one in (page, other):
        expect(one.get_by_role("status").filter(has_text="Le dossier est emporté")).to_be_visible()
    other.close()
    assert len(page.evaluate(LEFT)["sealed"]) == len(left["sealed"])

    reader.context.set_offline(True)
    page.goto(f"{reader.url}/a-traiter")
    reader.sees("Pas de réponse du serveur")
    page.get_by_role("link", name="Lire les dossiers emportés").click()
    expect(page.get_by_role("complementary", name="Lecture seule")).to_contain_text(
        "Aucune décision n’est possible hors connexion"
    )
    page.get_by_role("link", name=title).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    reader.drawn()
    reader.sees("Hors connexion. Emporté")
    reader.sees("lisible jusqu’au")
    reader.sees("À vous de viser")
    for words in ("Viser", "Rejeter", "Confier", "Demander un avis"):
        expect(page.get_by_role("button", name=re.compile(words))).to_have_count(0)
    expect(page.locator("main form")).to_have_count(0)
    page.evaluate(AXE_SCRIPT)
    for width in (1280, 820, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for dark in ("light", "dark"):
            page.emulate_media(color_scheme=dark)
            found = page.evaluate(AXE)["violations"]
            assert not found, json.dumps(found)[:800]
        assert page.evaluate("document.scrollingElement.scrollWidth") == width
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    reader.drawn()

    reader.context.set_offline(False)
    reader.sees("Le serveur répond : c’est sur la page du dossier que l’on décide")
    page.get_by_role("link", name="Ouvrir le dossier").click()
    expect(page.get_by_role("button", name="Viser").first).to_be_visible()
    house.approve(folder_id, "r.pellenec")  # decided on another device: the copy ends at the next contact
    page.goto(f"{reader.url}{READ}")
    reader.sees("Rien à lire ici")
    gone(reader)
    reader.said.clear()  # the browser tells each request that failed


def test_a_copy_is_not_shown_after_its_day_nor_by_a_clock_that_was_put_back(
    house: House, reader: Person
) -> None:
    folder_id, page = house.an_invoice(), reader.page
    title = house.folder(folder_id).title
    take(reader, folder_id)
    reader.context.route("**/emportes/etat", lambda route: route.fulfill(body="<h1>Wifi de la gare</h1>"))
    page.goto(reader.url + READ)  # what answers is not the server: nothing is learnt of it
    expect(page.get_by_role("link", name=title)).to_be_visible()
    page.clock.set_fixed_time(now() - timedelta(hours=1))
    page.goto(reader.url + READ)
    reader.sees("L’horloge de cet appareil a reculé")
    expect(page.get_by_role("link", name=title)).to_have_count(0)
    page.clock.set_fixed_time(now() + timedelta(hours=23))
    page.goto(reader.url + READ)
    expect(page.get_by_role("link", name=title)).to_be_visible()
    page.clock.set_fixed_time(now() + timedelta(hours=24, minutes=1))
    page.goto(reader.url + READ)
    reader.sees("Rien à lire ici")
    gone(reader)
    reader.said.clear()


def test_leaving_takes_everything_away_here_and_at_the_next_contact_elsewhere(
    house: House, reader: Person, person: Callable[..., Person]
) -> None:
    folder_id, page = house.an_invoice(), reader.page
    take(reader, folder_id)
    # The page that took the first is the one that leaves, and nothing that the server answers does it instead
    reader.context.route("**/logout", lambda route: route.fulfill(status=204))
    page.locator("details.menu > summary").click()
    reader.button("Se déconnecter").click()
    gone(reader)
    reader.context.unroute("**/logout")
    page.evaluate("document.querySelector(\"form[action$='/logout']\").submit()")
    expect(page).to_have_url(re.compile("/login"))

    reader.log_in("r.pellenec")
    take(reader, folder_id)
    other = person("r.pellenec")
    other.open("/compte")
    other.button("Fermer toutes les autres").click()
    other.sees("Vos autres sessions sont fermées")
    page.goto(f"{reader.url}/login")  # any page of the house is a contact
    gone(reader)

    reader.log_in("r.pellenec")
    take(reader, folder_id)
    reader.context.clear_cookies()  # a session that ended of itself takes nothing away; somebody else who enters does
    reader.open("/login")
    expect(page.locator("html[data-awake]")).to_be_attached()
    assert page.evaluate(LEFT)["keys"]
    reader.log_in("g.trehorel")
    gone(reader)
