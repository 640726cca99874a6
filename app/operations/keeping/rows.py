"""Every row of a base as lines of JSON that either database reads back, and the count and digest by which both agree.

The tables are read from the base itself, not from the models: a copy is still read by a later version, at the schema that it
was made with.
"""

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from app.core.db import UTCDateTime
from app.core.refusals import Refusal

BATCH = 500
_OURS_NOT = ("huey", "alembic_version", "sqlite_", "doctor_", "fts_")
_JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
# The order counts: a date with a time is not a date, a truth value is not a number.
_KINDS: tuple[tuple[str, type[Any], Any], ...] = (
    ("json", sa.JSON, _JSON),
    ("moment", sa.DateTime, UTCDateTime()),
    ("date", sa.Date, sa.Date()),
    ("bytes", sa.LargeBinary, sa.LargeBinary()),
    ("bool", sa.Boolean, sa.Boolean()),
    ("int", sa.Integer, sa.BigInteger()),
    ("real", sa.Float, sa.Double()),
    ("text", sa.String, sa.Text()),
)
_TYPES = {kind: written for kind, _, written in _KINDS}


@dataclass(frozen=True)
class Form:
    """A table as it is carried: its columns with the kind of each, and what its lines are read in the order of."""

    name: str
    columns: tuple[tuple[str, str], ...]
    order: tuple[str, ...]

    def table(self) -> Any:
        """The table, to read or to write through."""
        return sa.table(self.name, *(sa.column(name, _TYPES[kind]) for name, kind in self.columns))


class Tally:
    """How many lines a table has, and a digest of them all that does not depend on their order.

    The two databases do not sort texts alike; the digest is the sum of those of the lines.
    """

    def __init__(self) -> None:
        self.rows, self._sum = 0, 0

    def add(self, line: str) -> None:
        """Count one line."""
        self.rows += 1
        self._sum += int.from_bytes(hashlib.sha256(line.encode()).digest())

    def as_facts(self) -> dict[str, Any]:
        """The number of lines, and the digest in hexadecimal."""
        return {"rows": self.rows, "digest": f"{self._sum % (1 << 256):064x}"}


def forms(connection: sa.Connection) -> list[Form]:
    """Every table of the installation, by name; those of the queue, of the migrations and of the doctor are not carried.

    What the doctor found is of the machine where it looked.
    """
    look = sa.inspect(connection)
    names = [name for name in look.get_table_names() if not name.startswith(_OURS_NOT)]
    if not names:
        return []
    columns = look.get_multi_columns(filter_names=names)
    keys = look.get_multi_pk_constraint(filter_names=names)
    return sorted(
        (
            Form(
                place[1],
                tuple((column["name"], _kind(place[1], column)) for column in listed),
                tuple(keys[place]["constrained_columns"]),
            )
            for place, listed in columns.items()
        ),
        key=lambda form: form.name,
    )


def _kind(table: str, column: Any) -> str:
    for kind, known, _ in _KINDS:
        if isinstance(column["type"], known):
            return kind
    raise TypeError(f"{table}.{column['name']} has a type that no copy carries: {column['type']!r}")


