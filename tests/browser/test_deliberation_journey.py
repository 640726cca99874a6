"""The deliberation goes all the way in a browser: two signatures in any order, the receipt, the publication, then enforceable."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.core.clock import today
from app.core.french import jour
from tests.browser.person import Person
from tests.browser.proofs import accepted_by_others, each_begins_with_the_one_before
from tests.builders.house import ACT, ASSETS, House

pytestmark = [pytest.mark.browser, pytest.mark.in_turn]
IDENTIFIER = "029-212909998-20260924-2026_057-DE"
FACTS = {
    "number": "2026-057",
    "decision_date": "2026-09-24",
    "subject": "Subvention exceptionnelle au Cercle nautique",
    "nature": "1",
    "matter": "7.5.2",
}


def test_a_deliberation_is_signed_by_two_received_by_the_prefecture_published_and_enforceable(
    house: House, person, tmp_path: Path
) -> None:
    secretary: Person = person("k.morizur")
    folder_id = secretary.deposit(
        "Délibération", ACT, ASSETS / "acts" / "convention-2026-018-cercle-nautique.pdf"
    )
    secretary.sees("Annexe")
    secretary.fill({**FACTS, "sitting_secretary": str(house.actor("b.cadiou").user_id)})
    secretary.button("Envoyer dans le circuit").click()
    secretary.sees("Le type de l’annexe « convention-2026-018-cercle-nautique » manque.")
    secretary.page.get_by_label("Type de pièce de convention-2026-018").select_option("21_RP")
    secretary.button("Envoyer dans le circuit").click()
    secretary.sees("Le dossier est envoyé dans le circuit.")

    director: Person = person("s.rivoal")
    director.button("Commencer la lecture").click()
    director.button("Viser").click()
    director.sees("est visé.")

    councillor: Person = person("b.cadiou")
    councillor.folder(folder_id)
    councillor.sign(house.pki.p12("b_cadiou"), house.pki.passphrase.decode(), "Bleuenn CADIOU")
    mayor: Person = person("a.kervadec")
    mayor.folder(folder_id)
    mayor.sees("Signé par Bleuenn Cadiou")
    mayor.button("Signer…").click()
    expect(mayor.page.get_by_text("Fichier du certificat")).to_be_visible()
    expect(mayor.page.locator("[data-sign-place]")).to_have_count(
        0
    )  # every field was placed by the first signature
    mayor.page.keyboard.press("Escape")
    mayor.sign(house.pki.p12("a_kervadec"), house.pki.passphrase.decode(), "Armel KERVADEC")

    secretary.comes(folder_id, "À vous de publier")
    secretary.sees(IDENTIFIER)
    assert "Exécutoire" not in secretary.page.locator("main").inner_text()
    secretary.button("Publier l’acte…").click()
    secretary.page.get_by_role("dialog").get_by_role("button", name="Publier l’acte").click()
    secretary.sees("est publié.")
    visitor: Person = person()
    visitor.open("/actes/kerlann-sur-mer")
    visitor.page.get_by_role("link", name=FACTS["subject"]).click()
    visitor.sees("Mis en ligne le")
    visitor.sees("Annexe : ")
    with visitor.page.expect_download() as downloading:
        visitor.page.get_by_role("link", name="Télécharger deliberation-2026-057.pdf").click()
    signed_bytes = house.bytes_of(house.versions(folder_id)[-1])
    assert Path(downloading.value.path()).read_bytes() == signed_bytes
    secretary.folder(folder_id, "details")
    secretary.sees("Exécutoire le")
    secretary.sees(jour(today()))
    secretary.folder(folder_id, "pieces")
    secretary.sees("Accusé reçu")
    secretary.sees("Fichier rouvert et vérifié après signature, PAdES B-T.")

    versions = [house.bytes_of(one) for one in house.versions(folder_id)]
    assert versions[0] == ACT.read_bytes()
    assert each_begins_with_the_one_before(versions)
    signed = tmp_path / "signed.pdf"
    signed.write_bytes(versions[-1])
    accepted_by_others(signed, house, signatures=2)
