"""The calls of software, counted by day: kept here for a minute, and added to the row of each application by one statement.

A web worker writes what it counted every minute and once more when it is stopped (`app/operations/forks.py`), and before it
shows the figures. What a process that is killed had not written is lost: nothing but these figures depends on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from threading import Event, Lock, Thread
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.core.clock import PARIS, now
from app.core.db import Db
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.people.models import Application

EVERY = 60.0
log = structlog.get_logger()


@dataclass
class _Calls:
    """Those of one application on one day; `served_at`: the last that its token was good for, None for none.

    `ended_at`: the first since then that its token, which has ended, was not good for.
    """

    made: int = 0
    refused: int = 0
    served_at: datetime | None = None
    ended_at: datetime | None = None


class _Counted:
    """What this process has counted and not written, by application and day."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._calls: dict[tuple[int, date], _Calls] = {}

    def add(self, application_id: int, at: datetime, *, known: bool, refused: bool) -> None:
        with self._lock:
            calls = self._calls.setdefault((application_id, at.astimezone(PARIS).date()), _Calls())
            calls.made += 1
            calls.refused += refused
            calls.served_at = at if known else calls.served_at
            calls.ended_at = None if known else calls.ended_at or at

    def take(self) -> Mapping[tuple[int, date], _Calls]:
        """What is to be written, once."""
        with self._lock:
            taken, self._calls = self._calls, {}
            return taken


_counted = _Counted()


def count(application_id: int, status: int, *, known: bool) -> None:
    """One more call of this software, refused where the answer says so; `known`: its token has not ended."""
    _counted.add(application_id, now(), known=known, refused=400 <= status < 500)


def write() -> None:
    """Add to the rows what this process has counted. A base that does not answer loses the count, and no call."""
    for (application_id, day), calls in sorted(_counted.take().items(), key=lambda one: one[0]):
        try:
            _add(application_id, day, calls)
        except (SQLAlchemyError, Refusal) as fault:
            log.warning("application.uncounted", calls=calls.made, error=repr(fault))


def write_each_minute() -> None:
    """Have a thread write what this process counts, until the process ends."""

    def work() -> None:
        while not Event().wait(EVERY):
            write()

    Thread(target=work, name="application-calls", daemon=True).start()


@use_case
def _add(db: Db, application_id: int, day: date, calls: _Calls) -> None:
    same, later = Application.calls_on == day, Application.calls_on > day
    values: dict[str, Any] = {"calls_on": sa.case((later, Application.calls_on), else_=day)}
    for column, count in ((Application.calls, calls.made), (Application.refused, calls.refused)):
        values[column.key] = sa.case((later, column), (same, column + count), else_=count)
    if calls.served_at is not None:
        newer = Application.used_at > calls.served_at
        values["used_at"] = sa.case((newer, Application.used_at), else_=calls.served_at)
        values["refused_since"] = calls.ended_at
    elif calls.ended_at is not None:
        values["refused_since"] = sa.func.coalesce(Application.refused_since, calls.ended_at)
    db.execute(sa.update(Application).where(Application.id == application_id).values(values))


def forget() -> None:
    """Forget what was counted: another database answers now."""
    _counted.take()
