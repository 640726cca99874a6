"""What a folder's page says of the folder that it was opened from, and of those that were opened from it."""

from dataclasses import dataclass

from flask import url_for

from app.core.db import Db
from app.display.views import family_words
from app.folders import continuing
from app.folders.models import Folder
from app.people.actor import Actor
from workflows.circuit import Phase
from workflows.vocabulary import Right

COPY = "copie"
"""In `comme` of the address: the same type again, with files as they were before anybody signed them here."""


@dataclass(frozen=True)
class Tied:
    """Another folder that is named to this reader: its title, « contrat ou convention, brouillon », its address."""

    title: str
    said: str
    url: str


@dataclass(frozen=True)
class Ties:
    """The folder that this one was opened from, those opened from it, and where another one may be opened from it."""

    origin: Tied | None
    after: tuple[Tied, ...]
    copy_url: str
    next_url: str


def ties(db: Db, folder: Folder, actor: Actor) -> Ties:
    """What the page of a folder says of others that it is tied to, as far as its reader reads them."""
    origin, after = continuing.linked(db, folder)
    begins = bool(actor.desks_with(Right.CREATE))
    url = url_for("folders.continue_from", folder_id=folder.id) if begins else ""
    copied = url_for("folders.continue_from", folder_id=folder.id, comme=COPY) if begins else ""
    return Ties(_tied(origin) if origin else None, tuple(map(_tied, after)), copied, url)


def _tied(folder: Folder) -> Tied:
    state = {Phase.DRAFT: "brouillon", Phase.RUNNING: "en cours", Phase.REJECTED: "retourné"}
    said = f"{family_words(folder.in_force)[0].lower()}, {state.get(Phase(folder.phase), 'terminé')}"
    return Tied(folder.title or "Sans titre", said, url_for("folders.show", folder_id=folder.id))
