"""The invoice journey with the keyboard alone, on a screen of 820 pixels: no click, no pointer."""

from datetime import date

import pytest
from playwright.sync_api import Locator, Route, expect

from app.core.clock import today
from demo.cast import PASSWORD
from tests.browser.person import Person
from tests.builders.house import INVOICE, House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]


SEEN = """one => { const { x, y, width, height } = one.getBoundingClientRect();
const there = document.elementFromPoint(x + width / 2, y + Math.min(height, innerHeight - y) / 2);
return Boolean(there) && (one.contains(there) || there.contains(one) || [...(one.labels ?? [])].some(label => label.contains(there))); }"""


class Typist:
    """A person who has only keys, before half a screen."""

    def __init__(self, person: Person) -> None:
        self.person, self.page, self.press = person, person.page, person.page.keyboard.press
        self.page.set_viewport_size({"width": 820, "height": 1180})

    def tab_to(self, target: Locator) -> None:
        """Press Tab until the target has the focus; it is not lost on the way, nor covered where it arrives."""
        expect(target).to_be_visible()
        for _ in range(90):
            if target.evaluate("one => one === document.activeElement"):
                assert target.evaluate(SEEN), f"{target} has the focus behind something else"
                return
            self.press("Tab")
        raise AssertionError(f"no way by Tab to {target}")

    def log_in(self, login: str) -> None:
        self.person.open("/login")
        self.tab_to(self.page.get_by_label("Identifiant"))
        self.page.keyboard.type(login)
        self.tab_to(self.page.get_by_label("Mot de passe", exact=True))
        self.page.keyboard.type(PASSWORD)
        self.press("Enter")
        expect(self.person.heading("À traiter")).to_be_visible()
        expect(self.page.locator(self.person.awake)).to_be_attached()

    def open_first(self) -> None:
        """J to the first row, Entrée to open it."""
        self.press("j")
        expect(self.page.locator("a.ftitle").first).to_be_focused()
        self.press("Enter")
        expect(self.page.locator(".fhead h1")).to_be_visible()


