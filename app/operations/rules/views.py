"""What an administrator reads of the rules of a type: each row in words, who hides it, how many folders it would have taken."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.circuits import rules, tables
from app.circuits.checking import Problem, rows_of
from app.circuits.difference import rules_difference
from app.circuits.library import circuit_of, current
from app.circuits.models import FolderType, FolderTypeVersion
from app.circuits.rules import Kind, RulesDraft, Takeable
from app.circuits.tables import Paths, table_of
from app.core.db import Db
from app.core.french import spaces
from app.core.grammar import plural
from app.folders.access import readable_by
from app.folders.models import Folder
from app.folders.readings import disputed
from app.operations.circuits.views import Row as ConditionRow
from app.operations.circuits.views import Wording, condition_row, saved
from app.people.actor import Actor
from workflows.condition import AllOf, AnyOf
from workflows.drawing import condition_text
from workflows.emitting import deposited
from workflows.rule_table import Reach, Table, choose, reach

LATELY = 1_000
"""So many of the last folders of a collectivity are looked through for those of one type."""


@dataclass(frozen=True)
class Line:
    """A type in the list: how many rules it has, its version (0: none of its own), and whose rules its folders follow."""

    name: str
    label: str
    family: str
    rows: int
    number: int
    follows: str
    draft: str


def listing(db: Db, collectivity_id: int) -> list[Line]:
    """The families, then the types of the collectivity, each with its rules."""
    published, drafts = rules.in_force(db, collectivity_id), rules.drafts(db, collectivity_id)
    lines = []
    for kind in rules.kinds(db, collectivity_id):
        own, of_family = published.get(kind.name), published.get(kind.law.name)
        follows = ""
        if own is None:
            follows = f"Celles de « {kind.law.label} »" if kind.typed and of_family else "Circuit habituel"
        lines.append(
            Line(
                kind.name,
                kind.label,
                kind.law.label if kind.typed else "",
                len(own.table.rows) if own else 0,
                own.number if own else 0,
                follows,
                saved(drafts.get(kind.name)),
            )
        )
    return lines


@dataclass(frozen=True)
class Card:
    """A row: its conditions in words, one by one, whether all or one of them, its circuit, what is wrong, who reaches it."""

    key: str
    rank: int
    conditions: Sequence[str]
    any: bool
    circuit: str
    taken: str
    problems: Sequence[Problem]
    unreached: str = ""
    unjudged: str = ""


def cards(
    draft: RulesDraft,
    definition: Mapping[str, Any],
    table: Table,
    wording: Wording,
    ways: Takeable,
    obstacles: Sequence[Problem],
    counts: Mapping[int, int],
    desks: Paths,
) -> list[Card]:
    """Every row of what is written, in order."""
    fields = {field.key: field for field in draft.kind.family.fields}
    branches = list(desks.values()) if table.rows else []
    shown = []
    for rank, (row, data) in enumerate(zip(table.rows, definition["rows"], strict=True)):
        mine = [obstacle for obstacle in obstacles if obstacle.step == row.key]
        parts = row.when.parts if isinstance(row.when, AllOf | AnyOf) else (row.when,)
        texts = [condition_text(part, wording.names, wording.money) for part in parts if part.fields]
        reached = reach(table, rank, fields, branches) if not mine else Reach()
        shown.append(
            Card(
                row.key,
                rank,
                [spaces(text) for text in texts],
                isinstance(row.when, AnyOf),
                ways.labels.get(data["circuit"], "Circuit à choisir"),
                "" if mine else plural(counts.get(rank, 0), "dossier"),
                mine,
                _unreached(reached),
                "" if reached.judged else "Qu’elle soit atteinte ou non ne peut pas être jugé.",
            )
        )
    return shown


def _unreached(reached: Reach) -> str:
    if not reached.never:
        return ""
    if not reached.hidden_by:
        return "Jamais atteinte : ses conditions se contredisent."
    ranks = [str(rank + 1) for rank in reached.hidden_by]
    if len(ranks) == 1:
        return f"Jamais atteinte : la règle {ranks[0]} prend déjà tous ces dossiers. Montez-la au-dessus, ou retirez-la."
    named = f"{', '.join(ranks[:-1])} et {ranks[-1]}"
    return f"Jamais atteinte : les règles {named} prennent déjà tous ces dossiers. Montez-la au-dessus, ou retirez-la."


@dataclass(frozen=True)
class Open:
    """The row that is open: what its form holds."""

    key: str
    rank: int
    circuit: str
    rows: Sequence[ConditionRow]
    word: str
    wrong: Mapping[str, str]


def opened(
    db: Db, kind: Kind, definition: Mapping[str, Any], key: str, obstacles: Sequence[Problem]
) -> Open | None:
    """The form of one row; None when it is not there."""
    rank = next((n for n, row in enumerate(definition["rows"]) if row["key"] == key), None)
    if rank is None:
        return None
    data = definition["rows"][rank]
    written = rows_of(data["when"]) or ("all", [])
    return Open(
        key,
        rank,
        data["circuit"],
        [condition_row(db, kind.family, test) for test in written[1]],
        written[0],
        {obstacle.field: obstacle.sentence for obstacle in reversed(obstacles) if obstacle.step == key},
    )


@dataclass(frozen=True)
class Counted:
    """How many of the last folders of a type each row would have taken, by rank; the other cases come after the last."""

    total: int
    by_rank: Mapping[int, int]


def counted(db: Db, actor: Actor, kind: Kind, table: Table) -> Counted:
    """The last folders that were sent, as this table would have chosen with the circuits of today.

    Of those that the actor reads: a count by amounts of his choice would tell him the amounts of the others.
    """
    collectivity_id = actor.collectivity_id
    # The facts of the others are not read
    sent = sa.and_(Folder.family == kind.law.name, Folder.submitted_at.is_not(None))
    query = (
        sa.select(
            sa.case((sent, Folder.fields)),
            sa.case((sent, Folder.sources)),
            Folder.emitter_desk_id,
            FolderType.key,
        )
        .outerjoin(FolderTypeVersion, FolderTypeVersion.id == Folder.type_version_id)
        .outerjoin(FolderType, FolderType.id == FolderTypeVersion.type_id)
        .where(Folder.collectivity_id == collectivity_id, readable_by(actor))
        .order_by(Folder.id.desc())
        .limit(LATELY)
    )
    own = rules.in_force(db, collectivity_id)
    desks = tables.paths(db, collectivity_id)
    circuits = {}
    for name in table.circuits:
        version = current(db, collectivity_id, name) if name else None
        circuits[name] = circuit_of(db, version.id) if version else kind.law.circuit
    ranks: Counter[int] = Counter()
    for fields, sources, desk, key in db.execute(query):
        if fields is None or not (key == kind.name if kind.typed else key not in own):
            continue
        facts = disputed(fields, sources)
        choice = choose(
            table,
            deposited(facts, desks.get(desk, ())),
            circuits.__getitem__,
        )
        ranks[choice.rank] += 1
    return Counted(ranks.total(), ranks)


def changes(draft: RulesDraft, wording: Wording, ways: Takeable) -> list[str]:
    """What the draft changes of the rules in force, in words."""
    sentences = rules_difference(draft.followed, draft.table, wording.names, wording.money, ways.labels)
    return [spaces(sentence) for sentence in sentences]


@dataclass(frozen=True)
class VersionView:
    """A version: its number, when and by whom, what it changed in words; no folder keeps one (`following`)."""

    number: int
    at: datetime
    who: str
    changes: Sequence[str]
    in_force: bool
    following: int = 0


def history(db: Db, collectivity_id: int, kind: Kind, wording: Wording, ways: Takeable) -> list[VersionView]:
    """Every version, the last first, each with what it changed of the one before it."""
    rows = rules.versions(db, collectivity_id, kind.name)
    every = [*(table_of(row.definition) for row in rows), Table((), kind.law.name)]
    return [
        VersionView(
            row.number,
            row.published_at,
            row.published_by,
            [
                spaces(sentence)
                for sentence in rules_difference(
                    every[rank + 1], every[rank], wording.names, wording.money, ways.labels
                )
            ],
            rank == 0,
        )
        for rank, row in enumerate(rows)
    ]
