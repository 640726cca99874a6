"""What was ordered, delivered and invoiced of an order, line by line and in all: figures alone, nothing is read here.

Amounts include VAT, and credit notes are taken off: it is what the commune owes (décret 2012-1246, art. 30).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

from app.core.french import HARD, nombre
from app.core.texts import key_of
from app.folders.models import Folder
from app.invoices.checks import number
from app.invoices.history import totals_of
from app.invoices.keys import strict
from workflows.families.purchase_order.rules import totals
from workflows.family import family

ZERO = Decimal(0)
_UNITS = {
    "t": {"TNE"},
    "kg": {"KGM"},
    "g": {"GRM"},
    "l": {"LTR"},
    "m": {"MTR"},
    "m2": {"MTK"},
    "m3": {"MTQ"},
    "h": {"HUR"},
    "j": {"DAY"},
    "mois": {"MON"},
    "kwh": {"KWH"},
    "u": {"C62", "H87", "EA", "NAR"},
}
"""Units as people write them, and their codes (UN/ECE recommendation 20)."""
_SPELT = {
    "tonne": "t",
    "tonnes": "t",
    "kilo": "kg",
    "litre": "l",
    "litres": "l",
    "metre": "m",
    "heure": "h",
    "heures": "h",
}
_SPELT |= {
    "jour": "j",
    "jours": "j",
    "unite": "u",
    "unites": "u",
    "piece": "u",
    "pieces": "u",
    "m²": "m2",
    "m³": "m3",
}


@dataclass(frozen=True)
class OrderLine:
    """A line of an order: `rank` from 0; its price is that of one unit, without VAT, `rate` its VAT in percent."""

    rank: int
    reference: str
    designation: str
    unit: str
    quantity: Decimal
    price: Decimal
    rate: str

    def of(self, quantity: Decimal) -> str:
        """« 2,5 t » of this line."""
        return f"{nombre(quantity)}{HARD}{self.unit}" if self.unit else nombre(quantity)

    def counted_in(self, code: str) -> bool:
        """Whether a quantity in the unit of this code is one of this line's; True where one of the units is not known."""
        spelt = key_of(self.unit).rstrip(".")
        codes = _UNITS.get(_SPELT.get(spelt, spelt))
        return codes is None or not any(code in each for each in _UNITS.values()) or code in codes


def lines_of(order: Folder) -> list[OrderLine]:
    """The lines of an order, in their order; none of a draft whose lines are not whole."""
    lines = order.fields.get("lines")
    if not isinstance(lines, list) or not order.fields.get("total_ttc"):
        return []
    return [
        OrderLine(
            rank,
            str(line.get("reference") or ""),
            str(line["designation"]),
            str(line.get("unit") or ""),
            Decimal(line["quantity"]),
            Decimal(line["price"]),
            str(line["vat"]),
        )
        for rank, line in enumerate(lines)
    ]


def amounts(lines: Sequence[OrderLine], quantities: Mapping[int, Decimal]) -> Mapping[str, Decimal]:
    """What these quantities of the lines cost, counted as the order is: `total_ht`, `total_vat`, `total_ttc`."""
    counted = [
        {"quantity": quantities.get(line.rank, ZERO), "price": line.price, "vat": line.rate} for line in lines
    ]
    return {key: Decimal(amount) for key, amount in totals({"lines": counted}).items()}


def worth(lines: Sequence[OrderLine], quantities: Mapping[int, Decimal]) -> Decimal:
    """The same with VAT."""
    return amounts(lines, quantities).get("total_ttc", ZERO)


@dataclass(frozen=True)
class Bill:
    """An invoice of an order: what it adds to what is owed, below zero for a credit note, and its lines if it tells any."""

    folder: Folder
    lines: Sequence[Mapping[str, str]]

    @property
    def credit(self) -> bool:
        """Whether it is money that comes back."""
        return family(self.folder.family).credits(self.folder.facts)

    @property
    def amount(self) -> Decimal:
        """With VAT; of a disputed total, the larger."""
        return Decimal(max(totals_of(self.folder), default=0)) / 100

    def of(self, key: str) -> Decimal | None:
        """Its amount without VAT (`total_ht`), or its VAT; None where it is not told."""
        amount = number(str(self.folder.fields.get(key) or ""))
        return -abs(amount) if amount is not None and self.credit else amount


@dataclass(frozen=True)
class LineBalance:
    """A line of an order with what came and what was billed of it; `price`: the dearest that was billed, if any was.

    `units`: a bill counts it in another unit, so its quantity says nothing here.
    """

    line: OrderLine
    delivered: Decimal
    billed: Decimal
    price: Decimal | None
    units: bool = False

    @property
    def left(self) -> Decimal:
        """What is still to come, never below zero."""
        return max(self.line.quantity - self.delivered, ZERO)

    @property
    def unseen(self) -> Decimal:
        """What is billed and did not come."""
        return ZERO if self.units else max(self.billed - self.delivered, ZERO)

    @property
    def beyond(self) -> Decimal:
        """What is billed and was not ordered."""
        return ZERO if self.units else max(self.billed - self.line.quantity, ZERO)

    def dearer(self, tolerance: Decimal | None) -> Decimal:
        """By how much the dearest billed price is above that of the order, beyond this part of it; zero within, or unasked."""
        if self.price is None or tolerance is None:
            return ZERO
        more = self.price - self.line.price
        return more if more > abs(self.line.price) * tolerance else ZERO


