"""`make screenshots`: the four pictures of README, made anew from the demonstration, its clock fixed; they are looked at before they are kept.

The demonstration is seeded in a folder that goes away, served by this process alone, on this machine; the browser may
call nobody else.
"""

import logging
import os
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import time_machine
from aiosmtpd.controller import Controller
from PIL import Image
from playwright.sync_api import Page, Route, sync_playwright
from werkzeug.serving import make_server

from app import create_app
from app.core import outbox, schema, security_log
from demo import __main__ as demonstration
from demo.cast import PASSWORD
from demo.mailbox import Catcher
from demo.pki import make, serve
from demo.seed import seed
from tests.builders.chromium import executable, options
from tests.cluster import free_port

HERE = Path(__file__).resolve().parents[1] / "docs" / "pictures"
DAY = "2026-11-24 09:12:00+00:00"
COLOURS = 64
MOST = 120_000
"""Bytes of a picture: README is read over slow lines too."""


def shot(page: Page, name: str) -> None:
    """Keep what the window shows, in few colours."""
    path = HERE / f"{name}.png"
    page.screenshot(path=path, animations="disabled", caret="hide")
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.relative_to(HERE.parents[1])}: {size // 1000} kB")
    assert size <= MOST, path


def walk(page: Page, url: str, key: Path) -> None:
    """The mayor's morning: what awaits him, a folder, its signature, what became of the others."""
    page.goto(f"{url}/login")
    page.get_by_label("Identifiant").fill("a.kervadec")
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("heading", name="À traiter", exact=True).wait_for()
    shot(page, "a-traiter")
    page.locator("main").get_by_role("link", name="Menuiserie Arzel-Huon").first.click()
    page.locator(".vpage canvas").first.wait_for()
    page.wait_for_load_state("networkidle")
    shot(page, "dossier")
    page.locator("html[data-awake]").get_by_role("link", name="Signer…").or_(
        page.get_by_role("button", name="Signer…")
    ).first.click()
    page.get_by_label("Fichier du certificat").set_input_files(key)
    page.get_by_label("Mot de passe du certificat").fill("kerlann")
    page.get_by_label("Mot de passe du certificat").blur()
    page.locator("[data-sign-name]").get_by_text("Kervadec").wait_for()
    shot(page, "signature")
    page.goto(f"{url}/suivi")
    page.get_by_role("heading", name="Suivi", exact=True).wait_for()
    shot(page, "suivi")


def main() -> None:
    """Seed, serve, look."""
    HERE.mkdir(exist_ok=True)
    for name in [one for one in os.environ if one.startswith("PARAPHE_")]:
        del os.environ[name]
    with TemporaryDirectory(prefix="paraphe-pictures-") as room, time_machine.travel(DAY, tick=True):
        demonstration.HOME = Path(room)
        port = free_port()
        ports = demonstration.environment(port)
        pki = make(Path(room) / "pki", f"http://127.0.0.1:{ports['pki']}")
        authority = serve(Path(room) / "pki", "127.0.0.1", ports["pki"])
        Controller(Catcher(Path(room) / "mails"), hostname="127.0.0.1", port=ports["smtp"]).start()
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        app = create_app()
        schema.upgrade()
        with security_log.unheard():
            seed(pki)
        outbox.drain()
        server = make_server("127.0.0.1", port, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            url = f"http://localhost:{port}"

            def ours_alone(route: Route) -> None:
                route.continue_() if route.request.url.startswith((url, "blob:", "data:")) else route.abort()

            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=executable(), args=options())
                page = browser.new_page(
                    viewport={"width": 1280, "height": 800},
                    locale="fr-FR",
                    reduced_motion="reduce",
                    color_scheme="light",
                )
                page.route("**/*", ours_alone)
                walk(page, url, pki.p12("a_kervadec"))
                browser.close()
        finally:
            server.shutdown()
            authority.close()


if __name__ == "__main__":
    main()
