"""A person in front of a browser: logs in, reads, clicks, types; every word of the console is kept and judged at the end."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

from demo.cast import PASSWORD

DESK = {"width": 1280, "height": 900}
# What a browser writes by itself when the server refuses: the test that provokes it looks at the page.
_REFUSED = "Failed to load resource: the server responded with a status of 4"


Answer = TypeVar("Answer")


def apart(call: Callable[[], Answer]) -> Answer:
    """Do in another thread what runs an asyncio loop of its own: Playwright holds the one of this thread."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(call).result()


def _spaced(words: str) -> re.Pattern[str]:
    """The words, with whatever spaces French asks for between them."""
    return re.compile(r"\s+".join(re.escape(word) for word in words.split()))


class Person:
    """One browser context: one cookie jar, one window."""

    def __init__(self, browser: Browser, url: str, login: str | None = None, **options: object) -> None:
        self.url, self.said = url, []
        self.expected = [_REFUSED, "Service Worker registration blocked by Playwright"]
        # A click before the page's script listens is lost: where there is a script, a button is one of an awake page.
        self.awake = "html[data-awake]" if options.get("java_script_enabled", True) else "html"
        # What a test holds back or changes on the way is not seen behind a script that stands between
        options.setdefault("service_workers", "block")
        self.context = browser.new_context(viewport=DESK, locale="fr-FR", reduced_motion="reduce", **options)
        self.page = self.context.new_page()
        self.watch(self.page)
        if login:
            self.log_in(login)

    def watch(self, page: Page) -> None:
        """Keep what the console, the policy and the scripts complain of."""
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.said.append(f"{page.url}: {error}"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(one in message.text for one in self.expected):
            self.said.append(f"{self.page.url}: {message.type}: {message.text}")

    def close(self) -> None:
        """Close the window; a complaint of the console is a failure of the test."""
        self.context.close()
        assert not self.said, "\n".join(self.said)

    # moving

    def log_in(self, login: str) -> None:
        """From the login page to the inbox."""
        self.open("/login")
        self.page.get_by_label("Identifiant").fill(login)
        self.page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
        self.page.get_by_role("button", name="Se connecter").click()
        expect(self.heading("À traiter")).to_be_visible()
        expect(self.page.locator(self.awake)).to_be_attached()

    def open(self, path: str) -> None:
        """Go to an address of the product."""
        self.page.goto(self.url + path)

    def folder(self, folder_id: int, tab: str = "circuit") -> None:
        """Open a folder at one of its tabs."""
        self.open(f"/dossiers/{folder_id}?onglet={tab}")

    # looking

    def heading(self, words: str) -> Locator:
        """The title of the page or of a part of it."""
        return self.page.get_by_role("heading", name=words, exact=True)

    def button(self, words: str) -> Locator:
        """A button, or a link that looks like one, of a page that listens."""
        page = self.page.locator(self.awake)
        return page.get_by_role("button", name=words).or_(page.get_by_role("link", name=words)).first

    def sees(self, words: str) -> None:
        """These words are on the page."""
        expect(self.page.locator("body")).to_contain_text(_spaced(words))

    def lacks(self, words: str) -> None:
        """These words are not on the page, which is there."""
        expect(self.page.locator("h1")).to_be_visible()
        expect(self.page.locator("body")).not_to_contain_text(_spaced(words))

    def drawn(self) -> None:
        """The first page of the document is drawn."""
        expect(self.page.locator(".vpage canvas").first).to_be_visible()

    def comes(self, folder_id: int, words: str, tab: str = "circuit") -> None:
        """The folder's page says these words soon."""
        self.soon(f"/dossiers/{folder_id}?onglet={tab}", words)

    def soon(self, path: str, words: str) -> None:
        """A page says these words soon: what happens in the background is seen by asking again."""
        until = time.monotonic() + 40
        pattern = _spaced(words)
        while True:
            self.open(path)
            if pattern.search(self.page.locator("main").inner_text()):
                return
            assert time.monotonic() < until, (
                f"« {words} » is not in: {self.page.locator('main').inner_text()}"
            )

    def until(self, held: list[Any], wanted: int = 1) -> None:
        """The page has asked for what a route of the test holds back."""
        for _ in range(600):
            if len(held) >= wanted:
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("the page asked for nothing")

    # doing

    def fill(self, facts: dict[str, str]) -> None:
        """Type into the fields of a draft, or choose in its lists."""
        for name, value in facts.items():
            field = self.page.locator(self.awake).locator(f"#draft [name={name}]")
            if field.evaluate("field => field.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)

    def deposit(self, family: str, *paths: Path) -> int:
        """Deposit files by the file input; returns the draft's number."""
        self.open("/deposer")
        self.page.get_by_role("radio", name=re.compile(f"^{re.escape(family)}")).check()
        self.page.get_by_label("Choisir le document principal et ses annexes").set_input_files(list(paths))
        if len(paths) > 1:
            self.page.get_by_role("radio", name="Un seul dossier").check()
        self.button("Déposer et vérifier").click()
        self.page.wait_for_url("**/brouillon")
        return self.number()

    def number(self) -> int:
        """The number of the folder that is open."""
        found = re.search(r"/dossiers/(\d+)", self.page.url)
        assert found, self.page.url
        return int(found.group(1))

    def open_key(self, p12: Path, password: str) -> None:
        """In the sign dialog: give the file and its password."""
        self.button("Signer…").click()
        self.page.get_by_label("Fichier du certificat").set_input_files(p12)
        self.page.get_by_label("Mot de passe du certificat").fill(password)
        self.page.get_by_label("Mot de passe du certificat").blur()

    def sign(self, p12: Path, password: str, holder: str) -> None:
        """Sign the open folder with one's own file, once the holder is shown."""
        self.open_key(p12, password)
        expect(self.page.locator("[data-sign-name]")).to_have_text(holder)
        self.button("Signer 1 document").click()
        self.sees("est signé.")
