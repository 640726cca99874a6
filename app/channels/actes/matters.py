"""The choice of a matter in the classification in force: found by words, the person's favourites first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from app.circuits.library import family_of
from app.core.db import Db
from app.core.refusals import Refusal
from app.folders.access import lock_editable
from app.folders.favourites import favourites_of
from app.folders.models import Folder
from app.people.actor import Actor
from app.people.models import Collectivity
from app.transmission.channels import open_channel

if TYPE_CHECKING:
    from app.channels.actes.channel import ActesChannel
    from app.channels.actes.classification import Classification, Matter

KIND = "matter"


@dataclass(frozen=True)
class Matches:
    """The matters that a query finds, in two parts, and the date of their classification, as « 18/04/2019 »."""

    favourites: Sequence["Matter"]
    others: Sequence["Matter"]
    dated: str

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.favourites) + len(self.others)


def in_force(db: Db, collectivity_id: int) -> "Classification":
    """The classification under which this collectivity sends its acts today."""
    channel = cast("ActesChannel", open_channel("actes"))
    return channel.classification_of(db.get_one(Collectivity, collectivity_id).siren)


def classifiable(db: Db, actor: Actor, folder_id: int) -> Folder:
    """The draft whose matter this actor may choose; refuses as any change of it, and `matter-not-asked`."""
    folder = lock_editable(db, actor, folder_id)
    if family_of(folder.in_force).field(KIND) is None:
        raise Refusal("matter-not-asked")
    return folder


def search(db: Db, actor: Actor, query: str) -> Matches:
    """The matters in which each word of a query begins a word of the labels or the code; all of them without a query."""
    classification, mine = in_force(db, actor.collectivity_id), favourites_of(db, actor.user_id, KIND)
    matters = classification.search_matters(query)
    return Matches(
        [matter for matter in matters if matter.code in mine],
        [matter for matter in matters if matter.code not in mine],
        f"{classification.dated:%d/%m/%Y}",
    )
