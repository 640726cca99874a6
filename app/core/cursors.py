"""The cursor of a connection to PostgreSQL: it describes the columns of a result only to whoever looks at them."""

from collections.abc import Iterator, Sequence
from typing import Any, overload

from psycopg import Column, Cursor, _queries

# A move writes all its rows by one statement of sixty values. Longer ones than these are read anew at each execution, since
# they are as a rule made once and never again: ours are made once, and executed for ever.
_queries.MAX_CACHED_STATEMENT_LENGTH = 65_536
_queries.MAX_CACHED_STATEMENT_PARAMS = 200


class Columns(Sequence[Column]):
    """The columns of the result that a cursor has now, each made once somebody looks.

    SQLAlchemy knows those of a statement that it has run before, and asks only whether there are any: of a wide row, to
    describe its columns again costs more than to read it.
    """

    def __init__(self, cursor: Cursor[Any], count: int) -> None:
        self._cursor, self._count = cursor, count
        self._made: list[Column] | None = None

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> Column: ...
    @overload
    def __getitem__(self, place: slice) -> list[Column]: ...
    def __getitem__(self, place: int | slice) -> Column | list[Column]:
        return self._columns()[place]

    def __iter__(self) -> Iterator[Column]:
        return iter(self._columns())

    def _columns(self) -> list[Column]:
        if self._made is None:
            self._made = [Column(self._cursor, place) for place in range(self._count)]
        return self._made


class PlainCursor(Cursor[Any]):
    """A cursor that costs no more than what is asked of it."""

    @property
    def description(self) -> Any:
        """The columns of the present result; None where it has none, as of a plain INSERT."""
        result = self.pgresult
        return Columns(self, result.nfields) if result is not None and result.nfields else None