def lines(connection: sa.Connection, form: Form) -> Iterator[str]:
    """The rows of a table, each as the JSON list of its values; read as they come, whatever their number."""
    table = form.table()
    columns = [
        sa.cast(table.c[name], sa.Text).label(name) if kind == "json" else table.c[name]
        for name, kind in form.columns
    ]
    query = sa.select(*columns).order_by(*(table.c[name] for name in form.order))
    kinds = [kind for _, kind in form.columns]
    with connection.execute(query.execution_options(yield_per=1000)) as cursor:
        for row in cursor:
            values = [_plain(kind, value) for kind, value in zip(kinds, row, strict=True)]
            yield json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _plain(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "json":
        return [json.loads(value)]  # in a list: an absent value is not a JSON null
    if kind == "moment":
        return value.astimezone(UTC).isoformat()
    if kind == "date":
        return value.isoformat()
    return b64encode(value).decode() if kind == "bytes" else value


def _read(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "json":
        return sa.JSON.NULL if value[0] is None else value[0]
    if kind == "moment":
        return datetime.fromisoformat(value)
    if kind == "date":
        return date.fromisoformat(value)
    return b64decode(value) if kind == "bytes" else value


def unlike(some: Iterable[Form], others: Iterable[Form]) -> str:
    """The names of the tables that are not the same on both sides."""
    return ", ".join(sorted({column.name for column in {*some} ^ {*others}}))


def load(connection: sa.Connection, form: Form, texts: Iterable[str]) -> None:
    """Write these lines into the table of this form; refuses `copy-unfit` when the base cannot hold one of them."""
    insert, batch = sa.insert(form.table()), []
    names, kinds = zip(*form.columns, strict=True)
    for text in texts:
        values = [_read(kind, value) for kind, value in zip(kinds, json.loads(text), strict=True)]
        batch.append(dict(zip(names, values, strict=True)))
        if len(batch) == BATCH:
            _insert(connection, insert, batch, form.name)
            batch = []
    if batch:
        _insert(connection, insert, batch, form.name)


def _insert(connection: sa.Connection, insert: Any, batch: list[dict[str, Any]], table: str) -> None:
    try:
        connection.execute(insert, batch)
    except sa.exc.DataError as error:
        why = (str(error.orig).splitlines() or ["?"])[0]
        raise Refusal("copy-unfit", table=table, why=why) from error


def tallies(connection: sa.Connection) -> dict[str, dict[str, Any]]:
    """The count and the digest of every table, read from the base."""
    counted = {}
    for form in forms(connection):
        tally = Tally()
        for line in lines(connection, form):
            tally.add(line)
        counted[form.name] = tally.as_facts()
    return counted


def same(wanted: Mapping[str, Any], actual: Mapping[str, Any]) -> None:
    """Refuse `copy-differs`, naming the tables, when a base does not say what the other said."""
    wrong = sorted(name for name in {*wanted, *actual} if wanted.get(name) != actual.get(name))
    if wrong:
        raise Refusal("copy-differs", tables=", ".join(wrong))


def filled(connection: sa.Connection) -> list[str]:
    """The tables that have rows."""
    return [
        form.name
        for form in forms(connection)
        if connection.execute(sa.select(sa.literal(1)).select_from(form.table()).limit(1)).first()
    ]


@contextmanager
def loose(connection: sa.Connection) -> Iterator[None]:
    """Let rows come in any order: what one names may come after it; all of it is checked when the block ends.

    Refuses `copy-dangling` when a row names another that is not there.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        yield
        if wrong := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(3):
            raise Refusal("copy-dangling", tables=", ".join(sorted({str(row[0]) for row in wrong})))
        return
    ties = connection.execute(
        sa.text(
            "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE contype = 'f' AND connamespace = current_schema()::regnamespace ORDER BY 1, 2"
        )
    ).all()
    for table, name, _ in ties:
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    yield
    for table, name, definition in ties:
        try:
            connection.exec_driver_sql(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
        except sa.exc.IntegrityError as error:
            raise Refusal("copy-dangling", tables=table) from error


def next_numbers(connection: sa.Connection) -> dict[str, int]:
    """The last number that each table has given, where the base remembers it: one that was removed is not given again."""
    if connection.dialect.name == "sqlite":
        return {}
    return {
        name: int(connection.exec_driver_sql(f"SELECT last_value FROM {sequence}").scalar_one())
        for name, sequence in _sequences(connection)
    }


def set_numbers(connection: sa.Connection, numbers: Mapping[str, int]) -> None:
    """Let each table go on after its largest number, and after the last that it had given."""
    if connection.dialect.name == "sqlite":
        return  # it goes on after the largest by itself
    for name, sequence in _sequences(connection):
        connection.execute(
            sa.text(
                f'SELECT setval(:sequence, GREATEST((SELECT max(id) FROM "{name}"), :given, 1), '  # names of ours
                f'(SELECT max(id) FROM "{name}") IS NOT NULL OR :given > 1)'
            ),
            {"sequence": sequence, "given": numbers.get(name, 0)},
        )


def _sequences(connection: sa.Connection) -> Sequence[tuple[str, str]]:
    numbered = [form.name for form in forms(connection) if "id" in form.order]
    sequences = (
        (
            name,
            connection.execute(
                sa.text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": name}
            ).scalar(),
        )
        for name in numbered
    )
    return [(name, sequence) for name, sequence in sequences if sequence]
