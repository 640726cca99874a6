"""What the installation decides of people: how long a proof of who one is counts."""

from typing import Any

from jinja2 import Environment

from app.people import identity


def plug(settings: Any, templates: Environment) -> None:
    """Register, once for the process."""
    del templates  # it prints nothing
    identity.configure(settings.reauth_minutes)
