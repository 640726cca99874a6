"""The tables of rules in force: which circuit a folder of a type takes, and who names a circuit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.circuits.models import RuleTableVersion
from app.circuits.set_up import RULE_DRAFTS, RULES
from app.core.db import Db
from app.core.questions import answered, ask, once
from app.core.refusals import Refusal
from app.people.places import Places, places
from workflows.condition import read
from workflows.emitting import Path
from workflows.rule_table import Row, Table


@dataclass(frozen=True)
class InForce:
    """The last version of a table of rules: `kind` is the family, or the key of the type, that it is for."""

    id: int
    kind: str
    number: int
    table: Table


def table_of(data: Any) -> Table:
    """The table that a version says; refuses `rules-unready` of what could not be published."""
    faults: list[str] = []
    rows = []
    for row in data["rows"]:
        when = read(row["when"], faults.append)
        if when is not None:
            rows.append(Row(row["key"], when, row["circuit"]))
    if faults:
        raise Refusal("rules-unready", details=" ".join(faults))
    return Table(tuple(rows), data["otherwise"])


def in_force(db: Db, collectivity_id: int, *kinds: str) -> InForce | None:
    """The table of the first of these kinds that has one: of a type, else of its family; None where neither has."""
    if answered(db, RULES, collectivity_id):
        known = every(db, collectivity_id)
        return next((known[kind] for kind in kinds if kind in known), None)
    query = (
        sa.select(RuleTableVersion)
        .where(RuleTableVersion.collectivity_id == collectivity_id, RuleTableVersion.kind.in_(kinds))
        .order_by(RuleTableVersion.number.desc())
    )
    rows = once(db, ("rules", collectivity_id, kinds), lambda: list(db.scalars(query)))
    row = next((version for kind in kinds for version in rows if version.kind == kind), None)
    return _read(row) if row is not None else None


def every(db: Db, collectivity_id: int) -> dict[str, InForce]:
    """The tables in force of a collectivity, by kind; one statement."""
    return {row.kind: _read(row) for (row,) in ask(db, RULES, collectivity_id)}


def _read(row: RuleTableVersion) -> InForce:
    return InForce(row.id, row.kind, row.number, table_of(row.definition))


class Paths(Mapping[int, Path]):
    """The branch of each desk, itself first, by its number; each is followed when it is asked."""

    def __init__(self, desks: Places) -> None:
        self._desks = desks

    def __getitem__(self, number: int) -> Path:
        return (
            self._desks[number].key,
            *(self._desks[superior].key for superior in self._desks.above(number)),
        )

    def __iter__(self) -> Iterator[int]:
        return iter(self._desks)

    def __len__(self) -> int:
        return len(self._desks)


def paths(db: Db, collectivity_id: int) -> Paths:
    """The branches of the desks of a collectivity; one statement."""
    return Paths(places(db, collectivity_id))


@dataclass(frozen=True)
class Naming:
    """A table that names a circuit: its kind, the ranks from 1 of the rows that do (0: of all other cases), `drafted`."""

    kind: str
    ranks: tuple[int, ...]
    drafted: bool


def naming(db: Db, collectivity_id: int) -> dict[str, list[Naming]]:
    """The tables that name each circuit, by its name, those in force before those that are being written; two statements."""
    drafts = ask(db, RULE_DRAFTS, collectivity_id)
    written = [(rules.kind, rules.table.to_data(), False) for rules in every(db, collectivity_id).values()]
    written += [(row.kind, row.definition, True) for (row,) in drafts]
    namings: dict[str, list[Naming]] = {}
    for kind, data, drafted in written:
        ranks: dict[str, list[int]] = {}
        for rank, row in enumerate(data["rows"], start=1):
            ranks.setdefault(row["circuit"], []).append(rank)
        ranks.setdefault(data["otherwise"], []).append(0)
        for name, mine in ranks.items():
            namings.setdefault(name, []).append(Naming(kind, tuple(mine), drafted))
    return namings
