"""What must be true of an order before it enters its circuit, and what its lines add up to."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from workflows.family import Facts, Problem

CENT = Decimal("0.01")
MOST = Decimal(10**11)
"""In euros: a sum beyond is no order of a commune, but a comma that was forgotten."""
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+", re.ASCII)


def totals(facts: Facts) -> Mapping[str, str]:
    """The totals of the lines, each line rounded to the cent, VAT counted by rate as invoices do (EN 16931, BR-CO-17).

    Nothing while a line is not whole, nor beyond `MOST`.
    """
    lines = facts.get("lines")
    if not isinstance(lines, list) or not lines:
        return {}
    bases: dict[Decimal, Decimal] = {}
    try:
        for line in lines:
            rate = Decimal(str(line["vat"]))
            bases[rate] = bases.get(rate, Decimal(0)) + worth(line)
    except (KeyError, TypeError, ArithmeticError):
        return {}
    if any(not abs(base) < MOST for base in bases.values()):
        return {}
    excluded = sum(bases.values(), Decimal(0))
    vat = sum((_cents(base * rate / 100) for rate, base in bases.items()), Decimal(0))
    amounts = {"total_ht": excluded, "total_vat": vat, "total_ttc": excluded + vat}
    return {key: f"{amount:.2f}" for key, amount in amounts.items()}


def worth(line: Mapping[str, Any]) -> Decimal:
    """What a line costs without VAT, to the cent."""
    return _cents(Decimal(str(line["quantity"])) * Decimal(str(line["price"])))


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def quantities_are_positive(facts: Facts, _today: date) -> Problem | None:
    """What is ordered is counted above zero: a discount is a line whose price is below (CCP D2192-2 asks for both)."""
    wrong = [rank for rank, quantity in _quantities(facts) if quantity <= 0]
    if not wrong:
        return None
    return Problem(
        "order-quantity",
        "lines",
        f"La quantité de la ligne {wrong[0]} n’est pas au-dessus de zéro. Une remise s’écrit avec un prix négatif.",
    )


def _quantities(facts: Facts) -> Iterator[tuple[int, Decimal]]:
    lines = facts.get("lines")
    for rank, line in enumerate(lines if isinstance(lines, list) else (), 1):
        yield rank, Decimal(str(line["quantity"]))


def order_is_worth_something(facts: Facts, _today: date) -> Problem | None:
    """An order engages an amount (décret 2012-1246, art. 30): one that is worth nothing, less, or too much engages none."""
    total = facts.get("total_ttc")
    if not facts.get("lines") or (total is not None and Decimal(str(total)) > 0):
        return None
    return Problem(
        "order-worth-nothing",
        "lines",
        "Le total des lignes n’est pas un montant qui se commande. Vérifiez les quantités et les prix.",
    )


def supplier_is_reached(facts: Facts, _today: date) -> Problem | None:
    """The address to which the order goes is one of mail, where there is one."""
    address = facts.get("seller_email")
    if address is None or is_address(str(address)):
        return None
    return Problem(
        "order-address",
        "seller_email",
        "Ce n’est pas une adresse électronique. Écrivez-la par exemple commandes@fournisseur.fr, ou laissez vide.",
    )


def is_address(text: str) -> bool:
    """Whether a text is one address of mail, and nothing else (RFC 5321 §4.1.2, of which only the plain form is taken)."""
    return bool(_ADDRESS.fullmatch(text))
