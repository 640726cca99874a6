"""Nothing that a person typed or opened is lost: a draft saved as one types, a session opened again where one is."""

import io
import json
import re
from datetime import timedelta
from typing import Any

import pikepdf
import pytest
import sqlalchemy as sa
from playwright.sync_api import Locator, Page, expect

from app.batches.gesture import take_up
from app.core.clock import now, today
from app.core.db import engine, reading
from app.people.login import revoke
from app.people.models import LoginSession
from demo.cast import PASSWORD
from tests.browser.person import Person, apart
from tests.browser.test_batches import batch_of, give_key, to_sign
from tests.browser.test_screens import held_since
from tests.builders.house import INVOICE, House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]


def close_sessions(house: House, login: str) -> None:
    """An administrator, or the person on another device, closes whatever is open."""
    actor = house.actor(login)
    with reading() as db:
        query = sa.select(LoginSession.id).where(
            LoginSession.user_id == actor.user_id, LoginSession.revoked_at.is_(None)
        )
        numbers = list(db.scalars(query))
    for number in numbers:
        revoke(actor.user_id, number)


def log_in_here(page: Page, login: str) -> None:
    dialog = page.get_by_role("dialog", name="Votre session s’est fermée")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Identifiant").fill(login)
    dialog.get_by_label("Mot de passe", exact=True).fill("faux")
    dialog.get_by_role("button", name="Se connecter").click()
    expect(dialog).to_contain_text("ne convient pas")
    dialog.get_by_label("Identifiant").fill(login)
    dialog.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    dialog.get_by_role("button", name="Se connecter").click()
    expect(dialog).to_have_count(0)


def test_a_draft_is_saved_as_one_types_and_its_checks_follow(house: House, person) -> None:
    accountant: Person = person("g.trehorel")
    folder_id = accountant.deposit("Facture", INVOICE)
    page = accountant.page
    accountant.fill({"order_ref": "BC-2026-0391", "proof_of_service": "technique"})
    expect(page.locator("[data-unsaved]")).to_be_visible()
    expect(page.locator("[data-unsaved]")).to_be_hidden()
    assert house.folder(folder_id).fields["order_ref"] == "BC-2026-0391"
    expect(page.locator("[data-live=circuit]")).to_contain_text(
        "Ronan Pellenec"
    )  # whom the desk just chosen names
    # A total that is not the file's, nor the sum of the others, is told as it is typed, and no more once it is put back.
    told = page.get_by_text("Ce que vous écrivez n’est pas ce que dit le fichier")
    accountant.fill({"total_ttc": "30420"})
    expect(told).to_be_visible()
    expect(page.get_by_text("n’est pas la somme du montant HT et de la TVA")).to_be_visible()
    # The note is drawn again with another correction: the reason that was being typed in it is kept.
    page.locator("[name^=correction-reason]").fill("Vu avec le fournisseur.")
    accountant.fill({"total_ht": "25350"})
    expect(page.locator("[data-live=corrected]")).to_contain_text("Montant HT")
    expect(page.locator("[data-unsaved]")).to_be_hidden()
    known = house.folder(folder_id).sources["corrections"]
    assert known["total_ttc"]["reason"] == "Vu avec le fournisseur."
    kept = page.locator("[name='correction-reason:total_ttc']")
    expect(kept).to_have_value("Vu avec le fournisseur.")
    accountant.fill({"total_ht": "2535,00", "total_ttc": "3042,00"})
    expect(told).to_have_count(0)
    expect(page.get_by_text("À corriger avant l’envoi")).to_have_count(0)
    # A link waits for what was just typed, and nothing is asked.
    accountant.fill({"order_ref": "BC-2026-0392"})
    # A tab that is closed meanwhile is asked about first, and stays when one stays.
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    page.get_by_role("link", name="Suivi").first.click()
    page.wait_for_url("**/suivi")
    accountant.open(f"/dossiers/{folder_id}/brouillon")
    expect(page.locator("#order_ref")).to_have_value("BC-2026-0392")
    # The session ends while one types: it is said, nothing is lost, and the page goes on.
    apart(lambda: close_sessions(house, "g.trehorel"))
    accountant.fill({"order_ref": "BC-2026-0393"})
    accountant.sees("Votre session s’est fermée. Votre saisie est gardée")
    accountant.button("Se reconnecter").click()
    log_in_here(page, "g.trehorel")
    expect(page.get_by_text("Non enregistré")).to_have_count(0)
    expect(page.locator("[data-unsaved]")).to_be_hidden()
    assert house.folder(folder_id).fields["order_ref"] == "BC-2026-0393"
    # Sent at once after the last key: what was typed leaves with it.
    accountant.fill({"received_on": today().isoformat(), "order_ref": "BC-2026-0394"})
    accountant.button("Envoyer dans le circuit").click()
    accountant.sees("Le dossier est envoyé dans le circuit.")
    assert house.folder(folder_id).fields["order_ref"] == "BC-2026-0394"


