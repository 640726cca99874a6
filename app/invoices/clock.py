"""The payment clock of an invoice: thirty days, of which twenty for the commune and ten for the accountant."""

from dataclasses import dataclass
from datetime import date

from app.core.french import jour
from workflows.deadlines import authorising_officer_due, is_working_day, payment_due

DAYS, OURS = 30, 20


@dataclass(frozen=True)
class Clock:
    """What the clock shows; `day` counts from the reception, which is day 0."""

    day: int
    total: int
    split: int
    state: str
    head: str
    left: str
    source: str
    order_line: str
    pay_line: str


def clock_of(start: date, today: date, *, disputed: bool = False) -> Clock:
    """The clock that began at `start`, seen today (CCP R2192-10; décret 2013-269 art. 12 for the accountant's ten days).

    `disputed`: it is the first of several days, until somebody rules between them. A last day that is not worked is said,
    because the law does not say whether it moves (CAL-08): here it does not.
    """
    day = (today - start).days
    order, pay = authorising_officer_due(start), payment_due(start)
    left = (order - today).days
    if left >= 0:
        sentence = f"reste {left} jour{'s' if left > 1 else ''} pour mandater"
    else:
        sentence = f"mandat en retard de {-left} jour{'s' if left < -1 else ''}"
    head = (
        f"Jour {day} sur {DAYS}"
        if day <= DAYS
        else f"{day - DAYS} jour{'s' if day - DAYS > 1 else ''} après le délai de paiement"
    )
    return Clock(
        max(day, 0),
        DAYS,
        OURS,
        "late" if day > DAYS else "running",
        head,
        sentence,
        f"départ : reçue le {jour(start)}{', la première des dates en désaccord' if disputed else ''}",
        f"Mandat à émettre avant le {jour(order)} ({OURS} jours)",
        f"Paiement par le comptable avant le {jour(pay)} ({DAYS - OURS} jours){_unsure(pay)}",
    )


def _unsure(last: date) -> str:
    return (
        ""
        if is_working_day(last)
        else ", jour non ouvré : la loi ne dit pas s’il est reporté, Paraphe ne le reporte pas"
    )