def a_day_that_no_order_changes() -> date:
    """A day such as 11/11, which reads the same in a French and in an English date field."""
    now = today()
    return next(
        day
        for month in range(24)
        if (day := date(now.year - month // 12, 12 - month % 12, 12 - month % 12)) <= now
    )


def test_the_invoice_journey_is_walked_with_the_keyboard_only(house: House, person) -> None:
    accountant = Typist(person())
    accountant.log_in("g.trehorel")
    page = accountant.page
    accountant.tab_to(page.get_by_role("link", name="Déposer", exact=False).first)
    accountant.press("Enter")
    chooser = page.get_by_label("Choisir le document principal et ses annexes")
    accountant.tab_to(chooser)
    chooser.set_input_files(INVOICE)
    accountant.tab_to(page.locator("input[name=family]").first)
    invoice = page.locator("input[name=family][value=invoice]")
    for _ in range(page.get_by_role("radio").count()):
        accountant.press("ArrowDown")
        if invoice.is_checked():
            break
    expect(invoice).to_be_checked()
    accountant.tab_to(accountant.person.button("Déposer et vérifier"))
    accountant.press("Enter")
    page.wait_for_url("**/brouillon")
    day = a_day_that_no_order_changes()
    accountant.tab_to(page.locator("#received_on"))
    page.keyboard.type(f"{day:%d%m%Y}")
    expect(page.locator("#received_on")).to_have_value(day.isoformat())
    accountant.tab_to(page.locator("#proof_of_service"))
    page.keyboard.type("Services")
    accountant.tab_to(accountant.person.button("Envoyer dans le circuit"))
    accountant.press("Enter")
    accountant.person.sees("Le dossier est envoyé dans le circuit.")

    for login in ("r.pellenec", "n.abgrallec"):
        reader = Typist(person())
        reader.log_in(login)
        reader.open_first()
        reader.person.drawn()
        reader.press("a")
        reader.person.sees("est visé.")

    for number in ("FA-2026-0002", "FA-2026-0003"):
        house.an_invoice(at="bon_a_payer", number=number)
    mayor = Typist(person())
    mayor.log_in("a.kervadec")
    mayor.press("?")
    expect(mayor.person.heading("Raccourcis clavier")).to_be_visible()
    mayor.press("Escape")
    expect(mayor.person.heading("Raccourcis clavier")).to_be_hidden()
    mayor.press("/")
    expect(mayor.page.get_by_role("searchbox")).to_be_focused()
    mayor.page.go_back()
    expect(mayor.person.heading("À traiter")).to_be_visible()
    expect(mayor.page.locator(mayor.person.awake)).to_be_attached()
    mayor.open_first()
    mayor.person.drawn()
    first = mayor.person.number()
    mayor.press("j")
    expect(mayor.page).not_to_have_url(mayor.person.url + f"/dossiers/{first}")
    mayor.person.drawn()  # a key pressed before the page's script is there goes nowhere
    mayor.press("k")
    expect(mayor.page).to_have_url(mayor.person.url + f"/dossiers/{first}")
    mayor.person.drawn()
    mayor.press("r")
    expect(mayor.page.get_by_label("Motif, en clair")).to_be_focused()
    mayor.press("Escape")
    expect(mayor.page.locator('[data-key="r"]')).to_be_focused()
    mayor.press("a")
    file = mayor.page.get_by_label("Fichier du certificat")
    expect(file).to_be_focused()
    file.set_input_files(house.pki.p12("a_kervadec"))
    mayor.tab_to(mayor.page.get_by_label("Mot de passe du certificat"))
    mayor.page.keyboard.type(house.pki.passphrase.decode())
    mayor.press("Tab")
    expect(mayor.page.locator("[data-sign-name]")).to_have_text("Armel KERVADEC")
    mayor.tab_to(mayor.person.button("Signer 1 document"))
    mayor.press("Enter")
    mayor.person.sees("est signé. 2 dossiers restent.")
    expect(mayor.page.locator(".fhead h1")).to_be_focused()
    mayor.person.comes(first, "Terminé")

    mayor.person.open("/a-traiter")
    expect(mayor.page.locator(mayor.person.awake)).to_be_attached()
    for key in "jxjx":
        mayor.press(key)
    mayor.tab_to(mayor.person.button("Signer 2 dossiers…"))
    mayor.press("Enter")
    expect(mayor.person.heading("Signer 2 dossiers")).to_be_visible()
    expect(mayor.page.locator(mayor.person.awake)).to_be_attached()
    file = mayor.page.get_by_label("Fichier du certificat")
    mayor.tab_to(file)
    file.set_input_files(house.pki.p12("a_kervadec"))
    mayor.tab_to(mayor.page.get_by_label("Mot de passe du certificat"))
    mayor.page.keyboard.type(house.pki.passphrase.decode())
    mayor.press("Tab")
    expect(mayor.page.locator("[data-sign-name]")).to_have_text("Armel KERVADEC")
    mayor.tab_to(mayor.page.get_by_role("button", name="Signer 2 dossiers"))
    mayor.press("Enter")
    expect(mayor.person.heading("2 dossiers signés sur 2")).to_be_focused(timeout=40_000)


def test_who_moves_on_before_the_dialog_has_said_that_it_closed_keeps_the_new_place(
    house: House, person
) -> None:
    house.an_invoice(at="bon_a_payer")
    mayor = Typist(person("a.kervadec"))
    row = mayor.page.locator("a.ftitle").first
    mayor.press("?")
    expect(mayor.person.heading("Raccourcis clavier")).to_be_visible()
    mayor.page.evaluate(
        """() => new Promise((heard) => {
          const dialog = document.querySelector("dialog[open]");
          dialog.addEventListener("close", () => setTimeout(heard));
          dialog.close();
          document.querySelector("a.ftitle").focus();
        })"""
    )
    expect(row).to_be_focused()
    mayor.press("?")
    expect(mayor.person.heading("Raccourcis clavier")).to_be_visible()
    mayor.press("Escape")
    expect(row).to_be_focused()


def test_a_key_pressed_before_the_browser_has_drawn_that_the_dialog_is_gone_is_a_verb_again(
    house: House, person
) -> None:
    folder_id = house.an_invoice("finance")
    finance = Typist(person())
    finance.log_in("n.abgrallec")
    finance.person.folder(folder_id)
    page = finance.page
    expect(page.locator(finance.person.awake)).to_be_attached()
    finance.press("r")
    area = page.get_by_label("Motif, en clair")
    area.fill("Le tonnage est à vérifier.")
    # Within one task the browser draws nothing: the field of the dialog has the focus still
    where = page.evaluate(
        """() => {
          document.querySelector("dialog[open]").close();
          const where = document.activeElement.name;
          where && document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "r", bubbles: true, cancelable: true }));
          return where;
        }"""
    )
    assert where == "reason"
    expect(area).to_be_visible()
    expect(area).to_have_value("Le tonnage est à vérifier.")


def test_the_help_lists_the_keys_that_do_something_there_and_lists_are_walked_by_them(
    house: House, person
) -> None:
    folders = [house.a_quick_invoice() for _ in range(2)]

    def keys(reader: Typist) -> list[str]:
        reader.press("?")
        expect(reader.page.locator("#help-t")).to_be_focused()
        expect(reader.page.locator("#help-t")).to_be_in_viewport()
        listed = reader.page.locator("#help .keys kbd").all()
        names = [one.inner_text() for one in listed if one.is_visible()]
        reader.press("Escape")
        expect(reader.person.heading("Raccourcis clavier")).to_be_hidden()
        return names

    finances = Typist(person("n.abgrallec"))
    assert keys(finances) == ["J", "K", "Entrée", "X", "/", "Échap", "?"]
    for page, rows in (("/suivi", "[data-rows] tr"), ("/recherche?q=Berthier", ".hit")):
        finances.person.open(page)
        expect(finances.page.locator(finances.person.awake)).to_be_attached()
        assert keys(finances) == ["J", "K", "Entrée", "/", "Échap", "?"]
        links = finances.page.locator(rows).get_by_role("link")
        for key, place in (("j", 0), ("j", 1), ("k", 0)):
            finances.press(key)
            expect(links.nth(place)).to_be_focused()
        finances.press("Enter")
        finances.person.drawn()
        assert finances.person.number() in folders
    along = keys(finances)  # the last of the list has none after it
    assert [key for key in along if key not in "JK"] == ["A", "R", "V", "N", "/", "Échap", "?"]
    assert len(along) == 8
    finances.person.open("/absences")
    expect(finances.page.locator(finances.person.awake)).to_be_attached()
    assert keys(finances) == ["/", "Échap", "?"]


@pytest.mark.parametrize("ranks", ["51 103", ""])
def test_the_place_in_a_page_of_a_list_is_its_place_in_the_list_and_the_list_goes_on(
    house: House, person, ranks: str
) -> None:
    for _ in range(2):
        house.an_invoice("finance")
    finance = person("n.abgrallec")
    page, address = finance.page, "/suivi?famille=invoice&etat=running"

    def one_of_many(route: Route) -> None:
        body = route.fetch().text().replace('data-list="1 2"', f'data-list="{ranks}"')
        more = '<a rel="next" href="/suivi?etat=done">Afficher les dossiers suivants</a></main>'
        route.fulfill(body=body.replace("</main>", more), content_type="text/html; charset=utf-8")

    page.route(f"**{address}", one_of_many)
    finance.open(address)
    expect(page.locator(finance.awake)).to_be_attached()
    page.locator("main td.wide a").last.click()
    page.wait_for_url("**/dossiers/*")
    expect(page.get_by_role("link", name="Dossier précédent")).to_be_visible()
    expect(page.locator(".pager .opt")).to_have_text(["52 sur 103"] if ranks else [])
    expect(page.locator(finance.awake)).to_be_attached()
    page.keyboard.press("j")
    page.wait_for_url("**/suivi?etat=done")


def test_a_draft_opened_from_a_search_has_its_way_back_and_its_neighbours(house: House, person) -> None:
    for _ in range(3):
        house.an_invoice("draft")
    depositor = person("g.trehorel")
    page = depositor.page
    depositor.open("/recherche?q=berthier")
    expect(page.locator(depositor.awake)).to_be_attached()
    page.locator("a.ftitle").nth(1).click()
    page.wait_for_url("**/brouillon")
    expect(page.locator(".pager")).to_contain_text("2 sur 3")
    expect(page.locator(depositor.awake)).to_be_attached()
    middle = page.url
    # The button that goes on to the next one has the key J, and follows the list
    expect(page.locator('[data-key="j"]')).to_have_count(1)
    expect(page.get_by_role("link", name="Dossier suivant de la liste")).to_be_visible()
    page.keyboard.press("k")
    page.wait_for_url(lambda url: url.endswith("/brouillon") and url != middle)
    page.get_by_role("link", name="Retour à la liste « Recherche »").click()
    page.wait_for_url("**/recherche?q=berthier")
    # From no list that it stands in, the drafts are where one goes
    depositor.open("/a-traiter")
    page.goto(middle)
    page.get_by_role("link", name="Retour à la liste « Brouillons »").click()
    page.wait_for_url("**/a-traiter?bannette=drafts")


def test_the_next_draft_of_one_opened_from_a_search_is_the_next_one_found(house: House, person) -> None:
    last, _, first = (house.an_invoice("draft", number=number) for number in ("ZA-1", "QB-2", "ZA-3"))
    depositor = person("g.trehorel")
    page = depositor.page
    depositor.open("/recherche?q=ZA")
    expect(page.locator(depositor.awake)).to_be_attached()
    expect(page.locator("a.ftitle")).to_have_count(2)
    page.locator("a.ftitle").first.click()
    page.wait_for_url(f"**/dossiers/{first}/brouillon")
    expect(page.locator(".pager")).to_contain_text("1 sur 2")
    following = page.get_by_role("link", name="Passer au suivant")
    expect(following).to_have_attribute("href", f"/dossiers/{last}/brouillon")
    expect(page.locator(depositor.awake)).to_be_attached()
    page.keyboard.press("j")
    page.wait_for_url(f"**/dossiers/{last}/brouillon")
    expect(page.locator(".pager")).to_contain_text("2 sur 2")
    expect(page.get_by_role("link", name="Retour à la liste « Recherche »")).to_be_visible()
    expect(page.get_by_role("button", name="Envoyer et relire le brouillon suivant")).to_be_visible()
    expect(following).to_have_count(0)  # the search found no other


def test_from_a_search_or_from_suivi_one_walks_that_list_and_comes_back_to_it(house: House, person) -> None:
    folders = [house.an_invoice("finance") for _ in range(3)]
    finance = person("n.abgrallec")
    page = finance.page

    def opened(path: str, heading: str) -> None:
        finance.open(path)
        expect(page.locator(finance.awake)).to_be_attached()
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url("**/dossiers/*")
        back = page.get_by_role("link", name=f"Retour à la liste « {heading} »")
        expect(back).to_be_visible()
        expect(page.locator(".pager")).to_contain_text("2 sur 3")
        middle = finance.number()
        expect(page.locator(finance.awake)).to_be_attached()
        page.keyboard.press("j")
        page.wait_for_url(lambda url: str(middle) not in url.rsplit("/", 1)[1])
        expect(page.locator(".pager")).to_contain_text("3 sur 3")
        expect(page.get_by_role("heading", level=1)).to_be_focused()
        expect(page.get_by_role("link", name="Dossier suivant")).to_have_count(0)
        back.click()
        page.wait_for_url(f"**{path}")

    opened("/recherche?q=berthier", "Recherche")
    opened("/suivi?famille=invoice&etat=running", "Suivi")
    finance.open("/a-traiter")  # the server knows the place there
    page.locator("a.ftitle").first.click()
    page.wait_for_url("**/dossiers/*")
    page.get_by_role("link", name="Retour à la liste « À traiter »").click()
    page.wait_for_url("**/a-traiter")
    assert len(folders) == 3


def test_escape_leaves_the_words_of_a_note_where_they_are(house: House, person) -> None:
    finance: Person = person("n.abgrallec")
    folder_id = house.an_invoice("finance")
    finance.folder(folder_id)
    expect(finance.page.locator(finance.awake)).to_be_attached()
    words, press = finance.page.locator("#note"), finance.page.keyboard.press
    press("n")
    expect(words).to_be_focused()
    finance.page.keyboard.type("Voir le devis")
    press("Escape")
    expect(words).not_to_be_focused()
    expect(words).to_have_value("Voir le devis")
    press("?")
    expect(finance.page.locator("dialog[open]")).to_be_visible()
