"""A note that was taken back before anybody read it: its words, which the journal keeps, are shown nowhere.

Its line stays as it was written, hashed with its facts: they are left out only where it is shown (decision 0037).
"""

import json
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from app.core.db import Db
from app.folders.models import Folder, FolderNote
from app.journal.models import JournalEntry

ADDED = "note.added"


def notes_unread(db: Db, folder: Folder) -> frozenset[int]:
    """The numbers of the folder's notes that were taken back."""
    query = sa.select(FolderNote.id).where(
        FolderNote.folder_id == folder.id, FolderNote.taken_back_at.is_not(None)
    )
    return frozenset(db.scalars(query))


def without_words(line: JournalEntry, unread: Collection[int]) -> dict[str, Any]:
    """The facts of a line of the journal, without the words of a note that was taken back."""
    facts: dict[str, Any] = json.loads(line.facts)
    if line.event == ADDED and facts.get("note") in unread:
        facts.pop("comment", None)
    return facts
