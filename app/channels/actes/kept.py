"""The classifications that a collectivity received, every version in its own file, the newest in force."""

import re
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Final

from app.channels import create_only
from app.channels.actes.classification import Classification, load_classification, read_classification

_SIREN: Final = re.compile(r"[0-9]{9}")
_NAME: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})-[0-9a-f]{12}\.xml")


class Classifications:
    """A folder for each SIREN; `given` is what the installation was given for all, None for the one shipped.

    Each Préfecture sends its own, so that two collectivities of one installation need not share it.
    """

    def __init__(self, folder: Path, given: Path | None) -> None:
        self._folder = folder
        self._given = given

    def current(self, siren: str) -> Classification:
        """The newest that this collectivity received, unless the installation was given a newer one."""
        given, received = load_classification(self._given), self._newest(siren)
        if received is None:
            return given
        found = load_classification(received)
        return found if found.dated >= given.dated else given

    def dated(self, siren: str, day: date) -> Classification | None:
        """The one of that date, as an act sent under it names it; None when it was never here."""
        given = load_classification(self._given)
        if given.dated == day:
            return given
        found = next((path for path in self._all(siren) if path.name.startswith(day.isoformat())), None)
        return load_classification(found) if found else None

    def keep(self, siren: str, raw: bytes) -> tuple[Classification, bool]:
        """Keep a message 7-2 for this collectivity; True when it is another than the one in force.

        Refuses with `Malformed` or ValueError what is not one, or has neither nature nor matter: the former stays.
        """
        found = read_classification(raw)
        if not _SIREN.fullmatch(siren) or not found.natures or not found.sendable_matters():
            raise ValueError("not a classification that an act could be sent under")
        before = self.current(siren)
        create_only(self._folder / siren / f"{found.dated}-{sha256(raw).hexdigest()[:12]}.xml", raw)
        return self.current(siren), self.current(siren) != before

    def _newest(self, siren: str) -> Path | None:
        return max(self._all(siren), key=lambda path: (path.name[:10], path.stat().st_mtime_ns), default=None)

    def _all(self, siren: str) -> list[Path]:
        if not _SIREN.fullmatch(siren):
            return []
        return [path for path in (self._folder / siren).glob("*.xml") if _NAME.fullmatch(path.name)]
