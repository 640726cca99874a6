"""The data of an invoice are shown in French, line by line, beside the page they came with."""

from pathlib import Path

import pytest

from app.core.refusals import Refusal
from app.invoices.reading import render_xml_rows
from app.invoices.rows import money

SAMPLES = Path(__file__).parent.parent / "assets" / "invoices"


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def rows(name: str) -> dict[str, str]:
    return {plain(label): plain(value) for label, value in render_xml_rows((SAMPLES / name).read_bytes())}


def test_a_ubl_invoice_is_shown_with_its_lines_and_its_taxes() -> None:
    shown = rows("ubl-en16931-fr.xml")
    assert shown["Nature"] == "Facture (380)"
    assert shown["Date d’émission"] == "17/06/2026"
    assert shown["SIRET du vendeur"] == "99999999800019"
    assert shown["Bon de commande"] == "PO1242"
    assert shown["Total TTC"] == "308,03 €"
    assert shown["Net à payer"] == "208,03 €"
    assert {"Ligne 1", "Ligne 2"} <= set(shown)
    assert any(label.startswith("TVA à ") for label in shown)


def test_a_cii_invoice_in_another_currency_keeps_it() -> None:
    shown = rows("cii-en16931-acompte.xml")
    assert shown["Total HT"] == "4 000,00 DKK"
    assert shown["Déjà payé"] == "2 337,50 DKK"


def test_a_line_says_quantity_price_and_amount() -> None:
    assert rows("cii-extended-fr.xml")["Ligne 2"] == "FOURNITURES PAPIER : 3 × 30,00 € = 28,00 €"


@pytest.mark.law("INV-23")
def test_a_credit_note_is_called_so() -> None:
    assert rows("ubl-avoir.xml")["Nature"] == "Avoir (381)"


def test_an_amount_without_currency_has_no_sign() -> None:
    assert plain(money("3042.00", "")) == "3 042,00"
    assert plain(money("3042.00", "EUR")) == "3 042,00 €"
    assert money("beaucoup", "EUR") == "beaucoup"


def test_another_xml_has_no_rows_and_a_hostile_one_is_refused() -> None:
    assert render_xml_rows(b"<a/>") == ()
    with pytest.raises(Refusal):
        render_xml_rows(b"<!DOCTYPE a><a/>")
