"""A flow of two bordereaux goes to the Treasury in a browser: a mandat refused, read, corrected, and the flow acquitted."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.person import Person
from tests.browser.test_screens import Look, look
from tests.builders.house import FLOW, House
from tests.channels.parcels import FLOW_NAME

__all__ = ["look"]
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]


def flow(folder: Path, name: str) -> Path:
    path = folder / f"{name}.xml"
    path.write_bytes(FLOW.read_bytes().replace(FLOW_NAME, name.encode()))
    return path


def refused_alone(folder: Path, name: str) -> Path:
    """The same flow with what the Treasury refused alone: its second bordereau, and no attachment again."""
    path = flow(folder, name)
    once = re.sub(rb"<Bordereau .*?</Bordereau>", b"", path.read_bytes(), count=1, flags=re.DOTALL)
    path.write_bytes(re.sub(rb"<PJ>.*?</PJ>", b"", once, flags=re.DOTALL))
    return path


def test_a_refused_mandat_comes_back_and_its_corrected_flow_is_acquitted(
    house: House, demonstration: Path, look: Look, person: Callable[..., Person], tmp_path: Path
) -> None:
    del demonstration  # its pages are open
    treasury, agent, finance, mayor = (
        person(one) for one in (None, "g.trehorel", "n.abgrallec", "a.kervadec")
    )

    def approve_and_sign(folder_id: int) -> None:
        agent.button("Envoyer dans le circuit").click()
        agent.sees("Le dossier est envoyé dans le circuit.")
        finance.folder(folder_id)
        finance.button("Viser").click()
        finance.sees("est visé.")
        mayor.folder(folder_id)
        mayor.sign(house.pki.p12("a_kervadec"), house.pki.passphrase.decode(), "Armel KERVADEC")

    treasury.open("/demo/tresorerie")
    treasury.button("Garder le silence").click()
    treasury.sees("Préparé : Garder le silence.")
    folder_id = agent.deposit("Flux comptable", flow(tmp_path, "F_261120_001"))
    approve_and_sign(folder_id)
    agent.comes(folder_id, "Transmis, acquit attendu")

    treasury.open("/demo/tresorerie")
    treasury.button("Acquitter demain à 8 h").click()
    look.at(treasury, "Treasury, flow that waits")
    treasury.button("Répondre comme d’habitude").click()
    treasury.sees("Le prochain envoi aura la réponse habituelle.")
    treasury.page.get_by_label("Réponse pour le flux F_261120_001").select_option(
        label="Bordereau 2 de 2026, mandat 4"
    )
    treasury.button("Jouer").click()
    treasury.sees("« Acquit partiel » : visible au prochain relevé")

    agent.comes(folder_id, "Bordereau 2 de 2026, mandat 4, ligne 1 : 1971 - Compte fonction présent à tort")
    agent.sees("Le bordereau 1 de 2026 est pris en charge : ne le renvoyez pas.")
    agent.sees("Acquit partiel")
    expect(agent.page.locator(".tag", has_text="Pris en charge")).to_have_count(1)
    expect(agent.page.get_by_role("row", name="1971 - Compte fonction présent à tort")).to_have_count(1)
    look.at(agent, "flow refused")
    agent.button("Corriger et renvoyer").click()
    agent.page.get_by_text("Remplacer", exact=False).first.click()
    agent.page.get_by_label("Nouvelle version de").set_input_files(flow(tmp_path, "F_261120_003"))
    agent.sees("Le document est remplacé.")
    agent.sees("Bordereau 1 déjà pris en charge")
    look.at(agent, "what was taken comes again")
    agent.page.get_by_text("Remplacer", exact=False).first.click()
    agent.page.get_by_label("Nouvelle version de").set_input_files(refused_alone(tmp_path, "F_261120_002"))
    expect(agent.page.get_by_text("déjà pris en charge")).to_have_count(0)
    approve_and_sign(folder_id)
    agent.comes(folder_id, "Acquitté (FACTICE)")
    treasury.open("/demo/tresorerie")
    expect(treasury.page.get_by_role("row")).to_have_count(3)
    expect(treasury.page.get_by_text("Rendu", exact=False)).to_have_count(2)
    treasury.page.get_by_label("Acquit suivant du flux F_261120_002").select_option(label="Rejet total")
    treasury.button("Acquitter encore").first.click()
    treasury.sees("« Rejet total », acquit suivant : visible dans les secondes qui viennent.")
    agent.comes(folder_id, "Le comptable public s’est contredit")
    agent.sees("Acquits qui se contredisent")
    look.at(agent, "acquits that contradict one another")
