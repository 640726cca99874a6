"""PKCS#12 files in the page: every age and kind of key opens and signs in real Chromium; every odd file is explained."""

from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.signing.enrol import enrol
from app.signing.keys.browser import web_crypto
from app.trust import algorithms
from app.trust.certificates import facts
from tests.browser.key_files import Files
from tests.browser.person import Person, _spaced
from tests.browser.proofs import accepted_by_others
from tests.builders.house import House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
OPEN_AND_SIGN = """async ([file, password, items]) => {
  const { openKeys } = await import("/static/js/key.js");
  const buffer = Uint8Array.from(atob(file), (one) => one.charCodeAt(0)).buffer;
  try {
    const [first, ...others] = await openKeys(buffer, password);
    return { subject: first.subject, others: others.length, shown: JSON.stringify(first),
             offer: await first.certificate(), signatures: await first.sign(items) };
  } catch (error) {
    return { reason: error.reason ?? String(error) };
  }
}"""
TBS = [b"first document", b"second document", b"third document"]


def b64(data: bytes) -> str:
    return b64encode(data).decode()


def opened(one: Person, data: bytes, password: str, label: str, house: House) -> dict:
    algorithm = web_crypto(house.pki.certificate(label))
    items = [{"id": str(n), "tbs": b64(tbs), "algorithm": algorithm} for n, tbs in enumerate(TBS)]
    return one.page.evaluate(OPEN_AND_SIGN, [b64(data), password, items])


def test_a_day_is_written_as_the_server_writes_it(house: House, person) -> None:
    """Chromium writes « 1 juin 2029 » for the first of a month."""
    one: Person = person()
    one.open("/login")
    long_date = 'async (days) => { const { longDate } = await import("/static/js/words.js"); return days.map((day) => longDate(new Date(day))); }'
    days = one.page.evaluate(long_date, ["2029-06-01T12:00", "2029-06-11T12:00"])
    assert days == ["1er juin 2029", "11 juin 2029"]


def test_every_kind_of_file_opens_with_its_chain_and_signs_a_batch(
    house: House, person, tmp_path: Path
) -> None:
    one: Person = person()
    one.open("/login")
    files, seen = Files(house.pki, tmp_path), 0
    for what, label, password, data in files.good():
        found = opened(one, data, password, label, house)
        assert "reason" not in found, (what, found)
        certificate = house.pki.certificate(label)
        assert b64decode(found["offer"]["certificate"]) == certificate, what
        assert tuple(b64decode(one) for one in found["offer"]["chain"]) == house.pki.chain(label), what
        assert found["others"] == 0, what
        digest = algorithms.of(certificate).digest
        assert [one["id"] for one in found["signatures"]] == ["0", "1", "2"]
        for tbs, signature in zip(TBS, found["signatures"], strict=True):
            algorithms.check_signature(certificate, b64decode(signature["signature"]), tbs, digest)
        assert "PRIVATE" not in found["shown"]
        wrong = opened(one, data, f"{password}x", label, house)
        assert wrong == {"reason": "password"}, (what, wrong)
        seen += 1
    assert seen == 58


def test_every_odd_file_is_explained_in_french_and_signs_nothing(
    house: House, person, tmp_path: Path
) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    version = house.folder(folder_id).version
    mayor: Person = person("a.kervadec")
    mayor.folder(folder_id)
    mayor.button("Signer…").click()
    file, problem = (
        mayor.page.get_by_label("Fichier du certificat"),
        mayor.page.locator("[data-sign-problem]"),
    )
    password = mayor.page.get_by_label("Mot de passe du certificat")
    password.fill("kerlann")
    for name, data, words in Files(house.pki, tmp_path).odd():
        path = tmp_path / name
        path.write_bytes(data)
        file.set_input_files(path)
        expect(problem).to_contain_text(_spaced("Rien n’a été signé :"))
        expect(problem).to_contain_text(_spaced(words))
        expect(file).to_be_focused()
        expect(mayor.page.locator("[data-sign-name]")).to_have_text("Titulaire du certificat")
        mayor.button("Signer 1 document").click()
        expect(problem).to_contain_text(_spaced(words))
    assert house.folder(folder_id).version == version


@pytest.mark.parametrize("opened", [False, True])
def test_of_several_keys_in_a_file_the_person_chooses_and_nobody_signs_unseen(
    house: House, person, tmp_path: Path, opened: bool
) -> None:
    actor, der = house.actor("a.kervadec"), house.pki.certificate("p384")
    enrol(actor, actor.user_id or 0, facts(der), der)
    path = tmp_path / "deux.p12"
    path.write_bytes(Files(house.pki, tmp_path).two_keys())
    folder_id = house.an_invoice(at="bon_a_payer")
    mayor: Person = person("a.kervadec")
    mayor.folder(folder_id)
    mayor.button("Signer…").click()
    mayor.page.get_by_label("Fichier du certificat").set_input_files(path)
    mayor.page.get_by_label("Mot de passe du certificat").fill("kerlann")
    choice = mayor.page.get_by_label("Certificat à utiliser")
    if opened:
        mayor.page.get_by_label("Mot de passe du certificat").blur()
        expect(choice.locator("option")).to_have_count(2)
    # Straight to the button: the file opens by this gesture, or just before it, and holds two certificates
    mayor.button("Signer 1 document").click()
    mayor.sees("Choisissez celui qui signe, puis confirmez.")
    expect(choice.locator("option")).to_have_count(2)
    assert house.folder(folder_id).place == "bon_a_payer"
    choice.select_option(index=1)
    expect(mayor.page.locator("[data-sign-name]")).to_have_text("Yann LE GOFF")
    mayor.button("Signer 1 document").click()
    mayor.sees("est signé.")
    signed = tmp_path / "signed.pdf"
    signed.write_bytes(house.bytes_of(house.versions(folder_id)[-1]))
    accepted_by_others(signed, house, signatures=1)


def test_closing_the_dialog_forgets_the_key_and_the_password(house: House, person) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    mayor: Person = person("a.kervadec")
    mayor.folder(folder_id)
    mayor.open_key(house.pki.p12("a_kervadec"), house.pki.passphrase.decode())
    expect(mayor.page.locator("[data-sign-name]")).to_have_text("Armel KERVADEC")
    mayor.button("Annuler").click()
    mayor.button("Signer…").click()
    expect(mayor.page.get_by_label("Mot de passe du certificat")).to_have_value("")
    expect(mayor.page.locator("[data-sign-name]")).to_have_text("Titulaire du certificat")
