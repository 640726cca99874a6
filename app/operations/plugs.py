"""What operations adds to lower rooms: the comparison of the rows with the journal, and the letter of each day's mark."""

from typing import Any

from app.journal import beside
from app.operations import posted
from app.operations.state import folders, seats


def plug(settings: Any, jinja: Any) -> None:
    """Let `journal verify --state` look at folders, their documents, and who holds which desk."""
    del jinja
    posted.plug(settings)
    beside.compares("folders", folders)
    beside.compares("seats", seats)
