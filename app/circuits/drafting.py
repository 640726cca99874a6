"""The next version of a circuit, written gesture by gesture in the browser: a draft, then a version; or one of before, again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa

from app.circuits import set_up
from app.circuits.gestures import Definition, Gesture, played
from app.circuits.library import circuit_of, current, law_of_circuit, named_of, write_version
from app.circuits.models import CircuitDraft, CircuitVersion, NamedCircuit
from app.circuits.ready import ready
from app.circuits.reserved import only_as, refuse_taken
from app.core.clock import now
from app.core.db import Db
from app.core.french import heure
from app.core.questions import ask
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.people.accounts import refuse_former
from app.people.actor import Actor, require
from workflows.circuit import Circuit
from workflows.family import Family, duties, faults_of
from workflows.loader import load_yaml, sketch
from workflows.vocabulary import Right

LONGEST_KEY = 60
LONGEST_LABEL = 1000
"""Signs of a name that a draft keeps, far above what a circuit may have: what was typed is told too long, not cut."""


class Changed(Protocol):
    """A draft as it is told who changed it."""

    @property
    def changed_at(self) -> datetime | None:
        """When; None where there is no draft any more."""

    @property
    def changed_by(self) -> str:
        """Who, as the journal names him."""

    @property
    def changed_by_id(self) -> int | None:
        """The number of the account; None of the command line."""


@dataclass(frozen=True)
class Draft:
    """What is being written of a circuit; `version` is 0 as long as nobody has changed anything.

    `in_force` is the number of the version that folders follow now, 0 for the family's own circuit; `based_on`, the one
    that was in force when the draft was begun. `own` is the circuit that the collectivity has named, None for the default
    one of the family. `family` is that of the law, or the type in force that the draft is kept for.
    """

    family: Family
    name: str
    definition: Definition
    version: int
    based_on: int
    in_force: int
    followed: Circuit
    changed_at: datetime | None = None
    changed_by: str = ""
    changed_by_id: int | None = None
    own: NamedCircuit | None = None

    @property
    def kind(self) -> str:
        """The family, or the type, whose folders it is for."""
        return self.family.type_key or self.family.name

    @property
    def title(self) -> str:
        """What the pages call it: « Facture », or « Facture, Voirie courte » for one that was named."""
        return self.family.label if self.own is None else f"{self.family.label}, {self.own.label}"

    @property
    def closed(self) -> bool:
        """Whether it is taken no more."""
        return self.own is not None and self.own.closed_at is not None

    @property
    def begun(self) -> bool:
        """Whether somebody has changed something since the version in force."""
        return self.version > 0

    def after(self, gestures: Sequence[Gesture]) -> Definition:
        """The definition once these gestures are played on it, written nowhere."""
        definition = self.definition
        for gesture in gestures:
            definition = played(definition, gesture)
        return definition


def draft_of(db: Db, collectivity_id: int, name: str) -> Draft:
    """The draft of a circuit, or what is in force where there is none; refuses `family-unknown`, `circuit-unknown`."""
    family = law_of_circuit(name)
    return _read(db, family, name, named_of(db, collectivity_id, name), _row(db, collectivity_id, name))


def drafts(db: Db, collectivity_id: int) -> dict[str, CircuitDraft]:
    """What is being written in a collectivity, by the name of the circuit."""
    return {row.family: row for (row,) in ask(db, set_up.DRAFTS, collectivity_id)}


def _row(db: Db, collectivity_id: int, name: str, *, locked: bool = False) -> CircuitDraft | None:
    if not locked:
        return drafts(db, collectivity_id).get(name)
    query = sa.select(CircuitDraft).where(
        CircuitDraft.collectivity_id == collectivity_id, CircuitDraft.family == name
    )
    return db.scalar(query.with_for_update())


def _read(db: Db, family: Family, name: str, own: NamedCircuit | None, row: CircuitDraft | None) -> Draft:
    collectivity_id = db.info["collectivity_id"]
    latest = current(db, collectivity_id, name)
    followed = circuit_of(db, latest.id) if latest else family.circuit
    number = latest.number if latest else 0
    if row is None:
        definition = followed.to_data()
        if own is not None and latest is None:
            definition["label"] = own.label
        family = only_as(db, collectivity_id, family, followed.only_for)
        return Draft(family, name, definition, 0, number, number, followed, own=own)
    return Draft(
        only_as(db, collectivity_id, family, str(row.definition.get("type") or "")),
        name,
        row.definition,
        row.version,
        row.based_on,
        number,
        followed,
        row.changed_at,
        row.changed_by,
        row.changed_by_id,
        own,
    )


@use_case
def change(
    db: Db,
    actor: Actor,
    name: str,
    shown: int,
    gestures: Sequence[Gesture],
    label: str | None = None,
    only_for: str | None = None,
    informed: Sequence[str] | None = None,
) -> int:
    """Play gestures on the draft of a circuit, begun where there is none; the version that it has then.

    `shown`: the version of the draft that the page showed; another one is refused (`draft-moved`, with who changed it).
    `label`: another name for the circuit; `only_for`: the key of the type that it is kept for, empty for none; `informed`: the
    desks that are told as soon as its folders leave. Refuses `circuit-typed` of a type that may not be, and what would take
    from the circuit something that the law has it do (`circuit-locked`): a draft may break it no more than what is in force
    does. Gestures that change nothing write nothing.
    """
    draft, row = _for_change(db, actor, name, shown)
    definition = draft.after(gestures)
    if label is not None:
        definition = {**definition, "label": label[:LONGEST_LABEL]}
    if informed is not None and list(informed) != list(definition.get("told") or ()):
        definition = {**_without(definition, "told"), **({"told": list(informed)} if informed else {})}
    if only_for is not None and only_for != str(definition.get("type") or ""):
        definition = {
            **_without(definition, "type"),
            **({"type": only_for[:LONGEST_KEY]} if only_for else {}),
        }
        if only_for and (draft.own is None or _family(db, draft, definition) is law_of_circuit(name)):
            raise Refusal("circuit-typed", type=only_for[:LONGEST_KEY])
    if definition == draft.definition:
        return draft.version
    _refuse_weaker(draft, definition)
    return _keep(db, actor, draft, row, definition)


@use_case
def take_in(db: Db, actor: Actor, name: str, shown: int, source: str) -> int:
    """Make a draft of a YAML text; the version that it has then.

    Refuses what `load_yaml` cannot read (`circuit-invalid`), `circuit-typed` of a default one that says a type, and
    `draft-moved`. What the law does not let it do is told
    in the draft, where it is mended.
    """
    draft, row = _for_change(db, actor, name, shown)
    circuit = load_yaml(source)
    if circuit.only_for and draft.own is None:
        raise Refusal("circuit-typed", type=circuit.only_for)
    return _keep(db, actor, draft, row, circuit.to_data())


@use_case
def give_up(db: Db, actor: Actor, name: str, shown: int) -> None:
    """Remove the draft: what is in force stays. Refuses `draft-moved`."""
    _, row = _for_change(db, actor, name, shown)
    if row is not None:
        _remove(db, name, actor)


@use_case
def publish_draft(db: Db, actor: Actor, name: str, shown: int, over: int, channels: Collection[str]) -> int:
    """Publish the draft as a new version, and return its number. Folders on their way keep theirs.

    `over`: the number of the version in force that the page compared it with; another one is refused (`circuit-moved`),
    since the difference that was read is no longer the one that is made. Refuses `identity-needed`,
    `publish-moved` and `publish-gone` of a
    draft that is not the one which the page showed, `circuit-unready` with all
    that `problems` tells (`channels` are those that exist here), `circuit-taken`, `circuit-twice` and `circuit-same`.
    """
    refuse_former(db, actor)
    draft, row = _for_change(db, actor, name, None)
    if shown != draft.version:
        raise unpublished(draft, actor)
    _refuse_moved(draft, over)
    circuit = _ready(db, actor, draft, draft.definition, channels)
    if circuit == draft.followed:
        raise Refusal("circuit-same")
    if row is not None:
        _remove(db, name, actor)
    return write_version(db, actor, name, circuit)


@use_case
def restore(db: Db, actor: Actor, name: str, number: int, over: int, channels: Collection[str]) -> int:
    """Publish the steps of a former version again, under a new number, which is returned.

    They are checked by the law, the desks and the channels of today (`circuit-unready`). A draft that is being written
    stays. Refuses `identity-needed` and `circuit-moved`
    as `publish_draft`, `circuit-unknown`, and `circuit-same` of what is in force.
    """
    refuse_former(db, actor)
    draft, _ = _for_change(db, actor, name, None)
    _refuse_moved(draft, over)
    query = sa.select(CircuitVersion.id).where(
        CircuitVersion.collectivity_id == actor.collectivity_id,
        CircuitVersion.family == name,
        CircuitVersion.number == number,
        CircuitVersion.number > 0,
    )
    version_id = db.scalar(query)
    if version_id is None:
        raise Refusal("circuit-unknown")
    former = circuit_of(db, version_id)
    circuit = _ready(db, actor, draft, former.to_data(), channels)
    if circuit == draft.followed:
        raise Refusal("circuit-same")
    return write_version(db, actor, name, circuit, again=number)


def _for_change(db: Db, actor: Actor, name: str, shown: int | None) -> tuple[Draft, CircuitDraft | None]:
    require(actor, Right.ADMINISTER)
    family, own = law_of_circuit(name), named_of(db, actor.collectivity_id, name, locked=True)
    row = _row(db, actor.collectivity_id, name, locked=True)
    draft = _read(db, family, name, own, row)
    if draft.closed:
        raise Refusal("circuit-closed", circuit=draft.title)
    if shown is not None and shown != draft.version:
        raise moved(draft, actor)
    return draft, row


def moved(draft: Changed, actor: Actor) -> Refusal:
    """Who changed the draft meanwhile, and when; or that it is no more, published or given up."""
    if draft.changed_at is None:
        return Refusal("draft-gone")
    own = _is_own(draft, actor)
    who, where = ("Vous avez", " dans une autre page") if own else (f"{draft.changed_by} a", "")
    return Refusal("draft-moved", who=who, where=where, at=heure(draft.changed_at))


def unpublished(draft: Changed, actor: Actor) -> Refusal:
    """The same on the page that publishes, where nothing is typed."""
    if draft.changed_at is None:
        return Refusal("publish-gone")
    own = _is_own(draft, actor)
    who, where = ("vous avez", " dans une autre page") if own else (f"{draft.changed_by} a", "")
    return Refusal("publish-moved", who=who, where=where, at=heure(draft.changed_at))


def _is_own(draft: Changed, actor: Actor) -> bool:
    return draft.changed_by_id is not None and draft.changed_by_id == actor.user_id


def _refuse_moved(draft: Draft, over: int) -> None:
    if draft.in_force != over:
        raise Refusal("circuit-moved", number=draft.in_force)


def _refuse_weaker(draft: Draft, definition: Mapping[str, Any]) -> None:
    """Refuse a definition that breaks something of the law that the one before did not."""
    before = duties(draft.family, sketch(draft.definition))
    broken = [
        fault
        for fault in faults_of(draft.family, sketch(definition))
        if fault.duty and fault.duty not in before
    ]
    if broken:
        raise Refusal("circuit-locked", details=" ".join(fault.sentence for fault in broken))


def _without(definition: Definition, name: str) -> Definition:
    return {key: value for key, value in definition.items() if key != name}


def _family(db: Db, draft: Draft, definition: Mapping[str, Any]) -> Family:
    key = str(definition.get("type") or "")
    return only_as(db, db.info["collectivity_id"], law_of_circuit(draft.name), key)


def _ready(
    db: Db, actor: Actor, draft: Draft, definition: Mapping[str, Any], channels: Collection[str]
) -> Circuit:
    circuit = ready(db, actor.collectivity_id, draft.name, definition, channels)
    refuse_taken(db, actor.collectivity_id, draft.name, circuit)
    return circuit


def _keep(db: Db, actor: Actor, draft: Draft, row: CircuitDraft | None, definition: Definition) -> int:
    if row is None:
        row = CircuitDraft(
            collectivity_id=actor.collectivity_id,
            family=draft.name,
            based_on=draft.in_force,
            version=0,
        )
        db.add(row)
    row.definition, row.version = definition, draft.version + 1
    row.changed_at, row.changed_by, row.changed_by_id = now(), actor.name, actor.user_id
    db.flush()  # of two who begin at the same moment, the second meets the draft of the first
    return row.version


def _remove(db: Db, name: str, actor: Actor) -> None:
    mine = sa.and_(CircuitDraft.collectivity_id == actor.collectivity_id, CircuitDraft.family == name)
    db.execute(sa.delete(CircuitDraft).where(mine).execution_options(synchronize_session=False))
