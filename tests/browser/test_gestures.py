"""Each gesture on a folder by keys alone, on half a screen: what the journal, the slip and a second person say of it at once."""

import json
import re
from dataclasses import dataclass

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Locator, Route, expect

from tests.browser.person import apart
from tests.browser.test_keyboard import Typist
from tests.builders.house import ASSETS, House
from tests.circuits.test_editor import words
from tests.display.test_exports import text_of
from tests.folders.test_relieving import reader
from tests.operations.test_absences import away

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
A, G, K, N, R, S = "a.kervadec", "g.trehorel", "k.morizur", "n.abgrallec", "r.pellenec", "s.rivoal"
QUESTION = "Le contrat de maintenance couvre-t-il ce mois ?"
ANSWER = "Oui, jusqu’au 31 décembre."
WHY = "Le tonnage facturé est à vérifier."
OTHER = ASSETS / "invoices" / "fx-extended-de-marchandises.pdf"
ZOOMED = {"width": 640, "height": 450}
"""A screen of 1280 × 900 at 200 %, in pixels of CSS (WCAG 2.2, 1.4.4 and 1.4.10)."""


@dataclass
class Trails:
    """What is written of a folder, read by somebody else than who acted."""

    house: House
    folder_id: int

    def say(self, event: str, journal: str, slip: str) -> None:
        """The last event of the folder, its line for who deposited, and the line of its printed slip."""
        assert self.house.journal(self.folder_id)[-1] == event
        client = self.house.client(G)
        assert journal in words(client.get(f"/dossiers/{self.folder_id}?onglet=journal"))
        printed = client.get(f"/dossiers/{self.folder_id}/bordereau.pdf")
        told = " ".join(text_of(printed.data).split())
        assert slip in told, told


def opened(typist: Typist, folder_id: int, tab: str = "circuit") -> None:
    typist.person.folder(folder_id, tab)
    expect(typist.page.locator(typist.person.awake)).to_be_attached()


def go(typist: Typist, target: Locator) -> None:
    """By Tab to a link or a button, then Entrée."""
    typist.tab_to(target)
    typist.press("Enter")


def write(typist: Typist, label: str, text: str) -> None:
    typist.tab_to(typist.page.get_by_label(label).and_(typist.page.locator("input, textarea")))
    typist.page.keyboard.type(text)


def choose(typist: Typist, name: str) -> None:
    """By Tab into a group of radios, then by the arrows to the one that begins with this name."""
    radio = typist.page.get_by_role("radio", name=re.compile(f"^{re.escape(name)}"))
    first = typist.page.locator(f"[name='{radio.get_attribute('name')}']:visible")
    checked = first.and_(typist.page.locator(":checked"))
    typist.tab_to(checked if checked.count() else first.first)
    for _ in range(first.count()):
        if radio.is_checked():
            return
        typist.press("ArrowDown")
    expect(radio).to_be_checked()


def enlarged(typist: Typist) -> None:
    """What is open now meets no barrier at 200 %, and nothing of it is off the screen's side."""
    page, before = typist.page, typist.page.viewport_size
    page.set_viewport_size(ZOOMED)
    page.wait_for_load_state()
    page.evaluate("() => scrollTo(0, 0)")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), page.url
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    barriers = page.evaluate(
        "() => axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] })"
    )
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in barriers["violations"]] == []
    assert before
    page.set_viewport_size(before)


