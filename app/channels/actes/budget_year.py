"""The days that the law gives to a budget and to the account of a year: debate, vote, transmission."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from app.channels.actes.budget import KINDS, SINGLE_ACCOUNT
from app.core.french import jour_long
from app.folders.sockets import Caution

PRIMARY = KINDS["01"]
TERM, A_RENEWAL = 6, 2020
"""Municipal councillors are elected for six years, all together (code électoral, L227); one of the years in which they were."""
ORIENTATIONS = timedelta(weeks=10)
"""Under M57; the debate is compulsory from 3,500 inhabitants on."""
TO_TRANSMIT = timedelta(days=15)
DEBATED_FROM = 3500


def renewed(year: int) -> bool:
    """Whether all municipal councils are renewed that year; a law that moved the elections once would not be seen here.

    >>> [year for year in range(2014, 2040) if renewed(year)]
    [2014, 2020, 2026, 2032, 2038]
    """
    return (year - A_RENEWAL) % TERM == 0


def vote_limit(year: int) -> date:
    """The last day to vote the budget of a year: 15 April, 30 April when the councils are renewed (CGCT L1612-2)."""
    return date(year, 4, 30 if renewed(year) else 15)


def transmission_limit(year: int) -> date:
    """The last day to transmit it: fifteen days after the last day to vote it (CGCT L1612-8)."""
    return vote_limit(year) + TO_TRANSMIT


def account_limit(year: int) -> date:
    """The last day to vote the account of a year (CGCT L1612-12)."""
    return date(year + 1, 6, 30)


def cautions(facts: Mapping[str, Any], population: int | None, today: date) -> Iterator[Caution]:
    """What of these days is not held, for a budget or an account with these facts; `population` None where it is not known.

    Uncertain by nature: the law has exceptions (a council dissolved, data that came late), so it is told and stops nobody.
    """
    kind, year, voted = facts.get("budget_kind"), facts.get("fiscal_year"), _day(facts.get("decision_date"))
    if not isinstance(year, int) or not 1900 < year < 9999:
        return
    if kind == PRIMARY:
        yield from _voted(voted, vote_limit(year), "Budget", "CGCT L1612-2")
        limit = transmission_limit(year)
        received = _day(facts.get("received_on_by_state"))
        if (received or today) > limit:
            sentence = (
                f"Un budget est transmis au plus tard le {jour_long(limit)} (CGCT L1612-8) : cette date est passée. "
                "Transmettez-le sans attendre, et prévenez la préfecture."
            )
            yield Caution(
                "budget-transmission", "Transmission tardive", sentence, about=f"budget-transmission:{limit}"
            )
        if population is None or population >= DEBATED_FROM:
            yield from _debated(_day(facts.get("orientations_on")), voted)
    if kind == KINDS[SINGLE_ACCOUNT]:
        yield from _voted(voted, account_limit(year), "Compte", "CGCT L1612-12")


def _voted(voted: date | None, limit: date, what: str, source: str) -> Iterator[Caution]:
    if voted is not None and voted > limit:
        sentence = (
            f"La loi fixe ce vote au {jour_long(limit)} au plus tard ({source}), et la séance est datée du {jour_long(voted)}. "
            "Vérifiez la date ; passé ce délai, le préfet peut saisir la chambre régionale des comptes."
        )
        yield Caution("budget-vote", f"{what} voté hors délai", sentence, about=f"budget-vote:{voted}")


def _debated(debated: date | None, voted: date | None) -> Iterator[Caution]:
    title, rule = (
        "Débat d’orientations budgétaires",
        "Dans une commune de 3 500 habitants ou plus, le conseil débat des orientations dans les dix semaines qui précèdent "
        "le vote du budget (CGCT L2312-1, L5217-10-4)",
    )
    if debated is None:
        sentence = f"{rule}. Indiquez la date de ce débat, ou levez ce point."
        yield Caution("budget-debate", title, sentence, about="budget-debate:")
    elif voted is not None and not voted - ORIENTATIONS <= debated < voted:
        days = f"le débat est daté du {jour_long(debated)}, le vote du {jour_long(voted)}"
        sentence = f"{rule} : {days}. Vérifiez les deux dates."
        yield Caution("budget-debate", title, sentence, about=f"budget-debate:{debated}:{voted}")


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None
