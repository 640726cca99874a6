"""An account that is not known for its supplier: one person calls, another decides, and nobody is paid on it before."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.folders.models import DocumentWords
from app.folders.sockets import cautions
from app.invoices import account_file, accounts, calls
from app.operations import state
from app.people.actor import Actor
from tests.batches.town import Hand, plain
from tests.builders.house import House
from tests.invoices.test_history import AFTER, BEFORE, CLERK, FINANCE, MAYOR, SERVICE, Office

pytestmark = pytest.mark.in_turn

OTHER = "39280913700012"
MARK = accounts.about(AFTER).partition(":")[2]
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


def called(house: House, folder_id: int, login: str, **said: str) -> None:
    calls.note_call(house.actor(login), folder_id, mark=MARK, **{**CALL, **said})


def told(house: House, folder_id: int, key: str = "account") -> list[str]:
    actor: Actor = house.actor(CLERK)
    with reading(actor.collectivity_id) as db:
        return [one.sentence for one in cautions(db, house.folder(folder_id)) if one.key == key]


@pytest.mark.law("INV-21")
def test_one_person_calls_and_another_decides_before_the_finances_and_the_mayor(
    house: House, office: Office
) -> None:
    invoice = at_finance(office, number="F-2")
    finance, clerk, mayor = Hand(house, FINANCE), Hand(house, CLERK), Hand(house, MAYOR)
    page = f"/dossiers/{invoice}/compte/{MARK}"
    assert "une personne appelle d’abord le fournisseur" in finance.text(f"/dossiers/{invoice}")
    assert page in finance.client.get(f"/dossiers/{invoice}").get_data(as_text=True)
    assert f'action="{page}/appel"' in finance.client.get(page).get_data(as_text=True)
    with pytest.raises(Refusal, match="visa-gated"):
        house.approve(invoice, FINANCE)
    # Nobody decides before somebody called, nor at a number that the invoice gives or that is none
    for choice in ("accept", "former", "refuse"):
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
    assert "Fournisseur appelé par Gwenola Tréhorel" in clerk.text(f"/dossiers/{invoice}?onglet=journal")
    # Who deposited, or called, decides nothing; nor does who is not asked here
    assert "une autre personne décide" in clerk.text(page)
    assert 'name="keep"' not in clerk.client.get(page).get_data(as_text=True)
    for login in (CLERK, MAYOR):
        with pytest.raises(Refusal):
            calls.refuse_account(
                house.actor(login), invoice, version=house.folder(invoice).version, mark=MARK, reason="Non."
            )
    assert f'action="{page}/decision"' in finance.client.get(page).get_data(as_text=True)
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
    page = f"/dossiers/{invoice}/compte/{MARK}/decision"
    sent(finance, page, invoice, keep="former", reason="Pas de changement de banque.")
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
    page = f"/dossiers/{refused}/compte/{MARK}/decision"
    sent(finance, page, refused, keep="refuse", reason="Le fournisseur n’a pas envoyé cette facture.")
    assert house.folder(refused).place == "rejected"
    assert "n’a pas envoyé cette facture" in Hand(house, CLERK).text(f"/dossiers/{refused}")


def test_the_one_who_called_passes_the_invoice_on_and_the_mayor_decides(house: House, office: Office) -> None:
    invoice = at_finance(office, number="F-2")
    called(house, invoice, FINANCE)
    with pytest.raises(Refusal, match="own-caution"):
        calls.refuse_account(
            house.actor(FINANCE), invoice, version=house.folder(invoice).version, mark=MARK, reason="Non."
        )
    house.approve(invoice, FINANCE)
    with pytest.raises(Refusal, match="sign-gated"):
        house.sign(invoice, MAYOR)
    mayor = Hand(house, MAYOR)
    sent(mayor, f"/dossiers/{invoice}/compte/{MARK}/decision", invoice, keep="accept", reason="Confirmé.")
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
    assert account_file.bring_in(administrator, listed.encode("cp1252")) == (2, 0)
    assert account_file.bring_in(administrator, listed.encode("utf-8-sig")) == (0, 2)
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
