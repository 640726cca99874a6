"""Saved views: the filters of a list under a name, for oneself or for those who hold a desk.

A view gives no right and holds no folder: whoever opens it finds what he may read. Its author changes it, and whoever
administers the desk at which it is shared. What others see of it is in the journal: that it is shared at a desk, renamed there,
or is there no more. One that somebody has for himself is nobody’s business.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.core.db import Db
from app.core.french import spaces
from app.core.refusals import Refusal
from app.core.texts import line_of
from app.core.transaction import use_case
from app.folders.models import SavedView
from app.journal.chain import Event, append
from app.people.actor import Actor
from app.people.branches import branch_of
from app.people.models import Desk

PAGES = ("inbox", "follow", "search")
LONGEST, MOST, MOST_SHARED = 60, 20, 20
"""Signs of a name; views of one author; views shared at one desk."""


@dataclass(frozen=True)
class Seen:
    """A view as somebody sees it: `desk` where it is shared, `own` whether he made it, `may_change` whether he may change it."""

    row: SavedView
    desk: str
    own: bool
    may_change: bool


def seen_by(db: Db, actor: Actor, *, administered: bool = False) -> list[Seen]:
    """The views that an actor has, his own first, then those that his desks share; `administered`: those of his branch too."""
    return seen_beside(db, actor, (), administered=administered)[0]


def seen_beside(
    db: Db, actor: Actor, conditions: Sequence[sa.ColumnElement[bool]], *, administered: bool = False
) -> tuple[list[Seen], list[bool]]:
    """The same, and whether each of these conditions holds, which no row is part of: by one statement."""
    which: list[sa.ColumnElement[bool]] = [SavedView.desk_id.in_(actor.desk_ids)]
    which += [SavedView.user_id == actor.user_id] if actor.user_id is not None else []
    branch = _branch(db, actor) if administered else None
    if administered and branch is not None:
        which.append(SavedView.desk_id.in_(branch))
    elif administered and actor.administrator:
        which.append(SavedView.desk_id.is_not(None))
    here = sa.select(sa.literal_column("1").label("here")).subquery("here")
    theirs = sa.and_(SavedView.collectivity_id == actor.collectivity_id, sa.or_(*which))
    query = (
        sa.select(SavedView, Desk.name, *conditions)
        .select_from(here)
        .outerjoin(SavedView, theirs)
        .outerjoin(Desk, Desk.id == SavedView.desk_id)
        .order_by(sa.case((SavedView.user_id == actor.user_id, 0), else_=1), SavedView.name, SavedView.id)
    )
    rows = db.execute(query).all()
    views = [row for row in rows if row[0] is not None]
    if branch is None and any(row[0].user_id != actor.user_id for row in views):
        branch = _branch(db, actor)
    return [
        Seen(row[0], row[1] or "", _own(actor, row[0]), _may_change(actor, branch, row[0])) for row in views
    ], [bool(answer) for answer in rows[0][2:]]


@use_case
def save(db: Db, actor: Actor, page: str, asked: Mapping[str, Any], name: str, desk_id: int | None) -> int:
    """Keep these filters of a list under a name; returns the number of the view.

    `asked` is what `display.viewing` checked. Refuses `view-name`, `text-hidden` for a sign of the name that shows nothing,
    `view-same` for a name that its author has already, `view-desk` for a desk that he does not hold, `view-many` and
    `view-desk-many`.
    """
    if actor.user_id is None or page not in PAGES:
        raise Refusal("view-gone")
    own = list(db.scalars(sa.select(SavedView).where(SavedView.user_id == actor.user_id)))
    if len(own) >= MOST:
        raise Refusal("view-many", most=MOST)
    row = SavedView(
        collectivity_id=actor.collectivity_id,
        user_id=actor.user_id,
        desk_id=_shared_at(db, actor, desk_id),
        name=_named(name, own),
        page=page,
        asked=dict(asked),
    )
    db.add(row)
    db.flush()
    if row.desk_id is not None:
        _write_down(db, actor, "view.shared", row, row.desk_id)
    return row.id


@use_case
def change(db: Db, actor: Actor, view_id: int, version: int, name: str, desk_id: int | None) -> None:
    """Give a view another name, or share it at another desk or at none; refuses as `save`, and as `remove`.

    Who administers the desk renames it; its author alone says where it is shared.
    """
    row = _held(db, actor, view_id, version)
    others = db.scalars(
        sa.select(SavedView).where(SavedView.user_id == row.user_id, SavedView.id != row.id)
    ).all()
    was, shared = row.name, row.desk_id
    row.name = _named(name, others if row.user_id is not None else ())
    if desk_id != shared:
        if row.user_id != actor.user_id:
            raise Refusal("view-desk")
        row.desk_id = _shared_at(db, actor, desk_id)
        if shared is not None:
            _write_down(db, actor, "view.withdrawn", row, shared, named=was)
        if row.desk_id is not None:
            _write_down(db, actor, "view.shared", row, row.desk_id)
    elif shared is not None and row.name != was:
        if row.user_id == actor.user_id and shared not in actor.desk_ids:
            raise Refusal("view-desk")
        _write_down(db, actor, "view.renamed", row, shared, was=was)
    row.version += 1


@use_case
def remove(db: Db, actor: Actor, view_id: int, version: int) -> str:
    """Forget a view; returns its name. Refuses `view-gone` and `view-moved-on`; the folders that it shows are untouched."""
    row = _held(db, actor, view_id, version)
    name = row.name
    if row.desk_id is not None:
        _write_down(db, actor, "view.withdrawn", row, row.desk_id)
    db.delete(row)
    return name


def _write_down(
    db: Db, actor: Actor, event: str, row: SavedView, desk_id: int, *, named: str = "", was: str = ""
) -> None:
    """A line of the journal: which view, by its number and name, of which list, at which desk; `was`: its name before."""
    key = db.scalar(sa.select(Desk.key).where(Desk.id == desk_id))
    told = f"« {named or row.name} »" + (f" (avant : « {was} »)" if was else "")
    facts = {"view": row.id, "page": row.page, "desk": key, "words": spaces(told)}
    append(db, actor.collectivity_id, Event(event, actor.name, actor.user_id, None, facts))


def _held(db: Db, actor: Actor, view_id: int, version: int) -> SavedView:
    """The view that the actor may change, locked; whoever may not is told what is told of one that is no more."""
    query = sa.select(SavedView).where(
        SavedView.id == view_id, SavedView.collectivity_id == actor.collectivity_id
    )
    row = db.scalar(query.with_for_update())
    if row is None or not _may_change(actor, _branch(db, actor), row):
        raise Refusal("view-gone")
    if row.version != version:
        raise Refusal("view-moved-on", name=row.name)
    return row


def _branch(db: Db, actor: Actor) -> Collection[int] | None:
    """The desks that a delegated administrator administers; None for everybody else."""
    return branch_of(db, actor) if actor.branch_id is not None else None


def _own(actor: Actor, row: SavedView) -> bool:
    return actor.user_id is not None and row.user_id == actor.user_id


def _may_change(actor: Actor, branch: Collection[int] | None, row: SavedView) -> bool:
    if _own(actor, row):
        return True
    return row.desk_id is not None and (actor.administrator or row.desk_id in (branch or ()))


def _named(name: str, others: Sequence[SavedView]) -> str:
    name = line_of(name)
    if not name or len(name) > LONGEST:
        raise Refusal("view-name", most=LONGEST)
    if any(one.name.casefold() == name.casefold() for one in others):
        raise Refusal("view-same", name=name)
    return name


def _shared_at(db: Db, actor: Actor, desk_id: int | None) -> int | None:
    if desk_id is None:
        return None
    if desk_id not in actor.desk_ids:
        raise Refusal("view-desk")
    shared = sa.select(sa.func.count()).select_from(SavedView).where(SavedView.desk_id == desk_id)
    if (db.scalar(shared) or 0) >= MOST_SHARED:
        raise Refusal("view-desk-many", most=MOST_SHARED)
    return desk_id
