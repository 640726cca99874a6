"""What a person marks for himself on several folders at once: read, not read, hidden until a moment, in his list again.

Each as on its own page (`marks`), by the same rules: nobody else sees it, and no journal has a line of it. None is refused for
another: what may not be marked is left as it is, with why. One statement writes them all.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from app.circuits.library import circuits_of, family_of
from app.core.clock import PARIS, now, today
from app.core.db import Db
from app.core.french import jour_long
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.access import STEP, asking, read_by, readable_by
from app.folders.marks import keep_unread, last_day
from app.folders.models import Folder, Reading
from app.people.actor import Actor
from workflows.family import imposed
from workflows.handing import may_be_handed

GONE = "Ce dossier ne vous attend plus."
CHANGED = "Ce dossier a changé depuis que la liste l’a montré : ouvrez-le."
UNOPENED = "Vous ne l’avez jamais ouvert : ouvrez-le d’abord."
ARRIVED = "Son échéance est arrivée : il reste dans votre liste."
_OF_SEVERAL = {
    GONE: "Ils ne vous attendent plus.",
    CHANGED: "Ils ont changé depuis que la liste les a montrés : ouvrez-les.",
    UNOPENED: "Vous ne les avez jamais ouverts : ouvrez-les d’abord.",
    ARRIVED: "Leur échéance est arrivée : ils restent dans votre liste.",
}


@dataclass(frozen=True)
class Item:
    """A folder, and how its reader has marked it; `due`: by when it is due from him, None where it does not await him.

    `changed`: it is no longer what the list showed; `new`: not read since it came to him; `hidden`: out of his list now.
    `handed`: a part of its step that awaits him may be handed to another desk (`workflows.handing.may_be_handed`).
    """

    folder_id: int
    version: int
    title: str
    number: str
    due: date | None
    changed: bool
    opened: bool
    new: bool
    hidden: bool
    handed: bool

    @property
    def last(self) -> date:
        """The last day until which it may be hidden."""
        return last_day(self.due) if self.due is not None else today()


@dataclass(frozen=True)
class Sorted:
    """Folders sorted for a mark: which get it, which have it already, and which do not get it, each with why."""

    goes: Sequence[Item]
    already: Sequence[Item]
    stays: Sequence[tuple[Item, str]]

    @property
    def reasons(self) -> list[tuple[int, str]]:
        """How many stay for each reason, which is said of them together; the most first."""
        counts = Counter(why for _, why in self.stays).most_common()
        return [(count, _of_several(why) if count > 1 else why) for why, count in counts]


def _of_several(why: str) -> str:
    return _OF_SEVERAL.get(why) or why.replace("Il se masque", "Ils se masquent").replace(
        "son éch", "leur éch"
    )


def items(db: Db, actor: Actor, wanted: Mapping[int, int]) -> list[Item]:
    """How these folders (versions by number) are marked, in their order; what the actor may not read is not named.

    Three statements, however many folders, and one for the circuits that the process has not read yet.
    """
    read_by(db, actor)
    query = sa.select(Folder).where(
        Folder.id.in_(wanted), Folder.collectivity_id == actor.collectivity_id, readable_by(actor)
    )
    folders = {folder.id: folder for folder in db.scalars(query)}
    columns = (STEP.c.folder_id, STEP.c.due_on, STEP.c.entered_at, STEP.c.step, STEP.c.slot)
    awaited = sa.select(*columns).where(
        STEP.c.folder_id.in_(folders), STEP.c.state == "active", asking(actor)
    )
    parts: dict[int, list[Any]] = {}
    for row in db.execute(awaited):
        parts.setdefault(row.folder_id, []).append(row)
    handed = _handed(db, [folders[number] for number in parts], parts)
    readings = sa.select(Reading).where(Reading.folder_id.in_(folders), Reading.user_id == actor.user_id)
    marks = {row.folder_id: row for row in db.scalars(readings)}
    return [
        _item(folders[number], version, parts.get(number, ()), marks.get(number), number in handed)
        for number, version in wanted.items()
        if number in folders
    ]


def _handed(db: Db, folders: Sequence[Folder], parts: Mapping[int, Sequence[Any]]) -> set[int]:
    """Those of these folders of which a part may be handed to another desk: no opinion beside a step, no step of the law."""
    circuits = circuits_of(
        db, {one.circuit_version_id for one in folders if one.circuit_version_id is not None}
    )
    laws: dict[Any, Mapping[str, str]] = {}
    handed = set()
    for folder in folders:
        if folder.circuit_version_id is None:
            continue
        circuit, kind = circuits[folder.circuit_version_id], (folder.circuit_version_id, folder.in_force)
        if kind not in laws:
            laws[kind] = imposed(family_of(folder.in_force), circuit)
        if any(may_be_handed(circuit.step(part.step), part.slot, laws[kind]) for part in parts[folder.id]):
            handed.add(folder.id)
    return handed


def _item(folder: Folder, version: int, parts: Sequence[Any], mark: Reading | None, handed: bool) -> Item:
    until = mark.hidden_until if mark is not None and mark.hidden_version == folder.version else None
    seen = mark.seen_at if mark is not None else None
    title = folder.title or "Sans titre"
    return Item(
        folder.id,
        folder.version,
        title,
        folder.number if folder.number not in title else "",
        min((part.due_on for part in parts), default=None),
        changed=folder.version != version,
        opened=mark is not None,
        new=seen is None or any(seen < part.entered_at for part in parts),
        hidden=until is not None and until > now(),
        handed=handed,
    )


def to_read(every: Sequence[Item]) -> Sorted:
    """Which of them may be marked as read: one that was never opened stays new, so that nothing passes for opened."""
    return _sorted(every, lambda one: "" if one.opened else UNOPENED, lambda one: not one.new)


def to_unread(every: Sequence[Item]) -> Sorted:
    """Which of them may be marked as not read."""
    return _sorted(every, lambda _: "", lambda one: one.new)


def to_hide(every: Sequence[Item], until: datetime | None = None) -> Sorted:
    """Which of them may be hidden until a moment, or until some day where none is chosen yet."""

    def why(one: Item) -> str:
        if one.last <= today():  # which opening it does not change
            return ARRIVED
        if not one.opened:
            return UNOPENED
        if until is not None and until.astimezone(PARIS).date() > one.last:
            return (
                f"Il se masque au plus tard jusqu’au {jour_long(one.last)}, pour revenir avant son échéance."
            )
        return ""

    return _sorted(every, why, lambda _: False)


def to_show(every: Sequence[Item]) -> Sorted:
    """Which of them are hidden, and may be put back in the list."""
    return _sorted(every, lambda _: "", lambda one: not one.hidden)


def _sorted(every: Sequence[Item], why: Callable[[Item], str], already: Callable[[Item], bool]) -> Sorted:
    goes, same, stays = list[Item](), list[Item](), list[tuple[Item, str]]()
    for one in every:
        reason = GONE if one.due is None else CHANGED if one.changed else ""
        if not reason and already(one):
            same.append(one)
        elif reason := reason or why(one):
            stays.append((one, reason))
        else:
            goes.append(one)
    return Sorted(goes, same, stays)


@use_case
def mark_read(db: Db, actor: Actor, wanted: Mapping[int, int]) -> Sorted:
    """Show these folders as read to whoever acts, which says nothing of his reading: neither a step nor the journal has it.

    What comes to him after this moment is new again.
    """
    moment = now()
    found = to_read(items(db, actor, wanted))
    _write(db, actor, found, seen_at=moment)
    return found


@use_case
def mark_unread(db: Db, actor: Actor, wanted: Mapping[int, int]) -> Sorted:
    """Show these folders as not read to whoever acts, until he opens each."""
    found = to_unread(items(db, actor, wanted))
    keep_unread(db, [one.folder_id for one in (*found.goes, *found.already)], actor.user_id)
    _write(db, actor, found, seen_at=None)
    return found


@use_case
def hide(db: Db, actor: Actor, wanted: Mapping[int, int], until: datetime | None) -> Sorted:
    """Take these folders out of the list of whoever acts, until one moment; what is due before it stays there.

    Refuses `hide-moment` for no moment or one that is past.
    """
    if until is None or until <= now():
        raise Refusal("hide-moment")
    found = to_hide(items(db, actor, wanted), until)
    if found.goes:
        # Of the version that was looked at: what happens meanwhile brings the folder back
        rows = [
            {
                "folder_id": one.folder_id,
                "user_id": actor.user_id,
                "hidden_until": until,
                "hidden_version": one.version,
            }
            for one in found.goes
        ]
        db.execute(sa.update(Reading), rows)
    return found


@use_case
def show_again(db: Db, actor: Actor, wanted: Mapping[int, int]) -> Sorted:
    """Put these folders back in the list of whoever acts."""
    found = to_show(items(db, actor, wanted))
    _write(db, actor, found, hidden_until=None, hidden_version=None)
    return found


def _write(db: Db, actor: Actor, found: Sorted, **values: Any) -> None:
    numbers = [one.folder_id for one in found.goes]
    if numbers:
        query = sa.update(Reading).where(Reading.folder_id.in_(numbers), Reading.user_id == actor.user_id)
        db.execute(query.values(**values).execution_options(synchronize_session=False))
