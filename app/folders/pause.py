"""The seconds for which what was just done may be taken back (`app/folders/undoing.py`), and its letters wait."""

from datetime import datetime, timedelta

from app.core.clock import now

_chosen = {"seconds": 0.0}


def configure(seconds: float) -> None:
    """Say how long; nothing is taken back, and no letter waits, where it is zero."""
    _chosen["seconds"] = seconds


def seconds() -> float:
    """How long."""
    return _chosen["seconds"]


def lasts(since: datetime) -> bool:
    """Whether what was done at this moment may still be taken back."""
    return timedelta(0) <= now() - since < timedelta(seconds=seconds())


def left(since: datetime) -> int:
    """How many whole seconds are left of it."""
    return max(0, int(seconds() - (now() - since).total_seconds()))
