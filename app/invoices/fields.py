"""Where each fact of an invoice stands in CII and in UBL, and how it is taken out as written."""

import re
from datetime import date
from textwrap import shorten
from typing import Any

from workflows.fields import MAX_TEXT

CII, UBL = "CII", "UBL"
_CII_NS = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
_UBL_NS = "urn:oasis:names:specification:ubl:schema:xsd:"
ROOTS = {
    f"{{{_CII_NS}}}CrossIndustryInvoice": CII,
    f"{{{_UBL_NS}Invoice-2}}Invoice": UBL,
    f"{{{_UBL_NS}CreditNote-2}}CreditNote": UBL,
}
NAMESPACES = {
    "rsm": _CII_NS,
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
    "cac": f"{_UBL_NS}CommonAggregateComponents-2",
    "cbc": f"{_UBL_NS}CommonBasicComponents-2",
}
DIGITS = {"0002": (9, 14), "0009": (14,)}  # ISO 6523: SIREN (some write a SIRET there), SIRET

AMOUNTS = frozenset({"total_ht", "total_vat", "total_ttc", "prepaid", "payable"})
AMOUNT = re.compile(r"[+-]?[0-9]{1,13}(?:\.[0-9]{0,20})?")
"""A decimal of XML Schema, of a size that money may have: no exponent, no « NaN », no comma."""
LONGEST = {"number": 200}
"""Signs of a text that is taken, `MAX_TEXT` of the others: by its number a folder is found, and no index takes any length."""

_AGREEMENT = "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeAgreement"
_SETTLEMENT = "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeSettlement"
_SUM = f"{_SETTLEMENT}/ram:SpecifiedTradeSettlementHeaderMonetarySummation"
_SELLER = f"{_AGREEMENT}/ram:SellerTradeParty"
_PARTY = "cac:AccountingSupplierParty/cac:Party"
_MONEY = "cac:LegalMonetaryTotal"

