"""« À traiter » in another order than by deadline, « Brouillons » in another than the last first."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from app.core.db import Db
from app.core.french import EURO
from app.display import queues, views
from app.people.actor import Actor

Place = tuple[int | str, ...]
"""Where a folder stands in an order: what goes first is smaller, and its number ends it, so that no two are alike."""


def _by_arrival(line: queues.Line) -> Place:
    return (-int(line.entered_at.timestamp() * 1_000_000) if line.entered_at else 0, line.id)


def _by_amount(line: queues.Line) -> Place:
    """Euros, then each other currency by its code, as no amount of one is larger than that of another; then those of none."""
    abroad = "" if line.currency in ("", EURO) else line.currency
    rank = 2 if line.amount_cents is None else int(bool(abroad))
    return (rank, abroad, -(line.amount_cents or 0), line.id)


def _by_type(line: queues.Line) -> Place:
    return (views.family_words(line.in_force)[0].casefold(), line.due_on.toordinal(), line.id)


def _by_deadline(line: queues.Line) -> Place:
    return (line.folder_due.toordinal(), line.id)


@dataclass(frozen=True)
class Order:
    """An order: what the menu calls it, what stands above the list, and where a folder stands in it."""

    label: str
    title: str
    place: Callable[[queues.Line], Place]


ORDERS: Mapping[str, Order] = {
    "arrivee": Order("Arrivée", "Les derniers arrivés d’abord", _by_arrival),
    "montant": Order("Montant", "Du plus grand montant au plus petit", _by_amount),
    "type": Order("Type", "Par type, puis par échéance", _by_type),
}
"""By the word of the address; by deadline where there is none."""
DRAFTS: Mapping[str, Order] = {
    "echeance": Order("Échéance", "Par échéance", _by_deadline),
    **{name: ORDERS[name] for name in ("montant", "type")},
}
"""Those of « Brouillons »; the last that was made first where there is none."""


def todo(
    db: Db, actor: Actor, order: str, *, tray: str, family: str | None, only: str, after: str | None
) -> tuple[list[queues.Line], bool]:
    """What `queues.todo` gives, in this order; and whether there was more than what was put in order.

    The thousand that are due first are read and put in order here: an index for each order would be written at each move.
    """
    lines = queues.todo(db, actor, tray=tray, family=family, only=only, size=queues.CAP + 1)
    return _page(lines, ORDERS[order], after)


def drafts(db: Db, actor: Actor, order: str, *, after: str | None) -> tuple[list[queues.Line], bool]:
    """What `queues.others` gives of « Brouillons », in an order of `DRAFTS`, and whether there was more; of the last thousand."""
    lines = queues.others(db, actor, "drafts", size=queues.CAP + 1)
    return _page(queues.with_deadlines(db, lines), DRAFTS[order], after)


def _page(lines: list[queues.Line], order: Order, after: str | None) -> tuple[list[queues.Line], bool]:
    place = order.place
    placed = sorted(((place(line), line) for line in lines[: queues.CAP]), key=lambda one: one[0])
    last = _read(after)
    if last is not None and placed and _shape(last) == _shape(placed[0][0]):
        placed = [one for one in placed if one[0] > last]
    page = placed[: queues.PAGE + 1]
    return [replace(line, key=json.dumps(at)) for at, line in page], len(lines) > queues.CAP


def _shape(place: Place) -> tuple[type, ...]:
    """What the parts of a place are: the key of another order has others, and begins again from the first page."""
    return tuple(type(part) for part in place)


def _read(key: str | None) -> Place | None:
    """The place that a page key says; None for what is none, which starts again from the first."""
    try:
        written = json.loads(key or "")
    except (ValueError, RecursionError):
        return None
    if not isinstance(written, list) or not all(isinstance(one, int | str) for one in written):
        return None
    return tuple(written)
