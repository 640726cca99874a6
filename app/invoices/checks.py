"""What does not hold together in the data of an invoice: arithmetic, dates, keys; each fault in French, none stops anybody.

Source: EN 16931-1 (BR-CO-09 to 17, BR-S-02), ISO 13616 (IBAN), the key of French VAT numbers and SIRET.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from app.core.french import euros
from app.core.sirene import good_siret
from app.files.xml import spelled
from app.invoices.arithmetic import lacking, sums_of_parts
from app.invoices.fields import AMOUNT, CII, PATHS, ROUNDING, UBL, find, iso_date, text_at
from app.invoices.keys import CREDIT_NOTE, strict

Fields = Mapping[str, str]

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
_RIB = re.compile(r"[A-Z]{2}\d{2}\d{10}[A-Z0-9]{11}\d{2}")
_RIB_FIGURES = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "12345678912345678923456789")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")


_PAYEE = {
    CII: "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeSettlement/ram:PayeeTradeParty/ram:Name",
    UBL: "cac:PayeeParty/cac:PartyName/cbc:Name",
}
_DELIVERED = {
    CII: "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeDelivery/ram:ActualDeliverySupplyChainEvent"
    "/ram:OccurrenceDateTime/udt:DateTimeString",
    UBL: "cac:Delivery/cbc:ActualDeliveryDate",
}
LONGEST_NUMBER, LONG = 60, 60
_COUNTRIES = (
    " AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD "
    "CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF "
    "GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN "
    "KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA "
    "NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI "
    "SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI "
    "VN VU WF WS YE YT ZA ZM ZW EL XI "
)
"""ISO 3166-1, with EL for Greece and XI for Northern Ireland (BR-CO-09)."""
Check = Callable[[Any, str, Fields], Iterator[str]]


def odd(root: Any, syntax: str, fields: Fields) -> list[str]:
    """What does not hold together in data that are readable: what is to be paid and to whom, the detail of the VAT."""
    checks: tuple[Check, ...] = (_payable, _vat, _seller, _written_dates, _account, _payee, _origin, _hidden)
    return [
        *sums_of_parts(root, syntax),
        *(fault for check in checks for fault in check(root, syntax, fields)),
    ]


def remarked(root: Any, syntax: str, fields: Fields) -> list[str]:
    """What is wrong in the data and changes neither what is paid nor to whom: told beside the file, nobody rules on it."""
    checks: tuple[Check, ...] = (_keys, _due, _delivered)
    return [*lacking(root, syntax), *(remark for check in checks for remark in check(root, syntax, fields))]


def sums(fields: Fields) -> Iterator[str]:
    """BR-CO-15: total incl. VAT = total excl. VAT + VAT."""
    excluded, vat, included = (number(fields.get(key)) for key in ("total_ht", "total_vat", "total_ttc"))
    if excluded is not None and vat is not None and included is not None and excluded + vat != included:
        due = euros(excluded + vat)
        yield f"Le total TTC ({euros(included)}) n’est pas la somme du HT et de la TVA ({due}) (règle BR-CO-15)."


def _payable(root: Any, syntax: str, fields: Fields) -> Iterator[str]:
    """BR-CO-16: to be paid = total incl. VAT - what is paid already + rounding."""
    included, due = number(fields.get("total_ttc")), number(fields.get("payable"))
    if included is None or due is None:
        return
    paid, rounding = number(fields.get("prepaid")), number(text_at(root, ROUNDING[syntax]))
    left = included - (paid or 0) + (rounding or 0)
    if left != due:
        less = f", moins {euros(paid)} déjà payés" if paid else " et rien n’y est dit déjà payé"
        yield f"Le net à payer est de {euros(due)} : le total TTC est de {euros(included)}{less} (règle BR-CO-16)."


def _vat(root: Any, syntax: str, fields: Fields) -> Iterator[str]:
    where, base, rate, amount, _ = _VAT_LINES[syntax]
    lines = find(root, where)
    amounts = [number(text_at(line, amount)) for line in lines]
    total = number(fields.get("total_vat"))
    known = [amount for amount in amounts if amount is not None]
    if total is not None and known and len(known) == len(amounts) and sum(known) != total:
        yield f"Le total de la TVA ({euros(total)}) n’est pas la somme de ses taux ({euros(sum(known))}) (règle BR-CO-14)."
    for line, tax in zip(lines, amounts, strict=True):
        taxed, percent = number(text_at(line, base)), number(text_at(line, rate))
        if None in (taxed, percent, tax):
            continue
        due = (taxed * percent / 100).quantize(Decimal("0.01"))  # type: ignore[operator]
        if abs(due - tax) > Decimal("0.02"):  # type: ignore[operator]
            yield f"La TVA à {percent} % de {euros(taxed)} est de {euros(due)}, pas de {euros(tax)} (règle BR-CO-17)."


def _seller(root: Any, syntax: str, fields: Fields) -> Iterator[str]:
    where, *_, category = _VAT_LINES[syntax]
    vat = re.sub(r"\s", "", fields.get("seller_vat", "")).upper()
    if not fields.get("seller_siren") and vat[:2] in {"", "FR"}:
        yield "Le SIRET du vendeur manque dans les données (règles BR-CO-26, BR-FR-10)."
    if not vat and any(text_at(line, category) == "S" for line in find(root, where)):
        yield "De la TVA est facturée par un vendeur sans numéro de TVA (règle BR-S-02)."
    french, siren = _VAT_OUR.fullmatch(vat), fields.get("seller_siren", "")
    if french and siren and french[2] != siren:
        yield f"Le numéro de TVA {vat} n’est pas celui du SIREN {siren}."
    if vat and f" {vat[:2]} " not in _COUNTRIES:
        yield f"Le numéro de TVA {vat[:LONG]} ne commence pas par le code d’un pays (règle BR-CO-09)."


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
        yield f"L’échéance ({_day(due)}) précède la date de la facture ({_day(issued)}) (règle BR-FR-CO-07)."


def _written_dates(root: Any, syntax: str, _fields: Fields) -> Iterator[str]:
    if syntax == CII and any(
        not re.fullmatch(r"\d{8}", (element.text or "").strip()) for element in find(root, _CII_DATES)
    ):
        yield "Une date n’est pas écrite comme son format l’annonce (102 : AAAAMMJJ)."


def _account(_root: Any, _syntax: str, fields: Fields) -> Iterator[str]:
    yield from account_faults(fields)


def account_faults(fields: Fields) -> Iterator[str]:
    """What is wrong with the number of the account, whoever has it: the verification of the account says it too."""
    iban = compact(fields.get("iban", ""))
    if iban and not good_iban(iban):
        yield f"La clé de l’IBAN {iban} est fausse : aucun compte ne peut porter ce numéro."
    elif iban and not good_rib(iban):
        yield f"La clé RIB de l’IBAN {iban} est fausse : ce n’est pas celle d’un compte français de ce numéro."


def _payee(root: Any, syntax: str, fields: Fields) -> Iterator[str]:
    """Whom the invoice has paid: several accounts, of which one is read, or somebody else than the seller (INV-22)."""
    ibans = dict.fromkeys(compact(account.text or "") for account in find(root, PATHS[syntax]["iban"][0]))
    if others := [iban for iban in ibans if iban and iban != compact(fields.get("iban", ""))]:
        listed = ", ".join(f"{iban[:4]}…{iban[-4:]}" for iban in others[:3])
        yield f"La facture porte d’autres comptes que celui qui a été lu : {listed}. Demandez au fournisseur lequel est le bon."
    payee, seller = text_at(root, _PAYEE[syntax]), fields.get("seller", "")
    if payee and strict(payee) != strict(seller):
        yield (
            f"Le bénéficiaire du paiement, {payee[:LONG]}, n’est pas le vendeur : affacturage ou cession ? Voyez si la facture "
            "porte la mention de subrogation."
        )


def _origin(_root: Any, _syntax: str, fields: Fields) -> Iterator[str]:
    total = number(fields.get("total_ttc"))
    credit = fields.get("type_code") == CREDIT_NOTE or (total is not None and total < 0)
    if credit and not fields.get("preceding"):
        yield (
            "Cet avoir ne nomme pas la facture d’origine (règle BR-FR-CO-05) : demandez au fournisseur à quelle facture il se "
            "rapporte."
        )


def _hidden(_root: Any, _syntax: str, fields: Fields) -> Iterator[str]:
    """Signs that nobody sees may make two numbers, two names or two accounts look the same."""
    for key, label in (("number", "Le numéro"), ("seller", "Le nom du vendeur"), ("iban", "L’IBAN")):
        if (text := fields.get(key, "")) and spelled(text) != text:
            yield f"{label} contient des signes invisibles : « {spelled(text)[:LONG]} »."
    currency = fields.get("currency", "")
    if currency and not re.fullmatch(r"[A-Za-z]{3}", currency):
        yield f"La devise « {currency[:LONG]} » n’est pas un code à trois lettres (règle BR-CL-04)."
    if len(fields.get("number", "")) > LONGEST_NUMBER:
        yield f"Le numéro de la facture a plus de {LONGEST_NUMBER} signes. Vérifiez-le sur la page."


def _delivered(root: Any, syntax: str, fields: Fields) -> Iterator[str]:
    delivered, issued = iso_date(text_at(root, _DELIVERED[syntax])), fields.get("issue_date", "")
    if delivered and issued and delivered > issued:
        yield f"La livraison ({_day(delivered)}) est d’après la date de la facture ({_day(issued)})."


def good_iban(iban: str) -> bool:
    """Whether the key of an IBAN, without spaces, is right (ISO 13616: the remainder by 97 is 1)."""
    if not _IBAN.fullmatch(iban):
        return False
    return int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97 == 1


def good_rib(iban: str) -> bool:
    """Whether the key of the RIB inside a French or Monegasque account is right; of any other account, True.

    Bank, branch and account with letters as figures, 89, 15 and 3 times, and the key, are a multiple of 97.
    """
    if iban[:2] not in {"FR", "MC"}:
        return True
    if not _RIB.fullmatch(iban):
        return False
    figures = iban[4:].translate(_RIB_FIGURES)
    bank, branch, account, key = (
        int(part) for part in (figures[:5], figures[5:10], figures[10:21], figures[21:])
    )
    return (89 * bank + 15 * branch + 3 * account + key) % 97 == 0


def compact(text: str) -> str:
    """An identifier without its spaces, in capitals."""
    return re.sub(r"\s", "", text).upper()


def number(text: str | None) -> Decimal | None:
    """An amount of the data, or None for what is no amount that could be."""
    return Decimal(text) if text and AMOUNT.fullmatch(text) else None


def _day(iso: str) -> str:
    return "/".join(reversed(iso.split("-")))