def test_who_decides_asks_hands_sends_back_and_notes_by_keys_alone(house: House, person) -> None:
    folder_id = house.an_invoice("finance")
    trails = Trails(house, folder_id)
    asker, answers, other = Typist(person()), Typist(person()), person(G)
    asker.log_in(N)
    answers.log_in(S)

    # An opinion is asked, and given
    opened(asker, folder_id)
    asker.press("v")
    expect(asker.person.heading("Demander un avis")).to_be_visible()
    enlarged(asker)
    asker.tab_to(asker.page.get_by_role("checkbox", name=re.compile("^Direction générale")))
    asker.press("Space")
    write(asker, "Votre question", QUESTION)
    choose(asker, "L’étape attend l’avis")
    go(asker, asker.person.button("Demander l’avis"))
    asker.person.sees("attend l’avis demandé à la Direction générale.")
    opened(asker, folder_id)
    asker.person.sees("L’étape attend cet avis")
    line = f"Avis demandé par Nolwenn Abgrallec à la Direction générale : « {QUESTION} »"
    trails.say("opinion.asked", line, "Avis demandé à la Direction générale")
    other.folder(folder_id)
    other.sees("Avis demandé à Solenn Rivoal (Direction générale)")
    opened(answers, folder_id)
    answers.person.sees("Votre avis est demandé")
    answers.person.lacks("À vous de viser")
    answers.person.sees("À vous de donner votre avis")
    # On half a screen the form stands under the document: the bar has its button, which leads to it as long as nothing is chosen
    expect(answers.page.locator(".decide-bar").get_by_role("button", name="Donner mon avis")).to_be_visible()
    answers.press("a")
    expect(answers.page.get_by_role("radio", name="Favorable", exact=True)).to_be_focused()
    choose(answers, "Défavorable")
    go(answers, answers.person.button("Donner mon avis"))
    expect(answers.page.get_by_label("En quelques mots")).to_be_focused()
    answers.person.sees("un avis défavorable se motive")
    expect(answers.page.get_by_role("radio", name="Défavorable")).to_be_checked()
    choose(answers, "Favorable")
    write(answers, "En quelques mots", ANSWER)
    enlarged(answers)
    go(answers, answers.person.button("Donner mon avis"))
    answers.person.sees("a votre avis favorable. Plus aucun dossier ne vous attend.")
    opened(answers, folder_id)
    answers.person.sees("Avis favorable de Solenn Rivoal")
    trails.say(
        "opinion.given",
        f"Avis rendu par Solenn Rivoal, avis favorable : « {ANSWER} » (Direction générale)",
        ANSWER,
    )

    # The step is handed to another desk, whose visa it is from then on
    opened(asker, folder_id)
    go(asker, asker.person.button("Autres actes"))
    go(asker, asker.page.get_by_role("link", name="Confier…"))
    expect(asker.page.get_by_role("dialog")).to_be_visible()
    enlarged(asker)
    choose(asker, "Direction générale")
    write(asker, "Motif", WHY)
    go(asker, asker.person.button("Confier le dossier"))
    asker.person.sees("est confié")
    line = f"Confié par Nolwenn Abgrallec de la Direction des finances à la Direction générale : « {WHY} »"
    trails.say("folder.handed", line, line)
    other.folder(folder_id)
    other.sees("On attend Solenn Rivoal")
    opened(answers, folder_id)
    answers.person.sees("À vous de viser")

    # It goes back to an earlier step, where it is asked anew
    answers.press("r")
    expect(answers.person.heading("Rejeter ou renvoyer ce dossier")).to_be_visible()
    enlarged(answers)
    back = answers.page.get_by_role("radio", name="La personne qui a déposé")
    answers.tab_to(back)
    choose(answers, "L’étape « Service fait »")
    write(answers, "Motif, en clair", WHY)
    go(answers, answers.page.get_by_role("button", name=re.compile("^Renvoyer à l’étape")))
    answers.person.sees("est renvoyé")
    line = "Renvoyé par Solenn Rivoal à l’étape « Service fait »"
    trails.say("folder.send_back", line, line)
    other.folder(folder_id)
    other.sees("On attend Ronan Pellenec")

    # Notes: for oneself, for one's desk, for all; answered and settled
    technician = Typist(person())
    technician.log_in(R)
    opened(technician, folder_id, "notes")
    written = {
        "Moi seul": "À rappeler lundi.",
        "Mon bureau": "Voir le bon de pesée.",
        "Tout": "Pesée jointe demain.",
    }
    for reach, text in written.items():
        adding = technician.page.get_by_text("Ajouter une note", exact=True)
        if not technician.page.get_by_label("Votre note").is_visible():
            go(technician, adding)
        write(technician, "Votre note", text)
        technician.tab_to(technician.page.get_by_label("Qui la lit"))
        technician.page.keyboard.type(reach)
        enlarged(technician)
        go(technician, technician.person.button("Écrire la note"))
        technician.person.sees(text)
    trails.say("note.added", "Note écrite par Ronan Pellenec", "Pesée jointe demain.")
    other.folder(folder_id, "notes")
    other.sees("Pesée jointe demain.")
    for text in ("À rappeler lundi.", "Voir le bon de pesée."):
        other.lacks(text)
        assert text not in text_of(house.client(R).get(f"/dossiers/{folder_id}/bordereau.pdf").data)
    opened(technician, folder_id, "notes")
    # A word that one begins to write is no shortcut: « accord » gives no visa
    go(technician, technician.page.locator("summary", has_text="Répondre").first)
    technician.page.keyboard.type("accord")
    expect(technician.page.locator("textarea:focus")).to_have_value("accord")
    # Words that no form sends stay in sight: neither a key nor a button leaves the page without them
    technician.press("Tab")
    technician.page.get_by_role("heading", level=1).first.click()
    for key in ("a", "j"):
        technician.press(key)
        expect(technician.page.locator("textarea:focus")).to_have_value("accord")
        technician.page.get_by_role("heading", level=1).first.click()
    go(technician, technician.page.get_by_role("button", name="Marquer réglée").first)
    expect(technician.page.locator("textarea:focus")).to_have_value("accord")
    assert house.folder(folder_id).place == "service_done"
    technician.press("Control+a")
    technician.press("Delete")
    go(technician, technician.page.get_by_role("button", name="Marquer réglée").first)
    technician.person.sees("Réglée par Ronan Pellenec")
    trails.say("note.settled", "Note réglée par Ronan Pellenec", "Pesée jointe demain.")
    opened(technician, folder_id)
    technician.press("a")
    technician.person.sees("est visé.")
    trails.say("folder.approve", "Visé par Ronan Pellenec", "Visé par Ronan Pellenec")


def test_one_hides_a_folder_from_his_own_list_and_marks_it_not_read_by_keys_alone(
    house: House, person
) -> None:
    folder_id = house.an_invoice("finance")
    reader = Typist(person())
    reader.log_in(N)
    for gesture, told in (("Marquer comme non lu", "non lu"), ("Masquer", "masqué")):
        opened(reader, folder_id)
        go(reader, reader.page.get_by_text("Plus tard…"))
        enlarged(reader)
        go(reader, reader.page.get_by_role("button", name=gesture, exact=True))
        reader.person.sees(told)
    colleague = person("t.lescoat")
    expect(colleague.page.locator("a.ftitle")).to_have_count(1)
    reader.person.open("/a-traiter")
    expect(reader.page.locator("a.ftitle")).to_have_count(0)


def test_a_key_pressed_while_another_page_comes_decides_nothing_on_the_one_that_is_left(
    house: House, person
) -> None:
    folders = [house.an_invoice() for _ in range(2)]
    technician = Typist(person())
    technician.log_in(R)
    opened(technician, folders[0])
    first, second = folders
    for keys, comes in (
        ("jaccord", f"**/dossiers/{second}*"),
        ("naccord", f"**/dossiers/{second}?onglet=notes*"),
    ):
        # All at once: the other page is asked by the first key, and cannot be there for the others
        technician.page.evaluate(
            "keys => { for (const key of keys) document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true })); }",
            keys,
        )
        technician.page.wait_for_url(comes)
        expect(technician.page.locator(technician.person.awake)).to_be_attached()
    expect(technician.page.get_by_label("Votre note")).to_be_focused()
    assert [house.folder(one).place for one in (first, second)] == ["service_done"] * 2


