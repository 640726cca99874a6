"""What is told of invoices over there, where they came from: the floor above that brings them answers here.

`invoices` compares and lists them and may not import who fetched them; an invoice that came by another way has nothing here.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

import sqlalchemy as sa

from app.core.clock import PARIS
from app.core.db import Db
from app.folders.models import Folder
from app.people.actor import Actor


@dataclass(frozen=True)
class Rejection:
    """That an invoice is rejected over there: by whom, when, why, and whether it is said there yet."""

    who: str
    at: datetime | None
    reason: str
    delivered: bool

    @property
    def day(self) -> date | None:
        """The day at the town hall."""
        return self.at.astimezone(PARIS).date() if self.at is not None else None


@dataclass(frozen=True)
class Standing:
    """How an invoice stands over there: the place, its number there, its status in words, and its rejection.

    `page`: the endpoint where that is shown, and answered. `completed`: what was asked of its supplier has come there.
    """

    place: str
    number: str
    status: str
    page: str
    completed: bool
    rejection: Rejection | None = None


class Outside(Protocol):
    """Who knows how invoices stand over there."""

    def standings(self, db: Db, folders: Collection[int]) -> Mapping[int, Standing]:
        """Those of these folders that came from there, in as many statements for fifty as for one."""

    def refusal(self, db: Db, actor: Actor, folder: Folder) -> Mapping[str, str]:
        """Where the actor refuses this invoice to its supplier as one that came twice: an endpoint, and more of its address."""

    def rejected(self, place: int) -> sa.Select[Any]:
        """The numbers of the folders of a collectivity whose invoice is rejected over there, by an index."""

    def to_mandate(self, place: int) -> sa.Select[Any]:
        """Those whose invoice is signed, and is still to be said mandated over there, by an index."""


_plugged: list[Outside] = []


def plug(outside: Outside) -> None:
    """Answer for the whole process."""
    _plugged[:] = [outside]


def standings(db: Db, folders: Collection[int]) -> Mapping[int, Standing]:
    """How these folders stand over there; nothing of those that came by another way."""
    return _plugged[0].standings(db, folders) if _plugged and folders else {}


def refusal(db: Db, actor: Actor, folder: Folder) -> Mapping[str, str]:
    """The page where the actor refuses this invoice to its supplier as one that came twice; empty where there is none."""
    return _plugged[0].refusal(db, actor, folder) if _plugged else {}


def rejected(place: int) -> sa.Select[Any] | None:
    """The numbers of the folders of a collectivity whose invoice is rejected over there; None where nobody knows."""
    return _plugged[0].rejected(place) if _plugged else None


def to_mandate(place: int) -> sa.Select[Any] | None:
    """Those whose invoice is signed, and is still to be said mandated over there; None where nobody knows."""
    return _plugged[0].to_mandate(place) if _plugged else None
