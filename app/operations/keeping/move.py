"""From SQLite to PostgreSQL: every row into an empty base, read again and compared, the source as it was.

The file is taken alone for the time of the move: whoever still serves from it would write what is left behind.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import db as bases
from app.core import schema
from app.core.clock import now
from app.core.db import Db
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.journal import anchors
from app.journal.chain import Event, append
from app.operations.keeping import rows
from app.operations.keeping.restore import BY, Chain, chains, collectivities, empty_base


@dataclass(frozen=True)
class Moved:
    """What went over: rows of how many tables, what each journal says of itself there, and whether its head is the same."""

    tables: int
    rows: int
    chains: list[Chain]
    heads_fault: str | None

    @property
    def sound(self) -> bool:
        """Whether every chain holds; one that was altered before is still so."""
        return not self.heads_fault and not any(chain.fault for chain in self.chains)


def move(source: str, target: str) -> Moved:
    """Carry the base at `source` to the empty one at `target`; the process then works on the target.

    Refuses `move-not-sqlite`, `move-target` (not PostgreSQL, or silent), `schema-behind`, `base-in-use`,
    `move-target-filled`, `copy-unfit` (a text that PostgreSQL cannot hold) and `copy-differs`. Whatever is refused leaves
    the target without a row.
    """
    if not source.startswith("sqlite"):
        raise Refusal("move-not-sqlite")
    if not target.startswith("postgresql"):
        raise Refusal("move-target", why="ce n’est pas une adresse postgresql://")
    revision, wanted = schema.revisions()
    if revision != wanted:
        raise Refusal("schema-behind", found=revision or "vide", wanted=wanted)
    with bases.alone(source) as connection:
        bases.configure(target)
        try:
            empty_base(wanted, "move-target-filled")
        except sa.exc.OperationalError as error:
            raise Refusal("move-target", why=str(error.orig).splitlines()[0]) from error
        schema.upgrade()
        heads = list(anchors.heads(Session(connection), now()))
        counted = _fill(connection)
    verified, fault = chains(heads)
    _say_moved()
    return Moved(len(counted), sum(table["rows"] for table in counted.values()), verified, fault)


@use_case
def _fill(db: Db, source: sa.Connection) -> Mapping[str, Any]:
    """All rows in one transaction, compared with those of the source before it stands."""
    connection, forms = db.connection(), rows.forms(source)
    if forms != rows.forms(connection):
        raise Refusal("copy-differs", tables=rows.unlike(forms, rows.forms(connection)))
    with rows.loose(connection):
        for form in forms:
            rows.load(connection, form, rows.lines(source, form))
    rows.set_numbers(connection, {})
    counted = rows.tallies(source)
    rows.same(counted, rows.tallies(connection))
    return counted


@use_case
def _say_moved(db: Db) -> None:
    for number in list(collectivities(db)):
        append(
            db, number, Event("collectivity.moved", BY, None, None, {"from": "sqlite", "to": "postgresql"})
        )
