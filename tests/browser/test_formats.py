"""A payment flow and a plan, from the form to the signature: the page shows what is signed, and says how it was."""

import re
import subprocess
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.person import Person
from tests.builders.house import ASSETS, House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
FLOW = ASSETS / "pes" / "kerlann_depenses.xml"


def sign(mayor: Person, house: House, button: str = "Signer 1 document") -> None:
    mayor.open_key(house.pki.p12("a_kervadec"), house.pki.passphrase.decode())
    expect(mayor.page.locator("[data-sign-name]")).to_have_text("Armel KERVADEC")
    mayor.button(button).click()
    mayor.sees("est signé")


def test_a_payment_flow_is_read_line_by_line_then_signed_slip_by_slip_in_one_gesture(
    house: House, person
) -> None:
    accountant: Person = person("g.trehorel")
    folder_id = accountant.deposit("Flux comptable", FLOW)
    expect(accountant.page.locator("[name=file_name]")).to_have_value("PESALR2_21290999800017_261120_014")
    accountant.button("Envoyer dans le circuit").click()
    accountant.sees("est envoyé")
    finance: Person = person("n.abgrallec")
    finance.folder(folder_id)
    finance.sees("2 bordereaux de mandats, 4 mandats, 6 505,05 € TTC")
    finance.button("Viser").click()
    finance.sees("est visé")
    mayor: Person = person("a.kervadec")
    mayor.folder(folder_id)
    mayor.sees("CHANTIER NAVAL DE KERLANN Réparation de la vedette")
    mayor.sees("3 264,35")
    mayor.button("Signer…").click()
    mayor.sees("1 flux, 2 bordereaux")
    mayor.page.keyboard.press("Escape")
    sign(mayor, house)
    mayor.comes(folder_id, "XAdES EPES, 2 signatures", tab="pieces")
    signed = house.bytes_of(house.versions(folder_id)[-1])
    assert signed.count(b"<ds:Signature ") == 2
    assert len(re.findall(rb'Id="BD2026-00000[12]_SIG"', signed)) == 2


def test_a_plan_is_signed_beside_it_and_the_signature_can_be_taken_away(
    house: House, person, tmp_path: Path
) -> None:
    plan = tmp_path / "Plan du port.png"
    Image.new("RGB", (640, 400), "white").save(plan)
    secretary: Person = person("k.morizur")
    folder_id = secretary.deposit("Autre document", plan)
    secretary.fill({"subject": "Plan du port de plaisance"})
    secretary.button("Envoyer dans le circuit").click()
    secretary.sees("est envoyé")
    house.approve(folder_id, "s.rivoal")
    mayor: Person = person("a.kervadec")
    mayor.folder(folder_id)
    expect(mayor.page.locator("img.vimage")).to_be_visible()
    sign(mayor, house)
    mayor.folder(folder_id, tab="pieces")
    mayor.sees("Signature séparée")
    mayor.sees("Valable : document inchangé")
    mayor.page.get_by_role("link", name="Signature d’Armel Kervadec").first.click()
    with mayor.page.expect_download() as waiting:
        mayor.page.get_by_role("link", name="Télécharger le document").first.click()
    beside = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(beside)
    assert beside.name == "Plan-du-port-png-1-Armel-Kervadec.p7s"
    command = ["openssl", "cms", "-verify", "-binary", "-cades", "-inform", "DER", "-in", str(beside)]
    command += ["-content", str(plan), "-CAfile", str(house.pki.root_pem), "-purpose", "any"]
    assert subprocess.run([*command, "-out", "/dev/null"], capture_output=True, check=False).returncode == 0
