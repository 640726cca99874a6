"""Deciding beside others: a page that is late is told what happened, and a folder that was refused comes back corrected."""

import pytest
from playwright.sync_api import Route, expect

from tests.browser.person import Person
from tests.builders.house import ASSETS, INVOICE, House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
OTHER = ASSETS / "invoices" / "fx-extended-de-marchandises.pdf"


def test_a_stale_page_says_who_decided_keeps_the_note_and_leads_to_the_next_folder(
    house: House, person
) -> None:
    first, second = house.an_invoice(at="finance"), house.an_invoice(at="finance", path=OTHER)
    late: Person = person("n.abgrallec")
    late.folder(first)
    late.page.get_by_text("Ajouter une note au visa").click()
    late.page.get_by_label("Note, facultative").fill("Imputation vérifiée, crédits disponibles.")
    house.approve(first, "t.lescoat")
    with late.page.expect_response("**/viser") as answer:
        late.button("Viser").click()
    assert answer.value.status == 409
    expect(late.heading("Ce dossier a avancé")).to_be_visible()
    late.sees("Tifenn Lescoat a visé « Atelier Berthier SARL, Maintenance preventive CVC - aout 2026 » à")
    late.sees("pendant que vous le lisiez. Votre visa n’a pas été enregistré.")
    expect(late.page.get_by_label("Ce que vous aviez écrit")).to_have_value(
        "Imputation vérifiée, crédits disponibles."
    )
    late.button("Ouvrir le dossier suivant").click()
    assert late.number() == second


def test_a_stale_reject_keeps_the_reason_and_refuses_nothing(house: House, person) -> None:
    folder_id = house.an_invoice(at="finance")
    late: Person = person("t.lescoat")
    late.folder(folder_id)
    late.button("Rejeter…").click()
    late.page.get_by_label("Motif, en clair").fill("Le bon de livraison manque.")
    house.approve(folder_id, "n.abgrallec")
    late.button("Rejeter le dossier").click()
    late.sees("Nolwenn Abgrallec a visé")
    late.sees("Votre rejet n’a pas été enregistré.")
    expect(late.page.get_by_label("Ce que vous aviez écrit")).to_have_value("Le bon de livraison manque.")
    late.button("Revoir ce dossier").click()
    late.sees("On attend Armel Kervadec")
    assert house.folder(folder_id).place == "bon_a_payer"


def test_the_button_of_a_refusal_says_where_the_folder_goes_back_to(house: House, person) -> None:
    folder_id = house.an_invoice(at="finance")
    finance: Person = person("n.abgrallec")
    finance.folder(folder_id)
    finance.button("Rejeter…").click()
    act = finance.page.locator("dialog[open] .btn-reject-full")
    expect(act).to_have_text("Rejeter le dossier")
    finance.page.get_by_role("button", name="Pièce manquante").click()
    finance.page.get_by_text("L’étape « Service fait »").click()
    expect(act).to_have_text("Renvoyer à l’étape « Service fait »")
    finance.page.get_by_text("La personne qui a déposé").click()
    expect(act).to_have_text("Rejeter le dossier")
    finance.page.get_by_text("L’étape « Service fait »").click()
    act.click()
    finance.sees("est renvoyé")
    assert house.folder(folder_id).place == "service_done"


