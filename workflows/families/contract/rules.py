"""What must be true of a contract beyond what every act asks."""

from datetime import date
from decimal import Decimal

from workflows.acts.rules import transmits
from workflows.circuit import Circuit, StepKind
from workflows.family import Facts, Problem

# In euros, VAT excluded, from the 1st of January of the year: the European threshold of local authorities' supplies and
# services, which CGCT D2131-5-1 takes over.
THRESHOLDS = ((2026, Decimal(216_000)), (2024, Decimal(221_000)), (2022, Decimal(215_000)))


def threshold(day: date) -> Decimal | None:
    """From how much a public contract signed that day is transmitted; None before the oldest threshold known.

    >>> threshold(date(2026, 1, 1)), threshold(date(2025, 12, 31))
    (Decimal('216000'), Decimal('221000'))
    """
    return next((amount for year, amount in THRESHOLDS if day.year >= year), None)


def procurement_above_the_threshold_is_transmitted(facts: Facts, today: date) -> Problem | None:
    """A public contract at or above the threshold is transmitted, and notified only then (CGCT L2131-2, L2131-13)."""
    if facts.get("transmitted") != "no" or facts.get("contract_kind") != "procurement":
        return None
    signed = facts.get("decision_date")
    due = threshold(date.fromisoformat(str(signed)) if signed else today)
    if due is None or facts.get("amount") is None or Decimal(str(facts["amount"])) < due:
        return None
    return Problem(
        "transmission-due",
        "transmitted",
        f"À partir de {f'{due:,.0f}'.replace(',', chr(0x202F))} € HT, un marché se transmet à la préfecture avant sa "
        "notification. Choisissez « À transmettre ».",
    )


def notified_after_transmission(circuit: Circuit) -> str | None:
    """The other party is notified of a contract once it is transmitted, never before (CGCT L2131-13)."""
    notified = next((n for n, step in enumerate(circuit.steps) if step.kind is StepKind.PUBLISH), None)
    if notified is None or any(transmits(step) for step in circuit.steps[:notified]):
        return None
    return (
        f"L’étape « {circuit.steps[notified].label} » vient après la transmission à la préfecture : un contrat ne se "
        "notifie qu’ensuite (CGCT L2131-13)."
    )
