"""Whoever is shown a folder, on its page or elsewhere, has opened it, within the seconds of what was just done there."""

from collections.abc import Callable
from typing import TypeVar

from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.folders import decide, notes, pause
from app.folders.access import authorize, looks_on
from app.folders.models import Folder
from app.folders.rows import opened_at
from app.journal.chain import one_moment
from app.people.actor import Actor
from workflows.circuit import Phase

T = TypeVar("T")
TRIES = 5
"""How often a page is made again because something else was done on its folder while it was made."""


def shown_to(actor: Actor, folder_id: int, make: Callable[[Db, Folder], T]) -> T:
    """What is made of one moment of a folder; whoever is shown it is known to have opened what that moment tells.

    Nothing that was done after it is in what is made, and what may still be taken back is noted before it is given: taken back
    meanwhile, the page is made again without it. A refusal tells of the folder as well. Refuses `not-found`, and as `make` does.
    """
    for _ in range(TRIES):
        refusal = None
        with reading(actor.collectivity_id) as db:
            one_moment(db)
            folder = authorize(db, actor, folder_id)
            try:
                made = make(db, folder)
            except Refusal as told:
                refusal = told
            unknown = bool(pause.seconds()) and (
                awaited(db, folder, actor) or _note_awaited(db, folder, actor)
            )
        if not unknown or actor.user_id is None:
            break
        decide.open_meanwhile(actor, folder_id)
    if refusal is not None:
        raise refusal
    return made


def awaited(db: Db, folder: Folder, actor: Actor) -> bool:
    """Whether what was just done on a folder could be taken back as if this person had not opened it since."""
    if (
        actor.user_id is None
        or folder.phase == Phase.DRAFT
        or not pause.lasts(folder.updated_at, folder.final_at)
    ):
        return False
    opened = opened_at(db, folder.id, actor.user_id)
    return (opened is None or opened < folder.updated_at) and not looks_on(db, actor, folder)


def _note_awaited(db: Db, folder: Folder, actor: Actor) -> bool:
    written = notes.just_written(db, folder, actor) if folder.phase != Phase.DRAFT else None
    opened = opened_at(db, folder.id, actor.user_id)
    unknown = written is not None and (opened is None or opened < written)
    return unknown and not looks_on(db, actor, folder)
