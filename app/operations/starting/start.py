"""Create what was chosen of a ready-made start: desks, the seats of who asks, circuits, in one transaction and once."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from app.circuits.library import current, write_version
from app.circuits.ready import ready
from app.core.db import Db
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.operations.starting.kits import Kit, needed_desks
from app.people.accounts import refuse_former
from app.people.actor import Actor
from app.people.desks import write_down
from app.people.hierarchy import add_desk, give
from app.people.models import Collectivity, Desk, User
from app.transmission.settings import names as channels
from workflows.family import families
from workflows.loader import MAX_LABEL


@dataclass(frozen=True)
class ChosenDesk:
    """A desk as it was edited: its name, the key of its superior (empty for none), whether who asks is to hold it."""

    name: str
    parent: str = ""
    own: bool = False


@dataclass(frozen=True)
class Chosen:
    """What is to be created of a kit: desks by key, and the label of each circuit by family; what is unticked is not there."""

    desks: Mapping[str, ChosenDesk]
    circuits: Mapping[str, str]


def may_start(db: Db, collectivity_id: int) -> bool:
    """Whether a collectivity has not begun: it has no desk."""
    return db.scalar(sa.select(Desk.id).where(Desk.collectivity_id == collectivity_id).limit(1)) is None


@use_case
def start(db: Db, actor: Actor, kit: Kit, chosen: Chosen) -> int:
    """Create the desks and publish the circuits that were chosen; how many desks. All of it, or nothing.

    A circuit that is its family's own is published too, as version 1: it is what was chosen here. Of two who ask at once the
    second finds desks, and nothing is written for him. Refuses `identity-needed`, `start-done` where a desk is there,
    `start-nothing`, `start-desk-asked` of a desk that a chosen circuit names and that is not chosen, `start-above` of
    superiors in a ring, `start-label`, `start-circuit` of one that could not be published, and the names of desks as `open_desk`.
    """
    refuse_former(db, actor)
    # The row of the collectivity stands for its desks, of which there is none to lock
    own = sa.select(Collectivity).where(Collectivity.id == actor.collectivity_id)
    db.scalars(own.with_for_update()).one()
    if not may_start(db, actor.collectivity_id):
        raise Refusal("start-done")
    if not chosen.desks:
        raise Refusal("start-nothing")
    _refuse_lacking(kit, chosen)
    plans = {desk.key: desk for desk in kit.desks if desk.key in chosen.desks}
    numbers: dict[str, int] = {}
    for key in _in_order(chosen, [desk.key for desk in kit.desks]):
        desk = chosen.desks[key]
        numbers[key] = add_desk(db, actor, desk.name, numbers.get(desk.parent), key).id
    user = db.scalar(sa.select(User).where(User.id == actor.user_id))
    for key in plans:
        if chosen.desks[key].own and user is not None:
            give(db, actor, db.get_one(Desk, numbers[key]), user, kit.rights(key), None)
    for name, label in chosen.circuits.items():
        _publish(db, actor, kit, name, label)
    write_down(db, actor.collectivity_id, "collectivity.started", actor, words=kit.label)
    return len(numbers)


def _refuse_lacking(kit: Kit, chosen: Chosen) -> None:
    """Refuse a circuit that asks a desk which would not be there."""
    for name in chosen.circuits:
        family = families()[name]
        for plan in kit.desks:
            if plan.key in needed_desks(family, kit.circuit(family)) and plan.key not in chosen.desks:
                raise Refusal("start-desk-asked", family=family.label, desk=plan.name)


def _in_order(chosen: Chosen, keys: list[str]) -> list[str]:
    """The keys of the chosen desks, each after its superior; one whose superior is not chosen stands under none."""
    order: list[str] = []
    left = [key for key in keys if key in chosen.desks]
    while left:
        ready = [key for key in left if chosen.desks[key].parent not in left]
        if not ready:
            raise Refusal("start-above", name=chosen.desks[left[0]].name)
        order += ready
        left = [key for key in left if key not in ready]
    return order


def _publish(db: Db, actor: Actor, kit: Kit, name: str, label: str) -> None:
    family = families()[name]
    label = " ".join(label.split())
    if not label or len(label) > MAX_LABEL or not label.isprintable():
        raise Refusal("start-label", family=family.label, most=MAX_LABEL)
    definition = {**kit.circuit(family).to_data(), "label": label}
    try:
        circuit = ready(db, actor.collectivity_id, name, definition, channels(), unseated=True)
    except Refusal as refusal:
        if refusal.key != "circuit-unready":
            raise
        raise Refusal("start-circuit", family=family.label, **refusal.facts) from None
    if current(db, actor.collectivity_id, name) is None:
        write_version(db, actor, name, circuit)
