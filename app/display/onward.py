"""Where a reader goes once he has done with a folder: to the next that awaits him, told what was done and how to undo it."""

from collections.abc import Sequence

import sqlalchemy as sa
from flask import g, redirect, url_for
from werkzeug.wrappers import Response

from app.core.db import Db, reading
from app.display import queues, undone, views
from app.display.undone import UndoView
from app.folders.models import TOLD, Folder, StepRun
from app.people.actor import Actor


def go(folder_id: int, done: str, undo: UndoView | None = None) -> Response:
    """Open the folder that came after this one in the list, and say what was done and how many remain.

    `done`: after the title, « est visé ». `undo`: what takes it back, where it is no act of the circuit (`undone.view`). After
    the last one it opens the first, and the list where none is left.
    """
    with reading(g.actor.collectivity_id) as db:
        title = db.get_one(Folder, folder_id).title
        waiting = queues.todo(db, g.actor)
        next_id = _next(db, g.actor, folder_id, waiting)
    left = len(waiting)
    rest = (
        "Plus aucun dossier ne vous attend."
        if not left
        else f"{'50+' if left > queues.PAGE else left} dossier{'s restent' if left > 1 else ' reste'}."
    )
    words = views.after_act(title or "Sans titre", done, rest, url_for("folders.show", folder_id=folder_id))
    undone.tell(words, folder_id, undo)
    if next_id is None:
        return redirect(url_for("folders.inbox"))
    return redirect(url_for("folders.show", folder_id=next_id))


def _next(db: Db, actor: Actor, folder_id: int, waiting: Sequence[queues.Line]) -> int | None:
    """The folder that follows in the list, of which this one may have gone meanwhile; else the first other one."""
    numbers = [line.id for line in waiting]
    if folder_id in numbers:  # a part of it is left
        here = numbers.index(folder_id)
        return next(iter([*numbers[here + 1 :], *numbers[:here]]), None)
    if len(numbers) < 2:
        return next(iter(numbers), None)
    # The list is in the order of the parts that are awaited: where this one stood, its last part at a desk of theirs says
    desks = [*actor.desk_ids, *(cover.seat.desk_id for cover in actor.covers)]
    mine = sa.or_(StepRun.desk_id.in_(desks), StepRun.named_user_id == actor.user_id)
    query = sa.select(StepRun.due_on, StepRun.entered_at, StepRun.id).where(
        StepRun.folder_id == folder_id, StepRun.kind != TOLD, mine
    )
    place = db.execute(query.order_by(StepRun.id.desc()).limit(1)).first()
    key = f"{place.due_on.isoformat()}_{place.entered_at.isoformat()}_{place.id}" if place else None
    after = queues.todo(db, actor, after=key, size=1) if key else []
    return after[0].id if after else numbers[0]
