"""Where a reader goes once he has done with a folder: to the first that awaits him, told what was done and how to undo it."""

from flask import g, redirect, url_for
from werkzeug.wrappers import Response

from app.core.db import reading
from app.display import queues, undone, views
from app.display.undone import UndoView
from app.folders.models import Folder


def go(folder_id: int, done: str, undo: UndoView | None = None) -> Response:
    """Open the first folder of the list, and say what was done and how many remain; the list where none is left.

    `done`: after the title, « est visé ». `undo`: what takes it back, where it is no act of the circuit (`undone.view`). It
    opens the one that follows where the folder still stands in the list, as one of which a part is left does.
    """
    with reading(g.actor.collectivity_id) as db:
        title = db.get_one(Folder, folder_id).title
        waiting = queues.todo(db, g.actor)
    left = len(waiting)
    rest = (
        "Plus aucun dossier ne vous attend."
        if not left
        else f"{'50+' if left > queues.PAGE else left} dossier{'s restent' if left > 1 else ' reste'}."
    )
    words = views.after_act(title or "Sans titre", done, rest, url_for("folders.show", folder_id=folder_id))
    undone.tell(words, folder_id, undo)
    numbers = [line.id for line in waiting]
    here = numbers.index(folder_id) if folder_id in numbers else -1
    following = [*numbers[here + 1 :], *numbers[: max(here, 0)]]
    if not following:
        return redirect(url_for("folders.inbox"))
    return redirect(url_for("folders.show", folder_id=following[0]))