def test_a_refused_folder_is_corrected_and_sent_again_with_the_old_version_still_readable(
    house: House, person
) -> None:
    folder_id = house.an_invoice(at="service_done")
    technician: Person = person("r.pellenec")
    technician.folder(folder_id)
    technician.button("Rejeter…").click()
    technician.page.get_by_role("button", name="Pièce manquante").click()
    reason = technician.page.get_by_label("Motif, en clair")
    expect(reason).to_have_value("Pièce manquante. ")
    reason.press_sequentially("Il manque le bon de livraison.")
    technician.button("Rejeter le dossier").click()
    technician.sees("est rejeté, retour à Gwenola Tréhorel.")

    accountant: Person = person("g.trehorel")
    accountant.page.get_by_role("link", name="Retournés").click()
    accountant.page.get_by_role("link", name="Atelier Berthier").click()
    accountant.sees("Rejeté par Ronan Pellenec")
    accountant.sees("Pièce manquante. Il manque le bon de livraison.")
    accountant.button("Corriger et renvoyer").click()
    accountant.fill({"order_ref": "BC-2026-0391"})
    accountant.page.get_by_text("Remplacer", exact=False).first.click()
    accountant.page.get_by_label("Nouvelle version de").first.set_input_files(OTHER)
    accountant.sees("Le document est remplacé. L’ancienne version reste lisible.")
    expect(accountant.page.locator("#order_ref")).not_to_have_value("")
    # It does not say what the first one said: who decides is told why
    why = accountant.page.get_by_label("Motif de la correction")
    why.fill("Le fournisseur a envoyé une autre facture.")
    accountant.button("Envoyer dans le circuit").click()
    accountant.sees("Le dossier est envoyé dans le circuit.")

    technician.folder(folder_id, "pieces")
    technician.sees("Un autre document a pris la place du premier (Gwenola Tréhorel")
    technician.page.get_by_text("2 versions gardées").click()
    with technician.page.expect_download() as kept:
        technician.page.get_by_role("link", name="Version 1").click()
    assert kept.value.path().read_bytes() == INVOICE.read_bytes()
    technician.button("Viser").click()
    technician.sees("est visé.")
    assert [
        letter
        for letter in house.mail.to("g.trehorel@")
        if "rejet" in str(letter["Subject"]).lower() or "refus" in str(letter["Subject"]).lower()
    ]


def test_what_is_typed_on_a_draft_is_kept_when_an_annex_is_added(house: House, person) -> None:
    accountant: Person = person("g.trehorel")
    accountant.deposit("Facture", INVOICE)
    accountant.fill({"order_ref": "BC-2026-0391", "proof_of_service": "technique"})
    accountant.page.get_by_label("Ajouter un document ou une annexe").set_input_files(
        ASSETS / "acts" / "convention-2026-018-cercle-nautique.pdf"
    )
    expect(accountant.page.get_by_role("link", name="convention-2026-018-cercle-nautique")).to_be_visible()
    expect(accountant.page.locator("#order_ref")).to_have_value("BC-2026-0391")
    accountant.fill({"iban": "FR7630001007941234567890185"})
    accountant.page.get_by_role("button", name="Retirer convention-2026-018-cercle-nautique").click()
    expect(accountant.page.get_by_text("convention-2026-018-cercle-nautique")).to_have_count(0)
    expect(accountant.page.locator("#iban")).to_have_value("FR7630001007941234567890185")
    expect(accountant.page.locator("#proof_of_service")).to_have_value("technique")


def test_on_a_slow_network_nothing_typed_is_lost_and_the_page_says_what_was_done(
    house: House, person
) -> None:
    accountant: Person = person("g.trehorel")
    accountant.deposit("Facture", INVOICE)
    page = accountant.page
    accountant.fill({"proof_of_service": "technique"})
    slow: list[Route] = []
    page.route(
        "**/brouillon",
        lambda route: slow.append(route) if route.request.method == "POST" else route.continue_(),
    )
    page.get_by_text("Remplacer", exact=False).first.click()
    with page.expect_request("**/brouillon"):
        page.get_by_label("Nouvelle version de").first.set_input_files(OTHER)
    expect(page.locator("#draft")).to_have_js_property("inert", True)  # what would be typed now would be lost
    accountant.until(slow)
    slow.pop().continue_()
    accountant.sees("Le document est remplacé. L’ancienne version reste lisible.")
    expect(page.locator("#proof_of_service")).to_have_value("technique")


