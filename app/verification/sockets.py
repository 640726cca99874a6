"""Where a higher floor plugs in: the seal of the installation, which an attestation bears."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol


class Seal(Protocol):
    """The seal, ready to serve."""

    @property
    def name(self) -> str:
        """The name on its certificate."""

    def put(self, drawn: Path, target: Path, *, timestamped: bool) -> None:
        """Write `drawn` with the seal on it into the empty `target`, and read it back; refuses what may not be sealed."""


Named = Callable[[], bool]
_plugged: dict[str, tuple[Named, Callable[[], Seal]]] = {}


def seals(named: Named, take: Callable[[], Seal]) -> None:
    """Say whether the installation names a seal, and how it is taken up; `take` refuses one that cannot serve."""
    _plugged["seal"] = (named, take)


def sealed() -> bool:
    """Whether the installation names a seal; that it opens and may serve is another question."""
    return "seal" in _plugged and _plugged["seal"][0]()


def seal() -> Seal:
    """The seal; refuses one that cannot serve."""
    return _plugged["seal"][1]()
