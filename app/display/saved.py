"""Saved views as the lists lead to them: which ones somebody is told of, under which name and at which address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import url_for

from app.core.db import Db
from app.display import following
from app.folders import saved_views
from app.folders.saved_views import Seen
from app.people.actor import Actor

_ENDPOINTS = {"inbox": "folders.inbox", "follow": "folders.follow", "search": "folders.find"}


@dataclass(frozen=True)
class Shown:
    """A view in a list of them; `words` say what it asks, `desk` where it is shared."""

    id: int
    version: int
    name: str
    url: str
    desk: str
    desk_id: int | None
    own: bool
    may_change: bool
    words: str = ""
    count: str = ""


def types_told(db: Db, actor: Actor) -> list[tuple[str, str]]:
    """The families and types that lists may be asked for: of a closed reading, those of which one reads or deposits some."""
    return [(name, several) for name, _, several in following.offered(db, actor)]


def seen(db: Db, actor: Actor, *, administered: bool = False) -> list[Seen]:
    """Those of `saved_views.seen_by` that tell no secret.

    One of somebody else that names a type of which the actor is not told is left out: its name, its words and its address
    would tell. Who administers the collectivity knows all its types.
    """
    return _open_to(db, actor, saved_views.seen_by(db, actor, administered=administered))


def _open_to(db: Db, actor: Actor, every: list[Seen]) -> list[Seen]:
    named = {one.row.id: _types(one.row.asked) for one in every if not one.own}
    if actor.administrator or not frozenset().union(*named.values()) - following.openly(actor):
        return every
    told = {name for name, _ in types_told(db, actor)}
    return [one for one in every if named.get(one.row.id, frozenset()) <= told]


def _types(asked: Mapping[str, Any]) -> frozenset[str]:
    """The types that a view names."""
    return frozenset(filter(None, (asked.get("famille"), *asked.get("type", ()))))


def url_of(page: str, asked: Mapping[str, Any], **more: Any) -> str:
    """The list with these filters."""
    return url_for(_ENDPOINTS[page], **asked, **more)


def save_url(page: str, asked: Mapping[str, Any]) -> str:
    """The page that saves a list with these filters."""
    return url_for("folders.new_view", page=page, **asked)


def listed(db: Db, actor: Actor) -> list[Shown]:
    """The views that the lists lead a person to: his own and those that his desks share; in one statement."""
    return [shown(one) for one in seen(db, actor)]


def listed_beside(
    db: Db, actor: Actor, conditions: Sequence[sa.ColumnElement[bool]]
) -> tuple[list[Shown], list[bool]]:
    """The same, and whether each of these conditions holds, by the same statement."""
    every, answers = saved_views.seen_beside(db, actor, conditions)
    return [shown(one) for one in _open_to(db, actor, every)], answers


def shown(one: Seen, words: str = "", counted: str = "") -> Shown:
    """A view in a list of them."""
    row = one.row
    return Shown(
        row.id,
        row.version,
        row.name,
        url_of(row.page, row.asked, vue=row.id),
        one.desk,
        row.desk_id,
        one.own,
        one.may_change,
        words,
        counted,
    )
