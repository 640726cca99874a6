"""The finance desk reads a partial acquit on the folder's page, mandat by mandat, and puts the corrected flow in its place."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.person import apart
from tests.browser.test_screens import Look, look
from tests.builders.house import FLOW, House
from tests.channels.parcels import FLOW_NAME

__all__ = ["look"]
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]


def flow(folder: Path, name: str) -> Path:
    path = folder / f"{name}.xml"
    path.write_bytes(FLOW.read_bytes().replace(FLOW_NAME, name.encode()))
    return path


def test_a_refused_mandat_is_read_and_the_flow_corrected(
    house: House, demonstration: Path, look: Look, tmp_path: Path
) -> None:
    del demonstration  # its pages are open
    folder_id = house.a_flow(flow(tmp_path, "F_PARTIEL"))

    def go() -> None:
        house.sign(folder_id, "a.kervadec")
        house.drain()

    apart(go)
    with look.by("g.trehorel") as agent:
        look.at(agent, "flow refused", f"/dossiers/{folder_id}")
        page = agent.page
        expect(
            page.get_by_text("mandat 3, ligne 1 : 1971 - Compte fonction présent à tort").first
        ).to_be_visible()
        expect(
            page.get_by_text("Le bordereau 1 de 2026 est pris en charge : ne le renvoyez pas.").first
        ).to_be_visible()
    with look.by(None) as visitor:
        look.at(visitor, "Trésorerie", "/demo/tresorerie")
        expect(visitor.page.get_by_text("F_PARTIEL")).to_be_visible()
