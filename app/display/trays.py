"""Which part of « À traiter » an address asks for, and all of it, beyond a page: for what is taken away, or acted on at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.core.db import Db
from app.core.refusals import Refusal
from app.display import queues, sorting, viewing, views
from app.people.actor import Actor
from workflows.circuit import Phase

_VOIR = {only: word for word, only in viewing.MARKED.items()}


@dataclass(frozen=True)
class Asked:
    """Which part of which tray is asked for; `only` is of `queues.todo`."""

    tray: str
    family: str | None = None
    only: str = ""
    order: str = ""

    @property
    def plain(self) -> bool:
        """Whether neither a type nor what a person marks is asked for: the tray as its counter counts it."""
        return not (self.family or self.only)

    def said(self, **other: str | None) -> dict[str, Any]:
        """What its address says, by its own words."""
        return {
            "famille": self.family,
            "voir": _VOIR.get(self.only),
            "tri": self.order or None,
            **other,
        }


def asked_in(values: Mapping[str, str]) -> Asked:
    """What an address asks for; what it has of no tray is as if it had it not."""
    tray = values.get("bannette", "todo")
    tray = tray if tray in {*queues.TRAYS, "drafts"} else "todo"
    parted, order = tray in viewing.PARTED, values.get("tri", "")
    return Asked(
        tray,
        (values.get("famille") or None) if parted else None,
        viewing.MARKED.get(values.get("voir", ""), "") if parted else "",
        order if order in offered(tray) else "",
    )


def offered(tray: str) -> Mapping[str, sorting.Order]:
    """The orders in which the folders of a tray may stand."""
    if tray == "drafts":
        return sorting.DRAFTS
    return sorting.ORDERS if tray in {"todo", "late"} else {}


def whole(db: Db, actor: Actor, asked: Asked, most: int) -> list[queues.Line]:
    """All that the pages of a tray show, in their order; refuses `export-many` beyond `most`.

    What waits for an opinion before it is the reader's comes last, as what his desks sent that is late elsewhere does.
    """
    size = most + 1
    if asked.tray not in viewing.PARTED:
        lines = queues.others(db, actor, asked.tray, size=size)
        if asked.tray == "drafts":
            lines = queues.with_deadlines(db, lines)
        return _few(_placed(lines, asked), most)
    parts: list[Iterable[queues.Line]] = [
        _placed(
            queues.todo(db, actor, tray=asked.tray, family=asked.family, only=asked.only, size=size), asked
        )
    ]
    if asked.plain and asked.tray == "todo":
        parts.append(queues.todo(db, actor, only=queues.HELD, size=size))
    elif asked.plain:
        parts.append(queues.late_deposited(db, actor, size=size))
    once: dict[int, queues.Line] = {}
    for line in (line for part in parts for line in part):
        once.setdefault(line.id, line)
    return _few(list(once.values()), most)


def act_of(line: queues.Line) -> tuple[str, str]:
    """What a folder of a list waits for, in words, and its icon: « À signer », « Avis attendu », « Terminé »."""
    if line.phase == Phase.DRAFT:
        return "À envoyer", "send"
    if line.held:
        return views.AWAITS_OPINION, "hourglass-split"
    if line.kind is None:
        return views.state_label(line.place, None), "folder2"
    act, icon = views.awaited_act(line.kind, line.family)
    return (views.ASKED if line.asked else act), icon


def _placed(lines: list[queues.Line], asked: Asked) -> list[queues.Line]:
    return sorted(lines, key=offered(asked.tray)[asked.order].place) if asked.order else lines


def _few(lines: list[queues.Line], most: int) -> list[queues.Line]:
    if len(lines) > most:
        raise Refusal("export-many", most=most)
    return lines
