"""How an act is brought to the knowledge of those concerned: online, posted, on paper, or notified; and since when it can be."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from app.circuits.library import family_of
from app.core.clock import PARIS
from app.core.db import Db
from app.folders.models import Folder
from app.folders.rows import publication_of, signatures_of_round
from app.folders.sockets import plugged
from app.people.models import Collectivity

SETTING = "publication"
"""The key of the choice in the settings of a collectivity; without it, acts are published online."""
URGENCY = "urgency"
"""Why an act was posted before it is put online, as its folder keeps it beside its facts (CGCT L2131-1, V)."""


class Means(StrEnum):
    """The ways of the law: the public's (CGCT L2131-1, III and IV; R2131-1), and that of whom an order aims at (L2131-1, II).

    `URGENT`: posted first, in urgency, then put online (L2131-1, V).
    """

    ONLINE = "online"
    POSTED = "posted"
    URGENT = "urgent"
    PAPER = "paper"
    NOTIFIED = "notified"

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
        """What the day that is asked is that of; online none is asked, what is done then and there."""
        return _WORDS[self][2]

    @property
    def button(self) -> str:
        """What whoever publishes is offered to do."""
        return _WORDS[self][3]

    @property
    def verb(self) -> str:
        """« À vous de … »."""
        return "notifier" if self is Means.NOTIFIED else "publier"

    @property
    def ending(self) -> str:
        """« Ce dossier … », once it is done."""
        return _WORDS[self][4]


_WORDS = {
    Means.ONLINE: (
        "Publié le",
        "Publication en ligne",
        "L’acte paraît sur la page publique à l’instant où vous confirmez.",
        "Publier l’acte…",
        "est publié",
    ),
    Means.POSTED: (
        "Affiché le",
        "Affichage",
        "Jour de l’affichage à la mairie.",
        "Enregistrer l’affichage…",
        "est affiché",
    ),
    Means.URGENT: (
        "Affiché en urgence le",
        "Affichage en urgence",
        "Jour de l’affichage à la mairie.",
        "Afficher en urgence…",
        "est affiché en urgence",
    ),
    Means.PAPER: (
        "Publié sur papier le",
        "Publication sur papier",
        "Jour où l’acte est tenu à la disposition du public, sur papier, à la mairie.",
        "Enregistrer la publication…",
        "est publié sur papier",
    ),
    Means.NOTIFIED: (
        "Notifié le",
        "Notification",
        "Jour où la personne a reçu l’acte.",
        "Enregistrer la notification…",
        "est notifié",
    ),
}
CHOSEN = (Means.ONLINE, Means.POSTED, Means.PAPER)
"""What a council may choose for the public; a notification is the law's, not its."""


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


def means_of(db: Db, folder: Folder) -> Means:
    """How this act was brought to the knowledge of those concerned, else how it would be today.

    An act that is never put online is notified to whom it aims at (CGCT L2131-1, II), whatever the council chose.
    """
    if family_of(folder.in_force).publication == "none":
        return Means.NOTIFIED
    made = publication_of(db, folder.id)
    return Means(made.means) if made is not None else means_here(db, folder.collectivity_id)


def way_of(db: Db, folder: Folder) -> Means:
    """How the step of publication ends: an act posted in urgency is put online all the same (CGCT L2131-1, V)."""
    means = means_of(db, folder)
    return Means.ONLINE if means is Means.URGENT else means


def urgency_of(db: Db, folder: Folder) -> date | None:
    """The day on which the act was posted in urgency, None when it was not."""
    made = publication_of(db, folder.id)
    return made.published_on if made is not None and made.means == Means.URGENT else None


def published_word(family: str) -> str:
    """« publié », or « notifié » of an act that is never put online: what its last step did."""
    return "notifié" if family_of(family).publication == "none" else "publié"


def signed_on(db: Db, folder: Folder) -> date | None:
    """The day of the last signature or seal of the present round, at the town hall; of a signature by hand, the day stated.

    Nothing is published, posted or notified before it: until then the act did not exist.
    """
    stated = {run: day for find in plugged.signed_days for run, day in find(db, folder.id).items()}
    days = [
        stated.get(run.id, run.ended_at.astimezone(PARIS).date())
        for run in signatures_of_round(db, folder)
        if run.ended_at
    ]
    return max(days, default=None)
