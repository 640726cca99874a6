"""How a collectivity brings its acts to the public's knowledge: online, or posted or on paper where its council so chose."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from app.core.db import Db
from app.people.models import Collectivity

SETTING = "publication"
"""The key of the choice in the settings of a collectivity; without it, acts are published online."""


class Means(StrEnum):
    """The three ways of the law (CGCT L2131-1, III and IV; R2131-1)."""

    ONLINE = "online"
    POSTED = "posted"
    PAPER = "paper"

    @property
    def done(self) -> str:
        """« Publié le », before the day."""
        return _WORDS[self][0]

    @property
    def label(self) -> str:
        """What the administrator chooses."""
        return _WORDS[self][1]

    @property
    def asked(self) -> str:
        """What the day that is asked is that of."""
        return _WORDS[self][2]


_WORDS = {
    Means.ONLINE: (
        "Publié le",
        "Publication en ligne",
        "Jour de la mise en ligne sur le site de la commune.",
    ),
    Means.POSTED: ("Affiché le", "Affichage", "Jour de l’affichage à la mairie."),
    Means.PAPER: (
        "Publié sur papier le",
        "Publication sur papier",
        "Jour où l’acte est tenu à la disposition du public, sur papier, à la mairie.",
    ),
}


@dataclass(frozen=True)
class Choice:
    """What the council chose, by which deliberation, and for how many inhabitants; the last three empty for `ONLINE`."""

    means: Means
    deliberation: str = ""
    decided_on: date | None = None
    population: int | None = None


def choice_of(settings: dict[str, Any]) -> Choice:
    """The choice that stands in the settings of a collectivity."""
    kept = settings.get(SETTING)
    if not kept:
        return Choice(Means.ONLINE)
    day = date.fromisoformat(kept["decided_on"])
    return Choice(Means(kept["means"]), kept["deliberation"], day, kept["population"])


def means_here(db: Db, collectivity_id: int) -> Means:
    """How this collectivity publishes its acts today."""
    return choice_of(db.get_one(Collectivity, collectivity_id).settings).means
