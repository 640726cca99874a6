"""The seconds for which what was just done may be taken back (`app/folders/undoing.py`), and its letters wait."""

from datetime import datetime, timedelta

from app.core.clock import now

_chosen = {"seconds": 0.0}
UNDECIDED = "attend que ce qui vient d’être fait sur le dossier ne puisse plus être repris"
"""What is written beside a letter that says what may still be taken back, or says no more what it may say again."""
UNDER_WAY = 5.0
"""Seconds that a taking back, begun in time, may need until it is written."""


def configure(seconds: float) -> None:
    """Say how long; nothing is taken back, and no letter waits, where it is zero."""
    _chosen["seconds"] = seconds


def seconds() -> float:
    """How long."""
    return _chosen["seconds"]


def lasts(since: datetime) -> bool:
    """Whether what was done at this moment may still be taken back."""
    return timedelta(0) <= now() - since < timedelta(seconds=seconds())


def undecided(since: datetime) -> float:
    """How many seconds after now what was done at this moment stands for good, a taking back that is under way included."""
    over = seconds() - (now() - since).total_seconds() + UNDER_WAY
    return max(0.0, over) if seconds() else 0.0


def left(since: datetime) -> int:
    """How many whole seconds are left of it."""
    return max(0, int(seconds() - (now() - since).total_seconds()))