@pytest.mark.parametrize(("key", "address"), [("r", "**/rejeter*"), ("v", "**/avis*")])
def test_what_is_typed_while_a_dialog_comes_is_for_it_and_no_letter_of_it_decides(
    house: House, person, key: str, address: str
) -> None:
    folder_id = house.an_invoice("finance")
    finance = Typist(person())
    finance.log_in(N)
    opened(finance, folder_id)
    page, held = finance.page, list[Route]()
    finance.person.expected.append("htmx:")  # given up
    page.route(address, lambda one: held.append(one))  # noqa: PLW0108 - Playwright marks a function of ours
    page.locator('[data-key="a"]').focus()  # which a space presses
    finance.press(key)
    finance.person.until(held)
    page.keyboard.type("La facturx")
    for one in ("Backspace", "e", "Enter"):
        finance.press(one)
    expect(page.get_by_role("dialog")).to_have_count(0)
    held.pop().continue_()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.type(" est fausse")
    expect(page.locator("dialog textarea:focus")).to_have_value("La facture est fausse")
    finance.press("Escape")
    # It may be given up while it comes; what never came gives the keys back
    finance.press(key)
    finance.person.until(held)
    for one in ("a", "Escape", "j"):
        finance.press(one)
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert (page.url, house.folder(folder_id).place) == (
        f"{finance.person.url}/dossiers/{folder_id}?onglet=circuit",
        "finance",
    )
    page.unroute(address)
    finance.press(key)
    expect(page.get_by_role("dialog")).to_be_visible()
    finance.press("Escape")
    finance.press("a")
    finance.person.sees("est visé.")


@pytest.mark.parametrize("late", [False, True])
def test_a_dialog_that_does_not_come_leaves_no_key_to_the_page_that_goes(
    house: House, person, late: bool
) -> None:
    """Its address is then a page of its own."""
    folder_id = house.an_invoice("finance")
    finance = Typist(person())
    finance.log_in(N)
    opened(finance, folder_id)
    page, held = finance.page, list[Route]()
    finance.person.expected += ["net::ERR_FAILED", "htmx:"]
    if late:
        page.evaluate(
            "document.body.addEventListener('htmx:beforeRequest', one => (one.detail.xhr.timeout = 1))"
        )

    def cut(route: Route) -> None:
        if not route.request.headers.get("hx-request"):
            held.append(route)
        elif not late:
            route.abort()

    page.route("**/rejeter*", cut)
    finance.press("r")
    finance.person.until(held)
    page.keyboard.type("accord")
    held.pop().continue_()
    page.wait_for_url("**/rejeter")
    assert house.folder(folder_id).place == "finance"


def held_down(typist: Typist, key: str, times: int = 5) -> None:
    """The key stays down: the browser says of each further one that it repeats."""
    for _ in range(times):
        typist.page.keyboard.down(key)


def kept_reason(typist: Typist) -> Locator:
    """A reason of refusal is written, and the dialog given up; it is where it will come back."""
    typist.press("r")
    area = typist.page.locator("dialog[open] textarea")
    area.fill(WHY)
    typist.press("Escape")
    expect(typist.page.get_by_role("dialog")).to_have_count(0)
    return area


def test_a_key_that_is_held_down_decides_one_folder_and_walks_only_rows(house: House, person) -> None:
    ids = [house.an_invoice("finance") for _ in range(3)]
    finance = Typist(person())
    finance.log_in(N)
    page = finance.page
    held_down(finance, "j")
    expect(page.locator("a.ftitle").nth(2)).to_be_focused()
    page.keyboard.up("j")
    opened(finance, ids[0])
    page.evaluate("addEventListener('keydown', one => (window.first ??= one.repeat), true)")
    page.keyboard.down("a")
    page.wait_for_url(f"**/dossiers/{ids[1]}*")
    expect(page.locator(finance.person.awake)).to_be_attached()
    # The next page is told that the key was down before it
    page.evaluate("addEventListener('keydown', one => (window.first ??= one.repeat), true)")
    held_down(finance, "a")
    assert page.evaluate("window.first") is True
    for key in ("r", "j"):
        page.keyboard.down(key)
        page.keyboard.up(key)
        if key == "r":
            expect(page.get_by_role("dialog")).to_be_visible()
            finance.press("Escape")
    page.wait_for_url(f"**/dossiers/{ids[2]}*")
    held_down(finance, "a")
    page.wait_for_timeout(500)
    assert [house.folder(one).place for one in ids[1:]] == ["finance"] * 2
    assert house.folder(ids[0]).place != "finance"
    # Pressed anew, it decides
    page.keyboard.up("a")
    finance.press("a")
    finance.person.sees("est visé.")
    assert [house.folder(one).place == "finance" for one in ids[1:]] == [True, False]


SEEN = """window.seen = [];
addEventListener('keyup', one => one.key === '?' && seen.push(document.querySelector('#help').open));
addEventListener('keyup', one => one.key === 'F8' && window.act())"""
"""Done and kept by the page: while another is to replace it, Chromium answers nothing that is asked of it."""
STOPS = {"Escape": "", "button": "window.stop()", "another": "location.assign('/absences'); window.stop()"}


