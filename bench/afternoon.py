"""`python -m bench.afternoon [sqlite|postgresql]`: a commune sets itself up from an empty base, in Chromium only, and hands its first folder over.

Twelve people and nine desks, two types of its own, five rules, a circuit where one of two, all of two and two of three
desks act and an amount decides, the mayor's certificate and mandate; then an invoice goes from deposit to signature and to
the finance software. The one command is the one that gives the link of the first day. Printed: clicks, keys and pages of
the secretary general and of the others, and how long that takes a person by the keystroke-level model (Card, Moran and
Newell, 1980: 1.35 s to decide, 1.1 s to point, 0.4 s from keyboard to mouse, 0.2 s to click, 0.28 s a key of an average
typist), with 5 s to read each page: computed, not observed. The exit code is 1 when a page does not say what it should.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from app import open_ground
from app.core import schema
from bench.ground import ROOT
from demo import pki as test_pki
from demo.cast import SIREN
from tests.browser.serving import Serving, environment
from tests.builders.chromium import executable, options
from tests.builders.house import INVOICE
from tests.cluster import Cluster, free_port
from tests.conftest import settings_for
from tests.mailserver import MailServer

DECIDE, POINT, HOME, CLICK, KEY, READ = 1.35, 1.1, 0.4, 0.2, 0.28, 5.0
PASSWORD = "un soir de mai à Kerlann"
SECRETARY = "y.ledantec"
DOMAIN = "kerlann.example.org"
CIRCUIT = "Travaux et équipement"
PEOPLE = (
    ("Armel", "Kervadec", "a.kervadec", "Maire", "Bureau du maire", "viser, signer"),
    ("Rozenn", "Abgrall", "r.abgrall", "Adjointe aux travaux", "Adjointe aux travaux", "viser"),
    ("Gwenola", "Trehorel", "g.trehorel", "Directrice générale", "Direction générale", "viser"),
    ("Malo", "Quéré", "m.quere", "Directeur adjoint", "Direction générale", "viser"),
    ("Ewan", "Le Goff", "e.legoff", "Directeur des finances", "Direction des finances", "viser, archiver"),
    ("Nolwenn", "Salaün", "n.salaun", "Comptable", "Direction des finances", "déposer, viser"),
    ("Katell", "Morizur", "k.morizur", "Assistante", "Secrétariat général", "déposer, viser"),
    ("Hervé", "Cadiou", "h.cadiou", "Responsable de la paye", "Service de la paye", "déposer, viser"),
    ("Soizic", "Le Bris", "s.lebris", "Responsable technique", "Services techniques", "déposer, viser"),
    ("Tangi", "Page", "t.page", "Technicien", "Services techniques", "déposer, viser"),
    ("Enora", "Madec", "e.madec", "Instructrice", "Urbanisme", "déposer, viser"),
    ("Yuna", "Le Dantec", SECRETARY, "Secrétaire générale", "Marchés publics", "déposer, viser"),
)
DESKS = (
    ("Adjointe aux travaux", "Bureau du maire"),
    ("Urbanisme", "Direction générale"),
    ("Marchés publics", "Direction générale"),
)
RULES = (
    ("Nature de la pièce", "vaut", "Avoir", "Factures"),
    ("Fournisseur", "vaut", "Atelier Berthier SARL", CIRCUIT),
    ("Montant TTC", "atteint", "40 000,00", CIRCUIT),
    ("Bureau qui dépose", "vaut", "Urbanisme", "Factures"),
    ("Devise", "ne vaut pas", "EUR", CIRCUIT),
)


@dataclass
class Work:
    """What was done by hand."""

    clicks: int = 0
    keys: int = 0
    pages: int = 0
    files: int = 0

    @property
    def minutes(self) -> float:
        """How long it takes a person, by the keystroke-level model, reading included."""
        acts = (self.clicks + 3 * self.files) * (DECIDE + POINT + HOME + CLICK)
        return (acts + self.keys * KEY + self.pages * READ) / 60


class Hand:
    """A person at a browser, whose every gesture is counted."""

    def __init__(self, browser: Browser, url: str, work: Work) -> None:
        self._context = browser.new_context(
            viewport={"width": 1280, "height": 900}, locale="fr-FR", reduced_motion="reduce"
        )
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(30_000)
        self.url, self.work = url, work
        self.page.on("framenavigated", self._turned)

    def _turned(self, frame: object) -> None:
        self.work.pages += frame == self.page.main_frame

    def close(self) -> None:
        """Close the window."""
        self._context.close()

    def awake(self) -> None:
        """The page's script listens."""
        expect(self.page.locator("html[data-awake]")).to_be_attached()

    def goes(self, address: str) -> None:
        """Open an address that one was sent."""
        self.work.clicks += 1
        self.page.goto(address)

    def clicks(self, label: str | Locator, role: str = "") -> None:
        """Click a button or a link of this name."""
        if isinstance(label, str):
            self.awake()
            pages = self.page
            control = pages.get_by_role("button", name=label).or_(pages.get_by_role("link", name=label))
            label = (pages.get_by_role(role, name=label) if role else control).first  # type: ignore[arg-type]
        self.work.clicks += 1
        label.click()

    def _labelled(self, field: str | Locator) -> Locator:
        """A field by its label, among those that are seen: forms have rows in reserve."""
        if not isinstance(field, str):
            return field
        return self.page.get_by_label(field, exact=True).filter(visible=True)

    def types(self, field: str | Locator, text: str) -> None:
        """Click a field, and type in it."""
        target = self._labelled(field)
        self.work.clicks += 1
        self.work.keys += len(text)
        target.fill(text)

    def picks(self, field: str | Locator, label: str) -> None:
        """Choose in a list: open it, and click."""
        target = self._labelled(field)
        option = target.locator("option").filter(has_text=re.compile(rf"^[– ]*{re.escape(label)}")).first
        self.work.clicks += 2
        value = option.get_attribute("value")
        assert value is not None, label
        target.select_option(value)

    def ticks(self, label: str | Locator) -> None:
        """Tick a box, or choose one of several."""
        target = self.page.get_by_label(label, exact=True) if isinstance(label, str) else label
        self.work.clicks += 1
        target.check()

    def gives(self, field: str, path: Path) -> None:
        """Choose a file."""
        self.work.files += 1
        self.page.get_by_label(field).set_input_files(path)

    def sees(self, text: str) -> None:
        """The page says so."""
        spaced = re.compile(r"\s+".join(re.escape(word) for word in text.split()))
        expect(self.page.locator("body")).to_contain_text(spaced)

    def menu(self, label: str) -> None:
        """A page of « Administration »."""
        if not self.page.get_by_role("navigation", name="Administration").count():
            self.clicks(self.page.locator("header").get_by_role("link", name="Administration"))
        self.clicks(self.page.locator("main, aside, nav").get_by_role("link", name=label, exact=True).first)

    def enters(self, login: str) -> None:
        """Log in."""
        self.goes(f"{self.url}/login")
        self.types("Identifiant", login)
        self.types("Mot de passe", PASSWORD)
        self.clicks("Se connecter")
        expect(self.page.locator("header.top")).to_be_visible()

    def confirms(self) -> None:
        """Say again who one is, where the page asks."""
        self.page.wait_for_load_state()
        if "/compte/confirmer" in self.page.url:
            self.types("Mot de passe", PASSWORD)
            self.page.keyboard.press("Enter")
            self.work.keys += 1


