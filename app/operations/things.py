"""What lines of the journal are about, by its name of then: people, desks, circuits, types; and how one is looked for."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.circuits.library import catalogue, parted
from app.circuits.models import CircuitVersion, FolderType, FolderTypeVersion, NamedCircuit
from app.core.db import Db
from app.core.questions import Query, read_together
from app.core.texts import key_of
from app.journal.models import JournalEntry
from app.people.given import types_called
from app.people.models import Desk, FormerName, User
from workflows.rights import Rights

Rows = Sequence[tuple[JournalEntry, Mapping[str, Any]]]
RENAMED = "desk.changed"
ROUTED = "arrival.routing"


NUMBERS = ("whose", "user")
"""The facts that say about whom a line is by the number of an account."""


def numbers_in(facts: Mapping[str, Any]) -> set[int]:
    """The accounts that a line is about, by their numbers."""
    return {facts[name] for name in NUMBERS if isinstance(facts.get(name), int)}


@dataclass(frozen=True)
class Names:
    """The names of accounts by their number: those of today, and those of before, each until a moment, the oldest first."""

    present: Mapping[int, str]
    former: Mapping[int, Sequence[tuple[datetime, str]]]

    def at(self, number: int, moment: datetime) -> str:
        """How an account was called at a moment; nothing for one that is not known."""
        for until, name in self.former.get(number, ()):
            if moment < until:
                return name
        return self.present.get(number, "")


def every_name(db: Db, collectivity_id: int) -> Names:
    """The names of all the accounts, in one statement."""
    return _names(*read_together(db, *_people(collectivity_id)))


def _people(collectivity_id: int) -> tuple[Query, Query]:
    return (
        sa.select(User.id, User.first_name, User.last_name).where(User.collectivity_id == collectivity_id),
        sa.select(FormerName.user_id, FormerName.first_name, FormerName.last_name, FormerName.until).where(
            FormerName.collectivity_id == collectivity_id
        ),
    )


def _names(people: Iterable[Any], before: Iterable[Any]) -> Names:
    former: dict[int, list[tuple[datetime, str]]] = defaultdict(list)
    for row in before:
        former[row.user_id].append((row.until, f"{row.first_name} {row.last_name}"))
    present = {row.id: f"{row.first_name} {row.last_name}" for row in people}
    return Names(present, {number: sorted(names) for number, names in former.items()})


@dataclass(frozen=True)
class Things:
    """The names that lines are told with: of people, types, desks and versions of circuits.

    `former`: by the key of a desk, each name that it had until the line of this number, the oldest first.
    """

    people: Names
    called: Mapping[str, str]
    desks: Mapping[str, str]
    former: Mapping[str, Sequence[tuple[int, str]]]
    circuits: Mapping[tuple[str, int], str]

    def desk(self, key: str, seq: int) -> str:
        """How a desk was called when this line was written; its key where it has gone."""
        for until, name in self.former.get(key, ()):
            if seq <= until:
                return name
        return self.desks.get(key, key)

    def circuit(self, name: str, number: object) -> str:
        """« « Voirie courte », version 2, Facture »: a version of a circuit, or what it is for where none is said."""
        family = catalogue().get(parted(name)[0])
        label = self.circuits.get((name, number)) if isinstance(number, int) else None
        parts = [f"« {label} », version {number}" if label else "", family.label if family else name]
        return ", ".join(part for part in parts if part)


def things_of(db: Db, collectivity_id: int, rows: Rows) -> Things:
    """The names of what these lines are about; one statement, and one where rights are for types, if any needs it."""
    called = types_called(db, collectivity_id, *(rights for _, facts in rows for rights in _grants(facts)))
    desks = {str(facts["desk"]) for _, facts in rows if facts.get("desk")} | {
        str(key) for row, facts in rows if row.event == ROUTED for key in _sorting(facts)
    }
    circuits = {str(facts["family"]) for _, facts in rows if facts.get("family") and facts.get("number")}
    numbers = {number for _, facts in rows for number in numbers_in(facts)}
    if not desks and not circuits and not numbers:
        return Things(Names({}, {}), called, {}, {}, {})
    first = min(row.seq for row, _ in rows)
    people, before = _people(collectivity_id)
    present, former, named, renamed, versions = read_together(
        db,
        people.where(User.id.in_(numbers)),
        before.where(FormerName.user_id.in_(numbers)),
        sa.select(Desk.key, Desk.name).where(Desk.collectivity_id == collectivity_id, Desk.key.in_(desks)),
        _renamed(collectivity_id).where(JournalEntry.seq >= first),
        _versions(collectivity_id).where(CircuitVersion.family.in_(circuits)),
    )
    return Things(
        _names(present, former),
        called,
        {row.key: row.name for row in named},
        _former(renamed),
        {(row.family, row.number): row.label for row in versions},
    )


def _sorting(facts: Mapping[str, Any]) -> Iterator[str]:
    """The keys of the sorting desks of arrivals, now and before."""
    for name in ("is", "was"):
        if key := ((facts.get(name) or {}).get("otherwise") or {}).get("desk"):
            yield key


def _grants(facts: Mapping[str, Any]) -> Iterator[Rights]:
    """The rights that a line tells, as far as this version reads them."""
    for name in ("rights", "was"):
        if isinstance(grants := facts.get(name), list):
            try:
                yield Rights.read(grants)
            except ValueError:
                continue


def _renamed(collectivity_id: int) -> Query:
    return sa.select(JournalEntry.seq, JournalEntry.facts).where(
        JournalEntry.collectivity_id == collectivity_id,
        sa.text("folder_id IS NULL"),
        JournalEntry.event == RENAMED,
    )


def _versions(collectivity_id: int) -> Query:
    return sa.select(CircuitVersion.family, CircuitVersion.number, CircuitVersion.label).where(
        CircuitVersion.collectivity_id == collectivity_id, CircuitVersion.number > 0
    )


def _former(renamed: Iterable[Any]) -> dict[str, list[tuple[int, str]]]:
    former: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for row in sorted(renamed, key=lambda row: row.seq):
        facts = json.loads(row.facts)
        if isinstance(change := facts.get("called"), dict):
            former[str(facts.get("desk"))].append((row.seq, str(change.get("was"))))
    return former


@dataclass(frozen=True)
class Alike:
    """What is called as was typed, today or before: names as lines tell them; keys of desks, circuits, families and types."""

    names: frozenset[str]
    desks: frozenset[str]
    circuits: frozenset[str]
    types: frozenset[str]


def called_alike(db: Db, collectivity_id: int, typed: str) -> Alike:
    """The desks, circuits, families and types whose name, of today or of before, has these words; one statement."""
    words = key_of(typed)
    desks, renamed, versions, opened, types = read_together(
        db,
        sa.select(Desk.key, Desk.name).where(Desk.collectivity_id == collectivity_id),
        _renamed(collectivity_id),
        _versions(collectivity_id),
        sa.select(NamedCircuit.family, NamedCircuit.key, NamedCircuit.label).where(
            NamedCircuit.collectivity_id == collectivity_id
        ),
        sa.select(FolderType.key, sa.cast(FolderTypeVersion.definition, sa.Text).label("definition"))
        .join(FolderTypeVersion, FolderTypeVersion.type_id == FolderType.id)
        .where(FolderType.collectivity_id == collectivity_id),
    )
    places = {(row.key, row.name) for row in desks}
    places |= {(key, name) for key, names in _former(renamed).items() for _, name in names}
    laws = {name for name, law in catalogue().items() if words in key_of(law.label)}
    circuits = {(row.family, row.label) for row in versions}
    circuits |= {(f"{row.family}.{row.key}", row.label) for row in opened}
    kinds = {(row.key, str(json.loads(row.definition).get("label"))) for row in types}
    every = places | circuits | kinds
    return Alike(
        frozenset(name for _, name in every if words in key_of(name)),
        frozenset(key for key, name in places if words in key_of(name)),
        frozenset(name for name, label in circuits if words in key_of(label) or parted(name)[0] in laws)
        | laws,
        frozenset(key for key, label in kinds if words in key_of(label)) | laws,
    )
