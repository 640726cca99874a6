"""An account that is not known for its supplier: one person calls, another decides, and nobody is paid on it before."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.batches.models import BatchItem
from app.circuits import library
from app.core.db import engine, reading, writing
from app.core.refusals import Refusal
from app.folders import decide, deposit, handing, relieving, ruling, sending
from app.folders.models import DocumentWords, Folder
from app.folders.sockets import cautions
from app.invoices import account_file, accounts, calls
from app.invoices.models import SupplierAccount
from app.journal import chain
from app.operations import state
from app.people import desks
from app.people.actor import Actor
from app.people.own_settings.changing import change_setting
from tests.batches.town import Hand, became, plain
from tests.builders import circuits
from tests.builders.house import House
from tests.folders.test_corrections import an_invoice, send
from tests.invoices.test_history import AFTER, BEFORE, CLERK, FINANCE, MAYOR, SERVICE, Office
from workflows.family import family
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

DIRECTOR = "s.rivoal"
OTHER = "39280913700012"
LIST = "/administration/comptes-fournisseurs"
CALL = {"number": "02 98 00 00 17", "origin": "marché 2024-06", "word": "Mme Guéguen confirme le changement."}


@pytest.fixture
def office(house: House, tmp_path: Path) -> Office:
    office = Office(house, tmp_path)
    paid = office.send(office.draft(signed=True, number="F-1"))
    for login in (SERVICE, FINANCE):
        house.approve(paid, login)
    house.sign(paid, MAYOR)
    house.drain()
    return office


def at_finance(office: Office, **said: str) -> int:
    """An invoice that the service attested and that waits for the finances."""
    folder_id = office.send(office.draft(signed=True, **{"iban": AFTER, **said}))
    office.house.approve(folder_id, SERVICE)  # the service says what was done, not whom to pay
    for key, about in office.told(folder_id).items():
        if key == "duplicate":  # all are made of one file
            office.rule(folder_id, FINANCE, about)
    return folder_id


def sent(hand: Hand, path: str, folder_id: int, **said: str) -> Any:
    return hand.ask(path, "POST", {**said, "version": str(hand.house.folder(folder_id).version)})


def mark_of(house: House, folder_id: int) -> str:
    actor: Actor = house.actor(CLERK)
    with reading(actor.collectivity_id) as db:
        return accounts.doubts(db, house.folder(folder_id))[0].mark


def called(house: House, folder_id: int, login: str, **said: str) -> None:
    calls.note_call(house.actor(login), folder_id, mark=mark_of(house, folder_id), **{**CALL, **said})


def told(house: House, folder_id: int, key: str = "account") -> list[str]:
    actor: Actor = house.actor(CLERK)
    with reading(actor.collectivity_id) as db:
        return [plain(one.sentence) for one in cautions(db, house.folder(folder_id)) if one.key == key]


@pytest.mark.law("INV-21")
def test_one_person_calls_and_another_decides_before_the_finances_and_the_mayor(
    house: House, office: Office
) -> None:
    invoice = at_finance(office, number="F-2")
    finance, clerk, mayor = Hand(house, FINANCE), Hand(house, CLERK), Hand(house, MAYOR)
    page = f"/dossiers/{invoice}/compte/{mark_of(house, invoice)}"
    assert "une personne appelle d’abord le fournisseur" in finance.text(f"/dossiers/{invoice}")
    assert page in finance.client.get(f"/dossiers/{invoice}").get_data(as_text=True)
    assert f'action="{page}/appel"' in finance.client.get(page).get_data(as_text=True)
    with pytest.raises(Refusal, match="visa-gated"):
        house.approve(invoice, FINANCE)
    # Nobody decides before somebody called, nor at a number that the invoice gives or that is none
    for choice in ("accept", f"former:{accounts.digest(BEFORE)}", "refuse"):
        answer = sent(finance, f"{page}/decision", invoice, keep=choice, reason="Vu.")
        assert "une personne doit d’abord appeler le fournisseur" in plain(answer.get_data(as_text=True)), (
            choice
        )
    for wrong, words in (
        ({"number": "17"}, "neuf chiffres au moins"),
        ({"origin": " "}, "d’où vient ce numéro"),
        ({"word": ""}, "qui a répondu"),
    ):
        answer = sent(clerk, f"{page}/appel", invoice, **{**CALL, **wrong})
        shown = plain(answer.get_data(as_text=True))
        assert (answer.status_code, words in shown) == (422, True), wrong
        assert CALL["word"] in shown or not wrong.get("word", "x")  # what was typed is still there
    assert sent(clerk, f"{page}/appel", invoice, **CALL).status_code == 302
    assert "marché 2024-06" in finance.text(page)
    assert "confirme le changement. » Une autre personne décide." in finance.text(f"/dossiers/{invoice}")
    assert "Fournisseur appelé par Gwenola Tréhorel" in clerk.text(f"/dossiers/{invoice}?onglet=journal")
    with reading() as db:
        assert chain.verify(db, 1)[1] is None
    # Who deposited, or called, decides nothing; nor does who is not asked here
    assert "une autre personne décide" in clerk.text(page)
    assert 'name="keep"' not in clerk.client.get(page).get_data(as_text=True)
    for login in (CLERK, MAYOR):
        with pytest.raises(Refusal):
            calls.refuse_account(
                house.actor(login),
                invoice,
                version=house.folder(invoice).version,
                mark=mark_of(house, invoice),
                reason="Non.",
            )
    assert f'action="{page}/decision"' in finance.client.get(page).get_data(as_text=True)
    endless = sent(finance, f"{page}/decision", invoice, keep="accept", reason="Vu. " * 501)
    assert endless.status_code == 422  # and nothing of it is cut off unseen
    none = sent(finance, f"{page}/decision", invoice, keep="", reason="Vu.")
    assert "choisissez ce que vous décidez" in plain(none.get_data(as_text=True))
    answer = sent(finance, f"{page}/decision", invoice, keep="accept", reason="Confirmé par leur banque.")
    assert answer.status_code == 302
    assert finance.client.get(page).status_code == 409  # there is nothing to verify any more
    house.approve(invoice, FINANCE)
    assert "a accepté ce compte" in mayor.text(f"/dossiers/{invoice}")
    house.sign(invoice, MAYOR)
    # From now on it is known for this supplier
    assert not told(house, office.draft(number="F-3", iban=AFTER))


@pytest.mark.law("INV-21")
def test_an_invoice_paid_on_the_known_account_leaves_with_it_and_the_other_stays_aside(
    house: House, office: Office
) -> None:
    invoice = at_finance(office, number="F-2")
    called(house, invoice, SERVICE)
    finance = Hand(house, FINANCE)
    page = f"/dossiers/{invoice}/compte/{mark_of(house, invoice)}/decision"
    sent(
        finance,
        page,
        invoice,
        keep=f"former:{accounts.digest(BEFORE)}",
        reason="Pas de changement de banque.",
    )
    assert house.folder(invoice).fields["iban"] == BEFORE
    house.approve(invoice, FINANCE)
    shown = Hand(house, MAYOR).text(f"/dossiers/{invoice}")
    assert "a écarté ce compte" in shown
    house.sign(invoice, MAYOR)
    house.drain()
    with zipfile.ZipFile(next(house.settings.handover_folder.rglob(f"dossier-{invoice}-*.zip"))) as left:
        handed = json.loads(left.read("manifest.json"))["folder"]
        assert handed["facts"]["iban"] == BEFORE
        ruled = {one["key"]: one["ruling"]["word"] for one in handed["cautions"] if one["ruling"]}
        assert ruled["account"] == "Pas de changement de banque."
        assert [one["ruling"]["keeps"] for one in handed["corrections"]] == ["typed"]
    with reading(office.actor.collectivity_id) as db:
        assert not [
            line for line in state.folders(db, office.actor.collectivity_id) if f"n° {invoice} " in line
        ]
    again = office.draft(number="F-3", iban=AFTER)
    assert "l’a écarté" in told(house, again)[0]
    # Refused, it is rejected in so many words
    refused = at_finance(office, number="F-4")
    called(house, refused, CLERK)
    page = f"/dossiers/{refused}/compte/{mark_of(house, refused)}/decision"
    sent(finance, page, refused, keep="refuse", reason="Le fournisseur n’a pas envoyé cette facture.")
    assert house.folder(refused).place == "rejected"
    assert "n’a pas envoyé cette facture" in Hand(house, CLERK).text(f"/dossiers/{refused}")


def test_the_one_who_called_passes_the_invoice_on_and_the_mayor_decides(house: House, office: Office) -> None:
    invoice = at_finance(office, number="F-2")
    called(house, invoice, FINANCE)
    with pytest.raises(Refusal, match="own-caution"):
        calls.refuse_account(
            house.actor(FINANCE),
            invoice,
            version=house.folder(invoice).version,
            mark=mark_of(house, invoice),
            reason="Non.",
        )
    house.approve(invoice, FINANCE)
    with pytest.raises(Refusal, match="sign-gated"):
        house.sign(invoice, MAYOR)
    mayor = Hand(house, MAYOR)

    def accept() -> None:
        page = f"/dossiers/{invoice}/compte/{mark_of(house, invoice)}/decision"
        assert sent(mayor, page, invoice, keep="accept", reason="Confirmé.").status_code == 302

    accept()
    # Put aside before anybody signed, it is verified again, call and all; once
    with reading(office.actor.collectivity_id) as db:
        number = db.scalar(sa.select(SupplierAccount.id).where(SupplierAccount.iban == AFTER))
    account_file.put_aside(house.actor("k.morizur"), number or 0, "Fraude.")
    assert "l’a écarté" in mayor.text(f"/dossiers/{invoice}")
    with pytest.raises(Refusal, match="sign-gated"):
        house.sign(invoice, MAYOR)
    assert "Le fournisseur est d’abord appelé" in mayor.text(
        f"/dossiers/{invoice}/compte/{mark_of(house, invoice)}"
    )
    called(house, invoice, FINANCE)
    accept()
    house.sign(invoice, MAYOR)


@pytest.mark.law("INV-21")
def test_no_account_passes_unseen_once_the_last_known_one_is_put_aside(house: House, office: Office) -> None:
    administrator = house.actor("k.morizur")
    account_file.bring_in(administrator, f"Fournisseur;SIRET;IBAN\r\nBerthier;{OTHER};{BEFORE}\r\n".encode())
    with reading(administrator.collectivity_id) as db:
        number = db.scalar(sa.select(SupplierAccount.id).where(SupplierAccount.iban == BEFORE))
    account_file.put_aside(administrator, number or 0, "Compte clos.")
    unknown = office.draft(number="F-2", seller="Berthier", seller_siret=OTHER, iban=AFTER)
    assert any("ont été écartés" in sentence for sentence in told(house, unknown))


@pytest.mark.law("INV-21")
def test_an_account_that_one_person_typed_and_another_retained_is_verified_all_the_same(
    house: House, tmp_path: Path
) -> None:
    # No invoice ended here, and there is no list: a first account is not doubted by itself
    french = "FR1420041010050500013M02606"
    invoice = an_invoice(house, tmp_path, said={"iban": BEFORE}, iban=french)
    version, why = house.folder(invoice).version, "Dit au téléphone."
    deposit.save(house.actor(CLERK), invoice, version=version, title=None, facts={"iban": french}, reason=why)
    send(house, invoice)
    assert not told(house, invoice)
    version = house.folder(invoice).version
    ruling.rule(house.actor(SERVICE), invoice, version=version, about="fact:iban", keep="", word="Vu.")
    (sentence,) = told(house, invoice)
    assert f"La facture porte {accounts.ends(BEFORE)}" in sentence
    house.approve(invoice, SERVICE)
    with pytest.raises(Refusal, match="visa-gated"):
        house.approve(invoice, FINANCE)


@pytest.mark.law("INV-21")
def test_a_refusal_under_a_false_name_takes_the_account_from_nobody(house: House, office: Office) -> None:
    listed = f"Fournisseur;SIRET;IBAN\r\nBerthier;{OTHER};{AFTER}\r\n"
    account_file.bring_in(house.actor("k.morizur"), listed.encode())
    forged = at_finance(office, number="F-7", seller="Faussaire", seller_siret="", seller_siren="")
    called(house, forged, SERVICE)
    page = f"/dossiers/{forged}/compte/{mark_of(house, forged)}/decision"
    answer = sent(Hand(house, FINANCE), page, forged, keep="refuse", reason="Ce n’est pas son compte.")
    assert answer.status_code == 302
    theirs = office.draft(number="F-8", seller="Berthier", seller_siret=OTHER, iban=AFTER)
    assert not told(house, theirs)


@pytest.mark.law("INV-21")
def test_an_account_that_one_person_left_out_is_still_the_one_of_the_file(
    house: House, tmp_path: Path
) -> None:
    invoice = an_invoice(house, tmp_path, said={"iban": AFTER}, iban="")
    version, why = house.folder(invoice).version, "Payée autrement."
    deposit.save(house.actor(CLERK), invoice, version=version, title=None, facts={"iban": ""}, reason=why)
    send(house, invoice)
    version = house.folder(invoice).version
    ruling.rule(house.actor(SERVICE), invoice, version=version, about="fact:iban", keep="", word="Vu.")
    assert told(house, invoice), "no call, no decision of two"


@pytest.mark.law("INV-21")
def test_of_several_accounts_that_are_added_each_is_ruled_on(house: House, office: Office) -> None:
    invoice, french = at_finance(office, number="F-20", iban=BEFORE), "FR1420041010050500013M02606"
    added = {"at": "2026-11-25", "count": 1, "files": ["RIB.pdf"], "ibans": [french, AFTER], "first": False}
    with writing() as db, db.begin():
        row = db.get_one(Folder, invoice)
        row.sources = {**row.sources, accounts.COMPLETED: [added]}
    with reading(office.actor.collectivity_id) as db:
        both = accounts.doubts(db, house.folder(invoice))
    assert [doubt.iban for doubt in both] == [french, AFTER]
    for doubt in both:
        calls.note_call(house.actor(SERVICE), invoice, mark=doubt.mark, **CALL)

    version, about = house.folder(invoice).version, both[0].about
    done = ruling.rule(house.actor(FINANCE), invoice, version=version, about=about, keep="accept", word="Vu.")
    assert f"accepté, à la place de {accounts.ends(BEFORE)}" in done
    assert house.folder(invoice).fields["iban"] == french
    assert any(accounts.ends(AFTER) in sentence for sentence in told(house, invoice)), "not cleared unseen"
    bare = at_finance(office, number="F-21", iban="")
    with writing() as db, db.begin():
        row = db.get_one(Folder, bare)
        row.sources = {**row.sources, accounts.COMPLETED: [{**added, "ibans": [AFTER]}]}
    called(house, bare, SERVICE)
    version, about = house.folder(bare).version, f"account:{mark_of(house, bare)}"
    done = ruling.rule(house.actor(FINANCE), bare, version=version, about=about, keep="accept", word="Vu.")
    assert "à la place de" not in done, "it bore none"
    assert house.folder(bare).fields["iban"] == AFTER


def test_a_chosen_desk_that_signs_decides_on_the_account(house: House, office: Office) -> None:
    data = family("invoice").circuit.to_data()
    next(step for step in data["steps"] if step["kind"] == "sign")["who"] = [{"chosen": "proof_of_service"}]
    circuits.publish(house.actor("k.morizur"), "invoice", library.as_yaml(data))
    draft = office.draft(signed=True, number="F-2", iban=AFTER)
    change_setting(house.actor("k.morizur"), "service_and_signature", {"service_and_signature": "off"})
    house.save(draft, CLERK, {"received_on": "2026-11-20", "proof_of_service": "maire"})
    invoice = office.send(draft)
    page = f"/dossiers/{invoice}/compte/{mark_of(house, invoice)}"
    mayor = Hand(house, MAYOR)
    assert "Les finances, ou qui signe" in mayor.text(page)  # he attests the service here
    house.approve(invoice, MAYOR)
    called(house, invoice, FINANCE)
    for about in [about for key, about in office.told(invoice).items() if key == "duplicate"]:
        office.rule(invoice, FINANCE, about)
    house.approve(invoice, FINANCE)
    assert sent(mayor, f"{page}/decision", invoice, keep="accept", reason="Confirmé.").status_code == 302
    house.sign(invoice, MAYOR)


def test_a_number_written_on_the_invoice_is_not_called(house: House, office: Office) -> None:
    invoice = at_finance(office, number="F-2")
    house.drain()  # its words are read
    text = "Service comptable : +33 (0)2 98 00 00 17"
    with engine().begin() as connection:
        change = sa.update(DocumentWords).where(DocumentWords.folder_id == invoice)
        assert connection.execute(change.values(text=text)).rowcount
    with pytest.raises(Refusal, match="call-number-of-invoice"):
        called(house, invoice, CLERK)
    called(house, invoice, CLERK, number="+33 2 98 11 22 33")
    shown = Hand(house, CLERK).text(f"/dossiers/{invoice}/compte/{mark_of(house, invoice)}")
    assert "n’ont pas pu être lus" not in shown
    # Where nothing could be read, nothing was compared, and the page says so
    with engine().begin() as connection:
        connection.execute(sa.update(DocumentWords).where(DocumentWords.folder_id == invoice).values(text=""))
    called(house, invoice, SERVICE)
    shown = Hand(house, CLERK).text(f"/dossiers/{invoice}/compte/{mark_of(house, invoice)}")
    assert "Les mots de la facture n’ont pas pu être lus" in shown


def test_what_is_odd_about_an_account_is_told(house: House, office: Office) -> None:
    for said, words in (
        ({"iban": AFTER}, "tenu hors de France (LT)"),
        ({"iban": "FR7630001007941234567890186"}, "Sa clé est fausse"),
        (
            {"iban": BEFORE, "seller": "Autre SARL", "seller_siret": "", "seller_siren": "212909998"},
            "s’est terminée ici",
        ),
        (
            {"iban": AFTER, "seller": "Autre", "seller_siret": "", "seller_siren": "212909998"},
            "hors de France",
        ),
        # Of which nobody said yet who sends it: the account is no other supplier's before that
        ({"iban": BEFORE, "seller": "", "seller_siret": "", "seller_siren": ""}, "rien ne dit à qui est"),
    ):
        sentences = told(house, office.draft(number="F-9", **said))
        assert len(sentences) == 1, said
        assert words in sentences[0], said
    assert not told(
        house,
        office.draft(
            number="F-9",
            seller="Neuf",
            seller_siret="",
            seller_siren="212909998",
            iban="FR1420041010050500013M02606",
        ),
    )


def test_the_list_of_the_finance_software_is_known_and_a_wrong_one_changes_nothing(
    house: House, office: Office
) -> None:
    administrator = house.actor("k.morizur")
    head = "Fournisseur;SIRET;IBAN\r\n"
    for content, refusal in (
        (b"PK\x03\x04\0\0", "ibans-unread"),
        (b"Nom;IBAN\r\nX;Y\r\n", "ibans-columns"),
        (head.encode(), "ibans-empty"),
        (f"{head}Berthier;{OTHER};FR7630001007941234567890186\r\n".encode(), "ibans-faults"),
        (f"{head}Berthier;39280913700028;{AFTER}\r\n".encode(), "ibans-faults"),
        (f"{head}Berthier;{OTHER};{AFTER}\r\n;{OTHER};{AFTER}\r\n".encode(), "ibans-faults"),
        (f"{head}Ber\N{RIGHT-TO-LEFT OVERRIDE}thier;{OTHER};{AFTER}\r\n".encode(), "ibans-faults"),
    ):
        with pytest.raises(Refusal, match=refusal):
            account_file.bring_in(administrator, content)
    with pytest.raises(Refusal, match="right-missing"):
        account_file.bring_in(house.actor(CLERK), head.encode())
    assert told(house, office.draft(number="F-2", iban=AFTER))
    # A second account of the same supplier, from a tool that writes Windows-1252 and spaces
    listed = (
        f'{head}Chaudronnerie Lenaïg;{OTHER};{AFTER[:4]} {AFTER[4:]}\r\n=HYPERLINK("x");{OTHER};{BEFORE}\r\n'
    )
    assert account_file.bring_in(administrator, listed.encode("cp1252")) == (2, 0, 0)
    assert account_file.bring_in(administrator, listed.encode("utf-8-sig")) == (0, 2, 0)
    assert not told(house, office.draft(number="F-3", iban=AFTER))
    # Since there is a list, a supplier that it does not have is verified at once
    unknown = office.draft(
        number="F-9",
        seller="Neuf",
        seller_siret="21290999800016",
        seller_siren="212909998",
        iban="FR1420041010050500013M02606",
    )
    assert "n’a pas ce fournisseur" in told(house, unknown)[0]
    page = Hand(house, "k.morizur").text("/administration/comptes-fournisseurs")
    assert "Chaudronnerie Lenaïg" in page
    assert AFTER not in page
    assert "Aucun compte à ce nom" in Hand(house, "k.morizur").text(
        "/administration/comptes-fournisseurs?q=zzz"
    )
    assert "Comptes de fournisseurs importés" in Hand(house, "k.morizur").text("/administration/journal")


def again(house: House, folder_id: int, **said: str) -> None:
    """The depositor takes it back, writes these values, and sends it anew."""
    decide.recall(house.actor(CLERK), folder_id, version=house.folder(folder_id).version)
    house.save(folder_id, CLERK, said)
    sending.send(house.actor(CLERK), folder_id, version=house.folder(folder_id).version)


@pytest.mark.law("INV-21")
def test_no_decision_outlives_the_round_the_account_or_the_seller(house: House, office: Office) -> None:
    invoice = at_finance(office, number="F-2")
    called(house, invoice, SERVICE)
    finance = Hand(house, FINANCE)
    page = f"/dossiers/{invoice}/compte/{mark_of(house, invoice)}/decision"
    sent(finance, page, invoice, keep=f"former:{accounts.digest(BEFORE)}", reason="Pas de changement.")
    again(house, invoice, iban=AFTER)  # put aside, and written back by who deposited it
    (sentence,) = told(house, invoice)
    assert "l’a écarté" in sentence
    house.approve(invoice, SERVICE)
    for about in [about for key, about in office.told(invoice).items() if key == "duplicate"]:
        office.rule(invoice, FINANCE, about)
    with pytest.raises(Refusal, match="visa-gated"):
        house.approve(invoice, FINANCE)
    with pytest.raises(Refusal, match="iban-call-first"):  # the call of the first round is of that round
        calls.refuse_account(
            house.actor(FINANCE),
            invoice,
            version=house.folder(invoice).version,
            mark=mark_of(house, invoice),
            reason="X",
        )
    # Nor does taking the account out of the form end it
    again(house, invoice, iban="")
    assert told(house, invoice)


@pytest.mark.law("INV-21")
def test_a_lot_does_not_pass_what_a_page_holds(house: House, office: Office) -> None:
    invoice, other = at_finance(office, number="F-2"), house.a_quick_invoice()
    hand = Hand(house, FINANCE)
    became(
        hand.propose("approve", [invoice, other]),
        {invoice: ("left_out", "« IBAN changé"), other: ("waiting", "")},
    )
    # What holds it came after the list was shown
    with engine().begin() as base:
        base.execute(sa.update(BatchItem).values(state="waiting", reason=""))
        number = base.execute(sa.select(BatchItem.batch_id)).scalars().first()
    hand.post(f"/lots/{number}/commencer")
    house.drain()
    became(
        number,
        {
            invoice: ("refused", "Votre visa n’a pas été donné, et rien n’a changé."),
            other: ("done", ""),
        },
    )
    administrator = "k.morizur"
    desks.seat(office.actor.collectivity_id, "finances", administrator, [Right.FOLLOW])
    version = house.folder(invoice).version
    with pytest.raises(Refusal, match="passing-held"):
        relieving.pass_step(house.actor(administrator), invoice, version=version, reason="Absente.")
    shown = Hand(house, administrator).text(f"/dossiers/{invoice}/remplacer")
    assert "une personne appelle d’abord le fournisseur" in shown
    assert "Votre visa" not in shown
    assert house.folder(invoice).place == "finance"


@pytest.mark.law("INV-21")
def test_the_name_of_one_supplier_over_the_number_of_another_is_told(house: House, office: Office) -> None:
    shell = {"seller": "Coquille Trégor", "seller_siret": "", "seller_siren": "212909998", "iban": AFTER}
    paid = office.draft(signed=True, number="C-1", **shell)
    office.send(paid)
    house.approve(paid, SERVICE)
    called(house, paid, SERVICE)
    for about in [about for key, about in office.told(paid).items() if key == "duplicate"]:
        office.rule(paid, FINANCE, about)
    page = f"/dossiers/{paid}/compte/{mark_of(house, paid)}/decision"
    sent(Hand(house, FINANCE), page, paid, keep="accept", reason="Vu.")
    house.approve(paid, FINANCE)
    house.sign(paid, MAYOR)
    house.drain()
    assert not told(house, office.draft(number="C-2", **shell))
    other = {**shell, "seller": "Atelier Berthier SARL"}
    assert "portent le nom « Coquille Trégor »" in told(house, office.draft(number="C-3", **other))[0]
    assert not told(house, office.draft(number="C-4", **{**shell, "seller": "SARL COQUILLE TREGOR"}))
    # Of two sellers in dispute, an account known for one alone is told
    disputed = office.draft(number="F-8", iban=BEFORE)
    house.save(disputed, CLERK, {"seller_siret": "21290999800016", "seller_siren": "212909998"})
    assert told(house, disputed)


def test_whoever_wrote_the_draft_or_attests_the_service_does_not_decide(house: House, office: Office) -> None:
    invoice = office.send(office.draft(signed=True, number="F-2", iban=AFTER))
    called(house, invoice, CLERK)
    with pytest.raises(Refusal, match="iban-service"):
        calls.refuse_account(
            house.actor(SERVICE),
            invoice,
            version=house.folder(invoice).version,
            mark=mark_of(house, invoice),
            reason="X",
        )
    assert "Les finances" in Hand(house, SERVICE).text(
        f"/dossiers/{invoice}/compte/{mark_of(house, invoice)}"
    )
    folder = house.folder(invoice)
    assert folder.writers <= accounts.deciding_apart(folder)
    # Handed on, it is the service that is attested all the same: nobody decides there, and the visa waits for nobody
    handing.hand(house.actor(SERVICE), invoice, version=folder.version, desk="direction", reason="Congés.")
    with pytest.raises(Refusal, match="iban-service"):
        calls.refuse_account(
            house.actor(DIRECTOR),
            invoice,
            version=house.folder(invoice).version,
            mark=mark_of(house, invoice),
            reason="X",
        )
    for login in (DIRECTOR, FINANCE):
        for about in [about for key, about in office.told(invoice).items() if key == "duplicate"]:
            office.rule(invoice, login, about)
        if login == FINANCE:
            called(house, invoice, FINANCE)
        house.approve(invoice, login)
    with pytest.raises(Refusal, match="call-decider"):
        called(house, invoice, MAYOR)


def test_a_list_that_comes_after_an_invoice_settles_nothing_of_it(house: House, office: Office) -> None:
    administrator = house.actor("k.morizur")
    waiting = office.draft(number="F-2", iban=AFTER)
    head = "Fournisseur;SIRET;IBAN\r\n"
    assert account_file.bring_in(administrator, f"{head}Berthier;{OTHER};{AFTER}\r\n".encode()) == (1, 0, 0)
    assert told(house, waiting)
    assert not told(house, office.draft(number="F-3", iban=AFTER))
    # It warns all the same of another account, on an invoice that nothing was known of
    stranger = {"seller": "Kervella SARL", "seller_siret": "99954321800013", "seller_siren": "999543218"}
    unknown = office.draft(number="F-9", iban=BEFORE, seller_vat="", **stranger)
    assert not any("importée depuis" in line for line in told(house, unknown))
    account_file.bring_in(administrator, f"{head}Kervella;99954321800013;{AFTER}\r\n".encode())
    assert any("La liste importée depuis son arrivée donne" in line for line in told(house, unknown))
    # A supplier of the list whose invoice has no SIRET is himself
    assert not told(
        house,
        office.draft(
            number="F-4", iban=AFTER, seller="BERTHIER", seller_siret="", seller_siren="", seller_vat=""
        ),
    )
    with pytest.raises(Refusal, match="ibans-faults"):
        account_file.bring_in(administrator, f"{head}B;3928091370001²;{AFTER}\r\n".encode())
    # An administrator may put one aside, never back
    with pytest.raises(Refusal, match="ibans-gone"):
        account_file.put_aside(administrator, 999_999, "Fin du contrat.")
    page = Hand(house, "k.morizur")
    number = re.search(r'name="aside"\s+value="(\d+)"', page.ask(LIST).get_data(as_text=True))
    assert number is not None
    assert page.ask(LIST, "POST", {"aside": number[1], "reason": ""}).status_code == 422
    assert page.ask(LIST, "POST", {"aside": number[1], "reason": "Fin du contrat."}).status_code == 302
    assert page.ask(LIST, "POST", {"aside": number[1], "reason": "Encore."}).status_code == 409
    assert "l’a écarté" in told(house, office.draft(number="F-5", iban=AFTER))[0]
    assert "Écarté par un administrateur, Katell Morizur" in page.text(LIST)
    assert account_file.bring_in(administrator, f"{head}Berthier;{OTHER};{AFTER}\r\n".encode()) == (0, 0, 1)


def test_a_name_that_several_suppliers_bore_and_no_siret_is_told(house: House, office: Office) -> None:
    namesake = {"seller_siret": "", "seller_siren": "212909998", "iban": BEFORE}
    paid = at_finance(office, number="H-1", **namesake)
    house.approve(paid, FINANCE)
    house.sign(paid, MAYOR)
    house.drain()
    nameless = office.draft(number="H-2", seller_siret="", seller_siren="", iban=BEFORE)
    assert "Plusieurs fournisseurs portent ce nom" in told(house, nameless)[0]
