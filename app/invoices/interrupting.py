"""The delay of payment that the authorising officer interrupts, once, and that runs again (CCP R2192-27 to R2192-29).

Chorus Pro calls an invoice « suspendue » then; the law says that the delay is interrupted. It begins again, for thirty days or
for what was left where that is longer, on the day on which all that was asked has come.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from app.circuits.library import family_of
from app.core.clock import now, today
from app.core.db import NO_DATE, Db
from app.core.french import jour, jour_long
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.models import Folder
from app.invoices.deciding import INTERRUPTION, changed, deciding, words
from app.invoices.frames import FIELD as FRAME
from app.invoices.performing import performed_of, starts_of
from app.people.actor import Actor
from app.people.covers import in_absence
from workflows.condition import values
from workflows.deadlines import authorising_officer_due, payment_due, payment_due_again

KEPT = INTERRUPTION
REJECTED = "rejected_there"
"""In `Folder.sources`: when an invoice was rejected on Chorus Pro, for good."""
CARD = "A2"
"""The frame of an invoice that justifies what was paid by card."""
ACCOUNTANT_DAYS = 10
"""Of the thirty days, those of the public accountant (décret 2013-269, art. 12)."""


Reader = Callable[[Db, Folder], str]
_readers: list[Reader] = []


def also_read(tell: Reader) -> None:
    """Register who reads the reason of an interruption beside the readers of the folder: a sentence, empty where nobody does."""
    if tell not in _readers:
        _readers.append(tell)


def readers_of(db: Db, folder: Folder) -> str:
    """Who else reads what is written when the delay is interrupted; empty where nobody does."""
    return " ".join(sentence for tell in _readers if (sentence := tell(db, folder)))


@dataclass(frozen=True)
class Interruption:
    """When the supplier received the notice, why, by whom; when all that was asked had come, None while it is awaited."""

    notified: date
    reason: str
    who: str
    complete: date | None = None


def interruption_of(folder: Folder) -> Interruption | None:
    """The interruption of an invoice's delay; None where there was none, or none that the day on which it begins allows."""
    row, starts = folder.sources.get(KEPT), starts_of(folder)
    if row is None or not starts:
        return None
    notified = date.fromisoformat(row["notified"])
    if not min(starts) <= notified <= payment_due(min(starts)):
        return None
    complete = date.fromisoformat(row["complete"]) if row.get("complete") else None
    return Interruption(notified, row["reason"], row["who"], complete)


def stopped(folder: Folder) -> bool:
    """Whether no delay of payment runs any more: paid by card already (A2), or rejected on Chorus Pro.

    A frame that is in dispute stops nothing: whoever rules on it does (`values`).
    """
    return set(values(folder.facts, FRAME)) == {CARD} or REJECTED in folder.sources


def last_day(folder: Folder) -> date | None:
    """The commune's last day where an interruption, or a service that was done later, moved it; None where neither did.

    `NO_DATE` while the delay does not run.
    """
    if stopped(folder):
        return NO_DATE
    interruption, starts = interruption_of(folder), starts_of(folder)
    if not starts or not family_of(folder.in_force).due(folder.facts):
        return None
    if interruption is None:
        return authorising_officer_due(min(starts)) if performed_of(folder) is not None else None
    if interruption.complete is None:
        return NO_DATE
    due = payment_due_again(min(starts), interruption.notified, interruption.complete)
    return due - timedelta(days=ACCOUNTANT_DAYS)


@use_case
def interrupt(
    db: Db, actor: Actor, folder_id: int, *, version: int, notified: date | None, reason: str
) -> None:
    """Note that the supplier received the notice by which the delay of payment is interrupted; it counts no more until then.

    By whoever decides where the invoice stands. Refuses `not-your-turn`, `delay-none` where no delay runs,
    `delay-interrupted` a second time (the law allows one), `notice-day` for a day before the reception, after the delay or to
    come, `notice-reason` and `words-long`.
    """
    folder, absent, under = deciding(db, actor, folder_id, version)
    starts = starts_of(folder)
    if not starts or not family_of(folder.in_force).due(folder.facts):
        raise Refusal("delay-none")
    if KEPT in folder.sources:  # once, even where the day of reception was changed since
        raise Refusal("delay-interrupted")
    first, last = min(starts), min(payment_due(min(starts)), today())
    if notified is None or not first <= notified <= last:
        raise Refusal("notice-day", first=jour_long(first), last=jour_long(last))
    reason = words(reason, "notice-reason")
    who = in_absence(actor.name, absent)
    row = {"notified": notified.isoformat(), "reason": reason, "who": who, "at": now().isoformat()}
    folder.sources = {**folder.sources, KEPT: row}
    line = f"notifiée le {jour(notified)} : « {reason} »"
    changed(
        db, actor, folder, "invoice.interrupted", {"notified": notified.isoformat(), "words": line, **under}
    )


@use_case
def resume(db: Db, actor: Actor, folder_id: int, *, version: int, complete: date | None, word: str) -> None:
    """Note the day on which all that was asked had come: the delay runs again from there.

    Refuses `not-your-turn`, `delay-running` where nothing is awaited, `complete-day` for a day before the notice or to come,
    `complete-word` and `words-long`.
    """
    folder, absent, under = deciding(db, actor, folder_id, version)
    interruption = interruption_of(folder)
    if interruption is None or interruption.complete is not None:
        raise Refusal("delay-running")
    if complete is None or not interruption.notified <= complete <= today():
        raise Refusal("complete-day", first=jour(interruption.notified))
    word = words(word, "complete-word")
    row = dict(folder.sources[KEPT]) | {
        "complete": complete.isoformat(),
        "word": word,
        "resumed_by": in_absence(actor.name, absent),
        "resumed_at": now().isoformat(),
    }
    folder.sources = {**folder.sources, KEPT: row}
    line = f"tout est reçu le {jour(complete)} : « {word} »"
    changed(db, actor, folder, "invoice.resumed", {"complete": complete.isoformat(), "words": line, **under})
