"""Rows of several tables written at one go: one statement where the database takes it, else one after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from app.core.db import Db

TOGETHER = 30
"""Rows in one statement at most; beyond, each table has its own."""

Shape = tuple[Any, tuple[str, ...], str]


@dataclass(frozen=True)
class Write:
    """Rows to add to a table, or the values of one that changes: the row whose column `where` is `value`.

    `numbers` asks for the `id` of each row added.
    """

    table: Any
    rows: Sequence[Mapping[str, Any]]
    where: str = ""
    value: Any = None
    numbers: bool = False

    def shape(self, row: Mapping[str, Any]) -> Shape:
        """What the statement of one row depends on: all but its values."""
        return (self.table, tuple(row), self.where)

    def binds(self, row: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        """The values of one row, under the names that its statement gives them."""
        found = {f"{prefix}_{name}": value for name, value in row.items()}
        return {**found, f"{prefix}_where": self.value} if self.where else found


def write(db: Db, writes: Sequence[Write]) -> list[int]:
    """Write all of them in order, in the caller's transaction; returns the numbers that were asked for.

    No write may read what another of them writes, nor touch a row that another touches.
    """
    rows = [(one, row) for one in writes for row in one.rows]
    if not rows:
        return []
    connection = db.connection()
    if connection.dialect.name != "postgresql" or len(rows) > TOGETHER:
        return [number for one in writes if one.rows for number in _alone(connection, one)]
    binds = {
        name: value for n, (one, row) in enumerate(rows) for name, value in one.binds(row, f"w{n}").items()
    }
    done = connection.execute(_together(tuple(one.shape(row) for one, row in rows)), binds)
    added = [one for one, _row in rows if not one.where]
    return [number for one, number in zip(added, done.scalars(), strict=True) if one.numbers] if added else []


def _alone(connection: sa.Connection, one: Write) -> list[int]:
    if one.where:
        connection.execute(_change(one.shape(one.rows[0]), "w"), one.binds(one.rows[0], "w"))
        return []
    done = connection.execute(_addition(one.table, one.numbers), [dict(row) for row in one.rows])
    return list(done.scalars()) if one.numbers else []


@lru_cache(maxsize=64)
def _addition(table: Any, numbers: bool) -> Any:
    return sa.insert(table).returning(table.c.id) if numbers else sa.insert(table)


@lru_cache(maxsize=64)
def _change(shape: Shape, prefix: str) -> Any:
    table, names, where = shape
    return (
        sa.update(table)
        .where(table.c[where] == sa.bindparam(f"{prefix}_where"))
        .values(_named(names, prefix))
    )


def _named(names: Sequence[str], prefix: str) -> dict[str, Any]:
    return {name: sa.bindparam(f"{prefix}_{name}") for name in names}


@lru_cache(maxsize=256)
def _together(shapes: tuple[Shape, ...]) -> Any:
    """The statement of these shapes, built once: each row is a term of a WITH.

    The last word reads every row added, which has the server add them in this order: it takes unread terms backwards.
    """
    changes = [_change(shape, f"w{n}") for n, shape in enumerate(shapes) if shape[2]]
    added = [
        _addition(table, numbers=True).values(_named(names, f"w{n}")).cte(f"w{n}")
        for n, (table, names, where) in enumerate(shapes)
        if not where
    ]
    *others, last = (
        changes if not added else [*changes, sa.union_all(*(sa.select(one.c.id) for one in added))]
    )
    return last.add_cte(*(one.cte(f"change{n}") for n, one in enumerate(others)))
