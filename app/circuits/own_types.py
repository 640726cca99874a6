"""The types of folders that a collectivity makes from the families: drawn up, published by numbered versions, closed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.circuits.checking import hold_desks
from app.circuits.models import FolderType, FolderTypeVersion
from app.circuits.reserved import refuse_unread
from app.circuits.set_up import TYPES
from app.core.clock import now
from app.core.db import Db, key_in, reading
from app.core.questions import answered, ask, once
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.people.accounts import refuse_former
from app.people.actor import Actor, require
from app.people.desks import write_down
from app.people.models import Desk
from workflows.family import TYPED, Family, Problem, families, family
from workflows.own_types import Definition, alike, faults, joined, merged, slug
from workflows.rights import type_name
from workflows.vocabulary import Right

_known: dict[int, Family] = {}


@dataclass(frozen=True)
class Current:
    """A type and its version in force: the number of the version's row, and what it says."""

    row: FolderType
    number: int
    version_id: int
    definition: Definition


def family_named(name: str) -> Family | None:
    """The version of a type that a name in force says, « invoice~12 »; None for none.

    Versions never change, so the process keeps each one that it has read.
    """
    made_from, _, number = name.partition(TYPED)
    version_id = key_in(number)
    if version_id is None:
        return None
    if version_id not in _known:
        with reading() as db:
            query = (
                sa.select(FolderTypeVersion.definition, FolderType.key, FolderType.family)
                .join(FolderType, FolderType.id == FolderTypeVersion.type_id)
                .where(FolderTypeVersion.id == version_id)
            )
            row = db.execute(query).first()
        if row is None or row.family not in families():
            return None
        _in_force(row.family, row.key, version_id, Definition.from_data(row.definition))
    family = _known[version_id]
    return family if family.name == made_from else None


def _in_force(family_name: str, key: str, version_id: int, definition: Definition) -> Family:
    """The family in force for a version that is committed, kept for the process."""
    if version_id not in _known:
        _known[version_id] = joined(family(family_name), key, version_id, definition)
    return _known[version_id]


def key_of(name: str) -> str | None:
    """The key of the type that a name in force says; None of a family, and of what is known no more."""
    family = family_named(name) if TYPED in name else None
    return family.type_key if family is not None else None


def forget() -> None:
    """Forget what was read (another database answers now: tests, restore)."""
    _known.clear()


def currents(db: Db, collectivity_id: int, *, opened: bool = False) -> list[Current]:
    """The version in force of each type that has one, by label; `opened`: of those alone that are not closed."""

    def read() -> list[Current]:
        published = [
            Current(row, last.number, last.id, Definition.from_data(last.definition))
            for row, last in ask(db, TYPES, collectivity_id)
            if last is not None
        ]
        return sorted(published, key=lambda version: (version.definition.label.casefold(), version.row.id))

    every = once(db, ("types", collectivity_id), read)
    return [version for version in every if not opened or version.row.closed_at is None]


def called(db: Db, collectivity_id: int) -> dict[str, str]:
    """The families and the types that have a version, by the names that rights give them; each family before its own."""
    own = currents(db, collectivity_id)
    return {
        type_name(name, key): label
        for name, law in families().items()
        for key, label in (
            ("", law.plural),
            *((version.row.key, version.definition.label) for version in own if version.row.family == name),
        )
    }


def offered(db: Db, collectivity_id: int) -> list[Family]:
    """The types that may be deposited now, as families; those of a family that is known no more are left out."""
    return [
        in_force(version)
        for version in currents(db, collectivity_id, opened=True)
        if version.row.family in families()
    ]


def in_force(version: Current) -> Family:
    """A version of a type of a family that is known, as a family."""
    return _in_force(version.row.family, version.row.key, version.version_id, version.definition)


def asked(collectivity_id: int, name: str) -> Family:
    """What is deposited under this name: a family, or the version in force of a type.

    Refuses `family-unknown`, and `type-closed` for a type that is deposited no more.
    """
    if name in families():
        return family(name)
    with reading(collectivity_id) as db:
        row = db.scalar(
            sa.select(FolderType).where(FolderType.collectivity_id == collectivity_id, FolderType.key == name)
        )
        version = current(db, row) if row is not None else None
    if row is None or version is None:
        raise Refusal("family-unknown", name=name)
    if row.closed_at is not None:
        raise Refusal("type-closed", type=version.definition.label)
    if row.family not in families():
        raise Refusal("family-unknown", name=name)
    return _in_force(row.family, row.key, version.version_id, version.definition)


