"""What the installation decides of people: how long a proof of who one is counts, and for which address keys are made."""

from jinja2 import Environment

from app.people import breached, identity, login
from app.people.factors import passkeys
from app.people.factors.ways import Passkey, Totp
from config import Settings


def plug(settings: Settings, templates: Environment) -> None:
    """Register, once for the process."""
    del templates  # it prints nothing
    login.configure(settings.idle_minutes, settings.session_hours)
    identity.configure(settings.reauth_minutes)
    breached.configure(settings.breached_passwords)
    identity.WAYS[:] = [Passkey(), Totp(), identity.Password()]
    passkeys.configure(settings.public_url)
