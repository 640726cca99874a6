"""The one rate limiter; its memory follows the configuration (several processes share it through Redis)."""

from flask import current_app, g, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

limiter = Limiter(get_remote_address, default_limits=[])


def per_login() -> str:
    """Who is tried from where: a town hall that leaves by one address must not lock its people out together."""
    return f"{get_remote_address()} {request.form.get('login', '').strip().lower()[:100]}"


def per_person() -> str:
    """Who is tried from an open session: it may not guess faster than somebody at the door."""
    actor = g.get("actor")
    return f"identity {actor.user_id}" if actor is not None else get_remote_address()


def login_rate() -> str:
    """Tries for one login from one address."""
    return str(current_app.config["LOGIN_RATE"])


def address_rate() -> str:
    """Tries from one address, whatever the login: whoever tries many names is slowed too."""
    return str(current_app.config["LOGIN_ADDRESS_RATE"])
