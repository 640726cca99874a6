"""Interest for late payment and its lump sum, as a draft: the public accountant pays them (CCP L2192-13, R2192-31, D2192-35).

The rate is that of the European Central Bank on the first day of the half-year in which interest begins to run, eight points
added, and does not change for this invoice. 365 days and a base with VAT are what is practised: no text says them.
"""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path

from app.core.french import euros, jour

LUMP_SUM = Decimal("40.00")
"""For the cost of recovery, once for an invoice (D2192-35)."""
RATES = Path(__file__).with_name("data") / "interest-rates.json"
CENT, YEAR = Decimal("0.01"), 365


@dataclass(frozen=True)
class Owed:
    """What is owed on a day for an invoice that is late: `interest` is None where the rate of its half-year is not known."""

    days: int
    begins: date
    rate: Decimal | None
    interest: Decimal | None


def owed(total: Decimal, due: date, day: date) -> Owed | None:
    """What an invoice of so many euros, VAT included, due on a day, bears on another; None where it is not late."""
    late = (day - due).days
    if late <= 0 or total <= 0:
        return None
    begins = due + timedelta(days=1)
    rate = rate_on(begins)
    if rate is None:
        return Owed(late, begins, None, None)
    interest = (total * rate * late / (100 * YEAR)).quantize(CENT, ROUND_HALF_UP)
    return Owed(late, begins, rate, interest)


def rate_on(day: date) -> Decimal | None:
    """The rate, in per cent, of what begins to run on a day; None where this version does not know it."""
    half = date(day.year, 7 if day.month > 6 else 1, 1).isoformat()
    rate = _rates().get(half)
    return Decimal(rate) if rate is not None else None


def in_words(debt: Owed) -> str:
    """The draft, in a sentence for whoever decides."""
    late = f"En retard depuis le {jour(debt.begins)}"
    if debt.interest is None or debt.rate is None:
        return (
            f"{late} : des intérêts moratoires courent, et {euros(LUMP_SUM)} d’indemnité. Le taux du semestre du "
            f"{jour(debt.begins)} n’est pas connu de cette version : demandez-le au comptable public."
        )
    rate = f"{debt.rate:f}".replace(".", ",")
    return (
        f"{late} : payée aujourd’hui, elle porterait {euros(debt.interest)} d’intérêts moratoires ({debt.days} jours à {rate} %) "
        f"et {euros(LUMP_SUM)} d’indemnité. Projet de calcul : le comptable public les arrête."
    )


@cache
def _rates() -> dict[str, str | None]:
    lines = json.loads(RATES.read_text(encoding="utf-8"))["rates"]
    return {line["from"]: line["rate_percent"] for line in lines}
