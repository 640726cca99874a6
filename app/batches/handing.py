"""What may be handed of a selection: to which desks, and why a folder stays, in the words of its own page.

Asked folder by folder, as the dialog of one asks it; asked again under the lock of each when it is handed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.db import Db
from app.core.french import spaces
from app.core.refusals import Refusal, catalogue
from app.folders import handing
from app.folders.asking import Desk
from app.folders.models import Folder
from app.folders.move import not_your_turn, present
from app.people.actor import Actor

NOTHING = "Rien n’a été confié"
NOBODY = "Aucun autre bureau ne peut décider à cette étape."


@dataclass(frozen=True)
class Receiver:
    """A desk to which folders of a batch may be handed: how many of them."""

    desk: Desk
    count: int


def reasons(db: Db, actor: Actor, folders: Sequence[Folder], desk: str) -> dict[int, str]:
    """Those of these folders that may not be handed to a desk, by key, or to any where it is empty, each with why."""
    whys = {folder.id: _why(db, actor, folder, desk) for folder in folders}
    return {number: why for number, why in whys.items() if why}


def receivers(db: Db, actor: Actor, folders: Sequence[Folder]) -> list[Receiver]:
    """The desks that may have one at least of these folders, by name."""
    offers: dict[str, list[Desk]] = {}
    for folder in folders:
        try:
            desks = _desks(db, actor, folder)
        except Refusal:  # it is left out already, with why
            continue
        for desk in desks:
            if desk.refusal is None:
                offers.setdefault(desk.key, []).append(desk)
    several = [Receiver(desks[0], len(desks)) for desks in offers.values()]
    return sorted(several, key=lambda receiver: receiver.desk.slot.label)


def _why(db: Db, actor: Actor, folder: Folder, key: str) -> str:
    try:
        desks = _desks(db, actor, folder)
        if not key:
            return "" if any(desk.refusal is None for desk in desks) else NOBODY
        chosen = next((desk for desk in desks if desk.key == key), None)
        refusal = chosen.refusal if chosen is not None else Refusal("handing-desk")
    except Refusal as error:
        refusal = error
    return _words(refusal) if refusal is not None else ""


def _desks(db: Db, actor: Actor, folder: Folder) -> Sequence[Desk]:
    """Every desk, with why it may not have the part of the actor; refuses `not-your-turn` and `handing-fixed`."""
    place = present(db, folder)
    if place.step is None or not place.in_turn(actor, folder):
        raise not_your_turn(db, actor, folder, place)
    handing.part_to_hand(db, folder, actor, place)
    return handing.receivers(db, folder, actor, place)


def _words(refusal: Refusal) -> str:
    """Why, told before anybody has tried."""
    sentence = catalogue.say(refusal.key, refusal.facts)[1].removeprefix(NOTHING).lstrip(" :\u00a0\u202f")
    return spaces(f"{sentence[:1].upper()}{sentence[1:]}")