@pytest.mark.parametrize("way", STOPS)
def test_a_page_that_was_stopped_on_its_way_gives_the_keys_back_at_once(
    house: House, person, way: str
) -> None:
    """While it is awaited no key acts, and one that is held down acts on neither page."""
    ids = [house.an_invoice("finance") for _ in range(2)]
    finance = Typist(person())
    finance.log_in(N)
    opened(finance, ids[0])
    page, waiting = finance.page, list[Route]()
    address = re.compile(rf"/dossiers/{ids[1]}|/absences")
    page.route(address, lambda one: waiting.append(one))  # noqa: PLW0108 - Playwright marks a function of ours
    page.evaluate(f"{SEEN}; window.act = () => {{ {STOPS[way]} }}; 0")
    page.keyboard.down("j")
    finance.person.until(waiting)
    finance.press("?")
    finance.press("Escape" if way == "Escape" else "F8")
    held_down(finance, "j")
    page.keyboard.up("j")
    finance.press("?")
    finance.press("Escape")
    assert [one.request.url for one in waiting if f"/{ids[1]}" in one.request.url] == [waiting[0].request.url]
    for one in waiting:
        one.fulfill(status=204)  # and nothing comes of what was asked
    assert page.evaluate("window.seen") == [False, True]
    page.unroute(address)
    finance.press("j")
    page.wait_for_url(f"**/dossiers/{ids[1]}*")
    expect(page.locator(finance.person.awake)).to_be_attached()
    finance.press("a")
    finance.person.sees("est visé.")
    assert [house.folder(one).place == "finance" for one in ids] == [True, False]


def test_a_page_that_takes_the_place_of_another_on_its_way_keeps_the_keys(house: House, person) -> None:
    for _ in range(2):
        house.an_invoice("finance")
    finance = Typist(person())
    finance.log_in(N)
    page, waiting, rows = finance.page, list[Route](), "document.querySelectorAll('a.ftitle')"
    page.route("**/dossiers/*", lambda one: waiting.append(one))  # noqa: PLW0108 - Playwright marks a function of ours
    page.evaluate(f"{SEEN}; window.next = 0; window.act = () => {rows}[window.next++].click(); 0")
    for place in range(2):
        finance.press("F8")
        finance.person.until(waiting, place + 1)
    finance.press("?")
    for one in waiting:
        one.fulfill(status=204)
    assert page.evaluate("window.seen") == [False]


def test_the_key_that_opens_a_dialog_writes_nothing_in_it_and_what_was_kept_comes_first(
    house: House, person
) -> None:
    folder_id = house.an_invoice("finance")
    finance = Typist(person())
    finance.log_in(N)
    opened(finance, folder_id)
    page, waiting = finance.page, list[Route]()
    area = kept_reason(finance)
    page.route("**/rejeter*", lambda one: waiting.append(one))  # noqa: PLW0108 - Playwright marks a function of ours
    for further, whole in ((("r", "r"), WHY), (("E", "t"), f"{WHY} Et")):
        finance.press("r")
        finance.person.until(waiting)
        for key in further:
            finance.press(key)
        waiting.pop().continue_()
        expect(area).to_have_value(whole)
        finance.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
    page.unroute("**/rejeter*")
    # Held down while it opens, and after
    held_down(finance, "r")
    expect(area).to_be_focused()
    held_down(finance, "r")
    expect(area).to_have_value(f"{WHY} Et")
    page.keyboard.up("r")
    page.keyboard.type("r")
    held_down(finance, "e", 3)
    expect(area).to_have_value(f"{WHY} Etreee")


def test_what_is_typed_as_a_dialog_opens_waits_for_the_words_that_come_back(house: House, person) -> None:
    folder_id = house.an_invoice("finance")
    finance = Typist(person())
    finance.log_in(N)
    opened(finance, folder_id)
    area = kept_reason(finance)
    finance.page.evaluate(
        """() => { const { subtle } = crypto, own = subtle.decrypt.bind(subtle);
        subtle.decrypt = async (...all) => { await new Promise(done => setTimeout(done, 700)); return own(...all); }; }"""
    )
    finance.press("r")
    expect(area).to_be_focused()
    finance.page.keyboard.type("Vu")
    expect(area).to_have_value(f"{WHY} Vu")


def test_a_session_that_cannot_be_opened_again_here_gives_the_keys_back(house: House, person) -> None:
    """What asks who one is does not come: while it is awaited Tab and Échap serve, then the page of the login does."""
    folder_id = house.an_invoice("finance")
    finance = Typist(person())
    finance.log_in(N)
    opened(finance, folder_id)
    page, waiting = finance.page, list[Route]()
    finance.person.expected += ["net::ERR_FAILED", "htmx:"]
    page.evaluate("window.seen = []; document.addEventListener('keydown', one => seen.push(one.key))")
    page.context.clear_cookies()
    page.route("**/passkeys*", lambda one: waiting.append(one), times=1)  # noqa: PLW0108 - Playwright marks a function of ours
    finance.press("r")
    finance.person.until(waiting)
    for key in ("a", "Tab", "F8"):
        finance.press(key)
    assert page.evaluate("seen.splice(0)") == ["r", "Tab", "F8"]
    finance.press("Escape")
    finance.press("F8")
    finance.press("q")
    assert page.evaluate("seen") == ["F8", "q"]
    finance.press("r")  # asked again, and the line is cut
    page.wait_for_timeout(300)
    waiting.pop().abort()
    page.wait_for_url(re.compile(r"/login[?]suite=/dossiers/"))
    expect(page.get_by_label("Identifiant")).to_be_visible()
    assert house.folder(folder_id).place == "finance"


