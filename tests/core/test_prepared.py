"""A statement that the driver is sent alone gives and promises what any other does, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import reduce
from threading import Barrier

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.core.db import Write, engine, reading, write, writing
from app.core.outbox import Outbox
from app.core.prepared import CURSORS, MOST, Prepared
from app.people.models import Collectivity
from tests.builders.house import House
from tests.core.test_questions import AT_ONCE, impatient  # noqa: F401

HERE = Collectivity.__table__
POSTED = Outbox.__table__
MOMENT = datetime(2026, 12, 1, 23, 59, 58, 123456, tzinfo=UTC)
COLUMNS = sa.select(
    *POSTED.c["key", "payload", "folder_id", "attempts", "available_at", "done_at"], sa.literal(7).label("n")
).where(
    POSTED.c.key == sa.bindparam("key"),
    POSTED.c.available_at == sa.bindparam("at", type_=POSTED.c.available_at.type),
)


def row(here: int, key: str) -> dict[str, object]:
    payload = {"é": [1, None, "« ’ »"], "100 %": True}
    return {
        "collectivity_id": here,
        "kind": "mail",
        "key": key,
        "payload": payload,
        "folder_id": None,
        "available_at": MOMENT,
        "created_at": MOMENT,
    }


def test_its_rows_are_those_that_sqlalchemy_reads(house: House) -> None:
    with writing() as db, db.begin():
        here = db.scalars(sa.select(HERE.c.id)).one()
        write(db, [Write(POSTED, [row(here, "50 %")])])
        mine = {"key": "50 %", "at": MOMENT}
        expected = [tuple(one) for one in db.connection().execute(COLUMNS, mine)]
        statement = Prepared(COLUMNS)
        for _ in range(8):  # beyond the fifth a server has it prepared
            assert [tuple(one) for one in statement.rows(db.connection(), mine)] == expected
        assert expected[0][-1] == 7
        assert expected[0][1] == row(here, "")["payload"]
        assert expected[0][4] == MOMENT
        assert expected[0][4].tzinfo is UTC
        assert list(statement.rows(db.connection(), {"key": "none", "at": MOMENT})) == []


def test_whoever_listens_to_statements_hears_it(house: House) -> None:
    heard = []

    def note(_connection, _cursor, statement: str, parameters, *_rest) -> None:
        if "outbox" in statement:
            heard.append((statement, parameters))

    for moment in ("before_cursor_execute", "after_cursor_execute"):
        sa.event.listen(engine(), moment, note)
    try:
        with reading() as db:
            Prepared(COLUMNS).rows(db.connection(), {"key": "none", "at": MOMENT})
    finally:
        for moment in ("before_cursor_execute", "after_cursor_execute"):
            sa.event.remove(engine(), moment, note)
    assert len(heard) == 2
    assert all("available_at" in statement and "none" in str(parameters) for statement, parameters in heard)


def test_what_the_database_refuses_is_told_as_of_any_other_and_it_serves_again(house: House) -> None:
    one = Prepared(sa.select(sa.literal_column("1") / sa.bindparam("by", type_=sa.Integer())))
    with writing() as db, db.begin():
        here = db.scalars(sa.select(HERE.c.id)).one()
        twice = [row(here, "twice"), row(here, "twice")]
        with pytest.raises(IntegrityError), db.begin_nested():
            write(db, [Write(POSTED, twice)])
        write(db, [Write(POSTED, [row(here, "twice")])])
        assert db.scalar(sa.select(sa.func.count()).select_from(POSTED).where(POSTED.c.key == "twice")) == 1
        if engine().dialect.name == "postgresql":
            with pytest.raises(DBAPIError, match="division"), db.begin_nested():
                one.rows(db.connection(), {"by": 0})
        assert [tuple(each) for each in one.rows(db.connection(), {"by": 1})] == [(1,)]


def test_a_connection_that_is_lost_is_told_so_and_none_of_its_cursors_serves(house: House) -> None:
    if engine().dialect.name != "postgresql":
        return  # SQLite loses none
    one = Prepared(sa.select(sa.literal_column("1")))
    with writing() as db:
        one.rows(db.connection(), {})
        connection = db.connection().connection
        former = connection.info[CURSORS][one]
        pid = connection.dbapi_connection.info.backend_pid
        with engine().connect() as other:
            other.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        with pytest.raises(DBAPIError) as lost:
            one.rows(db.connection(), {})
        assert lost.value.connection_invalidated
    with writing() as db:
        assert [tuple(each) for each in one.rows(db.connection(), {})] == [(1,)]
        assert db.connection().connection.info[CURSORS][one] is not former


def test_a_connection_keeps_so_many_cursors_and_no_more(house: House) -> None:
    if engine().dialect.name != "postgresql":
        return
    statements = [Prepared(sa.select(sa.literal_column(str(n)))) for n in range(2 * MOST + 3)]
    with reading() as db:
        for number, statement in enumerate(statements):
            assert [tuple(each) for each in statement.rows(db.connection(), {})] == [(number,)]
            assert len(db.connection().connection.info[CURSORS]) <= MOST
        assert [tuple(each) for each in statements[0].rows(db.connection(), {})] == [(0,)]


def test_a_bind_of_several_values_is_refused_where_it_would_be_written_once(house: House) -> None:
    several = Prepared(sa.select(HERE.c.id).where(HERE.c.id.in_(sa.bindparam("numbers", expanding=True))))
    with reading() as db, pytest.raises(ValueError, match="several"):
        several.rows(db.connection(), {"numbers": [1, 2]})


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("time", range(3))
def test_threads_that_run_it_first_at_once_read_the_same(house: House, time: int) -> None:
    inner = [sa.select(*HERE.c["id", "name", "siren"]).subquery(f"inner{n}") for n in range(5)]
    first, *others = inner
    joined = reduce(lambda left, part: left.join(part, part.c.id == first.c.id), others, first)
    one = Prepared(sa.select(*(column for part in inner for column in part.c)).select_from(joined))
    start = Barrier(AT_ONCE)

    def read() -> list[tuple[object, ...]]:
        start.wait()
        with reading() as db:
            return [tuple(each) for each in one.rows(db.connection(), {})]

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = [threads.submit(read) for _ in range(AT_ONCE)]
    assert len({tuple(answer.result()) for answer in answers}) == 1


def test_changes_alone_give_no_row(house: House) -> None:
    with writing() as db, db.begin():
        here = db.scalars(sa.select(HERE.c.id)).one()
        assert write(db, [Write(HERE, [{"name": "Kerlann"}], where="id", value=here)]) == []
        assert db.scalar(sa.select(HERE.c.name)) == "Kerlann"
