"""Where a higher floor plugs in: whose return it is, when the service's page answers for a batch."""

from collections.abc import Callable

from pydantic import SecretStr

from app.people.actor import Actor
from app.signing.models import RemoteRequest

ComeBack = Callable[[Actor, RemoteRequest, SecretStr], None]
_plugged: dict[str, tuple[ComeBack, str]] = {}


def batch(come_back: ComeBack, endpoint: str) -> None:
    """Let a batch take the code of a request of its own; `endpoint` is its page, which takes its number as `batch_id`."""
    _plugged["batch"] = (come_back, endpoint)


def batches() -> tuple[ComeBack, str]:
    """What was plugged."""
    return _plugged["batch"]
