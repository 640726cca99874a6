"""The tree of desks as a page shows it: whole while it is short, its branches folded beyond, unfolded to what is searched."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from app.core.texts import key_of
from app.people.places import Place, Places

WHOLE, LISTED = 60, 25
"""How many desks are shown at once, and how many are on each page where there are more."""


@dataclass(frozen=True)
class Search:
    """What a page asks of the tree: words of a name, the desk whose branch is unfolded, the page (None: that of the desk)."""

    text: str = ""
    opened: int | None = None
    page: int | None = None


@dataclass(frozen=True)
class Shown:
    """The desks of a page in the order of the tree: those that it lists, and those above them that say where they stand.

    `folded`: how many desks stand below each one that is shown without them.
    """

    total: int
    page: int = 1
    pages: int = 1
    listed: Collection[int] = frozenset()
    above: Collection[int] = frozenset()
    folded: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Node:
    """A desk with those that are shown below it; `listed`: it was asked, and does not only say where others stand."""

    place: Place
    listed: bool
    folded: int
    below: tuple["Node", ...]


def choose(every: Places, search: Search) -> Shown:
    """What a page shows of the open desks, each after its superior."""
    desks = {number: every[number] for number in every.depths if every[number].closed_at is None}
    terms = key_of(search.text).split()
    if terms:
        fit = [desk.id for desk in desks.values() if all(word in key_of(desk.name) for word in terms)]
        folded: dict[int, int] = {}
    elif len(desks) <= WHOLE:
        fit, folded = list(desks), {}
    else:
        fit, folded = _unfolded(desks, search.opened)
    pages = -(-len(fit) // LISTED) if len(fit) > (LISTED if terms else WHOLE) else 1
    first = fit.index(search.opened) // LISTED + 1 if search.opened in fit and pages > 1 else 1
    page = min(search.page or first, pages)
    listed = fit[(page - 1) * LISTED : page * LISTED] if pages > 1 else fit
    above = {upper for number in listed for upper in _above(desks, number)} - set(listed)
    total = len(fit) if terms else len(desks)
    return Shown(
        total,
        page,
        pages,
        frozenset(listed),
        above,
        {number: folded[number] for number in listed if number in folded},
    )


def nested(every: Places, shown: Shown) -> tuple[Node, ...]:
    """The same as a tree; a desk whose superior is closed stands at the top."""
    drawn = {*shown.listed, *shown.above}
    below: dict[int | None, list[Place]] = {}
    for number in every.depths:
        if number in drawn:
            upper = next(every.above(number), None)
            below.setdefault(upper if upper in drawn else None, []).append(every[number])

    def node(place: Place) -> Node:
        children = tuple(node(child) for child in below.get(place.id, ()))
        return Node(place, place.id in shown.listed, shown.folded.get(place.id, 0), children)

    return tuple(node(place) for place in below.get(None, ()))


def _unfolded(desks: Mapping[int, Place], opened: int | None) -> tuple[list[int], dict[int, int]]:
    """The desks that are seen while only the tops and the way to `opened` are unfolded; how many the others hide."""
    way = {opened, *_above(desks, opened)} if opened in desks else set()
    unfolded = way | {place.id for place in desks.values() if place.parent_id not in desks}
    order, hidden, folds = list[int](), dict[int, int](), dict[int, int | None]()
    for place in desks.values():
        closed: int | None
        upper = place.parent_id
        if upper not in desks:
            closed = folds[place.id] = None
        elif upper in folds:  # the highest that is folded above its superior, else the superior
            closed = folds[place.id] = folds[upper] or (None if upper in unfolded else upper)
        else:  # in a circle, no superior of which stands at a top
            turned = reversed(_above(desks, place.id))
            closed = next((number for number in turned if number not in unfolded), None)
        if closed is None:
            order.append(place.id)
        else:
            hidden[closed] = hidden.get(closed, 0) + 1
    return order, hidden


def _above(desks: Mapping[int, Place], desk_id: int | None) -> list[int]:
    """The open desks above one, the nearest first; a circle ends where it closes."""
    above: list[int] = []
    at = desks[desk_id].parent_id if desk_id is not None and desk_id in desks else None
    while at is not None and at in desks and at not in above and at != desk_id:
        above.append(at)
        at = desks[at].parent_id
    return above
