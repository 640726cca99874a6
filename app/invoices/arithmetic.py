"""The rules of EN 16931 that a town hall can act on: sums of lines, discounts, charges and taxes, reasons that lack.

Each fault is a plain French sentence with the identifier of its rule. Source: EN 16931-1, §6.4.2 (BR-CO), in our words.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from app.core.french import euros
from app.invoices.fields import AMOUNT, CII, UBL, find, seller_abroad, text_at
from app.invoices.keys import CREDIT_NOTE

_SETTLEMENT = "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeSettlement"
_SUM = f"{_SETTLEMENT}/ram:SpecifiedTradeSettlementHeaderMonetarySummation"
_LINE = "ram:SpecifiedLineTradeSettlement"
_MONEY = "cac:LegalMonetaryTotal"
_REMARKED = 3
"""Faults of one rule that are told one by one; the rest are counted."""
CENT, LINE_TOLERANCE = Decimal("0.01"), Decimal("0.01")
_USUAL = {Decimal(rate) for rate in ("0", "1.05", "1.75", "2.1", "5.5", "8.5", "10", "20")}
"""Rates of French VAT, overseas ones among them (CGI art. 278 to 281 nonies, 294 to 297)."""


@dataclass(frozen=True)
class Paths:
    """Where the terms of the rules stand in one syntax."""

    lines: str
    line_total: str
    quantity: str
    price: str
    per: str
    line_category: str
    line_period: str
    line_reductions: str
    reductions: str
    service_charges: str
    charge: str
    reduction: str
    reasons: tuple[str, ...]
    taxes: str
    tax_category: str
    tax_rate: str
    exemptions: tuple[str, ...]
    tax_point: str
    tax_point_code: str
    period: str
    ends: tuple[str, ...]
    sum_lines: str
    sum_reductions: str
    sum_charges: str
    total_ht: str
    payable: str
    terms: tuple[str, ...]
    type_code: str


PATHS = {
    CII: Paths(
        lines="rsm:SupplyChainTradeTransaction/ram:IncludedSupplyChainTradeLineItem[not("
        "ram:AssociatedDocumentLineDocument/ram:LineStatusReasonCode[.='GROUP' or .='INFORMATION'])]",
        line_total=f"{_LINE}/ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount",
        quantity="ram:SpecifiedLineTradeDelivery/ram:BilledQuantity",
        price="ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice/ram:ChargeAmount",
        per="ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice/ram:BasisQuantity",
        line_category=f"{_LINE}/ram:ApplicableTradeTax/ram:CategoryCode",
        line_period=f"{_LINE}/ram:BillingSpecifiedPeriod",
        line_reductions=f"{_LINE}/ram:SpecifiedTradeAllowanceCharge",
        reductions=f"{_SETTLEMENT}/ram:SpecifiedTradeAllowanceCharge",
        service_charges=f"{_SETTLEMENT}/ram:SpecifiedLogisticsServiceCharge/ram:AppliedAmount",
        charge="ram:ChargeIndicator/udt:Indicator",
        reduction="ram:ActualAmount",
        reasons=("ram:Reason", "ram:ReasonCode"),
        taxes=f"{_SETTLEMENT}/ram:ApplicableTradeTax",
        tax_category="ram:CategoryCode",
        tax_rate="ram:RateApplicablePercent",
        exemptions=("ram:ExemptionReason", "ram:ExemptionReasonCode"),
        tax_point=f"{_SETTLEMENT}/ram:ApplicableTradeTax/ram:TaxPointDate//*",
        tax_point_code=f"{_SETTLEMENT}/ram:ApplicableTradeTax/ram:DueDateTypeCode",
        period=f"{_SETTLEMENT}/ram:BillingSpecifiedPeriod",
        ends=("ram:StartDateTime//*", "ram:EndDateTime//*"),
        sum_lines=f"{_SUM}/ram:LineTotalAmount",
        sum_reductions=f"{_SUM}/ram:AllowanceTotalAmount",
        sum_charges=f"{_SUM}/ram:ChargeTotalAmount",
        total_ht=f"{_SUM}/ram:TaxBasisTotalAmount",
        payable=f"{_SUM}/ram:DuePayableAmount",
        terms=(
            f"{_SETTLEMENT}/ram:SpecifiedTradePaymentTerms/ram:DueDateDateTime//*",
            f"{_SETTLEMENT}/ram:SpecifiedTradePaymentTerms/ram:Description",
        ),
        type_code="rsm:ExchangedDocument/ram:TypeCode",
    ),
    UBL: Paths(
        lines="cac:InvoiceLine | cac:CreditNoteLine",
        line_total="cbc:LineExtensionAmount",
        quantity="cbc:InvoicedQuantity | cbc:CreditedQuantity",
        price="cac:Price/cbc:PriceAmount",
        per="cac:Price/cbc:BaseQuantity",
        line_category="cac:Item/cac:ClassifiedTaxCategory/cbc:ID",
        line_period="cac:InvoicePeriod",
        line_reductions="cac:AllowanceCharge",
        reductions="cac:AllowanceCharge",
        service_charges="",
        charge="cbc:ChargeIndicator",
        reduction="cbc:Amount",
        reasons=("cbc:AllowanceChargeReason", "cbc:AllowanceChargeReasonCode"),
        taxes="cac:TaxTotal/cac:TaxSubtotal",
        tax_category="cac:TaxCategory/cbc:ID",
        tax_rate="cac:TaxCategory/cbc:Percent",
        exemptions=(
            "cac:TaxCategory/cbc:TaxExemptionReason",
            "cac:TaxCategory/cbc:TaxExemptionReasonCode",
        ),
        tax_point="cbc:TaxPointDate",
        tax_point_code="cac:InvoicePeriod/cbc:DescriptionCode",
        period="cac:InvoicePeriod",
        ends=("cbc:StartDate", "cbc:EndDate", "cbc:DescriptionCode"),
        sum_lines=f"{_MONEY}/cbc:LineExtensionAmount",
        sum_reductions=f"{_MONEY}/cbc:AllowanceTotalAmount",
        sum_charges=f"{_MONEY}/cbc:ChargeTotalAmount",
        total_ht=f"{_MONEY}/cbc:TaxExclusiveAmount",
        payable=f"{_MONEY}/cbc:PayableAmount",
        terms=("cbc:DueDate", "cac:PaymentMeans/cbc:PaymentDueDate", "cac:PaymentTerms/cbc:Note"),
        type_code="cbc:CreditNoteTypeCode | cbc:InvoiceTypeCode",
    ),
}
Rule = Callable[[Any, Paths], Iterator[str]]


def sums_of_parts(root: Any, syntax: str) -> list[str]:
    """The totals that are not the sum of what the invoice details: what is paid may be wrong."""
    rules: tuple[Rule, ...] = (_lines, _reductions, _total_ht)
    return [fault for rule in rules for fault in rule(root, PATHS[syntax])]


def lacking(root: Any, syntax: str) -> list[str]:
    """The details that lack or contradict each other, and change nothing to the totals."""
    rules: tuple[Rule, ...] = (
        _line_amounts,
        _breakdown,
        _rates,
        _tax_dates,
        _line_details,
        _periods,
        _reasons,
        _terms,
    )
    if not seller_abroad(root, syntax):
        rules = (_usual, *rules)
    return [fault for rule in rules for fault in rule(root, PATHS[syntax])]


def _lines(root: Any, at: Paths) -> Iterator[str]:
    amounts = [_amount(line, at.line_total) for line in find(root, at.lines)]
    stated, total = _amount(root, at.sum_lines), _total(amounts)
    if amounts and stated is not None and total is not None and stated != total:
        yield f"Le total des lignes ({euros(stated)}) n’est pas leur somme ({euros(total)}) (règle BR-CO-10)."


def _reductions(root: Any, at: Paths) -> Iterator[str]:
    groups = find(root, at.reductions)
    services = (
        [_number(element.text) for element in find(root, at.service_charges)] if at.service_charges else []
    )
    for charges, place, plural, rule in (
        (False, at.sum_reductions, "remises", "BR-CO-11"),
        (True, at.sum_charges, "charges", "BR-CO-12"),
    ):
        amounts = [_amount(group, at.reduction) for group in groups if _is_charge(group, at) is charges]
        total, stated = _total([*amounts, *(services if charges else [])]), _amount(root, place) or Decimal(0)
        if total is not None and stated != total:
            yield f"Le total des {plural} ({euros(stated)}) n’est pas leur somme ({euros(total)}) (règle {rule})."


def _total_ht(root: Any, at: Paths) -> Iterator[str]:
    lines, stated = _amount(root, at.sum_lines), _amount(root, at.total_ht)
    if lines is None or stated is None:
        return
    less, more = (_amount(root, place) or Decimal(0) for place in (at.sum_reductions, at.sum_charges))
    if stated != lines - less + more:
        yield (
            f"Le total HT ({euros(stated)}) n’est pas celui des lignes, moins les remises, plus les charges "
            f"({euros(lines - less + more)}) (règle BR-CO-13)."
        )


def _line_amounts(root: Any, at: Paths) -> Iterator[str]:
    """Not of the norm: a line is its quantity at its price, less its own reductions, to one cent."""

    def faults() -> Iterator[str]:
        for rank, line in enumerate(find(root, at.lines), 1):
            quantity, price, stated = (
                _amount(line, place) for place in (at.quantity, at.price, at.line_total)
            )
            per = _amount(line, at.per) or Decimal(1)
            own = [
                (-1 if not _is_charge(group, at) else 1, _amount(group, at.reduction))
                for group in find(line, at.line_reductions)
            ]
            if (
                quantity is None
                or price is None
                or stated is None
                or any(amount is None for _, amount in own)
            ):
                continue
            due = quantity * price / per + sum(sign * amount for sign, amount in own if amount is not None)
            if abs(due - stated) > LINE_TOLERANCE:
                yield f"La ligne {rank} dit {euros(stated)} : sa quantité à son prix fait {euros(due)}."

    yield from _few(faults(), "lignes")


def _breakdown(root: Any, at: Paths) -> Iterator[str]:
    if find(root, at.lines) and not find(root, at.taxes):  # a profile without lines details no tax
        yield "Le détail de la TVA manque (règle BR-CO-18)."


def _usual(root: Any, at: Paths) -> Iterator[str]:
    """Of a seller in France: another country has rates of its own, and the French rules do not concern him."""
    for rate in (_amount(tax, at.tax_rate) for tax in find(root, at.taxes)):
        if rate is not None and rate not in _USUAL:
            percent = f"{rate.normalize():f}".replace(".", ",")
            yield f"Le taux de TVA de {percent} % est inhabituel en France (règle BR-FR-16)."


def _rates(root: Any, at: Paths) -> Iterator[str]:
    for tax in find(root, at.taxes):
        category = text_at(tax, at.tax_category)
        if category in {"E", "AE", "O", "G", "K"} and not any(text_at(tax, place) for place in at.exemptions):
            rule = "IC" if category == "K" else category
            yield f"Une part de la facture est sans TVA et ne dit pas pourquoi (règle BR-{rule}-10)."


def _tax_dates(root: Any, at: Paths) -> Iterator[str]:
    if text_at(root, at.tax_point) and text_at(root, at.tax_point_code):
        yield "La TVA a une date d’exigibilité et un code d’exigibilité, l’un exclut l’autre (règle BR-CO-03)."


def _line_details(root: Any, at: Paths) -> Iterator[str]:
    lines = enumerate(find(root, at.lines), 1)
    yield from _few(
        (
            f"La ligne {rank} n’a pas de catégorie de TVA (règle BR-CO-04)."
            for rank, line in lines
            if not text_at(line, at.line_category)
        ),
        "lignes",
    )


def _periods(root: Any, at: Paths) -> Iterator[str]:
    if any(not any(text_at(period, end) for end in at.ends) for period in find(root, at.period)):
        yield "La période de facturation est vide (règle BR-CO-19)."
    for rank, line in enumerate(find(root, at.lines), 1):
        if any(not any(text_at(period, end) for end in at.ends) for period in find(line, at.line_period)):
            yield f"La période de la ligne {rank} est vide (règle BR-CO-20)."
            return


def _reasons(root: Any, at: Paths) -> Iterator[str]:
    of_lines = (group for line in find(root, at.lines) for group in find(line, at.line_reductions))
    for groups, rules, where in (
        (find(root, at.reductions), ("BR-CO-21", "BR-CO-22"), ""),
        (of_lines, ("BR-CO-23", "BR-CO-24"), " d’une ligne"),
    ):
        charges = {
            _is_charge(group, at)
            for group in groups
            if not any(text_at(group, reason) for reason in at.reasons)
        }
        for charge in sorted(charges):
            what = "charge" if charge else "remise"
            yield f"Une {what}{where} n’a pas de motif (règle {rules[charge]})."


def _terms(root: Any, at: Paths) -> Iterator[str]:
    due = _amount(root, at.payable)
    if text_at(root, at.type_code) == CREDIT_NOTE or not find(root, at.lines):
        return  # nobody pays a credit note at a term, and a profile without lines has none
    if due is not None and due > 0 and not any(text_at(root, place) for place in at.terms):
        yield "Ni échéance ni conditions de paiement (règle BR-CO-25)."


def _few(faults: Iterable[str], plural: str) -> Iterator[str]:
    every = list(faults)
    yield from every[:_REMARKED]
    if len(every) > _REMARKED:
        yield (
            f"De même {len(every) - _REMARKED} autres {plural}."
            if len(every) > _REMARKED + 1
            else "De même une autre."
        )


def _is_charge(group: Any, at: Paths) -> bool:
    return text_at(group, at.charge).lower() in {"true", "1"}


def _amount(element: Any, place: str) -> Decimal | None:
    return _number(text_at(element, place))


def _number(text: str | None) -> Decimal | None:
    plain = (text or "").strip()
    return Decimal(plain) if AMOUNT.fullmatch(plain) else None


def _total(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum to the cent, None when one of them is no amount."""
    every = list(amounts)
    known = [amount for amount in every if amount is not None]
    if len(known) < len(every):
        return None
    return sum(known, Decimal(0)).quantize(CENT, ROUND_HALF_UP)
