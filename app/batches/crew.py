"""Processes that help the worker through a large batch, where there are cores for them.

A helper is a worker like any other that takes the rows of batches alone: it claims each by its lease, so that a kill of
it, or of whoever called it, is made good as any worker's. It lives with the batches: called when one is large, it ends by
itself once none has asked for anything for a while.
"""

import time
from collections.abc import Callable
from threading import Lock
from typing import Any, Protocol

import sqlalchemy as sa

from app.batches.gesture import SIGN
from app.batches.models import OPEN, BatchItem
from app.core import outbox
from app.core.db import Db

ENOUGH = 20
"""Folders still open in a batch for which a process is worth its start."""
IDLE = 10.0
"""Seconds without a row after which a helper ends: more than a page takes between two parts of ten folders."""
LOOK = 0.05


class Helper(Protocol):
    """A process, as `multiprocessing` gives it."""

    def is_alive(self) -> bool:
        """Whether it is still at work."""


_crew: dict[str, Any] = {"start": None, "most": 0, "alive": []}
_calling = Lock()


def ready(start: Callable[[], Helper], most: int) -> None:
    """Say how this process starts a helper, and how many it may have; only a worker says so."""
    _crew.update(start=start, most=most)


def call(db: Db, batch_id: int) -> None:
    """Start the helpers that a batch of this size deserves; those that are there serve it too."""
    if not _crew["most"]:
        return
    left = sa.select(sa.func.count()).where(BatchItem.batch_id == batch_id, BatchItem.state.in_(OPEN))
    if (db.scalar(left) or 0) < ENOUGH:
        return
    with _calling:
        _crew["alive"] = [helper for helper in _crew["alive"] if helper.is_alive()]
        while len(_crew["alive"]) < _crew["most"]:
            _crew["alive"].append(_crew["start"]())


def serve(alone: Callable[[], bool]) -> None:
    """Do the rows of batches until none has come for a while, or until whoever called is gone (`alone`)."""
    worked_at = time.monotonic()
    with outbox.beating():
        while not alone() and time.monotonic() - worked_at < IDLE:
            if row := outbox.take_of(SIGN):  # one at a time: the others are left to whoever is free first
                outbox.do(row)
                worked_at = time.monotonic()
            else:
                time.sleep(LOOK)
