"""How long the invoices of each month took from their arrival to the finance software, and how many of them were late.

The accountant pays after that, and what he does is not known here: these are the days of the commune (décret 2013-269, art. 12).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from app.core.clock import PARIS, today
from app.core.db import Db
from app.core.french import mois
from app.display import following
from app.folders.models import Folder
from app.invoices.history import FAMILY
from app.invoices.interrupting import interruption_of, last_day
from app.invoices.performing import starts_of
from app.invoices.register.choosing import portions
from app.people.actor import Actor
from workflows.circuit import DONE
from workflows.deadlines import authorising_officer_due

MONTHS = 12
MOST = 4_000
"""The last invoices that ended, of those that one reads: a month of which some are left out is not shown."""


@dataclass(frozen=True)
class Month:
    """The invoices that left in one month: how many, the mean of their days without what was interrupted, how many late."""

    first: date
    count: int
    days: float
    late: int

    @property
    def label(self) -> str:
        """« Novembre 2026 »."""
        return mois(self.first)

    @property
    def words(self) -> str:
        """« 12,4 jours »."""
        return f"{self.days:.1f} jour{'s' if self.days >= 2 else ''}".replace(".", ",")

    @property
    def share(self) -> float:
        """Of a hundred, how many were late."""
        return 100 * self.late / self.count


def by_month(db: Db, actor: Actor) -> list[Month]:
    """The last twelve months in which something left, the oldest first."""
    ended = f"f.place = '{DONE}' AND f.done_at IS NOT NULL"
    numbers = following.numbers(db, actor, FAMILY, ended, {}, most=MOST) or []
    folders = [
        folder
        for portion in portions(numbers)
        for folder in db.scalars(sa.select(Folder).where(Folder.id.in_(portion)))
    ]
    months: dict[date, list[tuple[int, bool]]] = defaultdict(list)
    for folder in folders:
        if (took := _took(folder)) is not None:
            months[took[0].replace(day=1)].append(took[1:])
    since = _whole_since(folders)
    return [
        Month(first, len(rows), sum(days for days, _ in rows) / len(rows), sum(late for _, late in rows))
        for first, rows in sorted(months.items())
        if first >= since
    ]


def _took(folder: Folder) -> tuple[date, int, bool] | None:
    """The day on which an invoice left, its days, and whether that was late; None where no delay ran."""
    starts = starts_of(folder)
    if not starts or folder.done_at is None or (folder.amount_cents or 0) <= 0:
        return None
    start, left = min(starts), folder.done_at.astimezone(PARIS).date()
    interruption = interruption_of(folder)
    stopped = 0
    if interruption is not None:
        stopped = max(((interruption.complete or left) - interruption.notified).days, 0)
    due = last_day(folder) or authorising_officer_due(start)
    return left, max((left - start).days - stopped, 0), left > due


def _whole_since(folders: Sequence[Folder]) -> date:
    """The first month that is whole among those that were read, at most a year ago."""
    day = today()
    year_ago = date(day.year - (day.month != MONTHS), day.month % MONTHS + 1, 1)
    if len(folders) < MOST:
        return year_ago
    oldest = min(folder.created_at for folder in folders).astimezone(PARIS).date()
    return max(year_ago, date(oldest.year + oldest.month // 12, oldest.month % 12 + 1, 1))