@dataclass(frozen=True)
class Balance:
    """An order, what came of it and what was billed of it. `strangers`: billed lines that are none of the order's."""

    order: Folder
    lines: Sequence[LineBalance]
    delivered: Decimal
    bills: Sequence[Bill]
    strangers: Sequence[str]

    @property
    def ordered(self) -> Decimal:
        """With VAT."""
        return Decimal(str(self.order.fields.get("total_ttc") or "0"))

    @cached_property
    def billed(self) -> Decimal:
        """With VAT, credit notes taken off."""
        return sum((bill.amount for bill in self.bills), ZERO)

    @property
    def explained(self) -> Decimal:
        """What came, with VAT, at the dearest price that is billed of each line: a price that is dearer is told apart."""
        dearest = [
            replace(
                one.line, price=max(one.line.price, one.price if one.price is not None else one.line.price)
            )
            for one in self.lines
        ]
        return worth(dearest, {one.line.rank: one.delivered for one in self.lines})

    @property
    def left(self) -> Decimal:
        """What may still be billed; below zero when more was."""
        return self.ordered - self.billed

    @property
    def complete(self) -> bool:
        """Whether all that was ordered came."""
        return all(line.left == 0 for line in self.lines)

    @property
    def detailed(self) -> bool:
        """Whether every bill tells its lines, and each of them is one of the order's: quantities are then compared."""
        return bool(self.bills) and all(bill.lines for bill in self.bills) and not self.strangers

    def total(self, key: str) -> tuple[Decimal, Decimal, Decimal | None]:
        """`total_ht`, `total_vat` or `total_ttc`: ordered, delivered, billed.

        None where the bills do not tell it so that it adds up to what is owed.
        """
        came = {one.line.rank: one.delivered for one in self.lines}
        ordered = Decimal(str(self.order.fields.get(key) or "0"))
        delivered = amounts([one.line for one in self.lines], came).get(key, ZERO)
        if key == "total_ttc":
            return ordered, delivered, self.billed
        told = {part: [bill.of(part) for bill in self.bills] for part in ("total_ht", "total_vat")}
        sums = {part: sum((one or ZERO for one in each), ZERO) for part, each in told.items()}
        whole = None not in [*told["total_ht"], *told["total_vat"]] and sum(sums.values()) == self.billed
        return ordered, delivered, sums[key] if whole else None

    @property
    def state(self) -> tuple[str, str]:
        """A tone and words: how far its delivery is."""
        if not self.delivered and not any(line.delivered for line in self.lines):
            return "info", "Rien n’est livré"
        return ("ok", "Livré") if self.complete else ("warn", "Livré en partie")


def balance_of(order: Folder, delivered: Mapping[int, Decimal], bills: Sequence[Bill]) -> Balance:
    """Count an order: `delivered` by the rank of its lines."""
    lines = lines_of(order)
    billed: dict[int, Decimal] = {}
    prices: dict[int, Decimal] = {}
    other_units, strangers = set(), []
    for bill in bills:
        for billed_line in bill.lines:
            line = line_named(lines, billed_line)
            if line is None:
                strangers.append(billed_line.get("designation") or billed_line.get("reference") or "sans nom")
                continue
            if not line.counted_in(billed_line.get("unit", "")):
                other_units.add(line.rank)
                continue
            quantity, price = number(billed_line.get("quantity")), number(billed_line.get("price"))
            counted = -abs(quantity or ZERO) if bill.credit else quantity or ZERO
            billed[line.rank] = billed.get(line.rank, ZERO) + counted
            if price is not None and not bill.credit:
                prices[line.rank] = max(price, prices.get(line.rank, price))
    balances = [
        LineBalance(
            line,
            delivered.get(line.rank, ZERO),
            billed.get(line.rank, ZERO),
            prices.get(line.rank),
            line.rank in other_units,
        )
        for line in lines
    ]
    return Balance(order, balances, worth(lines, delivered), bills, list(dict.fromkeys(strangers)))


def line_named(lines: Iterable[OrderLine], billed: Mapping[str, Any]) -> OrderLine | None:
    """The line of an order that a billed one is: by its reference, else by its very words; near words are a person's to judge.

    Of several of the same words, the one of the same price.
    """
    reference, words = (strict(str(billed.get(key) or "")) for key in ("reference", "designation"))
    every = list(lines)
    alike = [line for line in every if reference and strict(line.reference) == reference]
    alike = alike or [line for line in every if words and strict(line.designation) == words]
    price = number(billed.get("price"))
    return next((line for line in alike if line.price == price), alike[0] if alike else None)
