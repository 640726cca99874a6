"""The help of the pages, read once from its two files: a topic for each page, and the words, each explained once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from app.core.french import spaces

GENERAL = "paraphe"
"""The topic of a page that has none of its own."""
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Topic:
    """The help of one page: what it is for, three gestures, and its words with what each means."""

    key: str
    title: str
    purpose: str
    gestures: tuple[str, ...]
    definitions: tuple[tuple[str, str], ...]
    at: tuple[str, ...]


@cache
def topics() -> Mapping[str, Topic]:
    """Every topic by its key, in the order of the file; a word that is explained nowhere is a fault of the file (`KeyError`)."""
    definitions = yaml.safe_load((HERE / "words.yaml").read_text(encoding="utf-8"))
    written = yaml.safe_load((HERE / "topics.yaml").read_text(encoding="utf-8"))
    return {
        key: Topic(
            key,
            spaces(entry["title"]),
            spaces(entry["purpose"]),
            tuple(spaces(gesture) for gesture in entry["gestures"]),
            tuple((word, spaces(definitions[word])) for word in entry["words"]),
            tuple(entry["at"]),
        )
        for key, entry in written.items()
    }


def topic_of(endpoint: str) -> Topic:
    """The topic of a page: its own, else that of the longest beginning of its endpoint, else the general one."""
    best, length = topics()[GENERAL], 0
    for topic in topics().values():
        for place in topic.at:
            met = endpoint == place or (place.endswith(".") and endpoint.startswith(place))
            if met and len(place) > length:
                best, length = topic, len(place)
    return best
