"""What an act is worth today: enforceable, referred to the court, suspended or cancelled; one line that every page reads."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa

from app.core.clock import today
from app.core.db import Db
from app.core.french import jour
from app.folders.models import Folder, Publication
from app.folders.rows import by_onlooker, publication_of
from app.folders.sockets import plugged

CANCELLED, REFERRED, SUSPENSION, APPEALS = "cancelled_on", "referred_on", "suspension", "appeals"
"""What the Préfecture, the court and others change of an act, as its folder keeps it beside its facts: two days, a
`Suspension`, and each `Appeal`."""
COURT, ANNULLED, PARTLY = "court", "annulled", "partly"


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
class Appeal:
    """An appeal of a third party: `kind` is « court » or « informal »; `outcome` is empty while it is pending."""

    kind: str
    received_on: date
    who: str
    outcome: str = ""
    ended_on: date | None = None

    @property
    def words(self) -> str:
        """« recours gracieux d’un tiers, reçu le 3 décembre 2026 »: no name in a line that many read."""
        name = "contentieux" if self.kind == COURT else "gracieux"
        return f"recours {name} d’un tiers, reçu le {jour(self.received_on)}"

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "Appeal":
        """What `written` wrote."""
        ended = date.fromisoformat(kept["ended_on"]) if kept.get("ended_on") else None
        received = date.fromisoformat(kept["received_on"])
        return cls(kept["kind"], received, kept["who"], kept.get("outcome", ""), ended)

    def written(self) -> dict[str, Any]:
        """As the folder keeps it."""
        return {
            "kind": self.kind,
            "received_on": self.received_on.isoformat(),
            "who": self.who,
            "outcome": self.outcome,
            "ended_on": self.ended_on.isoformat() if self.ended_on else None,
        }


def appeals_of(fields: Mapping[str, Any]) -> list[Appeal]:
    """The appeals against an act, in the order in which they were recorded."""
    return [Appeal.read(one) for one in fields.get(APPEALS) or ()]


@dataclass(frozen=True)
class Effect:
    """The line: its key, its tone and icon, its words; `enforceable_on` is None as long as the act binds nobody.

    `words` are for everybody and may be empty; `beside` is for the house: appeals that are pending, letters to deal with.
    """

    key: str
    tone: str
    icon: str
    words: str
    enforceable_on: date | None = None
    beside: str = ""

    @property
    def inside(self) -> str:
        """The whole line, for who reads the folder."""
        line = _joined(self.words, self.beside)
        return f"{line[:1].upper()}{line[1:]}"


def effect(
    fields: Mapping[str, Any], publication: Publication | None, day: date, letters: str = ""
) -> Effect | None:
    """What an act is worth on this day; None while it is neither published nor touched by anybody.

    `letters`: what of the Préfecture is to be dealt with, for the line of the house.
    """
    pending = [one.words for one in appeals_of(fields) if not one.outcome]
    worth, beside = _worth(fields, publication, day), _joined(*pending, letters)
    if worth is None:
        return Effect("contested", "warn", "envelope", "", None, beside) if beside else None
    if beside and worth.key == "enforceable":
        return replace(worth, tone="warn", icon="envelope", beside=beside)  # no green over what is contested
    return replace(worth, beside=beside)


def _worth(fields: Mapping[str, Any], publication: Publication | None, day: date) -> Effect | None:
    judged = {one.outcome: one.ended_on for one in appeals_of(fields) if one.outcome in {ANNULLED, PARTLY}}
    if ANNULLED in judged:
        return Effect(ANNULLED, "danger", "slash-circle", f"Annulé par le juge le {jour(judged[ANNULLED])}")
    if fields.get(CANCELLED):
        words = f"Transmission annulée le {jour(fields[CANCELLED])}, acte non exécutoire"
        return Effect("cancelled", "danger", "slash-circle", words)
    referred = (
        f"déféré par le préfet, courrier reçu le {jour(fields[REFERRED])}" if fields.get(REFERRED) else ""
    )
    if PARTLY in judged:
        referred = _joined(f"annulé en partie par le juge le {jour(judged[PARTLY])}", referred)
    suspended = _suspended(fields, day)
    if suspended:
        return Effect("suspended", "danger", "exclamation-circle", _joined(suspended, referred))
    if publication is None and not referred:
        return None
    return _known(publication.enforceable_on if publication else None, referred, partly=PARTLY in judged)


def _suspended(fields: Mapping[str, Any], day: date) -> str:
    """Since when and until when the act is suspended on this day; empty when it is not."""
    suspension = Suspension.read(fields[SUSPENSION]) if fields.get(SUSPENSION) else None
    since = suspension.since(day) if suspension is not None else None
    if suspension is None or since is None:
        return ""
    ordered = suspension.ruled == "ordered" and suspension.ruled_on is not None and suspension.ruled_on <= day
    end = "par décision du juge" if ordered else f"au plus tard jusqu’au {jour(suspension.until)}"
    return f"Suspendu depuis le {jour(since)}, {end}"


def _known(enforceable: date | None, referred: str, *, partly: bool) -> Effect:
    """The line of an act that the public knows, or that a court has before it."""
    words = f"Exécutoire le {jour(enforceable)}" if enforceable else "Pas encore exécutoire"
    if referred:
        key, icon = (PARTLY, "slash-circle") if partly else ("referred", "bank")
        return Effect(key, "danger", icon, _joined(words, referred), enforceable)
    if enforceable is None:
        return Effect("published", "warn", "hourglass-split", words)
    return Effect("enforceable", "ok", "check-circle", words, enforceable)


def effect_of(db: Db, folder: Folder) -> Effect | None:
    """What the act of a folder is worth today, as the house reads it.

    Whoever reads it for its type alone is told what everybody is: neither the letters to deal with nor who contests it.
    """
    if by_onlooker(db, folder.id):
        worth = effect(folder.fields, publication_of(db, folder.id), today())
        return replace(worth, beside="") if worth is not None and worth.words else None
    letters = _letters(db, [folder.id]).get(folder.id, "")
    return effect(folder.fields, publication_of(db, folder.id), today(), letters)


def effects_of(db: Db, folder_ids: Collection[int], *, inside: bool = False) -> dict[int, Effect]:
    """The same for several folders, in one statement; the letters to deal with only for the house (`inside`)."""
    if not folder_ids:
        return {}
    query = (
        sa.select(Folder.id, Folder.fields, Publication)
        .outerjoin(Publication, Publication.folder_id == Folder.id)
        .where(Folder.id.in_(list(folder_ids)))
    )
    day, letters = today(), _letters(db, folder_ids) if inside else {}
    rows = {row[0]: effect(row[1], row[2], day, letters.get(row[0], "")) for row in db.execute(query)}
    return {folder_id: line for folder_id, line in rows.items() if line is not None}


def _letters(db: Db, folder_ids: Collection[int]) -> dict[int, str]:
    """What is to be dealt with about these acts, in a clause for each."""
    told: dict[int, str] = {}
    for find in plugged.waitings:
        for folder_id, words in find(db, folder_ids).items():
            told[folder_id] = _joined(told.get(folder_id, ""), words)
    return told


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
