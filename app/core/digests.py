"""The columns by which rows name bytes of the store, whatever the slice: those that an index of all their rows finds."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

from app.core.db import Base, Db


@cache
def indexed() -> tuple[sa.Column[Any], ...]:
    """These columns, a slice to come included."""
    firsts = (
        next(iter(index.columns))
        for table in Base.metadata.sorted_tables
        for index in table.indexes
        if index.dialect_options["postgresql"]["where"] is None
    )
    return tuple(column for column in firsts if column.name.endswith("sha256"))


def named(db: Db, digests: Sequence[str]) -> frozenset[str]:
    """Those of these digests that one of these columns holds."""
    bound: Any = sa.bindparam("digests", digests, expanding=True)
    columns = [sa.select(column).where(column.in_(bound)) for column in indexed()]
    return frozenset(db.scalars(sa.union(*columns)))


def named_beside(db: Db, digest: str, table: str, number: int) -> bool:
    """Whether a row names these bytes, other than the one of this table that has this number."""
    columns = (
        sa.select(sa.literal(1)).where(
            column == digest, *([column.table.c.id != number] if column.table.name == table else [])
        )
        for column in indexed()
    )
    return db.execute(sa.union_all(*columns).limit(1)).first() is not None