# Business terms of EN 16931-1; several paths are tried in order.
PATHS: dict[str, dict[str, tuple[str, ...]]] = {
    CII: {
        "guideline": (
            "rsm:ExchangedDocumentContext/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID",
        ),  # BT-24
        "number": ("rsm:ExchangedDocument/ram:ID",),  # BT-1
        "issue_date": ("rsm:ExchangedDocument/ram:IssueDateTime/udt:DateTimeString",),  # BT-2
        "type_code": ("rsm:ExchangedDocument/ram:TypeCode",),  # BT-3
        "currency": (f"{_SETTLEMENT}/ram:InvoiceCurrencyCode",),  # BT-5
        "preceding": (f"{_SETTLEMENT}/ram:InvoiceReferencedDocument/ram:IssuerAssignedID",),  # BT-25
        "due_date": (
            f"{_SETTLEMENT}/ram:SpecifiedTradePaymentTerms/ram:DueDateDateTime/udt:DateTimeString",
        ),  # BT-9
        "buyer_reference": (f"{_AGREEMENT}/ram:BuyerReference",),  # BT-10
        "contract_ref": (f"{_AGREEMENT}/ram:ContractReferencedDocument/ram:IssuerAssignedID",),  # BT-12
        "order_ref": (f"{_AGREEMENT}/ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID",),  # BT-13
        "seller": (f"{_SELLER}/ram:Name",),  # BT-27
        "seller_vat": (f"{_SELLER}/ram:SpecifiedTaxRegistration/ram:ID[@schemeID='VA']",),  # BT-31
        "buyer": (f"{_AGREEMENT}/ram:BuyerTradeParty/ram:Name",),  # BT-44
        "iban": (
            f"{_SETTLEMENT}/ram:SpecifiedTradeSettlementPaymentMeans"
            "/ram:PayeePartyCreditorFinancialAccount/ram:IBANID",
        ),  # BT-84
        "total_ht": (f"{_SUM}/ram:TaxBasisTotalAmount",),  # BT-109
        "total_vat": (f"{_SUM}/ram:TaxTotalAmount",),  # BT-110
        "total_ttc": (f"{_SUM}/ram:GrandTotalAmount",),  # BT-112
        "prepaid": (f"{_SUM}/ram:TotalPrepaidAmount",),  # BT-113
        "payable": (f"{_SUM}/ram:DuePayableAmount",),  # BT-115
    },
    UBL: {
        "guideline": ("cbc:CustomizationID",),
        "number": ("cbc:ID",),
        "issue_date": ("cbc:IssueDate",),
        "type_code": ("cbc:InvoiceTypeCode", "cbc:CreditNoteTypeCode"),
        "currency": ("cbc:DocumentCurrencyCode",),
        "preceding": ("cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID",),
        "due_date": ("cbc:DueDate", "cac:PaymentMeans/cbc:PaymentDueDate"),
        "buyer_reference": ("cbc:BuyerReference",),
        "contract_ref": ("cac:ContractDocumentReference/cbc:ID",),
        "order_ref": ("cac:OrderReference/cbc:ID",),
        "seller": (f"{_PARTY}/cac:PartyLegalEntity/cbc:RegistrationName", f"{_PARTY}/cac:PartyName/cbc:Name"),
        "seller_vat": (f"{_PARTY}/cac:PartyTaxScheme[cac:TaxScheme/cbc:ID='VAT']/cbc:CompanyID",),
        "buyer": (
            "cac:AccountingCustomerParty/cac:Party/cac:PartyLegalEntity/cbc:RegistrationName",
            "cac:AccountingCustomerParty/cac:Party/cac:PartyName/cbc:Name",
        ),
        "iban": ("cac:PaymentMeans/cac:PayeeFinancialAccount/cbc:ID",),
        "total_ht": (f"{_MONEY}/cbc:TaxExclusiveAmount",),
        "total_vat": ("cac:TaxTotal/cbc:TaxAmount",),
        "total_ttc": (f"{_MONEY}/cbc:TaxInclusiveAmount",),
        "prepaid": (f"{_MONEY}/cbc:PrepaidAmount",),
        "payable": (f"{_MONEY}/cbc:PayableAmount",),
    },
}
ROUNDING = {CII: f"{_SUM}/ram:RoundingAmount", UBL: f"{_MONEY}/cbc:PayableRoundingAmount"}
"""BT-114: no fact of the folder, only what makes the amount to be paid another one than the total."""
_IDENTIFIERS = {
    CII: (f"{_SELLER}/ram:SpecifiedLegalOrganization/ram:ID", f"{_SELLER}/ram:GlobalID"),
    UBL: (f"{_PARTY}/cac:PartyLegalEntity/cbc:CompanyID", f"{_PARTY}/cac:PartyIdentification/cbc:ID"),
}
_BUYER = f"{_AGREEMENT}/ram:BuyerTradeParty"
_CUSTOMER = "cac:AccountingCustomerParty/cac:Party"
_BUYER_IDENTIFIERS = {
    CII: (f"{_BUYER}/ram:SpecifiedLegalOrganization/ram:ID", f"{_BUYER}/ram:GlobalID"),
    UBL: (f"{_CUSTOMER}/cac:PartyLegalEntity/cbc:CompanyID", f"{_CUSTOMER}/cac:PartyIdentification/cbc:ID"),
}  # BT-47, BT-46


def find(root: Any, path: str) -> list[Any]:
    """The elements at a path of this module."""
    elements: list[Any] = root.xpath(path, namespaces=NAMESPACES)
    return elements


def text_at(root: Any, path: str) -> str:
    """The first non-empty text at a path, without the spaces around it."""
    return next(
        (element.text.strip() for element in find(root, path) if element.text and element.text.strip()), ""
    )


def fields_of(root: Any, syntax: str) -> dict[str, str]:
    """The facts of an invoice as written, dates in ISO form; what is absent is not in the result."""
    fields: dict[str, str] = {}
    for name, paths in PATHS[syntax].items():
        value = next(filter(None, (text_at(root, path) for path in paths)), "")
        if name == "total_vat":
            value = _tax(root, syntax, fields.get("currency", "")) or value
        value = _usable(name, value)
        if value:
            fields[name] = value
    fields.update(_seller_numbers(root, syntax))
    return fields


def unusable(root: Any, syntax: str) -> dict[str, str]:
    """What stands at the place of a date or an amount and is none, by the name of the fact, as written."""
    texts = {
        name: next(filter(None, (text_at(root, path) for path in paths)), "")
        for name, paths in PATHS[syntax].items()
    }
    return {name: text for name, text in texts.items() if text and not _usable(name, text)}


