"""How a question reaches Chorus Pro through PISTE: one POST, one answer, at the addresses of the installation.

Where somebody plays the other side (`demo/chorus/`), the question goes there and nowhere else.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from app.chorus.faults import ADDRESS, Barred, Lost, Silent
from app.core.addresses import Allowed, entry_of
from app.core.outside import Bounds, ForbiddenError, LostError, UnreachableError, body, exchange
from app.transmission.channels import simulator
from config import Settings

NAME = "chorus"
MOST_BYTES = 170 * 1024 * 1024
"""Of an answer: 120 MB of files (the limit of Chorus Pro) in base64."""
TOKEN = ""
"""The path that stands for the address where tokens are given."""


@dataclass(frozen=True)
class Heard:
    """An answer as it came: status, headers by their names in small letters, bytes."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class Wire(Protocol):
    """What carries a question."""

    @property
    def simulated(self) -> bool:
        """True when nothing reaches the State."""

    def post(self, path: str, headers: Mapping[str, str], data: bytes) -> Heard:
        """The answer to what is posted at a path, `TOKEN` for a token; raises `Silent`, `Lost` or `Barred`."""


class _Pace:
    """When each application of this process may call again: the threads of a worker share its quota."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free: dict[str, float] = {}

    def wait(self, caller: str, apart: float) -> None:
        """Take the next moment that is free, and wait for it."""
        with self._lock:
            moment = time.monotonic()
            self._free = {name: free for name, free in self._free.items() if free > moment}
            mine = max(moment, self._free.get(caller, moment))
            self._free[caller] = mine + apart
        time.sleep(mine - moment)


_pace = _Pace()


class Piste:
    """PISTE, at the addresses that the installation has."""

    simulated = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def post(self, path: str, headers: Mapping[str, str], data: bytes) -> Heard:
        """The answer of the API or of the server of tokens, no more often than the installation allows each application."""
        settings = self._settings
        _pace.wait(headers.get("Authorization", ""), 1 / settings.chorus_calls)
        url = f"{settings.chorus_url.rstrip('/')}/{path}" if path else settings.chorus_oauth_url
        allowed = Allowed(inside=[entry_of(settings.chorus_url), entry_of(settings.chorus_oauth_url)])
        bounds = Bounds(
            settings.network_timeout,
            settings.chorus_seconds,
            10 * settings.chorus_seconds,
            ca_file=settings.chorus_ca_file,
        )
        try:
            with exchange("POST", url, allowed, bounds, headers=dict(headers), data=data) as answer:
                names = {name.lower(): value for name, value in answer.headers.items()}
                return Heard(answer.status_code, names, body(answer, MOST_BYTES))
        except ForbiddenError as error:
            raise Barred(ADDRESS) from error
        except LostError as error:
            raise Lost("Chorus Pro n’a pas répondu jusqu’au bout") from error
        except UnreachableError as error:
            raise Silent("Chorus Pro ne répond pas") from error


def opened(settings: Settings) -> Wire:
    """The way to Chorus Pro, or to whoever plays it."""
    played = simulator(NAME)
    wire: Wire = played(settings) if played is not None else Piste(settings)
    return wire