def test_a_session_that_is_over_is_opened_again_in_place(house: House, person) -> None:
    signed, rejected = house.an_invoice(at="bon_a_payer"), house.an_invoice(at="bon_a_payer", number="F-2")
    mayor: Person = person("a.kervadec")
    page = mayor.page
    mayor.folder(rejected)
    mayor.button("Rejeter…").click()
    reason = page.get_by_label("Motif, en clair")
    reason.fill("Le bon de commande manque.")
    apart(lambda: close_sessions(house, "a.kervadec"))
    page.evaluate("const now = Date.now; Date.now = () => now() + 120_000")  # the page has been open a while
    page.get_by_role("button", name=re.compile("^Rejeter le dossier")).click()
    log_in_here(page, "a.kervadec")
    mayor.sees("est rejeté, retour à")
    assert house.folder(rejected).phase == "rejected"
    # The certificate that is open in the dialog stays open; somebody logged in again in another tab meanwhile. What was
    # begun of a refusal goes with the signature.
    _reason(mayor, signed).fill("Le bon de commande manque.")
    page.wait_for_function("() => Object.keys(sessionStorage).some((one) => one.startsWith('note http'))")
    mayor.folder(signed)
    mayor.drawn()
    mayor.open_key(house.pki.p12("a_kervadec"), house.pki.passphrase.decode())
    expect(page.locator("[data-sign-name]")).to_have_text("Armel KERVADEC")
    # So does the place chosen for the stamp: it is asked with again, and the signature stands there.
    mayor.button("Choisir l’emplacement…").click()
    expect(page.locator(".placebox")).to_be_focused()
    for key in ["Shift+ArrowUp"] * 3 + ["Enter"]:
        page.keyboard.press(key)
    mayor.sees("à l’emplacement que vous avez choisi")
    apart(lambda: close_sessions(house, "a.kervadec"))
    # On a phone, what is said of the password stands beside the field, never over it.
    password, problem = page.get_by_label("Mot de passe du certificat"), page.locator("[data-sign-problem]")
    page.set_viewport_size({"width": 390, "height": 844})
    password.fill("mauvais")
    password.blur()
    expect(problem).to_contain_text("n’ouvre pas ce certificat")
    note, field = problem.bounding_box(), password.bounding_box()
    assert note
    assert field
    assert note["y"] + note["height"] <= field["y"] or field["y"] + field["height"] <= note["y"]
    page.set_viewport_size({"width": 1280, "height": 900})
    password.fill(house.pki.passphrase.decode())
    password.blur()
    expect(page.locator("[data-sign-name]")).to_have_text("Armel KERVADEC")
    asked: list[dict[str, Any]] = []
    page.on("request", lambda one: asked.append(one.post_data_json) if one.url.endswith("preparer") else None)
    page.get_by_role("button", name="Signer 1 document").click()
    log_in_here(page, "a.kervadec")
    mayor.sees("est signé.")
    page.wait_for_function("() => !Object.keys(sessionStorage).some((one) => one.startsWith('note http'))")
    before, after = (one["box"] for one in asked)
    assert before == after
    assert before is not None
    with pikepdf.open(io.BytesIO(house.bytes_of(house.versions(signed)[-1]))) as pdf:
        stamps = [one.Rect for one in pdf.pages[before["page"] - 1].Annots if one.get("/FT") == "/Sig"]
    corners = [before[name] for name in ("x1", "y1", "x2", "y2")]
    assert [float(one) for one in stamps[-1]] == pytest.approx(corners, abs=0.5)
    # Without script, what was posted is told not done, and the page comes back.
    plain: Person = person("a.kervadec", java_script_enabled=False)
    plain.open("/compte")
    apart(lambda: close_sessions(house, "a.kervadec"))
    plain.page.get_by_role("button", name="Enregistrer").first.click()
    plain.sees("Votre session s’est fermée et rien n’a été fait.")
    plain.page.get_by_label("Identifiant").fill("a.kervadec")
    plain.page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    plain.page.get_by_role("button", name="Se connecter").click()
    plain.page.wait_for_url("**/compte")


