"""Where a higher floor plugs in: the seal that an attestation bears, of the installation or of a collectivity."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol


class Seal(Protocol):
    """The seal, ready to serve."""

    @property
    def name(self) -> str:
        """The name on its certificate."""

    def put(self, drawn: Path, target: Path) -> None:
        """Write `drawn` with the seal on it into the empty `target`, and read it back; refuses what may not be sealed."""


Whose = int | None
"""The collectivity of whoever asks; None for a stranger, to whom the installation answers."""
Named = Callable[[Whose], bool]
_plugged: dict[str, tuple[Named, Callable[[Whose], Seal]]] = {}


def seals(named: Named, take: Callable[[Whose], Seal]) -> None:
    """Say whether there is a seal for whoever asks, and how it is taken up; `take` refuses one that cannot serve."""
    _plugged["seal"] = (named, take)


def sealed(whose: Whose) -> bool:
    """Whether there is a seal to answer whoever asks; that it opens and may serve is another question."""
    return "seal" in _plugged and _plugged["seal"][0](whose)


def seal(whose: Whose) -> Seal:
    """The seal; refuses one that cannot serve."""
    return _plugged["seal"][1](whose)
