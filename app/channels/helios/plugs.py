"""What Hélios brings to a folder's page: an acquit read as rows, by bordereau, piece, line and attachment."""

from jinja2 import Environment

from app.folders import sockets
from config import Settings


def plug(settings: Settings, templates: Environment) -> None:
    """Register, once for the process."""
    del settings, templates  # the channel has its own
    sockets.table(_table)


def _table(data: bytes) -> tuple[tuple[str, str], ...] | None:
    from app.channels.helios.acquit import read_acquit, rows_of

    acquit = read_acquit(data)
    return tuple(rows_of(acquit)) if acquit is not None else None
