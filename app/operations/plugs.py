"""What operations adds to lower rooms: the rows compared with the journal, the letter of each mark, where the store was."""

from typing import Any

from app.files import vault
from app.journal import beside
from app.operations import posted, shares
from app.operations.state import folders, seats
from config import Settings


def plug(settings: Settings, jinja: Any) -> None:
    """Let `journal verify --state` look at folders, their documents, and who holds which desk."""
    del jinja
    posted.plug(settings)
    vault.asks_before(shares.begins)
    beside.compares("folders", folders)
    beside.compares("seats", seats)