@pytest.mark.parametrize("lacks", ["**/door.js*", "**/login"], ids=["its script", "its page"])
def test_where_the_login_does_not_come_over_the_page_it_is_told_that_nothing_was_sent(
    house: House, person, lacks: str
) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    mayor: Person = person("a.kervadec")
    mayor.expected.append("net::ERR_FAILED")
    page = mayor.page
    reason = _reason(mayor, folder_id)
    reason.fill("Le bon de commande manque.")
    apart(lambda: close_sessions(house, "a.kervadec"))
    page.evaluate("const now = Date.now; Date.now = () => now() + 120_000")  # the page has been open a while
    page.route(lacks, lambda one: one.abort())
    send = page.get_by_role("button", name=re.compile("^(Rejeter|Renvoyer) le dossier"))
    send.click()
    mayor.sees("Rien n’a été envoyé")
    mayor.sees("Connectez-vous dans un autre onglet")
    expect(reason).to_have_value("Le bon de commande manque.")
    assert house.folder(folder_id).place == "bon_a_payer"
    there = page.context.new_page()
    there.goto(f"{mayor.url}/login")
    there.get_by_label("Identifiant").fill("a.kervadec")
    there.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    there.get_by_role("button", name="Se connecter").click()
    expect(there.get_by_role("heading", name="À traiter")).to_be_visible()
    send.click()
    mayor.sees("est rejeté, retour à")


def test_a_batch_goes_on_in_its_page_when_the_session_is_over(house: House, person) -> None:
    to_sign(house, 3)
    mayor: Person = person("a.kervadec")
    page = mayor.page
    mayor.button("Signer en lot…").click()
    give_key(mayor, house.pki.p12("a_kervadec"), house.pki.passphrase.decode())
    apart(lambda: close_sessions(house, "a.kervadec"))
    mayor.button("Signer 3 dossiers").click()
    log_in_here(page, "a.kervadec")
    expect(mayor.heading("3 dossiers signés sur 3")).to_be_visible(timeout=40_000)
    # A page that only looks on says why it stands still, and goes on once its reader is back.
    to_sign(house, 1)
    mayor.open("/a-traiter")
    mayor.button("Signer en lot…").click()
    number = batch_of(mayor)
    take_up(house.actor("a.kervadec"), number)
    held_since(number, now() + timedelta(hours=1))
    mayor.open(f"/lots/{number}")
    mayor.sees("0 dossier traité sur 1")
    apart(lambda: close_sessions(house, "a.kervadec"))
    mayor.sees("Le lot n’en est pas changé. Reconnectez-vous pour voir où il en est.")
    mayor.button("Se reconnecter").click()
    log_in_here(page, "a.kervadec")
    expect(page.get_by_text("Le lot n’en est pas changé")).to_have_count(0)
    mayor.sees("0 dossier traité sur 1")
    held_since(number, now() - timedelta(hours=1))
    expect(mayor.heading("Lot interrompu : 0 signé, 1 reste")).to_be_visible(timeout=30_000)


# What one decides by, or leafs by, that a message over the page would hide
COVERED = """() => {
  const { left, right, top, bottom } = document.querySelector(".idle-said").getBoundingClientRect();
  return [...document.querySelectorAll(".decide-bar .btn, .tabs a")].filter((one) => {
    const box = one.getBoundingClientRect();
    return box.width && box.left < right && box.right > left && box.top < bottom && box.bottom > top;
  }).map((one) => one.textContent.trim());
}"""


