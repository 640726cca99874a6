"""The carriers that the house has, found by walking their folders; each is opened once for the process."""

from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from app.core.refusals import Refusal
from app.transmission.ports import Channel

_HOME = Path(__file__).resolve().parents[1] / "channels"
_setting: dict[str, Any] = {}


def configure(settings: Any) -> None:
    """Give the channels their settings."""
    _setting["settings"] = settings
    open_channel.cache_clear()


def names() -> list[str]:
    """The channels that exist: one folder each."""
    return sorted(home.parent.name for home in _HOME.glob("*/channel.py"))


@lru_cache(maxsize=16)
def open_channel(name: str) -> Channel:
    """The channel of that name, or `channel-unknown`."""
    if name not in names():
        raise Refusal("channel-unknown", channel=name)
    channel: Channel = import_module(f"app.channels.{name}.channel").open_channel(_setting["settings"])
    return channel
