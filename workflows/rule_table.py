"""Which circuit a folder takes: rows in order, the first that holds; and what is proven of a row that no folder reaches."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from workflows.circuit import Circuit, Facts
from workflows.condition import Condition, Test, read, tests_of, versions
from workflows.covering import MOST, trials
from workflows.emitting import BRANCH, EMITTER, Path
from workflows.fields import Field
from workflows.joining import maximal

MAX_ROWS = 40
_OTHER = "\uffff"
"""A value that no circuit names: what every other text has in common."""
_SAMPLES: Mapping[str, object] = {"amount": "0.00", "integer": 0, "date": "2026-01-01"}


@dataclass(frozen=True, slots=True)
class Row:
    """The folders with these facts take this circuit; `key` stays when the row moves."""

    key: str
    when: Condition
    circuit: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in order, and the circuit of all other cases: no folder is without one."""

    rows: tuple[Row, ...]
    otherwise: str

    @property
    def circuits(self) -> tuple[str, ...]:
        """The names of the circuits that it may give, each once, in the order of the rows."""
        return tuple(dict.fromkeys((*(row.circuit for row in self.rows), self.otherwise)))

    @property
    def fields(self) -> frozenset[str]:
        """The keys of the facts that its rows read."""
        return frozenset().union(*(row.when.fields for row in self.rows))

    def circuit(self, rank: int) -> str:
        """The circuit of the row of this rank, from 0; of the other cases after the last."""
        return self.rows[rank].circuit if rank < len(self.rows) else self.otherwise

    def first(self, facts: Facts) -> int:
        """The rank of the first row that holds; that of the other cases where none does."""
        return next((rank for rank, row in enumerate(self.rows) if row.when.holds(facts)), len(self.rows))

    def to_data(self) -> dict[str, Any]:
        """As JSON keeps it."""
        rows = [{"key": row.key, "when": row.when.to_data(), "circuit": row.circuit} for row in self.rows]
        return {"rows": rows, "otherwise": self.otherwise}


@dataclass(frozen=True, slots=True)
class Choice:
    """The row that is taken, from 0, and its circuit; `against`, those that other values in dispute would have taken.

    `joint`: the circuits that the folder follows together, where none of those that are disputed contains the others; the row
    is then that of the first.
    """

    rank: int
    circuit: str
    against: tuple[int, ...] = ()
    joint: tuple[str, ...] = ()


def sketched(data: Mapping[str, Any]) -> Table:
    """What can be read of a table that is being written, each row that has no condition yet as one that never holds."""
    rows = tuple(
        Row(
            row["key"],
            read(row["when"], lambda _fault: None) or NEVER if row.get("when") else NEVER,
            row["circuit"],
        )
        for row in data["rows"]
    )
    return Table(rows, data["otherwise"])


class _Never(Condition):
    """The condition of a row that has none yet."""

    __slots__ = ()

    def holds(self, facts: Facts) -> bool:
        """Never."""
        del facts
        return False

    @property
    def fields(self) -> frozenset[str]:
        """None."""
        return frozenset()

    def to_data(self) -> dict[str, object]:
        """Nothing that is kept."""
        return {}


NEVER = _Never()


