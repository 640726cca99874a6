"""What a list of people would stop by the rights that it takes back: counted as for who leaves, and as for a desk."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from app.core.db import Db
from app.operations.desks import closing, foreseen, stranded
from app.operations.desks.stranded import Touched
from app.operations.leaving.effects import gone_with
from app.people.places import places
from workflows.rights import NONE, Rights

Seats = Mapping[tuple[int, int], Rights]
"""What people may do at desks, by the numbers of both."""


@dataclass(frozen=True)
class Taken:
    """What nobody could do any more, by the person and the desk that lose it; the folders and the circuits that would stop."""

    last: Seats
    folders: str = ""
    ways: tuple[str, ...] = ()

    @property
    def stops(self) -> bool:
        """Whether something would: it is then confirmed."""
        return bool(self.last or self.folders or self.ways)


def taken(db: Db, collectivity_id: int, present: Seats, wanted: Seats) -> Taken:
    """What would stop once these people have what is `wanted` in place of what they have.

    `present`: what people whose account is open may do today. Nothing is read where nobody loses anything.
    """
    losing = {
        seat: lost for seat, rights in wanted.items() if (lost := present.get(seat, NONE).without(rights))
    }
    if not losing:
        return Taken({})
    left = defaultdict[int, Rights](Rights)
    for (_, desk_id), rights in {**present, **wanted}.items():
        left[desk_id] |= rights
    last = {
        (number, desk_id): gone
        for (number, desk_id), lost in losing.items()
        if (gone := gone_with(lost, left[desk_id]))
    }
    every = places(db, collectivity_id)
    stopped = stranded.lost(
        db,
        collectivity_id,
        every,
        Touched({desk_id for _, desk_id in losing}, {}),
        list(db.scalars(closing.versions_followed(collectivity_id))),
        foreseen.reseated(db, {(desk_id, number): rights for (number, desk_id), rights in wanted.items()}),
    )
    ways = tuple(f"« {way.circuit} » ({way.step})" for way in stopped.steps)
    return Taken(last, stranded.sentence(stopped.folders), ways)
