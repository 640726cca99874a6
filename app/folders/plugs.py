"""What the files of a folder say of themselves, told to whoever decides on it."""

from typing import Any

from jinja2 import Environment

from app.folders import corrections, doubts, points, sockets


def plug(settings: Any, templates: Environment) -> None:
    """Register, once for the process."""
    del settings, templates  # it reads nothing of them
    sockets.caution(corrections.cautions)
    sockets.tag(corrections.tag)
    sockets.caution(doubts.cautions)
    sockets.caution(points.of_folder)