def choose(table: Table, facts: Facts, circuit_of: Callable[[str], Circuit]) -> Choice:
    """The row that a folder with these facts takes.

    Facts that a file and a person tell otherwise are tried in every combination, as conditions of steps are. Where they give
    several circuits, the one that contains the others (`joining.contains`) is taken, the first row of two that contain one
    another. Where none does, all that no other contains are followed together: no count says which of two is the lighter.
    """
    tried = versions(facts, table.fields)
    ranks = (
        range(len(table.rows) + 1) if tried is None else sorted({table.first(version) for version in tried})
    )
    if len({table.circuit(rank) for rank in ranks}) == 1:
        rank = table.first(facts)
        return Choice(rank, table.circuit(rank))
    first = {table.circuit(rank): rank for rank in sorted(ranks, reverse=True)}
    names = sorted(first, key=first.__getitem__)
    heaviest = [names[rank] for rank in maximal([circuit_of(name) for name in names], facts)]
    taken = first[heaviest[0]]
    against = tuple(rank for rank in ranks if table.circuit(rank) != heaviest[0])
    return Choice(taken, heaviest[0], against, tuple(heaviest) if len(heaviest) > 1 else ())


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether a row may be the first to hold: `never`, because those of `hidden_by` (ranks from 0) take all its folders.

    Without any of them, its own conditions exclude each other. `judged` is false where nothing could be proven.
    """

    never: bool = False
    hidden_by: tuple[int, ...] = ()
    judged: bool = True


def reach(table: Table, rank: int, fields: Mapping[str, Field], paths: Sequence[Path]) -> Reach:
    """What is proven of a row, by trying each value that makes a difference (`covering.trials`).

    `paths`: the desks that are there. A desk that is not yet, under each of them or under none, is tried too, so that what is
    never reached stays so when one is opened.
    """
    row = table.rows[rank]
    if (alone := _firsts([row], fields, paths)) is None:
        return Reach(judged=False)
    if 0 not in alone:
        return Reach(never=True)
    for earlier in range(rank):
        if not _looked(row.when) & _looked(table.rows[earlier].when):
            continue  # what looks at other facts hides a row only with others
        firsts = _firsts([table.rows[earlier], row], fields, paths)
        if firsts is not None and 1 not in firsts:
            return Reach(never=True, hidden_by=(earlier,))
    firsts = _firsts([*table.rows[:rank], row], fields, paths, holding=row.when)
    if firsts is None:
        return Reach(judged=False)
    return Reach() if rank in firsts else Reach(never=True, hidden_by=tuple(sorted(firsts)))


def _looked(condition: Condition) -> frozenset[str]:
    """The facts that a condition reads, the branch of a desk as the desk."""
    return frozenset(EMITTER if key == BRANCH else key for key in condition.fields)


def _firsts(
    rows: Sequence[Row], fields: Mapping[str, Field], paths: Sequence[Path], holding: Condition | None = None
) -> set[int] | None:
    """The ranks of the rows that are the first to hold in some case (in which `holding` holds too); None when unproven."""
    last = holding or rows[-1].when
    cases = _cases([row.when for row in rows], fields, paths)
    if cases is None:
        return None
    ranks = set()
    for facts in cases:
        if last.holds(facts):
            ranks.add(next(rank for rank, row in enumerate(rows) if row.when.holds(facts)))
    return ranks


def _cases(
    conditions: Sequence[Condition], fields: Mapping[str, Field], paths: Sequence[Path]
) -> Iterator[Facts] | None:
    compared: dict[str, list[Test]] = {}
    for test in (test for condition in conditions for test in tests_of(condition)):
        compared.setdefault(test.field, []).append(test)
    by_desk = [test for key in (EMITTER, BRANCH) for test in compared.pop(key, ())]
    offered: list[list[Mapping[str, object]]] = []
    for key, tests in compared.items():
        values = _values(fields.get(key), tests)
        if not values:
            return None
        offered.append([{key: value} for value in values])
    if by_desk:
        new = [(_OTHER,), *((_OTHER, *path) for path in paths)]
        offered.append([{EMITTER: path[0], BRANCH: path} for path in (*paths, *new)])
    if prod(map(len, offered)) > MOST:
        return None
    return ({key: value for part in case for key, value in part.items()} for case in product(*offered))


def _values(field: Field | None, tests: Sequence[Test]) -> list[object]:
    """The values that make every difference for these comparisons; none where that cannot be said."""
    if field is None:
        return []
    missing: list[object] = [] if field.required_from == "submit" else [None]
    named = [
        value
        for test in tests
        for value in (test.value if isinstance(test.value, tuple) else (test.value,))
        if value is not None
    ]
    if field.choices or (named and field.type in _SAMPLES):
        return trials(field, tests)
    if field.type in _SAMPLES:
        return [*missing, _SAMPLES[field.type]]
    # A text: each that is named, each beginning that is named with something after it, and any other
    begun = [f"{test.value}{_OTHER}" for test in tests if test.op == "starts_with"]
    return [*missing, *dict.fromkeys([*map(str, named), *begun, _OTHER])]
