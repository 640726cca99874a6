"""What the rooms of a page ask: many questions in one statement, and the same question once."""

from collections import namedtuple
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from threading import Lock
from types import SimpleNamespace
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core.db import OURS_ALREADY, Db, UTCDateTime

OF: Any = sa.bindparam("of", type_=sa.Integer())
"""What a question is about, by its number: the folder of a page."""
ANSWERS = "answers"
"""Where a session keeps what was answered in it: one that only reads, for the time of a page."""
T = TypeVar("T")
Query = sa.Select[*tuple[Any, ...]]
"""A query of columns."""
Asked = tuple[sa.Select[Any], Mapping[str, Any]]
"""A query that is built once, of rows of tables or of columns, and the values of its binds."""
Rows = Sequence[Any]
SHARED = frozenset({sa.Integer, sa.String, sa.Boolean, UTCDateTime})
"""Types whose columns are read alike, whatever they were declared with."""


@dataclass(frozen=True, eq=False)
class Question:
    """Rows of a table, `what[0]`, that a condition on `OF` finds by an index, with those that `joins` sets beside them.

    They are few: they are all read, and whoever asks takes his. `order` sorts them.
    """

    what: tuple[Any, ...]
    where: sa.ColumnElement[bool]
    joins: tuple[tuple[Any, sa.ColumnElement[bool]], ...] = ()
    order: Callable[[Any], Any] = lambda row: row[0].id


def ask(db: Db, question: Question, number: int) -> Sequence[Any]:
    """The rows of a question about a number, in their order: as the page has read them already, else read now."""
    known = db.info.get(ANSWERS, {}).get((question, number))
    if known is not None:
        return known  # type: ignore[no-any-return]
    rows = sorted(db.execute(_alone(question), {"of": number}), key=question.order)
    keep(db, (question, number), rows)
    return rows


def answered(db: Db, question: Question, number: int) -> bool:
    """Whether the page that is being made has read the rows of a question about a number: a part of them costs nothing."""
    return kept(db, (question, number)) is not None


def ask_together(db: Db, questions: Sequence[Question], number: int) -> None:
    """Ask all of these about a number by one statement, and keep the answers as long as the session, which only reads."""
    answers = db.info.setdefault(ANSWERS, {})
    rows_by_rank: list[list[Any]] = [[] for _ in questions]
    widths = [len(question.what) for question in questions]
    starts = [1 + sum(widths[:rank]) for rank in range(len(questions))]
    for row in db.execute(_together(tuple(questions)), {"of": number}):
        start = starts[row[0]]
        if row[start] is not None:
            rows_by_rank[row[0]].append(row[start : start + widths[row[0]]])
    for question, rows in zip(questions, rows_by_rank, strict=True):
        answers[question, number] = sorted(rows, key=question.order)


@lru_cache(maxsize=256)
def _named(columns: tuple[str, ...]) -> Any:
    return namedtuple("Part", columns, rename=True)  # noqa: PYI024 (the names are those of a query)


def read_together(db: Db, *queries: Query) -> list[list[Any]]:
    """The rows of queries that have nothing in common, read by one statement: of each its own columns by name, in no order.

    For counts and columns, as `ask_together` is for rows of tables. Each query names its collectivity itself.
    """
    parts = [query.subquery(f"part{rank}") for rank, query in enumerate(queries)]
    types, taken = _laid_out(parts)
    together = sa.union_all(
        *(
            sa.select(
                sa.literal_column(str(rank)),
                *(
                    (mine[place] if place in mine else sa.cast(sa.null(), kind)).label(f"c{place}")
                    for place, kind in enumerate(types)
                ),
            )
            for rank, mine in enumerate(
                dict(zip(places, part.c, strict=True)) for places, part in zip(taken, parts, strict=True)
            )
        )
    )
    rows_by_rank: list[list[Any]] = [[] for _ in parts]
    shapes = [_named(tuple(part.c.keys())) for part in parts]
    picks = [_picking(places) for places in taken]
    for row in db.execute(together).all():
        rank = row[0]
        rows_by_rank[rank].append(shapes[rank](*picks[rank](row)))
    return rows_by_rank


def read_beside(db: Db, *parts: Asked) -> list[Rows]:
    """The rows of each of these queries, in no order, read by one statement that is written once for the process.

    As `read_together`, for queries that are built once, whose rows may be those of tables: the objects of the session, or of
    an alias a plain object with its values. A bind of one name has one value for all, what is asked twice is read once, and
    each query names its collectivity itself.
    """
    queries = tuple(dict.fromkeys(query for query, _ in parts))
    binds: dict[str, Any] = {}
    for _, values in parts:
        for name, value in values.items():
            if binds.setdefault(name, value) != value:
                raise ValueError(f"two values for {name}")
    if not queries:
        return []
    with _building:
        statement, takers = _beside(queries)
    rows_by_rank: list[list[Any]] = [[] for _ in queries]
    for row in db.execute(statement, binds):
        rows_by_rank[row[0]].append(takers[row[0]](row))
    ranks = {query: rank for rank, query in enumerate(queries)}
    return [rows_by_rank[ranks[query]] for query, _ in parts]