def refuse_closed(db: Db, kind: Family) -> None:
    """Refuse a deposit under a type that was closed meanwhile (`type-closed`); nothing is asked of a family."""
    if kind.type_version is None:
        return
    query = (
        sa.select(FolderType.closed_at)
        .join(FolderTypeVersion, FolderTypeVersion.type_id == FolderType.id)
        .where(FolderTypeVersion.id == kind.type_version)
    )
    if db.scalar(query) is not None:
        raise Refusal("type-closed", type=kind.label)


def current(db: Db, row: FolderType) -> Current | None:
    """The last published version of a type; None as long as it is only drawn up."""
    if answered(db, TYPES, row.collectivity_id):
        return next(
            (version for version in currents(db, row.collectivity_id) if version.row.id == row.id), None
        )
    query = (
        sa.select(FolderTypeVersion)
        .where(FolderTypeVersion.type_id == row.id)
        .order_by(FolderTypeVersion.number.desc())
        .limit(1)
    )
    last = db.scalar(query)
    return None if last is None else Current(row, last.number, last.id, Definition.from_data(last.definition))


BASED = "based_on"
"""Beside what a draft says: the number of the version from which it was drawn up; 0 for none."""


def drawn_up(row: FolderType) -> Definition:
    """What the next version of a type would say."""
    return Definition.from_data(row.draft)


def _drafted(definition: Definition, number: int) -> dict[str, Any]:
    return {**definition.to_data(), BASED: number}


def _based_on(row: FolderType, last: Current | None) -> int:
    """The version that a draft was drawn up from; the last one where it says nothing that is not published."""
    number = last.number if last is not None else 0
    if last is not None and drawn_up(row) == last.definition:
        return number
    return int(row.draft.get(BASED, number))


def behind(row: FolderType, last: Current | None) -> bool:
    """Whether a version was published since the draft was begun, which the draft does not know."""
    return last is not None and _based_on(row, last) < last.number


def base_of(db: Db, row: FolderType, last: Current | None) -> Definition:
    """What the version said that the draft was drawn up from; nothing but a name where there was none."""
    query = sa.select(FolderTypeVersion.definition).where(
        FolderTypeVersion.type_id == row.id, FolderTypeVersion.number == _based_on(row, last)
    )
    data = db.scalar(query)
    return Definition.from_data(data) if data is not None else Definition(drawn_up(row).label)


@use_case
def bring_up(db: Db, actor: Actor, type_id: int, *, shown: int) -> tuple[str, ...]:
    """Bring a draft up to the version that was published meanwhile; what both changed, by name (`own_types.merged`).

    There what is drawn up stays. Nothing where the draft knows that version. Refuses `type-absent`, `type-moved`.
    """
    require(actor, Right.ADMINISTER)
    refuse_former(db, actor)
    row = _locked(db, actor, type_id, shown)
    last = current(db, row)
    if last is None or not behind(row, last):
        return ()
    definition, both = merged(base_of(db, row, last), drawn_up(row), last.definition)
    row.draft = _drafted(definition, last.number)
    row.revision += 1
    return both


def type_of(db: Db, collectivity_id: int, type_id: int) -> FolderType:
    """The type of this number; refuses `type-absent`."""
    row: FolderType | None
    if answered(db, TYPES, collectivity_id):
        row = next((kind for kind, _ in ask(db, TYPES, collectivity_id) if kind.id == type_id), None)
    else:
        mine = sa.and_(FolderType.collectivity_id == collectivity_id, FolderType.id == type_id)
        row = db.scalar(sa.select(FolderType).where(mine))
    if row is None:
        raise Refusal("type-absent")
    return row


@use_case
def open_type(db: Db, actor: Actor, family_name: str, label: str) -> int:
    """Begin a type from a family: its number. Nobody may deposit it before it is published.

    Refuses `family-unknown`, `begun-elsewhere` of a family that is not deposited, `type-refused`, `type-twice`.
    """
    require(actor, Right.ADMINISTER)
    refuse_former(db, actor)
    if family_name not in families():
        raise Refusal("family-unknown", name=family_name)
    law = family(family_name)
    if law.begun_elsewhere:
        raise Refusal("begun-elsewhere", family=law.label, help=law.help)
    definition = Definition(" ".join(label.split()))
    _refuse(faults(law, definition))
    _refuse_twice(db, actor, definition.label, None)
    moment = now()
    row = FolderType(
        collectivity_id=actor.collectivity_id,
        key=_key(db, actor, definition.label),
        family=law.name,
        draft=definition.to_data(),
        revision=1,
        created_at=moment,
    )
    db.add(row)
    db.flush()
    write_down(
        db, actor.collectivity_id, "type.opened", actor, type=row.key, name=definition.label, law=law.name
    )
    return row.id


