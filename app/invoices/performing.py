"""The day on which what an invoice bills was done, where it came before that: the delay of payment then begins there.

The delay begins at the reception of the invoice, or on the day on which the service was done where that is later (CCP R2192-12,
R2192-13). That day is what a person who decides says of the service, never the one on which somebody attests it: a visa that is
late takes nothing from the supplier.
"""

from dataclasses import dataclass
from datetime import date

from app.circuits.library import family_of
from app.core.clock import now, today
from app.core.db import Db
from app.core.french import jour
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.models import Folder
from app.invoices.days import received_days
from app.invoices.deciding import INTERRUPTION, changed, deciding, words
from app.people.actor import Actor
from app.people.covers import in_absence
from workflows.deadlines import payment_due

KEPT = "performed"
"""In `Folder.sources`."""


@dataclass(frozen=True)
class Performed:
    """The day on which what is billed was done, by whom it is said, and on what."""

    day: date
    word: str
    who: str


def performed_of(folder: Folder) -> Performed | None:
    """What was said of the day on which it was done; None where nobody did, or where it changes no day of reception."""
    row = folder.sources.get(KEPT)
    if row is None:
        return None
    done = Performed(date.fromisoformat(row["day"]), row["word"], row["who"])
    return done if any(received < done.day for received in received_days(folder)) else None


def starts_of(folder: Folder) -> list[date]:
    """The days on which the delay of an invoice may begin: each of reception, or that on which it was done where it is later."""
    done = performed_of(folder)
    return [max(received, done.day) if done is not None else received for received in received_days(folder)]


@use_case
def perform(db: Db, actor: Actor, folder_id: int, *, version: int, day: date | None, word: str) -> None:
    """Note the day on which what is billed was done, after its reception; said again, the later saying stands.

    By whoever decides where the invoice stands. Refuses `not-your-turn`, `delay-none` where no delay runs, `performed-day` for a
    day before the reception, after the notice by which the delay is interrupted, or to come, `performed-word`, `words-long`.
    """
    folder, absent, under = deciding(db, actor, folder_id, version)
    received = received_days(folder)
    if not received or not family_of(folder.in_force).due(folder.facts):
        raise Refusal("delay-none")
    first, last = bounds(folder)
    if day is None or not first <= day <= last:
        raise Refusal("performed-day", first=jour(first), last=jour(last))
    word = words(word, "performed-word")
    row = {
        "day": day.isoformat(),
        "word": word,
        "who": in_absence(actor.name, absent),
        "at": now().isoformat(),
    }
    folder.sources = {**folder.sources, KEPT: row}
    line = f"fait le {jour(day)} : « {word} »"
    changed(db, actor, folder, "invoice.performed", {"day": day.isoformat(), "words": line, **under})


def bounds(folder: Folder) -> tuple[date, date]:
    """Between which days it may be: from the reception to today.

    Where a notice interrupted the delay, neither after it nor so long before that it would have come after the delay: it was
    sent, and stands.
    """
    first, row = min(received_days(folder)), folder.sources.get(INTERRUPTION)
    if row is None:
        return first, today()
    notified = date.fromisoformat(row["notified"])
    return max(first, notified - (payment_due(first) - first)), min(notified, today())
