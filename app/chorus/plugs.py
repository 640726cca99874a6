"""Chorus Pro plugs in: its settings, and their trial."""

from jinja2 import Environment

from app.chorus import own
from app.people.own_settings.registry import Trial, declare, offer
from config import Settings


def plug(settings: Settings, templates: Environment) -> None:
    """Register, once for the process."""
    del templates
    declare(*own.settings_of(settings))
    attempt = own.Attempt(settings)
    offer(Trial("chorus", own.GROUP, "Essayer la connexion", attempt.missing, attempt))