class Afternoon:
    """The whole of it."""

    def __init__(
        self, browser: Browser, url: str, home: Path, mail: MailServer, pki: test_pki.TestPki
    ) -> None:
        self.browser, self.url, self.home, self.mail, self.pki = browser, url, home, mail, pki
        self.parts: list[tuple[str, Work, float]] = []
        self.secretary = Hand(browser, url, Work())

    def part(self, name: str, do: Callable[[Hand], None], hand: Hand | None = None) -> None:
        """Do a part, and note what it took."""
        hand, began = hand or self.secretary, time.monotonic()
        hand.work = Work()
        try:
            do(hand)
        except BaseException:
            hand.page.screenshot(path=self.home / "seen.png", full_page=True)
            shutil.copy(self.home / "seen.png", ROOT / "var") if (ROOT / "var").is_dir() else None
            print(f"{name}: {hand.page.url}\n{hand.page.locator('main').inner_text()[:3000]}")
            raise
        self.parts.append((name, hand.work, time.monotonic() - began))

    def other(self, login: str, name: str, do: Callable[[Hand], None]) -> None:
        """Somebody else does his part."""
        hand = Hand(self.browser, self.url, Work())

        def enter_and_do(hand: Hand) -> None:
            hand.enters(login)
            do(hand)

        self.part(name, enter_and_do, hand)
        hand.close()

    def first_day(self, link: str) -> None:
        """The commune and its first administrator."""

        def do(hand: Hand) -> None:
            hand.goes(link)
            for field, text in (
                ("SIREN", SIREN),
                ("Nom", "Kerlann-sur-Mer"),
                ("Département", "29"),
                ("Commune du siège", "Kerlann-sur-Mer"),
                ("Code postal", "29950"),
                ("Nombre d’habitants", "12000"),
                ("Prénom", "Yuna"),
                ("Nom de famille", "Le Dantec"),
                ("Courriel", f"{SECRETARY}@{DOMAIN}"),
                ("Qualité", "Secrétaire générale"),
                ("Identifiant", SECRETARY),
                ("Mot de passe", PASSWORD),
            ):
                hand.types(field, text)
            hand.picks("Nature", "Commune")
            hand.clicks("Ouvrir la collectivité")
            hand.sees("La collectivité est ouverte.")
            hand.types("Identifiant", SECRETARY)
            hand.types("Mot de passe", PASSWORD)
            hand.clicks("Se connecter")
            hand.sees("Vous ne tenez aucun bureau")

        self.part("Premier jour", do)

    def desks(self) -> None:
        """A kit of six desks and its circuits, and three desks more."""

        def do(hand: Hand) -> None:
            hand.clicks(hand.page.locator("main").get_by_role("link", name="Mise en service"))
            hand.clicks("Choisir un modèle de départ")
            hand.clicks(hand.page.get_by_role("link", name="Mairie", exact=True))
            hand.clicks("Créer ces bureaux et ces circuits")
            hand.sees("6 bureaux")
            for name, above in DESKS:
                hand.clicks("Ouvrir un bureau…")
                hand.types("Nom", name)
                hand.picks("Rattaché à", above)
                hand.clicks("Ouvrir ce bureau")
                hand.sees("Le bureau est ouvert")
                hand.menu("Bureaux")
            hand.sees("9 bureaux")

        self.part("Neuf bureaux", do)

    def people(self) -> None:
        """Twelve people, from a list made in a spreadsheet."""
        rows = [
            f"{first};{last};{login}@{DOMAIN};{login};{capacity};{desk};{rights}"
            for first, last, login, capacity, desk, rights in PEOPLE
        ]
        path = self.home / "personnes.csv"
        path.write_text(
            "\n".join(["Prénom;Nom;Courriel;Identifiant;Qualité;Bureau;Droits", *rows]), "utf-8-sig"
        )

        def do(hand: Hand) -> None:
            hand.work.keys += len(path.read_text())  # typed in the spreadsheet
            hand.menu("Personnes")
            hand.clicks("Importer une liste…")
            hand.gives("Fichier CSV", path)
            hand.clicks("Lire la liste")
            hand.sees("11 personnes à inviter")
            hand.clicks("Écrire ces 12 personnes")
            hand.confirms()
            hand.sees("12 personnes")

        self.part("Douze personnes", do)

    def arrivals(self) -> None:
        """The eleven others choose their passwords."""
        for first, last, login, *_ in PEOPLE:
            if login == SECRETARY:
                continue
            letter = self._letter(f"{login}@{DOMAIN}", "votre compte vous attend")
            link = re.search(r"http\S+/mot-de-passe#\w+", letter.get_body(("plain",)).get_content())  # type: ignore[union-attr]
            assert link
            hand = Hand(self.browser, self.url, Work())

            def do(hand: Hand, address: str = link[0]) -> None:
                hand.goes(address)
                hand.types(hand.page.locator("input[type=password]").first, PASSWORD)
                hand.page.keyboard.press("Enter")
                hand.sees("Identifiant")

            self.part(f"Compte de {first} {last}", do, hand)
            hand.close()

    def _letter(self, address: str, subject: str) -> EmailMessage:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            for letter in self.mail.to(address):
                if subject in str(letter["Subject"]):
                    return letter
            time.sleep(0.1)
        raise AssertionError(f"no letter « {subject} » to {address}")

    def mandate(self) -> None:
        """The mayor's mandate."""

        def do(hand: Hand) -> None:
            hand.menu("Mandats de signature")
            hand.ticks(hand.page.get_by_role("radio", name=re.compile("^Maire")))
            hand.picks("Personne", "Armel Kervadec")
            hand.types("Qualité", "Maire")
            hand.types("Premier jour", "2026-03-28")
            hand.clicks("Enregistrer le mandat")
            hand.confirms()
            hand.sees("Armel Kervadec")

        self.part("Mandat du maire", do)

    def types(self) -> None:
        """Two types of the commune's own."""

        def do(hand: Hand) -> None:
            for name, field, kind in (
                ("Facture d’énergie", "Point de livraison", "Texte"),
                ("Facture de travaux", "Marché", "Texte"),
            ):
                hand.menu("Types de dossiers")
                hand.clicks("Commencer un type…")
                hand.types("Nom du type", name)
                hand.picks("Famille", "Facture")
                hand.clicks("Commencer ce type")
                hand.types("Nom du champ", field)
                hand.picks("Nature", kind)
                hand.clicks("Publier la version 1…")
                hand.clicks("Publier la version 1")
                hand.confirms()
                hand.sees(name)

        self.part("Deux types", do)

    def circuit(self) -> None:
        """One of two, all of two, two of three where the amount asks it."""

        def who(hand: Hand, *desks: str) -> None:
            for desk in desks:
                hand.picks(hand.page.locator("#champ-who_add"), desk)
                hand.clicks(hand.page.locator("#g-addwho"))
                expect(hand.page.locator(".scard.is-open .who, .scard.is-open")).to_contain_text(desk)
                hand.awake()
                expect(hand.page.get_by_role("button", name=f"Retirer {desk}")).to_be_visible()

        def do(hand: Hand) -> None:
            page = hand.page
            hand.menu("Circuits")
            hand.clicks("Ouvrir un circuit…")
            hand.types("Nom du circuit", CIRCUIT)
            hand.picks("Avec les étapes de", "Factures")
            hand.clicks("Ouvrir ce circuit")
            hand.clicks(page.locator("#g-open-finance"))
            expect(page.locator("#g-copy-finance")).to_be_visible()
            who(hand, "Direction générale")
            hand.ticks(page.locator("#quorum-any"))
            hand.clicks(page.locator("#g-open-direction"))
            expect(page.locator("#g-copy-direction")).to_be_visible()
            who(hand, "Adjointe aux travaux")
            hand.ticks(page.locator("#quorum-all"))
            hand.types(page.locator("#champ-cond_value_0"), "100,00")
            hand.clicks(page.locator("#g-save"))
            hand.sees("les 2, dans n’importe quel ordre, si montant TTC atteint 100 €")
            hand.clicks(page.locator("#g-add-3"))
            expect(page.locator("#champ-label")).to_be_focused()
            hand.types(page.locator("#champ-label"), "Avis des services")
            who(hand, "Urbanisme", "Marchés publics", "Services techniques")
            hand.ticks(page.locator("#quorum-n"))
            hand.types(page.locator("#champ-quorum_n"), "2")
            hand.clicks(page.locator("#g-addcond"))
            expect(page.locator("#champ-cond_field_0")).to_be_visible()
            hand.picks(page.locator("#champ-cond_field_0"), "Montant TTC")
            expect(page.locator("#champ-cond_op_0 option[value='>=']")).to_have_count(1)
            hand.picks(page.locator("#champ-cond_op_0"), "atteint")
            hand.types(page.locator("#champ-cond_value_0"), "100,00")
            hand.clicks(page.locator("#g-save"))
            hand.sees("si montant TTC atteint 100 €")
            hand.clicks(page.get_by_role("link", name="Publier…"))
            hand.clicks("Publier la version 1")
            hand.confirms()
            hand.sees("La version 1 est publiée.")

        self.part("Un circuit", do)

    def rules(self) -> None:
        """Five rows, and the last one for all others."""

        def do(hand: Hand) -> None:
            page = hand.page
            hand.menu("Règles")
            hand.clicks(page.get_by_role("link", name="Modifier les règles de « Facture »", exact=True))
            for place, (field, comparison, value, circuit) in enumerate(RULES):
                hand.clicks(page.locator(f"#g-add-{place}"))
                expect(page.locator("#champ-circuit")).to_be_focused()
                hand.picks(page.locator("#champ-circuit"), circuit)
                hand.clicks(page.locator("#g-addcond"))
                expect(page.locator("#champ-cond_field_0")).to_be_focused()
                hand.picks(page.locator("#champ-cond_field_0"), field)
                hand.page.wait_for_timeout(300)
                hand.picks(page.locator("#champ-cond_op_0"), comparison)
                hand.page.wait_for_timeout(300)
                target = page.locator("#champ-cond_value_0")
                if target.evaluate("field => field.tagName") == "SELECT":
                    hand.picks(target, value)
                else:
                    hand.types(target, value)
                hand.clicks(page.locator("#g-save"))
                expect(page.locator(".scard")).to_have_count(place + 1)
                expect(page.locator(".scard.is-ko")).to_have_count(0)
            hand.clicks(page.get_by_role("link", name="Publier la version 1…"))
            hand.clicks("Publier la version 1")
            hand.confirms()
            hand.sees("La version 1 des règles est publiée.")

        self.part("Cinq règles", do)

    def commissioned(self) -> None:
        """« Mise en service », each point tried: nothing is left to settle but what this town does without."""

        def do(hand: Hand) -> None:
            hand.menu("Mise en service")
            hand.clicks("Tout essayer")
            hand.sees("Essayé par Yuna Le Dantec")

        self.part("Mise en service", do)

    def folder(self) -> None:
        """An invoice from its deposit to the finance software."""

        def deposit(hand: Hand) -> None:
            hand.clicks("Déposer")
            hand.ticks(hand.page.get_by_role("radio", name=re.compile("^Facture de travaux")))
            hand.gives("Choisir le document principal et ses annexes", INVOICE)
            hand.clicks("Déposer et vérifier")
            hand.page.wait_for_url("**/brouillon")
            hand.types(hand.page.locator("#draft [name=received_on]"), "2026-11-26")
            hand.picks(hand.page.locator("#draft [name=proof_of_service]"), "Services techniques")
            hand.types("Marché", "2026-17")
            hand.clicks("Envoyer dans le circuit")
            hand.sees("Le dossier est envoyé dans le circuit.")
            hand.sees(CIRCUIT)

        def approve(hand: Hand) -> None:
            hand.clicks("Commencer la lecture")
            expect(hand.page.locator(".vpage canvas").first).to_be_visible()
            hand.clicks("Viser", "button")
            hand.sees("est visé.")

        def enrol(hand: Hand) -> None:
            hand.clicks(hand.page.locator("header").get_by_text("Armel Kervadec"))
            hand.clicks(hand.page.get_by_role("link", name="Mon compte"))
            hand.clicks("Mes certificats")
            opened(hand)
            hand.clicks("Inscrire le certificat")
            hand.sees("Le certificat est inscrit à votre nom.")

        def opened(hand: Hand) -> None:
            hand.gives("Fichier du certificat", self.pki.p12("a_kervadec"))
            hand.types("Mot de passe du certificat", self.pki.passphrase.decode())
            hand.page.get_by_label("Mot de passe du certificat").blur()
            expect(hand.page.locator("[data-sign-name]")).to_have_text("Armel KERVADEC")

        def sign(hand: Hand) -> None:
            hand.clicks("Commencer la lecture")
            expect(hand.page.locator(".vpage canvas").first).to_be_visible()
            hand.clicks("Signer…")
            opened(hand)
            hand.clicks("Signer 1 document")
            hand.sees("est signé.")

        self.other("n.salaun", "Dépôt par Nolwenn Salaün", deposit)
        for login, name in (
            ("s.lebris", "Service fait, Soizic Le Bris"),
            ("e.legoff", "Un de deux, Ewan Le Goff"),
            ("g.trehorel", "Tous, Gwenola Trehorel"),
            ("r.abgrall", "Tous, Rozenn Abgrall"),
            ("e.madec", "Deux de trois, Enora Madec"),
            ("t.page", "Deux de trois, Tangi Page"),
        ):
            self.other(login, name, approve)
        self.other("a.kervadec", "Certificat, Armel Kervadec", enrol)
        self.other("a.kervadec", "Signature, Armel Kervadec", sign)

        def ended(hand: Hand) -> None:
            until = time.monotonic() + 60
            hand.goes(f"{self.url}/dossiers/1")
            while "Terminé" not in hand.page.locator("main").inner_text():
                assert time.monotonic() < until, hand.page.locator("main").inner_text()[:2000]
                hand.page.wait_for_timeout(300)
                hand.page.reload()

        self.other("n.salaun", "Lu terminé par Nolwenn Salaün", ended)