_building = Lock()
"""One thread at a time builds a statement; the others wait for the whole of it."""


@lru_cache(maxsize=128)
def _beside(queries: tuple[sa.Select[Any], ...]) -> tuple[sa.Select[Any], Sequence[Callable[[Any], Any]]]:
    """The statement of all of these queries, and what takes of its rows the values of each.

    A table that several of them read has its columns once.
    """
    parts = [query.subquery(f"part{rank}") for rank, query in enumerate(queries)]
    columns: list[Any] = []
    tables: dict[Any, tuple[int, ...]] = {}
    cells: list[dict[int, Any]] = []
    shapes: list[list[tuple[str, Any]]] = []
    for query, part in zip(queries, parts, strict=True):
        left, mine, free = iter(part.c), dict[int, Any](), _scalars(columns, tables)
        shapes.append([])
        for described in query.column_descriptions:
            entity = described["expr"] if described.get("entity") is described["expr"] else None
            if entity is not None and sa.inspect(entity).is_aliased_class:
                keys = tuple(sa.select(entity).selected_columns.keys())
                apart = {
                    len(columns) + n: sa.type_coerce(next(left), each.type)
                    for n, each in enumerate(_columns(entity))
                }
                columns += apart.values()
                mine |= apart
                shapes[-1].append((described["name"], (keys, tuple(apart))))
                continue
            if entity is not None and entity not in tables:
                tables[entity] = tuple(range(len(columns), len(columns) + len(_columns(entity))))
                columns += _columns(entity)
            if entity is not None:
                mine |= {place: next(left) for place in tables[entity]}
                shapes[-1].append((described["name"], entity))
                continue
            # Of another nature than the column of a table, so that no object is made of it
            column: Any = sa.type_coerce(next(left), described["type"])
            place = next((n for n in free if _alike(columns[n].type, column.type)), len(columns))
            if place == len(columns):
                columns.append(column)
            else:
                free.remove(place)
            mine[place] = column
            shapes[-1].append((described["name"], place))
        cells.append(mine)
    together = sa.union_all(
        *(
            sa.select(
                sa.literal_column(str(rank)).label("rank"),
                *(
                    (mine[place] if place in mine else sa.cast(sa.null(), column.type)).label(f"c{place}")
                    for place, column in enumerate(columns)
                ),
            )
            for rank, mine in enumerate(cells)
        )
    ).subquery("together")
    rows = {entity: aliased(entity, together) for entity in tables}
    scalars = _scalars(columns, tables)
    statement = sa.select(
        together.c.rank, *rows.values(), *(together.c[f"c{place}"] for place in scalars)
    ).execution_options(**{OURS_ALREADY: True})
    # SQLAlchemy fills the index of a subquery's columns when a statement is first compiled, under no lock: a thread that meets
    # it half filled writes another statement, wrong, which the engine then keeps for all
    statement.compile()
    order: dict[Any, int] = {key: n for n, key in enumerate([*tables, *scalars], start=1)}
    return statement, [
        _taking(tuple(name for name, _ in shape), tuple(_value(order, key) for _, key in shape))
        for shape in shapes
    ]


def _columns(entity: Any) -> list[Any]:
    return list(sa.select(entity).selected_columns)


def _value(order: Mapping[Any, int], key: Any) -> Callable[[Any], Any]:
    """What takes of a row a column, the object of a table, or what an alias gives: the plain object of its values."""
    if not isinstance(key, tuple):
        return itemgetter(order[key])
    names, places = key[0], [order[place] for place in key[1]]

    def plain(row: Any) -> SimpleNamespace | None:
        if row[places[0]] is None:
            return None
        return SimpleNamespace(**{name: row[place] for name, place in zip(names, places, strict=True)})

    return plain


def _scalars(columns: Sequence[Any], tables: Mapping[Any, tuple[int, ...]]) -> list[int]:
    """The places of the columns that are those of no table."""
    taken = {place for places in tables.values() for place in places}
    return [place for place in range(len(columns)) if place not in taken]


def _alike(column: Any, other: Any) -> bool:
    return type(column) is type(other) and type(column) in SHARED


