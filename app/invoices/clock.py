"""The payment clock of an invoice: thirty days, of which twenty for the commune and ten for the accountant."""

from dataclasses import dataclass
from datetime import date, timedelta

from app.circuits.library import family_of
from app.core.clock import today
from app.core.french import jour
from app.folders.models import Folder
from app.invoices.checks import number
from app.invoices.interest import in_words, owed
from app.invoices.interrupting import Interruption, interruption_of, stopped
from app.invoices.performing import performed_of, starts_of
from workflows.deadlines import is_working_day, payment_due, payment_due_again

DAYS, OURS = 30, 20
RECEIVED, AVAILABLE = "reçue", "mise à disposition sur Chorus Pro"
PERFORMED = "service fait après la réception,"
"""What starts the delay of an invoice: its reception, that it is available there, or the service where it is later (CCP R2192-12,
R2192-13, R2192-15)."""
CHORUS = "chorus"
"""In `Folder.sources`: what Chorus Pro tells of the invoice, `available_on` among it."""


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


def last_day_to_pay(start: date, interruption: Interruption | None) -> date | None:
    """The last day to pay; None while the delay is interrupted."""
    if interruption is None:
        return payment_due(start)
    if interruption.complete is None:
        return None
    return payment_due_again(start, interruption.notified, interruption.complete)


def clock_of(
    start: date,
    day: date,
    *,
    disputed: bool = False,
    interruption: Interruption | None = None,
    rule: str = RECEIVED,
) -> Clock:
    """The clock that began at `start`, seen today (CCP R2192-10; décret 2013-269 art. 12 for the accountant's ten days).

    `rule`: what happened on that day. `disputed`: it is the first of several days, until somebody rules between them. A last
    day that is not worked is said, because the law does not say whether it moves (CAL-08): here it does not. One that was
    interrupted stands still, then runs again from the day on which all had come (CCP R2192-29).
    """
    source = f"départ : {rule} le {jour(start)}{', la première des dates en désaccord' if disputed else ''}"
    due = last_day_to_pay(start, interruption)
    if interruption is None:
        return _running(start, payment_due(start), day, source)
    since = f"interrompu le {jour(interruption.notified)} : « {interruption.reason} »"
    if interruption.complete is not None and due is not None:
        began = f"repart du {jour(interruption.complete)}, {source}, {since}"
        return _running(interruption.complete, due, day, began)
    left = (payment_due(start) - interruption.notified).days
    return Clock(
        (interruption.notified - start).days,
        DAYS,
        OURS,
        "interrupted",
        "Délai de paiement interrompu",
        f"reste {left} jour{'s' if left > 1 else ''} au jour de la notification",
        f"{source}, {since}",
        "Ce qui est demandé est attendu du fournisseur",
        f"Tout reçu, le délai repart pour {max(DAYS, left)} jours",
    )


def _running(begins: date, pay: date, now: date, source: str) -> Clock:
    """A clock that runs from a day to the last day to pay, the accountant's days being the last ones."""
    total = (pay - begins).days
    ours = total - (DAYS - OURS)
    order = begins + timedelta(days=ours)
    day, left = (now - begins).days, (order - now).days
    if left >= 0:
        sentence = f"reste {left} jour{'s' if left > 1 else ''} pour mandater"
    else:
        sentence = f"mandat en retard de {-left} jour{'s' if left < -1 else ''}"
    head = (
        f"Jour {day} sur {total}"
        if day <= total
        else f"{day - total} jour{'s' if day - total > 1 else ''} après le délai de paiement"
    )
    return Clock(
        max(day, 0),
        total,
        ours,
        "late" if day > total else "running",
        head,
        sentence,
        source,
        f"Mandat à émettre avant le {jour(order)} ({ours} jours)",
        f"Paiement par le comptable avant le {jour(pay)} ({DAYS - OURS} jours){_unsure(pay)}",
    )


def _unsure(last: date) -> str:
    return (
        ""
        if is_working_day(last)
        else ", jour non ouvré : la loi ne dit pas s’il est reporté, Paraphe ne le reporte pas"
    )


@dataclass(frozen=True)
class Delay:
    """The delay of payment of an invoice today: what its clock shows, its interruption, and what being late costs."""

    clock: Clock
    interruption: Interruption | None
    owed: str


def rule_of(folder: Folder, start: date) -> str:
    """What happened on the day that starts the delay of an invoice, in words."""
    done = performed_of(folder)
    if done is not None and start == done.day:
        return PERFORMED
    return AVAILABLE if start.isoformat() == folder.sources.get(CHORUS, {}).get("available_on") else RECEIVED


def delay_of(folder: Folder) -> Delay | None:
    """The delay of an invoice that waits; None where none runs: a credit note, an invoice that nobody received yet."""
    starts = starts_of(folder) if family_of(folder.in_force).due(folder.facts) and not stopped(folder) else []
    if not starts:
        return None
    start, day = min(starts), today()
    interruption = interruption_of(folder)
    rule = rule_of(folder, start)
    clock = clock_of(start, day, disputed=len(starts) > 1, interruption=interruption, rule=rule)
    due = last_day_to_pay(start, interruption)
    total = number(str(folder.fields.get("total_ttc") or ""))
    debt = owed(total, due, day) if total is not None and due is not None else None
    euro = str(folder.fields.get("currency") or "EUR") == "EUR"
    return Delay(clock, interruption, in_words(debt) if debt and euro else "")
