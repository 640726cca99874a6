"""The one clock: now, in UTC, and the commune's day."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The day at the town hall (Europe/Paris), which is the day that legal delays count in."""
    return now().astimezone(PARIS).date()
