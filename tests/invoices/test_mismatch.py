"""The page and the data of an invoice are compared, and only a plain contradiction raises an alarm."""

import dataclasses
from pathlib import Path

import pytest

from app.invoices.mismatch import Mismatch, compare, compare_text
from app.invoices.reading import Reading, read_invoice

SAMPLES = Path(__file__).parent.parent / "assets" / "invoices"
PDFS = sorted(SAMPLES.glob("*.pdf"))


def read(path: Path, **said: str) -> Reading:
    reading = read_invoice(path, "application/pdf")
    assert reading is not None
    return dataclasses.replace(reading, fields={**reading.fields, **said})


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize("path", PDFS, ids=lambda path: path.name)
def test_no_sample_raises_a_false_alarm(path: Path) -> None:
    assert compare(path, read(path)) == []


@pytest.mark.parametrize(
    "name", ["fx-basic-fr-ok.pdf", "fx-basicwl-fr-facture.pdf", "fx-en16931-fr-avec-piece-jointe.pdf"]
)
def test_another_total_on_the_page_raises_the_alarm(name: str) -> None:
    path = SAMPLES / name
    true = read(path).fields["total_ttc"]
    found = compare(path, read(path, total_ttc="9999.99"))
    assert [(one.label, plain(one.xml_value)) for one in found] == [("Total TTC", "9 999,99 €")]
    assert plain(found[0].page_value).replace(" ", "").replace(",", ".").removesuffix("€") == true


def test_another_number_on_the_page_raises_the_alarm() -> None:
    path = SAMPLES / "fx-basicwl-fr-facture.pdf"
    assert compare(path, read(path, number="FA-2017-0011")) == [
        Mismatch("Numéro de facture", "FA-2017-0010", "FA-2017-0011")
    ]


@pytest.mark.parametrize(
    ("page", "number"),
    [
        ("FACTURE N° F-2026-119", "F-2026-119"),
        ("FACTURE\nN° F-2026-119 du 3 mars", "F-2026-119"),
        ("Facture n°\nF-2026-119", "F-2026-119"),
        ("Numéro de facture :\nF-2026-119", "F-2026-119"),
        ("N° de la facture : F-2026-1180", "F-2026-1180"),
        ("Facture n° F-2026-\n118", ""),  # its own number, cut by the end of a line
        ("Facture n°\n03/03/2026", ""),  # columns read one after the other: a date is no number
        ("Facture\n29000 QUIMPER", ""),
        ("Facture n° F-2026-119\nAvoir n° A-7", ""),  # which one is unclear
    ],
)
def test_another_number_is_seen_across_a_line_break_and_a_date_is_none(page: str, number: str) -> None:
    found = compare_text(page, read(SAMPLES / "fx-basic-fr-ok.pdf", number="F-2026-118").fields)
    assert [one.page_value for one in found] == ([number] if number else [])


def test_a_scan_contradicts_nothing() -> None:
    scan = SAMPLES.parent / "acts" / "facture-scannee-FA-2026-1187.pdf"
    assert compare(scan, read(SAMPLES / "fx-basic-fr-ok.pdf")) == []


@pytest.mark.parametrize(
    "page",
    [
        "Total TTC 3 042,00 €",
        "Total TTC : 3\u202f042,00\u00a0€",
        "TOTAL T.T.C.\n3.042,00 EUR",
        "Total TTC 3,042.00",
        "Total TTC 3042",
        "Total TTC -3042,00 €",
        "Total TTC voir au verso",
        "Total TTC 1 000,00 €\nTotal TTC 2 000,00 €",
        "Montant à reporter 12,00\nacompte de 9 %",
        "",
    ],
)
def test_what_is_written_otherwise_or_unclear_is_no_contradiction(page: str) -> None:
    assert [
        one
        for one in compare_text(page, read(SAMPLES / "fx-basic-fr-ok.pdf").fields)
        if one.label == "Total TTC"
    ] == []


@pytest.mark.parametrize(
    "page",
    [
        "Total TTC 3 402,00 €",
        "TOTAL T.T.C.\n3.402,00 EUR",
        "Montant TTC : 3402,00",
        "Total\nTTC\n3 402,00 €",
        "Total TTC\n€\n3 402,00",
    ],
)
@pytest.mark.law("INV-25")
def test_a_total_that_differs_is_shown_with_both_values(page: str) -> None:
    found = compare_text(page, read(SAMPLES / "fx-basic-fr-ok.pdf").fields)
    assert [(one.label, plain(one.page_value), plain(one.xml_value)) for one in found] == [
        ("Total TTC", "3 402,00 €", "3 042,00 €")
    ]
