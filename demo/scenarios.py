"""What somebody asked a simulator to play: kept in its own folder, and gone once it has been played.

    scenarios/next.json            what befalls the next deposit that is accepted
    scenarios/<reference>.json     what befalls a deposit that waits for its answer
    scenarios/outage-<n>           a connexion that will fail

Pages and worker are different processes: a scenario appears whole, and is claimed by a rename or a removal, which succeeds
for one of them. Only a simulator opens this room; a transport that leads to the State knows nothing of it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Final

from app.channels import create_only, replacing
from app.core.clock import PARIS
from app.transmission.ports import Unreachable

NOW: Final = "now"
TOMORROW: Final = "tomorrow"
SILENCE: Final = "silence"
TWICE: Final = "twice"
LOST: Final = "lost"
EVERYWHERE: Final = frozenset({NOW, TOMORROW, SILENCE, TWICE, LOST})
"""The plays of every simulator: the good answer at once, the next morning or twice, none, or one lost on the way."""
ONLY_NEXT: Final = frozenset({LOST})
"""What can only befall a deposit at the very moment when it is received."""
MOST_OUTAGES: Final = 50
_OPENING: Final = time(8)


@dataclass(frozen=True)
class Scenario:
    """What is to be played, since when it has been asked, and of what it speaks when it must choose."""

    play: str
    asked_at: datetime
    about: str = ""

    def due(self, accepted_at: datetime) -> datetime | None:
        """When a deposit accepted at this moment gets its answer: at once, or when offices open; None for never."""
        if self.play == SILENCE:
            return None
        start = max(self.asked_at, accepted_at)
        if self.play != TOMORROW:
            return start
        day = start.astimezone(PARIS).date() + timedelta(days=1)
        return datetime.combine(day, _OPENING, PARIS)


class Scenarios:
    """The scenarios of one simulator, under its folder; `plays` are those that it knows beside `EVERYWHERE`."""

    def __init__(self, root: Path, plays: frozenset[str], clock: Callable[[], datetime]) -> None:
        self._root = root / "scenarios"
        self._plays = plays | EVERYWHERE
        self._clock = clock

    # the next deposit

    def prepare(self, play: str) -> None:
        """Have the next deposit answered this way, instead of what was prepared; refuses ValueError an unknown play."""
        self._write(self._next, play)

    def prepared(self) -> Scenario | None:
        """What awaits the next deposit."""
        return _read(self._next)

    def forget(self) -> None:
        """Let the next deposit be answered as usual."""
        self._next.unlink(missing_ok=True)

    def claim(self, reference: str) -> Scenario | None:
        """Give what was prepared to this deposit, and to no other; None when nothing was."""
        try:
            self._next.rename(self._path(reference))
        except FileNotFoundError:
            return None
        return self.awaiting(reference)

    # a deposit that waits

    def tell(self, reference: str, play: str, about: str = "") -> None:
        """Have this deposit answered this way; refuses ValueError an unknown play, or one for the next deposit only."""
        if play in ONLY_NEXT:
            raise ValueError(play)
        self._write(self._path(reference), play, about)

    def awaiting(self, reference: str) -> Scenario | None:
        """What awaits this deposit."""
        return _read(self._path(reference))

    def played(self, reference: str) -> bool:
        """Take away what awaited this deposit; True for the one caller who took it."""
        try:
            self._path(reference).unlink()
        except FileNotFoundError:
            return False
        return True

    # outages

    def cut(self, connexions: int) -> None:
        """Let so many connexions fail from now on, `MOST_OUTAGES` at most; 0 restores the line."""
        for path in self._outages():
            path.unlink(missing_ok=True)
        for rank in range(min(connexions, MOST_OUTAGES)):
            create_only(self._root / f"outage-{rank}", b"")

    def outages(self) -> int:
        """How many connexions will still fail."""
        return len(self._outages())

    def connect(self) -> None:
        """Open a connexion; refuses with `Unreachable` as many of them as were to fail."""
        for path in self._outages():
            try:
                path.unlink()
            except FileNotFoundError:
                continue  # another connexion failed of this one
            raise Unreachable("Panne demandée au simulateur : la connexion a échoué, rien n’a été transmis.")

    def _outages(self) -> list[Path]:
        return sorted(self._root.glob("outage-*"))

    @property
    def _next(self) -> Path:
        return self._root / "next.json"

    def _path(self, reference: str) -> Path:
        if not reference.isdigit():
            raise ValueError(reference)
        return self._root / f"{reference}.json"

    def _write(self, path: Path, play: str, about: str = "") -> None:
        if play not in self._plays:
            raise ValueError(play)
        self._root.mkdir(parents=True, exist_ok=True)
        fields = {"play": play, "about": about, "asked_at": self._clock().isoformat()}
        with replacing(path) as part:
            part.write_text(json.dumps(fields), encoding="utf-8")


def _read(path: Path) -> Scenario | None:
    try:
        fields = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return Scenario(fields["play"], datetime.fromisoformat(fields["asked_at"]), fields["about"])
