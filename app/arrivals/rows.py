"""The gestures of the page of the routing, each on the routing that was shown, and the rows in words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.arrivals import criteria
from app.arrivals.routing import Destination, Routing, Row
from app.core.db import key_in
from app.core.refusals import Refusal


@dataclass(frozen=True)
class Line:
    """A row in words: what it asks, where it leads, and what more is said of what it catches."""

    number: int
    row: Row
    asks: str
    leads: str
    lost: bool


def played(present: Routing, gesture: str, typed: Row) -> Routing:
    """The routing after a gesture: `otherwise`, `add`, or `save`, `up`, `down`, `remove` with « : » and the row's number.

    Refuses `routing-gone` of a row that is not there.
    """
    if gesture == "otherwise":
        return replace(present, otherwise=typed.to)
    rows = list(present.rows)
    verb, _, number = gesture.partition(":")
    if verb == "add":
        return replace(present, rows=(*rows, typed))
    rank = (key_in(number) or 0) - 1
    if not 0 <= rank < len(rows):
        raise Refusal("routing-gone")
    row = rows.pop(rank)
    if verb == "save":
        rows.insert(rank, typed)
    elif verb in {"up", "down"}:
        rows.insert(max(rank - 1, 0) if verb == "up" else rank + 1, row)
    elif verb != "remove":
        raise Refusal("routing-gone")
    return replace(present, rows=tuple(rows))


def lines(present: Routing, desks: Mapping[str, str], kinds: Mapping[str, str]) -> list[Line]:
    """The rows in words."""
    return [
        Line(number, row, criteria.in_words(row.when), _leads(row.to, desks, kinds), row.to.desk not in desks)
        for number, row in enumerate(present.rows, 1)
    ]


def _leads(to: Destination, desks: Mapping[str, str], kinds: Mapping[str, str]) -> str:
    told = [desks.get(to.desk, "un bureau fermé")]
    if to.kind:
        told.append(f"type « {kinds.get(to.kind, to.kind)} »")
    if to.service:
        told.append(f"service fait par {desks.get(to.service, 'un bureau fermé')}")
    if to.send:
        told.append("envoi immédiat")
    return ", ".join(told)
