"""The viewer of payment flows in Chromium: read on a desk and on a tablet, in both themes, with the keyboard alone."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.core.clock import now
from app.people.actor import system
from app.pes import intake
from demo.cast import SIREN
from demo.treasury.returns import Box
from tests.browser.person import Person
from tests.browser.test_screens import Look, look  # noqa: F401 - a fixture
from tests.builders.flows import long_flow, rich
from tests.builders.house import FLOW, House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]


def test_a_flow_and_what_it_carries_meet_no_barrier(house: House, look: Look, tmp_path: Path) -> None:  # noqa: F811
    folder_id = house.a_flow(rich(tmp_path))
    longer = house.deposit("g.trehorel", "pes", _other(long_flow(tmp_path, 250)))
    with look.by("a.kervadec") as mayor:
        mayor.folder(folder_id)
        mayor.sees("4 points à regarder avant de signer")
        mayor.page.get_by_text("Trancher 4 points de la fiche…").click()
        _picture(mayor, "flow")
        look.at(mayor, "flow")
        mayor.page.get_by_role("link", name="facture1.pdf").first.click()
        expect(mayor.page.locator(".vpage canvas").first).to_be_attached()
        _picture(mayor, "pdf")
        look.at(mayor, "attachment, PDF")
        mayor.folder(folder_id)
        mayor.page.get_by_role("link", name="paye_202611.xhl").first.click()
        mayor.sees("QUÉMÉNEUR Nolwenn")
        mayor.sees("151,67")
        _picture(mayor, "payslips")
        look.at(mayor, "attachment, payslips")
    with look.by("g.trehorel") as accountant:
        accountant.open(f"/dossiers/{longer}?feuille=2")
        _picture(accountant, "page2")
        look.at(accountant, "flow, page 2")
        accountant.open(f"/dossiers/{longer}/brouillon")
        look.at(accountant, "draft of a flow")


def test_what_the_treasury_paid_is_read_on_the_sheet_and_on_its_own_page(house: House, look: Look) -> None:  # noqa: F811
    folder_id = house.a_flow()
    name = "PES2R_DEP__P_123_00_029042_20261126_20261127_20261127061502.xml"
    Box(house.settings.helios_folder, SIREN).put(
        name, (FLOW.parent / "kerlann_retour.xml").read_bytes(), now()
    )
    intake.ask(system(house.actor("k.morizur").collectivity_id), "returns-browser")
    house.drain()
    with look.by("g.trehorel") as accountant:
        accountant.folder(folder_id)
        accountant.sees("Payé en partie le")
        _picture(accountant, "treasury-sheet")
        look.at(accountant, "flow, what is paid")
        accountant.page.get_by_role("link", name="retours de la trésorerie").click()
        _picture(accountant, "returns")
        look.at(accountant, "returns")
        accountant.page.get_by_role("link", name=name).click()
        accountant.sees("Mandat 2")
        _picture(accountant, "return")
        look.at(accountant, "return")


def test_a_long_flow_is_turned_and_searched_with_the_keyboard_alone(
    house: House, person, tmp_path: Path
) -> None:
    folder_id = house.a_flow(long_flow(tmp_path, 250))
    mayor: Person = person("a.kervadec")
    mayor.folder(folder_id)
    mayor.page.get_by_role("link", name="Suivante").first.focus()
    mayor.page.keyboard.press("Enter")
    mayor.sees("Page 2 sur 3")
    mayor.page.get_by_label("Aller au bordereau").focus()
    mayor.page.keyboard.type("2")
    mayor.page.keyboard.press("Enter")
    mayor.sees("Réparation de la vedette")
    mayor.page.locator(".flow summary").first.focus()
    mayor.page.keyboard.press("Enter")
    expect(mayor.page.locator(".flow details[open] dt").first).to_be_visible()


def _other(path: Path) -> Path:
    data = path.read_bytes().replace(b"261120_014", b"261120_099")
    path.write_bytes(data.replace(b'<IdBord V="', b'<IdBord V="9'))
    return path


def _picture(who: Person, name: str) -> None:
    """Pictures for whoever looks at them (PARAPHE_PICTURES names the folder); no test depends on them."""
    room = os.environ.get("PARAPHE_PICTURES")
    if room:
        for width, height in ((1280, 900), (820, 1180)):
            for scheme in ("light", "dark"):
                who.page.set_viewport_size({"width": width, "height": height})
                who.page.emulate_media(color_scheme=scheme)
                who.page.wait_for_timeout(200)
                who.page.screenshot(path=f"{room}/{name}-{width}-{scheme}.png")
