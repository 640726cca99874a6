"""What hand-over adds: the address that a collectivity may have as its own, and its trial."""

from jinja2 import Environment

from app.channels.handover import own
from app.people.own_settings.registry import Trial, declare, offer
from config import Settings


def plug(settings: Settings, templates: Environment) -> None:
    """Register, once for the process."""
    del templates
    declare(*own.settings_of(settings))
    offer(Trial("handover", own.GROUP, "Remise d’essai", own.missing, own.Ping(settings)))
