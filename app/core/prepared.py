"""Statements that are built once and run for ever: a server is sent them by its driver, which has read them already."""

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

import sqlalchemy as sa

CURSORS = "cursors"
"""In what a connection knows of itself: the cursor of each statement that it has run, which knows how to read its rows."""
MOST = 100
"""Of how many statements a connection keeps the cursor: as many as the driver has its server keep the plan of."""
Convert = Callable[[Any], Any]
_first = Lock()
"""Held by who compiles a statement first: one that SQLAlchemy compiles in two threads at once may be written wrong."""


class Prepared:
    """A statement with binds of one value each, and the plain rows that it gives.

    SQLAlchemy writes it once and sees to it no more, which costs as much as the answer of the server: a move asks five. All
    that is promised of a statement otherwise holds: it is run in the transaction of its connection, whoever listens to
    statements hears it, an error is told as SQLAlchemy tells it, and values are those that the types of the columns make. The
    rows are tuples, whose values have no names. SQLite, which is no server, is asked by SQLAlchemy.
    """

    def __init__(self, statement: Any) -> None:
        self.statement = statement
        self._writing: _Writing | None = None

    def rows(self, connection: sa.Connection, values: Mapping[str, Any]) -> Sequence[Any]:
        """The rows of the statement with these values; none of one that gives none."""
        writing = self._writing
        if writing is None or writing.dialect is not connection.dialect:
            with _first:
                writing = self._writing = _Writing(self.statement, connection.dialect)
        if connection.dialect.name == "postgresql":
            return writing.rows(self, connection, values)
        done = connection.execute(self.statement, values)
        return done.all() if done.returns_rows else ()


class _Writing:
    """A statement in the words of one server, and what is made of each value on its way there and back."""

    def __init__(self, statement: Any, dialect: sa.Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        if compiled.post_compile_params:
            raise ValueError("a bind of several values is written anew at each execution")
        self.dialect, self.sql = dialect, str(compiled)
        self.fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        self.sent = _each(
            (name, bind.type.dialect_impl(dialect).bind_processor(dialect))
            for name, bind in compiled.binds.items()
        )
        columns = getattr(statement, "selected_columns", ())
        self.read = _each(
            (place, column.type.dialect_impl(dialect).result_processor(dialect, None))
            for place, column in enumerate(columns)
        )

    def rows(self, key: Prepared, connection: sa.Connection, values: Mapping[str, Any]) -> Sequence[Any]:
        """As `Prepared.rows`."""
        sent = {**self.fixed, **values}
        for name, convert in self.sent:
            sent[name] = convert(sent[name])
        proxy = connection.connection
        cursors = proxy.info.setdefault(CURSORS, {})
        # Out of the hands of others while it is used, and after an error
        cursor = cursors.pop(key, None) or proxy.cursor()
        sql: Any = self.sql
        try:
            for hear in connection.dispatch.before_cursor_execute:
                sql, sent = hear(connection, cursor, sql, sent, None, False)
            self.dialect.do_execute(cursor, sql, sent)
            for hear in connection.dispatch.after_cursor_execute:
                hear(connection, cursor, sql, sent, None, False)
            rows: Sequence[Any] = cursor.fetchall() if cursor.description is not None else ()
        except BaseException as error:  # noqa: BLE001 - told as that of any other statement, which raises it again
            connection._handle_dbapi_exception(error, self.sql, sent, cursor, None)  # noqa: SLF001
        if len(cursors) >= MOST:  # what is written together has many shapes, and a connection lives for days
            cursors.clear()
        cursors[key] = cursor
        return [self._converted(row) for row in rows] if self.read else rows

    def _converted(self, row: Sequence[Any]) -> Sequence[Any]:
        whole = list(row)
        for place, convert in self.read:
            whole[place] = convert(whole[place])
        return whole


def _each(conversions: Any) -> tuple[tuple[Any, Convert], ...]:
    """What is converted at all: most values go as they are."""
    return tuple((key, convert) for key, convert in conversions if convert is not None)
