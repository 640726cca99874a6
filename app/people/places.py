"""Where the desks of a collectivity stand: each under its superior, read once for a page."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, ValuesView
from datetime import datetime
from functools import cached_property
from itertools import starmap
from operator import attrgetter
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.core.db import Db
from app.core.questions import Query, keep, kept, once, read_together
from app.people.models import Desk


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
_places: Any = sa.select(_desk.c.id, _desk.c.key, _desk.c.name, _desk.c.parent_id, _desk.c.closed_at).where(
    _desk.c.collectivity_id == sa.bindparam("here")
)
_by_name = _places.order_by(_desk.c.name)
_by_name_and_number = attrgetter("name", "id")


def places(db: Db, collectivity_id: int) -> Places:
    """Where its desks stand; one statement, once for a page."""

    def read() -> Places:
        _written(db)
        rows = db.execute(_by_name, {"here": collectivity_id}).all()
        return Places({place.id: place for place in starmap(Place, rows)})

    return once(db, _key(collectivity_id), read)


def places_beside(db: Db, collectivity_id: int, *queries: Query) -> tuple[Places, list[list[Any]]]:
    """The same, and the rows of these queries as `read_together` gives them, by one statement for all."""
    known = kept(db, _key(collectivity_id))
    if known is not None:
        return known, read_together(db, *queries)
    _written(db)
    *rows, desks = read_together(db, *queries, _places.params(here=collectivity_id))
    desks.sort(key=_by_name_and_number)  # the desks of a statement with others come in no order
    every = Places({place.id: place for place in starmap(Place, desks)})
    keep(db, _key(collectivity_id), every)
    return every, rows


def _key(collectivity_id: int) -> tuple[str, int]:
    return "places", collectivity_id


def _written(db: Db) -> None:
    """Write what a verb has opened or moved: the ORM does so by itself before it reads its own alone."""
    if db.autoflush:
        db.flush()