@pytest.mark.parametrize("idle_minutes", [30])
def test_a_session_that_nobody_uses_is_told_before_it_closes(house: House, person) -> None:
    mayor: Person = person()
    folder_id = house.an_invoice("bon_a_payer")
    mayor.page.clock.install()
    mayor.log_in("a.kervadec")
    mayor.folder(folder_id)
    expect(mayor.page.locator(mayor.awake)).to_be_attached()
    # A page of the document that comes late is a use of the session
    mayor.page.wait_for_load_state("networkidle")
    minutes = house.settings.idle_minutes
    # The page reads for long: the server has last been asked a hundred seconds less than the delay ago
    last = now() - timedelta(minutes=minutes) + timedelta(seconds=100)
    with engine().begin() as connection:
        connection.execute(sa.update(LoginSession.__table__).values(seen_at=last))
    mayor.page.clock.fast_forward((minutes * 60 - 100) * 1000)
    told = mayor.page.get_by_role("alert").filter(has_text="Votre session se ferme dans deux minutes")
    expect(told).to_be_visible()
    with reading() as db:
        assert db.scalars(sa.select(LoginSession.seen_at)).one() == last, (
            "a page that looks is no use of the session"
        )
    # Neither what decides nor the tabs of the folder are under it: beside a document at a desk, above the bar on a tablet
    for width, height in ((1280, 720), (820, 1180), (390, 844)):
        mayor.page.set_viewport_size({"width": width, "height": height})
        over = mayor.page.evaluate(COVERED)
        assert over == [], (width, over)
    told.get_by_role("button", name="Rester connecté").click()
    expect(told).to_have_count(0)
    with reading() as db:
        assert db.scalars(sa.select(LoginSession.seen_at)).one() > now() - timedelta(minutes=1)


STORED = "() => JSON.stringify(Object.entries(sessionStorage))"


def test_what_is_kept_in_a_tab_is_sealed_and_comes_back_to_the_same_person_alone(
    house: House, person
) -> None:
    """ASVS 14.3.3: amounts and names that are not saved yet stand in no storage of the browser in the clear."""
    to_reject = house.an_invoice(at="bon_a_payer")
    accountant: Person = person("g.trehorel")
    accountant.expected.append("net::ERR_FAILED")
    folder_id = accountant.deposit("Facture", INVOICE)
    page, draft = accountant.page, f"/dossiers/{folder_id}/brouillon"
    page.route(f"**{draft}", lambda one: one.abort() if one.request.method == "POST" else one.continue_())
    accountant.fill({"order_ref": "BC-2026-0777", "total_ht": "2 535,77"})
    expect(page.locator("[data-draft-said]")).to_contain_text("un nouvel essai sera fait")
    stored = page.evaluate(STORED)
    assert f"draft {draft}" in stored
    assert not any(one in stored for one in ("0777", "535", "order_ref"))
    page.once("dialog", lambda one: one.accept())
    accountant.open(draft)
    accountant.sees("Votre dernière saisie n’a pas été enregistrée")
    accountant.button("Reprendre ma saisie").click()
    expect(page.locator("#order_ref")).to_have_value("BC-2026-0777")
    expect(page.locator("#total_ht")).to_have_value("2 535,77")
    # A reason comes back to the mayor, and what the accountant left in the same tab is of no use to him: it goes.
    mayor: Person = person("a.kervadec")
    reason = _reason(mayor, to_reject)
    reason.fill("Le bon de commande manque.")
    mayor.page.wait_for_function("() => Object.keys(sessionStorage).some((one) => one.startsWith('note '))")
    stored = mayor.page.evaluate(STORED)
    assert "bon de commande" not in stored
    expect(_reason(mayor, to_reject)).to_have_value("Le bon de commande manque.")
    (name,) = (one for one, _held in json.loads(stored) if one.startswith("note "))
    strange = dict(json.loads(page.evaluate(STORED)))[f"draft {draft}"]
    mayor.page.evaluate("([name, held]) => sessionStorage.setItem(name, held)", [name, strange])
    expect(_reason(mayor, to_reject)).to_have_value("")
    mayor.page.wait_for_function("(name) => sessionStorage.getItem(name) === null", arg=name)


def _reason(someone: Person, folder_id: int) -> Locator:
    """The dialog of a rejection, opened on a page read anew."""
    someone.folder(folder_id)
    someone.button("Rejeter…").click()
    return someone.page.get_by_label("Motif, en clair")
