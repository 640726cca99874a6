"""What operations adds to lower rooms: rows against the journal, the letter of marks, the store, bands, closings."""

from typing import Any

from app.core.outbox import each_round
from app.files import vault
from app.folders import sockets
from app.journal import beside
from app.operations import posted, shares, verifying
from app.operations.absences import told
from app.operations.guidance import first
from app.operations.leaving import planned
from app.operations.state import folders, seats
from config import Settings


def plug(settings: Settings, jinja: Any) -> None:
    """Let `journal verify --state` look at folders, documents and seats, and tell who arrives, or is away."""
    sockets.tray(first.Welcome(jinja), first.arrives)
    sockets.tray(told.Band(jinja), told.is_away)
    posted.plug(settings)
    each_round("closings", planned.look)
    verifying.plug()
    vault.asks_before(shares.begins)
    beside.compares("folders", folders)
    beside.compares("seats", seats)