def test_a_decision_takes_away_what_was_begun_of_another_on_its_folder_alone(house: House, person) -> None:
    ids = [house.an_invoice("finance") for _ in range(3)]
    finance = Typist(person())
    finance.log_in(N)
    page = finance.page

    def of_which() -> list[int]:
        names = page.evaluate("Object.keys(sessionStorage).filter(one => one.startsWith('note http'))")
        return sorted(int(number) for one in names for number in re.findall(r"/dossiers/(\d+)/", one))

    for one in ids:
        opened(finance, one)
        kept_reason(finance)
    # A visa that is refused decides nothing
    opened(finance, ids[0])
    apart(lambda: house.approve(ids[0], "t.lescoat"))
    finance.press("a")
    finance.person.sees("Ce dossier a avancé")
    expect(page.locator(finance.person.awake)).to_be_attached()
    assert of_which() == ids
    opened(finance, ids[1])
    finance.press("a")
    finance.person.sees("est visé.")
    expect(page.locator(finance.person.awake)).to_be_attached()
    page.wait_for_function(
        "number => !Object.keys(sessionStorage).some(one => one.includes(`/dossiers/${number}/`))", arg=ids[1]
    )
    assert of_which() == [ids[0], ids[2]]


def test_an_act_takes_away_the_words_of_its_own_form_alone(house: House, person) -> None:
    ids = [house.an_invoice("finance") for _ in range(3)]
    finance = Typist(person())
    finance.log_in(N)
    page = finance.page
    opened(finance, ids[2])
    area = kept_reason(finance)
    opened(finance, ids[0])
    finance.press("a")
    finance.person.sees("est visé.")
    expect(page.locator(finance.person.awake)).to_be_attached()
    # On the page that tells what was done, a reason is kept as on any other
    kept_reason(finance)
    finance.press("r")
    expect(area).to_have_value(WHY)
    page.get_by_role("button", name=re.compile("^(Rejeter|Renvoyer) le dossier")).click()
    finance.person.sees("est rejeté")
    expect(page.locator(finance.person.awake)).to_be_attached()
    names = page.evaluate("Object.keys(sessionStorage).filter(one => one.startsWith('note'))")
    assert [re.findall(r"/dossiers/(\d+)/", one) for one in names] == [[str(ids[2])]]
    opened(finance, ids[2])
    finance.press("r")
    expect(area).to_have_value(WHY)


NOTE = "Le bon de pesée manque, rappeler le garage."


def test_the_words_of_a_note_that_is_left_come_back_until_they_are_written(house: House, person) -> None:
    first, second = house.an_invoice("finance"), house.an_invoice("finance")
    finance = Typist(person())
    finance.log_in(N)
    opened(finance, first, "notes")
    page, note = finance.page, finance.page.get_by_label("Votre note")
    note.fill(NOTE)
    page.get_by_label("Qui la lit").select_option("alone")
    page.get_by_role("link", name="Circuit", exact=True).click()  # the tab alone is read
    expect(note).to_have_count(0)
    page.get_by_role("link", name=re.compile("^Notes")).click()
    expect(note).to_have_value(NOTE)
    page.locator('a[data-key="j"]').click()
    page.wait_for_url(f"**/dossiers/{second}*")
    expect(page.locator(finance.person.awake)).to_be_attached()
    # What is decided of another folder takes nothing away
    finance.press("a")
    finance.person.sees("est visé.")
    opened(finance, first, "notes")
    expect(note).to_have_value(NOTE)
    expect(page.get_by_label("Qui la lit")).to_have_value("alone")  # for nobody more than they were for
    finance.person.button("Écrire la note").click()
    finance.person.sees("La note est écrite.")
    expect(page.locator(finance.person.awake)).to_be_attached()
    expect(note).to_have_value("")
    opened(finance, first, "notes")
    expect(note).to_have_value("")


def test_a_browser_that_keeps_nothing_says_so_before_a_note_is_left(house: House, person) -> None:
    folder_id = house.an_invoice("finance")
    finance = person()
    finance.page.add_init_script("Object.defineProperty(crypto, 'subtle', { value: undefined })")
    finance.log_in(N)
    finance.folder(folder_id, "notes")
    page = finance.page
    expect(page.locator(finance.awake)).to_be_attached()
    note = page.get_by_label("Votre note")
    note.fill(NOTE)
    for name in ("Circuit", "Suivi"):
        page.get_by_role("link", name=name, exact=True).first.click()
        expect(note).to_be_focused()
        page.get_by_role("heading", level=1).first.click()
    expect(note).to_have_value(NOTE)
    note.fill("")
    page.get_by_role("link", name="Suivi", exact=True).first.click()
    page.wait_for_url("**/suivi*")


def test_a_browser_that_keeps_nothing_says_so_of_a_reason_and_holds_it_as_long_as_its_page(
    house: House, person
) -> None:
    folder_id = house.an_invoice("finance")
    finance = Typist(person())
    finance.page.add_init_script("Object.defineProperty(crypto, 'subtle', { value: undefined })")
    finance.log_in(N)
    opened(finance, folder_id)
    area = kept_reason(finance)
    lost = re.compile("n’est pas en https.: ce que vous écrivez ici est perdu si vous quittez cette page")
    for _ in range(2):
        finance.press("r")
        expect(area).to_have_value(WHY)
        expect(area).to_have_accessible_description(lost)
        expect(finance.page.get_by_role("dialog").get_by_text(lost)).to_have_count(1)
        finance.press("Escape")
        expect(finance.page.get_by_role("dialog")).to_have_count(0)
    assert not [one for one in finance.page.evaluate("Object.keys(sessionStorage)") if "rejeter" in one]
    opened(finance, folder_id)
    finance.press("r")
    expect(area).to_have_value("")


