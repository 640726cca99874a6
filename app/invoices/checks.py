"""What does not hold together in the data of an invoice: arithmetic, dates, keys; each fault in French, none stops anybody.

Source: EN 16931-1 (BR-CO-14 to 17, BR-S-02), ISO 13616 (IBAN), the key of French VAT numbers and SIRET.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from app.core.french import euros
from app.core.sirene import good_siret
from app.invoices.fields import CII, ROUNDING, find, text_at

Fields = Mapping[str, str]
ENOUGH = 10**13
CENT = Decimal("0.01")

_VAT_LINES = {
    CII: (
        "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeSettlement/ram:ApplicableTradeTax",
        "ram:BasisAmount",
        "ram:RateApplicablePercent",
        "ram:CalculatedAmount",
        "ram:CategoryCode",
    ),
    "UBL": (
        "cac:TaxTotal/cac:TaxSubtotal",
        "cbc:TaxableAmount",
        "cac:TaxCategory/cbc:Percent",
        "cbc:TaxAmount",
        "cac:TaxCategory/cbc:ID",
    ),
}
_CII_DATES = "//*[local-name()='DateTimeString'][@format='102']"
_VAT_OUR = re.compile(r"FR(\d{2})(\d{9})")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")


Check = Callable[[Any, str, Fields], Iterator[str]]


def odd(root: Any, syntax: str, fields: Fields) -> list[str]:
    """What does not hold together in data that are readable: what is to be paid and to whom, the detail of the VAT."""
    checks: tuple[Check, ...] = (_payable, _vat, _seller, _written_dates, _account)
    return [fault for check in checks for fault in check(root, syntax, fields)]


def remarked(root: Any, syntax: str, fields: Fields) -> list[str]:
    """What is wrong in the data and changes neither what is paid nor to whom: told beside the file, nobody rules on it."""
    checks: tuple[Check, ...] = (_keys, _due)
    return [remark for check in checks for remark in check(root, syntax, fields)]


def sums(fields: Fields) -> Iterator[str]:
    """BR-CO-15: total incl. VAT = total excl. VAT + VAT."""
    excluded, vat, included = (number(fields.get(key)) for key in ("total_ht", "total_vat", "total_ttc"))
    if excluded is not None and vat is not None and included is not None and excluded + vat != included:
        yield f"Le total TTC ({euros(included)}) n’est pas la somme du HT et de la TVA ({euros(excluded + vat)})."


def _payable(root: Any, syntax: str, fields: Fields) -> Iterator[str]:
    """BR-CO-16: to be paid = total incl. VAT - what is paid already + rounding."""
    included, due = number(fields.get("total_ttc")), number(fields.get("payable"))
    if included is None or due is None:
        return
    paid, rounding = number(fields.get("prepaid")), number(text_at(root, ROUNDING[syntax]))
    left = included - (paid or 0) + (rounding or 0)
    if abs(left - due) > CENT:
        less = f", moins {euros(paid)} déjà payés" if paid else " et rien n’y est dit déjà payé"
        yield f"Le net à payer est de {euros(due)} : le total TTC est de {euros(included)}{less}."


def _vat(root: Any, syntax: str, fields: Fields) -> Iterator[str]:
    where, base, rate, amount, _ = _VAT_LINES[syntax]
    lines = find(root, where)
    amounts = [number(text_at(line, amount)) for line in lines]
    total = number(fields.get("total_vat"))
    known = [amount for amount in amounts if amount is not None]
    if total is not None and known and len(known) == len(amounts) and sum(known) != total:
        yield f"Le total de la TVA ({euros(total)}) n’est pas la somme de ses taux ({euros(sum(known))})."
    for line, tax in zip(lines, amounts, strict=True):
        taxed, percent = number(text_at(line, base)), number(text_at(line, rate))
        if None in (taxed, percent, tax):
            continue
        due = (taxed * percent / 100).quantize(Decimal("0.01"))  # type: ignore[operator]
        if abs(due - tax) > Decimal("0.02"):  # type: ignore[operator]
            yield f"La TVA à {percent} % de {euros(taxed)} est de {euros(due)}, pas de {euros(tax)}."


def _seller(root: Any, syntax: str, fields: Fields) -> Iterator[str]:
    where, *_, category = _VAT_LINES[syntax]
    vat = re.sub(r"\s", "", fields.get("seller_vat", "")).upper()
    if not vat and any(text_at(line, category) == "S" for line in find(root, where)):
        yield "De la TVA est facturée par un vendeur sans numéro de TVA (règle BR-S-02)."
    french, siren = _VAT_OUR.fullmatch(vat), fields.get("seller_siren", "")
    if french and siren and french[2] != siren:
        yield f"Le numéro de TVA {vat} n’est pas celui du SIREN {siren}."


def _keys(_root: Any, _syntax: str, fields: Fields) -> Iterator[str]:
    vat = re.sub(r"\s", "", fields.get("seller_vat", "")).upper()
    french = _VAT_OUR.fullmatch(vat)
    if french and int(french[1]) != (12 + 3 * (int(french[2]) % 97)) % 97:
        yield f"La clé du numéro de TVA {vat} est fausse."
    siret = fields.get("seller_siret", "")
    if siret and not good_siret(siret):
        yield f"La clé du SIRET {siret} est fausse."


def _due(_root: Any, _syntax: str, fields: Fields) -> Iterator[str]:
    issued, due = fields.get("issue_date", ""), fields.get("due_date", "")
    if issued and due and due < issued:
        yield f"L’échéance ({_day(due)}) précède la date de la facture ({_day(issued)})."


def _written_dates(root: Any, syntax: str, _fields: Fields) -> Iterator[str]:
    if syntax == CII and any(
        not re.fullmatch(r"\d{8}", (element.text or "").strip()) for element in find(root, _CII_DATES)
    ):
        yield "Une date n’est pas écrite comme son format l’annonce (102 : AAAAMMJJ)."


def _account(_root: Any, _syntax: str, fields: Fields) -> Iterator[str]:
    iban = compact(fields.get("iban", ""))
    if iban and not good_iban(iban):
        yield f"La clé de l’IBAN {iban} est fausse : aucun compte ne peut porter ce numéro."


def good_iban(iban: str) -> bool:
    """Whether the key of an IBAN, without spaces, is right (ISO 13616: the remainder by 97 is 1)."""
    if not _IBAN.fullmatch(iban):
        return False
    return int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97 == 1


def compact(text: str) -> str:
    """An identifier without its spaces, in capitals."""
    return re.sub(r"\s", "", text).upper()


def number(text: str | None) -> Decimal | None:
    """An amount of the data, or None for what is no amount that could be."""
    try:
        amount = Decimal(text or "")
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) < ENOUGH else None


def _day(iso: str) -> str:
    return "/".join(reversed(iso.split("-")))
