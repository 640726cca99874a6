"""The other side of each channel whose transport is « simulated », and of Chorus Pro: none of them exists."""

from typing import Any

from jinja2 import Environment

from app.channels.actes.settings import ActesSettings
from app.channels.actes.transport import ActesTransport
from app.channels.helios.settings import HeliosSettings
from app.channels.helios.transport import HeliosTransport
from app.chorus.wire import NAME as CHORUS
from app.chorus.wire import Wire
from app.core.clock import now
from app.transmission import channels
from config import Settings


def plug(settings: Any = None, templates: Environment | None = None) -> None:
    """Register, once for the process."""
    del settings, templates  # each is given the settings of its own channel
    channels.simulated_by({"actes": _prefecture, "helios": _treasury, CHORUS: _chorus})


def _prefecture(settings: ActesSettings) -> ActesTransport:
    from app.channels.actes.classification import load_classification
    from demo.prefecture.simulator import SimulatedPrefecture

    return SimulatedPrefecture(settings, load_classification(settings.classification_file), now)


def _treasury(settings: HeliosSettings) -> HeliosTransport:
    from demo.treasury.simulator import SimulatedTreasury

    return SimulatedTreasury(settings, now)


def _chorus(settings: Settings) -> Wire:
    from demo.chorus.simulator import FOLDER, SimulatedChorus

    return SimulatedChorus(settings.data_dir / FOLDER, now)