def test_the_step_to_which_a_folder_would_go_back_is_kept_with_the_reason(house: House, person) -> None:
    folder_id = house.an_invoice("finance")
    finance = Typist(person())
    finance.log_in(N)
    opened(finance, folder_id)
    page, step = finance.page, re.compile("^L’étape « Service fait »")
    finance.press("r")
    page.get_by_role("radio", name=step).check()
    page.get_by_label("Motif, en clair").fill(WHY)
    finance.press("Escape")
    opened(finance, folder_id)
    finance.press("r")
    expect(page.get_by_label("Motif, en clair")).to_have_value(WHY)
    expect(page.get_by_role("radio", name=step)).to_be_checked()
    expect(page.get_by_role("button", name=re.compile("^Renvoyer à l’étape"))).to_be_visible()
    # Chosen after the words it is kept too
    page.get_by_role("radio", name="La personne qui a déposé").check()
    finance.press("Escape")
    finance.press("r")
    expect(page.get_by_label("Motif, en clair")).to_have_value(WHY)
    expect(page.get_by_role("button", name="Rejeter le dossier")).to_be_visible()


def test_a_frequent_reason_begins_a_sentence_once(house: House, person) -> None:
    folder_id = house.an_invoice("finance")
    finance = Typist(person())
    finance.log_in(N)
    opened(finance, folder_id)
    finance.press("r")
    area = finance.page.get_by_label("Motif, en clair")

    def choose_reason(words: str) -> None:
        finance.page.get_by_role("button", name=words, exact=True).click()

    for _ in range(2):
        choose_reason("Pièce manquante")
    expect(area).to_have_value("Pièce manquante. ")
    finance.page.keyboard.type("Le RIB.")
    choose_reason("Pièce manquante")
    expect(area).to_have_value("Pièce manquante. Le RIB.")
    choose_reason("Imputation")
    expect(area).to_have_value("Imputation. Le RIB.")
    pressed = finance.page.locator("dialog .chip[aria-pressed=true]")
    expect(pressed).to_have_text(["Imputation"])


def test_what_comes_back_into_a_note_of_the_visa_is_in_sight(house: House, person) -> None:
    folder_id = house.an_invoice()
    technician = Typist(person())
    technician.log_in(R)
    opened(technician, folder_id)
    go(technician, technician.page.get_by_text("Ajouter une note au visa"))
    technician.page.keyboard.type("accord verbal, à revoir")
    technician.person.open("/suivi")
    opened(technician, folder_id)
    note = technician.page.get_by_label("Note, facultative")
    expect(note).to_be_visible()
    expect(note).to_have_value("accord verbal, à revoir")


def test_a_dialog_gives_way_to_the_words_of_a_note_that_are_not_sent(house: House, person) -> None:
    folder_id = house.an_invoice()
    technician = person(R)
    technician.folder(folder_id, "notes")
    page = technician.page
    expect(page.locator(technician.awake)).to_be_attached()
    note = page.get_by_label("Votre note")
    note.fill("À rappeler lundi.")
    page.locator('[data-key="r"]').first.click()
    page.get_by_label("Motif, en clair").fill(WHY)
    page.get_by_role("button", name=re.compile("^(Rejeter|Renvoyer) le dossier")).click()
    expect(note).to_be_focused()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert house.folder(folder_id).place == "service_done"


def test_a_signature_waits_as_a_visa_does_for_a_note_that_is_not_written(house: House, person) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    mayor = person(A)
    mayor.folder(folder_id, "notes")
    page = mayor.page
    mayor.drawn()
    note = page.get_by_label("Votre note")
    note.fill(NOTE)
    mayor.open_key(house.pki.p12("a_kervadec"), house.pki.passphrase.decode())
    expect(page.locator("[data-sign-name]")).to_have_text("Armel KERVADEC")
    mayor.button("Signer 1 document").click()
    expect(note).to_be_focused()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert house.folder(folder_id).place == "bon_a_payer"
    mayor.button("Écrire la note").click()
    mayor.sees("La note est écrite.")
    mayor.sign(house.pki.p12("a_kervadec"), house.pki.passphrase.decode(), "Armel KERVADEC")


def test_the_next_folder_is_not_opened_over_an_act_that_is_on_its_way(house: House, person) -> None:
    """Whoever has read for a minute is looked for first; what is pressed meanwhile does not take the act away."""
    first, second = house.an_invoice("finance"), house.an_invoice("finance")
    finance = Typist(person())
    finance.log_in(N)
    opened(finance, first)
    page, held = finance.page, list[Route]()
    page.evaluate("const now = Date.now; Date.now = () => now() + 120_000")
    page.route("**/compte/session", lambda one: held.append(one))  # noqa: PLW0108 - Playwright marks a function of ours
    finance.press("a")
    finance.person.until(held)
    finance.press("j")
    page.wait_for_timeout(500)
    assert page.url.startswith(f"{finance.person.url}/dossiers/{first}?")
    held.pop().continue_()
    finance.person.sees("est visé.")
    assert [house.folder(one).place == "finance" for one in (first, second)] == [False, True]


def test_escape_closes_the_menu_and_leaves_what_is_ticked(house: House, person) -> None:
    for _ in range(2):
        house.an_invoice("finance")
    finance = Typist(person())
    finance.log_in(N)
    page = finance.page
    for key in ("j", "x", "j", "x"):
        finance.press(key)
    bar = page.locator("[data-selected]")
    expect(bar).to_have_text("2 dossiers sélectionnés")
    page.locator("details.menu summary").press("Enter")
    expect(page.locator("details.menu[open]")).to_have_count(1)
    finance.press("Tab")  # on what it offers
    finance.press("Escape")
    expect(page.locator("details.menu[open]")).to_have_count(0)
    expect(bar).to_be_visible()
    expect(page.locator(".fcheck input:checked")).to_have_count(2)
    page.locator("a.ftitle").first.focus()
    finance.press("Escape")
    expect(page.locator(".fcheck input:checked")).to_have_count(0)


