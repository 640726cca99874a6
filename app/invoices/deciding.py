"""What a person says of the delay of an invoice where it stands: who may, in which words, and what follows of it."""

from typing import Any

from app.core.db import Db
from app.core.refusals import Refusal
from app.core.texts import plain
from app.folders.access import authorize, lock
from app.folders.facts import touch
from app.folders.models import Folder
from app.folders.move import count_days_again, cover_in_force, present
from app.folders.ruling import LONGEST, may_rule
from app.journal.chain import Event, append
from app.people.actor import Actor
from app.people.covers import facts_of
from workflows.circuit import Phase

INTERRUPTION = "interruption"
"""In `Folder.sources`: that the delay was interrupted, and when it ran again."""


def deciding(db: Db, actor: Actor, folder_id: int, version: int) -> tuple[Folder, str, dict[str, Any]]:
    """The folder, locked, whom the actor stands in for, and what the journal says of it; refuses who does not decide here."""
    folder = lock(db, actor, folder_id, version)
    current = present(db, folder)
    if folder.phase != Phase.RUNNING or not may_rule(folder, actor, current):
        authorize(db, actor, folder_id)
        raise Refusal("not-your-turn")
    cover = cover_in_force(db, actor, folder, current)
    return folder, cover.absent if cover is not None else "", dict(facts_of(cover))


def words(text: str, key: str) -> str:
    """What somebody wrote; refuses `key` for nothing, and `words-long`."""
    text = plain(text)
    if not text:
        raise Refusal(key)
    if len(text) > LONGEST:
        raise Refusal("words-long", most=LONGEST, got=len(text))
    return text


def changed(db: Db, actor: Actor, folder: Folder, event: str, facts: dict[str, Any]) -> None:
    """Count the days of an invoice again, and write in the journal why."""
    count_days_again(db, folder)
    touch(folder)
    append(db, folder.collectivity_id, Event(event, actor.name, actor.user_id, folder.id, facts))
