"""The circulation slip: what a folder is, says and went through, on a sheet of paper for a meeting or a paper file."""

from typing import Any

from app.core.clock import now
from app.core.db import Db
from app.display import page, timeline
from app.display.portrait import portrait
from app.folders.corrections import ruled_in_words, told
from app.folders.models import Folder
from app.folders.sockets import told_by_page, untold


def slip(db: Db, folder: Folder) -> dict[str, Any]:
    """All that the slip says, as of now: each value with the one that the file says otherwise.

    It sums up: the signed file and the journal are the evidence, and it says so. The circuit is that of the round in hand.
    """
    seen = portrait(db, folder)
    every = [*untold(db, folder), *told_by_page(db, folder)]
    return {
        "folder": page.head(db, folder, seen.here),
        "details": timeline.details(db, folder),
        "corrections": told(folder, ruled=False),
        "points": [one for one in every if one.key != "corrected"],
        "ruled": ruled_in_words(folder),
        "steps": timeline.steps(db, folder, seen.route, seen.runs, seen.desks, seen.told),
        "circuit_line": timeline.circuit_line(db, folder),
        "rerouted": timeline.rerouted(db, folder),
        "documents": page.documents(db, folder, None),
        "now": now(),
    }