def test_who_is_named_in_a_note_is_ticked_and_told_as_one_types(house: House, person) -> None:
    folder_id = house.an_invoice("finance")
    name = house.actor(G).name
    finance = person(N)
    page = finance.page
    finance.folder(folder_id, "notes")
    expect(page.locator(finance.awake)).to_be_attached()
    note = page.get_by_label("Votre note")
    box = page.get_by_label(name, exact=True)
    note.press_sequentially(f"@{name} à vérifier avec @Marie Nulle")
    expect(box).to_be_checked()
    said = page.locator("#note-nommer")
    expect(said).to_have_text(
        f"Courriel à {name}. « @Marie Nulle » : personne de ce nom parmi ceux que l’on peut prévenir."
    )
    no_barrier = "() => axe.run('#panel', { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] })"
    page.evaluate(AXE_SCRIPT)
    assert page.evaluate(no_barrier)["violations"] == []
    page.get_by_label("Qui la lit").select_option("alone")
    expect(box).not_to_be_checked()
    expect(said).to_contain_text("personne n’est prévenu")
    page.get_by_label("Qui la lit").select_option("all")
    expect(box).to_be_checked()
    note.fill(f"@{name.split()[0].lower()} : à vérifier")
    finance.button("Écrire la note").click()
    finance.sees("La note est écrite")
    finance.sees(f"Nommés : {name}")


def test_the_names_that_an_at_sign_begins_are_offered_under_the_note(house: House, person) -> None:
    folder_id, name = house.an_invoice("finance"), house.actor(G).name
    first, last = name.split(" ", 1)
    finance = Typist(person(N))
    page = finance.page
    finance.person.folder(folder_id, "notes")
    expect(page.locator(finance.person.awake)).to_be_attached()
    note, names = page.get_by_label("Votre note"), page.get_by_role("group", name="Noms à mettre après")
    note.press_sequentially("Écrire à compta@kerlann.example")
    expect(names).to_be_hidden()
    note.fill("")
    note.press_sequentially(f"Vu avec @{last[:3].lower()}")
    expect(names.get_by_role("button")).to_have_text([name])
    page.evaluate(AXE_SCRIPT)
    no_barrier = "() => axe.run('#panel', { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] })"
    assert page.evaluate(no_barrier)["violations"] == []
    finance.press("Tab")
    expect(names.get_by_role("button")).to_be_focused()
    finance.press("Enter")
    expect(note).to_have_value(f"Vu avec @{name} ")
    expect(note).to_be_focused()
    expect(names).to_be_hidden()
    expect(page.get_by_label(name, exact=True)).to_be_checked()
    expect(page.locator("#note-nommer")).to_have_text(f"Courriel à {name}.")
    # In the middle of what is written, and by a first name; nobody is offered for a note for oneself
    note.fill(f"@{first} {last}, voir @ demain")
    for _ in " demain":
        finance.press("ArrowLeft")
    expect(names.get_by_role("button", name=name)).to_be_visible()
    page.keyboard.type(house.actor(R).name[:4])
    names.get_by_role("button", name=house.actor(R).name).click()
    expect(note).to_have_value(f"@{name}, voir @{house.actor(R).name} demain")
    note.fill("")
    note.press_sequentially(f"@{first[:2]}")
    expect(names).to_be_visible()
    page.get_by_label("Qui la lit").select_option("alone")
    expect(names).to_be_hidden()


def test_who_does_not_read_a_desk_note_is_not_ticked_and_the_page_says_so(house: House, person) -> None:
    folder_id, name = house.an_invoice("finance"), house.actor(G).name
    finance = person(N)
    page = finance.page
    finance.folder(folder_id, "notes")
    expect(page.locator(finance.awake)).to_be_attached()
    reach = page.get_by_label("Qui la lit")
    reach.select_option(reach.locator("option[value^=desk]").first.get_attribute("value"))
    page.get_by_label("Votre note").press_sequentially(f"Voir avec @{name}")
    expect(page.get_by_label(name, exact=True)).not_to_be_checked()
    outside = f"Pas de courriel à {name} : cette note n’est pas pour son bureau."
    expect(page.locator("#note-nommer")).to_have_text(outside)
    other = house.actor(R).name
    page.get_by_label("Votre note").press_sequentially(f" et @{other}")
    both = f"Pas de courriel à {name}, {other} : cette note n’est pas pour leur bureau."
    expect(page.locator("#note-nommer")).to_have_text(both)
    finance.button("Écrire la note").click()
    finance.sees("La note est écrite")
    expect(page.locator(finance.awake)).to_be_attached()
    page.locator("summary", has_text="Répondre").click()
    page.get_by_label("Votre réponse").press_sequentially(f"Et avec @{name}")
    answer = page.locator("form", has=page.get_by_label("Votre réponse"))
    expect(answer.locator(".form-text[role=status]")).to_have_text(outside)
    finance.button("Répondre").click()
    finance.sees("La note est écrite")
    finance.sees(f"Et avec @{name}")
    finance.lacks("Nommés")


def test_a_box_that_is_unticked_by_hand_stays_so_and_nobody_is_written_to(house: House, person) -> None:
    folder_id, name = house.an_invoice("finance"), house.actor(G).name
    finance = person(N)
    page = finance.page
    finance.folder(folder_id, "notes")
    expect(page.locator(finance.awake)).to_be_attached()
    note, box = page.get_by_label("Votre note"), page.get_by_label(name, exact=True)
    note.press_sequentially(f"Voir avec @{name}")
    expect(box).to_be_checked()
    page.locator("summary", has_text="Prévenir par courriel").first.click()
    box.uncheck()
    expect(page.locator("#note-nommer")).to_have_text(f"Pas de courriel à {name}.")
    note.press_sequentially(", mardi")
    expect(box).not_to_be_checked()
    finance.button("Écrire la note").click()
    finance.sees("La note est écrite")
    finance.lacks("Nommés")


