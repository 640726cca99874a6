"""Where the desks of a collectivity stand: each under its superior, read once for a page."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, ValuesView
from datetime import datetime
from functools import cached_property
from itertools import starmap
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.core.db import Db
from app.core.questions import OF, Question, answered, ask, once
from app.people.models import Desk

DESKS = Question((Desk,), Desk.collectivity_id == OF, order=lambda row: (row[0].name, row[0].id))
"""The desks of a collectivity, for a page that reads them beside something else."""


class Place(NamedTuple):
    """A desk, and the number of the one above it; `closed_at` is None of one that is open."""

    id: int
    key: str
    name: str
    parent_id: int | None
    closed_at: datetime | None


class Places(Mapping[int, Place]):
    """The desks of a collectivity by number, the closed ones too, by name; or those of a branch, of which one is the head.

    Of a branch, nothing is said of what stands above or beside it.
    """

    def __init__(self, every: dict[int, Place], head: int | None = None) -> None:
        self._every, self.head = every, head

    def __getitem__(self, number: int) -> Place:
        return self._every[number]

    def __iter__(self) -> Iterator[int]:
        return iter(self._every)

    def __len__(self) -> int:
        return len(self._every)

    def values(self) -> ValuesView[Place]:
        """The desks; not one by one, as of any mapping: there are 500."""
        return self._every.values()

    @cached_property
    def _below(self) -> Mapping[int | None, list[int]]:
        below: dict[int | None, list[int]] = defaultdict(list)
        for place in self._every.values():
            below[place.parent_id].append(place.id)
        return below

    def under(self, number: int) -> frozenset[int]:
        """The desk, and all that depend on it: under none of them can it be placed."""
        branch, waiting = {number}, [number]
        while waiting:
            more = [child for child in self._below.get(waiting.pop(), ()) if child not in branch]
            branch.update(more)
            waiting += more
        return frozenset(branch)

    def branch(self, head: int) -> "Places":
        """A desk and those below it, as places of their own; none where the desk is not there."""
        inside = self.under(head) if head in self._every else frozenset()
        return Places({number: place for number, place in self._every.items() if number in inside}, head)

    def above(self, number: int) -> Iterator[int]:
        """The superiors of a desk, its own first; each once, though they turn in a circle."""
        met, at = {number}, self._superior(number)
        while at is not None and at not in met:
            yield at
            met.add(at)
            at = self._superior(at)

    def _superior(self, number: int) -> int | None:
        superior = self._every[number].parent_id if number != self.head else None
        return superior if superior in self._every else None

    @cached_property
    def depths(self) -> Mapping[int, int]:
        """How deep each stands, in the order of the tree: each after its superior, those of a same one by name.

        A desk whose superior is gone, or that depends on itself, stands at the top rather than nowhere.
        """
        children: dict[int | None, list[int]] = defaultdict(list)
        for place in sorted(
            self._every.values(), key=lambda place: (place.name.casefold(), place.id), reverse=True
        ):
            children[self._superior(place.id)].append(place.id)
        depths: dict[int, int] = {}
        for top in (*reversed(children[None]), *self._every):
            waiting = [(top, 0)] if top not in depths else []
            while waiting:
                number, depth = waiting.pop()
                if number not in depths:
                    depths[number] = depth
                    waiting += [(child, depth + 1) for child in children.get(number, ())]
        return depths


_desk: Any = Desk.__table__
# Of the table: the ORM would take each of 500 rows apart and make it again
_places = (
    sa.select(_desk.c.id, _desk.c.key, _desk.c.name, _desk.c.parent_id, _desk.c.closed_at)
    .where(_desk.c.collectivity_id == sa.bindparam("here"))
    .order_by(_desk.c.name)
)


def places(db: Db, collectivity_id: int) -> Places:
    """Where its desks stand; one statement, once for a page, or none where the page has read `DESKS`."""

    def read() -> Places:
        if answered(db, DESKS, collectivity_id):
            desks = [desk for (desk,) in ask(db, DESKS, collectivity_id)]
            return Places(
                {
                    desk.id: Place(desk.id, desk.key, desk.name, desk.parent_id, desk.closed_at)
                    for desk in desks
                }
            )
        if (
            db.autoflush
        ):  # in a verb, which may have opened a desk: the ORM writes before it reads its own alone
            db.flush()
        rows = db.execute(_places, {"here": collectivity_id}).all()
        return Places({place.id: place for place in starmap(Place, rows)})

    return once(db, ("places", collectivity_id), read)
