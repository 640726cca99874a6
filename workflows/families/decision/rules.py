"""What must be true of a decision taken under a delegation of the council; above its ceiling, the council decides."""

from datetime import date
from decimal import Decimal

from workflows.family import Facts, Problem

CEILINGS_OF_THE_LAW = {"10": Decimal(4600)}
BOUNDED = frozenset(
    {"3", "20"}
)  # loans within « les limites fixées », credit lines up to « un montant maximum »


def within_the_ceiling_of_the_council(facts: Facts, _today: date) -> Problem | None:
    """A delegation holds within the limits that the council fixed: above, the mayor has no power (CGCT L2122-22)."""
    if facts.get("ceiling") is None:
        return None
    if facts.get("amount") is None:
        return Problem(
            "amount-unknown",
            "amount",
            "La délégation a un plafond et le montant manque. Indiquez ce que la décision engage.",
        )
    ceiling = Decimal(str(facts["ceiling"]))
    if Decimal(str(facts["amount"])) <= ceiling:
        return None
    return _above(ceiling, "de la délégation")


def ceiling_is_known_where_the_law_asks_one(facts: Facts, _today: date) -> Problem | None:
    """Loans and credit lines are delegated within an amount that the council fixes (CGCT L2122-22, 3° and 20°)."""
    if facts.get("delegation_item") not in BOUNDED or facts.get("ceiling") is not None:
        return None
    return Problem(
        "ceiling-missing",
        "ceiling",
        "Le conseil ne délègue ce pouvoir que dans une limite. Indiquez le plafond que fixe sa délibération.",
    )


def within_the_ceiling_of_the_law(facts: Facts, _today: date) -> Problem | None:
    """Movable goods are sold by decision up to 4,600 €, whatever the council wrote (CGCT L2122-22, 10°)."""
    ceiling = CEILINGS_OF_THE_LAW.get(str(facts.get("delegation_item")))
    if ceiling is None or facts.get("amount") is None or Decimal(str(facts["amount"])) <= ceiling:
        return None
    return _above(ceiling, "de la loi")


def _above(ceiling: Decimal, whose: str) -> Problem:
    written = f"{ceiling:,.2f}".translate({44: "\u202f", 46: ","})
    return Problem(
        "above-ceiling",
        "amount",
        f"Le montant dépasse le plafond {whose}, {written} €. Soumettez l’affaire au conseil municipal, ou corrigez "
        "le montant.",
    )
