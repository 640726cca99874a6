"""What the installation decides, changed under its feet: each room that keeps settings is given the new ones."""

from app.signing import setting
from app.trust import authorities
from app.verification import setting as verification
from config import Settings


def take_settings(settings: Settings) -> None:
    """As a restart with other settings would."""
    authorities.configure(settings)
    verification.configure(settings)
    setting.configure(settings)
