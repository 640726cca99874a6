"""What verification brings: its settings."""

from jinja2 import Environment

from app.verification import setting
from config import Settings


def plug(settings: Settings, _templates: Environment) -> None:
    """Register, once for the process."""
    setting.configure(settings)
