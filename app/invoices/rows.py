"""The data of an invoice are shown in French, line by line, beside the page they came with."""

from collections.abc import Mapping
from typing import Any

from app.core.french import HARD, euros, nombre
from app.invoices.fields import AMOUNT, AMOUNTS, CII, fields_of, find, text_at

Rows = tuple[tuple[str, str], ...]

MAX_LINES = 500
LABELS = {
    "type_code": "Nature",
    "number": "Numéro",
    "preceding": "Facture d’origine",
    "issue_date": "Date d’émission",
    "due_date": "Échéance",
    "seller": "Vendeur",
    "seller_siret": "SIRET du vendeur",
    "seller_siren": "SIREN du vendeur",
    "seller_vat": "N° de TVA du vendeur",
    "buyer": "Acheteur",
    "buyer_reference": "Code service",
    "order_ref": "Bon de commande",
    "contract_ref": "Marché ou contrat",
    "currency": "Devise",
    "total_ht": "Total HT",
    "total_vat": "TVA",
    "total_ttc": "Total TTC",
    "prepaid": "Déjà payé",
    "payable": "Net à payer",
    "iban": "IBAN",
}
_TYPES = {  # UNTDID 1001, the codes of BT-3 that a commune meets
    "380": "Facture",
    "381": "Avoir",
    "384": "Facture rectificative",
    "386": "Facture d’acompte",
    "389": "Autofacture",
    "393": "Facture affacturée",
    "396": "Avoir affacturé",
    "503": "Avoir d’acompte",
}
_CII_LINE = "rsm:SupplyChainTradeTransaction/ram:IncludedSupplyChainTradeLineItem"
_CII_TAX = "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeSettlement/ram:ApplicableTradeTax"
_UBL_TAX = "cac:TaxTotal/cac:TaxSubtotal"
_LINE_PATHS = {
    CII: {
        "name": "ram:SpecifiedTradeProduct/ram:Name",
        "quantity": "ram:SpecifiedLineTradeDelivery/ram:BilledQuantity",
        "price": "ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice/ram:ChargeAmount",
        "total": "ram:SpecifiedLineTradeSettlement/ram:SpecifiedTradeSettlementLineMonetarySummation"
        "/ram:LineTotalAmount",
    },
    "UBL": {
        "name": "cac:Item/cbc:Name",
        "quantity": "cbc:InvoicedQuantity | cbc:CreditedQuantity",
        "price": "cac:Price/cbc:PriceAmount",
        "total": "cbc:LineExtensionAmount",
    },
}


def rows_of(root: Any, syntax: str) -> Rows:
    """Label and value of what a reader needs in an invoice, lines included, from its parsed tree."""
    fields = fields_of(root, syntax)
    currency = fields.get("currency", "")
    rows = [(LABELS[key], _shown(key, fields[key], currency)) for key in LABELS if key in fields]
    rows += _tax_rows(root, syntax, currency)
    lines = find(root, _CII_LINE if syntax == CII else "cac:InvoiceLine | cac:CreditNoteLine")
    paths = _LINE_PATHS[CII if syntax == CII else "UBL"]
    rows += [
        (f"Ligne {number}", _line(line, paths, currency)) for number, line in enumerate(lines[:MAX_LINES], 1)
    ]
    if len(lines) > MAX_LINES:
        rows.append(("Autres lignes", f"{len(lines) - MAX_LINES} lignes de plus dans le fichier XML"))
    return tuple(rows)


def money(value: str, currency: str) -> str:
    """« 3 042,00 € », « 4 675,00 DKK »; without its sign when the currency is not told."""
    shown = euros(value)
    if currency == "EUR" or not shown.endswith("€"):
        return shown
    return shown.removesuffix("€") + currency if currency else shown.removesuffix(f"{HARD}€")


def total_of(facts: Mapping[str, Any]) -> str:
    """What an invoice comes to, in words; in its own currency where that is told, empty where it has no total."""
    return money(str(facts.get("total_ttc") or ""), str(facts.get("currency") or "EUR"))


def _shown(key: str, value: str, currency: str) -> str:
    if key in AMOUNTS:
        return money(value, currency)
    if key.endswith("_date"):
        year, month, day = value.split("-")
        return f"{day}/{month}/{year}"
    if key == "type_code":
        return f"{_TYPES.get(value, 'Document')} ({value})"
    return value


def _tax_rows(root: Any, syntax: str, currency: str) -> list[tuple[str, str]]:
    rows = []
    for tax in find(root, _CII_TAX if syntax == CII else _UBL_TAX):
        if syntax == CII:
            paths = ("ram:RateApplicablePercent", "ram:BasisAmount", "ram:CalculatedAmount")
        else:
            paths = ("cac:TaxCategory/cbc:Percent", "cbc:TaxableAmount", "cbc:TaxAmount")
        rate, base, amount = (text_at(tax, path) for path in paths)
        label = f"TVA à {_number(rate)}{HARD}%" if rate else "TVA"
        rows.append((label, f"{money(amount, currency)} sur {money(base, currency)}" if base else amount))
    return rows


def _line(line: Any, paths: dict[str, str], currency: str) -> str:
    texts = {key: text_at(line, path) for key, path in paths.items()}
    label = texts["name"] or "(sans libellé)"
    if texts["quantity"] and texts["price"]:
        label += f" : {_number(texts['quantity'])} × {money(texts['price'], currency)}"
    if texts["total"]:
        label += f" = {money(texts['total'], currency)}"
    return label


def _number(text: str) -> str:
    """« 1 250,5 » : no needless zero, French separators; what is no number is shown as written."""
    return nombre(text) if AMOUNT.fullmatch(text) else text