def test_a_draft_changed_elsewhere_keeps_what_was_typed_here_and_offers_it_again(
    house: House, person
) -> None:
    accountant: Person = person("g.trehorel")
    accountant.deposit("Facture", INVOICE)
    page = accountant.page
    elsewhere = accountant.context.new_page()
    accountant.watch(elsewhere)
    elsewhere.goto(page.url)
    elsewhere.locator("html[data-awake] #order_ref").fill("BC-2026-0999")
    elsewhere.get_by_role("button", name="Garder en brouillon").click()
    expect(elsewhere.locator(".flash")).to_contain_text("Le brouillon est enregistré.")
    accountant.fill({"order_ref": "BC-2026-0391", "proof_of_service": "technique"})
    accountant.sees("Le dossier a été modifié ailleurs.")
    page.get_by_label("Ajouter un document ou une annexe").set_input_files(OTHER)
    accountant.sees("les documents n’ont pas changé. Le dossier a avancé : rechargez la page")
    expect(page.locator("#order_ref")).to_have_value("BC-2026-0391")
    page.reload()
    expect(page.locator("#order_ref")).to_have_value("BC-2026-0999")
    accountant.sees("Votre dernière saisie n’a pas été enregistrée")
    accountant.button("Reprendre ma saisie").click()
    expect(page.locator("#order_ref")).to_have_value("BC-2026-0391")
    expect(page.locator("#proof_of_service")).to_have_value("technique")
    accountant.button("Garder en brouillon").click()
    accountant.sees("Le brouillon est enregistré.")
    page.reload()
    expect(page.get_by_role("button", name="Reprendre ma saisie")).to_have_count(0)
    expect(page.locator("#order_ref")).to_have_value("BC-2026-0391")


def test_a_cut_network_changes_no_document_and_keeps_what_was_typed(house: House, person) -> None:
    accountant: Person = person("g.trehorel")
    accountant.deposit("Facture", INVOICE, OTHER)
    page = accountant.page
    accountant.expected.append("net::ERR_")
    accountant.fill({"order_ref": "BC-2026-0391"})
    page.route("**/brouillon", lambda route: route.abort())
    page.get_by_role("button", name=f"Retirer {OTHER.stem}").click()
    accountant.sees("Rien n’a changé")
    accountant.sees("Vérifiez la connexion, puis recommencez.")
    page.unroute("**/brouillon")
    expect(page.locator("#order_ref")).to_be_editable()
    page.get_by_role("button", name=f"Retirer {OTHER.stem}").click()
    expect(page.get_by_text(OTHER.stem)).to_have_count(0)
    expect(page.locator("#order_ref")).to_have_value("BC-2026-0391")


def test_without_script_a_question_is_a_page_and_the_decision_passes(house: House, person) -> None:
    folder_id = house.an_invoice(at="service_done")
    plain: Person = person("g.trehorel", java_script_enabled=False)
    plain.folder(folder_id)
    plain.button("Reprendre le dossier").click()
    dialog = plain.page.locator("dialog[open]")
    expect(dialog).to_contain_text("redevient un brouillon")
    dialog.get_by_role("button", name="Reprendre le dossier").click()
    plain.sees("Le dossier est repris")
    assert house.folder(folder_id).phase == "draft"


def test_at_a_desk_acts_have_their_words_on_one_line(house: House, person) -> None:
    finance: Person = person("n.abgrallec")
    finance.folder(house.an_invoice(at="finance"))
    lines = finance.page.locator(".pair .btn:visible, .vpin").evaluate_all(
        "all => all.map(one => one.offsetHeight)"
    )
    assert len(lines) >= 4
    assert len(set(lines)) == 1, lines
    box = finance.button("Épingler une note").bounding_box()
    assert box is not None
    assert box["width"] > 150
    finance.page.set_viewport_size({"width": 390, "height": 844})
    expect(finance.button("Épingler une note sur une page")).to_have_css("width", "44px")


def test_on_a_telephone_the_act_of_a_dialog_is_in_sight(house: House, person) -> None:
    folder_id = house.an_invoice(at="finance")
    finance: Person = person("n.abgrallec")
    finance.page.set_viewport_size({"width": 390, "height": 844})
    finance.folder(folder_id)
    finance.button("Rejeter…").click()
    act = finance.page.locator("dialog[open] .btn-reject-full")
    expect(act).to_be_in_viewport(ratio=1)
    finance.page.keyboard.press("Escape")
    finance.button("Autres actes").click()
    finance.page.get_by_role("link", name="Confier…").click()
    expect(finance.button("Confier le dossier")).to_be_in_viewport(ratio=1)
