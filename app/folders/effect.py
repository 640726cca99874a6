"""What an act is worth today: enforceable, referred to the court, suspended or cancelled; one line that every page reads."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from app.core.clock import today
from app.core.db import Db
from app.core.french import jour
from app.folders.models import Folder, Publication

CANCELLED, REFERRED, SUSPENSION = "cancelled_on", "referred_on", "suspension"
"""What the Préfecture and the court change of an act, as its folder keeps it beside its facts: two days, and a `Suspension`."""


@dataclass(frozen=True)
class Suspension:
    """A request of the prefect that an act be suspended (CGCT L2131-6), and what came of it.

    `until`: the last day of the suspension that the request brings by itself, None when it brings none; `ruled` is empty,
    « ordered » or « rejected », on `ruled_on`.
    """

    asked_on: date
    until: date | None
    ruled: str = ""
    ruled_on: date | None = None

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "Suspension":
        """What `written` wrote."""
        days = {name: date.fromisoformat(kept[name]) if kept.get(name) else None for name in _DAYS}
        return cls(
            date.fromisoformat(kept["asked_on"]), days["until"], kept.get("ruled", ""), days["ruled_on"]
        )

    def written(self) -> dict[str, Any]:
        """As the folder keeps it."""
        days = {name: day.isoformat() if (day := getattr(self, name)) else None for name in _DAYS}
        return {"asked_on": self.asked_on.isoformat(), "ruled": self.ruled, **days}

    def since(self, day: date) -> date | None:
        """Since when the act is suspended on this day; None when it is not."""
        of_itself = self.until is not None and self.asked_on <= day <= self.until
        if self.ruled_on is None or day < self.ruled_on:
            return self.asked_on if of_itself else None
        if self.ruled != "ordered":
            return None
        unbroken = self.until is not None and self.ruled_on <= self.until
        return self.asked_on if unbroken else self.ruled_on


_DAYS = ("until", "ruled_on")


@dataclass(frozen=True)
class Effect:
    """The line: its key, its tone and icon, its words; `enforceable_on` is None as long as the act binds nobody."""

    key: str
    tone: str
    icon: str
    words: str
    enforceable_on: date | None = None


def effect(fields: Mapping[str, Any], publication: Publication | None, day: date) -> Effect | None:
    """What an act is worth on this day; None while it is neither published nor touched by the Préfecture or a court."""
    if fields.get(CANCELLED):
        words = f"Transmission annulée le {jour(fields[CANCELLED])}, acte non exécutoire"
        return Effect("cancelled", "danger", "slash-circle", words)
    referred = (
        f"déféré par le préfet, courrier reçu le {jour(fields[REFERRED])}" if fields.get(REFERRED) else ""
    )
    suspension = Suspension.read(fields[SUSPENSION]) if fields.get(SUSPENSION) else None
    since = suspension.since(day) if suspension is not None else None
    if suspension is not None and since is not None:
        ordered = (
            suspension.ruled == "ordered" and suspension.ruled_on is not None and suspension.ruled_on <= day
        )
        end = "par décision du juge" if ordered else f"au plus tard jusqu’au {jour(suspension.until)}"
        return Effect(
            "suspended",
            "danger",
            "exclamation-circle",
            _joined(f"Suspendu depuis le {jour(since)}, {end}", referred),
        )
    enforceable = publication.enforceable_on if publication is not None else None
    if publication is None and not referred:
        return None
    words = f"Exécutoire le {jour(enforceable)}" if enforceable else "Pas encore exécutoire"
    if referred:
        return Effect("referred", "danger", "bank", _joined(words, referred), enforceable)
    if enforceable is None:
        return Effect("published", "warn", "hourglass-split", words)
    return Effect("enforceable", "ok", "check-circle", words, enforceable)


def effect_of(db: Db, folder: Folder) -> Effect | None:
    """What the act of a folder is worth today."""
    return effect(folder.fields, db.get(Publication, folder.id), today())


def effects_of(db: Db, folder_ids: Iterable[int]) -> dict[int, Effect]:
    """The same for several folders, in one statement."""
    query = (
        sa.select(Folder.id, Folder.fields, Publication)
        .outerjoin(Publication, Publication.folder_id == Folder.id)
        .where(Folder.id.in_(list(folder_ids)))
    )
    day = today()
    return {row[0]: line for row in db.execute(query) if (line := effect(row[1], row[2], day)) is not None}


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
