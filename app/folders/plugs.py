"""What the files of a folder say of themselves, told to whoever decides on it."""

from typing import Any

from jinja2 import Environment

from app.folders import points, sockets


def plug(settings: Any, templates: Environment) -> None:
    """Register, once for the process."""
    del settings, templates  # it reads nothing of them
    sockets.caution(points.of_folder)