def _key(db: Db, actor: Actor, label: str) -> str:
    """The key by which software names it: « facture-d-energie », « …-2 » when another has it, never that of a family."""
    stem = slug(label, "-") or "type"
    query = sa.select(FolderType.key).where(FolderType.collectivity_id == actor.collectivity_id)
    taken = {*db.scalars(query), *families()}
    return next(
        key
        for number in range(1, len(taken) + 2)
        if (key := stem if number == 1 else f"{stem}-{number}") not in taken
    )


@use_case
def draw_up(db: Db, actor: Actor, type_id: int, definition: Definition, *, shown: int) -> int:
    """Keep what a type is to become; returns its revision. Nothing changes for anybody before `publish`.

    `shown`: the revision that the page showed; another one is refused (`type-moved`). Refuses `type-absent`,
    `type-twice`, and `type-refused` with all that is weaker than the family, or wrong.
    """
    require(actor, Right.ADMINISTER)
    refuse_former(db, actor)
    row = _locked(db, actor, type_id, shown)
    _hold(db, actor, definition)
    _refuse([*faults(family(row.family), definition), *_elsewhere(db, actor, definition, row.key)])
    _refuse_twice(db, actor, definition.label, row.id)
    if drawn_up(row) != definition:
        row.draft = _drafted(definition, _based_on(row, current(db, row)))
        row.revision += 1
    return row.revision


@use_case
def publish_type(db: Db, actor: Actor, type_id: int, *, shown: int) -> int:
    """Publish what was drawn up as the next version; its number. Folders keep the version they were made with.

    Refuses `type-absent`, `type-moved`, `type-same` when nothing changes, `type-behind` when another version was published
    since it was drawn up, `type-refused`, and `type-ruled` where its rules,
    or circuits that are kept for it, read what it would not have any more (`reserved.refuse_unread`).
    """
    require(actor, Right.ADMINISTER)
    refuse_former(db, actor)
    row = _locked(db, actor, type_id, shown)
    definition, last = drawn_up(row), current(db, row)
    if last is not None and last.definition == definition:
        raise Refusal("type-same", number=last.number)
    if last is not None and behind(row, last):
        raise Refusal("type-behind", number=last.number)
    _hold(db, actor, definition)
    _refuse([*faults(family(row.family), definition), *_elsewhere(db, actor, definition, row.key)])
    number = _publish(db, actor, row, definition, last)
    row.draft = _drafted(definition, number)
    return number


def hindrance(db: Db, actor: Actor, row: FolderType) -> Refusal | None:
    """Why what is drawn up of a type would not be published (`publish_type`); None when it would, or when nothing changes."""
    definition, last = drawn_up(row), current(db, row)
    if last is not None and last.definition == definition:
        return None
    if last is not None and behind(row, last):
        return Refusal("type-behind", number=last.number)
    try:
        _refuse([*faults(family(row.family), definition), *_elsewhere(db, actor, definition, row.key)])
        if last is not None:
            refuse_unread(db, actor.collectivity_id, row.key, last.definition, definition)
    except Refusal as refusal:
        return refusal
    return None


def _publish(
    db: Db,
    actor: Actor,
    row: FolderType,
    definition: Definition,
    last: Current | None,
    *,
    ruled: bool = False,
) -> int:
    if last is not None and not ruled:
        refuse_unread(db, actor.collectivity_id, row.key, last.definition, definition)
    version = FolderTypeVersion(
        collectivity_id=actor.collectivity_id,
        type_id=row.id,
        number=(last.number if last else 0) + 1,
        definition=definition.to_data(),
        published_at=now(),
        published_by=actor.name,
    )
    db.add(version)
    row.revision += 1
    summary = f"{definition.label}, version {version.number}"
    facts = {"type": row.key, "number": version.number, "words": summary, "definition": version.definition}
    write_down(db, actor.collectivity_id, "type.published", actor, **facts)
    return version.number


@use_case
def close_type(db: Db, actor: Actor, type_id: int, *, closed: bool, shown: int) -> None:
    """Deposit a type no more, or again; its folders go on, drafts included. Nothing when it is so already.

    Refuses `type-absent`, `type-moved`.
    """
    require(actor, Right.ADMINISTER)
    refuse_former(db, actor)
    _close(db, actor, _locked(db, actor, type_id, shown), closed=closed)


def _close(db: Db, actor: Actor, row: FolderType, *, closed: bool) -> None:
    if closed == (row.closed_at is not None):
        return
    row.closed_at = now() if closed else None
    row.revision += 1
    label = Definition.from_data(row.draft).label
    write_down(
        db,
        actor.collectivity_id,
        "type.closed" if closed else "type.reopened",
        actor,
        type=row.key,
        name=label,
    )


