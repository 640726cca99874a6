"""Where the desks of a collectivity stand: each under its superior, read once for a page."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import sqlalchemy as sa

from app.core.db import Db
from app.core.questions import once
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

    def __init__(self, every: Mapping[int, Place], head: int | None = None) -> None:
        self._every, self.head = every, head

    def __getitem__(self, number: int) -> Place:
        return self._every[number]

    def __iter__(self) -> Iterator[int]:
        return iter(self._every)

    def __len__(self) -> int:
        return len(self._every)

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
            waiting = [(top, 0)]
            while waiting:
                number, depth = waiting.pop()
                if number not in depths:
                    depths[number] = depth
                    waiting += [(child, depth + 1) for child in children.get(number, ())]
        return depths


def places(db: Db, collectivity_id: int) -> Places:
    """Where its desks stand; one statement, once for a page."""
    query = (
        sa.select(Desk.id, Desk.key, Desk.name, Desk.parent_id, Desk.closed_at)
        .where(Desk.collectivity_id == collectivity_id)
        .order_by(Desk.name)
    )
    return once(
        db,
        ("places", collectivity_id),
        lambda: Places({row[0]: Place(*row) for row in db.execute(query)}),
    )
