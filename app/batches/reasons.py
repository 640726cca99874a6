"""Why a folder of a batch was not acted on, in the words that its own page would have used."""

from collections.abc import Mapping

import sqlalchemy as sa

from app.core.db import Db
from app.core.french import heure, spaces
from app.core.refusals import catalogue
from app.display.moved import told
from app.folders.models import Folder
from app.journal.models import JournalEntry
from workflows.circuit import RECALLED, WITHDRAWN, Phase


def reason_of(db: Db, collectivity_id: int, folder_id: int, key: str, facts: Mapping[str, object]) -> str:
    """The sentence of a refusal; for a folder that moved, who moved it and when."""
    folder = db.get(Folder, folder_id)
    if key != "moved-on" or folder is None or folder.collectivity_id != collectivity_id:
        return catalogue.say(key, facts)[1]
    when = f"à {heure(folder.updated_at)}"
    if folder.place == RECALLED:
        who = _last(db, folder, "folder.recall")
        return spaces(f"{who} a repris ce dossier {when} pour le corriger. Il vous reviendra.")
    if folder.place == WITHDRAWN:
        who = _last(db, folder, "folder.withdraw")
        return spaces(f"{who} a abandonné ce dossier {when}. Il n’attend plus de décision.")
    if folder.phase != Phase.RUNNING:
        return spaces(f"{told(db, folder)}. Rien n’a été fait de votre part : il n’attend plus de décision.")
    return spaces(f"{told(db, folder)}. Rien n’a été fait de votre part : relisez-le avant de décider.")


def _last(db: Db, folder: Folder, event: str) -> str:
    """Who did this last to a folder: anybody of the desk that deposits may."""
    query = sa.select(JournalEntry.who).where(
        JournalEntry.folder_id == folder.id, JournalEntry.event == event
    )
    return db.scalar(query.order_by(JournalEntry.id.desc()).limit(1)) or folder.depositor_name
