"""Whoever is shown a folder elsewhere than on its page has opened it, within the seconds of what was just done there."""

from app.core.db import Db, reading
from app.folders import decide, notes, pause
from app.folders.access import authorize
from app.folders.models import Folder
from app.folders.rows import opened_at
from app.people.actor import Actor
from workflows.circuit import Phase


def before_shown(actor: Actor, *folder_ids: int) -> None:
    """Note it before a slip, a whole folder or the page of a signature tells what could still be taken back behind him.

    Refuses `not-found` as each of these would.
    """
    if actor.user_id is None or not pause.seconds():
        return
    for folder_id in folder_ids:
        with reading(actor.collectivity_id) as db:
            folder = authorize(db, actor, folder_id)
            unknown = awaited(db, folder, actor) or _note_awaited(db, folder, actor)
        if unknown:
            decide.open_meanwhile(actor, folder_id)


def awaited(db: Db, folder: Folder, actor: Actor) -> bool:
    """Whether what was just done on a folder could be taken back as if this person had not opened it since."""
    if actor.user_id is None or folder.phase == Phase.DRAFT or not pause.lasts(folder.updated_at):
        return False
    opened = opened_at(db, folder.id, actor.user_id)
    return opened is None or opened < folder.updated_at


def _note_awaited(db: Db, folder: Folder, actor: Actor) -> bool:
    written = notes.just_written(db, folder, actor)
    opened = opened_at(db, folder.id, actor.user_id)
    return written is not None and (opened is None or opened < written)
