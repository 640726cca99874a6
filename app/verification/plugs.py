"""What verification brings: its settings."""

from typing import Any

from jinja2 import Environment

from app.verification import setting


def plug(settings: Any, _templates: Environment) -> None:
    """Register, once for the process."""
    setting.configure(settings)
