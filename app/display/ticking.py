"""Folders of « À traiter » taken together: those that are ticked, or all that the list shows."""

from collections.abc import Sequence

from app.core.db import Db, key_in
from app.core.refusals import Refusal
from app.display import queues
from app.display.trays import Asked
from app.display.viewing import PARTED
from app.people.actor import Actor

LIMIT = 500
"""Folders taken together at most: beyond, nobody looks at the list any more."""


def ticked(values: Sequence[str]) -> dict[int, int]:
    """The folders ticked, by number, each with the version that the list showed; what is not of this form is refused."""
    versions = {}
    for value in values[: LIMIT + 1]:
        folder, _, version = value.partition("-")
        numbers = key_in(folder), key_in(version)
        if numbers[0] is None or numbers[1] is None:
            raise Refusal("bad-request", detail="un dossier coché n’est pas lisible")
        versions[numbers[0]] = numbers[1]
    return versions


def all_of(db: Db, actor: Actor, asked: Asked) -> list[queues.Line]:
    """All that awaits the actor in a list, beyond its page, due first, as many as are taken together."""
    tray = asked.tray if asked.tray in PARTED else "todo"
    return queues.todo(db, actor, tray=tray, family=asked.family, only=asked.only, size=LIMIT)
