"""The carriers that the house has, found by walking their folders; each is opened once for the process."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any

from app.core.refusals import Refusal
from app.transmission.ports import Channel
from app.transmission.settings import names
from config import Settings

_setting: dict[str, Any] = {}
_simulators: dict[str, Callable[[Any], Any]] = {}


def configure(settings: Settings) -> None:
    """Give the channels their settings."""
    _setting["settings"] = settings
    open_channel.cache_clear()


def simulated_by(simulators: Mapping[str, Callable[[Any], Any]]) -> None:
    """Say who plays the other side, for each channel by its name, called with the settings of the channel.

    Where nobody is named, nothing is simulated: what would leave waits.
    """
    _simulators.clear()
    _simulators.update(simulators)
    open_channel.cache_clear()


def simulator(name: str) -> Callable[[Any], Any] | None:
    """Who plays the other side of this channel; None in a production."""
    return _simulators.get(name)


@lru_cache(maxsize=16)
def open_channel(name: str) -> Channel:
    """The channel of that name, or `channel-unknown`."""
    if name not in names():
        raise Refusal("channel-unknown", channel=name)
    channel: Channel = import_module(f"app.channels.{name}.channel").open_channel(_setting["settings"])
    return channel