# What the script reads of each case: whom it names, and what is nobody's name
READ = """async cases => {
  const app = [...document.scripts].find(one => one.src.includes("/js/app.js")).src;
  const { named } = await import(app.replace("/app.js", "/mentions.js"));
  return cases.map(({ words, people }) => {
    const [found, unknown] = named(words, people.map(label => ({ label })));
    return { words, people, named: people.filter(one => [...found].some(who => who.label === one)), unknown: [...unknown] };
  });
}"""


def test_the_page_reads_the_names_of_a_note_as_the_server_does(house: House, person) -> None:
    finance = person(N)
    finance.folder(house.an_invoice("finance"), "notes")
    expect(finance.page.locator(finance.awake)).to_be_attached()
    cases = json.loads((ASSETS / "mentions.json").read_text(encoding="utf-8"))
    assert finance.page.evaluate(READ, cases) == cases


def test_who_deposited_takes_it_back_copies_it_and_goes_on_from_it_by_keys_alone(
    house: House, person
) -> None:
    folder_id = house.an_invoice("finance")
    trails = Trails(house, folder_id)
    depositor, other = Typist(person()), person(R)
    depositor.log_in(G)
    for link, label in (
        ("Enchaîner un autre dossier…", "Contrat ou convention"),
        ("Dupliquer…", "Facture"),
    ):
        opened(depositor, folder_id)
        go(depositor, depositor.page.get_by_role("link", name=link))
        expect(depositor.person.button("Créer le brouillon")).to_be_visible()
        enlarged(depositor)
        choose(depositor, label)
        go(depositor, depositor.person.button("Créer le brouillon"))
        depositor.page.wait_for_url("**/brouillon")
        depositor.person.sees("Ouvert à partir de")
        born = depositor.person.number()
        assert born != folder_id
        assert house.folder(born).phase == "draft"
        line = "Nouveau dossier ouvert à partir de celui-ci par Gwenola Tréhorel"
        trails.say("folder.continued", line, line)
        other.folder(born)
        other.lacks("Ouvert à partir de")
    opened(depositor, folder_id)
    go(depositor, depositor.page.get_by_role("link", name="Reprendre le dossier…"))
    enlarged(depositor)
    go(depositor, depositor.page.get_by_role("button", name="Reprendre le dossier"))
    depositor.person.sees("brouillon")
    assert house.folder(folder_id).phase == "draft"
    trails.say("folder.recall", "Repris par Gwenola Tréhorel", "Repris par Gwenola Tréhorel")
    other.open("/a-traiter")
    other.lacks("Atelier Berthier")


def test_who_administers_replaces_and_passes_by_keys_alone(house: House, person) -> None:
    reader(house)
    folder_id = house.an_invoice("finance")
    trails = Trails(house, folder_id)
    away(house, N, None)
    other = person(S)
    secretary = Typist(person())
    secretary.log_in(K)
    opened(secretary, folder_id)
    go(secretary, secretary.page.get_by_role("link", name="Remplacer qui est attendu, ou passer l’étape…"))
    enlarged(secretary)
    secretary.tab_to(secretary.page.get_by_label("Bureau qui prend sa place"))
    secretary.page.keyboard.type("Direction générale")
    secretary.tab_to(secretary.page.locator("#why-replace"))
    secretary.page.keyboard.type(WHY)
    go(secretary, secretary.person.button("Remplacer"))
    secretary.person.sees("À la place de la Direction des finances, cette étape attend la Direction générale")
    line = f"Remplacement par Katell Morizur, la Direction générale à la place de la Direction des finances : « {WHY} »"
    trails.say("folder.replaced", line, line)
    other.folder(folder_id)
    other.sees("À vous de viser")
    opened(secretary, folder_id)
    go(secretary, secretary.page.get_by_role("link", name="Remplacer qui est attendu, ou passer l’étape…"))
    secretary.tab_to(secretary.page.locator("#why-pass"))
    secretary.page.keyboard.type(WHY)
    go(secretary, secretary.person.button("Passer sans décision"))
    secretary.person.sees("est passée : personne ne s’y est prononcé")
    trails.say(
        "folder.waive",
        "par Katell Morizur",
        f"visa que Direction générale n’a pas donné : « {WHY} », Secrétaire générale Reste à faire",
    )
    other.folder(folder_id)
    other.lacks("À vous de viser")


def test_a_panel_a_tray_and_a_form_stand_where_they_are_looked_for(house: House, person) -> None:
    folder_id = house.an_invoice("finance")
    finance = person(N)
    page = finance.page
    left = "one => one.getBoundingClientRect().left"
    finance.folder(folder_id)
    page.locator("#later > summary").click()
    aligned = page.locator("#hide-day").evaluate(left)
    assert aligned == page.locator(".decide .ask").first.evaluate(left)
    finance.open("/absences")
    page.locator("summary", has_text="Choisir les types").click()
    assert len({page.locator(f"#type-{n}").evaluate(left) for n in range(1, 9)}) == 2
    page.set_viewport_size(ZOOMED)
    finance.open("/vues/nouvelle?page=follow&etat=running")
    expect(page.get_by_label("Nom de la vue")).to_be_focused()
    page.evaluate("scrollTo(0, 0)")  # the field that has the focus is in sight, whatever the zoom
    head = page.locator(".top").evaluate("one => one.getBoundingClientRect().bottom")
    assert page.locator("a.back").evaluate("one => one.getBoundingClientRect().top") >= head
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_label("Nom de la vue").fill("Factures en cours des finances et de la comptabilité")
    finance.button("Enregistrer la vue").click()
    finance.open("/a-traiter")
    trays = page.locator("nav.trays > a")
    assert len(set(trays.evaluate_all("every => every.map(one => one.offsetTop)"))) == 1