def write_type(
    db: Db,
    actor: Actor,
    key: str,
    family_name: str,
    definition: Definition,
    *,
    closed: bool,
    ruled: bool = False,
) -> None:
    """Have the type of this key say exactly this, in the transaction of who has refused who may not.

    One that is new is opened under this very key, another says it by its next version; what was drawn up of it stays, and is
    to be brought up to that version before it is published.
    `ruled`: its rules or circuits are written anew in the same transaction, which asks `reserved.refuse_unread` at its end.
    Refuses `type-family`
    of one that is made from another family, `type-key`, `type-twice`, `type-refused`, and `type-ruled` unless `ruled`.
    """
    law = family(family_name)
    query = sa.select(FolderType).where(
        FolderType.collectivity_id == actor.collectivity_id, FolderType.key == key
    )
    row = db.scalar(query.with_for_update())
    if row is not None and row.family != family_name:
        raise Refusal("type-family", type=key, family=row.family)
    if row is None and (slug(key, "-") != key or key in families()):
        raise Refusal("type-key", type=key)
    _hold(db, actor, definition)
    _refuse([*faults(law, definition), *_elsewhere(db, actor, definition, key)])
    _refuse_twice(db, actor, definition.label, row.id if row is not None else None)
    last = current(db, row) if row is not None else None
    if row is None:
        row = FolderType(
            collectivity_id=actor.collectivity_id,
            key=key,
            family=law.name,
            draft=definition.to_data(),
            revision=0,
            created_at=now(),
        )
        db.add(row)
        db.flush()
        write_down(
            db, actor.collectivity_id, "type.opened", actor, type=key, name=definition.label, law=law.name
        )
    if last is None or last.definition != definition:
        known, based = drawn_up(row), _based_on(row, last)
        number = _publish(db, actor, row, definition, last, ruled=ruled)
        in_hand = known != (last.definition if last is not None else definition)
        row.draft = _drafted(known, based) if in_hand else _drafted(definition, number)
    _close(db, actor, row, closed=closed)


def _locked(db: Db, actor: Actor, type_id: int, shown: int) -> FolderType:
    query = sa.select(FolderType).where(
        FolderType.collectivity_id == actor.collectivity_id, FolderType.id == type_id
    )
    row = db.scalar(query.with_for_update())
    if row is None:
        raise Refusal("type-absent")
    if row.revision != shown:
        raise Refusal("type-moved")
    return row


def _hold(db: Db, actor: Actor, definition: Definition) -> None:
    """Lock the desks that it names until it is written; a page that only reads does without."""
    hold_desks(db, actor.collectivity_id, [*definition.deposited_by, *definition.seen_at])


def _elsewhere(db: Db, actor: Actor, definition: Definition, key: str) -> list[Problem]:
    """What keeps the type of this key from saying this, because of what the collectivity has besides."""
    named = {"deposited_by": definition.deposited_by, "seen_at": definition.seen_at}
    desks = sa.select(Desk.key).where(Desk.collectivity_id == actor.collectivity_id, Desk.closed_at.is_(None))
    known = set(db.scalars(desks))
    sentence = "Un bureau coché n’existe plus, ou est fermé. Relisez la liste."
    return [
        *_taken_register(db, actor, definition, key),
        *(Problem("type-desk", name, sentence) for name, keys in named.items() if not known.issuperset(keys)),
    ]


def _taken_register(db: Db, actor: Actor, definition: Definition, key: str) -> Iterator[Problem]:
    """Two registers of the same first letters would take each other's numbers, and leave holes."""
    if definition.register is None:
        return
    query = (
        sa.select(FolderTypeVersion.definition)
        .join(FolderType, FolderTypeVersion.type_id == FolderType.id)
        .where(FolderType.collectivity_id == actor.collectivity_id, FolderType.key != key)
    )
    letters = definition.register.partition("-")[0]
    for data in db.scalars(query):
        if str(data.get("register") or "").partition("-")[0] == letters:
            sentence = f"« {letters} » est le registre de « {data['label']} » : prenez d’autres lettres."
            yield Problem("type-register", "register", sentence)
            return


def _refuse_twice(db: Db, actor: Actor, label: str, type_id: int | None) -> None:
    """Two types of one name could not be told apart at the deposit, nor one from a family."""
    query = sa.select(FolderType.id, FolderType.draft).where(
        FolderType.collectivity_id == actor.collectivity_id
    )
    taken = {alike(str(row.draft["label"])) for row in db.execute(query) if row.id != type_id}
    taken |= {
        alike(version.definition.label)
        for version in currents(db, actor.collectivity_id)
        if version.row.id != type_id
    }
    taken |= {alike(name) for law in families().values() for name in (law.label, law.plural)}
    if alike(label) in taken:
        raise Refusal("type-twice", label=label)


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise Refusal(
            "type-refused",
            details=" ".join(problem.sentence for problem in problems),
            problems=[
                {"key": problem.key, "field": problem.field, "sentence": problem.sentence}
                for problem in problems
            ],
        )
