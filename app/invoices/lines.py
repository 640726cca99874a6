"""The lines that an invoice bills, as its data say them: what they name, how much, at which price."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from app.invoices.checks import number
from app.invoices.fields import CII, find, text_at
from app.invoices.rows import MAX_LINES

LONGEST = 300
_LINE = {
    CII: "rsm:SupplyChainTradeTransaction/ram:IncludedSupplyChainTradeLineItem",
    "UBL": "cac:InvoiceLine | cac:CreditNoteLine",
}
_PRODUCT = "ram:SpecifiedTradeProduct"
_PRICE = "ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice"
_BILLED = "ram:SpecifiedLineTradeDelivery/ram:BilledQuantity"
_COUNTED = "cbc:InvoicedQuantity | cbc:CreditedQuantity"
_PATHS: dict[str, dict[str, tuple[str, ...]]] = {
    CII: {
        "reference": (
            f"{_PRODUCT}/ram:BuyerAssignedID",
            f"{_PRODUCT}/ram:SellerAssignedID",
        ),  # BT-156, BT-155
        "designation": (f"{_PRODUCT}/ram:Name",),  # BT-153
        "quantity": (_BILLED,),  # BT-129
        "unit": (f"{_BILLED}/@unitCode",),  # BT-130
        "price": (f"{_PRICE}/ram:ChargeAmount",),  # BT-146
        "basis": (f"{_PRICE}/ram:BasisQuantity",),  # BT-149
    },
    "UBL": {
        "reference": (
            "cac:Item/cac:BuyersItemIdentification/cbc:ID",
            "cac:Item/cac:SellersItemIdentification/cbc:ID",
        ),
        "designation": ("cac:Item/cbc:Name",),
        "quantity": (_COUNTED,),
        "unit": ("cbc:InvoicedQuantity/@unitCode | cbc:CreditedQuantity/@unitCode",),
        "price": ("cac:Price/cbc:PriceAmount",),
        "basis": ("cac:Price/cbc:BaseQuantity",),
    },
}

LARGEST = Decimal(10) ** 15


@dataclass(frozen=True)
class Billed:
    """A line of an invoice: texts as written, the price of one unit; empty for what is not said.

    `unit`: its code in UN/ECE recommendation 20.
    """

    reference: str
    designation: str
    quantity: str
    unit: str
    price: str

    def to_data(self) -> dict[str, str]:
        """As it is kept."""
        return asdict(self)


def lines_in(root: Any, syntax: str) -> tuple[Billed, ...]:
    """The lines of a parsed invoice, `MAX_LINES` at most: beyond, none, for a part of them would say something false."""
    kind = CII if syntax == CII else "UBL"
    lines = find(root, _LINE[kind])
    return tuple(_line(line, _PATHS[kind]) for line in lines) if len(lines) <= MAX_LINES else ()


def _line(line: Any, paths: dict[str, tuple[str, ...]]) -> Billed:
    texts = {key: next(filter(None, (_at(line, path) for path in each)), "") for key, each in paths.items()}
    price, basis = number(texts["price"]), number(texts.pop("basis"))
    if price is not None and basis:
        unit_price = price / basis
        # For next to nothing, it is no price of anything, and more than a number of ours holds
        texts["price"] = (
            f"{unit_price.quantize(Decimal('0.000001')).normalize():f}" if abs(unit_price) < LARGEST else ""
        )
    return Billed(**{key: text[:LONGEST] for key, text in texts.items()})


def _at(line: Any, path: str) -> str:
    if "@" not in path:
        return text_at(line, path)
    return next((str(code).strip() for code in find(line, path)), "")
