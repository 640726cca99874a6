"""What @CTES brings to a folder's form: the matters of the classification in force, by code and words."""

from typing import Any

from jinja2 import Environment

from app.folders import sockets
from app.transmission.channels import open_channel


def plug(settings: Any, templates: Environment) -> None:
    """Register, once for the process."""
    del settings, templates  # the channel has its own
    sockets.options("matter", _matters)


def _matters() -> list[tuple[str, str]]:
    classification = open_channel("actes").classification  # type: ignore[attr-defined]
    return [
        (matter.code, f"{matter.code} {matter.full_label}") for matter in classification.sendable_matters()
    ]
