"""The seconds for which what was just done may be taken back (`app/folders/undoing.py`), and its letters wait.

They are those of the installation, or the longer ones that whoever acts has chosen for himself (WCAG 2.2.1). An act keeps the
hour at which they end (`final_at`), and everything that goes by them reads that hour.
"""

from datetime import datetime, timedelta

from app.core.clock import now
from app.people.actor import LONGER, Actor

_chosen = {"seconds": 0.0}
LONGEST = timedelta(seconds=max(LONGER))
UNDECIDED = "attend que ce qui vient d’être fait sur le dossier ne puisse plus être annulé"
"""What is written beside a letter that says what may still be taken back, or says no more what it may say again."""
UNDER_WAY = 5.0
"""Seconds that a taking back, begun in time, may need until it is written."""


def configure(seconds: float) -> None:
    """Say how long; nothing is taken back, and no letter waits, where it is zero."""
    _chosen["seconds"] = seconds


def seconds() -> float:
    """How long, of whoever has chosen nothing longer; zero where nobody takes anything back."""
    return _chosen["seconds"]


def ends(actor: Actor, moment: datetime) -> datetime | None:
    """Until when what this actor does at this moment may be taken back; None where nothing is."""
    if not seconds():
        return None
    return moment + timedelta(seconds=max(seconds(), actor.take_back_seconds or 0))


def lasts(since: datetime, final_at: datetime | None) -> bool:
    """Whether what was done at the one moment may still be taken back, which ends at the other."""
    return final_at is not None and since <= now() < final_at


def undecided(final_at: datetime | None) -> float:
    """How many seconds after now what was just done stands for good, a taking back that is under way included."""
    return max(0.0, (final_at - now()).total_seconds() + UNDER_WAY) if final_at is not None else 0.0
