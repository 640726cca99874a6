"""The worked example of the contract holds; each thing changed in it is told by its rule, in UBL and in CII."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.invoices.reading import read_invoice
from tests.batches.town import plain
from tests.builders import broken_invoices
from tests.invoices import test_cases

HERE = Path(__file__).parent
UBL = """<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID><cbc:ID>F-1</cbc:ID><cbc:IssueDate>2026-10-01</cbc:IssueDate>
<cbc:DueDate>2026-10-31</cbc:DueDate><cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>
<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
<cac:InvoicePeriod><cbc:StartDate>2026-09-01</cbc:StartDate></cac:InvoicePeriod>
<cac:AccountingSupplierParty><cac:Party><cac:PartyTaxScheme><cbc:CompanyID>FR41212909998</cbc:CompanyID>
<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme><cac:PartyLegalEntity>
<cbc:RegistrationName>Forge</cbc:RegistrationName><cbc:CompanyID schemeID="0002">212909998</cbc:CompanyID>
</cac:PartyLegalEntity></cac:Party></cac:AccountingSupplierParty>
<cac:Delivery><cbc:ActualDeliveryDate>2026-09-30</cbc:ActualDeliveryDate></cac:Delivery>
<cac:AllowanceCharge><cbc:ChargeIndicator>false</cbc:ChargeIndicator><cbc:AllowanceChargeReason>Fidélité</cbc:AllowanceChargeReason>
<cbc:Amount currencyID="EUR">50.50</cbc:Amount></cac:AllowanceCharge>
<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">120.00</cbc:TaxAmount><cac:TaxSubtotal>
<cbc:TaxableAmount currencyID="EUR">600.00</cbc:TaxableAmount><cbc:TaxAmount currencyID="EUR">120.00</cbc:TaxAmount>
<cac:TaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>20</cbc:Percent></cac:TaxCategory></cac:TaxSubtotal></cac:TaxTotal>
<cac:LegalMonetaryTotal><cbc:LineExtensionAmount currencyID="EUR">650.50</cbc:LineExtensionAmount>
<cbc:TaxExclusiveAmount currencyID="EUR">600.00</cbc:TaxExclusiveAmount>
<cbc:TaxInclusiveAmount currencyID="EUR">720.00</cbc:TaxInclusiveAmount>
<cbc:AllowanceTotalAmount currencyID="EUR">50.50</cbc:AllowanceTotalAmount>
<cbc:PrepaidAmount currencyID="EUR">200.00</cbc:PrepaidAmount><cbc:PayableAmount currencyID="EUR">520.00</cbc:PayableAmount>
</cac:LegalMonetaryTotal>
<cac:InvoiceLine><cbc:ID>1</cbc:ID><cbc:InvoicedQuantity>4</cbc:InvoicedQuantity>
<cbc:LineExtensionAmount currencyID="EUR">400.00</cbc:LineExtensionAmount><cac:InvoicePeriod><cbc:EndDate>2026-09-30</cbc:EndDate>
</cac:InvoicePeriod><cac:Item><cbc:Name>Pose</cbc:Name><cac:ClassifiedTaxCategory><cbc:ID>S</cbc:ID></cac:ClassifiedTaxCategory>
</cac:Item><cac:Price><cbc:PriceAmount currencyID="EUR">100.00</cbc:PriceAmount></cac:Price></cac:InvoiceLine>
<cac:InvoiceLine><cbc:ID>2</cbc:ID><cbc:InvoicedQuantity>1</cbc:InvoicedQuantity>
<cbc:LineExtensionAmount currencyID="EUR">250.50</cbc:LineExtensionAmount><cac:Item><cbc:Name>Dépose</cbc:Name>
<cac:ClassifiedTaxCategory><cbc:ID>S</cbc:ID></cac:ClassifiedTaxCategory></cac:Item>
<cac:Price><cbc:PriceAmount currencyID="EUR">250.50</cbc:PriceAmount></cac:Price></cac:InvoiceLine></Invoice>"""
CREDIT = ("InvoiceTypeCode>380<", "InvoiceTypeCode>381<")
TAXES = UBL[UBL.index("<cac:TaxSubtotal>") : UBL.index("</cac:TaxTotal>")]
NO_REASON = "<cbc:AllowanceChargeReason>Fidélité</cbc:AllowanceChargeReason>"
CHANGES: list[tuple[str, str, str, tuple[str, ...]]] = [
    (
        "ID-03",
        "CompanyID>FR41212909998<",
        "CompanyID>FR83900100207<",
        ("n’est pas celui du SIREN 212909998",),
    ),
    ("BR-CO-10", ">650.50<", ">651.50<", ("BR-CO-10", "BR-CO-13")),
    ("BR-CO-11", ">50.50</cbc:AllowanceT", ">40.50</cbc:AllowanceT", ("BR-CO-11", "BR-CO-13")),
    ("BR-CO-12", "ChargeIndicator>false<", "ChargeIndicator>true<", ("BR-CO-12", "BR-CO-11")),
    ("BR-CO-13", ">600.00</cbc:TaxE", ">601.00</cbc:TaxE", ("BR-CO-13",)),
    (
        "BR-CO-14",
        ">120.00</cbc:TaxAmount><cac:TaxS",
        ">130.00</cbc:TaxAmount><cac:TaxS",
        ("n’est pas la somme de ses taux",),
    ),
    # One cent more, and two rules are told: the total is not the sum, and is not what is left to pay
    (
        "BR-CO-15",
        ">720.00<",
        ">720.01<",
        ("n’est pas la somme du HT et de la TVA", "Le net à payer est de 520,00 €"),
    ),
    ("BR-CO-16", ">520.00<", ">720.00<", ("Le net à payer est de 720,00 €",)),
    (
        "BR-CO-17",
        ">600.00</cbc:Taxable",
        ">500.00</cbc:Taxable",
        ("La TVA à 20 % de 500,00 € est de 100,00 €",),
    ),
    ("BR-CO-18", TAXES, "", ("BR-CO-18",)),
    (
        "BR-CO-03",
        "<cbc:StartDate>2026-09-01</cbc:StartDate>",
        "<cbc:DescriptionCode>35</cbc:DescriptionCode></cac:InvoicePeriod><cbc:TaxPointDate>2026-10-01</cbc:TaxPointDate><cac:InvoicePeriod>",
        ("BR-CO-03", "BR-CO-19"),
    ),
    (
        "BR-CO-04",
        "<cac:ClassifiedTaxCategory><cbc:ID>S</cbc:ID></cac:ClassifiedTaxCategory>\n",
        "",
        ("La ligne 1 n’a pas",),
    ),
    ("BR-CO-19", "<cbc:StartDate>2026-09-01</cbc:StartDate>", "", ("BR-CO-19",)),
    ("BR-CO-20", "<cbc:EndDate>2026-09-30</cbc:EndDate>", "", ("BR-CO-20",)),
    ("BR-CO-21", NO_REASON, "", ("Une remise n’a pas de motif (règle BR-CO-21).",)),
    ("BR-CO-25", "<cbc:DueDate>2026-10-31</cbc:DueDate>", "", ("BR-CO-25",)),
    (
        "AR-01",
        ">4</cbc:Inv",
        ">5</cbc:Inv",
        ("La ligne 1 dit 400,00 € : sa quantité à son prix fait 500,00 €.",),
    ),
    ("AR-02", "Percent>20<", "Percent>19.6<", ("Le taux de TVA de 19,6 % est inhabituel",)),
    (
        "AR-03",
        "<cbc:ID>S</cbc:ID><cbc:Percent>",
        "<cbc:ID>E</cbc:ID><cbc:Percent>",
        ("ne dit pas pourquoi (règle BR-E-10)",),
    ),
    (
        "DT-02",
        ">2026-09-30</cbc:ActualD",
        ">2026-10-30</cbc:ActualD",
        ("La livraison (30/10/2026) est d’après",),
    ),
    ("CN-01", *CREDIT, ("Cet avoir ne nomme pas la facture d’origine",)),
]


def told(room: Path, source: str) -> str:
    path = room / "facture.xml"
    path.write_text(source, encoding="utf-8")
    reading = read_invoice(path, "application/xml")
    assert reading is not None
    ours = [fault for fault in reading.problems if "schéma" not in fault]
    return plain(" ".join([*ours, *reading.oddities, *reading.remarks]))


def test_each_rule_is_told_by_its_sentence(tmp_path: Path) -> None:
    assert told(tmp_path, UBL) == ""
    for rule, before, after, sentences in CHANGES:
        assert before in UBL, rule
        said = told(tmp_path, UBL.replace(before, after, 1))
        for sentence in sentences:
            assert sentence in said, (rule, said)


@pytest.mark.parametrize("name", ["fx-minimum-dom-facture.pdf", "fx-basicwl-fr-facture.pdf"])
def test_a_profile_without_lines_is_not_reproached_with_them(name: str) -> None:
    reading = read_invoice(broken_invoices.SAMPLES / name, "application/pdf")
    assert reading is not None
    rules = re.findall("BR-CO-[0-9]+", " ".join([*reading.oddities, *reading.remarks]))
    assert set(rules) <= {"BR-CO-16"}  # the amount to be paid has no need of lines


def test_each_of_the_contract_s_checks_is_shown_at_work_or_left_with_a_reason(tmp_path: Path) -> None:
    checks: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "checks.yaml").read_text(encoding="utf-8"))
    assert len(checks) == 63
    shown = {
        "case": {case.name for case in test_cases.cases()},
        "broken": {broken.name for broken in broken_invoices.every(tmp_path)},
    }
    for key, entry in checks.items():
        ((kind, name),) = entry.items()
        if kind in shown:
            assert name in shown[kind], key
        elif kind == "test":
            file, _, test = name.partition("::")
            assert f"def {test}" in (HERE / file).read_text(encoding="utf-8"), key
            if test == test_each_rule_is_told_by_its_sentence.__name__:
                assert key in {rule for rule, *_ in CHANGES}
        else:
            assert kind == "why"
            assert name
