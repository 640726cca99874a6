"""What the installation decides of verification: how large a file, how many at once, and where the verifier is."""

from typing import Any

from config import Settings

_chosen: dict[str, Any] = {"settings": None}


def configure(settings: Settings) -> None:
    """Give verification its settings."""
    _chosen["settings"] = settings


def verifier() -> tuple[int, int]:
    """The largest file that may be verified, in bytes, and how many at once in a process."""
    chosen = _chosen["settings"]
    return chosen.verify_limit_mb * 1024 * 1024, chosen.verify_at_once


def verifier_address() -> str:
    """Where anybody may have a file verified."""
    return f"{str(_chosen['settings'].public_url).rstrip('/')}/verifier"
