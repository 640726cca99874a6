"""From a circuit's words to desks and people: who is awaited at a step, and whether the step can ever end."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.core.db import Db
from app.core.refusals import Refusal
from app.folders.models import Folder
from app.people.models import Desk, Holder, User
from workflows.circuit import Circuit, Step, Who, WhoKind
from workflows.rights import Right, right_for


@dataclass(frozen=True)
class Person:
    """Somebody who may act for a slot, and where mail reaches him or her."""

    user_id: int
    name: str
    email: str


@dataclass(frozen=True)
class Slot:
    """One expected part at a step: a desk (any of its people with the right) or one named person."""

    key: str
    label: str
    desk_id: int | None
    named_user_id: int | None
    people: tuple[Person, ...]


def slots_of(db: Db, folder: Folder, step: Step) -> tuple[Slot, ...]:
    """The slots of a step for this folder, with the people who may act now; refuses `desk-missing`.

    One statement for all the desks of the step, whatever their number.
    """
    if not step.who:
        return ()
    right = right_for(step.kind).value
    keys, superiors, persons = _sorted_out(folder, step)
    wanted: list[sa.ColumnElement[bool]] = [
        Desk.id == _superior(folder.emitter_desk_id, one) for one in superiors
    ]
    if keys:
        wanted.append(Desk.key.in_(keys))
    found: dict[str, Slot] = {}
    if wanted:
        for slot in _read(db, folder.collectivity_id, sa.or_(*wanted), right):
            found[slot.key] = slot
    missing = [key for key in keys if f"desk:{key}" not in found]
    if missing or (superiors and len(found) < len(keys) + len(superiors)):
        raise Refusal(
            "desk-missing", step=step.label, what=", ".join(missing) or "supérieur du bureau déposant"
        )
    for user_id in persons:
        slot = _named(db, folder.collectivity_id, user_id, step, right)
        found[slot.key] = slot
    return tuple(found.values())


def _sorted_out(folder: Folder, step: Step) -> tuple[list[str], list[int], list[int]]:
    keys: list[str] = []
    superiors: list[int] = []
    persons: list[int] = []
    for who in step.who:
        if who.kind is WhoKind.DESK:
            keys.append(who.value)
        elif who.kind is WhoKind.SUPERIOR:
            superiors.append(int(who.value))
        else:
            value = str(folder.fields.get(who.value) or "")
            if not value or (who.kind is WhoKind.ROLE and not value.isdigit()):
                raise Refusal("desk-missing", step=step.label, what=_asked(who))
            if who.kind is WhoKind.CHOSEN:
                keys.append(value)
            else:
                persons.append(int(value))
    return list(dict.fromkeys(keys)), superiors, list(dict.fromkeys(persons))


def _asked(who: Who) -> str:
    return "bureau à choisir au dépôt" if who.kind is WhoKind.CHOSEN else "personne à désigner au dépôt"


def _superior(desk_id: int, level: int) -> Any:
    """A scalar sub-query: the desk `level` steps above."""
    above = sa.select(Desk.parent_id).where(Desk.id == desk_id)
    for _ in range(level - 1):
        above = sa.select(Desk.parent_id).where(Desk.id == above.scalar_subquery())
    return above.scalar_subquery()


def _read(db: Db, collectivity_id: int, which: sa.ColumnElement[bool], right: str) -> Iterable[Slot]:
    query = (
        sa.select(
            Desk.id, Desk.key, Desk.name, User.id, User.first_name, User.last_name, User.email, Holder.rights
        )
        .outerjoin(Holder, Holder.desk_id == Desk.id)
        .outerjoin(User, sa.and_(User.id == Holder.user_id, User.active.is_(True)))
        .where(Desk.collectivity_id == collectivity_id, which)
        .order_by(Desk.id, User.id)
    )
    desks: dict[int, tuple[str, str, list[Person]]] = {}
    for desk_id, key, name, user_id, first, last, email, rights in db.execute(query):
        people = desks.setdefault(desk_id, (key, name, []))[2]
        if user_id is not None and right in rights:
            people.append(Person(user_id, f"{first} {last}", email))
    for desk_id, (key, name, people) in desks.items():
        yield Slot(f"desk:{key}", name, desk_id, None, tuple(people))


def _named(db: Db, collectivity_id: int, user_id: int, step: Step, right: str) -> Slot:
    user = db.scalar(
        sa.select(User).where(
            User.id == user_id, User.collectivity_id == collectivity_id, User.active.is_(True)
        )
    )
    if user is None:
        raise Refusal("desk-missing", step=step.label, what="la personne désignée n’a plus de compte")
    held = db.scalars(sa.select(Holder.rights).where(Holder.user_id == user_id))
    able = any(right in rights for rights in held)
    people = (Person(user.id, user.name, user.email),) if able else ()
    return Slot(f"person:{user_id}", user.name, None, user.id, people)


def check_route(db: Db, folder: Folder, circuit: Circuit) -> dict[str, tuple[Slot, ...]]:
    """The slots of every step that this folder will pass; refuses one at which it would wait for ever.

    Refuses `desk-missing` and `nobody-there`: the folder does not start a way that it could not finish.
    """
    route: dict[str, tuple[Slot, ...]] = {}
    for step in circuit.applicable(folder.fields):
        slots = slots_of(db, folder, step)
        if not step.kind.automatic:
            needed = step.quorum.needed(len(slots))
            if _distinct(slots) < needed:
                raise Refusal(
                    "nobody-there", step=step.label, needed=needed, right=Right(right_for(step.kind)).label
                )
        route[step.key] = slots
    return route


def _distinct(slots: tuple[Slot, ...]) -> int:
    """How many slots can be filled at once by different people (a maximum matching; nobody acts twice on a step)."""
    taken: dict[int, Slot] = {}

    def place(slot: Slot, seen: set[int]) -> bool:
        for person in slot.people:
            if person.user_id in seen:
                continue
            seen.add(person.user_id)
            if person.user_id not in taken or place(taken[person.user_id], seen):
                taken[person.user_id] = slot
                return True
        return False

    return sum(place(slot, set()) for slot in slots)


def labels(route: Mapping[str, tuple[Slot, ...]]) -> dict[str, str]:
    """Who is awaited at each step, in words."""
    return {key: ", ".join(slot.label for slot in slots) for key, slots in route.items()}
