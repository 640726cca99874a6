"""Every screen, in light and dark, wide and on a tablet: nothing for axe to say, nothing that scrolls sideways, no empty icon."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pypdfium2
import pytest
import sqlalchemy as sa
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from app.batches.gesture import take_up
from app.batches.models import Batch
from app.core.clock import now, today
from app.core.db import engine, reading
from app.folders import decide
from app.folders.effect import CANCELLED
from app.folders.models import Folder
from app.invoices import accounts
from app.legality import on_paper
from app.operations.absences.planning import Wanted, plan
from app.people.actor import system
from app.people.desks import seat
from app.people.hierarchy import open_desk
from app.people.mandates import end_mandate
from app.people.models import Desk
from app.publication import record as publication
from app.signing.enrol import certificates_of
from tests.browser.person import Person, apart
from tests.browser.test_batches import batch_of, give_key
from tests.builders.flows import renamed
from tests.builders.house import ASSETS, INVOICE, House
from tests.builders.mandates import a_mayor_and_a_deputy, of_deputy, record
from tests.builders.process import until
from tests.builders.scans import printed
from tests.invoices.test_proposals import PAGE
from tests.legality.town import fetch, write
from tests.legality.town import letters as prefecture_letters
from tests.publication.town import a_masked_pdf
from tests.verification.corpus import changed, overlay
from workflows.rights import Rights
from workflows.vocabulary import Right

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
OTHER = ASSETS / "invoices" / "fx-extended-de-marchandises.pdf"
# The window goes through these once for each screen: it is drawn anew at each. In the dark the colours alone are judged:
# where the screen is wide, and on a phone. What comes last leaves the page as it was.
JUDGED = (((1280, 900), ("light", "dark")), ((390, 900), ("dark",)), ((820, 1180), ("light",)))
# 320 = 1280 at 400 % (WCAG 1.4.10), a phone, 640 = 1280 at 200 % or half a screen, a tablet held upright; and the two ends
# of what lies between a phone and a tablet, where a word too long shows first.
WIDTHS = (820, 780, 768, 640, 600, 390, 320, 1280)
# How wide the page is, whether the way out of the account is on it, closed and open, which pages of the wide menu nothing
# leads to any more, whether the decision bar leaves the page to be read, and whether a deadline runs over what is to be done.
LAID_OUT = """() => {
  const menu = document.querySelector('header details.menu');
  const inside = node => { const { left, right } = node.getBoundingClientRect(); return left >= 0 && right <= innerWidth; };
  let reached = !menu || inside(menu.querySelector('summary'));
  if (menu && !menu.open) { menu.open = true; reached &&= inside(menu.querySelector('.menu-list')); menu.open = false; }
  if (menu) menu.open = true;
  const shown = new Set([...document.querySelectorAll('.mainnav a, .menu-list a')].filter(one => one.offsetWidth).map(one => one.pathname));
  const lost = [...document.querySelectorAll('.mainnav a')].map(one => one.pathname).filter(one => !shown.has(one));
  if (menu) menu.open = false;
  const bar = document.querySelector('.decide-bar');
  const over = [...document.querySelectorAll('.frow')].some(row => {
    const words = document.createRange(), act = row.querySelector('.fdo')?.getBoundingClientRect();
    if (!act?.width || !row.querySelector('.fdue b')) return false;
    words.selectNodeContents(row.querySelector('.fdue b'));
    const { right, top, bottom } = words.getBoundingClientRect();
    return right > act.left && bottom > act.top && top < act.bottom;
  });
  return [document.scrollingElement.scrollWidth, reached, lost, !bar || innerWidth < 390 || bar.offsetHeight <= innerHeight / 3, over];
}"""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Of what axe judges, the theme changes the colours alone.
RUN = {
    "light": {
        "runOnly": {"type": "tag", "values": TAGS},
        "rules": {"target-size": {"enabled": True}},
        "resultTypes": ["violations"],
    },
    "dark": {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]},
}
# Where the page happens to have scrolled, a field half under the bar above is not one that cannot be reached. What is told
# is short: thousands of nodes that pass would cross three processes for each screen.
JUDGE = """async ([theme, run]) => {
  document.documentElement.dataset.bsTheme = theme;
  scrollTo(0, 0);
  const { passes, violations } = await axe.run(document, run);
  return [passes.length > 0, violations.flatMap(({ id, nodes }) => nodes.map(one => [id, one.html, one.failureSummary]))];
}"""
ICONS = re.findall(
    r'<symbol id="([^"]+)"', (Path(__file__).parents[2] / "app/static/vendor/icons.svg").read_text()
)


class Look:
    """Looks at the screens that a person is shown, one by one, and gathers every fault with where it was met."""

    def __init__(self, person: Callable[..., Person]) -> None:
        self._person, self.faults, self.seen = person, [], 0

    @contextmanager
    def by(self, login: str | None) -> Iterator[Person]:
        """Somebody looks; nobody else is there."""
        yield self._person(login)

    def at(self, person: Person, name: str, path: str = "") -> None:
        """Judge the screen that is open, or the one at this address."""
        if path:
            person.open(path)
        page = person.page
        # A click is over as soon as the answer begins to come: without this a page still empty is judged.
        page.wait_for_load_state()
        if page.locator("[data-viewer]").count():
            expect(page.locator(".vpage canvas").first).to_be_attached()
        self.seen += 1
        self._judge_words(page, name)
        if not page.evaluate("() => 'axe' in window"):
            page.evaluate(AXE_SCRIPT)
        for (width, height), themes in JUDGED:
            page.set_viewport_size({"width": width, "height": height})
            for theme in themes:
                passed, found = page.evaluate(JUDGE, [theme, RUN[theme]])
                assert passed, name
                self.faults += [
                    f"{name}, {width}, {theme}: {rule}: {html[:160]} {summary[:300]}"
                    for rule, html, summary in found
                ]
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            self._judge_place(page, name, width)

    def _judge_place(self, page: Page, name: str, width: int) -> None:
        wide, reached, lost, readable, over = page.evaluate(LAID_OUT)
        if wide > width:
            self.faults.append(f"{name}: {wide} pixels wide on a screen of {width}")
        if not reached:
            self.faults.append(f"{name}: the account is out of a screen of {width}")
        self.faults += [f"{name}: nothing leads to {one} on a screen of {width}" for one in lost]
        if over:
            self.faults.append(f"{name}: a deadline over what is to be done on a screen of {width}")
        if not readable:
            self.faults.append(f"{name}: the decision bar hides the page on a screen of {width}")

    def _judge_words(self, page: Page, name: str) -> None:
        if not page.title().endswith(" · Paraphe"):
            self.faults.append(f"{name}: the title is « {page.title()} »")
        if page.locator("h1").count() != 1:
            self.faults.append(f"{name}: {page.locator('h1').count()} h1")
        used = page.eval_on_selector_all(
            "svg use", "all => all.map(one => one.getAttribute('href').split('#')[1])"
        )
        self.faults += [f"{name}: no icon {one}" for one in sorted(set(used) - set(ICONS))]
        words = page.locator("body").inner_text()
        self.faults += [f"{name}: « {one} »" for one in re.findall(r"\{\{|\{'|\bNone\b|Undefined", words)]


@pytest.fixture
def look(person: Callable[..., Person]) -> Iterator[Look]:
    """Somebody who looks; every fault of every screen is told at the end, together."""
    made = Look(person)
    yield made
    assert not made.faults, f"{len(made.faults)} faults on {made.seen} screens\n" + "\n".join(made.faults)


@pytest.mark.law("RGP-05")
def test_who_is_not_logged_in_meets_no_barrier(house: House, demonstration: Path, look: Look) -> None:
    folder_id = house.a_deliberation(at="direction")
    apart(lambda: finish(house, folder_id))
    (demonstration / "mails").mkdir(parents=True)
    (demonstration / "mails" / "20261125110000000000-00000000.eml").write_bytes(
        house.mail.letters[-1].as_bytes()
    )
    with look.by(None) as visitor:
        look.at(visitor, "login", "/login")
        visitor.page.get_by_label("Identifiant").fill("a.kervadec")
        visitor.page.get_by_label("Mot de passe", exact=True).fill("faux")
        visitor.button("Se connecter").click()
        visitor.sees("ne convient pas")
        look.at(visitor, "login refused")
        look.at(visitor, "forgotten", "/mot-de-passe-oublie")
        visitor.page.get_by_label("Identifiant").fill("personne")
        visitor.button("Envoyer le lien").click()
        visitor.sees("Si un compte existe à ce nom")
        look.at(visitor, "forgotten, sent")
        look.at(visitor, "reset", "/mot-de-passe#un-lien")
        visitor.page.get_by_label("Nouveau mot de passe").fill("court")
        visitor.button("Enregistrer le mot de passe").click()
        visitor.sees("Demander un autre lien")
        look.at(visitor, "reset refused")
        look.at(visitor, "not found", "/rien")
        look.at(visitor, "demonstration", "/demo")
        look.at(visitor, "letters", "/demo/courriels")
        visitor.page.locator("main a").first.click()
        visitor.page.wait_for_url("**/demo/courriels/**")
        look.at(visitor, "letter")
        look.at(visitor, "Préfecture", "/demo/prefecture")
        look.at(visitor, "Trésorerie", "/demo/tresorerie")


def finish(house: House, folder_id: int) -> None:
    """Bring a deliberation to where it waits for its publication."""
    house.approve(folder_id, "s.rivoal")
    house.sign(folder_id, "a.kervadec")
    house.sign(folder_id, "b.cadiou")
    house.drain()


def desk_numbered(key: str) -> int:
    """The number of a desk of Kerlann."""
    with reading() as db:
        return db.scalars(sa.select(Desk.id).where(Desk.key == key)).one()


def held_since(number: int, moment: datetime) -> None:
    """The page that holds a batch was last seen at this moment."""
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(sa.update(Batch).where(Batch.id == number).values(seen_at=moment))


def rules_are_checked(house: House, folder_id: int) -> bool:
    """Whether the worker has run the published rules of an invoice, of which a list of points tells."""
    return house.folder(folder_id).sources.get("rules", {}).get("state") == "checked"


def test_who_works_by_batches_meets_no_barrier(house: House, look: Look, tmp_path: Path) -> None:
    folders = [house.an_invoice(at="bon_a_payer", path=path) for path in (INVOICE, OTHER)]
    house.a_flow(renamed(tmp_path, 41, (b'V="2282.60"', b'V="2282.61"')))
    until(lambda: all(map(partial(rules_are_checked, house), folders)), 40, "the rules of both invoices")
    with look.by("a.kervadec") as mayor:
        mayor.page.locator(".fcheck input").first.check()
        look.at(mayor, "inbox, ticked")
        mayor.button("Rejeter…").click()
        mayor.sees("Rejeter 1 dossier")
        look.at(mayor, "batch to reject")
        mayor.page.locator("form[action*=commencer]").evaluate("form => form.noValidate = true")
        mayor.button("Rejeter 1 dossier").click()
        mayor.sees("Aucun dossier n’a été rejeté")
        look.at(mayor, "batch to reject, no reason")
        mayor.open("/a-traiter")
        mayor.button("Signer en lot…").click()
        mayor.sees("4 points à regarder dans 3 dossiers sur 3")
        look.at(mayor, "batch to sign")
        decide.recall(
            house.actor("g.trehorel"), folders[0], version=house.folder(folders[0]).version
        )  # one that fails, with its reason
        give_key(mayor, house.pki.p12("a_kervadec"), house.pki.passphrase.decode())
        look.at(mayor, "batch to sign, holder shown")
        mayor.button("Signer 3 dossiers").click()
        expect(mayor.heading("2 dossiers signés sur 3")).to_be_visible(timeout=40_000)
        look.at(mayor, "batch signed")
    house.approve(house.a_quick_invoice(), "n.abgrallec")
    with look.by("a.kervadec") as mayor:
        mayor.button("Signer en lot…").click()
        number = batch_of(mayor)
        take_up(house.actor("a.kervadec"), number)
        held_since(number, now() + timedelta(hours=1))  # as long as the screens take to be judged
        mayor.open("/a-traiter")
        mayor.sees("Lot n°")
        look.at(mayor, "inbox, a batch goes on")
        mayor.page.locator(".note").get_by_role("link").click()
        mayor.sees("0 dossier traité sur 1")
        look.at(mayor, "batch in hand")
        look.at(mayor, "batches", "/lots")
        mayor.page.go_back()
        held_since(number, now() - timedelta(hours=1))
        expect(mayor.heading("Lot interrompu : 0 signé, 1 reste")).to_be_visible(timeout=30_000)
        look.at(mayor, "batch interrupted")


@pytest.mark.law("RGP-05")
def test_who_signs_meets_no_barrier(house: House, look: Look) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    late = house.an_invoice(
        at="bon_a_payer", path=OTHER, received_on=today().replace(year=today().year - 1).isoformat()
    )
    flow, data = (
        house.a_flow(),
        house.a_document(b'<?xml version="1.0" encoding="UTF-8"?>\n<marche/>', "marche.xml"),
    )
    abroad = "LT121000011101001000"
    doubted = house.an_invoice(iban=abroad)
    house.approve(doubted, "r.pellenec")
    with reading() as db:
        (doubt,) = accounts.doubts(db, house.folder(doubted))
    account = f"/dossiers/{doubted}/compte/{doubt.mark}"
    with look.by("n.abgrallec") as finance:
        finance.open(f"/dossiers/{doubted}")
        finance.page.get_by_role("link", name="Vérifier").click()
        look.at(finance, "account to verify", account)
        finance.page.get_by_label("Numéro appelé").fill("02 98 00 00 17")
        finance.page.get_by_label("D’où vient ce numéro").fill("marché 2024-06")
        finance.page.get_by_label("Qui a répondu").fill("Personne n’a répondu.")
        finance.button("Noter cet appel").click()
        finance.sees("L’appel est noté")
        look.at(finance, "account, by who called")
    house.approve(doubted, "n.abgrallec")
    with look.by("a.kervadec") as mayor:
        for tray in ("todo", "late", "returned", "running", "done"):
            look.at(mayor, f"tray {tray}", f"/a-traiter?bannette={tray}")
        mayor.open(account)
        mayor.page.get_by_role("radio", name="Refuser la facture").check()
        look.at(mayor, "account to decide")
        mayor.page.get_by_role("textbox", name="Motif").fill("Le fournisseur n’a pas envoyé cette facture.")
        mayor.button("Enregistrer ma décision").click()
        mayor.sees("La facture est rejetée")
        for tab in ("circuit", "pieces", "details", "journal"):
            look.at(mayor, f"folder {tab}", f"/dossiers/{folder_id}?onglet={tab}")
        mayor.open(f"/dossiers/{folder_id}?onglet=notes")
        mayor.page.get_by_label("Votre note").fill("Le bon de pesée dit 84,0 t.")
        mayor.page.get_by_text("Prévenir par courriel").click()
        mayor.button("Écrire la note").click()
        mayor.sees("La note est écrite")
        mayor.page.get_by_text("Ajouter une note", exact=True).click()
        look.at(mayor, "folder notes")
        mayor.open(f"/dossiers/{folder_id}")
        mayor.page.get_by_role("link", name="Bordereau de circulation").click()
        mayor.sees("Bordereau de circulation")
        look.at(mayor, "slip")
        expect(mayor.button("Imprimer")).to_be_visible()
        mayor.page.evaluate("() => { document.documentElement.dataset.bsTheme = 'dark'; }")
        with pypdfium2.PdfDocument(mayor.page.pdf(prefer_css_page_size=True)) as paper:
            assert [round(one) for one in paper[0].get_size()] == [595, 842]  # A4
            words = " ".join(one.get_textpage().get_text_range() for one in paper)
            ink = min(paper[0].render().to_pil().getpixel((0, 0)))
        asked = (
            "Bordereau de circulation",
            "SHA-256",
            "Suivi",
            "Imprimer",
            "Retour au dossier",
            "Code source",
        )
        assert ([one in words for one in asked], ink) == ([True, True, False, False, False, False], 255)
        mayor.open(f"/dossiers/{folder_id}?onglet=pieces")
        mayor.page.get_by_role("link", name="Données XML").first.click()
        mayor.sees("Données lues dans le fichier")
        look.at(mayor, "XML document")
        look.at(mayor, "late folder", f"/dossiers/{late}")
        mayor.button("Rejeter…").click()
        look.at(mayor, "reject dialog")
        mayor.page.keyboard.press("Escape")
        mayor.open_key(house.pki.p12("a_kervadec"), "mauvais")
        mayor.sees("le mot de passe n’ouvre pas ce certificat")
        look.at(mayor, "sign dialog, refused")
        mayor.page.get_by_label("Mot de passe du certificat").fill(house.pki.passphrase.decode())
        mayor.page.get_by_label("Mot de passe du certificat").blur()
        expect(mayor.page.locator("[data-sign-name]")).to_have_text("Armel KERVADEC")
        look.at(mayor, "sign dialog, holder shown")
        mayor.button("Choisir l’emplacement…").click()
        look.at(mayor, "placing")
        mayor.page.keyboard.press("Escape")
        mayor.page.keyboard.press("Escape")
        mayor.page.get_by_role("link", name="Aide", exact=True).first.click()
        look.at(mayor, "help")
        act = house.a_deliberation(at="signatures", number="2026-058")
        look.at(mayor, "signed on paper", f"/dossiers/{act}/signer-sur-papier")
        look.at(mayor, "sign page of an act", f"/dossiers/{act}/signer")
        look.at(mayor, "sign page", f"/dossiers/{folder_id}/signer")
        look.at(mayor, "payment flow", f"/dossiers/{flow}")
        look.at(mayor, "data as text", f"/dossiers/{data}")
        look.at(mayor, "reject page", f"/dossiers/{folder_id}/rejeter")
        look.at(mayor, "account", "/compte")
        look.at(mayor, "what lists show", "/colonnes")
        look.at(mayor, "done in one's name", "/compte/activite")
        look.at(mayor, "certificates", "/compte/certificats")
        look.at(mayor, "handwriting", "/compte/signature")
        look.at(mayor, "diagnosis", "/compte/certificats/diagnostic")
        days = (f"{today() + timedelta(days=ahead):%Y-%m-%d}" for ahead in (-1, 20))
        absence = Wanted(
            house.actor("n.abgrallec").user_id or 0,
            house.actor("t.lescoat").user_id,
            *(f"{day}T08:00" for day in days),
        )
        plan(house.actor("k.morizur"), absence)
        look.at(mayor, "absences", "/absences")
        mayor.page.get_by_label("Confier les dossiers à").select_option(
            label="Solenn Rivoal, directrice générale des services"
        )
        expect(mayor.page.locator("#bloquera")).to_contain_text(
            "L’intérim ne signe pas à la place d’un autre"
        )
        look.at(mayor, "absences, what will block")
        look.at(mayor, "follow", "/suivi")
        look.at(mayor, "figures", "/suivi/chiffres")
        mayor.open("/suivi?famille=pes")
        mayor.button("Enregistrer cette vue…").click()
        look.at(mayor, "view to save")
        mayor.page.get_by_label("Nom de la vue").fill("Flux")
        mayor.page.keyboard.press("Enter")
        mayor.sees("La vue est enregistrée")
        mayor.open("/vues")
        mayor.page.locator("summary", has_text="Modifier…").click()
        look.at(mayor, "views")
        mayor.open("/compte/agenda")
        mayor.button("Créer l’adresse").click()
        address = mayor.page.get_by_label("Adresse de votre agenda")
        expect(address).to_be_focused()
        assert address.evaluate("one => one.scrollHeight <= one.clientHeight"), "whole"
        mayor.button("Copier").click()
        expect(mayor.page.get_by_role("status").filter(has_text=re.compile("^Copié$"))).to_be_visible()
        assert "/agenda.ics?lien=" in mayor.page.evaluate("() => getSelection().toString()")
        look.at(mayor, "calendar, its address")
        look.at(mayor, "letters chosen", "/compte/courriels")
        look.at(mayor, "search, nothing", "/recherche?q=introuvable > 10")
        look.at(mayor, "search", "/recherche?q=kerlann facture")
        look.at(mayor, "forbidden", "/administration")
        look.at(mayor, "not found", "/rien")


def test_who_deposits_meets_no_barrier(house: House, look: Look, tmp_path: Path) -> None:
    printed_on = house.deposit("g.trehorel", "invoice", printed(tmp_path / "facture.pdf", PAGE))
    house.drain()
    sent = house.an_invoice(at="service_done")
    with look.by("g.trehorel") as accountant:
        look.at(accountant, "inbox, empty", "/a-traiter")
        look.at(accountant, "deposit", "/deposer")
        look.at(accountant, "arrivals", "/arrivees")
        look.at(accountant, "register of invoices", "/factures")
        look.at(accountant, "delays of invoices", "/factures/delais")
        look.at(accountant, "suppliers", "/fournisseurs")
        accountant.page.locator("main table a").first.click()
        accountant.sees("Comptes connus ou écartés")
        look.at(accountant, "a supplier")
        look.at(accountant, "orders", "/commandes")
        look.at(accountant, "draft, proposed", f"/dossiers/{printed_on}/brouillon")
        accountant.sees("Lu sur la page, à confirmer")
        accountant.page.get_by_role("button", name="Reprendre IBAN").focus()
        framed = accountant.page.locator(".viewer .found")
        expect(framed).to_have_text("IBAN")
        accountant.page.locator("#draft [name=total_ttc]").focus()
        expect(framed).to_have_text("Montant TTC")
        expect(framed).to_be_in_viewport()
        look.at(accountant, "draft, framed")
        draft = house.an_invoice(at="draft", path=OTHER, received_on="")
        look.at(accountant, "drafts", "/a-traiter?bannette=drafts")
        look.at(accountant, "draft", f"/dossiers/{draft}/brouillon")
        look.at(accountant, "draft, rehearsed", f"/dossiers/{draft}/essai")
        look.at(accountant, "places", f"/dossiers/{draft}/emplacements")
        accountant.button("Placer…").click()
        look.at(accountant, "placing a signature")
        accountant.open(f"/dossiers/{draft}/brouillon")
        accountant.page.get_by_text("Remplacer").first.click()
        accountant.page.get_by_text("Abandonner ce dossier…").click()
        look.at(accountant, "draft, everything open")
        accountant.button("Envoyer dans le circuit").click()
        accountant.sees("Le dossier n’est pas parti")
        look.at(accountant, "draft, to correct")
        look.at(accountant, "running", f"/dossiers/{sent}")
        accountant.button("Reprendre le dossier").click()
        look.at(accountant, "recall dialog")
        with look.by("r.pellenec") as technician:
            look.at(technician, "to approve", f"/dossiers/{sent}")
            technician.button("Rejeter…").click()
            technician.page.get_by_label("Motif, en clair").fill("Pièce manquante. Le bon de livraison.")
            technician.button("Rejeter le dossier").click()
            technician.sees("est rejeté, retour à Gwenola Tréhorel.")
        look.at(accountant, "rejected folder", f"/dossiers/{sent}")
        look.at(accountant, "rejected draft", f"/dossiers/{sent}/brouillon")
        look.at(accountant, "returned", "/a-traiter?bannette=returned")
        look.at(accountant, "reserved to others", f"/dossiers/{house.a_deliberation()}")
        look.at(accountant, "follow", "/suivi")


def desk_of(key: str) -> int:
    with reading() as db:
        return db.scalars(sa.select(Desk.id).where(Desk.key == key)).one()


def signed_decision(house: House) -> int:
    folder_id = house.an_act("decision")
    house.sign(folder_id, "a.kervadec")
    return folder_id


def test_who_administers_and_publishes_meets_no_barrier_even_when_the_server_fails(
    house: House, look: Look
) -> None:
    folder_id = house.a_deliberation(at="direction")
    apart(lambda: finish(house, folder_id))
    stale = house.an_invoice(at="finance")
    with look.by("k.morizur") as secretary:
        for tab in ("circuit", "pieces", "details"):
            look.at(secretary, f"act {tab}", f"/dossiers/{folder_id}?onglet={tab}")
        secretary.button("Publier l’acte…").click()
        look.at(secretary, "publish dialog")
        coming = apart(lambda: house.a_deliberation(at="direction"))
        look.at(secretary, "coming steps", f"/dossiers/{coming}/etapes")
        secretary.page.get_by_label("Bureau de cette étape").select_option("finances")
        secretary.button("Ajouter cette étape").click()
        secretary.page.get_by_label("Étape et qui y est attendu").select_option("signatures|desk:maire")
        secretary.page.get_by_label("Bureau qui prend sa place").select_option("direction")
        secretary.button("Remplacer ce bureau").click()
        secretary.sees("d’appliquer")
        look.at(secretary, "coming steps, what would be refused")
        here = apart(lambda: house.actor("k.morizur").collectivity_id)
        apart(lambda: seat(here, "technique", "k.morizur", [Right.FOLLOW]))
        for what, number in (("somebody is replaced", coming), ("a step is passed", stale)):
            look.at(secretary, what, f"/dossiers/{number}/remplacer")
        secretary.page.get_by_label("Bureau qui prend sa place").select_option("direction")
        secretary.page.get_by_role("textbox", name="Motif").first.fill("   ")
        secretary.button("Remplacer").click()
        secretary.sees("écrivez le motif")
        look.at(secretary, "somebody is replaced without a reason")
        look.at(secretary, "circuits", "/circuits")
        decision = apart(lambda: signed_decision(house))
        look.at(secretary, "decisions to report", "/decisions-a-rapporter")
        look.at(secretary, "decision", f"/dossiers/{decision}")
        look.at(secretary, "circuit, a new one", "/circuits/nouveau")
        secretary.page.get_by_label("Nom du circuit").fill("Voirie courte")
        secretary.page.get_by_label("Avec les étapes de").select_option("invoice")
        secretary.button("Ouvrir ce circuit").click()
        secretary.sees("Le circuit est ouvert, en brouillon.")
        look.at(secretary, "circuit, opened beside another")
        look.at(secretary, "routing of arrivals", "/administration/arrivees")
        look.at(secretary, "mailboxes", "/administration/arrivees/boites")
        look.at(secretary, "scanners", "/administration/arrivees/numeriseurs")
        look.at(secretary, "rules", "/administration/regles")
        secretary.open("/administration/regles/invoice")
        for rank in (0, 1):
            secretary.page.locator(f"#g-add-{rank}").click()
            secretary.page.get_by_label("Ces dossiers suivent").first.select_option("invoice")
            secretary.button("Ajouter une condition").click()
            secretary.page.get_by_label("Ce que regarde la condition 1").select_option("total_ttc")
            secretary.page.get_by_label("Comparaison de la condition 1").select_option(">=")
            secretary.page.get_by_label("Valeur de la condition 1").fill(f"{4000 * (rank + 1)}")
            secretary.button("Refermer").click()
            secretary.page.wait_for_load_state("networkidle")
        secretary.sees("Jamais atteinte")
        look.at(secretary, "rules, a row that is never reached")
        look.at(secretary, "rules, to publish", "/administration/regles/invoice/publier")
        look.at(secretary, "rules, a row", "/administration/regles/invoice?regle=row_1")
        look.at(secretary, "rules, their versions", "/administration/regles/invoice/versions")
        look.at(secretary, "circuit", "/circuits/invoice")
        look.at(secretary, "circuit, what is imposed", "/circuits/deliberation?etape=signatures")
        secretary.open("/circuits/invoice?etape=finance")
        secretary.page.get_by_label("Ajouter qui doit viser").select_option("desk:conseil")
        secretary.button("Ajouter à ceux").click()
        secretary.page.get_by_text("Tous", exact=True).click()
        secretary.sees("2 doivent viser et 1 le peut")
        secretary.button("Ajouter une condition").click()
        secretary.sees("Donnez la valeur à laquelle comparer")
        secretary.page.wait_for_load_state("networkidle")
        secretary.page.evaluate(
            "() => scrollTo(0, 0)"
        )  # what a bar covers where one happens to be is no fault
        look.at(secretary, "circuit, a step that nobody could end")
        look.at(secretary, "rehearsal", "/circuits/essai")
        secretary.page.get_by_label("Type de dossier").select_option("invoice")
        secretary.button("Choisir ce type").click()
        secretary.page.get_by_label("Montant TTC").fill("12704,18")
        secretary.button("Essayer").click()
        secretary.sees("Ce qui se passerait")
        look.at(secretary, "rehearsal, told")
        look.at(secretary, "circuit, to publish", "/circuits/invoice/publier")
        look.at(secretary, "circuit, its versions", "/circuits/invoice/versions")
        look.at(secretary, "circuit, its text", "/circuits/invoice/texte")
        secretary.page.get_by_label("Texte du circuit, en YAML").fill("steps: []")
        secretary.button("Importer dans le brouillon").click()
        secretary.sees("Le brouillon n’a pas changé")
        look.at(secretary, "circuit, its text refused")
        look.at(secretary, "administration", "/administration")
        look.at(secretary, "what the doctor found", "/administration/mise-en-service")
        secretary.page.get_by_role("button", name="Essayer : courriel").click()
        secretary.sees("Essayé par Katell Morizur")
        look.at(secretary, "a point tried")
        look.at(
            secretary, "desk to close, in use", f"/administration/bureaux/{desk_numbered('finances')}/fermer"
        )
        closed = apart(lambda: open_desk(house.actor("k.morizur"), "Cimetière", None))
        look.at(secretary, "desk to close, free", f"/administration/bureaux/{closed}/fermer")
        secretary.button("Fermer ce bureau").click()
        secretary.sees("est fermé")
        look.at(secretary, "desk closed")
        look.at(secretary, "desks, one of them closed", "/administration/bureaux")
        look.at(secretary, "public pages, completed", "/administration/pages-publiques")
        look.at(secretary, "help of a page", "/aide/bureaux")
        look.at(secretary, "help", "/aide")
        look.at(secretary, "settings", "/administration/reglages")
        look.at(secretary, "a setting with its secret", "/administration/reglages/handover_webhook_url")
        secretary.page.get_by_role("textbox", name="Adresse de remise").fill("https://10.0.0.1/remises")
        secretary.button("Enregistrer").click()
        secretary.sees("Le réglage n’est pas enregistré")
        look.at(secretary, "a setting refused")
        look.at(secretary, "mandates, none yet", "/administration/mandats")
        mayor, delegation = apart(lambda: a_mayor_and_a_deputy(house))
        record(house, of_deputy(house, user_id=house.actor("b.cadiou").user_id))
        end_mandate(house.actor("k.morizur"), delegation, reason="Fin de ses fonctions")
        look.at(secretary, "mandates", "/administration/mandats")
        secretary.page.get_by_role("radio", name="Maire La commune").check()
        secretary.page.get_by_label("Plafond en euros").fill("beaucoup")
        secretary.button("Enregistrer le mandat").click()
        secretary.sees("Le mandat n’est pas enregistré")
        look.at(secretary, "mandate refused")
        look.at(secretary, "end of a mandate", f"/administration/mandats/{mayor}")
        look.at(secretary, "certificates of everybody", "/administration/certificats")
        with reading() as db:
            (certificate,) = certificates_of(db, house.actor("a.kervadec").user_id or 0)
        look.at(secretary, "certificate of somebody", f"/administration/certificats/{certificate.id}")
        look.at(secretary, "who is there", "/compte/confirmer")
        look.at(secretary, "publicity of acts", "/administration/publication")
        look.at(secretary, "establishments", "/administration/etablissements")
        look.at(secretary, "accounts of suppliers", "/administration/comptes-fournisseurs")
        look.at(secretary, "Chorus Pro", "/administration/chorus")
        look.at(secretary, "persons", "/administration/personnes")
        leaver = house.actor("r.pellenec").user_id
        look.at(secretary, "a person", f"/administration/personnes/{leaver}")
        look.at(secretary, "inviting somebody", "/administration/personnes/inviter")
        secretary.button("Ouvrir le compte").click()
        secretary.sees("Le compte n’est pas ouvert")
        look.at(secretary, "invitation refused")
        secretary.open("/administration/personnes/importer")
        content = "Prénom;Nom;Courriel;Qualité\nZoé;;;\n".encode("mac-roman")
        listed = {"name": "liste.csv", "mimeType": "text/csv", "buffer": content}
        secretary.page.get_by_label("Fichier CSV").set_input_files(listed)  # type: ignore[arg-type]
        secretary.button("Lire la liste").click()
        secretary.sees("La liste n’est pas lue")
        look.at(secretary, "a list that is not read")
        secretary.page.get_by_label("Codage").select_option("Mac OS Roman")
        secretary.button("Relire ainsi").click()
        for _ in range(2):  # a file is taken away, and the page serves again
            with secretary.page.expect_download() as taken:
                secretary.button("Télécharger ces lignes").click()
            assert taken.value.suggested_filename == "personnes-laissees.csv"
        secretary.button("Relire avec ces corrections").click()
        secretary.sees("1 ligne laissée de côté")
        look.at(secretary, "a list that is read")
        look.at(secretary, "desks", "/administration/bureaux")
        look.at(secretary, "opening a desk", "/administration/bureaux/nouveau")
        look.at(secretary, "moving a desk", f"/administration/bureaux/{desk_of('technique')}/deplacer")
        look.at(secretary, "a desk", f"/administration/bureaux/{desk_of('technique')}")
        box = "box => [box.scrollWidth, box.clientWidth]"
        wide, seen = secretary.page.locator(".tbl-box:has(.tbl-rights)").evaluate(box)
        assert wide <= seen, "every right is seen at 1280 without scrolling"
        some = Rights.read(["create", "act:invoice", "act:contract"])
        apart(lambda: seat(house.actor("k.morizur").collectivity_id, "technique", "r.pellenec", some))
        place = f"/administration/bureaux/{desk_of('technique')}"
        look.at(secretary, "a desk, a right for some types", place)
        look.at(secretary, "rights by type", f"{place}/titulaires/{leaver}")
        look.at(secretary, "history of a desk", f"{place}/historique")
        look.at(secretary, "closing an account", f"/administration/personnes/{leaver}/fermer")
        with look.by("n.abgrallec") as finance:
            finance.folder(stale)
            finance.button("Confier…").click()
            finance.sees("À quel bureau")
            look.at(finance, "hand dialog")
            finance.page.keyboard.press("Escape")
            house.approve(stale, "t.lescoat")
            finance.button("Viser").click()
            expect(finance.heading("Ce dossier a avancé")).to_be_visible()
            look.at(finance, "moved on")
        secretary.expected.append("status of 500")
        with sqlite3.connect(house.settings.database_url.removeprefix("sqlite:///")) as file:
            file.execute("ALTER TABLE folder RENAME TO folder_away")
        look.at(secretary, "server error", "/suivi")
        secretary.sees("Paraphe a rencontré une erreur")
        with sqlite3.connect(house.settings.database_url.removeprefix("sqlite:///")) as file:
            file.execute("ALTER TABLE folder_away RENAME TO folder")


@pytest.mark.law("RGP-05")
def test_who_makes_types_of_folders_meets_no_barrier(house: House, look: Look) -> None:
    with look.by("k.morizur") as secretary:
        look.at(secretary, "no type", "/administration/types")
        secretary.page.get_by_role("link", name="Commencer un type…").click()
        look.at(secretary, "beginning a type")
        secretary.page.get_by_label("Nom du type").fill("Facture d’énergie")
        secretary.page.get_by_label("Famille").select_option("invoice")
        secretary.button("Commencer ce type").click()
        secretary.sees("Le type est commencé")
        fields = secretary.page.get_by_role("group", name="Ajouter un champ", exact=True)
        fields.get_by_label("Nom du champ").fill("Bâtiment")
        fields.get_by_label("Nature").select_option("choice")
        fields.get_by_label("Choix ou colonnes, un par ligne").fill("Mairie\nÉcole de la Grève")
        fields.get_by_label("Montrer dans « À traiter » et « Suivi »").check()
        # Several at once, each after the other
        secretary.button("Ajouter un autre champ").click()
        fields = secretary.page.get_by_role("group", name="Ajouter un champ (2)")
        expect(fields.get_by_label("Nom du champ")).to_be_focused()
        fields.get_by_label("Nom du champ").fill("Points de livraison")
        fields.get_by_label("Nature").select_option("lines")
        fields.get_by_label("Choix ou colonnes, un par ligne").fill("Lieu\nMontant\nRelevé le")
        secretary.page.get_by_label("Délai, en jours").fill("30")
        secretary.button("Enregistrer le brouillon").click()
        secretary.sees("La loi laisse 20 jours au plus")
        look.at(secretary, "a type refused")
        secretary.page.get_by_label("Délai, en jours").fill("15")
        secretary.page.locator("#deposited_by-comptabilite").check()
        secretary.button("Enregistrer le brouillon").click()
        secretary.page.locator("#f1-c1-kind").select_option("amount")
        secretary.page.locator("#f1-c2-kind").select_option("date")
        secretary.page.locator("#f1-c0-required").select_option("submit")
        secretary.page.locator("#f1-c1-label").fill("Montant TTC")
        table = secretary.page.locator("[data-columns=f1]")
        expect(table.get_by_role("columnheader")).to_have_text(["Lieu", "Montant TTC", "Relevé le"])
        expect(table).to_contain_text("obligatoire")
        secretary.page.locator("#f1-c1-label").fill("Montant")
        look.at(secretary, "a type with a table")
        secretary.button("Publier la version 1…").click()
        secretary.sees("Champ ajouté : « Bâtiment »")
        look.at(secretary, "publishing a type")
        secretary.button("Publier la version 1").click()
        secretary.sees("La version 1 est publiée")
        look.at(secretary, "types")
        secretary.page.get_by_role("link", name="Facture d’énergie").click()
        look.at(secretary, "a type")
    with look.by("g.trehorel") as depositor:
        look.at(depositor, "deposit with types", "/deposer")
        depositor.sees("Facture d’énergie")
        folder_id = depositor.deposit("Facture d’énergie", INVOICE)
        depositor.page.get_by_label("Lieu, ligne 1").fill("École de la Grève")
        depositor.page.get_by_label("Montant, ligne 1").fill("12,5")
        depositor.page.get_by_label("Montant, ligne 1").press("Tab")
        depositor.page.get_by_label("Bâtiment").select_option("mairie")
        depositor.page.locator("button[value^='line-on']").press("Enter")
        expect(depositor.page.get_by_label("Lieu, ligne 2")).to_be_focused()
        depositor.page.keyboard.type("Mairie")
        depositor.page.get_by_label("Montant, ligne 2").fill("douze")
        depositor.page.locator("button[value$=':0']").press("Enter")
        expect(depositor.page.get_by_label("Lieu, ligne 1")).to_have_value("Mairie")
        depositor.fill({"received_on": today().isoformat(), "proof_of_service": "technique"})
        depositor.button("Envoyer dans le circuit").click()
        depositor.sees("« Points de livraison », ligne 1 : « Montant » n’est pas un montant")
        look.at(depositor, "a table refused")
        depositor.page.get_by_label("Montant, ligne 1").fill("12")
        depositor.button("Envoyer dans le circuit").click()
        depositor.sees("Le dossier est envoyé")
        look.at(depositor, "a table in the details", f"/dossiers/{folder_id}?onglet=details")
        look.at(depositor, "follow with a fact listed", "/suivi")


@pytest.mark.law("RGP-05")
def test_who_publishes_and_who_reads_what_is_published_meet_no_barrier(
    house: House, demonstration: Path, look: Look, tmp_path: Path
) -> None:
    online = apart(lambda: house.a_deliberation(at="done"))
    ready = apart(lambda: house.a_deliberation(at="publication", number="2026-101", subject="Aide sociale"))
    demonstration.mkdir()
    masked = tmp_path / "occulte.pdf"
    masked.write_bytes(a_masked_pdf())
    sheet = f"/dossiers/{ready}/publication"
    with look.by("k.morizur") as secretary:
        look.at(secretary, "to be published", "/a-publier")
        look.at(secretary, "folder to publish", f"/dossiers/{ready}")
        look.at(secretary, "publication, before", sheet)
        secretary.page.get_by_label("Fichier PDF occulté").set_input_files(masked)
        secretary.page.get_by_label("Objet tel que le public le lira").fill("Aide à un particulier")
        secretary.button("Garder la version occultée").click()
        secretary.sees("La version occultée est gardée")
        look.at(secretary, "publication, masked")
        house.publish(ready)
        look.at(secretary, "publication, online", sheet)
        apart(lambda: cancelled(ready))
        look.at(secretary, "inbox, an act to withdraw or keep", "/a-traiter")
        look.at(secretary, "publication, to withdraw or keep", sheet)
        secretary.open(f"/dossiers/{online}/publication")
        secretary.page.get_by_label("Motif").select_option("personal_data")
        secretary.button("Retirer l’acte").click()
        secretary.sees("L’acte n’a pas été retiré")
        look.at(secretary, "publication, no reason")
        secretary.page.get_by_label("Motif").select_option("court")
        secretary.page.get_by_label("Décision et date").fill(
            "Ordonnance du tribunal administratif du 3 mars."
        )
        secretary.button("Retirer l’acte").click()
        secretary.sees("L’acte est retiré")
        look.at(secretary, "publication, withdrawn")
        look.at(secretary, "acts online", "/a-publier")
    with look.by(None) as visitor:
        look.at(visitor, "demonstration, acts published", "/demo")
        visitor.page.get_by_role("link", name="Actes publiés").click()
        look.at(visitor, "public acts", "/actes/kerlann-sur-mer")
        visitor.page.get_by_role("link", name="Aide à un particulier").click()
        visitor.sees("Version occultée")
        look.at(visitor, "public act, masked")
        visitor.open("/actes/kerlann-sur-mer")
        visitor.page.get_by_label("Rechercher un acte").fill("cercle")
        visitor.button("Rechercher").click()
        visitor.page.get_by_role("link", name="Subvention exceptionnelle").click()
        visitor.sees("Retiré le")
        look.at(visitor, "public act, withdrawn")
        look.at(visitor, "no public act", "/actes/kerlann-sur-mer?q=rien")
        look.at(visitor, "no public page", "/actes/ailleurs")


def test_who_verifies_a_file_meets_no_barrier(house: House, look: Look, tmp_path: Path) -> None:
    folder_id = house.a_deliberation(at="direction")
    apart(lambda: finish(house, folder_id))
    signed, touched = tmp_path / "acte.pdf", tmp_path / "acte modifié.pdf"
    signed.write_bytes(house.bytes_of(house.versions(folder_id)[-1]))
    touched.write_bytes(signed.read_bytes().replace(b"/Title", b"/Tithe", 1))
    longer = tmp_path / "acte complété.pdf"
    longer.write_bytes(apart(lambda: changed(signed.read_bytes(), overlay)))
    with look.by(None) as visitor:
        look.at(visitor, "verifier", "/verifier")
        for name, path, words in (
            ("valid", signed, "Signature valide"),
            ("not valid", touched, "Signature invalide"),
            ("goes on", longer, "Page 1, avant et après"),
            ("refused", house.pki.root_pem, "Le fichier n’a pas été vérifié"),
        ):
            visitor.page.get_by_label("Fichier signé").set_input_files(path)
            visitor.button("Vérifier").click()
            visitor.sees(words)
            if name == "goes on":
                visitor.page.get_by_text("Superposer les deux").press("Enter")
                visitor.sees("ce qu’il ne montre plus")
            look.at(visitor, f"verifier, {name}")
    with look.by("k.morizur") as secretary:
        look.at(secretary, "verifier in the house", "/compte/verifier")
        secretary.page.get_by_label("Fichier signé").set_input_files(signed)
        secretary.button("Vérifier").click()
        secretary.sees("Signature valide")
        look.at(secretary, "verifier in the house, valid")
        secretary.page.goto(f"{house.settings.public_url}/dossiers/{folder_id}?onglet=pieces")
        # Nobody clicked: the page asks for the verdicts by itself
        expect(secretary.page.get_by_text(re.compile("Valable.: document"))).to_have_count(2)
        look.at(secretary, "documents with their verdicts")
        secretary.page.get_by_role("link", name="Tout voir").first.click()
        secretary.sees("Signature valide")
        look.at(secretary, "all that is known of the signatures")


def test_who_follows_acts_at_the_prefecture_meets_no_barrier(house: House, look: Look) -> None:
    for code in ("3-1", "2-1", "4-1", "5-1"):
        folder_id = apart(lambda: house.a_deliberation(at="publication"))
        write(house, folder_id, code)
    apart(lambda: fetch(house))
    published = apart(lambda: house.a_deliberation(at="done", number="2026-070"))
    letters = prefecture_letters()
    with look.by("k.morizur") as secretary:
        look.at(secretary, "inbox, with letters", "/a-traiter")
        look.at(secretary, "letters of the Préfecture", "/prefecture")
        for one in letters:
            look.at(secretary, f"letter {one.code}", f"/prefecture/{one.id}")
        asked = next(one for one in letters if one.code == "3-1")
        secretary.open(f"/prefecture/{asked.id}")
        secretary.button("Préparer la réponse").click()
        look.at(secretary, "act at the Préfecture", f"/dossiers/{folder_id}/prefecture")
        look.at(secretary, "enforceable act", f"/dossiers/{published}/prefecture")
        look.at(secretary, "folder of an act", f"/dossiers/{published}")
        look.at(secretary, "cancel", f"/dossiers/{published}/annuler-la-transmission")
        secretary.page.get_by_label("Motif de l’annulation").fill("Mauvaise annexe.")
        secretary.button("Préparer la demande").click()
        secretary.page.wait_for_url("**/brouillon")
        look.at(secretary, "request of cancellation")
    apart(lambda: suspend(house))
    waiting = apart(lambda: house.a_deliberation(at="prefecture", number="2026-071"))
    with look.by("k.morizur") as secretary:
        look.at(secretary, "act that waits for paper", f"/dossiers/{waiting}")
        look.at(secretary, "on paper", f"/dossiers/{waiting}/transmis-sur-papier")


def cancelled(folder_id: int) -> None:
    """As the receipt of a cancellation leaves an act that is online."""
    with Session(engine()) as db:
        folder = db.get_one(Folder, folder_id)
        folder.fields = {**folder.fields, CANCELLED: today().isoformat()}
        publication.question(db, folder_id, today())
        db.commit()


def suspend(house: House) -> None:
    on_paper.suspend(system(house.actor("k.morizur").collectivity_id), today(), "arrêté n° 2026-41")
