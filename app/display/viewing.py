"""Saved views: what a list is asked, checked, told in words, and how many folders are there."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.core.db import Db
from app.core.refusals import Refusal
from app.display import following, queues, searching
from app.display.asking import LONGEST, understood
from app.display.saved import Shown, seen, shown, types_told
from app.display.sorting import DRAFTS, ORDERS
from app.folders.models import SavedView
from app.people.actor import Actor

MOST = 99
"""A view is counted so far."""
MARKED = {"non-lus": queues.UNREAD, "avis": queues.HELD, "masques": queues.HIDDEN}
"""What the address calls the parts of « À traiter » that a person marks for himself."""
TRAYS = {
    "todo": "À traiter",
    "late": "En retard",
    "drafts": "Brouillons",
    "returned": "Retournés",
    "running": "En cours",
    "done": "Terminés",
}
PARTED = frozenset({"todo", "late"})
"""The trays that may be asked for one type, or for what a person marks, alone."""
STATES = {
    "": "Tous",
    "draft": "Brouillons",
    "running": "En cours",
    "rejected": "Retournés",
    "done": "Terminés",
}
_CLOSED = "un type qui ne vous est pas ouvert"


def filters(db: Db, actor: Actor, page: str, values: Any) -> dict[str, Any]:
    """What the address of a list asks, by its own words; refuses `view-filter` for what the list does not offer its reader."""
    types = dict(types_told(db, actor))
    if page == "inbox":
        tray, kind, marked, order = (values.get(key, "") for key in ("bannette", "famille", "voir", "tri"))
        asked = {"bannette": _one_of(tray or "todo", TRAYS)}
        parted = asked["bannette"] in PARTED
        if kind:
            asked["famille"] = _one_of(kind, types if parted else {})
        if marked:
            asked["voir"] = _one_of(marked, MARKED if parted else {})
        if order:
            asked["tri"] = _one_of(order, DRAFTS if tray == "drafts" else ORDERS)
        return asked
    if page == "follow":
        kind, state, order = (values.get(key, "") for key in ("famille", "etat", "tri"))
        asked = {
            "famille": _one_of(kind, types) if kind else "",
            "etat": _one_of(state, STATES),
        }
        if order:
            asked["tri"] = _one_of(order, dict.fromkeys(following.orders_of(state)))
        return asked
    if page != "search":
        raise Refusal("view-filter")
    typed, chosen = values.get("q", "").strip(), searching.chosen_in(values)
    if len(typed) > LONGEST or not understood(typed):
        raise Refusal("view-filter")
    if any(len(year) != 4 or not year.isdecimal() for year in chosen.years):
        raise Refusal("view-filter")
    return {
        "q": typed,
        "type": [_one_of(one, types) for one in chosen.types],
        "ou": [_one_of(one, searching.PLACES) for one in chosen.places],
        "etat": [_one_of(one, searching.STATES) for one in chosen.states],
        "annee": list(chosen.years),
    }


def _one_of(value: str, offered: Mapping[str, Any]) -> str:
    if value not in offered:
        raise Refusal("view-filter")
    return value


def in_words(page: str, asked: Mapping[str, Any], types: Mapping[str, str]) -> str:
    """What a view asks, to somebody who is told of these types; another is not named."""
    if page == "search":
        parts = [
            f"Recherche « {asked['q']} »",
            *(types.get(one, _CLOSED) for one in asked["type"]),
            *(searching.PLACES[one] for one in asked["ou"]),
            *(searching.STATES[one] for one in asked["etat"]),
            *asked["annee"],
        ]
        return ", ".join(parts)
    kind = [types.get(asked["famille"], _CLOSED)] if asked.get("famille") else []
    if page == "inbox" and asked["bannette"] not in PARTED:
        # As its list does: one that was kept before it was refused names a type that it never was limited to
        asked, kind = {**asked, "voir": ""}, []
    if page == "follow":
        order = [following.ORDERS[asked["tri"]].lower()] if asked.get("tri") else []
        return ", ".join(["Suivi", *kind, *([STATES[asked["etat"]]] if asked["etat"] else []), *order])
    marked = {"non-lus": "Non lus", "avis": "Avis attendus", "masques": "Masqués"}.get(asked.get("voir", ""))
    order = [{**ORDERS, **DRAFTS}[asked["tri"]].title.lower()] if asked.get("tri") else []
    return ", ".join([TRAYS[asked["bannette"]], *kind, *([marked] if marked else []), *order])


def described(db: Db, actor: Actor) -> list[Shown]:
    """The same and those that he administers, with what each asks and how many folders are there."""
    types = dict(types_told(db, actor))
    return [
        shown(one, in_words(one.row.page, one.row.asked, types), count(db, actor, one.row))
        for one in seen(db, actor, administered=True)
    ]


def counts(db: Db, actor: Actor) -> Sequence[tuple[int, str]]:
    """How many folders each view of a person finds, by its number."""
    return [(one.row.id, count(db, actor, one.row)) for one in seen(db, actor)]


def count(db: Db, actor: Actor, view: SavedView) -> str:
    """How many folders a view finds that this person may read, « 99+ » beyond what is counted."""
    number = _count(db, actor, view.page, view.asked)
    return f"{MOST}+" if number > MOST else str(number)


def _count(db: Db, actor: Actor, page: str, asked: Mapping[str, Any]) -> int:
    if page == "inbox":
        tray, family, only = asked["bannette"], asked.get("famille"), MARKED.get(asked.get("voir", ""), "")
        if tray in PARTED:
            beside = queues.late_deposits(db, actor) if tray == "late" and not (family or only) else 0
            return beside + len(queues.todo(db, actor, tray=tray, family=family, only=only, size=MOST + 1))
        return int(getattr(queues.counters(db, actor), tray))
    if page == "follow":
        return following.count(db, actor, family=asked["famille"], phase=asked["etat"], most=MOST + 1)
    chosen = searching.Chosen(*(tuple(asked[key]) for key in ("type", "ou", "etat", "annee")))
    return searching.count(db, actor, understood(asked["q"]), chosen, MOST + 1)
