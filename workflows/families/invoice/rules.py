"""What must be true of an invoice before it enters its circuit."""

from datetime import date
from decimal import Decimal

from workflows.family import Facts, Problem

TOLERANCE = Decimal("0.01")


def totals_agree(facts: Facts, _today: date) -> Problem | None:
    """The total including VAT is the total excluding VAT plus VAT, to one cent, a credit note included."""
    if any(facts.get(key) is None for key in ("total_ht", "total_vat", "total_ttc")):
        return None
    ht, vat, ttc = (Decimal(str(facts[key])) for key in ("total_ht", "total_vat", "total_ttc"))
    if abs(ht + vat - ttc) <= TOLERANCE:
        return None
    return Problem(
        "totals-disagree",
        "total_ttc",
        "Le montant TTC n’est pas la somme du montant HT et de la TVA. Vérifiez les trois montants.",
    )


def currency_is_euro(facts: Facts, _today: date) -> Problem | None:
    """A commune pays in euros: another currency is refused rather than silently read as euros."""
    currency = facts.get("currency")
    if currency is None or currency == "EUR":
        return None
    return Problem(
        "currency-not-euro",
        "currency",
        f"La facture est en {currency} ; seules les factures en euros (EUR) sont acceptées. "
        "Demandez au fournisseur une facture en euros.",
    )


def received_in_the_past(facts: Facts, today: date) -> Problem | None:
    """The payment clock starts on a day that has come (CCP R2192-12)."""
    received = facts.get("received_on")
    if received is None or str(received) <= today.isoformat():
        return None
    return Problem(
        "received-in-the-future",
        "received_on",
        "La date de réception est dans le futur. Indiquez le jour où la facture est arrivée.",
    )


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _compact(value: object) -> object:
    return "".join(value.split()).upper() if isinstance(value, str) else value


NORMALISE = {"currency": _upper, "iban": _compact}