def main(kind: str = "sqlite") -> int:
    """Do it, and print what it took."""
    home = Path(tempfile.mkdtemp(prefix="paraphe-afternoon-"))
    if os.geteuid() == 0:
        home.chmod(0o755)
    cluster = Cluster() if kind == "postgresql" else None
    port, mail = free_port(), MailServer()
    pki = test_pki.make(home / "pki" / "pki", f"http://127.0.0.1:{port}")
    authority = test_pki.serve(pki.folder, "127.0.0.1", port)
    mail.start()
    web = free_port()
    url = cluster.create("afternoon") if cluster else f"sqlite:///{home / 'paraphe.db'}"
    settings = settings_for(url, home / "data", pki, mail.port, public_url=f"http://127.0.0.1:{web}")
    open_ground(settings)
    schema.upgrade()
    serving = Serving(settings, home / "log", web)
    try:
        serving.start()
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "setup-link"]
        completed = subprocess.run(
            command, cwd=ROOT, env=environment(settings), capture_output=True, text=True, check=True
        )
        link = re.search(r"http\S+", completed.stdout)
        assert link, completed
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable(), args=options())
            afternoon = Afternoon(browser, settings.public_url, home, mail, pki)
            afternoon.first_day(link[0])
            afternoon.desks()
            afternoon.people()
            afternoon.arrivals()
            afternoon.mandate()
            afternoon.types()
            afternoon.circuit()
            afternoon.rules()
            afternoon.commissioned()
            afternoon.folder()
            browser.close()
        handed = [*(home / "data" / "sorties").rglob("*.zip")]
        assert len(handed) == 1, handed
    finally:
        serving.stop()
        authority.close()
        mail.stop()
        if cluster:
            cluster.stop()
    _print_parts(afternoon.parts)
    return 0


def _print_parts(parts: list[tuple[str, Work, float]]) -> None:
    mine = [part for part in parts if not _another(part[0])]
    for title, chosen in (
        ("Secrétaire générale", mine),
        ("Les autres", [part for part in parts if part not in mine]),
    ):
        print(f"\n{title:36} clics  signes  pages  minutes  (Chromium, s)")
        for name, work, seconds in chosen:
            print(
                f"{name:36} {work.clicks:5}  {work.keys:6}  {work.pages:5}  {work.minutes:7.1f}  {seconds:9.1f}"
            )
        total = Work(
            *(sum(getattr(part[1], name) for part in chosen) for name in ("clicks", "keys", "pages", "files"))
        )
        print(f"{'Ensemble':36} {total.clicks:5}  {total.keys:6}  {total.pages:5}  {total.minutes:7.1f}")


def _another(name: str) -> bool:
    return "," in name or name.startswith(("Compte", "Dépôt", "Lu"))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
