"""The other side of each channel whose transport is « simulated »: a Préfecture and a Treasury that do not exist."""

from typing import Any

from jinja2 import Environment

from app.channels.actes.settings import ActesSettings
from app.channels.actes.transport import ActesTransport
from app.channels.helios.settings import HeliosSettings
from app.channels.helios.transport import HeliosTransport
from app.core.clock import now
from app.transmission import channels


def plug(settings: Any = None, templates: Environment | None = None) -> None:
    """Register, once for the process."""
    del settings, templates  # each is given the settings of its own channel
    channels.simulated_by({"actes": _prefecture, "helios": _treasury})


def _prefecture(settings: ActesSettings) -> ActesTransport:
    from app.channels.actes.classification import load_classification
    from demo.prefecture.simulator import SimulatedPrefecture

    return SimulatedPrefecture(settings, load_classification(settings.classification_file), now)


def _treasury(settings: HeliosSettings) -> HeliosTransport:
    from demo.treasury.simulator import SimulatedTreasury

    return SimulatedTreasury(settings, now)
