"""Why a folder of a batch was not acted on, in the words that its own page would have used."""

from collections.abc import Mapping

import sqlalchemy as sa

from app.core.db import Db
from app.core.french import heure, spaces
from app.core.refusals import catalogue
from app.display.moved import told
from app.display.timeline import awaited_now
from app.folders.models import Folder
from app.folders.move import present
from app.journal.models import JournalEntry
from app.people.actor import Actor
from app.people.login import of_user
from app.people.models import User
from workflows.circuit import RECALLED, WITHDRAWN, Phase

NO_MORE = "il n’attend plus votre décision."
COMES_BACK, OVER = "Il vous reviendra.", "Il n’attend plus de décision."
AWAITS_NO_MORE = (NO_MORE, COMES_BACK, OVER)
"""How each reason ends of a folder that awaits its reader no more."""


def reason_of(
    db: Db, collectivity_id: int, user_id: int, folder_id: int, key: str, facts: Mapping[str, object]
) -> str:
    """The sentence of a refusal; for a folder that moved, who moved it, when, and whom it awaits where it is not the reader.

    `user_id`: the account whose batch it is.
    """
    folder = db.get(Folder, folder_id)
    if key != "moved-on" or folder is None or folder.collectivity_id != collectivity_id:
        return catalogue.say(key, facts)[1]
    if taken_away := _taken_away(db, folder):
        return taken_away
    done = f"{told(db, folder, user_id)}. Rien n’a été fait de votre part"
    if folder.phase != Phase.RUNNING:
        return spaces(f"{done} : il n’attend plus de décision.")
    position = present(db, folder)
    if position.in_turn(of_user(db, db.get_one(User, user_id), ""), folder):
        return spaces(f"{done} : relisez-le avant de décider.")
    who = awaited_now(db, folder, position)
    return spaces(f"{done} : {f'on attend maintenant {who}.' if who else NO_MORE}")


def gone(db: Db, folder: Folder, actor: Actor) -> str:
    """Why a folder that the actor may read awaits his decision no more: who did what to it last, and when."""
    return _taken_away(db, folder) or spaces(f"{told(db, folder, actor.user_id)} : {NO_MORE}")


def _taken_away(db: Db, folder: Folder) -> str:
    """That whoever deposited a folder took it back, or gave it up; empty of any other."""
    when = f"à {heure(folder.updated_at)}"
    if folder.place == RECALLED:
        who = _last(db, folder, "folder.recall")
        return spaces(f"{who} a repris ce dossier {when} pour le corriger. {COMES_BACK}")
    if folder.place == WITHDRAWN:
        who = _last(db, folder, "folder.withdraw")
        return spaces(f"{who} a abandonné ce dossier {when}. {OVER}")
    return ""


def _last(db: Db, folder: Folder, event: str) -> str:
    """Who did this last to a folder: anybody of the desk that deposits may."""
    query = sa.select(JournalEntry.who).where(
        JournalEntry.folder_id == folder.id, JournalEntry.event == event
    )
    return db.scalar(query.order_by(JournalEntry.id.desc()).limit(1)) or folder.depositor_name