def _usable(name: str, text: str) -> str:
    """A fact as it may be taken: a day of the calendar, an amount in figures, a text on one line; else nothing.

    A text that is longer than any form takes would be cut, or keep the invoice from being kept at all.
    """
    if name.endswith("_date"):
        return iso_date(text)
    if name in AMOUNTS:
        return text if AMOUNT.fullmatch(text) else ""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST.get(name, MAX_TEXT) else ""


def iso_date(text: str) -> str:
    """A day of CII (format 102) or UBL as YYYY-MM-DD; empty when it is neither, or no day of the calendar."""
    match = re.fullmatch(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})(?:[Z+-].*)?", text)
    day = "-".join(match.groups()) if match else ""
    try:
        return date.fromisoformat(day).isoformat()
    except ValueError:
        return ""


def _tax(root: Any, syntax: str, currency: str) -> str:
    """BT-110, which is in the invoice's currency; BT-111, in the accounts' currency, stands beside it."""
    totals = find(root, PATHS[syntax]["total_vat"][0])
    ours = (total.text.strip() for total in totals if total.get("currencyID") == currency and total.text)
    return next(ours, "")


LONGEST_OBJECT = 100
_FIRST_BILLED = {
    CII: "rsm:SupplyChainTradeTransaction/ram:IncludedSupplyChainTradeLineItem/ram:SpecifiedTradeProduct/ram:Name",
    UBL: "cac:InvoiceLine/cac:Item/cbc:Name | cac:CreditNoteLine/cac:Item/cbc:Name",
}


def hints_of(root: Any, syntax: str) -> dict[str, str]:
    """What is offered, not taken for read: SIREN and SIRET that only a second identifier of the seller tells.

    And the `object` that a title needs: the name of the first line (BT-153), on one line, cut at a word.
    """
    legal, others = _IDENTIFIERS[syntax]
    billed = " ".join(text_at(root, _FIRST_BILLED[syntax]).split())
    named = {"object": shorten(billed, LONGEST_OBJECT, placeholder="…")} if billed else {}
    return {**_numbers([*find(root, legal), *find(root, others)]), **named}


def buyer_numbers(root: Any, syntax: str) -> dict[str, str]:
    """SIREN and SIRET of the addressee, from its legal identifier, then from its others (`buyer_siren`, `buyer_siret`)."""
    legal, others = _BUYER_IDENTIFIERS[syntax]
    numbers = _numbers([*find(root, legal), *find(root, others)])
    return {key.replace("seller", "buyer"): digits for key, digits in numbers.items()}


def _seller_numbers(root: Any, syntax: str) -> dict[str, str]:
    """SIREN and SIRET from the seller's legal identifier (BT-30), then from its first other one (BT-29)."""
    legal, others = _IDENTIFIERS[syntax]
    return _numbers([*find(root, legal)[:1], *find(root, others)[:1]])


def _numbers(identifiers: list[Any]) -> dict[str, str]:
    """Only schemes 0002 (SIREN) and 0009 (SIRET) of ISO 6523 say what their digits are."""
    numbers: dict[str, str] = {}
    for identifier in identifiers:
        digits = re.sub(r"\s", "", identifier.text or "")
        if not digits.isdigit() or len(digits) not in DIGITS.get(identifier.get("schemeID", ""), ()):
            continue
        if len(digits) == max(DIGITS["0009"]):
            numbers.setdefault("seller_siret", digits)
        numbers.setdefault("seller_siren", digits[:9])
    return numbers


FRENCH_PLACES = frozenset({"FR", "GP", "MQ", "RE"})
"""Where French VAT applies (CGI art. 294): the other overseas places are not of it."""
_COUNTRY = {
    CII: "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeAgreement/ram:SellerTradeParty/ram:PostalTradeAddress"
    "/ram:CountryID",
    UBL: "cac:AccountingSupplierParty/cac:Party/cac:PostalAddress/cac:Country/cbc:IdentificationCode",
}


def seller_abroad(root: Any, syntax: str) -> bool | None:
    """Whether the seller is established where French VAT does not apply; None where the data do not say."""
    country = text_at(root, _COUNTRY[syntax]).upper()
    if country:
        return country not in FRENCH_PLACES
    vat = text_at(root, PATHS[syntax]["seller_vat"][0]).upper()
    if vat.startswith("FR") or "seller_siren" in fields_of(root, syntax):
        return False
    return True if vat else None