def _taking(names: tuple[str, ...], values: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    shape = _named(names)
    return lambda row: shape(*(value(row) for value in values))


HELD = "held"


def hold(db: Db, rows: Any) -> None:
    """Keep these objects in hand as long as the session: whoever asks it for one by its number asks the base nothing."""
    db.info.setdefault(HELD, []).append(rows)


def put_in_hand(db: Db, entity: type[T], values: Mapping[str, Any]) -> T:
    """Hold the object of a row that a statement of columns has read, as one that was loaded; its number finds it (`get`).

    Half the price of having it loaded. One that the session has already stays as it is; a column that is not among the values
    is read where somebody looks at it.
    """
    key = db.identity_key(entity, values["id"])
    row = db.identity_map.get(key)
    if row is None:
        row = sa.inspect(entity).class_manager.new_instance()
        row.__dict__.update(values)
        # As SQLAlchemy does with a row that it has read; by `add` it would look for what hangs on it, at five times the price
        state = sa.inspect(row)
        state.key, state.session_id = key, db.hash_key
        state.expired_attributes.update(_unread(state.mapper, tuple(values)))
        db.identity_map.add(state)
    hold(db, row)
    return row  # type: ignore[no-any-return]


@lru_cache(maxsize=64)
def _unread(mapper: Any, names: tuple[str, ...]) -> frozenset[str]:
    """The columns that are not among the names; none of one that is read where somebody looks at it anyway."""
    columns = {column.key for column in mapper.column_attrs if not column.deferred}
    return frozenset(columns.difference(names))


def as_asked(question: Question, number: int) -> Asked:
    """A question about a number, to be asked beside others (`read_beside`)."""
    return _alone(question), {"of": number}


def answer(db: Db, question: Question, number: int, rows: Rows) -> None:
    """Keep the rows of a question that was asked beside others, for whoever asks it (`ask`)."""
    keep(db, (question, number), sorted(rows, key=question.order))


def answer_each(
    db: Db, question: Question, numbers: Collection[int], rows: Rows, of: Callable[[Any], int]
) -> None:
    """Keep the rows of a question that was asked of several beside others: to each of these numbers its own, by `of`."""
    rows_by_number: dict[int, list[Any]] = {number: [] for number in numbers}
    for row in rows:
        rows_by_number[of(row)].append(row)
    for number, own in rows_by_number.items():
        answer(db, question, number, own)


def _laid_out(parts: Sequence[sa.Subquery]) -> tuple[list[Any], list[tuple[int, ...]]]:
    """The types of the columns of a union, and which of them each part fills: those of different parts share what they can.

    A row is then no wider than it must: there may be 500.
    """
    types: list[Any] = []
    taken = []
    for part in parts:
        free = list(range(len(types)))
        places = []
        for column in part.c:
            kind = type(column.type)
            place = next((n for n in free if kind in SHARED and type(types[n]) is kind), len(types))
            if place == len(types):
                types.append(column.type)
            else:
                free.remove(place)
            places.append(place)
        taken.append(tuple(places))
    return types, taken


@lru_cache(maxsize=256)
def _picking(places: tuple[int, ...]) -> Callable[[Any], Any]:
    """What takes of a row the columns at these places, after that of its rank."""
    if len(places) == 1:
        return lambda row: (row[places[0] + 1],)
    return itemgetter(*(place + 1 for place in places))


def gather(db: Db) -> None:
    """Keep from now on what `once` finds, as long as this session, which only reads: a page is being made of it."""
    db.info.setdefault(ANSWERS, {})


@contextmanager
def gathering(db: Db) -> Iterator[None]:
    """Keep what `once` finds within the block, of a session that writes: where several rooms ask, and nothing is written."""
    if gathered(db):
        yield
        return
    gather(db)
    try:
        yield
    finally:
        del db.info[ANSWERS]


def gathered(db: Db) -> bool:
    """Whether this session keeps what it reads: a page is being made of it."""
    return ANSWERS in db.info


def keep(db: Db, key: Hashable, answer: object) -> None:
    """Keep an answer under this key for the rooms of the page that is being made; of no use elsewhere, and not kept."""
    if gathered(db):
        db.info[ANSWERS][key] = answer


def kept(db: Db, key: Hashable) -> Any:
    """What the page has kept under this key, or None."""
    return db.info.get(ANSWERS, {}).get(key)


def once(db: Db, key: Hashable, find: Callable[[], T]) -> T:
    """What `find` finds, asked once while a page is made, by as many rooms as ask it under this key."""
    if not gathered(db):
        return find()
    answers = db.info[ANSWERS]
    if key not in answers:
        answers[key] = find()
    return answers[key]  # type: ignore[no-any-return]


@lru_cache(maxsize=256)
def _alone(question: Question) -> sa.Select[Any]:
    query = sa.select(*question.what).select_from(question.what[0])
    for table, condition in question.joins:
        query = query.outerjoin(table, condition)
    # Moves write past the ORM: what a session holds of a row may be older than the row
    return query.where(question.where).execution_options(populate_existing=True)


@lru_cache(maxsize=64)
def _together(questions: tuple[Question, ...]) -> sa.Select[Any]:
    """Each question beside the others, on rows of its own: a row answers that of its rank, and is empty for the others."""
    ranks: Any = sa.union_all(
        *(sa.select(sa.literal_column(str(n)).label("rank")) for n in range(len(questions)))
    )
    rank = ranks.subquery("asked").c.rank
    query = sa.select(rank, *(column for question in questions for column in question.what))
    query = query.select_from(rank.table)
    for n, question in enumerate(questions):
        mine = rank == sa.literal_column(str(n))
        query = query.outerjoin(question.what[0], sa.and_(mine, question.where))
        for table, condition in question.joins:
            query = query.outerjoin(table, sa.and_(mine, condition))
    return query
